package mls

import (
	"bytes"
	"cmp"
	"crypto/hpke"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strconv"
)

// stateVersion starts everything that this package saves, headVersion a snapshot without the tree,
// lightVersion that of a member that has none.
const (
	stateVersion = 1
	headVersion  = 2
	lightVersion = 3
)

// Delta is one changed part of a Group. A later Delta with the same Key replaces an earlier one,
// so a store may overwrite; one epoch's keys never meet another's, nor those of a rival commit for
// the same epoch. Value is self-contained and secret.
type Delta struct {
	Key   string
	Value []byte
}

// Format keeps keys out of logs, whatever the verb.
func (Delta) Format(f fmt.State, _ rune) { f.Write([]byte("[redacted]")) }

// Kinds of delta.
const (
	deltaHead     = 1 // a ratchet's secret and generation
	deltaSkipped  = 2 // a block of a ratchet's skipped keys; empty when none is left
	deltaProposal = 3 // a pending proposal
	deltaPSK      = 4 // an external pre-shared key
	deltaLeaf     = 5 // a leaf that a light member learned
)

func (w *writer) privateKey(k hpke.PrivateKey) {
	b, err := k.Bytes()
	if err != nil {
		panic(err) // every KEM of ours can be stored
	}
	w.vec(b)
}
func (r *reader) privateKey(s *suite) hpke.PrivateKey {
	k, err := s.kem.NewPrivateKey(r.vec())
	if err != nil {
		r.failErr(ErrState)
		return nil
	}
	return k
}

// inOrder returns the keys of a map in order. slices.Sorted would do it too, for 2 KB of the browser's
// core for each type of key.
func inOrder[K cmp.Ordered, V any](m map[K]V) []K {
	keys := slices.Collect(maps.Keys(m))
	sort.Slice(keys, func(a, b int) bool { return cmp.Less(keys[a], keys[b]) })
	return keys
}

// ratchets does the same for ratchets: by leaf, handshakes first.
func ratchets[V any](m map[ratchetID]V) []ratchetID {
	keys := slices.Collect(maps.Keys(m))
	sort.Slice(keys, func(a, b int) bool {
		x, y := keys[a], keys[b]
		return x.leaf < y.leaf || x.leaf == y.leaf && !x.app && y.app
	})
	return keys
}

// secretList is the epoch's secrets in the order they are saved. encryption is in the secret tree.
func (e *epochSecrets) secretList() []*[]byte {
	return []*[]byte{&e.init, &e.senderData, &e.exporter, &e.authenticator, &e.external, &e.confirm, &e.membership, &e.resumption}
}

// Snapshot returns the whole state, private keys included, and starts a new series of deltas. Its
// size grows with the group; between snapshots Delta tells what changed.
//
// Message keys that were used before the snapshot cannot be derived from it. Those used after it
// can, until a newer snapshot replaces it: where that matters, take one now and then.
func (g *Group) Snapshot() []byte { return g.snapshot(true) }

