package mls

// A browser's core checks signatures one by one, for its size.

type bulk struct{}

func (s *suite) allGood(int, func(int) vouched, Each) bool { return false }
func (s *suite) newBulk(uint32) *bulk                      { return nil }
func (k *bulk) add(vouched) bool                           { return false }
func (k *bulk) done() bool                                 { return false }
