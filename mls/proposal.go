package mls

// ProposalType is the kind of a proposal (§12.1, §17.4).
type ProposalType uint16

// The proposal types this package knows; the last is of draft-ietf-mls-extensions.
const (
	ProposalAdd                    ProposalType = 1
	ProposalUpdate                 ProposalType = 2
	ProposalRemove                 ProposalType = 3
	ProposalPSK                    ProposalType = 4
	ProposalReInit                 ProposalType = 5
	ProposalExternalInit           ProposalType = 6
	ProposalGroupContextExtensions ProposalType = 7
	ProposalSelfRemove             ProposalType = 0x000a
)

// PSK types and usages (§8.4).
const (
	pskExternal   = 1
	pskResumption = 2

	usageApplication = 1
	usageReInit      = 2
	usageBranch      = 3
)

// pskID is PreSharedKeyID (§8.4).
type pskID struct {
	typ   uint8
	id    []byte // external
	usage uint8  // resumption
	gid   []byte
	epoch uint64
	nonce []byte
}

func (p *pskID) writeKey(w *writer) {
	w.u8(p.typ)
	if p.typ == pskExternal {
		w.vec(p.id)
		return
	}
	w.u8(p.usage)
	w.vec(p.gid)
	w.u64(p.epoch)
}
func (p *pskID) write(w *writer) { p.writeKey(w); w.vec(p.nonce) }
func (r *reader) pskID() (p pskID) {
	p.typ = r.u8()
	switch p.typ {
	case pskExternal:
		p.id = r.vec()
	case pskResumption:
		p.usage, p.gid, p.epoch = r.u8(), r.vec(), r.u64()
		if p.usage < usageApplication || p.usage > usageBranch {
			r.fail("M-006")
		}
	default:
		r.fail("M-006")
	}
	p.nonce = r.vec()
	return p
}

type reInit struct {
	groupID []byte
	version uint16
	suite   Suite
	exts    []Extension
}

// proposal is a Proposal (§12.1). raw is its whole encoding.
type proposal struct {
	typ     ProposalType
	kp      *keyPackage
	leaf    *leafNode
	removed uint32
	psk     pskID
	kem     []byte
	exts    []Extension
	reinit  reInit
	raw     []byte
}

// encode fills raw of a proposal made here.
func (p *proposal) encode() *proposal {
	var w writer
	w.u16(uint16(p.typ))
	switch p.typ {
	case ProposalAdd:
		w.raw(p.kp.raw)
	case ProposalUpdate:
		w.raw(p.leaf.raw)
	case ProposalRemove:
		w.u32(p.removed)
	case ProposalPSK:
		p.psk.write(&w)
	case ProposalReInit:
		w.vec(p.reinit.groupID)
		w.u16(p.reinit.version)
		w.u16(uint16(p.reinit.suite))
		w.extensions(p.reinit.exts)
	case ProposalExternalInit:
		w.vec(p.kem)
	case ProposalGroupContextExtensions:
		w.extensions(p.exts)
	}
	p.raw = w.b
	return p
}

func (r *reader) proposal() *proposal {
	start := r.b
	p := &proposal{typ: ProposalType(r.u16())}
	switch p.typ {
	case ProposalAdd:
		p.kp = r.keyPackage()
	case ProposalUpdate:
		p.leaf = r.leaf()
	case ProposalRemove:
		p.removed = r.u32()
	case ProposalPSK:
		p.psk = r.pskID()
	case ProposalReInit:
		p.reinit = reInit{r.vec(), r.u16(), Suite(r.u16()), r.extensions()}
	case ProposalExternalInit:
		p.kem = r.vec()
	case ProposalGroupContextExtensions:
		p.exts = r.extensions()
	case ProposalSelfRemove: // an empty struct
	default:
		// An unknown type has no length, so nothing after it can be read (§12.1.8 leaves no way on).
		r.fail("M-006")
	}
	p.raw = r.since(start)
	return p
}

// changesTree says whether the proposal is about leaves by what it holds.
func (p *proposal) changesTree() bool { return p.typ >= ProposalAdd && p.typ <= ProposalRemove }

// needsPath says whether a commit of the proposal must carry a path (§12.4).
func (p *proposal) needsPath() bool {
	switch p.typ {
	case ProposalAdd, ProposalPSK, ProposalReInit:
		return false
	}
	return true
}

// pathNode is UpdatePathNode, updatePath is UpdatePath (§7.6).
type pathNode struct {
	key []byte
	cts []ciphertext
}
type updatePath struct {
	leaf   *leafNode
	nodes  []pathNode
	sliced *slicedPath // in place of the nodes
}

func (u *updatePath) write(w *writer) {
	w.raw(u.leaf.raw)
	w.sub(func(w *writer) {
		for i := range u.nodes {
			n := &u.nodes[i]
			w.vec(n.key)
			w.sub(func(w *writer) {
				for k := range n.cts {
					n.cts[k].write(w)
				}
			})
		}
	})
}
func (r *reader) updatePath() *updatePath {
	u := &updatePath{leaf: r.leaf()}
	r.each(func(r *reader) {
		n := pathNode{key: r.vec()}
		r.each(func(r *reader) {
			if len(n.cts) == MembersMax {
				r.fail("M-007")
				return
			}
			n.cts = append(n.cts, r.ciphertext())
		})
		if len(u.nodes) == 32 { // no tree is deeper
			r.fail("M-007")
			return
		}
		u.nodes = append(u.nodes, n)
	})
	return u
}

// proposalOrRef holds one of the two.
type proposalOrRef struct {
	p   *proposal
	ref []byte
}

// commitBody is Commit (§12.4).
type commitBody struct {
	props  []proposalOrRef
	path   *updatePath
	sliced *sliceTail // of a sliced commit
}

func (c *commitBody) write(w *writer) {
	w.sub(func(w *writer) {
		for _, p := range c.props {
			if p.p != nil {
				w.u8(1)
				w.raw(p.p.raw)
			} else {
				w.u8(2)
				w.vec(p.ref)
			}
		}
	})
	if c.sliced != nil {
		w.u8(2)
		w.sliceTail(c.sliced)
	}
	w.opt(c.path != nil)
	switch {
	case c.path != nil && c.sliced != nil:
		w.slicedPath(c.path)
	case c.path != nil:
		c.path.write(w)
	}
}
func (r *reader) commitBody() *commitBody {
	c := &commitBody{}
	r.each(func(r *reader) {
		if len(c.props) == CommitProposalsMax {
			r.fail("M-007")
			return
		}
		switch r.u8() {
		case 1:
			c.props = append(c.props, proposalOrRef{p: r.proposal()})
		case 2:
			c.props = append(c.props, proposalOrRef{ref: r.vec()})
		default:
			r.fail("M-006")
		}
	})
	if len(r.b) > 0 && r.b[0] == 2 { // not of RFC 9420
		r.u8()
		if c.sliced = r.sliceTail(); r.opt() {
			c.path = r.slicedPath()
		}
		return c
	}
	if r.opt() {
		c.path = r.updatePath()
	}
	return c
}
