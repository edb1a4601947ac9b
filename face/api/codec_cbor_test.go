//go:build js

package api

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"

	"github.com/fxamacker/cbor/v2"
)

// asJSON turns what encode wrote into JSON as web/lib/cbor.ts does: byte strings become base64, and a key may stand only once.
func asJSON(b []byte) ([]byte, error) {
	m, err := cbor.DecOptions{DupMapKey: cbor.DupMapKeyEnforcedAPF, IndefLength: cbor.IndefLengthForbidden, TagsMd: cbor.TagsForbidden}.DecMode()
	if err != nil {
		return nil, err
	}
	var v any
	if err := m.Unmarshal(b, &v); err != nil {
		return nil, err
	}
	if v, err = textKeys(v); err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

func textKeys(v any) (any, error) {
	switch v := v.(type) {
	case []any:
		for i := range v {
			var err error
			if v[i], err = textKeys(v[i]); err != nil {
				return nil, err
			}
		}
	case map[any]any:
		out := map[string]any{}
		for k, field := range v {
			name, ok := k.(string)
			if !ok {
				return nil, errors.New("a key that is no text")
			}
			var err error
			if out[name], err = textKeys(field); err != nil {
				return nil, err
			}
		}
		return out, nil
	}
	return v, nil
}

// fromJSON turns JSON into what decode reads as web/lib/cbor.ts does: the fields of bytesFields become byte strings.
func fromJSON(b []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, err
	}
	v, err := byteStrings(v)
	if err != nil {
		return nil, err
	}
	return cbor.Marshal(v)
}

func byteStrings(v any) (any, error) {
	var err error
	switch v := v.(type) {
	case json.Number:
		return v.Int64()
	case []any:
		for i := range v {
			if v[i], err = byteStrings(v[i]); err != nil {
				return nil, err
			}
		}
	case map[string]any:
		for name, field := range v {
			if s, ok := field.(string); ok && bytesFields[name] {
				v[name], err = base64.StdEncoding.DecodeString(s)
			} else {
				v[name], err = byteStrings(field)
			}
			if err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}
