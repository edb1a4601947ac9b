package cli

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"time"

	"paperplane/core"
	"paperplane/face/api"
)

const groupHelp = `paperplane group new NAME [--add WHO]...
       paperplane group invite NAME [--uses N] [--until D] [--approve] [--qr]
       paperplane group links NAME
       paperplane group revoke NAME LINK
       paperplane group waiting NAME
       paperplane group admit NAME WHO
       paperplane group refuse NAME WHO
       paperplane group members NAME [--find TEXT] [--banned]
       paperplane group add NAME WHO...
       paperplane group remove NAME WHO [--ban] [--erase]
       paperplane group unban NAME WHO
       paperplane group role NAME WHO owner|admin|member
       paperplane group rules NAME [--quiet yes|no] [--slow SECONDS] [--quarantine HOURS]
                             [--history none|all|DAYS] [--adders admins|members] [--changers admins|members]
       paperplane group about NAME TEXT
       paperplane group move NAME ORIGIN
       paperplane group leave NAME

Makes a group and looks after it. NAME is a group as paperplane contacts lists
it, or the beginning of its name; WHO is a member or contact, the same way.
A link works for N people (0: no bound) until day D (2006-01-02; 30 days from
now); with --approve somebody in the group has to say yes to each.
--erase deletes for everyone all that WHO wrote; it implies --ban, which keeps
WHO from coming back.
--json after any of them prints JSON, one object a line.`

// groupVerb is what one of group's verbs needs. least counts the arguments after the verb, the
// group among them; 0 as most means that any number may follow.
type groupVerb struct {
	least, most int
	run         func(ctx context.Context, g *groupCall) error
}

var groupVerbs = map[string]groupVerb{
	"new":     {1, 1, groupNew},
	"invite":  {1, 1, groupInvite},
	"links":   {1, 1, groupLinks},
	"revoke":  {2, 2, groupRevoke},
	"waiting": {1, 1, groupWaiting},
	"admit":   {2, 2, func(ctx context.Context, g *groupCall) error { return g.answer(ctx, true) }},
	"refuse":  {2, 2, func(ctx context.Context, g *groupCall) error { return g.answer(ctx, false) }},
	"members": {1, 1, groupMembers},
	"add":     {2, 0, groupAdd},
	"remove":  {2, 2, groupRemove},
	"unban":   {2, 2, groupUnban},
	"role":    {3, 3, groupRole},
	"rules":   {1, 1, groupRules},
	"about":   {2, 2, groupAbout},
	"move":    {2, 2, groupMove},
	"leave":   {1, 1, groupLeave},
}

// groupCall is one call of group with its flags.
type groupCall struct {
	env  Env
	s    *session
	chat core.Chat
	args []string // behind the group's name
	st   core.State

	set                                           map[string]bool // flags that were given
	add                                           stringList
	uses, slow, quarantine                        int
	until, find, quiet, history, adders, changers string
	approve, qr, asJSON, ban, erase, banned       bool
}

type stringList []string

func (l *stringList) String() string     { return strings.Join(*l, ",") }
func (l *stringList) Set(s string) error { *l = append(*l, s); return nil }

