package convo

import (
	"bytes"
	"errors"
	"fmt"
	"testing"

	"paperplane/mls"
	"paperplane/protocol/plane"
)

// small makes groups large with more than n leaves, for one test.
func small(t testing.TB, n int) {
	was := PlainLeavesMax
	PlainLeavesMax = n
	t.Cleanup(func() { PlainLeavesMax = was })
}

// commit begins a commit, tells that its blob is stored, and returns the commit and the blob.
func commit(t *testing.T, m *member, ch Change) (*Pending, []byte) {
	t.Helper()
	p, err := m.c.Begin(ch, now)
	if err != nil {
		t.Fatal(err)
	}
	blob := p.Slices
	m.c.Stored()
	return p, blob
}

// give hands m what it asks for out of a blob.
func give(m *member, blob []byte) Outcome {
	var pieces [][]byte
	for _, r := range m.c.Held().Reads() {
		pieces = append(pieces, blob[r.Off:r.Off+r.Len])
	}
	return m.c.Give(now, pieces)
}

// TestCrossing shows that the commit that makes a group large makes it sliced, and that no other
// commit does so or takes it back (G-12).
func TestCrossing(t *testing.T) {
	small(t, 4)
	l := group(t, "ann", "bob", "cid")
	ann := l.member("ann")
	with := func(on bool) []mls.Extension {
		list := sliceless(ann.c.g.Extensions())
		if on {
			list = append(list, mls.Extension{Type: mls.ExtSliced})
		}
		return list
	}
	one, _ := pack(t, "dan", signer(t))
	two, _ := pack(t, "eve", signer(t))
	void(t, l, "ann", mls.CommitOptions{Extensions: with(true)})
	void(t, l, "ann", mls.CommitOptions{Extensions: with(true), Add: []*mls.KeyPackage{one}, Now: now})
	void(t, l, "ann", mls.CommitOptions{Add: []*mls.KeyPackage{one, two}, Now: now})
	act(t, l, "ann", Change{Add: []*mls.KeyPackage{one}})
	if ann.c.Sliced() {
		t.Error("four leaves: sliced")
	}
	// Who asks for it in a plain group and does nothing else is refused by all; the crossing commit is
	// accepted by all, and the same the other way round.
	void(t, l, "ann", mls.CommitOptions{Add: []*mls.KeyPackage{two}, Now: now})
	act(t, l, "ann", Change{Add: []*mls.KeyPackage{two}})
	for _, m := range l.all {
		if !m.c.Sliced() {
			t.Errorf("%s: five leaves and not sliced", m.name)
		}
	}
	p, err := ann.c.g.Commit(mls.CommitOptions{Extensions: with(false), AAD: encode(commitHead{AtMS: msOf(now), Blob: make([]byte, 16)})})
	if err != nil {
		t.Fatal(err)
	}
	l.all = l.all[1:]
	send(t, l, ann, p.Message)
	for _, m := range l.all {
		if got := give(m, p.Slices.Blob()); got != (Void{}) {
			t.Errorf("%s: sliced no more: got %T, want Void", m.name, got)
		}
	}
	// A path whose blob nobody names is void at once.
	p, err = ann.c.g.Commit(mls.CommitOptions{AAD: encode(commitHead{AtMS: msOf(now)})})
	if err != nil {
		t.Fatal(err)
	}
	send(t, l, ann, p.Message)
	for _, m := range l.all {
		if m.c.Held() != nil || m.c.Lost() != 0 {
			t.Errorf("%s: waits for a blob without a name", m.name)
		}
	}
}

func sliceless(list []mls.Extension) (out []mls.Extension) {
	for _, x := range list {
		if x.Type != mls.ExtSliced {
			out = append(out, x)
		}
	}
	return out
}

// TestHeld holds a commit over a restart, gives it wrong pieces, right ones, and none at all; an own
// commit whose blob is not stored does not outlive a restart (G-13).
func TestHeld(t *testing.T) {
	small(t, 2)
	l := group(t, "ann", "bob", "cid")
	ann, bob, cid := l.member("ann"), l.member("bob"), l.member("cid")
	d := map[string][]byte{}
	stored(ann.c, d)
	p, err := ann.c.Begin(Change{Edit: rename("x")}, now)
	if err != nil || p.Slices == nil {
		t.Fatalf("got %v and %d bytes beside", err, len(p.Slices))
	}
	back := reload(t, ann.c, d)
	if back.Pending() != nil {
		t.Error("a commit that was never sent outlived a restart")
	}
	blob := p.Slices
	ann.c.Stored()
	stored(ann.c, d)
	if c := reload(t, ann.c, d); c.Pending() == nil || c.Pending().Slices != nil {
		t.Error("a commit whose blob is stored did not outlive a restart")
	}
	e := map[string][]byte{}
	stored(bob.c, e)
	bodies, _ := ann.c.Bodies(p.Message)
	l.seq++
	ann.c.Receive(now, l.seq, bodies[0], none)
	if back.Receive(now, l.seq, bodies[0], none); back.Lost() != LostEnded {
		t.Errorf("a copy from before it was sent: lost %d, want LostEnded", back.Lost())
	}
	if stored(ann.c, d); d[keyGhosts] != nil {
		t.Error("hashes outlive the epoch")
	}
	for _, m := range []*member{bob, cid} {
		if got := m.c.Receive(now, l.seq, bodies[0], none); got != (Waits{}) {
			t.Fatalf("%s: got %T, want Waits", m.name, got)
		}
	}
	h := bob.c.Held()
	stored(bob.c, e)
	bob.c = reload(t, bob.c, e)
	if g := bob.c.Held(); g == nil || g.Seq != h.Seq || g.Blob != h.Blob || fmt.Sprint(g.Reads()) != fmt.Sprint(h.Reads()) {
		t.Fatalf("after a restart: got %v, want the commit", g != nil)
	}
	for _, bad := range [][][]byte{nil, {nil}, {make([]byte, len(blob))}, {blob[:10]}} {
		if got := bob.c.Give(now, bad); got != nil || bob.c.Held() == nil {
			t.Errorf("wrong pieces: got %T", got)
		}
	}
	if out, ok := give(bob, blob).(Changed); !ok || out.By != who("ann") || bob.c.Held() != nil || bob.c.State().Name != "x" {
		t.Errorf("right pieces: got %+v", out)
	}
	stored(bob.c, e)
	if c := reload(t, bob.c, e); c.Held() != nil || c.State().Name != "x" || e[keyHeld] != nil {
		t.Error("the commit is held for ever")
	}
	cid.c.GiveUp()
	if cid.c.Held() != nil || cid.c.Lost() != LostSlices {
		t.Errorf("given up: got %d", cid.c.Lost())
	}
}

