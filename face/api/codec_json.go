//go:build !js

package api

import (
	"bytes"
	"encoding/json"
	"errors"
)

// raw is a value that is not read yet.
type raw = json.RawMessage

// decode reads into v, a pointer, strict JSON: no unknown names, nothing after the value. No bytes are a value of nothing.
func decode(b []byte, v any) error {
	if len(b) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.More() {
		return errors.New("api: more than one value")
	}
	return nil
}

// unmarshal reads what this program's own encode wrote.
func unmarshal(b []byte, v any) error { return json.Unmarshal(b, v) }

// marshal fails only for what no API type holds.
func marshal(v any) ([]byte, error) { return json.Marshal(v) }

// named puts the event's name before the fields of its encoding, body.
func named(name string, body []byte) []byte {
	out := append([]byte(`{"event":"`+name+`"`), ',')
	if string(body) == "{}" {
		out = out[:len(out)-1]
	}
	return append(out, body[1:]...)
}
