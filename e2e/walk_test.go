package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"paperplane/core"
)

// walker is somebody who uses the program by commands, as a script would: each opens the account,
// does one thing and ends.
type walker struct {
	t    *testing.T
	name string
	home string
	said string // what the last command came to
}

func newWalker(t *testing.T, name string) *walker {
	watch.runs(t)
	return &walker{t: t, name: name, home: t.TempDir()}
}

func (w *walker) command(args ...string) *exec.Cmd {
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), "PAPERPLANE_HOME="+w.home)
	return cmd
}

// try runs a command.
func (w *walker) try(in string, args ...string) (out, complaint string, code int) {
	w.t.Helper()
	cmd := w.command(args...)
	var o, e strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(in), &o, &e
	what := w.name + ": paperplane " + strings.Join(args[:min(len(args), 2)], " ")
	code = execute(w.t, cmd, what)
	out, complaint = o.String(), strings.TrimSpace(e.String())
	w.said = fmt.Sprintf("%s: exit %d, %q, %q", what, code, tail(out, 5), complaint)
	return out, complaint, code
}

// do runs a command that has to succeed.
func (w *walker) do(args ...string) string {
	w.t.Helper()
	out, complaint, code := w.try("", args...)
	if code != 0 {
		w.t.Fatalf("%s: paperplane %s %s: got exit %d (%s), want 0", w.name, args[0], args[1], code, complaint)
	}
	return out
}

// fails runs a command that has to fail with a code and words.
func (w *walker) fails(code int, words, in string, args ...string) {
	w.t.Helper()
	_, complaint, got := w.try(in, args...)
	if got != code || !strings.Contains(complaint, words) {
		w.t.Errorf("%s: paperplane %s: got exit %d, %q, want %d, %q", w.name, args[0], got, complaint, code, words)
	}
}

// until runs things again and again until ok.
func (w *walker) until(what string, ok func() bool) {
	w.t.Helper()
	defer awaiting(w.t, "%s: %s", w.name, what)()
	for end := time.Now().Add(longPatience); !ok(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("%s: %s: did not happen within %v; at last %s", w.name, what, longPatience, w.said)
		}
	}
}

// reads waits until a conversation has a text.
func (w *walker) reads(chat, text string) {
	w.t.Helper()
	out := ""
	defer func() {
		if w.t.Failed() {
			w.t.Logf("%s read of %s:\n%s", w.name, chat, out)
		}
	}()
	w.until("reading "+text, func() bool {
		var code int
		out, _, code = w.try("", "read", chat)
		return code == 0 && strings.Contains(out, text)
	})
}

// state is that of a chat, "" when there is none.
func (w *walker) state(chat string) string {
	out, _, _ := w.try("", "contacts", "--json")
	for _, l := range lines(out) {
		var c struct{ Name, State string }
		if json.Unmarshal([]byte(l), &c) == nil && c.Name == chat {
			return c.State
		}
	}
	return ""
}

// members are the names in a group, sorted.
func (w *walker) members(group string) (names []string) {
	out, _, _ := w.try("", "group", "members", group, "--json")
	for _, l := range lines(out) {
		var m core.Member
		if err := json.Unmarshal([]byte(l), &m); err != nil {
			w.t.Fatal(err)
		}
		names = append(names, m.Name)
	}
	slices.Sort(names)
	return names
}

func (w *walker) link(args ...string) string { return strings.TrimSpace(w.do(args...)) }

// enters waits until w is in a group; admin is at work now and then.
func (w *walker) enters(group string, admin *walker) {
	w.t.Helper()
	w.until("coming into the group", func() bool {
		admin.try("", "contacts")
		return w.state(group) == "open"
	})
}

