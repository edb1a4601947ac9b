package cli

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"paperplane/client"
	"paperplane/core"
	"paperplane/face/api"
)

const deviceHelp = `paperplane device link [--json]
       paperplane device add LINK [--name NAME] [--yes] [--json]
       paperplane device list [--json]
       paperplane device name DEVICE NAME
       paperplane device remove DEVICE

Uses one account on several devices; all of them are equal.
link is for a device that has the account: it prints a link and its QR code.
Open it on the new device with add. Both show six digits. When they are the
same, say yes on both, or type the digits that the other one shows; then chats
and history come over. With --json each stage is an object on a line of its own,
the digits in it, and the answer is still a line of input. With --yes add does
not ask: only where whoever made the link runs it, for a link of somebody else
would bring somebody else's account.
remove signs a device out: it can read nothing that is written after.
DEVICE is its name, the beginning of it, or its id.`

func runDevice(ctx context.Context, env Env) error {
	fs := newFlags()
	name := fs.String("name", "", "what the device is called")
	yes := fs.Bool("yes", false, "do not ask whether the digits are the same")
	asJSON := fs.Bool("json", false, "print JSON")
	rest, err := parse(fs, env.Args)
	if err != nil {
		return err
	}
	verb := ""
	if len(rest) > 0 {
		verb, rest = rest[0], rest[1:]
	}
	want, ok := map[string]int{"link": 0, "add": 1, "list": 0, "name": 2, "remove": 1}[verb]
	if !ok || len(rest) != want {
		return usage("Say what to do: link, add LINK, list, name DEVICE NAME or remove DEVICE.")
	}
	s, err := open(ctx, env)
	if err != nil {
		return err
	}
	defer s.close()
	d := deviceCall{env: env, s: s, asJSON: *asJSON, in: bufio.NewReader(env.In)}
	switch verb {
	case "link":
		return d.link(ctx)
	case "add":
		return d.add(ctx, rest[0], *name, *yes)
	case "list":
		return d.list(ctx)
	case "name":
		return d.change(ctx, rest[0], "nameDevice", func(id string) any { return core.NameDevice{Device: id, Name: rest[1]} })
	default:
		return d.change(ctx, rest[0], "removeDevice", func(id string) any { return core.RemoveDevice{Device: id} })
	}
}

type deviceCall struct {
	env    Env
	s      *session
	asJSON bool
	in     *bufio.Reader
}

func (d deviceCall) say(format string, args ...any) { fmt.Fprintf(d.env.Out, format+"\n", args...) }

func (d deviceCall) link(ctx context.Context) error {
	d.s.sync(ctx)
	l, err := api.Do[core.DeviceLink](ctx, d.s, "linkDevice", core.LinkDevice{})
	if err != nil {
		return err
	}
	if d.asJSON {
		if err := printJSON(d.env.Out, l); err != nil {
			return err
		}
	} else {
		d.say("Open this on the new device, or scan the code:\n  paperplane device add '%s'", l.Link)
		if err := WriteQR(d.env.Out, l.Link); err != nil {
			return err
		}
	}
	return d.follow(ctx, func(x core.Linking) error {
		return d.compare(ctx, x, "Does the new device ("+Isolate(Clean(x.Name, false))+") show these six digits? yes or no:", false)
	})
}

// compare asks whether both devices show the same digits, and tells the core; yes: it does not ask.
func (d deviceCall) compare(ctx context.Context, x core.Linking, question string, yes bool) error {
	if d.asJSON {
		if err := printJSON(d.env.Out, x); err != nil {
			return err
		}
	} else if d.say("%s", spaced(x.Digits)); !yes {
		d.say("%s", question)
	}
	if !yes {
		line, err := d.in.ReadString('\n')
		if err != nil && line == "" {
			return errors.New("There was no answer; nothing was linked.")
		}
		line = strings.ReplaceAll(strings.TrimSpace(line), " ", "")
		yes = strings.EqualFold(line, "yes") || line == x.Digits
	}
	if _, err := api.Do[core.Done](ctx, d.s, "confirmDevice", core.ConfirmDevice{Yes: yes}); err != nil {
		return err
	}
	if !yes {
		return &client.Error{Code: core.ErrDigits}
	}
	return nil
}

