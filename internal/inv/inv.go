// Package inv checks invariants: conditions that only a bug of ours can break.
//
// The checks run in production. A failed check panics with a *Failure; the owner of the
// broken thing (an account, a conversation) recovers it at its boundary, stops that thing
// and reports it (see Catch). Bytes from strangers must never reach an inv check: what a peer
// can cause is an error, not an invariant.
//
// The package keeps no state and may be called concurrently.
package inv

// Failure is the value that a broken invariant panics with. What names the invariant and
// holds no personal data: it is a constant text in the calling code.
type Failure struct{ What string }

// Error makes a Failure an error, so that Catch can return it.
func (f *Failure) Error() string { return "invariant broken: " + f.What }

// That panics with a *Failure naming what when ok is false.
func That(ok bool, what string) {
	if !ok {
		panic(&Failure{What: what})
	}
}

// Catch runs f and returns the *Failure it panicked with, or nil. Any other panic goes on:
// only broken invariants are contained.
func Catch(f func()) (failure *Failure) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *Failure:
			failure = r
		default:
			panic(r)
		}
	}()
	f()
	return nil
}
