package core

import (
	"errors"
	"slices"
	"sort"

	"paperplane/core/archive"
	"paperplane/core/timeline"
)

// MakeSegment asks for a sealed segment of the newest entries of a chat with After < index < Before.
// The driver does it with DoSegment, for Step reads no history; SegmentMade answers.
type MakeSegment struct {
	ID            string
	Chat          string
	After, Before uint64
	Since         int64      // ms: nothing older goes in, by its senders' clocks; 0: all does
	Behind        uint64     // nothing from records up to here; 0: all
	For           [32]byte   // nothing from before the newest notice that this person was added; zero: all
	Others        bool       // it is for other people: what concerns oneself alone stays out
	Lasting       bool       // what expires stays out
	Only          [][32]byte // these messages alone, at most PinsMax, whatever Since and Behind say; nil: all
}

// SegmentMade answers MakeSegment. With Ref.Count 0 there is nothing in that range; Ref.From is the
// lowest index in the segment: what is before it is the next one's.
type SegmentMade struct {
	ID     string
	First  uint64 // record of the first and last entry
	Last   uint64
	Ref    archive.Ref
	Secret [16]byte
	Data   []byte
}

// OpenSegment asks for what is to be stored of a segment that was fetched: see timeline.Import.
// SegmentOpened answers.
type OpenSegment struct {
	ID     string
	Chat   string
	Ref    archive.Ref
	Data   []byte
	Person [32]byte // oneself
	Last   uint64
	Now    int64 // ms: what has expired by then stays out
}

// SegmentOpened answers OpenSegment. Bad: the bytes are not what the reference names.
type SegmentOpened struct {
	ID    string
	Ops   []Op
	Count int
	Bad   bool
}

func (MakeSegment) effect()  {}
func (OpenSegment) effect()  {}
func (SegmentMade) input()   {}
func (SegmentOpened) input() {}

// DoSegment carries out a MakeSegment, OpenSegment or Forget; nil for another effect. It reads the vault and
// computes for up to a second, so a driver does it beside the Machine. The error is the vault's.
func DoSegment(r Reader, e Effect) (Input, error) {
	switch e := e.(type) {
	case MakeSegment:
		return makeSegment(r, e)
	case OpenSegment:
		return openSegment(r, e)
	case Forget:
		return forget(r, e)
	}
	return nil, nil
}

func makeSegment(r Reader, e MakeSegment) (Input, error) {
	made := SegmentMade{ID: e.ID}
	list, err := e.export(r)
	if err != nil || len(list) == 0 {
		return made, err
	}
	if list = e.within(list); len(list) == 0 {
		return made, nil
	}
	items := make([]archive.Item, len(list))
	for i, c := range list {
		items[i].Entry = timeline.Encode(c.Entry)
		for _, n := range c.Notes {
			items[i].Notes = append(items[i].Notes, archive.Note{Key: n.Key, Value: n.Value})
		}
	}
	if made.Ref, made.Secret, made.Data, err = archive.Seal(items); err != nil {
		return nil, err
	}
	first, last := list[0].Entry, list[len(list)-1].Entry
	made.Ref.From, made.Ref.To = first.Index, last.Index
	made.First, made.Last = first.Seq, last.Seq
	made.Ref.Days = [2]uint32{uint32(min(first.At, last.At) / 86400000), uint32(max(first.At, last.At) / 86400000)}
	return made, nil
}

func (e MakeSegment) export(r Reader) (list []timeline.Carried, err error) {
	if e.Only == nil {
		return timeline.Export(r, e.Chat, e.After, e.Before, archive.ItemsMax, archive.BytesMax/2, e.Lasting)
	}
	for _, id := range e.Only[:min(len(e.Only), PinsMax)] {
		x, err := timeline.Find(r, e.Chat, id)
		if err != nil {
			return nil, err
		}
		if x == nil || x.Index <= e.After || x.Index >= e.Before {
			continue
		}
		one, err := timeline.Export(r, e.Chat, x.Index-1, x.Index+1, 1, archive.BytesMax/2/PinsMax, e.Lasting)
		if err != nil {
			return nil, err
		}
		list = append(list, one...)
	}
	sort.Slice(list, func(a, b int) bool { return list[a].Entry.Index < list[b].Entry.Index })
	return list, nil
}

// The numbers of notices that tell this device that its person is out: by a commit, or by a member who was asked.
const (
	ownOut  = 0
	toldOut = 12
)

// within leaves what the one for whom the segment is made may have.
func (e MakeSegment) within(list []timeline.Carried) []timeline.Carried {
	for i := len(list) - 1; i >= 0; i-- {
		x := &list[i].Entry
		if e.Only == nil && (x.At < e.Since || x.Seq != 0 && x.Seq <= e.Behind) || e.For != [32]byte{} && x.Line != nil && (x.Line.What == "added" || x.Line.What == "came") && slices.Contains(x.Line.Whom, e.For) {
			list = list[i+1:]
			break
		}
	}
	return slices.DeleteFunc(list, func(x timeline.Carried) bool {
		l := x.Entry.Line
		if !e.Others || l == nil {
			return false
		}
		if l.What == "removed" || l.What == "banned" { // of oneself: the others have it under another id
			out := func(n int) bool { return x.Entry.ID == timeline.NoticeID(x.Entry.Log, x.Entry.Seq, n) }
			return out(ownOut) || out(toldOut)
		}
		return l.What == "forked" || x.Entry.Own && slices.Contains([]string{"healed", "missed", "joined", "left"}, l.What)
	})
}

func openSegment(r Reader, e OpenSegment) (Input, error) {
	items, err := archive.Open(e.Ref, e.Data)
	if errors.Is(err, archive.ErrSegment) {
		return SegmentOpened{ID: e.ID, Bad: true}, nil
	}
	out := SegmentOpened{ID: e.ID}
	var list []timeline.Carried
	for _, x := range items {
		var c timeline.Carried
		if timeline.Decode(x.Entry, &c.Entry) != nil {
			continue
		}
		for _, n := range x.Notes {
			c.Notes = append(c.Notes, timeline.Pair{Key: n.Key, Value: n.Value})
		}
		list = append(list, c)
	}
	pairs, n, err := timeline.Import(r, e.Chat, list, e.Person, e.Last, e.Now)
	for _, p := range pairs {
		out.Ops = append(out.Ops, Op(p))
	}
	out.Count = n
	return out, err
}
