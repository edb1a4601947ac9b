package core

import (
	"bytes"

	"paperplane/core/timeline"
	"paperplane/protocol/plane"
)

// How chats stand in one's own list: muted, archived, on top, marked as unread. No one else learns of it,
// and all of one's devices have the same. Each of the four is what its newest word says, wherever it was
// said (D-25): not what stands last in the log of Saved, for a device that was away would undo with its
// old words what was said since.

// prefsMax bounds the chats of which something is remembered; of more the longest untouched are forgotten.
const prefsMax = 2000

// The four. Fixed: they are stored and told.
const (
	prefMuted    = iota // ms since 1970, or -1: for ever
	prefArchived        // 1 and the newest record known then: newer ones bring the chat back
	prefPinned
	prefMarked
	prefs
)

// chatPref is stored with the account.
type chatPref struct {
	_     struct{} `cbor:",toarray"`
	Log   plane.LogID
	Words [prefs]prefWord
}

// prefWord is what was said of one of them, and when.
type prefWord struct {
	_         struct{} `cbor:",toarray"`
	Value, At int64
}

// prefSaid is what devices tell each other.
type prefSaid struct {
	_    struct{} `cbor:",toarray"`
	Log  plane.LogID
	Pref uint8
	Word prefWord
}

func (w prefWord) newer(o prefWord) bool { return w.At > o.At || w.At == o.At && w.Value > o.Value }

// newest is when something was last said of a chat.
func (p *chatPref) newest() (at int64) {
	for _, w := range p.Words {
		at = max(at, w.At)
	}
	return at
}

func (m *Machine) setChat(x SetChat) ErrCode {
	c := m.chats[x.Chat]
	if (c == nil || c.First != "") && m.waitOf(x.Chat) == nil {
		return ErrNoChat
	}
	log, err := plane.ParseLogID(x.Chat)
	if err != nil {
		return ErrNoChat
	}
	words := m.prefsOf(log)
	bit := func(b bool) int64 {
		if b {
			return 1
		}
		return 0
	}
	if x.Muted != nil && *x.Muted < -1 {
		return ErrBadArguments
	}
	if x.Pinned != nil && *x.Pinned && words[prefPinned].Value == 0 && m.pinnedBefore(log, prefWord{At: -1}) >= ChatPinsMax {
		return ErrChatsPinned
	}
	if x.Muted != nil {
		m.sayPref(log, prefMuted, *x.Muted)
	}
	if x.Archived != nil {
		n := bit(*x.Archived)
		if n != 0 && c != nil {
			n += int64(c.Got)
		}
		m.sayPref(log, prefArchived, n)
	}
	if x.Pinned != nil {
		m.sayPref(log, prefPinned, bit(*x.Pinned))
	}
	if x.Unread != nil {
		m.sayPref(log, prefMarked, bit(*x.Unread))
	}
	return ""
}

// sayPref says something new of a chat, here and on one's other devices.
func (m *Machine) sayPref(log plane.LogID, pref uint8, value int64) {
	old := m.prefsOf(log)[pref]
	if old.Value == value {
		return
	}
	w := prefWord{Value: value, At: max(m.now.UnixMilli(), old.At+1)}
	m.putPref(log, pref, w)
	m.tellPref(log, pref, w)
}

func (m *Machine) tellPref(log plane.LogID, pref uint8, w prefWord) {
	m.tell(syncPref, "pref/"+string(rune('0'+pref))+log.Text(), prefSaid{Log: log, Pref: pref, Word: w})
}

// tellPrefs tells a device that has come in: what was said while it was on its way did not reach it.
func (m *Machine) tellPrefs() {
	for _, p := range m.acc.Prefs {
		for i, w := range p.Words {
			if w.At != 0 {
				m.tellPref(p.Log, uint8(i), w)
			}
		}
	}
}

func (m *Machine) prefElsewhere(x prefSaid) {
	if x.Pref >= prefs || x.Word.At < 0 {
		return
	}
	for i := range m.acc.Prefs {
		if p := &m.acc.Prefs[i]; p.Log == x.Log && !x.Word.newer(p.Words[x.Pref]) {
			return
		}
	}
	m.putPref(x.Log, x.Pref, x.Word)
}

