package convo

import (
	"testing"
	"time"
)

// TestOvertaken: what commits overtook, however late it comes, is no sign of being lost, and what was
// sealed where one has never been is; who has just come in is patient.
func TestOvertaken(t *testing.T) {
	l := group(t, "ann", "bob")
	ann, bob := l.member("ann"), l.member("bob")
	late := func(n int) (list [][]byte) {
		for range n {
			msg, err := ann.c.Seal([]byte("x"))
			if err != nil {
				t.Fatal(err)
			}
			b, err := ann.c.Bodies(msg)
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, b...)
		}
		return list
	}
	read := func(at time.Time, list [][]byte) {
		for _, b := range list {
			l.seq++
			if out := bob.c.Receive(at, l.seq, b, none); out != (Void{}) {
				t.Errorf("got %+v, want it void", out)
			}
			ann.c.Receive(at, l.seq, b, none)
		}
	}
	bob.c.came = now.Add(-time.Hour)
	first := late(voidsMax)
	act(t, l, "bob", Change{})
	read(now.Add(overtakenLate), first)
	if got := bob.c.Lost(); got != 0 {
		t.Errorf("%v after the commit: lost %d, want 0", overtakenLate, got)
	}
	for range pastMax - 1 {
		act(t, l, "ann", Change{})
	}
	read(now.Add(overtakenLate), first)
	if got := bob.c.Lost(); got != 0 {
		t.Errorf("%d commits later: lost %d, want 0", pastMax, got)
	}
	act(t, l, "ann", Change{})
	read(now.Add(overtakenMax), first)
	if got := bob.c.Lost(); got != 0 {
		t.Errorf("%d commits later, at once: lost %d, want 0", pastMax+1, got)
	}
	read(now.Add(overtakenMax+1), first)
	if got := bob.c.Lost(); got != LostVoid {
		t.Errorf("%d commits later: lost %d, want %d", pastMax+1, got, LostVoid)
	}

	l = group(t, "ann", "bob")
	ann, bob = l.member("ann"), l.member("bob")
	bob.c.came = now.Add(-time.Hour)
	first = late(voidsMax)
	act(t, l, "bob", Change{})
	read(now.Add(overtakenLate+1), first)
	if got := bob.c.Lost(); got != LostVoid {
		t.Errorf("others who go on in an epoch that ended long ago: lost %d, want %d", got, LostVoid)
	}

	l = group(t, "ann", "bob")
	bob = l.member("bob")
	ann = l.member("ann")
	strange := make([][]byte, voidsMax)
	for i := range strange {
		strange[i] = make([]byte, 1024)
	}
	read(now.Add(overtakenLate), strange)
	if got := bob.c.Lost(); got != 0 {
		t.Errorf("has just come in: lost %d, want 0", got)
	}
	read(now.Add(overtakenLate+1), strange)
	if got := bob.c.Lost(); got != LostVoid {
		t.Errorf("came in a while ago: lost %d, want %d", got, LostVoid)
	}
}