func (g *Group) snapshot(withTree bool) []byte {
	var w writer
	if g.light != nil {
		w.u8(lightVersion)
		w.vec(g.context)
		w.light(g.light, g.me) // and me below
	} else if withTree {
		w.u8(stateVersion)
		w.vec(g.context)
		w.raw(g.tree.bytes())
	} else {
		w.u8(headVersion)
		w.vec(g.context)
		w.u32(g.tree.n)
	}
	w.u32(g.me)
	w.vec(g.signer.Marshal())
	w.sub(func(w *writer) {
		for _, x := range inOrder(g.priv) {
			w.u32(x)
			w.privateKey(g.priv[x])
		}
	})
	for _, b := range g.es.secretList() {
		w.vec(*b)
	}
	w.vec(g.interim)
	w.vec(g.tag)
	w.reinit(g.reinit)
	w.sub(func(w *writer) {
		for _, x := range inOrder(g.secrets.node) {
			w.u32(x)
			w.vec(g.secrets.node[x])
		}
	})
	w.sub(func(w *writer) {
		for _, id := range ratchets(g.secrets.ratchets) {
			r := g.secrets.ratchets[id]
			w.ratchetID(id)
			w.u32(r.gen)
			w.vec(r.secret)
			w.skipped(r, 0, ^uint32(0))
		}
	})
	w.sub(func(w *writer) {
		for _, q := range g.proposals {
			w.pendingProposal(q)
		}
	})
	w.sub(func(w *writer) {
		for _, id := range inOrder(g.psks) {
			w.vec([]byte(id))
			w.vec(g.psks[id])
		}
	})
	w.sub(func(w *writer) {
		for _, e := range inOrder(g.resumption) {
			w.u64(e)
			w.vec(g.resumption[e])
		}
	})
	g.secrets.saved()
	g.proposalsSaved, g.pskChanged = len(g.proposals), nil
	if g.light != nil {
		clear(g.light.fresh)
	}
	return w.b
}
func (w *writer) ratchetID(id ratchetID) { w.u32(id.leaf); w.opt(id.app) }
func (r *reader) ratchetID() ratchetID   { return ratchetID{r.u32(), r.opt()} }

// skipped writes the skipped keys of the generations from..to.
func (w *writer) skipped(r *ratchet, from, to uint32) {
	w.sub(func(w *writer) {
		for _, gen := range inOrder(r.skipped) {
			if gen >= from && gen <= to {
				w.u32(gen)
				w.vec(r.skipped[gen].key)
				w.vec(r.skipped[gen].nonce)
			}
		}
	})
}
func (r *reader) skipped(t *secretTree, id ratchetID, x *ratchet) {
	r.each(func(r *reader) {
		gen := r.u32()
		k := keyNonce{r.vec(), r.vec()}
		if x.skipped == nil {
			x.skipped = map[uint32]keyNonce{}
		}
		x.skipped[gen] = k
		t.skipped++
		t.order = append(t.order, skipRef{id, gen})
	})
}
func (w *writer) pendingProposal(q *pendingProposal) {
	w.vec(q.ref)
	w.u8(q.sender)
	w.u32(q.index)
	w.vec(q.p.raw)
	w.opt(q.key != nil)
	if q.key != nil {
		w.privateKey(q.key)
	}
}
func (r *reader) pendingProposal(s *suite) *pendingProposal {
	q := &pendingProposal{ref: r.vec(), sender: r.u8(), index: r.u32()}
	p := reader{b: r.vec(), err: r.err}
	q.p = p.proposal()
	if p.end() != nil {
		r.failErr(ErrState)
	}
	if r.opt() {
		q.key = r.privateKey(s)
	}
	return q
}

// epochTag tells this epoch from a rival one with the same number.
func (g *Group) epochTag() []byte { return g.s.sum(g.tag)[:8] }

// Unsaved reports whether Delta has something to tell.
func (g *Group) Unsaved() bool {
	return len(g.secrets.changed) > 0 || len(g.proposals) > g.proposalsSaved || len(g.pskChanged) > 0
}

