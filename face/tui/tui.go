// Package tui is the terminal messenger: two panes, or one below PanesMin columns, over a core.
//
// Model is a Bubble Tea model and belongs to its program's loop. All calls to the core run beside
// the loop and come back as messages; events are sent to the loop by Run. Names and texts from
// other people have control characters taken out (cli.Clean) and stand in directional isolates;
// ordering right-to-left text is the terminal's business. Nothing here depends on colours alone:
// NO_COLOR keeps every mark readable.
package tui

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"charm.land/bubbles/v2/textarea"
	"charm.land/bubbles/v2/textinput"
	tea "charm.land/bubbletea/v2"

	"paperplane/client"
	"paperplane/core"
	"paperplane/face/api"
	"paperplane/face/cli"
)

const (
	// PanesMin is the width from which list and messages stand side by side.
	PanesMin = 70
	// pageSize is how many messages are asked for at once.
	pageSize = 60
	// callTime bounds one call to the core.
	callTime = 30 * time.Second
	// draftDelay is the pause in typing after which a draft is kept.
	draftDelay = time.Second
	// typingEvery is how often others hear of one's typing.
	typingEvery = 3 * time.Second
	// composerMax bounds the lines of the composer.
	composerMax = 6
)

// Options are what a model is made of. Now, Zone and After may be nil.
type Options struct {
	Core api.Core
	Now  func() time.Time
	Zone *time.Location
	// After gives a command that brings msg after d.
	After func(d time.Duration, msg tea.Msg) tea.Cmd
	// Downloads is the folder offered for files.
	Downloads string
}

// focus says where keys go when no dialog is open.
type focus int

const (
	onList   focus = iota // the chat list
	onSearch              // the search field above it
	onText                // the composer
	onPick                // choosing a message
)

// Model is the terminal messenger's state.
type Model struct {
	opts          Options
	ctx           context.Context
	width, height int
	look          look
	away          bool // the terminal has said that it is not looked at

	st     core.State
	ready  bool // st has arrived
	err    error
	flash  string // one line for the person, until the next key
	typing map[string][]string

	focus  focus
	search textinput.Model
	at     string // chat under the list's cursor

	open    string // chat shown
	msgs    []core.Message
	more    bool   // there are older ones
	loading bool   // older ones were asked for
	newFrom string // message above which "new" stands
	marked  string // newest message marked read
	pick    string // chosen message
	scroll  int    // lines hidden below
	pinned  map[string]core.Message

	text    textarea.Model
	draft   string // what the core has
	typed   int    // counts changes, to tell the last one
	typedAt time.Time
	replyTo *core.Message
	editing *core.Message
	saves   map[string]string // message id → folder, while its files load

	dialog dialog
}

// event is one event of the core; stopped says that there will be no more.
type (
	event   []byte
	stopped struct{}
	// done brings a call's outcome into the loop.
	done struct{ apply func(*Model) tea.Cmd }
	// draftDue keeps the draft unless more was typed since.
	draftDue struct{ typed int }
)

// New makes a model; ctx ends its calls.
func New(ctx context.Context, o Options) *Model {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Zone == nil {
		o.Zone = time.Local
	}
	if o.After == nil {
		o.After = func(d time.Duration, msg tea.Msg) tea.Cmd {
			return tea.Tick(d, func(time.Time) tea.Msg { return msg })
		}
	}
	m := &Model{opts: o, ctx: ctx, width: 80, height: 24, look: newLook(true),
		typing: map[string][]string{}, saves: map[string]string{}, pinned: map[string]core.Message{}}
	m.search = newInput("")
	m.text = newComposer()
	m.look.composer(&m.text)
	return m
}

// Run shows the messenger until the person leaves it. The error is a sentence for the person.
func Run(ctx context.Context, c api.Core, in io.Reader, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	m := New(ctx, Options{Core: c, Downloads: downloads()})
	p := tea.NewProgram(m, tea.WithContext(ctx), tea.WithInput(in), tea.WithOutput(out))
	events, stop := c.Listen()
	defer stop()
	pumped := make(chan struct{})
	go func() {
		defer close(pumped)
		for {
			select {
			case e, ok := <-events:
				if !ok {
					p.Send(stopped{})
					return
				}
				p.Send(event(e))
			case <-ctx.Done():
				return
			}
		}
	}()
	_, err := p.Run()
	m.keepDraftNow()
	cancel()
	<-pumped
	if m.err != nil {
		return m.err
	}
	if err != nil && !errors.Is(err, tea.ErrProgramKilled) && !errors.Is(err, tea.ErrInterrupted) {
		return errors.New("The terminal cannot be used. Try: paperplane chat --plain WHO.")
	}
	return nil
}

// downloads is the folder offered for files: Downloads where there is one.
func downloads() string {
	home, err := os.UserHomeDir()
	if err != nil {
		return "."
	}
	if info, err := os.Stat(home + "/Downloads"); err == nil && info.IsDir() {
		return home + "/Downloads"
	}
	return home
}

// Init implements tea.Model.
func (m *Model) Init() tea.Cmd { return tea.Batch(tea.RequestBackgroundColor, m.refresh()) }

