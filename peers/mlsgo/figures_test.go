package mlsgo

import (
	"context"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	peer "github.com/thomas-vilte/mls-go"
	"github.com/thomas-vilte/mls-go/ciphersuite"
)

var figures = flag.Int("figures", 0, "print mls-go's figures of a group of so many members")

// TestFigures prints, in the form of mls's TestFigures, what the same things take with mls-go through
// its client, saving to memory included, on suite 1: the nearest it has to ours.
func TestFigures(t *testing.T) {
	if *figures == 0 {
		t.Log("not asked for: -figures 500")
		return
	}
	n := *figures
	ctx := context.Background()
	client := func(i int) *theirs {
		c, err := peer.NewClient(fmt.Appendf(nil, "user-%06d-device-0000000000000000", i), ciphersuite.MLS128DHKEMX25519)
		if err != nil {
			t.Fatal(err)
		}
		return &theirs{c: c}
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	row := func(name string, v float64, unit string) { fmt.Printf("FIGURE\t%s\t%.4g\t%s\n", name, v, unit) }
	took := func(name string, f func()) {
		start := time.Now()
		f()
		row(name, float64(time.Since(start).Microseconds())/1000, "ms")
	}
	a, last := client(0), client(n-1)
	must(a.Found())
	var kps [][]byte
	for i := 1; i < n; i++ {
		m := last
		if i < n-1 {
			m = client(i)
		}
		b, err := m.c.FreshKeyPackageBytes(ctx)
		must(err)
		kps = append(kps, b)
	}
	var commit, welcome []byte
	took("create", func() {
		for _, b := range kps {
			_, err := a.c.ProposeAddMember(ctx, a.group, b)
			must(err)
		}
		var err error
		commit, welcome, err = a.c.CommitPendingProposals(ctx, a.group)
		must(err)
	})
	row("create-bytes", float64(len(commit)), "bytes")
	took("cold-join", func() { must(last.Join(welcome)) })
	// An added member commits, so that its tree is cold; the founder has a path already.
	var err error
	took("cold-make", func() { commit, _, err = last.c.CommitPendingProposals(ctx, last.group); must(err) })
	row("cold-bytes", float64(len(commit)), "bytes")
	took("cold-process", func() { must(a.c.ProcessCommit(ctx, a.group, commit)) })
	b, err := client(n).c.FreshKeyPackageBytes(ctx)
	must(err)
	took("cold-add", func() { commit, _, err = a.c.InviteMember(ctx, a.group, b); must(err) })
	row("cold-add-bytes", float64(len(commit)), "bytes")
	took("cold-add-process", func() { must(last.c.ProcessCommit(ctx, last.group, commit)) })
	var enc, dec []time.Duration
	for range 30 {
		start := time.Now()
		m, err := a.c.SendMessage(ctx, a.group, make([]byte, 100))
		must(err)
		enc = append(enc, time.Since(start))
		start = time.Now()
		_, err = last.c.ReceiveMessage(ctx, last.group, m)
		must(err)
		dec = append(dec, time.Since(start))
		if len(enc) == 30 {
			row("message-overhead", float64(len(m)-100), "bytes")
		}
	}
	slices.Sort(enc)
	slices.Sort(dec)
	row("encrypt", float64(enc[15].Nanoseconds())/1000, "µs")
	row("decrypt", float64(dec[15].Nanoseconds())/1000, "µs")
}
