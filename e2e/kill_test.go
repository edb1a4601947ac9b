package e2e

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"paperplane/core"
)

// healTime is how long clients may take after the last kill: after many failures in a row they
// wait up to 45 s before they dial again.
const healTime = 2 * time.Minute

// TestKillUnderLoad kills the real server again and again while four pairs of people write to
// each other, and then looks for every message that was acknowledged (state sent or better) at
// its receiver: there once, in the order it was sent. Numbers in the texts tell messages apart.
func TestKillUnderLoad(t *testing.T) {
	srv := serve(t)
	const pairs = 4
	type side struct {
		p    *person
		chat string
		tag  string
		sent atomic.Int64
	}
	var sides []*side
	var peers []*side // peers[i] talks with sides[i]
	for i := range pairs {
		a := newPerson(t, fmt.Sprintf("Ann%d", i), srv.invite())
		b := newPerson(t, fmt.Sprintf("Bob%d", i), a.invite())
		l := &side{p: a, chat: a.chatWith(b.name), tag: fmt.Sprintf("a%d-", i)}
		r := &side{p: b, chat: b.chatWith(a.name), tag: fmt.Sprintf("b%d-", i)}
		sides = append(sides, l, r)
		peers = append(peers, r, l)
	}
	stop := make(chan struct{})
	var load sync.WaitGroup
	for _, s := range sides {
		load.Go(func() {
			for n := int64(1); ; n++ {
				select {
				case <-stop:
					return
				case <-time.After(15 * time.Millisecond):
				}
				s.p.send(s.chat, s.tag+strconv.FormatInt(n, 10))
				s.sent.Store(n)
			}
		})
	}
	for range *rounds {
		time.Sleep(400 * time.Millisecond)
		srv.stop(syscall.SIGKILL)
		srv.start()
	}
	close(stop)
	load.Wait()
	total, acknowledged, lost, doubled, disorder := 0, 0, 0, 0, 0
	for i, s := range sides {
		s.p.within(healTime, "an empty outbox", func() bool {
			for _, m := range s.p.all(s.chat) {
				if m.Own && m.State == core.StateQueued {
					return false
				}
			}
			return true
		})
		peer := peers[i]
		peer.p.within(healTime, "all messages", func() bool {
			return count(peer.p.all(peer.chat), s.tag)[s.sent.Load()] > 0
		})
		got := count(peer.p.all(peer.chat), s.tag)
		last := int64(0)
		for _, m := range peer.p.all(peer.chat) {
			if n, ok := number(m, s.tag); ok {
				if n < last {
					disorder++
				}
				last = n
			}
		}
		for n := int64(1); n <= s.sent.Load(); n++ {
			total++
			switch got[n] {
			case 0:
				lost++
			case 1:
			default:
				doubled++
			}
		}
		for _, m := range s.p.all(s.chat) {
			if _, ok := number(m, s.tag); ok && m.Own && m.State != core.StateQueued && m.State != core.StateFailed {
				acknowledged++
			}
		}
	}
	t.Logf("%d kills, %d messages, %d acknowledged, %d lost, %d doubled, %d out of order", *rounds, total, acknowledged, lost, doubled, disorder)
	if total < *rounds*10 {
		t.Errorf("only %d messages were sent: the load was too small to prove anything", total)
	}
	if acknowledged != total || lost+doubled+disorder > 0 {
		t.Errorf("got %d of %d acknowledged, %d lost, %d doubled, %d out of order; want all and 0", acknowledged, total, lost, doubled, disorder)
	}
}

// number returns the number in a message of tag.
func number(m core.Message, tag string) (int64, bool) {
	rest, ok := strings.CutPrefix(m.Text, tag)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseInt(rest, 10, 64)
	return n, err == nil
}

func count(list []core.Message, tag string) map[int64]int {
	got := map[int64]int{}
	for _, m := range list {
		if n, ok := number(m, tag); ok {
			got[n]++
		}
	}
	return got
}
