package e2e

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// terminal is the real program in a window of tmux.
type terminal struct {
	t      *testing.T
	socket string
}

// newTerminal starts `paperplane chat` for a home in a window of the given size. Without tmux the
// test fails where it must not be missed (CI=true), and says what is missing elsewhere.
func newTerminal(t *testing.T, home string, w, h int) *terminal {
	t.Helper()
	if _, err := exec.LookPath("tmux"); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("tmux is missing: install the package tmux")
		}
		t.Log("tmux is missing: the terminal was not tried")
		return nil
	}
	x := &terminal{t: t, socket: filepath.Join(t.TempDir(), "tmux")}
	x.tmux("-f", "/dev/null", "new-session", "-d", "-x", fmt.Sprint(w), "-y", fmt.Sprint(h),
		fmt.Sprintf("LC_ALL=C.UTF-8 PAPERPLANE_HOME='%s' '%s' chat; echo ended $?; sleep 60", home, binary))
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the terminal shows:\n%s", x.screen())
		}
		_ = exec.Command("tmux", "-S", x.socket, "kill-server").Run()
	})
	return x
}

func (x *terminal) tmux(args ...string) string {
	x.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, "tmux", append([]string{"-u", "-S", x.socket}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	defer awaiting(x.t, "tmux %s", args[0])()
	cmd.WaitDelay = 5 * time.Second
	out, err := cmd.CombinedOutput()
	if err != nil {
		x.t.Fatalf("tmux %s: %v: %s", args[0], err, out)
	}
	return string(out)
}

func (x *terminal) screen() string { return x.tmux("capture-pane", "-p") }

// keys presses keys by tmux's names; write types a text.
func (x *terminal) keys(list ...string) { x.tmux(append([]string{"send-keys"}, list...)...) }
func (x *terminal) write(text string)   { x.tmux("send-keys", "-l", text) }
func (x *terminal) resize(width, h int) {
	x.tmux("resize-window", "-x", fmt.Sprint(width), "-y", fmt.Sprint(h))
}
func (x *terminal) shows(want ...string) { x.t.Helper(); x.until(want, true) }

func (x *terminal) until(want []string, yes bool) {
	x.t.Helper()
	var s string
	defer awaiting(x.t, "%q on the screen", want)()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		s = x.screen()
		ok := true
		for _, w := range want {
			ok = ok && strings.Contains(s, w) == yes
		}
		if ok {
			return
		}
	}
	x.t.Fatalf("the terminal does not show %q", want)
}

// TestTerminal takes two people through the real program: the first start from a link, a talk both
// ways, Persian and emoji, a narrow window, help, and the way out.
func TestTerminal(t *testing.T) {
	srv := serve(t)
	ann := newPerson(t, "Ann", srv.invite())
	link := ann.invite()
	x := newTerminal(t, t.TempDir(), 100, 30)
	if x == nil {
		return
	}
	x.shows("Welcome to Paperplane")
	x.write("nonsense")
	x.keys("Enter")
	x.shows("damaged or cut off")
	x.keys("C-u")
	x.write(link)
	x.keys("Enter")
	x.shows("How should others see you?")
	x.write("Bob")
	x.keys("Enter")
	x.shows("Ann")
	x.write("hello from a terminal")
	x.keys("Enter")
	chat := ann.chatWith("Bob")
	ann.until("Bob's message", func() bool { return len(ann.all(chat)) == 1 })
	ann.send(chat, "سلام باب 😀")
	x.shows("hello from a terminal", "سلام باب", "✓")
	x.resize(50, 20)
	x.shows("سلام باب")
	x.keys("F1")
	x.shows("Keys")
	x.keys("Escape") // two at once would be one key with Alt
	x.shows("سلام باب")
	x.keys("Escape")
	x.shows("Saved messages")
	x.keys("C-c")
	x.shows("ended 0")
}

// TestTerminalOffline shows that a message written while the server is away is shown as waiting and
// leaves by itself.
func TestTerminalOffline(t *testing.T) {
	srv := serve(t)
	home := t.TempDir()
	if _, code := run(t, home, "join", srv.invite(), "--name", "Ann"); code != 0 {
		t.Fatal("cannot join")
	}
	x := newTerminal(t, home, 90, 24)
	if x == nil {
		return
	}
	x.shows("Saved messages")
	x.keys("Enter")
	srv.stop(15)
	x.shows("Offline")
	x.write("note to self")
	x.keys("Enter")
	x.shows("waiting")
	srv.start()
	x.shows("✓")
	x.until([]string{"Offline"}, false)
}
