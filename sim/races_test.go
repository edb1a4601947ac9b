package sim

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/cryptotest"
	"time"

	"paperplane/core"
	"paperplane/core/coretest"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

var (
	schedules = flag.Int("schedules", 40, "how many small races in one group")
	raceChild = flag.Bool("races.child", false, "run them in this process")
	raceLies  = flag.Bool("races.lies", false, "on a server that withholds, repeats and changes records, too")
)

// TestRaces runs -schedules stories from -seed on: a small group whose members commit at the same
// time, crash, are cut off, are set back to an old backup and, with -races.lies, are lied to by the
// server about the records. When it is over all who are members are in, agree, and read each other:
// nobody is lost. It prints how many it ran, how many members were lost, and how many a minute.
func TestRaces(t *testing.T) {
	if *raceChild || *schedules == 1 {
		base := raceBase(t)
		for i := range *schedules {
			race(t, base, *seed+uint64(i))
		}
		return
	}
	began := time.Now()
	workers := max(1, min(runtime.GOMAXPROCS(0), *schedules/20))
	if *workersMax > 0 {
		workers = min(workers, *workersMax)
	}
	var wg sync.WaitGroup
	var mu sync.Mutex
	lost := 0
	for i := range workers {
		from, to := *schedules*i/workers, *schedules*(i+1)/workers
		wg.Go(func() {
			cmd := exec.Command(os.Args[0], "-test.run=^TestRaces$", "-test.timeout=0", "-races.child",
				"-schedules="+strconv.Itoa(to-from), fmt.Sprintf("-races.lies=%v", *raceLies), "-seed="+strconv.FormatUint(*seed+uint64(from), 10))
			cmd.Env = append(os.Environ(), "GOMAXPROCS=1", "GOGC=400")
			out, err := cmd.CombinedOutput()
			mu.Lock()
			defer mu.Unlock()
			for sc := bufio.NewScanner(bytes.NewReader(out)); sc.Scan(); {
				if strings.HasPrefix(strings.TrimSpace(sc.Text()), "--- FAIL: TestRaces/") {
					lost++
				}
			}
			if err != nil {
				t.Errorf("schedules %d to %d: %v\n%s", from, to-1, err, out[:min(len(out), 20000)])
			}
		})
	}
	wg.Wait()
	fmt.Printf("%d schedules from %d: in %d of them a member was lost; %.0f a minute in %d processes\n",
		*schedules, *seed, lost, float64(*schedules)/time.Since(began).Minutes(), workers)
}

// raceNames are the people; the last is not in the group at first.
var raceNames = []string{"Ann", "Bob", "Cid", "Dee", "Eve"}

// raceBase makes the world in which all schedules begin.
func raceBase(t *testing.T) *coretest.World {
	cryptotest.SetGlobalRandom(t, 1)
	w := coretest.New(t)
	ann := w.Client("Ann")
	coretest.Must[core.Joined](ann, core.Join{Link: w.Server.Link(), Name: "Ann"})
	link := coretest.Must[core.InviteLink](ann, core.Invite{}).Link
	var members []string
	for _, name := range raceNames[1:] {
		coretest.Must[core.Joined](w.Client(name), core.Join{Link: link, Name: name})
		w.Pass(2 * time.Second)
		if name != raceNames[len(raceNames)-1] {
			members = append(members, ann.Chat(name).ID)
		}
	}
	coretest.Must[core.Joined](ann, core.NewGroup{Name: "Hall", Members: members})
	w.Pass(time.Minute)
	g := ann.Chat("Hall").ID
	for _, m := range coretest.Must[core.Members](ann, core.GetMembers{Chat: g}).Members {
		if m.Name == "Bob" {
			ann.Fails(core.SetRole{Chat: g, Person: m.Person, Role: core.RoleAdmin})
		}
	}
	w.Pass(time.Minute)
	return w
}

// racing is one schedule.
type racing struct {
	*testing.T
	w     *coretest.World
	rng   *rand.Rand
	chat  string
	ids   map[string]string // person ids by name
	said  map[string]string // texts, by who said them
	olds  map[*coretest.Client]*coretest.Vault
	story []string
}

func race(t *testing.T, base *coretest.World, seed uint64) {
	t.Run(fmt.Sprintf("seed-%d", seed), func(t *testing.T) {
		cryptotest.SetGlobalRandom(t, seed)
		r := &racing{T: t, rng: rand.New(rand.NewPCG(seed, 0x7261636573)), w: base.Fork(t), said: map[string]string{},
			ids: map[string]string{}, olds: map[*coretest.Client]*coretest.Vault{}}
		defer func() {
			if t.Failed() {
				t.Logf("seed %d (go test ./sim -run Races -schedules 1 -seed %d):\n%s", seed, seed, strings.Join(r.story, "\n"))
			}
		}()
		r.w.Run()
		r.chat = r.w.Clients[0].Chat("Hall").ID
		for _, c := range r.w.Clients {
			r.ids[c.Name] = c.Person()
		}
		for range 8 + r.rng.IntN(16) {
			r.move()
		}
		r.heal()
		r.check()
	})
}

