package mem_test

import (
	"testing"

	"paperplane/server/store"
	"paperplane/server/store/mem"
	"paperplane/server/store/storetest"
)

// The conformance suite, with Reopen standing for a restart.
func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Setup {
		l := mem.New()
		return storetest.Setup{Log: l, Reopen: func() store.Log { l = l.Reopen(); return l }}
	})
}
