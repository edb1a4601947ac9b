package session

// Queued returns what the session holds for the client that is not acknowledged yet. Whoever has
// much to send looks at it and waits, instead of running into ErrOverflow.
func (s *Session) Queued() (bytes, count int) {
	s.s.mu.Lock()
	defer s.s.mu.Unlock()
	return s.s.stream.bytes, len(s.s.stream.queue)
}
