//go:build linux

package e2e

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"paperplane/client"
	"paperplane/core"
	"paperplane/core/convo"
	"paperplane/protocol/plane"
)

var (
	groupN         = flag.Int("group", 0, "a real group of so many native clients in a few processes, measured")
	groupProcesses = flag.Int("group.processes", 4, "in how many processes")
	groupDays      = flag.Int("group.days", 29, "how many days some are away, with -group")
	groupPlain     = flag.Int("group.plain", 0, "with -group: above how many leaves commits are sliced, 0: as for everybody")
	groupLight     = flag.Bool("group.light", false, "with -group: all but the admin stay light")
	groupProfile   = flag.String("group.profile", "", "with -group: write the heap of a process of people to this file, when all are in")
	groupSources   = flag.String("group.join", "", "how they come in: link, contacts; empty: by link where there is one")
)

// hall is the whole: a server, the admin in this process, the people in others.
type hall struct {
	t      *testing.T
	server *fanProcess
	people []*fanProcess
	admin  *one
	chat   string
	rows   []string
}

func (h *hall) ask(p *fanProcess, o order) said {
	h.t.Helper()
	p.say(o)
	var r said
	p.hear(&r)
	return r
}

// all asks every process at once.
func (h *hall) all(o order) (r said) {
	h.t.Helper()
	var wg sync.WaitGroup
	answers, errs := make([]said, len(h.people)), make([]error, len(h.people))
	for i, p := range h.people {
		p.say(o)
		wg.Go(func() { errs[i] = p.answer(&answers[i]) })
	}
	wg.Wait()
	if err := errors.Join(errs...); err != nil {
		h.t.Fatalf("%v; the admin: %s", err, standing(h.admin.c))
	}
	for _, a := range answers {
		r.Times = append(r.Times, a.Times...)
		r.Bytes += a.Bytes
		r.Heap += a.Heap
		r.RSS += a.RSS
	}
	return r
}

// row adds a line of the table.
func (h *hall) row(what, unit string, value float64) {
	h.rows = append(h.rows, fmt.Sprintf("%s\t%.4g\t%s", what, value, unit))
	h.t.Log(h.rows[len(h.rows)-1]) // at once: the next may take long
}

func must[R core.Result](h *hall, cmd core.Command) R {
	h.t.Helper()
	defer awaiting(h.t, "the admin: the answer to %T", cmd)()
	r, err := told[R](h.admin, cmd)
	if err != nil {
		h.t.Fatalf("%T: %v", cmd, err)
	}
	return r
}

const everybody = 1 << 30

// TestGroup makes a group of real clients of one real server, and everything a group goes through:
// they come in by link (or, where there are none, from contacts), all hear every message, one is
// removed, some are away for 29 days and catch up. Nobody is lost on the way, nothing is unreadable.
// With -group N it is as large as that and prints its figures.
func TestGroup(t *testing.T) {
	n, processes, messages, days := 16, 2, 3, 3
	if *groupN > 0 {
		n, processes, messages, days = *groupN, *groupProcesses, 50, *groupDays
	}
	if *groupPlain > 0 {
		was := convo.PlainLeavesMax
		convo.PlainLeavesMax = *groupPlain
		t.Cleanup(func() { convo.PlainLeavesMax = was })
	}
	t.Setenv("TMPDIR", t.TempDir()) // where the others put what they keep
	h := &hall{t: t, server: startCrowd(t, "server")}
	start := h.ask(h.server, order{Do: "link"}).Text
	for range processes {
		h.people = append(h.people, startCrowd(t, "people"))
	}
	me := &crowd{t: t}
	var err error
	if h.admin, err = me.add("Admin"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.admin.c.Close() })
	must[core.Joined](h, core.Join{Link: start, Name: "Admin"})
	for i, p := range h.people {
		h.ask(p, order{Do: "make", N: (n-1)*(i+1)/processes - (n-1)*i/processes, Text: fmt.Sprintf("Person %d.", i), Light: *groupLight})
	}
	empty := h.all(order{})
	h.comeIn(n)
	h.messages(n, messages)
	full := h.all(order{})
	if *groupProfile != "" {
		h.ask(h.people[len(h.people)-1], order{Do: "profile", Text: *groupProfile})
	}
	h.row("client-memory-heap", "KB", float64(full.Heap-empty.Heap)/float64(n-1)/1024)
	h.row("client-memory-rss", "KB", float64(full.RSS-empty.RSS)/float64(n-1))
	srv := h.ask(h.server, order{})
	h.row("server-memory-rss", "MB", float64(srv.RSS)/1024)
	n = h.removal(n)
	h.away(n, days)
	if lost := h.all(order{Do: "broken", To: everybody}); slices.Max(lost.Times) > 0 {
		t.Errorf("got chats that are broken or forked, want none: %v", lost.Times)
	}
	t.Logf("FIGURES of a group of %d\n%s", n+1, strings.Join(h.rows, "\n"))
}

func startCrowd(t *testing.T, role string) *fanProcess {
	t.Helper()
	return startWorker(t, "TestCrowdWorker", role)
}

