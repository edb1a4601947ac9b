// Package archive is sealed pieces of a chat's history, kept as blobs: for one's own new devices,
// for newcomers where the group's rules give them history, and for who has missed something.
//
// A Segment holds entries in their order, each with what was said about it since. It is encoded in
// one way only (CBOR), cut into chunks and sealed under a key of its own; Ref is all that is needed
// to fetch and open it, and proves what comes: the server can withhold a segment and no more. What
// is in a segment is what its maker says; nothing here proves that others said it too.
// All functions are pure. Spec: spec/devices.md.
package archive

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"errors"

	"github.com/fxamacker/cbor/v2"

	"paperplane/protocol/canon"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
)

const (
	// ItemsMax bounds the entries of one segment, BytesMax its encoding: what a phone holds in
	// memory without noticing.
	ItemsMax = 2000
	BytesMax = 4 << 20
	// NotesMax bounds the notes on one entry.
	NotesMax = 1024
)

var (
	// ErrSegment: the bytes are no segment, or not the one that the reference names.
	ErrSegment = errors.New("archive: bad segment")
	// ErrRef: the bytes are no reference.
	ErrRef = errors.New("archive: bad reference")
	// ErrTooLarge: over ItemsMax or BytesMax.
	ErrTooLarge = errors.New("archive: too large")
)

// Item is one entry of the history in its stored form, with the notes on it.
type Item struct {
	_     struct{} `cbor:",toarray"`
	Entry []byte
	Notes []Note
}

// Note is an annotation: Key is what stands behind the message's id in the vault.
type Note struct {
	_     struct{} `cbor:",toarray"`
	Key   string
	Value []byte
}

type segment struct {
	_       struct{} `cbor:",toarray"`
	Version uint8
	Items   []Item
}

const version = 1

// Ref leads to a sealed segment. It is secret: who has it reads.
type Ref struct {
	_     struct{} `cbor:",toarray"`
	Blob  plane.BlobID
	Key   [32]byte
	Hash  [32]byte // SHA-256 of the encoded segment
	Bytes uint32   // of the same
	Count uint32   // entries
	From  uint64   // index of the first and last, where it was made
	To    uint64
	Days  [2]uint32 // days of the first and last, since 1970
}

var decoding = canon.Decoder(cbor.DecOptions{MaxNestedLevels: 8, MaxArrayElements: ItemsMax, MaxMapPairs: 64})

// Encode returns the one encoding of a segment. Errors: ErrTooLarge.
func Encode(list []Item) ([]byte, error) {
	for _, x := range list {
		if len(x.Notes) > NotesMax {
			return nil, ErrTooLarge
		}
	}
	b := canon.Encode(segment{Version: version, Items: list})
	if len(list) > ItemsMax || len(b) > BytesMax {
		return nil, ErrTooLarge
	}
	return b, nil
}

// Parse is the inverse of Encode; it takes nothing that Encode does not make. Errors: ErrSegment.
func Parse(b []byte) ([]Item, error) {
	var s segment
	if len(b) > BytesMax || decoding.Unmarshal(b, &s) != nil || s.Version != version {
		return nil, ErrSegment
	}
	if again, err := Encode(s.Items); err != nil || !bytes.Equal(again, b) {
		return nil, ErrSegment
	}
	return s.Items, nil
}

// Seal encodes and seals a segment for the blob of secret, under a fresh key. From, To and Days of
// the reference are the caller's. Errors: ErrTooLarge.
func Seal(list []Item) (ref Ref, secret [16]byte, data []byte, err error) {
	plain, err := Encode(list)
	if err != nil {
		return ref, secret, nil, err
	}
	_, _ = rand.Read(secret[:])
	_, _ = rand.Read(ref.Key[:])
	if data, err = sealBytes(ref.Key, plain); err != nil {
		return ref, secret, nil, err
	}
	ref.Blob, ref.Hash, ref.Bytes, ref.Count = caps.NewBlobID(secret), sha256.Sum256(plain), uint32(len(plain)), uint32(len(list))
	return ref, secret, data, nil
}

func sealBytes(raw [32]byte, plain []byte) (data []byte, err error) {
	key, err := seal.BlobKeyFromBytes(raw[:])
	if err != nil {
		return nil, err
	}
	n := seal.Chunks(int64(len(plain)))
	for i := range n {
		b, err := seal.SealChunk(key, i, n, plain[i*seal.ChunkPlainMax:min(len(plain), (i+1)*seal.ChunkPlainMax)])
		if err != nil {
			return nil, err
		}
		data = append(data, b...)
	}
	return data, nil
}

// Open opens what was fetched for a reference. Errors: ErrSegment for everything that is wrong.
func Open(ref Ref, data []byte) ([]Item, error) {
	key, err := seal.BlobKeyFromBytes(ref.Key[:])
	n := seal.Chunks(int64(ref.Bytes))
	if err != nil || ref.Bytes > BytesMax || len(data) != n*plane.BlobChunkBytes {
		return nil, ErrSegment
	}
	var plain []byte
	for i := range n {
		b, err := seal.OpenChunk(key, i, n, data[i*plane.BlobChunkBytes:(i+1)*plane.BlobChunkBytes])
		if err != nil {
			return nil, ErrSegment
		}
		plain = append(plain, b...)
	}
	if sha256.Sum256(plain) != ref.Hash {
		return nil, ErrSegment
	}
	list, err := Parse(plain)
	if err != nil || len(list) != int(ref.Count) {
		return nil, ErrSegment
	}
	return list, nil
}

// refsMax bounds the references of one list.
const refsMax = 1024

// EncodeRefs returns the bytes of a list of references, ParseRefs reads them and nothing else.
func EncodeRefs(list []Ref) []byte { return canon.Encode(list) }

// ParseRefs is the inverse of EncodeRefs. Errors: ErrRef.
func ParseRefs(b []byte) ([]Ref, error) {
	var list []Ref
	if decoding.Unmarshal(b, &list) != nil || len(list) > refsMax || !bytes.Equal(EncodeRefs(list), b) {
		return nil, ErrRef
	}
	for _, r := range list {
		if r.Count == 0 || r.Count > ItemsMax || r.Bytes == 0 || r.Bytes > BytesMax || r.From > r.To || r.Days[0] > r.Days[1] {
			return nil, ErrRef
		}
	}
	return list, nil
}
