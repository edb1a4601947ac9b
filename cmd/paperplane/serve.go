package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"paperplane/internal/obs"
	"paperplane/protocol/plane"
	"paperplane/protocol/session"
	"paperplane/server"
	"paperplane/server/admin"
	"paperplane/server/front"
	"paperplane/transport"
	"paperplane/transport/ws"
)

var serveCommand = command{
	name:  "serve",
	short: "run a server",
	help: `usage: paperplane serve --data DIR [--listen ADDR] [--domain NAME] [--config FILE] [--metrics ADDR]

Runs a server that keeps its data in DIR and answers at ADDR (127.0.0.1:8765 when not given).
It prints the address and, each on a line of its own, the first invite, which also stands in
DIR/invite.txt. Started again with the same DIR it goes on where it was. It stops at an
interrupt (Ctrl-C) after finishing what it has begun.

  --data DIR      the server's data folder; made when it is not there
  --listen ADDR   address and port to listen on; with --domain :443 when not given
  --domain NAME   the server's name in the Internet: fetches a certificate and serves https
  --config FILE   settings; see: paperplane config describe
  --metrics ADDR  loopback address for metrics
  --origin URL    how others reach the server, as it stands in invites

Flags go before the file.
`,
	run: runServe,
}

func runServe(ctx context.Context, env *environment, args []string) error {
	folder, cfg, err := serveFlags(args)
	if err != nil {
		return err
	}
	// A dump of all goroutines, the runtime's answer to SIGQUIT, would hold ids and keys (B18).
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGQUIT)
	defer stop()
	s, err := openServer(folder, cfg, env)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	return s.run(ctx)
}

// serveFlags reads flags over the file over the defaults.
func serveFlags(args []string) (dataDir string, cfg admin.Config, err error) {
	fs := flag.NewFlagSet("serve", flag.ContinueOnError)
	data := dataFlag(fs)
	file := fs.String("config", "", "")
	var c admin.Config
	texts := map[string]*string{"listen": &c.Listen, "domain": &c.Domain, "metrics": &c.Metrics,
		"origin": &c.Origin, "http-listen": &c.HTTPListen, "acme-directory": &c.ACMEDirectory, "acme-roots": &c.ACMERoots}
	for name, to := range texts {
		fs.StringVar(to, name, "", "")
	}
	rest, err := parse(fs, args)
	switch {
	case err != nil:
		return "", cfg, err
	case len(rest) > 0:
		return "", cfg, usagef("there is an argument too many: %q", rest[0])
	case *data == "":
		return "", cfg, usagef("say where the data is: --data DIR")
	}
	cfg = admin.DefaultConfig()
	if *file != "" {
		if cfg, err = admin.ReadConfig(*file); err != nil {
			return "", cfg, fmt.Errorf("%s: %w", *file, err)
		}
	}
	into := map[string]*string{"listen": &cfg.Listen, "domain": &cfg.Domain, "metrics": &cfg.Metrics,
		"origin": &cfg.Origin, "http-listen": &cfg.HTTPListen, "acme-directory": &cfg.ACMEDirectory, "acme-roots": &cfg.ACMERoots}
	fs.Visit(func(f *flag.Flag) {
		if to := into[f.Name]; to != nil {
			*to = *texts[f.Name]
		}
	})
	if cfg.Domain != "" && cfg.Listen == admin.DefaultConfig().Listen {
		cfg.Listen = ":443" // a name in the Internet leads to no loopback address
	}
	if err := cfg.Check(); err != nil {
		return "", cfg, usage{err.Error()}
	}
	return *data, cfg, nil
}

// running is a server with all that belongs to it.
type running struct {
	env    *environment
	cfg    admin.Config
	obs    *obs.Obs
	source *admin.Source
	done   func() error // frees the source
	server *server.Server
	wg     sync.WaitGroup
}

func openServer(dataDir string, cfg admin.Config, env *environment) (*running, error) {
	r := &running{env: env, cfg: cfg, obs: obs.New(env.err)}
	if !harden() {
		r.obs.Log(obs.CoreDumpsOn)
	}
	if err := r.open(dataDir); err != nil {
		return nil, errors.Join(err, r.close())
	}
	return r, nil
}

func (r *running) open(dataDir string) (err error) {
	if r.source, r.done, err = folderOf(dataDir, r.cfg); err != nil {
		return err
	}
	r.server, err = server.New(server.Config{
		Store: r.source.Store, Blobs: r.source.Blobs, Tables: r.source.Folder.Tables, Now: time.Now,
		Free:   func() (int64, error) { return admin.Free(dataDir) },
		Limits: r.cfg.Limits(), Obs: r.obs,
	})
	r.source.Server = r.server
	return err
}