// call asks the core and hands the outcome to then, in the loop.
func call[R any](m *Model, cmd string, args any, then func(R, error) tea.Cmd) tea.Cmd {
	parent, c := m.ctx, m.opts.Core
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(parent, callTime)
		defer cancel()
		r, err := api.Do[R](ctx, c, cmd, args)
		return done{func(*Model) tea.Cmd { return then(r, err) }}
	}
}

// tell is call for commands that answer nothing of interest.
func (m *Model) tell(cmd string, args any) tea.Cmd {
	return call(m, cmd, args, func(_ core.Done, err error) tea.Cmd { m.say(err); return nil })
}

// say shows an error until the next key.
func (m *Model) say(err error) {
	if err != nil {
		m.flash = words(err)
	}
}

// words puts an error into words for this face.
func words(err error) string {
	e, ok := errors.AsType[*client.Error](err)
	if !ok {
		return err.Error()
	}
	switch e.Code {
	case core.ErrNameEmpty:
		return "Please type a name."
	case core.ErrTextLong:
		return "This text is too long for one message. Send it as a file: Ctrl+O."
	case core.ErrNoChat:
		return "There is no such conversation."
	}
	return cli.Say(e.Code)
}

// refresh asks for everything anew.
func (m *Model) refresh() tea.Cmd {
	return call(m, "getState", struct{}{}, func(st core.State, err error) tea.Cmd {
		if err != nil {
			m.say(err)
			return nil
		}
		m.st, m.ready = st, true
		m.sortChats()
		if st.Account == nil {
			m.dialog = welcome(m)
			return nil
		}
		if m.at == "" && len(m.st.Chats) > 0 {
			m.at = m.st.Chats[0].ID
		}
		if m.open != "" {
			return tea.Batch(m.page(m.open), m.loadPins())
		}
		return nil
	})
}

func (m *Model) sortChats() {
	cli.InOrder(m.st.Chats)
}

// chat returns a chat by id.
func (m *Model) chat(id string) *core.Chat {
	for i := range m.st.Chats {
		if m.st.Chats[i].ID == id {
			return &m.st.Chats[i]
		}
	}
	return nil
}

// Update implements tea.Model.
func (m *Model) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	cmd := m.update(msg)
	m.follow()
	return m, cmd
}

func (m *Model) update(msg tea.Msg) tea.Cmd {
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.width, m.height = max(msg.Width, 1), max(msg.Height, 1)
		m.resize()
		return nil
	case tea.BackgroundColorMsg:
		m.look = newLook(msg.IsDark())
		m.look.composer(&m.text)
		return nil
	case tea.FocusMsg:
		m.away = false
		return m.markRead()
	case tea.BlurMsg:
		m.away = true
		return nil
	case event:
		return m.event(msg)
	case done:
		return msg.apply(m)
	case draftDue:
		if msg.typed == m.typed {
			return m.keepDraft()
		}
		return nil
	case stopped:
		m.err = errors.New("Paperplane has stopped: another window may have the account now, or the disk cannot be written.")
		return tea.Quit
	case tea.KeyPressMsg:
		m.flash = ""
		switch msg.String() {
		case "ctrl+c", "ctrl+q":
			return tea.Sequence(m.keepDraft(), tea.Quit)
		}
		if m.dialog != nil {
			return m.dialog.update(m, msg)
		}
		return m.key(msg)
	}
	if m.dialog != nil {
		return m.dialog.update(m, msg)
	}
	return m.type_(msg)
}

// event takes in what changed.
func (m *Model) event(b []byte) tea.Cmd {
	var e struct {
		Event    string          `json:"event"`
		Chat     json.RawMessage `json:"chat"`
		Message  json.RawMessage `json:"message"`
		Who      []string        `json:"who"`
		Online   bool            `json:"online"`
		Account  *core.Account   `json:"account"`
		Settings core.Settings   `json:"settings"`
		Kind     string          `json:"kind"`
	}
	if json.Unmarshal(b, &e) != nil {
		return nil
	}
	switch e.Event {
	case "resync":
		return m.refresh()
	case "chatChanged":
		var c core.Chat
		if json.Unmarshal(e.Chat, &c) != nil {
			return nil
		}
		if old := m.chat(c.ID); old != nil {
			*old = c
		} else {
			m.st.Chats = append(m.st.Chats, c)
		}
		m.sortChats()
		if m.at == "" {
			m.at = c.ID
		}
		if c.ID == m.open {
			return m.loadPins()
		}
	case "chatGone":
		id := text(e.Chat)
		m.st.Chats = slices.DeleteFunc(m.st.Chats, func(c core.Chat) bool { return c.ID == id })
		if m.open == id {
			m.close()
		}
		if m.at == id {
			m.at = ""
		}
	case "messageChanged":
		var msg core.Message
		if json.Unmarshal(e.Message, &msg) != nil {
			return nil
		}
		return m.put(msg)
	case "messageGone":
		if id := text(e.Message); text(e.Chat) == m.open {
			m.msgs = slices.DeleteFunc(m.msgs, func(x core.Message) bool { return x.ID == id })
			if m.pick == id {
				m.toText()
			}
		}
	case "typingChanged":
		m.typing[text(e.Chat)] = e.Who
	case "onlineChanged":
		m.st.Online = e.Online
	case "accountChanged":
		if e.Account != nil {
			m.st.Account, m.st.Settings = e.Account, e.Settings
		}
	case "notice":
		m.st.Notice = e.Kind
	}
	return nil
}

