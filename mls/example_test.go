package mls_test

import (
	"fmt"
	"time"

	"paperplane/mls"
)

// Two people share a group: Bob leaves a KeyPackage, Ann adds him, they talk, and Bob refreshes
// his keys. Errors are left out for the sake of the shape.
func Example() {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	life := mls.Lifetime{NotBefore: now, NotAfter: now.AddDate(0, 3, 0)}
	annKey, _ := mls.NewSigner(mls.XWing)
	bobKey, _ := mls.NewSigner(mls.XWing)

	offer, secret, _ := mls.NewKeyPackage(mls.KeyPackageOptions{Signer: bobKey, Credential: mls.NewBasic([]byte("bob")), Lifetime: life})

	ann, _ := mls.NewGroup(mls.GroupOptions{GroupID: []byte("tea"), Signer: annKey, Credential: mls.NewBasic([]byte("ann")), Lifetime: life})
	unverified, _ := mls.ParseKeyPackage(offer)
	bobs, _ := unverified.Verify(now)
	added, _ := ann.Commit(mls.CommitOptions{Add: []*mls.KeyPackage{bobs}, Now: now})
	ann = added.Next // the commit is in the log, in winning position

	bob, _ := mls.Join(added.Welcome, mls.JoinOptions{Secret: secret, Signer: bobKey})
	message, _ := ann.Encrypt([]byte("milk?"), nil)
	received, _ := bob.Process(message, now)
	fmt.Printf("%s\n", received.(mls.Application).Data)

	fresh, _ := bob.Commit(mls.CommitOptions{})
	seen, _ := ann.Process(fresh.Message, now)
	ann, bob = seen.(mls.CommitReceived).Next, fresh.Next
	fmt.Println(ann.Epoch(), bob.Epoch(), string(ann.EpochAuthenticator()) == string(bob.EpochAuthenticator()))
	// Output:
	// milk?
	// 2 2 true
}
