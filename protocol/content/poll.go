package content

import "strings"

// The private types of polls (C-56 to C-58).
const (
	typePoll      = privatePrefix + "poll"
	typeVote      = privatePrefix + "vote"
	typePollClose = privatePrefix + "poll-close"
)

// Limits of a poll: its question and explanation, its options and the text of each.
const (
	PollTextBytesMax   = 300
	PollOptionsMin     = 2
	PollOptionsMax     = 12
	PollOptionBytesMax = 100
)

// Poll is a question with options.
type Poll struct {
	Question string
	Options  []string // PollOptionsMin to PollOptionsMax, each another
	Several  bool     // one may choose several
	Hidden   bool     // clients do not show who chose what
	Quiz     bool     // one option is right, and the first vote stands
	Right    int      // of a quiz
	Why      string   // of a quiz: why it is right; may be empty
	Extra
}

// Vote is what its sender chooses in the poll Of: numbers of options, rising; none takes the vote
// back. Of several votes of a person the newest counts, in a quiz the first.
type Vote struct {
	Of      MessageID
	Options []int
	Expires uint32 // as the poll does, see Extra
}

// PollClose ends the poll Of. The caller allows it to the author alone.
type PollClose struct {
	Of      MessageID
	Expires uint32
}

const (
	pollSeveral = 1
	pollHidden  = 2
	pollQuiz    = 4
)

// polled is a poll on its way.
type polled struct {
	_        struct{} `cbor:",toarray"`
	Question string
	Options  []string
	Flags    uint8
	Right    *uint8
	Why      string
}

func (m Poll) mimi() (Unverified, error) {
	x := polled{Question: m.Question, Options: m.Options, Why: m.Why}
	for i, on := range []bool{m.Several, m.Hidden, m.Quiz} {
		if on {
			x.Flags |= 1 << i
		}
	}
	if m.Quiz {
		if m.Right < 0 || m.Right >= PollOptionsMax {
			return Unverified{}, ErrContent
		}
		right := uint8(m.Right)
		x.Right = &right
	}
	return private2(DispositionRender, typePoll, MessageID{}, m.Extra, x)
}

func (m Vote) mimi() (Unverified, error) {
	u, err := private2(DispositionUnspecified, typeVote, m.Of, Extra{Expires: m.Expires}, append([]int{}, m.Options...))
	if err == nil {
		err = need(m.Of)
	}
	return u, err
}

func (m PollClose) mimi() (Unverified, error) {
	u, err := private2(DispositionUnspecified, typePollClose, m.Of, Extra{Expires: m.Expires}, []int{})
	if err == nil {
		err = need(m.Of)
	}
	return u, err
}

// private2 is a private message that may say more of itself, and be about another.
func private2(d Disposition, contentType string, of MessageID, x Extra, v any) (Unverified, error) {
	b, err := enc.Marshal(v)
	if err != nil {
		return Unverified{}, ErrContent
	}
	u := Unverified{InReplyTo: of, Part: single(d, contentType, b)}
	u.extra(x)
	return u, nil
}

func (u Unverified) verifyPoll() (Message, error) {
	var x polled
	if err := strict(u.Part.Content, &x); err != nil {
		return nil, err
	}
	m := Poll{Question: x.Question, Options: x.Options, Why: x.Why}
	m.Several, m.Hidden, m.Quiz = x.Flags&pollSeveral != 0, x.Flags&pollHidden != 0, x.Flags&pollQuiz != 0
	n := len(x.Options)
	ok := checkLine(x.Question, PollTextBytesMax, true) && n >= PollOptionsMin && n <= PollOptionsMax && x.Flags <= pollSeveral|pollHidden|pollQuiz &&
		m.Quiz == (x.Right != nil) && !(m.Quiz && m.Several) && (x.Why == "" || m.Quiz && checkLine(x.Why, PollTextBytesMax, true))
	for i, o := range x.Options {
		ok = ok && checkLine(o, PollOptionBytesMax, false)
		for _, before := range x.Options[:i] {
			ok = ok && o != before
		}
	}
	if m.Quiz && ok {
		m.Right = int(*x.Right)
		ok = m.Right < n
	}
	if !ok {
		return nil, ErrContent
	}
	var err error
	m.Extra, err = u.extras()
	return m, err
}

// checkLine says whether s is a text (C-30) of at most so many bytes, on one line or on several.
func checkLine(s string, most int, lines bool) bool {
	return len(s) <= most && checkText(s) == nil && (lines || !strings.ContainsAny(s, "\n\t"))
}

func (u Unverified) verifyVote() (Message, error) {
	m := Vote{Of: u.InReplyTo, Expires: u.expires()}
	if strict(u.Part.Content, &m.Options) != nil || m.Options == nil || len(m.Options) > PollOptionsMax || m.Of.IsZero() {
		return nil, ErrContent
	}
	last := -1
	for _, n := range m.Options {
		if n <= last || n >= PollOptionsMax {
			return nil, ErrContent
		}
		last = n
	}
	if last < 0 {
		m.Options = nil
	}
	return m, nil
}

func (u Unverified) verifyClose() (Message, error) {
	if u.InReplyTo.IsZero() || string(u.Part.Content) != "\x80" {
		return nil, ErrContent
	}
	return PollClose{Of: u.InReplyTo, Expires: u.expires()}, nil
}
