//go:build js

package wasm

import (
	"bytes"
	"context"
	"io"
	"syscall/js"
	"time"

	"paperplane/face/api"
)

// callTime bounds one call.
const callTime = 60 * time.Second

// fileBytesMax bounds a file that is handed over whole.
const fileBytesMax = 64 << 20

// Run serves core to the worker and returns when core ends.
func Run(core api.Core) {
	events, stop := core.Listen()
	defer stop()
	js.Global().Set("paperplane", map[string]any{
		"call": promise(func(arg js.Value) (any, error) {
			ctx, cancel := context.WithTimeout(context.Background(), callTime)
			defer cancel()
			return toJS(core.Call(ctx, toGo(arg))), nil
		}),
		"putFile": promise(func(arg js.Value) (any, error) {
			ref, _, err := core.PutFile(context.Background(), bytes.NewReader(toGo(arg)))
			return ref, err
		}),
		"getFile": promise(func(arg js.Value) (any, error) {
			f, err := core.OpenFile(context.Background(), arg.String())
			if err != nil {
				return nil, err
			}
			defer f.Close()
			b, err := io.ReadAll(io.LimitReader(f, fileBytesMax))
			if err != nil {
				return nil, err
			}
			return toJS(b), nil
		}),
	})
	if ready := js.Global().Get("paperplaneReady"); ready.Type() == js.TypeFunction {
		ready.Invoke()
	}
	for e := range events {
		js.Global().Call("paperplaneEvent", toJS(e))
	}
}

func toGo(array js.Value) []byte {
	b := make([]byte, array.Get("length").Int())
	js.CopyBytesToGo(b, array)
	return b
}

func toJS(b []byte) js.Value {
	array := js.Global().Get("Uint8Array").New(len(b))
	js.CopyBytesToJS(array, b)
	return array
}

// promise makes a JavaScript function of one argument that answers with a promise of f's result.
// The errors carry a fixed word: a face shows its own text.
func promise(f func(js.Value) (any, error)) js.Func {
	return js.FuncOf(func(_ js.Value, args []js.Value) any {
		arg := js.Undefined()
		if len(args) > 0 {
			arg = args[0]
		}
		var handler js.Func
		handler = js.FuncOf(func(_ js.Value, p []js.Value) any {
			handler.Release()
			resolve, reject := p[0], p[1]
			go func() {
				v, err := f(arg)
				if err != nil {
					reject.Invoke(js.Global().Get("Error").New("internal"))
					return
				}
				resolve.Invoke(v)
			}()
			return nil
		})
		return js.Global().Get("Promise").New(handler)
	})
}
