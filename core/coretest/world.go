// Package coretest is a small world for tests of core: a server in memory and machines that talk
// to it, in one goroutine and in an order that follows from the calls alone.
//
// The simulator (package sim) drives the real server; this world is there so that the tests of
// core need nothing else, and to break things at an exact place.
package coretest

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"iter"
	"slices"
	"sort"
	"strings"
	"testing"
	"time"

	"paperplane/core"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// World is a server with its clients.
type World struct {
	T       testing.TB
	Now     time.Time
	Server  *Server
	Others  []*Server // see Another
	Clients []*Client
	count   uint64
	// Light: machines that are added stay light where they can.
	Light bool
	// Step, when set, is called after every Step of a machine.
	Step func(c *Client, in core.Input, effects []core.Effect)
}

// New makes a world with a server and no clients.
func New(t testing.TB) *World {
	w := &World{T: t, Now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Server: NewServer("http://127.0.0.1:8765")}
	w.Server.Day = plane.DayOf(w.Now)
	return w
}

// Another adds a server.
func (w *World) Another(origin string) *Server {
	s := NewServer(origin)
	s.Day = w.Server.Day
	w.Others = append(w.Others, s)
	return s
}

// at returns the server of an id, nil for one that is nowhere.
func (w *World) at(id core.ServerID) *Server {
	if id == w.Server.ID {
		return w.Server
	}
	for _, s := range w.Others {
		if s.ID == id {
			return s
		}
	}
	return nil
}

// link is a client's wish for a session with a server, and the session when there is one.
type link struct {
	server  *Server
	session *session
	out     []request
}

// Client is a machine with its vault and its session.
type Client struct {
	W       *World
	Name    string
	M       *core.Machine
	Vault   *Vault
	Offline bool
	Events  []core.Event
	Replies map[string]core.Reply
	Files   map[string][]byte // what was uploaded, by transfer

	// CrashIn, when positive, counts effects down; at the last one the client dies before it is
	// carried out, and comes back from its vault. Died counts that.
	CrashIn int
	Died    int
	// Arrives says that what was sent before a crash reaches the server after all.
	Arrives bool

	links   []*link // in the order they were dialed
	in      []core.Input
	wake    time.Time
	life    int
	cmd     int
	Moves   []core.Effect // Upload, Download, Cancel
	wrote   int           // bytes persisted below s/
	objects []core.Effect // PutObject and GetObject that wait for the server
	// Finder keeps what was searched, also through a crash: a driver's would be empty then.
	Finder core.Finder
	// Light: it stays light where it can.
	Light bool
	// HoldObjects: they go on waiting.
	HoldObjects bool
}

type request struct {
	rid uint32
	r   wire.Request
}

// Client adds a machine.
func (w *World) Client(name string) *Client {
	c := w.ready(name)
	c.start()
	return c
}

// ready adds a machine that is not started.
func (w *World) ready(name string) *Client {
	c := &Client{W: w, Name: name, Light: w.Light, Vault: &Vault{m: map[string][]byte{}}, Replies: map[string]core.Reply{}}
	w.Clients = append(w.Clients, c)
	return c
}

func (c *Client) start() {
	c.M = core.New()
	c.life++
	for p, err := range c.Vault.Range("s/", "s0", false) {
		if err == nil {
			err = c.M.Load(p.Key, p.Value)
		}
		if err != nil {
			c.W.T.Fatalf("load: %v", err)
		}
	}
	c.step(core.Started{Light: c.Light})
}

// Crash kills the client at once and starts it again from its vault.
func (c *Client) Crash() {
	c.hang()
	if c.Arrives {
		for _, e := range c.objects {
			if p, ok := e.(core.PutObject); ok && c.W.at(p.Server) != nil {
				c.W.at(p.Server).put(c, p)
			}
		}
	}
	c.links, c.wake, c.objects = nil, time.Time{}, nil
	c.start()
}

