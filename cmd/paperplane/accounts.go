package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"paperplane/client/vault"
	"paperplane/core"
	"paperplane/face/api"
	"paperplane/face/cli"
	"paperplane/server/admin"
)

// accounts are the accounts of one person on this machine. Which one a command means:
// `paperplane --account NAME …`, else $PAPERPLANE_ACCOUNT, else the one chosen with
// `paperplane account use`, else the first.
type accounts struct{ root string }

const (
	// firstAccount is the name of the account that lies in the root folder.
	firstAccount = "main"
	// accountsMax bounds the accounts on one machine.
	accountsMax = 32
)

// accountName: it becomes a folder's name, on any system, so it is plain.
var accountName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,31}$`)

// chosenAccount is what --account said.
var chosenAccount string

func openAccounts() (accounts, error) {
	root, err := homeRoot()
	return accounts{root}, err
}

// current is the name of the account in use.
func (a accounts) current() (string, error) {
	name := chosenAccount
	if name == "" {
		name = os.Getenv("PAPERPLANE_ACCOUNT")
	}
	if name == "" {
		b, err := os.ReadFile(filepath.Join(a.root, "account"))
		if errors.Is(err, fs.ErrNotExist) {
			return firstAccount, nil
		}
		if err != nil {
			return "", errors.New("which account is in use cannot be read")
		}
		name = strings.TrimSpace(string(b))
	}
	if !accountName.MatchString(name) {
		return "", usagef("an account's name has letters a to z, digits and dashes")
	}
	if !a.has(name) {
		return "", usagef("there is no account %s here; see: paperplane account list", name)
	}
	return name, nil
}

func (a accounts) dir(name string) string {
	if name == firstAccount {
		return a.root
	}
	return filepath.Join(a.root, "accounts", name)
}

func (a accounts) has(name string) bool {
	s, err := os.Stat(a.dir(name))
	return err == nil && s.IsDir()
}

func (a accounts) home(name string) (home, error) {
	dir := a.dir(name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return home{}, fmt.Errorf("make the folder for your account: %w", errors.Unwrap(err))
	}
	return home{dir}, nil
}

// names lists the accounts, the first one first.
func (a accounts) names() []string {
	list := []string{firstAccount}
	entries, _ := os.ReadDir(filepath.Join(a.root, "accounts")) // none yet
	for _, e := range entries {
		if e.IsDir() && accountName.MatchString(e.Name()) && e.Name() != firstAccount {
			list = append(list, e.Name())
		}
	}
	return list
}

var accountCommand = command{
	name:  "account",
	short: "several accounts on this machine",
	help: `usage: paperplane account list
       paperplane account add NAME
       paperplane account use NAME
       paperplane account remove NAME --yes

