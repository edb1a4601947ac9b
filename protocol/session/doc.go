// Package session is a sealed, resumable exchange of messages between one client and one
// server, over whatever carrier gets through.
//
// A client pins the server's X-Wing key, or its fingerprint. Each carrier starts with a
// handshake of the pqNK shape: X-Wing to the pinned key, X-Wing back to an ephemeral one
// (S-10 to S-19). Above it run sealed, padded frames (S-20 to S-29), and above those a
// reliable stream of payloads in both directions (S-30 to S-39).
//
// Invariants: as long as the server process lives, each payload arrives exactly once and in
// order, however often carriers die (S-30). The binding of a session never changes (S-17).
// A carrier attaches only by the GO of the client, and a late GO never wins over a newer one
// (S-15, S-16). A session knows nothing of what it carries and of what carries it.
//
// ClientMachine and ServerMachine hold the protocol: bytes in, bytes out, payloads; no
// goroutine, clock or carrier. Client and Server drive them over transport.MessageConn.
// Everything exported may be used concurrently unless it says otherwise.
// Spec: spec/session.md. Figures: a server keeps about 1 KB and one goroutine per session.
package session
