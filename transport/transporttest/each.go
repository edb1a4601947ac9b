//go:build !js

package transporttest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	stdtls "crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"

	"paperplane/transport/tls"
	"paperplane/transport/ws"
)

// Certificate returns a fresh certificate for 127.0.0.1 and localhost, and the pool to check
// it with.
func Certificate(t testing.TB) (stdtls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	tmpl := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, tmpl, tmpl, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return stdtls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pool
}

// listen returns a listener on loopback and the address of a port where nobody listens.
func listen(t *testing.T) (l net.Listener, nowhere string) {
	t.Helper()
	var ls [2]net.Listener
	for i := range ls {
		var err error
		if ls[i], err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	_ = ls[1].Close()
	return ls[0], ls[1].Addr().String()
}

// serve runs an HTTP server for h until the test ends.
func serve(t *testing.T, l net.Listener, h http.Handler, config *stdtls.Config) {
	t.Helper()
	srv := &http.Server{Handler: h, TLSConfig: config, ReadHeaderTimeout: patience}
	var wg sync.WaitGroup
	wg.Go(func() {
		if config != nil {
			_ = srv.ServeTLS(l, "", "")
		} else {
			_ = srv.Serve(l)
		}
	})
	t.Cleanup(func() {
		_ = srv.Close()
		wg.Wait()
	})
}

// WS is WebSocket in the clear.
func WS(t *testing.T) Way {
	l, nowhere := listen(t)
	h := ws.NewListener()
	serve(t, l, h, nil)
	return Way{Dialer: ws.NewDialer(nil), Listener: h,
		Address: "ws://" + l.Addr().String() + "/s", Nowhere: "ws://" + nowhere + "/s"}
}

// WSS is WebSocket over TLS.
func WSS(t *testing.T) Way {
	cert, pool := Certificate(t)
	l, nowhere := listen(t)
	h := ws.NewListener()
	serve(t, l, h, &stdtls.Config{Certificates: []stdtls.Certificate{cert}})
	return Way{Dialer: ws.NewDialer(&stdtls.Config{RootCAs: pool}), Listener: h,
		Address: "wss://" + l.Addr().String() + "/s", Nowhere: "wss://" + nowhere + "/s"}
}

// TLS is bare TLS.
func TLS(t *testing.T) Way {
	cert, pool := Certificate(t)
	l, nowhere := listen(t)
	ln := tls.NewListener(l, &stdtls.Config{Certificates: []stdtls.Certificate{cert}})
	t.Cleanup(func() { _ = ln.Close() })
	return Way{Dialer: tls.NewDialer(&stdtls.Config{RootCAs: pool}), Listener: ln,
		Address: "tls:" + l.Addr().String(), Nowhere: "tls:" + nowhere}
}

// Each runs f once for each kind of carrier.
func Each(t *testing.T, f func(t *testing.T, w Way)) {
	for _, c := range []struct {
		name string
		open func(*testing.T) Way
	}{{"mem", Mem}, {"faulty", Faulty}, {"ws", WS}, {"wss", WSS}, {"tls", TLS}} {
		t.Run(c.name, func(t *testing.T) { f(t, c.open(t)) })
	}
}