// TestWalkGroup takes people through the life of a group: they come in by a link, one is removed
// with all it wrote, the rules hold, and links let in whom they are for.
func TestWalkGroup(t *testing.T) {
	t.Parallel()
	srv := serve(t)
	ann, bob, cid := newWalker(t, "Ann"), newWalker(t, "Bob"), newWalker(t, "Cid")
	ann.do("join", srv.invite(), "--name", "Ann")
	ann.do("group", "new", "Garden")
	link := ann.link("group", "invite", "Garden", "--uses", "5")
	for _, w := range []*walker{bob, cid} {
		if out := w.do("join", link, "--name", w.name); !strings.Contains(out, "knocked") {
			t.Errorf("%s: got %q, want that one has knocked", w.name, out)
		}
	}
	bob.fails(1, "Nobody has let you in yet", "", "send", "Garden", "too early")
	bob.enters("Garden", ann)
	cid.enters("Garden", ann)
	for _, w := range []*walker{ann, bob, cid} {
		w.until("all members have names", func() bool { return slices.Equal(w.members("Garden"), []string{"Ann", "Bob", "Cid"}) })
	}
	cid.do("send", "Garden", "buy cheap seeds")
	bob.do("send", "Garden", "hello all")
	ann.reads("Garden", "buy cheap seeds")
	ann.reads("Garden", "hello all")
	ann.reads("Garden", "joined by link")

	ann.do("group", "remove", "Garden", "Cid", "--erase")
	bob.reads("Garden", "deleted what they wrote")
	for _, w := range []*walker{ann, bob} {
		if out := w.do("read", "Garden"); strings.Contains(out, "cheap seeds") || !strings.Contains(out, "hello all") {
			t.Errorf("%s: got %q, want it without what the removed one wrote", w.name, out)
		}
	}
	cid.reads("Garden", "banned you")
	cid.fails(1, "no longer a member", "", "send", "Garden", "still here")
	if got := bob.members("Garden"); !slices.Equal(got, []string{"Ann", "Bob"}) {
		t.Errorf("members: got %q, want Ann and Bob", got)
	}

	ann.do("group", "rules", "Garden", "--quiet", "yes")
	bob.fails(1, "Only admins write", "", "send", "Garden", "psst")
	ann.do("send", "Garden", "a word from the admin")
	bob.reads("Garden", "a word from the admin")
	ann.do("group", "rules", "Garden", "--quiet", "no")
	bob.reads("Garden", "changed the rules")
	bob.do("contacts")
	bob.until("writing again", func() bool { _, _, code := bob.try("", "send", "Garden", "at last"); return code == 0 })

	strict := ann.link("group", "invite", "Garden", "--approve")
	dan := newWalker(t, "Dan")
	dan.do("join", strict, "--name", "Dan")
	ann.until("Dan waits", func() bool { return strings.Contains(ann.do("group", "waiting", "Garden"), "Dan") })
	if s := dan.state("Garden"); s != "waiting" {
		t.Errorf("before anybody says yes: got state %q, want waiting", s)
	}
	ann.do("group", "admit", "Garden", "Dan")
	dan.enters("Garden", ann)

	for _, l := range lines(ann.do("group", "links", "Garden", "--json")) {
		var x core.LinkState
		if err := json.Unmarshal([]byte(l), &x); err != nil {
			t.Fatal(err)
		}
		ann.do("group", "revoke", "Garden", x.ID)
	}
	eve := newWalker(t, "Eve")
	eve.until("the link is closed", func() bool {
		_, complaint, code := eve.try("", "join", strict, "--name", "Eve")
		return code == 1 && strings.Contains(complaint, "used up or expired")
	})
	if got := ann.members("Garden"); !slices.Equal(got, []string{"Ann", "Bob", "Dan"}) {
		t.Errorf("members: got %q, want Ann, Bob and Dan", got)
	}
}

// linking is a running `device link` or `device add`.
type linkingRun struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Scanner
	err strings.Builder
}

func (w *walker) begin(args ...string) *linkingRun {
	w.t.Helper()
	r := &linkingRun{cmd: w.command(args...)}
	r.cmd.Stderr = &r.err
	in, err := r.cmd.StdinPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		w.t.Fatal(err)
	}
	if err := r.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	over := watch.started(r.cmd.Process)
	late := time.AfterFunc(commandMax, func() { _ = r.cmd.Process.Kill() }) // its output ends, and the test says where
	w.t.Cleanup(func() {
		late.Stop()
		_ = r.cmd.Process.Kill()
		over()
	})
	r.in, r.out = in, bufio.NewScanner(out)
	return r
}

// has reads one object of what a linking prints; false at the end of the output.
func (r *linkingRun) has(v any) bool { return r.out.Scan() && json.Unmarshal(r.out.Bytes(), v) == nil }

