package content

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
	w := walker{}
	if v, ok := u.Extensions[extForwarded]; ok {
		x.Forwarded = w.text(v)
		if clean, err := CleanName(x.Forwarded); err != nil || clean != x.Forwarded {
			return x, ErrContent
		}
	}
	if v, ok := u.Extensions[extSilent]; ok {
		if x.Silent = w.bool(v); !x.Silent {
			return x, ErrContent
		}
	}
	x.Expires = u.expires()
	if w.err != nil {
		return x, ErrContent
	}
	return x, nil
}
