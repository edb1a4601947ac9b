package content

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"testing"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// draftMessages are the examples of draft-ietf-mimi-content-08 §5, built from their fields, with
// the message ids that the draft gives.
func draftMessages(t testing.TB) []struct {
	name, sender, id string
	u                Unverified
	want             Message
} {
	id := func(s string) MessageID { return MessageID(unhex(t, s)) }
	salt := func(s string) [16]byte { return [16]byte(unhex(t, s)) }
	const alice, bob, cathy = "mimi://example.com/u/alice-smith", "mimi://example.com/u/bob-jones", "mimi://example.com/u/cathy-washington"
	ext := func(sender string) map[any]any { return map[any]any{uint64(1): sender, uint64(2): draftRoom} }
	md := func(s string) Part { return single(DispositionRender, "text/markdown;variant=GFM-MIMI", []byte(s)) }
	original := id("017ce54837404c3696e0c747b985cb172716d0ed0a3d249ca63ace7d82a096f4")
	reply := id("015354973c2b65ca937bf1e035ae53a5ab80e947afa43d46920d4202e5cc0b27")
	reaction := id("0158c4288911e50a8f6be3f47746b6682f10fd91bc8c05557aa589a3157aff68")
	return []struct {
		name, sender, id string
		u                Unverified
		want             Message
	}{
		{"original", alice, "017ce54837404c3696e0c747b985cb172716d0ed0a3d249ca63ace7d82a096f4", Unverified{
			Salt: salt("5eed9406c2545547ab6f09f20a18b003"), Extensions: ext(alice),
			Part: md("Hi everyone, we just shipped release 2.0. __Good  work__!")}, Unknown{}},
		{"reply", bob, "015354973c2b65ca937bf1e035ae53a5ab80e947afa43d46920d4202e5cc0b27", Unverified{
			Salt: salt("11a458c73b8dd2cf404db4b378b8fe4d"), InReplyTo: original, Extensions: ext(bob),
			Part: md("Right on! _Congratulations_ 'all!")}, Unknown{}},
		{"reaction", cathy, "0158c4288911e50a8f6be3f47746b6682f10fd91bc8c05557aa589a3157aff68", Unverified{
			Salt: salt("d37bc0e6a8b4f04e9e6382375f587bf6"), InReplyTo: original, Extensions: ext(cathy),
			Part: single(DispositionReaction, typeText, []byte("\u2764"))}, React{To: original, Emoji: "\u2764"}},
		{"mention", cathy, "018d825adf9f6be00dcafc5704c4102f5022e74219d0b603e4ba7622654042af", Unverified{
			Salt: salt("04f290e215d0f82d1750bfa8b7dc089d"), InReplyTo: original, Extensions: ext(cathy),
			Part: md("Kudos to [@Alice Smith](mimi://example.com/u/alice-smith) for making the release happen!")}, Unknown{}},
		{"edit", bob, "014028c0deddbdea56bec26172f6ede953d11024cb82b8192b5e2aea62d7fb47", Unverified{
			Salt: salt("b8c2e6d8800ecf45df39be6c45f4c042"), Replaces: reply, InReplyTo: original, Extensions: ext(bob),
			Part: md("Right on! _Congratulations_ y'all!")}, Unknown{}},
		{"delete", bob, "011d9efc78d04d4dcf4d82b07d5199bbef37011c1f0c7e004b6111c6dda504b4", Unverified{
			Salt: salt("0a590d73b2c7761c39168be5ebf7f2e6"), Replaces: reply, InReplyTo: original, Extensions: ext(bob),
			Part: Part{Disposition: DispositionRender}}, Delete{Of: reply}},
		{"unlike", cathy, "013aadbb8f313253c8930f4e93c6ca54b2ed06d258185bdcec3870534c8a4ec4", Unverified{
			Salt: salt("c5ba86dc9fd272e58ca52ec805b79199"), Replaces: reaction, InReplyTo: original, Extensions: ext(cathy),
			Part: Part{Disposition: DispositionReaction}}, Unreact{Reaction: reaction, To: original}},
		{"expiring", alice, "01e59db8173939facc2c8a4a0f0ae8d0c7a11a81239626630c9464a8d6717a03", Unverified{
			Salt: salt("33be993eb39f418f9295afc2ae160d2d"), Extensions: ext(alice), Expires: &Expires{Time: 1644390004},
			Part: md("__*VPN GOING DOWN*__ I'm rebooting the VPN in ten minutes unless anyone objects.")}, Unknown{}},
		{"attachment", bob, "0176180c7d19a925021fe446d241134d05c38e0d999cdc0f39c391d2377ed9d1", Unverified{
			Salt: salt("18fac6371e4e53f1aeaf8a013155c166"), Extensions: ext(bob),
			Part: Part{Disposition: DispositionAttachment, Language: "en", Cardinality: CardinalityExternal, ContentType: "video/mp4",
				External: External{URL: "https://example.com/storage/8ksB4bSrrRE.mp4", Size: 708234961, EncAlg: 1,
					Key: unhex(t, "21399320958a6f4c745dde670d95e0d8"), Nonce: unhex(t, "c86cf2c33f21527d1dd76f5b"), HashAlg: 1,
					Hash:        unhex(t, "9ab17a8cf0890baaae7ee016c7312fcc080ba46498389458ee44f0276e783163"),
					Description: "2 hours of key signing video", Filename: "bigfile.mp4"}}}, Unknown{}},
		{"conferencing", alice, "01496d15a8dba28d7397f9868b70768e4a67f765d5b5b1ae9e03848c5fdeb0ba", Unverified{
			Salt: salt("678ac6cd54de049c3e9665cd212470fa"), TopicID: []byte("Foo 118"), Extensions: ext(alice),
			Part: Part{Disposition: 7, Cardinality: CardinalityExternal, External: External{URL: "https://example.com/join/12345",
				Description: "Join the Foo 118 conference"}}}, Unknown{}},
	}
}

const draftRoom = "mimi://example.com/r/engineering_team"

// TestDraftExamples encodes the draft's own examples: their ids are those that the draft gives,
// so codec and id agree with it to the byte; and each verifies to its kind, or to Unknown where
// this version has none such (C-40, C-43, C-44).
func TestDraftExamples(t *testing.T) {
	for _, c := range draftMessages(t) {
		b, err := c.u.Bytes()
		if err != nil {
			t.Errorf("%s: encode: %v", c.name, err)
			continue
		}
		got := messageID(c.sender, draftRoom, b)
		if h := hex.EncodeToString(got[:]); h != c.id {
			t.Errorf("%s: id %s, want %s", c.name, h, c.id)
		}
		u, err := Parse(b)
		if err != nil {
			t.Errorf("%s: parse: %v", c.name, err)
			continue
		}
		if again, err := u.Bytes(); err != nil || !bytes.Equal(again, b) {
			t.Errorf("%s: parsed and encoded, other bytes, %v", c.name, err)
		}
		if m, err := u.Verify(); err != nil || !reflect.DeepEqual(m, c.want) {
			t.Errorf("%s: a %T, %v, want a %T", c.name, m, err, c.want)
		}
	}
}
