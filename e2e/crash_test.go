package e2e

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"paperplane/core"
)

var crashAt = flag.String("crash.at", "", "kill at these pieces, FROM-TO, instead of a few")

// scene is a server behind a gate.
type scene struct {
	t   *testing.T
	srv *server
	g   *gate
}

func newScene(t *testing.T) *scene {
	g := newGate(t)
	s := &scene{t: t, g: g, srv: serve(t, "--origin", "http://"+g.addr)}
	g.mu.Lock()
	g.target = s.srv.addr
	g.mu.Unlock()
	return s
}

// moment is when whom a kill -9 hits: before the n-th piece of a direction gets through.
type moment struct {
	who  string // "client", "server"; of a linking "old", "new", "server"
	down bool
	n    int
}

func (m moment) String() string {
	dir := "asks"
	if m.down {
		dir = "is-told"
	}
	return fmt.Sprintf("%s-%s-%d", m.who, dir, m.n)
}

// moments are those that are tried: a few; one, in the quick part; or all of a range.
func moments(t *testing.T, few []moment, who ...string) (list []moment) {
	t.Helper()
	if *crashAt == "" && !*full {
		return few[:1]
	}
	if *crashAt == "" {
		return few
	}
	a, b, _ := strings.Cut(*crashAt, "-")
	from, err1 := strconv.Atoi(a)
	to, err2 := strconv.Atoi(b)
	if err1 != nil || err2 != nil {
		t.Fatalf("-crash.at: got %q, want FROM-TO", *crashAt)
	}
	for n := from; n <= to; n++ {
		for _, w := range who {
			list = append(list, moment{w, false, n}, moment{w, true, n})
		}
	}
	return list
}

// strike runs a command that is killed, or whose server is, at the moment. The server is started
// again at once. It returns the exit code: -1 when the command was killed.
func (s *scene) strike(m moment, w *walker, in string, args ...string) (code int) {
	s.t.Helper()
	cmd := w.command(args...)
	var out, complaint strings.Builder
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(in), &out, &complaint
	started := make(chan struct{})
	c := &charge{conn: -1, down: m.down, n: m.n, kill: func() {
		<-started
		s.kill(m, cmd)
	}}
	s.g.arm(c)
	what := w.name + ": paperplane " + strings.Join(args[:min(len(args), 2)], " ")
	end := make(chan int, 1)
	if err := cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	close(started)
	go func() { end <- s.wait(cmd, what) }()
	select {
	case <-c.hit:
		if m.who == "server" {
			s.again()
		}
		code = <-end
	case code = <-end:
		s.t.Errorf("%v: never came, after %d pieces", m, s.g.disarm())
	}
	s.t.Logf("%v: %s: exit %d, %q, %q", m, what, code, tail(out.String(), 3), strings.TrimSpace(complaint.String()))
	return code
}

// kill is called by the gate.
func (s *scene) kill(m moment, cmd *exec.Cmd) {
	p := cmd.Process
	if m.who == "server" {
		p = s.srv.cmd.Process
	}
	_ = p.Kill()
}

// again starts the server that was killed.
func (s *scene) again() {
	s.t.Helper()
	s.srv.stop(syscall.SIGKILL)
	s.srv.start()
}

// wait waits for the end of a command that was started.
func (s *scene) wait(cmd *exec.Cmd, what string) int { return waitFor(s.t, cmd, what) }

// completes runs a command until it succeeds; until then it may only say that the server is away.
func (s *scene) completes(w *walker, in string, args ...string) {
	s.t.Helper()
	w.until("paperplane "+args[0]+" once more", func() bool {
		_, complaint, code := w.try(in, args...)
		if code != 0 && code != 3 {
			s.t.Fatalf("%s: paperplane %s once more: got exit %d, %q, want 0", w.name, args[0], code, complaint)
		}
		return code == 0
	})
}

// talk lets two write to each other in a chat, which each may call otherwise.
func (s *scene) talk(a, b *walker, atA, atB string) {
	s.t.Helper()
	for _, x := range []struct {
		from, to     *walker
		chat, theirs string
	}{{a, b, atA, atB}, {b, a, atB, atA}} {
		text := "from " + x.from.name + " to all"
		x.from.do("send", x.chat, text)
		x.to.reads(x.theirs, text)
	}
}

