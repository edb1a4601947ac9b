package session

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"

	"paperplane/protocol/plane"
)

// version is the only version of the protocol so far (S-10).
const version = 1

// Types of the messages before the first sealed frame (S-10). Zero is invalid.
const (
	msgAsk     = 1 // client: send me your key
	msgKey     = 2 // server: here it is
	msgHello   = 3
	msgWelcome = 4
	msgRefuse  = 5 // server: one byte of reason, in the clear
)

// Reasons of REFUSE (S-19).
const (
	refuseKey     = 1
	refuseVersion = 2
	refuseBusy    = 3
)

// Labels of the key schedule (S-14).
const (
	labelHash    = "pp session v1"
	labelStatic  = "pp session v1 static"
	labelEphem   = "pp session v1 ephemeral"
	labelWelcome = "pp session v1 welcome"
	labelClient  = "pp session v1 client frames"
	labelServer  = "pp session v1 server frames"
	labelBinding = "pp session v1 binding"
	labelResume  = "pp session v1 resume"
	labelProof   = "pp session v1 proof"
)

const (
	sessionIDBytes = 16
	tagBytes       = 16
	headBytes      = 2 // type, version
	// helloPlainBytes: ephemeral key, flag, session id, proof, padding length.
	helloPlainBytes = PublicKeyBytes + 1 + sessionIDBytes + 32 + 2
	// welcomePlainBytes: flag, session id, receive cursor, padding length.
	welcomePlainBytes = 1 + sessionIDBytes + 8 + 2
)

type sessionID [sessionIDBytes]byte

func suite() (hpke.KDF, hpke.AEAD) { return hpke.HKDFSHA256(), hpke.ChaCha20Poly1305() }

// hash chains one message into the transcript.
func hash(prev [32]byte, parts ...[]byte) [32]byte {
	h := sha256.New()
	h.Write(prev[:])
	for _, p := range parts {
		h.Write(p)
	}
	return [32]byte(h.Sum(nil))
}

// hash0 is the start of the transcript: the protocol and the key of the server (S-14).
func hash0(serverKey []byte) [32]byte {
	h := sha256.New()
	h.Write([]byte(labelHash))
	h.Write(serverKey)
	return [32]byte(h.Sum(nil))
}

func expand(prk []byte, label string, context []byte) [32]byte {
	b, err := hkdf.Expand(sha256.New, prk, label+string(context), 32)
	if err != nil {
		panic("session: hkdf: " + err.Error()) // 32 bytes are always possible
	}
	return [32]byte(b)
}

func extract(salt []byte, parts ...[]byte) []byte {
	var ikm []byte
	for _, p := range parts {
		ikm = append(ikm, p...)
	}
	b, err := hkdf.Extract(sha256.New, ikm, salt)
	if err != nil {
		panic("session: hkdf: " + err.Error()) // SHA-256 is always available
	}
	return b
}

// proof shows that a HELLO comes from the holder of the session's secret (S-13). It covers
// the encapsulation and the ephemeral key, so that it fits no other HELLO.
func proof(secret [32]byte, h0 [32]byte, enc, ephemeral []byte) [32]byte {
	m := hmac.New(sha256.New, secret[:])
	m.Write([]byte(labelProof))
	m.Write(h0[:])
	m.Write(enc)
	m.Write(ephemeral)
	return [32]byte(m.Sum(nil))
}

// keys are what a finished handshake gives. binding and secret are used only when the
// session is fresh.
type keys struct {
	client, server [32]byte
	binding        plane.Binding
	secret         [32]byte
}

// schedule derives the keys of one attach (S-14). On a resume the session's own secret goes
// in, so that both ends prove that they hold it.
func schedule(prk []byte, h3 [32]byte, resume [32]byte) keys {
	attach := extract(h3[:], prk, resume[:])
	return keys{
		client:  expand(attach, labelClient, nil),
		server:  expand(attach, labelServer, nil),
		binding: expand(attach, labelBinding, nil),
		secret:  expand(attach, labelResume, nil),
	}
}

func padLen() int {
	var b [2]byte
	rand.Read(b[:]) // never fails
	return int(binary.BigEndian.Uint16(b[:])) % (handshakePadMax + 1)
}

