// Package content is what people say to each other, inside the encryption: the Frame that every
// application message of a conversation is, and in it a MIMI content message
// (draft-ietf-mimi-content-08) of one of the kinds of the closed sum Message.
//
// Bytes go Parse → Unverified (one canonical form, within limits, any MIMI message) → Verify →
// Message. A well-formed message of a kind that this version does not know is Unknown, not an
// error: every member accepts the same messages, and a face says that the app is older.
//
// Nothing here authenticates anybody: who sent a message is told by MLS, and whether the sender
// may edit or delete what it names is decided by the caller. All functions are pure but for
// crypto/rand (salts), and may be used concurrently. Spec: spec/content.md.
package content