// link returns the client's link with a server, nil when it does not want one.
func (c *Client) link(id core.ServerID) *link {
	for _, l := range c.links {
		if l.server.ID == id {
			return l
		}
	}
	return nil
}

// on returns the client's session with a server, or nil.
func (c *Client) on(s *Server) *session {
	if l := c.link(s.ID); l != nil {
		return l.session
	}
	return nil
}

func (c *Client) hang() {
	for _, l := range c.links {
		if c.Arrives && l.session != nil {
			for _, q := range l.out {
				l.server.handle(c.W, l.session, q.r)
			}
		}
		l.session, l.out = nil, nil
	}
	c.in = nil
	for _, l := range c.links {
		l.server.spread(c.W)
	}
}

// Drop ends the sessions; the next are fresh ones.
func (c *Client) Drop() {
	keep := slices.DeleteFunc(slices.Clone(c.in), func(in core.Input) bool {
		switch in.(type) {
		case core.Answered, core.Pushed, core.Connected, core.Disconnected:
			return true
		}
		return false // what the driver has done without the session
	})
	c.hang()
	c.in = keep
	for _, l := range c.links {
		c.push(core.Disconnected{Server: l.server.ID, Why: plane.OK})
	}
}

// SetOffline takes the client from the network or brings it back.
func (c *Client) SetOffline(off bool) {
	if c.Offline == off {
		return
	}
	c.Offline = off
	if off {
		c.Drop()
	}
}

func (c *Client) push(in core.Input) { c.in = append(c.in, in) }

func (c *Client) step(in core.Input) {
	life := c.life
	effects := c.M.Step(c.W.Now, in)
	if c.W.Step != nil {
		c.W.Step(c, in, effects)
	}
	for _, e := range effects {
		if c.CrashIn > 0 {
			if c.CrashIn--; c.CrashIn == 0 {
				c.Died++
				c.Crash()
				return
			}
		}
		c.do(e)
		if c.life != life {
			return
		}
	}
}

func (c *Client) do(e core.Effect) {
	switch e := e.(type) {
	case core.Persist:
		for _, op := range e.Ops {
			if strings.HasPrefix(op.Key, "s/") {
				c.wrote += len(op.Key) + len(op.Value)
			}
			c.Vault.Set(op.Key, op.Value)
			c.Finder.Changed(op.Key)
		}
	case core.Dial:
		if s := c.W.at(e.Server); s != nil && c.link(s.ID) == nil {
			c.links = append(c.links, &link{server: s})
		}
	case core.Hangup:
		c.links = slices.DeleteFunc(c.links, func(l *link) bool { return l.server.ID == e.Server })
	case core.Send:
		if l := c.link(e.Server); l != nil {
			l.out = append(l.out, request{e.Rid, e.Request})
		}
	case core.Wake:
		c.wake = e.At
	case core.Emit:
		list, err := core.Complete(c.Vault, e.Event)
		if err != nil {
			c.W.T.Fatalf("complete: %v", err)
		}
		c.Events = append(c.Events, list...)
	case core.Reply:
		res, err := core.CompleteResult(c.Vault, e.Result)
		if err != nil {
			c.W.T.Fatalf("complete: %v", err)
		}
		e.Result = res
		c.Replies[e.ID] = e
	case core.PutObject, core.GetObject:
		c.addObject(e)
	case core.FetchKey:
		k := core.KeyFetched{ID: e.ID, Server: c.W.Server.ID, Code: plane.OK}
		if c.Offline {
			k.Code = plane.Busy
		}
		c.push(k)
	case core.MakeSegment, core.OpenSegment, core.Forget:
		in, err := core.DoSegment(c.Vault, e)
		if err != nil {
			c.W.T.Fatalf("segment: %v", err)
		}
		c.push(in)
	case core.Upload, core.Download, core.Cancel, core.RemoveFile:
		c.Moves = append(c.Moves, e)
		if x, ok := e.(core.Cancel); ok {
			c.dropObject(x.ID)
		}
	}
}

// Carry carries out an effect as if the machine had asked for it.
func (c *Client) Carry(e core.Effect) { c.do(e) }

