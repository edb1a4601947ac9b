// Package seal is what only clients can open: records in their envelopes, signals, cards, key
// packages, contact requests, blob chunks and invite links.
//
// Invariants: everything sealed has a length that says nothing of its contents beyond a named
// bucket (E-02); every seal is bound to its purpose and to the log it is for, so that nothing
// opens in another place (E-03); Open either returns exactly what was sealed or one error that
// says nothing of why (E-05). Key types print as a placeholder for every verb and are not
// comparable. All functions are pure but for crypto/rand and may be used concurrently, except
// for a RequestSealer, which has one owner. Returned slices belong to the caller; arguments are
// neither kept nor changed. Spec: spec/envelope.md and spec/contact.md.
package seal
