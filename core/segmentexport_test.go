package core

import "paperplane/core/timeline"

// Within is MakeSegment.within.
func Within(e MakeSegment, list []timeline.Carried) []timeline.Carried { return e.within(list) }
