// Package canon makes the CBOR codecs of everything that is signed, hashed or stored: one encoding of
// each value (RFC 8949 §4.2.1), and readers that take nothing beside it.
//
// A codec is immutable and safe for concurrent use. Options are constants of the caller, made when
// the program starts: wrong ones panic there.
package canon

import "github.com/fxamacker/cbor/v2"

// Encoding writes core deterministic CBOR.
var Encoding = Encoder(cbor.CoreDetEncOptions())

// Encoder returns the codec of options that differ from Encoding's.
func Encoder(o cbor.EncOptions) cbor.EncMode {
	m, err := o.EncMode()
	if err != nil {
		panic(err)
	}
	return m
}

// Encode returns the one encoding of a value of the program's own types.
func Encode(v any) []byte {
	b, err := Encoding.Marshal(v)
	if err != nil {
		panic(err) // plain values always encode
	}
	return b
}

// Decoder returns a reader with the caller's bounds that refuses keys said twice, lengths left open and
// tags. Of a few more forms only encoding again tells: who needs the one encoding compares.
func Decoder(o cbor.DecOptions) cbor.DecMode {
	o.DupMapKey, o.IndefLength, o.TagsMd = cbor.DupMapKeyEnforcedAPF, cbor.IndefLengthForbidden, cbor.TagsForbidden
	m, err := o.DecMode()
	if err != nil {
		panic(err)
	}
	return m
}
