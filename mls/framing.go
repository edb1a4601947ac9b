package mls

// WireFormat is the kind of an MLSMessage (§6).
type WireFormat uint16

// The wire formats.
const (
	WirePublic     WireFormat = 1
	WirePrivate    WireFormat = 2
	WireWelcome    WireFormat = 3
	WireGroupInfo  WireFormat = 4
	WireKeyPackage WireFormat = 5
)

// ContentType is what a public or private message carries (§6).
type ContentType uint8

// The content types.
const (
	ContentApplication ContentType = 1
	ContentProposal    ContentType = 2
	ContentCommit      ContentType = 3
)

// Sender types (§6).
const (
	senderMember      = 1
	senderExternal    = 2
	senderNewProposal = 3
	senderNewCommit   = 4
)

// content is FramedContent; body is its encoded body: data, a Proposal or a Commit.
type content struct {
	groupID []byte
	epoch   uint64
	sender  uint8
	index   uint32 // leaf of a member, or entry of an external sender
	aad     []byte
	typ     ContentType
	body    []byte
}

func (c *content) write(w *writer) {
	w.vec(c.groupID)
	w.u64(c.epoch)
	w.u8(c.sender)
	if c.sender <= senderExternal {
		w.u32(c.index)
	}
	w.vec(c.aad)
	w.u8(uint8(c.typ))
	if c.typ == ContentApplication {
		w.vec(c.body)
	} else {
		w.raw(c.body)
	}
}

// body checks that a body of the type follows and returns its encoding.
func (r *reader) body(t ContentType) []byte {
	start := r.b
	switch t {
	case ContentApplication:
		return r.vec()
	case ContentProposal:
		r.proposal()
	case ContentCommit:
		r.commitBody()
	default:
		r.fail("M-006")
	}
	return r.since(start)
}

// authContent is AuthenticatedContent, with the membership tag of a PublicMessage beside it.
type authContent struct {
	wire WireFormat
	c    content
	sig  []byte
	tag  []byte // confirmation tag, only of commits
	memb []byte // membership tag, only of members' public messages
}

// toBeSigned is FramedContentTBS (§6.1). context is the encoded GroupContext.
func (a *authContent) toBeSigned(context []byte) []byte {
	w := writer{make([]byte, 0, len(a.c.body)+len(a.c.aad)+len(a.c.groupID)+len(context)+32)}
	w.u16(version)
	w.u16(uint16(a.wire))
	a.c.write(&w)
	if a.c.sender == senderMember || a.c.sender == senderNewCommit {
		w.raw(context)
	}
	return w.b
}
func (a *authContent) writeAuth(w *writer) {
	w.vec(a.sig)
	if a.c.typ == ContentCommit {
		w.vec(a.tag)
	}
}

// bytes is AuthenticatedContent, the input of a proposal's reference.
func (a *authContent) bytes() []byte {
	var w writer
	w.u16(uint16(a.wire))
	a.c.write(&w)
	a.writeAuth(&w)
	return w.b
}

// toBeMACed is AuthenticatedContentTBM (§6.2).
func (a *authContent) toBeMACed(context []byte) []byte {
	w := writer{a.toBeSigned(context)}
	a.writeAuth(&w)
	return w.b
}

// confirmedInput is ConfirmedTranscriptHashInput (§8.2).
func (a *authContent) confirmedInput() []byte {
	w := writer{make([]byte, 0, len(a.c.body)+128)}
	w.u16(uint16(a.wire))
	a.c.write(&w)
	w.vec(a.sig)
	return w.b
}

// privateMessage is PrivateMessage (§6.3).
type privateMessage struct {
	groupID         []byte
	epoch           uint64
	typ             ContentType
	aad             []byte
	senderData, enc []byte
}

// welcome is Welcome (§12.4.3.1).
type welcome struct {
	suite   Suite
	secrets []encryptedSecrets
	info    []byte
}
type encryptedSecrets struct {
	ref []byte
	ct  ciphertext
}

func (r *reader) welcome() *welcome {
	w := &welcome{suite: Suite(r.u16())}
	r.each(func(r *reader) {
		if r.refuse(len(w.secrets) >= MembersMax, "M-007") {
			return
		}
		w.secrets = append(w.secrets, encryptedSecrets{r.vec(), r.ciphertext()})
	})
	w.info = r.vec()
	return w
}
func (x *welcome) bytes() []byte {
	w := header(WireWelcome)
	w.u16(uint16(x.suite))
	w.sub(func(w *writer) {
		for i := range x.secrets {
			w.vec(x.secrets[i].ref)
			x.secrets[i].ct.write(w)
		}
	})
	w.vec(x.info)
	return w.b
}

