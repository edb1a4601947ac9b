package mlsgo

import (
	"errors"
	"flag"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/thomas-vilte/mls-go/framing"
	peergroup "github.com/thomas-vilte/mls-go/group"
	"github.com/thomas-vilte/mls-go/keypackages"

	"paperplane/mls"
)

var (
	decodeRuns = flag.Int("decodes", 4000, "changed messages to decode")
	decodeSeed = flag.Uint64("seed", 1, "seed of the changes")
)

// decoding rules are what our decoders raise; any other answer means that the bytes decode.
var decoding = []string{"M-001", "M-002", "M-003", "M-004", "M-005", "M-006", "M-007", "M-008", "M-046"}

// bystander decodes as part of processing, for a group that the message is not of.
type bystander struct {
	g      *mls.Group
	secret *mls.KeyPackageSecret
	signer *mls.Signer
}

func (x *bystander) decode(b []byte) error {
	wire, _, _, _, err := mls.Peek(b)
	if err != nil {
		return err
	}
	switch wire {
	case mls.WireKeyPackage:
		_, err = mls.ParseKeyPackage(b)
	case mls.WireWelcome:
		_, err = mls.Join(b, mls.JoinOptions{Secret: x.secret, Signer: x.signer})
	case mls.WireGroupInfo:
		_, _, err = mls.JoinExternal(b, nil, mls.ExternalOptions{Signer: x.signer, Credential: mls.NewBasic(nil)})
	default:
		_, err = x.g.Process(b, time.Now())
	}
	if e, ok := errors.AsType[*mls.RuleError](err); ok && slices.Contains(decoding, e.Rule) {
		return err
	}
	return nil
}

func theirDecode(b []byte) (err error) {
	m, err := framing.UnmarshalMLSMessage(b)
	if err != nil {
		return err
	}
	switch {
	case m.KeyPackage != nil:
		_, err = keypackages.UnmarshalKeyPackage(m.KeyPackage)
	case m.Welcome != nil:
		_, err = peergroup.UnmarshalWelcome(m.Welcome)
	case m.GroupInfo != nil:
		_, err = peergroup.UnmarshalGroupInfo(m.GroupInfo)
	case m.PublicMessage != nil:
		switch body := m.PublicMessage.Content.Body.(type) {
		case framing.CommitBody:
			_, err = peergroup.UnmarshalCommit(body.Data)
		case framing.ProposalBody:
			_, err = peergroup.UnmarshalProposal(body.Data)
		}
	}
	return err
}

// Messages of every kind, changed at random, are decoded by both. What only the peer takes is counted
// by the rule for which we refuse it: mostly bytes left over (M-003). What only we take is a failure,
// but for a GroupInfo whose tree hash has the length of another suite's, which we find out later.
func TestDecodersAgree(t *testing.T) {
	d := newDuo(t)
	_, sec, err := mls.NewKeyPackage(mls.KeyPackageOptions{Suite: mls.X25519AES, Signer: d.signer, Credential: mls.NewBasic(nil), Lifetime: lifetime()})
	if err != nil {
		t.Fatal(err)
	}
	other := must(mls.NewGroup(mls.GroupOptions{Suite: mls.X25519AES, GroupID: []byte("bystander"), Signer: d.signer, Credential: mls.NewBasic(nil), Lifetime: lifetime()}))
	x := &bystander{other, sec, d.signer}
	outside := must(mls.NewSigner(mls.X25519AES))
	external, _, err := mls.JoinExternal(must(d.g.GroupInfo(true, true)), nil, mls.ExternalOptions{Signer: outside, Credential: mls.NewBasic([]byte("outside"))})
	if err != nil {
		t.Fatal(err)
	}
	third := newDuo(t)
	p := must(d.g.Commit(mls.CommitOptions{Add: []*mls.KeyPackage{third.keyPackage()}, Now: time.Now()}))
	seeds := map[string][]byte{
		"key-package-theirs": must(d.them.KeyPackage()), "welcome": p.Welcome, "commit-private": p.Message,
		"commit-external": external, "group-info": must(d.g.GroupInfo(false, true)),
		"application": must(d.them.Send("hi")), "proposal-reinit": must(d.them.c.ProposeReInit(t.Context(), d.them.group, []byte("next"))),
		"proposal-psk": must(d.them.c.ProposeResumptionPSK(t.Context(), d.them.group, 1)),
	}
	seeds["key-package-ours"], _, err = mls.NewKeyPackage(mls.KeyPackageOptions{Suite: mls.X25519AES, Signer: d.signer, Credential: mls.NewBasic([]byte("x")), Lifetime: lifetime(), LastResort: true})
	if err != nil {
		t.Fatal(err)
	}
	names := slices.Sorted(maps.Keys(seeds))
	for _, n := range names {
		if a, b := x.decode(seeds[n]), theirDecode(seeds[n]); a != nil || b != nil {
			t.Errorf("%s, unchanged: we say %v, they say %v", n, a, b)
		}
	}
	rnd := rand.New(rand.NewPCG(*decodeSeed, 1))
	both, neither := 0, 0
	onlyThey, onlyWe := map[string]int{}, map[string]int{}
	for range *decodeRuns {
		n := names[rnd.IntN(len(names))]
		b := change(rnd, slices.Clone(seeds[n]))
		we, they := x.decode(b), theirDecode(b)
		switch {
		case we == nil && they == nil:
			both++
		case we != nil && they != nil:
			neither++
		case they == nil:
			rule := "no rule"
			if e, ok := errors.AsType[*mls.RuleError](we); ok {
				rule = e.Rule
			}
			onlyThey[rule+" "+n]++
		default:
			onlyWe[n+": "+short(they)]++
			if !strings.Contains(they.Error(), "tree_hash length") { // ours is a matter of M-040
				t.Errorf("seed %d: only we take a changed %s: %v\n%x", *decodeSeed, n, they, b)
			}
		}
	}
	t.Logf("seed %d: both take %d, neither %d; only they, by our rule: %v; only we: %v", *decodeSeed, both, neither, onlyThey, onlyWe)
}

// short cuts what differs from case to case off an error text.
func short(err error) string {
	s := err.Error()
	return s[:min(len(s), 60)]
}

// change makes one or two changes of the kind that liars and bad lines make.
func change(rnd *rand.Rand, b []byte) []byte {
	for range 1 + rnd.IntN(2) {
		at := rnd.IntN(len(b))
		switch rnd.IntN(6) {
		case 0:
			b[at] ^= 1 << rnd.IntN(8)
		case 1:
			b[at] = byte(rnd.IntN(256))
		case 2:
			b = b[:max(at, 1)]
		case 3:
			b = append(b, byte(rnd.IntN(256)))
		case 4:
			b = slices.Insert(b, at, byte(rnd.IntN(256)))
		default:
			b = slices.Delete(b, at, at+1)
		}
		if len(b) == 0 {
			b = []byte{0}
		}
	}
	return b
}
