package e2e

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"paperplane/client"
	"paperplane/client/vault"
	"paperplane/client/vault/mem"
	"paperplane/core"
	"paperplane/transport/ws"
)

var (
	full   = flag.Bool("e2e", false, "run the long tests too")
	rounds = flag.Int("rounds", 10, "how often the server is killed")
	worker = flag.String("worker", "", "be a process of a measurement")
	slow   = flag.Bool("slow", false, "with -worker: the measurement is large")
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	flag.Parse()
	if *worker != "" {
		os.Exit(m.Run()) // a process of a measurement
	}
	dir, err := os.MkdirTemp("", "pp-e2e-")
	if err != nil {
		panic(err)
	}
	binary = filepath.Join(dir, "paperplane")
	build := exec.Command("go", "build", "-o", binary, "paperplane/cmd/paperplane")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "the program does not build:", err)
		os.Exit(1)
	}
	go watch.guard(dir)
	code := m.Run()
	_ = os.RemoveAll(dir)
	os.Exit(code)
}

// server is one running `paperplane serve`.
type server struct {
	t     *testing.T
	data  string
	addr  string
	extra []string
	cmd   *exec.Cmd
	ended func() // with cmd
	out   *os.File
}

// Ports for servers lie below those that the system gives to whoever asks for any: clients do so all
// the time, and one could take a server's port before the server has started.
const portMin, portMax = 20000, 32000

var nextPort = func() *atomic.Int64 {
	n := new(atomic.Int64)
	n.Store(rand.Int64N(portMax - portMin))
	return n
}()

// freeAddr returns a loopback address whose port is free and is not given out again.
func freeAddr(t *testing.T) string {
	t.Helper()
	for range portMax - portMin {
		addr := fmt.Sprintf("127.0.0.1:%d", portMin+nextPort.Add(1)%(portMax-portMin))
		if l, err := net.Listen("tcp", addr); err == nil {
			_ = l.Close()
			return addr
		}
	}
	t.Fatal("no free port")
	return ""
}

// serve starts a server on fresh data and waits until it is healthy.
func serve(t *testing.T, extra ...string) *server {
	t.Helper()
	watch.runs(t)
	s := &server{t: t, data: filepath.Join(t.TempDir(), "data"), addr: freeAddr(t), extra: extra}
	out, err := os.Create(filepath.Join(t.TempDir(), "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	s.out = out
	s.start()
	t.Cleanup(func() {
		s.stop(syscall.SIGTERM)
		if t.Failed() {
			b, _ := os.ReadFile(out.Name())
			t.Logf("server said:\n%s", tail(string(b), 40))
		}
		_ = out.Close()
	})
	return s
}

func tail(s string, n int) string {
	lines := strings.Split(strings.TrimSpace(s), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

func (s *server) start() {
	s.t.Helper()
	s.cmd = exec.Command(binary, append([]string{"serve", "--data", s.data, "--listen", s.addr}, s.extra...)...)
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.out
	// "go test" asks for traces, and operators do not.
	s.cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "GOTRACEBACK=") })
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.ended = watch.started(s.cmd.Process)
	defer awaiting(s.t, "that the server at %s is healthy", s.addr)()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(25 * time.Millisecond) {
		if r, err := fetcher.Get("http://" + s.addr + "/healthz"); err == nil {
			r.Body.Close()
			if r.StatusCode == http.StatusOK {
				return
			}
		}
	}
	s.t.Fatalf("the server does not become healthy within %v", patience)
}

// fetcher keeps no connections: the next server at an address is another process.
var fetcher = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}

// stop ends the server with a signal and waits for it. One that does not end is killed, and fails
// the test.
func (s *server) stop(sig syscall.Signal) {
	if s.cmd == nil || s.cmd.Process == nil {
		return
	}
	defer awaiting(s.t, "that the server ends at signal %d", sig)()
	_ = s.cmd.Process.Signal(sig)
	late := time.AfterFunc(patience, func() {
		s.t.Errorf("the server did not end within %v of signal %d", patience, sig)
		_ = s.cmd.Process.Kill()
	})
	_ = s.cmd.Wait()
	late.Stop()
	s.ended()
	s.cmd = nil
}

