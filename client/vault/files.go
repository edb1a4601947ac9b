package vault

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"iter"
	"strings"
	"sync"
)

// Sealed files hold what is larger than a value: attachments. The bytes are chunks of 64 KiB,
// each sealed under the file's own random key with its number as the nonce and the file's name
// as associated data. Key and size are a value of the vault under a reserved key, so a file
// exists exactly when a transaction says so, and dies with its key.
const (
	fileChunk     = 64 << 10
	fileKeyPrefix = "\x00f/"
	fileValueSize = 32 + 8
)

func fileKey(name string) string { return fileKeyPrefix + name }

// files counts who uses which sealed file: a Dir's file can be open only once.
//
// Its lock is taken before the vault's own.
type files struct {
	mu   sync.Mutex
	open map[string]*sharedFile
}

type sharedFile struct {
	f       File
	aead    cipher.AEAD
	size    int64
	uses    int  // open SealedFiles
	writing bool // PutFile is at it
	removed bool // remove the bytes when the last use ends
}

func (fs *files) init() { fs.open = make(map[string]*sharedFile) }

func (fs *files) closeAll() {
	fs.mu.Lock()
	defer fs.mu.Unlock()
	for name, sf := range fs.open {
		if sf.f != nil && !sf.writing {
			_ = sf.f.Close()
			delete(fs.open, name)
		}
	}
}

func checkFileName(name string) error {
	if len(name) > FileNameBytesMax {
		return ErrLimit
	}
	rest, ok := strings.CutPrefix(name, filePrefix)
	if !ok || rest == "" {
		return ErrName
	}
	for _, c := range []byte(rest) {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '-' {
			return ErrName
		}
	}
	return nil
}

func fileNonce(n *[24]byte, chunk int64) { binary.LittleEndian.PutUint64(n[:], uint64(chunk)) }

// PutFile seals what r gives into the file name and returns its size. When it returns nil the
// file survives any crash; else no trace of it is left (at the latest after the next Open).
// Other calls go on beside it.
//
// Errors: ErrName, ErrExists, ErrLimit over FileBytesMax, ErrFull, ErrClosed, ErrBroken, the
// error of r, or the Dir's own.
func (v *Vault) PutFile(name string, r io.Reader) (size int64, err error) {
	if err := checkFileName(name); err != nil {
		return 0, err
	}
	v.files.mu.Lock()
	_, taken := v.files.open[name]
	if !taken {
		if _, err = v.get(fileKey(name)); err == nil {
			taken = true
		} else if errors.Is(err, ErrAbsent) {
			err = nil
			v.files.open[name] = &sharedFile{writing: true}
		}
	}
	v.files.mu.Unlock()
	if taken {
		return 0, ErrExists
	}
	if err != nil {
		return 0, err
	}
	defer func() {
		v.files.mu.Lock()
		delete(v.files.open, name)
		v.files.mu.Unlock()
	}()
	value := make([]byte, fileValueSize)
	_, _ = rand.Read(value[:32])
	defer func() { clear(value) }()
	size, err = v.sealFile(name, r, newAEAD(value[:32]))
	if err == nil {
		binary.LittleEndian.PutUint64(value[32:], uint64(size))
		err = v.commitOwn(Op{fileKey(name), value})
	}
	if err != nil {
		// After ErrBroken the record may be on the disk: then the bytes must stay as well.
		if !errors.Is(err, ErrBroken) && !errors.Is(err, ErrClosed) {
			_ = v.dir.Remove(name)
		}
		return 0, err
	}
	return size, nil
}

// commitOwn commits an op on a reserved key.
func (v *Vault) commitOwn(op Op) error {
	v.w.Lock()
	defer v.w.Unlock()
	if err := v.writable(); err != nil {
		return err
	}
	if err := v.append([]Op{op}); err != nil {
		return err
	}
	v.maybeCompact()
	return nil
}

func (v *Vault) sealFile(name string, r io.Reader, aead cipher.AEAD) (size int64, err error) {
	f, err := v.dir.Open(name)
	if err != nil {
		return 0, err
	}
	defer func() {
		if cerr := f.Close(); err == nil {
			err = cerr
		}
	}()
	if err := f.Truncate(0); err != nil { // left by a PutFile that could not clean up
		return 0, err
	}
	buf, sealed := make([]byte, fileChunk), make([]byte, 0, fileChunk+tagSize)
	var nonce [24]byte
	for chunk := int64(0); ; chunk++ {
		if err := v.alive(); err != nil {
			return 0, err
		}
		if chunk%64 == 63 {
			yield()
		}
		n, rerr := io.ReadFull(r, buf)
		if rerr != nil && rerr != io.EOF && rerr != io.ErrUnexpectedEOF {
			return 0, rerr
		}
		if n > 0 {
			if size += int64(n); size > v.fileMax {
				return 0, ErrLimit
			}
			fileNonce(&nonce, chunk)
			sealed = aead.Seal(sealed[:0], nonce[:], buf[:n], []byte(name))
			if _, err := f.WriteAt(sealed, chunk*(fileChunk+tagSize)); err != nil {
				return 0, err
			}
		}
		if rerr != nil {
			return size, f.Sync()
		}
	}
}