// TestCrashJoin kills a newcomer who joins by link, or the server.
func TestCrashJoin(t *testing.T) {
	for _, m := range moments(t, []moment{{"client", false, 3}, {"client", true, 6}, {"server", false, 6}, {"server", true, 9}}, "client", "server") {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			ann, bob := newWalker(t, "Ann"), newWalker(t, "Bob")
			ann.do("join", s.srv.invite(), "--name", "Ann")
			ann.do("group", "new", "Garden")
			link := ann.link("group", "invite", "Garden", "--uses", "5")
			if s.strike(m, bob, "", "join", link, "--name", "Bob") != 0 {
				s.completes(bob, "", "join", link, "--name", "Bob")
			}
			bob.enters("Garden", ann)
			s.talk(ann, bob, "Garden", "Garden")
			for _, w := range []*walker{ann, bob} {
				if got := w.members("Garden"); !slices.Equal(got, []string{"Ann", "Bob"}) {
					t.Errorf("%s: members: got %q, want Ann and Bob", w.name, got)
				}
			}
		})
	}
}

// TestCrashRemove kills an admin who removes and erases somebody, or the server.
func TestCrashRemove(t *testing.T) {
	for _, m := range moments(t, []moment{{"client", false, 4}, {"client", true, 9}, {"server", false, 8}, {"server", true, 10}}, "client", "server") {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			ann, bob, cid := newWalker(t, "Ann"), newWalker(t, "Bob"), newWalker(t, "Cid")
			ann.do("join", s.srv.invite(), "--name", "Ann")
			ann.do("group", "new", "Garden")
			link := ann.link("group", "invite", "Garden", "--uses", "5")
			for _, w := range []*walker{bob, cid} {
				w.do("join", link, "--name", w.name)
			}
			bob.enters("Garden", ann)
			cid.enters("Garden", ann)
			cid.do("send", "Garden", "buy cheap seeds")
			bob.do("send", "Garden", "hello all")
			bob.reads("Garden", "buy cheap seeds")
			s.strike(m, ann, "", "group", "remove", "Garden", "Cid", "--erase")
			ann.until("the removal is over", func() bool {
				_, complaint, code := ann.try("", "group", "remove", "Garden", "Cid", "--erase")
				if code != 0 && code != 3 && !strings.Contains(complaint, "nobody of that name") {
					t.Fatalf("removing once more: got exit %d, %q, want 0, or that he is gone", code, complaint)
				}
				return slices.Equal(ann.members("Garden"), []string{"Ann", "Bob"})
			})
			bob.reads("Garden", "deleted what they wrote")
			for _, w := range []*walker{ann, bob} {
				if out := w.do("read", "Garden"); strings.Contains(out, "cheap seeds") || !strings.Contains(out, "hello all") {
					t.Errorf("%s: got %q, want it without what the removed one wrote", w.name, out)
				}
			}
			cid.reads("Garden", "banned you")
			s.talk(ann, bob, "Garden", "Garden")
		})
	}
}

// TestCrashWords kills a device that brings an account back from its words, or the server.
func TestCrashWords(t *testing.T) {
	for _, m := range moments(t, []moment{{"client", false, 4}, {"client", true, 9}, {"server", false, 8}, {"server", true, 12}}, "client", "server") {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			ann, bob, phone := newWalker(t, "Ann"), newWalker(t, "Bob"), newWalker(t, "Ann's phone")
			ann.do("join", s.srv.invite(), "--name", "Ann")
			bob.do("join", ann.link("invite"), "--name", "Bob")
			bob.do("send", "Ann", "in the old days")
			ann.reads("Bob", "in the old days")
			var w core.Words
			if err := json.Unmarshal([]byte(ann.do("words", "--json")), &w); err != nil || len(w.Words) != 12 {
				t.Fatalf("words: got %d words, %v, want 12", len(w.Words), err)
			}
			words := strings.Join(w.Words, " ") + "\n"
			args := []string{"recover", "--server", "http://" + s.g.addr, "--name", "Phone"}
			if s.strike(m, phone, words, args...) != 0 {
				s.completes(phone, words, args...)
			}
			phone.until("the chat is open again", func() bool {
				bob.try("", "contacts")
				return phone.state("Bob") == "open"
			})
			phone.reads("Bob", "in the old days")
			s.talk(phone, bob, "Bob", "Ann")
		})
	}
}

