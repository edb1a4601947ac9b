// Package dir keeps blobs in a folder: one folder a day, one file a chunk.
//
// A file's name is a hash of the blob's id and the chunk's index: without the id, which is not
// on the disk, nobody can tell which chunks make a blob or which blob is which. All chunks are of
// one size and all times are the day's start. What the file system itself notes beyond that
// (inode numbers, change times on a raw image) is out of a program's reach; README.md says so.
//
// A Store is safe for concurrent use; one process owns the folder.
package dir

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"paperplane/protocol/plane"
	"paperplane/server/blob"
)

const (
	// headBytes come before a chunk and are all of a mark: magic, count of chunks, CRC-32C of
	// what is before and behind.
	headBytes = 32
	chunkSize = headBytes + plane.BlobChunkBytes
	magic     = "paperplane blob1"
	tempName  = "temp-" // files being written or removed; left-overs are removed when opening
	locks     = 64
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Store is a blob.Store in a folder.
type Store struct {
	root *os.Root
	size atomic.Int64

	// mu guards closed and days. Operations on one blob hold mu for reading and the blob's lock;
	// Expire and Close hold mu for writing.
	mu     sync.RWMutex
	closed bool
	blobs  [locks]sync.Mutex // by the id's first byte

	dayMu sync.Mutex
	days  []plane.Day // folders there are, newest first
}

var _ blob.Store = (*Store)(nil)

// Open opens the folder and makes it when absent. What a crash left half done is removed.
func Open(folder string) (*Store, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("blob: make folder: %w", cause(err))
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("blob: open folder: %w", cause(err))
	}
	s := &Store{root: root}
	if err := s.scan(); err != nil {
		_ = root.Close()
		return nil, fmt.Errorf("blob: open folder: %w", cause(err))
	}
	return s, nil
}

// scan finds the days and counts the bytes.
func (s *Store) scan() error {
	top, err := fs.ReadDir(s.root.FS(), ".")
	if err != nil {
		return err
	}
	for _, d := range top {
		if strings.HasPrefix(d.Name(), tempName) {
			if err := s.root.RemoveAll(d.Name()); err != nil {
				return err
			}
			continue
		}
		day, err := strconv.ParseUint(d.Name(), 10, 32)
		if err != nil || !d.IsDir() {
			continue
		}
		s.days = append(s.days, plane.Day(day))
		files, err := fs.ReadDir(s.root.FS(), d.Name())
		if err != nil {
			return err
		}
		for _, f := range files {
			if strings.HasPrefix(f.Name(), tempName) {
				if err := s.root.Remove(d.Name() + "/" + f.Name()); err != nil {
					return err
				}
				continue
			}
			info, err := f.Info()
			if err != nil {
				return err
			}
			s.size.Add(info.Size())
		}
	}
	slices.Sort(s.days)
	slices.Reverse(s.days)
	return nil
}

// name is the file of a chunk; index -1 is the blob's mark, which tells how many there are.
func name(id plane.BlobID, index int) string {
	h := sha256.New()
	h.Write([]byte("pp blob file v1"))
	h.Write(id[:])
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], uint16(index))
	h.Write(b[:])
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func path(day plane.Day, name string) string { return strconv.FormatUint(uint64(day), 10) + "/" + name }

// enter begins an operation on one blob; leave ends it.
func (s *Store) enter(ctx context.Context, id plane.BlobID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.RLock()
	if s.closed {
		s.mu.RUnlock()
		return blob.ErrClosed
	}
	s.blobs[id[0]%locks].Lock()
	return nil
}

func (s *Store) leave(id plane.BlobID) {
	s.blobs[id[0]%locks].Unlock()
	s.mu.RUnlock()
}

// find returns the day and the count of a blob; ErrAbsent when there is no mark of it.
func (s *Store) find(id plane.BlobID) (plane.Day, int, error) {
	s.dayMu.Lock()
	days := slices.Clone(s.days)
	s.dayMu.Unlock()
	n := name(id, -1)
	for _, d := range days {
		b, err := s.read(path(d, n), headBytes)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return d, 0, err
		}
		return d, int(binary.BigEndian.Uint16(b[16:])), nil
	}
	return 0, 0, blob.ErrAbsent
}

