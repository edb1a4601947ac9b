//go:build linux

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/pprof"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"paperplane/client"
	"paperplane/client/vault"
	"paperplane/core"
	"paperplane/core/convo"
	"paperplane/protocol/plane"
	"paperplane/protocol/session"
	app "paperplane/server"
	"paperplane/server/admin"
	"paperplane/server/blob/dir"
	"paperplane/server/front"
	"paperplane/server/store/embedded"
	"paperplane/transport"
	"paperplane/transport/ws"
)

// order is a line to a process of the crowd; it answers each with one line.
type order struct {
	Do    string
	Link  string `json:",omitempty"`
	Chat  string `json:",omitempty"`
	Text  string `json:",omitempty"`
	From  int    `json:",omitempty"` // which of its people
	To    int    `json:",omitempty"`
	N     int    `json:",omitempty"`
	Light bool   `json:",omitempty"`
}

// said is the answer. Times are in microseconds: durations, or the clock's.
type said struct {
	Err   string `json:",omitempty"`
	Text  string `json:",omitempty"`
	Times []int  `json:",omitempty"`
	Bytes int64  `json:",omitempty"`
	Heap  int64  `json:",omitempty"`
	RSS   int    `json:",omitempty"` // KB
}

// TestCrowdWorker is what the other processes of TestGroup run.
func TestCrowdWorker(t *testing.T) {
	if *groupPlain > 0 {
		convo.PlainLeavesMax = *groupPlain
	}
	switch *worker {
	case "server":
		obey(newCrowdServer(t).obey)
	case "people":
		obey((&crowd{t: t}).obey)
	}
}

func obey(f func(order) said) {
	for in := json.NewDecoder(bufio.NewReader(os.Stdin)); ; {
		var o order
		if err := in.Decode(&o); errors.Is(err, io.EOF) {
			os.Exit(0)
		} else if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		b, _ := json.Marshal(f(o))
		fmt.Println(string(b))
	}
}

// crowdServer is the real server with its own disk, and a clock that can be set.
type crowdServer struct {
	t     *testing.T
	days  atomic.Int64
	s     *app.Server
	reply said
}

func (c *crowdServer) now() time.Time { return time.Now().AddDate(0, 0, int(c.days.Load())) }

// newCrowdServer wires the server as cmd/paperplane does.
func newCrowdServer(t *testing.T) *crowdServer {
	c := &crowdServer{t: t}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	f, err := admin.Open(t.TempDir())
	must(err)
	log, err := embedded.Open(f.Path(admin.LogDir))
	must(err)
	blobs, err := dir.Open(f.Path(admin.BlobDir))
	must(err)
	// A crowd from one address is no attack here, and its first day is a large one.
	limits := app.Limits{LogsPerDoorDay: 1 << 20, BlobBytesPerDoorDay: 8 << 30, PackagesPerDoorDay: 1 << 20}
	c.s, err = app.New(app.Config{Store: log, Blobs: blobs, Tables: f.Tables, Now: c.now, Limits: limits,
		Free: func() (int64, error) { return 1 << 40, nil }})
	must(err)
	must(c.s.Tick(t.Context()))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(err)
	origin := "http://" + l.Addr().String()
	link, _, err := f.Invite(c.s, origin, plane.DoorUsesMax, plane.DayOf(c.now()), 100)
	must(err)
	sessions := session.NewServer(f.Key, session.Options{})
	carriers := ws.NewListener()
	go func() {
		for {
			conn, err := carriers.Accept(t.Context())
			if err != nil {
				return
			}
			go func() { _ = sessions.Serve(context.Background(), conn, c.s.ServeSession) }()
		}
	}()
	go func() {
		_ = front.Server(front.Handler(front.Config{Session: carriers, Pages: http.NotFoundHandler(), Healthy: c.s.Healthy})).Serve(l)
	}()
	c.reply = said{Text: link}
	return c
}

func (c *crowdServer) obey(o order) said {
	switch o.Do {
	case "link":
		return c.reply
	case "days":
		c.days.Add(int64(o.N))
		if err := c.s.Tick(c.t.Context()); err != nil {
			return said{Err: err.Error()}
		}
	}
	return measured()
}

// profiled writes what the heap of this process is made of.
func profiled(name string) said {
	runtime.GC()
	f, err := os.Create(name)
	if err == nil {
		err = errors.Join(pprof.Lookup("heap").WriteTo(f, 0), f.Close())
	}
	if err != nil {
		return said{Err: err.Error()}
	}
	return said{}
}

