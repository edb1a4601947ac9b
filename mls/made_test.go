package mls

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

// Whatever a member asks for, sense or nonsense: what Commit agrees to make, the others take, and
// the members it adds can join. So nobody who uses the package as it is can be refused.
func TestWhatIsMadeIsTaken(t *testing.T) {
	w := newWorld(t, X25519AES, 6, func(o *GroupOptions) { o.Capabilities.Extensions = []uint16{0xff01} })
	for _, i := range []int{5, 2, 0} {
		w.commit(i, CommitOptions{})
	}
	g := w.g[0]
	for _, h := range w.g {
		h.SetPSK(PSK{[]byte("known"), make([]byte, 32)})
	}
	w.everywhere(3, must(w.g[3].ProposeUpdate(nil)))
	w.everywhere(4, must(w.g[4].ProposeSelfRemove(nil)))
	w.everywhere(1, must(w.g[1].ProposeRemove(3, nil)))
	w.everywhere(1, must(w.g[1].ProposeReInit(ReInitOptions{GroupID: []byte("next")})))
	snapshot := w.g[1].Snapshot()
	rnd := rand.New(rand.NewPCG(1, 1))
	some := func() bool { return rnd.IntN(3) == 0 }
	exts := [][]Extension{
		nil, {}, {{0xff01, nil}}, {{0xff01, nil}, {0xff01, nil}}, {{ExtRatchetTree, nil}}, {{ExtApplicationID, []byte("id")}},
		{{ExtExternalSenders, []byte{0}}}, {{ExtExternalSenders, []byte{9}}}, {{ExtRequiredCapabilities, []byte("x")}},
		{RequiredCapabilities(nil, []uint16{uint16(ProposalSelfRemove)}, []uint16{1})}, {RequiredCapabilities([]uint16{0xff09}, nil, nil)},
	}
	odd := NewBasic([]byte("odd"))
	strange := Credential{typ: 0xf001, raw: []byte{0xf0, 1, 0}}
	made, refused := 0, 0
	for range 250 {
		o := CommitOptions{Now: t0, UsePending: some(), ForcePath: some()}
		for some() {
			o.Remove = append(o.Remove, uint32(rnd.IntN(8)))
		}
		var secs []*KeyPackageSecret
		var who []*person
		for some() {
			p := newPerson(X25519AES, "new")
			if some() {
				p = w.by[rnd.IntN(len(w.by))]
			}
			kp, sec := p.keyPackage(func(k *KeyPackageOptions) {
				if some() {
					k.Capabilities.Extensions = []uint16{0xff01, 0xff09}
				}
				if some() {
					k.LeafExtensions = exts[rnd.IntN(3)]
				}
			})
			o.Add, secs, who = append(o.Add, kp), append(secs, sec), append(who, p)
		}
		if some() {
			o.Extensions = exts[rnd.IntN(len(exts))]
		}
		if some() {
			o.LeafExtensions = exts[rnd.IntN(len(exts))]
		}
		if some() {
			o.Signer = []*Signer{must(NewSigner(X25519AES)), w.by[rnd.IntN(len(w.by))].sign, g.signer}[rnd.IntN(3)]
		}
		if some() {
			o.Credential = []*Credential{&odd, &strange, {}}[rnd.IntN(3)]
		}
		psk := some()
		for psk && some() {
			o.PSKs = append(o.PSKs, PSK{[]byte("known"), make([]byte, 32)})
		}
		for some() {
			o.Resume = append(o.Resume, 1+uint64(rnd.IntN(5))) // epoch 0 is the founder's alone
		}
		p, err := g.Commit(o)
		if err != nil {
			refused++
			continue
		}
		made++
		r, err := must(Restore(snapshot, nil)).Process(p.Message, t0)
		if err != nil {
			t.Errorf("%+v: the others say %v", o, err)
			continue
		}
		if c := r.(CommitReceived); !c.RemovedSelf && !bytes.Equal(c.Next.EpochAuthenticator(), p.Next.EpochAuthenticator()) {
			t.Errorf("%+v: the others are elsewhere", o)
		}
		for i, sec := range secs {
			j, err := Join(p.Welcome, JoinOptions{Secret: sec, Signer: who[i].sign, PSKs: o.PSKs, Resume: []*Group{g}})
			if err != nil {
				t.Errorf("%+v: the added say %v", o, err)
			} else if !bytes.Equal(j.EpochAuthenticator(), p.Next.EpochAuthenticator()) {
				t.Errorf("%+v: the added are elsewhere", o)
			}
		}
	}
	if made < 40 || refused < 40 {
		t.Errorf("got %d made and %d refused, want some of either", made, refused)
	}
	t.Logf("%d commits made and taken, %d refused by their maker", made, refused)
}
