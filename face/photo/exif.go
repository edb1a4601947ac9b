package photo

import (
	"bytes"
	"encoding/binary"
	"image"
	"iter"
)

const pngMagic = "\x89PNG\r\n\x1a\n"

// orientation is how a camera was held, 1 (upright) to 8, as EXIF counts; 1 where nothing
// readable says it. Source: CIPA DC-008 (Exif 2.32) 4.6.4 and 4.7, PNG 11.3.3.7 (eXIf), the WebP
// container's EXIF chunk.
func orientation(b []byte) int {
	switch kind(b) {
	case "jpeg":
		return tag(jpegExif(b))
	case "png":
		return tag(pngExif(b))
	case "webp":
		return tag(webpExif(b))
	}
	return 1
}

// exifMagic stands before the tags in a JPEG, and in some WebP although it should not.
var exifMagic = []byte("Exif\x00\x00")

func jpegExif(b []byte) []byte {
	for b = b[2:]; len(b) >= 4 && b[0] == 0xff; {
		if b[1] == 0xff { // a marker may be padded
			b = b[1:]
			continue
		}
		n := int(binary.BigEndian.Uint16(b[2:]))
		if b[1] == 0xda || n < 2 || len(b) < 2+n { // the picture itself begins
			return nil
		}
		if data, ok := bytes.CutPrefix(b[4:2+n], exifMagic); ok && b[1] == 0xe1 {
			return data
		}
		b = b[2+n:]
	}
	return nil
}

func pngExif(b []byte) []byte {
	for b = b[len(pngMagic):]; len(b) >= 12; {
		n := uint64(binary.BigEndian.Uint32(b))
		if uint64(len(b)) < 12+n {
			return nil
		}
		if string(b[4:8]) == "eXIf" {
			return b[8 : 8+n]
		}
		b = b[12+n:]
	}
	return nil
}

func webpExif(b []byte) []byte {
	for name, chunk := range webpChunks(b) {
		if name == "EXIF" {
			return bytes.TrimPrefix(chunk[8:], exifMagic)
		}
	}
	return nil
}

// webpChunks goes through the whole chunks of a WebP: their names, and they with their heads.
func webpChunks(b []byte) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for b := b[12:]; len(b) >= 8; {
			n := 8 + uint64(binary.LittleEndian.Uint32(b[4:]))
			if uint64(len(b)) < n || !yield(string(b[:4]), b[:n]) {
				return
			}
			b = b[min(n+n&1, uint64(len(b))):]
		}
	}
}

// tag finds the orientation in EXIF's first directory.
func tag(t []byte) int {
	if len(t) < 8 {
		return 1
	}
	var o binary.ByteOrder = binary.LittleEndian
	switch string(t[:4]) {
	case "II*\x00":
	case "MM\x00*":
		o = binary.BigEndian
	default:
		return 1
	}
	at := uint64(o.Uint32(t[4:]))
	if at+2 > uint64(len(t)) {
		return 1
	}
	n, t := o.Uint16(t[at:]), t[at+2:]
	for ; n > 0 && len(t) >= 12; n, t = n-1, t[12:] {
		if o.Uint16(t) != 0x0112 {
			continue
		}
		if v := o.Uint16(t[8:]); o.Uint16(t[2:]) == 3 && o.Uint32(t[4:]) == 1 && v >= 1 && v <= 8 {
			return int(v)
		}
		return 1
	}
	return 1
}

// turn makes img upright.
func turn(img *image.RGBA, how int) *image.RGBA {
	if how == 1 {
		return img
	}
	w, h := img.Rect.Dx(), img.Rect.Dy()
	size := image.Rect(0, 0, w, h)
	if how >= 5 {
		size = image.Rect(0, 0, h, w)
	}
	dst := image.NewRGBA(size)
	for y := range h {
		for x := range w {
			var to image.Point
			switch how {
			case 2:
				to = image.Pt(w-1-x, y)
			case 3:
				to = image.Pt(w-1-x, h-1-y)
			case 4:
				to = image.Pt(x, h-1-y)
			case 5:
				to = image.Pt(y, x)
			case 6: // the camera's right side is the picture's lower one
				to = image.Pt(h-1-y, x)
			case 7:
				to = image.Pt(h-1-y, w-1-x)
			default:
				to = image.Pt(y, w-1-x)
			}
			dst.SetRGBA(to.X, to.Y, img.RGBAAt(x, y))
		}
	}
	return dst
}
