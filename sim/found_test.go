package sim

import "testing"

// TestRacesFound runs schedules that once left somebody lost; the first list on an honest server.
func TestRacesFound(t *testing.T) {
	base := raceBase(t)
	for _, s := range []uint64{200997, 208371, 221297, 224467} {
		race(t, base, s)
	}
	defer func(was bool) { *raceLies = was }(*raceLies)
	*raceLies = true
	for _, s := range []uint64{402328, 402756, 402859, 405853, 407997, 408310, 408923, 409356, 410266, 411955, 435583, 437084, 900074, 6000330, 6107659} {
		race(t, base, s)
	}
}