func (r *racing) tell(format string, args ...any) {
	r.story = append(r.story, fmt.Sprintf(format, args...))
}

func (r *racing) one() *coretest.Client { return r.w.Clients[r.rng.IntN(len(r.w.Clients))] }

// member is another person's id, whether they are in the group or not.
func (r *racing) member() (name, id string) {
	name = raceNames[r.rng.IntN(len(raceNames))]
	return name, r.ids[name]
}

// move is one thing that happens.
func (r *racing) move() {
	c := r.one()
	switch r.rng.IntN(20) {
	case 0, 1, 2, 3:
		text := fmt.Sprintf("%s says %d", c.Name, len(r.said))
		r.tell("%s", text)
		id := c.Do(core.SendText{Chat: r.chat, Text: text})
		if c.Replies[id].Err == "" {
			r.said[text] = c.Name
		}
	case 4:
		name, id := r.member()
		r.tell("%s removes %s", c.Name, name)
		c.Do(core.RemoveMember{Chat: r.chat, Person: id})
	case 5, 6:
		name, _ := r.member()
		if name != c.Name {
			for _, x := range c.State().Chats {
				if x.Name == name && x.Kind == core.ChatTwo {
					r.tell("%s adds %s", c.Name, name)
					c.Do(core.AddMembers{Chat: r.chat, Members: []string{x.ID}})
				}
			}
		}
	case 7:
		r.tell("%s names the group", c.Name)
		c.Do(core.SetGroup{Chat: r.chat, Name: fmt.Sprintf("Hall %d", r.rng.IntN(100))})
	case 8:
		name, id := r.member()
		role := []core.Role{core.RoleOwner, core.RoleAdmin, core.RoleMember}[r.rng.IntN(3)]
		r.tell("%s makes %s %s", c.Name, name, role)
		c.Do(core.SetRole{Chat: r.chat, Person: id, Role: role})
	case 9:
		if r.rng.IntN(3) == 0 {
			r.tell("%s leaves", c.Name)
			c.Do(core.Leave{Chat: r.chat})
		}
	case 10:
		c.CrashIn = 1 + r.rng.IntN(12)
		c.Arrives = r.rng.IntN(2) == 0
		r.tell("%s will crash in %d effects", c.Name, c.CrashIn)
	case 11:
		r.tell("%s loses its session", c.Name)
		c.Drop()
	case 12:
		r.tell("%s offline %v", c.Name, !c.Offline)
		c.SetOffline(!c.Offline)
	case 13:
		r.tell("%s is backed up", c.Name)
		r.olds[c] = c.Vault.Clone()
	case 14:
		if old := r.olds[c]; old != nil {
			r.tell("%s is set back", c.Name)
			c.Restore(old)
			delete(r.olds, c)
		}
	case 15:
		if *raceLies {
			r.lie(c)
		}
	case 16:
		d := time.Duration(r.rng.IntN(40)) * time.Second
		r.tell("%v pass", d)
		r.w.Pass(d)
	case 17:
		r.w.Run()
	default:
	}
	for range r.rng.IntN(30) { // some go on, others not yet
		r.w.Turn(r.one())
	}
}

// lie makes the server withhold, repeat or change records for one client, for a while.
func (r *racing) lie(to *coretest.Client) {
	kind := r.rng.IntN(3)
	left := 1 + r.rng.IntN(3)
	r.tell("the server lies %d times to %s, in way %d", left, to.Name, kind)
	group, _ := plane.ParseLogID(r.chat)
	var old []byte
	r.w.Server.Show = func(c *coretest.Client, id plane.LogID, x wire.Record) *wire.Record {
		if c != to || id != group || left == 0 {
			old = x.Body
			return &x
		}
		left--
		switch kind {
		case 0:
			return nil
		case 1:
			if old != nil {
				return &wire.Record{Seq: x.Seq, Body: old}
			}
		case 2:
			b := slices.Clone(x.Body)
			b[r.rng.IntN(len(b))] ^= 1
			return &wire.Record{Seq: x.Seq, Body: b}
		}
		return &x
	}
}

// overtaken is how long after a commit nobody wonders at messages that do not open.
const overtaken = 11 * time.Second

// healTimes bounds how often the clock is moved on to when somebody wants to look at it.
const healTimes = 4000