// line reads one object of what a linking prints.
func (r *linkingRun) line(t *testing.T, v any) {
	t.Helper()
	defer awaiting(t, "the next stage of %s", strings.Join(r.cmd.Args[1:3], " "))()
	if !r.out.Scan() {
		t.Fatalf("got the end of the output (%s), want another stage", r.err.String())
	}
	if err := json.Unmarshal(r.out.Bytes(), v); err != nil {
		t.Fatalf("got %q, want JSON", r.out.Text())
	}
}

// linkDevice gives w's account to another machine.
func linkDevice(t *testing.T, w *walker, name string) *walker {
	t.Helper()
	old := w.begin("device", "link", "--json")
	var link core.DeviceLink
	old.line(t, &link)
	other := newWalker(t, w.name+" on "+name)
	add := other.begin("device", "add", link.Link, "--name", name, "--json")
	var here, there core.Linking
	add.line(t, &here)
	old.line(t, &there)
	if len(here.Digits) != 6 || here.Digits != there.Digits {
		t.Fatalf("digits: got %q and %q, want the same six", here.Digits, there.Digits)
	}
	for _, r := range []*linkingRun{old, add} {
		if _, err := io.WriteString(r.in, here.Digits+"\n"); err != nil {
			t.Fatal(err)
		}
	}
	add.line(t, &here)
	old.line(t, &there)
	if here.Stage != "done" || there.Stage != "done" {
		t.Fatalf("at the end: got %q and %q, want done", here.Stage, there.Stage)
	}
	for _, r := range []*linkingRun{old, add} {
		if err := r.cmd.Wait(); err != nil {
			t.Errorf("linking: got %v (%s)", err, r.err.String())
		}
	}
	return other
}

// TestWalkDevices uses an account on two machines and signs one out.
func TestWalkDevices(t *testing.T) {
	t.Parallel()
	srv := serve(t)
	ann, bob := newWalker(t, "Ann"), newWalker(t, "Bob")
	ann.do("join", srv.invite(), "--name", "Ann")
	bob.do("join", ann.link("invite"), "--name", "Bob")
	bob.do("send", "Ann", "before the laptop")
	ann.reads("Bob", "before the laptop")
	laptop := linkDevice(t, ann, "Laptop")
	laptop.reads("Bob", "before the laptop")
	bob.do("send", "Ann", "to both")
	laptop.reads("Bob", "to both")
	ann.reads("Bob", "to both")
	laptop.do("send", "Bob", "from the laptop")
	bob.reads("Ann", "from the laptop")
	ann.reads("Bob", "from the laptop")
	ann.do("send", "Bob", "from the desk")
	laptop.reads("Bob", "from the desk")
	ann.do("send", "saved", "milk")
	laptop.reads("saved", "milk")

	var names []string
	for _, l := range lines(ann.do("device", "list", "--json")) {
		var d core.Device
		if err := json.Unmarshal([]byte(l), &d); err != nil {
			t.Fatal(err)
		}
		if names = append(names, d.Name); d.Name == "" || d.Added == "" || d.Active == "" {
			t.Errorf("device list: got %s, want a name and two days", l)
		}
	}
	if len(names) != 2 || !slices.Contains(names, "Laptop") {
		t.Errorf("devices: got %q, want two, one of them Laptop", names)
	}
	ann.do("device", "remove", "Laptop")
	bob.do("contacts")
	bob.do("send", "Ann", "behind its back")
	ann.reads("Bob", "behind its back")
	out, _, _ := laptop.try("", "read", "Bob")
	if strings.Contains(out, "behind its back") {
		t.Errorf("the removed device reads %q", out)
	}
	if _, _, code := laptop.try("", "send", "Bob", "I am still here"); code == 0 {
		if out := bob.do("read", "Ann"); strings.Contains(out, "I am still here") {
			t.Errorf("what a removed device wrote arrived")
		}
	}
	if n := len(lines(ann.do("device", "list"))); n != 1 {
		t.Errorf("devices at the end: got %d, want 1", n)
	}
}

