package mls

import (
	"bytes"
	"crypto/hpke"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"
)

var update = flag.Bool("update", false, "write this package's files in spec/vectors anew; review the difference like code")

const sliceVectorFile = "../spec/vectors/slices.json"

type sliceVectors struct {
	Runs    []runsVector   `json:"runs"`
	Orders  []orderVector  `json:"orders"`
	Merkle  []merkleVector `json:"merkle"`
	Commits []sliceCommit  `json:"commits"`
	Rejects []sliceReject  `json:"rejects"`
}
type runsVector struct {
	Nodes []uint32 `json:"nodes"`
	Bytes hexBytes `json:"bytes"`
}
type orderVector struct {
	Base  hexBytes `json:"base"`
	Order []uint32 `json:"position_of_slice"`
}
type merkleVector struct {
	Slices []hexBytes   `json:"ciphertexts"`
	Root   hexBytes     `json:"root"`
	Beside [][]hexBytes `json:"beside"`
}

// sliceCommit is one commit with what its readers do.
type sliceCommit struct {
	Suite    Suite         `json:"cipher_suite"`
	Exporter hexBytes      `json:"exporter_secret"`
	Init     hexBytes      `json:"external_init_secret"`
	Body     hexBytes      `json:"commit"`
	Blob     hexBytes      `json:"blob"`
	Context  hexBytes      `json:"provisional_group_context"`
	Base     hexBytes      `json:"base"`
	Keys     hexBytes      `json:"keys"`
	Proof    hexBytes      `json:"proof"`
	Secret   hexBytes      `json:"commit_secret"`
	Readers  []sliceReader `json:"readers"`
}
type sliceReader struct {
	Leaf     uint32   `json:"leaf"`
	Node     uint32   `json:"node"`
	Private  hexBytes `json:"private_key"`
	Rank     uint32   `json:"rank"`
	Position uint32   `json:"position"`
	Offset   int      `json:"offset"`
	Size     int      `json:"size"`
	Path     hexBytes `json:"path_secret"`
}
type sliceReject struct {
	Why  string   `json:"why"`
	Rule string   `json:"rule"`
	Body hexBytes `json:"commit"`
}

// MarshalJSON makes hex of it, and null of nil.
func (h hexBytes) MarshalJSON() ([]byte, error) {
	if h == nil {
		return []byte("null"), nil
	}
	return json.Marshal(hex.EncodeToString(h))
}

// The vectors say what this code says: every value in them is computed again from those it follows
// from (M-174 to M-178).
func TestSliceVectors(t *testing.T) {
	if *update {
		b := must(json.MarshalIndent(makeSliceVectors(t), "", " "))
		must(0, os.WriteFile(sliceVectorFile, append(b, '\n'), 0o644))
	}
	var v sliceVectors
	must(0, json.Unmarshal(must(os.ReadFile(sliceVectorFile)), &v))
	if len(v.Runs) == 0 || len(v.Orders) == 0 || len(v.Merkle) == 0 || len(v.Commits) == 0 || len(v.Rejects) == 0 {
		t.Fatal("vectors are missing")
	}
	for i, x := range v.Runs {
		var w writer
		w.runs(runsOf(x.Nodes))
		r := reader{b: x.Bytes}
		if got := r.runs(); !bytes.Equal(w.b, x.Bytes) || r.end() != nil || !slices.Equal(got.nodes(), x.Nodes) {
			t.Errorf("runs %d: got %x, want %x", i, w.b, x.Bytes)
		}
	}
	for i, x := range v.Orders {
		if got := (sliceKeys{suiteX25519AES, x.Base}).order(len(x.Order)); !slices.Equal(got, x.Order) {
			t.Errorf("order %d: got %v, want %v", i, got, x.Order)
		}
	}
	for i, x := range v.Merkle {
		if got := merkleOf(x.Slices); !bytes.Equal(got.Root, x.Root) || fmt.Sprint(got.Beside) != fmt.Sprint(x.Beside) {
			t.Errorf("merkle %d: got %x, want %x", i, got.Root, x.Root)
		}
	}
	for i := range v.Commits {
		if err := v.Commits[i].check(); err != nil {
			t.Errorf("commit %d: %v", i, err)
		}
	}
	for _, x := range v.Rejects {
		r := reader{b: x.Body}
		r.commitBody()
		t.Run(x.Why, func(t *testing.T) { broke(t, x.Rule, r.end()) })
	}
}

