package content

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"paperplane/protocol/plane"
)

var update = flag.Bool("update", false, "write the vectors anew; review the difference like code")

const vectorFile = "../../spec/vectors/content.json"

// TestVectors computes spec/vectors/content.json again and compares: every kind of message with a
// fixed salt, its id, and bodies that are refused (C-33 to C-35, C-40 to C-49, C-50, C-51, C-53 to C-58).
func TestVectors(t *testing.T) {
	type message struct {
		Kind string `json:"kind"`
		Diag string `json:"diag"`
		Body string `json:"body"`
		ID   string `json:"id"`
	}
	type reject struct {
		Name  string `json:"name"`
		Body  string `json:"body"`
		Error string `json:"error"`
	}
	var file struct {
		Comment  string    `json:"comment"`
		Sender   string    `json:"sender"`
		Log      string    `json:"log"`
		Messages []message `json:"messages"`
		Frame    string    `json:"frame"`
		Reject   []reject  `json:"reject"`
	}
	var sender plane.PublicKey
	var log plane.LogID
	copy(sender[:], bytes.Repeat([]byte{1}, 32))
	copy(log[:], bytes.Repeat([]byte{2}, 16))
	file.Comment = "Messages of spec/content.md with the salt 03…03, as sender (account key) says them in log. Bytes are hex. frame: seen 5, its hash 04…04, sent at 1764000000000, around the first message."
	file.Sender, file.Log = hex.EncodeToString(sender[:]), hex.EncodeToString(log[:])
	salt := [SaltBytes]byte(bytes.Repeat([]byte{3}, SaltBytes))
	for _, m := range samples() {
		b, err := encode(m, salt)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > 1500 {
			continue // long texts teach nothing more
		}
		diag, err := cbor.Diagnose(b)
		if err != nil {
			t.Fatal(err)
		}
		id := NewMessageID(sender, log, b)
		kind := strings.ToLower(strings.TrimPrefix(fmt.Sprintf("%T", m), "content."))
		file.Messages = append(file.Messages, message{kind, diag, hex.EncodeToString(b), hex.EncodeToString(id[:])})
	}
	first, _ := hex.DecodeString(file.Messages[0].Body)
	frame, err := Frame{Seen: 5, SeenHash: [16]byte(bytes.Repeat([]byte{4}, 16)), SentMS: 1764000000000, Body: first}.Encode()
	if err != nil {
		t.Fatal(err)
	}
	file.Frame = hex.EncodeToString(frame)
	for _, r := range rejects() {
		file.Reject = append(file.Reject, reject{r.name, r.hex, r.want.Error()})
	}

	got, err := json.MarshalIndent(&file, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got = append(got, '\n')
	if *update {
		if err := os.WriteFile(vectorFile, got, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("the vectors differ from %s; got\n%.4000s", vectorFile, got)
	}
}
