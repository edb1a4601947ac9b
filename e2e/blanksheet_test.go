package e2e

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	mrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"paperplane/client"
	"paperplane/client/vault"
	"paperplane/client/vault/mem"
	"paperplane/core"
	"paperplane/core/account"
	"paperplane/mls"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
	"paperplane/protocol/wire"
	"paperplane/server/blob/dir"
	"paperplane/server/store/embedded"
	"paperplane/transport/ws"
)

var peopleCount = flag.Int("people", 0, "how many people live the blank-sheet day (0: 6, with -e2e 20)")

// word is a fact that occurs nowhere by chance.
func word(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b)[:n]
}

// soul is a person whose vault and address are known to the test.
type soul struct {
	*person
	v       *vault.Vault
	ip      net.IP
	invites []string
}

// day is one simulated day at a real server, with all that was planted in it.
type day struct {
	t      *testing.T
	srv    *server
	link   seal.Link
	scan   *scanner
	people []*soul
	ips    map[string]bool
	// serverKeys are the server's private key as it lies on the disk, and its bytes.
	serverKeys [][]byte

	// For mutants.
	accounts                      [][]byte
	agent, words                  string
	deleted, fetched, expiredBody []byte
}

func (d *day) plant(what, fact string) string { d.scan.add(what, []byte(fact)); return fact }

// address gives out a loopback address that nobody had and plants it.
func (d *day) address() net.IP {
	for {
		ip := net.IPv4(127, byte(10+mrand.N(240)), byte(10+mrand.N(240)), byte(100+mrand.N(150))).To4()
		if d.ips[string(ip)] {
			continue
		}
		d.ips[string(ip)] = true
		d.plant("B01 address", ip.String())
		d.scan.put("B01 address", "mapped IPv6", ip.To16()[8:])
		for _, form := range [][]byte{ip, ip.To16(), []byte(ip.String())} {
			sum := sha256.Sum256(form)
			d.scan.forms("B01 address", "sha256 ", sum[:16])
			for _, k := range d.serverKeys { // what hides behind a key on the same disk is not hidden
				m := hmac.New(sha256.New, k)
				m.Write(form)
				d.scan.forms("B01 address", "hmac ", m.Sum(nil)[:16])
			}
		}
		return ip
	}
}

func (d *day) newcomer(link string) *soul {
	d.t.Helper()
	v, err := vault.Open(mem.New(1<<30), vault.NewKey())
	if err != nil {
		d.t.Fatal(err)
	}
	ip := d.address()
	c, err := client.Open(client.Options{Vault: v, Volatile: true, Dialer: ws.NewDialerFrom(nil, ip)})
	if err != nil {
		d.t.Fatal(err)
	}
	s := &soul{person: &person{t: d.t, name: d.plant("B03 name", "N"+word(14)), c: c}, v: v, ip: ip}
	d.t.Cleanup(func() { _ = c.Close() })
	s.join(link)
	d.people = append(d.people, s)
	return s
}

// text sends a planted text.
func (d *day) text(s *soul, chat string) string {
	d.words = d.plant("B04 text", word(24))
	return s.send(chat, d.words)
}

