package core

// wordsView is State.Words.
func (m *Machine) wordsView() string { return "" }
