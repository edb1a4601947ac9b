package mls

// Limits. What is above them is refused with the rule named beside each.
const (
	// MessageBytesMax bounds one encoded message, ratchet tree included (M-007). It leaves room
	// for a Welcome or a commit of about 10,000 X-Wing members.
	MessageBytesMax = 64 << 20
	// MembersMax bounds the leaves of a tree (M-045).
	MembersMax = 1 << 16
	// CommitProposalsMax bounds the proposals and references in one commit (M-007).
	CommitProposalsMax = 1 << 17
	// GenerationsAheadMax is how many generations of one sender a message may skip (M-060).
	GenerationsAheadMax = 1000
	// SkippedKeysMax is how many keys of skipped generations one ratchet keeps; the oldest go first.
	SkippedKeysMax = 1000
	// SkippedKeysGroupMax bounds the same over all senders of an epoch; the oldest go first.
	SkippedKeysGroupMax = 16384
	// PendingProposalsMax bounds the proposals that wait for a commit in one epoch (M-089). Whoever
	// can put a PublicMessage before the members can use it up, so let nothing in unsealed.
	PendingProposalsMax = 4096
	// ResumptionSecretsMax is how many past epochs' resumption secrets are kept; the oldest go first.
	ResumptionSecretsMax = 64
)