// live is the script of the day: everybody invites the next, writes, groups form and lose members.
func (d *day) live(n int) {
	t := d.t
	first := d.newcomer(d.srv.invite())
	for i := 1; i < n; i++ {
		host := d.people[mrand.N(len(d.people))]
		if i < 3 {
			host = first
		}
		link := host.person.invite()
		host.invites = append(host.invites, link)
		s := d.newcomer(link)
		a, b := s.chatWith(host.name), host.chatWith(s.name)
		m := d.text(s, a)
		d.text(host, b)
		do[core.Done](s.person, core.Edit{Chat: a, Message: m, Text: d.plant("B04 edited text", word(24))})
		var last core.Message
		host.until("a message of "+s.name, func() bool {
			list := host.all(b)
			i := slices.IndexFunc(list, func(m core.Message) bool { return m.Kind == core.KindText && !m.Own })
			if i >= 0 {
				last = list[i]
			}
			return i >= 0
		})
		do[core.Done](host.person, core.React{Chat: b, Message: last.ID, Emoji: "👩🏽‍🚒", On: true})
		do[core.Done](host.person, core.MarkRead{Chat: b, Message: last.ID})
		do[core.Done](s.person, core.Delete{Chat: a, Message: d.text(s, a)})
		if i%3 == 1 {
			body := make([]byte, 70_000)
			copy(body, d.plant("B04 contents of a file", word(40)))
			rand.Read(body[1000:])
			ref, size, err := s.c.PutFile(bytes.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			do[core.Sent](s.person, core.SendText{Chat: a, Files: []core.File{{Ref: ref, Size: size,
				Name: d.plant("B04 file name", word(16)+".pdf"), Mime: strings.ToLower(d.plant("B04 mime type", "image/x-"+word(12)))}}})
		}
	}
	d.scan.add("B04 reaction", []byte("👩🏽‍🚒"))
	chats := func(s *soul) (out []string) {
		for _, c := range s.state().Chats {
			if c.Kind == core.ChatTwo && c.Name != "" {
				out = append(out, c.ID)
			}
		}
		return out
	}
	title := d.plant("B04 group title", "G"+word(16))
	group := do[core.Joined](first.person, core.NewGroup{Name: title, Members: chats(first)}).Chat
	var inside []*soul
	for _, s := range d.people[1:3] {
		s.chatWith(title)
		inside = append(inside, s)
	}
	for _, s := range inside {
		d.text(s, s.chatWith(title))
	}
	title = d.plant("B04 group title", "G"+word(16))
	do[core.Done](first.person, core.SetGroup{Chat: group, Name: title})
	members := do[core.Members](first.person, core.GetMembers{Chat: group}).Members
	gone := members[slices.IndexFunc(members, func(m core.Member) bool { return m.Name == inside[0].name })]
	do[core.Done](first.person, core.RemoveMember{Chat: group, Person: gone.Person})
	d.text(first, group)
	inside[1].chatWith(title)
	do[core.Done](inside[1].person, core.Leave{Chat: inside[1].chatWith(title)})
	do[core.Done](inside[0].person, core.SetName{Name: d.plant("B03 name", "N"+word(14))})
	for _, s := range d.people {
		do[core.Done](s.person, core.Sync{})
	}
}

// strangers come by HTTP, with headers that tell much.
func (d *day) strangers() {
	d.agent = d.plant("B06 user agent", "Mozilla/"+word(20))
	lang := d.plant("B06 language", "xx-"+word(12))
	for _, path := range []string{"/", "/i", "/" + d.plant("B18 path", word(20)), "/s", "/healthz"} {
		h := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true, DialContext: (&net.Dialer{LocalAddr: &net.TCPAddr{IP: d.address()}}).DialContext}}
		q, err := http.NewRequest("GET", "http://"+d.srv.addr+path+"?q="+d.plant("B18 query", word(20)), nil)
		if err != nil {
			d.t.Fatal(err)
		}
		q.Header = http.Header{"User-Agent": {d.agent}, "Accept-Language": {lang}, "Referer": {"http://" + d.plant("B06 referrer", word(20)) + "/"}}
		r, err := h.Do(q)
		if err != nil {
			d.t.Fatal(err)
		}
		_ = r.Body.Close()
	}
	rubbish := dialRaw(d.t, d.srv, d.link.Server, d.address())
	_ = rubbish.conn.Send(d.t.Context(), []byte(d.plant("B18 rubbish frame", word(40))))
}

