package content

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"

	"paperplane/protocol/plane"
)

// MessageID names a message: the MIMI message id, which binds sender, conversation and content
// (C-43). The first byte is 1, for SHA-256. It prints as a placeholder for every verb.
type MessageID [32]byte

const hashSHA256 = 1

// NewMessageID returns the id of the MIMI message in body, sent by the holder of an account key
// into the conversation over log. body must have been encoded or parsed by this package.
func NewMessageID(sender plane.PublicKey, log plane.LogID, body []byte) MessageID {
	return messageID("pp:u/"+sender.Text(), "pp:r/"+log.Text(), body)
}

// messageID is draft-ietf-mimi-content-08 §3.3. The salt, hashed once more at the end, is the
// first element of the array: 16 bytes after the array's and its own head.
func messageID(senderURI, roomURI string, body []byte) MessageID {
	h := sha256.New()
	h.Write(binary.BigEndian.AppendUint16(nil, uint16(len(senderURI))))
	h.Write([]byte(senderURI))
	h.Write(binary.BigEndian.AppendUint16(nil, uint16(len(roomURI))))
	h.Write([]byte(roomURI))
	h.Write(body)
	if len(body) >= 2+SaltBytes {
		h.Write(body[2 : 2+SaltBytes])
	}
	var id MessageID
	id[0] = hashSHA256
	copy(id[1:], h.Sum(nil))
	return id
}

// Text returns the id in unpadded base64url, 43 characters.
func (id MessageID) Text() string { return base64.RawURLEncoding.EncodeToString(id[:]) }

// ParseMessageID is the inverse of Text; plane.ErrText for anything else.
func ParseMessageID(s string) (MessageID, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != len(MessageID{}) || base64.RawURLEncoding.EncodeToString(b) != s {
		return MessageID{}, plane.ErrText
	}
	return MessageID(b), nil
}

// IsZero reports whether the id is zero, which names no message.
func (id MessageID) IsZero() bool { return id == MessageID{} }

// Format prints a placeholder for every verb.
func (id MessageID) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "[message]") }
