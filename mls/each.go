package mls

// Each calls do(0) to do(n-1), every one once, and returns when all have returned. It may call them
// in any order and several at the same time: that is how a caller lends the package more than one
// core, since the package itself starts no goroutines. nil calls them one after the other.
//
// What comes out is the same either way. With an Each nothing else changes: a Group still belongs
// to one owner.
type Each func(n int, do func(i int))

func (e Each) run(n int, do func(i int)) {
	if e != nil && n > 1 {
		e(n, do)
		return
	}
	for i := range n {
		do(i)
	}
}

// check calls f for 0 to n-1 and returns the error of the lowest that has one.
func (e Each) check(n int, f func(i int) error) error {
	if e == nil || n < 2 {
		for i := range n {
			if err := f(i); err != nil {
				return err
			}
		}
		return nil
	}
	errs := make([]error, n)
	e(n, func(i int) { errs[i] = f(i) })
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// SetEach lends the Group, and those that come of it, what Commit, Process and the like use for
// work on many members. nil takes it back. It is not part of what is stored.
func (g *Group) SetEach(e Each) {
	if g.light == nil { // a light member has no such work
		g.tree.each = e
	}
}
func (g *Group) lent() Each {
	if g.light != nil {
		return nil
	}
	return g.tree.each
}
