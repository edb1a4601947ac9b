package content

import "bytes"

// Extra is what messages of several kinds can say of themselves (C-33 to C-35). Edits, reactions and
// what else is about another message have no Forwarded and no Silent.
type Extra struct {
	// Forwarded is whose words these are, as the forwarder calls them: a name (C-31), or empty.
	Forwarded string
	// Silent: it arrives without a sound.
	Silent bool
	// Expires is how many seconds after it was sent everybody forgets it, 0: never.
	Expires uint32
}

// ExpiresMax is the longest life of a message that expires, in seconds: a year.
const ExpiresMax = 31536000

const (
	// extForwarded is a private extension: the name of the author of what is forwarded.
	extForwarded = int64(-3)
	// extSilent is a private extension: true.
	extSilent = int64(-6)
)

// extra adds x to u.
func (u *Unverified) extra(x Extra) {
	if x.Forwarded != "" {
		u.extend(extForwarded, x.Forwarded)
	}
	if x.Silent {
		u.extend(extSilent, true)
	}
	u.expire(x.Expires)
}

// expire adds how long u is to live.
func (u *Unverified) expire(seconds uint32) {
	if seconds != 0 {
		u.Expires = &Expires{Relative: true, Time: seconds}
	}
}

func (u *Unverified) extend(key int64, v any) {
	if u.Extensions == nil {
		u.Extensions = map[any]any{}
	}
	u.Extensions[key] = v
}

// expires is how long u lives; Verify has let only what passes knownExpiry come here.
func (u Unverified) expires() uint32 {
	if u.Expires == nil {
		return 0
	}
	return u.Expires.Time
}

// knownExpiry says whether u lives for ever, or is of a kind that may end and says when (C-35).
func (u Unverified) knownExpiry() bool {
	return u.Expires == nil || u.Expires.Relative && u.Expires.Time >= 1 && u.Expires.Time <= ExpiresMax
}

// extras reads what extra has added.
func (u Unverified) extras() (x Extra, err error) {
	if ok, err := u.read(extForwarded, &x.Forwarded); err != nil || ok && cleanName(x.Forwarded) != nil {
		return x, ErrContent
	}
	if ok, err := u.read(extSilent, &x.Silent); err != nil || ok && !x.Silent {
		return x, ErrContent
	}
	x.Expires = u.expires()
	return x, nil
}

// read decodes an extension into v, a pointer, and says whether it is there.
func (u Unverified) read(key int64, v any) (bool, error) {
	x, ok := u.Extensions[key]
	if !ok {
		return false, nil
	}
	b, err := enc.Marshal(x)
	if err != nil {
		return true, ErrContent
	}
	return true, strict(b, v)
}

// strict decodes b into v, a pointer. What v has no place for, or says otherwise, is ErrContent; but a null is an
// empty list or byte string.
func strict(b []byte, v any) error {
	if dec.Unmarshal(b, v) != nil {
		return ErrContent
	}
	if again, err := enc.Marshal(v); err != nil || !bytes.Equal(again, b) {
		return ErrContent
	}
	return nil
}

// cleanName says ErrContent for what is no name as it stands.
func cleanName(s string) error {
	if clean, err := CleanName(s); err != nil || clean != s {
		return ErrContent
	}
	return nil
}
