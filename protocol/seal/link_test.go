package seal_test

import (
	"errors"
	"strings"
	"testing"

	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
)

func personLink() seal.Link {
	return seal.Link{Origin: "https://chat.example", Server: [32]byte{1, 31: 9}, Inbox: plane.LogID{2}, Door: [16]byte{3},
		Card: must(seal.CardKeyFromBytes([]byte("0123456789abcdef"))), Account: [16]byte{4}, HasAccount: true}
}

func groupLink() seal.Link {
	l := personLink()
	l.Account, l.HasAccount, l.Group = [16]byte{}, false, true
	return l
}

// TestLinkRoundTrip parses what String gives: every field returns (C-02).
func TestLinkRoundTrip(t *testing.T) {
	for _, l := range []seal.Link{personLink(), {Origin: "http://127.0.0.1:8765", Server: [32]byte{1}, Door: [16]byte{5}},
		{Origin: "http://127.0.0.1:8765", HasAccount: true}, groupLink()} {
		got, err := seal.ParseLink(l.String())
		if err != nil {
			t.Errorf("a good link: %v", err)
			continue
		}
		if got.String() != l.String() || got.Origin != l.Origin || got.Server != l.Server || got.Inbox != l.Inbox || got.Door != l.Door ||
			!got.Card.Equal(l.Card) || got.Account != l.Account || got.HasAccount != l.HasAccount || got.Group != l.Group {
			t.Errorf("a link came back different")
		}
	}
}

// TestLinkCut cuts a link at every character: from the mark on it is cut off and said to be; no
// part is a link (C-03).
func TestLinkCut(t *testing.T) {
	for _, l := range []seal.Link{personLink(), groupLink()} {
		whole := l.String()
		mark := strings.IndexByte(whole, '#')
		for n := range len(whole) {
			_, err := seal.ParseLink(whole[:n])
			want := seal.ErrLinkKind
			if n >= mark { // "…/i" and beyond
				want = seal.ErrLinkTruncated
			}
			if !errors.Is(err, want) {
				t.Errorf("%d of %d characters: got %v, want %v", n, len(whole), err, want)
			}
		}
	}
	// A person's link cut to where a server's own link would end is still not one.
	if _, err := seal.ParseLink(seal.Link{Origin: "http://a", Door: [16]byte{1}}.String()); err != nil {
		t.Errorf("a server's own link: %v", err)
	}
}

// TestLinkErrors tells the kinds of wrong links apart (C-03).
func TestLinkErrors(t *testing.T) {
	whole := personLink().String()
	text := whole[strings.Index(whole, "#1.")+3:]
	flip := func(i int, c byte) string { b := []byte(whole); b[len(whole)-len(text)+i] = c; return string(b) }
	for _, c := range []struct {
		name, link string
		want       error
	}{
		{"empty", "", seal.ErrLinkKind},
		{"word", "hello", seal.ErrLinkKind},
		{"other-page", "https://chat.example/", seal.ErrLinkKind},
		{"other-path", "https://chat.example/j#1." + text, seal.ErrLinkKind},
		{"other-scheme", "ftp://chat.example/i#1." + text, seal.ErrLinkKind},
		{"upper-scheme", "HTTPS://chat.example/i#1." + text, seal.ErrLinkKind},
		{"very-long", whole + strings.Repeat("A", 600), seal.ErrLinkKind},
		{"space-before", " " + whole, seal.ErrLinkKind},
		{"space-after", whole + " ", seal.ErrLinkDamaged},
		{"line-end-inside", whole[:len(whole)-9] + "\n" + whole[len(whole)-9:], seal.ErrLinkDamaged},
		{"no-fragment", "https://chat.example/i", seal.ErrLinkTruncated},
		{"empty-fragment", "https://chat.example/i#", seal.ErrLinkTruncated},
		{"only-version", "https://chat.example/i#1", seal.ErrLinkTruncated},
		{"no-bytes", "https://chat.example/i#1.", seal.ErrLinkTruncated},
		{"version-2", "https://chat.example/i#2." + text, seal.ErrLinkVersion},
		{"version-12", "https://chat.example/i#12." + text, seal.ErrLinkVersion},
		{"version-word", "https://chat.example/i#v1." + text, seal.ErrLinkDamaged},
		{"version-none", "https://chat.example/i#." + text, seal.ErrLinkDamaged},
		{"one-character-more", whole + "A", seal.ErrLinkDamaged},
		{"many-characters-more", whole + "AAAA", seal.ErrLinkDamaged},
		{"padding", whole + "=", seal.ErrLinkDamaged},
		{"other-alphabet", flip(20, '+'), seal.ErrLinkDamaged},
		{"not-our-array", flip(0, 'A'), seal.ErrLinkDamaged},
		{"spare-bits", flip(len(text)-1, text[len(text)-1]^1), seal.ErrLinkDamaged},
		{"user-in-origin", "https://me@chat.example/i#1." + text, seal.ErrLinkOrigin},
		{"path-in-origin", "https://chat.example/x/i#1." + text, seal.ErrLinkOrigin},
		{"query-in-origin", "https://chat.example?x=/i#1." + text, seal.ErrLinkOrigin},
		{"no-host", "https:///i#1." + text, seal.ErrLinkOrigin},
		{"upper-host", "https://Chat.example/i#1." + text, seal.ErrLinkOrigin},
		{"unicode-host", "https://чат.example/i#1." + text, seal.ErrLinkOrigin},
		{"space-host", "https://chat example/i#1." + text, seal.ErrLinkOrigin},
		{"dot-host", "https://chat..example/i#1." + text, seal.ErrLinkOrigin},
		{"last-dot", "https://chat.example./i#1." + text, seal.ErrLinkOrigin},
		{"hyphen-first", "https://-chat.example/i#1." + text, seal.ErrLinkOrigin},
		{"hyphen-last", "https://chat-.example/i#1." + text, seal.ErrLinkOrigin},
		{"underscore", "https://a_b.example/i#1." + text, seal.ErrLinkOrigin},
		{"long-label", "https://" + strings.Repeat("a", 64) + ".example/i#1." + text, seal.ErrLinkOrigin},
		{"long-host", "https://" + strings.Repeat("a.", 126) + "aa/i#1." + text, seal.ErrLinkOrigin},
		{"port-empty", "https://chat.example:/i#1." + text, seal.ErrLinkOrigin},
		{"port-0", "https://chat.example:0/i#1." + text, seal.ErrLinkOrigin},
		{"port-zeros", "https://chat.example:0443/i#1." + text, seal.ErrLinkOrigin},
		{"port-large", "https://chat.example:65536/i#1." + text, seal.ErrLinkOrigin},
		{"port-sign", "https://chat.example:+443/i#1." + text, seal.ErrLinkOrigin},
		{"port-twice", "https://chat.example:1:2/i#1." + text, seal.ErrLinkOrigin},
		{"v6-open", "http://[::1/i#1." + text, seal.ErrLinkOrigin},
		{"v6-long-form", "http://[0:0::1]/i#1." + text, seal.ErrLinkOrigin},
		{"v6-zone", "http://[fe80::1%25eth0]/i#1." + text, seal.ErrLinkOrigin},
		{"v6-tail", "http://[::1]x/i#1." + text, seal.ErrLinkOrigin},
		{"v4-in-brackets", "http://[127.0.0.1]/i#1." + text, seal.ErrLinkOrigin},
	} {
		if _, err := seal.ParseLink(c.link); !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
	}
}

