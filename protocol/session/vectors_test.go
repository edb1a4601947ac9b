package session

import (
	"bytes"
	"crypto/hpke"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"os"
	"testing"
)

var update = flag.Bool("update", false, "write spec/vectors/session.json anew")

const vectorFile = "../../spec/vectors/session.json"

type hexBytes []byte

func (h hexBytes) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(h)), nil }

func (h *hexBytes) UnmarshalText(b []byte) (err error) {
	*h, err = hex.DecodeString(string(b))
	return err
}

// vectors is the shape of the file; spec/session.md describes it.
type vectors struct {
	ServerPrivate hexBytes          `json:"server_private"`
	Fingerprint   hexBytes          `json:"fingerprint"`
	Handshakes    []handshakeVector `json:"handshakes"`
	Frames        []frameVector     `json:"frames"`
	Reject        []rejectVector    `json:"reject"`
}

type handshakeVector struct {
	Name            string   `json:"name"`
	ClientEphemeral hexBytes `json:"client_ephemeral"`
	TicketID        hexBytes `json:"ticket_id,omitzero"`
	TicketSecret    hexBytes `json:"ticket_secret,omitzero"`
	Hello           hexBytes `json:"hello"`
	Welcome         hexBytes `json:"welcome"`
	Resumed         bool     `json:"resumed"`
	SessionID       hexBytes `json:"session_id"`
	Cursor          uint64   `json:"cursor"`
	ClientKey       hexBytes `json:"client_key"`
	ServerKey       hexBytes `json:"server_key"`
	Binding         hexBytes `json:"binding,omitzero"`
	Secret          hexBytes `json:"secret,omitzero"`
}

type frameVector struct {
	Key    hexBytes `json:"key"`
	Number uint64   `json:"number"`
	Kind   byte     `json:"kind"`
	ID     uint64   `json:"id"`
	Ack    uint64   `json:"ack"`
	Body   hexBytes `json:"body"`
	Sealed hexBytes `json:"sealed"`
}

// rejectVector is a message that must be refused: to "server" as the first message, or to
// "frame" under the key and number of the first frame vector.
type rejectVector struct {
	Name  string   `json:"name"`
	To    string   `json:"to"`
	Msg   hexBytes `json:"msg"`
	Error string   `json:"error"`
}

var vectorErrors = map[string]error{"protocol": ErrProtocol, "version": errVersion, "key": errOpenHello}

// TestVectors checks the code against spec/vectors/session.json: the keys that were written
// by the server's side are derived again by the client's.
func TestVectors(t *testing.T) {
	if *update {
		writeVectors(t)
	}
	b, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	priv, err := hpke.MLKEM768X25519().NewPrivateKey(v.ServerPrivate)
	if err != nil {
		t.Fatal(err)
	}
	key := newPrivateKey(priv)
	same(t, "fingerprint", key.fp[:], v.Fingerprint)
	for _, h := range v.Handshakes {
		t.Run("handshake-"+h.Name, func(t *testing.T) { checkHandshake(t, key, h) })
	}
	for _, f := range v.Frames {
		o := newOpener([32]byte(f.Key))
		o.n = f.Number
		plain, err := o.open(bytes.Clone(f.Sealed), nil)
		if err != nil {
			t.Fatalf("frame %d: %v", f.Number, err)
		}
		got, err := parseFrame(plain)
		if err != nil || got.kind != f.Kind || got.id != f.ID || got.ack != f.Ack {
			t.Errorf("frame %d: kind %d, id %d, ack %d, error %v; want %d, %d, %d", f.Number, got.kind, got.id, got.ack, err, f.Kind, f.ID, f.Ack)
		}
		same(t, "body", got.body, f.Body)
		if f.Number >= wideFrames { // no random padding: the bytes are determined
			s := newSealer([32]byte(f.Key))
			s.n = f.Number
			same(t, "sealed", s.seal(nil, appendFrame(nil, frame{kind: f.Kind, id: f.ID, ack: f.Ack, head: f.Body[:len(f.Body)/2], body: f.Body[len(f.Body)/2:]}, f.Number), nil), f.Sealed)
		}
	}
	for _, r := range v.Reject {
		var err error
		switch r.To {
		case "server":
			_, err = openHello(key, r.Msg)
		case "frame":
			o := newOpener([32]byte(v.Frames[0].Key))
			o.n = v.Frames[0].Number
			var plain []byte
			if plain, err = o.open(r.Msg, nil); err == nil {
				_, err = parseFrame(plain)
			}
		}
		if want := vectorErrors[r.Error]; want == nil || !errors.Is(err, want) {
			t.Errorf("reject %s: %v, want %v", r.Name, err, want)
		}
	}
}

func same(t *testing.T, what string, got, want []byte) {
	t.Helper()
	if !bytes.Equal(got, want) {
		t.Errorf("%s: got %x, want %x", what, got, want)
	}
}