// Delta returns what changed since the last Snapshot or Delta, nil if nothing did. Each application
// message changes at most two records, together below 1 KiB whatever the size of the group; a
// message that skips generations adds one record for every eight of them.
func (g *Group) Delta() []Delta {
	var out []Delta
	tag := g.epochTag()
	add := func(kind uint8, name string, f func(*writer)) {
		var w writer
		w.u8(stateVersion)
		w.u64(g.ctx.epoch)
		w.raw(tag)
		w.u8(kind)
		f(&w)
		key := strconv.FormatUint(g.ctx.epoch, 10) + "." + hex.EncodeToString(tag[:4]) + "/" + name
		out = append(out, Delta{key, w.b})
	}
	for _, id := range ratchets(g.secrets.changed) {
		r := g.secrets.ratchets[id]
		name := strconv.FormatUint(uint64(id.leaf), 10) + "/h"
		if id.app {
			name = strconv.FormatUint(uint64(id.leaf), 10) + "/a"
		}
		if r.headChanged {
			add(deltaHead, name, func(w *writer) { w.ratchetID(id); w.u32(r.gen); w.vec(r.secret) })
		}
		for _, b := range inOrder(r.blocksChanged) {
			add(deltaSkipped, name+"/"+strconv.FormatUint(uint64(b), 10), func(w *writer) {
				w.ratchetID(id)
				w.u32(b)
				w.skipped(r, b*skipBlock, b*skipBlock+skipBlock-1)
			})
		}
	}
	g.secrets.saved()
	for i, q := range g.proposals[g.proposalsSaved:] {
		n := g.proposalsSaved + i
		add(deltaProposal, "p/"+strconv.Itoa(n), func(w *writer) { w.u32(uint32(n)); w.pendingProposal(q) })
	}
	for _, id := range inOrder(g.pskChanged) {
		add(deltaPSK, "k/"+hex.EncodeToString(g.s.sum([]byte(id))[:8]), func(w *writer) { w.vec([]byte(id)); w.vec(g.psks[id]) })
	}
	g.proposalsSaved, g.pskChanged = len(g.proposals), nil
	if g.light != nil {
		for _, i := range inOrder(g.light.fresh) {
			if l := g.light.known[i]; l != nil && i != g.me {
				add(deltaLeaf, "l/"+strconv.FormatUint(uint64(i), 10), func(w *writer) { w.u32(i); w.essence(l) })
			}
		}
		clear(g.light.fresh)
	}
	return out
}

// Restore rebuilds a Group from a Snapshot and the deltas saved since, in any order as long as of
// each key only the latest is given, or in the order they were made. Deltas of other epochs are
// passed over. ErrState: something is damaged.
func Restore(snapshot []byte, deltas []Delta) (*Group, error) {
	return RestoreHead(snapshot, func(string) []byte { return nil }, deltas)
}

// RestoreHead is Restore for a SnapshotHead; page returns the value that TreeChanges gave a key,
// nil when there is none. It also takes a whole Snapshot, without asking for a page.
func RestoreHead(head []byte, page func(key string) []byte, deltas []Delta) (*Group, error) {
	r := &reader{b: slices.Clone(head)}
	g, err := r.group(page)
	if err != nil {
		return nil, ErrState
	}
	// The latest of each key, so that a block of skipped keys is read once.
	last := map[string]int{}
	for i, d := range deltas {
		last[d.Key] = i
	}
	var proposals []numbered
	for i, d := range deltas {
		if last[d.Key] != i {
			continue
		}
		r := &reader{b: slices.Clone(d.Value)}
		v, epoch, tag, kind := r.u8(), r.u64(), r.take(8), r.u8()
		if r.err != nil || v != stateVersion {
			return nil, ErrState
		}
		if epoch != g.ctx.epoch || !bytes.Equal(tag, g.epochTag()) {
			continue
		}
		switch kind {
		case deltaHead, deltaSkipped:
			g.restoreRatchet(r, kind)
		case deltaProposal:
			proposals = append(proposals, numbered{r.u32(), r.pendingProposal(g.s)})
		case deltaPSK:
			id := string(r.vec())
			if g.psks == nil {
				g.psks = map[string][]byte{}
			}
			g.psks[id] = r.vec()
		case deltaLeaf:
			i, l := r.u32(), r.essence()
			if g.light == nil || r.err != nil || i >= g.light.n || i == g.me {
				return nil, ErrState
			}
			g.light.learn(i, l)
		default:
			r.failErr(ErrState)
		}
		if r.end() != nil {
			return nil, ErrState
		}
	}
	sort.Slice(proposals, func(a, b int) bool { return proposals[a].n < proposals[b].n }) // slices.SortFunc of structs is 2 KB each in the browser
	for _, q := range proposals {
		if int(q.n) != len(g.proposals) {
			if int(q.n) < len(g.proposals) {
				continue // older than the snapshot
			}
			return nil, ErrState
		}
		g.proposals = append(g.proposals, q.q)
	}
	g.proposalsSaved = len(g.proposals)
	g.secrets.saved()
	if g.light != nil {
		clear(g.light.fresh)
	}
	g.park()
	return g, nil
}

