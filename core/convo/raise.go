package convo

import "paperplane/protocol/plane"

// Who raises the generation, and how often. Log keys are exchanged when somebody goes, so members must
// be able to raise it while every admin is away. But only the owner key of the log brings the server
// on, and of the generations that it is behind everybody keeps the keys: gensMax of them. Whoever has
// the owner key says in the group state at which generation it was there last (Queue.At), so all
// count alike, newcomers, too.
const (
	// GensOwn is how far members raise it by taking out devices of their own since then: one member can
	// do that in a circle, with two devices.
	GensOwn = 1024
	// gensLeft is how far they do by taking out who has left. Beyond it they go, and the keys stay.
	gensLeft = gensMax - 1
)

// raised returns how often the generation has risen since somebody was there who could bring the server on.
func (s *State) raised() plane.Gen {
	at := plane.Gen(0)
	if s.Queue != nil {
		at = s.Queue.At
	}
	if s.Moved != nil {
		at = max(at, s.Moved.Gen)
	}
	return s.Gen - at
}

// Behind says that the generation has risen so far that devices may have been signed out without.
func (s *State) Behind() bool { return s.raised() >= GensOwn }

// mayRaise says whether a commit that does that to people may raise the generation.
func (c *Convo) mayRaise(role Role, list people, removes bool) bool {
	if role >= RoleAdmin {
		return true
	}
	most := plane.Gen(0)
	for p, x := range list {
		if x.lost > x.rejoined && c.after(list, p) <= 0 {
			most = gensLeft
		} else if x.lost > x.rejoined {
			most = max(most, GensOwn)
		}
	}
	if c.light != nil && removes {
		most = gensLeft // it does not know whose leaf it was
	}
	return c.state.raised() < most
}
