package sim

import (
	"cmp"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"paperplane/core"
	"paperplane/internal/inv"
	"paperplane/protocol/session"
	"paperplane/protocol/wire"
)

// disk is a client's vault: what was committed is there after every crash, in order of keys.
type disk struct {
	keys  []string
	pairs map[string][]byte
}

func (d *disk) set(key string, value []byte) {
	i, found := slices.BinarySearch(d.keys, key)
	switch {
	case value == nil && found:
		d.keys = slices.Delete(d.keys, i, i+1)
		delete(d.pairs, key)
	case value != nil:
		if !found {
			d.keys = slices.Insert(d.keys, i, key)
		}
		d.pairs[key] = slices.Clone(value)
	}
}

func (d *disk) clone() disk { return disk{slices.Clone(d.keys), maps.Clone(d.pairs)} }

// Get implements core.Reader.
func (d *disk) Get(key string) ([]byte, error) { return slices.Clone(d.pairs[key]), nil }

// Range implements core.Reader.
func (d *disk) Range(from, to string, reverse bool) iter.Seq2[core.Pair, error] {
	return func(yield func(core.Pair, error) bool) {
		a, _ := slices.BinarySearch(d.keys, from)
		b, _ := slices.BinarySearch(d.keys, to)
		keys := slices.Clone(d.keys[min(a, b):b])
		if reverse {
			slices.Reverse(keys)
		}
		for _, k := range keys {
			if !yield(core.Pair{Key: k, Value: d.pairs[k]}, nil) {
				return
			}
		}
	}
}

// simClient is one device: the machine, the driver's duties, and a disk that outlives both.
type simClient struct {
	w       *world
	name    string
	disk    disk
	machine *core.Machine
	life    int // grows with each start
	up      bool
	away    bool // no network
	// restored: it was set back to an old backup. What it missed and could not fetch before it was
	// out is gone.
	restored bool
	linking  core.Linking // how the linking of a device goes
	linked   bool         // it is a further device of an account
	skew     time.Duration
	full     bool // its disk is full
	account  string
	woken    int // number of the latest Wake
	calls    int
	replies  map[string]core.Reply

	// The link to the server, of this life.
	wanted  bool
	hanging bool // the carrier is gone and the machine does not know yet
	session *session.ClientMachine
	current *session.ClientSession
	carrier *carrier

	moves  map[string]*move
	asks   map[uint32]func(wire.Answer)
	ownRid uint32

	files  map[string][]byte // local files; they outlive the machine
	before disk              // for the mutant that loses the last write

	// What was promised, see check.go.
	said   []promise
	undone map[string]core.Command // commands without an answer yet
	drafts map[string]string
	hidden *bool           // read receipts switched on?
	tried  map[string]bool // what was tried again after healing
}

func newClient(w *world, name string) *simClient {
	c := &simClient{
		w: w, name: name, disk: disk{pairs: map[string][]byte{}}, replies: map[string]core.Reply{}, files: map[string][]byte{},
		undone: map[string]core.Command{}, drafts: map[string]string{}, tried: map[string]bool{},
	}
	w.people = append(w.people, c)
	c.boot()
	return c
}

func (c *simClient) now() time.Time { return c.w.now.Add(c.skew) }

// boot starts a machine on the disk.
func (c *simClient) boot() {
	c.life++
	c.up, c.wanted, c.hanging, c.current, c.carrier = true, false, false, nil, nil
	c.moves, c.asks, c.ownRid = map[string]*move{}, map[uint32]func(wire.Answer){}, ownRids
	c.machine = core.New()
	for p := range c.disk.Range("s/", "s0", false) {
		if err := c.machine.Load(p.Key, p.Value); err != nil {
			c.w.fail("%s: stored state does not load: %v", c.name, err)
			return
		}
	}
	var err error
	if c.session, err = session.NewClientMachine(session.ServerKey{Fingerprint: c.w.server.key.Fingerprint()}); err != nil {
		c.w.fail("%s: %v", c.name, err)
		return
	}
	c.step(core.Started{})
	c.state()
	c.repeat()
}