func runGroup(ctx context.Context, env Env) error {
	g := &groupCall{env: env, set: map[string]bool{}}
	fs := newFlags()
	fs.Var(&g.add, "add", "whom to add")
	fs.IntVar(&g.uses, "uses", 0, "for how many people")
	fs.IntVar(&g.slow, "slow", 0, "seconds between two messages")
	fs.IntVar(&g.quarantine, "quarantine", 0, "hours until a newcomer may write")
	fs.StringVar(&g.until, "until", "", "last day")
	fs.StringVar(&g.find, "find", "", "part of a name")
	fs.StringVar(&g.quiet, "quiet", "", "only admins write")
	fs.StringVar(&g.history, "history", "", "what newcomers see")
	fs.StringVar(&g.adders, "adders", "", "who adds people")
	fs.StringVar(&g.changers, "changers", "", "who changes name and picture")
	fs.BoolVar(&g.approve, "approve", false, "somebody says yes to each")
	fs.BoolVar(&g.qr, "qr", false, "draw the QR code")
	fs.BoolVar(&g.asJSON, "json", false, "print JSON")
	fs.BoolVar(&g.ban, "ban", false, "keep them out")
	fs.BoolVar(&g.erase, "erase", false, "delete what they wrote")
	fs.BoolVar(&g.banned, "banned", false, "who is banned")
	rest, err := parse(fs, env.Args)
	if err != nil {
		return err
	}
	fs.Visit(func(f *flag.Flag) { g.set[f.Name] = true })
	if len(rest) == 0 {
		return usage("Say what to do with the group.")
	}
	verb, ok := groupVerbs[rest[0]]
	if !ok {
		return usage("There is no group %s.", Clean(rest[0], false))
	}
	args := rest[1:]
	if len(args) < verb.least || verb.most > 0 && len(args) > verb.most {
		return usage("This needs other arguments.")
	}
	if g.uses < 0 || g.slow < 0 || g.quarantine < 0 {
		return usage("Numbers are whole and not below 0.")
	}
	if g.s, err = open(ctx, env); err != nil {
		return err
	}
	defer g.s.close()
	g.s.sync(ctx)
	if g.st, err = g.s.state(ctx); err != nil {
		return err
	}
	if rest[0] == "new" {
		g.args = args
		return verb.run(ctx, g)
	}
	groups := slices.DeleteFunc(slices.Clone(g.st.Chats), func(c core.Chat) bool { return c.Kind != core.ChatGroup })
	if g.chat, err = find(groups, args[0]); err != nil {
		return err
	}
	g.args = args[1:]
	return verb.run(ctx, g)
}

// say prints v as JSON when that was asked for, else the words.
func (g *groupCall) say(v any, format string, args ...any) error {
	if g.asJSON {
		return printJSON(g.env.Out, v)
	}
	_, err := fmt.Fprintf(g.env.Out, format+"\n", args...)
	return err
}

// done does a command that answers nothing and waits until the server has it. When the server is away the
// act waits, as a message does, and nobody may take it for done.
func (g *groupCall) done(ctx context.Context, cmd string, args any, format string, words ...any) error {
	if _, err := api.Do[core.Done](ctx, g.s, cmd, args); err != nil {
		return err
	}
	if !g.s.syncs(ctx, syncTime) {
		if st, err := g.s.state(ctx); err == nil && !st.Online {
			if !g.asJSON {
				return g.say(nil, waitsWords)
			}
			_, _ = fmt.Fprintln(g.env.Err, waitsWords)
		}
	}
	return g.say(core.Done{}, format, words...)
}

// waitsWords say that an act waits.
const waitsWords = "The server does not answer. This is kept here and done as soon as it does, by the next command or an open messenger."

// contact finds the two-person conversation with who.
func (g *groupCall) contact(who string) (string, error) {
	two := slices.DeleteFunc(slices.Clone(g.st.Chats), func(c core.Chat) bool { return c.Kind != core.ChatTwo })
	c, err := find(two, who)
	return c.ID, err
}

// person finds who in a list of ids and names: by id, whole name, or its beginning.
func person(who string, n int, at func(int) (id, name string)) (string, error) {
	var chats []core.Chat
	for i := range n {
		id, name := at(i)
		chats = append(chats, core.Chat{ID: id, Kind: core.ChatTwo, Name: name})
	}
	c, err := find(chats, who)
	if err == nil {
		return c.ID, nil
	}
	if _, ok := notThere(err); ok {
		return "", errors.New("There is nobody of that name here.")
	}
	return "", errors.New("More than one person is called that. Use the id: see --json.")
}

func (g *groupCall) members(ctx context.Context, banned bool) ([]core.Member, error) {
	m, err := api.Do[core.Members](ctx, g.s, "getMembers", core.GetMembers{Chat: g.chat.ID, Query: g.find, Banned: banned})
	return m.Members, err
}

func (g *groupCall) member(ctx context.Context, banned bool) (string, error) {
	list, err := g.members(ctx, banned)
	if err != nil {
		return "", err
	}
	return person(g.args[0], len(list), func(i int) (string, string) { return list[i].Person, list[i].Name })
}

func groupNew(ctx context.Context, g *groupCall) error {
	if strings.TrimSpace(g.args[0]) == "" {
		return usage("A group needs a name.") // the core's words for it tell of an option that is not here
	}
	x := core.NewGroup{Name: g.args[0]}
	for _, who := range g.add {
		id, err := g.contact(who)
		if err != nil {
			return err
		}
		x.Members = append(x.Members, id)
	}
	joined, err := api.Do[core.Joined](ctx, g.s, "newGroup", x)
	if err != nil {
		return err
	}
	g.s.sync(ctx)
	return g.say(joined, "The group is there. Invite people: paperplane group invite %s", Isolate(Clean(g.args[0], false)))
}

