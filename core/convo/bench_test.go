package convo

import (
	"testing"

	"paperplane/protocol/plane"
)

// BenchmarkJudge is what a commit costs in a group of 5,000 besides MLS: judging it by the policy
// and carrying the roster over.
func BenchmarkJudge(b *testing.B) {
	c := group(&testing.T{}, "ann", "bob").member("ann").c
	full(c, plane.GroupMembersMax-300, plane.GroupMembersMax-300)
	bob := who("bob")
	b.Run("refresh", func(b *testing.B) {
		for b.Loop() {
			if !c.allowed(bob, c.state, turn{}) {
				b.Fatal("refused")
			}
		}
	})
	var add turn
	for i, p := range persons(256) {
		add.added = append(add.added, seated{leaf: uint32(10000 + i), person: p})
	}
	b.Run("add-256", func(b *testing.B) {
		for b.Loop() {
			if !c.allowed(who("ann"), c.state, add) {
				b.Fatal("refused")
			}
			for _, s := range add.added {
				c.who.put(s.leaf, s.person)
			}
			for _, s := range add.added {
				c.who.take(s.leaf)
			}
		}
	})
	b.Run("members", func(b *testing.B) {
		for b.Loop() {
			if len(c.Members()) != c.Size() {
				b.Fatal("wrong")
			}
		}
	})
}
