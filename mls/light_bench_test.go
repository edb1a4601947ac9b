package mls

import (
	"errors"
	"fmt"
	"testing"
	"time"
)

// BenchmarkSliced: a light join, commits and the upgrade in a sliced group of 5,000, with the bytes
// that each reader fetches. go test ./mls -run - -bench Sliced -benchtime 5x
func BenchmarkSliced(b *testing.B) {
	for _, s := range []Suite{XWing, X25519AES} {
		for _, warm := range []int{0, 20} { // commits before
			b.Run(fmt.Sprintf("suite-%d/warm-%d", s, warm), func(b *testing.B) { benchSliced(b, s, warm) })
		}
	}
}
func benchSliced(b *testing.B, s Suite, warm int) {
	const n = 5000
	kps, secs, who := crowd(b, s, n)
	p := must(newPerson(s, "founder").found(sliced).Commit(CommitOptions{Add: kps, WithoutTree: true, Now: t0}))
	tree := p.Next.Tree()
	first := p.Next
	join := func(k uint32) *Group {
		return must(Join(p.Welcome, JoinOptions{Secret: secs[k-1], Signer: who[k-1].sign, Tree: tree}))
	}
	other := join(2501)
	// Only these two and whoever commits have a state; each committer joins anew and catches up.
	var commits []*Pending
	for _, k := range WarmOrder(n)[1 : warm+1] {
		g := join(k)
		for _, c := range commits {
			r, _, err := fetch(g, c)
			if err != nil {
				b.Fatal(err)
			}
			g = r.(CommitReceived).Next
		}
		commits = append(commits, must(g.Commit(CommitOptions{})))
	}
	for _, c := range commits {
		for _, g := range []**Group{&first, &other} {
			r, _, err := fetch(*g, c)
			if err != nil {
				b.Fatal(err)
			}
			*g = r.(CommitReceived).Next
		}
	}
	late := newPerson(s, "late-0000000000000000000000000000")
	kp, sec := late.keyPackage()
	add := must(first.Commit(CommitOptions{Add: []*KeyPackage{kp}, WithoutTree: true, Now: t0}))
	me, _ := add.Next.tree.find(sec.kp.leaf)
	sender, own := must(add.Next.Proof(0)), must(add.Next.Proof(me))
	r, _, err := fetch(other, add)
	if err != nil {
		b.Fatal(err)
	}
	first, other = add.Next, r.(CommitReceived).Next
	said := must(first.Encrypt(make([]byte, 100), nil))
	open := func() *Group {
		return must(JoinLight(add.Welcome, LightOptions{Secret: sec, Signer: late.sign, SenderProof: sender, OwnProof: own}))
	}
	light := open()
	b.Run("join-light-and-read", func(b *testing.B) {
		for b.Loop() {
			light = open()
			must(light.Process(said, t0))
		}
		b.ReportMetric(float64(len(add.Welcome)+len(sender)+len(own)), "B/join")
		b.ReportMetric(float64(len(add.Welcome)), "B/welcome")
		b.ReportMetric(float64(len(add.Message)), "B/add")
		b.ReportMetric(float64(len(light.Snapshot())), "B/state")
	})
	c := must(first.Commit(CommitOptions{}))
	b.Run("commit", func(b *testing.B) {
		for b.Loop() {
			c = must(first.Commit(CommitOptions{}))
		}
		b.ReportMetric(float64(len(c.Message)+len(c.Slices.Blob())), "B/up")
		b.ReportMetric(float64(c.Slices.Count), "slices")
	})
	for name, g := range map[string]*Group{"process-full": other, "process-light": light} {
		b.Run(name, func(b *testing.B) {
			read := 0
			state := g.SnapshotHead()
			get := func() *Group { return g }
			if g.Light() {
				get = func() *Group { return must(Restore(state, nil)) }
			}
			for b.Loop() {
				b.StopTimer()
				c := must(first.Commit(CommitOptions{}))
				h := get()
				b.StartTimer()
				_, n, err := fetch(h, c)
				if err != nil {
					b.Fatal(err)
				}
				read = len(c.Message) + n
			}
			b.ReportMetric(float64(read), "B/down")
		})
	}
	b.Run("upgrade", func(b *testing.B) {
		var longest, finish time.Duration
		pages := make([][]byte, first.PageCount())
		for i := range pages {
			pages[i] = first.Page(i)
		}
		total := 0
		for b.Loop() {
			u := must(NewUpgrade(light))
			total = 0
			for !u.Done() {
				i := u.Missing()[0]
				at := time.Now()
				if err := u.Put(i, pages[i]); err != nil {
					b.Fatal(err)
				}
				longest = max(longest, time.Since(at))
				total += len(pages[i])
			}
			at := time.Now()
			if _, err := u.Finish(light); err != nil && !errors.Is(err, ErrArgument) {
				b.Fatal(err)
			}
			finish = max(finish, time.Since(at))
		}
		b.ReportMetric(float64(b.Elapsed().Microseconds())/1000/float64(b.N*len(pages)), "ms/page")
		b.ReportMetric(float64(longest.Microseconds())/1000, "ms/longest")
		b.ReportMetric(float64(finish.Microseconds())/1000, "ms/finish")
		b.ReportMetric(float64(total), "B/pages")
	})
}