func checkHandshake(t *testing.T, key *PrivateKey, h handshakeVector) {
	eph, err := hpke.MLKEM768X25519().NewPrivateKey(h.ClientEphemeral)
	if err != nil {
		t.Fatal(err)
	}
	srv, err := openHello(key, h.Hello)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "ephemeral key", srv.ephemeral, eph.PublicKey().Bytes())
	c := &clientHandshake{h1: srv.h1, k1: srv.k1, eph: eph}
	if h.Resumed {
		c.ticket = &ticket{sessionID(h.TicketID), [32]byte(h.TicketSecret)}
		same(t, "ticket", srv.id[:], h.TicketID)
		if !srv.holds(c.ticket.secret) {
			t.Error("the proof does not hold")
		}
	} else if srv.resume {
		t.Error("the HELLO has a ticket")
	}
	w, err := c.welcome(bytes.Clone(h.Welcome))
	if err != nil {
		t.Fatal(err)
	}
	if w.resumed != h.Resumed || w.cursor != h.Cursor {
		t.Errorf("resumed %v, cursor %d; want %v, %d", w.resumed, w.cursor, h.Resumed, h.Cursor)
	}
	same(t, "session id", w.id[:], h.SessionID)
	same(t, "client key", w.keys.client[:], h.ClientKey)
	same(t, "server key", w.keys.server[:], h.ServerKey)
	if !h.Resumed {
		same(t, "binding", w.keys.binding[:], h.Binding)
		same(t, "secret", w.keys.secret[:], h.Secret)
	}
}

func writeVectors(t *testing.T) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	k, err := GenerateKey()
	must(err)
	var v vectors
	v.ServerPrivate, err = k.key.Bytes()
	must(err)
	v.Fingerprint = k.fp[:]
	pub, err := parsePublicKey(k.pub, k.fp)
	must(err)
	var tick *ticket
	for _, name := range []string{"fresh", "resume"} {
		eph, err := hpke.MLKEM768X25519().GenerateKey()
		must(err)
		_, msg, err := hello(pub, eph, tick, 3)
		must(err)
		srv, err := openHello(k, msg)
		must(err)
		h := handshakeVector{Name: name, Hello: msg, Resumed: tick != nil}
		h.ClientEphemeral, err = eph.Bytes()
		must(err)
		id, secret := sessionID{1, 2, 3}, (*[32]byte)(nil)
		if tick != nil {
			id, secret, h.Cursor = tick.id, &tick.secret, 41
			h.TicketID, h.TicketSecret = tick.id[:], tick.secret[:]
		}
		var ks keys
		h.Welcome, ks, err = srv.welcome(id, h.Cursor, secret, 5)
		must(err)
		h.SessionID, h.ClientKey, h.ServerKey = id[:], ks.client[:], ks.server[:]
		if tick == nil {
			h.Binding, h.Secret = ks.binding[:], ks.secret[:]
			tick = &ticket{id, ks.secret}
		}
		v.Handshakes = append(v.Handshakes, h)
	}
	fk := v.Handshakes[0].ClientKey
	seal := func(n uint64, plain []byte) []byte {
		s := newSealer([32]byte(fk))
		s.n = n
		return s.seal(nil, plain, nil)
	}
	for i, f := range []frame{{kind: frameGo, id: 1, ack: 7}, {kind: frameData, id: 42, ack: 7, body: []byte("payload")}, {kind: frameAck, ack: 8}, {kind: framePing}, {kind: framePong}, {kind: frameBye}} {
		n := uint64(i * wideFrames)
		v.Frames = append(v.Frames, frameVector{fk, n, f.kind, f.id, f.ack, f.body, seal(n, appendFrame(nil, f, n))})
	}
	hi := v.Handshakes[0].Hello
	flip := func(b []byte, i int) []byte {
		b = bytes.Clone(b)
		b[i] ^= 1
		return b
	}
	padded := appendFrame(nil, frame{kind: frameAck}, wideFrames)
	v.Reject = []rejectVector{
		{"hello-version", "server", flip(hi, 1), "version"},
		{"hello-cut", "server", hi[:2000], "protocol"},
		{"hello-encapsulation-changed", "server", flip(hi, 100), "key"},
		{"hello-body-changed", "server", flip(hi, len(hi)-1), "key"},
		{"frame-changed", "frame", flip(v.Frames[0].Sealed, 9), "protocol"},
		{"frame-of-another-number", "frame", v.Frames[1].Sealed, "protocol"},
		{"frame-empty", "frame", seal(0, nil), "protocol"},
		{"frame-padding-not-zero", "frame", seal(0, flip(padded, len(padded)-1)), "protocol"},
	}
	b, err := json.MarshalIndent(v, "", " ")
	must(err)
	must(os.MkdirAll("../../spec/vectors", 0o755))
	must(os.WriteFile(vectorFile, append(b, '\n'), 0o644))
}
