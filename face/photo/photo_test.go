package photo

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"paperplane/core"
)

// halves is a picture whose left half is red and whose right half is blue.
func halves(w, h int) *image.RGBA {
	m := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{R: 255, A: 255}
			if x >= w/2 {
				c = color.RGBA{B: 255, A: 255}
			}
			m.SetRGBA(x, y, c)
		}
	}
	return m
}

// exif holds an orientation and a place, as a phone writes them.
func exif(o binary.AppendByteOrder, how uint16) []byte {
	b := []byte("II*\x00")
	if o == binary.BigEndian {
		b = []byte("MM\x00*")
	}
	b = o.AppendUint32(b, 8)
	b = o.AppendUint16(b, 2)
	for _, e := range [][2]uint32{{0x0112<<16 | 3, uint32(how)}, {0x8825<<16 | 4, 38}} {
		b = o.AppendUint16(b, uint16(e[0]>>16))
		b = o.AppendUint16(b, uint16(e[0]))
		b = o.AppendUint32(b, 1)
		if e[0]&0xffff == 3 {
			b = o.AppendUint16(o.AppendUint16(b, uint16(e[1])), 0)
		} else {
			b = o.AppendUint32(b, e[1])
		}
	}
	return append(b, "\x00\x00\x00\x00GPS 35.6892N 51.3890E"...)
}

func jpegWith(t testing.TB, m image.Image, tags []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, m, nil); err != nil {
		t.Fatal(err)
	}
	body := append([]byte("Exif\x00\x00"), tags...)
	app := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(body)+2))
	return bytes.Join([][]byte{b.Bytes()[:2], app, body, b.Bytes()[2:]}, nil)
}

func pngOf(t testing.TB, m image.Image) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, m); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// lossless is a WebP of 1×1, without its RIFF header.
const lossless = "VlA4TA0AAAAvAAAAEAcQERGIiP4HAA=="

func webpOf(t testing.TB, more ...[]byte) []byte {
	t.Helper()
	vp8l, err := base64.StdEncoding.DecodeString(lossless)
	if err != nil {
		t.Fatal(err)
	}
	if len(vp8l)%2 != 0 {
		vp8l = append(vp8l, 0)
	}
	body := append([]byte("WEBP"), vp8l...)
	for _, m := range more {
		body = append(body, m...)
	}
	return append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(body))), body...)
}

// clean fails when anything of the file's hidden fields is left.
func clean(t *testing.T, p Photo) {
	t.Helper()
	for _, word := range []string{"Exif", "eXIf", "EXIF", "GPS", "35.6892", "secret"} {
		if bytes.Contains(p.Data, []byte(word)) || bytes.Contains(p.Preview, []byte(word)) {
			t.Errorf("got %q in what is sent, want nothing hidden", word)
		}
	}
	if len(p.Preview) == 0 || len(p.Preview) > core.PreviewBytesMax {
		t.Errorf("got a preview of %d bytes, want 1 to %d", len(p.Preview), core.PreviewBytesMax)
	}
	c, _, err := image.DecodeConfig(bytes.NewReader(p.Data))
	if err != nil || c.Width != p.Width || c.Height != p.Height {
		t.Errorf("got %d×%d (%v), want what is said: %d×%d", c.Width, c.Height, err, p.Width, p.Height)
	}
}

func TestPhoneJPEG(t *testing.T) {
	in := jpegWith(t, halves(3200, 2400), exif(binary.BigEndian, 6))
	p, err := Prepare(bytes.NewReader(in), "IMG_1.JPEG")
	if err != nil {
		t.Fatal(err)
	}
	clean(t, p)
	if p.Width != 1200 || p.Height != 1600 || p.Mime != "image/jpeg" || p.Name != "IMG_1.jpg" {
		t.Errorf("got %d×%d %s %s, want 1200×1600 image/jpeg IMG_1.jpg", p.Width, p.Height, p.Mime, p.Name)
	}
	m, err := jpeg.Decode(bytes.NewReader(p.Data))
	if err != nil {
		t.Fatal(err)
	}
	top, _, _, _ := m.At(600, 100).RGBA()
	_, _, bottom, _ := m.At(600, 1500).RGBA()
	if top < 0xe000 || bottom < 0xe000 {
		t.Errorf("got red %x above and blue %x below, want both full: the picture is not upright", top, bottom)
	}
}

// TestTurn turns the picture AB/CD by each orientation; the rows are EXIF's own table.
func TestTurn(t *testing.T) {
	src := image.NewRGBA(image.Rect(0, 0, 2, 2))
	for i, c := range "ABCD" {
		src.SetRGBA(i%2, i/2, color.RGBA{R: uint8(c), A: 255})
	}
	for how, want := range map[int]string{1: "ABCD", 2: "BADC", 3: "DCBA", 4: "CDAB", 5: "ACBD", 6: "CADB", 7: "DBCA", 8: "BDAC"} {
		m, got := turn(src, how), ""
		for i := range 4 {
			got += string(rune(m.RGBAAt(i%2, i/2).R))
		}
		if got != want {
			t.Errorf("orientation %d: got %s, want %s", how, got, want)
		}
	}
}

