//go:build js

// Command wasm is Paperplane's core for a browser: the same client as everywhere, with its vault
// in the origin's private file system and its carrier a WebSocket. It runs in a dedicated worker.
package main

import (
	"syscall/js"

	"paperplane/client"
	"paperplane/client/vault"
	"paperplane/client/vault/mem"
	"paperplane/client/vault/opfs"
	"paperplane/face/api"
	"paperplane/face/wasm"
	"paperplane/transport/browser"
)

// version is set by the build.
var version = "dev"

// memoryMax bounds a vault that lives in memory only.
const memoryMax = 256 << 20

func main() {
	v, volatile, err := openVault()
	if err != nil {
		fail(err)
		return
	}
	c, err := client.Open(client.Options{Vault: v, Volatile: volatile, Dialer: browser.Dialer{}, FetchKey: fetchKey})
	if err != nil {
		fail(err)
		return
	}
	storage := "disk"
	if volatile {
		storage = "memory"
	}
	wasm.Run(api.New(c, api.About{Version: version, Storage: storage}))
	fail(c.Err())
}

// openVault opens the vault of this worker's account. Where the browser keeps nothing (a private window),
// the vault lives in memory and the person is told.
func openVault() (v *vault.Vault, volatile bool, err error) {
	if opfs.Available() {
		folder := wasm.FirstName
		if name := js.Global().Get("name"); name.Type() == js.TypeString && name.String() != "" {
			folder = name.String() // the worker is called what its account's folder and lock are
		}
		key, fresh, err := wasm.DataKey(folder)
		if err == nil {
			dir, err := opfs.Open(folder)
			if err != nil {
				return nil, false, err
			}
			if fresh { // the key of any older vault is gone, and with it the vault
				names, err := dir.List()
				if err != nil {
					return nil, false, err
				}
				for _, n := range names {
					if err := dir.Remove(n); err != nil {
						return nil, false, err
					}
				}
			}
			v, err = vault.Open(dir, key)
			return v, false, err
		}
	}
	v, err = vault.Open(mem.New(memoryMax), vault.NewKey())
	return v, true, err
}

// fail tells the worker that there is no core, with a word that the page turns into text.
func fail(err error) {
	word := "internal"
	switch err {
	case vault.ErrBusy:
		word = "busy-elsewhere"
	case vault.ErrDamaged, vault.ErrKey:
		word = "damaged"
	case vault.ErrFull:
		word = "disk-full"
	}
	if f := js.Global().Get("paperplaneFailed"); f.Type() == js.TypeFunction {
		f.Invoke(word)
	}
}
