package main

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"
)

// keyTime bounds the asking for a server's key.
const keyTime = 12 * time.Second

var errNoKey = errors.New("the server says no key")

// fetchKey asks the server at origin for the fingerprint of its key. It is believed as far as the
// vault of the words says the same.
func fetchKey(ctx context.Context, origin string) (id [32]byte, err error) {
	ctx, stop := context.WithTimeout(ctx, keyTime)
	defer stop()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, origin+"/server.key", nil)
	if err != nil {
		return id, err
	}
	a, err := http.DefaultClient.Do(r)
	if err != nil {
		return id, err
	}
	defer a.Body.Close()
	b, err := io.ReadAll(io.LimitReader(a.Body, 256))
	if err != nil {
		return id, err
	}
	k, err := hex.DecodeString(strings.TrimSpace(string(b)))
	if err != nil || len(k) != len(id) || a.StatusCode != http.StatusOK {
		return id, errNoKey
	}
	return [32]byte(k), nil
}
