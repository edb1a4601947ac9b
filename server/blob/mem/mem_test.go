package mem_test

import (
	"testing"

	"paperplane/server/blob"
	"paperplane/server/blob/blobtest"
	"paperplane/server/blob/mem"
)

// The conformance suite, with Reopen standing for a restart.
func TestConformance(t *testing.T) {
	blobtest.Run(t, func(*testing.T) blobtest.Setup {
		s := mem.New()
		return blobtest.Setup{Store: s, Reopen: func() blob.Store { s = s.Reopen(); return s }}
	})
}
