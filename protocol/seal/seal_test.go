package seal_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
)

// sealer is one of the padded seals, so that all of them meet the same tests.
type sealer struct {
	name  string
	most  int
	sizes []int // what it may put out
	seal  func(id plane.LogID, m []byte) ([]byte, error)
	open  func(id plane.LogID, b []byte) ([]byte, error)
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func sealers() []sealer {
	raw := bytes.Repeat([]byte{3}, 32)
	env, sig := must(seal.NewEnvelopeKey(raw)), must(seal.NewSignalKey(raw))
	card := must(seal.CardKeyFromBytes(raw[:16]))
	kem := seal.NewKEMKey()
	blob := seal.NewBlobKey()
	return []sealer{
		{"record", seal.RecordPayloadMax, []int{plane.RecordSmall, plane.RecordMedium, plane.RecordLarge},
			func(id plane.LogID, m []byte) ([]byte, error) { return seal.SealRecord(env, id, m) },
			func(id plane.LogID, b []byte) ([]byte, error) { return seal.OpenRecord(env, id, b) }},
		{"signal", seal.SignalPayloadMax, []int{plane.SignalBytesMax},
			func(id plane.LogID, m []byte) ([]byte, error) { return seal.SealSignal(sig, id, m) },
			func(id plane.LogID, b []byte) ([]byte, error) { return seal.OpenSignal(sig, id, b) }},
		{"card", seal.CardPayloadMax, []int{plane.CardBytesMax},
			func(id plane.LogID, m []byte) ([]byte, error) { return seal.SealCard(card, id, m) },
			func(id plane.LogID, b []byte) ([]byte, error) { return seal.OpenCard(card, id, b) }},
		{"package", seal.PackagePayloadMax, []int{plane.PackageBytesMax},
			func(id plane.LogID, m []byte) ([]byte, error) { return seal.SealPackage(card, id, m) },
			func(id plane.LogID, b []byte) ([]byte, error) { return seal.OpenPackage(card, id, b) }},
		{"request", seal.RequestPayloadMax, []int{plane.RecordLarge},
			func(id plane.LogID, m []byte) ([]byte, error) {
				_, s, err := seal.NewRequestSealer(kem.Public(), id)
				if err != nil {
					return nil, err
				}
				return s.Seal(m)
			},
			func(id plane.LogID, b []byte) ([]byte, error) {
				_, m, err := seal.OpenRequest(kem, id, b)
				return m, err
			}},
		{"chunk", seal.ChunkPlainMax, []int{plane.BlobChunkBytes},
			func(id plane.LogID, m []byte) ([]byte, error) {
				return seal.SealChunk(blob, int(id[0]), int(id[0])+1, m)
			},
			func(id plane.LogID, b []byte) ([]byte, error) {
				return seal.OpenChunk(blob, int(id[0]), int(id[0])+1, b)
			}},
	}
}

// TestEdges seals the empty, the longest and one byte more than the longest message with every
// seal: the first two open to themselves out of an allowed size, the last is ErrTooLarge.
func TestEdges(t *testing.T) {
	id := plane.LogID{1}
	for _, s := range sealers() {
		for _, n := range []int{0, 1, s.most - 1, s.most} {
			m := bytes.Repeat([]byte{0xa5}, n)
			b, err := s.seal(id, m)
			if err != nil {
				t.Errorf("%s: seal %d bytes: %v", s.name, n, err)
				continue
			}
			if !slicesContains(s.sizes, len(b)) {
				t.Errorf("%s: %d bytes became %d, want one of %v", s.name, n, len(b), s.sizes)
			}
			got, err := s.open(id, b)
			if err != nil || !bytes.Equal(got, m) {
				t.Errorf("%s: open %d bytes: got %d bytes, %v", s.name, n, len(got), err)
			}
		}
		if _, err := s.seal(id, make([]byte, s.most+1)); !errors.Is(err, seal.ErrTooLarge) {
			t.Errorf("%s: %d bytes: got %v, want ErrTooLarge", s.name, s.most+1, err)
		}
	}
}

func slicesContains(s []int, v int) bool {
	for _, x := range s {
		if x == v {
			return true
		}
	}
	return false
}

// TestLinkRoundTrip parses what String gives, and checks that no verb prints it.
func TestLinkRoundTrip(t *testing.T) {
	l := seal.Link{Origin: "https://chat.example", Server: [32]byte{1}, Inbox: plane.LogID{2},
		Door: [16]byte{3}, Card: seal.NewCardKey(), Account: [16]byte{4}, HasAccount: true}
	for _, l := range []seal.Link{l, {Origin: "http://127.0.0.1:8765"}} {
		got, err := seal.ParseLink(l.String())
		if err != nil || got.String() != l.String() {
			t.Errorf("got %q, %v, want %q", got.String(), err, l.String())
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
			if p := fmt.Sprintf(verb, l); strings.Contains(p, "chat") || p != "[redacted]" {
				t.Errorf("%s printed %q", verb, p)
			}
		}
	}
}
