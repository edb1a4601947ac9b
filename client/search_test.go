package client

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"paperplane/client/vault"
	"paperplane/client/vault/mem"
	"paperplane/core"
	"paperplane/core/timeline"
)

// syllables make words of about the length of real ones, a few of them in most messages.
var syllables = []string{"ka", "lo", "mi", "ter", "an", "sal", "سلا", "خوا", "هم", "при", "вет", "до"}

func someText(r *rand.Rand) string {
	var b strings.Builder
	for i := range 3 + r.IntN(12) {
		if i > 0 {
			b.WriteByte(' ')
		}
		for range 1 + r.IntN(3) {
			b.WriteString(syllables[r.IntN(len(syllables))])
		}
	}
	return b.String()
}

// history fills a vault with n messages of twenty chats as they come, each in its own transaction; the
// oldest holds the word "needle".
func history(t testing.TB, n int) *vault.Vault {
	v, err := vault.Open(mem.New(0), vault.NewKey())
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	for i := range n {
		chat := fmt.Sprintf("chat%018d", r.IntN(20))
		e := &timeline.Entry{Index: uint64(i + 1), Seq: uint64(i + 1), At: int64(i) * 60_000, Kind: timeline.Text, From: [32]byte{byte(r.IntN(5))}, Text: someText(r)}
		if i == 0 {
			e.Text = "a needle"
		}
		for k := range e.ID {
			e.ID[k] = byte(r.Uint32())
		}
		var ops []vault.Op
		for _, p := range timeline.Put(chat, e) {
			ops = append(ops, vault.Op(p))
		}
		if err := v.Commit(ops); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

// lookFor searches to the end and says how many were found and how long the longest step took.
func lookFor(t testing.TB, v *vault.Vault, f *core.Finder, query string) (hits int, longest time.Duration) {
	x := core.Search{Query: query}
	for {
		begin := time.Now()
		res, code, err := f.Search(reader{v}, x, func() bool { return time.Since(begin) < searchStep })
		if err != nil || code != "" {
			t.Fatalf("search: %v %q", err, code)
		}
		longest = max(longest, time.Since(begin))
		hits += len(res.Hits)
		if x.Cursor = res.Next; x.Cursor == "" {
			return hits, longest
		}
	}
}

const searched = 100_000

// BenchmarkSearch measures a search for the oldest of 100,000 messages, in steps: the first, which reads them
// all, and those after it, as every letter typed is one.
func BenchmarkSearch(b *testing.B) {
	v := history(b, searched)
	b.Run("first", func(b *testing.B) {
		for b.Loop() {
			if n, _ := lookFor(b, v, core.NewFinder(), "needle"); n != 1 {
				b.Fatalf("found %d", n)
			}
		}
	})
	for _, q := range []string{"needle", "nee", "خواهم needle zzz", "zzz"} {
		b.Run("next", func(b *testing.B) {
			f := core.NewFinder()
			lookFor(b, v, f, "needle")
			longest := time.Duration(0)
			for b.Loop() {
				_, l := lookFor(b, v, f, q)
				longest = max(longest, l)
			}
			b.ReportMetric(float64(longest.Microseconds())/1000, "ms/longest-step")
		})
	}
}

// TestSearchHere shows that a client answers a search with what was stored just before, and keeps up.
func TestSearchHere(t *testing.T) {
	v := history(t, 300)
	c := &Client{opts: Options{Vault: v, Now: time.Now}}
	find := func() (n int) {
		x := core.Search{Query: "needle"}
		for { // a slow machine takes several steps
			res, err := c.answerHere(x)
			if err != nil {
				t.Fatal(err)
			}
			n += len(res.(core.Results).Hits)
			if x.Cursor = res.(core.Results).Next; x.Cursor == "" {
				return n
			}
		}
	}
	if n := find(); n != 1 {
		t.Errorf("%d found, want 1", n)
	}
	e := &timeline.Entry{ID: timeline.ID{1}, Index: 1000, Seq: 1000, At: 1, Kind: timeline.Text, Text: "Needles"}
	var ops []vault.Op
	for _, p := range timeline.Put("chat000000000000000001", e) {
		ops = append(ops, vault.Op(p))
	}
	if err := v.Commit(ops); err != nil {
		t.Fatal(err)
	}
	c.search.changed(time.Now(), ops)
	if n := find(); n != 2 {
		t.Errorf("%d found, want 2", n)
	}
	c.search.changed(time.Now().Add(2*searchIdle), ops) // forgets, and reads anew
	if n := find(); n != 2 {
		t.Errorf("after a while %d found, want 2", n)
	}
}
