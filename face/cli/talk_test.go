package cli

import (
	"slices"
	"testing"

	"paperplane/core"
)

// TestTexts puts into words what has no text of its own: files, polls, timers.
func TestTexts(t *testing.T) {
	for want, f := range map[string]core.Attachment{
		"a.txt":              {Name: "a.txt"},
		"sticker 👋":          {Name: "s.webp", Sticker: "👋"},
		"voice message 1:05": {Name: "v.webm", Voice: true, Duration: 64_600},
		"voice message 0:00": {Voice: true},
	} {
		if got := FileText(f); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	p := &core.Poll{Closed: true, Why: "so", Right: new(1), Options: []core.PollOption{{Text: "yes", Votes: 2, Own: true, By: []string{"Ann", "Bob"}}, {Text: "no"}}}
	want := []string{"1. yes  2 (you): Ann, Bob", "2. no  0 (right)", "so", "The poll has ended."}
	if got := PollText(p); !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	for seconds, want := range map[int]string{0: "Messages stay.", 5400: "Messages vanish after 1h30m0s."} {
		if got := timerText(seconds); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
