// Package tsmls lets our MLS and the npm package ts-mls talk to each other: one Node process holds
// the ts-mls clients and answers requests over its standard input and output.
package tsmls

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"testing"

	"paperplane/mls"
	"paperplane/peers/scenario"
)

// process is the Node side.
type process struct {
	in   io.Writer
	out  *bufio.Reader
	next int
}

func start(t *testing.T) *process {
	t.Helper()
	if _, err := os.Stat("node_modules/ts-mls"); err != nil {
		t.Fatalf("the peer is not installed (npm ci --ignore-scripts): %v", err)
	}
	cmd := exec.Command("node", "peer.mjs")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatalf("node: %v", err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("node: %v", err)
		}
	})
	return &process{in: in, out: bufio.NewReader(out)}
}

type request struct {
	Op          string   `json:"op"`
	Who         int      `json:"who"`
	Suite       int      `json:"suite,omitempty"`
	Name        string   `json:"name,omitempty"`
	Text        string   `json:"text,omitempty"`
	Data        string   `json:"data,omitempty"`
	KeyPackages []string `json:"keyPackages,omitempty"`
	N           int      `json:"n,omitempty"`
}
type answer struct {
	Error, Data, Text, Commit, Welcome string
}

func (p *process) ask(q request) (*answer, error) {
	b, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	if _, err := p.in.Write(append(b, '\n')); err != nil {
		return nil, err
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		return nil, err
	}
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		return nil, err
	}
	if a.Error != "" {
		return nil, errors.New("ts-mls: " + a.Error)
	}
	return &a, nil
}

// theirs is one ts-mls client as a scenario.Member.
type theirs struct {
	p    *process
	id   int
	name string
}

func (p *process) maker(suite int) scenario.Maker {
	return func(t testing.TB, name string) scenario.Member {
		p.next++
		m := &theirs{p, p.next, name}
		if _, err := p.ask(request{Op: "new", Who: m.id, Suite: suite, Name: name}); err != nil {
			t.Fatal(err)
		}
		return m
	}
}
func (m *theirs) ask(q request) (*answer, error) {
	q.Who = m.id
	return m.p.ask(q)
}

// data asks for something that is one byte string.
func (m *theirs) data(q request) ([]byte, error) {
	a, err := m.ask(q)
	if err != nil {
		return nil, err
	}
	return hex.DecodeString(a.Data)
}
func (m *theirs) commit(q request) (commit, welcome []byte, err error) {
	a, err := m.ask(q)
	if err != nil {
		return nil, nil, err
	}
	commit, err = hex.DecodeString(a.Commit)
	if err != nil {
		return nil, nil, err
	}
	welcome, err = hex.DecodeString(a.Welcome)
	return commit, welcome, err
}
func (m *theirs) Name() string { return m.name }
func (m *theirs) KeyPackage() ([]byte, error) {
	return m.data(request{Op: "keyPackage"})
}
func (m *theirs) Found() error {
	_, err := m.ask(request{Op: "found"})
	return err
}
func (m *theirs) Join(welcome []byte) error {
	_, err := m.ask(request{Op: "join", Data: hex.EncodeToString(welcome)})
	return err
}
func (m *theirs) Add(kps ...[]byte) (commit, welcome []byte, err error) {
	q := request{Op: "add"}
	for _, k := range kps {
		q.KeyPackages = append(q.KeyPackages, hex.EncodeToString(k))
	}
	return m.commit(q)
}
func (m *theirs) Remove(name string) ([]byte, error) {
	commit, _, err := m.commit(request{Op: "remove", Name: name})
	return commit, err
}
func (m *theirs) Update() ([]byte, error) {
	commit, _, err := m.commit(request{Op: "update"})
	return commit, err
}
func (m *theirs) Process(commit []byte) error {
	_, err := m.ask(request{Op: "process", Data: hex.EncodeToString(commit)})
	return err
}
func (m *theirs) Send(text string) ([]byte, error) {
	return m.data(request{Op: "send", Text: text})
}
func (m *theirs) Receive(msg []byte) (string, error) {
	a, err := m.ask(request{Op: "receive", Data: hex.EncodeToString(msg)})
	if err != nil {
		return "", err
	}
	return a.Text, nil
}

// errNoExternal: see the README.
var errNoExternal = errors.New("external joins are not tested with ts-mls")

func (m *theirs) GroupInfo() ([]byte, error)          { return nil, errNoExternal }
func (m *theirs) JoinExternal([]byte) ([]byte, error) { return nil, errNoExternal }
func (m *theirs) Authenticator() ([]byte, error)      { return m.data(request{Op: "authenticator"}) }
func (m *theirs) Export(label string, context []byte, n int) ([]byte, error) {
	return m.data(request{Op: "export", Text: label, Data: hex.EncodeToString(context), N: n})
}

// KeyPackages, Welcomes, messages and commits, both ways, on suites 1 and 3. What is stepped around
// is in the README.
func TestInterop(t *testing.T) {
	for name, suite := range map[string]mls.Suite{"suite-1": mls.X25519AES, "suite-3": mls.X25519ChaCha} {
		t.Run(name, func(t *testing.T) {
			p := start(t)
			scenario.Run(t, suite, p.maker(int(suite)), scenario.Options{
				Histories: 3, Steps: 20,
				JoinDefect: "non-blank intermediate node must list leaf node in its unmerged_leaves",
			})
		})
	}
}
