package api

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"paperplane/core"
)

// The tests of this file run natively, where the codec is JSON, and under js, where it is CBOR: both must mean the same to a page.

// bytesFields are the fields that are bytes; web/lib/cbor.ts has the same list.
var bytesFields = map[string]bool{"picture": true, "preview": true, "wave": true}

var results = []any{
	core.Joined{}, core.LinkInfo{}, core.InviteLink{}, core.Sent{}, core.Members{}, core.Done{}, core.State{},
	core.Links{}, core.Knocks{}, core.Devices{}, core.DeviceLink{}, core.Words{},
	core.Edits{}, core.Results{}, core.Place{}, core.Storage{}, core.Cleared{},
	Page{}, core.Message{}, QR{}, About{},
}

var events = map[string]core.Event{
	"chatChanged": core.ChatChanged{}, "chatGone": core.ChatGone{}, "messageChanged": core.MessageChanged{}, "messageGone": core.MessageGone{},
	"typingChanged": core.TypingChanged{}, "onlineChanged": core.OnlineChanged{}, "accountChanged": core.AccountChanged{}, "notice": core.Notice{},
	"linking": core.Linking{}, "devicesChanged": core.DevicesChanged{}, "knocksChanged": core.KnocksChanged{}, "stateChanged": core.StateChanged{}, "foldersChanged": core.FoldersChanged{},
}

// everyType are all types that a call, its answer or an event holds.
func everyType(t *testing.T) []reflect.Type {
	var types []reflect.Type
	for _, c := range commands {
		types = append(types, reflect.TypeOf(c))
	}
	for _, v := range append([]any{messagesArgs{}, messageArgs{}, qrArgs{}}, results...) {
		types = append(types, reflect.TypeOf(v))
	}
	for _, e := range events {
		types = append(types, reflect.TypeOf(e))
	}
	return types
}

// fill sets everything in v. turn makes the values differ, and small turns are edges: 0 leaves all at zero, 1 is the longest and largest.
func fill(v reflect.Value, turn int, n *int) {
	*n++
	if turn == 0 {
		return
	}
	switch v.Kind() {
	case reflect.Bool:
		v.SetBool((*n+turn)%2 == 0)
	case reflect.Int, reflect.Int64:
		x := int64(*n*turn) - 5
		if turn == 1 {
			x = 1<<53 - 1
		}
		v.SetInt(x)
	case reflect.Uint64:
		x := uint64(*n * turn)
		if turn == 1 {
			x = 1<<53 - 1
		}
		v.SetUint(x)
	case reflect.String:
		v.SetString(fmt.Sprintf("ü\"\\\u2028<%d>", *n))
		if turn == 1 {
			v.SetString(strings.Repeat("long ", 60))
		}
	case reflect.Slice:
		s := reflect.MakeSlice(v.Type(), turn%4, turn%4) // turn 4: empty, not nil
		for i := range s.Len() {
			fill(s.Index(i), turn, n)
		}
		v.Set(s)
	case reflect.Uint8:
		v.SetUint(uint64(*n*37) % 256)
	case reflect.Pointer:
		p := reflect.New(v.Type().Elem())
		fill(p.Elem(), turn, n)
		v.Set(p)
	case reflect.Struct:
		for _, field := range v.Fields() {
			fill(field, turn, n)
		}
	default:
		panic("the API has a new kind of field: " + v.Kind().String())
	}
}

// plain reads JSON into maps.
func plain(t *testing.T, b []byte) any {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return v
}

const turns = 6

// TestEncodeLikeJSON shows that a page gets the object that JSON would give it, for every type and with each field empty and full.
func TestEncodeLikeJSON(t *testing.T) {
	for _, typ := range everyType(t) {
		for turn := range turns {
			v, n := reflect.New(typ).Elem(), 0
			fill(v, turn, &n)
			want, err := json.Marshal(v.Interface())
			if err != nil {
				t.Fatal(err)
			}
			got, err := asJSON(encode(v.Interface()))
			if err != nil {
				t.Fatalf("%v, turn %d: %v", typ, turn, err)
			}
			if !reflect.DeepEqual(plain(t, got), plain(t, want)) {
				t.Errorf("%v, turn %d: got %s, want %s", typ, turn, got, want)
			}
		}
	}
}

// TestDecodeLikeJSON shows that every command's arguments arrive as JSON would bring them.
func TestDecodeLikeJSON(t *testing.T) {
	for name, zero := range commands {
		parse := func(args raw) (core.Command, error) { return commandOf(zero, args) }
		for turn := range turns {
			want, n := reflect.New(reflect.TypeOf(zero)), 0
			fill(want.Elem(), turn, &n)
			text, err := json.Marshal(want.Interface())
			if err != nil {
				t.Fatal(err)
			}
			fresh := reflect.New(reflect.TypeOf(zero))
			if err := json.Unmarshal(text, fresh.Interface()); err != nil {
				t.Fatal(err)
			}
			b, err := fromJSON(text)
			if err != nil {
				t.Fatal(err)
			}
			got, err := parse(b)
			if err != nil || !reflect.DeepEqual(any(got), fresh.Elem().Interface()) {
				t.Errorf("%s, turn %d: got %+v, %v, want %+v", name, turn, got, err, fresh.Elem())
			}
		}
	}
}

