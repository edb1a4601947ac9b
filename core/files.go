package core

import (
	"crypto/rand"
	"encoding/hex"

	"paperplane/core/outbox"
	"paperplane/core/timeline"
	"paperplane/protocol/caps"
	"paperplane/protocol/content"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
)

// transfer is an upload or download under way, or failed and waiting for a person.
type transfer struct {
	ID     string
	stored storedTransfer
	done   int64
}

type storedTransfer struct {
	Chat    string       `cbor:"1,keyasint"` // the conversation
	Message timeline.ID  `cbor:"2,keyasint"`
	File    int          `cbor:"3,keyasint"`
	Up      bool         `cbor:"4,keyasint,omitempty"`
	Ref     string       `cbor:"5,keyasint"`
	Secret  [16]byte     `cbor:"6,keyasint,omitzero"`
	Blob    plane.BlobID `cbor:"7,keyasint"`
	Key     [32]byte     `cbor:"8,keyasint"`
	Size    int64        `cbor:"9,keyasint"`
	Failed  bool         `cbor:"10,keyasint,omitempty"`
}

// fileBytesMax is the largest file: one blob.
const fileBytesMax = plane.BlobChunksMax * seal.ChunkPlainMax

// newTransferID is in hex, because a download's local file is named after it, and a vault takes lower case only.
func newTransferID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// uploads prepares the files of a message: each gets a blob, whose id goes into the message.
func (m *Machine) uploads(list []File, msg *content.Files) ([]*transfer, ErrCode) {
	if len(list) > FilesMax {
		return nil, ErrBadArguments
	}
	var moves []*transfer
	for _, f := range list {
		switch {
		case f.Size > fileBytesMax:
			return nil, ErrFileLarge
		case f.Size < 0 || f.Ref == "" || len(f.Preview) > PreviewBytesMax || f.Width < 0 || f.Height < 0 || f.Width > 65535 || f.Height > 65535:
			return nil, ErrBadArguments
		}
		shown := f.Voice || f.Sticker != "" || f.Width > 0 && f.Height > 0
		if f.Duration < 0 || f.Duration > content.DurationMax || f.Sticker != "" && len(list) != 1 {
			return nil, ErrBadArguments
		}
		t := &transfer{ID: newTransferID(), stored: storedTransfer{Up: true, Ref: f.Ref, Size: f.Size, Key: [32]byte(seal.NewBlobKey().Bytes())}}
		_, _ = rand.Read(t.stored.Secret[:])
		t.stored.Blob = caps.NewBlobID(t.stored.Secret)
		moves = append(moves, t)
		a := content.Attachment{
			Blob: t.stored.Blob, Key: t.stored.Key, Size: uint64(f.Size), Name: content.CleanFileName(f.Name), Mime: f.Mime,
			Inline: shown, Preview: f.Preview, Duration: uint32(f.Duration), Wave: f.Wave,
		}
		if f.Sticker != "" {
			msg.Sticker = &content.Sticker{Emoji: f.Sticker, Pack: f.Pack}
		}
		if f.Width > 0 && f.Height > 0 {
			a.Width, a.Height = uint16(f.Width), uint16(f.Height)
		}
		msg.Files = append(msg.Files, a)
	}
	return moves, ""
}

func (m *Machine) saveMove(t *transfer) { m.put("s/t/"+t.ID, t.stored) }

func (m *Machine) dropMove(t *transfer) {
	delete(m.moves, t.ID)
	m.set("s/t/"+t.ID, nil)
}

// beginMove stores a transfer and starts it.
func (m *Machine) beginMove(t *transfer) {
	m.moves[t.ID] = t
	m.saveMove(t)
	if m.early(t) {
		return
	}
	m.fileState(t, moving(t), "")
	m.resume(t)
}

// early says whether a file belongs to a message that waits for its time.
func (m *Machine) early(t *transfer) bool {
	c := m.chats[t.stored.Chat]
	if c == nil || !t.stored.Up {
		return false
	}
	i := c.q.Find(t.stored.Message)
	return i != nil && i.At != 0
}

func moving(t *transfer) string {
	if t.stored.Up {
		return "uploading"
	}
	return "loading"
}

