package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// people are the names under which scripts run the program, each with a home of its own.
var people = []string{"ann", "bob", "cid"}

// TestScript runs the texts below testdata/script: several people with the real program and a
// server of their own each. Beside testscript's commands there are
//
//	let NAME         keeps the last standard output, without its line end, as $NAME
//	field NAME KEY   keeps the value of KEY in the last line of JSON that was printed
//	server stop|start|other-key
//	interrupt FILE   interrupts the process whose number is in FILE, and waits for its end
//
// and $LINK is the server's first invite.
func TestScript(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Fatal("the people of the scripts are shell scripts")
	}
	testscript.Run(t, testscript.Params{
		Dir:      filepath.Join("testdata", "script"),
		Deadline: time.Now().Add(commandMax), // of all scripts together
		Setup: func(env *testscript.Env) error {
			s := serve(t)
			env.Values["server"] = s // the scripts run at the same time: each has its own
			bin := filepath.Join(env.WorkDir, "bin")
			if err := os.Mkdir(bin, 0o755); err != nil {
				return err
			}
			if err := os.Symlink(binary, filepath.Join(bin, "paperplane")); err != nil {
				return err
			}
			for _, p := range people {
				text := fmt.Sprintf("#!/bin/sh\nPAPERPLANE_HOME='%s' exec '%s' \"$@\"\n", filepath.Join(env.WorkDir, p), binary)
				if err := os.WriteFile(filepath.Join(bin, p), []byte(text), 0o755); err != nil {
					return err
				}
			}
			env.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
			env.Setenv("PAPERPLANE_HOME", filepath.Join(env.WorkDir, "nobody"))
			env.Setenv("GOTRACEBACK", "none") // what is killed for standing still says which command it was
			env.Setenv("LINK", s.invite())
			env.Setenv("ADDR", s.addr)
			env.Defer(func() { s.stop(syscall.SIGTERM) })
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"let": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) != 1 {
					ts.Fatalf("usage: let NAME")
				}
				ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
			},
			"field": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) != 2 {
					ts.Fatalf("usage: field NAME KEY")
				}
				all := lines(ts.ReadFile("stdout"))
				if len(all) == 0 {
					ts.Fatalf("nothing was printed")
				}
				_, rest, ok := strings.Cut(all[len(all)-1], `"`+args[1]+`":`)
				if !ok {
					ts.Fatalf("no %s in %s", args[1], all[len(all)-1])
				}
				value, _, _ := strings.Cut(strings.TrimPrefix(rest, `"`), `"`)
				value, _, _ = strings.Cut(value, ",")
				ts.Setenv(args[0], strings.TrimRight(value, "}"))
			},
			"interrupt": func(ts *testscript.TestScript, neg bool, args []string) {
				if neg || len(args) != 1 {
					ts.Fatalf("usage: interrupt FILE")
				}
				pid, err := strconv.Atoi(strings.TrimSpace(ts.ReadFile(args[0])))
				ts.Check(err)
				p, err := os.FindProcess(pid)
				ts.Check(err)
				ts.Check(p.Signal(os.Interrupt))
				for end := time.Now().Add(patience); p.Signal(syscall.Signal(0)) == nil && !zombie(pid); time.Sleep(20 * time.Millisecond) {
					if time.Now().After(end) {
						ts.Fatalf("the process does not end within %v of the interrupt", patience)
					}
				}
			},
			"server": func(ts *testscript.TestScript, neg bool, args []string) {
				s := ts.Value("server").(*server)
				if neg || len(args) != 1 || s == nil {
					ts.Fatalf("usage: server stop|start")
				}
				switch args[0] {
				case "stop":
					s.stop(syscall.SIGTERM)
				case "start":
					s.start()
				case "other-key": // another server at the same address
					s.stop(syscall.SIGTERM)
					s.data = filepath.Join(ts.Getenv("WORK"), "other")
					s.start()
				default:
					ts.Fatalf("server: unknown %q", args[0])
				}
			},
		},
	})
}

// zombie says whether a process has ended, and only waits for whoever asks after it.
func zombie(pid int) bool {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, ok := strings.Cut(string(b), ") ")
	return err == nil && ok && strings.HasPrefix(rest, "Z")
}
