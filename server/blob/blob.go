// Package blob is the seam behind which a server keeps blobs: up to plane.BlobChunksMax opaque
// chunks of plane.BlobChunkBytes each under a random id.
//
// A Store is safe for concurrent use. Put returns after the chunk is on stable storage. File
// names, times and directory order must not tell blobs apart or say when they came, below a day
// (privacy.md: no file per blob named by its id in arrival order).
package blob

import (
	"context"
	"errors"

	"paperplane/protocol/plane"
)

var (
	// ErrAbsent: no such blob or chunk. The caller answers plane.Refused.
	ErrAbsent = errors.New("blob: absent")
	// ErrFull: no space left; nothing was stored.
	ErrFull = errors.New("blob: disk full")
	// ErrClash: the chunk is there with other bytes, or the blob has another count. Refused.
	ErrClash = errors.New("blob: chunk differs")
	// ErrSize: wrong chunk size, index or count. A bug of the caller.
	ErrSize = errors.New("blob: bad size")
	// ErrDamaged: stored bytes do not match their checksum.
	ErrDamaged = errors.New("blob: damaged data")
	// ErrClosed: the store is closing. The caller drops the connection.
	ErrClosed = errors.New("blob: closed")
)

// Store keeps blobs. Implementations: dir (a folder), mem, faulty; see blobtest.
type Store interface {
	// Put stores chunk index of a blob of count chunks, filed under day. Putting the same chunk
	// again is no error; other bytes are ErrClash.
	Put(ctx context.Context, id plane.BlobID, index, count int, day plane.Day, data []byte) error
	// Get returns one chunk; ErrAbsent when it is not there.
	Get(ctx context.Context, id plane.BlobID, index int) ([]byte, error)
	// Part returns n bytes at offset from of one chunk, without reading the rest of it, so without
	// its checksum; ErrAbsent when the chunk is not there, ErrSize when from and n do not lie in it.
	Part(ctx context.Context, id plane.BlobID, index, from, n int) ([]byte, error)
	// Stat returns the blob's count of chunks and which are there (have[i]); ErrAbsent for an
	// unknown id.
	Stat(ctx context.Context, id plane.BlobID) (have []bool, err error)
	// Delete removes the blob; an unknown id is no error. Deleted means gone from the disk.
	Delete(ctx context.Context, id plane.BlobID) error
	// Expire removes every blob filed before day.
	Expire(ctx context.Context, before plane.Day) error
	// Size returns the bytes in use, for quotas and metrics.
	Size(ctx context.Context) (int64, error)
	// Close frees all resources.
	Close() error
}

// CheckPart returns ErrSize unless n bytes at from lie in a chunk, at least one. Every
// implementation's Part begins with it.
func CheckPart(from, n int) error {
	if from < 0 || n < 1 || n > plane.BlobChunkBytes || from > plane.BlobChunkBytes-n {
		return ErrSize
	}
	return nil
}

// Check returns ErrSize unless index, count and n, the length of a chunk, are within bounds.
// Every implementation's Put begins with it.
func Check(index, count, n int) error {
	if count < 1 || count > plane.BlobChunksMax || index < 0 || index >= count || n != plane.BlobChunkBytes {
		return ErrSize
	}
	return nil
}
