package core

import (
	"sort"

	"paperplane/core/timeline"
)

// clearMax bounds the files that one ClearFiles drops, and so what it stores and tells.
const clearMax = 500

// keptFile is a file of a message that lies on this device.
type keptFile struct {
	chat string
	e    *timeline.Entry
	n    int
	ref  string
	own  bool // the entry names it itself
}

// keptFiles goes through all files here, by chat and place, until f says false.
func keptFiles(r Reader, f func(x *keptFile) bool) error {
	chats, err := timeline.Chats(r)
	more := true
	for i := 0; i < len(chats) && more && err == nil; i++ {
		chat := chats[i]
		e2 := timeline.Entries(r, chat, func(e *timeline.Entry) bool {
			for n := 0; n < len(e.Files) && more && err == nil; n++ {
				x := keptFile{chat: chat, e: e, n: n, ref: e.Files[n].Ref, own: e.Files[n].Ref != ""}
				var l *timeline.Local
				if l, err = timeline.LocalOf(r, chat, e.ID, n); l != nil && l.Ref != "" {
					x.ref = l.Ref
				}
				more = err == nil && (x.ref == "" || f(&x))
			}
			return more
		})
		if err == nil {
			err = e2
		}
	}
	return err
}

// storage answers GetStorage. A file that several messages share counts for the first.
func storage(r Reader) (Storage, error) {
	s := Storage{Chats: []ChatStorage{}}
	seen := map[string]bool{}
	err := keptFiles(r, func(x *keptFile) bool {
		if seen[x.ref] {
			return true
		}
		seen[x.ref] = true
		if n := len(s.Chats); n == 0 || s.Chats[n-1].Chat != x.chat {
			s.Chats = append(s.Chats, ChatStorage{Chat: x.chat})
		}
		c := &s.Chats[len(s.Chats)-1]
		c.Bytes += x.e.Files[x.n].Size
		c.Files++
		s.Total += x.e.Files[x.n].Size
		return true
	})
	sort.SliceStable(s.Chats, func(a, b int) bool { return s.Chats[a].Bytes > s.Chats[b].Bytes })
	return s, err
}

// findFiles looks up what a ClearFiles drops. A file that several messages share goes with the last.
func findFiles(r Reader, x ClearFiles) (*Found, error) {
	out := &Found{}
	drop := map[string]bool{}
	err := keptFiles(r, func(k *keptFile) bool {
		if k.e.Seq == 0 || x.Chat != "" && k.chat != x.Chat || x.Before != 0 && k.e.At >= x.Before {
			return true
		}
		if len(out.Cleared) >= clearMax {
			out.Sum.More = true
			return false
		}
		pairs, free, err := timeline.Release(r, k.ref, k.chat, k.e.ID, func(key string) bool { return drop[key] })
		if err != nil {
			return true // and it stays
		}
		for _, p := range pairs {
			drop[p.Key] = true
		}
		if free {
			out.Unused = append(out.Unused, k.ref)
			out.Sum.Files++
			out.Sum.Bytes += k.e.Files[k.n].Size
		}
		out.Cleared = append(out.Cleared, ClearOne{ID: k.e.ID, Chat: k.chat})
		out.Clear = append(append(out.Clear, pairs...), timeline.DropLocal(k.chat, k.e.ID, k.n))
		if k.own {
			k.e.Files[k.n].Ref = ""
			out.Clear = append(out.Clear, timeline.Put(k.chat, k.e)[0]) // of several files the last has all
		}
		return true
	})
	return out, err
}

func (m *Machine) clearFiles(x ClearFiles, found *Found) (Cleared, ErrCode) {
	if x.Chat != "" && m.chats[x.Chat] == nil {
		return Cleared{}, ErrNoChat
	}
	if found == nil {
		return Cleared{}, ""
	}
	m.setPairs(found.Clear...)
	for _, ref := range found.Unused {
		m.emit(RemoveFile{File: ref})
	}
	for _, h := range found.Cleared {
		m.emit(Emit{MessageStale{Chat: h.Chat, Message: timeline.ID(h.ID).Text()}})
	}
	return found.Sum, ""
}

// edits answers GetEdits.
func edits(r Reader, x GetEdits) (Edits, ErrCode, error) {
	id, ok := timeline.ParseID(x.Message)
	if !ok {
		return Edits{}, ErrNoMessage, nil
	}
	e, err := timeline.Find(r, x.Chat, id)
	if err != nil || e == nil || e.Kind == timeline.Notice {
		return Edits{}, ErrNoMessage, err
	}
	f, err := timeline.Fold(r, x.Chat, *e)
	if err != nil || f.Deleted {
		return Edits{}, ErrNoMessage, err
	}
	list, err := timeline.Edits(r, x.Chat, e, EditsMax-1)
	out := Edits{Edits: []EditState{{Text: e.Text, At: e.At}}}
	for _, y := range list {
		out.Edits = append(out.Edits, EditState(y))
	}
	if last := out.Edits[len(out.Edits)-1]; f.Edited && last.Text != f.Text { // from before this device was there
		out.Edits = append(out.Edits[:min(len(out.Edits), EditsMax-1)], EditState{Text: f.Text})
	}
	return out, "", err
}

// Asks says whether a command asks for something that lies in the history and changes nothing: Ask answers
// it, without the Machine.
func Asks(x Command) bool {
	switch x.(type) {
	case GetEdits, DayIndex, GetStorage, Search:
		return true
	}
	return false
}

// Ask answers such a command. f keeps what searching has read, and may be used by one caller at a time;
// more says whether a search may go on, and its answer then comes in parts. The error is the vault's.
func Ask(r Reader, f *Finder, x Command, more func() bool) (Result, ErrCode, error) {
	switch x := x.(type) {
	case GetEdits:
		return edits(r, x)
	case DayIndex:
		n, err := timeline.Since(r, x.Chat, x.Day)
		return Place{Index: n}, "", err
	case GetStorage:
		s, err := storage(r)
		return s, "", err
	case Search:
		return f.Search(r, x, more)
	}
	return nil, ErrUnknown, nil
}

// PageFrom returns up to limit messages of a chat with Index >= from, oldest first: see Page.
func PageFrom(r Reader, chat string, from uint64, limit int) ([]Message, error) {
	list, err := timeline.After(r, chat, from, limit)
	if err != nil {
		return nil, err
	}
	return newBook(r, chat).messages(list)
}
