package sim

import "testing"

// TestPinnedSeeds lives seeds that once showed a bug. What they are like follows from the
// scenario too, so core's tests have small forms of the bugs that can have one.
func TestPinnedSeeds(t *testing.T) {
	for _, p := range []struct {
		seed  uint64
		found string
	}{
		{1305, "a message waited for ever in a group that its only member had left"},
		{1396, "a commit waited for ever in a group that its only member had left"},
		{1786, "a contact request stored by a failing try reached nobody"},
		{41, "messages refused by a full disk overtook each other on the second try"},
	} {
		t.Run(p.found, func(t *testing.T) { one(t, p.seed) })
	}
}

// TestPinnedLies does the same on a dishonest server: seed 1 had a client asking again without
// any delay, after its keys were no longer those of the others.
func TestPinnedLies(t *testing.T) {
	if found := liveOn(t, "dishonest", 1, (*world).betrayed); found != "" {
		t.Error(found)
	}
}
