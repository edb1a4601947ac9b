package vault

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// Frames are aligned for every length, and the padding is the least.
func TestPadded(t *testing.T) {
	for _, from := range []int{1, chunkSize - 200, 3*chunkSize - 200, CommitBytesMax} {
		for n := from; n < from+400; n++ {
			m := padded(n)
			if m < n || m >= n+2*align || frameSize(m)%align != 0 {
				t.Fatalf("padded(%d) = %d: frame of %d", n, m, frameSize(m))
			}
		}
	}
	if got := frameSize(padded(plainMax)); got > 20<<20 {
		t.Errorf("largest frame: got %d", got)
	}
}

// A head opens only in its segment; a body only at its offset, behind its predecessor, in order,
// with its own head.
func TestSealBinds(t *testing.T) {
	k := NewKey()
	s, h := newHeader(k, 1)
	o, _ := newHeader(k, 1)
	prev := h[headerSize-prevSize:]
	plain := make([]byte, padded(40_000))
	at := place{128, prev}
	a, b := s.seal(nil, at, 1, plain), s.seal(nil, at, 1, plain)
	ha, ok := s.openHead(a)
	if !ok || ha.seq != 1 || ha.n != len(plain) {
		t.Fatalf("openHead = %v, %v", ha, ok)
	}
	if got, ok := s.openBody(nil, a, at, ha); !ok || !bytes.Equal(got, plain) {
		t.Error("the body does not open")
	}
	for what, at := range map[string]place{"another offset": {192, prev}, "another predecessor": {128, a[:prevSize]}} {
		if _, ok := s.openBody(nil, a, at, ha); ok {
			t.Errorf("%s: opens", what)
		}
	}
	for what, h := range map[string]head{"another number": {2, ha.n}, "another length": {1, ha.n + align}} {
		if _, ok := s.openBody(nil, a, at, h); ok {
			t.Errorf("%s: opens", what)
		}
	}
	if _, ok := o.openHead(a); ok {
		t.Error("opens in another segment")
	}
	c := func(f []byte, i int) []byte { return f[headSize+i*(chunkSize+tagSize):][:chunkSize+tagSize] }
	for what, f := range map[string][]byte{
		"chunks swapped":          slices.Concat(a[:headSize], c(a, 1), c(a, 0), a[headSize+2*(chunkSize+tagSize):]),
		"a chunk of a twin frame": slices.Concat(a[:headSize], c(b, 0), a[headSize+chunkSize+tagSize:]),
		"a twin's head":           slices.Concat(b[:headSize], a[headSize:]),
	} {
		if _, ok := s.openBody(nil, f, at, ha); ok {
			t.Errorf("%s: opens", what)
		}
	}
}

// A header of a later version is not called damage.
func TestNewerHeader(t *testing.T) {
	k := NewKey()
	_, h := newHeader(k, 1)
	h[7]++
	if _, err := openHeader(k, h, 1); !errors.Is(err, ErrDamaged) {
		t.Errorf("changed version: got %v, want ErrDamaged", err)
	}
	sum := sha256.Sum256(h[:sumOff])
	copy(h[sumOff:], sum[:])
	if _, err := openHeader(k, h, 1); !errors.Is(err, ErrNewer) {
		t.Errorf("later version: got %v, want ErrNewer", err)
	}
}

// Authenticated plain text that is no list of ops is refused, not read.
func FuzzNextOp(f *testing.F) {
	f.Add(appendOp(appendOp(nil, "a", []byte("1"), opSet), "b", nil, opDelete))
	f.Add([]byte{1, 1, 0, 0, 0, 0, 0, 'k', 0, 0})
	f.Add([]byte{2, 1, 0, 1, 0, 0, 0, 'k', 0})
	f.Fuzz(func(t *testing.T, p []byte) {
		var again []byte
		for i := 0; ; {
			op, next, end, ok := nextOp(p, i)
			if !ok {
				return
			}
			if end {
				break
			}
			if next <= i || next > len(p) {
				t.Fatalf("op at %d ends at %d of %d", i, next, len(p))
			}
			again = appendOp(again, string(p[op.key:op.value]), p[op.value:next], op.kind)
			i = next
		}
		if !bytes.Equal(bytes.TrimRight(p, "\x00"), bytes.TrimRight(again, "\x00")) {
			t.Fatalf("encode(parse(%q)) = %q", p, again)
		}
	})
}