// TestCallAndAnswer shows the frame around arguments and results, and that Done is there though it is empty.
func TestCallAndAnswer(t *testing.T) {
	b, err := fromJSON([]byte(`{"id":"7","cmd":"typing","args":{"chat":"c"}}`))
	if err != nil {
		t.Fatal(err)
	}
	c, err := decodeAs[call](b)
	if err != nil || c.ID != "7" || c.Cmd != "typing" {
		t.Fatalf("got %+v, %v, want call 7 of typing", c, err)
	}
	if cmd, err := commandOf(commands[c.Cmd], c.Args); err != nil || cmd != (core.Typing{Chat: "c"}) {
		t.Errorf("got %+v, %v, want typing in c", cmd, err)
	}
	for want, a := range map[string]answer{
		`{"id":"7","ok":{}}`:           {ID: "7", OK: core.Done{}},
		`{"id":"7","err":"no-chat"}`:   {ID: "7", Err: core.ErrNoChat},
		`{"id":"","err":"internal"}`:   {Err: core.ErrInternal},
		`{"id":"7","ok":{"chat":"x"}}`: {ID: "7", OK: core.Joined{Chat: "x"}},
	} {
		got, err := asJSON(encode(a))
		if err != nil || !reflect.DeepEqual(plain(t, got), plain(t, []byte(want))) {
			t.Errorf("got %s, %v, want %s", got, err, want)
		}
	}
	if got := string(mustJSON(t, encode(func() {}))); !reflect.DeepEqual(plain(t, []byte(got)), plain(t, []byte(`{"id":"","err":"internal"}`))) {
		t.Errorf("what cannot be encoded: got %s, want the internal error", got)
	}
}

func mustJSON(t *testing.T, b []byte) []byte {
	t.Helper()
	out, err := asJSON(b)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestEvents shows that an event is its fields and its name.
func TestEvents(t *testing.T) {
	for name, e := range events {
		for turn := range turns {
			v, n := reflect.New(reflect.TypeOf(e)).Elem(), 0
			fill(v, turn, &n)
			text, err := json.Marshal(v.Interface())
			if err != nil {
				t.Fatal(err)
			}
			want := plain(t, text).(map[string]any)
			want["event"] = name
			got := mustJSON(t, EncodeEvent(v.Interface().(core.Event)))
			if !reflect.DeepEqual(plain(t, got), any(want)) {
				t.Errorf("turn %d: got %s, want %v", turn, got, want)
			}
		}
	}
	if got := string(mustJSON(t, ResyncEvent())); got != `{"event":"resync"}` {
		t.Errorf("got %s, want only the name", got)
	}
}

// TestDecodeStrict shows what is refused: unknown names, a second value, what is cut off, another type.
func TestDecodeStrict(t *testing.T) {
	good, err := fromJSON([]byte(`{"chat":"c","text":"t"}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := decodeAs[core.SetDraft](good); err != nil {
		t.Fatalf("got %v, want no error", err)
	}
	if _, err := decodeAs[core.SetDraft](append(good[:len(good):len(good)], good...)); err == nil {
		t.Error("two values: got no error")
	}
	for n := 1; n < len(good); n++ {
		if got, err := decodeAs[core.SetDraft](good[:n]); err == nil {
			t.Errorf("cut off after %d bytes: got %+v and no error", n, got)
		}
	}
	for _, bad := range []string{`{"chat":"c","text":"t","more":1}`, `{"chat":1}`, `{"chat":["c"]}`, `[]`, `"c"`} {
		b, err := fromJSON([]byte(bad))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decodeAs[core.SetDraft](b); err == nil {
			t.Errorf("%s: got %+v and no error", bad, got)
		}
	}
}

// TestBytesFields shows that the page's list of the fields that are bytes is whole, and that no other field has their names.
func TestBytesFields(t *testing.T) {
	seen := map[string]bool{}
	var walk func(typ reflect.Type)
	walk = func(typ reflect.Type) {
		switch typ.Kind() {
		case reflect.Slice, reflect.Pointer:
			walk(typ.Elem())
		case reflect.Struct:
			for f := range typ.Fields() {
				name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
				isBytes := f.Type == reflect.TypeFor[[]byte]()
				if isBytes != bytesFields[name] {
					t.Errorf("%v.%s: got bytes %v, want %v", typ, f.Name, isBytes, bytesFields[name])
				}
				if isBytes {
					seen[name] = true
				}
				walk(f.Type)
			}
		}
	}
	for _, typ := range everyType(t) {
		walk(typ)
	}
	if !reflect.DeepEqual(seen, bytesFields) {
		t.Errorf("got %v, want %v", seen, bytesFields)
	}
}

// FuzzDecode shows that no bytes do harm.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{`{"id":"7","cmd":"sendText","args":{"chat":"c","files":[{"ref":"r","name":"n","mime":"m","size":1,"preview":"AQI="}]}}`, `{}`, `[]`} {
		b, err := fromJSON([]byte(s))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		c, err := decodeAs[call](b)
		if err != nil {
			return
		}
		for _, kind := range commands {
			_, _ = commandOf(kind, c.Args)
		}
	})
}

func decodeAs[T any](b []byte) (T, error) {
	var v T
	err := decode(b, &v)
	return v, err
}
