// Package embedded keeps logs in one folder, without a database: a tail in order of arrival,
// made durable by group commit, and one sorted segment a day into which it is merged.
//
// Invariants: a record whose Append returned survives kill -9 and power loss and is read once;
// numbers have no gaps and are never given twice; after Settle no byte in the folder depends on
// the order in which records of different logs came; nothing is finer than a day.
// A Log is safe for concurrent use; one process owns the folder. README.md tells the life of an
// entry, docs/internals/store.md why it is built so and what was measured.
//
// Lock order: merging, then mu. Goroutines: one writer, one merger; Close waits for both.
package embedded