// invite returns the server's first link.
func (s *server) invite() string {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join(s.data, "invite.txt"))
	if err != nil {
		s.t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

// person is a native client in this process, with its vault in memory.
type person struct {
	t    *testing.T
	name string
	c    *client.Client
}

func newPerson(t *testing.T, name, link string) *person {
	t.Helper()
	v, err := vault.Open(mem.New(1<<30), vault.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.Open(client.Options{Vault: v, Volatile: true, Dialer: ws.NewDialer(nil)})
	if err != nil {
		t.Fatal(err)
	}
	p := &person{t: t, name: name, c: c}
	t.Cleanup(func() { _ = c.Close() })
	p.join(link)
	return p
}

func do[R core.Result](p *person, cmd core.Command) R {
	p.t.Helper()
	defer awaiting(p.t, "%s: the answer to %T", p.name, cmd)()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	r, err := client.Run[R](ctx, p.c, cmd)
	if err != nil {
		p.t.Fatalf("%s: %T: %v", p.name, cmd, err)
	}
	return r
}

// join opens a link and returns the chat it leads to.
func (p *person) join(link string) string {
	p.t.Helper()
	return do[core.Joined](p, core.Join{Link: link, Name: p.name}).Chat
}

func (p *person) invite() string {
	p.t.Helper()
	return do[core.InviteLink](p, core.Invite{}).Link
}

func (p *person) state() core.State {
	p.t.Helper()
	return do[core.State](p, core.GetState{})
}

func (p *person) send(chat, text string) string {
	p.t.Helper()
	return do[core.Sent](p, core.SendText{Chat: chat, Text: text}).Message
}

// chatWith waits until p has a chat of that name and returns its id.
func (p *person) chatWith(name string) string {
	p.t.Helper()
	var id string
	p.until("chat with "+name, func() bool {
		for _, c := range p.state().Chats {
			if c.Name == name {
				id = c.ID
				return true
			}
		}
		return false
	})
	return id
}

// all returns every message of a chat, oldest first.
func (p *person) all(chat string) []core.Message {
	p.t.Helper()
	var list []core.Message
	for before := uint64(0); ; {
		page, err := p.c.Messages(chat, before, 200)
		if err != nil {
			p.t.Fatalf("%s: messages: %v", p.name, err)
		}
		if len(page) == 0 {
			return list
		}
		list = append(page, list...)
		if before = page[0].Index; before <= 1 {
			return list
		}
	}
}

// until waits for a condition.
func (p *person) until(what string, ok func() bool) {
	p.t.Helper()
	p.within(patience, what, ok)
}

func (p *person) within(d time.Duration, what string, ok func() bool) {
	p.t.Helper()
	defer awaiting(p.t, "%s: %s", p.name, what)()
	deadline := time.Now().Add(d)
	for !ok() {
		if time.Now().After(deadline) {
			p.t.Fatalf("%s: %s did not happen within %v; %s", p.name, what, d, standing(p.c))
		}
		time.Sleep(d / 3000)
	}
}

// standing says in a line how a client's chats stand, for whoever waits in vain.
func standing(c *client.Client) string {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	st, err := client.Run[core.State](ctx, c, core.GetState{})
	if err != nil {
		return fmt.Sprintf("its state: %v", err)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "online %v", st.Online)
	for _, x := range st.Chats[:min(len(st.Chats), 12)] {
		fmt.Fprintf(&b, "; %s %q %s, %d members", x.Kind, x.Name, x.State, x.Members)
		page, err := c.Messages(x.ID, 0, 2)
		for _, m := range page {
			fmt.Fprintf(&b, ", [%d %.30q %s]", m.Index, m.Text, m.State)
			if m.Notice != nil {
				fmt.Fprintf(&b, " %s", m.Notice.What)
			}
		}
		if err != nil {
			fmt.Fprintf(&b, ", %v", err)
		}
	}
	return b.String()
}

// execute runs a command to its end. One that does not end is killed, and fails the test.
func execute(t *testing.T, cmd *exec.Cmd, what string) (code int) {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return waitFor(t, cmd, what)
}

// waitFor is execute for a command that was started.
func waitFor(t *testing.T, cmd *exec.Cmd, what string) (code int) {
	t.Helper()
	defer awaiting(t, "the end of %s", what)()
	over := watch.started(cmd.Process)
	defer over()
	late := time.AfterFunc(commandMax, func() {
		t.Errorf("%s did not end within %v", what, commandMax)
		_ = cmd.Process.Kill()
	})
	defer late.Stop()
	err := cmd.Wait()
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		return e.ExitCode()
	} else if err != nil {
		t.Errorf("%s: %v", what, err)
		return -1
	}
	return 0
}

// run starts the binary as somebody with a home of their own and returns its output.
func run(t *testing.T, home string, args ...string) (stdout string, code int) {
	t.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), "PAPERPLANE_HOME="+home)
	var out, errOut strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if code = execute(t, cmd, "paperplane "+args[0]); code != 0 {
		t.Logf("paperplane %s: exit %d: %s", args[0], code, strings.TrimSpace(errOut.String()))
	}
	return out.String(), code
}

// lines splits output into its lines.
func lines(s string) (list []string) {
	for sc := bufio.NewScanner(strings.NewReader(s)); sc.Scan(); {
		list = append(list, sc.Text())
	}
	return list
}
