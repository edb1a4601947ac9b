// Package client drives the machine of package core: it gives it time, sockets, disk and
// commands, and does what the machine asks for, in order.
//
// One goroutine owns the machine. Each server has a link with goroutines of its own, and so has
// each transfer; all of them are waited for by Close. What the machine wants saved is durable
// before anything that follows it is done; when it cannot be saved, the machine is thrown away
// and loaded anew from the vault, as after a crash: there is no other error path.
//
// A Client is safe for concurrent use. The same code runs natively and in the browser.
// See docs/internals/architecture.md.
package client

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"sync"
	"time"

	"paperplane/client/vault"
	"paperplane/core"
	"paperplane/internal/inv"
	"paperplane/transport"
)

// Limits of a client.
const (
	// inputsMax bounds what waits for the machine; links then stop reading, so that the
	// server's window fills and it waits too.
	inputsMax = 1024
	// batchMax is how many waiting inputs share one write to the disk.
	batchMax = 64
	// batchBytes and batchOps are the changes after which no further input shares it: one Step
	// more still fits into a transaction.
	batchBytes = vault.CommitBytesMax / 4
	batchOps   = vault.OpsMax / 4
	// reloadDelay is the pause before a machine that could not be saved is loaded again.
	reloadDelay = time.Second
	// reloadsMax is how many reloads in a row, without one good write between, make the
	// client give up.
	reloadsMax = 30
	// unusedPrefix marks local files that no message uses yet; unusedEnd is past them all.
	unusedPrefix, unusedEnd = "p/", "p0"
	// statePrefix is where the machine's state lies.
	statePrefix, stateEnd = "s/", "s0"
)

// ErrClosed is returned by every call after Close.
var ErrClosed = errors.New("client: closed")

// Error is a command's failure; a face turns its Code into words. The command changed nothing.
type Error struct{ Code core.ErrCode }

func (e *Error) Error() string { return "client: " + string(e.Code) }

// Options are what a client is made of.
type Options struct {
	// Vault holds the state; the client closes it.
	Vault *vault.Vault
	// Volatile says that the vault does not outlive the process.
	Volatile bool
	// Light has this device stay without the member trees of large groups: some KB in the place of
	// 10 MB each. It gets one only to do what takes it, as to remove somebody.
	Light bool
	// Dialer opens carriers to "ws://host:port/s" and "wss://host/s".
	Dialer transport.Dialer
	// FetchKey asks the server at an origin for the fingerprint of its key, for core.Recover; nil when
	// there is no way to. What it says is checked against the vault that the words open.
	FetchKey func(ctx context.Context, origin string) ([32]byte, error)
	// Now gives the time; nil is time.Now.
	Now func() time.Time
}

// Client is one account's running core.
type Client struct {
	opts    Options
	machine *core.Machine
	inputs  chan core.Input
	ctx     context.Context
	stop    context.CancelFunc
	tasks   sync.WaitGroup
	events  hub
	search  searcher

	// Owned by the run goroutine.
	links    map[core.ServerID]*link
	moves    map[string]*move
	wake     *time.Timer
	reloads  int
	notified bool
	account  string // one's own person id, as core.Find wants it

	mu      sync.Mutex
	waiting map[string][]chan core.Reply // by command id
	servers map[core.ServerID]*link      // what transfers ask through
	closed  bool
	failed  error
}

// Open loads the machine from the vault and starts it. The error is the vault's, or says that
// stored state does not load (damaged, or from a newer version).
func Open(o Options) (*Client, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	ctx, stop := context.WithCancel(context.Background())
	c := &Client{
		opts: o, inputs: make(chan core.Input, inputsMax), ctx: ctx, stop: stop,
		links: map[core.ServerID]*link{}, moves: map[string]*move{}, waiting: map[string][]chan core.Reply{},
		servers: map[core.ServerID]*link{},
		wake:    time.NewTimer(time.Hour),
	}
	c.wake.Stop()
	if err := errors.Join(c.collect(), c.load()); err != nil {
		stop()
		return nil, err
	}
	c.tasks.Go(c.run)
	return c, nil
}

