package mls

import (
	"fmt"
	"testing"
)

// crowd makes n-1 KeyPackages to add.
func crowd(b testing.TB, s Suite, n int) ([]*KeyPackage, []*KeyPackageSecret, []*person) {
	b.Helper()
	var kps []*KeyPackage
	var secs []*KeyPackageSecret
	var who []*person
	for i := range n - 1 {
		p := newPerson(s, fmt.Sprintf("user-%06d-device-0000000000000000", i))
		kp, sec := p.keyPackage()
		kps, secs, who = append(kps, kp), append(secs, sec), append(who, p)
	}
	return kps, secs, who
}

func benchSuites(b *testing.B, f func(b *testing.B, s Suite)) {
	b.Run("xwing", func(b *testing.B) { f(b, XWing) })
	b.Run("x25519", func(b *testing.B) { f(b, X25519AES) })
}

// A message of 100 bytes, with the state that it makes necessary to save.
func BenchmarkEncrypt(b *testing.B) {
	benchSuites(b, func(b *testing.B, s Suite) {
		w := newWorld(b, s, 2)
		w.g[0].Snapshot()
		text := make([]byte, 100)
		for b.Loop() {
			must(w.g[0].Encrypt(text, nil))
			w.g[0].Delta()
		}
	})
}

func BenchmarkDecrypt(b *testing.B) {
	benchSuites(b, func(b *testing.B, s Suite) {
		w := newWorld(b, s, 2)
		w.g[1].Snapshot()
		text := make([]byte, 100)
		var m [][]byte
		for b.Loop() {
			if len(m) == 0 { // a thousand at a time: stopping the clock costs more than a message
				b.StopTimer()
				for range 1000 {
					m = append(m, must(w.g[0].Encrypt(text, nil)))
				}
				b.StartTimer()
			}
			must(w.g[1].Process(m[0], t0))
			w.g[1].Delta()
			m = m[1:]
		}
	})
}

// large makes a group of n whose leaf 0 is returned, with one other member.
func large(b *testing.B, s Suite, n int) (first, last *Group) {
	kps, secs, who := crowd(b, s, n)
	p := must(newPerson(s, "founder").found().Commit(CommitOptions{Add: kps, WithoutTree: true, Now: t0}))
	k := len(kps) - 1
	return p.Next, must(Join(p.Welcome, JoinOptions{Secret: secs[k], Signer: who[k].sign, Tree: p.Next.Tree()}))
}

// The maker of a large group adds everybody in one commit.
func BenchmarkCreate(b *testing.B) {
	for _, n := range []int{100, 1000, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			benchSuites(b, func(b *testing.B, s Suite) {
				kps, _, _ := crowd(b, s, n)
				g := newPerson(s, "founder").found()
				for b.Loop() {
					p := must(g.Commit(CommitOptions{Add: kps, WithoutTree: true, Now: t0}))
					b.ReportMetric(float64(len(p.Message)), "B/commit")
				}
			})
		})
	}
}

// A commit and its processing where the tree's parents are filled in.
func BenchmarkCommitWarm(b *testing.B) {
	for _, n := range []int{16, 256} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			benchSuites(b, func(b *testing.B, s Suite) {
				kps, secs, who := crowd(b, s, n)
				p := must(newPerson(s, "founder").found().Commit(CommitOptions{Add: kps, WithoutTree: true, Now: t0}))
				w := &world{t: b, g: []*Group{p.Next}}
				tree := p.Next.Tree()
				for i := range kps {
					w.g = append(w.g, must(Join(p.Welcome, JoinOptions{Secret: secs[i], Signer: who[i].sign, Tree: tree})))
				}
				for i := 0; i < n; i += 2 {
					w.deliver(i, must(w.g[i].Commit(CommitOptions{})))
				}
				b.Run("create", func(b *testing.B) {
					for b.Loop() {
						p := must(w.g[0].Commit(CommitOptions{}))
						b.ReportMetric(float64(len(p.Message)), "B/commit")
					}
				})
				b.Run("process", func(b *testing.B) {
					for b.Loop() {
						b.StopTimer()
						p := must(w.g[0].Commit(CommitOptions{}))
						b.StartTimer()
						must(w.g[1].Process(p.Message, t0))
					}
				})
			})
		})
	}
}

// One member added without a path, one joining with the whole tree checked, one commit in a cold tree.
func BenchmarkLarge(b *testing.B) {
	for _, n := range []int{1000, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			benchSuites(b, func(b *testing.B, s Suite) {
				first, last := large(b, s, n)
				kp, sec := newPerson(s, "new").keyPackage()
				who := newPerson(s, "late")
				late, lateSec := who.keyPackage()
				_ = sec
				b.Run("add", func(b *testing.B) {
					for b.Loop() {
						must(first.Commit(CommitOptions{Add: []*KeyPackage{kp}, WithoutTree: true, Now: t0}))
					}
				})
				b.Run("process-add", func(b *testing.B) {
					for b.Loop() {
						b.StopTimer()
						p := must(first.Commit(CommitOptions{Add: []*KeyPackage{kp}, WithoutTree: true, Now: t0}))
						b.StartTimer()
						must(last.Process(p.Message, t0))
					}
				})
				b.Run("cold-commit", func(b *testing.B) {
					for b.Loop() {
						must(first.Commit(CommitOptions{}))
					}
				})
				p := must(first.Commit(CommitOptions{Add: []*KeyPackage{late}, WithoutTree: true, Now: t0}))
				tree := p.Next.Tree()
				b.Run("join", func(b *testing.B) {
					for b.Loop() {
						must(Join(p.Welcome, JoinOptions{Secret: lateSec, Signer: who.sign, Tree: tree}))
					}
				})
				b.Run("snapshot", func(b *testing.B) {
					for b.Loop() {
						first.Snapshot()
					}
				})
			})
		})
	}
}
