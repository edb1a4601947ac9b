package seal

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"

	"paperplane/protocol/plane"
)

// ChunkPlainMax is how many bytes of a file one chunk holds. Every chunk but the last is full.
const ChunkPlainMax = plane.BlobChunkBytes - overhead

const (
	purposeChunk = "pp chunk v1"
	purposeNonce = "pp chunk nonce v1"
)

// Chunks returns how many chunks a file of size bytes takes, at least 1; 0 when it is negative
// or needs more than plane.BlobChunksMax.
func Chunks(size int64) int {
	if size < 0 || size > int64(ChunkPlainMax)*plane.BlobChunksMax {
		return 0
	}
	return max(1, int((size+ChunkPlainMax-1)/ChunkPlainMax))
}

// SealChunk seals chunk index of a blob of count chunks into exactly plane.BlobChunkBytes.
// The same input gives the same bytes: an upload goes on after a crash with nothing kept but
// the file and the key, and repeating a chunk is no clash. The nonce is a hash of the plaintext
// under the key, so that other contents never meet the same nonce (E-21).
// Errors: ErrTooLarge when plain is over ChunkPlainMax, ErrKey, ErrChunk.
func SealChunk(key BlobKey, index, count int, plain []byte) ([]byte, error) {
	if len(plain) > ChunkPlainMax {
		return nil, ErrTooLarge
	}
	if !chunkIndex(index, count) || index < count-1 && len(plain) != ChunkPlainMax {
		return nil, ErrChunk
	}
	if key.reveal == nil {
		return nil, ErrKey
	}
	return key.sealWith(key.nonce(index, count, plain), plane.BlobChunkBytes, chunkBind(index, count), plain)
}

// OpenChunk is the inverse of SealChunk. ErrOpen: changed, of another blob, or not this place.
func OpenChunk(key BlobKey, index, count int, body []byte) ([]byte, error) {
	if len(body) != plane.BlobChunkBytes || !chunkIndex(index, count) {
		return nil, ErrOpen
	}
	plain, err := key.openPadded(chunkBind(index, count), body)
	if err != nil {
		return nil, err
	}
	// A short chunk in the middle would shift the rest of the file (E-22).
	if index < count-1 && len(plain) != ChunkPlainMax {
		return nil, ErrOpen
	}
	return plain, nil
}

func chunkIndex(index, count int) bool {
	return 0 <= index && index < count && count <= plane.BlobChunksMax
}

// chunkBind ties a chunk to its place and to the number of chunks, so that none can be
// exchanged or left off (E-20).
func chunkBind(index, count int) []byte {
	b := binary.BigEndian.AppendUint16([]byte(purposeChunk), uint16(index))
	return binary.BigEndian.AppendUint16(b, uint16(count))
}

func (k BlobKey) nonce(index, count int, plain []byte) [nonceBytes]byte {
	h := hmac.New(sha256.New, k.Bytes())
	h.Write([]byte(purposeNonce))
	h.Write(chunkBind(index, count))
	h.Write(plain)
	return [nonceBytes]byte(h.Sum(nil)[:nonceBytes])
}
