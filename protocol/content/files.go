package content

import (
	"strings"

	"paperplane/protocol/plane"
)

// isFile reports whether p is an external part of our own kind: chunks in a blob.
func (p Part) isFile() bool {
	return p.Cardinality == CardinalityExternal && p.External.EncAlg == encChunks &&
		strings.HasPrefix(p.External.URL, schemeBlob)
}

// mimi: one file without text and preview is an external part; else a multipart of the text, if
// any, and the files, each followed by its preview, if any (C-46).
func (m Files) mimi() (Unverified, error) {
	u := Unverified{InReplyTo: m.ReplyTo}
	if len(m.Files) == 0 || len(m.Files) > FilesMax {
		return u, ErrContent
	}
	var parts []Part
	if m.Text != "" {
		parts = append(parts, single(DispositionRender, typeText, []byte(m.Text)))
	}
	sizes, some := make([]extent, 0, len(m.Files)), false
	for _, f := range m.Files {
		parts = append(parts, f.part())
		if len(f.Preview) > 0 {
			parts = append(parts, single(DispositionPreview, typePreview, f.Preview))
		}
		sizes = append(sizes, extent{Width: f.Width, Height: f.Height})
		some = some || f.Width != 0 || f.Height != 0
	}
	if some {
		u.extend(extSizes, sizes)
	}
	u.mention(m.Mentions)
	u.extra(m.Extra)
	u.media(m)
	if len(parts) == 1 {
		u.Part = parts[0]
		return u, nil
	}
	u.Part = Part{Disposition: DispositionRender, Cardinality: CardinalityMulti,
		Semantics: SemanticsProcessAll, Parts: parts}
	return u, nil
}

func (f Attachment) part() Part {
	p := Part{Disposition: DispositionAttachment, Cardinality: CardinalityExternal, ContentType: f.Mime,
		External: External{URL: schemeBlob + f.Blob.Text(), Size: f.Size, EncAlg: encChunks, Key: f.Key[:],
			Filename: f.Name}}
	if f.Inline {
		p.Disposition = DispositionInline
	}
	if f.Hash != [32]byte{} {
		p.External.HashAlg, p.External.Hash = hashSHA256, f.Hash[:]
	}
	return p
}

func (u Unverified) verifyFiles() (Message, error) {
	parts := []Part{u.Part}
	if u.Part.Cardinality == CardinalityMulti {
		if u.Part.Semantics != SemanticsProcessAll {
			return Unknown{}, nil
		}
		parts = u.Part.Parts
	}
	m := Files{ReplyTo: u.InReplyTo}
	for i, p := range parts {
		switch {
		case i == 0 && p.Cardinality == CardinalitySingle && p.ContentType == typeText:
			m.Text = string(p.Content)
			if checkText(m.Text) != nil {
				return nil, ErrContent
			}
		case p.isFile():
			f, err := p.file()
			if err != nil {
				return nil, err
			}
			m.Files = append(m.Files, f)
		case p.Cardinality == CardinalitySingle && p.Disposition == DispositionPreview && p.ContentType == typePreview:
			last := len(m.Files) - 1
			if last < 0 || m.Files[last].Preview != nil || len(p.Content) == 0 || len(p.Content) > PreviewBytesMax {
				return nil, ErrContent
			}
			m.Files[last].Preview = p.Content
		default:
			return Unknown{}, nil
		}
	}
	if len(m.Files) == 0 {
		return Unknown{}, nil
	}
	if len(m.Files) > FilesMax {
		return nil, ErrContent
	}
	var err error
	if m.Mentions, err = u.mentions(m.Text); err != nil {
		return nil, err
	}
	if m.Extra, err = u.extras(); err != nil {
		return nil, err
	}
	if err = u.sizes(m.Files); err != nil {
		return nil, err
	}
	return m, u.readMedia(&m)
}

// file checks one external part.
func (p Part) file() (f Attachment, err error) {
	e := p.External
	blob, err := plane.ParseBlobID(strings.TrimPrefix(e.URL, schemeBlob))
	if err != nil {
		return f, ErrContent
	}
	f = Attachment{Blob: blob, Size: e.Size, Name: e.Filename, Mime: p.ContentType}
	switch {
	case len(e.Key) != len(f.Key) || len(e.Nonce) != 0 || len(e.AAD) != 0:
		return f, ErrContent
	case e.Size > plane.BlobChunkBytes*plane.BlobChunksMax:
		return f, ErrContent
	case e.HashAlg == hashSHA256 && len(e.Hash) == len(f.Hash):
		f.Hash = [32]byte(e.Hash)
	case e.HashAlg != 0 || len(e.Hash) != 0:
		return f, ErrContent
	}
	f.Key = [32]byte(e.Key)
	switch p.Disposition {
	case DispositionInline:
		f.Inline = true
	case DispositionAttachment:
	default:
		return f, ErrContent
	}
	if f.Name != "" && checkFileName(f.Name) != nil {
		return f, ErrContent
	}
	return f, checkMime(f.Mime)
}

// sizes reads the extension with the pictures' sizes into files.
func (u Unverified) sizes(files []Attachment) error {
	var list []extent
	ok, err := u.read(extSizes, &list)
	if err != nil || ok && len(list) != len(files) {
		return ErrContent
	}
	for i, x := range list {
		if (x.Width == 0) != (x.Height == 0) {
			return ErrContent
		}
		files[i].Width, files[i].Height = x.Width, x.Height
	}
	return nil
}

// extent is the size of a picture.
type extent struct {
	_             struct{} `cbor:",toarray"`
	Width, Height uint16
}
