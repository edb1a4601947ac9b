package content

import "unicode/utf8"

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

func (m Poll) mimi() (Unverified, error) {
	var flags uint64
	for i, on := range []bool{m.Several, m.Hidden, m.Quiz} {
		if on {
			flags |= 1 << i
		}
	}
	options := make([]any, 0, len(m.Options))
	for _, o := range m.Options {
		options = append(options, o)
	}
	var right any
	if m.Quiz {
		right = m.Right
	}
	u, err := private(DispositionRender, typePoll, m.Question, options, flags, right, m.Why)
	u.extra(m.Extra)
	return u, err
}

func (m Vote) mimi() (Unverified, error) {
	list := make([]any, 0, len(m.Options))
	for _, n := range m.Options {
		list = append(list, n)
	}
	return private2(typeVote, m.Of, m.Expires, list...)
}

func (m PollClose) mimi() (Unverified, error) { return private2(typePollClose, m.Of, m.Expires) }

// private2 is a private message about another.
func private2(contentType string, of MessageID, expires uint32, fields ...any) (Unverified, error) {
	if fields == nil {
		fields = []any{}
	}
	u, err := private(DispositionUnspecified, contentType, fields...)
	u.InReplyTo = of
	u.expire(expires)
	if err == nil {
		err = need(of)
	}
	return u, err
}

func (u Unverified) poll(w *walker, v any) Message {
	a := w.array(v, 5)
	if w.err != nil {
		return nil
	}
	m := Poll{Question: w.text(a[0]), Why: w.text(a[4])}
	if checkText(m.Question) != nil || len(m.Question) > PollTextBytesMax {
		w.fail(ErrContent)
	}
	options, ok := a[1].([]any)
	if !ok || len(options) < PollOptionsMin || len(options) > PollOptionsMax {
		w.fail(ErrContent)
	}
	for _, o := range options {
		s := w.text(o)
		if checkOption(s) != nil {
			w.fail(ErrContent)
		}
		for _, x := range m.Options {
			if x == s {
				w.fail(ErrContent)
			}
		}
		m.Options = append(m.Options, s)
	}
	flags := w.uint(a[2], pollSeveral|pollHidden|pollQuiz)
	m.Several, m.Hidden, m.Quiz = flags&pollSeveral != 0, flags&pollHidden != 0, flags&pollQuiz != 0
	if m.Quiz {
		m.Right = int(w.uint(a[3], uint64(max(len(options), 1)-1)))
		if m.Several || m.Why != "" && (checkText(m.Why) != nil || len(m.Why) > PollTextBytesMax) {
			w.fail(ErrContent)
		}
	} else if a[3] != nil || m.Why != "" {
		w.fail(ErrContent)
	}
	var err error
	if m.Extra, err = u.extras(); err != nil {
		w.fail(err)
	}
	return m
}

// checkOption accepts a text on one line.
func checkOption(s string) error {
	if len(s) > PollOptionBytesMax || !utf8.ValidString(s) || checkText(s) != nil {
		return ErrContent
	}
	for _, r := range s {
		if r == '\n' || r == '\t' {
			return ErrContent
		}
	}
	return nil
}

func (u Unverified) vote(w *walker, v any) Message {
	list, ok := v.([]any)
	if !ok || len(list) > PollOptionsMax || u.InReplyTo.IsZero() {
		w.fail(ErrContent)
		return nil
	}
	m := Vote{Of: u.InReplyTo, Expires: u.expires()}
	for i, x := range list {
		n := int(w.uint(x, PollOptionsMax-1))
		if i > 0 && n <= m.Options[i-1] {
			w.fail(ErrContent)
		}
		m.Options = append(m.Options, n)
	}
	return m
}

func (u Unverified) pollClose(w *walker, v any) Message {
	if w.array(v, 0); u.InReplyTo.IsZero() {
		w.fail(ErrContent)
	}
	return PollClose{Of: u.InReplyTo, Expires: u.expires()}
}
