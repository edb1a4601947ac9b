package core

// Hasty makes a machine take up at once, without asking, what its other devices may have taken up.
func (m *Machine) Hasty(on bool) {
	m.hasty = on
}
