package mls

import (
	"bytes"
	"flag"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"
)

var figures = flag.Int("figures", 0, "print the figures of a group of so many members (5000)")

// TestFigures prints what tool/bench-group.sh shows beside the budgets: one line each, FIGURE, name,
// value and unit. Times are medians; "-1" is on one core, others on four; "-1-cpu" is the least processor
// time of those on one core, which depends little on what else runs. A warm tree is one in which
// every second member has committed.
func TestFigures(t *testing.T) {
	if *figures == 0 {
		t.Log("not asked for: -figures 5000")
		return
	}
	n := *figures
	four := workers(4)
	lent := []struct {
		name string
		e    Each
	}{{"", four}, {"-1", nil}}
	row := func(name string, v float64, unit string) { fmt.Printf("FIGURE\t%s\t%.4g\t%s\n", name, v, unit) }
	// took runs f until it has run often enough and prints the median in ms.
	took := func(name string, times int, f func()) {
		var all, cpu []time.Duration
		for range times {
			start, used := time.Now(), processorTime()
			f()
			all, cpu = append(all, time.Since(start)), append(cpu, processorTime()-used)
		}
		slices.Sort(all)
		row(name, float64(all[len(all)/2].Microseconds())/1000, "ms")
		if least := slices.Min(cpu); strings.HasSuffix(name, "-1") && least > 0 {
			row(name+"-cpu", float64(least.Microseconds())/1000, "ms")
		}
	}
	size := func(name string, b int) { row(name, float64(b), "bytes") }

	h := newHall(t, XWing, n, four)
	size("key-package", len(h.kps[0].Bytes()))
	founder := newPerson(XWing, "founder").found()
	for _, e := range lent {
		founder.SetEach(e.e)
		took("create"+e.name, 3, func() { must(founder.Commit(CommitOptions{Add: h.kps, WithoutTree: true, Now: t0})) })
	}
	size("create-bytes", len(h.made.Message))

	// Joins: the last member, by a commit that adds it alone.
	p := newPerson(XWing, "late")
	kp, sec := p.keyPackage()
	join := func(kind string) {
		c := must(h.as(1).Commit(CommitOptions{Add: []*KeyPackage{kp}, WithoutTree: true, Now: t0}))
		tree := c.Next.Tree()
		size(kind+"-tree-bytes", len(tree))
		for _, e := range lent {
			took(kind+"-join"+e.name, 7, func() {
				must(Join(c.Welcome, JoinOptions{Secret: sec, Signer: p.sign, Tree: tree, Each: e.e}))
			})
		}
		me, _ := c.Next.tree.find(sec.kp.leaf)
		o := LightOptions{Secret: sec, Signer: p.sign, SenderProof: must(c.Next.Proof(c.Next.me)), OwnProof: must(c.Next.Proof(me))}
		took(kind+"-join-light", 101, func() { must(JoinLight(c.Welcome, o)) })
		size(kind+"-join-light-bytes", len(c.Welcome)+len(o.SenderProof)+len(o.OwnProof))
		heap := func() int {
			runtime.GC()
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return int(m.HeapAlloc)
		}
		before := heap()
		g := must(Join(c.Welcome, JoinOptions{Secret: sec, Signer: p.sign, Tree: tree}))
		row(kind+"-memory", float64(heap()-before)/1e6, "MB")
		pages := map[string][]byte{}
		put, _ := TreeChanges(nil, []*SavedTree{g.SavedTree()})
		saved := 0
		for _, d := range put {
			pages[d.Key] = d.Value
			saved += len(d.Key) + len(d.Value)
		}
		head := g.SnapshotHead()
		g = nil
		size(kind+"-all-saved", len(head)+saved)
		took(kind+"-restore", 7, func() { must(RestoreHead(head, func(k string) []byte { return pages[k] }, nil)) })
		pages = nil
		before = heap()
		var light [100]*Group
		for i := range light {
			light[i] = must(JoinLight(c.Welcome, o))
		}
		row(kind+"-memory-light", float64(heap()-before)/1e3/float64(len(light)), "KB")
		wide := make([][]byte, c.Next.PageCount())
		for i := range wide {
			wide[i] = c.Next.Page(i)
		}
		took(kind+"-upgrade", 3, func() {
			u := must(NewUpgrade(light[0]))
			for !u.Done() {
				i := u.Missing()[0]
				if err := u.Put(i, wide[i]); err != nil {
					t.Fatal(err)
				}
			}
			must(u.Finish(light[0]))
		})
		runtime.KeepAlive(&light)
		runtime.KeepAlive(tree)
	}
	commits := func(kind string, make int) {
		a, b := h.as(uint32(n/5)), h.as(uint32(n-2))
		for _, e := range lent {
			a.SetEach(e.e)
			took(kind+"-make"+e.name, make, func() { must(a.Commit(CommitOptions{})) })
		}
		a.SetEach(nil)
		b.SetEach(nil)
		c := must(a.Commit(CommitOptions{}))
		size(kind+"-bytes", len(c.Message))
		var all [][]byte
		for range max(5, make) {
			all = append(all, must(a.Commit(CommitOptions{})).Message)
		}
		took(kind+"-process", len(all), func() { must(b.Process(all[0], t0)); all = all[1:] })
		put, _ := TreeChanges([]*SavedTree{a.SavedTree()}, []*SavedTree{c.Next.SavedTree()})
		saved := len(c.Next.SnapshotHead())
		for _, d := range put {
			saved += len(d.Key) + len(d.Value)
		}
		size(kind+"-saved", saved)
	}
	join("cold")
	commits("cold", 5)
	add := func(kind string) {
		a, b := h.as(uint32(n/5)), h.as(uint32(n-2))
		a.SetEach(nil)
		b.SetEach(nil)
		o := CommitOptions{Add: []*KeyPackage{kp}, WithoutTree: true, Now: t0}
		took(kind+"-add", 31, func() { must(a.Commit(o)) })
		var all [][]byte
		for range 31 {
			all = append(all, must(a.Commit(o)).Message)
		}
		size(kind+"-add-bytes", len(all[0]))
		took(kind+"-add-process", len(all), func() { must(b.Process(all[0], t0)); all = all[1:] })
		hundred := h.more(t, 100)
		took(kind+"-add-100", 5, func() { must(a.Commit(CommitOptions{Add: hundred, WithoutTree: true, Now: t0})) })
	}
	add("cold")
	h.warm(n / 2)
	join("warm")
	commits("warm", 101)
	add("warm")
	a, b := h.as(uint32(n/5)), h.as(uint32(n-2))
	took("warm-remove", 5, func() { must(a.Commit(CommitOptions{Remove: []uint32{3}})) })

	// The same commits, sliced: each member reads the head and its own piece of the rest.
	sl := newHall(t, XWing, n, four, sliced)
	piece := func(kind string, times int) {
		a, b := sl.as(uint32(n/5)), sl.as(uint32(n-2))
		for _, e := range lent {
			a.SetEach(e.e)
			took("sliced-"+kind+"-make"+e.name, times, func() { must(a.Commit(CommitOptions{})) })
		}
		a.SetEach(four)
		b.SetEach(nil)
		var all []*Pending
		for range times {
			all = append(all, must(a.Commit(CommitOptions{})))
		}
		size("sliced-"+kind+"-up", len(all[0].Message)+len(all[0].Slices.Blob()))
		down := 0
		took("sliced-"+kind+"-process", len(all), func() {
			_, read, err := fetch(b, all[0])
			if err != nil {
				t.Fatal(err)
			}
			down = max(down, len(all[0].Message)+read)
			all = all[1:]
		})
		size("sliced-"+kind+"-down", down)
	}
	// A light member removes somebody with the pages that this takes.
	few := func(kind string) {
		a := sl.as(uint32(n / 5))
		g := lightOf(a)
		remove := []uint32{uint32(n - n/4)}
		_, pages, down := sketched(t, a, g, remove)
		row("few-"+kind+"-pages", float64(pages), "pages")
		size("few-"+kind+"-down", down)
		all := map[int][]byte{}
		for i := range a.PageCount() {
			all[i] = a.Page(i)
		}
		var p *Pending
		took("few-"+kind+"-make-1", 7, func() {
			u := must(NewUpgrade(g))
			for list := must(g.Needs(u, remove)); len(list) > 0; list = must(g.Needs(u, remove)) {
				for _, i := range list {
					if err := u.Put(i, all[i]); err != nil {
						t.Fatal(err)
					}
				}
			}
			p = must(g.CommitPages(u, CommitOptions{Remove: remove}))
		})
		up, known := len(p.Slices.Blob())+len(p.Message), a.PageHashes()
		p.Tree.Pages(func(i int, hash []byte) {
			if !bytes.Equal(hash, known[i]) {
				up += len(p.Tree.Page(i))
			}
		})
		size("few-"+kind+"-up", up)
	}
	piece("cold", 5)
	few("cold")
	sl.warm(64)
	piece("healed", 31)
	few("healed")
	sl.warm(256)
	few("healed-256")
	sl = nil

	// Messages of 100 bytes, with what is to be saved of each.
	text := make([]byte, 100)
	const many = 3000
	var msgs [][]byte
	most := 0
	saved := func(g *Group) {
		k := 0
		for _, d := range g.Delta() {
			k += len(d.Key) + len(d.Value)
		}
		most = max(most, k)
	}
	a.Snapshot()
	b.Snapshot()
	start := time.Now()
	for range many {
		msgs = append(msgs, must(a.Encrypt(text, nil)))
		saved(a)
	}
	row("encrypt", float64(time.Since(start).Nanoseconds())/many/1000, "µs")
	start = time.Now()
	for _, m := range msgs {
		must(b.Process(m, t0))
		saved(b)
	}
	row("decrypt", float64(time.Since(start).Nanoseconds())/many/1000, "µs")
	size("message-saved", most)
	size("message-overhead", len(msgs[0])-len(text))
}
