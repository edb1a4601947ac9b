package core

import (
	"slices"

	"paperplane/core/timeline"
	"paperplane/protocol/plane"
)

// Deleting for oneself: the entry goes from here, and a mark keeps it away, from wherever it may come again.
// One's other devices are told in Saved and show it no more.

// hideSaid is what devices tell each other. Chat is the conversation as it is shown at the one who says it.
type hideSaid struct {
	_    struct{} `cbor:",toarray"`
	Chat plane.LogID
	IDs  [][32]byte
}

// findHidden reads what there is of the messages that a Hide names.
func findHidden(r Reader, x Hide) (*Found, error) {
	if len(x.Messages) > HideMax {
		return nil, nil
	}
	out, files := &Found{}, 0
	for _, s := range x.Messages {
		id, ok := timeline.ParseID(s)
		if !ok {
			continue
		}
		e, err := timeline.Find(r, x.Chat, id)
		if err != nil {
			return nil, err
		}
		if e != nil {
			out.Hide = append(out.Hide, HideOne{ID: e.ID, Index: e.Index})
			files += len(e.Files)
		}
	}
	if files == 0 {
		return out, nil
	}
	// Their files go, too, but for those that other messages share.
	stays := map[string]bool{}
	err := keptFiles(r, func(k keptFile) bool {
		goes := k.chat == x.Chat && slices.ContainsFunc(out.Hide, func(h HideOne) bool { return h.ID == k.e.ID })
		if goes {
			out.Unused = append(out.Unused, k.ref)
		} else {
			stays[k.ref] = true
		}
		return true
	})
	out.Unused = slices.DeleteFunc(out.Unused, func(ref string) bool { return stays[ref] })
	return out, err
}

func (m *Machine) hide(v *chat, x Hide, found *Found) ErrCode {
	switch {
	case len(x.Messages) == 0 || len(x.Messages) > HideMax:
		return ErrBadArguments
	case found == nil || len(found.Hide) == 0:
		return ErrNoMessage
	}
	said := hideSaid{Chat: v.log}
	for _, h := range found.Hide {
		id := timeline.ID(h.ID)
		if i := m.queued(v, h.ID); i != nil && i.Msg == nil {
			m.discard(v, id.Text())
			continue
		}
		if slices.Contains(said.IDs, h.ID) {
			continue
		}
		said.IDs = append(said.IDs, h.ID)
		m.setPairs(timeline.Hide(v.id, id, h.Index)...)
		m.emit(Emit{MessageGone{Chat: v.id, Message: id.Text()}})
	}
	for _, ref := range found.Unused {
		m.emit(RemoveFile{File: ref})
	}
	if len(said.IDs) > 0 {
		m.tell(syncHide, "", said)
		m.rewritten(v)
	}
	m.show(v)
	return ""
}

// hiddenElsewhere: another of one's devices has deleted messages. What the conversation shows is not known
// here, so a mark keeps them away.
func (m *Machine) hiddenElsewhere(x hideSaid) {
	c := m.chats[x.Chat.Text()]
	if c == nil || len(x.IDs) > HideMax {
		return
	}
	v := m.view(c)
	for _, id := range x.IDs {
		m.setPairs(timeline.Hide(v.id, id, 0)...)
		m.emit(Emit{MessageGone{Chat: v.id, Message: timeline.ID(id).Text()}})
	}
	m.rewritten(v)
	m.show(v)
}
