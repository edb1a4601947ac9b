package mls

import "errors"

// What Process, Join and the parsers return. Test with errors.Is; ErrInvalid also covers every
// RuleError.
var (
	// ErrInvalid: the bytes break a rule. The sender is wrong or hostile; drop them.
	ErrInvalid = errors.New("mls: invalid")
	// ErrStaleEpoch: the message belongs to an earlier epoch than this Group; try the Group of that epoch.
	ErrStaleEpoch = errors.New("mls: stale epoch")
	// ErrFutureEpoch: the message belongs to a later epoch; a commit is missing.
	ErrFutureEpoch = errors.New("mls: future epoch")
	// ErrOwnMessage: this member sent the message. For a commit, go on with the Pending made then.
	ErrOwnMessage = errors.New("mls: own message")
	// ErrReplay: the generation was used already, or its key is no longer kept.
	ErrReplay = errors.New("mls: generation already used")
	// ErrGenerationTooFar: more than GenerationsAheadMax generations ahead of the last one seen.
	ErrGenerationTooFar = errors.New("mls: generation too far ahead")
	// ErrNotMember: the index names no member.
	ErrNotMember = errors.New("mls: not a member")
	// ErrOtherGroup: the message belongs to another group.
	ErrOtherGroup = errors.New("mls: another group")
	// ErrUnknownPSK: the commit or Welcome needs a pre-shared key that is not known here.
	ErrUnknownPSK = errors.New("mls: unknown pre-shared key")
	// ErrUnknownProposal: a commit refers to a proposal that this Group has not seen.
	ErrUnknownProposal = errors.New("mls: unknown proposal")
	// ErrNotForUs: the Welcome has no entry for this KeyPackage.
	ErrNotForUs = errors.New("mls: welcome for another key package")
	// ErrClosed: the group was ended by a ReInit proposal; nothing can be sent in it, and
	// what others send is refused.
	ErrClosed = errors.New("mls: group was reinitialised")
	// ErrSuite: the cipher suite is not one of ours, or not the one needed here.
	ErrSuite = errors.New("mls: cipher suite")
	// ErrState: a snapshot, delta or saved secret does not decode.
	ErrState = errors.New("mls: damaged state")
	// ErrSigner: the signer's key is not the one in the leaf.
	ErrSigner = errors.New("mls: signer does not fit the leaf")
	// ErrArgument: the caller asked for something that no valid message can hold.
	ErrArgument = errors.New("mls: bad argument")
)

// RuleError says which rule of rules.tsv was broken. It wraps ErrInvalid and, where there is one,
// the sentinel for that rule. It holds nothing of the message.
type RuleError struct {
	Rule  string // "M-041"
	cause error
}

func (e *RuleError) Error() string {
	if e.cause != nil {
		return "mls: rule " + e.Rule + ": " + e.cause.Error()
	}
	return "mls: rule " + e.Rule + " broken"
}

// Unwrap makes errors.Is(err, ErrInvalid) true for every broken rule.
func (e *RuleError) Unwrap() []error {
	if e.cause != nil {
		return []error{ErrInvalid, e.cause}
	}
	return []error{ErrInvalid}
}

func broken(rule string) error                { return &RuleError{Rule: rule} }
func brokenBy(rule string, cause error) error { return &RuleError{Rule: rule, cause: cause} }
func need(ok bool, rule string) error         { return refuse(!ok, rule) }

// suspended is set by tests alone, to show of a rule that nothing else catches what it catches.
var suspended map[string]bool

// fails says whether something bad breaks a rule.
func fails(bad bool, rule string) bool { return bad && !suspended[rule] }

// refuse is the breach of a rule, if bad.
func refuse(bad bool, rule string) error {
	if fails(bad, rule) {
		return broken(rule)
	}
	return nil
}

// WrongSlice says that the pieces given to ProcessSliced are not those that it had asked for: others
// may do.
func WrongSlice(err error) bool {
	switch x := err.(type) {
	case *NeedSlice:
		return true
	case *RuleError:
		return x.Rule == "M-175" || x.Rule == "M-176" || x.Rule == "M-177"
	}
	return false
}
