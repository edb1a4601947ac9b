package cli

import (
	"context"
	"encoding/json"
	"io"
	"strings"
	"testing"
	"time"

	"paperplane/core"
	"paperplane/face/api"
)

// fake answers calls from a table and keeps what it was asked.
type fake struct {
	answers map[string]string // command → its result as JSON
	asked   []string          // "command {args}"
	events  chan []byte
}

func (f *fake) Call(_ context.Context, request []byte) []byte {
	var c struct {
		ID   string          `json:"id"`
		Cmd  string          `json:"cmd"`
		Args json.RawMessage `json:"args"`
	}
	if json.Unmarshal(request, &c) != nil {
		return nil
	}
	if c.Cmd != "getState" && c.Cmd != "sync" {
		f.asked = append(f.asked, c.Cmd+" "+string(c.Args))
	}
	ok := f.answers[c.Cmd]
	if ok == "" {
		ok = "{}"
	}
	return []byte(`{"id":"` + c.ID + `","ok":` + ok + `}`)
}
func (f *fake) Listen() (<-chan []byte, func())                           { return f.events, func() {} }
func (f *fake) PutFile(context.Context, io.Reader) (string, int64, error) { return "", 0, io.EOF }
func (f *fake) OpenFile(context.Context, string) (io.ReadCloser, error)   { return nil, io.EOF }

const fakeState = `{"account":{"person":"me","name":"Me"},"servers":[{"origin":"https://other","member":true},{"origin":"https://elsewhere"}],"chats":[
 {"id":"g1","kind":"group","name":"Garden","rules":{"slow":5,"history":0}},
 {"id":"t1","kind":"two","name":"Ann"},{"id":"t2","kind":"two","name":"Bob"}]}`

func (f *fake) run(t *testing.T, run func(context.Context, Env) error, in, line string) (string, error) {
	t.Helper()
	f.asked = nil
	var out strings.Builder
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	err := run(ctx, Env{Args: strings.Fields(line), In: strings.NewReader(in), Out: &out, Err: io.Discard,
		Open: func(context.Context) (api.Core, func(), error) { return f, func() {}, nil }})
	return out.String(), err
}

