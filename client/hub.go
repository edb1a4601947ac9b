package client

import (
	"sync"

	"paperplane/core"
)

// eventsMax bounds what waits for one listener.
const eventsMax = 4096

// Listener receives events. When it falls behind by eventsMax, its channel is closed: it missed
// something, and starts over with Listen, GetState and pages of messages.
type Listener struct {
	C    <-chan core.Event
	hub  *hub
	send chan core.Event
}

// Close ends the listening.
func (l *Listener) Close() { l.hub.drop(l) }

// hub hands events to listeners without ever waiting for one.
type hub struct {
	mu        sync.Mutex
	listeners map[*Listener]bool
	closed    bool
}

// Listen starts listening to events from now on. The channel closes when the client does.
func (c *Client) Listen() *Listener { return c.events.listen() }

func (h *hub) listen() *Listener {
	ch := make(chan core.Event, eventsMax)
	l := &Listener{C: ch, send: ch, hub: h}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		close(ch)
		return l
	}
	if h.listeners == nil {
		h.listeners = map[*Listener]bool{}
	}
	h.listeners[l] = true
	return l
}

func (h *hub) publish(e core.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for l := range h.listeners {
		select {
		case l.send <- e:
		default:
			delete(h.listeners, l)
			close(l.send)
		}
	}
}

func (h *hub) drop(l *Listener) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.listeners[l] {
		delete(h.listeners, l)
		close(l.send)
	}
}

func (h *hub) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for l := range h.listeners {
		delete(h.listeners, l)
		close(l.send)
	}
}