// Give hands the machine an input.
func (c *Client) Give(in core.Input) { c.step(in) }

// Do carries out a command as a driver does and returns its id; the reply may come later.
func (c *Client) Do(x core.Command) string {
	c.cmd++
	id := fmt.Sprintf("%s-%d", c.Name, c.cmd)
	c.DoID(id, x)
	return id
}

// DoID is Do with an id of the caller's.
func (c *Client) DoID(id string, x core.Command) {
	if core.Asks(x) {
		res, code, err := core.Ask(c.Vault, &c.Finder, x, func() bool { return true })
		if err != nil {
			c.W.T.Fatalf("ask: %v", err)
		}
		c.Replies[id] = core.Reply{ID: id, Result: res, Err: code}
		return
	}
	found, err := core.Find(c.Vault, x, c.Person())
	if err != nil {
		c.W.T.Fatalf("find: %v", err)
	}
	c.step(core.Do{ID: id, Command: x, Found: found})
}

// Person returns one's own person id, empty before there is one.
func (c *Client) Person() string {
	if a := c.State().Account; a != nil {
		return a.Person
	}
	return ""
}

// State asks for the state.
func (c *Client) State() core.State {
	for _, e := range c.M.Step(c.W.Now, core.Do{ID: "state", Command: core.GetState{}}) {
		if r, ok := e.(core.Reply); ok {
			res, err := core.CompleteResult(c.Vault, r.Result)
			if err != nil {
				c.W.T.Fatalf("complete: %v", err)
			}
			return res.(core.State)
		}
		c.do(e)
	}
	c.W.T.Fatalf("no state")
	return core.State{}
}

// Must carries out a command, lets the world run, and fails the test unless it was done.
func Must[R core.Result](c *Client, x core.Command) R {
	c.W.T.Helper()
	id := c.Do(x)
	c.W.Run()
	r, ok := c.Replies[id]
	if !ok || r.Err != "" {
		c.W.T.Fatalf("%s: %T: reply %v, error %q", c.Name, x, ok, r.Err)
	}
	return r.Result.(R)
}

// Fails carries out a command and returns its error code, "" when there was none.
func (c *Client) Fails(x core.Command) core.ErrCode {
	id := c.Do(x)
	c.W.Run()
	return c.Replies[id].Err
}

// Page returns a chat's messages, oldest first.
func (c *Client) Page(chat string) []core.Message {
	list, err := core.Page(c.Vault, chat, 0, 10000)
	if err != nil {
		c.W.T.Fatalf("page: %v", err)
	}
	return list
}

// Texts returns what a chat shows, one string a line: "name: text", or "* what".
func (c *Client) Texts(chat string) []string {
	var out []string
	for _, x := range c.Page(chat) {
		switch x.Kind {
		case core.KindNotice:
			out = append(out, strings.TrimSpace("* "+x.Notice.Who+" "+x.Notice.What+" "+strings.Join(x.Notice.Whom, ",")+x.Notice.Text))
		case core.KindDeleted:
			out = append(out, x.FromName+": (deleted)")
		default:
			out = append(out, x.FromName+": "+x.Text)
		}
	}
	return out
}

// Chat returns the chat with a name, or fails.
func (c *Client) Chat(name string) core.Chat {
	c.W.T.Helper()
	for _, x := range c.State().Chats {
		if x.Name == name || name == "saved" && x.Kind == core.ChatSaved {
			return x
		}
	}
	c.W.T.Fatalf("%s has no chat %q: %+v", c.Name, name, c.State().Chats)
	return core.Chat{}
}

// Wrote returns the bytes of state persisted so far.
func (c *Client) Wrote() int { return c.wrote }

// runMax bounds the rounds of one Run: more means that machines keep each other busy for ever.
const runMax = 100000

// Run lets everything happen that can without time passing.
func (w *World) Run() {
	for range runMax {
		if !w.round() {
			return
		}
	}
	w.T.Fatalf("the world does not come to rest")
}

