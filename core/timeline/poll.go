package timeline

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Poll is what a Question asks besides its text.
type Poll struct {
	Options []string `cbor:"1,keyasint"`
	Several bool     `cbor:"2,keyasint,omitempty"`
	Hidden  bool     `cbor:"3,keyasint,omitempty"`
	Quiz    bool     `cbor:"4,keyasint,omitempty"`
	Right   int      `cbor:"5,keyasint,omitempty"`
	Why     string   `cbor:"6,keyasint,omitempty"`
}

// fits says whether a poll may come from another device.
func (p *Poll) fits() bool {
	return p == nil || len(p.Options) >= 2 && len(p.Options) <= 12 && p.Right >= 0 && p.Right < len(p.Options) && len(p.Why) <= 1<<10 &&
		!slices.ContainsFunc(p.Options, func(s string) bool { return len(s) > 1<<9 })
}

// Vote is what somebody chose, and where that stands.
type Vote struct {
	_       struct{} `cbor:",toarray"`
	Options []int
	Log     [16]byte
	Seq     uint64
}

// Ballot is the votes that count, by person in the order of their ids.
type Ballot struct {
	Closed bool
	Votes  []Choice
	Voters int // those of them that choose something
}

// Choice is a vote that counts; without options it was taken back.
type Choice struct {
	Person  [32]byte
	Options []int
}

// place is how a place in the log stands in a key, so that keys of one person are in its order.
func place(seq uint64) string { return fmt.Sprintf("%016x", seq) }

func placed(s string) (uint64, bool) {
	seq, err := strconv.ParseUint(s, 16, 64)
	return seq, err == nil && s == place(seq)
}

// PutVote returns the pair for a vote. Each stands for itself: which one counts the poll decides.
func PutVote(chat string, id ID, by [32]byte, v Vote) Pair {
	return Pair{noteKey(chat, id) + "b/" + person(by) + "/" + place(v.Seq), Encode(v)}
}

// PutClose returns the pair for the end of a poll.
func PutClose(chat string, id ID, by [32]byte, seq uint64) Pair {
	return Pair{noteKey(chat, id) + "k/" + person(by) + "/" + place(seq), []byte{1}}
}

// votesMax bounds the votes read for one poll, and so what a flood of them costs.
const votesMax = 20000

// count counts a poll: of each person the newest vote, in a quiz the first that chooses; none behind the
// poll's end.
func count(r Reader, chat string, e *Entry) (*Ballot, error) {
	b := &Ballot{}
	end := ^uint64(0)
	err := scan(r, noteKey(chat, e.ID)+"k/"+person(e.From)+"/", func(rest string, _ []byte) (bool, error) {
		if seq, ok := placed(rest); ok {
			b.Closed, end = true, seq
		}
		return !b.Closed, nil // the first counts
	})
	if err != nil {
		return nil, err
	}
	n := 0
	var last *Choice
	err = scan(r, noteKey(chat, e.ID)+"b/", func(rest string, value []byte) (bool, error) {
		var v Vote
		who, _, _ := strings.Cut(rest, "/")
		by, ok := ParseID(who)
		if n++; !ok || n > votesMax || Decode(value, &v) != nil || v.Log != e.Log || v.Seq > end || !e.Poll.Takes(v.Options) {
			return n <= votesMax, nil
		}
		erased, err := Erased(r, chat, v.Log, by, v.Seq)
		if erased || err != nil || e.Poll.Quiz && len(v.Options) == 0 {
			return err == nil, err
		}
		if last == nil || last.Person != by {
			b.Votes = append(b.Votes, Choice{Person: by})
			last = &b.Votes[len(b.Votes)-1]
		} else if e.Poll.Quiz {
			return true, nil
		}
		last.Options = v.Options
		return true, nil
	})
	for _, v := range b.Votes {
		if len(v.Options) > 0 {
			b.Voters++
		}
	}
	return b, err
}

// Takes says whether a vote names options as the poll wants: rising.
func (p *Poll) Takes(options []int) bool {
	last := -1
	for _, n := range options {
		if n <= last || n >= len(p.Options) {
			return false
		}
		last = n
	}
	return p.Several || len(options) <= 1
}