func merkleOf(cts []hexBytes) merkleVector {
	s := suiteX25519AES
	v := merkleVector{Slices: cts, Root: s.zero(), Beside: make([][]hexBytes, len(cts))}
	var leaves [][]byte
	for i, b := range cts {
		r := reader{b: b}
		c := r.ciphertext()
		leaves = append(leaves, s.sliceHash(uint32(i), &c))
	}
	rows := s.merkle(leaves)
	if len(cts) > 0 {
		v.Root = rows[len(rows)-1][0]
	}
	for i := range cts {
		for j, k := 0, i; j < depth(len(cts)); j, k = j+1, k/2 {
			h := s.zero()
			if k^1 < len(rows[j]) {
				h = rows[j][k^1]
			}
			v.Beside[i] = append(v.Beside[i], h)
		}
	}
	return v
}

// check follows one commit from the secrets of its epoch to the commit secret, as each reader does.
func (v *sliceCommit) check() error {
	s := suiteOf(v.Suite)
	g := &Group{s: s, es: &epochSecrets{exporter: v.Exporter}}
	r := reader{b: v.Body}
	c := r.commitBody()
	if err := r.end(); err != nil {
		return err
	}
	var w writer
	c.write(&w)
	k := g.sliceKeys(c.sliced.seed, v.Init)
	err := errors.Join(same("body", w.b, v.Body), same("base", k.base, v.Base))
	proofAt, bodyAt := 0, int(c.sliced.proof)
	if c.path != nil {
		proofAt = c.path.keysSize()
		bodyAt += proofAt
		keys, e := k.open(partKeys, 0, v.Blob[:proofAt], "M-175")
		err = errors.Join(err, e, same("keys", keys, v.Keys), same("hash of the keys", s.sum(keys), c.path.sliced.keys))
	}
	if c.sliced.proof > 0 {
		proof, e := k.open(partProof, 0, v.Blob[proofAt:bodyAt], "M-177")
		err = errors.Join(err, e, same("proof", proof, v.Proof))
	}
	if err != nil {
		return err
	}
	context := reader{b: v.Context}
	for _, x := range v.Readers {
		g := &Group{s: s, me: x.Leaf, priv: map[uint32]hpke.PrivateKey{}, ctx: context.again(v.Context)}
		if g.priv[x.Node], err = s.kem.NewPrivateKey(x.Private); err != nil {
			return err
		}
		p := c.path.sliced
		rank, node, err := g.ownSlice(p)
		position := k.order(p.to.count())[rank]
		size := s.sliceSize(p.to.count())
		if err != nil || rank != x.Rank || node != x.Node || position != x.Position || bodyAt+int(position)*size != x.Offset || size != x.Size {
			return fmt.Errorf("reader %d: got node %d, rank %d, position %d: %v", x.Leaf, node, rank, position, err)
		}
		secret, err := g.openSlice(p, k, v.Blob[x.Offset:x.Offset+x.Size])
		if err := errors.Join(err, same("path secret", secret, x.Path)); err != nil {
			return err
		}
		t := tree{n: c.sliced.leaves}
		for _, y := range t.path(p.committer) {
			if under(y, 2*x.Leaf) && p.levels>>(level(y)-1)&1 == 1 {
				secret = s.derive(secret, "path")
			}
		}
		if err := same("commit secret", secret, v.Secret); err != nil {
			return err
		}
	}
	return nil
}
func (r *reader) again(b []byte) groupContext { r.b = b; return r.groupContext() }

