package mls

// allGood never knows: a browser's core checks signatures one by one, for its size.
func (s *suite) allGood(int, func(int) vouched, Each) bool { return false }
