// Package photo makes a picture fit to be sent: smaller, upright, and drawn anew, so that nothing
// that a camera wrote beside the colours (the place, the time, the device) leaves this machine.
//
// The browser does the same by itself (web/lib/photo.ts). A picture that cannot be drawn anew is
// refused: to send it as it is must be the person's choice. An animation (GIF) would lose its
// motion and is no photo here; nor is a video. A colour profile goes too, so that the colours of
// a wide-gamut photo pale a little.
//
// Everything here is pure and may run concurrently. At its peak it holds the decoded picture:
// up to 8 bytes for each of PixelsMax pixels.
package photo

import (
	"bytes"
	"encoding/binary"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"path/filepath"
	"strings"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"

	"paperplane/core"
)

// Limits. A file over BytesMax or a picture over PixelsMax is not decoded; EdgeMax is the longest
// edge of what is sent, in pixels, the browser's.
const (
	BytesMax  = 64 << 20
	PixelsMax = 64 << 20
	EdgeMax   = 1600
)

const (
	quality     = 82
	previewEdge = 24
)

// ErrUnreadable says that this is no picture that can be drawn anew; ErrLarge that it is over a limit.
var (
	ErrUnreadable = errors.New("photo: cannot be decoded")
	ErrLarge      = errors.New("photo: too large to decode")
)

// Photo is a picture ready to be sent.
type Photo struct {
	Data          []byte
	Name          string // with the ending that Data has now
	Mime          string // image/jpeg, or image/png where there is transparency
	Width, Height int    // 1 to EdgeMax
	Preview       []byte // a few colours as PNG, at most core.PreviewBytesMax
}

// HeadBytes is how much of a file's beginning Is wants to see.
const HeadBytes = 32

// endings of pictures that carry metadata. What their contents are is seen when they are decoded.
var endings = map[string]bool{
	".jpg": true, ".jpeg": true, ".jpe": true, ".jfif": true, ".png": true, ".webp": true, ".heic": true, ".heif": true,
	".avif": true, ".tif": true, ".tiff": true, ".bmp": true, ".dng": true, ".jxl": true, ".jp2": true,
}

// Is says whether a file is a photo, by its ending or its beginning: a renamed photo keeps its place.
func Is(name string, head []byte) bool {
	return endings[strings.ToLower(filepath.Ext(name))] || kind(head) != "" ||
		len(head) >= 12 && string(head[4:8]) == "ftyp" && still[string(head[8:12])]
}

// still are the brands of still pictures in the container that they share with videos.
var still = map[string]bool{"heic": true, "heix": true, "heif": true, "mif1": true, "avif": true}

func kind(b []byte) string {
	switch {
	case bytes.HasPrefix(b, []byte("\xff\xd8\xff")):
		return "jpeg"
	case bytes.HasPrefix(b, []byte(pngMagic)):
		return "png"
	case len(b) >= 12 && string(b[:4]) == "RIFF" && string(b[8:12]) == "WEBP":
		return "webp"
	}
	return ""
}

// Prepare reads a picture and draws it anew. Errors: ErrUnreadable, ErrLarge, or what r says.
func Prepare(r io.Reader, name string) (Photo, error) {
	b, err := io.ReadAll(io.LimitReader(r, BytesMax+1))
	if err != nil {
		return Photo{}, err
	}
	if len(b) > BytesMax {
		return Photo{}, ErrLarge
	}
	src, err := decode(b)
	if err != nil {
		return Photo{}, err
	}
	img := turn(shrink(src, EdgeMax), orientation(b))
	p := Photo{Width: img.Rect.Dx(), Height: img.Rect.Dy(), Mime: "image/jpeg", Preview: preview(img)}
	ending, out := ".jpg", bytes.Buffer{}
	if img.Opaque() {
		err = jpeg.Encode(&out, img, &jpeg.Options{Quality: quality})
	} else {
		p.Mime, ending = "image/png", ".png"
		err = png.Encode(&out, img)
	}
	if err != nil {
		return Photo{}, err
	}
	p.Data = out.Bytes()
	p.Name = strings.TrimSuffix(name, filepath.Ext(name)) + ending
	return p, nil
}