// secrets plants what the people's vaults hold: keys, ids of groups, secrets of links.
func (d *day) secrets() {
	known := map[string]bool{} // what a server may have, and what several people share
	for _, s := range d.people {
		for _, l := range s.invites {
			x, err := seal.ParseLink(l)
			if err != nil {
				d.t.Fatal(err)
			}
			_, fragment, _ := strings.Cut(l, "#")
			d.plant("B17 link", fragment)
			d.scan.add("B17 door", x.Door[:])
		}
		var groups = map[string]*struct {
			group  []byte
			deltas []mls.Delta
			pages  map[string][]byte // pieces of the tree
		}{}
		for op, err := range s.v.Range("s/", "s0", false) {
			if err != nil {
				d.t.Fatal(err)
			}
			parts := strings.Split(op.Key, "/")
			switch {
			case op.Key == "s/account":
				d.account(op.Value)
			case parts[1] == "kp":
				d.keyPackage(op.Value)
			case parts[1] == "c" && len(parts) > 3:
				g := groups[parts[2]]
				if g == nil {
					g = &struct {
						group  []byte
						deltas []mls.Delta
						pages  map[string][]byte
					}{pages: map[string][]byte{}}
					groups[parts[2]] = g
				}
				rest := strings.Join(parts[3:], "/")
				if i := strings.Index(rest, "group"); i >= 0 && rest[i:] == "group" {
					g.group = op.Value
				} else if _, after, ok := strings.Cut(rest, "t/"); ok {
					g.pages[after] = op.Value
				} else if _, after, ok := strings.Cut(rest, "d/"); ok {
					g.deltas = append(g.deltas, mls.Delta{Key: after, Value: op.Value})
				}
			case parts[1] == "srv":
				d.seeds("B16 member key", op.Value, known, 3)
			}
		}
		restored := 0
		for log, g := range groups {
			if g.group == nil {
				continue
			}
			m, err := mls.RestoreHead(g.group, func(key string) []byte { return g.pages[key] }, g.deltas)
			if err != nil {
				d.t.Errorf("a stored group cannot be read: %v", err)
				continue
			}
			restored++
			// A group's id is its log's id, in every version so far: the server knows no more by it.
			if id, err := plane.ParseLogID(log); err != nil || !bytes.Equal(m.ID(), id[:]) {
				d.scan.add("B05 group id", m.ID())
			}
			d.scan.add("B05 epoch authenticator", m.EpochAuthenticator())
			d.scan.add("B05 tree hash", m.TreeHash())
		}
		if restored == 0 {
			d.t.Error("no group was found in a person's vault: the search would prove nothing")
		}
	}
}

func (d *day) account(b []byte) {
	var a struct {
		Keys  []byte   `cbor:"1,keyasint"`
		Owner []byte   `cbor:"4,keyasint"`
		Inbox []byte   `cbor:"5,keyasint"`
		Card  []byte   `cbor:"6,keyasint"`
		Door  [16]byte `cbor:"7,keyasint"`
	}
	if err := cbor.Unmarshal(b, &a); err != nil {
		d.t.Fatal(err)
	}
	k, err := account.ParseKeys(a.Keys)
	if err != nil {
		d.t.Fatal(err)
	}
	d.accounts = append(d.accounts, a.Keys)
	p := k.Person()
	d.scan.add("B02 account key", p[:])
	d.scan.forms("B02 account key", "text ", []byte(p.Text()))
	d.scan.add("B02 device key", k.Device().Public())
	sum := sha256.Sum256(p[:])
	d.scan.forms("B02 account fingerprint", "", sum[:16])
	d.scan.add("B16 private keys", a.Keys[len(a.Keys)-32:])
	d.scan.add("B16 owner seed", a.Owner)
	d.scan.add("B16 inbox secret", a.Inbox)
	d.scan.add("B17 card key", a.Card)
	d.scan.add("B17 door", a.Door[:])
}

func (d *day) keyPackage(b []byte) {
	var p struct {
		_      struct{} `cbor:",toarray"`
		Made   plane.Day
		Secret []byte
	}
	if err := cbor.Unmarshal(b, &p); err != nil {
		d.t.Fatal(err)
	}
	k, err := mls.ParseKeyPackageSecret(p.Secret)
	if err != nil {
		d.t.Fatal(err)
	}
	d.scan.add("B05 KeyPackageRef", k.Ref())
}

// seeds plants a field of a CBOR map.
func (d *day) seeds(what string, b []byte, known map[string]bool, field uint64) {
	var m map[uint64]any
	if err := cbor.Unmarshal(b, &m); err != nil {
		d.t.Fatal(err)
	}
	if seed, ok := m[field].([]byte); ok && !known[string(seed)] {
		known[string(seed)] = true
		d.scan.add(what, seed)
	}
}

