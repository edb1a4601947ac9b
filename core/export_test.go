package core

import "fmt"

// DebugChat describes a chat for the log of a failed test.
func (m *Machine) DebugChat(id string) string {
	c := m.chats[id]
	if c == nil {
		return "none"
	}
	s := fmt.Sprintf("state %s why %q lost %d doubt %v epoch %d cursor %d head %d gen %d/%d gens %d read %d write %d subscribed %v tries %d retry %v owner %v items %d wishes %d pending %v size %d digest %x",
		c.State, c.Why, c.c.Lost(), c.c.Doubtful(), c.c.Epoch(), c.c.Cursor(), c.head, c.gen, c.c.State().Gen, len(c.c.Generations()), c.read, c.write,
		c.subscribed, c.tries, c.retryAt, c.owner != nil, len(c.q.Items), len(c.intents.List), c.c.Pending() != nil, c.c.Size(), c.c.Digest())
	if q := c.queue; q != nil {
		s += fmt.Sprintf("; queue knocks %d replies %d shares %d batch %d marks %d done %v", len(q.knocks), len(q.replies), len(q.shares), len(q.Batch), len(q.marks), q.Done)
		if q.feed != nil {
			s += fmt.Sprintf(" feed live %v cursor %d head %d", q.feed.live, q.feed.cursor, q.feed.head)
		}
	}
	if w := m.waitOf(id); w != nil {
		s += fmt.Sprintf("; wait again %v created %v knocked %v try %d entered %d body %d gone %q retry %v", w.Again, w.Created, w.Knocked, w.Try, w.Entered, len(w.Body), w.Gone, w.retryAt)
	}
	return s
}
