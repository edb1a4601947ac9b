package main

import (
	"context"
	"flag"

	"paperplane/server/admin"
)

var blankSheetCommand = command{
	name:  "blank-sheet",
	short: "print everything a server holds",
	help: `usage: paperplane blank-sheet --data DIR [--json] [ID]

Prints everything that the server's data folder holds: each table with what its columns are for,
how long they are held and who can read them, every row, and the files. With the ID of a log, a
file or a member it prints everything that is held about that, sealed bodies included; what is
not printed the server does not have. Works while the server runs.
`,
	run: func(ctx context.Context, env *environment, args []string) error {
		fs := flag.NewFlagSet("blank-sheet", flag.ContinueOnError)
		data, asJSON := dataFlag(fs), fs.Bool("json", false, "")
		rest, err := parse(fs, args)
		switch {
		case err != nil:
			return err
		case *data == "":
			return usagef("say where the data is: --data DIR")
		case len(rest) > 1:
			return usagef("ask about one id at a time")
		}
		id := ""
		if len(rest) == 1 {
			id = rest[0]
		}
		var sheet *admin.Sheet
		err = with(ctx, *data, admin.DefaultConfig(),
			func(p *admin.Serving) (err error) { sheet, err = p.MakeSheet(ctx, id); return err },
			func(s *admin.Source) (err error) { sheet, err = s.MakeSheet(ctx, id); return err })
		switch {
		case err != nil:
			return err
		case *asJSON:
			return sheet.WriteJSON(env.out)
		}
		return sheet.WriteText(env.out)
	},
}
