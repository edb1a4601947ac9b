package mlsgo

import (
	"bytes"
	"strings"
	"testing"
	"time"

	peer "github.com/thomas-vilte/mls-go"

	"paperplane/mls"
)

// duo is a group of one of ours, who founded it, and one of theirs.
type duo struct {
	t      *testing.T
	g      *mls.Group
	signer *mls.Signer
	them   *theirs
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func lifetime() mls.Lifetime {
	return mls.Lifetime{NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour)}
}

// keyPackage is a verified KeyPackage of theirs.
func (d *duo) keyPackage() *mls.KeyPackage {
	d.t.Helper()
	return must(must(mls.ParseKeyPackage(must(d.them.KeyPackage()))).Verify(time.Now()))
}

func newDuo(t *testing.T) *duo {
	t.Helper()
	signer := must(mls.NewSigner(mls.X25519AES))
	c := must(peer.NewClient([]byte("theirs"), 1, peer.WithCacheStrategy(peer.CacheAlways))) // so that it keeps a closed group at least in memory
	d := &duo{t: t, signer: signer, them: &theirs{name: "theirs", c: c}}
	d.g = must(mls.NewGroup(mls.GroupOptions{Suite: mls.X25519AES, GroupID: []byte("duo"), Signer: signer, Credential: mls.NewBasic([]byte("ours")), Lifetime: lifetime()}))
	p := must(d.g.Commit(mls.CommitOptions{Add: []*mls.KeyPackage{d.keyPackage()}, Now: time.Now()}))
	d.g = p.Next
	if err := d.them.Join(p.Welcome); err != nil {
		t.Fatal(err)
	}
	d.agree()
	return d
}

// agree checks that both are in one epoch and hear each other.
func (d *duo) agree() {
	d.t.Helper()
	if got, want := must(d.them.Authenticator()), d.g.EpochAuthenticator(); !bytes.Equal(got, want) {
		d.t.Fatalf("they are in another epoch: got %x, want %x", got, want)
	}
	if got, err := d.them.Receive(must(d.g.Encrypt([]byte("hello"), nil))); err != nil || got != "hello" {
		d.t.Fatalf("they read %q, %v", got, err)
	}
	if r, err := d.g.Process(must(d.them.Send("hi")), time.Now()); err != nil || string(r.(mls.Application).Data) != "hi" {
		d.t.Fatalf("we read %v, %v", r, err)
	}
}

func (d *duo) weCommit(p *mls.Pending) {
	d.t.Helper()
	if err := d.them.Process(p.Message); err != nil {
		d.t.Fatalf("they process our commit: %v", err)
	}
	d.g = p.Next
}
func (d *duo) theyCommit(commit []byte) mls.CommitReceived {
	d.t.Helper()
	r, err := d.g.Process(commit, time.Now())
	if err != nil {
		d.t.Fatalf("we process their commit: %v", err)
	}
	c := r.(mls.CommitReceived)
	d.g = c.Next
	return c
}
func (d *duo) theyUpdate() { d.t.Helper(); d.theyCommit(must(d.them.Update())) }

// A new signature key and credential of ours.
func TestRotation(t *testing.T) {
	d := newDuo(t)
	d.theyUpdate()
	cred := mls.NewBasic([]byte("renamed"))
	p := must(d.g.Commit(mls.CommitOptions{Signer: must(mls.NewSigner(mls.X25519AES)), Credential: &cred}))
	d.weCommit(p)
	d.agree()
}

// Resumption keys of an earlier epoch, proposed and committed by either.
func TestResumption(t *testing.T) {
	t.Run("ours", func(t *testing.T) {
		d := newDuo(t)
		old := d.g.Epoch()
		d.theyUpdate()
		d.weCommit(must(d.g.Commit(mls.CommitOptions{Resume: []uint64{old}})))
		d.agree()
	})
	t.Run("theirs", func(t *testing.T) {
		d := newDuo(t)
		old := d.g.Epoch()
		d.theyUpdate()
		if _, err := d.g.Process(must(d.them.c.ProposeResumptionPSK(t.Context(), d.them.group, old)), time.Now()); err != nil {
			t.Fatalf("their proposal: %v", err)
		}
		commit, _, err := d.them.c.CommitPendingProposals(t.Context(), d.them.group)
		if err != nil {
			t.Fatal(err)
		}
		d.theyCommit(commit)
		d.agree()
	})
}

