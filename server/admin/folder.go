// Package admin is what an operator does with a server's data folder: open it, look at all it
// holds, check it, copy it, and bring a copy back.
//
// The folder of a server:
//
//	server.key   the server's identity, readable by its owner only
//	tables.db    what inventory.go of package server lists
//	log/         records (server/store/embedded)
//	blob/        blobs (server/blob/dir)
//	invite.txt   the first invite; whoever reads it may join
//	acme/        certificates and their keys, with --domain
//	lock         held by the process that has the folder open
//	admin        where that process answers this package: a loopback address and a secret
//
// Nothing is written outside the folder. Files are written whole or not at all. A Folder belongs
// to one goroutine.
package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"paperplane/protocol/session"
	"paperplane/server/tables"
	"paperplane/server/tables/lite"
)

// Names in a data folder.
const (
	KeyFile    = "server.key"
	TablesFile = "tables.db"
	LogDir     = "log"
	BlobDir    = "blob"
	InviteFile = "invite.txt"
	CertDir    = "acme"
	lockFile   = "lock"
	doorFile   = "admin"
)

// What can be wrong with a folder. The texts are for the operator.
var (
	// ErrInUse: another process has the folder open.
	ErrInUse = errors.New("another paperplane process is using this data folder; stop it first")
	// ErrKeyMissing: there is data but no key file.
	ErrKeyMissing = errors.New("the data folder holds data but its file server.key is missing: " +
		"with a new key nobody's invite or app would trust this server; put the old server.key back (it is in every backup)")
	// ErrKeyOther: the key file does not belong to the data.
	ErrKeyOther = errors.New("the file server.key is not the one this data was made with: " +
		"nobody's invite or app would trust this server; put the old server.key back (it is in every backup)")
	// ErrKeyDamaged: the key file cannot be read as a key.
	ErrKeyDamaged = errors.New("the file server.key is damaged; put back the one from a backup")
	// ErrNoData: there is nothing in the folder.
	ErrNoData = errors.New("there is no server data in this folder")
	// ErrTablesDamaged: the tables do not hold together.
	ErrTablesDamaged = errors.New("the file tables.db is damaged; restore a backup")
)

// Folder is an open data folder.
type Folder struct {
	Dir    string
	Key    *session.PrivateKey
	Tables *lite.Tables
	// Fresh says that the folder was empty.
	Fresh bool
	lock  *os.File
}

// Path returns the path of a name in the folder.
func (f *Folder) Path(name string) string { return filepath.Join(f.Dir, name) }

// Open opens the folder at dir, making it and the server's key when there is nothing yet. It
// refuses a folder that is in use, and one whose key is missing or not its own.
func Open(dir string) (*Folder, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	f := &Folder{Dir: dir}
	if err := f.open(); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

func (f *Folder) open() error {
	var err error
	if f.lock, err = lock(f.Path(lockFile)); err != nil {
		return err
	}
	if err := f.sweep(); err != nil {
		return err
	}
	hadTables, err := exists(f.Path(TablesFile))
	if err != nil {
		return err
	}
	f.Fresh = !hadTables
	switch f.Key, err = readKey(f.Path(KeyFile)); {
	case errors.Is(err, fs.ErrNotExist) && hadTables:
		return ErrKeyMissing
	case errors.Is(err, fs.ErrNotExist):
		if f.Key, err = makeKey(f.Path(KeyFile)); err != nil {
			return err
		}
	case err != nil:
		return err
	}
	if f.Tables, err = lite.Open(f.Path(TablesFile)); err != nil {
		if errors.Is(err, tables.ErrDamaged) {
			return ErrTablesDamaged
		}
		return err
	}
	return f.checkMark()
}

// checkMark compares the key with the mark that the tables hold of it.
func (f *Folder) checkMark() error {
	mark := keyMark(f.Key)
	have, err := f.Tables.Setting(tables.SettingKeyMark)
	switch {
	case errors.Is(err, tables.ErrAbsent):
		return f.Tables.SetSetting(tables.SettingKeyMark, mark)
	case err != nil:
		return err
	case subtle.ConstantTimeCompare(have, mark) != 1:
		return ErrKeyOther
	}
	return nil
}

func keyMark(k *session.PrivateKey) []byte {
	fp := k.Fingerprint()
	sum := sha256.Sum256(append([]byte("pp key mark v1"), fp[:]...))
	return sum[:]
}

// Close frees the folder.
func (f *Folder) Close() error {
	var errs []error
	if f.Tables != nil {
		errs = append(errs, f.Tables.Close())
	}
	if f.lock != nil {
		errs = append(errs, f.lock.Close())
	}
	return errors.Join(errs...)
}

func readKey(path string) (*session.PrivateKey, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	k, err := session.ParsePrivateKey(text)
	if err != nil {
		return nil, ErrKeyDamaged
	}
	return k, nil
}

func makeKey(path string) (*session.PrivateKey, error) {
	k, err := session.GenerateKey()
	if err != nil {
		return nil, err
	}
	text, err := k.Marshal()
	if err != nil {
		return nil, err
	}
	return k, WriteFile(path, text)
}

// newPrefix begins the names of files that are being written.
const newPrefix = ".new-"

// sweep removes what a crash left half written; the lock is held.
func (f *Folder) sweep() error {
	left, err := os.ReadDir(f.Dir) // not a pattern: a folder's name may hold brackets
	if err != nil {
		return err
	}
	for _, e := range left {
		if !strings.HasPrefix(e.Name(), newPrefix) {
			continue
		}
		if err := os.Remove(f.Path(e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// WriteFile writes a file that only its owner can read, whole or not at all, durably.
func WriteFile(path string, text []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), newPrefix+"*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone after the rename
	_, err = f.Write(text)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func exists(path string) (bool, error) {
	_, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}
