package core

import (
	"time"

	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// remakeAfter is how long a device that can open its log no more waits for an answer before it makes the
// log open again, where it has the owner key.
const remakeAfter = 6 * time.Hour

// locked says that the log opens with no key that is known here.
func (c *chat) locked() bool { return c.refusals >= refusalsMax }

// remake takes a conversation up again that all have lost who are there: its log is under keys that
// nobody of them has, since the one who made them is set back, or gone. Who owns the log gives it new
// ones. Of two who do so the server takes the first, who then answers the other. It returns
// whether there is something under way.
func (m *Machine) remake(s *server, c *chat) bool {
	w := m.waitOf(c.id)
	if c.owner == nil || !c.locked() || !m.stuck(c) || w == nil || w.Entered != 0 || m.now.Before(time.UnixMilli(w.Since).Add(remakeAfter)) {
		return false
	}
	if c.own == 0 {
		if !c.owning {
			c.owning = true
			m.ask(s, c, s.open(c.c.Place(), wire.RoleOwner, 0, c.ownerNow()), func(a wire.Answer) {
				c.owning = false
				m.touch(c)
				if o, ok := a.(wire.Opened); ok {
					c.own, c.gen, c.head = o.Handle, o.Gen+c.c.GenBase(), max(c.head, o.Head+c.c.Base())
					return
				}
				m.waitChat(c)
			})
		}
		return true
	}
	if c.gen >= c.c.State().Gen && c.c.Remake(m.now, c.gen, c.head) != nil {
		return false
	}
	m.rotate(s, c)
	return true
}

// remade: the server has the new keys, or those of somebody else.
func (m *Machine) remade(c *chat, code plane.Code) {
	w := m.waitOf(c.id)
	switch {
	case !c.locked() || !m.stuck(c) || w == nil:
	case code == plane.OK && c.gen == c.c.State().Gen:
		m.dropWait(w)
		c.c.Found()
		m.goneOn(c)
		m.healed(c)
	case code == plane.Refused:
		w.Since = m.now.UnixMilli()
		m.saveWait(w)
	}
}
