//go:build js

package wasm

import (
	"errors"
	"syscall/js"

	"paperplane/client/vault"
)

// errKeyStore: the browser keeps nothing for us (a private window), or lost it.
var errKeyStore = errors.New("wasm: the browser's key store is not there")

// FirstName is what the first account's folder and lock are called; another's begin with it (web/lib/account.ts).
const FirstName = "paperplane"

// keyName is the record that holds the key of the vault in folder.
func keyName(folder string) string {
	if folder == FirstName {
		return "vault"
	}
	return folder
}

// DataKey returns the key of the vault in folder, made at the first call. It is kept in
// IndexedDB, sealed with AES-GCM under a key that WebCrypto does not let out. That stops
// somebody who reads a copied profile with a text editor, and nothing more.
//
// fresh says that the key was made now, so whatever vault there is belongs to a lost key.
//
// An error means that the browser keeps nothing here: private windows refuse in several ways, some by exceptions.
func DataKey(folder string) (key vault.Key, fresh bool, err error) {
	defer func() {
		switch e := recover().(type) {
		case nil:
		case js.Error:
			key, fresh, err = vault.Key{}, false, errKeyStore
		default:
			panic(e)
		}
	}()
	idb := js.Global().Get("indexedDB")
	if idb.IsUndefined() || idb.IsNull() {
		return key, false, errKeyStore
	}
	open := idb.Call("open", FirstName, 1)
	upgrade := js.FuncOf(func(js.Value, []js.Value) any {
		open.Get("result").Call("createObjectStore", "keys")
		return nil
	})
	defer upgrade.Release()
	open.Set("onupgradeneeded", upgrade)
	db, err := request(open)
	if err != nil {
		return key, false, err
	}
	defer db.Call("close")
	store := func(mode string) js.Value {
		return db.Call("transaction", "keys", mode).Call("objectStore", "keys")
	}
	saved, err := request(store("readonly").Call("get", keyName(folder)))
	if err != nil {
		return key, false, err
	}
	subtle := js.Global().Get("crypto").Get("subtle")
	if subtle.IsUndefined() {
		return key, false, errKeyStore // not a secure context
	}
	if saved.Truthy() {
		plain, err := await(subtle.Call("decrypt", gcm(saved.Get("iv")), saved.Get("wrap"), saved.Get("sealed")))
		if err != nil {
			return key, false, err
		}
		key, err = vault.KeyFrom(bytesOf(plain))
		return key, false, err
	}
	key = vault.NewKey()
	wrap, err := await(subtle.Call("generateKey", map[string]any{"name": "AES-GCM", "length": 256}, false, []any{"encrypt", "decrypt"}))
	if err != nil {
		return key, false, err
	}
	iv := js.Global().Get("crypto").Call("getRandomValues", js.Global().Get("Uint8Array").New(12))
	raw := key.Bytes()
	plain := js.Global().Get("Uint8Array").New(len(raw))
	js.CopyBytesToJS(plain, raw)
	sealed, err := await(subtle.Call("encrypt", gcm(iv), wrap, plain))
	if err != nil {
		return key, false, err
	}
	_, err = request(store("readwrite").Call("put", map[string]any{"iv": iv, "wrap": wrap, "sealed": sealed}, keyName(folder)))
	return key, true, err
}

func gcm(iv js.Value) map[string]any { return map[string]any{"name": "AES-GCM", "iv": iv} }

func bytesOf(buffer js.Value) []byte {
	a := js.Global().Get("Uint8Array").New(buffer)
	b := make([]byte, a.Get("length").Int())
	js.CopyBytesToGo(b, a)
	return b
}

// request waits for an IndexedDB request.
func request(r js.Value) (js.Value, error) { return settle(r, "onsuccess", "onerror", "result") }

// await waits for a promise.
func await(p js.Value) (js.Value, error) {
	type outcome struct {
		v  js.Value
		ok bool
	}
	ch := make(chan outcome, 1)
	done := js.FuncOf(func(_ js.Value, a []js.Value) any { ch <- outcome{a[0], true}; return nil })
	fail := js.FuncOf(func(js.Value, []js.Value) any { ch <- outcome{}; return nil })
	defer done.Release()
	defer fail.Release()
	p.Call("then", done, fail)
	o := <-ch
	if !o.ok {
		return js.Undefined(), errKeyStore
	}
	return o.v, nil
}

func settle(r js.Value, good, bad, field string) (js.Value, error) {
	ch := make(chan bool, 1)
	done := js.FuncOf(func(js.Value, []js.Value) any { ch <- true; return nil })
	fail := js.FuncOf(func(js.Value, []js.Value) any { ch <- false; return nil })
	defer done.Release()
	defer fail.Release()
	r.Set(good, done)
	r.Set(bad, fail)
	if !<-ch {
		return js.Undefined(), errKeyStore
	}
	return r.Get(field), nil
}
