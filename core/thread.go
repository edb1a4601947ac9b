package core

import (
	"sort"

	"paperplane/core/timeline"
)

// thread is where a message stands; nil for one that answers nothing and has no answer.
func (b *book) thread(e *timeline.Entry) (*Thread, error) {
	if e.Kind == timeline.Notice {
		return nil, nil
	}
	root, err := timeline.Root(b.r, b.chat, e, b.roots)
	if err != nil {
		return nil, err
	}
	t := &Thread{Root: root.Text()}
	if root == e.ID {
		list, err := timeline.Answers(b.r, b.chat, root)
		if err != nil || len(list) == 0 {
			return nil, err
		}
		t.Count = len(list)
	}
	return t, nil
}

// ThreadPage is Page of a thread, by the id of its first message, which belongs to it.
func ThreadPage(r Reader, chat, root string, before uint64, limit int) ([]Message, error) {
	first, ok := timeline.ParseID(root)
	if !ok {
		return nil, nil
	}
	ids, err := timeline.Answers(r, chat, first)
	if err != nil {
		return nil, err
	}
	var list []*timeline.Entry
	for _, id := range append(ids, first) {
		e, err := timeline.Find(r, chat, id)
		if err != nil {
			return nil, err
		}
		if e != nil && (before == 0 || e.Index < before) {
			list = append(list, e)
		}
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Index < list[j].Index })
	b := newBook(r, chat)
	out := []Message{}
	for _, e := range list[max(0, len(list)-limit):] {
		m, err := b.message(*e)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}