// TestCrashLink kills one of two devices that are being linked, or the server.
func TestCrashLink(t *testing.T) {
	few := []moment{{"old", false, 6}, {"old", true, 12}, {"new", false, 4}, {"new", true, 15}, {"server", false, 8}, {"server", true, 16}}
	for _, m := range moments(t, few, "old", "new", "server") {
		t.Run(m.String(), func(t *testing.T) {
			t.Parallel()
			s := newScene(t)
			ann, bob, laptop := newWalker(t, "Ann"), newWalker(t, "Bob"), newWalker(t, "Ann on Laptop")
			ann.do("join", s.srv.invite(), "--name", "Ann")
			bob.do("join", ann.link("invite"), "--name", "Bob")
			bob.do("send", "Ann", "before the laptop")
			ann.reads("Bob", "before the laptop")
			if said := s.link(&m, ann, laptop); said != "" {
				t.Logf("%v: %s", m, said)
				if _, _, code := laptop.try("", "contacts"); code == 0 { // far enough: it says so to who begins anew
					laptop.fails(1, "an account here already", "", "device", "add", ann.deviceLink(), "--name", "Laptop")
				} else if said := s.link(nil, ann, laptop); said != "" {
					t.Fatalf("linking once more: got %s, want that it succeeds", said)
				}
			}
			laptop.reads("Bob", "before the laptop")
			s.talk(laptop, bob, "Bob", "Ann")
			s.talk(ann, bob, "Bob", "Ann")
			laptop.reads("Bob", "from Ann to all")
			// A device that was killed before it had the account may stand in the list, until it is removed.
			names := ann.devices()
			if slices.Sort(names); len(names) > 3 || len(slices.Compact(names)) != 2 {
				t.Errorf("devices: got %s, want this one and Laptop", ann.said)
			}
		})
	}
}

// devices are the names of one's devices.
func (w *walker) devices() (names []string) {
	w.t.Helper()
	for _, l := range lines(w.do("device", "list", "--json")) {
		var d core.Device
		if err := json.Unmarshal([]byte(l), &d); err != nil {
			w.t.Fatal(err)
		}
		names = append(names, d.Name)
	}
	return names
}

// deviceLink is the link of a linking that was given up at once.
func (w *walker) deviceLink() string {
	w.t.Helper()
	r := w.begin("device", "link", "--json")
	var l core.DeviceLink
	r.line(w.t, &l)
	_ = r.cmd.Process.Signal(syscall.SIGINT)
	_ = waitFor(w.t, r.cmd, "device link")
	return l.Link
}

// link links a device, with somebody killed at the moment if there is one, and returns what went
// wrong.
func (s *scene) link(m *moment, ann, laptop *walker) (wrong string) {
	s.t.Helper()
	oldConn := s.g.next()
	old := ann.begin("device", "link", "--json")
	var c *charge
	hit := make(chan struct{})
	arm := func(conn int, r *linkingRun) {
		if m != nil {
			c = &charge{conn: conn, down: m.down, n: m.n, kill: func() { s.kill(*m, r.cmd) }}
			s.g.arm(c)
			hit = c.hit
		}
	}
	if m != nil && m.who != "new" {
		arm(oldConn, old)
	}
	over := make(chan struct{})
	revived := make(chan struct{})
	go func() {
		defer close(revived)
		select {
		case <-hit:
			if m != nil && m.who == "server" {
				s.again()
			}
		case <-over:
		}
	}()
	var link core.DeviceLink
	ends := []*linkingRun{old}
	finish := func(what string) string {
		close(over)
		<-revived
		s.g.disarm()
		for _, r := range ends {
			if what != "" {
				_ = r.cmd.Process.Signal(syscall.SIGINT) // as a person who sees that it does not go on
			}
			_ = r.in.Close()
			if code := waitFor(s.t, r.cmd, strings.Join(r.cmd.Args[1:3], " ")); code != 0 {
				what += fmt.Sprintf("; %s: exit %d, %s", strings.Join(r.cmd.Args[1:3], " "), code, strings.TrimSpace(r.err.String()))
			}
		}
		return what
	}
	if !old.has(&link) {
		return finish("no link")
	}
	newConn := s.g.next()
	add := laptop.begin("device", "add", link.Link, "--name", "Laptop", "--json")
	if m != nil && m.who == "new" {
		arm(newConn, add)
	}
	ends = append(ends, add)
	var here, there core.Linking
	if !add.has(&here) || !old.has(&there) {
		return finish("no digits")
	}
	if here.Digits != there.Digits {
		s.t.Fatalf("digits: got %q and %q, want the same", here.Digits, there.Digits)
	}
	_, _ = io.WriteString(old.in, here.Digits+"\n")
	_, _ = io.WriteString(add.in, here.Digits+"\n")
	if !add.has(&here) || !old.has(&there) {
		return finish("no end")
	}
	if here.Stage != "done" || there.Stage != "done" {
		return finish("another end: " + here.Stage + ", " + there.Stage)
	}
	return finish("")
}