func (d deviceCall) add(ctx context.Context, link, name string, yes bool) error {
	if name == "" {
		name = DeviceName()
	}
	_, err := api.Do[core.Done](ctx, d.s, "addDevice", core.AddDevice{Link: strings.TrimSpace(link), Name: name})
	if e, ok := errors.AsType[*client.Error](err); ok && e.Code == core.ErrNotAllowed {
		return errors.New("There is an account here already; see: paperplane contacts. Add another beside it: paperplane account add NAME, then add the device again.")
	} else if err != nil {
		return err
	}
	return d.follow(ctx, func(x core.Linking) error {
		return d.compare(ctx, x, "Does your other device show these six digits? yes or no:", yes)
	})
}

// follow tells of a linking until it ends. It is told of the digits once.
func (d deviceCall) follow(ctx context.Context, digits func(core.Linking) error) error {
	told, percent := false, -1
	for {
		select {
		case <-ctx.Done():
			return errors.New("Interrupted before the end.")
		case b, ok := <-d.s.events:
			if !ok {
				return errors.New("The core has stopped.")
			}
			var e struct {
				Event string `json:"event"`
				core.Linking
			}
			if json.Unmarshal(b, &e) != nil || e.Event != "linking" {
				continue
			}
			switch e.Stage {
			case "digits":
				if told {
					continue
				}
				told = true
				if err := digits(e.Linking); err != nil {
					return err
				}
			case "confirmed":
				if !d.asJSON {
					d.say("Say yes on the other device, too.")
				}
			case "sending":
				if e.Percent/10 != percent && !d.asJSON {
					percent = e.Percent / 10
					d.say("%d %%", e.Percent)
				}
			case "done":
				d.s.syncLong(ctx)
				if d.asJSON {
					return printJSON(d.env.Out, e.Linking)
				}
				d.say("Done. Both devices have everything now.")
				return nil
			case "failed":
				return &client.Error{Code: e.Err}
			}
		}
	}
}

// spaced makes six digits easier to compare.
func spaced(digits string) string {
	if len(digits) == 6 {
		return digits[:3] + " " + digits[3:]
	}
	return digits
}

// DeviceName is what this machine calls itself.
func DeviceName() string {
	if n, err := os.Hostname(); err == nil && n != "" {
		return n
	}
	return "Terminal"
}

// devices are this one, then the others, by when they were last at work: the core lists them by their keys.
func (d deviceCall) devices(ctx context.Context) ([]core.Device, error) {
	l, err := api.Do[core.Devices](ctx, d.s, "getDevices", core.GetDevices{})
	slices.SortStableFunc(l.Devices, func(a, b core.Device) int {
		switch {
		case a.This != b.This && a.This:
			return -1
		case a.This != b.This:
			return 1
		}
		return cmp.Or(strings.Compare(b.Active, a.Active), strings.Compare(a.Name, b.Name))
	})
	return l.Devices, err
}

func (d deviceCall) list(ctx context.Context) error {
	d.s.sync(ctx)
	list, err := d.devices(ctx)
	if err != nil {
		return err
	}
	for _, x := range list {
		if d.asJSON {
			if err := printJSON(d.env.Out, x); err != nil {
				return err
			}
			continue
		}
		this := ""
		if x.This {
			this = "  this one"
		}
		d.say("%s  added %s, last active %s%s", Isolate(Clean(x.Name, false)), x.Added, x.Active, this)
	}
	return nil
}

// change does something with one of one's devices.
func (d deviceCall) change(ctx context.Context, who, cmd string, args func(id string) any) error {
	list, err := d.devices(ctx)
	if err != nil {
		return err
	}
	id, err := person(who, len(list), func(i int) (string, string) { return list[i].ID, list[i].Name })
	if err != nil {
		return errors.New("There is no one device of that name. See: paperplane device list --json.")
	}
	if _, err := api.Do[core.Done](ctx, d.s, cmd, args(id)); err != nil {
		return err
	}
	d.s.sync(ctx)
	d.say("Done.")
	return nil
}

