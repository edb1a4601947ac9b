package core

import (
	"testing"

	"paperplane/protocol/plane"
)

// TestNotedKey: a key that begins like a noted one, but not for 16 bytes, is another's.
func TestNotedKey(t *testing.T) {
	ann, bob := plane.PublicKey{1}, plane.PublicKey{2}
	c := &chat{}
	for _, p := range []plane.PublicKey{ann, bob} {
		c.Noted = append(c.Noted, p[:noteKeyBytes]...)
	}
	near, far := bob, bob
	near[noteKeyBytes-1]++
	far[noteKeyBytes]++ // is not in the note
	for name, x := range map[string]struct {
		who  plane.PublicKey
		want int
	}{"first": {ann, 0}, "second": {bob, 16}, "differs-in-the-last": {near, -1}, "differs-after": {far, 16}, "none": {plane.PublicKey{}, -1}} {
		if got := c.notedAt(x.who); got != x.want {
			t.Errorf("%s: got %d, want %d", name, got, x.want)
		}
	}
	c.unnote([]plane.PublicKey{near, ann})
	if got := c.notedAt(bob); got != 0 || len(c.Noted) != 16 {
		t.Errorf("got %d of %d bytes, want 0 of 16", got, len(c.Noted))
	}
}
