package timeline

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
)

// TestCount counts polls in a table: which votes count, and which end ends it (C-57, C-58).
func TestCount(t *testing.T) {
	log := [16]byte{7}
	vote := func(by [32]byte, seq uint64, options ...int) Pair {
		return PutVote("c", ID{1}, by, Vote{Options: options, Log: log, Seq: seq})
	}
	one, several, quiz := Poll{Options: []string{"a", "b", "c"}}, Poll{Options: []string{"a", "b", "c"}, Several: true}, Poll{Options: []string{"a", "b", "c"}, Quiz: true}
	for name, x := range map[string]struct {
		p      Poll
		pairs  []Pair
		want   string
		closed bool
	}{
		"nobody":        {one, nil, "", false},
		"newest":        {one, []Pair{vote(ann, 5, 0), vote(ann, 6, 1)}, "1:[1] ", false},
		"newest-far":    {one, []Pair{vote(ann, 0xff, 0), vote(ann, 0x100, 1)}, "1:[1] ", false},
		"taken-back":    {one, []Pair{vote(ann, 5, 0), vote(ann, 6)}, "", false},
		"several":       {several, []Pair{vote(bob, 5, 0, 2), vote(ann, 6, 1)}, "1:[1] 2:[0 2] ", false},
		"two-of-one":    {one, []Pair{vote(ann, 5, 0), vote(ann, 6, 1, 2)}, "1:[0] ", false},
		"not-there":     {several, []Pair{vote(ann, 5, 0), vote(ann, 6, 1, 3)}, "1:[0] ", false},
		"not-rising":    {several, []Pair{vote(ann, 5, 1, 0), vote(bob, 6, 1, 1)}, "", false},
		"negative":      {one, []Pair{vote(ann, 5, -1)}, "", false},
		"quiz-first":    {quiz, []Pair{vote(ann, 5, 0), vote(ann, 6, 1), vote(ann, 7)}, "1:[0] ", false},
		"quiz-nothing":  {quiz, []Pair{vote(ann, 5), vote(ann, 6, 1)}, "1:[1] ", false},
		"other-log":     {one, []Pair{PutVote("c", ID{1}, ann, Vote{Options: []int{0}, Seq: 5})}, "", false},
		"behind":        {one, []Pair{vote(ann, 5, 0), vote(bob, 7, 0), PutClose("c", ID{1}, ann, 6)}, "1:[0] ", true},
		"ended-once":    {one, []Pair{vote(ann, 5, 0), vote(bob, 7, 0), PutClose("c", ID{1}, ann, 6), PutClose("c", ID{1}, ann, 8)}, "1:[0] ", true},
		"anothers-end":  {one, []Pair{vote(bob, 7, 0), PutClose("c", ID{1}, bob, 6)}, "2:[0] ", false},
		"erased":        {one, []Pair{vote(ann, 5, 0), vote(bob, 7, 0), PutErasure("c", log, bob, 9)}, "1:[0] ", false},
		"newest-erased": {one, []Pair{vote(bob, 7, 0), vote(bob, 10, 1), PutErasure("c", log, bob, 9)}, "2:[1] ", false},
	} {
		s := store{}
		s.put(x.pairs...)
		b, err := count(s, "c", &Entry{ID: ID{1}, From: ann, Log: log, Poll: &x.p})
		if err != nil {
			t.Fatal(err)
		}
		got, voters := "", 0
		for _, v := range b.Votes {
			if len(v.Options) > 0 {
				got += fmt.Sprintf("%d:%v ", v.Person[0], v.Options)
				voters++
			}
		}
		if got != x.want || b.Closed != x.closed || b.Voters != voters {
			t.Errorf("%s: got %q, closed %v, %d voters, want %q, %v, %d", name, got, b.Closed, b.Voters, x.want, x.closed, voters)
		}
	}
}

