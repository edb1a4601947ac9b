package storetest

import (
	"testing"

	"pgregory.net/rapid"

	"paperplane/protocol/plane"
	"paperplane/server/store"
	"paperplane/server/store/mem"
)

// model runs random sequences of operations on the store and on mem, which is short enough to
// be read, and compares every answer. Ids are fresh in each run, so one store serves all runs.
func model(t *testing.T, w *world) {
	run := 0
	rapid.Check(t, func(rt *rapid.T) {
		if run++; w.Slow && run%10 != 1 {
			return
		}
		ref := mem.New()
		id := func(n int) plane.LogID { return ID(1000*run + n) }
		compare := func(rt *rapid.T) {
			for n := range 4 {
				want, _ := ref.Read(t.Context(), id(n), 0, 1000)
				got, err := w.Log.Read(t.Context(), id(n), 0, 1000)
				if err != nil {
					rt.Fatalf("Read: got %v, want nil", err)
				}
				diff(rt, got, want)
				wantHead, _ := ref.Head(t.Context(), id(n))
				if h, err := w.Log.Head(t.Context(), id(n)); h != wantHead || err != nil {
					rt.Fatalf("Head: got %d, %v, want %d, nil", h, err, wantHead)
				}
			}
		}
		rt.Repeat(map[string]func(*rapid.T){
			"append": func(rt *rapid.T) {
				n := rapid.IntRange(0, 3).Draw(rt, "log")
				day := Day + plane.Day(rapid.IntRange(0, 4).Draw(rt, "day"))
				body := Body(rapid.IntRange(0, 9).Draw(rt, "body"), rapid.SampledFrom([]int{plane.RecordSmall, plane.RecordMedium, plane.RecordLarge}).Draw(rt, "size"))
				retry := rapid.Bool().Draw(rt, "retry")
				want, _ := ref.Append(t.Context(), id(n), day, body, retry)
				if got, err := w.Log.Append(t.Context(), id(n), day, body, retry); got != want || err != nil {
					rt.Fatalf("Append: got seq %d, %v, want %d, nil", got, err, want)
				}
			},
			"read": func(rt *rapid.T) {
				n := rapid.IntRange(0, 3).Draw(rt, "log")
				from := plane.Seq(rapid.IntRange(0, 30).Draw(rt, "from"))
				limit := rapid.IntRange(0, 10).Draw(rt, "limit")
				want, _ := ref.Read(t.Context(), id(n), from, limit)
				got, err := w.Log.Read(t.Context(), id(n), from, limit)
				if err != nil {
					rt.Fatalf("Read: got %v, want nil", err)
				}
				diff(rt, got, want)
			},
			"forget": func(rt *rapid.T) {
				n := rapid.IntRange(0, 3).Draw(rt, "log")
				_ = ref.Forget(t.Context(), id(n))
				if err := w.Log.Forget(t.Context(), id(n)); err != nil {
					rt.Fatalf("Forget: got %v, want nil", err)
				}
			},
			"settle": func(rt *rapid.T) {
				if err := w.Log.Settle(t.Context()); err != nil {
					rt.Fatalf("Settle: got %v, want nil", err)
				}
			},
			"expire": func(rt *rapid.T) {
				first := map[plane.LogID]plane.Day{}
				for n := range 4 {
					first[id(n)] = Day + plane.Day(rapid.IntRange(0, 3).Draw(rt, "first"))
				}
				// Logs of earlier runs lose everything, so that the store stays small.
				keep := func(l plane.LogID) plane.Day {
					if d, ok := first[l]; ok {
						return d
					}
					return Day + 1000
				}
				_ = ref.Expire(t.Context(), keep)
				if err := w.Log.Expire(t.Context(), keep); err != nil {
					rt.Fatalf("Expire: got %v, want nil", err)
				}
			},
			"reopen": func(rt *rapid.T) {
				if w.Reopen != nil {
					w.Log = w.Reopen()
				}
			},
			"crash": func(rt *rapid.T) {
				if w.Crash != nil {
					w.Log = w.Crash()
				}
			},
			"": compare,
		})
	})
}

func diff(rt *rapid.T, got, want []store.Record) {
	if len(got) != len(want) {
		rt.Fatalf("Read: got %d records, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i].Seq != want[i].Seq || string(got[i].Body) != string(want[i].Body) {
			rt.Fatalf("Read record %d: got seq %d, want seq %d with its body", i, got[i].Seq, want[i].Seq)
		}
	}
}
