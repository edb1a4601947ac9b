// Package mlsgo lets our MLS and github.com/thomas-vilte/mls-go talk to each other, in one process.
package mlsgo

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log"
	"testing"

	peer "github.com/thomas-vilte/mls-go"
	"github.com/thomas-vilte/mls-go/ciphersuite"

	"paperplane/mls"
	"paperplane/peers/scenario"
)

// theirs is mls-go's Client as a scenario.Member. Its KeyPackages and GroupInfos travel without the
// MLSMessage header, its other messages with it. Its SelfUpdate is not used: it commits an Update of
// the committer, which RFC 9420 §12.2 forbids; a commit of no proposals does the same job.
type theirs struct {
	name  string
	c     *peer.Client
	group []byte
}

// The peer logs every step to the default logger.
func TestMain(m *testing.M) {
	log.SetOutput(io.Discard)
	m.Run()
}

var (
	keyPackageHeader = []byte{0, 1, 0, 5}
	groupInfoHeader  = []byte{0, 1, 0, 4}
)

func maker(cs ciphersuite.CipherSuite) scenario.Maker {
	return func(t testing.TB, name string) scenario.Member {
		c, err := peer.NewClient([]byte(name), cs, peer.WithCacheStrategy(peer.CacheAlways)) // what it saves lacks earlier resumption keys
		if err != nil {
			t.Fatal(err)
		}
		return &theirs{name: name, c: c}
	}
}
func (m *theirs) Name() string { return m.name }
func (m *theirs) KeyPackage() ([]byte, error) {
	b, err := m.c.FreshKeyPackageBytes(context.Background())
	return append(bytes.Clone(keyPackageHeader), b...), err
}
func (m *theirs) Found() (err error) {
	m.group, err = m.c.CreateGroup(context.Background())
	return err
}
func (m *theirs) Join(welcome []byte) (err error) {
	m.group, err = m.c.JoinGroup(context.Background(), welcome)
	return err
}
func (m *theirs) Add(kps ...[]byte) (commit, welcome []byte, err error) {
	if len(kps) != 1 {
		return nil, nil, errors.New("one at a time")
	}
	return m.c.InviteMember(context.Background(), m.group, bytes.TrimPrefix(kps[0], keyPackageHeader))
}
func (m *theirs) Remove(name string) ([]byte, error) {
	return m.c.RemoveMember(context.Background(), m.group, []byte(name))
}
func (m *theirs) Update() ([]byte, error) {
	commit, _, err := m.c.CommitPendingProposals(context.Background(), m.group)
	return commit, err
}
func (m *theirs) Process(commit []byte) error {
	return m.c.ProcessCommit(context.Background(), m.group, commit)
}
func (m *theirs) Send(text string) ([]byte, error) {
	return m.c.SendMessage(context.Background(), m.group, []byte(text))
}
func (m *theirs) Receive(msg []byte) (string, error) {
	r, err := m.c.ReceiveMessage(context.Background(), m.group, msg)
	if err != nil {
		return "", err
	}
	return string(r.Plaintext), nil
}
func (m *theirs) GroupInfo() ([]byte, error) {
	b, err := m.c.GroupInfo(context.Background(), m.group)
	return append(bytes.Clone(groupInfoHeader), b...), err
}
func (m *theirs) JoinExternal(info []byte) (commit []byte, err error) {
	m.group, commit, err = m.c.ExternalJoin(context.Background(), bytes.TrimPrefix(info, groupInfoHeader))
	return commit, err
}
func (m *theirs) Authenticator() ([]byte, error) {
	return m.c.EpochAuthenticator(context.Background(), m.group)
}
func (m *theirs) Export(label string, ctx []byte, n int) ([]byte, error) {
	return m.c.Export(context.Background(), m.group, label, ctx, n)
}

// KeyPackages, Welcomes, messages and commits, both ways, on the suites both have.
func TestInterop(t *testing.T) {
	for name, x := range map[string]struct {
		ours   mls.Suite
		theirs ciphersuite.CipherSuite
	}{
		"suite-1": {mls.X25519AES, 1}, "suite-2": {mls.P256AES, 2}, "suite-3": {mls.X25519ChaCha, 3},
	} {
		t.Run(name, func(t *testing.T) {
			scenario.Run(t, x.ours, maker(x.theirs), scenario.Options{Histories: 5, Steps: 30, External: true, Resume: true, OneByOne: true, SilentCommitter: true})
		})
	}
}
