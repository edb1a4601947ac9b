//go:build linux

package e2e

import (
	"bufio"
	bigendian "encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
	"paperplane/protocol/wire"
)

var (
	fan       = flag.Int("fan", 0, "measure one log with so many subscribers, in processes of their own, beside bare sockets")
	fanRounds = flag.Int("fan.rounds", 100, "how many records")
)

// fanConfig is what a process of the crowd is told.
type fanConfig struct {
	Addr, Bare  string
	Fingerprint []byte
	Log         []byte
	Read        []byte
	N, Source   int
}

// fanProcess is one process of the measurement, spoken to by lines.
type fanProcess struct {
	t     *testing.T
	role  string
	in    io.WriteCloser
	lines chan []byte // closed when the process is gone
	asked string      // the last that was said to it
	pid   int
}

// workerPatience bounds the wait for a line of a process. It is above the patience of the people in
// there, so that they say first what they miss.
func workerPatience() time.Duration { return crowdPatience() + time.Minute }

// fanTrouble is what a process of the fan says instead of its times, when it can say none.
type fanTrouble struct{ Err string }

func startFan(t *testing.T, role string) *fanProcess {
	t.Helper()
	return startWorker(t, "TestFanWorker", role)
}

// startWorker starts this program again, as one test of it.
func startWorker(t *testing.T, test, role string) *fanProcess {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^"+test+"$", "-test.timeout=60m", "-worker="+role, fmt.Sprintf("-slow=%v", measuring()), fmt.Sprintf("-group.plain=%d", *groupPlain))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	over := watch.started(cmd.Process)
	p := &fanProcess{t: t, role: role, in: in, lines: make(chan []byte, 16), pid: cmd.Process.Pid}
	go func() {
		defer close(p.lines)
		for r := bufio.NewReader(out); ; {
			line, err := r.ReadBytes('\n')
			if err != nil {
				return
			}
			p.lines <- line
		}
	}()
	t.Cleanup(func() {
		_ = in.Close()
		late := time.AfterFunc(patience, func() {
			t.Errorf("process %q does not end by itself", role)
			_ = cmd.Process.Kill()
		})
		for range p.lines { // what it still says; all is read before Wait
		}
		_ = cmd.Wait()
		late.Stop()
		over()
	})
	return p
}

// cpuMillis is the processor time that a process has used, in ms: what else runs on the machine
// does not count.
func cpuMillis(t *testing.T, pid int) int {
	t.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 13 {
		t.Fatalf("got %d fields of a process", len(fields))
	}
	sum := 0
	for _, f := range fields[11:13] { // utime and stime, in hundredths of a second on every Linux
		n, err := strconv.Atoi(f)
		if err != nil {
			t.Fatal("a process's time is no number")
		}
		sum += 10 * n
	}
	return sum
}

func (p *fanProcess) say(v any) {
	p.t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		p.t.Fatal(err)
	}
	p.asked = string(b[:min(len(b), 120)])
	if _, err := p.in.Write(append(b, '\n')); err != nil {
		p.t.Fatalf("process %q is gone: %v", p.role, err)
	}
}

func (p *fanProcess) hear(v any) {
	p.t.Helper()
	if err := p.answer(v); err != nil {
		p.t.Fatal(err)
	}
}

// answer reads the next line of the process. It may be called outside of the test's goroutine.
func (p *fanProcess) answer(v any) error {
	defer awaiting(p.t, "a line of process %q, to which was said %s", p.role, p.asked)()
	t := time.NewTimer(workerPatience())
	defer t.Stop()
	select {
	case line, ok := <-p.lines:
		var x fanTrouble
		switch {
		case !ok:
			return fmt.Errorf("process %q is gone; said to it: %s", p.role, p.asked)
		case json.Unmarshal(line, &x) == nil && x.Err != "":
			return fmt.Errorf("process %q says: %s; said to it: %s", p.role, x.Err, p.asked)
		}
		if err := json.Unmarshal(line, v); err != nil {
			return fmt.Errorf("process %q said %q", p.role, line)
		}
		return nil
	case <-t.C:
		return fmt.Errorf("process %q says nothing for %v; said to it: %s", p.role, workerPatience(), p.asked)
	}
}

