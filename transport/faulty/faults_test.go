package faulty_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"paperplane/transport"
	"paperplane/transport/faulty"
	"paperplane/transport/transporttest"
)

// story tells what one connection does with 200 messages each way until it dies.
func story(t *testing.T, seed uint64, f faulty.Faults) (sent, arrived int, err error) {
	t.Helper()
	w := transporttest.Mem(t)
	accepted := make(chan transport.MessageConn, 1)
	go func() {
		c, err := w.Listener.Accept(context.Background())
		if err != nil {
			t.Errorf("accept: %v", err)
		}
		accepted <- c
	}()
	c, err := faulty.New(w.Dialer, seed, f).Dial(t.Context(), w.Address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	peer := <-accepted
	defer peer.Close()
	for i := range 200 {
		if err = c.Send(t.Context(), fmt.Append(nil, i)); err != nil {
			break
		}
		sent++
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		b, rerr := peer.Receive(ctx)
		cancel()
		if rerr == nil {
			if string(b) != fmt.Sprint(arrived) {
				t.Errorf("seed %d: message %q, want %d", seed, b, arrived)
			}
			arrived++
		}
	}
	return sent, arrived, err
}

// TestFaults: one seed has one story; cuts end with an error, and with fewer or as many
// messages arrived as were sent; silence has no error.
func TestFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost := 0
		for seed := range uint64(60) {
			f := faulty.Faults{CutMean: 20}
			s1, a1, err1 := story(t, seed, f)
			s2, a2, err2 := story(t, seed, f)
			if s1 != s2 || a1 != a2 || !errors.Is(err2, err1) {
				t.Errorf("seed %d: %d sent, %d arrived, %v; again: %d, %d, %v", seed, s1, a1, err1, s2, a2, err2)
			}
			if err1 == nil {
				t.Errorf("seed %d: never cut", seed)
			}
			if a1 < s1 {
				lost++
			}
		}
		if lost == 0 {
			t.Error("no message was ever lost without an error")
		}
		for seed := range uint64(5) {
			sent, arrived, err := story(t, seed, faulty.Faults{StallMean: 20})
			if err != nil || sent != 200 || arrived == 200 {
				t.Errorf("stall, seed %d: %d sent, %d arrived, error %v; want 200, fewer, nil", seed, sent, arrived, err)
			}
		}
	})
}
