package account

import (
	"paperplane/mls"
	"paperplane/protocol/caps"
)

// Seed returns the account key, for one's own other devices and nobody else.
func (k *Keys) Seed() []byte { return k.account.Seed() }

// As returns the keys with another device's: for a key package that several devices share.
func (k *Keys) As(device *mls.Signer) *Keys {
	x := *k
	x.device = device
	return &x
}

// KeysOf puts an account key and a device's key together. ErrDamaged: the seed is none.
func KeysOf(seed []byte, device *mls.Signer) (*Keys, error) {
	a, err := caps.SignerFromSeed(seed)
	if err != nil {
		return nil, ErrDamaged
	}
	return &Keys{account: a, device: device}, nil
}
