package client

import (
	"testing"

	"paperplane/client/vault"
	"paperplane/core"
)

// TestGather: steps that change much are saved in several transactions, each of which a vault
// takes; those that change little share one.
func TestGather(t *testing.T) {
	inputs := make([]core.Input, batchMax)
	for i := range inputs {
		inputs[i] = core.Tick{}
	}
	for name, x := range map[string]struct{ bytes, ops, most, least int }{
		"little":    {100, 10, 1, 1},
		"values":    {vault.ValueBytesMax, 1, batchMax, batchMax / 2},
		"many ops":  {1, 4000, 20, 10},
		"no change": {0, 0, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			left, rounds := inputs, 0
			for len(left) > 0 {
				n, ops, effects := gather(left, func(core.Input) []core.Effect {
					if x.ops == 0 {
						return []core.Effect{core.Hangup{}}
					}
					p := core.Persist{}
					for range x.ops {
						p.Ops = append(p.Ops, core.Op{Key: "k", Value: make([]byte, x.bytes)})
					}
					return []core.Effect{p, core.Hangup{}}
				})
				total := 0
				for _, op := range ops {
					total += len(op.Key) + len(op.Value)
				}
				if n == 0 || total > vault.CommitBytesMax || len(ops) > vault.OpsMax {
					t.Fatalf("%d inputs in one transaction of %d bytes, %d ops", n, total, len(ops))
				}
				hangups := 0
				for _, e := range effects {
					if _, ok := e.(core.Hangup); ok {
						hangups++
					}
				}
				if hangups != n || len(ops) != n*x.ops {
					t.Errorf("%d inputs: got %d effects and %d ops", n, hangups, len(ops))
				}
				left = left[n:]
				rounds++
			}
			if rounds > x.most || rounds < x.least {
				t.Errorf("got %d transactions, want %d to %d", rounds, x.least, x.most)
			}
		})
	}
}
