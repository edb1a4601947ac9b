package outbox

import (
	"crypto/sha256"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestQueue lives a random life of a queue beside a plain list: order is that of adding, also
// after everything was stored and put back in another order.
func TestQueue(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	var q Queue
	var model []uint64
	for range 2000 {
		switch {
		case r.IntN(3) > 0 || len(model) == 0:
			model = append(model, q.Add(&Item{Kind: Message}).N)
		case r.IntN(2) == 0:
			k := r.IntN(len(model))
			q.Remove(q.Items[k])
			model = slices.Delete(model, k, k+1)
		case r.IntN(20) == 0:
			var back Queue
			for _, k := range r.Perm(len(q.Items)) {
				back.Restore(q.Items[k])
			}
			q = back
		}
		var got []uint64
		for _, i := range q.Items {
			got = append(got, i.N)
		}
		if !slices.Equal(got, model) {
			t.Fatalf("seed %d: got %v, want %v", seed, got, model)
		}
	}
}

// TestSealed shows that an item is known by the MLS message it is sealed in, until unsealed.
func TestSealed(t *testing.T) {
	var q Queue
	i := q.Add(&Item{Kind: Message, ID: [32]byte{1}})
	i.Seal([]byte("msg"), 3)
	i.Sent = true
	h := sha256.Sum256([]byte("msg"))
	if q.Sealed(h) != i || !q.Own(h) || q.Find([32]byte{1}) != i {
		t.Errorf("not found")
	}
	var back Queue
	copied := *i
	copied.hash, copied.Sent = [32]byte{}, false
	back.Restore(&copied)
	if x := back.Sealed(h); x == nil || !x.Tried {
		t.Errorf("after storing: got %+v", x)
	}
	i.Unseal()
	if q.Own(h) || i.Sent || q.Own([32]byte{}) {
		t.Errorf("still known after Unseal")
	}
	for _, x := range []struct {
		i  Item
		ok bool
	}{{Item{}, true}, {Item{Waits: 1}, false}, {Item{Failed: true}, false}} {
		if got := x.i.Ready(); got != x.ok {
			t.Errorf("%+v: ready %v", x.i, got)
		}
	}
}

// TestIntents shows that intents keep their order and numbers.
func TestIntents(t *testing.T) {
	var q Intents
	a, b := q.Add(&Intent{Act: Add}), q.Add(&Intent{Act: Remove})
	var back Intents
	back.Restore(b)
	back.Restore(a)
	if back.List[0] != a || back.Find(b.N) != b || back.Find(9) != nil {
		t.Errorf("got %+v", back.List)
	}
	back.Remove(a)
	if c := back.Add(&Intent{}); c.N <= b.N || len(back.List) != 2 {
		t.Errorf("number %d is used twice", c.N)
	}
}