// repeat has the face ask once more for the texts that were not answered before the crash. Of
// drafts and settings that were not, either value may be there.
func (c *simClient) repeat() {
	var ids []string
	for id, cmd := range c.undone {
		switch x := cmd.(type) {
		case core.SendText, core.SendPoll:
			ids = append(ids, id)
		case core.SetDraft:
			delete(c.drafts, x.Chat)
			delete(c.undone, id)
		case core.SetSettings:
			c.hidden = nil
			delete(c.undone, id)
		}
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(len(a)-len(b), strings.Compare(a, b)) }) // as they were given
	for _, id := range ids {
		c.step(core.Do{ID: id, Command: c.undone[id]})
	}
}

// die is a crash; the device comes back later.
func (c *simClient) die(why string, back time.Duration) {
	if !c.up {
		return
	}
	// A wish to take something back may have been granted though nobody was told.
	for _, cmd := range c.undone {
		c.takeBackBy(cmd)
	}
	c.w.tell("%s crashes: %s", c.name, why)
	c.lose("client crashed")
	c.up = false
	c.life++
	if c.w.mutant == lastWriteLost && c.before.pairs != nil {
		c.disk = c.before.clone()
	}
	c.w.after(back, func() {
		c.w.tell("%s starts", c.name)
		c.boot()
	})
}

// in does something in this life of the device, later.
func (c *simClient) in(d time.Duration, f func()) {
	life := c.life
	c.w.after(d, func() {
		if c.life == life && c.up {
			f()
		}
	})
}

// step gives the machine an input and does what it asks for, unless the device dies between.
func (c *simClient) step(in core.Input) {
	if !c.up || len(c.w.failed) > 0 {
		return
	}
	if d, ok := in.(core.Do); ok {
		found, err := core.Find(&c.disk, d.Command, c.account)
		if err != nil {
			c.w.fail("%s: find: %v", c.name, err)
			return
		}
		d.Found = found
		in = d
	}
	var effects []core.Effect
	if broken := inv.Catch(func() { effects = c.machine.Step(c.now(), in) }); broken != nil {
		c.w.fail("%s: %v after %T", c.name, broken, in)
		return
	}
	if c.w.verbose {
		c.w.tell("%s: %s", c.name, brief(in))
		for _, e := range effects {
			c.w.tell("%s:     %s", c.name, brief(e))
		}
	}
	if c.w.mutant == sendBeforePersist && len(effects) > 1 {
		effects = append(slices.Clone(effects[1:]), effects[0])
	}
	for _, e := range effects {
		if c.w.chance(0.0008) {
			c.w.stats[clientCrashes]++
			c.die(fmt.Sprintf("before %T", e), c.w.between(0, 5*time.Second))
			return
		}
		if !c.do(e) {
			return
		}
	}
}

// brief names an input or effect and what is inside, without the bytes.
func brief(x any) string {
	switch x := x.(type) {
	case core.Do:
		if t, ok := x.Command.(core.SendText); ok {
			return fmt.Sprintf("do %s core.SendText %q", x.ID, t.Text)
		}
		return fmt.Sprintf("do %s %T", x.ID, x.Command)
	case core.Answered:
		return fmt.Sprintf("answered %d %T %s", x.Rid, x.Answer, small(x.Answer))
	case core.Pushed:
		return fmt.Sprintf("pushed %T %s", x.Event, small(x.Event))
	case core.Send:
		return fmt.Sprintf("send %d %T %s", x.Rid, x.Request, small(x.Request))
	case core.Persist:
		var keys strings.Builder
		for _, op := range x.Ops {
			keys.WriteString(" " + op.Key)
		}
		return "persist" + keys.String()
	case core.Emit:
		return fmt.Sprintf("emit %T", x.Event)
	case core.Wake:
		return "wake " + x.At.Sub(begin).String()
	case core.Reply:
		return "reply " + string(x.Err)
	}
	return fmt.Sprintf("%T", x)
}

