package embedded

import (
	"bufio"
	"context"
	"encoding/binary"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"paperplane/protocol/plane"
	"paperplane/server/store/storetest"
)

var kills = flag.Int("kills", 3, "rounds of kill -9")

const (
	killLogs    = 500
	killWriters = 64
	killEnv     = "EMBEDDED_KILL_CHILD"
)

// killBody is a body that says by itself which append it was.
func killBody(round, writer, n int) []byte {
	b := make([]byte, plane.RecordSmall)
	binary.LittleEndian.PutUint64(b, uint64(round))
	binary.LittleEndian.PutUint64(b[8:], uint64(writer))
	binary.LittleEndian.PutUint64(b[16:], uint64(n))
	return b
}

func TestMain(m *testing.M) {
	if dir := os.Getenv(killEnv); dir != "" {
		killChild(dir)
	}
	flag.Parse()
	os.Exit(m.Run())
}

// killChild appends and settles until it is killed, and writes a line for each acknowledgement.
func killChild(dir string) {
	var round int
	fmt.Sscan(os.Getenv(killEnv+"_ROUND"), &round)
	l, err := Open(dir)
	if err != nil {
		fmt.Println("open:", err)
		os.Exit(1)
	}
	ctx := context.Background()
	for w := range killWriters {
		go func() {
			rng := rand.New(rand.NewPCG(uint64(round), uint64(w)))
			for n := 0; ; n++ {
				log := rng.IntN(killLogs)
				seq, err := l.Append(ctx, storetest.ID(log), storetest.Day+plane.Day(round/2), killBody(round, w, n), false)
				if err != nil {
					fmt.Println("append:", err)
					os.Exit(1)
				}
				// One write call a line: a line is told whole or not at all.
				fmt.Fprintf(os.Stdout, "%d %d %d %d\n", log, seq, w, n)
			}
		}()
	}
	for {
		if err := l.Settle(ctx); err != nil {
			fmt.Println("settle:", err)
			os.Exit(1)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// TestKill kills a process that appends and merges, again and again, with signal 9 at a random
// moment; each record that it acknowledged in any round must be there under its number, and no
// append may be there twice.
func TestKill(t *testing.T) {
	dir := ""
	seed := rand.Uint64()
	rng := rand.New(rand.NewPCG(seed, 0))
	type place struct {
		log int
		seq plane.Seq
	}
	acked := map[place][]byte{}
	total := 0
	for round := range *kills {
		if round%20 == 0 { // every round reads all that there is: begin afresh now and then
			if dir != "" {
				_ = os.RemoveAll(dir)
			}
			dir = t.TempDir()
			total += len(acked)
			clear(acked)
		}
		c := exec.Command(os.Args[0])
		c.Env = append(os.Environ(), killEnv+"="+dir, fmt.Sprintf("%s_ROUND=%d", killEnv, round))
		c.Stderr = os.Stderr
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		r := bufio.NewReader(out)
		var once sync.Once
		fresh := 0
		for {
			line, err := r.ReadString('\n')
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			// The clock starts with the first acknowledgement: opening is not what is killed here.
			once.Do(func() {
				time.AfterFunc(time.Duration(50+rng.IntN(350))*time.Millisecond, func() { _ = c.Process.Kill() })
			})
			var log, w, n int
			var seq plane.Seq
			if k, _ := fmt.Sscanf(line, "%d %d %d %d", &log, &seq, &w, &n); k != 4 {
				t.Fatalf("seed %d, round %d: child said %q", seed, round, line)
			}
			p := place{log, seq}
			if _, twice := acked[p]; twice {
				t.Fatalf("seed %d, round %d: log %d: seq %d was given twice", seed, round, log, seq)
			}
			acked[p] = killBody(round, w, n)
			fresh++
		}
		_ = c.Wait()
		if fresh == 0 {
			t.Fatalf("seed %d, round %d: got no acknowledgement", seed, round)
		}
		if err := Verify(dir); err != nil {
			t.Fatalf("seed %d, round %d: Verify: got %v, want nil", seed, round, err)
		}
		start := time.Now()
		l, err := Open(dir)
		if err != nil {
			t.Fatalf("seed %d, round %d: Open: got %v, want nil", seed, round, err)
		}
		opened := time.Since(start)
		bodies, stored, found := map[[24]byte]bool{}, 0, 0
		for log := range killLogs {
			next := plane.Seq(1)
			for {
				recs, err := l.Read(t.Context(), storetest.ID(log), next, 1000)
				if err != nil {
					t.Fatalf("seed %d, round %d: Read: got %v, want nil", seed, round, err)
				}
				for _, r := range recs {
					if r.Seq != next {
						t.Fatalf("seed %d, round %d: log %d: got seq %d, want %d", seed, round, log, r.Seq, next)
					}
					next++
					key := [24]byte(r.Body)
					if bodies[key] {
						t.Fatalf("seed %d, round %d: log %d: one append is stored twice", seed, round, log)
					}
					bodies[key] = true
					stored++
					if want, ok := acked[place{log, r.Seq}]; ok {
						if string(want) != string(r.Body) {
							t.Fatalf("seed %d, round %d: log %d seq %d: got another body", seed, round, log, r.Seq)
						}
						found++
					}
				}
				if len(recs) == 0 {
					break
				}
			}
		}
		if found != len(acked) {
			t.Fatalf("seed %d, round %d: got %d of %d acknowledged records", seed, round, found, len(acked))
		}
		if err := l.Close(); err != nil {
			t.Fatalf("Close: got %v, want nil", err)
		}
		if round%10 == 9 || round == *kills-1 {
			t.Logf("round %d: %d acknowledged in all, %d stored now, 0 lost, 0 doubled; opened in %v", round+1, total+len(acked), stored, opened.Round(time.Microsecond))
		}
	}
}
