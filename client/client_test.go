package client_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"paperplane/client"
	"paperplane/client/vault"
	"paperplane/client/vault/faulty"
	"paperplane/core"
	"paperplane/protocol/session"
	"paperplane/server"
	"paperplane/transport"
	"paperplane/transport/mem"
)

// patience bounds every wait of these tests; a busy machine is slow, not wrong.
const patience = 60 * time.Second

// world is the real server over stores in memory, reached over carriers in memory.
type world struct {
	t     *testing.T
	net   mem.Net
	down  atomic.Bool
	slow  atomic.Int64 // nanoseconds before each frame from the client
	link  string
	mu    sync.Mutex
	conns []transport.MessageConn
	stop  func()
}

func newWorld(t *testing.T) *world {
	w := &world{t: t}
	w.serve(newKey(t))
	return w
}

func newKey(t *testing.T) *session.PrivateKey {
	t.Helper()
	k, err := session.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// serve starts a server under the one name there is.
func (w *world) serve(key *session.PrivateKey) {
	w.t.Helper()
	at := client.ServeTest(w.t, &w.net, "127.0.0.1:8765", key, server.Limits{})
	w.link = server.Link("http://127.0.0.1:8765", key.Fingerprint(), at.Front, at.Seed)
	w.stop = at.Stop
}

// Dial is the clients' way to the server.
func (w *world) Dial(ctx context.Context, address string) (transport.MessageConn, error) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "ws" || u.Path != "/s" {
		w.t.Errorf("dialed %q, want ws://HOST/s", address)
	}
	if w.down.Load() {
		return nil, transport.ErrUnreachable
	}
	c, err := w.net.Dial(ctx, "mem:"+u.Host)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	w.conns = append(w.conns, c)
	w.mu.Unlock()
	return &slowConn{c, &w.slow}, nil
}

type slowConn struct {
	transport.MessageConn
	by *atomic.Int64
}

func (c *slowConn) Send(ctx context.Context, b []byte) error {
	time.Sleep(time.Duration(c.by.Load()))
	return c.MessageConn.Send(ctx, b)
}

// cut ends all carriers and lets none up while off.
func (w *world) cut(off bool) {
	w.down.Store(off)
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		_ = c.Close()
	}
	w.conns = nil
}

// person is a client with its disk.
type person struct {
	t    *testing.T
	w    *world
	disk *faulty.Disk
	key  vault.Key
	c    *client.Client
}

func (w *world) person() *person {
	w.t.Helper()
	p := &person{t: w.t, w: w, disk: faulty.New(1), key: vault.NewKey()}
	p.disk.Space(-1)
	p.open()
	w.t.Cleanup(func() { _ = p.c.Close() })
	return p
}

func (p *person) open() {
	p.t.Helper()
	v, err := vault.Open(p.disk, p.key)
	if err != nil {
		p.t.Fatalf("open vault: %v", err)
	}
	if p.c, err = client.Open(client.Options{Vault: v, Dialer: p.w}); err != nil {
		p.t.Fatalf("open client: %v", err)
	}
}

// reopen closes the client and starts it from its disk.
func (p *person) reopen() {
	p.t.Helper()
	if err := p.c.Close(); err != nil {
		p.t.Errorf("close: %v", err)
	}
	p.open()
}

func run[R core.Result](p *person, cmd core.Command) R {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	r, err := client.Run[R](ctx, p.c, cmd)
	if err != nil {
		p.t.Fatalf("%T: %v", cmd, err)
	}
	return r
}

func fails(p *person, cmd core.Command) core.ErrCode {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(p.t.Context(), patience)
	defer cancel()
	_, err := p.c.Do(ctx, client.NewCommandID(), cmd)
	if e, ok := errors.AsType[*client.Error](err); ok {
		return e.Code
	}
	p.t.Errorf("%T: got error %v, want a code", cmd, err)
	return ""
}

// until waits for something to become true.
func (p *person) until(what string, ok func() bool) {
	p.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatalf("%s did not happen", what)
		}
	}
}