// ticket asks to resume a session.
type ticket struct {
	id     sessionID
	secret [32]byte
}

// clientHandshake is the client between HELLO and WELCOME.
type clientHandshake struct {
	h1     [32]byte
	k1     []byte
	eph    hpke.PrivateKey
	ticket *ticket
}

// hello builds HELLO (S-12). pad is the number of padding bytes.
func hello(server hpke.PublicKey, eph hpke.PrivateKey, t *ticket, pad int) (*clientHandshake, []byte, error) {
	kdf, aead := suite()
	h0 := hash0(server.Bytes())
	enc, sender, err := hpke.NewSender(server, kdf, aead, h0[:])
	if err != nil {
		return nil, nil, err
	}
	ephemeral := eph.PublicKey().Bytes()
	plain := make([]byte, 0, helloPlainBytes+pad)
	plain = append(plain, ephemeral...)
	if t == nil {
		plain = append(plain, make([]byte, 1+sessionIDBytes+32)...)
	} else {
		p := proof(t.secret, h0, enc, ephemeral)
		plain = append(plain, 1)
		plain = append(plain, t.id[:]...)
		plain = append(plain, p[:]...)
	}
	plain = binary.BigEndian.AppendUint16(plain, uint16(pad))
	plain = append(plain, make([]byte, pad)...)

	msg := make([]byte, 0, headBytes+encBytes+len(plain)+tagBytes)
	msg = append(msg, msgHello, version)
	ct, err := sender.Seal(msg, plain)
	if err != nil {
		return nil, nil, err
	}
	msg = append(append(msg, enc...), ct...)
	k1, err := sender.Export(labelStatic, 32)
	if err != nil {
		return nil, nil, err
	}
	return &clientHandshake{h1: hash(h0, msg), k1: k1, eph: eph, ticket: t}, msg, nil
}

// welcomed is what WELCOME told the client.
type welcomed struct {
	resumed bool
	id      sessionID
	cursor  uint64 // the last payload that the server has received
	keys    keys
}

// welcome opens WELCOME (S-13). The message is the server's proof that it holds the pinned
// key: nobody else knows k1.
func (c *clientHandshake) welcome(msg []byte) (*welcomed, error) {
	if len(msg) < headBytes || msg[0] != msgWelcome || msg[1] != version || len(msg) > handshakeBytesMax ||
		len(msg) < headBytes+encBytes+welcomePlainBytes+tagBytes {
		return nil, ErrProtocol
	}
	kdf, aead := suite()
	enc, ct := msg[headBytes:headBytes+encBytes], msg[headBytes+encBytes:]
	r, err := hpke.NewRecipient(enc, c.eph, kdf, aead, c.h1[:])
	if err != nil {
		return nil, ErrProtocol
	}
	k2, err := r.Export(labelEphem, 32)
	if err != nil {
		return nil, ErrProtocol
	}
	h2 := hash(c.h1, msg[:headBytes+encBytes])
	prk := extract(h2[:], c.k1, k2)
	h3 := hash(h2, ct) // before ct is opened in place
	plain, err := newOpener(expand(prk, labelWelcome, nil)).open(ct, h2[:])
	if err != nil {
		return nil, ErrServerKey
	}
	w := &welcomed{id: sessionID(plain[1:]), cursor: binary.BigEndian.Uint64(plain[1+sessionIDBytes:])}
	pad := plain[welcomePlainBytes:]
	if plain[0] > 1 || int(binary.BigEndian.Uint16(plain[welcomePlainBytes-2:])) != len(pad) || !zero(pad) {
		return nil, ErrProtocol
	}
	w.resumed = plain[0] == 1
	var resume [32]byte
	if w.resumed {
		if c.ticket == nil || w.id != c.ticket.id {
			return nil, ErrProtocol
		}
		resume = c.ticket.secret
	}
	w.keys = schedule(prk, h3, resume)
	return w, nil
}