func groupInvite(ctx context.Context, g *groupCall) error {
	x := core.GroupInvite{Chat: g.chat.ID, Uses: g.uses, Approve: g.approve}
	if g.until != "" {
		if x.Days = daysUntil(time.Now(), g.until); x.Days < 1 {
			return usage("--until needs a day after today, as 2006-01-02.")
		}
	}
	link, err := api.Do[core.InviteLink](ctx, g.s, "groupInvite", x)
	if err != nil {
		return err
	}
	if err := g.say(link, "%s", link.Link); err != nil || !g.qr || g.asJSON {
		return err
	}
	return WriteQR(g.env.Out, link.Link)
}

// daysUntil counts the days from today, UTC, to the last one that is meant; 0 when that is none or not to come.
func daysUntil(now time.Time, last string) int {
	day, err := time.Parse(time.DateOnly, last)
	if err != nil {
		return 0
	}
	return max(0, int(day.Sub(now.UTC().Truncate(24*time.Hour))/(24*time.Hour)))
}

func groupLinks(ctx context.Context, g *groupCall) error {
	l, err := api.Do[core.Links](ctx, g.s, "getLinks", core.GetLinks{Chat: g.chat.ID})
	if err != nil {
		return err
	}
	return printEach(g, l.Links, func(x core.LinkState) string {
		approve := ""
		if x.Approve {
			approve = ", with approval"
		}
		used := fmt.Sprintf("used %d times", x.Used)
		if x.Uses > 0 {
			used = fmt.Sprintf("%d of %d used", x.Used, x.Uses)
		}
		return fmt.Sprintf("%s  %s, until %s%s\n  %s", x.ID, used, x.Until, approve, x.Link)
	})
}

func groupRevoke(ctx context.Context, g *groupCall) error {
	return g.done(ctx, "revokeLink", core.RevokeLink{Chat: g.chat.ID, Link: g.args[0]}, "Nobody comes in by this link any more.")
}

func (g *groupCall) knocks(ctx context.Context) ([]core.Knock, error) {
	k, err := api.Do[core.Knocks](ctx, g.s, "getKnocks", core.GetKnocks{Chat: g.chat.ID})
	return k.Knocks, err
}

func groupWaiting(ctx context.Context, g *groupCall) error {
	list, err := g.knocks(ctx)
	if err != nil {
		return err
	}
	return printEach(g, list, func(k core.Knock) string {
		return fmt.Sprintf("%s  since %s", Isolate(Clean(k.Name, false)), stampOf(k.At))
	})
}

func (g *groupCall) answer(ctx context.Context, yes bool) error {
	list, err := g.knocks(ctx)
	if err != nil {
		return err
	}
	who, err := person(g.args[0], len(list), func(i int) (string, string) { return list[i].Person, list[i].Name })
	if err != nil {
		return err
	}
	return g.done(ctx, "answer", core.Answer{Chat: g.chat.ID, Person: who, Yes: yes}, "Done.")
}

func groupMembers(ctx context.Context, g *groupCall) error {
	list, err := g.members(ctx, g.banned)
	if err != nil {
		return err
	}
	return printEach(g, list, func(m core.Member) string {
		role := ""
		if m.Role != "" && m.Role != core.RoleMember {
			role = "  " + string(m.Role)
		}
		return Isolate(Clean(m.Name, false)) + role
	})
}

// printEach prints a list, as JSON one object a line.
func printEach[T any](g *groupCall, list []T, line func(T) string) error {
	for _, x := range list {
		if g.asJSON {
			if err := printJSON(g.env.Out, x); err != nil {
				return err
			}
			continue
		}
		if _, err := fmt.Fprintln(g.env.Out, line(x)); err != nil {
			return err
		}
	}
	return nil
}

func groupAdd(ctx context.Context, g *groupCall) error {
	x := core.AddMembers{Chat: g.chat.ID}
	for _, who := range g.args {
		id, err := g.contact(who)
		if err != nil {
			return err
		}
		x.Members = append(x.Members, id)
	}
	return g.done(ctx, "addMembers", x, "They come in as soon as the server has it.")
}