// TestSweep stores random messages that expire and ones that last, with notes, answers, shared files and copies that stand
// twice, and sweeps at random times: what is left is exactly what has time left, whatever the order.
func TestSweep(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 1))
	s := store{}
	type msg struct {
		gone int64
		ref  string
	}
	all := map[ID]msg{}
	for i := range 300 {
		id := ID{1, byte(i >> 8), byte(i)}
		m := msg{ref: fmt.Sprintf("f-%d", r.IntN(120))}
		if r.IntN(3) > 0 {
			m.gone = 1 + r.Int64N(1000)
		}
		var to *ID
		if i > 0 && r.IntN(2) == 0 {
			to = &ID{1, 0, byte(r.IntN(min(i, 256)))}
		}
		for range 1 + r.IntN(2) { // the second is where it stands
			e := Entry{ID: id, Index: uint64(1 + len(s)), From: ann, Kind: Files, Gone: m.gone, Files: []File{{Ref: m.ref}}}
			e.ReplyTo = to
			s.put(Put("c", &e)...)
		}
		s.put(Share(m.ref, "c", id), PutReaction("c", id, bob, Reaction{ID: id, Emoji: "x"}), KeepEdit("c", id, ann, 3, EditKept{Text: "x"}))
		all[id] = m
	}
	removed := map[string]bool{}
	for now := int64(0); now < 1001; now += r.Int64N(200) {
		for more := true; more; {
			out, err := Sweep(s, now)
			if err != nil {
				t.Fatal(err)
			}
			s.put(out.Pairs...)
			for _, f := range out.Files {
				removed[f] = true
			}
			more = out.Next != 0 && out.Next <= now
		}
		used := map[string]bool{}
		for id, m := range all {
			e, err := Find(s, "c", id)
			if err != nil || (e != nil) != (m.gone == 0 || m.gone > now) {
				t.Fatalf("seed %d: at %d: a message that goes at %d: %v, %v", seed, now, m.gone, e != nil, err)
			}
			if e != nil {
				used[m.ref] = true
				continue
			}
			for k := range s {
				if len(k) > 50 && k[len(k)-43:] == id.Text() && k[:2] != "g/" {
					t.Fatalf("seed %d: at %d: left of one that went at %d: %s", seed, now, m.gone, k)
				}
			}
		}
		for _, m := range all {
			if removed[m.ref] == used[m.ref] {
				t.Fatalf("seed %d: at %d: file %s: removed %v, in use %v", seed, now, m.ref, removed[m.ref], used[m.ref])
			}
		}
	}
}

// TestCarryExpiring shows that what expires goes into no lasting segment, and comes out of none when its time is over.
func TestCarryExpiring(t *testing.T) {
	s := store{}
	for i, gone := range []int64{0, 50, 100} {
		s.put(Put("c", &Entry{ID: ID{1, byte(i)}, Index: uint64(i + 1), Seq: uint64(i + 1), From: ann, Kind: Text, Text: "x", Gone: gone})...)
	}
	for lasting, want := range map[bool]int{true: 1, false: 3} {
		if list, err := Export(s, "c", 0, QueuedFirst, 100, 1<<20, lasting); err != nil || len(list) != want {
			t.Errorf("lasting %v: got %d, %v, want %d", lasting, len(list), err, want)
		}
	}
	list, _ := Export(s, "c", 0, QueuedFirst, 100, 1<<20, false)
	for now, want := range map[int64][]uint64{0: {1, 2, 3}, 49: {1, 2, 3}, 50: {1, 3}, 100: {1}} {
		to := store{}
		pairs, n, err := Import(to, "c", list, bob, 0, now)
		to.put(pairs...)
		var got []uint64
		page, _ := Before(to, "c", 0, 10)
		for _, e := range page {
			got = append(got, e.Index)
		}
		if err != nil || n != len(want) || !reflect.DeepEqual(got, want) {
			t.Errorf("at %d: got %v, %d new, %v, want %v", now, got, n, err, want)
		}
	}
}
