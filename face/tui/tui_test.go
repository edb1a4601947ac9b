package tui

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"paperplane/core"
	"paperplane/face/api"
	"paperplane/face/cli"
)

var update = flag.Bool("update", false, "write the golden screens anew")

// fake is a core whose answers a test gives; it remembers what was asked.
type fake struct {
	state core.State
	pages map[string][]core.Message
	fails map[string]core.ErrCode
	calls []string // "command {args}"
	files map[string]string
	put   string

	members []core.Member // of every group
}

func (f *fake) Call(_ context.Context, request []byte) []byte {
	var c struct {
		ID   string          `json:"id"`
		Cmd  string          `json:"cmd"`
		Args json.RawMessage `json:"args"`
	}
	if err := json.Unmarshal(request, &c); err != nil {
		panic(err)
	}
	f.calls = append(f.calls, c.Cmd+" "+string(c.Args))
	if code := f.fails[c.Cmd]; code != "" {
		return encode(map[string]any{"id": c.ID, "err": code})
	}
	var ok any = core.Done{}
	switch c.Cmd {
	case "getState":
		ok = f.state
	case "messages":
		var a struct {
			Chat   string
			Before uint64
			Limit  int
		}
		_ = json.Unmarshal(c.Args, &a)
		var list []core.Message
		for _, m := range f.pages[a.Chat] {
			if a.Before == 0 || m.Index < a.Before {
				list = append(list, m)
			}
		}
		ok = api.Page{Messages: list[max(len(list)-a.Limit, 0):]}
	case "message":
		var a struct{ Chat, Message string }
		_ = json.Unmarshal(c.Args, &a)
		i := slices.IndexFunc(f.pages[a.Chat], func(m core.Message) bool { return m.ID == a.Message })
		if i < 0 {
			return encode(map[string]any{"id": c.ID, "err": core.ErrNoMessage})
		}
		ok = f.pages[a.Chat][i]
	case "checkLink":
		ok = core.LinkInfo{Person: true}
	case "join":
		ok = core.Joined{Chat: "c-bob"}
		f.state = people()
	case "newGroup":
		ok = core.Joined{Chat: "c-group"}
	case "sendText":
		ok = core.Sent{Message: "m-new"}
	case "invite":
		ok = core.InviteLink{Link: "https://talk.example.org/i#1." + strings.Repeat("abcdefghijklmnopqrstuvwxyz", 6), Uses: 10, Until: "2026-04-01"}
	case "getMembers":
		if f.members != nil {
			var a core.GetMembers
			_ = json.Unmarshal(c.Args, &a)
			var r core.Members
			for _, m := range f.members {
				if !strings.Contains(strings.ToLower(m.Name), strings.ToLower(a.Query)) {
					continue
				}
				if r.Total++; a.Limit == 0 || len(r.Members) < a.Limit {
					r.Members = append(r.Members, m)
				}
			}
			ok = r
			break
		}
		ok = core.Members{Members: []core.Member{
			{Person: "p-ann", Name: "Ann", Own: true, Admin: true}, {Person: "p-bob", Name: "Bob", Chat: "c-bob"}}}
	}
	return encode(map[string]any{"id": c.ID, "ok": ok})
}