type numbered struct {
	n uint32
	q *pendingProposal
}

// restoreRatchet lays a head or a block of skipped keys over what the snapshot had.
func (g *Group) restoreRatchet(r *reader, kind uint8) {
	id := r.ratchetID()
	if r.err != nil || id.leaf >= g.secrets.leaves {
		r.failErr(ErrState)
		return
	}
	x := g.secrets.ratchet(id)
	if x == nil {
		r.failErr(ErrState)
		return
	}
	if kind == deltaHead {
		x.gen, x.secret = r.u32(), r.vec()
		return
	}
	block := r.u32()
	for gen := range x.skipped {
		if gen/skipBlock == block {
			g.secrets.forget(id, gen)
		}
	}
	r.skipped(g.secrets, id, x)
}

// group reads a snapshot.
func (r *reader) group(page func(string) []byte) (*Group, error) {
	v := r.u8()
	if v < stateVersion || v > lightVersion {
		return nil, ErrState
	}
	g := &Group{context: r.vec(), psks: map[string][]byte{}, resumption: map[uint64][]byte{}, priv: map[uint32]hpke.PrivateKey{}, es: &epochSecrets{}}
	c := reader{b: g.context, err: r.err}
	g.ctx = c.groupContext()
	if c.end() != nil {
		return nil, ErrState
	}
	if g.s = suiteOf(g.ctx.suite); g.s == nil {
		return nil, ErrState
	}
	var err error
	switch v {
	case lightVersion:
		if g.light = r.light(&g.me); r.err != nil {
			return nil, r.err
		}
	case headVersion:
		n := r.u32()
		if r.err != nil {
			return nil, r.err
		}
		g.tree, err = treeOfPages(g.s, cutFine, n, g.ctx.treeHash, func(h []byte) []byte { return page(pageKey(h)) })
	default:
		start := r.b
		r.vec()
		if r.err != nil {
			return nil, r.err
		}
		g.tree, err = parseTree(g.s, slices.Clone(r.since(start)))
	}
	if err != nil {
		return nil, err
	}
	if g.light == nil {
		g.me = r.u32()
	}
	if g.signer, err = ParseSigner(r.vec()); err != nil || g.leaf(g.me) == nil || g.me >= g.leaves() {
		return nil, ErrState
	}
	r.each(func(r *reader) {
		x := r.u32()
		g.priv[x] = r.privateKey(g.s)
	})
	for _, b := range g.es.secretList() {
		*b = r.vec()
	}
	g.interim, g.tag, g.reinit = r.vec(), r.vec(), r.reinit()
	g.secrets = &secretTree{s: g.s, leaves: g.leaves(), node: map[uint32][]byte{}, ratchets: map[ratchetID]*ratchet{}, changed: map[ratchetID]bool{}}
	r.each(func(r *reader) {
		x := r.u32()
		g.secrets.node[x] = r.vec()
	})
	r.each(func(r *reader) {
		id := r.ratchetID()
		x := &ratchet{gen: r.u32(), secret: r.vec()}
		r.skipped(g.secrets, id, x)
		g.secrets.ratchets[id] = x
	})
	r.each(func(r *reader) { g.proposals = append(g.proposals, r.pendingProposal(g.s)) })
	r.each(func(r *reader) {
		id := string(r.vec())
		g.psks[id] = r.vec()
	})
	r.each(func(r *reader) {
		e := r.u64()
		g.resumption[e] = r.vec()
	})
	if r.end() != nil || len(g.es.authenticator) != g.s.nh || g.tree != nil && !bytes.Equal(g.tree.rootHash(), g.ctx.treeHash) {
		return nil, ErrState
	}
	return g, nil
}
