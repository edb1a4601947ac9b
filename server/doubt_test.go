package server_test

import (
	"context"
	"errors"
	"testing"

	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
	"paperplane/server/store"
)

// storedButFailed stores a record and says that it failed, while fail is set.
type storedButFailed struct {
	store.Log
	fail *bool
}

func (s storedButFailed) Append(ctx context.Context, id plane.LogID, day plane.Day, b []byte, retry bool) (plane.Seq, error) {
	seq, err := s.Log.Append(ctx, id, day, b, retry)
	if err == nil && *s.fail {
		return 0, errors.New("the disk answers too late")
	}
	return seq, err
}

// TestDoubtfulAppendIsShown: a record that is stored though its append failed reaches whoever is
// subscribed. Its sender finds it there after a reconnection and never sends it again, so nothing
// else would show it. (Seed 33655 of the simulator.)
func TestDoubtfulAppendIsShown(t *testing.T) {
	fail := false
	w := newWorld(t, func(w *world) { w.store = storedButFailed{w.store, &fail} })
	ann := w.connect()
	ann.join()
	l := ann.create(false)
	write, read := ann.open(l, wire.RoleWrite), ann.open(l, wire.RoleRead)
	ann.ask(wire.Subscribe{Handle: read, From: 1})
	ann.append(write, 1)
	fail = true
	ann.want(wire.Append{Handle: write, Body: body(2)}, plane.Failed)
	if got, want := seqs(ann.take()), "1 2"; got != want {
		t.Errorf("subscriber got records %q, want %q", got, want)
	}
}
