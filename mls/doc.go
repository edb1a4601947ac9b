// Package mls is Messaging Layer Security (RFC 9420): end-to-end encrypted groups of two to some
// tens of thousands, with the hybrid X-Wing suite as the default.
//
// A [Group] is one member's view of one epoch. What changes it and what does not:
//
//   - A commit, made (Commit) or received (Process), yields a NEW Group. The old one stays whole
//     and usable: it opens late messages of its epoch and processes whichever commit wins the race.
//     The caller replaces the old by the new once the commit's place in the order is certain.
//   - Messages advance ratchets inside the Group, and proposals are remembered in it. Each such
//     change shows up in Delta; save the deltas before sending or showing anything.
//   - An error leaves the Group as it was, except that a generation that was opened stays used.
//
// Bytes from others are Unverified until Verify, Join or Process has accepted them. Every check is
// a numbered rule (M-001 …) of rules.tsv; a refusal is a [RuleError] that names it and wraps
// [ErrInvalid]. Untrusted bytes never panic and never make the package allocate more than a small
// multiple of their own length. Limits are in limits.go.
//
// For large groups there is more than the RFC: members without the tree (JoinLight, CommitLight,
// Upgrade; draft-ietf-mls-partial) and commits of which each member reads its own piece (ExtSliced,
// which is ours alone; spec/slices.md). A group takes part in the latter only if it says so.
//
// The package does no I/O, starts no goroutines and reads no clock: time is an argument, randomness
// is crypto/rand. Nothing is safe for concurrent use; a Group and those made from it share memory,
// so they belong to one owner. Returned slices belong to the caller unless it says otherwise.
//
// References by section number alone are to RFC 9420; SelfRemove and the last-resort KeyPackage are
// of draft-ietf-mls-extensions, the X-Wing suite of draft-ietf-mls-pq-ciphersuites (TBD1).
package mls
