package mls

// writer appends the TLS presentation language of §2.1 to b.
type writer struct{ b []byte }

func (w *writer) u8(v uint8)   { w.b = append(w.b, v) }
func (w *writer) u16(v uint16) { w.b = append(w.b, byte(v>>8), byte(v)) }
func (w *writer) u32(v uint32) { w.b = append(w.b, byte(v>>24), byte(v>>16), byte(v>>8), byte(v)) }
func (w *writer) u64(v uint64) { w.u32(uint32(v >> 32)); w.u32(uint32(v)) }
func (w *writer) raw(b []byte) { w.b = append(w.b, b...) }

// size writes a vector length in the shortest of its three forms (§2.1.2).
func (w *writer) size(n int) {
	switch {
	case n < 1<<6:
		w.u8(uint8(n))
	case n < 1<<14:
		w.u16(uint16(n) | 0x4000)
	case n < 1<<30:
		w.u32(uint32(n) | 0x80000000)
	default:
		panic("mls: vector of 2^30 bytes") // unreachable: MessageBytesMax is far below
	}
}
func (w *writer) vec(b []byte) { w.size(len(b)); w.raw(b) }

// sub writes what f writes as one length-prefixed vector.
func (w *writer) sub(f func(*writer)) {
	var s writer
	f(&s)
	w.vec(s.b)
}
func (w *writer) u16s(v []uint16) {
	w.size(2 * len(v))
	for _, x := range v {
		w.u16(x)
	}
}
func (w *writer) opt(present bool) {
	if present {
		w.u8(1)
	} else {
		w.u8(0)
	}
}

// reader decodes. The first failure stays in err and everything read after it is zero, so callers
// check once. Slices alias the input; nothing is allocated before its bytes are known to exist.
type reader struct {
	b    []byte
	err  error
	caps *capabilities // the last that were read: the leaves of a group mostly have the same
}

func (r *reader) fail(rule string) { r.failErr(broken(rule)) }

// refuse fails if what was just read is bad, and says so.
func (r *reader) refuse(bad bool, rule string) bool {
	bad = fails(bad && r.err == nil, rule)
	if bad {
		r.fail(rule)
	}
	return bad
}
func (r *reader) failErr(err error) {
	if r.err == nil {
		r.err = err
	}
	r.b = nil
}
func (r *reader) take(n int) []byte {
	if r.err != nil || n < 0 || len(r.b) < n {
		r.fail("M-002")
		return nil
	}
	p := r.b[:n:n]
	r.b = r.b[n:]
	return p
}
func (r *reader) u8() uint8 {
	if p := r.take(1); p != nil {
		return p[0]
	}
	return 0
}
func (r *reader) u16() uint16 {
	if p := r.take(2); p != nil {
		return uint16(p[0])<<8 | uint16(p[1])
	}
	return 0
}
func (r *reader) u32() uint32 {
	if p := r.take(4); p != nil {
		return uint32(p[0])<<24 | uint32(p[1])<<16 | uint32(p[2])<<8 | uint32(p[3])
	}
	return 0
}
func (r *reader) u64() uint64 { h := r.u32(); return uint64(h)<<32 | uint64(r.u32()) }

// size reads a vector length and refuses any but its shortest form (M-001).
func (r *reader) size() int {
	b := r.u8()
	n, least := int(b&0x3f), 0
	switch b >> 6 {
	case 1:
		n, least = n<<8|int(r.u8()), 1<<6
	case 2:
		p := r.take(3)
		if p == nil {
			return 0
		}
		n, least = n<<24|int(p[0])<<16|int(p[1])<<8|int(p[2]), 1<<14
	case 3:
		r.fail("M-001")
		return 0
	}
	if r.refuse(n < least, "M-001") {
		return 0
	}
	return n
}
func (r *reader) vec() []byte { return r.take(r.size()) }

// each calls f until the next length-prefixed vector is used up.
func (r *reader) each(f func(*reader)) {
	s := reader{b: r.vec(), err: r.err}
	for s.err == nil && len(s.b) > 0 {
		f(&s)
	}
	if s.err != nil {
		r.failErr(s.err)
	}
}
func (r *reader) opt() bool {
	switch r.u8() {
	case 0:
		return false
	case 1:
		return r.err == nil
	}
	return r.err == nil && !r.refuse(true, "M-005")
}
func (r *reader) u16s() []uint16 {
	s := reader{b: r.vec(), err: r.err}
	if len(s.b)%2 != 0 {
		r.fail("M-002")
		return nil
	}
	if len(s.b) == 0 {
		return nil
	}
	o := make([]uint16, 0, len(s.b)/2)
	for len(s.b) > 0 {
		o = append(o, s.u16())
	}
	return o
}

// end returns the first failure, or M-003 when bytes are left over.
func (r *reader) end() error {
	r.refuse(len(r.b) > 0, "M-003")
	return r.err
}

// since returns what was read after start was the rest of the input.
func (r *reader) since(start []byte) []byte {
	if r.err != nil {
		return nil
	}
	n := len(start) - len(r.b)
	return start[:n:n]
}
