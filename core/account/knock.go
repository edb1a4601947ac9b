package account

import (
	"crypto/sha256"
	"time"

	"paperplane/protocol/caps"
	"paperplane/protocol/content"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
)

// Prefixes of what is signed for knock queues; see those of the package.
const (
	prefixKnock = "pp knock v1"
	prefixQueue = "pp queue card v1"
)

// knockVersion tells a knock from a contact request, which begins with version 1.
const knockVersion = 2

// knockAheadMax is how far in the future a knock may have been made, by clocks that differ.
const knockAheadMax = 48 * time.Hour

// Knock asks for a leaf in a conversation: of a newcomer who holds a link, or (Again) of a member
// whose device has lost the thread. The answer goes into a log that the asker has made for it.
type Knock struct {
	_       struct{} `cbor:",toarray"`
	Version uint8
	Again   bool
	// Conversation that it is about: the log of the group, as the queue's card names it.
	Conversation plane.LogID
	Account      plane.PublicKey
	Credential   []byte // of the leaf
	Package      []byte // key package, as an MLSMessage; the name is in its leaf
	Reply        plane.LogID
	Write        []byte          // seed of the reply log's write key
	KEM          []byte          // the answer is sealed to it, so that no other member reads it
	Door         plane.PublicKey // of the link, zero with Again
	At           int64           // ms since 1970
	Old          plane.PublicKey // with Again: signature key of the leaf that is to be replaced
	Cursor       plane.Seq       // with Again: the last place that is known
	Epoch        uint64          // with Again
	Digest       [8]byte         // with Again: of the epoch, zero when a new leaf is needed in any case
	Return       plane.Signature // with Again and another key than Old: see SignReturn
	Sig          plane.Signature
}

func (k Knock) message(queue plane.LogID, kem [32]byte, enc []byte) []byte {
	k.Sig = plane.Signature{}
	before := sha256.Sum256(encode(k))
	m := append([]byte(prefixKnock), queue[:]...)
	m = append(m, kem[:]...)
	m = append(m, enc...)
	return append(m, before[:]...)
}

// SealKnock signs and seals a knock to the KEM key of a queue or inbox: a record's body. The
// signature covers queue, key and encapsulation, so that nobody can pass it on elsewhere.
func (k *Keys) SealKnock(kem []byte, queue plane.LogID, x Knock) ([]byte, error) {
	enc, s, err := seal.NewRequestSealer(kem, queue)
	if err != nil {
		return nil, err
	}
	x.Version, x.Account = knockVersion, k.account.Public()
	x.Sig = k.account.Sign(x.message(queue, sha256.Sum256(kem), enc))
	return s.Seal(encode(x))
}

// OpenKnock opens a knock that lay in queue. seal.ErrOpen: sealed to another key; ErrRequest:
// rubbish, or the signature does not hold. Whether the asker may come in is for the caller.
func OpenKnock(kem *seal.KEMKey, queue plane.LogID, body []byte, now time.Time) (Knock, error) {
	enc, payload, err := seal.OpenRequest(kem, queue, body)
	if err != nil {
		return Knock{}, err
	}
	var k Knock
	if !decode(payload, &k) || k.Version != knockVersion || len(k.Write) != caps.SeedBytes || len(k.KEM) != seal.KEMPublicBytes ||
		time.UnixMilli(k.At).After(now.Add(knockAheadMax)) ||
		!caps.Verify(k.Account, k.message(queue, sha256.Sum256(kem.Public()), enc), k.Sig) {
		return Knock{}, ErrRequest
	}
	if !certified(k.Credential, k.Account) {
		return Knock{}, ErrRequest
	}
	return k, nil
}

// QueueCard is what a link into a group leads to first: which group it is, and how to knock. It is
// signed by the owner key of the queue's log, from which the log's id follows.
type QueueCard struct {
	_       struct{} `cbor:",toarray"`
	Version uint8
	Owner   plane.PublicKey
	Group   plane.LogID
	KEM     []byte
	Name    string
	Picture []byte
	Members uint32
	Sig     plane.Signature
}

// queueCardPicture bounds the picture of a card, which has to fit plane.CardBytesMax.
const queueCardPicture = 4000

func (c QueueCard) message() []byte {
	c.Sig = plane.Signature{}
	return append([]byte(prefixQueue), encode(c)...)
}

// NewQueueCard returns a signed card's bytes, to be sealed under the card key.
func NewQueueCard(owner *caps.Signer, c QueueCard) []byte {
	c.Version, c.Owner = version, owner.Public()
	if len(c.Picture) > queueCardPicture {
		c.Picture = nil
	}
	c.Sig = owner.Sign(c.message())
	return encode(c)
}

// VerifyQueueCard parses a card and checks that it is the one of queue. ErrCard: it is not.
func VerifyQueueCard(b []byte, queue plane.LogID) (QueueCard, error) {
	var c QueueCard
	if !decode(b, &c) || c.Version != version || caps.NewLogID(c.Owner) != queue || len(c.KEM) != seal.KEMPublicBytes ||
		len(c.Picture) > queueCardPicture || !caps.Verify(c.Owner, c.message(), c.Sig) {
		return QueueCard{}, ErrCard
	}
	if name, err := content.CleanName(c.Name); err != nil || name != c.Name {
		return QueueCard{}, ErrCard
	}
	return c, nil
}

const prefixReturn = "pp return v1"

// SignReturn vouches, with the key that the person's words open, for a device that is to take the
// place of another in a conversation. Every device has the account key, one that was signed out,
// too; the words' key none of them keeps.
func SignReturn(words *caps.Signer, conversation plane.LogID, old, device plane.PublicKey) plane.Signature {
	return words.Sign(returnMessage(conversation, old, device))
}

// VerifyReturn is the inverse of SignReturn.
func VerifyReturn(words plane.PublicKey, conversation plane.LogID, old, device plane.PublicKey, sig plane.Signature) bool {
	return words != plane.PublicKey{} && caps.Verify(words, returnMessage(conversation, old, device), sig)
}

func returnMessage(conversation plane.LogID, old, device plane.PublicKey) []byte {
	m := append([]byte(prefixReturn), conversation[:]...)
	m = append(m, old[:]...)
	return append(m, device[:]...)
}

const prefixPass = "pp pass v1"

// SignPass and VerifyPass authenticate what a member answers to a knock without letting anybody in;
// said is a hash of the answer and of the log that it goes into.
func (k *Keys) SignPass(said [32]byte) plane.Signature {
	return k.account.Sign(append([]byte(prefixPass), said[:]...))
}

// VerifyPass is the inverse of SignPass.
func VerifyPass(by plane.PublicKey, said [32]byte, sig plane.Signature) bool {
	return caps.Verify(by, append([]byte(prefixPass), said[:]...), sig)
}
