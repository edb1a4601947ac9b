package transporttest

import (
	"testing"

	"paperplane/transport/faulty"
	"paperplane/transport/mem"
)

// Mem is the carrier inside the process.
func Mem(t *testing.T) Way {
	n := new(mem.Net)
	return Way{Dialer: n, Listener: n.Listen("x"), Address: "mem:x", Nowhere: "mem:y"}
}

// Faulty is a wrapper without faults: wrappers keep the contract, too.
func Faulty(t *testing.T) Way {
	w := Mem(t)
	w.Dialer = faulty.New(w.Dialer, 1, faulty.Faults{})
	return w
}
