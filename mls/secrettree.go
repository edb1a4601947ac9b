package mls

import "slices"

// keyNonce is one generation's key and nonce.
type keyNonce struct{ key, nonce []byte }

// ratchet is one sender's handshake or application ratchet (§9.1).
type ratchet struct {
	secret  []byte // of generation gen
	gen     uint32 // next generation
	skipped map[uint32]keyNonce

	// Since the last delta:
	headChanged   bool
	blocksChanged map[uint32]bool // blocks of skipped keys
}

// skipBlock is how many generations share one delta record of skipped keys.
const skipBlock = 8

// ratchetID names a ratchet: leaf index and kind.
type ratchetID struct {
	leaf uint32
	app  bool
}

// secretTree derives message keys on demand (§9). A node's secret is forgotten once its children
// are known, a generation's once it was used.
type secretTree struct {
	s        *suite
	leaves   uint32
	node     map[uint32][]byte
	ratchets map[ratchetID]*ratchet
	order    []skipRef          // skipped keys, oldest first; may name some that are gone
	skipped  int                // keys kept over all ratchets
	changed  map[ratchetID]bool // ratchets changed since the last delta
}
type skipRef struct {
	id  ratchetID
	gen uint32
}

func newSecretTree(s *suite, leaves uint32, encryptionSecret []byte) *secretTree {
	t := &secretTree{s: s, leaves: leaves, node: map[uint32][]byte{}, ratchets: map[ratchetID]*ratchet{}, changed: map[ratchetID]bool{}}
	t.node[leaves-1] = encryptionSecret
	return t
}

// secret returns the secret of node x, deriving and dropping those above it; nil if already dropped.
func (t *secretTree) secret(x uint32) []byte {
	if v := t.node[x]; v != nil || x == t.leaves-1 {
		return v
	}
	p := parentOf(x)
	v := t.secret(p)
	if v == nil {
		return nil
	}
	t.node[left(p)] = t.s.expandLabel(v, "tree", []byte("left"), t.s.nh)
	t.node[right(p)] = t.s.expandLabel(v, "tree", []byte("right"), t.s.nh)
	delete(t.node, p)
	return t.node[x]
}

// ratchet returns a ratchet of a leaf inside the tree.
func (t *secretTree) ratchet(id ratchetID) *ratchet {
	if r := t.ratchets[id]; r != nil {
		return r
	}
	v := t.secret(2 * id.leaf)
	if v == nil {
		return nil
	}
	delete(t.node, 2*id.leaf)
	for _, app := range []bool{false, true} {
		label := "handshake"
		if app {
			label = "application"
		}
		both := ratchetID{id.leaf, app}
		t.ratchets[both] = &ratchet{secret: t.s.expandLabel(v, label, nil, t.s.nh), headChanged: true}
		t.changed[both] = true
	}
	return t.ratchets[id]
}
func (t *secretTree) keys(secret []byte, gen uint32) keyNonce {
	return keyNonce{t.s.deriveTree(secret, "key", gen, t.s.nk), t.s.deriveTree(secret, "nonce", gen, nonceLen)}
}

// use is a generation looked up but not yet used up: commit does that once the message has proved
// to be genuine, so that rubbish costs nobody a key.
type use struct {
	t      *secretTree
	id     ratchetID
	gen    uint32
	keys   keyNonce
	secret []byte // the ratchet after gen; nil when gen was among the skipped
	passed []keyNonce
}

// look finds the keys of a generation (M-060).
func (t *secretTree) look(id ratchetID, gen uint32) (*use, error) {
	r := t.ratchet(id)
	if r == nil {
		return nil, brokenBy("M-060", ErrReplay)
	}
	u := &use{t: t, id: id, gen: gen}
	if gen < r.gen {
		k, ok := r.skipped[gen]
		if !ok {
			return nil, brokenBy("M-060", ErrReplay)
		}
		u.keys = k
		return u, nil
	}
	if fails(gen-r.gen > GenerationsAheadMax, "M-060") {
		return nil, brokenBy("M-060", ErrGenerationTooFar)
	}
	u.secret = r.secret
	for g := r.gen; g < gen; g++ {
		u.passed = append(u.passed, t.keys(u.secret, g))
		u.secret = t.s.deriveTree(u.secret, "secret", g, t.s.nh)
	}
	u.keys = t.keys(u.secret, gen)
	u.secret = t.s.deriveTree(u.secret, "secret", gen, t.s.nh)
	return u, nil
}

// commit makes the generation used. There is none in a public message.
func (u *use) commit() {
	if u == nil {
		return
	}
	t, r := u.t, u.t.ratchets[u.id]
	if u.secret == nil {
		t.forget(u.id, u.gen)
		return
	}
	for i, k := range u.passed {
		t.keep(u.id, r, r.gen+uint32(i), k)
	}
	r.secret, r.gen, r.headChanged = u.secret, u.gen+1, true
	t.changed[u.id] = true
}

// touch notes that a skipped key came or went.
func (t *secretTree) touch(id ratchetID, gen uint32) {
	r := t.ratchets[id]
	if r.blocksChanged == nil {
		r.blocksChanged = map[uint32]bool{}
	}
	r.blocksChanged[gen/skipBlock] = true
	t.changed[id] = true
}
func (t *secretTree) forget(id ratchetID, gen uint32) {
	r := t.ratchets[id]
	if _, ok := r.skipped[gen]; ok {
		delete(r.skipped, gen)
		t.touch(id, gen)
		t.skipped--
	}
}

// saved starts a new series of deltas.
func (t *secretTree) saved() {
	for id := range t.changed {
		r := t.ratchets[id]
		r.headChanged, r.blocksChanged = false, nil
	}
	t.changed = map[ratchetID]bool{}
}

// keep stores a skipped key and drops the oldest where a limit is passed.
func (t *secretTree) keep(id ratchetID, r *ratchet, gen uint32, k keyNonce) {
	if r.skipped == nil {
		r.skipped = map[uint32]keyNonce{}
	}
	r.skipped[gen] = k
	t.touch(id, gen)
	t.skipped++
	t.order = append(t.order, skipRef{id, gen})
	if len(r.skipped) > SkippedKeysMax {
		oldest := gen
		for g := range r.skipped {
			oldest = min(oldest, g)
		}
		t.forget(id, oldest)
	}
	for t.skipped > SkippedKeysGroupMax {
		o := t.order[0]
		t.order = t.order[1:]
		t.forget(o.id, o.gen)
	}
	if len(t.order) > 2*SkippedKeysGroupMax {
		t.order = slices.DeleteFunc(t.order, func(o skipRef) bool {
			_, ok := t.ratchets[o.id].skipped[o.gen]
			return !ok
		})
	}
}

// next uses up this member's own next generation.
func (t *secretTree) next(id ratchetID) (keyNonce, uint32, error) {
	r := t.ratchet(id)
	if r == nil {
		return keyNonce{}, 0, ErrState
	}
	u, err := t.look(id, r.gen)
	if err != nil {
		return keyNonce{}, 0, err
	}
	u.commit()
	return u.keys, u.gen, nil
}