// TestBlankSheet lets people live a day at the real server, each from an address of their own,
// and then searches everything that a thief, a court or a log could get: the folder of the
// running, the settled, the killed and the crashed server, a backup, what it printed, its
// metrics. One subtest for each assertion of the house's privacy research, section 1.7; each
// must also report a spoiled copy (its mutant), or it would prove nothing.
func TestBlankSheet(t *testing.T) {
	n := *peopleCount
	if n == 0 {
		n = 6
		if *full {
			n = 20
		}
	}
	config := filepath.Join(t.TempDir(), "config.toml")
	metrics := freeAddr(t)
	if err := os.WriteFile(config, fmt.Appendf(nil, "metrics = %q\nlogs_per_member_day = 5000\n", metrics), 0o600); err != nil {
		t.Fatal(err)
	}
	srv := serve(t, "--config", config)
	d := &day{t: t, srv: srv, scan: newScanner(), ips: map[string]bool{}}
	var err error
	if d.link, err = seal.ParseLink(srv.invite()); err != nil {
		t.Fatal(err)
	}
	e := &evidence{texts: map[string][]byte{}, scan: d.scan, own: map[plane.LogID]bool{}, day: plane.DayOf(time.Now())}
	take := func(name string, s snapshot) {
		t.Helper()
		s.name, s.dir = name, copyFolder(t, srv.data)
		e.snaps = append(e.snaps, s)
	}
	key, err := os.ReadFile(filepath.Join(srv.data, "server.key"))
	if err != nil {
		t.Fatal(err)
	}
	d.serverKeys = [][]byte{key, bytes.TrimSpace(key)}
	began := time.Now()
	d.live(n)
	d.strangers()
	t.Logf("%d people lived their day in %v", n, time.Since(began).Round(time.Millisecond))
	e.lengths(d)
	d.secrets()
	take("running", snapshot{torn: true})

	r := dialRaw(t, srv, d.link.Server, d.address())
	me := r.join(d.link)
	e.converse(t, r)
	take("unsettled", snapshot{torn: true})
	e.unsettled = e.snaps[len(e.snaps)-1].dir
	e.deletions(t, d, r, me)
	if *full { // the server by itself, 60 s after the deletion
		time.Sleep(62 * time.Second)
		take("a minute later", snapshot{torn: true, deleted: true})
	}
	backup := filepath.Join(t.TempDir(), "backup.tar")
	if out, code := run(t, t.TempDir(), "backup", "--data", srv.data, backup); code != 0 {
		t.Fatalf("backup: %d %s", code, out)
	}
	take("settled", snapshot{settled: true, deleted: true})
	e.readOnly(t, d, srv, r)
	if e.texts["backup"], err = os.ReadFile(backup); err != nil {
		t.Fatal(err)
	}
	if resp, err := fetcher.Get("http://" + metrics + "/metrics"); err == nil {
		e.texts["metrics"], _ = io.ReadAll(resp.Body)
		_ = resp.Body.Close()
	}
	if len(e.texts["metrics"]) == 0 {
		t.Error("no metrics were read")
	}
	for _, s := range d.people {
		_ = s.c.Close()
	}
	srv.stop(syscall.SIGKILL)
	take("killed", snapshot{deleted: true})
	e.expired(t, d, srv)
	srv.start()
	srv.stop(syscall.SIGQUIT)
	if b, _ := os.ReadFile(srv.out.Name()); bytes.Contains(b, []byte("goroutine ")) {
		t.Error("SIGQUIT prints the stacks of goroutines, whose arguments are ids and keys")
	}
	srv.start()
	srv.stop(syscall.SIGABRT) // the runtime's own crash, with all that it prints
	if b, _ := os.ReadFile(srv.out.Name()); len(b) > 0 {
		e.texts["output"] = b
	} else {
		t.Error("the server said nothing at all")
	}
	if !bytes.Contains(e.texts["output"], []byte("SIGABRT")) {
		t.Error("the crash left no text: it was not forced")
	}
	srv.start()
	e.about = busiest(t, e)
	out, _ := run(t, t.TempDir(), "blank-sheet", "--data", srv.data, "--json", e.about.Text())
	e.sheet = []byte(out)
	srv.stop(syscall.SIGTERM)
	take("crashed", snapshot{settled: true, deleted: true})

	for _, c := range checks {
		t.Run(c.id, func(t *testing.T) {
			found := c.find(t, e)
			for _, f := range found[:min(len(found), 10)] {
				t.Errorf("%s: %s", c.what, f)
			}
			if c.find(t, e.with(t, func(m *evidence, dir string) { c.mutant(t, d, m, dir) })) == nil {
				t.Errorf("%s: the mutant was not found: this check proves nothing", c.what)
			}
		})
	}
}

// busiest returns the log of S01 with the most records.
func busiest(t *testing.T, e *evidence) (id plane.LogID) {
	t.Helper()
	list, _, err := frames(e.snaps[len(e.snaps)-1])
	if err != nil {
		t.Fatal(err)
	}
	count := map[plane.LogID]int{}
	for _, f := range list {
		if count[f.log]++; count[f.log] > count[id] && slices.ContainsFunc(e.orders, func(o orderLog) bool { return o.id == f.log }) {
			id = f.log
		}
	}
	return id
}

