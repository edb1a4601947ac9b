package e2e

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"slices"
	"strings"
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
}

func newWalker(t *testing.T, name string) *walker { return &walker{t, name, t.TempDir()} }

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
	if err := cmd.Run(); err != nil {
		x, ok := errors.AsType[*exec.ExitError](err)
		if !ok {
			w.t.Fatal(err)
		}
		code = x.ExitCode()
	}
	return o.String(), strings.TrimSpace(e.String()), code
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
	for end := time.Now().Add(2 * time.Minute); !ok(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			w.t.Fatalf("%s: %s: did not happen within two minutes", w.name, what)
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
	ann.reads("Garden", "Ann added")

	ann.do("group", "remove", "Garden", "Cid", "--erase")
	bob.reads("Garden", "deleted what they wrote")
	for _, w := range []*walker{ann, bob} {
		if out := w.do("read", "Garden"); strings.Contains(out, "cheap seeds") || !strings.Contains(out, "hello all") {
			t.Errorf("%s: got %q, want it without what the removed one wrote", w.name, out)
		}
	}
	cid.reads("Garden", "removed Cid")
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
