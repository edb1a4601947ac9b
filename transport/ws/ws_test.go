//go:build !js

package ws_test

import (
	"testing"

	"paperplane/transport/transporttest"
)

// TestWS runs the suite of every carrier.
func TestWS(t *testing.T) { transporttest.Run(t, transporttest.WS) }

// TestWSS runs the suite of every carrier.
func TestWSS(t *testing.T) { transporttest.Run(t, transporttest.WSS) }
