package core_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"paperplane/core"
	"paperplane/core/coretest"
	"paperplane/protocol/wire"
)

// stateBytesMax is the budget for the state written per application message, without the
// message's own entry in the history.
const stateBytesMax = 1024

// TestStateBytes measures what one short message writes below "s/", at its sender and at its
// receiver, in a chat of two and in a group.
func TestStateBytes(t *testing.T) {
	w, ann, bob, _, g := trio(t)
	a := ann.Chat("Bob").ID
	w.Pass(40 * time.Second)
	for _, chat := range []string{a, g} {
		for range 40 { // so that no first time is measured
			coretest.Must[core.Sent](ann, core.SendText{Chat: chat, Text: "a message of the usual length, or so"})
			coretest.Must[core.Sent](bob, core.SendText{Chat: chat, Text: "a message of the usual length, or so"})
		}
		const n = 20
		sent, got := ann.Wrote(), bob.Wrote()
		for range n {
			coretest.Must[core.Sent](ann, core.SendText{Chat: chat, Text: "a message of the usual length, or so"})
		}
		sent, got = (ann.Wrote()-sent)/n, (bob.Wrote()-got)/n
		t.Logf("%d members: sender %d bytes in its steps, receiver %d", ann.Chat(map[string]string{a: "Bob", g: "Trip"}[chat]).Members, sent, got)
		// The sender writes twice: when it composes and when it sees the message in its place.
		if got > stateBytesMax || sent > stateBytesMax {
			t.Errorf("got %d at the sender, %d at the receiver, budget %d", sent, got, stateBytesMax)
		}
	}
}

// TestStepBytes shows what each Step of a send writes, key by key.
func TestStepBytes(t *testing.T) {
	w, ann, _ := pair(t)
	a := ann.Chat("Bob").ID
	w.Pass(40 * time.Second)
	coretest.Must[core.Sent](ann, core.SendText{Chat: a, Text: "first"})
	w.Step = func(c *coretest.Client, in core.Input, effects []core.Effect) {
		n, parts := 0, []string{}
		for _, e := range effects {
			p, ok := e.(core.Persist)
			if !ok {
				continue
			}
			for _, op := range p.Ops {
				if strings.HasPrefix(op.Key, "s/") {
					n += len(op.Key) + len(op.Value)
					k := strings.Split(op.Key, "/")
					parts = append(parts, fmt.Sprintf("%s %d", strings.Join(k[min(3, len(k)-1):], "/"), len(op.Key)+len(op.Value)))
				}
			}
		}
		if n > stateBytesMax {
			t.Errorf("%s %T: got %d bytes, budget %d: %v", c.Name, in, n, stateBytesMax, parts)
		}
		if n > 0 {
			t.Logf("%s %T: %d bytes: %v", c.Name, in, n, parts)
		}
	}
	coretest.Must[core.Sent](ann, core.SendText{Chat: a, Text: "a message of the usual length, or so"})
}

// TestRecordSizes shows that a contact request and the first messages fit the records they are
// meant for.
func TestRecordSizes(t *testing.T) {
	w := coretest.New(t)
	sizes := map[int]int{}
	w.Server.Refuse = func(c *coretest.Client, r wire.Request) wire.Answer {
		switch r := r.(type) {
		case wire.Append:
			sizes[len(r.Body)]++
		case wire.Knock:
			sizes[-len(r.Body)]++
		}
		return nil
	}
	ann, bob := w.Client("Ann"), w.Client("Bob")
	coretest.Must[core.Joined](ann, core.Join{Link: w.Server.Link(), Name: strings.Repeat("n", 128)})
	link := coretest.Must[core.InviteLink](ann, core.Invite{}).Link
	coretest.Must[core.Joined](bob, core.Join{Link: link, Name: strings.Repeat("m", 128)})
	if sizes[1024] != 2 || sizes[-8160] != 1 || len(sizes) != 3 {
		t.Errorf("got %v, want two small records (profiles), one request and the empty front knock", sizes)
	}
}

// BenchmarkSend is what a message costs its sender's machine until it goes out.
func BenchmarkSend(b *testing.B) {
	w, ann, _ := pair(b)
	a := ann.Chat("Bob").ID
	w.Pass(40 * time.Second)
	i := 0
	for b.Loop() {
		i++
		var r wire.Request
		for _, e := range ann.M.Step(w.Now, core.Do{ID: fmt.Sprint(i), Command: core.SendText{Chat: a, Text: "a message of the usual length, or so"}}) {
			if s, ok := e.(core.Send); ok {
				r = s.Request
			}
		}
		// The record comes back at once, so that the outbox does not grow.
		x, ok := r.(wire.Append)
		if !ok {
			b.Fatalf("got %T, want an Append", r)
		}
		b.StopTimer()
		w.Inject(a, x.Body)
		w.Run()
		b.StartTimer()
	}
}

// BenchmarkReceive is what a message costs its receiver's machine until it is shown.
func BenchmarkReceive(b *testing.B) {
	w, ann, bob := pair(b)
	a := ann.Chat("Bob").ID
	w.Pass(40 * time.Second)
	var at wire.RecordEvent
	w.Step = func(c *coretest.Client, in core.Input, effects []core.Effect) {
		if p, ok := in.(core.Pushed); ok && c == bob {
			if e, ok := p.Event.(wire.RecordEvent); ok && len(w.Server.Log(a).Records) == int(e.Seq) {
				at = e
			}
		}
	}
	coretest.Must[core.Sent](ann, core.SendText{Chat: a, Text: "first"})
	for b.Loop() {
		b.StopTimer()
		var body []byte
		for _, e := range ann.M.Step(w.Now, core.Do{Command: core.SendText{Chat: a, Text: "a message of the usual length, or so"}}) {
			if s, ok := e.(core.Send); ok {
				if x, ok := s.Request.(wire.Append); ok {
					body = x.Body
				}
			}
		}
		w.Inject(a, body)
		at.Seq++
		in := core.Pushed{Server: w.Server.ID, Event: wire.RecordEvent{Handle: at.Handle, Seq: at.Seq, Body: body}}
		b.StartTimer()
		effects := bob.M.Step(w.Now, in)
		b.StopTimer()
		if len(effects) < 3 {
			b.Fatalf("got %d effects: the message was not shown", len(effects))
		}
		w.Run() // the server's own event finds it read already
		b.StartTimer()
	}
}