// resume asks the driver for a transfer, at its beginning and after a restart.
func (m *Machine) resume(t *transfer) {
	c := m.chats[t.stored.Chat]
	if t.stored.Failed || c == nil || m.early(t) {
		return
	}
	x := &t.stored
	if x.Up {
		m.emit(Upload{ID: t.ID, Server: c.Server, File: x.Ref, Secret: x.Secret, Key: x.Key})
		return
	}
	m.emit(Download{ID: t.ID, Server: c.Server, File: x.Ref, Blob: x.Blob, Key: x.Key, Size: x.Size})
}

// fileState writes where a file is and tells the faces.
func (m *Machine) fileState(t *transfer, state, ref string) {
	c := m.chats[t.stored.Chat]
	if c == nil {
		return
	}
	v := m.view(c)
	m.setPairs(timeline.PutLocal(v.id, t.stored.Message, t.stored.File, timeline.Local{Ref: ref, State: state}))
	m.stale(v, t.stored.Message)
}

// transferred takes the driver's report.
func (m *Machine) transferred(in Transfer) {
	t := m.moves[in.ID]
	if t == nil {
		return
	}
	c := m.chats[t.stored.Chat]
	if c == nil {
		m.dropMove(t)
		return
	}
	if !in.Finished {
		t.done = in.Done
		m.emit(Emit{MessageStale{Chat: m.view(c).id, Message: t.stored.Message.Text(), Files: map[int]FileProgress{t.stored.File: {moving(t), in.Done}}}})
		return
	}
	i := c.q.Find(t.stored.Message)
	if in.Code == plane.OK {
		m.fileState(t, "local", t.stored.Ref)
		m.dropMove(t)
		if t.stored.Up && i != nil && i.Waits > 0 {
			i.Waits--
			m.saveItem(c, i)
			m.touch(c)
		}
		return
	}
	m.fileState(t, "failed", "")
	if !t.stored.Up {
		m.dropMove(t)
		return
	}
	t.stored.Failed = true
	m.saveMove(t)
	if i != nil && !i.Failed {
		m.failItem(c, i)
	}
}

// retryMoves starts a message's failed uploads again.
func (m *Machine) retryMoves(c *chat, i *outbox.Item) {
	for _, t := range m.sortedMoves() {
		if t.stored.Message == i.ID && t.stored.Up && t.stored.Failed {
			t.stored.Failed = false
			m.beginMove(t)
		}
	}
}

// stopMoves cancels a message's uploads for good.
func (m *Machine) stopMoves(c *chat, i *outbox.Item) {
	for _, t := range m.sortedMoves() {
		if t.stored.Message == i.ID {
			m.emit(Cancel{ID: t.ID})
			m.dropMove(t)
		}
	}
}

func (m *Machine) fetch(v *chat, x Fetch, found *Found) ErrCode {
	if found == nil || found.Deleted || x.File < 0 || x.File >= len(found.Files) {
		return ErrNoMessage
	}
	f := found.Files[x.File]
	if f.Ref != "" {
		return ""
	}
	for _, t := range m.sortedMoves() {
		if t.stored.Message == found.ID && t.stored.File == x.File {
			return "" // under way
		}
	}
	id := newTransferID()
	m.beginMove(&transfer{ID: id, stored: storedTransfer{
		Chat: plane.LogID(found.Log).Text(), Message: found.ID, File: x.File, Ref: "f-" + id, Blob: f.Blob, Key: f.Key, Size: f.Size,
	}})
	return ""
}

// stop cancels a transfer. A message whose upload is cancelled is discarded.
func (m *Machine) stop(v *chat, x Stop, found *Found) ErrCode {
	if found == nil {
		return ErrNoMessage
	}
	for _, t := range m.sortedMoves() {
		if t.stored.Message != found.ID || t.stored.File != x.File && !t.stored.Up {
			continue
		}
		if t.stored.Up {
			return m.discard(v, x.Message)
		}
		m.emit(Cancel{ID: t.ID})
		m.setPairs(timeline.PutLocal(v.id, t.stored.Message, t.stored.File, timeline.Local{State: "remote"}))
		m.stale(v, t.stored.Message)
		m.dropMove(t)
	}
	return ""
}
