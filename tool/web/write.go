package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
)

// stampName is a file in dist that says which quality the compressed copies of large files have.
const (
	stampName  = ".build"
	stampBegin = "brotli 11, of large files "
)

// plainBytesMax bounds what is stored plain beside its compressed copies. The core is far above: every browser takes
// a compressed one, and for anything else face/web unpacks the gzip.
const plainBytesMax = 1 << 20

// write makes dir hold exactly files, their compressed copies, .keep and the stamp; a large file only as its copies.
// What is not large gets the best brotli always, which takes a moment; quality is for the core. It returns the brotli
// size of each compressible file.
func write(dir string, files map[string][]byte, quality int) (map[string]int, error) {
	stamp := fmt.Appendf(nil, "%s%d\n", stampBegin, quality)
	old, _ := os.ReadFile(filepath.Join(dir, stampName)) // absent: compress all
	sameQuality := bytes.Equal(old, stamp)

	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		first error
		all   = map[string][]byte{".keep": nil, stampName: stamp}
		sizes = map[string]int{}
	)
	maps.Copy(all, files)
	for name, content := range files {
		if !compressible(name) {
			continue
		}
		of, same := quality, sameQuality
		if len(content) <= plainBytesMax {
			of, same = qualityRelease, bytes.HasPrefix(old, []byte(stampBegin))
		}
		wg.Go(func() {
			br, gz, err := compressed(dir, name, content, of, same)
			mu.Lock()
			defer mu.Unlock()
			if err != nil && first == nil {
				first = err
			}
			all[name+".br"], all[name+".gz"], sizes[name] = br, gz, len(br)
			if len(content) > plainBytesMax {
				delete(all, name)
			}
		})
	}
	wg.Wait()
	if first != nil {
		return nil, first
	}
	for name, content := range all {
		if err := writeChanged(filepath.Join(dir, filepath.FromSlash(name)), content); err != nil {
			return nil, err
		}
	}
	return sizes, removeOthers(dir, all)
}

// compressed returns the compressed forms of content, from dir where they are still right.
func compressed(dir, name string, content []byte, quality int, sameQuality bool) (br, gz []byte, err error) {
	file := filepath.Join(dir, filepath.FromSlash(name))
	if sameQuality {
		br, errBr := os.ReadFile(file + ".br")
		gz, errGz := os.ReadFile(file + ".gz")
		if errBr == nil && errGz == nil && unpacksTo(gz, content) {
			return br, gz, nil
		}
	}
	var out bytes.Buffer
	w := brotli.NewWriterOptions(&out, brotli.WriterOptions{Quality: quality, LGWin: 22})
	if _, err := w.Write(content); err != nil {
		return nil, nil, err
	}
	if err := w.Close(); err != nil {
		return nil, nil, err
	}
	var zipped bytes.Buffer
	z, err := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	if err != nil {
		return nil, nil, err
	}
	if _, err := z.Write(content); err != nil {
		return nil, nil, err
	}
	if err := z.Close(); err != nil {
		return nil, nil, err
	}
	return out.Bytes(), zipped.Bytes(), nil
}

// unpacksTo tells whether gz holds content.
func unpacksTo(gz, content []byte) bool {
	z, err := gzip.NewReader(bytes.NewReader(gz))
	if err != nil {
		return false
	}
	got, err := io.ReadAll(io.LimitReader(z, int64(len(content))+1))
	return err == nil && bytes.Equal(got, content)
}

// writeChanged leaves a file alone that is right already, so that go build's cache stays warm.
func writeChanged(file string, content []byte) error {
	if old, err := os.ReadFile(file); err == nil && bytes.Equal(old, content) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	tmp := file + ".tmp"
	if err := os.WriteFile(tmp, content, 0o644); err != nil {
		return err
	}
	return os.Rename(tmp, file)
}

func removeOthers(dir string, keep map[string][]byte) error {
	return filepath.WalkDir(dir, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		name, err := filepath.Rel(dir, file)
		if err != nil {
			return err
		}
		if _, ok := keep[filepath.ToSlash(name)]; ok || strings.HasSuffix(name, ".tmp") {
			return nil
		}
		return os.Remove(file)
	})
}
