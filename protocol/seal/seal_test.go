package seal_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
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

// sealers returns every seal under keys of its own. A chunk has no log: there the first byte of
// the id is its index and the blob has one chunk more.
func sealers(b byte) []sealer {
	raw := bytes.Repeat([]byte{b}, 32)
	env, sig := must(seal.NewEnvelopeKey(raw)), must(seal.NewSignalKey(raw))
	card := must(seal.CardKeyFromBytes(raw[:16]))
	kem := must(seal.KEMKeyFromSeed(raw))
	blob := must(seal.BlobKeyFromBytes(raw))
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
// seal: the first two open to themselves out of an allowed size, the last is ErrTooLarge (E-02).
func TestEdges(t *testing.T) {
	id := plane.LogID{1}
	for _, s := range sealers(3) {
		for _, n := range []int{0, 1, s.most - 1, s.most} {
			m := bytes.Repeat([]byte{0xa5}, n)
			b, err := s.seal(id, m)
			if err != nil {
				t.Errorf("%s: seal %d bytes: %v", s.name, n, err)
				continue
			}
			if !slices.Contains(s.sizes, len(b)) {
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

// TestRecordSizes checks the edges between the three sizes (E-02).
func TestRecordSizes(t *testing.T) {
	key := must(seal.NewEnvelopeKey(make([]byte, 32)))
	for _, c := range []struct{ n, want int }{
		{0, plane.RecordSmall}, {seal.RecordPayloadSmall, plane.RecordSmall},
		{seal.RecordPayloadSmall + 1, plane.RecordMedium}, {seal.RecordPayloadMedium, plane.RecordMedium},
		{seal.RecordPayloadMedium + 1, plane.RecordLarge}, {seal.RecordPayloadMax, plane.RecordLarge},
	} {
		if b, err := seal.SealRecord(key, plane.LogID{}, make([]byte, c.n)); err != nil || len(b) != c.want {
			t.Errorf("%d bytes became %d, want %d, %v", c.n, len(b), c.want, err)
		}
	}
}

// TestPlaces opens what every seal made with every seal, under another key and for another log:
// only its own place opens it (E-03, C-22).
func TestPlaces(t *testing.T) {
	ours, others := sealers(3), sealers(4)
	for i, s := range ours {
		b, err := s.seal(plane.LogID{1}, []byte("hello"))
		if err != nil {
			t.Fatal(err)
		}
		before := bytes.Clone(b)
		if _, err := s.open(plane.LogID{2}, b); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("%s: opens in another place: %v, want ErrOpen", s.name, err)
		}
		if _, err := others[i].open(plane.LogID{1}, b); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("%s: opens under another key: %v, want ErrOpen", s.name, err)
		}
		for j, o := range ours {
			// Cut or grown to the other's size, so that the length alone does not tell.
			fitted := make([]byte, o.sizes[0])
			copy(fitted, b)
			if len(fitted) == len(b) {
				fitted = b
			}
			if _, err := o.open(plane.LogID{1}, fitted); (err == nil) != (i == j) {
				t.Errorf("%s opened as %s: %v", s.name, o.name, err)
			}
		}
		if !bytes.Equal(b, before) {
			t.Errorf("%s: opening changed the body", s.name)
		}
	}
}

// TestChanged flips bits all over what every seal made, and cuts and grows it: nothing opens, and
// the error is always the one (E-05).
func TestChanged(t *testing.T) {
	id := plane.LogID{1}
	for _, s := range sealers(3) {
		b, err := s.seal(id, []byte("hello"))
		if err != nil {
			t.Fatal(err)
		}
		step := max(1, len(b)/64)
		if s.name == "request" {
			step = max(1, len(b)/16) // each costs a decapsulation
		}
		for i := 0; i < len(b); i += step {
			bad := bytes.Clone(b)
			bad[i] ^= 1 << (i % 8)
			if _, err := s.open(id, bad); !errors.Is(err, seal.ErrOpen) {
				t.Errorf("%s: byte %d changed: got %v, want ErrOpen", s.name, i, err)
			}
		}
		for _, bad := range [][]byte{nil, {}, b[:1], b[:40], b[:len(b)-1], append(bytes.Clone(b), 0)} {
			if _, err := s.open(id, bad); !errors.Is(err, seal.ErrOpen) {
				t.Errorf("%s: %d of %d bytes: got %v, want ErrOpen", s.name, len(bad), len(b), err)
			}
		}
	}
}

// TestFresh seals the same twice: the bytes differ, but for chunks, where they must not (E-21).
func TestFresh(t *testing.T) {
	for _, s := range sealers(3) {
		a, b := must(s.seal(plane.LogID{1}, []byte("hello"))), must(s.seal(plane.LogID{1}, []byte("hello")))
		if same := bytes.Equal(a, b); same != (s.name == "chunk") {
			t.Errorf("%s: sealed twice, the same bytes: %v", s.name, same)
		}
	}
}

// TestKeys checks lengths, copies and zero values of the keys.
func TestKeys(t *testing.T) {
	for _, n := range []int{0, 15, 16, 17, 31, 32, 33, 64} {
		b := make([]byte, n)
		_, err1 := seal.NewEnvelopeKey(b)
		_, err2 := seal.NewSignalKey(b)
		_, err3 := seal.BlobKeyFromBytes(b)
		_, err4 := seal.KEMKeyFromSeed(b)
		_, err5 := seal.CardKeyFromBytes(b)
		for i, err := range []error{err1, err2, err3, err4, err5} {
			want := n == 32
			if i == 4 {
				want = n == 16
			}
			if (err == nil) != want || err != nil && !errors.Is(err, seal.ErrKey) {
				t.Errorf("key kind %d of %d bytes: %v", i, n, err)
			}
		}
	}
	var env seal.EnvelopeKey
	if _, err := seal.SealRecord(env, plane.LogID{}, nil); !errors.Is(err, seal.ErrKey) {
		t.Errorf("zero envelope key: got %v, want ErrKey", err)
	}
	if _, err := seal.OpenRecord(env, plane.LogID{}, make([]byte, plane.RecordSmall)); !errors.Is(err, seal.ErrOpen) {
		t.Errorf("zero envelope key: got %v, want ErrOpen", err)
	}
	if _, err := seal.SealChunk(seal.BlobKey{}, 0, 1, nil); !errors.Is(err, seal.ErrKey) {
		t.Errorf("zero blob key: got %v, want ErrKey", err)
	}
	if _, err := seal.SealCard(seal.CardKey{}, plane.LogID{}, nil); !errors.Is(err, seal.ErrKey) {
		t.Errorf("zero card key: got %v, want ErrKey", err)
	}
	card, blob, kem := seal.NewCardKey(), seal.NewBlobKey(), seal.NewKEMKey()
	card.Bytes()[0] ^= 1
	blob.Bytes()[0] ^= 1
	if again := must(seal.CardKeyFromBytes(card.Bytes())); !again.Equal(card) {
		t.Error("a card key does not come back from its bytes")
	}
	if seal.NewCardKey().Equal(card) {
		t.Error("two random card keys are equal")
	}
	if again := must(seal.KEMKeyFromSeed(kem.Seed())); !bytes.Equal(again.Public(), kem.Public()) || len(kem.Public()) != seal.KEMPublicBytes {
		t.Errorf("a KEM key does not come back from its seed, or has %d bytes", len(kem.Public()))
	}
}

// TestNothingPrints formats every secret, alone and inside a struct, exported or not.
func TestNothingPrints(t *testing.T) {
	raw := bytes.Repeat([]byte{0xab}, 32)
	env, sig := must(seal.NewEnvelopeKey(raw)), must(seal.NewSignalKey(raw))
	card, blob := must(seal.CardKeyFromBytes(raw[:16])), must(seal.BlobKeyFromBytes(raw))
	kem := must(seal.KEMKeyFromSeed(raw))
	link := seal.Link{Origin: "https://abab.example", Card: card, Door: [16]byte(raw[:16])}
	values := []any{env, sig, card, blob, kem, *kem, link, &link, seal.HistoryHash(raw),
		struct {
			env  seal.EnvelopeKey
			sig  *seal.SignalKey
			card seal.CardKey
			blob seal.BlobKey
			kem  *seal.KEMKey
		}{env, &sig, card, blob, kem}}
	for _, v := range values {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d"} {
			got := strings.ToLower(fmt.Sprintf(verb, v))
			for _, bad := range []string{"abab", "171 171", "0xab, 0xab", string(raw[:4]), `\xab\xab`} {
				if strings.Contains(got, bad) {
					t.Errorf("%T with %s printed %q", v, verb, bad)
				}
			}
		}
	}
}

// TestChain checks that the chain depends on everything before it (E-30).
func TestChain(t *testing.T) {
	var zero seal.HistoryHash
	a := zero.Next(1, []byte("a"))
	seen := []seal.HistoryHash{zero, a, zero.Next(2, []byte("a")), zero.Next(1, []byte("b")), a.Next(1, []byte("a")),
		a.Next(2, []byte("b")), zero.Next(1, []byte("b")).Next(2, []byte("b"))}
	for i, h := range seen {
		if slices.Contains(seen[:i], h) {
			t.Errorf("chain %d is one that was there", i)
		}
	}
	if zero.Next(1, []byte("a")) != a {
		t.Error("the chain is not a function")
	}
	if short := a.Short(); !bytes.Equal(short[:], a[:16]) {
		t.Error("Short is not the first 16 bytes")
	}
}
