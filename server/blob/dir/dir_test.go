package dir

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"paperplane/protocol/plane"
	"paperplane/server/blob"
	"paperplane/server/blob/blobtest"
)

// The conformance suite on a real folder.
func TestConformance(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blobtest.Setup {
		folder := t.TempDir()
		open := func() *Store {
			s, err := Open(folder)
			if err != nil {
				t.Fatalf("Open: got %v, want nil", err)
			}
			return s
		}
		s := open()
		return blobtest.Setup{Store: s, Reopen: func() blob.Store {
			if err := s.Close(); err != nil {
				t.Fatalf("Close: got %v, want nil", err)
			}
			s = open()
			return s
		}}
	})
}

// files walks the folder.
func files(t *testing.T, folder string) map[string]fs.FileInfo {
	t.Helper()
	out := map[string]fs.FileInfo{}
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		out[path] = info
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func mustOpen(t *testing.T, folder string) *Store {
	t.Helper()
	s, err := Open(folder)
	if err != nil {
		t.Fatalf("Open: got %v, want nil", err)
	}
	return s
}

// TestNothingTold: names hold no id, all chunks have one size, all times are the day's start.
func TestNothingTold(t *testing.T) {
	folder := t.TempDir()
	s := mustOpen(t, folder)
	defer s.Close()
	for b := range 3 {
		for i := range b + 1 {
			if err := s.Put(t.Context(), blobtest.ID(b), i, b+1, blobtest.Day, blobtest.Chunk(b*10+i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	chunks := 0
	for path, info := range files(t, folder) {
		if want := blobtest.Day.Start(); !info.ModTime().Equal(want) {
			t.Errorf("a file's time: got %v, want %v", info.ModTime(), want)
		}
		if n := info.Size(); n == chunkSize {
			chunks++
		} else if n != headBytes {
			t.Errorf("a file's size: got %d, want %d or %d", n, chunkSize, headBytes)
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for b := range 3 {
			id := blobtest.ID(b)
			if bytes.Contains(raw, id[:]) || strings.Contains(path, hex.EncodeToString(id[:])) || strings.Contains(path, id.Text()) {
				t.Errorf("blob %d: got its id on the disk, want it nowhere", b)
			}
		}
	}
	if chunks != 6 {
		t.Errorf("chunks: got %d, want 6", chunks)
	}
}

// TestDeletedIsGone: after Delete and Expire no file is left of the blob, and the space counts.
func TestDeletedIsGone(t *testing.T) {
	folder := t.TempDir()
	s := mustOpen(t, folder)
	defer s.Close()
	for i := range 4 {
		if err := s.Put(t.Context(), blobtest.ID(i/2), i%2, 2, blobtest.Day, blobtest.Chunk(i)); err != nil {
			t.Fatal(err)
		}
	}
	want := func(n int) {
		t.Helper()
		if got := len(files(t, folder)); got != n {
			t.Errorf("files: got %d, want %d", got, n)
		}
	}
	want(6) // four chunks, two marks
	if err := s.Delete(t.Context(), blobtest.ID(0)); err != nil {
		t.Fatal(err)
	}
	want(3)
	if err := s.Expire(t.Context(), blobtest.Day+1); err != nil {
		t.Fatal(err)
	}
	want(0)
	if n, err := s.Size(t.Context()); n != 0 || err != nil {
		t.Errorf("Size: got %d, %v, want 0, nil", n, err)
	}
}

// TestLeftOvers: what a crash leaves half written or half removed goes when the folder is opened.
func TestLeftOvers(t *testing.T) {
	folder := t.TempDir()
	s := mustOpen(t, folder)
	if err := s.Put(t.Context(), blobtest.ID(1), 0, 1, blobtest.Day, blobtest.Chunk(1)); err != nil {
		t.Fatal(err)
	}
	_ = s.Close()
	day := filepath.Join(folder, "20780")
	for _, path := range []string{filepath.Join(day, tempName+"X"), filepath.Join(folder, tempName+"Y", "chunk")} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, make([]byte, 1000), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s = mustOpen(t, folder)
	defer s.Close()
	if got := len(files(t, folder)); got != 2 {
		t.Errorf("files: got %d, want 2", got)
	}
	if n, err := s.Size(t.Context()); n != chunkSize+headBytes || err != nil {
		t.Errorf("Size: got %d, %v, want %d, nil", n, err, chunkSize+headBytes)
	}
}

// TestDamage: a changed byte anywhere in a chunk or a mark, and a file cut short, are ErrDamaged
// and cost that blob alone; putting the chunk again heals it, deleting works all the same.
func TestDamage(t *testing.T) {
	for _, c := range []struct {
		name  string
		index int
		at    int64 // byte to change; negative: cut there
	}{
		{"magic", 0, 0}, {"count", 0, 17}, {"zeros", 0, 20}, {"sum", 0, 30}, {"body", 0, headBytes}, {"end", 0, chunkSize - 1},
		{"cut", 0, -100}, {"empty", 0, -1}, {"mark", -1, 17}, {"mark-cut", -1, -10},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder := t.TempDir()
			s := mustOpen(t, folder)
			defer s.Close()
			for i := range 2 {
				if err := s.Put(t.Context(), blobtest.ID(i), 0, 1, blobtest.Day, blobtest.Chunk(i)); err != nil {
					t.Fatal(err)
				}
			}
			path := filepath.Join(folder, "20780", name(blobtest.ID(0), c.index))
			raw, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if c.at < 0 {
				raw = raw[:-c.at-1]
			} else {
				raw[c.at] ^= 4
			}
			if err := os.WriteFile(path, raw, 0o600); err != nil {
				t.Fatal(err)
			}
			if got, err := s.Get(t.Context(), blobtest.ID(0), 0); !errors.Is(err, blob.ErrDamaged) || got != nil {
				t.Errorf("Get: got %d bytes, %v, want ErrDamaged", len(got), err)
			}
			if got, err := s.Get(t.Context(), blobtest.ID(1), 0); err != nil || !bytes.Equal(got, blobtest.Chunk(1)) {
				t.Errorf("Get of another blob: got %v, want its chunk", err)
			}
			if c.index == 0 {
				if err := s.Put(t.Context(), blobtest.ID(0), 0, 1, blobtest.Day, blobtest.Chunk(0)); err != nil {
					t.Errorf("Put again: got %v, want nil", err)
				}
				if got, err := s.Get(t.Context(), blobtest.ID(0), 0); err != nil || !bytes.Equal(got, blobtest.Chunk(0)) {
					t.Errorf("Get after Put: got %v, want the chunk", err)
				}
			}
			if err := s.Delete(t.Context(), blobtest.ID(0)); err != nil {
				t.Errorf("Delete: got %v, want nil", err)
			}
			if _, err := s.Get(t.Context(), blobtest.ID(0), 0); !errors.Is(err, blob.ErrAbsent) {
				t.Errorf("Get after Delete: got %v, want ErrAbsent", err)
			}
		})
	}
}

// TestErrorsHoldNoNames: what the system says is told without paths.
func TestErrorsHoldNoNames(t *testing.T) {
	err := cause(&fs.PathError{Op: "open", Path: "20780/abcdef", Err: syscall.EACCES})
	if strings.Contains(err.Error(), "abcdef") || !errors.Is(err, syscall.EACCES) {
		t.Errorf("cause: got %q, want EACCES without the path", err)
	}
	if err := cause(&fs.PathError{Op: "write", Path: "x", Err: syscall.ENOSPC}); !errors.Is(err, blob.ErrFull) {
		t.Errorf("cause of ENOSPC: got %v, want ErrFull", err)
	}
}

// FuzzRead: a chunk or mark with any bytes is read whole or is damaged, never more.
func FuzzRead(f *testing.F) {
	folder := f.TempDir()
	s, err := Open(folder)
	if err != nil {
		f.Fatal(err)
	}
	if err := s.write(mustDay(s), "mark", 3, nil); err != nil {
		f.Fatal(err)
	}
	good, _ := os.ReadFile(filepath.Join(folder, "20780", "mark"))
	f.Add(good)
	f.Add(good[:20])
	f.Fuzz(func(t *testing.T, b []byte) {
		if err := os.WriteFile(filepath.Join(folder, "20780", "any"), b, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := s.read("20780/any", headBytes)
		if err == nil && !bytes.Equal(got, b) || err != nil && !errors.Is(err, blob.ErrDamaged) {
			t.Errorf("read: got %d bytes, %v, want the file or ErrDamaged", len(got), err)
		}
	})
}

func mustDay(s *Store) plane.Day {
	if err := s.makeDay(blobtest.Day); err != nil {
		panic(err)
	}
	return blobtest.Day
}
