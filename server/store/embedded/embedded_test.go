package embedded

import (
	"testing"

	"paperplane/server/store"
	"paperplane/server/store/storetest"
)

// The conformance suite on a real folder.
func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Setup {
		dir := t.TempDir()
		open := func() *Log {
			l, err := Open(dir)
			if err != nil {
				t.Fatalf("Open: got %v, want nil", err)
			}
			return l
		}
		l := open()
		return storetest.Setup{Log: l, Slow: true, Reopen: func() store.Log {
			if err := l.Close(); err != nil {
				t.Fatalf("Close: got %v, want nil", err)
			}
			l = open()
			return l
		}}
	})
}
