package embedded

import (
	"bytes"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"

	"paperplane/protocol/plane"
	"paperplane/server/store"
)

// manifest says which files make up the store. It is replaced in one rename, which is what
// makes a merge of many files happen at once or not at all; a file that it does not name is
// left over and is removed. Text, so that a person can read it; the last line is its sum.
//
//	paperplane store 1
//	tail 7
//	heads heads-0123456789abcdef 31
//	day 20780 seg-20780-0123456789abcdef 330 10
//	young 20780 seg-20780-fedcba9876543210 33 1
//	sum 0a1b2c3d
type manifest struct {
	gen   uint64    // tails of older generations are merged already and hold nothing that counts
	heads fileRef   // no name: no log was ever settled
	segs  []fileRef // each day's settled segment, by day, then young ones, oldest first
}

// fileRef names a sorted file and tells its shape.
type fileRef struct {
	name    string
	day     plane.Day
	young   bool
	units   int64 // frames
	entries int   // rows of its table
}

const (
	manifestName     = "manifest"
	manifestNew      = "manifest.new"
	manifestFirst    = "paperplane store 1\n"
	manifestBytesMax = 1 << 20
)

func (m *manifest) bytes() []byte {
	b := []byte(manifestFirst)
	b = fmt.Appendf(b, "tail %d\n", m.gen)
	if m.heads.name != "" {
		b = fmt.Appendf(b, "heads %s %d\n", m.heads.name, m.heads.entries)
	}
	for _, s := range m.segs {
		word := "day"
		if s.young {
			word = "young"
		}
		b = fmt.Appendf(b, "%s %d %s %d %d\n", word, s.day, s.name, s.units, s.entries)
	}
	return fmt.Appendf(b, "sum %08x\n", crc32.Checksum(b, castagnoli))
}

// parseManifest is the inverse of bytes. It accepts only what bytes writes.
func parseManifest(b []byte) (*manifest, error) {
	rest, ok := bytes.CutPrefix(b, []byte(manifestFirst))
	if !ok {
		return nil, store.ErrDamaged
	}
	m := &manifest{}
	for line := range strings.Lines(string(rest)) {
		w := strings.Fields(line)
		n := make([]uint64, len(w))
		for i := range w {
			n[i], _ = strconv.ParseUint(w[i], 10, 48)
		}
		switch {
		case len(w) == 2 && w[0] == "tail":
			m.gen = n[1]
		case len(w) == 3 && w[0] == "heads" && okName(w[1], "heads-"):
			m.heads = fileRef{name: w[1], entries: int(n[2])}
		case len(w) == 5 && (w[0] == "day" || w[0] == "young") && n[1] <= dayMax && n[3] <= 1<<32 && okName(w[2], "seg-"):
			m.segs = append(m.segs, fileRef{name: w[2], day: plane.Day(n[1]), young: w[0] == "young", units: int64(n[3]), entries: int(n[4])})
		case len(w) == 2 && w[0] == "sum":
		default:
			return nil, store.ErrDamaged
		}
	}
	if !bytes.Equal(m.bytes(), b) {
		return nil, store.ErrDamaged
	}
	return m, nil
}

// okName keeps a manifest from naming anything outside our own files.
func okName(s, prefix string) bool {
	tail, ok := strings.CutPrefix(s, prefix)
	return ok && len(tail) > 0 && len(s) < 64 && strings.Trim(tail, "0123456789abcdef-") == ""
}

// readManifest returns nil when there is none yet.
func readManifest(d disk) (*manifest, error) {
	names, err := d.List()
	if err != nil {
		return nil, err
	}
	there, others := false, false
	for _, n := range names {
		there = there || n == manifestName
		others = others || strings.HasPrefix(n, "seg-") || strings.HasPrefix(n, "heads-") || strings.HasPrefix(n, "tail-")
	}
	if !there {
		if others { // the manifest comes before all other files: somebody has lost it
			return nil, fmt.Errorf("embedded: manifest is missing: %w", store.ErrDamaged)
		}
		return nil, nil
	}
	f, err := d.Open(manifestName)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.NewSectionReader(f, 0, manifestBytesMax+1))
	if err != nil {
		return nil, err
	}
	m, err := parseManifest(b)
	if err != nil {
		return nil, fmt.Errorf("embedded: manifest: %w", err)
	}
	return m, nil
}

// writeManifest makes m the store's state. The files it names are durable before; when it
// returns nil the state is durable too. On an error the old state may or may not stand.
func writeManifest(d disk, m *manifest, stamp plane.Day) error {
	if err := d.Sync(); err != nil {
		return err
	}
	f, err := d.Open(manifestNew)
	if err != nil {
		return err
	}
	err = f.Truncate(0)
	if err == nil {
		_, err = f.WriteAt(m.bytes(), 0)
	}
	if err == nil {
		err = d.Stamp(manifestNew, stamp)
	}
	if err == nil {
		err = f.Sync()
	}
	if e := f.Close(); err == nil {
		err = e
	}
	if err == nil {
		err = d.Rename(manifestNew, manifestName)
	}
	if err != nil {
		return err
	}
	return d.Sync()
}
