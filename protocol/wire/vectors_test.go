package wire_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"paperplane/protocol/wire"
)

var update = flag.Bool("update", false, "write the vectors anew; review the difference like code")

const vectorFile = "../../spec/vectors/wire.json"

// TestVectors computes spec/vectors/wire.json again and compares: every message once and more,
// and the frames that are refused (W-01 to W-04, W-10).
func TestVectors(t *testing.T) {
	type frame struct {
		Message string `json:"message"`
		Diag    string `json:"diag,omitempty"`
		Frame   string `json:"frame,omitempty"`
		Length  int    `json:"length,omitempty"`
		SHA256  string `json:"sha256,omitempty"`
	}
	type reject struct {
		Name  string `json:"name"`
		From  string `json:"from"`
		Frame string `json:"frame"`
		Error string `json:"error"`
	}
	var file struct {
		Comment string   `json:"comment"`
		Frames  []frame  `json:"frames"`
		Reject  []reject `json:"reject"`
	}
	file.Comment = "Frames of spec/wire.md. Bytes are hex; a frame over 1200 bytes is given by its length and SHA-256: its bodies are filled with 07 (1 KiB records), 08 (8160 bytes) and 09 (chunks)."
	for _, m := range samples() {
		b, err := wire.Encode(ridOf(m), m)
		if err != nil {
			t.Fatal(err)
		}
		f := frame{Message: strings.TrimPrefix(fmt.Sprintf("%T", m), "wire.")}
		if len(b) > 1200 {
			sum := sha256.Sum256(b)
			f.Length, f.SHA256 = len(b), hex.EncodeToString(sum[:])
		} else {
			f.Frame = hex.EncodeToString(b)
			if f.Diag, err = cbor.Diagnose(b); err != nil {
				t.Fatal(err)
			}
		}
		file.Frames = append(file.Frames, f)
	}
	for _, r := range rejects {
		from := "client"
		if r.answer {
			from = "server"
		}
		file.Reject = append(file.Reject, reject{r.name, from, r.hex, r.want.Error()})
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
