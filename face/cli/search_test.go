package cli

import (
	"errors"
	"strings"
	"testing"

	"paperplane/core"
)

// TestSearchCommand shows what search asks the core for and what it prints, and what is wrong use.
func TestSearchCommand(t *testing.T) {
	hit := `{"hits":[{"message":{"id":"m","chat":"t1","index":7,"at":0,"from":"p","fromName":"Ann","kind":"text","text":"a\u001bb","state":"received"},"start":0,"length":1}]}`
	f := &fake{answers: map[string]string{"getState": fakeState, "search": hit}}
	for _, c := range []struct{ line, asked string }{
		{"ab cd", `search {"query":"ab cd","limit":20}`},
		{"ab --chat ann --limit 200", `search {"query":"ab","chat":"t1","limit":100}`},
		{"--kind photo --json", `search {"kind":"photo","limit":20}`},
	} {
		out, err := f.run(t, runSearch, "", c.line)
		if got := strings.Join(f.asked, "; "); err != nil || got != c.asked {
			t.Errorf("%s: asked %q, %v; want %q", c.line, got, err, c.asked)
		}
		json := strings.Contains(c.line, "--json")
		if want := ` ` + Isolate("Ann") + `, ` + Isolate("Ann") + `: ` + Isolate("a b") + "\n"; !json && !strings.HasSuffix(out, want) {
			t.Errorf("%s: printed %q, want it to end %q", c.line, out, want)
		}
		if json && !strings.HasPrefix(out, `{"chat":"t1","id":"m","index":7,`) {
			t.Errorf("%s: printed %q", c.line, out)
		}
	}
	for _, line := range []string{"", "--kind song", "x --limit 0", strings.Repeat("x", core.QueryBytesMax+1)} {
		_, err := f.run(t, runSearch, "", line)
		if _, ok := errors.AsType[*Usage](err); !ok || len(f.asked) > 0 {
			t.Errorf("%q: got %v after asking for %q, want wrong use", line, err, f.asked)
		}
	}
}

// TestContactsInOrder shows that what was put on top comes first, and the archive behind a line.
func TestContactsInOrder(t *testing.T) {
	f := &fake{answers: map[string]string{"getState": `{"account":{"person":"p","name":"Me","origin":"o"},"chats":[
		{"id":"1","kind":"two","name":"Old","state":"open","at":1},{"id":"2","kind":"two","name":"Away","state":"open","at":9,"archived":true},
		{"id":"3","kind":"two","name":"Top","state":"open","at":2,"pinned":true,"marked":true},{"id":"4","kind":"two","name":"New","state":"open","at":8}]}`}}
	out, err := f.run(t, runContacts, "", "")
	want := []string{"Top", "New", "Old", "Archived:", "Away"}
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for i, w := range want {
		if err != nil || len(lines) != len(want) || !strings.Contains(lines[i], w) {
			t.Fatalf("printed %q, %v; want %q", lines, err, want)
		}
	}
}