func (p *person) texts(chat string) (list []string) {
	p.t.Helper()
	page, err := p.c.Messages(chat, 0, 100)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, m := range page {
		list = append(list, m.Text)
	}
	return list
}

func (p *person) message(chat, id string) core.Message {
	p.t.Helper()
	m, err := p.c.Message(chat, id)
	if err != nil {
		p.t.Fatal(err)
	}
	return m
}

// pair makes two people who have a chat.
func pair(t *testing.T) (w *world, ann, bob *person, chat string) {
	t.Helper()
	w = newWorld(t)
	ann, bob = w.person(), w.person()
	run[core.Joined](ann, core.Join{Link: w.link, Name: "Ann"})
	link := run[core.InviteLink](ann, core.Invite{}).Link
	chat = run[core.Joined](bob, core.Join{Link: link, Name: "Bob"}).Chat
	run[core.Done](bob, core.Sync{})
	ann.until("Ann's chat", func() bool { return len(run[core.State](ann, core.GetState{}).Chats) == 2 })
	return w, ann, bob, chat
}

// TestRestart shows that what was written goes on after a restart and after the loss of the
// server, in order and once.
func TestRestart(t *testing.T) {
	w, ann, bob, chat := pair(t)
	run[core.Sent](bob, core.SendText{Chat: chat, Text: "one"})
	w.cut(true)
	run[core.Sent](bob, core.SendText{Chat: chat, Text: "two"})
	bob.reopen()
	id := run[core.Sent](bob, core.SendText{Chat: chat, Text: "three"}).Message
	if got := bob.message(chat, id).State; got != core.StateQueued {
		t.Errorf("offline: got state %s, want queued", got)
	}
	w.cut(false)
	want := []string{"one", "two", "three"}
	ann.until("all three", func() bool { return len(ann.texts(chat)) >= 3 })
	if got := ann.texts(chat); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("Ann has %q, want %q", got, want)
	}
	ann.reopen()
	if got := ann.texts(chat); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("Ann after a restart has %q, want %q", got, want)
	}
}

// TestDiskFull shows that a full disk refuses a command in words and changes nothing, that faces
// are told, and that all goes on when there is room again, with what came meanwhile.
func TestDiskFull(t *testing.T) {
	_, ann, bob, chat := pair(t)
	run[core.Sent](ann, core.SendText{Chat: chat, Text: "before"})
	bob.until("before", func() bool { return len(bob.texts(chat)) == 1 })
	l := ann.c.Listen()
	defer l.Close()
	ann.disk.Space(0)
	if got := fails(ann, core.SendText{Chat: chat, Text: "lost?"}); got != core.ErrDiskFull {
		t.Errorf("got %s, want %s", got, core.ErrDiskFull)
	}
	told := func(kind string) func() bool {
		return func() bool {
			select {
			case e := <-l.C:
				n, ok := e.(core.Notice)
				return ok && n.Kind == kind
			default:
				return false
			}
		}
	}
	ann.until("the notice", told("disk-full"))
	run[core.Sent](bob, core.SendText{Chat: chat, Text: "meanwhile"})
	if got := ann.texts(chat); fmt.Sprint(got) != "[before]" {
		t.Errorf("while full: got %q", got)
	}
	ann.disk.Space(-1)
	ann.until("what came meanwhile", func() bool { return len(ann.texts(chat)) == 2 })
	ann.until("the end of the notice", told(""))
	run[core.Sent](ann, core.SendText{Chat: chat, Text: "after"})
	bob.until("after", func() bool { return len(bob.texts(chat)) == 3 })
	if got := bob.texts(chat); fmt.Sprint(got) != "[before meanwhile after]" {
		t.Errorf("Bob has %q", got)
	}
}

