package mem_test

import (
	"testing"

	"paperplane/transport/transporttest"
)

// TestMem runs the suite of every carrier.
func TestMem(t *testing.T) { transporttest.Run(t, transporttest.Mem) }
