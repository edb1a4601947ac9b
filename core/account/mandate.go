package account

import (
	"slices"

	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
)

// mandatesKept bounds the keys of mandates that are kept: a conversation that has seen none of them
// lets this account's devices in no more.
const mandatesKept = 64

// Mandate returns the newest mandate of the account, as far as this device knows.
func (k *Keys) Mandate() caps.Mandate {
	if n := len(k.later); n > 0 {
		return caps.Mandate{Gen: k.gen, Key: k.later[n-1].Public()}
	}
	return caps.Mandate{Key: k.Person()}
}

// WithMandates returns the keys with the seeds of the mandates after the first, the newest last,
// which is of generation gen. ErrDamaged: they are none.
func (k *Keys) WithMandates(gen uint32, seeds [][]byte) (*Keys, error) {
	x := &Keys{account: k.account, device: k.device, gen: gen}
	if len(seeds) > mandatesKept || uint64(gen) < uint64(len(seeds)) || (gen == 0) != (len(seeds) == 0) {
		return nil, ErrDamaged
	}
	for _, b := range seeds {
		s, err := caps.SignerFromSeed(b)
		if err != nil {
			return nil, ErrDamaged
		}
		x.later = append(x.later, s)
	}
	return x, nil
}

// NextMandate adds a seed to those of the mandates.
func NextMandate(seeds [][]byte, seed []byte) [][]byte {
	return append(slices.Clone(seeds[max(0, len(seeds)-mandatesKept+1):]), seed)
}

// mandated is the credential under the newest mandate, with the word of cur's key.
func (k *Keys) mandated(device plane.PublicKey, cur caps.Mandate) []byte {
	x := caps.Mandated{Account: k.Person(), Device: device, Mandate: k.Mandate()}
	m := caps.MandateMessage(x.Account, x.Mandate)
	x.By = k.account.Sign(m)
	newest := k.later[len(k.later)-1]
	x.Cert = newest.Sign(x.DeviceMessage())
	for i, s := range k.later[:len(k.later)-1] {
		if s.Public() == cur.Key || i == len(k.later)-2 && x.Link == (plane.Signature{}) {
			x.Link = s.Sign(m)
		}
	}
	return x.Bytes()
}

// certified reports whether a credential holds for the device that it names, of that account.
func certified(identity []byte, who plane.PublicKey) bool {
	var key []byte
	if x, ok := caps.ParseMandated(identity); ok {
		key = x.Device[:]
	} else {
		var c credential
		if !decode(identity, &c) {
			return false
		}
		key = c.Device[:]
	}
	p, err := Identify(identity, key)
	return err == nil && p == who
}
