package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"paperplane/server/admin"
)

var backupCommand = command{
	name:  "backup",
	short: "write a copy of a server's data into a file",
	help: `usage: paperplane backup --data DIR FILE|FOLDER|-

Writes one tar file with all that is needed to bring the server back: records, file chunks,
tables, the first invite and the server's private key, so keep it as safe as the server itself.
Not in it: acme/ (certificates are fetched anew). Works while the server runs: people can read
meanwhile, and what they write waits until the copy is done. Afterwards the file is read again
and compared with its list.

A backup keeps what was there when it was made, also what the server deletes later: delete old
backups. In a FOLDER the file is named by the day; - writes to standard output.
`,
	run: runBackup,
}

func runBackup(ctx context.Context, env *environment, args []string) error {
	fs := flag.NewFlagSet("backup", flag.ContinueOnError)
	data := dataFlag(fs)
	rest, err := parse(fs, args)
	switch {
	case err != nil:
		return err
	case *data == "":
		return usagef("say where the data is: --data DIR")
	case len(rest) != 1:
		return usagef("say where to write the backup")
	}
	write := func(w io.Writer) error {
		return with(ctx, *data, admin.DefaultConfig(),
			func(p *admin.Serving) error { return p.WriteBackup(ctx, w) },
			func(s *admin.Source) error { return s.WriteBackup(ctx, w) })
	}
	to := rest[0]
	if to == "-" {
		return write(env.out)
	}
	if info, err := os.Stat(to); err == nil && info.IsDir() {
		to = filepath.Join(to, "paperplane-"+time.Now().UTC().Format(time.DateOnly)+".tar")
	}
	if err := writeBackupFile(to, write); err != nil {
		return err
	}
	fmt.Fprintf(env.out, "written and checked: %s\n", to)
	return nil
}

// writeBackupFile writes beside the place, checks, and then moves into place: what stands there
// under its name is whole.
func writeBackupFile(to string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(to), ".backup-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone after the rename
	err = write(f)
	if err == nil {
		err = f.Sync()
	}
	if err == nil {
		if _, err = f.Seek(0, io.SeekStart); err == nil {
			err = admin.CheckBackup(f)
		}
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), to)
}

var restoreCommand = command{
	name:  "restore",
	short: "bring a server's data back from a backup",
	help: `usage: paperplane restore --data DIR FILE|-

Reads a backup, compares it with its list, and puts it into DIR, which must be empty or not there
yet. Nothing is left there when the backup is damaged or not whole. What was written after the
backup was made is lost; people's apps notice, say so, and go on.
`,
	run: func(_ context.Context, env *environment, args []string) error {
		fs := flag.NewFlagSet("restore", flag.ContinueOnError)
		data := dataFlag(fs)
		rest, err := parse(fs, args)
		switch {
		case err != nil:
			return err
		case *data == "":
			return usagef("say where the data shall be: --data DIR")
		case len(rest) != 1:
			return usagef("say which backup")
		}
		in := env.in
		if rest[0] != "-" {
			f, err := os.Open(rest[0])
			if err != nil {
				return err
			}
			defer func() { _ = f.Close() }()
			in = f
		}
		if err := admin.Restore(in, *data); err != nil {
			return err
		}
		fmt.Fprintf(env.out, "restored; start it with: paperplane serve --data %s\n", *data)
		return nil
	},
}