// TestSlicedLiar has the maker of a commit spoil the slice of one member: that one refuses the piece
// and nobody else is disturbed.
func TestSlicedLiar(t *testing.T) {
	small(t, 2)
	l := group(t, "ann", "bob", "cid", "dan")
	ann := l.member("ann")
	p, blob := commit(t, ann, Change{Edit: rename("x")})
	blob = bytes.Clone(blob)
	bodies, err := ann.c.Bodies(p.Message)
	if err != nil {
		t.Fatal(err)
	}
	l.seq++
	for _, m := range l.all {
		m.c.Receive(now, l.seq, bodies[0], none)
	}
	cid := l.member("cid")
	blob[cid.c.held.need.Slice.Off] ^= 1
	for _, m := range l.all[1:] {
		if out := give(m, blob); (out == nil) != (m == cid) {
			t.Errorf("%s: got %T", m.name, out)
		}
	}
}

// TestLargeCommit removes one of 1,100 X-Wing leaves that were never warmed: what goes into the log
// and what a member reads.
func TestLargeCommit(t *testing.T) {
	l := group(t, "ann", "bob")
	ann, bob := l.member("ann"), l.member("bob")
	ann.c.Changes()
	bob.c.Changes()
	const n = 1100
	for ann.c.Leaves() < n {
		var ch Change
		for range min(ann.c.AddsMax(), n-ann.c.Leaves()) {
			kp, _ := pack(t, fmt.Sprint("member ", ann.c.Leaves()+len(ch.Add)), signer(t))
			ch.Add = append(ch.Add, kp)
		}
		p, _ := commit(t, ann, ch)
		send(t, l, ann, p.Message)
	}
	if !ann.c.Sliced() || !bob.c.Sliced() {
		t.Fatal("not sliced")
	}
	p, blob := commit(t, ann, Change{Remove: []plane.PublicKey{who("member 700")}})
	bob.lost = true // until it has its slice
	send(t, l, ann, p.Message)
	read := 0
	for _, r := range bob.c.Held().Reads() {
		read += r.Len
	}
	if out, ok := give(bob, blob).(Changed); !ok || len(out.Removed) != 1 || bob.c.Leaves() != n-1 {
		t.Fatalf("got %+v", out)
	}
	t.Logf("%d leaves, cold: record %d bytes, blob %d, read %d", n, len(p.Message), len(blob), read)
	if len(p.Message) > 4096 || read > 20<<10 {
		t.Errorf("record %d bytes, read %d: want at most 4096 and 20480", len(p.Message), read)
	}
	if ann.c.Digest() != bob.c.Digest() {
		t.Error("two epochs")
	}
}

// FuzzAAD reads the authenticated data of what is no message.
func FuzzAAD(f *testing.F) {
	msg := make([]byte, contentTypeAt+1)
	f.Add(append(msg, 3, 1, 2, 3))
	f.Add(append(msg, 0x40, 3, 1, 2, 3))
	f.Add(append(msg, 0x80, 0, 0, 3, 1, 2, 3))
	f.Add(append(msg, 0xff))
	f.Fuzz(func(t *testing.T, b []byte) {
		if got := aadOf(b); len(got) > len(b) {
			t.Errorf("%d bytes of %d", len(got), len(b))
		}
	})
}

// TestAAD compares with what MLS reads.
func TestAAD(t *testing.T) {
	l := group(t, "ann", "bob")
	for _, n := range []int{0, 1, 63, 64, 5000, 16384} {
		aad := bytes.Repeat([]byte{7}, n)
		msg, err := l.all[0].c.g.Encrypt([]byte("x"), aad)
		if err != nil {
			t.Fatal(err)
		}
		if got := aadOf(msg); !bytes.Equal(got, aad) {
			t.Errorf("%d bytes: got %d", n, len(got))
		}
	}
	if _, err := l.all[0].c.Begin(Change{Edit: rename("y")}, now); errors.Is(err, ErrPending) || l.all[0].c.Pending().Slices != nil {
		t.Errorf("a small group: %v, want no slices", err)
	}
}
