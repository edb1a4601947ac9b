package mls

import (
	"fmt"
	"testing"
)

// Monsters in lists of proposals, from outside, and in paths.
var (
	listMonsters = []monster{
		{"M-070", func(t *testing.T) func() error {
			w := warm(t, 4)
			w.everywhere(1, must(w.g[1].ProposeUpdate(nil)))
			q := w.g[1].proposals[0]
			msg, next, _ := w.g[1].forge(t, forgery{list: []item{{q.p, q.sender, q.index, true, true}}})
			return w.to(0, msg, next)
		}},
		{"M-071", func(t *testing.T) func() error { // it says so, and stays
			w := warm(t, 4)
			return w.to(0, w.evil(1, nil, instead(removal(1))), nil)
		}},
		{"M-072", listing(removal(2), removal(2))},
		{"M-073", func(t *testing.T) func() error {
			w := warm(t, 4)
			p := newPerson(X25519AES, "one")
			return w.to(0, w.evil(1, nil, instead(add(p.forged(nil, nil)), add(p.forged(nil, nil)))), nil)
		}},
		{"M-075", keyed(pskID{typ: pskExternal, id: []byte("known"), nonce: make([]byte, 32)}, pskID{typ: pskExternal, id: []byte("known"), nonce: make([]byte, 32)})},
		{"M-076", listing(&proposal{typ: ProposalGroupContextExtensions}, &proposal{typ: ProposalGroupContextExtensions})},
		{"M-077", listing(&proposal{typ: ProposalReInit, reinit: reInit{[]byte("g"), version, XWing, nil}}, removal(2))},
		{"M-077", listing(&proposal{typ: ProposalReInit, reinit: reInit{[]byte("g"), version, XWing, nil}}, &proposal{typ: ProposalReInit, reinit: reInit{[]byte("h"), version, XWing, nil}})},
		{"M-078", listing(&proposal{typ: ProposalExternalInit, kem: []byte("x")})},
		{"M-079", func(t *testing.T) func() error {
			w := newWorld(t, X25519AES, 3)
			plain := newPerson(X25519AES, "plain").forged(func(l *leafNode) { l.caps.proposals = nil }, nil)
			w.deliver(0, must(w.g[0].Commit(CommitOptions{Add: []*KeyPackage{{plain, w.g[0].s}}, Now: t0})))
			w.everywhere(2, must(w.g[2].ProposeSelfRemove(nil)))
			q := w.g[1].proposals[0]
			msg, next, _ := w.g[1].forge(t, forgery{list: []item{{q.p, q.sender, q.index, true, true}}})
			return w.to(0, msg, next)
		}},
		{"M-080", listing(removal(6))},
		{"M-081", keyed(pskID{typ: pskExternal, id: []byte("known"), nonce: make([]byte, 31)})},
		{"M-082", keyed(pskID{typ: pskResumption, usage: usageReInit, gid: []byte("group"), epoch: 1, nonce: make([]byte, 32)})},
		{"M-082", keyed(pskID{typ: pskResumption, usage: usageBranch, gid: []byte("group"), epoch: 1, nonce: make([]byte, 32)})},
		{"M-083", func(t *testing.T) func() error {
			w := warm(t, 3)
			p := &proposal{typ: ProposalPSK, psk: pskID{typ: pskExternal, id: []byte("unknown"), nonce: make([]byte, 32)}}
			return w.to(0, w.evil(1, nil, instead(p)), nil)
		}},
		{"M-085", lying(4, func(*world) forgery {
			return forgery{props: func([]proposalOrRef) []proposalOrRef { return []proposalOrRef{{ref: []byte("nothing")}} }}
		})},
		{"M-086", listing(&proposal{typ: ProposalReInit, reinit: reInit{[]byte("g"), 0, XWing, nil}})},
		{"M-089", func(t *testing.T) func() error {
			w := newWorld(t, X25519AES, 3)
			for i := range PendingProposalsMax {
				w.g[0].proposals = append(w.g[0].proposals, &pendingProposal{ref: fmt.Append(nil, i), p: removal(2), sender: senderMember, index: 1})
			}
			return w.to(0, must(w.g[1].ProposeRemove(2, nil)), nil)
		}},
	}

	externalMonsters = []monster{
		{"M-087", coming(func(w *world, f *forgery) { // an Update of a leaf that nobody has yet
			f.props = func(l []proposalOrRef) []proposalOrRef {
				return append(l, proposalOrRef{p: (&proposal{typ: ProposalUpdate, leaf: w.g[1].tree.leaf(1)}).encode()})
			}
		})},
		{"M-088", coming(func(w *world, f *forgery) { f.list = append(f.list, byValue(&proposal{typ: ProposalSelfRemove})...) })},
		{"M-090", coming(func(w *world, f *forgery) { f.list = append(f.list, f.list[0]) })},
		{"M-091", coming(func(w *world, f *forgery) { f.list = append(f.list, byValue(removal(2), removal(3))...) })},
		{"M-092", coming(func(w *world, f *forgery) {
			f.list = append(f.list, byValue(&proposal{typ: ProposalGroupContextExtensions})...)
		})},
		{"M-092", coming(func(w *world, f *forgery) {
			f.list = append(f.list, byValue(add(newPerson(X25519AES, "x").forged(nil, nil)))...)
		})},
		{"M-093", coming(func(w *world, f *forgery) {
			w.everywhere(1, must(w.g[1].ProposeRemove(2, nil)))
			q := w.g[0].proposals[0]
			f.list = append(f.list, item{q.p, q.sender, q.index, true, true})
		})},
		{"M-094", func(t *testing.T) func() error {
			w := warm(t, 3)
			a := &authContent{wire: WirePublic, c: content{w.g[0].ctx.groupID, w.g[0].ctx.epoch, senderNewCommit, 0, nil, ContentCommit, []byte{0, 0}}}
			return w.to(0, must(w.g[0].frame(a)), nil)
		}},
		{"M-095", coming(func(w *world, f *forgery) { f.list[0].p = &proposal{typ: ProposalExternalInit, kem: []byte("x")} })},
		{"M-096", coming(func(w *world, f *forgery) { // back with the key it had
			f.list = append(f.list, byValue(removal(3))...)
			f.leafKey = w.g[3].priv[6]
		})},
		{"M-132", func(t *testing.T) func() error {
			w := warm(t, 3)
			gi := must(w.g[0].groupInfo(must(parseMessage(must(w.g[0].GroupInfo(true, true)))).info.exts))
			for i := range gi.exts {
				if gi.exts[i].Type == ExtExternalPub {
					gi.exts[i].Data = append(gi.exts[i].Data, 0)
				}
			}
			gi.sig = must(w.g[0].signer.sign("GroupInfoTBS", gi.toBeSigned()))
			m := header(WireGroupInfo)
			m.raw(gi.bytes())
			p := newPerson(X25519AES, "outside")
			return func() error {
				msg, next, err := JoinExternal(m.b, nil, ExternalOptions{Signer: p.sign, Credential: NewBasic(nil)})
				if err != nil {
					return err
				}
				return w.to(0, msg, next)()
			}
		}},
	}

	pathMonsters = []monster{
		{"M-100", lying(6, func(*world) forgery { return forgery{noPath: true} })},
		{"M-100", lying(6, func(*world) forgery { return forgery{list: byValue(removal(3)), noPath: true} })},
		{"M-100", lying(6, func(*world) forgery {
			return forgery{list: byValue(&proposal{typ: ProposalGroupContextExtensions}), noPath: true}
		})},
		{"M-101", lying(6, func(*world) forgery { return forgery{leaf: func(l *leafNode) { l.source = sourceUpdate }} })},
		{"M-102", lying(6, func(w *world) forgery { return forgery{leafKey: w.g[1].priv[2]} })},
		{"M-103", lying(6, func(w *world) forgery { return forgery{leafKey: w.g[3].priv[6]} })},
		{"M-103", lying(6, func(w *world) forgery { // a parent's key, and the right secret with it for nobody
			return forgery{keys: func(i int, k []byte) []byte { return k }, leafKey: w.g[5].priv[9]}
		})},
		{"M-104", lying(6, func(*world) forgery {
			return forgery{nodes: func(u *updatePath) { u.nodes = append(u.nodes, u.nodes[0]) }}
		})},
		{"M-105", lying(6, func(*world) forgery {
			return forgery{nodes: func(u *updatePath) { u.nodes[0].cts = append(u.nodes[0].cts, u.nodes[0].cts[0]) }}
		})},
		{"M-106", lying(6, func(*world) forgery { return forgery{leaf: func(l *leafNode) { l.parentHash = make([]byte, 32) }} })},
		{"M-107", lying(6, func(w *world) forgery { // the secrets lead to other keys than those shown
			return forgery{keys: func(int, []byte) []byte { return must(w.g[1].s.kem.GenerateKey()).PublicKey().Bytes() }}
		})},
		{"M-108", lying(6, func(*world) forgery { return forgery{tag: func(b []byte) []byte { b[0] ^= 1; return b }} })},
	}
)