// decode looks at the size first: a small file can claim a picture that fills the memory.
func decode(b []byte) (image.Image, error) {
	size, full := jpeg.DecodeConfig, jpeg.Decode
	switch kind(b) {
	case "jpeg":
	case "png":
		size, full = png.DecodeConfig, png.Decode
	case "webp":
		size, full = webpConfig, webp.Decode
	default:
		return nil, ErrUnreadable
	}
	c, err := size(bytes.NewReader(b))
	if err != nil || c.Width < 1 || c.Height < 1 {
		return nil, ErrUnreadable
	}
	if int64(c.Width)*int64(c.Height) > PixelsMax {
		return nil, ErrLarge
	}
	img, err := full(bytes.NewReader(b))
	if err != nil {
		return nil, ErrUnreadable
	}
	return img, nil
}

// webpConfig is webp.DecodeConfig, except that it believes no canvas whose frame has another size.
func webpConfig(r io.Reader) (image.Config, error) {
	b, err := io.ReadAll(r)
	if err != nil {
		return image.Config{}, err
	}
	c, err := webp.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return c, err
	}
	for name, chunk := range webpChunks(b) {
		if name == "VP8 " || name == "VP8L" {
			alone := append(binary.LittleEndian.AppendUint32([]byte("RIFF"), uint32(len(chunk)+4)), "WEBP"...)
			frame, err := webp.DecodeConfig(io.MultiReader(bytes.NewReader(alone), bytes.NewReader(chunk)))
			if err != nil || frame.Width != c.Width || frame.Height != c.Height {
				return c, ErrUnreadable
			}
			return c, nil
		}
	}
	return c, ErrUnreadable
}

// shrink makes the longer edge at most edge, and never enlarges. Whole steps come first, by
// averaging: the good scaler holds 32 bytes for each row of its source and column of its result.
func shrink(src image.Image, edge int) *image.RGBA {
	w, h := src.Bounds().Dx(), src.Bounds().Dy()
	long := max(w, h)
	if k := long / edge; k > 1 {
		src = average(src, k)
	}
	if long > edge {
		w, h = max(1, (w*edge+long/2)/long), max(1, (h*edge+long/2)/long)
	}
	dst := image.NewRGBA(image.Rect(0, 0, w, h))
	if src.Bounds().Dx() == w && src.Bounds().Dy() == h {
		draw.Draw(dst, dst.Rect, src, src.Bounds().Min, draw.Src)
	} else {
		draw.CatmullRom.Scale(dst, dst.Rect, src, src.Bounds(), draw.Src, nil)
	}
	return dst
}

// average makes one pixel of every k×k; those at the end may be made of fewer.
func average(src image.Image, k int) *image.RGBA {
	b := src.Bounds()
	at := func(x, y int) color.RGBA64 {
		r, g, b, a := src.At(x, y).RGBA()
		return color.RGBA64{R: uint16(r), G: uint16(g), B: uint16(b), A: uint16(a)}
	}
	if fast, ok := src.(image.RGBA64Image); ok { // without an allocation for each pixel
		at = fast.RGBA64At
	}
	dst := image.NewRGBA(image.Rect(0, 0, (b.Dx()+k-1)/k, (b.Dy()+k-1)/k))
	for y := range dst.Rect.Dy() {
		for x := range dst.Rect.Dx() {
			var s [4]uint64
			n := uint64(0)
			for sy := b.Min.Y + y*k; sy < min(b.Min.Y+(y+1)*k, b.Max.Y); sy++ {
				for sx := b.Min.X + x*k; sx < min(b.Min.X+(x+1)*k, b.Max.X); sx++ {
					c := at(sx, sy)
					s[0], s[1], s[2], s[3] = s[0]+uint64(c.R), s[1]+uint64(c.G), s[2]+uint64(c.B), s[3]+uint64(c.A)
					n++
				}
			}
			i := dst.PixOffset(x, y)
			for j := range s {
				dst.Pix[i+j] = uint8(s[j] / n >> 8)
			}
		}
	}
	return dst
}

// preview is a few colours of img, to be shown blurred. PNG, because a JPEG's tables alone take
// all the bytes there are.
func preview(img *image.RGBA) []byte {
	for edge := previewEdge; edge > 0; edge-- {
		small := shrink(img, edge)
		flat := image.NewRGBA(small.Rect)
		draw.Draw(flat, flat.Rect, image.White, image.Point{}, draw.Src)
		draw.Draw(flat, flat.Rect, small, image.Point{}, draw.Over)
		var out bytes.Buffer
		enc := png.Encoder{CompressionLevel: png.BestCompression}
		if err := enc.Encode(&out, flat); err == nil && out.Len() <= core.PreviewBytesMax {
			return out.Bytes()
		}
	}
	return nil
}
