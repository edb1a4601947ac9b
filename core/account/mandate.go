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

// mandated is the credential under the newest mandate, with the word of cur's key, or of that of the
// mandate before.
func (k *Keys) mandated(cur caps.Mandate) []byte {
	n := len(k.later) - 1
	earlier := k.later[max(0, n-1)]
	for _, s := range k.later {
		if s.Public() == cur.Key {
			earlier = s
		}
	}
	return caps.NewMandated(k.account, k.later[n], earlier, k.gen, k.device.Public())
}

// certified reports whether a credential holds for the device that it names, of that account.
func certified(identity []byte, who plane.PublicKey) bool {
	key := []byte(caps.ParseMandated(identity))
	if key != nil {
		key = caps.Mandated(key).Device()
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
