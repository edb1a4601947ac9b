package cli

import (
	"bytes"
	"context"
	"image"
	"image/jpeg"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"paperplane/face/api"
)

// vault is a core that keeps the last file put into it.
type vault struct {
	api.Core
	got []byte
}

func (v *vault) PutFile(_ context.Context, r io.Reader) (string, int64, error) {
	var err error
	v.got, err = io.ReadAll(r)
	return "ref", int64(len(v.got)), err
}

// TestPutFile shows which files go as they are, and that no photo does unless it is asked for.
func TestPutFile(t *testing.T) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 3200, 10)), nil); err != nil {
		t.Fatal(err)
	}
	place := []byte("\xff\xe1\x00\x11Exif\x00\x00GPS HERE!")
	camera := bytes.Join([][]byte{b.Bytes()[:2], place, b.Bytes()[2:]}, nil)
	dir := t.TempDir()
	for _, c := range []struct {
		name     string
		data     []byte
		original bool
		as, mime string // of what is sent; as empty: refused
		same     bool
		isPhoto  bool
	}{
		{"a.jpeg", camera, false, "a.jpg", "image/jpeg", false, true},
		{"renamed.bin", camera, false, "renamed.jpg", "image/jpeg", false, true},
		{"b.jpeg", camera, true, "b.jpeg", "image/jpeg", true, true},
		{"broken.jpg", []byte("GPS HERE!"), false, "", "", false, true},
		{"broken-original.jpg", []byte("GPS HERE!"), true, "broken-original.jpg", "image/jpeg", true, true},
		{"phone.heic", []byte("\x00\x00\x00\x18ftypheic"), false, "", "", false, true},
		{"move.gif", []byte("GIF89a"), false, "move.gif", "image/gif", true, false},
		{"empty.bin", nil, false, "empty.bin", "application/octet-stream", true, false},
	} {
		name := filepath.Join(dir, c.name)
		if err := os.WriteFile(name, c.data, 0o600); err != nil {
			t.Fatal(err)
		}
		v := &vault{}
		f, isPhoto, err := putFile(t.Context(), v, name, c.original)
		if isPhoto != c.isPhoto {
			t.Errorf("%s: got photo %v, want %v", c.name, isPhoto, c.isPhoto)
		}
		if c.as == "" {
			if err == nil || !strings.Contains(err.Error(), "--original") || v.got != nil {
				t.Errorf("%s: got %v and %d bytes put, want a refusal that names --original and none", c.name, err, len(v.got))
			}
			continue
		}
		if err != nil || f.Name != c.as || f.Size != int64(len(v.got)) || f.Mime != c.mime {
			t.Errorf("%s: got %q %s %d bytes (%v), want %q %s %d bytes", c.name, f.Name, f.Mime, f.Size, err, c.as, c.mime, len(v.got))
		}
		if got := bytes.Equal(v.got, c.data); got != c.same {
			t.Errorf("%s: got the same bytes: %v, want %v", c.name, got, c.same)
		}
		if !c.same && (bytes.Contains(v.got, []byte("GPS")) || f.Width != 1600 || f.Height != 5 || len(f.Preview) == 0) {
			t.Errorf("%s: got %d×%d, preview %d bytes, want 1600×5, a preview and no place", c.name, f.Width, f.Height, len(f.Preview))
		}
	}
}
