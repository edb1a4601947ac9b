package core

import (
	"strconv"
	"testing"
)

// BenchmarkStepChats is what a Step costs that has nothing to do with any chat, by the number of
// chats: a person's list is not to make every key press and record slower.
func BenchmarkStepChats(b *testing.B) {
	for _, n := range []int{10, 1000} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			m := machine(b, n)
			m.Step(testNow, Connected{Server: ServerID{1}, Fresh: true})
			m.Step(testNow, Tick{})
			b.ReportAllocs()
			for b.Loop() {
				m.Step(testNow, Tick{})
			}
		})
	}
}

// TestStepCost: what a Step allocates does not grow with the number of chats.
func TestStepCost(t *testing.T) {
	cost := func(n int) float64 {
		m := machine(t, n)
		m.Step(testNow, Connected{Server: ServerID{1}, Fresh: true})
		m.Step(testNow, Tick{})
		return testing.AllocsPerRun(10, func() { m.Step(testNow, Tick{}) })
	}
	if few, many := cost(2), cost(60); many > few {
		t.Errorf("a Step with 60 chats makes %v allocations, with 2 %v", many, few)
	}
}
