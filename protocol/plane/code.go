package plane

// Code is what a server answers. The set is closed and append-only: numbers are fixed for
// ever, new ones go to the end, 240–255 are for experiments. A face turns a Code into words.
type Code uint8

// The codes and what the client does next.
const (
	// Zero is invalid on the wire.
	_ Code = iota
	// OK: done.
	OK
	// Refused: not there, not allowed or expired; on purpose one code that costs one time.
	// The client treats the capability as dead; it does not try again by itself.
	Refused
	// Malformed: the request breaks the protocol; a bug of the client. It is not repeated.
	Malformed
	// TooLarge: over a named limit. Not repeated.
	TooLarge
	// Busy: over a rate or queue limit. Try again later, with growing delays.
	Busy
	// Full: the server's disk or the log's quota is full. Nothing was stored; try again later.
	Full
	// Closed: the log is frozen. Appending ends; reading goes on.
	Closed
	// Failed: the server had a fault. Nothing is known of the outcome; try again.
	Failed
	// UsedUp: the door (invite) has no uses left or its day is past. Told only to whoever
	// proved to hold the door's key. Not repeated.
	UsedUp
	// Later: the log is not there yet; the client asks again soon (never sent by a server:
	// clients derive it from Refused for a log whose creation is under way).
	Later
)

// codeWords are what metrics and logs call the codes: fixed words, never shown to a person.
var codeWords = [...]string{
	OK: "ok", Refused: "refused", Malformed: "malformed", TooLarge: "too-large", Busy: "busy",
	Full: "full", Closed: "closed", Failed: "failed", UsedUp: "used-up", Later: "later",
}

// String returns the fixed word for a code, and "other" for one that this version does not know:
// a peer cannot make new words, so the word may label a metric.
func (c Code) String() string {
	if int(c) < len(codeWords) && codeWords[c] != "" {
		return codeWords[c]
	}
	return "other"
}