// A group that ends for a successor. The peer's Client cannot save a closed group and says so: its
// own ReInit never leaves it, but after ours it has gone on to the last epoch in memory.
func TestReInit(t *testing.T) {
	known := func(err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), "can only serialize group in operational state") {
			t.Fatalf("got %v, want the known defect", err)
		}
	}
	t.Run("theirs", func(t *testing.T) {
		d := newDuo(t)
		r, err := d.g.Process(must(d.them.c.ProposeReInit(t.Context(), d.them.group, []byte("next"))), time.Now())
		if err != nil || r.(mls.ProposalReceived).Kind != mls.ProposalReInit {
			t.Fatalf("their proposal: %+v, %v", r, err)
		}
		_, _, err = d.them.c.CommitPendingProposals(t.Context(), d.them.group)
		known(err)
	})
	t.Run("ours", func(t *testing.T) {
		d := newDuo(t)
		d.theyUpdate()
		p := must(d.g.CommitReInit(mls.ReInitOptions{GroupID: []byte("next")}))
		known(d.them.Process(p.Message))
		d.g = p.Next
		if !d.g.Closed() || string(d.g.ReInit().GroupID) != "next" {
			t.Fatalf("got %+v", d.g.ReInit())
		}
		key, secret, err := d.them.c.ResumptionPSK(t.Context(), d.them.group)
		if err != nil {
			t.Fatal(err)
		}
		p = must(d.g.Successor(mls.SuccessorOptions{Signer: d.signer, Credential: mls.NewBasic([]byte("ours")), Lifetime: lifetime(), Members: []*mls.KeyPackage{d.keyPackage()}, Now: time.Now()}))
		if d.them.group, err = d.them.c.JoinGroupWithPSKs(t.Context(), p.Welcome, map[string][]byte{key: secret}); err != nil {
			t.Fatalf("they follow: %v", err)
		}
		d.g = p.Next
		d.agree()
	})
}

// A branch of either's making.
func TestBranch(t *testing.T) {
	t.Run("ours", func(t *testing.T) {
		d := newDuo(t)
		key, secret, err := d.them.c.ResumptionPSK(t.Context(), d.them.group)
		if err != nil {
			t.Fatal(err)
		}
		p := must(d.g.Branch(mls.BranchOptions{GroupID: []byte("aside"), SuccessorOptions: mls.SuccessorOptions{
			Signer: d.signer, Credential: mls.NewBasic([]byte("ours")), Lifetime: lifetime(), Members: []*mls.KeyPackage{d.keyPackage()}, Now: time.Now()}}))
		if d.them.group, err = d.them.c.JoinGroupWithPSKs(t.Context(), p.Welcome, map[string][]byte{key: secret}); err != nil {
			t.Fatalf("they join: %v", err)
		}
		d.g = p.Next
		d.agree()
	})
	t.Run("theirs", func(t *testing.T) {
		d := newDuo(t)
		kp, sec, err := mls.NewKeyPackage(mls.KeyPackageOptions{Suite: mls.X25519AES, Signer: d.signer, Credential: mls.NewBasic([]byte("ours")), Lifetime: lifetime()})
		if err != nil {
			t.Fatal(err)
		}
		id, _, welcome, err := d.them.c.Branch(t.Context(), d.them.group, [][]byte{bytes.TrimPrefix(kp, keyPackageHeader)})
		if err != nil {
			t.Fatalf("they branch: %v", err)
		}
		g, err := mls.Join(welcome, mls.JoinOptions{Secret: sec, Signer: d.signer, BranchFrom: d.g})
		if err != nil {
			t.Fatalf("we join: %v", err)
		}
		d.g, d.them.group = g, id
		d.agree()
	})
}