func encode(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func (f *fake) Listen() (<-chan []byte, func()) { return make(chan []byte), func() {} }

func (f *fake) PutFile(_ context.Context, r io.Reader) (string, int64, error) {
	b, err := io.ReadAll(r)
	f.put = string(b)
	return "f-put", int64(len(b)), err
}

func (f *fake) OpenFile(_ context.Context, ref string) (io.ReadCloser, error) {
	if s, ok := f.files[ref]; ok {
		return io.NopCloser(strings.NewReader(s)), nil
	}
	return nil, errors.New("absent")
}

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func ms(d time.Duration) int64 { return noon.Add(d).UnixMilli() }

func people() core.State {
	return core.State{
		Account: &core.Account{Person: "p-ann", Name: "Ann"}, Online: true, Settings: core.Settings{ReadReceipts: true, TypingShown: true},
		Chats: []core.Chat{
			{ID: "c-saved", Kind: core.ChatSaved, State: "open", At: ms(-72 * time.Hour)},
			{ID: "c-bob", Kind: core.ChatTwo, Name: "Bob", State: "open", Unread: 2, At: ms(-time.Minute)},
			{ID: "c-sara", Kind: core.ChatTwo, Name: "سارا", State: "open", Draft: "unfinished", At: ms(-time.Hour)},
			{ID: "c-group", Kind: core.ChatGroup, Name: "Neighbours 🏡", State: "open", Members: 3, Admin: true, At: ms(-2 * time.Hour)},
		},
	}
}

func talk() []core.Message {
	return []core.Message{
		{ID: "m1", Chat: "c-bob", Index: 1, At: ms(-25 * time.Hour), FromName: "Bob", Kind: core.KindText, Text: "see you tomorrow", State: core.StateReceived},
		{ID: "m2", Chat: "c-bob", Index: 2, At: ms(-3 * time.Hour), Own: true, Kind: core.KindText, Text: "good morning", Edited: true, State: core.StateRead,
			Reactions: []core.Reaction{{Emoji: "👍", By: []string{"Bob"}}}},
		{ID: "m3", Chat: "c-bob", Index: 3, At: ms(-2 * time.Hour), Own: true, Kind: core.KindDeleted, State: core.StateDelivered},
		{ID: "m4", Chat: "c-bob", Index: 4, At: ms(-time.Hour), FromName: "Bob", Kind: core.KindText, State: core.StateReceived,
			Text: "سلام، حالت چطور است؟ 😀", ReplyTo: &core.Quote{ID: "m2", FromName: "Ann", Text: "good\nmorning"}},
		{ID: "m5", Chat: "c-bob", Index: 5, At: ms(-time.Minute), FromName: "Bob", Kind: core.KindFile, State: core.StateReceived,
			Files: []core.Attachment{{Name: "plan.pdf", Size: 1_234_567, State: "remote"}}},
		{ID: "m6", Chat: "c-bob", Index: 1 << 62, At: ms(0), Own: true, Kind: core.KindText, Text: "on my way", State: core.StateQueued},
	}
}

// driver plays a program's loop: it runs commands at once and in order.
type driver struct {
	t    *testing.T
	m    *Model
	core *fake
	quit bool
}

func start(t *testing.T, w, h int, st core.State) *driver {
	t.Helper()
	f := &fake{state: st, pages: map[string][]core.Message{"c-bob": talk()}, fails: map[string]core.ErrCode{}, files: map[string]string{}}
	m := New(t.Context(), Options{Core: f, Now: func() time.Time { return noon }, Zone: time.UTC, Downloads: t.TempDir(),
		After: func(time.Duration, tea.Msg) tea.Cmd { return nil }})
	d := &driver{t: t, m: m, core: f}
	d.give(tea.WindowSizeMsg{Width: w, Height: h})
	d.run(m.refresh())
	return d
}

func (d *driver) give(msg tea.Msg) {
	_, cmd := d.m.Update(msg)
	d.run(cmd)
}

// run does a command and what follows from it. Sequences and batches are slices of commands.
func (d *driver) run(cmd tea.Cmd) {
	if cmd == nil {
		return
	}
	msg := cmd()
	if _, ok := msg.(tea.QuitMsg); ok {
		d.quit = true
		return
	}
	if v := reflect.ValueOf(msg); v.Kind() == reflect.Slice && v.Type().Elem() == reflect.TypeFor[tea.Cmd]() {
		for i := range v.Len() {
			d.run(v.Index(i).Interface().(tea.Cmd))
		}
		return
	}
	switch msg.(type) {
	case done, event, draftDue, stopped:
		d.give(msg)
	}
}

var named = map[string]tea.KeyPressMsg{
	"enter": {Code: tea.KeyEnter}, "esc": {Code: tea.KeyEscape}, "up": {Code: tea.KeyUp}, "down": {Code: tea.KeyDown}, "tab": {Code: tea.KeyTab},
	"home": {Code: tea.KeyHome}, "end": {Code: tea.KeyEnd}, "pgup": {Code: tea.KeyPgUp}, "f1": {Code: tea.KeyF1}, "f2": {Code: tea.KeyF2}, "f3": {Code: tea.KeyF3}, "space": {Code: tea.KeySpace, Text: " "},
	"backspace": {Code: tea.KeyBackspace}, "ctrl+j": {Code: 'j', Mod: tea.ModCtrl},
}

// keys presses keys by name; anything else is typed.
func (d *driver) keys(list ...string) {
	d.t.Helper()
	for _, k := range list {
		if p, ok := named[k]; ok {
			d.give(p)
		} else if c, ok := strings.CutPrefix(k, "ctrl+"); ok {
			d.give(tea.KeyPressMsg{Code: rune(c[0]), Mod: tea.ModCtrl})
		} else {
			for _, r := range k {
				d.give(tea.KeyPressMsg{Code: r, Text: string(r)})
			}
		}
	}
}

func (d *driver) event(e core.Event) { d.give(event(api.EncodeEvent(e))) }

// screen is what is shown, without colours.
func (d *driver) screen() string {
	rows := strings.Split(ansi.Strip(d.m.View().Content), "\n")
	for i, r := range rows {
		if n := ansi.StringWidth(r); n > d.m.width {
			d.t.Errorf("row %d is %d cells wide, the window %d: %q", i, n, d.m.width, r)
		}
		rows[i] = strings.TrimRight(r, " ")
	}
	if len(rows) > d.m.height {
		d.t.Errorf("%d rows in a window of %d", len(rows), d.m.height)
	}
	return strings.Join(rows, "\n") + "\n"
}

// golden compares the screen with a file.
func (d *driver) golden(name string) {
	d.t.Helper()
	got := d.screen()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			d.t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		d.t.Fatal(err)
	}
	if got != string(want) {
		d.t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

// asked fails unless the core was asked exactly this since the last look at it.
func (d *driver) asked(want ...string) {
	d.t.Helper()
	got := slices.DeleteFunc(d.core.calls, func(s string) bool {
		for _, quiet := range []string{"getState", "messages", "message", "getMembers", "markRead", "typing", "setDraft"} {
			if strings.HasPrefix(s, quiet+" ") && !slices.Contains(want, s) {
				return true
			}
		}
		return false
	})
	d.core.calls = nil
	if !slices.Equal(got, want) {
		d.t.Errorf("the core was asked %q, want %q", got, want)
	}
}

func (d *driver) shows(want string, yes bool) {
	d.t.Helper()
	if s := d.screen(); strings.Contains(s, want) != yes {
		d.t.Errorf("screen shows %q: %v, want %v:\n%s", want, !yes, yes, s)
	}
}

// TestScreens compares whole screens: wide and narrow, empty, talking, choosing, helping.
func TestScreens(t *testing.T) {
	cases := []struct {
		name string
		w, h int
		st   core.State
		keys []string
	}{
		{name: "list", w: 90, h: 20, st: people()},
		{name: "talk", w: 90, h: 26, st: people(), keys: []string{"enter"}},
		{name: "talk-narrow", w: 40, h: 26, st: people(), keys: []string{"enter"}},
		{name: "list-narrow", w: 40, h: 12, st: people()},
		{name: "tiny", w: 12, h: 5, st: people(), keys: []string{"enter"}},
		{name: "chosen", w: 90, h: 14, st: people(), keys: []string{"enter", "up", "up", "up"}},
		{name: "help", w: 90, h: 46, st: people(), keys: []string{"f1"}},
		{name: "invite", w: 80, h: 44, st: people(), keys: []string{"ctrl+t"}},
		{name: "people", w: 90, h: 14, st: people(), keys: []string{"down", "down", "enter", "ctrl+p"}},
		{name: "new-group", w: 90, h: 14, st: people(), keys: []string{"ctrl+n", "Club", "enter", "space", "down", "space"}},
		{name: "react", w: 90, h: 16, st: people(), keys: []string{"enter", "up", "+"}},
		{name: "search", w: 90, h: 10, st: people(), keys: []string{"/", "neigh"}},
		{name: "reply", w: 90, h: 14, st: people(), keys: []string{"enter", "up", "up", "up", "r", "yes,", "ctrl+j", "quite"}},
		{name: "welcome", w: 60, h: 14},
		{name: "welcome-name", w: 60, h: 14, keys: []string{"http://127.0.0.1:8765/i#1.x", "enter", "Ann"}},
		{name: "alone", w: 90, h: 10, st: core.State{Account: &core.Account{Name: "Ann"}, Online: true, Chats: []core.Chat{{ID: "s", Kind: core.ChatSaved, State: "open"}}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := start(t, c.w, c.h, c.st)
			d.keys(c.keys...)
			d.golden(c.name)
		})
	}
}

// TestSend shows that Enter sends what was typed, that several lines are one message, and that
// nothing typed is lost when the core refuses.
func TestSend(t *testing.T) {
	d := start(t, 90, 24, people())
	d.keys("enter", "hello", "ctrl+j", "Bob", "enter")
	d.asked(`sendText {"chat":"c-bob","text":"hello\nBob"}`)
	if got := d.m.text.Value(); got != "" {
		t.Errorf("after sending: composer holds %q", got)
	}
	d.keys("   ", "enter")
	d.asked()
	d.core.fails["sendText"] = core.ErrDiskFull
	d.m.text.Reset()
	d.keys("precious", "enter")
	if got := d.m.text.Value(); got != "precious" {
		t.Errorf("after a refusal: composer holds %q, want what was typed", got)
	}
	d.shows("The disk is full", true)
	d.asked(`sendText {"chat":"c-bob","text":"precious"}`)
}

// TestMessageKeys shows what the keys on a chosen message ask for.
func TestMessageKeys(t *testing.T) {
	cases := []struct {
		name string
		up   int
		keys []string
		want []string
	}{
		{"reply", 3, []string{"r", "yes", "enter"}, []string{`sendText {"chat":"c-bob","text":"yes","replyTo":"m4"}`}},
		{"reply-given-up", 3, []string{"r", "esc", "yes", "enter"}, []string{`sendText {"chat":"c-bob","text":"yes"}`}},
		{"edit", 5, []string{"e", "!", "enter"}, []string{`edit {"chat":"c-bob","message":"m2","text":"good morning!"}`}},
		{"edit-anothers", 3, []string{"e"}, nil},
		{"delete", 5, []string{"d", "y"}, []string{`delete {"chat":"c-bob","message":"m2"}`}},
		{"delete-not", 5, []string{"d", "n"}, nil},
		{"delete-anothers", 3, []string{"d", "y"}, nil},
		{"delete-deleted", 4, []string{"d", "y"}, nil},
		{"react", 3, []string{"+", "enter"}, []string{`react {"chat":"c-bob","message":"m4","emoji":"👍","on":true}`}},
		{"react-other", 3, []string{"+", "o", "🌱", "enter"}, []string{`react {"chat":"c-bob","message":"m4","emoji":"🌱","on":true}`}},
		{"retry-nothing", 1, []string{"t"}, nil},
		{"home", 1, []string{"home", "r", "ok", "enter"}, []string{`sendText {"chat":"c-bob","text":"ok","replyTo":"m1"}`}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := start(t, 90, 24, people())
			d.keys("enter")
			for range c.up {
				d.keys("up")
			}
			d.core.calls = nil
			d.keys(c.keys...)
			d.asked(c.want...)
		})
	}
}

// TestEvents shows each event's effect on the screen.
func TestEvents(t *testing.T) {
	d := start(t, 90, 24, people())
	d.keys("enter")
	d.event(core.MessageChanged{Message: core.Message{ID: "m7", Chat: "c-bob", Index: 6, At: ms(0), FromName: "Bob", Kind: core.KindText, Text: "fresh words", State: core.StateReceived}})
	d.shows("fresh words", true)
	i := slices.IndexFunc(d.m.msgs, func(x core.Message) bool { return x.ID == "m7" })
	if i != len(d.m.msgs)-2 || d.m.msgs[i+1].ID != "m6" {
		t.Errorf("a placed message stands at %d of %d, want before what waits", i, len(d.m.msgs))
	}
	moved := talk()[5]
	moved.Index, moved.State = 7, core.StateDelivered
	d.event(core.MessageChanged{Message: moved})
	d.shows("waiting", false)
	d.event(core.MessageChanged{Message: core.Message{ID: "x", Chat: "c-sara", Index: 1, Text: "elsewhere", State: core.StateReceived}})
	d.shows("elsewhere", false)
	d.event(core.TypingChanged{Chat: "c-bob", Who: []string{"Bob"}})
	d.shows("is typing", true)
	d.event(core.TypingChanged{Chat: "c-bob", Who: nil})
	d.shows("is typing", false)
	d.event(core.OnlineChanged{Online: false})
	d.shows("Offline", true)
	d.event(core.OnlineChanged{Online: true})
	d.event(core.Notice{Kind: "disk-full"})
	d.shows("disk is full", true)
	d.event(core.Notice{})
	d.shows("disk is full", false)
	d.event(core.MessageGone{Chat: "c-bob", Message: "m7"})
	d.shows("fresh words", false)
	d.event(core.ChatChanged{Chat: core.Chat{ID: "c-new", Kind: core.ChatTwo, Name: "Newcomer", State: "waiting", At: ms(time.Minute)}})
	d.shows("Newcomer", true)
	d.event(core.ChatGone{Chat: "c-bob"})
	d.shows("see you", false)
	d.give(stopped{})
	if !d.quit || d.m.err == nil {
		t.Errorf("after the core's end: quit %v, error %v", d.quit, d.m.err)
	}
}

// TestReadMarks shows that messages count as read when somebody looks, once each, and not while
// the terminal is away.
func TestReadMarks(t *testing.T) {
	d := start(t, 90, 24, people())
	d.asked()
	d.keys("enter")
	d.asked(`markRead {"chat":"c-bob","message":"m5"}`)
	d.give(tea.BlurMsg{})
	d.event(core.MessageChanged{Message: core.Message{ID: "m7", Chat: "c-bob", Index: 6, At: ms(0), FromName: "Bob", Kind: core.KindText, Text: "there?", State: core.StateReceived}})
	if n := len(d.core.calls); n != 0 {
		t.Errorf("while away the core was asked %q", d.core.calls)
	}
	d.give(tea.FocusMsg{})
	d.asked(`markRead {"chat":"c-bob","message":"m7"}`)
	d.give(tea.FocusMsg{})
	if n := len(d.core.calls); n != 0 {
		t.Errorf("again the core was asked %q", d.core.calls)
	}
}

// TestDrafts shows that a draft is there when a chat opens, is kept on the way out, and is what
// stands there again after a change was given up.
func TestDrafts(t *testing.T) {
	d := start(t, 90, 24, people())
	d.keys("down", "enter")
	if got := d.m.text.Value(); got != "unfinished" {
		t.Fatalf("draft: got %q", got)
	}
	d.keys(" thought", "esc")
	d.asked(`setDraft {"chat":"c-sara","text":"unfinished thought"}`)
	d.keys("home", "enter", "half", "up", "up", "up", "up", "up", "e", "esc")
	if got := d.m.text.Value(); got != "half" {
		t.Errorf("after giving up a change: got %q, want the draft", got)
	}
	d.keys("ctrl+c")
	if !d.quit {
		t.Error("ctrl+c does not quit")
	}
}

// TestGroups shows what a group's people page asks for.
func TestGroups(t *testing.T) {
	open := []string{"down", "down", "enter", "ctrl+p"}
	cases := []struct {
		name string
		keys []string
		want string
	}{
		{"add", []string{"a", "space", "enter"}, `addMembers {"chat":"c-group","members":["c-sara"]}`},
		{"remove", []string{"down", "x", "y"}, `removeMember {"chat":"c-group","person":"p-bob"}`},
		{"rename", []string{"n", "!", "enter"}, `setGroup {"chat":"c-group","name":"Neighbours 🏡!"}`},
		{"leave", []string{"l", "y"}, `leave {"chat":"c-group"}`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := start(t, 90, 24, people())
			d.keys(open...)
			d.asked(`getMembers {"chat":"c-group"}`)
			d.keys(c.keys...)
			d.asked(c.want)
		})
	}
	d := start(t, 90, 24, people())
	d.keys("ctrl+n", "Club", "enter", "space", "enter")
	d.asked(`newGroup {"name":"Club","members":["c-bob"]}`)
	if d.m.open != "c-group" {
		t.Errorf("after making a group: open is %q", d.m.open)
	}
}

