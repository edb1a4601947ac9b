package seal

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"paperplane/protocol/plane"
)

var (
	// ErrLinkKind: not an invite link at all. The face says so.
	ErrLinkKind = errors.New("seal: not an invite link")
	// ErrLinkOrigin: an invite link whose server part is not http(s)://host[:port] in lower case.
	ErrLinkOrigin = errors.New("seal: bad server in link")
	// ErrLinkVersion: a link of a later version; the program must be renewed.
	ErrLinkVersion = errors.New("seal: link of another version")
	// ErrLinkTruncated: the end is missing. The person copies it again, whole.
	ErrLinkTruncated = errors.New("seal: link cut off")
	// ErrLinkDamaged: characters were changed or added. The person copies it again.
	ErrLinkDamaged = errors.New("seal: damaged link")
)

// linkTextMax bounds the text of a link; a domain name has 253 characters at most.
const linkTextMax = 512

// Link is an invite: a server, a door into an inbox there and whose inbox that is, a person's or a
// group's. It holds
// secrets, so it prints as a placeholder for every verb; String gives the text.
type Link struct {
	// Origin is http(s)://host[:port] without a path.
	Origin string
	// Server is the fingerprint of the server's key.
	Server [32]byte
	// Inbox is the log that the door leads into.
	Inbox plane.LogID
	// Door is the seed of the door's key (caps.DoorSigner).
	Door [16]byte
	// Card opens the inbox's card and packages.
	Card CardKey
	// Account is the fingerprint of the inviter's account key (AccountFingerprint). In a
	// server's own first link, which leads to no person, it is zero and HasAccount is false.
	Account    [16]byte
	HasAccount bool
	// Group says that Inbox is the knock queue of a group, whose card says which; the log's id
	// follows from the key that signs that card, so no fingerprint is needed.
	Group bool
}

const (
	linkMark    = "/i#"
	linkVersion = "1."
)

// String returns the link as text: ORIGIN/i#1.BASE64URL. Browsers do not send what follows '#'.
func (l Link) String() string {
	return l.Origin + linkMark + linkVersion + base64.RawURLEncoding.EncodeToString(l.bytes())
}

// Format prints a placeholder for every verb.
func (l Link) Format(f fmt.State, _ rune) { redact(f) }

// Insecure reports whether the link leads to a plain http server that is not this machine. The
// session is sealed all the same; the way there, and that it is used, is open to watchers.
func (l Link) Insecure() bool {
	host, ok := strings.CutPrefix(l.Origin, "http://")
	if !ok {
		return false
	}
	if i := strings.LastIndexByte(host, ':'); i >= 0 && !strings.HasSuffix(host, "]") {
		host = host[:i]
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return false
	}
	a, err := netip.ParseAddr(host)
	return err != nil || !a.IsLoopback()
}

// ParseLink is the inverse of String and accepts nothing else, no white space either: faces trim
// what people paste. Nothing of a link is verified by parsing it. Errors: those named ErrLink….
func ParseLink(s string) (Link, error) {
	if len(s) > linkTextMax {
		return Link{}, ErrLinkKind
	}
	origin, rest, ok := strings.Cut(s, linkMark)
	if !ok {
		if cut, ok := strings.CutSuffix(s, "/i"); ok && checkOrigin(cut) == nil {
			return Link{}, ErrLinkTruncated
		}
		return Link{}, ErrLinkKind
	}
	if !strings.HasPrefix(origin, "http://") && !strings.HasPrefix(origin, "https://") {
		return Link{}, ErrLinkKind
	}
	if err := checkOrigin(origin); err != nil {
		return Link{}, err
	}
	version, text, ok := strings.Cut(rest, ".")
	switch {
	case version == "" && !ok, version+"." == linkVersion && !ok:
		return Link{}, ErrLinkTruncated
	case !digits(version):
		return Link{}, ErrLinkDamaged
	case version+"." != linkVersion:
		return Link{}, ErrLinkVersion
	}
	l := Link{Origin: origin}
	if err := l.parse(text); err != nil {
		return Link{}, err
	}
	return l, nil
}

// linkGroup is the last of the five byte strings in a link into a group.
const linkGroup = 1

// The bytes of a link are a CBOR array of five byte strings whose lengths are fixed but for the
// last, which is 16, 0 or 1 (C-02). So the encoding has three forms, known here byte for byte.
const (
	cborArray5  = 0x85
	cborBytes   = 0x40
	cborBytesL1 = 0x58
)