// TestServerKey shows that another server at the old address is refused and the person told, and
// that a link with a wrong key is not used.
func TestServerKey(t *testing.T) {
	w := newWorld(t)
	old := w.link
	ann := w.person()
	run[core.Joined](ann, core.Join{Link: w.link, Name: "Ann"})
	w.stop()
	w.serve(newKey(t))
	w.cut(false)
	ann.until("the notice", func() bool { return run[core.State](ann, core.GetState{}).Notice == "server-key" })
	bob := w.person()
	if got := fails(bob, core.Join{Link: old, Name: "Bob"}); got != core.ErrServerKey {
		t.Errorf("got %s, want %s", got, core.ErrServerKey)
	}
}

// TestDoTwice shows that a repeated command does nothing twice: at once, later, and after a
// restart.
func TestDoTwice(t *testing.T) {
	_, ann, _, chat := pair(t)
	cmd := core.SendText{Chat: chat, Text: "once"}
	var results [4]core.Result
	var wg sync.WaitGroup
	for i := range results[:2] {
		wg.Go(func() { results[i], _ = ann.c.Do(t.Context(), "the-same", cmd) })
	}
	wg.Wait()
	results[2], _ = ann.c.Do(t.Context(), "the-same", cmd)
	ann.reopen()
	results[3], _ = ann.c.Do(t.Context(), "the-same", cmd)
	for i, r := range results {
		if r == nil || r != results[0] {
			t.Errorf("result %d: got %v, want %v", i, r, results[0])
		}
	}
	if got := ann.texts(chat); fmt.Sprint(got) != "[once]" {
		t.Errorf("got %q, want one message", got)
	}
}

// TestSlowListener shows that one who does not listen is cut off and hurts nobody.
func TestSlowListener(t *testing.T) {
	w := newWorld(t)
	ann := w.person()
	run[core.Joined](ann, core.Join{Link: w.link, Name: "Ann"})
	saved := run[core.State](ann, core.GetState{}).Chats[0].ID
	deaf := ann.c.Listen()
	defer deaf.Close()
	for i := range 4200 {
		run[core.Done](ann, core.SetDraft{Chat: saved, Text: fmt.Sprint(i)})
	}
	n := 0
	for range deaf.C {
		n++
	}
	if n != 4096 {
		t.Errorf("the deaf listener had %d events, want 4096 and the end", n)
	}
	live := ann.c.Listen()
	defer live.Close()
	run[core.Done](ann, core.SetDraft{Chat: saved, Text: "heard"})
	ann.until("an event", func() bool { return len(live.C) > 0 })
}

// TestFiles shows a file of several chunks going over, through lost carriers, and a transfer
// that was stopped.
func TestFiles(t *testing.T) {
	w, ann, bob, chat := pair(t)
	want := bytes.Repeat([]byte("0123456789abcdef"), 100_000) // 1.6 MB, 7 chunks
	ref, n, err := ann.c.PutFile(bytes.NewReader(want))
	if err != nil || n != int64(len(want)) {
		t.Fatalf("put: %d, %v", n, err)
	}
	l := ann.c.Listen()
	defer l.Close()
	w.slow.Store(int64(20 * time.Millisecond))
	id := run[core.Sent](ann, core.SendText{Chat: chat, Files: []core.File{{Ref: ref, Name: "a.bin", Mime: "application/octet-stream", Size: n}}}).Message
	under := func(l *client.Listener, id string) func() bool {
		return func() bool {
			select {
			case e := <-l.C:
				m, ok := e.(core.MessageChanged)
				return ok && m.Message.ID == id && m.Message.Files[0].Done > 0 && m.Message.Files[0].Done < n
			default:
				return false
			}
		}
	}
	ann.until("progress", under(l, id))
	w.cut(false) // the carrier dies under the upload
	bob.until("the message", func() bool { return len(bob.texts(chat)) == 1 })
	w.slow.Store(0)
	page, err := bob.c.Messages(chat, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	msg := page[0]
	run[core.Done](bob, core.Fetch{Chat: chat, Message: msg.ID})
	w.cut(false)
	bob.until("the file", func() bool { return bob.message(chat, msg.ID).Files[0].State == "local" })
	f, err := bob.c.OpenFile(bob.message(chat, msg.ID).Files[0].Ref)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	got, err := io.ReadAll(io.NewSectionReader(f, 0, f.Size()))
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %d bytes, %v; want the %d that were sent", len(got), err, len(want))
	}
}

