package faulty_test

import (
	"testing"

	"paperplane/transport/transporttest"
)

// TestFaulty runs the suite of every carrier.
func TestFaulty(t *testing.T) { transporttest.Run(t, transporttest.Faulty) }
