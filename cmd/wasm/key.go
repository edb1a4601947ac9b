//go:build js

package main

import (
	"context"
	"encoding/hex"
	"errors"
	"strings"
	"syscall/js"
)

var errNoKey = errors.New("the server says no key")

// fetchKey asks the server at origin for the fingerprint of its key. It is believed as far as the
// vault of the words says the same.
func fetchKey(ctx context.Context, origin string) (id [32]byte, err error) {
	got := make(chan string, 1)
	fail := js.FuncOf(func(js.Value, []js.Value) any {
		select {
		case got <- "":
		default:
		}
		return nil
	})
	text := js.FuncOf(func(_ js.Value, a []js.Value) any { return a[0].Call("text") })
	take := js.FuncOf(func(_ js.Value, a []js.Value) any {
		select {
		case got <- a[0].String():
		default:
		}
		return nil
	})
	options := map[string]any{"cache": "no-store", "credentials": "omit", "redirect": "error"}
	js.Global().Call("fetch", origin+"/server.key", options).Call("then", text).Call("then", take).Call("catch", fail)
	select {
	case s := <-got:
		fail.Release()
		text.Release()
		take.Release()
		k, err := hex.DecodeString(strings.TrimSpace(s))
		if err != nil || len(k) != len(id) {
			return id, errNoKey
		}
		return [32]byte(k), nil
	case <-ctx.Done():
		return id, ctx.Err() // the functions stay: the answer may come yet
	}
}