// TestFan subscribes a crowd to one log of the real server and appends to it, one record at a time:
// every subscriber gets every record. With -fan N it says how long the last of them waits, beside
// bare sockets that get as many bytes, and what memory the server takes.
func TestFan(t *testing.T) {
	n, rounds, processes := 60, 3, 2
	if *fan > 0 {
		n, rounds, processes = *fan, *fanRounds, 4
	}
	srv := serve(t)
	link, err := seal.ParseLink(srv.invite())
	if err != nil {
		t.Fatal(err)
	}
	idle := srv.rss()
	r := dialRaw(t, srv, link.Server, nil)
	r.join(link)
	seed := [32]byte{7}
	l := &rawLog{owner: caps.NewSigner()}
	l.read, l.write = caps.DeriveLogKeys(seed[:], 1)
	l.id = caps.NewLogID(l.owner.Public())
	q := wire.Create{Owner: l.owner.Public(), Read: l.read.Public(), Write: l.write.Public(), TTLDays: 30}
	q.Sig = l.owner.Sign(caps.CreateMessage(r.conn.Binding(), q.Owner, q.Read, q.Write, q.TTLDays, q.Inbox))
	ask[wire.Opened](r, q)
	write := r.open(l, wire.RoleWrite)

	bare := startFan(t, "bare")
	var bareAddr string
	bare.hear(&bareAddr)
	var crowd []*fanProcess
	start := time.Now()
	for i := range processes {
		p := startFan(t, "crowd")
		p.say(fanConfig{Addr: srv.addr, Bare: bareAddr, Fingerprint: link.Server[:], Log: l.id[:], Read: seed[:],
			N: n*(i+1)/processes - n*i/processes, Source: i})
		crowd = append(crowd, p)
	}
	var ready string
	for _, p := range crowd {
		p.hear(&ready)
	}
	took := time.Since(start)
	storm := srv.rss()
	// times says when the crowd has a record: the wait of everybody, and of the last.
	times := func(what string, send func(round int)) (last []int) {
		var all []int
		for i := range rounds {
			send(i)
			most := 0
			for _, p := range crowd {
				var waits []int
				p.hear(&waits)
				all = append(all, waits...)
				most = max(most, slices.Max(waits))
			}
			last = append(last, most)
			if *fan > 0 {
				time.Sleep(50 * time.Millisecond)
			}
		}
		if len(all) != n*rounds {
			t.Fatalf("%s: got %d deliveries, want %d", what, len(all), n*rounds)
		}
		slices.Sort(all)
		slices.Sort(last)
		t.Logf("FIGURE %s n=%d rounds=%d each p50=%s p99=%s last p50=%s p90=%s p99=%s max=%s ms", what, n, rounds,
			ms(all, 50), ms(all, 99), ms(last, 50), ms(last, 90), ms(last, 99), ms(last, 100))
		return last
	}
	worked := cpuMillis(t, srv.cmd.Process.Pid)
	log := times("fan", func(i int) {
		body := make([]byte, plane.RecordSmall)
		bigendian.BigEndian.PutUint64(body, uint64(time.Now().UnixNano()))
		bigendian.BigEndian.PutUint64(body[8:], uint64(i))
		r.send(wire.Append{Handle: write, Body: body})
	})
	worked = cpuMillis(t, srv.cmd.Process.Pid) - worked
	bareWorked := cpuMillis(t, bare.pid)
	floor := times("fan-bare", func(i int) { bare.say(i) })
	t.Logf("FIGURE fan-ratio p50=%.2f p99=%.2f", ratio(log, floor, 50), ratio(log, floor, 99))
	bareWorked = cpuMillis(t, bare.pid) - bareWorked
	t.Logf("FIGURE fan-cpu a record to %d: server=%.1f ms, bare=%.1f ms of processor time", n, float64(worked)/float64(rounds), float64(bareWorked)/float64(rounds))
	t.Logf("FIGURE fan-memory idle=%d KB, %d sessions=%d KB (%.1f KB each), after the records=%d KB; they came in %v",
		idle, n, storm, float64(storm-idle)/float64(n), srv.rss(), took.Round(time.Millisecond))
}

func percent(sorted []int, p int) int { return sorted[min(len(sorted)-1, len(sorted)*p/100)] }

func ms(sorted []int, p int) string { return fmt.Sprintf("%.1f", float64(percent(sorted, p))/1000) }

func ratio(a, b []int, p int) float64 { return float64(percent(a, p)) / float64(max(1, percent(b, p))) }

