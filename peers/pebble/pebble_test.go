package pebble

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const domain = "chat.paperplane.test"

// ports returns n free loopback ports. Others could take one in between; then the test says so.
func ports(t *testing.T, n int) (out []int) {
	t.Helper()
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = l.Close() }()
		out = append(out, l.Addr().(*net.TCPAddr).Port)
	}
	return out
}

func build(t *testing.T, dir, out, pkg string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), out)
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, pkg)
	cmd.Dir = dir
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", pkg, err, text)
	}
	return path
}

// start runs a program until the returned function is called, which returns what it printed.
func start(t *testing.T, env []string, name string, args ...string) (stop func() string) {
	t.Helper()
	var out bytes.Buffer
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.Env = append(os.Environ(), env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	stopped := false
	stop = func() string {
		if !stopped {
			stopped = true
			cancel()
			_ = cmd.Wait()
		}
		return out.String()
	}
	t.Cleanup(func() {
		if text := stop(); t.Failed() {
			t.Logf("%s printed:\n%s", filepath.Base(name), text)
		}
	})
	return stop
}

// eventually tries f for half a minute.
func eventually(t *testing.T, what string, f func() error) {
	t.Helper()
	var err error
	for range 300 {
		if err = f(); err == nil {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
	t.Fatalf("%s: got %v after 30 s, want none", what, err)
}

// authority is a running pebble.
type authority struct {
	directory, roots string // the roots to trust its directory by
	management       string
	http             *http.Client
}

func startAuthority(t *testing.T, httpPort, tlsPort int) *authority {
	t.Helper()
	text, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/letsencrypt/pebble/v2").Output()
	if err != nil {
		t.Fatal(err)
	}
	module := strings.TrimSpace(string(text))
	certs := filepath.Join(module, "test", "certs")
	p := ports(t, 4)
	config, err := json.Marshal(map[string]any{"pebble": map[string]any{
		"listenAddress":           fmt.Sprintf("127.0.0.1:%d", p[0]),
		"managementListenAddress": fmt.Sprintf("127.0.0.1:%d", p[1]),
		"certificate":             filepath.Join(certs, "localhost", "cert.pem"),
		"privateKey":              filepath.Join(certs, "localhost", "key.pem"),
		"httpPort":                httpPort, "tlsPort": tlsPort,
		"profiles": map[string]any{"default": map[string]any{"description": "test", "validityPeriod": 7776000}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "pebble.json")
	if err := os.WriteFile(file, config, 0o600); err != nil {
		t.Fatal(err)
	}
	dns := fmt.Sprintf("127.0.0.1:%d", p[2])
	start(t, nil, build(t, ".", "challtestsrv", "github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv"),
		"-http01", "", "-https01", "", "-tlsalpn01", "", "-doh", "", "-dns01", dns,
		"-management", fmt.Sprintf("127.0.0.1:%d", p[3]), "-defaultIPv6", "", "-defaultIPv4", "127.0.0.1")
	start(t, []string{"PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=0"},
		build(t, ".", "pebble", "github.com/letsencrypt/pebble/v2/cmd/pebble"), "-config", file, "-dnsserver", dns)

	roots := filepath.Join(certs, "pebble.minica.pem")
	a := &authority{roots: roots, directory: fmt.Sprintf("https://127.0.0.1:%d/dir", p[0]),
		management: fmt.Sprintf("https://127.0.0.1:%d", p[1])}
	pool := x509.NewCertPool()
	pem, err := os.ReadFile(roots)
	if err != nil || !pool.AppendCertsFromPEM(pem) {
		t.Fatalf("roots of the authority: %v", err)
	}
	a.http = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}}
	eventually(t, "authority up", func() error {
		resp, err := a.http.Get(a.directory)
		if err != nil {
			return err
		}
		return resp.Body.Close()
	})
	return a
}

// issued returns the roots that its certificates are signed under.
func (a *authority) issued(t *testing.T) *x509.CertPool {
	t.Helper()
	resp, err := a.http.Get(a.management + "/roots/0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	pem, err := io.ReadAll(resp.Body)
	pool := x509.NewCertPool()
	if err != nil || !pool.AppendCertsFromPEM(pem) {
		t.Fatalf("issuing root: %v", err)
	}
	return pool
}

// TestCertificate: with --domain the server proves its name, by either way, serves https under
// the authority's certificate, and uses the same one after a restart.
func TestCertificate(t *testing.T) {
	server := build(t, "../..", "paperplane", "./cmd/paperplane")
	for _, way := range []string{"tls-alpn-01", "http-01"} {
		t.Run(way, func(t *testing.T) {
			p := ports(t, 3)
			tlsPort, httpPort, nobody := p[0], p[1], p[2]
			proof := tlsPort
			args := []string{"serve", "--data", filepath.Join(t.TempDir(), "data"), "--domain", domain,
				"--listen", fmt.Sprintf("127.0.0.1:%d", tlsPort)}
			if way == "http-01" {
				proof = nobody // TLS-ALPN-01 cannot work
				args = append(args, "--http-listen", fmt.Sprintf("127.0.0.1:%d", httpPort))
			}
			a := startAuthority(t, httpPort, proof)
			args = append(args, "--acme-directory", a.directory, "--acme-roots", a.roots)
			stop := start(t, nil, server, args...)
			get := func(url string) (*http.Response, error) {
				c := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{
					DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: a.issued(t)},
					DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
						var d net.Dialer
						return d.DialContext(ctx, "tcp", fmt.Sprintf("127.0.0.1:%d", tlsPort))
					}}}
				return c.Get(url)
			}
			serial := ""
			fetch := func() error {
				resp, err := get(fmt.Sprintf("https://%s:%d/healthz", domain, tlsPort))
				if err != nil {
					return err
				}
				serial = resp.TLS.PeerCertificates[0].SerialNumber.String()
				if resp.StatusCode != http.StatusOK || resp.ProtoMajor != 1 {
					t.Errorf("healthz: got %d over HTTP/%d, want 200 over HTTP/1", resp.StatusCode, resp.ProtoMajor)
				}
				return resp.Body.Close()
			}
			eventually(t, "https", fetch)
			if _, err := get(fmt.Sprintf("https://other.paperplane.test:%d/healthz", tlsPort)); err == nil {
				t.Error("another name: got an answer, want none")
			}
			first := serial
			out := stop()
			if want := fmt.Sprintf("https://%s:%d/i#1.", domain, tlsPort); !strings.Contains(out, want) {
				t.Errorf("printed: want an invite that begins with %q, got\n%s", want, out)
			}
			start(t, nil, server, args...)
			eventually(t, "https after a restart", fetch)
			if serial != first {
				t.Error("after a restart: got another certificate, want the one kept")
			}
		})
	}
}