// measured says what memory this process takes.
func measured() said {
	runtime.GC()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	r := said{Heap: int64(m.HeapAlloc)}
	b, _ := os.ReadFile("/proc/self/status")
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	_, _ = fmt.Sscan(rest, &r.RSS)
	return r
}

// crowd are the people of one process.
type crowd struct {
	t      *testing.T
	days   atomic.Int64
	people []*one
	light  bool
}

func (c *crowd) now() time.Time { return time.Now().AddDate(0, 0, int(c.days.Load())) }

// one is a person with a native client; the disk outlives the client.
type one struct {
	*crowd
	name string
	disk vault.Dir
	key  vault.Key
	c    *client.Client
	down atomic.Int64 // bytes received
}

func (c *crowd) add(name string) (*one, error) {
	d, err := newFileDisk()
	if err != nil {
		return nil, err
	}
	p := &one{crowd: c, name: name, disk: d, key: vault.NewKey()}
	c.people = append(c.people, p)
	return p, p.open()
}

func (p *one) open() error {
	v, err := vault.Open(p.disk, p.key)
	if err != nil {
		return err
	}
	p.c, err = client.Open(client.Options{Vault: v, Volatile: true, Light: p.light, Dialer: p, Now: p.now})
	return err
}

// Dial counts what comes in. Sources are spread: an address has only so many ports.
func (p *one) Dial(ctx context.Context, address string) (transport.MessageConn, error) {
	c, err := ws.NewDialerFrom(nil, net.IPv4(127, 0, 40, byte(1+len(p.name)*7+int(p.name[len(p.name)-1])%8))).Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	return &counted{c, &p.down}, nil
}

type counted struct {
	transport.MessageConn
	n *atomic.Int64
}

func (c *counted) Receive(ctx context.Context) ([]byte, error) {
	b, err := c.MessageConn.Receive(ctx)
	c.n.Add(int64(len(b)))
	return b, err
}

// told does a command.
func told[R core.Result](p *one, cmd core.Command) (R, error) {
	ctx, cancel := context.WithTimeout(context.Background(), crowdPatience())
	defer cancel()
	return client.Run[R](ctx, p.c, cmd)
}

// chatLook is how long one relies on what a client says by itself.
const chatLook = 5 * time.Second

// chat waits until the person has a chat that fits and returns it.
func (p *one) chat(what string, fits func(core.Chat) bool) (core.Chat, error) {
	l := p.c.Listen()
	defer l.Close()
	for deadline := time.Now().Add(crowdPatience()); time.Now().Before(deadline); {
		st, err := told[core.State](p, core.GetState{})
		if err != nil {
			return core.Chat{}, err
		}
		for _, c := range st.Chats {
			if fits(c) {
				return c, nil
			}
		}
		// Asking each of thousands all the time would be what is measured.
		for look := time.After(chatLook); look != nil; {
			select {
			case e, ok := <-l.C:
				if !ok { // it has missed something
					l, look = p.c.Listen(), nil
				} else if e, ok := e.(core.ChatChanged); ok && fits(e.Chat) {
					return e.Chat, nil
				}
			case <-look:
				look = nil
			}
		}
	}
	return core.Chat{}, fmt.Errorf("%s: %s did not come; %s", p.name, what, standing(p.c))
}

// crowdPatience bounds every wait: a crowd on a busy machine is slow, not wrong.
func crowdPatience() time.Duration {
	if measuring() {
		return 15 * time.Minute
	}
	return longPatience
}

