package obs_test

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"paperplane/internal/obs"
	"paperplane/protocol/plane"
)

// TestNoFreeString (B18): no exported function of the package takes a string or anything that
// could carry one, but for New's writer and Cause, whose outcome the next test looks at.
func TestNoFreeString(t *testing.T) {
	files, err := fs.Glob(os.DirFS("."), "*.go")
	if err != nil {
		t.Fatal(err)
	}
	looked := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range f.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || !fn.Name.IsExported() {
				continue
			}
			for _, p := range fn.Type.Params.List {
				looked++
				switch typ := fmt.Sprint(p.Type); {
				case strings.Contains(typ, "string"), strings.Contains(typ, "any"), strings.Contains(typ, "byte"),
					typ == "error" && fn.Name.Name != "Cause":
					t.Errorf("%s takes a %s: a name could pass", fn.Name.Name, typ)
				}
			}
		}
	}
	if looked < 8 {
		t.Errorf("looked at %d parameters, want at least 8: the test is blind", looked)
	}
}

// TestCauseHidesText: of an error only the operating system's number is written.
func TestCauseHidesText(t *testing.T) {
	var out bytes.Buffer
	o := obs.New(&out)
	err := &os.PathError{Op: "open", Path: "/home/canary-name", Err: syscall.ENOSPC}
	o.Log(obs.StoreFailed, obs.Cause(err), obs.N(obs.Bytes, 3), obs.Took(2*time.Second), obs.Code(plane.Full))
	o.Log(obs.BlobsFailed, obs.Cause(errors.New("canary-text")))
	got := out.String()
	if strings.Contains(got, "canary") {
		t.Errorf("got %q, want no text of the error", got)
	}
	for _, want := range []string{"errno=28", "bytes=3", "took_ms=2000", "code=6", "level=WARN", "store failed"} {
		if !strings.Contains(got, want) {
			t.Errorf("got %q, want it to hold %q", got, want)
		}
	}
}

// TestMetricsText: what was counted appears in Prometheus' format, each bucket holding those below.
func TestMetricsText(t *testing.T) {
	var o obs.Obs
	o.Count(obs.RecordsAppended, 3)
	o.Move(obs.SessionsNow, 2)
	o.Move(obs.SessionsNow, -1)
	o.Answered(plane.OK)
	o.Answered(plane.Code(200))
	o.Observe(obs.AppendTime, 200*time.Microsecond)
	o.Observe(obs.AppendTime, time.Hour)
	var out bytes.Buffer
	if _, err := o.WriteTo(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"paperplane_records_appended_total 3\n", "paperplane_sessions 1\n",
		"paperplane_answers_total{code=\"1\"} 1\n", "paperplane_answers_total{code=\"15\"} 1\n",
		"paperplane_append_seconds_bucket{le=\"0.0001\"} 0\n", "paperplane_append_seconds_bucket{le=\"0.00025\"} 1\n",
		"paperplane_append_seconds_bucket{le=\"+Inf\"} 2\n", "paperplane_append_seconds_count 2\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("metrics lack %q in\n%s", want, out.String())
		}
	}
}

// TestNilSaysNothing: a nil Obs may be used.
func TestNilSaysNothing(t *testing.T) {
	var o *obs.Obs
	o.Log(obs.Started)
	o.Count(obs.Knocks, 1)
	o.Move(obs.LogsOpen, 1)
	o.Answered(plane.OK)
	o.Observe(obs.RequestTime, 1)
}

// TestOneLineASecond: a complaint that repeats is written once a second; other events and
// ordinary news are not held back by it.
func TestOneLineASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		o := obs.New(&out)
		lines := func() int { return strings.Count(out.String(), "\n") }
		for range 1000 {
			o.Log(obs.StoreFailed)
		}
		if got := lines(); got != 1 {
			t.Errorf("1000 complaints at once: got %d lines, want 1", got)
		}
		o.Log(obs.BlobsFailed)
		o.Log(obs.Started)
		o.Log(obs.Started)
		if got := lines(); got != 4 {
			t.Errorf("other events: got %d lines, want 4", got)
		}
		time.Sleep(time.Second)
		o.Log(obs.StoreFailed)
		if got := lines(); got != 5 {
			t.Errorf("a second later: got %d lines, want 5", got)
		}
	})
}
