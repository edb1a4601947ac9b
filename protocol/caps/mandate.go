package caps

import (
	"encoding/binary"

	"paperplane/protocol/plane"
)

// Mandate names the key that an account's devices are certified by at a time. That of generation 0
// is the account key itself; each device that is signed out ends one, for it has the key, and the
// next begins (D-30).
type Mandate struct {
	Gen uint32
	Key plane.PublicKey
}

const (
	prefixMandate   = "pp mandate v1"
	prefixMandated  = "pp mandated device v1"
	mandatedVersion = 2 // a credential of generation 0 begins otherwise
)

// Mandated is the credential of a device under a later mandate than the first: version ‖ account ‖
// device ‖ generation ‖ mandate's key ‖ its signature over the device ‖ the account key's over the
// mandate ‖ that of an earlier mandate's key over this one. It stays in this form, for arrays of
// bytes that are handed about are large code in the browser.
type Mandated []byte

// MandatedBytes is the length of a Mandated.
const MandatedBytes = mandatedLink + 64

// Where the parts begin.
const (
	mandatedAccount = 1
	mandatedDevice  = mandatedAccount + 32
	mandatedGen     = mandatedDevice + 32
	mandatedKey     = mandatedGen + 4
	mandatedCert    = mandatedKey + 32
	mandatedBy      = mandatedCert + 64
	mandatedLink    = mandatedBy + 64
)

// NewMandated makes the credential of a device under newest, of generation gen. earlier is the key of
// the mandate that those know who are to follow.
func NewMandated(account, newest, earlier *Signer, gen uint32, device []byte) Mandated {
	a, k := account.Public(), newest.Public()
	x := append(Mandated{mandatedVersion}, a[:]...)
	x = append(x, device...)
	x = binary.BigEndian.AppendUint32(x, gen)
	x = append(x, k[:]...)
	for _, s := range [3]*Signer{newest, account, earlier} {
		m := x.Message()
		if len(x) == mandatedCert {
			m = x.deviceMessage()
		}
		sig := s.Sign(m)
		x = append(x, sig[:]...)
	}
	return x
}

// Message is what the account key, and the key of an earlier mandate, sign of the mandate.
func (x Mandated) Message() []byte {
	b := append([]byte(prefixMandate), x[mandatedAccount:mandatedDevice]...)
	return append(b, x[mandatedGen:mandatedCert]...)
}

// deviceMessage is what the mandate's key signs of the device.
func (x Mandated) deviceMessage() []byte {
	return append([]byte(prefixMandated), x[mandatedAccount:mandatedCert]...)
}

// ParseMandated returns a credential that is of this form, nil for another. It believes nothing: see
// Verify.
func ParseMandated(b []byte) Mandated {
	if x := Mandated(b); len(b) == MandatedBytes && b[0] == mandatedVersion && x.gen() > 0 {
		return x
	}
	return nil
}

func (x Mandated) gen() uint32 { return binary.BigEndian.Uint32(x[mandatedGen:]) }

// Account, Device and Mandate are what it says.
func (x Mandated) Account() plane.PublicKey {
	return plane.PublicKey(x[mandatedAccount:mandatedDevice])
}

// Device returns the signature key of the device.
func (x Mandated) Device() []byte { return x[mandatedDevice:mandatedGen] }

// Mandate returns the mandate that the device is under.
func (x Mandated) Mandate() Mandate {
	return Mandate{Gen: x.gen(), Key: plane.PublicKey(x[mandatedKey:mandatedCert])}
}

func signed(key, m, sig []byte) bool {
	return Verify(plane.PublicKey(key), m, plane.Signature(sig))
}

// Verify reports whether the account stands behind the mandate, and the mandate behind the device.
// Whether it is the newest is another matter: see Follows.
func (x Mandated) Verify() bool {
	return signed(x[mandatedAccount:mandatedDevice], x.Message(), x[mandatedBy:mandatedLink]) &&
		signed(x[mandatedKey:mandatedCert], x.deviceMessage(), x[mandatedCert:mandatedBy])
}

// MandateOf returns the mandate that a credential names: the first where it names none.
func MandateOf(identity []byte, account plane.PublicKey) Mandate {
	if x := ParseMandated(identity); x != nil {
		return x.Mandate()
	}
	return Mandate{Key: account}
}

// Follows reports whether a device whose credential was verified may come where cur is the newest
// mandate of its account: it is under that one, or under a later one that cur's key has signed. The
// account key alone, which every device keeps that was ever there, is enough for the first only.
func Follows(identity []byte, account plane.PublicKey, cur Mandate) bool {
	x := ParseMandated(identity)
	if x == nil || x.gen() <= cur.Gen {
		return MandateOf(identity, account) == cur
	}
	return cur.Gen == 0 || signed(cur.Key[:], x.Message(), x[mandatedLink:])
}
