package vault_test

import (
	"flag"
	"testing"

	"paperplane/client/vault/vaulttest"
)

var crashSeeds = flag.Int("crash-seeds", 2, "scripts for the crash suite; 100 take two minutes")

// Power taken away in the middle of every single disk operation of random scripts.
func TestCrash(t *testing.T) {
	for seed := range uint64(*crashSeeds) {
		vaulttest.Crash(t, seed, 25)
	}
}

// Every single disk operation of random scripts fails once.
func TestFaults(t *testing.T) {
	for seed := range uint64(*crashSeeds) {
		vaulttest.Faults(t, seed, 25)
	}
}

// The disk is full at every second step of random scripts.
func TestFull(t *testing.T) {
	for seed := range uint64(*crashSeeds) * 4 {
		vaulttest.Full(t, seed, 60)
	}
}