// small prints the numbers of a message.
func small(m any) string {
	switch m := m.(type) {
	case wire.Done:
		return m.Code.String()
	case wire.Opened:
		return fmt.Sprintf("handle %d head %d gen %d", m.Handle, m.Head, m.Gen)
	case wire.Appended:
		return fmt.Sprintf("seq %d", m.Seq)
	case wire.RecordEvent:
		return fmt.Sprintf("handle %d seq %d", m.Handle, m.Seq)
	case wire.GoneEvent:
		return fmt.Sprintf("handle %d %s", m.Handle, m.Code)
	case wire.Append:
		return fmt.Sprintf("handle %d retry %v", m.Handle, m.Retry)
	case wire.Open:
		return fmt.Sprintf("role %d gen %d", m.Role, m.Gen)
	case wire.Subscribe:
		return fmt.Sprintf("handle %d from %d", m.Handle, m.From)
	}
	return ""
}

// do does one effect; false when the device is gone.
func (c *simClient) do(e core.Effect) bool {
	switch e := e.(type) {
	case core.Persist:
		if c.full {
			c.w.stats[diskFull]++
			c.die("its disk is full", c.w.between(time.Second, 3*time.Second))
			return false
		}
		if c.w.mutant == lastWriteLost {
			c.before = c.disk.clone()
		}
		for _, op := range e.Ops {
			if c.w.mutant == outboxForgotten && op.Value != nil && strings.HasPrefix(op.Key, "s/c/") && strings.Contains(op.Key, "/o/") {
				continue
			}
			c.disk.set(op.Key, op.Value)
		}
	case core.Dial:
		if !c.wanted {
			c.wanted = true
			c.in(c.w.between(0, 50*time.Millisecond), c.dial)
		}
	case core.Hangup:
		c.wanted, c.current = false, nil
		c.lose("hung up")
		c.session.Drop(false)
	case core.Send:
		frame, err := wire.Encode(e.Rid, e.Request)
		if err != nil {
			c.w.fail("%s: %T does not encode: %v", c.name, e.Request, err)
			return false
		}
		if _, ok := e.Request.(wire.Append); ok {
			c.w.stats[appends]++
		}
		c.queue(frame)
	case core.PutObject, core.GetObject:
		c.object(e)
	case core.MakeSegment, core.OpenSegment, core.Forget:
		c.segment(e)
	case core.Upload, core.Download, core.Cancel, core.RemoveFile:
		c.transfer(e)
	case core.Wake:
		c.woken++
		n := c.woken
		c.in(max(0, e.At.Sub(c.now())), func() {
			if n == c.woken {
				c.step(core.Tick{})
			}
		})
	case core.Emit:
		events, err := core.Complete(&c.disk, e.Event)
		if err != nil {
			c.w.fail("%s: complete: %v", c.name, err)
			return false
		}
		for _, ev := range events {
			c.see(ev)
		}
	case core.Reply:
		c.replied(e)
	}
	return true
}

// see checks what faces are told.
func (c *simClient) see(ev core.Event) {
	switch ev := ev.(type) {
	case core.AccountChanged:
		c.account = ev.Account.Person
	case core.MessageChanged:
		c.w.stats[shown]++
	case core.Linking:
		c.linking = ev
	case core.ChatChanged:
		if ev.Chat.State == "broken" && c.w.liar == nil {
			c.w.fail("%s: a chat is broken", c.name)
		}
		if ev.Chat.Forked && c.w.liar == nil {
			c.w.fail("%s: an honest server is accused of two histories", c.name)
		}
	}
}

// call gives the machine a command; its reply is found under the id that comes back.
func (c *simClient) call(cmd core.Command) string {
	c.calls++
	id := fmt.Sprintf("%s-%d", c.name, c.calls)
	c.undone[id] = cmd
	c.step(core.Do{ID: id, Command: cmd})
	switch cmd.(type) {
	case core.SendText, core.Edit, core.NewGroup, core.Leave, core.SetName:
		if c.w.chance(0.05) { // a face that asks twice
			c.step(core.Do{ID: id, Command: cmd})
		}
	}
	return id
}

