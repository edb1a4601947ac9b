package e2e

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"paperplane/client"
	"paperplane/client/vault"
	"paperplane/client/vault/mem"
	"paperplane/core"
	"paperplane/protocol/seal"
	"paperplane/transport/ws"
)

var history = flag.Int("history", 0, "measure linking and recovering with so many messages")

// blankDevice is a native client that has no account yet. It asks the server for its key as the program does.
func blankDevice(t *testing.T, name string, key [32]byte) *person {
	t.Helper()
	v, err := vault.Open(mem.New(1<<30), vault.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.Open(client.Options{
		Vault: v, Volatile: true, Dialer: ws.NewDialer(nil),
		FetchKey: func(context.Context, string) ([32]byte, error) { return key, nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return &person{t: t, name: name, c: c}
}

// TestHistory measures how long it takes until a device that is linked, and one that comes back by twelve words
// with everybody else away, show all there was: every message of every chat, the drafts and what was read.
func TestHistory(t *testing.T) {
	n := *history
	if n == 0 {
		n = 200 // only that it works
	}
	srv := serve(t)
	first, err := seal.ParseLink(srv.invite())
	if err != nil {
		t.Fatal(err)
	}
	key := first.Server
	ann := newPerson(t, "Ann", srv.invite())
	bob := newPerson(t, "Bob", ann.invite())
	chat := ann.chatWith("Bob")
	bob.chatWith("Ann")
	group := do[core.Joined](ann, core.NewGroup{Name: "Garden", Members: []string{chat}}).Chat
	bob.chatWith("Garden")
	var wg sync.WaitGroup
	for i, x := range []struct {
		p    *person
		chat string
	}{{ann, chat}, {bob, chat}, {ann, group}, {bob, group}} {
		wg.Go(func() {
			for k := range n / 4 {
				x.p.send(x.chat, fmt.Sprintf("message %d of %d, of a usual length, or so", k, i))
			}
		})
	}
	wg.Wait()
	texts := func(p *person, chat string) (list []string) {
		for _, m := range p.all(chat) {
			if m.Kind == core.KindText {
				list = append(list, m.Text)
			}
		}
		return list
	}
	var want [2]string
	for i, id := range []string{chat, group} {
		ann.until("all is said", func() bool { return len(texts(ann, id)) == n/4*2 })
		want[i] = strings.Join(texts(ann, id), "\n")
		do[core.Done](ann, core.SetDraft{Chat: id, Text: "half a thought"})
		list := ann.all(id)
		do[core.Done](ann, core.MarkRead{Chat: id, Message: list[len(list)/2].ID})
	}
	stands := func(p *person) bool {
		chats := map[string]core.Chat{}
		for _, c := range p.state().Chats {
			chats[c.ID] = c
		}
		for i, id := range []string{chat, group} {
			if c := chats[id]; c.Draft != "half a thought" || len(texts(p, id)) != n/4*2 || strings.Join(texts(p, id), "\n") != want[i] {
				return false
			}
			var was core.Chat
			for _, c := range ann.state().Chats {
				if c.ID == id {
					was = c
				}
			}
			if chats[id].ReadUpTo != was.ReadUpTo || chats[id].Unread != was.Unread {
				return false
			}
		}
		return true
	}
	link := do[core.DeviceLink](ann, core.LinkDevice{}).Link
	hear := ann.c.Listen()
	lap := blankDevice(t, "Ann's laptop", key)
	do[core.Done](lap, core.AddDevice{Link: link, Name: "Laptop"})
	deadline := time.After(patience)
	for digits := false; !digits; {
		select {
		case e := <-hear.C:
			l, ok := e.(core.Linking)
			digits = ok && l.Stage == "digits"
		case <-deadline:
			t.Fatal("no digits came")
		}
	}
	hear.Close()
	start := time.Now()
	do[core.Done](ann, core.ConfirmDevice{Yes: true})
	do[core.Done](lap, core.ConfirmDevice{Yes: true}) // which showed them first
	lap.within(2*time.Minute, "all there was is on the linked device", func() bool { return stands(lap) })
	t.Logf("FIGURE linked-device messages=%d after the yes: %v", n, time.Since(start).Round(time.Millisecond))

	words := do[core.Words](ann, core.MakeWords{}).Words
	do[core.Done](ann, core.KeepWords{})
	do[core.Done](ann, core.Sync{})
	_ = bob.c.Close()
	_ = ann.c.Close()
	_ = lap.c.Close()
	last := blankDevice(t, "Ann's new one", key)
	start = time.Now()
	do[core.Joined](last, core.Recover{Words: strings.Join(words, " "), Origin: "http://" + srv.addr, Name: "New"})
	last.within(2*time.Minute, "all there was is back", func() bool {
		for i, id := range []string{chat, group} {
			if list := texts(last, id); strings.Join(list, "\n") != want[i] {
				return false
			}
		}
		return true
	})
	t.Logf("FIGURE recovered-device messages=%d, alone, after the words: %v", n, time.Since(start).Round(time.Millisecond))
	for _, c := range last.state().Chats {
		if (c.ID == chat || c.ID == group) && c.Draft != "half a thought" {
			t.Errorf("the draft of %s is %q", c.Kind, c.Draft)
		}
	}
}