// comeIn brings everybody into one group.
func (h *hall) comeIn(n int) {
	h.t.Helper()
	by := *groupSources
	if by != "contacts" {
		h.chat = must[core.Joined](h, core.NewGroup{Name: "Hall"}).Chat
		link, err := told[core.InviteLink](h.admin, core.GroupInvite{Chat: h.chat, Uses: n})
		if err == nil {
			h.timed(n, order{Do: "join", Link: link.Link, To: everybody})
			h.all(order{Do: "in", Chat: h.chat, N: n, Text: "Hall", To: everybody})
			return
		}
		if e, ok := errors.AsType[*client.Error](err); by == "link" || !ok || e.Code != core.ErrUnknown && e.Code != core.ErrBadArguments {
			h.t.Fatalf("a link into the group: %v", err)
		}
	}
	link := must[core.InviteLink](h, core.Invite{Uses: min(n, plane.DoorUsesMax)})
	h.timed(n, order{Do: "join", Link: link.Link, To: everybody})
	if _, err := h.admin.chat("everybody", func(core.Chat) bool { return len(h.contacts()) == n-1 }); err != nil {
		h.t.Fatal(err)
	}
	began := time.Now()
	h.chat = must[core.Joined](h, core.NewGroup{Name: "Hall of contacts", Members: h.contacts()}).Chat
	h.all(order{Do: "in", Chat: h.chat, N: n, Text: "Hall of contacts", To: everybody})
	h.row("create-until-all-are-in", "s", time.Since(began).Seconds())
}

// contacts are the admin's open two-person chats.
func (h *hall) contacts() (ids []string) {
	for _, c := range must[core.State](h, core.GetState{}).Chats {
		if c.Kind == core.ChatTwo && c.State == "open" {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// timed lets everybody join and says how fast.
func (h *hall) timed(n int, o order) {
	h.t.Helper()
	began := time.Now()
	times := sorted(h.all(o).Times)
	h.row("link-joins", "1/min", float64(n-1)/time.Since(began).Minutes())
	h.row("link-join-p50", "s", float64(percent(times, 50))/1e6)
	h.row("link-join-p99", "s", float64(percent(times, 99))/1e6)
}

// messages sends so many, one at a time, and waits until everybody shows each.
func (h *hall) messages(n, count int) {
	h.t.Helper()
	var each, last []int
	for i := range count {
		text := fmt.Sprintf("message %d to all", i)
		h.all(order{Do: "hear", Chat: h.chat, Text: text, To: everybody})
		start := time.Now().UnixMicro()
		must[core.Sent](h, core.SendText{Chat: h.chat, Text: text})
		at := h.all(order{Do: "heard", To: everybody}).Times
		for j := range at {
			at[j] -= int(start)
		}
		each = append(each, at...)
		last = append(last, slices.Max(at))
	}
	if len(each) != (n-1)*count {
		h.t.Fatalf("got %d messages shown, want %d", len(each), (n-1)*count)
	}
	each, last = sorted(each), sorted(last)
	h.row("sent-to-shown-p50", "ms", float64(percent(each, 50))/1e3)
	h.row("sent-to-shown-p99", "ms", float64(percent(each, 99))/1e3)
	h.row("sent-to-last-p50", "ms", float64(percent(last, 50))/1e3)
	h.row("sent-to-last-p99", "ms", float64(percent(last, 99))/1e3)
}

// removal removes one member, and returns how many are left.
func (h *hall) removal(n int) int {
	h.t.Helper()
	list := must[core.Members](h, core.GetMembers{Chat: h.chat}).Members
	var who string
	for _, m := range list {
		if !m.Own && m.Name == "Person 0.0" {
			who = m.Person
		}
	}
	if len(list) != n || who == "" {
		h.t.Fatalf("got %d members, the one to remove among them: %v; want %d", len(list), who != "", n)
	}
	h.all(order{Do: "down", To: everybody})
	began := time.Now()
	must[core.Done](h, core.RemoveMember{Chat: h.chat, Person: who})
	for i, p := range h.people {
		p.say(order{Do: "left", Chat: h.chat, N: n - 1, From: first(i), To: everybody})
	}
	for _, p := range h.people {
		var r said
		p.hear(&r)
	}
	h.row("removal-until-all-know", "s", time.Since(began).Seconds())
	h.row("removal-bytes-down-per-member", "KB", float64(h.all(order{Do: "down", To: everybody}).Bytes)/float64(n-1)/1024)
	return n - 1
}

// first is the first person of a process who is still a member: the removed one is the first of all.
func first(process int) int {
	if process == 0 {
		return 1
	}
	return 0
}

// away closes some clients, lets days pass in which the others talk, and opens them again.
func (h *hall) away(n, days int) {
	h.t.Helper()
	p := h.people[0]
	some := order{From: 1, To: min(1+10, n/len(h.people))}
	some.Do = "close"
	h.ask(p, some)
	text := ""
	for day := range days {
		h.ask(h.server, order{Do: "days", N: 1})
		h.admin.days.Add(1)
		h.all(order{Do: "days", N: 1, To: everybody})
		text = fmt.Sprintf("on day %d", day)
		must[core.Sent](h, core.SendText{Chat: h.chat, Text: text})
		h.until("sent", func() bool {
			page, err := h.admin.c.Messages(h.chat, 0, 1)
			return err == nil && len(page) == 1 && page[0].State != core.StateQueued
		})
	}
	some.Do, some.Chat, some.Text, some.N = "back", h.chat, text, 1
	times := sorted(h.ask(p, some).Times)
	h.t.Logf("catching up took %v µs", times)
	h.row(fmt.Sprintf("catch-up-after-%d-days-p50", days), "s", float64(percent(times, 50))/1e6)
	h.row(fmt.Sprintf("catch-up-after-%d-days-max", days), "s", float64(percent(times, 100))/1e6)
	some.Do, some.Text, some.N = "texts", "on day ", 2*days+50
	if got := h.ask(p, some).Times; slices.Min(got) != days {
		h.t.Errorf("those who were away show %v of the messages of %d days", got, days)
	}
}

func (h *hall) until(what string, ok func() bool) {
	h.t.Helper()
	defer awaiting(h.t, "the admin: %s", what)()
	for deadline := time.Now().Add(crowdPatience()); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			h.t.Fatalf("%s: did not happen; %s", what, standing(h.admin.c))
		}
	}
}