// lengths sends texts of many lengths and keeps which sizes of record they became (S04).
func (e *evidence) lengths(d *day) {
	a := d.people[1]
	chat := a.chatWith(d.people[0].name)
	count := func() map[int]int {
		got := map[int]int{}
		list, _, err := frames(snapshot{dir: copyFolder(d.t, d.srv.data)})
		if err != nil {
			d.t.Fatal(err)
		}
		for _, f := range list {
			got[len(f.body)]++
		}
		return got
	}
	for _, s := range d.people { // what is under way arrives first
		do[core.Done](s.person, core.Sync{})
	}
	time.Sleep(time.Second)
	before := count()
	for n := 1; n <= 390; n += 30 {
		a.send(chat, strings.Repeat("x", n))
	}
	do[core.Done](a.person, core.Sync{})
	for size, n := range count() {
		for range n - before[size] {
			e.sizes = append(e.sizes, size)
		}
	}
}

// converse makes the conversations of S01: pairs of logs whose owners write in bursts.
func (e *evidence) converse(t *testing.T, r *raw) {
	pairs, messages := 60, 3000
	if *full {
		pairs, messages = 200, 20_000
	}
	var logs []*rawLog
	for i := range 2 * pairs {
		l, owner := r.create(false)
		l.handle = r.open(l, wire.RoleWrite)
		ask[wire.Done](r, wire.Close{Handle: owner})
		logs = append(logs, l)
		e.orders = append(e.orders, orderLog{l.id, i / 2})
		e.own[l.id] = true
	}
	var active []int
	waiting := 0
	for i := range messages {
		if i > 2500 && i%16 == 0 {
			time.Sleep(20 * time.Millisecond) // below the rate that a session may ask at
		}
		if len(active) < 10 || mrand.Float64() < 0.02 {
			active = append(active, mrand.N(pairs))
		}
		active = active[max(0, len(active)-12):]
		body := make([]byte, plane.RecordSmall)
		rand.Read(body)
		r.send(wire.Append{Handle: logs[2*active[mrand.N(len(active))]+mrand.N(2)].handle, Body: body})
		if waiting++; waiting == 16 {
			answered[wire.Appended](r)
			waiting--
		}
	}
	for range waiting {
		answered[wire.Appended](r)
	}
}

// deletions makes and deletes a log, a blob, a door and a key package, each planted (B13, B15).
func (e *evidence) deletions(t *testing.T, d *day, r *raw, me *caps.Signer) {
	random := func(n int) []byte { b := make([]byte, n); rand.Read(b); return b }
	key := func(what string, k plane.PublicKey) { d.scan.add(what, k[:]) }
	l, owner := r.create(true)
	w := r.open(l, wire.RoleWrite)
	for range 5 {
		body := random(plane.RecordMedium)
		d.scan.add("B13 record", body[:32])
		ask[wire.Appended](r, wire.Append{Handle: w, Body: body})
	}
	door := caps.NewSigner()
	key("B13 door", door.Public())
	ask[wire.Done](r, wire.Door{Handle: owner, Key: door.Public(), Left: 5, Until: e.day + 5})
	card, pack := random(4096), random(3000)
	d.deleted = pack
	d.scan.add("B13 card", card[100:132])
	d.scan.add("B13 package", pack[100:132])
	ask[wire.Pool](r, wire.PoolPut{Handle: owner, Card: card, LastResort: random(3000), Packages: [][]byte{pack}})
	key("B13 owner key", l.owner.Public())
	key("B13 read key", l.read.Public())
	key("B13 write key", l.write.Public())
	d.scan.add("B13 log id", l.id[:])
	ask[wire.Done](r, wire.Manage{Handle: owner, Delete: true})

	secret := [16]byte(random(16))
	chunk := random(plane.BlobChunkBytes)
	d.scan.add("B13 chunk", chunk[1000:1032])
	ask[wire.Done](r, wire.BlobPut{Secret: secret, Count: 1, Data: chunk})
	ask[wire.Done](r, wire.BlobDelete{Secret: secret})

	kept, owner := r.create(true) // an inbox that stays; its door goes, its package is fetched
	e.own[kept.id] = true
	door = caps.NewSigner()
	key("B13 door", door.Public())
	fetched := random(3000)
	d.scan.add("B15 fetched package", fetched[100:132])
	d.fetched = fetched
	sum := sha256.Sum256(fetched)
	d.scan.forms("B15 fetched package", "sha256 ", sum[:])
	ask[wire.Pool](r, wire.PoolPut{Handle: owner, Card: random(4096), LastResort: random(3000), Packages: [][]byte{fetched}})
	ask[wire.Done](r, wire.Door{Handle: owner, Key: door.Public(), Left: 5, Until: e.day + 5})
	o := wire.Open{Log: kept.id, Role: wire.RoleDoor, Key: door.Public()}
	o.Sig = door.Sign(caps.OpenMessage(r.conn.Binding(), o.Log, uint8(o.Role), 0, o.Key))
	h := ask[wire.Opened](r, o).Handle
	if got := ask[wire.Package](r, wire.PoolTake{Handle: h, Package: true}); !bytes.Equal(got.Package, fetched) {
		t.Error("the package that was put is not the one that was fetched")
	}
	ask[wire.Done](r, wire.Door{Handle: owner, Key: door.Public()})
}