func TestOrientation(t *testing.T) {
	chunk := func(tags []byte) []byte {
		return append(binary.LittleEndian.AppendUint32([]byte("EXIF"), uint32(len(tags))), tags...)
	}
	inPNG := func(tags []byte) []byte {
		b := pngOf(t, halves(2, 2))
		c := append(binary.BigEndian.AppendUint32(nil, uint32(len(tags))), "eXIf"...)
		return bytes.Join([][]byte{b[:33], c, tags, {0, 0, 0, 0}, b[33:]}, nil)
	}
	plain := halves(2, 2)
	for name, c := range map[string]struct {
		in   []byte
		want int
	}{
		"jpeg big":      {jpegWith(t, plain, exif(binary.BigEndian, 6)), 6},
		"jpeg little":   {jpegWith(t, plain, exif(binary.LittleEndian, 8)), 8},
		"webp":          {webpOf(t, chunk(exif(binary.LittleEndian, 3))), 3},
		"webp, Exif":    {webpOf(t, chunk(append([]byte("Exif\x00\x00"), exif(binary.LittleEndian, 3)...))), 3},
		"png":           {inPNG(exif(binary.BigEndian, 5)), 5},
		"0":             {jpegWith(t, plain, exif(binary.BigEndian, 0)), 1},
		"9":             {jpegWith(t, plain, exif(binary.BigEndian, 9)), 1},
		"none":          {jpegWith(t, plain, nil), 1},
		"far directory": {jpegWith(t, plain, []byte("MM\x00*\xff\xff\xff\xff\x00\x01")), 1},
		"cut":           {jpegWith(t, plain, exif(binary.BigEndian, 6)[:18]), 1},
	} {
		if got := orientation(c.in); got != c.want {
			t.Errorf("%s: got %d, want %d", name, got, c.want)
		}
	}
}

func TestPNG(t *testing.T) {
	p, err := Prepare(bytes.NewReader(pngOf(t, halves(40, 30))), "screen.png")
	if err != nil {
		t.Fatal(err)
	}
	clean(t, p)
	if p.Width != 40 || p.Height != 30 || p.Mime != "image/jpeg" || p.Name != "screen.jpg" {
		t.Errorf("got %d×%d %s %s, want 40×30 image/jpeg screen.jpg", p.Width, p.Height, p.Mime, p.Name)
	}
}

func TestTransparentPNG(t *testing.T) {
	m := halves(40, 30)
	m.SetRGBA(1, 1, color.RGBA{})
	in := pngOf(t, m)
	text := append(binary.BigEndian.AppendUint32(nil, 14), "tEXtComment\x00secret\x2b\xa0\x65\x1e"...)
	in = bytes.Join([][]byte{in[:33], fixCRC(text), in[33:]}, nil)
	p, err := Prepare(bytes.NewReader(in), "a.b")
	if err != nil {
		t.Fatal(err)
	}
	clean(t, p)
	if p.Mime != "image/png" || p.Name != "a.png" {
		t.Errorf("got %s %s, want image/png a.png", p.Mime, p.Name)
	}
	out, err := png.Decode(bytes.NewReader(p.Data))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, a := out.At(1, 1).RGBA(); a != 0 {
		t.Errorf("got alpha %x, want 0", a)
	}
}

func TestWebP(t *testing.T) {
	tags := exif(binary.LittleEndian, 1)
	c := append(binary.LittleEndian.AppendUint32([]byte("EXIF"), uint32(len(tags))), tags...)
	p, err := Prepare(bytes.NewReader(webpOf(t, c)), "x.webp")
	if err != nil {
		t.Fatal(err)
	}
	clean(t, p)
	if p.Width != 1 || p.Height != 1 {
		t.Errorf("got %d×%d, want 1×1", p.Width, p.Height)
	}
}

func TestEdges(t *testing.T) {
	for _, c := range []struct{ w, h, wantW, wantH int }{
		{EdgeMax, 4, EdgeMax, 4}, {EdgeMax + 1, 4, EdgeMax, 4}, {4, EdgeMax + 1, 4, EdgeMax},
		{2 * EdgeMax, 3, EdgeMax, 2}, {3*EdgeMax - 1, 1, EdgeMax, 1}, {60000, 1, EdgeMax, 1}, {1, 1, 1, 1},
	} {
		p, err := Prepare(bytes.NewReader(pngOf(t, halves(c.w, c.h))), "x")
		if err != nil || p.Width != c.wantW || p.Height != c.wantH {
			t.Errorf("%d×%d: got %d×%d (%v), want %d×%d", c.w, c.h, p.Width, p.Height, err, c.wantW, c.wantH)
		}
	}
}

// claim is a PNG of 1×1 that says to be w×h.
func claim(t *testing.T, w, h uint32) []byte {
	b := pngOf(t, halves(1, 1))
	binary.BigEndian.PutUint32(b[16:], w)
	binary.BigEndian.PutUint32(b[20:], h)
	fixCRC(b[8:33])
	return b
}