// TestFanWorker is what the other processes of TestFan run.
func TestFanWorker(t *testing.T) {
	switch *worker {
	case "crowd":
		fanCrowd(t)
	case "bare":
		fanBare(t)
	}
}

// fanBytes is what a bare socket gets: as many bytes as a small record takes in a sealed frame.
const fanBytes = 1290

// fanBare accepts connections and writes to all of them when it is told to.
func fanBare(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	fmt.Printf("%q\n", l.Addr().String())
	var mu sync.Mutex
	var conns []net.Conn
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, c)
			mu.Unlock()
			_, _ = c.Write([]byte{1}) // whoever dialed goes on now, for it will be written to
		}
	}()
	for sc := bufio.NewScanner(os.Stdin); sc.Scan(); {
		b := make([]byte, fanBytes)
		bigendian.BigEndian.PutUint64(b, uint64(time.Now().UnixNano()))
		mu.Lock()
		list := slices.Clone(conns)
		mu.Unlock()
		var wg sync.WaitGroup
		const writers = 4
		for w := range writers {
			wg.Go(func() {
				for i := w; i < len(list); i += writers {
					_, _ = list[i].Write(b)
				}
			})
		}
		wg.Wait()
	}
}

// loud is a test in a process of its own, whose end nobody sees: what is fatal is said at once.
type loud struct {
	testing.TB
	fail func(what string, err error)
}

func (l loud) Fatal(args ...any)                 { l.fail("a subscriber", errors.New(fmt.Sprint(args...))) }
func (l loud) Fatalf(format string, args ...any) { l.fail("a subscriber", fmt.Errorf(format, args...)) }

// fanCrowd subscribes sessions and opens bare sockets, and says for each record, and each bare
// message, how long each of them waited, in microseconds.
func fanCrowd(t *testing.T) {
	in := bufio.NewReader(os.Stdin)
	var c fanConfig
	if err := json.NewDecoder(in).Decode(&c); err != nil {
		t.Fatal(err)
	}
	l := &rawLog{id: plane.LogID(c.Log)}
	l.read, _ = caps.DeriveLogKeys(c.Read, 1)
	srv := &server{t: t, addr: c.Addr}
	waits := make(chan int, 1<<16)
	got := func(b []byte) { waits <- int(time.Now().UnixNano()-int64(bigendian.BigEndian.Uint64(b))) / 1000 }
	var start, wg sync.WaitGroup
	var line sync.Mutex
	say := func(v any) {
		line.Lock()
		defer line.Unlock()
		b, _ := json.Marshal(v)
		fmt.Println(string(b))
	}
	// Nobody waits for what does not come: the parent is told, and the process ends.
	fail := func(what string, err error) {
		say(fanTrouble{fmt.Sprintf("%s: %v", what, err)})
		os.Exit(1)
	}
	for w := range 16 {
		start.Go(func() {
			for i := w; i < c.N; i += 16 {
				x := dialRaw(loud{t, fail}, srv, [32]byte(c.Fingerprint), net.IPv4(127, 0, byte(10+c.Source), byte(1+w%8)))
				ask[wire.Opened](x, wire.Subscribe{Handle: x.open(l, wire.RoleRead), From: 1})
				wg.Go(func() {
					for {
						b, err := x.conn.Receive(t.Context())
						if err != nil {
							fail("a subscriber", err)
						}
						if _, _, e, _ := wire.ParseAnswerOrEvent(b); e != nil {
							got(e.(wire.RecordEvent).Body)
						}
					}
				})
				wg.Go(func() {
					<-x.conn.Detached()
					fail("a subscriber", errors.New("its connection is gone"))
				})
				s, err := net.Dial("tcp", c.Bare)
				if err == nil {
					_, err = io.ReadFull(s, make([]byte, 1))
				}
				if err != nil {
					fail("a bare socket", err)
				}
				wg.Go(func() {
					b := make([]byte, fanBytes)
					for {
						if _, err := io.ReadFull(s, b); err != nil {
							fail("a bare socket", err)
						}
						got(b)
					}
				})
			}
		})
	}
	start.Wait()
	say("ready")
	go func() {
		for {
			list := make([]int, c.N)
			for i := range list {
				list[i] = <-waits
			}
			say(list)
		}
	}()
	_, _ = io.Copy(io.Discard, in) // until the parent is gone
	os.Exit(0)
}
