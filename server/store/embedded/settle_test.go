package embedded

import (
	"context"
	"sync"
	"testing"
	"time"

	"paperplane/protocol/plane"
	"paperplane/server/store/storetest"
)

// A writer that waits for room takes no request to freeze, so Settle must not keep the merger
// from making room while it asks for one; and a tail that is frozen while young segments are
// merged without any must not be forgotten.
func TestSettleWhileTailsAreFull(t *testing.T) {
	l, err := openOn(newMemDisk(), smallTail, smallStep)
	if err != nil {
		t.Fatalf("openOn: got %v, want nil", err)
	}
	defer l.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var writers, settler sync.WaitGroup
	for g := range 16 {
		writers.Go(func() {
			for i := range 150 {
				if _, err := l.Append(ctx, storetest.ID(g), storetest.Day, storetest.Body(i, plane.RecordSmall), false); err != nil {
					t.Errorf("Append: got %v, want nil", err)
					return
				}
			}
			if recs, err := l.Read(ctx, storetest.ID(g), 1, 200); err != nil || len(recs) != 150 {
				t.Errorf("Read: got %d records and %v, want 150 and nil", len(recs), err)
			}
		})
	}
	stop := make(chan struct{})
	settler.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			if err := l.Settle(ctx); err != nil {
				t.Errorf("Settle: got %v, want nil", err)
				return
			}
		}
	})
	writers.Wait()
	close(stop)
	settler.Wait()
	if err := l.Settle(t.Context()); err != nil {
		t.Fatalf("Settle: got %v, want nil", err)
	}
	if l.active.end != 0 || l.frozen != nil || len(l.young) != 0 {
		t.Errorf("after Settle: got %d bytes in the tail, frozen %v, %d young segments, want none",
			l.active.end, l.frozen != nil, len(l.young))
	}
}