// The index against a map and a sort, with keys that make blocks split, empty and fill up.
func TestIndex(t *testing.T) {
	for seed := range uint64(20) {
		r := rand.New(rand.NewPCG(seed, 3))
		x, m := new(index), map[string]uint32{}
		var drawn []string
		long := 1 + r.IntN(KeyBytesMax-8)
		for i := range uint32(6000) {
			key := fmt.Sprintf("%d%s", r.IntN(2000), strings.Repeat("x", r.IntN(long)))
			if r.IntN(3) == 0 || i > 5000 && r.IntN(4) > 0 {
				if len(drawn) > 0 && r.IntN(8) > 0 {
					key = drawn[r.IntN(len(drawn))]
				}
				x.del([]byte(key))
				delete(m, key)
				continue
			}
			x.set([]byte(key), i, 0, i%7)
			drawn = append(drawn, key)
			m[key] = i
			if i%1000 == 0 {
				x.shrink()
			}
		}
		var got []string
		bytes := int64(0)
		for _, b := range x.blocks {
			if len(b.ents) == 0 || len(b.ents) > blockMax {
				t.Fatalf("seed %d: block of %d", seed, len(b.ents))
			}
			for i := range b.ents {
				got = append(got, string(b.key(i)))
				bytes += opOverhead + int64(len(b.key(i))) + int64(b.ents[i].n)
			}
		}
		if want := slices.Sorted(maps.Keys(m)); !slices.Equal(got, want) || x.n != len(want) || x.bytes != bytes {
			t.Fatalf("seed %d: got %d keys (n %d, bytes %d), want %d (bytes %d)", seed, len(got), x.n, x.bytes, len(want), bytes)
		}
		for key, want := range m {
			if e, ok := x.get(key); !ok || e.frame != want || e.n != want%7 {
				t.Fatalf("seed %d: get = %v, %v; want %d", seed, e, ok, want)
			}
		}
	}
}

// A key prints as nothing, under any verb and inside other values, and round-trips only by Text.
func TestKey(t *testing.T) {
	k := NewKey()
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%t"} {
		for _, v := range []any{k, &k, struct{ K Key }{k}, []Key{k}, map[int]Key{1: k}} {
			if got := fmt.Sprintf(format, v); !strings.Contains(got, "[redacted]") || strings.Contains(got, k.Text()[len(keyPrefix):]) {
				t.Errorf("%s of %T prints %q", format, v, got)
			}
		}
	}
	if b, err := json.Marshal(k); err == nil {
		t.Errorf("json.Marshal gives %q, want an error", b)
	}
	got, err := ParseKey(k.Text())
	if err != nil || !got.Equal(k) {
		t.Errorf("ParseKey(Text) does not give the key back: %v", err)
	}
	raw, err := KeyFrom(k.Bytes())
	if err != nil || !raw.Equal(k) || k.Equal(NewKey()) || (Key{}).Equal(Key{}) {
		t.Error("KeyFrom or Equal is wrong")
	}
	text := k.Text()
	for what, bad := range map[string]string{
		"empty": "", "no prefix": text[len(keyPrefix):], "short": text[:len(text)-1], "long": text + "0",
		"not hex": text[:len(text)-1] + "g", "upper case": keyPrefix + strings.Repeat("AB", 32), "space": text + "\n",
	} {
		if _, err := ParseKey(bad); !errors.Is(err, ErrKey) {
			t.Errorf("ParseKey, %s: got %v, want ErrKey", what, err)
		}
	}
	for _, n := range []int{0, 31, 33} {
		if _, err := KeyFrom(make([]byte, n)); !errors.Is(err, ErrKey) {
			t.Errorf("KeyFrom of %d bytes: got %v, want ErrKey", n, err)
		}
	}
}

// Names of segments have one spelling.
func TestSegName(t *testing.T) {
	for _, n := range []uint64{1, 0xabc, 1<<64 - 1} {
		if got, ok := parseSegName(segName(n)); !ok || got != n {
			t.Errorf("parseSegName(segName(%d)) = %d, %v", n, got, ok)
		}
	}
	for _, bad := range []string{"", "seg-", "seg-1", "seg-0000000000000000", "seg-000000000000000A", "0000000000000001", "seg-00000000000000010"} {
		if n, ok := parseSegName(bad); ok {
			t.Errorf("parseSegName(%q) = %d", bad, n)
		}
	}
}
