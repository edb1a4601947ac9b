package seal

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"testing"

	"paperplane/protocol/plane"
)

var update = flag.Bool("update", false, "write the vectors anew; review the difference like code")

// golden compares v, as JSON, with a file of spec/vectors, and reads the file back into v.
func golden(t *testing.T, name string, v any) {
	t.Helper()
	got, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	file := "../../spec/vectors/" + name
	if *update {
		if err := os.WriteFile(file, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the vectors differ from %s; got\n%.4000s", file, got)
	}
}

func fill(b byte, n int) []byte { return bytes.Repeat([]byte{b}, n) }

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sealed is one vector. Body is hex; a body over 2 KiB is given by its first 64 bytes and its
// SHA-256, and can be computed from the rest.
type sealed struct {
	Name    string `json:"name"`
	Key     string `json:"key"`
	Log     string `json:"log,omitempty"`
	Index   int    `json:"index,omitempty"`
	Count   int    `json:"count,omitempty"`
	Nonce   string `json:"nonce"`
	Message string `json:"message"`
	Length  int    `json:"length"`
	Body    string `json:"body"`
	SHA256  string `json:"sha256"`
}

type sealReject struct {
	Why  string `json:"why"`
	Key  string `json:"key"`
	Log  string `json:"log"`
	Body string `json:"body"`
}

// TestEnvelopeVectors computes spec/vectors/envelope.json again, with fixed nonces, compares, and
// opens what stands there (E-01, E-03, E-04, E-12, E-21).
func TestEnvelopeVectors(t *testing.T) {
	log := plane.LogID(fill(7, 16))
	nonce := [nonceBytes]byte(fill(9, nonceBytes))
	raw := fill(1, 32)
	env, _ := NewEnvelopeKey(raw)
	sig, _ := NewSignalKey(raw)
	card, _ := CardKeyFromBytes(raw[:16])
	blob, _ := BlobKeyFromBytes(raw)
	var file struct {
		Comment string       `json:"comment"`
		Sealed  []sealed     `json:"sealed"`
		Chain   []string     `json:"chain"`
		Reject  []sealReject `json:"reject"`
	}
	file.Comment = "Seals of spec/envelope.md. Bytes are hex. Records and signals under a 32-byte key, cards and packages under a 16-byte card key. chain: the history hash before any record, after record 1 with body \"a\", after record 2 with body \"b\". reject: records that must not open."
	add := func(name string, key []byte, size int, purpose string, s secret, message string) []byte {
		b, err := s.sealWith(nonce, size, bind(purpose, log), []byte(message))
		if err != nil {
			t.Fatal(err)
		}
		file.Sealed = append(file.Sealed, vector(name, key, b, message, func(v *sealed) { v.Log = hex.EncodeToString(log[:]) }))
		return b
	}
	small := add("record-small", raw, plane.RecordSmall, purposeEnvelope, env.secret, "hello")
	medium := add("record-medium", raw, plane.RecordMedium, purposeEnvelope, env.secret, string(fill('m', RecordPayloadSmall+1)))
	signal := add("signal", raw, plane.SignalBytesMax, purposeSignal, sig.secret, "typing")
	cardBody := add("card", raw[:16], plane.CardBytesMax, purposeCard, card.derive(purposeCard), "card")
	pkg := add("package", raw[:16], plane.PackageBytesMax, purposePackage, card.derive(purposePackage), "package")
	chunk, err := SealChunk(blob, 1, 2, []byte("the end of a file"))
	if err != nil {
		t.Fatal(err)
	}
	file.Sealed = append(file.Sealed, vector("chunk", raw, chunk, "the end of a file", func(v *sealed) { v.Index, v.Count = 1, 2 }))

	var h HistoryHash
	file.Chain = append(file.Chain, hex.EncodeToString(h[:]))
	for i, body := range []string{"a", "b"} {
		h = h.Next(plane.Seq(i+1), []byte(body))
		file.Chain = append(file.Chain, hex.EncodeToString(h[:]))
	}

	rej := func(why string, log plane.LogID, body []byte) {
		file.Reject = append(file.Reject, sealReject{why, hex.EncodeToString(raw), hex.EncodeToString(log[:]), hex.EncodeToString(body)})
	}
	rej("another log", plane.LogID{1}, small)
	changed := bytes.Clone(small)
	changed[plane.RecordSmall-1] ^= 1
	rej("tag changed", log, changed)
	rej("cut", log, small[:plane.RecordSmall-1])
	rej("sealed as a signal", log, must(t)(env.sealWith(nonce, plane.RecordSmall, bind(purposeSignal, log), []byte("hello"))))
	rej("padding that is not zero", log, sealRaw(t, env.secret, nonce, log, func(p []byte) { pad(p, []byte("hello")); p[len(p)-1] = 1 }))
	rej("length past the end", log, sealRaw(t, env.secret, nonce, log, func(p []byte) { binary.BigEndian.PutUint32(p, uint32(len(p)-lengthBytes+1)) }))
	rej("length of all ones", log, sealRaw(t, env.secret, nonce, log, func(p []byte) { copy(p, fill(0xff, 4)) }))
	golden(t, "envelope.json", &file)

	for i, open := range []func() ([]byte, error){
		func() ([]byte, error) { return OpenRecord(env, log, small) },
		func() ([]byte, error) { return OpenRecord(env, log, medium) },
		func() ([]byte, error) { return OpenSignal(sig, log, signal) },
		func() ([]byte, error) { return OpenCard(card, log, cardBody) },
		func() ([]byte, error) { return OpenPackage(card, log, pkg) },
		func() ([]byte, error) { return OpenChunk(blob, 1, 2, chunk) },
	} {
		got, err := open()
		if err != nil || hex.EncodeToString(got) != file.Sealed[i].Message {
			t.Errorf("%s: opened to %d bytes, %v", file.Sealed[i].Name, len(got), err)
		}
	}
	for _, r := range file.Reject {
		key, _ := NewEnvelopeKey(unhex(t, r.Key))
		if _, err := OpenRecord(key, plane.LogID(unhex(t, r.Log)), unhex(t, r.Body)); !errors.Is(err, ErrOpen) {
			t.Errorf("%s: got %v, want ErrOpen", r.Why, err)
		}
	}
}

func must(t *testing.T) func([]byte, error) []byte {
	return func(b []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
}

func vector(name string, key, body []byte, message string, more func(*sealed)) sealed {
	sum := sha256.Sum256(body)
	v := sealed{Name: name, Key: hex.EncodeToString(key), Nonce: hex.EncodeToString(body[:nonceBytes]),
		Message: hex.EncodeToString([]byte(message)), Length: len(body), Body: hex.EncodeToString(body), SHA256: hex.EncodeToString(sum[:])}
	if len(body) > 2048 {
		v.Body = hex.EncodeToString(body[:64])
	}
	more(&v)
	return v
}

// sealRaw seals a small record whose padded plaintext write makes: what no honest client sends.
func sealRaw(t *testing.T, s secret, nonce [nonceBytes]byte, log plane.LogID, write func(plain []byte)) []byte {
	t.Helper()
	plain := make([]byte, plane.RecordSmall-nonceBytes-tagBytes)
	write(plain)
	aead, err := newAEAD(s)
	if err != nil {
		t.Fatal(err)
	}
	return aead.Seal(nonce[:], nonce[:], plain, bind(purposeEnvelope, log))
}

// TestContactVectors opens the contact request in spec/vectors/contact.json, whose encapsulation
// is random and therefore kept, and computes keys and links again (C-02, C-10, C-21, C-22).
func TestContactVectors(t *testing.T) {
	type link struct {
		Name       string `json:"name"`
		Text       string `json:"text"`
		Origin     string `json:"origin"`
		Server     string `json:"server"`
		Inbox      string `json:"inbox"`
		Door       string `json:"door"`
		Card       string `json:"card"`
		Account    string `json:"account,omitempty"`
		HasAccount bool   `json:"hasAccount"`
		Insecure   bool   `json:"insecure"`
	}
	type badLink struct {
		Text  string `json:"text"`
		Error string `json:"error"`
	}
	var file struct {
		Comment string    `json:"comment"`
		KEMSeed string    `json:"kemSeed"`
		KEMPub  string    `json:"kemPublicSHA256"`
		Inbox   string    `json:"inbox"`
		Payload string    `json:"payload"`
		Request string    `json:"request"`
		Links   []link    `json:"links"`
		Bad     []badLink `json:"badLinks"`
	}
	inbox, payload := plane.LogID(fill(7, 16)), []byte("a contact request")
	kem, err := KEMKeyFromSeed(fill(1, KEMSeedBytes))
	if err != nil {
		t.Fatal(err)
	}
	pub := sha256.Sum256(kem.Public())
	const name = "contact.json"
	if old, err := os.ReadFile("../../spec/vectors/" + name); err == nil {
		if err := json.Unmarshal(old, &file); err != nil {
			t.Fatal(err)
		}
		file.Links, file.Bad = nil, nil
	}
	file.Comment = "Contact of spec/contact.md. Bytes are hex. request: sealed to the X-Wing key of kemSeed for inbox. badLinks: what ParseLink says."
	file.KEMSeed, file.KEMPub = hex.EncodeToString(fill(1, KEMSeedBytes)), hex.EncodeToString(pub[:])
	file.Inbox, file.Payload = hex.EncodeToString(inbox[:]), hex.EncodeToString(payload)
	if file.Request == "" {
		_, s, err := NewRequestSealer(kem.Public(), inbox)
		if err != nil {
			t.Fatal(err)
		}
		file.Request = hex.EncodeToString(must(t)(s.Seal(payload)))
	}
	person := Link{Origin: "https://chat.example", Server: [32]byte(fill(1, 32)), Inbox: inbox, Door: [16]byte(fill(2, 16)),
		Card: cardKey([16]byte(fill(3, 16))), Account: [16]byte(fill(4, 16)), HasAccount: true}
	server := person
	server.Origin, server.HasAccount, server.Account = "http://127.0.0.1:8765", false, [16]byte{}
	group := person
	group.Account, group.HasAccount, group.Group = [16]byte{}, false, true
	for i, l := range []Link{person, server, group} {
		file.Links = append(file.Links, link{Name: []string{"person", "server", "group"}[i], Text: l.String(), Origin: l.Origin,
			Server: hex.EncodeToString(l.Server[:]), Inbox: hex.EncodeToString(l.Inbox[:]), Door: hex.EncodeToString(l.Door[:]),
			Card: hex.EncodeToString(l.Card.Bytes()), Account: hex.EncodeToString(l.Account[:]),
			HasAccount: l.HasAccount, Insecure: l.Insecure()})
	}
	text := person.String()
	for _, s := range []string{text[:len(text)-1], text[:60], text + "A", "https://chat.example/i#2.AAAA", "https://chat.example/", "https://Chat.example" + text[20:]} {
		_, err := ParseLink(s)
		if err == nil {
			t.Errorf("%q parses", s)
			continue
		}
		file.Bad = append(file.Bad, badLink{s, err.Error()})
	}
	golden(t, name, &file)

	body := unhex(t, file.Request)
	enc, got, err := OpenRequest(kem, inbox, body)
	if err != nil || !bytes.Equal(got, payload) || !bytes.Equal(enc, body[:EncapsulationBytes]) {
		t.Errorf("the request opened to %d bytes, %v", len(got), err)
	}
	if _, _, err := OpenRequest(kem, plane.LogID{1}, body); !errors.Is(err, ErrOpen) {
		t.Errorf("the request opened in another inbox: %v, want ErrOpen", err)
	}
}

// FuzzUnpad holds that what is unpadded pads to the same bytes (E-04).
func FuzzUnpad(f *testing.F) {
	for _, n := range []int{0, 1, 10} {
		b := make([]byte, 40)
		pad(b, fill(1, n))
		f.Add(b)
	}
	f.Add([]byte{0, 0, 0})
	f.Add(fill(0xff, 40))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := unpad(bytes.Clone(b))
		if err != nil {
			return
		}
		again := make([]byte, len(b))
		pad(again, m)
		if !bytes.Equal(again, b) {
			t.Errorf("%x unpads to %x, which pads to %x", b, m, again)
		}
	})
}

