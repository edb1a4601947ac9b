package admin

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// A backup is a tar file: the files of the folder under their names, and last the list of
// them with lengths and SHA-256. Without the list it is not whole and is not restored.
const (
	listFile   = "backup.json"
	backupKind = "paperplane backup 1"
	listMax    = 256 << 20
)

type list struct {
	Kind  string     `json:"kind"`
	Files []listItem `json:"files"`
}

type listItem struct {
	Name   string `json:"name"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// What can be wrong with a backup or with where it is to go.
var (
	ErrNotBackup  = errors.New("this is not a paperplane backup")
	ErrCutOff     = errors.New("the backup is not whole: its end is missing; take another one")
	ErrBackupBad  = errors.New("the backup is damaged: what is in it does not match its list; take another one")
	ErrNotEmpty   = errors.New("the folder to restore into is not empty; name a new one")
	errOutOfPlace = errors.New("the backup holds a file name that leads elsewhere")
)

// WriteBackup writes a backup while nothing changes: what has been acknowledged before it
// began is in it, what comes meanwhile waits and is not. It holds everything but acme/
// (certificates are fetched anew) and the two files of the running process, and so it holds the
// server's private key: keep it like one.
func (s *Source) WriteBackup(ctx context.Context, w io.Writer) error {
	return s.still(ctx, func() error {
		b := &backup{tar: tar.NewWriter(w), list: list{Kind: backupKind}}
		return b.write(ctx, s.Folder)
	})
}

type backup struct {
	tar  *tar.Writer
	list list
}

func (b *backup) write(ctx context.Context, f *Folder) error {
	// A copy, because the live file has a journal beside it.
	copyPath := f.Path(".backup-tables")
	if err := os.Remove(copyPath); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	defer func() { _ = os.Remove(copyPath) }()
	if err := f.Tables.Copy(copyPath); err != nil {
		return err
	}
	if err := b.file(copyPath, TablesFile); err != nil {
		return err
	}
	for _, name := range []string{KeyFile, InviteFile, LogDir, BlobDir} {
		if err := b.tree(ctx, f.Dir, name); err != nil {
			return err
		}
	}
	text, err := json.Marshal(b.list)
	if err != nil {
		return err
	}
	if err := b.head(listFile, int64(len(text))); err != nil {
		return err
	}
	_, err = b.tar.Write(text)
	return errors.Join(err, b.tar.Close())
}

// tree adds a file, or a folder with all in it; what is not there is passed over.
func (b *backup) tree(ctx context.Context, dir, name string) error {
	return filepath.WalkDir(filepath.Join(dir, name), func(p string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && d == nil:
			return nil
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case d.IsDir() || d.Name() == lockFile || strings.HasPrefix(d.Name(), "."):
			return nil
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		return b.file(p, filepath.ToSlash(rel))
	})
}

func (b *backup) head(name string, size int64) error {
	return b.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o600, Size: size, Format: tar.FormatPAX})
}

func (b *backup) file(p, name string) error {
	f, err := os.Open(p)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := b.head(name, info.Size()); err != nil {
		return err
	}
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(b.tar, h), f); err != nil {
		return err
	}
	b.list.Files = append(b.list.Files, listItem{name, info.Size(), hex.EncodeToString(h.Sum(nil))})
	return nil
}

// CheckBackup reads a backup to its end and compares it with its list.
func CheckBackup(r io.Reader) error {
	return readBackup(r, func(_ string, r io.Reader) error { _, err := io.Copy(io.Discard, r); return err })
}

// readBackup calls f for each file and checks all against the list.
func readBackup(r io.Reader, f func(name string, r io.Reader) error) error {
	t := tar.NewReader(r)
	var have []listItem
	for {
		h, err := t.Next()
		switch {
		case errors.Is(err, io.EOF) && len(have) == 0:
			return ErrNotBackup
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
			return ErrCutOff
		case err != nil && len(have) == 0:
			return ErrNotBackup
		case err != nil:
			return ErrBackupBad
		case h.Typeflag != tar.TypeReg:
			return errOutOfPlace
		case h.Name == listFile:
			return compare(t, have)
		}
		sum := sha256.New()
		if err := f(h.Name, io.TeeReader(t, sum)); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) {
				return ErrCutOff
			}
			return err
		}
		have = append(have, listItem{h.Name, h.Size, hex.EncodeToString(sum.Sum(nil))})
	}
}

func compare(r io.Reader, have []listItem) error {
	var l list
	if err := json.NewDecoder(io.LimitReader(r, listMax)).Decode(&l); err != nil {
		return ErrCutOff
	}
	if l.Kind != backupKind || len(l.Files) != len(have) {
		return ErrBackupBad
	}
	for i, want := range l.Files {
		if have[i] != want {
			return ErrBackupBad
		}
	}
	return nil
}

// Restore brings a backup back into dir, which must be empty or not there. Nothing is left
// there when the backup is not whole.
func Restore(r io.Reader, dir string) (err error) {
	entries, err := os.ReadDir(dir)
	switch {
	case err == nil && len(entries) > 0:
		return ErrNotEmpty
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return err
	}
	if err := os.MkdirAll(filepath.Dir(filepath.Clean(dir)), 0o700); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(filepath.Clean(dir)), ".restore-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }() // gone after the rename
	root, err := os.OpenRoot(work)
	if err != nil {
		return err
	}
	err = readBackup(r, func(name string, r io.Reader) error { return put(root, name, r) })
	if err := errors.Join(err, root.Close()); err != nil {
		return err
	}
	// Open checks key and tables; it makes neither when both are there.
	for _, need := range []string{KeyFile, TablesFile} {
		if ok, err := exists(filepath.Join(work, need)); err != nil || !ok {
			return errors.Join(err, ErrBackupBad)
		}
	}
	f, err := Open(work)
	if err != nil {
		return err
	}
	err = f.Tables.Verify()
	if err := errors.Join(err, f.Close(), os.Remove(filepath.Join(work, lockFile))); err != nil {
		return err
	}
	if len(entries) == 0 {
		_ = os.Remove(dir) // empty: the rename needs its place
	}
	if err := os.Rename(work, dir); err != nil {
		return err
	}
	return syncDir(filepath.Dir(filepath.Clean(dir)))
}

// put writes one file of a backup below root. Names come from the backup: the root lets none
// lead out of it.
func put(root *os.Root, name string, r io.Reader) error {
	if name != path.Clean(name) || !fs.ValidPath(name) {
		return errOutOfPlace
	}
	if d := path.Dir(name); d != "." {
		if err := root.MkdirAll(d, 0o700); err != nil {
			return fmt.Errorf("make a folder: %w", err)
		}
	}
	f, err := root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Sync(), f.Close())
}