// Each verb becomes the one command it stands for.
func TestGroupVerbs(t *testing.T) {
	f := &fake{answers: map[string]string{
		"getState": fakeState, "newGroup": `{"chat":"g2"}`, "groupInvite": `{"id":"l1","link":"http://x/i#1.a"}`,
		"getMembers": `{"members":[{"person":"p1","name":"Ann","role":"admin"},{"person":"p2","name":"Annette"},{"person":"me","name":"Me","own":true}],"total":3}`,
		"getKnocks":  `{"knocks":[{"person":"p3","name":"Carl"}]}`,
	}}
	cases := []struct{ line, want string }{
		{"new Chess --add ann --add Bob", `newGroup {"name":"Chess","members":["t1","t2"]}`},
		{"invite gard --uses 3 --approve", `groupInvite {"chat":"g1","uses":3,"approve":true}`},
		{"revoke Garden l1", `revokeLink {"chat":"g1","link":"l1"}`},
		{"admit Garden carl", `answer {"chat":"g1","person":"p3","yes":true}`},
		{"refuse Garden carl", `answer {"chat":"g1","person":"p3","yes":false}`},
		{"add Garden ann bob", `addMembers {"chat":"g1","members":["t1","t2"]}`},
		{"remove Garden ann", `removeMember {"chat":"g1","person":"p1"}`},
		{"remove Garden annette --erase", `removeMember {"chat":"g1","person":"p2","ban":true,"erase":true}`},
		{"role Garden p2 owner", `setRole {"chat":"g1","person":"p2","role":"owner"}`},
		{"rules Garden --quiet yes --history all", `setGroup {"chat":"g1","rules":{"quiet":true,"slow":5,"history":-1}}`},
		{"rules Garden --slow 0 --history 14 --adders members", `setGroup {"chat":"g1","rules":{"history":14,"adders":"members"}}`},
		{"move Garden https://other/", `moveChat {"chat":"g1","origin":"https://other"}`},
		{"leave Garden", `leave {"chat":"g1"}`},
	}
	for _, c := range cases {
		_, err := f.run(t, runGroup, "", c.line)
		got := ""
		if n := len(f.asked); n > 0 {
			got = f.asked[n-1]
		}
		if err != nil || got != c.want {
			t.Errorf("group %s: got %s and %v, want %s", c.line, got, err, c.want)
		}
	}
	for _, line := range []string{"", "sing", "new", "invite", "role Garden ann king", "rules Garden --quiet maybe", "rules Garden --history 0",
		"rules Garden --slow -1", "invite Garden --until yesterday", "invite Garden --until 2001-01-01", "remove Garden", "rules Garden --adders all"} {
		if _, err := f.run(t, runGroup, "", line); err == nil {
			t.Errorf("group %s: got nil, want a complaint", line)
		}
	}
	for _, line := range []string{"members Ann", "move Garden https://elsewhere", "remove Garden zoe", "remove Garden me", "add Garden zoe"} {
		if _, err := f.run(t, runGroup, "", line); err == nil {
			t.Errorf("group %s: got nil, want a complaint", line)
		}
	}
	f.asked = nil
	if err := runGroup(t.Context(), Env{Args: []string{"new", " "}, Out: io.Discard, Err: io.Discard,
		Open: func(context.Context) (api.Core, func(), error) { return f, func() {}, nil }}); err == nil || len(f.asked) > 0 {
		t.Errorf("group new with a blank name: got %v and %q, want a complaint and no question", err, f.asked)
	}
	out, err := f.run(t, runGroup, "", "members Garden --json")
	if want := 3; err != nil || strings.Count(out, "\n") != want || !strings.Contains(out, `"person":"p1"`) {
		t.Errorf("members --json: got %q and %v, want %d objects", out, err, want)
	}
}

// The list begins with this device and goes on with who was at work last.
func TestDeviceList(t *testing.T) {
	f := &fake{answers: map[string]string{"getDevices": `{"devices":[{"id":"a","name":"Old","active":"2026-01-02"},{"id":"b","name":"Tablet","active":"2026-11-20"},
 {"id":"c","name":"Here","this":true,"active":"2026-02-01"},{"id":"d","name":"Phone","active":"2026-11-23"},{"id":"e","name":"Laptop","active":"2026-11-23"}]}`}}
	out, err := f.run(t, runDevice, "", "list")
	var got []string
	for line := range strings.Lines(out) {
		got = append(got, strings.Trim(strings.Fields(line)[0], "\u2068\u2069"))
	}
	if want := "Here Laptop Phone Tablet Old"; err != nil || strings.Join(got, " ") != want {
		t.Errorf("device list: got %q and %v, want %q", got, err, want)
	}
}

// What is no address of a server is not asked for an account.
func TestRecoverServer(t *testing.T) {
	for _, origin := range []string{"xx", "ftp://x", "http://", "127.0.0.1:8765", "http://%zz"} {
		f := &fake{}
		_, err := f.run(t, runRecover, strings.Repeat("abandon ", 11)+"about\n", "--server "+origin)
		if err == nil || !strings.Contains(err.Error(), "https://host") || len(f.asked) > 0 {
			t.Errorf("recover --server %s: got %v and %q, want a complaint and no question", origin, err, f.asked)
		}
	}
}

// A link's last day is the one that was named: the core counts from today.
func TestDaysUntil(t *testing.T) {
	late := time.Date(2026, 11, 23, 23, 59, 0, 0, time.UTC)
	for last, want := range map[string]int{"2026-11-24": 1, "2026-12-24": 31, "2026-11-23": 0, "2026-11-22": 0, "tomorrow": 0, "": 0} {
		for _, now := range []time.Time{late, late.Add(-23 * time.Hour), late.In(time.FixedZone("", 5*3600))} {
			if got := daysUntil(now, last); got != want {
				t.Errorf("until %q from %v: got %d days, want %d", last, now, got, want)
			}
		}
	}
}

