package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"paperplane/internal/obs"
	"paperplane/server/admin"
	"paperplane/server/front"
)

// certTime bounds one try to get a certificate.
const certTime = 2 * time.Minute

// certs fetches, keeps and renews the certificate of the configured domain (RFC 8555), by
// TLS-ALPN-01 on the server's own port or HTTP-01 on http_listen.
type certs struct {
	manager *autocert.Manager
	domain  string
	obs     *obs.Obs
}

// certsFor returns nil without a domain.
func certsFor(cfg admin.Config, dir string, o *obs.Obs) (*certs, error) {
	if cfg.Domain == "" {
		return nil, nil
	}
	client := &acme.Client{DirectoryURL: cfg.ACMEDirectory}
	if client.DirectoryURL == "" {
		client.DirectoryURL = autocert.DefaultACMEDirectory
	}
	if cfg.ACMERoots != "" {
		text, err := os.ReadFile(cfg.ACMERoots)
		if err != nil {
			return nil, err
		}
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(text) {
			return nil, fmt.Errorf("there is no certificate in the file of acme_roots")
		}
		client.HTTPClient = &http.Client{Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{RootCAs: roots},
		}}
	}
	return &certs{domain: cfg.Domain, obs: o, manager: &autocert.Manager{
		Prompt: autocert.AcceptTOS, Cache: autocert.DirCache(dir),
		HostPolicy: onlyHost(cfg.Domain), Client: client,
	}}, nil
}

// onlyHost allows one name, with or without a port: autocert asks with the Host of a request.
func onlyHost(domain string) autocert.HostPolicy {
	allow := autocert.HostWhitelist(domain)
	return func(ctx context.Context, host string) error {
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		return allow(ctx, host)
	}
}

// listener puts TLS over l. HTTP/2 is not offered: a session's carrier needs the upgrade of 1.1.
func (c *certs) listener(l net.Listener) net.Listener {
	return tls.NewListener(l, &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"http/1.1", acme.ALPNProto},
		GetCertificate: c.get,
	})
}

func (c *certs) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	cert, err := c.manager.GetCertificate(hello)
	if err != nil && strings.EqualFold(hello.ServerName, c.domain) {
		c.obs.Log(obs.CertFailed, obs.Cause(err))
	}
	return cert, err
}

// fetch gets the certificate before the first visitor has to wait for it.
func (c *certs) fetch(ctx context.Context) {
	// As a browser of today asks.
	hello := &tls.ClientHelloInfo{
		ServerName:        c.domain,
		SupportedVersions: []uint16{tls.VersionTLS13},
		SignatureSchemes:  []tls.SignatureScheme{tls.ECDSAWithP256AndSHA256},
		SupportedCurves:   []tls.CurveID{tls.CurveP256},
		CipherSuites:      []uint16{tls.TLS_AES_128_GCM_SHA256},
	}
	done := make(chan struct{})
	go func() { defer close(done); _, _ = c.get(hello) }() // autocert takes no context; it has its own bound
	select {
	case <-done:
	case <-ctx.Done():
	case <-time.After(certTime):
	}
}

// listenHTTP listens for plain http: the proof of the name, and the way to https. It stands
// before the first certificate is asked for; serve runs until ctx is done.
func (c *certs) listenHTTP(address, origin string) (serve func(ctx context.Context) error, err error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	hs := front.Server(c.manager.HTTPHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, origin+r.URL.EscapedPath(), http.StatusMovedPermanently)
	})))
	return func(ctx context.Context) error {
		stop := context.AfterFunc(ctx, func() { _ = hs.Close() })
		defer stop()
		if err := hs.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	}, nil
}
