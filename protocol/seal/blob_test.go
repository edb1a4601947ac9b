package seal_test

import (
	"bytes"
	"errors"
	"testing"

	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
)

// TestChunks checks how many chunks a file takes, at the edges.
func TestChunks(t *testing.T) {
	const full = seal.ChunkPlainMax
	for _, c := range []struct {
		size int64
		want int
	}{
		{-1, 0}, {0, 1}, {1, 1}, {full, 1}, {full + 1, 2}, {2 * full, 2},
		{full * plane.BlobChunksMax, plane.BlobChunksMax}, {full*plane.BlobChunksMax + 1, 0}, {1 << 62, 0},
	} {
		if got := seal.Chunks(c.size); got != c.want {
			t.Errorf("%d bytes: got %d chunks, want %d", c.size, got, c.want)
		}
	}
}

// TestChunkPlaces exchanges, leaves off and shortens chunks (E-20, E-22).
func TestChunkPlaces(t *testing.T) {
	key := seal.NewBlobKey()
	full := make([]byte, seal.ChunkPlainMax)
	b, err := seal.SealChunk(key, 1, 3, full)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := seal.OpenChunk(key, 1, 3, b); err != nil || !bytes.Equal(got, full) {
		t.Errorf("own place: %d bytes, %v", len(got), err)
	}
	for _, c := range [][2]int{{0, 3}, {2, 3}, {1, 2}, {1, 4}, {0, 1}, {-1, 3}, {3, 3}, {1, 257}} {
		if _, err := seal.OpenChunk(key, c[0], c[1], b); !errors.Is(err, seal.ErrOpen) {
			t.Errorf("chunk 1 of 3 opened as %d of %d: got %v, want ErrOpen", c[0], c[1], err)
		}
	}
	for _, c := range [][2]int{{-1, 3}, {3, 3}, {0, 0}, {0, plane.BlobChunksMax + 1}} {
		if _, err := seal.SealChunk(key, c[0], c[1], full); !errors.Is(err, seal.ErrChunk) {
			t.Errorf("chunk %d of %d sealed: got %v, want ErrChunk", c[0], c[1], err)
		}
	}
	if _, err := seal.SealChunk(key, plane.BlobChunksMax-1, plane.BlobChunksMax, nil); err != nil {
		t.Errorf("the last chunk of the largest blob: %v", err)
	}
	if _, err := seal.SealChunk(key, 0, 2, full[1:]); !errors.Is(err, seal.ErrChunk) {
		t.Errorf("a short chunk that is not the last: got %v, want ErrChunk", err)
	}
}

// TestChunkNonce checks that the nonce, the first 24 bytes, follows contents, place and key:
// other plaintexts never share one under a key (E-21).
func TestChunkNonce(t *testing.T) {
	k1, k2 := seal.NewBlobKey(), seal.NewBlobKey()
	full := make([]byte, seal.ChunkPlainMax)
	other := bytes.Clone(full)
	other[len(other)-1] = 1
	seen := map[[24]byte]int{}
	for i, b := range [][]byte{
		must(seal.SealChunk(k1, 0, 2, full)), must(seal.SealChunk(k1, 0, 2, other)), must(seal.SealChunk(k1, 1, 2, full)),
		must(seal.SealChunk(k1, 0, 3, full)), must(seal.SealChunk(k2, 0, 2, full)),
	} {
		if j, ok := seen[[24]byte(b)]; ok {
			t.Errorf("chunks %d and %d have one nonce", i, j)
		}
		seen[[24]byte(b)] = i
	}
}

func BenchmarkSealChunk(b *testing.B) {
	key, plain := seal.NewBlobKey(), make([]byte, seal.ChunkPlainMax)
	b.SetBytes(int64(len(plain)))
	for b.Loop() {
		if _, err := seal.SealChunk(key, 0, 2, plain); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSealRecord(b *testing.B) {
	key := must(seal.NewEnvelopeKey(make([]byte, 32)))
	for b.Loop() {
		if _, err := seal.SealRecord(key, plane.LogID{}, make([]byte, 500)); err != nil {
			b.Fatal(err)
		}
	}
}