// TestDishonest opens what only a client that breaks the rules would seal: a chunk in the middle
// that is not full (E-22), and signals, cards and packages of another size (E-02).
func TestDishonest(t *testing.T) {
	raw, log := fill(1, 32), plane.LogID{1}
	nonce := [nonceBytes]byte{}
	blob, _ := BlobKeyFromBytes(raw)
	sig, _ := NewSignalKey(raw)
	card, _ := CardKeyFromBytes(raw[:16])
	short := must(t)(blob.sealWith(nonce, plane.BlobChunkBytes, chunkBind(0, 2), make([]byte, ChunkPlainMax-1)))
	if _, err := OpenChunk(blob, 0, 2, short); !errors.Is(err, ErrOpen) {
		t.Errorf("a short chunk in the middle: got %v, want ErrOpen", err)
	}
	kem := NewKEMKey()
	for name, write := range map[string]func([]byte){
		"padding that is not zero": func(p []byte) { pad(p, []byte("hello")); p[len(p)-1] = 1 },
		"a length past the end":    func(p []byte) { binary.BigEndian.PutUint32(p, uint32(len(p))) },
	} {
		enc, s, err := NewRequestSealer(kem.Public(), log)
		if err != nil {
			t.Fatal(err)
		}
		plain := make([]byte, requestPlain)
		write(plain)
		body := append(enc, must(t)(s.sender.Seal(nil, plain))...)
		if _, _, err := OpenRequest(kem, log, body); !errors.Is(err, ErrOpen) {
			t.Errorf("a request with %s: got %v, want ErrOpen", name, err)
		}
	}
	for _, c := range []struct {
		name string
		open func(size int) error
		size int
	}{
		{"signal", func(n int) error {
			_, err := OpenSignal(sig, log, must(t)(sig.sealWith(nonce, n, bind(purposeSignal, log), nil)))
			return err
		}, plane.SignalBytesMax},
		{"card", func(n int) error {
			_, err := OpenCard(card, log, must(t)(card.derive(purposeCard).sealWith(nonce, n, bind(purposeCard, log), nil)))
			return err
		}, plane.CardBytesMax},
		{"package", func(n int) error {
			_, err := OpenPackage(card, log, must(t)(card.derive(purposePackage).sealWith(nonce, n, bind(purposePackage, log), nil)))
			return err
		}, plane.PackageBytesMax},
		{"chunk", func(n int) error {
			_, err := OpenChunk(blob, 0, 1, must(t)(blob.sealWith(nonce, n, chunkBind(0, 1), nil)))
			return err
		}, plane.BlobChunkBytes},
	} {
		if err := c.open(c.size); err != nil {
			t.Errorf("%s of its size: %v", c.name, err)
		}
		for _, n := range []int{c.size - 1, c.size + 1} {
			if err := c.open(n); !errors.Is(err, ErrOpen) {
				t.Errorf("%s of %d bytes: got %v, want ErrOpen", c.name, n, err)
			}
		}
	}
}