// read returns a whole file of size bytes and checks its sum.
func (s *Store) read(path string, size int) ([]byte, error) {
	f, err := s.root.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b := make([]byte, size+1)
	n, err := io.ReadFull(f, b)
	if err != nil && err != io.ErrUnexpectedEOF && err != io.EOF {
		return nil, err
	}
	if n != size || string(b[:len(magic)]) != magic || binary.BigEndian.Uint32(b[28:]) != sum(b[:size]) {
		return nil, blob.ErrDamaged
	}
	return b[:size], nil
}

func sum(b []byte) uint32 {
	return crc32.Update(crc32.Checksum(b[:28], castagnoli), castagnoli, b[headBytes:])
}

// write makes a file appear whole and durable, or not at all.
func (s *Store) write(day plane.Day, name string, count int, data []byte) error {
	b := make([]byte, headBytes, headBytes+len(data))
	copy(b, magic)
	binary.BigEndian.PutUint16(b[16:], uint16(count))
	b = append(b, data...)
	binary.BigEndian.PutUint32(b[28:], sum(b))

	temp := path(day, tempName+rand.Text())
	f, err := s.root.OpenFile(temp, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return cause(err)
	}
	_, err = f.Write(b)
	if err == nil {
		err = s.root.Chtimes(temp, day.Start(), day.Start())
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = s.root.Rename(temp, path(day, name))
	}
	if err != nil {
		_ = s.root.Remove(temp)
		return cause(err)
	}
	s.size.Add(int64(len(b)))
	return s.syncDir(strconv.FormatUint(uint64(day), 10))
}

// syncDir makes the names in a folder durable.
func (s *Store) syncDir(name string) error {
	d, err := s.root.Open(name)
	if err != nil {
		return cause(err)
	}
	err = syncFolder(d)
	if e := d.Close(); err == nil {
		err = e
	}
	return cause(err)
}

// makeDay makes the day's folder.
func (s *Store) makeDay(day plane.Day) error {
	s.dayMu.Lock()
	defer s.dayMu.Unlock()
	if slices.Contains(s.days, day) {
		return nil
	}
	err := s.root.Mkdir(strconv.FormatUint(uint64(day), 10), 0o700)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return cause(err)
	}
	if err := s.syncDir("."); err != nil {
		return err
	}
	s.days = append(s.days, day)
	slices.Sort(s.days)
	slices.Reverse(s.days)
	return nil
}

// Put implements blob.Store. A chunk found damaged is replaced.
func (s *Store) Put(ctx context.Context, id plane.BlobID, index, count int, day plane.Day, data []byte) error {
	if err := blob.Check(index, count, len(data)); err != nil {
		return err
	}
	if err := s.enter(ctx, id); err != nil {
		return err
	}
	defer s.leave(id)
	d, c, err := s.find(id)
	switch {
	case errors.Is(err, blob.ErrAbsent):
		if err := s.makeDay(day); err != nil {
			return err
		}
		if err := s.write(day, name(id, -1), count, nil); err != nil {
			return err
		}
		d, c = day, count
	case err != nil:
		return cause(err)
	}
	if c != count {
		return blob.ErrClash
	}
	old, err := s.read(path(d, name(id, index)), chunkSize)
	switch {
	case err == nil && bytes.Equal(old[headBytes:], data):
		return nil
	case err == nil:
		return blob.ErrClash
	case errors.Is(err, blob.ErrDamaged):
		if err := s.remove(path(d, name(id, index))); err != nil {
			return err
		}
	case !errors.Is(err, fs.ErrNotExist):
		return cause(err)
	}
	return s.write(d, name(id, index), count, data)
}

// Get implements blob.Store.
func (s *Store) Get(ctx context.Context, id plane.BlobID, index int) ([]byte, error) {
	return s.chunk(ctx, id, index, func(path string) ([]byte, error) {
		b, err := s.read(path, chunkSize)
		if err != nil {
			return nil, err
		}
		return b[headBytes:], nil
	})
}

// Part implements blob.Store. A file of another length than a chunk's is damaged; damage within the
// range is for who asked to see.
func (s *Store) Part(ctx context.Context, id plane.BlobID, index, from, n int) ([]byte, error) {
	if err := blob.CheckPart(from, n); err != nil {
		return nil, err
	}
	return s.chunk(ctx, id, index, func(path string) ([]byte, error) { return s.readPart(path, from, n) })
}