// TestStopUpload shows that a stopped upload takes its message along and leaves the client well.
func TestStopUpload(t *testing.T) {
	w, ann, bob, chat := pair(t)
	ref, n, err := ann.c.PutFile(bytes.NewReader(make([]byte, 2<<20)))
	if err != nil {
		t.Fatal(err)
	}
	w.cut(true)
	id := run[core.Sent](ann, core.SendText{Chat: chat, Files: []core.File{{Ref: ref, Name: "b", Mime: "x/y", Size: n}}}).Message
	run[core.Done](ann, core.Discard{Chat: chat, Message: id})
	if _, err := ann.c.Message(chat, id); err == nil {
		t.Error("the discarded message is still there")
	}
	w.cut(false)
	run[core.Sent](ann, core.SendText{Chat: chat, Text: "instead"})
	bob.until("the next message", func() bool { return len(bob.texts(chat)) == 1 })
	if got := bob.texts(chat); fmt.Sprint(got) != "[instead]" {
		t.Errorf("Bob has %q", got)
	}
}

// TestUnusedFile shows that a file that was put and never sent is gone after the next start, and
// one that was sent is not.
func TestUnusedFile(t *testing.T) {
	_, ann, _, chat := pair(t)
	unused, _, err := ann.c.PutFile(strings.NewReader("unused"))
	if err != nil {
		t.Fatal(err)
	}
	used, n, err := ann.c.PutFile(strings.NewReader("used"))
	if err != nil {
		t.Fatal(err)
	}
	run[core.Sent](ann, core.SendText{Chat: chat, Files: []core.File{{Ref: used, Name: "u", Mime: "x/y", Size: n}}})
	ann.reopen()
	if f, err := ann.c.OpenFile(unused); err == nil {
		f.Close()
		t.Error("the unused file is still there")
	}
	f, err := ann.c.OpenFile(used)
	if err != nil {
		t.Fatalf("the file that was sent: %v", err)
	}
	f.Close()
}

// TestCloseBusy shows that Close ends commands, transfers and listeners that are under way, in
// good time, and that every later call says so.
func TestCloseBusy(t *testing.T) {
	w, ann, _, chat := pair(t)
	w.cut(true)
	ref, n, err := ann.c.PutFile(bytes.NewReader(make([]byte, 1<<20)))
	if err != nil {
		t.Fatal(err)
	}
	run[core.Sent](ann, core.SendText{Chat: chat, Files: []core.File{{Ref: ref, Name: "b", Mime: "x/y", Size: n}}})
	l := ann.c.Listen()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for {
				if _, err := ann.c.Do(t.Context(), client.NewCommandID(), core.SendText{Chat: chat, Text: "x"}); err != nil {
					if !errors.Is(err, client.ErrClosed) {
						t.Errorf("got %v, want ErrClosed", err)
					}
					return
				}
			}
		})
	}
	waits := make(chan error, 1)
	go func() { _, err := ann.c.Do(t.Context(), "waits", core.Invite{}); waits <- err }()
	closed := make(chan error, 1)
	go func() { closed <- ann.c.Close() }()
	select {
	case err := <-closed:
		if err != nil {
			t.Errorf("close: %v", err)
		}
	case <-time.After(patience):
		t.Fatal("Close does not end")
	}
	wg.Wait()
	if err := <-waits; !errors.Is(err, client.ErrClosed) {
		t.Errorf("a command that waits: got %v, want ErrClosed", err)
	}
	for range l.C { // ends
	}
	if _, err := ann.c.Do(t.Context(), "later", core.GetState{}); !errors.Is(err, client.ErrClosed) {
		t.Errorf("a later call: got %v, want ErrClosed", err)
	}
	if err := ann.c.Close(); err != nil {
		t.Errorf("a second Close: %v", err)
	}
}
