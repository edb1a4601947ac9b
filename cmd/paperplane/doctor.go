package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"

	"paperplane/server/admin"
)

var doctorCommand = command{
	name:  "doctor",
	short: "look for what is wrong with a server",
	help: `usage: paperplane doctor --data DIR [--config FILE] [--json]

Looks at the data folder, its permissions, the server's key, every checksum, the clock, the
disk and the port, and says in plain words what is wrong and what to do. It changes nothing,
and works while the server runs. Exit code 1 when something is bad.
`,
	run: runDoctor,
}

var errBad = errors.New("something is bad; see above")

func runDoctor(ctx context.Context, env *environment, args []string) error {
	fs := flag.NewFlagSet("doctor", flag.ContinueOnError)
	data, file, asJSON := dataFlag(fs), fs.String("config", "", ""), fs.Bool("json", false, "")
	rest, err := parse(fs, args)
	switch {
	case err != nil:
		return err
	case *data == "":
		return usagef("say where the data is: --data DIR")
	case len(rest) > 0:
		return usagef("there is an argument too many: %q", rest[0])
	}
	cfg := admin.DefaultConfig()
	if *file != "" {
		if cfg, err = admin.ReadConfig(*file); err != nil {
			return fmt.Errorf("%s: %w", *file, err)
		}
	}
	var found []admin.Finding
	err = with(ctx, *data, cfg,
		func(p *admin.Serving) (err error) {
			found, err = p.Check(ctx)
			found = append(found, admin.Finding{What: "port", State: admin.StateOK, Words: "the server is running and answers"})
			return err
		},
		func(s *admin.Source) error {
			found = append(s.Check(ctx), admin.CheckPort(cfg))
			return nil
		})
	if err != nil {
		found = append(found, admin.Explain(err))
	}
	return tell(env, found, *asJSON)
}

func tell(env *environment, found []admin.Finding, asJSON bool) error {
	bad := false
	for _, f := range found {
		bad = bad || f.State == admin.StateBad
		if !asJSON {
			fmt.Fprintf(env.out, "%-8s %-12s %s\n", f.State, f.What, f.Words)
		}
	}
	if asJSON {
		e := json.NewEncoder(env.out)
		e.SetIndent("", "  ")
		if err := e.Encode(found); err != nil {
			return err
		}
	}
	if bad {
		return errBad
	}
	return nil
}
