package core

import (
	"slices"

	"paperplane/core/timeline"
	"paperplane/protocol/plane"
)

// Deleting for oneself (D-26): the message goes from here with its notes and files (see vanish.go), and a mark keeps
// it away, from wherever it may come again. One's other devices are told in Saved and do the same.

// hideSaid is what devices tell each other. Chat is the conversation as it is shown at the one who says it.
type hideSaid struct {
	_    struct{} `cbor:",toarray"`
	Chat plane.LogID
	IDs  [][32]byte
}

// findHidden reads which of the messages that a Hide names there are.
func findHidden(r Reader, x Hide) (*Found, error) {
	out := &Found{}
	for _, s := range x.Messages[:min(len(x.Messages), HideMax)] {
		id, ok := timeline.ParseID(s)
		if !ok {
			continue
		}
		e, err := timeline.Find(r, x.Chat, id)
		if err != nil {
			return nil, err
		}
		if e != nil {
			out.Hide = append(out.Hide, e.ID)
		}
	}
	return out, nil
}

func (m *Machine) hide(v *chat, x Hide, found *Found) ErrCode {
	switch {
	case len(x.Messages) == 0 || len(x.Messages) > HideMax:
		return ErrBadArguments
	case found == nil || len(found.Hide) == 0:
		return ErrNoMessage
	}
	said := hideSaid{Chat: v.log}
	for _, id := range found.Hide {
		if i := m.queued(v, id); i != nil && i.Msg == nil {
			m.discard(v, timeline.ID(id).Text())
		} else if !slices.Contains(said.IDs, id) {
			said.IDs = append(said.IDs, id)
		}
	}
	if len(said.IDs) > 0 {
		m.hideHere(v, said.IDs)
		m.tell(syncHide, "", said)
	}
	return ""
}

func (m *Machine) hideHere(v *chat, list [][32]byte) {
	if n := len(m.hidden) + len(list) - hiddenKept; n > 0 {
		m.hidden = m.hidden[min(n, len(m.hidden)):]
	}
	m.hidden = append(m.hidden, list...)
	for _, id := range list {
		m.setPairs(timeline.Hide(v.id, id, m.now.UnixMilli())...)
		m.emit(Emit{MessageGone{Chat: v.id, Message: timeline.ID(id).Text()}})
	}
	m.forgetSoon()
	m.rewritten(v)
	m.show(v)
}

// hiddenKept is how many hidden messages the Machine remembers, to have those forgotten that come only then:
// one's own on their way, and what another device has read before. The mark hides them in any case.
const hiddenKept = 10 * HideMax

func (m *Machine) hiddenComes(v *chat, id timeline.ID) {
	if slices.Contains(m.hidden, [32]byte(id)) {
		m.setPairs(timeline.PutNoteGone(v.id, id, m.now.UnixMilli()))
		m.forgetSoon()
	}
}

// hiddenElsewhere: another of one's devices has deleted messages.
func (m *Machine) hiddenElsewhere(x hideSaid) {
	if c := m.chats[x.Chat.Text()]; c != nil && len(x.IDs) <= HideMax {
		m.hideHere(m.view(c), x.IDs)
	}
}
