package main

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// The core speaks X25519 and X-Wing, yet crypto/hpke names NIST's curves in its package variables,
// and so crypto/ecdh brings their code and P-256's table with it: a tenth of all that everybody
// would download, and nothing of it is ever called. For the browser crypto/ecdh is compiled from
// the toolchain's own source without that part; not a line of what computes X25519 is touched, and
// asking for a NIST curve is an error (crypto/hpke would ask for ever, so do not). A source that is not as expected ends the build.
var errCurves = errors.New("crypto/ecdh is not written as in Go 1.26")

// noCurves stands in for crypto/ecdh/nist.go.
const noCurves = `package ecdh

import (
	"errors"
	"io"
)

type nistCurve struct{ name string }

var errNIST = errors.New("crypto/ecdh: this build has no NIST curves")

func (c *nistCurve) String() string                                 { return c.name }
func (c *nistCurve) GenerateKey(io.Reader) (*PrivateKey, error)      { return nil, errNIST }
func (c *nistCurve) NewPrivateKey([]byte) (*PrivateKey, error)       { return nil, errNIST }
func (c *nistCurve) NewPublicKey([]byte) (*PublicKey, error)         { return nil, errNIST }
func (c *nistCurve) ecdh(*PrivateKey, *PublicKey) ([]byte, error)    { return nil, errNIST }

var p256, p384, p521 = &nistCurve{"P-256"}, &nistCurve{"P-384"}, &nistCurve{"P-521"}

func P256() Curve { return p256 }
func P384() Curve { return p384 }
func P521() Curve { return p521 }
`

// onlyNIST are the lines of crypto/ecdh/ecdh.go that only NIST's curves need.
var onlyNIST = []string{"\t\"crypto/internal/fips140/ecdh\"\n", "\tfips      *ecdh.PublicKey\n", "\tfips       *ecdh.PrivateKey\n"}

// overlay writes what replaces files of the standard library into dir and returns the flag for the compiler.
func overlay(dir string) (string, error) {
	goroot, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return "", err
	}
	lib := filepath.Join(strings.TrimSpace(string(goroot)), "src")
	src := filepath.Join(lib, "crypto", "ecdh")
	b, err := os.ReadFile(filepath.Join(src, "ecdh.go"))
	if err != nil {
		return "", err
	}
	text, err := withoutNIST(string(b))
	if err != nil {
		return "", err
	}
	replace, err := noBig(lib, dir)
	if err != nil {
		return "", err
	}
	for name, content := range map[string]string{"ecdh.go": text, "nist.go": noCurves} {
		to := filepath.Join(dir, name)
		if err := os.WriteFile(to, []byte(content), 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(src, name)] = to
	}
	list, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	name := filepath.Join(dir, "overlay.json")
	return "-overlay=" + name, os.WriteFile(name, list, 0o600)
}

// withoutNIST takes onlyNIST out of the source of ecdh.go.
func withoutNIST(text string) (string, error) {
	for _, line := range onlyNIST {
		if strings.Count(text, line) != 1 {
			return "", errCurves
		}
		text = strings.Replace(text, line, "", 1)
	}
	return text, nil
}