const wordsHelp = `paperplane words [--json]

Prints your twelve words and begins to keep a sealed copy of your account
under them. Write them on paper: with them alone a new device gets everything
back, and so does whoever finds them. No device remembers them: asked again, it
prints other words, and the earlier ones are worth nothing.`

func runWords(ctx context.Context, env Env) error {
	fs := newFlags()
	asJSON := fs.Bool("json", false, "print JSON")
	rest, err := parse(fs, env.Args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usage("words takes no names.")
	}
	s, err := open(ctx, env)
	if err != nil {
		return err
	}
	defer s.close()
	w, err := api.Do[core.Words](ctx, s, "makeWords", core.MakeWords{})
	if err != nil {
		return err
	}
	if _, err := api.Do[core.Done](ctx, s, "keepWords", core.KeepWords{}); err != nil {
		return err
	}
	if *asJSON {
		err = printJSON(env.Out, w)
	} else {
		for i, word := range w.Words {
			fmt.Fprintf(env.Out, "%2d. %s\n", i+1, word)
		}
	}
	if !s.syncs(ctx, wordsTime) {
		fmt.Fprintln(env.Err, "The server does not have the copy yet, and until it has, the words bring nothing back. It gets it when this account is open and the server answers; then paperplane contacts is enough.")
	}
	return err
}

// wordsTime is how long words waits until the server has the copy.
const wordsTime = 20 * time.Second

const recoverHelp = `paperplane recover [--server ORIGIN] [--name NAME] [--json]

Brings your account back on a machine where there is none, from the twelve
words on standard input. ORIGIN is your server, as http://host:port or
https://host; without it, the server on this machine (` + localOrigin + `).
NAME is what this device is called. It ends with 2 when a word is wrong, with 1
when the server keeps nothing under the words, with 3 when it does not answer.`

// localOrigin is where a server listens that was started without options.
const localOrigin = "http://127.0.0.1:8765"

// wordsBytesMax bounds what is read as twelve words.
const wordsBytesMax = 1000

func runRecover(ctx context.Context, env Env) error {
	fs := newFlags()
	origin := fs.String("server", localOrigin, "your server")
	name := fs.String("name", "", "what this device is called")
	asJSON := fs.Bool("json", false, "print JSON")
	rest, err := parse(fs, env.Args)
	if err != nil {
		return err
	}
	if len(rest) > 0 {
		return usage("The words come on standard input, not in the command, where others could read them.")
	}
	if *name == "" {
		*name = DeviceName()
	}
	if u, err := url.Parse(*origin); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return usage("The server is given as http://host:port or https://host.")
	}
	// One line, or everything up to the end: who types ends with Enter.
	words, err := readWords(env.In)
	if err != nil {
		return err
	}
	s, err := open(ctx, env)
	if err != nil {
		return err
	}
	defer s.close()
	joined, err := api.Do[core.Joined](ctx, s, "recover", core.Recover{Words: words, Origin: *origin, Name: *name})
	if e, ok := errors.AsType[*client.Error](err); ok && e.Code == core.ErrWords {
		return usage("%s", Say(e.Code))
	} else if ok && e.Code == core.ErrNotAllowed {
		return errors.New("There is an account here already. Bring yours back beside it: paperplane account add NAME, then recover again.")
	}
	if err != nil {
		return err
	}
	s.sync(ctx)
	if *asJSON {
		return printJSON(env.Out, joined)
	}
	st, err := s.state(ctx)
	if err != nil {
		return err
	}
	n := len(slices.DeleteFunc(st.Chats, func(c core.Chat) bool { return c.Kind == core.ChatSaved }))
	fmt.Fprintf(env.Out, "Welcome back, %s. Conversations: %d.\n", Isolate(Clean(st.Account.Name, false)), n)
	return nil
}

// readWords reads twelve words, which may stand on several lines.
func readWords(in io.Reader) (string, error) {
	sc := bufio.NewScanner(io.LimitReader(in, wordsBytesMax))
	var words []string
	for len(words) < 12 && sc.Scan() {
		words = append(words, strings.Fields(sc.Text())...)
	}
	if sc.Err() != nil {
		return "", errors.New("Standard input could not be read.")
	}
	return strings.Join(words, " "), nil
}
