package seal

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/binary"

	"golang.org/x/crypto/chacha20poly1305"
)

// A sealed thing of n bytes is nonce (24) ‖ XChaCha20-Poly1305(length ‖ message ‖ zeros), with
// the message's length in lengthBytes bytes, big-endian, inside the encryption (E-01).
const (
	nonceBytes  = chacha20poly1305.NonceSizeX
	tagBytes    = chacha20poly1305.Overhead
	lengthBytes = 4
	overhead    = nonceBytes + tagBytes + lengthBytes
)

// sealPadded seals message into exactly size bytes under a random nonce. The caller has checked
// that it fits.
func (s secret) sealPadded(size int, aad, message []byte) ([]byte, error) {
	var nonce [nonceBytes]byte
	_, _ = rand.Read(nonce[:])
	return s.sealWith(nonce, size, aad, message)
}

func (s secret) sealWith(nonce [nonceBytes]byte, size int, aad, message []byte) ([]byte, error) {
	if len(message) > size-overhead {
		return nil, ErrTooLarge
	}
	aead, err := newAEAD(s)
	if err != nil {
		return nil, err
	}
	out := make([]byte, size)
	copy(out, nonce[:])
	pad(out[nonceBytes:size-tagBytes], message)
	aead.Seal(out[:nonceBytes], nonce[:], out[nonceBytes:size-tagBytes], aad)
	return out, nil
}

// openPadded is the inverse; the caller has checked the size of body. The message is a new slice.
func (s secret) openPadded(aad, body []byte) ([]byte, error) {
	if len(body) < overhead {
		return nil, ErrOpen
	}
	aead, err := newAEAD(s)
	if err != nil {
		return nil, ErrOpen
	}
	plain, err := aead.Open(nil, body[:nonceBytes], body[nonceBytes:], aad)
	if err != nil {
		return nil, ErrOpen
	}
	return unpad(plain)
}

func newAEAD(s secret) (cipher.AEAD, error) {
	aead, err := chacha20poly1305.NewX(s.Bytes())
	if err != nil {
		return nil, ErrKey
	}
	return aead, nil
}

// pad fills dst, which is zero, with length and message.
func pad(dst, message []byte) {
	binary.BigEndian.PutUint32(dst, uint32(len(message)))
	copy(dst[lengthBytes:], message)
}

// unpad returns the message in plain. Padding that is not zero is an error: one message has one
// padded form, and no channel hides in the padding (E-04).
func unpad(plain []byte) ([]byte, error) {
	if len(plain) < lengthBytes {
		return nil, ErrOpen
	}
	n := binary.BigEndian.Uint32(plain)
	rest := plain[lengthBytes:]
	if uint64(n) > uint64(len(rest)) {
		return nil, ErrOpen
	}
	var or byte
	for _, b := range rest[n:] {
		or |= b
	}
	if or != 0 {
		return nil, ErrOpen
	}
	return rest[:n:n], nil
}

// bind returns the additional data that ties a seal to its purpose and its log.
func bind(purpose string, id [16]byte) []byte {
	return append([]byte(purpose), id[:]...)
}