// round lets every client do one thing.
func (w *World) round() bool {
	busy := false
	for _, c := range w.Clients {
		busy = w.turn(c) || busy
	}
	return busy
}

// turn lets one client do one thing, and the servers what belongs to it.
func (w *World) turn(c *Client) bool {
	busy := false
	for _, l := range c.links {
		if l.session == nil && !c.Offline && !l.server.Away {
			w.connect(c, l)
			busy = true
		}
	}
	for _, l := range c.links {
		if len(l.out) == 0 || l.session == nil {
			continue
		}
		q := l.out[0]
		l.out = l.out[1:]
		a := l.server.handle(w, l.session, q.r)
		c.push(core.Answered{Server: l.server.ID, Rid: q.rid, Answer: a})
		l.server.spread(w)
		busy = true
	}
	busy = c.objectNext() || busy
	if len(c.in) > 0 {
		in := c.in[0]
		c.in = c.in[1:]
		c.step(in)
		busy = true
	}
	return busy
}

func (w *World) connect(c *Client, l *link) {
	w.count++
	b := plane.Binding(sha256.Sum256(binary.BigEndian.AppendUint64(nil, w.count)))
	l.session, l.out = &session{c: c, binding: b, handles: map[wire.Handle]*handle{}}, nil
	c.in = slices.DeleteFunc(c.in, func(in core.Input) bool {
		switch in := in.(type) {
		case core.Answered:
			return in.Server == l.server.ID
		case core.Pushed:
			return in.Server == l.server.ID
		case core.Disconnected:
			return in.Server == l.server.ID
		}
		return false
	})
	c.push(core.Connected{Server: l.server.ID, Binding: b, Fresh: true})
}

// Pass lets time pass, in steps of a second, and everything happen that is due.
func (w *World) Pass(d time.Duration) {
	for end := w.Now.Add(d); w.Now.Before(end); {
		w.Now = w.Now.Add(min(time.Second, end.Sub(w.Now)))
		w.tick()
	}
}

// Leap moves the clock at once.
func (w *World) Leap(d time.Duration) {
	w.Now = w.Now.Add(d)
	w.tick()
}

func (w *World) tick() {
	w.Server.Day = plane.DayOf(w.Now)
	for _, s := range w.Others {
		s.Day = w.Server.Day
	}
	for _, c := range w.Clients {
		if !c.wake.IsZero() && !w.Now.Before(c.wake) {
			c.wake = time.Time{}
			c.step(core.Tick{})
		}
	}
	w.Run()
}

// Vault is a vault in memory: what a Reader reads and Persist writes.
type Vault struct {
	m    map[string][]byte
	keys []string
}

// Set changes one pair; nil deletes.
func (v *Vault) Set(key string, value []byte) {
	i, ok := slices.BinarySearch(v.keys, key)
	switch {
	case value == nil && ok:
		v.keys = slices.Delete(v.keys, i, i+1)
		delete(v.m, key)
	case value != nil:
		if !ok {
			v.keys = slices.Insert(v.keys, i, key)
		}
		v.m[key] = slices.Clone(value)
	}
}

// Get returns a value, nil when there is none.
func (v *Vault) Get(key string) ([]byte, error) { return v.m[key], nil }

// Keys returns all keys in order.
func (v *Vault) Keys() []string { return v.keys }

// Range yields the pairs in [from, to).
func (v *Vault) Range(from, to string, reverse bool) iter.Seq2[core.Pair, error] {
	return func(yield func(core.Pair, error) bool) {
		i, j := sort.SearchStrings(v.keys, from), len(v.keys)
		if to != "" {
			j = sort.SearchStrings(v.keys, to)
		}
		if i >= j {
			return
		}
		list := slices.Clone(v.keys[i:j])
		if reverse {
			slices.Reverse(list)
		}
		for _, k := range list {
			if !yield(core.Pair{Key: k, Value: v.m[k]}, nil) {
				return
			}
		}
	}
}
