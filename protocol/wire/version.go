package wire

// A Feature is a named part of the protocol. A server lists its features in ServerInfo; a client
// uses no message of a feature that its server does not list. There are no version numbers:
// what is understood is the set of names. A name never changes its meaning; a new meaning gets
// a new name.
//
// History:
//
//	2026-11  log    create, open, append, read, subscribe, signal, rotate, manage
//	2026-11  inbox  doors, knocks, the pool of cards and key packages, membership
//	2026-11  blob   blobs in chunks
//	2026-11  part   ranges of a blob
const (
	FeatureLog   = "log"
	FeatureInbox = "inbox"
	FeatureBlob  = "blob"
	FeaturePart  = "part"
)

// Features returns the features that this code speaks, in the order of their history. The
// caller owns the slice.
func Features() []string { return []string{FeatureLog, FeatureInbox, FeatureBlob, FeaturePart} }
