package server

import (
	"bytes"
	"encoding/base64"
	"strings"

	"paperplane/protocol/plane"
)

// A server may not import what opens messages, and the links of people are made there. This is
// the one form of link that a server makes itself: CBOR [fingerprint, log, door seed, 16 zero
// bytes where a person's card key stands, no account]. A test compares it with theirs.
const linkMark = "/i#1."

var (
	linkHead = []byte{0x85, 0x58, 32}
	linkTail = append([]byte{0x50, 16: 0}, 0x40)
)

// Link returns the text of an invite to the front door of the server at origin.
func Link(origin string, fingerprint [32]byte, front plane.LogID, seed [16]byte) string {
	b := append(bytes.Clone(linkHead), fingerprint[:]...)
	b = append(append(b, 0x50), front[:]...)
	b = append(append(b, 0x50), seed[:]...)
	return origin + linkMark + base64.RawURLEncoding.EncodeToString(append(b, linkTail...))
}

// LinkSeed returns the door's seed of an invite that Link made for the same fingerprint.
func LinkSeed(link string, fingerprint [32]byte) (seed [16]byte, ok bool) {
	origin, text, ok := strings.Cut(link, linkMark)
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if !ok || err != nil || len(b) != 3+32+17+17+18 {
		return seed, false
	}
	copy(seed[:], b[53:])
	return seed, Link(origin, fingerprint, plane.LogID(b[36:52]), seed) == link
}