// readOnly reads, subscribes and signals, and keeps which files that has changed (B12).
func (e *evidence) readOnly(t *testing.T, d *day, srv *server, r *raw) {
	sums := func() map[string][32]byte {
		out := map[string][32]byte{}
		if err := (snapshot{dir: copyFolder(t, srv.data)}).walk(func(name string, b []byte, _ time.Time) {
			if name != "admin" {
				out[name] = sha256.Sum256(b)
			}
		}); err != nil {
			t.Fatal(err)
		}
		return out
	}
	l, owner := r.create(false)
	e.own[l.id] = true
	w := r.open(l, wire.RoleWrite)
	for range 20 {
		body := make([]byte, plane.RecordSmall)
		rand.Read(body)
		ask[wire.Appended](r, wire.Append{Handle: w, Body: body})
	}
	ask[wire.Done](r, wire.Close{Handle: owner})
	time.Sleep(2 * time.Second) // people's receipts come to rest
	var before map[string][32]byte
	for range 10 {
		before = sums()
		reader := dialRaw(t, srv, d.link.Server, d.address())
		h := reader.open(l, wire.RoleRead)
		ask[wire.Records](reader, wire.Read{Handle: h, From: 1, Limit: 100})
		ask[wire.Opened](reader, wire.Subscribe{Handle: h, From: 1})
		ask[wire.Done](reader, wire.Signal{Handle: reader.open(l, wire.RoleWrite), Body: make([]byte, 64)})
		after := sums()
		e.moved = nil
		for name := range after {
			if after[name] != before[name] {
				e.moved = append(e.moved, name)
			}
		}
		if len(e.moved) == 0 {
			return // somebody else's receipt may have come between: once undisturbed is enough
		}
		time.Sleep(time.Second)
	}
}

// expired puts old records and chunks into a stopped server's folder (B14): the next start must
// remove what is past its life and keep what is not.
func (e *evidence) expired(t *testing.T, d *day, srv *server) {
	l, err := embedded.Open(filepath.Join(srv.data, "log"))
	if err != nil {
		t.Fatal(err)
	}
	put := func(what string, day plane.Day) {
		body := make([]byte, plane.RecordSmall)
		rand.Read(body)
		e.scan.add(what, body[:32])
		if _, err := l.Append(t.Context(), e.orders[1].id, day, body, false); err != nil {
			t.Fatal(err)
		}
	}
	put("B14 record past its life", e.day-32)
	put("kept record", e.day-28)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	b, err := dir.Open(filepath.Join(srv.data, "blob"))
	if err != nil {
		t.Fatal(err)
	}
	chunk := make([]byte, plane.BlobChunkBytes)
	rand.Read(chunk)
	d.expiredBody = chunk[:64]
	e.scan.add("B14 chunk past its life", chunk[:32])
	if err := b.Put(t.Context(), plane.BlobID(chunk[:16]), 0, 1, e.day-40, chunk); err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

var errNotJSON = errors.New("the sheet is not JSON")

// sheetRows returns how many rows of each table the sheet prints, and how many records.
func sheetRows(b []byte) (rows map[string]int, records int, err error) {
	var s struct {
		Tables []struct {
			Table string
			Rows  []map[string]any
		}
		Records []struct{ Count int }
	}
	if json.Unmarshal(b, &s) != nil {
		return nil, 0, errNotJSON
	}
	rows = map[string]int{}
	for _, p := range s.Tables {
		rows[p.Table] += len(p.Rows)
	}
	for _, r := range s.Records {
		records += r.Count
	}
	return rows, records, nil
}