// TestLinkOrigins checks good origins and which of them are open to watchers (C-01, C-04).
func TestLinkOrigins(t *testing.T) {
	whole := personLink().String()
	rest := whole[strings.Index(whole, "/i#"):]
	for origin, insecure := range map[string]bool{
		"https://chat.example":                       false,
		"https://chat.example:8443":                  false,
		"https://xn--80ahm.example":                  false,
		"https://a":                                  false,
		"https://1.2.3.4":                            false,
		"https://" + strings.Repeat("a", 63):         false,
		"http://chat.example":                        true,
		"http://192.168.0.7:8765":                    true,
		"http://[2001:db8::1]:1":                     true,
		"http://[2001:db8::1]":                       true,
		"http://localhost.example":                   true,
		"http://localhost":                           false,
		"http://localhost:65535":                     false,
		"http://me.localhost:1":                      false,
		"http://127.0.0.1:8765":                      false,
		"http://127.9.9.9":                           false,
		"http://[::1]":                               false,
		"http://[::1]:8765":                          false,
		"https://[2001:db8::1]:443":                  false,
		"https://" + strings.Repeat("a.", 126) + "a": false,
	} {
		if !seal.ValidOrigin(origin) || seal.ValidOrigin(origin+"/") {
			t.Errorf("%s: not valid, or valid with a path", origin)
		}
		l, err := seal.ParseLink(origin + rest)
		if err != nil || l.Origin != origin || l.Insecure() != insecure {
			t.Errorf("%s: origin %q, insecure %v, %v; want insecure %v", origin, l.Origin, l.Insecure(), err, insecure)
		}
	}
}

// TestLinkPeople checks that a link's secrets lead to keys and that a fingerprint tells accounts apart.
func TestLinkPeople(t *testing.T) {
	a, b := caps.NewSigner().Public(), caps.NewSigner().Public()
	again := a
	if seal.AccountFingerprint(a) == seal.AccountFingerprint(b) || seal.AccountFingerprint(a) != seal.AccountFingerprint(again) {
		t.Error("fingerprints do not tell accounts apart")
	}
}

// FuzzLink holds that an accepted link is the one text of itself and that nothing panics.
func FuzzLink(f *testing.F) {
	f.Add(personLink().String())
	f.Add(groupLink().String())
	f.Add(seal.Link{Origin: "http://[::1]:8765"}.String())
	f.Add("https://chat.example/i#2.AAAA")
	f.Fuzz(func(t *testing.T, s string) {
		l, err := seal.ParseLink(s)
		if err == nil && l.String() != s {
			t.Errorf("%q parses to the link %q", s, l.String())
		}
		_ = l.Insecure()
	})
}
