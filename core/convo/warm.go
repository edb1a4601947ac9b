package convo

// Warming: a tree that was filled by adds alone is cold, and each commit is sealed to every leaf. So
// members refresh themselves, one at a time, in the order in which it helps most (mls.WarmOrder):
// from the maker of the last commit on, whoever is there and has the tree. Each leaf has its turn, so
// that two seldom come at once, and nobody has to know who is there.

// WarmEnough is to how many nodes a commit may be sealed before members warm the tree. A variable for
// tests.
var WarmEnough = 64

// WarmTurn returns how many others have their turn before this member, when a member on the leaf
// maker has made the last commit; ok is false when there is nothing to warm, or not by this one.
func (c *Convo) WarmTurn(maker uint32) (turns int, ok bool) {
	me := c.g.OwnIndex()
	if !c.g.Sliced() || c.light != nil || c.state.Kind != Group || c.PathSize() <= WarmEnough || !c.g.Warms(me) {
		return 0, false
	}
	return int(c.g.WarmTurns(maker, me)), true
}

// PathSize returns to how many nodes a commit of this member would be sealed.
func (c *Convo) PathSize() int { return c.g.PathSize(c.g.OwnIndex()) }
