package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime"
	"os"
	"path/filepath"

	"paperplane/client"
	"paperplane/core"
	"paperplane/face/api"
	"paperplane/face/photo"
	"paperplane/protocol/plane"
)

const (
	unreadableWords = "This picture cannot be drawn anew, so what its file tells, such as the place, would stay. " +
		"Nothing was sent. To send it all the same: paperplane send WHO --file FILE --original."
	largePhotoWords = "This picture is too large to be drawn anew. " +
		"Nothing was sent. To send it as it is, with the place that it may tell: paperplane send WHO --file FILE --original."
	originalWords = "The picture goes as it is: what its file tells, such as the place, goes with it."
)

// PutFile puts a file from disk into the vault of c. A photo is drawn anew first, and refused
// where that fails: nobody gives away a place by mistake.
func PutFile(ctx context.Context, c api.Core, name string) (core.File, error) {
	f, _, err := putFile(ctx, c, name, false)
	return f, err
}

// putFile puts a file, a photo too when original is set, as it is, and says whether it is a photo.
func putFile(ctx context.Context, c api.Core, name string, original bool) (file core.File, isPhoto bool, err error) {
	f, err := os.Open(name)
	if err != nil {
		return file, isPhoto, errors.New("The file cannot be read.")
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return file, isPhoto, errors.New("This is not a file.")
	}
	if info.Size() > plane.BlobChunksMax*plane.BlobChunkBytes {
		return file, isPhoto, &client.Error{Code: core.ErrFileLarge}
	}
	kind, _, err := mime.ParseMediaType(mime.TypeByExtension(filepath.Ext(name)))
	if err != nil {
		kind = "application/octet-stream"
	}
	file = core.File{Name: filepath.Base(name), Mime: kind}
	src := io.Reader(f)
	head := make([]byte, photo.HeadBytes)
	n, err := f.ReadAt(head, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return file, isPhoto, errors.New("The file cannot be read.")
	}
	isPhoto = photo.Is(file.Name, head[:n])
	if isPhoto && !original {
		p, err := photo.Prepare(f, file.Name)
		switch {
		case errors.Is(err, photo.ErrUnreadable):
			return file, isPhoto, errors.New(unreadableWords)
		case errors.Is(err, photo.ErrLarge):
			return file, isPhoto, errors.New(largePhotoWords)
		case err != nil:
			return file, isPhoto, errors.New("The file cannot be read.")
		}
		file = core.File{Name: p.Name, Mime: p.Mime, Width: p.Width, Height: p.Height, Preview: p.Preview}
		src = bytes.NewReader(p.Data)
	}
	file.Ref, file.Size, err = c.PutFile(ctx, src)
	if _, ok := errors.AsType[*client.Error](err); ok {
		return file, isPhoto, err
	}
	if err != nil {
		return file, isPhoto, &client.Error{Code: core.ErrDiskFull}
	}
	return file, isPhoto, nil
}
