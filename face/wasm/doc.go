// Package wasm is the face of the core inside a browser's worker: it puts one object,
// globalThis.paperplane, whose methods take and give bytes; calls, answers and events are CBOR (face/api).
//
//	call(request: Uint8Array): Promise<Uint8Array>
//	putFile(bytes: Uint8Array): Promise<string>       the new file's ref
//	getFile(ref: string): Promise<Uint8Array>
//
// Events go to globalThis.paperplaneEvent(event: Uint8Array), which the worker sets before the start. Go has
// one thread here, so nothing in this package may block a callback: each call gets a goroutine.
package wasm