Keeps several accounts apart, each with its own name, servers and chats.
add makes room for one: then join or recover as always. use says which one
commands are for; paperplane --account NAME COMMAND says it for one command,
$PAPERPLANE_ACCOUNT for a whole shell. The first account is called main.
remove deletes the account from this machine, with its history; what other
devices have of it stays.
`,
	run: runAccount,
}

func runAccount(ctx context.Context, env *environment, args []string) error {
	fs := flag.NewFlagSet("", flag.ContinueOnError)
	yes := fs.Bool("yes", false, "")
	rest, err := parse(fs, args)
	if err != nil {
		return err
	}
	verb := ""
	if len(rest) > 0 {
		verb, rest = rest[0], rest[1:]
	}
	want, ok := map[string]int{"list": 0, "add": 1, "use": 1, "remove": 1}[verb]
	if !ok || len(rest) != want {
		return usagef("say what to do: list, add NAME, use NAME or remove NAME")
	}
	a, err := openAccounts()
	if err != nil {
		return err
	}
	if verb == "list" {
		return a.list(ctx, env)
	}
	name := rest[0]
	if !accountName.MatchString(name) {
		return usagef("an account's name has letters a to z, digits and dashes")
	}
	if verb == "add" {
		return a.add(env, name)
	}
	if !a.has(name) {
		return usagef("there is no account %s here; see: paperplane account list", name)
	}
	if verb == "use" {
		return a.use(env, name)
	}
	if !*yes {
		return usagef("this deletes the account and its history from this machine; add --yes if you mean it")
	}
	return a.remove(env, name)
}

func (a accounts) list(ctx context.Context, env *environment) error {
	now, err := a.current()
	if err != nil {
		now = "" // a wrong choice is shown by none being marked
	}
	for _, name := range a.names() {
		mark := " "
		if name == now {
			mark = "*"
		}
		fmt.Fprintf(env.out, "%s %-12s %s\n", mark, name, a.person(ctx, name))
	}
	return nil
}

// person says who an account is, as far as it can be told now.
func (a accounts) person(ctx context.Context, name string) string {
	if _, err := os.Stat(filepath.Join(a.dir(name), "key")); err != nil {
		return "(not joined yet)"
	}
	h, err := a.home(name)
	if err != nil {
		return "(cannot be opened)"
	}
	c, done, err := h.open(ctx)
	if err != nil {
		return "(cannot be opened)"
	}
	defer done()
	st, err := api.Do[core.State](ctx, c, "getState", struct{}{})
	switch {
	case err != nil:
		return "(cannot be opened)"
	case st.Account == nil:
		return "(not joined yet)"
	}
	return cli.Isolate(cli.Clean(st.Account.Name, false)) + "  " + st.Account.Origin
}

func (a accounts) add(env *environment, name string) error {
	switch {
	case name == firstAccount || a.has(name):
		return usagef("there is an account %s already", name)
	case len(a.names()) >= accountsMax:
		return errors.New(cli.Say(core.ErrAccounts))
	}
	if _, err := a.home(name); err != nil {
		return err
	}
	return a.use(env, name)
}

func (a accounts) use(env *environment, name string) error {
	if err := admin.WriteFile(filepath.Join(a.root, "account"), []byte(name+"\n")); err != nil {
		return err
	}
	fmt.Fprintf(env.out, "Commands are for the account %s now.\n", name)
	return nil
}

// ofAccount are the entries that belong to an account in its folder.
var ofAccount = []string{"local.json", "vault", "key"}

// remove takes the key last: what is left after a crash in between can still be removed.
func (a accounts) remove(env *environment, name string) error {
	h, err := a.home(name)
	if err != nil {
		return err
	}
	_, done, err := h.own()
	switch {
	case errors.Is(err, vault.ErrBusy):
		return errors.New("the account is open in another program; close that first")
	case err == nil:
		done()
	} // a damaged one can be removed as well
	for _, e := range ofAccount {
		if err := os.RemoveAll(filepath.Join(h.dir, e)); err != nil {
			return errors.New("not all of the account's files could be removed; try again")
		}
	}
	if name != firstAccount {
		if err := os.RemoveAll(h.dir); err != nil {
			return errors.New("not all of the account's files could be removed; try again")
		}
	}
	b, err := os.ReadFile(filepath.Join(a.root, "account"))
	if err == nil && strings.TrimSpace(string(b)) == name {
		_ = os.Remove(filepath.Join(a.root, "account")) // back to the first one
	}
	fmt.Fprintf(env.out, "The account %s is gone from this machine.\n", name)
	return nil
}

// takeAccount takes `--account NAME` off the front of a command line.
func takeAccount(args []string) ([]string, error) {
	chosenAccount = ""
	if len(args) == 0 {
		return args, nil
	}
	if name, ok := strings.CutPrefix(args[0], "--account="); ok {
		chosenAccount = name
		return args[1:], nil
	}
	if args[0] != "--account" {
		return args, nil
	}
	if len(args) < 2 {
		return nil, usagef("--account needs a name behind it")
	}
	chosenAccount = args[1]
	return slices.Clone(args[2:]), nil
}