func text(raw json.RawMessage) string {
	var s string
	_ = json.Unmarshal(raw, &s)
	return s
}

// show opens a chat. What was typed in the one before is kept as its draft.
func (m *Model) show(id string) tea.Cmd {
	c := m.chat(id)
	if c == nil {
		return nil
	}
	m.at, m.focus = id, onText
	if m.open == id {
		return m.text.Focus()
	}
	keep := m.keepDraft()
	m.open, m.msgs, m.more, m.loading, m.newFrom, m.marked, m.pick, m.scroll = id, nil, false, false, "", "", "", 0
	m.replyTo, m.editing = nil, nil
	m.draft = c.Draft
	m.text.SetValue(c.Draft)
	m.resize()
	return tea.Batch(keep, m.text.Focus(), m.page(id), m.loadPins())
}

// close shows no chat.
func (m *Model) close() {
	m.open, m.msgs, m.pick, m.replyTo, m.editing, m.draft = "", nil, "", nil, nil, ""
	m.text.Reset()
	m.focus = onList
}

// page loads the newest messages of a chat.
func (m *Model) page(id string) tea.Cmd {
	return call(m, "messages", map[string]any{"chat": id, "limit": pageSize}, func(p api.Page, err error) tea.Cmd {
		if m.open != id || err != nil {
			m.say(err)
			return nil
		}
		m.msgs, m.more = p.Messages, len(p.Messages) == pageSize
		if c := m.chat(id); c != nil && m.newFrom == "" {
			left := c.Unread
			for _, x := range slices.Backward(m.msgs) {
				if left == 0 {
					break
				}
				if !x.Own && x.Kind != core.KindNotice {
					left--
					m.newFrom = x.ID
				}
			}
		}
		return m.markRead()
	})
}

// older loads what stands above the first message.
func (m *Model) older() tea.Cmd { return m.olderThen(func() tea.Cmd { return nil }) }

func (m *Model) olderThen(then func() tea.Cmd) tea.Cmd {
	if !m.more || m.loading || len(m.msgs) == 0 {
		return nil
	}
	m.loading = true
	id, before := m.open, m.msgs[0].Index
	return call(m, "messages", map[string]any{"chat": id, "before": before, "limit": pageSize}, func(p api.Page, err error) tea.Cmd {
		m.loading = false
		if m.open != id || err != nil {
			m.say(err)
			return nil
		}
		m.more = len(p.Messages) == pageSize
		if len(m.msgs) > 0 && m.msgs[0].Index == before {
			m.msgs = append(p.Messages, m.msgs...)
		}
		return then()
	})
}

// put takes in a new or changed message.
func (m *Model) put(x core.Message) tea.Cmd {
	save := m.saveIfHere(x)
	if _, ok := m.pinned[x.ID]; ok {
		m.pinned[x.ID] = x
	}
	if x.Chat != m.open {
		return save
	}
	m.msgs = slices.DeleteFunc(m.msgs, func(o core.Message) bool { return o.ID == x.ID })
	if len(m.msgs) > 0 && m.more && x.Index < m.msgs[0].Index {
		return save // above what is loaded
	}
	i, _ := slices.BinarySearchFunc(m.msgs, x.Index, func(o core.Message, n uint64) int {
		if o.Index < n {
			return -1
		}
		return 1
	})
	m.msgs = slices.Insert(m.msgs, i, x)
	return tea.Batch(save, m.markRead())
}

// markRead tells the others that everything shown has been seen, when somebody is looking.
func (m *Model) markRead() tea.Cmd {
	if m.away || m.open == "" {
		return nil
	}
	for _, x := range slices.Backward(m.msgs) {
		if x.Own || x.State != core.StateReceived {
			continue
		}
		if c := m.chat(m.open); x.ID == m.marked || c != nil && c.ReadUpTo == x.ID && c.Unread == 0 {
			return nil
		}
		m.marked = x.ID
		return m.tell("markRead", core.MarkRead{Chat: m.open, Message: x.ID})
	}
	return nil
}

// picked returns the chosen message.
func (m *Model) picked() *core.Message {
	for i := range m.msgs {
		if m.msgs[i].ID == m.pick {
			return &m.msgs[i]
		}
	}
	return nil
}

// found are the chats that fit the search.
func (m *Model) found() []core.Chat {
	q := strings.ToLower(strings.TrimSpace(m.search.Value()))
	if q == "" { // what is in the archive is at the end, and is found by its name
		n := len(m.st.Chats)
		for n > 0 && m.st.Chats[n-1].Archived {
			n--
		}
		return m.st.Chats[:n]
	}
	var list []core.Chat
	for _, c := range m.st.Chats {
		if strings.Contains(strings.ToLower(cli.ChatName(c)), q) {
			list = append(list, c)
		}
	}
	return list
}