// close frees everything, in the order opposite to open.
func (r *running) close() error {
	var errs []error
	if r.server != nil {
		errs = append(errs, r.server.Flush(context.Background()))
	}
	if r.done != nil {
		errs = append(errs, r.done())
	}
	return errors.Join(errs...)
}

func (r *running) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer r.wg.Wait()
	defer cancel()
	// Before anybody is let in: what died while the server was down must not be read.
	if err := r.server.Tick(ctx); err != nil {
		return err
	}
	l, err := net.Listen("tcp", r.cfg.Listen)
	if err != nil {
		return err
	}
	origin := r.cfg.OriginAt(l.Addr())
	link, made, err := r.source.Folder.Invite(r.server, origin, uint16(r.cfg.InviteUses), plane.DayOf(time.Now()), r.cfg.InviteDays)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	if made {
		r.obs.Log(obs.FrontDoorMade)
	}
	sessions := session.NewServer(r.source.Folder.Key, session.Options{SessionsMax: r.cfg.SessionsMax})
	defer sessions.Close()
	carriers := ws.NewListener()
	defer func() { _ = carriers.Close() }()
	r.wg.Go(func() { accept(ctx, carriers, sessions, r.server, r.obs) })
	r.wg.Go(func() { r.upkeep(ctx) })
	failed := make(chan error, 4)
	r.wg.Go(func() {
		if err := r.source.ServeTools(ctx); err != nil {
			failed <- err
		}
	})

	hs := front.Server(front.Handler(front.Config{
		Session: carriers, Pages: pages(), Healthy: r.server.Healthy, Fingerprint: r.source.Folder.Key.Fingerprint(),
		Limiter: front.NewLimiter(r.cfg.SessionsPerMinute, 2*r.cfg.SessionsPerMinute, time.Now),
	}))
	if err := r.listenMetrics(ctx, failed); err != nil {
		return errors.Join(err, l.Close())
	}
	tls, err := certsFor(r.cfg, r.source.Folder.Path(admin.CertDir), r.obs)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	if tls != nil {
		l = tls.listener(l)
		if r.cfg.HTTPListen != "" {
			serve, err := tls.listenHTTP(r.cfg.HTTPListen, origin)
			if err != nil {
				return errors.Join(err, l.Close())
			}
			r.wg.Go(func() { failed <- serve(ctx) })
		}
		r.wg.Go(func() { tls.fetch(ctx) })
	}
	r.wg.Go(func() { failed <- hs.Serve(l) })
	r.greet(origin, link)
	r.obs.Log(obs.Started)
	select {
	case <-ctx.Done():
		err = nil
	case err = <-failed:
	}
	_ = hs.Close()
	r.obs.Log(obs.Stopped)
	return err
}

// accept gives each new carrier to the sessions.
func accept(ctx context.Context, l transport.Listener, sessions *session.Server, s *server.Server, o *obs.Obs) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		conn, err := l.Accept(ctx)
		if err != nil {
			return
		}
		wg.Go(func() {
			if err := sessions.Serve(ctx, conn, s.ServeSession); err != nil {
				o.Count(obs.SessionsRefused, 1)
			}
		})
	}
}

// upkeepTime is how often it is looked whether something is due.
const upkeepTime = time.Minute

func (r *running) upkeep(ctx context.Context) {
	t := time.NewTicker(upkeepTime)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			_ = r.server.Tick(ctx) // it has told; the next minute tries again
		}
	}
}

// listenMetrics serves the metrics on their own listener.
func (r *running) listenMetrics(ctx context.Context, failed chan<- error) error {
	if r.cfg.Metrics == "" {
		return nil
	}
	l, err := net.Listen("tcp", r.cfg.Metrics)
	if err != nil {
		return err
	}
	hs := front.Server(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		_, _ = r.obs.WriteTo(w)
	}))
	r.wg.Go(func() { failed <- hs.Serve(l) })
	r.wg.Go(func() { <-ctx.Done(); _ = hs.Close() })
	return nil
}

// greet tells whoever started the server what they can do now.
func (r *running) greet(origin, link string) {
	fmt.Fprintf(r.env.out, "Paperplane serves %s\n", origin)
	if link == "" {
		return
	}
	fmt.Fprintf(r.env.out, "First invite (also in %s):\n%s\n", r.source.Folder.Path(admin.InviteFile), link)
	if !terminal(r.env.out) {
		return
	}
	if code, err := qrText(link); err == nil {
		fmt.Fprint(r.env.out, code)
	}
}