// heal ends all faults and lets time pass.
func (r *racing) heal() {
	r.w.Server.Show = nil
	for _, c := range r.w.Clients {
		c.CrashIn = 0
		c.Drop()
		c.SetOffline(false)
	}
	r.w.Run()
	end := r.w.Now.Add(30 * time.Minute)
	for range healTimes {
		at, ok := r.w.Until()
		if !ok || at.After(end) {
			break
		}
		r.w.Leap(max(0, at.Sub(r.w.Now)))
	}
	r.w.Leap(overtaken)
}

// talkMax is how often everybody says something more, until all is well: a device that was lied to
// may need to hear some words that it cannot read before it asks.
const talkMax = 8

// check wants everybody who is a member to be in, to agree with the others, and to read them.
func (r *racing) check() {
	var wrong []string
	for i := range talkMax {
		wrong = nil
		r.talk(i, func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) })
		if len(wrong) == 0 {
			return
		}
	}
	r.Errorf("%s", strings.Join(wrong, "\n"))
}

// outside says whether a device that looks for the way back is no member for those who are well: it
// was removed, or has left, before it was set back, and nobody takes it in. Nothing is lost by that.
func (r *racing) outside(c *coretest.Client) bool {
	if r.chatOf(c).State != "healing" {
		return false
	}
	for _, x := range r.w.Clients {
		if r.chatOf(x).State != "open" {
			continue
		}
		id := x.Do(core.GetMembers{Chat: r.chat})
		m, _ := x.Replies[id].Result.(core.Members)
		if slices.ContainsFunc(m.Members, func(m core.Member) bool { return m.Person == r.ids[c.Name] }) {
			return false
		}
	}
	return true
}

// talk lets everybody who is in say something, and complains of what is not as it should be.
func (r *racing) talk(round int, wrong func(string, ...any)) {
	in := map[string]bool{}
	var want []string
	for _, c := range r.w.Clients {
		for _, x := range c.State().Chats {
			if x.ID == r.chat && x.State != "left" && !r.outside(c) {
				in[c.Name] = true
				want = append(want, c.Name)
			}
		}
	}
	texts := map[string]string{}
	for _, c := range r.w.Clients {
		if in[c.Name] {
			r.retry(c)
			text := fmt.Sprintf("at the end %d %s", round, c.Name)
			id := c.Do(core.SendText{Chat: r.chat, Text: text})
			if e := c.Replies[id].Err; e != "" {
				wrong("%s may not write: %s", c.Name, e)
			}
			texts[text] = c.Name
		}
	}
	r.heal()
	var same []string
	for _, c := range r.w.Clients {
		if !in[c.Name] {
			continue
		}
		if x := r.chatOf(c); x.State != "open" {
			wrong("%s: the chat is %s", c.Name, x.State)
		}
		var list []string
		id := c.Do(core.GetMembers{Chat: r.chat})
		m, _ := c.Replies[id].Result.(core.Members)
		for _, name := range raceNames {
			if slices.ContainsFunc(m.Members, func(m core.Member) bool { return m.Person == r.ids[name] }) {
				list = append(list, name)
			}
		}
		if *raceLies && same == nil {
			same = list
		}
		// Where the server lied, who has left may have left a branch that did not go on.
		if !slices.Equal(list, want) && !(*raceLies && slices.Equal(list, same) && !slices.ContainsFunc(want, func(x string) bool { return !slices.Contains(list, x) })) {
			wrong("%s counts %v, and %v are in: somebody is lost", c.Name, list, want)
		}
		seen := map[string]int{}
		for _, m := range c.Page(r.chat) {
			seen[m.Text]++
			if m.Own && (m.State == core.StateQueued || m.State == core.StateFailed) {
				wrong("%s: %q is %s", c.Name, m.Text, m.State)
			}
		}
		for text, who := range texts {
			if seen[text] != 1 {
				wrong("%s shows %q of %s %d times, want once", c.Name, text, who, seen[text])
			}
		}
		for text := range r.said {
			if seen[text] > 1 {
				wrong("%s shows %q %d times", c.Name, text, seen[text])
			}
		}
	}
}

// retry sends again, as a person would, what failed because one had been removed; nothing else may fail.
func (r *racing) retry(c *coretest.Client) {
	list := c.Page(r.chat)
	if !slices.ContainsFunc(list, func(m core.Message) bool {
		return m.Kind == core.KindNotice && (m.Notice.What == "removed" || m.Notice.What == "left")
	}) {
		return
	}
	for _, m := range list {
		if m.Own && m.State == core.StateFailed {
			c.Do(core.Retry{Chat: r.chat, Message: m.ID})
		}
	}
}

func (r *racing) chatOf(c *coretest.Client) core.Chat {
	for _, x := range c.State().Chats {
		if x.ID == r.chat {
			return x
		}
	}
	return core.Chat{}
}
