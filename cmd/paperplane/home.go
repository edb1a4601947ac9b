package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"paperplane/client"
	"paperplane/client/vault"
	"paperplane/client/vault/osfile"
	"paperplane/core"
	"paperplane/face/api"
	"paperplane/face/web"
	"paperplane/server/admin"
	"paperplane/transport/ws"
)

// A home is the folder of one account on this machine:
//
//	key         the vault's data key, readable by its owner only
//	vault/      the sealed state
//	local.json  where the program that has the account open listens, and the secret for it
//
// The first account lies in the folder itself, any other in accounts/NAME below it; see accounts.
//
// One program at a time has the account open; the others speak to it over loopback, so that
// `paperplane read --follow` and `paperplane send` work side by side.
type home struct{ dir string }

// localFile is local.json.
type localFile struct {
	URL   string `json:"url"`
	Token string `json:"token"`
}

// openHome finds the folder of the account in use.
func openHome() (home, error) {
	a, err := openAccounts()
	if err != nil {
		return home{}, err
	}
	name, err := a.current()
	if err != nil {
		return home{}, err
	}
	return a.home(name)
}

// homeRoot is $PAPERPLANE_HOME, or "paperplane" in the user's data folder.
func homeRoot() (string, error) {
	dir := os.Getenv("PAPERPLANE_HOME")
	if dir == "" {
		base, err := userData()
		if err != nil {
			return "", errors.New("there is no home folder for your account; set PAPERPLANE_HOME")
		}
		dir = filepath.Join(base, "paperplane")
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make the folder for your account: %w", errors.Unwrap(err))
	}
	return dir, nil
}

// userData is where programs keep a user's data, by the custom of the system.
func userData() (string, error) {
	if d := os.Getenv("XDG_DATA_HOME"); d != "" && filepath.IsAbs(d) {
		return d, nil
	}
	if runtime.GOOS == "linux" {
		h, err := os.UserHomeDir()
		return filepath.Join(h, ".local", "share"), err
	}
	return os.UserConfigDir()
}

// dataKey reads the vault's key, or makes it at the first start.
func (h home) dataKey() (vault.Key, error) {
	name := filepath.Join(h.dir, "key")
	text, err := os.ReadFile(name)
	if err == nil {
		return vault.ParseKey(string(text))
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return vault.Key{}, errors.New("the key of your account cannot be read")
	}
	if names, err := os.ReadDir(filepath.Join(h.dir, "vault")); err == nil && len(names) > 0 {
		return vault.Key{}, errors.New("the key of your account is missing; without it what is stored here cannot be opened")
	}
	key := vault.NewKey()
	return key, admin.WriteFile(name, []byte(key.Text()))
}

// open gives the account's core: its own, or that of the program that has it open. The function
// closes it.
func (h home) open(ctx context.Context) (api.Core, func(), error) {
	for try := 0; ; try++ {
		core, stop, err := h.own()
		if !errors.Is(err, vault.ErrBusy) {
			return core, stop, err
		}
		remote, err := h.remote(ctx)
		if err == nil {
			return remote, remote.Close, nil
		}
		if try == 20 { // the other one neither answers nor ends
			return nil, nil, errBusyElse
		}
		select { // it may be starting or stopping just now
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return nil, nil, ctx.Err()
		}
	}
}

// own opens the vault and serves it to other programs.
func (h home) own() (api.Core, func(), error) {
	key, err := h.dataKey()
	if err != nil {
		return nil, nil, err
	}
	dir, err := osfile.Open(filepath.Join(h.dir, "vault"))
	if err != nil {
		return nil, nil, err
	}
	v, err := vault.Open(dir, key)
	if err != nil {
		_ = dir.Close()
		return nil, nil, explain(err)
	}
	c, err := client.Open(client.Options{Vault: v, Light: os.Getenv("PAPERPLANE_LIGHT") != "", Dialer: ws.NewDialer(nil), FetchKey: fetchKey})
	if err != nil {
		_ = v.Close()
		_ = dir.Close()
		return nil, nil, explain(err)
	}
	core := api.New(c, api.About{Version: version(), Storage: "disk"})
	stop, err := h.serve(core)
	if err != nil {
		_ = c.Close()
		_ = dir.Close()
		return nil, nil, err
	}
	return core, func() {
		stop()
		_ = c.Close()
		_ = dir.Close()
	}, nil
}

// explain turns the vault's errors into words, but for ErrBusy, which open handles.
func explain(err error) error {
	switch {
	case errors.Is(err, vault.ErrDamaged):
		return errors.New("what is stored of your account is damaged; restore the folder from a backup")
	case errors.Is(err, vault.ErrKey):
		return errors.New("the key of your account does not fit what is stored; restore the folder from a backup")
	}
	return err
}

// serve listens on loopback and says where in local.json.
func (h home) serve(core api.Core) (stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	here := localFile{URL: "http://" + l.Addr().String(), Token: web.NewToken()}
	b, err := json.Marshal(here)
	if err != nil {
		return nil, err
	}
	name := filepath.Join(h.dir, "local.json")
	if err := admin.WriteFile(name, b); err != nil {
		_ = l.Close()
		return nil, err
	}
	srv := &http.Server{Handler: web.Local(core, here.Token), ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = srv.Serve(l) // ends with Close
	}()
	return func() {
		_ = os.Remove(name)
		_ = srv.Close()
		<-done
	}, nil
}

func (h home) local() (localFile, error) {
	var l localFile
	b, err := os.ReadFile(filepath.Join(h.dir, "local.json"))
	if err == nil {
		err = json.Unmarshal(b, &l)
	}
	return l, err
}

func (h home) remote(ctx context.Context) (*web.Remote, error) {
	l, err := h.local()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return web.DialLocal(ctx, l.URL, l.Token)
}

// errBusyElse: another program holds the account and does not answer.
var errBusyElse = &client.Error{Code: core.ErrBusyElse}