// groupInfo is GroupInfo (§12.4.3).
type groupInfo struct {
	ctx    groupContext
	exts   []Extension
	tag    []byte
	signer uint32
	sig    []byte
}

func (g *groupInfo) toBeSigned() []byte {
	var w writer
	w.raw(g.ctx.bytes())
	w.extensions(g.exts)
	w.vec(g.tag)
	w.u32(g.signer)
	return w.b
}
func (g *groupInfo) bytes() []byte {
	w := writer{g.toBeSigned()}
	w.vec(g.sig)
	return w.b
}
func (r *reader) groupInfo() *groupInfo {
	return &groupInfo{ctx: r.groupContext(), exts: r.extensions(), tag: r.vec(), signer: r.u32(), sig: r.vec()}
}

// message is a decoded MLSMessage (§6).
type message struct {
	wire    WireFormat
	public  *authContent
	private *privateMessage
	welcome *welcome
	info    *groupInfo
	kp      *keyPackage
}

// header starts an MLSMessage.
func header(f WireFormat) *writer {
	w := &writer{}
	w.u16(version)
	w.u16(uint16(f))
	return w
}

// parseMessage decodes a whole MLSMessage. The result does not alias b.
func parseMessage(b []byte) (*message, error) {
	if len(b) > MessageBytesMax {
		return nil, broken("M-007")
	}
	r := &reader{b: append([]byte(nil), b...)}
	m := r.message()
	return m, r.end()
}

// message reads an MLSMessage.
func (r *reader) message() *message {
	m := &message{wire: r.wire()}
	switch m.wire {
	case WirePublic:
		m.public = r.publicMessage()
	case WirePrivate:
		m.private = &privateMessage{r.vec(), r.u64(), ContentType(r.u8()), r.vec(), r.vec(), r.vec()}
		if t := m.private.typ; t < ContentApplication || t > ContentCommit {
			r.fail("M-006")
		}
	case WireWelcome:
		m.welcome = r.welcome()
	case WireGroupInfo:
		m.info = r.groupInfo()
	case WireKeyPackage:
		m.kp = r.keyPackage()
	default:
		r.fail("M-006")
	}
	return m
}

// wire reads an MLSMessage's version and wire format.
func (r *reader) wire() WireFormat {
	r.refuse(r.u16() != version, "M-004")
	return WireFormat(r.u16())
}
func (r *reader) publicMessage() *authContent {
	a := &authContent{wire: WirePublic}
	c := &a.c
	c.groupID, c.epoch, c.sender = r.vec(), r.u64(), r.u8()
	if c.sender < senderMember || c.sender > senderNewCommit {
		r.fail("M-006")
		return a
	}
	if c.sender <= senderExternal {
		c.index = r.u32()
	}
	c.aad, c.typ = r.vec(), ContentType(r.u8())
	c.body = r.body(c.typ)
	a.sig = r.vec()
	if c.typ == ContentCommit {
		a.tag = r.vec()
	}
	if c.sender == senderMember {
		a.memb = r.vec()
	}
	return a
}

// Peek reads the unencrypted head of an MLSMessage without judging the rest. Group id, epoch and
// content type are zero for the wire formats that have none in the clear; a GroupInfo's id and
// epoch are given. Nothing of it is authenticated.
func Peek(msg []byte) (wire WireFormat, groupID []byte, epoch uint64, content ContentType, err error) {
	r := &reader{b: msg}
	wire = r.wire()
	switch wire {
	case WirePublic:
		groupID, epoch = r.vec(), r.u64()
		if r.u8() <= senderExternal {
			r.u32()
		}
		r.vec()
		content = ContentType(r.u8())
	case WirePrivate:
		groupID, epoch, content = r.vec(), r.u64(), ContentType(r.u8())
	case WireGroupInfo:
		r.refuse(r.u16() != version, "M-004")
		r.u16()
		groupID, epoch = r.vec(), r.u64()
	case WireWelcome, WireKeyPackage:
	default:
		r.fail("M-006")
	}
	if (wire == WirePublic || wire == WirePrivate) && (content < ContentApplication || content > ContentCommit) {
		r.fail("M-006")
	}
	if r.err != nil {
		return 0, nil, 0, 0, r.err
	}
	return wire, append([]byte(nil), groupID...), epoch, content, nil
}