func TestRefused(t *testing.T) {
	good := jpegWith(t, halves(64, 64), nil)
	for name, c := range map[string]struct {
		in   []byte
		want error
	}{
		"empty":        {nil, ErrUnreadable},
		"text":         {[]byte("hello"), ErrUnreadable},
		"HEIC":         {[]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00"), ErrUnreadable},
		"cut":          {good[:len(good)/2], ErrUnreadable},
		"magic only":   {[]byte("\xff\xd8\xff"), ErrUnreadable},
		"bomb":         {claim(t, 1<<16, 1<<16), ErrLarge},
		"one too many": {claim(t, PixelsMax/64+1, 64), ErrLarge},
		"the most":     {claim(t, PixelsMax/64, 64), ErrUnreadable}, // it is decoded, and has no such pixels
	} {
		if _, err := Prepare(bytes.NewReader(c.in), "x.jpg"); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
	}
	// A canvas that hides the frame's size.
	vp8x := append([]byte("VP8X\x0a\x00\x00\x00"), make([]byte, 10)...)
	vp8x[12], vp8x[15] = 1, 1
	plain := webpOf(t)
	odd := bytes.Join([][]byte{plain[:12], vp8x, plain[12:]}, nil)
	binary.LittleEndian.PutUint32(odd[4:], uint32(len(odd)-8))
	if _, err := Prepare(bytes.NewReader(odd), "x.webp"); !errors.Is(err, ErrUnreadable) {
		t.Errorf("two sizes: got %v, want %v", err, ErrUnreadable)
	}
	if _, err := Prepare(iotest.ErrReader(io.ErrClosedPipe), "x"); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("got %v, want what the reader said", err)
	}
}

// TestBytesMax has a picture with as much behind its end as is allowed, and one byte more.
func TestBytesMax(t *testing.T) {
	in := append(pngOf(t, halves(2, 2)), make([]byte, BytesMax)...)
	if _, err := Prepare(bytes.NewReader(in[:BytesMax]), "x.png"); err != nil {
		t.Errorf("got %v, want none", err)
	}
	if _, err := Prepare(bytes.NewReader(in[:BytesMax+1]), "x.png"); !errors.Is(err, ErrLarge) {
		t.Errorf("got %v, want %v", err, ErrLarge)
	}
}

func TestIs(t *testing.T) {
	for name, want := range map[string]bool{
		"a.JPG": true, "a.heic": true, "a.webp": true, "a.tiff": true, "a.gif": false, "a.pdf": false, "jpg": false,
	} {
		if got := Is(name, []byte("x")); got != want {
			t.Errorf("%s: got %v, want %v", name, got, want)
		}
	}
	for head, want := range map[string]bool{
		"\xff\xd8\xff\xe0": true, pngMagic: true, "RIFF....WEBP": true, "....ftypheic": true,
		"....ftypisom": false, "GIF89a": false, "RIFF....WAVE": false, "": false,
	} {
		if got := Is("renamed.txt", []byte(head)); got != want {
			t.Errorf("%q: got %v, want %v", head, got, want)
		}
	}
}

// FuzzOrientation has broken tags in whole files and alone.
func FuzzOrientation(f *testing.F) {
	f.Add(jpegWith(f, halves(2, 2), exif(binary.BigEndian, 6)))
	f.Add(webpOf(f, []byte("EXIF\xff\xff\xff\xff")))
	f.Add(pngOf(f, halves(2, 2)))
	f.Add(exif(binary.LittleEndian, 8))
	f.Add([]byte(strings.Repeat("\xff", 12)))
	f.Fuzz(func(t *testing.T, b []byte) {
		for _, got := range []int{orientation(b), tag(b)} {
			if got < 1 || got > 8 {
				t.Errorf("got %d, want 1 to 8", got)
			}
		}
	})
}

// fixCRC makes the check sum of a PNG's chunk right, in place.
func fixCRC(chunk []byte) []byte {
	end := len(chunk) - 4
	binary.BigEndian.PutUint32(chunk[end:], crc32.ChecksumIEEE(chunk[4:end]))
	return chunk
}

// TestPreviewOfNoise has a picture that does not compress: the preview gets smaller, not lost.
func TestPreviewOfNoise(t *testing.T) {
	m, r := image.NewRGBA(image.Rect(0, 0, 100, 100)), rand.New(rand.NewPCG(1, 2))
	for y := range 100 {
		for x := range 100 {
			m.SetRGBA(x, y, color.RGBA{R: uint8(r.Uint32()), G: uint8(r.Uint32()), B: uint8(r.Uint32()), A: 255})
		}
	}
	for _, s := range []image.Rectangle{image.Rect(0, 0, 24, 24), image.Rect(0, 0, 24, 1), image.Rect(0, 0, 1, 1)} {
		b := preview(m.SubImage(s).(*image.RGBA))
		if c, err := png.DecodeConfig(bytes.NewReader(b)); err != nil || len(b) > core.PreviewBytesMax || c.Width < min(8, s.Dx()) {
			t.Errorf("%v: got %d bytes, width %d (%v), want at most %d and 8 or more", s, len(b), c.Width, err, core.PreviewBytesMax)
		}
	}
}