func makeSliceVectors(t *testing.T) *sliceVectors {
	v := &sliceVectors{}
	for _, nodes := range [][]uint32{nil, {0}, {5}, {0, 2, 4, 6}, {2, 4, 7, 11, 16, 18}, {0, 1, 3, 200, 202, 20000}} {
		var w writer
		w.runs(runsOf(nodes))
		v.Runs = append(v.Runs, runsVector{append([]uint32{}, nodes...), w.b})
	}
	for _, n := range []int{1, 2, 13, 67} {
		base := random(32)
		v.Orders = append(v.Orders, orderVector{base, sliceKeys{suiteX25519AES, base}.order(n)})
	}
	for _, n := range []int{1, 2, 5, 8} {
		var cts []hexBytes
		for range n {
			var w writer
			(&ciphertext{random(32), random(48)}).write(&w)
			cts = append(cts, w.b)
		}
		v.Merkle = append(v.Merkle, merkleOf(cts))
	}
	for _, s := range []Suite{X25519AES, XWing} {
		w := newWorld(t, s, 1, sliced)
		w.enter(0, 6, CommitOptions{})
		if s == X25519AES {
			w.hand(1, must(w.g[1].Commit(CommitOptions{})))
		}
		kp, _ := newPerson(s, "x").keyPackage()
		who := newPerson(s, "outside")
		for _, p := range []*Pending{
			must(w.g[0].Commit(CommitOptions{Remove: []uint32{5}, Now: t0})), must(w.g[0].Commit(CommitOptions{Add: []*KeyPackage{kp}, Now: t0})),
			must(JoinExternalPending(must(w.g[0].GroupInfo(true, true)), nil, ExternalOptions{Signer: who.sign, Credential: NewBasic(nil)})),
		} {
			v.Commits = append(v.Commits, w.sliceVector(p))
			if s == XWing {
				break
			}
		}
	}
	body := func(edit func(*commitBody)) hexBytes {
		r := reader{b: v.Commits[0].Body}
		c := r.commitBody()
		edit(c)
		var w writer
		c.write(&w)
		return w.b
	}
	v.Rejects = []sliceReject{
		{"leaves-not-a-power-of-two", "M-178", body(func(c *commitBody) { c.sliced.leaves = 6 })},
		{"too-many-leaves", "M-178", body(func(c *commitBody) { c.sliced.leaves = 2 * MembersMax })},
		{"too-large-a-proof", "M-178", body(func(c *commitBody) { c.sliced.proof = 1<<20 + 1 })},
		{"committer-outside", "M-178", body(func(c *commitBody) { c.path.sliced.committer = MembersMax })},
		{"level-above-the-highest", "M-178", body(func(c *commitBody) { c.path.sliced.levels |= 1 << 16 })},
		{"run-of-none", "M-178", body(func(c *commitBody) { c.path.sliced.to = runs{{2, 0}} })},
		{"two-runs-for-one", "M-178", body(func(c *commitBody) { c.path.sliced.to = runs{{2, 1}, {4, 1}} })},
		{"the-same-node-twice", "M-178", body(func(c *commitBody) { c.path.sliced.to = runs{{2, 1}, {2, 1}} })},
		{"run-outside", "M-178", body(func(c *commitBody) { c.path.sliced.to = runs{{0, MembersMax + 1}} })},
		{"something-behind", "M-003", append(body(func(*commitBody) {}), 0)},
		{"cut", "M-002", body(func(*commitBody) {})[:60]},
	}
	return v
}

// sliceVector tells what a commit's readers find.
func (w *world) sliceVector(p *Pending) (v sliceCommit) {
	g := must(Restore(w.g[1].Snapshot(), nil))
	a, _, err := g.open(must(parseMessage(p.Message)), nil, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	r := reader{b: a.c.body}
	c := r.commitBody()
	list := must(g.resolve(a, c))
	init := must(g.externalOf(list, a.c.sender == senderNewCommit))
	k := g.sliceKeys(c.sliced.seed, init)
	v = sliceCommit{Suite: g.s.id, Exporter: g.es.exporter, Init: init, Body: a.c.body, Blob: p.Slices.Blob(), Base: k.base}
	proofAt, bodyAt := 0, int(c.sliced.proof)
	if c.path != nil {
		proofAt = c.path.keysSize()
		bodyAt += proofAt
		v.Keys = must(k.open(partKeys, 0, v.Blob[:proofAt], ""))
		ctx := p.Next.ctx
		ctx.confirmed = g.ctx.confirmed
		v.Context = ctx.bytes()
	}
	if c.sliced.proof > 0 {
		v.Proof = must(k.open(partProof, 0, v.Blob[proofAt:bodyAt], ""))
	}
	if c.path == nil {
		return v
	}
	for _, h := range w.g {
		if h == p.Next || leavesIn(list, h.me) || h.me == c.path.sliced.committer {
			continue
		}
		got, _, err := fetch(must(Restore(h.Snapshot(), nil)), p)
		if err != nil {
			w.t.Fatal(err)
		}
		q := c.path.sliced
		rank, node, err := h.ownSlice(q)
		if err != nil {
			w.t.Fatal(err)
		}
		x := sliceReader{Leaf: h.me, Node: node, Private: must(h.priv[node].Bytes()), Rank: rank, Position: k.order(q.to.count())[rank], Size: p.Slices.Size}
		x.Offset = bodyAt + int(x.Position)*x.Size
		next := *got.(CommitReceived).Next
		next.priv = h.priv
		next.ctx.confirmed = h.ctx.confirmed
		x.Path = must(next.openSlice(q, k, v.Blob[x.Offset:x.Offset+x.Size]))
		v.Readers = append(v.Readers, x)
		v.Secret = x.Path
		t := tree{n: c.sliced.leaves}
		for _, y := range t.path(q.committer) {
			if under(y, 2*x.Leaf) && q.levels>>(level(y)-1)&1 == 1 {
				v.Secret = g.s.derive(v.Secret, "path")
			}
		}
	}
	return v
}
