package dir

import (
	"testing"

	"paperplane/server/blob"
	"paperplane/server/blob/blobtest"
)

// The conformance suite on a real folder.
func TestConformance(t *testing.T) {
	blobtest.Run(t, func(t *testing.T) blobtest.Setup {
		folder := t.TempDir()
		open := func() *Store {
			s, err := Open(folder)
			if err != nil {
				t.Fatalf("Open: got %v, want nil", err)
			}
			return s
		}
		s := open()
		return blobtest.Setup{Store: s, Reopen: func() blob.Store {
			if err := s.Close(); err != nil {
				t.Fatalf("Close: got %v, want nil", err)
			}
			s = open()
			return s
		}}
	})
}
