package mls

import (
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// The official vectors of the MLS working group (mlswg/mls-implementations, test-vectors). What
// each file asks for is in that repository's test-vectors.md.

var vectorsDir = flag.String("vectors", "", "directory of official MLS test vectors; every file in it must be known and pass")

const defaultVectors = "../../shared/vectors/mls"

// vectorKinds maps the start of a file's name to its check. A check returns nil, errSuite for a
// suite that is not ours, or what is wrong.
var vectorKinds = map[string]func(json.RawMessage) error{
	"crypto-basics":      vector(checkCryptoBasics),
	"deserialization":    vector(checkDeserialization),
	"key-schedule":       vector(checkKeySchedule),
	"message-protection": vector(checkMessageProtection),
	"messages":           vector(checkMessages),
	"passive-client-":    vector(checkPassive),
	"psk_secret":         vector(checkPSKSecret),
	"secret-tree":        vector(checkSecretTree),
	"transcript-hashes":  vector(checkTranscript),
	"tree-math":          vector(checkTreeMath),
	"tree-operations":    vector(checkTreeOperations),
	"tree-validation":    vector(checkTreeValidation),
	"treekem":            vector(checkTreeKEM),
	"welcome":            vector(checkWelcome),
}

var errSuite = errors.New("suites 4 and 6: X448 and Ed448 are not in the standard library; 8 to 10: numbers of one peer's own; 2, 5 and 7: not in a browser's core")

func vector[T any](f func(*T) error) func(json.RawMessage) error {
	return func(b json.RawMessage) error {
		var head struct {
			Suite Suite `json:"cipher_suite"`
		}
		if err := json.Unmarshal(b, &head); err != nil {
			return err
		}
		if head.Suite == 4 || head.Suite == 6 || head.Suite > 7 && head.Suite <= 10 || nist(head.Suite) && runtime.GOOS == "js" {
			return errSuite
		}
		v := new(T)
		if err := json.Unmarshal(b, v); err != nil {
			return err
		}
		return f(v)
	}
}

// Every official vector file passes; a file of unknown kind is a failure, not a skip. Those of
// Partial MLS are in the same folder or in mls-partial beside it.
func TestVectors(t *testing.T) {
	dir := *vectorsDir
	if dir == "" {
		dir = defaultVectors
		if _, err := os.Stat(dir); err != nil {
			if os.Getenv("CI") == "true" {
				t.Fatalf("no vectors in %s and no -vectors flag", dir)
			}
			t.Logf("NOT RUN: no vectors in %s and no -vectors flag", dir)
			return
		}
	}
	if _, err := os.Stat(dir); err != nil && !filepath.IsAbs(dir) {
		dir = filepath.Join("..", dir) // as seen from where go test ./mls was typed
	}
	partial := runVectors(t, dir)
	if beside := filepath.Join(filepath.Dir(filepath.Clean(dir)), "mls-partial"); partial == 0 {
		if _, err := os.Stat(beside); err == nil {
			partial = runVectors(t, beside)
		}
	}
	if partial != 7 {
		if os.Getenv("CI") == "true" {
			t.Errorf("Partial MLS: got %d vector files, want 7", partial)
		}
		t.Logf("NOT RUN: %d of 7 vector files of Partial MLS found", partial)
	}
}

// runVectors runs the files of a folder and returns how many are of Partial MLS.
func runVectors(t *testing.T, dir string) (partial int) {
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("no vector files")
	}
	for _, f := range files {
		if strings.HasPrefix(f.Name(), "test-vector-partial-") {
			partial++
		}
		t.Run(strings.TrimSuffix(strings.TrimSuffix(f.Name(), ".gz"), ".json"), func(t *testing.T) {
			check := kindOf(f.Name())
			if check == nil {
				t.Fatalf("unknown kind of vector file: %s", f.Name())
			}
			list := readVectors(t, filepath.Join(dir, f.Name()))
			passed, skipped := 0, 0
			for i, v := range list {
				switch err := check(v); {
				case err == nil:
					passed++
				case errors.Is(err, errSuite):
					skipped++
				default:
					t.Errorf("vector %d: %v", i, err)
				}
			}
			why := ""
			if skipped > 0 {
				why = " (" + errSuite.Error() + ")"
			}
			t.Logf("%s: %d passed, %d failed, %d skipped%s", f.Name(), passed, len(list)-passed-skipped, skipped, why)
			if passed == 0 {
				t.Error("no vector ran")
			}
		})
	}
	return partial
}

func kindOf(name string) func(json.RawMessage) error {
	stem := strings.TrimSuffix(name, ".gz")
	if !strings.HasSuffix(stem, ".json") {
		return nil
	}
	best := ""
	for k := range vectorKinds {
		if strings.HasPrefix(stem, k) && len(k) > len(best) {
			best = k
		}
	}
	return vectorKinds[best]
}

func readVectors(t *testing.T, path string) []json.RawMessage {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(path, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			t.Fatal(err)
		}
	}
	var list []json.RawMessage
	if err := json.NewDecoder(r).Decode(&list); err != nil {
		t.Fatal(err)
	}
	return list
}

// An unknown file name has no kind.
func TestVectorKinds(t *testing.T) {
	for _, name := range []string{"novel.json", "welcome.txt", "readme.md", "tree.json.gz"} {
		if kindOf(name) != nil {
			t.Errorf("%s: got a kind, want none", name)
		}
	}
}

// hexBytes is a hex string; null stays nil.
type hexBytes []byte

func (h *hexBytes) UnmarshalJSON(b []byte) error {
	var s *string
	if err := json.Unmarshal(b, &s); err != nil {
		return err
	}
	if s == nil {
		*h = nil
		return nil
	}
	v, err := hex.DecodeString(*s)
	*h = v
	return err
}

// same compares; what names the value in the failure text.
func same(what string, got, want []byte) error {
	if string(got) != string(want) {
		return fmt.Errorf("%s: got %x, want %x", what, got, want)
	}
	return nil
}

// pad restores leading zero bytes that some files' private keys lack.
func pad(s *suite, key []byte) []byte {
	n := map[Suite]int{P256AES: 32, P384AES: 48, P521AES: 66}[s.id]
	if n > len(key) {
		key = append(make([]byte, n-len(key)), key...)
	}
	return key
}