// queue puts a frame into the session.
func (c *simClient) queue(frame []byte) {
	if c.current != nil && c.current.Queue(frame) == nil && c.carrier != nil && c.carrier.attached {
		c.carrier.flushUp()
	}
}

// dial opens a carrier, again and again.
func (c *simClient) dial() {
	if !c.wanted || c.carrier != nil || c.hanging {
		return
	}
	again := func() { c.in(c.w.between(300*time.Millisecond, 3*time.Second), c.dial) }
	if c.away {
		return // setAway dials
	}
	if !c.w.server.up {
		again()
		return
	}
	link, out, err := c.session.Open()
	if err != nil {
		c.w.fail("%s: session: %v", c.name, err)
		return
	}
	k := &carrier{w: c.w, client: c, link: link, life: c.life}
	k.far = &carrierEnd{k: k, server: c.w.server.machine.Open()}
	c.carrier = k
	k.up(out)
	c.in(20*time.Second, func() { // a handshake that hangs is given up
		if c.carrier == k && !k.attached {
			c.lose("no handshake")
		}
	})
}

// setAway takes the device from the network or brings it back.
func (c *simClient) setAway(away bool) {
	c.away = away
	if away {
		c.lose("no network")
	} else if c.up {
		c.dial()
	}
}

// lose cuts the carrier, if there is one.
func (c *simClient) lose(why string) {
	if c.carrier != nil {
		c.carrier.cut(why)
	}
}

// take handles one message from the server's end.
func (c *simClient) take(k *carrier, msg []byte) {
	ev, err := k.link.Take(msg)
	if err != nil {
		k.cut("client refuses: " + err.Error())
		return
	}
	if ev.Out != nil {
		k.up(ev.Out)
	}
	if ev.Attached {
		k.attached = true
		if !ev.Fresh {
			c.w.stats[resumed]++
		}
		c.current = ev.Session
		c.step(core.Connected{Server: c.server(), Binding: ev.Session.Binding(), Fresh: ev.Fresh})
		if ev.Fresh {
			clear(c.asks)
			c.restartMoves()
		}
	}
	if ev.Payload != nil {
		rid, answer, event, err := wire.ParseAnswerOrEvent(ev.Payload)
		if err != nil {
			c.w.fail("%s: the server says what does not parse: %v", c.name, err)
			return
		}
		if then := c.asks[rid]; event == nil && rid >= ownRids {
			delete(c.asks, rid)
			if then != nil {
				then(answer)
			}
		} else if event != nil {
			c.step(core.Pushed{Server: c.server(), Event: event})
		} else {
			c.step(core.Answered{Server: c.server(), Rid: rid, Answer: answer})
		}
	}
	if c.carrier == k && k.attached {
		k.flushUp()
		if ev.Payload != nil {
			k.ackSoon()
		}
	}
}

func (c *simClient) server() core.ServerID { return c.w.server.key.Fingerprint() }

// state asks the machine for what faces see.
func (c *simClient) state() core.State {
	id := c.call(core.GetState{})
	r, ok := c.replies[id].Result.(core.State)
	delete(c.replies, id) // a long life asks for it often
	if !ok {
		return core.State{}
	}
	if r.Account != nil {
		c.account = r.Account.Person
	}
	return r
}

// messages returns all of a chat, oldest first.
func (c *simClient) messages(chat string) []core.Message {
	var list []core.Message
	for before := uint64(0); ; {
		page, err := core.Page(&c.disk, chat, before, 500)
		if err != nil {
			c.w.fail("%s: page: %v", c.name, err)
			return nil
		}
		if len(page) == 0 {
			return list
		}
		list = append(page, list...)
		if before = page[0].Index; before == 0 {
			return list
		}
	}
}