// each runs f for the people from a to b, so many at a time, and returns what it says of each.
func (c *crowd) each(o order, wide int, f func(*one) (int, error)) said {
	var wg sync.WaitGroup
	var mu sync.Mutex
	var r said
	todo := c.people[o.From:min(o.To, len(c.people))]
	next := 0
	for range min(wide, len(todo)) {
		wg.Go(func() {
			for {
				mu.Lock()
				i := next
				next++
				stop := i >= len(todo) || r.Err != ""
				mu.Unlock()
				if stop {
					return
				}
				n, err := f(todo[i])
				mu.Lock()
				r.Times = append(r.Times, n)
				if err != nil && r.Err == "" {
					r.Err = err.Error()
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return r
}

// joiners is how many people of one process are joining at a time.
const joiners = 100

func since(t time.Time) int { return int(time.Since(t) / time.Microsecond) }

func (c *crowd) obey(o order) said {
	switch o.Do {
	case "make": // N people without an account
		c.light = o.Light
		for range o.N {
			if _, err := c.add(fmt.Sprintf("%s%d", o.Text, len(c.people))); err != nil {
				return said{Err: err.Error()}
			}
		}
		return measured()
	case "join": // by the link, until the chat it leads to is open
		return c.each(o, joiners, func(p *one) (int, error) {
			start := time.Now()
			_, err := told[core.Joined](p, core.Join{Link: o.Link, Name: p.name})
			for deadline := start.Add(crowdPatience()); err != nil; {
				if e, ok := errors.AsType[*client.Error](err); !ok || e.Code != core.ErrOffline || time.Now().After(deadline) {
					return 0, fmt.Errorf("%s: join: %w; %s", p.name, err, standing(p.c))
				}
				// A person whose server takes too long to answer tries again.
				_, err = told[core.Joined](p, core.Join{Link: o.Link, Name: p.name})
			}
			_, err = p.chat("the chat", func(x core.Chat) bool { return x.Kind != core.ChatSaved && x.State == "open" })
			return since(start), err
		})
	case "in": // until the group is there with at least N members
		return c.each(o, len(c.people), func(p *one) (int, error) {
			_, err := p.chat("the group", func(x core.Chat) bool {
				return x.ID == o.Chat && x.State == "open" && x.Members >= o.N && (o.Text == "" || x.Name == o.Text)
			})
			return 0, err
		})
	case "left": // until the group has exactly N members
		return c.each(o, len(c.people), func(p *one) (int, error) {
			_, err := p.chat("the smaller group", func(x core.Chat) bool { return x.ID == o.Chat && x.Members == o.N })
			return 0, err
		})
	case "hear": // answers at once; "heard" says when the text was shown
		for _, p := range c.people[o.From:min(o.To, len(c.people))] {
			p.listen(o)
		}
		return said{}
	case "heard":
		return c.each(o, len(c.people), func(p *one) (int, error) { return p.heard() })
	case "down":
		var r said
		for _, p := range c.people[o.From:min(o.To, len(c.people))] {
			r.Bytes += p.down.Swap(0)
		}
		return r
	case "profile": // of this process's heap, into the file
		return profiled(o.Text)
	case "days": // and everybody looks at the clock
		c.days.Add(int64(o.N))
		return c.each(o, joiners, func(p *one) (int, error) {
			if p.c == nil {
				return 0, nil
			}
			_, err := told[core.State](p, core.GetState{})
			return 0, err
		})
	case "close":
		return c.each(o, joiners, func(p *one) (int, error) {
			err := p.c.Close()
			p.c = nil
			return 0, err
		})
	case "back": // open again; how long until the text is shown
		return c.each(o, max(1, o.N), func(p *one) (int, error) {
			start := time.Now()
			if err := p.open(); err != nil {
				return 0, err
			}
			for deadline := time.Now().Add(crowdPatience()); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
				page, err := p.c.Messages(o.Chat, 0, 1)
				if err != nil {
					return 0, err
				}
				if len(page) == 1 && page[0].Text == o.Text {
					return since(start), nil
				}
			}
			return 0, fmt.Errorf("%s did not catch up; %s", p.name, standing(p.c))
		})
	case "texts": // how many of the newest messages of each are no readable text or notice
		return c.each(o, joiners, func(p *one) (int, error) {
			page, err := p.c.Messages(o.Chat, 0, o.N)
			n := 0
			for _, m := range page {
				if m.Kind == core.KindText && strings.HasPrefix(m.Text, o.Text) {
					n++
				}
			}
			return n, err
		})
	case "broken": // how many chats are broken
		return c.each(o, joiners, func(p *one) (int, error) {
			st, err := told[core.State](p, core.GetState{})
			n := 0
			for _, x := range st.Chats {
				if x.State == "broken" || x.Forked {
					n++
				}
			}
			return n, err
		})
	}
	return measured()
}

// ears are one person's listeners for a text.
var ears sync.Map // *one → chan int

func (p *one) listen(o order) {
	done := make(chan int, 1)
	ears.Store(p, done)
	l := p.c.Listen()
	go func() {
		defer l.Close()
		for e := range l.C {
			if m, ok := e.(core.MessageChanged); ok && m.Message.Chat == o.Chat && m.Message.Text == o.Text {
				done <- int(time.Now().UnixMicro())
				return
			}
		}
	}()
}

func (p *one) heard() (int, error) {
	done, _ := ears.Load(p)
	select {
	case at := <-done.(chan int):
		return at, nil
	case <-time.After(crowdPatience()):
		return 0, fmt.Errorf("%s heard nothing; %s", p.name, standing(p.c))
	}
}

func sorted(list []int) []int { return slices.Sorted(slices.Values(list)) }