// putPref takes the newest word.
func (m *Machine) putPref(log plane.LogID, pref uint8, w prefWord) {
	list := m.acc.Prefs
	at := -1
	for i := range list {
		if list[i].Log == log {
			at = i
		}
	}
	if at < 0 && len(list) >= prefsMax {
		at = 0
		for i := range list {
			if a, b := list[i].newest(), list[at].newest(); a < b || a == b && bytes.Compare(list[i].Log[:], list[at].Log[:]) < 0 {
				at = i
			}
		}
		list[at] = chatPref{Log: log}
	} else if at < 0 {
		at = len(list)
		list = append(list, chatPref{Log: log})
	}
	list[at].Words[pref] = w
	m.acc.Prefs = list
	m.saveSelf()
	m.vault.stale = true // now, so that this Step asks for the Tick that writes it
	m.showPref(log)
	if pref == prefPinned { // others may stand on top now, or no more
		for _, p := range list {
			if p.Log != log && p.Words[prefPinned].Value != 0 {
				m.showPref(p.Log)
			}
		}
	}
}

func (m *Machine) showPref(log plane.LogID) {
	id := log.Text()
	if c := m.chats[id]; c != nil {
		m.show(c)
	} else if w := m.waitOf(id); w != nil && (!w.Again || w.Lost != nil) && !w.Quit {
		m.emit(Emit{ChatChanged{m.waitView(w)}})
	}
}

// prefsOf is what holds for a chat: of several conversations with one person the newest words.
func (m *Machine) prefsOf(log plane.LogID) (words [prefs]prefWord) {
	id := ""
	for i := range m.acc.Prefs {
		p := &m.acc.Prefs[i]
		if p.Log != log {
			if id == "" {
				id = log.Text()
			}
			if c := m.chats[p.Log.Text()]; c == nil || c.First != id {
				continue
			}
		}
		for k, w := range p.Words {
			if w.newer(words[k]) {
				words[k] = w
			}
		}
	}
	return words
}

// pinnedBefore counts the chats besides one that stand on top since later than w.
func (m *Machine) pinnedBefore(log plane.LogID, w prefWord) (n int) {
	for i := range m.acc.Prefs {
		p := &m.acc.Prefs[i]
		if o := p.Words[prefPinned]; p.Log != log && o.Value != 0 && (o.At > w.At || o.At == w.At && bytes.Compare(p.Log[:], log[:]) < 0) {
			n++
		}
	}
	return n
}

// viewPrefs puts into a chat's line how it stands. Of more than there may be on top, because several
// devices put some there at once, the newest are: on all devices the same.
func (m *Machine) viewPrefs(log plane.LogID, v *Chat) {
	if m.acc == nil || len(m.acc.Prefs) == 0 {
		return
	}
	w := m.prefsOf(log)
	if muted(w[prefMuted].Value, m.now.UnixMilli()) {
		v.Muted = w[prefMuted].Value
	}
	v.Archived, v.Marked = w[prefArchived].Value != 0, w[prefMarked].Value != 0
	v.Pinned = w[prefPinned].Value != 0 && m.pinnedBefore(log, w[prefPinned]) < ChatPinsMax
}

func muted(until, at int64) bool { return until < 0 || until > at }

// unarchive brings a chat back when somebody has written, unless it is muted. All of one's devices decide the
// same from the same words, and whoever knew more tells the others.
func (m *Machine) unarchive(c, v *chat, seq plane.Seq, e *timeline.Entry) {
	if len(m.acc.Prefs) == 0 {
		return
	}
	w := m.prefsOf(v.log)
	n := w[prefArchived].Value
	if n == 0 || muted(w[prefMuted].Value, e.At) || c == v && int64(seq) < n {
		return
	}
	x := prefWord{At: w[prefArchived].At + 1}
	m.putPref(v.log, prefArchived, x)
	m.tellPref(v.log, prefArchived, x)
}
