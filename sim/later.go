package sim

import (
	"slices"

	"paperplane/core/timeline"
	"paperplane/protocol/plane"
)

// laterSelf gives a device that was set back the memberships of its later self: of one that had come in
// since the copy was made, the device knows only the record by which it came back, and from what
// others tell it has what was said since it had come in. The lines of the others say when that was. Who
// was out again by then came back against the rules, and nothing is said in favour of that here.
func (h *history) laterSelf(all []*history) {
	if !h.c.restored {
		return
	}
	for i := range h.spans {
		s, after := &h.spans[i], plane.Seq(0)
		if i > 0 {
			after = h.spans[i-1].to
		}
		var came, out plane.Seq
		for _, o := range all {
			for _, e := range o.lines {
				n, l := plane.Seq(e.Seq), e.Line
				if n <= after || n >= s.from {
					continue
				}
				whom := slices.ContainsFunc(l.Whom, h.person)
				switch l.What {
				case "added", "came":
					if whom {
						came = max(came, n)
					}
				case "removed", "banned", "erased", "left":
					if whom || l.What == "left" && h.person(l.Who) {
						out = max(out, n)
					}
				}
			}
		}
		if came > out {
			s.from = came
		}
	}
}

// ungiven says of a line that a device lacks that the one who told it what it had missed may have lacked
// it, too: who came in later has no line from before, and of its own coming and coming back another.
// Messages are not forgiven.
func (h *history) ungiven(id timeline.ID, seq plane.Seq, all []*history) bool {
	return h.c.restored && seq < h.back && slices.ContainsFunc(all, func(o *history) bool {
		_, have := o.lines[id]
		return o != h && !have && o.has(h.back)
	})
}