func (l Link) bytes() []byte {
	b := []byte{cborArray5, cborBytesL1, 32}
	b = append(b, l.Server[:]...)
	b = append(append(b, cborBytes|16), l.Inbox[:]...)
	b = append(append(b, cborBytes|16), l.Door[:]...)
	b = append(append(b, cborBytes|16), l.Card.Bytes()...)
	switch {
	case l.Group:
		return append(b, cborBytes|1, linkGroup)
	case !l.HasAccount:
		return append(b, cborBytes)
	}
	return append(append(b, cborBytes|16), l.Account[:]...)
}

func (l *Link) parse(text string) error {
	for i := range len(text) {
		if !base64Char(text[i]) {
			return ErrLinkDamaged
		}
	}
	// A text of 4n+1 characters, or with bits left over at its end, has lost its end; what came
	// before can still tell damage from a cut.
	whole := text[:len(text)/4*4]
	b, err := base64.RawURLEncoding.DecodeString(whole)
	if err != nil {
		return ErrLinkDamaged
	}
	if tail, err := base64.RawURLEncoding.Strict().DecodeString(text[len(whole):]); err == nil {
		b = append(b, tail...)
	}
	r := reader{b: b}
	r.expect(cborArray5, cborBytesL1, 32)
	r.take(l.Server[:])
	r.expect(cborBytes | 16)
	r.take(l.Inbox[:])
	r.expect(cborBytes | 16)
	r.take(l.Door[:])
	r.expect(cborBytes | 16)
	var card [CardKeyBytes]byte
	r.take(card[:])
	l.Card = cardKey(card)
	switch {
	case bytes.Equal(r.b, []byte{cborBytes}):
		r.b = nil
	case bytes.Equal(r.b, []byte{cborBytes | 1, linkGroup}):
		r.b, l.Group = nil, true
	case bytes.Equal(r.b, []byte{cborBytes | 1}):
		r.short = true
	default:
		r.expect(cborBytes | 16)
		r.take(l.Account[:])
		l.HasAccount = true
	}
	switch {
	case r.damaged:
		return ErrLinkDamaged
	case r.short:
		return ErrLinkTruncated
	case base64.RawURLEncoding.EncodeToString(l.bytes()) != text:
		return ErrLinkDamaged
	}
	return nil
}

// reader takes bytes from the front of b and remembers the first way in which that failed.
type reader struct {
	b              []byte
	short, damaged bool
}

func (r *reader) expect(want ...byte) {
	for _, w := range want {
		var got [1]byte
		r.take(got[:])
		if !r.short && got[0] != w {
			r.damaged = true
		}
	}
}

func (r *reader) take(dst []byte) {
	if r.short || r.damaged {
		return
	}
	if len(r.b) < len(dst) {
		r.short = true
		return
	}
	r.b = r.b[copy(dst, r.b):]
}

// ValidOrigin reports whether s may stand as the server part of a link (C-01). Origins also come
// inside messages.
func ValidOrigin(s string) bool { return checkOrigin(s) == nil }

// checkOrigin accepts http(s)://host[:port] where host is a lower-case name, an IPv4 address or
// an IPv6 address in brackets, and port has no leading zero (C-01).
func checkOrigin(s string) error {
	rest, ok := strings.CutPrefix(s, "http://")
	if !ok {
		if rest, ok = strings.CutPrefix(s, "https://"); !ok {
			return ErrLinkOrigin
		}
	}
	host, port := rest, ""
	if strings.HasPrefix(rest, "[") {
		end := strings.IndexByte(rest, ']')
		if end < 0 {
			return ErrLinkOrigin
		}
		a, err := netip.ParseAddr(rest[1:end])
		if err != nil || !a.Is6() || a.Zone() != "" || a.String() != rest[1:end] {
			return ErrLinkOrigin
		}
		if host, port = "", rest[end+1:]; port == "" {
			return nil
		}
		if port[0] != ':' {
			return ErrLinkOrigin
		}
		port = port[1:]
	} else {
		var hasPort bool
		if host, port, hasPort = strings.Cut(rest, ":"); !hostName(host) {
			return ErrLinkOrigin
		} else if !hasPort {
			return nil
		}
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 || strconv.FormatUint(n, 10) != port {
		return ErrLinkOrigin
	}
	return nil
}

// hostName accepts labels of lower-case letters, digits and inner hyphens, joined by dots.
func hostName(s string) bool {
	if len(s) == 0 || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if len(label) == 0 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := range len(label) {
			if c := label[i]; !('a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '-') {
				return false
			}
		}
	}
	return true
}

func base64Char(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

// AccountFingerprint returns what a link says of an account key: the first 16 bytes of its
// SHA-256.
func AccountFingerprint(account plane.PublicKey) [16]byte {
	sum := sha256.Sum256(account[:])
	return [16]byte(sum[:16])
}
