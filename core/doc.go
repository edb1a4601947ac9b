// Package core is the client as a pure machine: Step takes one input and returns what is to be
// done. It does no I/O, reads no clock and keeps no history in memory; the same code runs natively
// and in a browser. Its parts are core/account, core/convo, core/outbox and core/timeline, which
// do not know of each other.
//
// Invariants:
//
//   - A Step stores before it sends: its Persist, at most one, comes first and holds all of it. So
//     a crash before any effect is harmless, and Load of what is stored makes an equal Machine.
//   - What a crash left undone is done again: after Started and each fresh Connected, every log is
//     read up to its head before anything is sent, and pumpServer and pumpChat look at the state
//     alone, not at how it came to be.
//   - An item leaves the outbox only when its own record was seen in a valid place; then, in the
//     same Step, it gets its place in the history. So nothing is lost and nothing shown twice.
//   - A broken invariant of one chat stops that chat and no other.
//   - No map order reaches an effect.
//
// History is written below "h/", "a/", "g/" and "u/" and read by pure functions over a Reader: Page, Read,
// Find (before a command, into Do.Found), Complete (on each event, after the Persist of its Step)
// and CompleteResult (on each result).
//
// A Machine has one owner and is not safe for concurrent use; the functions over a Reader may be
// called by anybody. See docs/internals/architecture.md.
package core
