package main

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"paperplane/server/front"
)

// TestFetchKey (V-06) shows that what the front says is what the client reads, and that other answers are
// no key.
func TestFetchKey(t *testing.T) {
	want := [32]byte{1, 2, 31: 9}
	s := httptest.NewServer(front.Handler(front.Config{Fingerprint: want}))
	defer s.Close()
	if got, err := fetchKey(t.Context(), s.URL); err != nil || got != want {
		t.Errorf("got %x, %v, want %x", got, err, want)
	}
	for _, body := range []string{"", "00", "zz", string(make([]byte, 300))} {
		bad := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }))
		if got, err := fetchKey(t.Context(), bad.URL); err == nil {
			t.Errorf("%q: got %x", body, got)
		}
		bad.Close()
	}
	s.Close()
	if _, err := fetchKey(t.Context(), s.URL); err == nil {
		t.Error("a server that is away says a key")
	}
}
