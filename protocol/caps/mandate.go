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

// MandatedBytes is the length of an encoded Mandated.
const MandatedBytes = 1 + 32 + 32 + 4 + 32 + 3*64

// Mandated is what a device under a later mandate than the first says of itself.
type Mandated struct {
	Account, Device plane.PublicKey
	Mandate         Mandate
	Cert            plane.Signature // of the mandate's key, over the device
	By              plane.Signature // of the account key, over the mandate
	Link            plane.Signature // of the key of an earlier mandate, over this one; or nothing
}

// MandateMessage is what the account key, and the key of an earlier mandate, sign of a mandate.
func MandateMessage(account plane.PublicKey, m Mandate) []byte {
	return mandate(prefixMandate, account, m)
}

func mandate(prefix string, account plane.PublicKey, m Mandate) []byte {
	b := append([]byte(prefix), account[:]...)
	b = binary.BigEndian.AppendUint32(b, m.Gen)
	return append(b, m.Key[:]...)
}

// DeviceMessage is what a mandate's key signs of a device.
func (x *Mandated) DeviceMessage() []byte {
	return append(mandate(prefixMandated, x.Account, x.Mandate), x.Device[:]...)
}

// Bytes encodes it.
func (x *Mandated) Bytes() []byte {
	b := append([]byte{mandatedVersion}, x.Account[:]...)
	b = append(b, x.Device[:]...)
	b = binary.BigEndian.AppendUint32(b, x.Mandate.Gen)
	b = append(b, x.Mandate.Key[:]...)
	b = append(b, x.Cert[:]...)
	b = append(b, x.By[:]...)
	return append(b, x.Link[:]...)
}

// ParseMandated is the inverse of Bytes. It believes nothing: see Verify.
func ParseMandated(b []byte) (x Mandated, ok bool) {
	if len(b) != MandatedBytes || b[0] != mandatedVersion {
		return x, false
	}
	b = b[1:]
	next := func(to []byte) { b = b[copy(to, b):] }
	next(x.Account[:])
	next(x.Device[:])
	x.Mandate.Gen, b = binary.BigEndian.Uint32(b), b[4:]
	next(x.Mandate.Key[:])
	next(x.Cert[:])
	next(x.By[:])
	next(x.Link[:])
	return x, x.Mandate.Gen > 0
}

// Verify reports whether the account stands behind the mandate, and the mandate behind the device.
// Whether it is the newest is another matter: see Follows.
func (x *Mandated) Verify() bool {
	return x.Mandate.Gen > 0 && Verify(x.Account, MandateMessage(x.Account, x.Mandate), x.By) &&
		Verify(x.Mandate.Key, x.DeviceMessage(), x.Cert)
}

// Follows reports whether a device that was verified may come where cur is the newest mandate of
// its account: it is under that one, or under a later one that cur's key has signed. The account key
// alone, which every device keeps that was ever there, is enough for the first only.
func (x *Mandated) Follows(cur Mandate) bool {
	if x.Mandate.Gen <= cur.Gen {
		return x.Mandate == cur
	}
	return cur.Gen == 0 || Verify(cur.Key, MandateMessage(x.Account, x.Mandate), x.Link)
}

// MandateOf returns the mandate that a credential names: the first where it names none.
func MandateOf(identity []byte, account plane.PublicKey) Mandate {
	if x, ok := ParseMandated(identity); ok {
		return x.Mandate
	}
	return Mandate{Key: account}
}

// Follows is that of whatever credential of an account.
func Follows(identity []byte, account plane.PublicKey, cur Mandate) bool {
	if x, ok := ParseMandated(identity); ok {
		return x.Follows(cur)
	}
	return cur == Mandate{Key: account}
}
