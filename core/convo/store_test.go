package convo

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"paperplane/mls"
	"paperplane/protocol/plane"
)

const (
	vaultValueMax  = 4 << 20  // vault.ValueBytesMax
	vaultCommitMax = 16 << 20 // vault.CommitBytesMax
)

// disk is the stored pairs of one Convo. A call of put is one transaction.
type disk map[string][]byte

func (d disk) put(t *testing.T, list []Pair) (bytes int) {
	t.Helper()
	for _, p := range list {
		bytes += len(p.Key) + len(p.Value)
		if len(p.Value) > vaultValueMax {
			t.Errorf("%s: a value of %d bytes, most %d", p.Key[:2], len(p.Value), vaultValueMax)
		}
		if p.Value == nil {
			delete(d, p.Key)
		} else {
			d[p.Key] = p.Value
		}
	}
	if bytes > vaultCommitMax {
		t.Errorf("a transaction of %d bytes, most %d", bytes, vaultCommitMax)
	}
	return bytes
}
func (d disk) load() (*Convo, error) {
	var list []Pair
	for k, v := range d {
		list = append(list, Pair{k, v})
	}
	return Load(plane.LogID{1}, identify, list)
}
func (d disk) count(prefix string) int {
	n := 0
	for k := range d {
		if strings.HasPrefix(k, prefix) {
			n++
		}
	}
	return n
}

// heavy makes n KeyPackages whose leaves have about 24 KiB.
func heavy(t *testing.T, n int) (list []*mls.KeyPackage) {
	t.Helper()
	for i := range n {
		kp, _ := packWith(t, fmt.Sprintf("heavy %d", i), signer(t), []mls.Extension{{Type: mls.ExtApplicationID, Data: make([]byte, 24<<10)}})
		list = append(list, kp)
	}
	return list
}

// A conversation whose tree is larger than any value may be is stored and comes back, at each
// step of a commit's life. Until a transaction is in, what was stored before is whole, and
// afterwards nothing is left of it that is not needed.
func TestStoreLarge(t *testing.T) {
	c, err := New(Options{ID: plane.LogID{1}, Kind: Group, Name: "g", Signer: signer(t), Credential: []byte("ann"), Owner: who("ann"), TTLDays: 30, Identify: identify, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	d := disk{}
	// step stores what has changed and checks both what was there before and what is there now.
	was := ""
	say := func(c *Convo) string {
		s := fmt.Sprintf("%d %x", c.Epoch(), c.g.EpochAuthenticator())
		if p := c.pending; p != nil {
			s += fmt.Sprintf(" %x %x %x %d", hashOf(p.Message), hashOf(p.Welcome), p.next.EpochAuthenticator(), p.Tag)
		}
		return s
	}
	step := func(what string) int {
		t.Helper()
		list := c.Changes()
		if was != "" { // the crash before the transaction
			old, err := d.load()
			if err != nil {
				t.Fatalf("%s: what was stored before: %v", what, err)
			}
			if got := say(old); got != was {
				t.Errorf("%s: before it got %s, want %s", what, got, was)
			}
		}
		n := d.put(t, list)
		now, err := d.load()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		was = say(c)
		if got := say(now); got != was {
			t.Errorf("%s: got %s, want %s", what, got, was)
		}
		if more := now.Changes(); len(more) != 0 {
			t.Errorf("%s: loaded, and %d changes at once", what, len(more))
		}
		keys := map[string]bool{}
		for _, x := range now.trees() {
			x.TreeKeys(func(k string) { keys[k] = true })
		}
		if got := d.count("t/"); got != len(keys) {
			t.Errorf("%s: %d pieces of trees are stored, want %d", what, got, len(keys))
		}
		return n
	}
	step("founded")
	p, err := c.g.Commit(mls.CommitOptions{Add: heavy(t, 220), WithoutTree: true, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	wait := func(p *mls.Pending) {
		c.pending = &Pending{Message: p.Message, Welcome: p.Welcome, Tag: 7, next: p.Next, hash: hashOf(p.Message)}
		c.dirty.pending = true
	}
	wait(p)
	if n := step("commit made"); len(c.g.Tree())+n < vaultValueMax || d.count("p/") < 2 {
		t.Errorf("%d bytes and %d pieces are no test", n, d.count("p/"))
	}
	c.Abandon()
	step("commit abandoned")
	wait(p)
	step("commit made again")
	next := c.pending
	if err := c.enter(next.next); err != nil {
		t.Fatal(err)
	}
	c.dropPending()
	if n := step("commit won"); n > 16<<10 {
		t.Errorf("the winning commit wrote %d bytes again", n)
	}
	if got := d.count("p/"); got != 0 {
		t.Errorf("%d pieces of the commit are left", got)
	}
	if p, err = c.g.Commit(mls.CommitOptions{Now: now}); err != nil {
		t.Fatal(err)
	}
	wait(p)
	// One small page of the tree is 8 leaves of 24 KiB here; all of it would be 5 MiB.
	if n := step("commit with a path made") - len(p.Message); n > 300<<10 {
		t.Errorf("a path wrote %d bytes, most 300 KiB", n)
	}
	if err := c.enter(p.Next); err != nil {
		t.Fatal(err)
	}
	c.dropPending()
	step("path won")
	if _, err := c.Seal(make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	if n := step("message sealed"); n > 1024 {
		t.Errorf("a message wrote %d bytes, most 1,024", n)
	}

	// What is missing is found.
	wait(must(c.g.Commit(mls.CommitOptions{Add: heavy(t, 50), WithoutTree: true, Now: now})))
	step("another commit made")
	for k := range d {
		if k[:2] != "t/" && k[:2] != "p/" {
			continue
		}
		less := maps.Clone(d)
		delete(less, k)
		if _, err := less.load(); !errors.Is(err, ErrDamaged) {
			t.Errorf("without one of %s: got %v, want ErrDamaged", k[:2], err)
		}
	}
	c.Forget()
	d.put(t, c.Changes())
	if len(d) != 0 {
		t.Errorf("%d pairs are left of a forgotten chat", len(d))
	}
}

// What an older version stored, the tree inside the values, comes back and is stored in pieces
// with the next change.
func TestStoreWhole(t *testing.T) {
	l := group(t, "ann", "bob")
	c := l.member("ann").c
	name := "new"
	if _, err := c.Begin(Change{Edit: rename(name), Tag: 3}, now); err != nil {
		t.Fatal(err)
	}
	d := disk{}
	d.put(t, c.Changes())
	for k := range d {
		if strings.HasPrefix(k, "t/") {
			delete(d, k)
		}
	}
	p := c.pending
	d[keyGroup] = c.g.Snapshot()
	d[keyPending] = encode(storedPending{Message: p.Message, Welcome: p.Welcome, Tag: p.Tag, Next: p.next.Snapshot()})
	old, err := d.load()
	if err != nil {
		t.Fatal(err)
	}
	d.put(t, old.Changes())
	if d.count("t/") == 0 || d[keyGroup][0] == c.g.Snapshot()[0] {
		t.Errorf("still stored whole")
	}
	got, err := d.load()
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got.g.Snapshot(), c.g.Snapshot()) || got.pending == nil || got.pending.hash != p.hash || !bytes.Equal(got.pending.next.Snapshot(), p.next.Snapshot()) {
		t.Errorf("it came back as something else")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
