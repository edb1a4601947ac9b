package caps_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
)

var update = flag.Bool("update", false, "write the vectors anew; review the difference like code")

const vectorFile = "../../spec/vectors/caps.json"

type vectors struct {
	Comment string            `json:"comment"`
	Input   map[string]string `json:"input"`
	Output  map[string]string `json:"output"`
	Reject  []reject          `json:"reject"`
}

// reject is a signature that must not verify, and why.
type reject struct {
	Why string `json:"why"`
	Key string `json:"key"`
	Msg string `json:"msg"`
	Sig string `json:"sig"`
}

// TestVectors computes spec/vectors/caps.json again and compares (L-01, L-02, L-04, L-05, L-06,
// L-07, L-09, L-10).
func TestVectors(t *testing.T) {
	fill := func(b byte, n int) []byte { return bytes.Repeat([]byte{b}, n) }
	seed, binding, secret := fill(1, 32), plane.Binding(fill(2, 32)), fill(3, 32)
	blob, door := [16]byte(fill(4, 16)), [16]byte(fill(5, 16))
	owner, err := caps.SignerFromSeed(seed)
	if err != nil {
		t.Fatal(err)
	}
	read, write := caps.DeriveLogKeys(secret, 7)
	doorKey := caps.DoorSigner(door)
	id, blobID := caps.NewLogID(owner.Public()), caps.NewBlobID(blob)
	create := caps.CreateMessage(binding, owner.Public(), read.Public(), write.Public(), 30, false)
	open := caps.OpenMessage(binding, id, 2, 7, write.Public())
	member := caps.MemberMessage(binding)

	v := vectors{
		Comment: "Keys, ids and signed messages of spec/log.md. Bytes are hex. create: 30 days, no inbox; open: role 2 (write), generation 7.",
		Input:   map[string]string{},
		Output:  map[string]string{},
	}
	in := func(name string, b []byte) { v.Input[name] = hex.EncodeToString(b) }
	out := func(name string, b []byte) { v.Output[name] = hex.EncodeToString(b) }
	key := func(name string, s *caps.Signer) {
		p := s.Public()
		out(name, p[:])
	}
	sign := func(name string, s *caps.Signer, m []byte) {
		sig := s.Sign(m)
		out(name+"Message", m)
		out(name+"Signature", sig[:])
	}
	in("ownerSeed", seed)
	in("binding", binding[:])
	in("logSecret", secret)
	in("generation", []byte{0, 0, 0, 7})
	in("blobSecret", blob[:])
	in("doorSeed", door[:])
	key("ownerKey", owner)
	key("readKey", read)
	key("writeKey", write)
	key("doorKey", doorKey)
	out("logID", id[:])
	out("blobID", blobID[:])
	sign("create", owner, create)
	sign("open", write, open)
	sign("member", owner, member)

	rej := func(why string, k plane.PublicKey, m []byte, sig plane.Signature) {
		v.Reject = append(v.Reject, reject{why, hex.EncodeToString(k[:]), hex.EncodeToString(m), hex.EncodeToString(sig[:])})
	}
	rej("another purpose: member signature over an open message", owner.Public(), open, owner.Sign(member))
	rej("another session", owner.Public(), caps.MemberMessage(plane.Binding{9}), owner.Sign(member))
	bad := badKeys(t)
	rej("key of order 1, forged for every message", bad["order-1"], member, plane.Signature{0: 1})
	rej("key of order 1 in a form that is not canonical", bad["not-canonical-1"], member, plane.Signature{0: 1})
	s := owner.Sign(member)
	carry := 0 // S + l: the same signature in a form that RFC 8032 forbids
	l, _ := hex.DecodeString("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
	for i := range 32 {
		carry += int(s[32+i]) + int(l[i])
		s[32+i], carry = byte(carry), carry>>8
	}
	rej("S not below the group order", owner.Public(), member, s)

	got, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(vectorFile, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the vectors differ from %s; got\n%s", vectorFile, got)
	}

	var file vectors
	if err := json.Unmarshal(want, &file); err != nil {
		t.Fatal(err)
	}
	hx := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	for name, k := range map[string]string{"create": "ownerKey", "open": "writeKey", "member": "ownerKey"} {
		o := file.Output
		if !caps.Verify(plane.PublicKey(hx(o[k])), hx(o[name+"Message"]), plane.Signature(hx(o[name+"Signature"]))) {
			t.Errorf("%s: the file's signature does not verify", name)
		}
	}
	for _, r := range file.Reject {
		if caps.Verify(plane.PublicKey(hx(r.Key)), hx(r.Msg), plane.Signature(hx(r.Sig))) {
			t.Errorf("verifies, but must not: %s", r.Why)
		}
	}
}