// TestJoin shows the first start from link to conversation, with a refusal on the way.
func TestJoin(t *testing.T) {
	d := start(t, 60, 20, core.State{})
	d.core.fails["checkLink"] = core.ErrBadLink
	d.keys("broken", "enter")
	d.shows("damaged or cut off", true)
	delete(d.core.fails, "checkLink")
	d.keys("esc", "enter") // Esc does not lead past it
	d.keys("Ann", "enter")
	d.asked(`checkLink {"link":"broken"}`, `checkLink {"link":"broken"}`, `join {"link":"broken","name":"Ann","device":"`+cli.DeviceName()+`"}`)
	if d.m.open != "c-bob" || d.m.dialog != nil {
		t.Errorf("after joining: open %q, dialog %v", d.m.open, d.m.dialog)
	}
}

// TestFiles shows sending a file by its path and saving one: fetched first, written under a name
// that stays in the folder and takes no other file's place.
func TestFiles(t *testing.T) {
	d := start(t, 90, 24, people())
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.txt"), []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.keys("enter", "ctrl+o", filepath.Join(dir, "none"), "enter")
	d.shows("cannot be read", true)
	d.keys("esc", "ctrl+o", filepath.Join(dir, "a.txt"), "enter")
	if d.core.put != "hello" {
		t.Errorf("put: got %q", d.core.put)
	}
	d.asked(`sendText {"chat":"c-bob","files":[{"ref":"f-put","name":"a.txt","mime":"text/plain","size":5}]}`)

	d.keys("up", "up", "s", "enter")
	d.asked(`fetch {"chat":"c-bob","message":"m5","file":0}`)
	x := talk()[4]
	x.Files = []core.Attachment{{Name: "../../plan.pdf", Size: 4, State: "local", Ref: "f-5"}}
	d.core.files["f-5"] = "plan"
	taken := filepath.Join(d.m.opts.Downloads, "_.._plan.pdf")
	if err := os.WriteFile(taken, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	d.event(core.MessageChanged{Message: x})
	got, err := os.ReadFile(filepath.Join(d.m.opts.Downloads, "_.._plan (2).pdf"))
	if err != nil || string(got) != "plan" {
		t.Errorf("saved: got %q, %v", got, err)
	}
	if b, _ := os.ReadFile(taken); string(b) != "mine" {
		t.Errorf("the file that was there: got %q", b)
	}
}

// TestHostile shows that nothing from other people reaches the terminal as a command, breaks out
// of its line or turns what stands around it.
func TestHostile(t *testing.T) {
	st := people()
	evil := "\x1b]0;owned\x07\x1b[2J\u202eevil\u2069\u2066\r\n\x00\u0085end"
	st.Chats[1].Name = evil
	d := start(t, 90, 24, st)
	d.core.pages["c-bob"] = []core.Message{{ID: "m1", Chat: "c-bob", Index: 1, At: ms(0), FromName: evil, Kind: core.KindFile, Text: evil,
		State: core.StateReceived, ReplyTo: &core.Quote{FromName: evil, Text: evil}, Reactions: []core.Reaction{{Emoji: evil, By: []string{evil}}},
		Files: []core.Attachment{{Name: evil, Size: 1, State: "remote"}}}}
	d.keys("enter")
	d.event(core.TypingChanged{Chat: "c-bob", Who: []string{evil}})
	raw := d.m.View().Content
	for _, bad := range []string{"\x1b]", "\x1b[2J", "\x07", "\r", "\x00", "\u0085", "\u202e"} {
		if strings.Contains(raw, bad) {
			t.Errorf("the screen holds %q", bad)
		}
	}
	for i, row := range strings.Split(ansi.Strip(raw), "\n") {
		if a, b := strings.Count(row, "\u2068"), strings.Count(row, "\u2069"); a != b {
			t.Errorf("row %d opens %d isolates and closes %d: %q", i, a, b, row)
		}
	}
}

// TestSizes draws every screen in many sizes: no panic, no row wider than the window.
func TestSizes(t *testing.T) {
	for _, keys := range [][]string{{}, {"enter"}, {"enter", "up", "up"}, {"f1"}, {"ctrl+t"}, {"ctrl+n"}, {"/", "b"}} {
		d := start(t, 90, 24, people())
		d.keys(keys...)
		for _, w := range []int{1, 2, 5, 20, 39, 69, 70, 71, 200} {
			for _, h := range []int{1, 2, 3, 6, 50} {
				d.give(tea.WindowSizeMsg{Width: w, Height: h})
				_ = d.screen()
			}
		}
	}
}

// TestOlder shows that choosing the first message loads those before it, without a gap or a
// repeat.
func TestOlder(t *testing.T) {
	d := start(t, 90, 24, people())
	var all []core.Message
	for i := range uint64(pageSize*2 + 5) {
		all = append(all, core.Message{ID: string(rune('A' + i)), Chat: "c-bob", Index: i + 1, At: ms(0), FromName: "Bob", Kind: core.KindText, Text: "x", State: core.StateReceived})
	}
	d.core.pages["c-bob"] = all
	d.keys("enter", "up", "home", "home", "home", "home")
	var got []uint64
	for _, x := range d.m.msgs {
		got = append(got, x.Index)
	}
	if len(got) != len(all) || !slices.IsSorted(got) || got[0] != 1 {
		t.Errorf("loaded %d messages from %v, want %d", len(got), got[:min(len(got), 3)], len(all))
	}
}

// TestNoColour shows that what stands on the screen says the same without colours: every mark is
// text.
func TestNoColour(t *testing.T) {
	d := start(t, 90, 26, people())
	d.keys("enter")
	plain := ansi.Strip(d.m.View().Content)
	for _, want := range []string{"✓✓ read", "waiting", "(2)", "draft", "── new ──", "changed", "deleted"} {
		if !strings.Contains(plain, want) {
			t.Errorf("without colours %q is missing", want)
		}
	}
	if bytes.Equal([]byte(plain), []byte(d.m.View().Content)) {
		t.Error("nothing has a colour: the test proves nothing")
	}
}