// The digits are compared by the person; only yes links.
func TestDeviceLink(t *testing.T) {
	linking := func(x core.Linking) []byte { return api.EncodeEvent(x) }
	for _, c := range []struct {
		line, in, confirm string
		good              bool
	}{
		{"add http://x/d#a", "yes\n", `confirmDevice {"yes":true}`, true},
		{"add http://x/d#a", "123456\n", `confirmDevice {"yes":true}`, true},
		{"add http://x/d#a", "no\n", `confirmDevice {"yes":false}`, false},
		{"add http://x/d#a", "", "", false}, // nobody there to say yes
		{"add http://x/d#a --yes", "", `confirmDevice {"yes":true}`, true},
		{"link", "yes\n", `confirmDevice {"yes":true}`, true},
		{"link", "no\n", `confirmDevice {"yes":false}`, false},
		{"link", "\n", `confirmDevice {"yes":false}`, false},
		{"link", "123 456\n", `confirmDevice {"yes":true}`, true},
		{"link", "123457\n", `confirmDevice {"yes":false}`, false},
		{"link", "", "", false}, // nobody there to say yes
	} {
		if strings.HasPrefix(c.line, "add") {
			c.line += " --name N"
		}
		f := &fake{answers: map[string]string{"getState": fakeState, "linkDevice": `{"link":"http://x/d#a"}`}, events: make(chan []byte, 9)}
		f.events <- linking(core.Linking{Stage: "waiting"})
		f.events <- linking(core.Linking{Stage: "digits", Digits: "123456", Name: "Laptop"})
		f.events <- linking(core.Linking{Stage: "sending", Percent: 50})
		f.events <- linking(core.Linking{Stage: "done"})
		_, err := f.run(t, runDevice, c.in, c.line)
		got := ""
		if n := len(f.asked); n > 1 {
			got = f.asked[n-1]
		}
		if (err == nil) != c.good || got != c.confirm {
			t.Errorf("device %s with %q: got %s and %v, want %s and good %v", c.line, c.in, got, err, c.confirm, c.good)
		}
	}
}

// Words may stand on one line or on several, and never in the command.
func TestRecoverWords(t *testing.T) {
	f := &fake{answers: map[string]string{"getState": fakeState, "recover": `{"chat":""}`}}
	words := "one two three four five six seven eight nine ten eleven twelve"
	for _, in := range []string{words + "\n", strings.ReplaceAll(words, " ", "\n"), "  " + words + "  "} {
		out, err := f.run(t, runRecover, in, "--server https://s --name N")
		want := `recover {"words":"` + words + `","origin":"https://s","name":"N"}`
		if err != nil || len(f.asked) != 1 || f.asked[0] != want || !strings.Contains(out, "Conversations: 3") {
			t.Errorf("recover: got %q, %q and %v, want %s", f.asked, out, err, want)
		}
	}
	if _, err := f.run(t, runRecover, "", "one two"); err == nil {
		t.Error("recover with words in the command: got nil, want a complaint")
	}
}

// Who opens the link of a group that has banned them, or is full, is told so.
func TestJoinRefused(t *testing.T) {
	for code, want := range map[core.ErrCode]string{
		core.ErrBanned: "You were banned from this group.", core.ErrGroupFull: "This group is full.", core.ErrNotAllowed: "does not let you in",
	} {
		state := `{"account":{"person":"me","name":"Me"},"chats":[{"id":"g1","kind":"group","name":"Garden","state":"refused","refused":"` + string(code) + `"}]}`
		f := &fake{answers: map[string]string{"getState": state, "join": `{"chat":"g1"}`}}
		if _, err := f.run(t, runJoin, "", "https://x/i#y --name Me"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", code, err, want)
		}
	}
	if got := ChatNote(core.Chat{Kind: core.ChatGroup, State: "refused", Refused: core.ErrBanned}); got != "you were banned from this group" {
		t.Errorf("got %q", got)
	}
}