// chunk finds a chunk's file and has it read.
func (s *Store) chunk(ctx context.Context, id plane.BlobID, index int, read func(path string) ([]byte, error)) ([]byte, error) {
	if err := s.enter(ctx, id); err != nil {
		return nil, err
	}
	defer s.leave(id)
	d, count, err := s.find(id)
	if err != nil {
		return nil, cause(err)
	}
	if index < 0 || index >= count {
		return nil, blob.ErrAbsent
	}
	b, err := read(path(d, name(id, index)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, blob.ErrAbsent
	}
	if err != nil {
		return nil, cause(err)
	}
	return b, nil
}

// readPart reads n bytes at from of a chunk's file.
func (s *Store) readPart(path string, from, n int) ([]byte, error) {
	f, err := s.root.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() != chunkSize {
		return nil, blob.ErrDamaged
	}
	b := make([]byte, n)
	if _, err := f.ReadAt(b, int64(headBytes+from)); err != nil {
		return nil, err
	}
	return b, nil
}

// Stat implements blob.Store.
func (s *Store) Stat(ctx context.Context, id plane.BlobID) ([]bool, error) {
	if err := s.enter(ctx, id); err != nil {
		return nil, err
	}
	defer s.leave(id)
	d, count, err := s.find(id)
	if err != nil {
		return nil, cause(err)
	}
	have := make([]bool, count)
	for i := range have {
		_, err := s.root.Stat(path(d, name(id, i)))
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, cause(err)
		}
		have[i] = err == nil
	}
	return have, nil
}

// Delete implements blob.Store. Chunks are overwritten before they are removed. The mark goes
// last: after a crash in between, Delete finds the rest.
func (s *Store) Delete(ctx context.Context, id plane.BlobID) error {
	if err := s.enter(ctx, id); err != nil {
		return err
	}
	defer s.leave(id)
	d, count, err := s.find(id)
	switch {
	case errors.Is(err, blob.ErrAbsent):
		return nil
	case errors.Is(err, blob.ErrDamaged): // the mark: try every chunk
		count = plane.BlobChunksMax
	case err != nil:
		return cause(err)
	}
	for i := range count {
		if err := s.remove(path(d, name(id, i))); err != nil {
			return err
		}
	}
	folder := strconv.FormatUint(uint64(d), 10)
	if err := s.syncDir(folder); err != nil {
		return err
	}
	if err := s.remove(path(d, name(id, -1))); err != nil {
		return err
	}
	return s.syncDir(folder)
}

// remove overwrites a file with zeros and removes it; one that is not there is no error.
func (s *Store) remove(path string) error {
	f, err := s.root.OpenFile(path, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return cause(err)
	}
	st, err := f.Stat()
	if err == nil {
		_, err = f.Write(make([]byte, min(st.Size(), chunkSize)))
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = s.root.Remove(path)
	}
	if err != nil {
		return cause(err)
	}
	s.size.Add(-st.Size())
	return nil
}

// Expire implements blob.Store: it removes whole day folders.
func (s *Store) Expire(ctx context.Context, before plane.Day) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return blob.ErrClosed
	}
	for _, d := range slices.Clone(s.days) {
		if d >= before {
			continue
		}
		folder := strconv.FormatUint(uint64(d), 10)
		var bytes int64
		files, err := fs.ReadDir(s.root.FS(), folder)
		if err != nil {
			return cause(err)
		}
		for _, f := range files {
			if info, err := f.Info(); err == nil {
				bytes += info.Size()
			}
		}
		// Renamed first: a crash within leaves nothing that looks like a blob with holes.
		temp := tempName + rand.Text()
		if err := s.root.Rename(folder, temp); err != nil {
			return cause(err)
		}
		s.days = slices.DeleteFunc(s.days, func(x plane.Day) bool { return x == d })
		s.size.Add(-bytes)
		if err := s.root.RemoveAll(temp); err != nil {
			return cause(err)
		}
	}
	return s.syncDir(".")
}

// Size implements blob.Store. It counts the files' bytes, heads included.
func (s *Store) Size(ctx context.Context) (int64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.closed {
		return 0, blob.ErrClosed
	}
	return s.size.Load(), nil
}

// Close implements blob.Store; it waits for operations under way.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	return s.root.Close()
}

// cause strips paths, which stay out of error texts, and turns "no space" into blob.ErrFull.
func cause(err error) error {
	if err == nil {
		return nil
	}
	if noSpace(err) {
		return blob.ErrFull
	}
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	if e, ok := errors.AsType[*os.LinkError](err); ok {
		return e.Err
	}
	return err
}