// Close stops everything, waits for it and closes the vault. What was acknowledged is safe.
func (c *Client) Close() error {
	c.mu.Lock()
	again := c.closed
	c.closed = true
	c.mu.Unlock()
	if again {
		return nil
	}
	c.stop()
	c.tasks.Wait()
	c.events.close()
	return c.opts.Vault.Close()
}

// Done is closed when the client has stopped, by Close or because it gave up; Err says why.
func (c *Client) Done() <-chan struct{} { return c.ctx.Done() }

// Err returns why the client gave up, or nil.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}

// NewCommandID returns a fresh idempotency key for Do.
func NewCommandID() string {
	var b [12]byte
	rand.Read(b[:])
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// Do gives the machine a command and waits for its result. A repeated id gets the first one's
// result. The error is *Error, ErrClosed, or ctx's, in which case the outcome is unknown and the
// same id may be tried again.
func (c *Client) Do(ctx context.Context, id string, cmd core.Command) (core.Result, error) {
	answer := make(chan core.Reply, 1)
	c.mu.Lock()
	if c.closed || c.failed != nil {
		c.mu.Unlock()
		return nil, ErrClosed
	}
	if core.Asks(cmd) {
		c.mu.Unlock()
		return c.answerHere(cmd)
	}
	c.waiting[id] = append(c.waiting[id], answer)
	c.mu.Unlock()
	defer c.forget(id, answer)
	if err := c.post(ctx, core.Do{ID: id, Command: cmd}); err != nil {
		return nil, err
	}
	select {
	case r := <-answer:
		if r.Err != "" {
			return nil, &Error{Code: r.Err}
		}
		return r.Result, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-c.ctx.Done():
		return nil, ErrClosed
	}
}

// Run does cmd under a fresh id and returns its result as R.
func Run[R core.Result](ctx context.Context, c *Client, cmd core.Command) (R, error) {
	var none R
	r, err := c.Do(ctx, NewCommandID(), cmd)
	if err != nil {
		return none, err
	}
	res, ok := r.(R)
	inv.That(ok, "client: a command answers its own kind of result")
	return res, nil
}

// Messages returns the newest limit messages of chat with an index below before (0 = no bound),
// oldest first.
func (c *Client) Messages(chat string, before uint64, limit int) ([]core.Message, error) {
	return core.Page(reader{c.opts.Vault}, chat, before, limit)
}

// Thread returns those of them that stand in the thread of the message root, which is one of them.
func (c *Client) Thread(chat, root string, before uint64, limit int) ([]core.Message, error) {
	return core.ThreadPage(reader{c.opts.Vault}, chat, root, before, limit)
}

// Message returns one message by id; *Error with ErrNoMessage when there is none.
func (c *Client) Message(chat, id string) (core.Message, error) {
	m, err := core.Read(reader{c.opts.Vault}, chat, id)
	if err != nil {
		return core.Message{}, err
	}
	if m == nil {
		return core.Message{}, &Error{Code: core.ErrNoMessage}
	}
	return *m, nil
}

// PutFile stores a local file, sealed, and returns its name for core.File.Ref and its size. The
// file is dropped at the next start when no message came to use it.
func (c *Client) PutFile(r io.Reader) (ref string, size int64, err error) {
	ref = "f-" + lowerID()
	if err := c.opts.Vault.Commit([]vault.Op{{Key: unusedPrefix + ref, Value: []byte{1}}}); err != nil {
		return "", 0, err
	}
	size, err = c.opts.Vault.PutFile(ref, r)
	return ref, size, err
}

// collect removes local files that were put but never sent before the last stop.
func (c *Client) collect() error {
	var ops []vault.Op
	for op, err := range c.opts.Vault.Range(unusedPrefix, unusedEnd, false) {
		if err != nil {
			return err
		}
		ops = append(ops, vault.Op{Key: op.Key})
	}
	for _, op := range ops {
		if err := c.opts.Vault.RemoveFile(strings.TrimPrefix(op.Key, unusedPrefix)); err != nil && !errors.Is(err, vault.ErrAbsent) {
			return err
		}
	}
	if len(ops) == 0 {
		return nil
	}
	return c.opts.Vault.Commit(ops)
}

// OpenFile opens a local file for reading.
func (c *Client) OpenFile(ref string) (*vault.SealedFile, error) { return c.opts.Vault.OpenFile(ref) }

// post hands an input to the machine; it waits while the queue is full.
func (c *Client) post(ctx context.Context, in core.Input) error {
	select {
	case c.inputs <- in:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-c.ctx.Done():
		return ErrClosed
	}
}

// load makes a machine of what the vault holds.
func (c *Client) load() error {
	m := core.New()
	for op, err := range c.opts.Vault.Range(statePrefix, stateEnd, false) {
		if err != nil {
			return err
		}
		if err := m.Load(op.Key, op.Value); err != nil {
			return err
		}
	}
	c.machine = m
	return nil
}

// run owns the machine until the client stops.
func (c *Client) run() {
	defer c.dropAll()
	if !c.start() && !c.reload() {
		return
	}
	batch := make([]core.Input, 0, batchMax)
	for {
		batch = batch[:0]
		select {
		case <-c.ctx.Done():
			return
		case <-c.wake.C:
			batch = append(batch, core.Tick{})
		case in := <-c.inputs:
			batch = append(batch, in)
		}
	more:
		for len(batch) < batchMax {
			select {
			case in := <-c.inputs:
				batch = append(batch, in)
			default:
				break more
			}
		}
		if !c.step(batch) && !c.reload() {
			return
		}
	}
}

// start starts a fresh machine; its state says whose account it is.
func (c *Client) start() bool {
	return c.step([]core.Input{core.Started{Volatile: c.opts.Volatile, Light: c.opts.Light}, core.Do{ID: NewCommandID(), Command: core.GetState{}}})
}

// step feeds inputs to the machine. A command that names a message needs to see what the inputs
// before it have saved, so it begins a transaction of its own.
func (c *Client) step(inputs []core.Input) bool {
	from := 0
	for i, in := range inputs {
		d, ok := in.(core.Do)
		if !ok {
			continue
		}
		if i > from && !c.transact(inputs[from:i]) {
			c.refuse(inputs[i:], core.ErrDiskFull)
			return false
		}
		from = i
		found, err := core.Find(reader{c.opts.Vault}, d.Command, c.account)
		if err != nil {
			c.refuse(inputs[i:], core.ErrInternal)
			return false
		}
		d.Found = found
		inputs[i] = d
	}
	return c.transact(inputs[from:])
}

// transact saves what inputs change, in as few transactions as will do, and after each does the
// rest. It reports false when nothing may be done because nothing could be saved.
func (c *Client) transact(inputs []core.Input) bool {
	for len(inputs) > 0 {
		n := c.transactSome(inputs)
		if n == 0 {
			return false
		}
		inputs = inputs[n:]
	}
	return true
}

// transactSome does the same for the first of inputs and returns how many: 0 when nothing could be
// saved, and all of inputs are refused.
func (c *Client) transactSome(inputs []core.Input) int {
	now := c.opts.Now()
	var n int
	var ops []vault.Op
	var effects []core.Effect
	if failure := inv.Catch(func() {
		n, ops, effects = gather(inputs, func(in core.Input) []core.Effect { return c.machine.Step(now, in) })
	}); failure != nil {
		c.refuse(inputs, core.ErrInternal)
		return 0
	}
	if ops = append(nowUsed(inputs[:n]), ops...); len(ops) > 0 {
		if err := c.opts.Vault.Commit(ops); err != nil {
			code := core.ErrInternal
			if errors.Is(err, vault.ErrFull) {
				code = core.ErrDiskFull
				c.notified = true
				c.events.publish(core.Notice{Kind: "disk-full"})
			}
			c.refuse(inputs, code)
			return 0
		}
		c.search.changed(now, ops)
		c.reloads = 0
		if c.notified {
			c.notified = false
			c.events.publish(core.Notice{})
		}
	}
	for _, in := range inputs[:n] {
		switch in := in.(type) {
		case core.Transfer:
			if in.Finished {
				c.endMove(in.ID)
			}
		case core.Object:
			c.endMove(in.ID)
		case core.KeyFetched:
			c.endMove(in.ID)
		case core.SegmentMade:
			c.endMove(in.ID)
		case core.SegmentOpened:
			c.endMove(in.ID)
		case core.Forgotten:
			c.endMove(in.ID)
		}
	}
	for _, e := range effects {
		c.do(e)
	}
	return n
}

// gather steps through inputs until their changes are enough for one transaction. It returns how
// many it took, what is to be saved, and the effects.
func gather(inputs []core.Input, step func(core.Input) []core.Effect) (n int, ops []vault.Op, effects []core.Effect) {
	bytes := 0
	for n < len(inputs) && bytes < batchBytes && len(ops) < batchOps {
		for _, e := range step(inputs[n]) {
			effects = append(effects, e)
			p, ok := e.(core.Persist)
			if !ok {
				continue
			}
			for _, op := range p.Ops {
				bytes += len(op.Key) + len(op.Value)
				ops = append(ops, vault.Op(op))
			}
		}
		n++
	}
	return n, ops, effects
}

// nowUsed unmarks the local files that commands among inputs send.
func nowUsed(inputs []core.Input) (ops []vault.Op) {
	for _, in := range inputs {
		if d, ok := in.(core.Do); ok {
			if s, ok := d.Command.(core.SendText); ok {
				for _, f := range s.Files {
					ops = append(ops, vault.Op{Key: unusedPrefix + f.Ref})
				}
			}
		}
	}
	return ops
}

// refuse answers the commands among inputs, which changed nothing.
func (c *Client) refuse(inputs []core.Input, code core.ErrCode) {
	for _, in := range inputs {
		if d, ok := in.(core.Do); ok {
			c.answer(core.Reply{ID: d.ID, Err: code})
		}
	}
}

// reload throws the machine away and starts one from the vault, as after a crash.
func (c *Client) reload() bool {
	for {
		c.dropAll()
		c.reloads++
		select {
		case <-c.ctx.Done():
			return false
		case <-time.After(reloadDelay):
		}
		if c.reloads > reloadsMax {
			c.giveUp(errors.New("client: state cannot be saved"))
			return false
		}
		if err := c.load(); err != nil {
			c.giveUp(err)
			return false
		}
		if c.start() {
			return true
		}
	}
}

func (c *Client) giveUp(err error) {
	c.mu.Lock()
	c.failed = err
	c.mu.Unlock()
	c.stop()
}

// dropAll ends links and transfers, and forgets what they still had to say to the old machine.
func (c *Client) dropAll() {
	c.wake.Stop()
	for _, l := range c.links {
		l.stop()
	}
	for _, m := range c.moves {
		m.stop()
	}
	stopped := make(chan struct{})
	go func() { // they may be blocked on the queue: empty it until they are gone
		for _, l := range c.links {
			l.tasks.Wait()
		}
		for _, m := range c.moves {
			m.tasks.Wait()
		}
		close(stopped)
	}()
	var kept []core.Input
	for done := false; !done; {
		select {
		case in := <-c.inputs:
			if _, ok := in.(core.Do); ok {
				kept = append(kept, in)
			}
		case <-stopped:
			done = true
		}
	}
	clear(c.links)
	clear(c.moves)
	c.refuse(kept, core.ErrDiskFull)
}

// do does one effect.
func (c *Client) do(e core.Effect) {
	switch e := e.(type) {
	case core.Persist: // done before all others
	case core.Dial:
		if c.links[e.Server] == nil {
			c.links[e.Server] = c.startLink(e.Server, e.Origin)
		}
	case core.Hangup:
		if l := c.links[e.Server]; l != nil {
			l.stop()
			delete(c.links, e.Server)
		}
	case core.Send:
		if l := c.links[e.Server]; l != nil {
			l.send(e.Rid, e.Request)
		}
	case core.Upload:
		c.startMove(e.ID, func(m *move) { m.upload(e) })
	case core.Download:
		c.startMove(e.ID, func(m *move) { m.download(e) })
	case core.PutObject:
		c.startMove(e.ID, func(m *move) { m.put(e) })
	case core.GetObject:
		c.startMove(e.ID, func(m *move) { m.get(e) })
	case core.FetchKey:
		c.startMove(e.ID, func(m *move) { m.fetchKey(e) })
	case core.MakeSegment:
		c.startMove(e.ID, func(m *move) { m.segment(e) })
	case core.Forget:
		c.startMove(e.ID, func(m *move) { m.segment(e) })
	case core.OpenSegment:
		c.startMove(e.ID, func(m *move) { m.segment(e) })
	case core.Cancel:
		if m := c.moves[e.ID]; m != nil {
			m.cancel()
			delete(c.moves, e.ID)
		}
	case core.RemoveFile:
		// Nothing refers to the file any more; if this fails, the next start collects it.
		_ = c.opts.Vault.RemoveFile(e.File)
	case core.Wake:
		c.wake.Reset(max(0, e.At.Sub(c.opts.Now())))
	case core.Emit:
		c.emit(e.Event)
	case core.Reply:
		if e.Result != nil {
			res, err := core.CompleteResult(reader{c.opts.Vault}, e.Result)
			if err != nil {
				e = core.Reply{ID: e.ID, Err: core.ErrInternal}
			} else {
				e.Result = res
			}
			if st, ok := res.(core.State); ok && st.Account != nil {
				c.account = st.Account.Person
			}
		}
		c.answer(e)
	default:
		inv.That(false, "client: every effect is known")
	}
}

// emit reads what an event only names and tells the listeners. A vault that cannot be read says so
// at the next write.
func (c *Client) emit(ev core.Event) {
	if a, ok := ev.(core.AccountChanged); ok {
		c.account = a.Account.Person
	}
	events, err := core.Complete(reader{c.opts.Vault}, ev)
	if err != nil {
		return
	}
	for _, e := range events {
		c.events.publish(e)
	}
}

func (c *Client) answer(r core.Reply) {
	c.mu.Lock()
	waiting := c.waiting[r.ID]
	delete(c.waiting, r.ID)
	c.mu.Unlock()
	for _, w := range waiting {
		w <- r
	}
}

// forget takes away who waits no longer for a command's answer.
func (c *Client) forget(id string, answer chan core.Reply) {
	c.mu.Lock()
	defer c.mu.Unlock()
	list := slices.DeleteFunc(c.waiting[id], func(w chan core.Reply) bool { return w == answer })
	if len(list) == 0 {
		delete(c.waiting, id)
		return
	}
	c.waiting[id] = list
}

// reader gives core read access to history.
type reader struct{ v *vault.Vault }

func (r reader) Get(key string) ([]byte, error) {
	b, err := r.v.Get(key)
	if errors.Is(err, vault.ErrAbsent) {
		return nil, nil
	}
	return b, err
}

func (r reader) Range(from, to string, reverse bool) iter.Seq2[core.Pair, error] {
	return func(yield func(core.Pair, error) bool) {
		for op, err := range r.v.Range(from, to, reverse) {
			if !yield(core.Pair{Key: op.Key, Value: op.Value}, err) || err != nil {
				return
			}
		}
	}
}

// Keys lets core look at keys alone.
func (r reader) Keys(from, to string) iter.Seq2[string, error] { return r.v.Keys(from, to) }

// lowerID returns 16 random bytes in hex: names of local files are lower case.
func lowerID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}
