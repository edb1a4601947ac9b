//go:build !js

package tls_test

import (
	"testing"

	"paperplane/transport/transporttest"
)

// TestTLS runs the suite of every carrier.
func TestTLS(t *testing.T) { transporttest.Run(t, transporttest.TLS) }
