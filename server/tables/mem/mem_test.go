package mem_test

import (
	"testing"

	"paperplane/server/tables"
	"paperplane/server/tables/mem"
	"paperplane/server/tables/tablestest"
)

// TestConformance: the in-memory tables keep the contract of the seam.
func TestConformance(t *testing.T) {
	tablestest.Run(t, func(*testing.T) (tables.Tables, func() tables.Tables) {
		tb := mem.New()
		return tb, func() tables.Tables { return tb }
	})
}
