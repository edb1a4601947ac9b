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

// The maker of a large group adds everybody in one commit.
func BenchmarkCreate(b *testing.B) {
	for _, n := range []int{1250, 2500, 5000} {
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

// What a large group takes, to be compared between sizes: all of it grows about as they do, or less.
// A warm tree is one in which 256 members, spread over it, have committed.
func BenchmarkLarge(b *testing.B) {
	for _, n := range []int{1250, 2500, 5000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			benchSuites(b, func(b *testing.B, s Suite) {
				h := newHall(b, s, n, nil)
				who := newPerson(s, "late")
				late, lateSec := who.keyPackage()
				run := func(name string, f func()) {
					b.Run(name, func(b *testing.B) {
						for b.Loop() {
							f()
						}
					})
				}
				each := func(kind string) {
					one, other := h.as(uint32(n/5)), h.as(uint32(n-2))
					o := CommitOptions{Add: []*KeyPackage{late}, WithoutTree: true, Now: t0}
					run(kind+"/commit", func() { must(one.Commit(CommitOptions{})) })
					run(kind+"/add", func() { must(one.Commit(o)) })
					process := func(name string, o CommitOptions) {
						b.Run(kind+"/"+name, func(b *testing.B) {
							var msgs [][]byte
							for b.Loop() {
								if len(msgs) == 0 {
									b.StopTimer()
									for range 20 {
										msgs = append(msgs, must(one.Commit(o)).Message)
									}
									b.StartTimer()
								}
								must(other.Process(msgs[0], t0))
								msgs = msgs[1:]
							}
						})
					}
					process("process", CommitOptions{})
					process("process-add", o)
					p := must(one.Commit(o))
					tree := p.Next.Tree()
					run(kind+"/join", func() { must(Join(p.Welcome, JoinOptions{Secret: lateSec, Signer: who.sign, Tree: tree})) })
					run(kind+"/snapshot", func() { one.SnapshotHead() })
				}
				each("cold")
				h.warm(256)
				each("warm")
			})
		})
	}
}