// serverHandshake is a HELLO that the server has opened.
type serverHandshake struct {
	h0, h1    [32]byte
	k1        []byte
	enc       []byte
	ephemeral []byte
	eph       hpke.PublicKey
	resume    bool
	id        sessionID
	proof     [32]byte
}

var (
	errOpenHello = errors.New("session: hello is for another key")
	errVersion   = errors.New("session: hello of another version")
)

// openHello parses and opens HELLO (S-12). errOpenHello and errVersion are told to the
// client; ErrProtocol is answered with silence.
func openHello(key *PrivateKey, msg []byte) (*serverHandshake, error) {
	if len(msg) < headBytes || len(msg) > handshakeBytesMax || msg[0] != msgHello {
		return nil, ErrProtocol
	}
	if msg[1] != version {
		return nil, errVersion
	}
	if len(msg) < headBytes+encBytes+helloPlainBytes+tagBytes ||
		len(msg) > headBytes+encBytes+helloPlainBytes+handshakePadMax+tagBytes {
		return nil, ErrProtocol
	}
	kdf, aead := suite()
	enc := msg[headBytes : headBytes+encBytes]
	h0 := hash0(key.pub)
	r, err := hpke.NewRecipient(enc, key.key, kdf, aead, h0[:])
	if err != nil {
		return nil, errOpenHello
	}
	plain, err := r.Open(msg[:headBytes], msg[headBytes+encBytes:])
	if err != nil {
		return nil, errOpenHello
	}
	rest := plain[PublicKeyBytes:]
	pad := plain[helloPlainBytes:]
	if rest[0] > 1 || int(binary.BigEndian.Uint16(plain[helloPlainBytes-2:])) != len(pad) || !zero(pad) ||
		(rest[0] == 0 && !zero(rest[:1+sessionIDBytes+32])) {
		return nil, ErrProtocol
	}
	s := &serverHandshake{h0: h0, h1: hash(h0, msg), enc: enc, ephemeral: plain[:PublicKeyBytes],
		resume: rest[0] == 1, id: sessionID(rest[1:]), proof: [32]byte(rest[1+sessionIDBytes:])}
	if s.eph, err = hpke.MLKEM768X25519().NewPublicKey(s.ephemeral); err != nil {
		return nil, ErrProtocol
	}
	if s.k1, err = r.Export(labelStatic, 32); err != nil {
		return nil, err
	}
	return s, nil
}

// holds tells whether the HELLO proves knowledge of the session's secret.
func (s *serverHandshake) holds(secret [32]byte) bool {
	want := proof(secret, s.h0, s.enc, s.ephemeral)
	return s.resume && hmac.Equal(want[:], s.proof[:])
}

// welcome builds WELCOME (S-13). resume is the secret of the session to go on with, or nil.
func (s *serverHandshake) welcome(id sessionID, cursor uint64, resume *[32]byte, pad int) ([]byte, keys, error) {
	kdf, aead := suite()
	enc, sender, err := hpke.NewSender(s.eph, kdf, aead, s.h1[:])
	if err != nil {
		return nil, keys{}, err
	}
	k2, err := sender.Export(labelEphem, 32)
	if err != nil {
		return nil, keys{}, err
	}
	msg := make([]byte, 0, headBytes+encBytes+welcomePlainBytes+pad+tagBytes)
	msg = append(msg, msgWelcome, version)
	msg = append(msg, enc...)
	h2 := hash(s.h1, msg)
	prk := extract(h2[:], s.k1, k2)

	plain := make([]byte, 0, welcomePlainBytes+pad)
	var secret [32]byte
	if resume != nil {
		plain, secret = append(plain, 1), *resume
	} else {
		plain = append(plain, 0)
	}
	plain = append(plain, id[:]...)
	plain = binary.BigEndian.AppendUint64(plain, cursor)
	plain = binary.BigEndian.AppendUint16(plain, uint16(pad))
	plain = append(plain, make([]byte, pad)...)
	ct := newSealer(expand(prk, labelWelcome, nil)).seal(nil, plain, h2[:])
	return append(msg, ct...), schedule(prk, hash(h2, ct), secret), nil
}

func zero(b []byte) bool {
	var x byte
	for _, c := range b {
		x |= c
	}
	return x == 0
}