func groupRemove(ctx context.Context, g *groupCall) error {
	who, err := g.member(ctx, false)
	if err != nil {
		return err
	}
	if g.st.Account != nil && who == g.st.Account.Person {
		// The core takes it for leaving: a slip of the keys would cost an owner the group.
		return usage("That is you. To go: paperplane group leave %s", Isolate(Clean(g.chat.Name, false)))
	}
	return g.done(ctx, "removeMember", core.RemoveMember{Chat: g.chat.ID, Person: who, Ban: g.ban || g.erase, Erase: g.erase}, "Removed.")
}

func groupUnban(ctx context.Context, g *groupCall) error {
	who, err := g.member(ctx, true)
	if err != nil {
		return err
	}
	return g.done(ctx, "unban", core.Unban{Chat: g.chat.ID, Person: who}, "They may join again.")
}

func groupRole(ctx context.Context, g *groupCall) error {
	role := core.Role(g.args[1])
	if role != core.RoleOwner && role != core.RoleAdmin && role != core.RoleMember {
		return usage("A role is owner, admin or member.")
	}
	who, err := g.member(ctx, false)
	if err != nil {
		return err
	}
	return g.done(ctx, "setRole", core.SetRole{Chat: g.chat.ID, Person: who, Role: role}, "Done.")
}

func groupRules(ctx context.Context, g *groupCall) error {
	r := core.Rules{}
	if g.chat.Rules != nil {
		r = *g.chat.Rules
	}
	changed, err := g.rules(&r)
	if err != nil {
		return err
	}
	if changed {
		if _, err := api.Do[core.Done](ctx, g.s, "setGroup", core.SetGroup{Chat: g.chat.ID, Rules: &r}); err != nil {
			return err
		}
		g.s.sync(ctx)
	}
	history := fmt.Sprintf("%d days", r.History)
	switch r.History {
	case 0:
		history = "nothing"
	case -1:
		history = "everything"
	}
	by := func(s string) string {
		if s == "" {
			return "admins"
		}
		return s
	}
	return g.say(r, "Only admins write: %s\nSeconds between two messages: %d\nHours until a newcomer may write: %d\nNewcomers see of what was: %s\nAdd people: %s\nChange name and picture: %s",
		yesNo(r.Quiet), r.Slow, r.Quarantine, history, by(r.Adders), by(r.Changers))
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// rules puts the flags that were given into r.
func (g *groupCall) rules(r *core.Rules) (changed bool, err error) {
	if g.set["quiet"] {
		if g.quiet != "yes" && g.quiet != "no" {
			return false, usage("--quiet is yes or no.")
		}
		r.Quiet, changed = g.quiet == "yes", true
	}
	if g.set["slow"] {
		r.Slow, changed = g.slow, true
	}
	if g.set["quarantine"] {
		r.Quarantine, changed = g.quarantine, true
	}
	if g.set["history"] {
		changed = true
		switch g.history {
		case "none":
			r.History = 0
		case "all":
			r.History = -1
		default:
			if _, err := fmt.Sscanf(g.history, "%d", &r.History); err != nil || fmt.Sprint(r.History) != g.history || r.History < 1 {
				return false, usage("--history is none, all or a number of days.")
			}
		}
	}
	for _, x := range []struct {
		name, value string
		to          *string
	}{{"adders", g.adders, &r.Adders}, {"changers", g.changers, &r.Changers}} {
		if !g.set[x.name] {
			continue
		}
		if x.value != "admins" && x.value != "members" {
			return false, usage("--%s is admins or members.", x.name)
		}
		*x.to, changed = x.value, true
	}
	return changed, nil
}

func groupAbout(ctx context.Context, g *groupCall) error {
	return g.done(ctx, "setGroup", core.SetGroup{Chat: g.chat.ID, About: &g.args[0]}, "Done.")
}

func groupMove(ctx context.Context, g *groupCall) error {
	to := strings.TrimRight(g.args[0], "/")
	if !slices.ContainsFunc(g.st.Servers, func(s core.Server) bool { return s.Member && s.Origin == to }) {
		return errors.New("You are not at that server yet: open an invite of it with paperplane join LINK, then move the group.")
	}
	g.args[0] = to
	return g.done(ctx, "moveChat", core.MoveChat{Chat: g.chat.ID, Origin: g.args[0]}, "The group moves. Everybody follows when they come back.")
}

func groupLeave(ctx context.Context, g *groupCall) error {
	return g.done(ctx, "leave", core.Leave{Chat: g.chat.ID}, "You have left.")
}