// TestWalkWords brings an account back from its twelve words, and tells apart what can be wrong.
func TestWalkWords(t *testing.T) {
	t.Parallel()
	srv := serve(t)
	ann, bob, phone := newWalker(t, "Ann"), newWalker(t, "Bob"), newWalker(t, "Ann's phone")
	ann.do("join", srv.invite(), "--name", "Ann")
	bob.do("join", ann.link("invite"), "--name", "Bob")
	bob.do("send", "Ann", "in the old days")
	ann.reads("Bob", "in the old days")
	ann.do("group", "new", "Garden", "--add", "Bob")
	ann.do("send", "Garden", "among the roses")
	bob.reads("Garden", "among the roses")
	var w core.Words
	if err := json.Unmarshal([]byte(ann.do("words", "--json")), &w); err != nil || len(w.Words) != 12 {
		t.Fatalf("words: got %d words, %v, want 12", len(w.Words), err)
	}
	origin := "http://" + srv.addr
	again := func(from *walker, in string) (string, string, int) {
		return from.try(in+"\n", "recover", "--server", origin, "--name", "Phone")
	}
	phone.fails(2, "Look for a misspelt one", "one two three\n", "recover", "--server", origin)
	phone.fails(1, "keeps nothing under them", "legal winner thank year wave sausage worth useful legal winner thank yellow\n", "recover", "--server", origin)
	phone.fails(3, "does not answer", strings.Join(w.Words, " ")+"\n", "recover", "--server", "http://"+freeAddr(t))
	out, complaint, code := again(phone, strings.Join(w.Words, " "))
	if code != 0 || !strings.Contains(out, "Welcome back") {
		t.Fatalf("recover: got exit %d, %q, %q", code, out, complaint)
	}
	// Nobody else is there, so nobody can have let it in: the history is that of the vault.
	phone.reads("Bob", "in the old days")
	phone.reads("Garden", "among the roses")
	for _, chat := range []string{"Bob", "Garden"} {
		phone.until("back in "+chat, func() bool {
			bob.try("", "contacts")
			return phone.state(chat) == "open"
		})
	}
	bob.do("send", "Ann", "welcome back")
	phone.reads("Bob", "welcome back")
	phone.do("send", "Garden", "I am here again")
	bob.reads("Garden", "I am here again")
	// The words sign out all that was before.
	if out, _, _ := ann.try("", "read", "Garden"); strings.Contains(out, "I am here again") || !strings.Contains(out, "among the roses") {
		t.Errorf("Ann's old machine: got %q, want what was there and nothing new", out)
	}
	srv.stop(syscall.SIGTERM)
	last := newWalker(t, "too late")
	last.fails(3, "does not answer", strings.Join(w.Words, " ")+"\n", "recover", "--server", origin)
}

// TestWalkServers keeps two accounts apart and moves a group from one server to another while a
// member is away.
func TestWalkServers(t *testing.T) {
	t.Parallel()
	one, two := serve(t), serve(t)
	ann, bob := newWalker(t, "Ann"), newWalker(t, "Bob")
	ann.do("join", one.invite(), "--name", "Ann")
	bob.do("join", ann.link("invite"), "--name", "Bob")
	ann.until("Bob is there", func() bool { return ann.state("Bob") == "open" })
	ann.do("group", "new", "Garden", "--add", "Bob")
	bob.until("the group is there", func() bool { return bob.state("Garden") == "open" })
	ann.do("join", two.invite())
	ann.do("send", "Garden", "we are going to move")
	ann.do("group", "move", "Garden", "http://"+two.addr)
	ann.do("send", "Garden", "we have moved")
	bob.reads("Garden", "we are going to move")
	bob.reads("Garden", "we have moved")
	bob.do("send", "Garden", "so have I")
	ann.reads("Garden", "so have I")
	one.stop(syscall.SIGTERM)
	bob.until("writing without the first server", func() bool { _, _, code := bob.try("", "send", "Garden", "without the old one"); return code == 0 })
	ann.reads("Garden", "without the old one")
	one.start()

	ann.do("account", "add", "work")
	ann.fails(1, "no account yet", "", "contacts")
	ann.do("join", two.invite(), "--name", "Ann at work")
	if out := ann.do("contacts"); strings.Contains(out, "Garden") {
		t.Errorf("the other account: got %q, want nothing of the first", out)
	}
	if out := ann.do("account", "list"); !strings.Contains(out, "* work") || !strings.Contains(out, "Ann at work") {
		t.Errorf("accounts: got %q, want work in use", out)
	}
	if out := ann.do("--account", "main", "contacts"); !strings.Contains(out, "Garden") {
		t.Errorf("--account main: got %q, want the first one's group", out)
	}
	ann.do("account", "use", "main")
	if out := ann.do("contacts", "--json"); !strings.Contains(out, "Garden") {
		t.Errorf("back in the first account: got %q, want its group", out)
	}
}