func (v *Vault) alive() error {
	v.mu.RLock()
	defer v.mu.RUnlock()
	if v.closed {
		return ErrClosed
	}
	return nil
}

// SealedFile reads one sealed file. It is safe for concurrent use; close it when done.
type SealedFile struct {
	v    *Vault
	name string
	sf   *sharedFile
	once sync.Once
}

// OpenFile opens a sealed file: ErrAbsent when there is none, ErrDamaged when its bytes are
// missing or too few.
func (v *Vault) OpenFile(name string) (*SealedFile, error) {
	if err := checkFileName(name); err != nil {
		return nil, err
	}
	v.files.mu.Lock()
	defer v.files.mu.Unlock()
	if sf := v.files.open[name]; sf != nil {
		if sf.writing || sf.removed {
			return nil, ErrAbsent
		}
		sf.uses++
		return &SealedFile{v: v, name: name, sf: sf}, nil
	}
	value, err := v.get(fileKey(name))
	if err != nil {
		return nil, err
	}
	if len(value) != fileValueSize {
		return nil, ErrDamaged
	}
	sf := &sharedFile{aead: newAEAD(value[:32]), size: int64(binary.LittleEndian.Uint64(value[32:])), uses: 1}
	clear(value)
	if sf.f, err = v.dir.Open(name); err != nil {
		return nil, err
	}
	have, err := sf.f.Size()
	if chunks := (sf.size + fileChunk - 1) / fileChunk; err == nil && have != sf.size+chunks*tagSize {
		err = ErrDamaged
	}
	if err != nil {
		_ = sf.f.Close()
		return nil, err
	}
	v.files.open[name] = sf
	return &SealedFile{v: v, name: name, sf: sf}, nil
}

// Size is the number of plain bytes.
func (f *SealedFile) Size() int64 { return f.sf.size }

// ReadAt fills p from off as io.ReaderAt says. ErrDamaged when the bytes do not authenticate;
// what was read before the bad chunk is good. After Close of f or the vault it is ErrClosed or
// the File's own error.
func (f *SealedFile) ReadAt(p []byte, off int64) (n int, err error) {
	if off < 0 {
		return 0, ErrLimit
	}
	var nonce [24]byte
	buf := make([]byte, fileChunk+tagSize)
	for n < len(p) && off < f.sf.size {
		chunk := off / fileChunk
		sealed := buf[:min(fileChunk, f.sf.size-chunk*fileChunk)+tagSize]
		if err := readFull(f.sf.f, sealed, chunk*(fileChunk+tagSize)); err != nil {
			return n, err
		}
		fileNonce(&nonce, chunk)
		plain, err := f.sf.aead.Open(sealed[:0], nonce[:], sealed, []byte(f.name))
		if err != nil {
			return n, ErrDamaged
		}
		m := copy(p[n:], plain[off-chunk*fileChunk:])
		n, off = n+m, off+int64(m)
	}
	return n, eof(n, len(p))
}

// Close ends this use of the file. A second Close does nothing.
func (f *SealedFile) Close() error {
	var err error
	f.once.Do(func() {
		fs := &f.v.files
		fs.mu.Lock()
		defer fs.mu.Unlock()
		if f.sf.uses--; f.sf.uses > 0 || fs.open[f.name] != f.sf {
			return
		}
		delete(fs.open, f.name)
		if err = f.sf.f.Close(); f.sf.removed {
			_ = f.v.dir.Remove(f.name)
		}
	})
	return err
}

// RemoveFile removes a sealed file: its key at once and durably, its bytes as soon as nobody
// has it open. ErrAbsent when there is none. The key itself is past recovery after Compact.
func (v *Vault) RemoveFile(name string) error {
	if err := checkFileName(name); err != nil {
		return err
	}
	v.files.mu.Lock()
	defer v.files.mu.Unlock()
	if _, err := v.get(fileKey(name)); err != nil {
		return err
	}
	if err := v.commitOwn(Op{Key: fileKey(name)}); err != nil {
		return err
	}
	if sf := v.files.open[name]; sf != nil {
		sf.removed = true
		return nil
	}
	_ = v.dir.Remove(name) // else at the next Open
	return nil
}

// Files yields the names and sizes of all sealed files in order of name, so that a caller can
// remove those that nothing of its own refers to. Same rules as Range.
func (v *Vault) Files() iter.Seq2[FileInfo, error] {
	return func(yield func(FileInfo, error) bool) {
		for op, err := range v.scan(fileKeyPrefix, fileKeyPrefix[:2]+"0", false) { // '0' follows '/'
			var fi FileInfo
			if err == nil && len(op.Value) == fileValueSize {
				fi = FileInfo{op.Key[len(fileKeyPrefix):], int64(binary.LittleEndian.Uint64(op.Value[32:]))}
			} else if err == nil {
				err = ErrDamaged
			}
			if !yield(fi, err) || err != nil {
				return
			}
		}
	}
}

// FileInfo is one sealed file.
type FileInfo struct {
	Name string
	Size int64
}
