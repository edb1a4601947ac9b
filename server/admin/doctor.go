package admin

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"paperplane/server/store"
	"paperplane/server/tables"
)

// Finding is one thing that doctor looked at. Words are for the operator.
type Finding struct {
	What  string `json:"what"`
	State string `json:"state"` // "ok", "warning" or "bad"
	Words string `json:"words"`
}

// The states of a Finding.
const (
	StateOK      = "ok"
	StateWarning = "warning"
	StateBad     = "bad"
)

// clockMin is before any server of ours existed.
var clockMin = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

// Check looks at all that may be wrong with an open folder. It changes nothing.
func (s *Source) Check(ctx context.Context) []Finding {
	f := s.Folder
	out := []Finding{checkModes(f.Dir)}
	// That the folder is open says that key, mark and tables' head are good.
	out = append(out, Finding{"key", StateOK, "server.key is there and belongs to the data"})
	switch err := f.Tables.Verify(); {
	case err == nil:
		out = append(out, Finding{"tables", StateOK, "every page of tables.db matches its checksum"})
	case errors.Is(err, tables.ErrDamaged):
		out = append(out, Finding{"tables", StateBad, "tables.db is damaged: stop the server and restore a backup"})
	default:
		out = append(out, Finding{"tables", StateBad, "tables.db cannot be read: look at the disk"})
	}
	out = append(out, s.checkRecords(ctx), s.checkClock(), s.checkDisk())
	return out
}

// checkRecords reads every record, so that every checksum is compared.
func (s *Source) checkRecords(ctx context.Context) Finding {
	var err error
	if v, ok := s.Store.(verifier); ok {
		err = v.Verify(ctx)
	} else {
		err = s.Folder.Tables.EachLog(func(row tables.Log) error {
			return s.records(ctx, row.ID, func(store.Record) error { return nil })
		})
	}
	switch {
	case err == nil:
		return Finding{"records", StateOK, "every record matches its checksum"}
	case errors.Is(err, store.ErrDamaged):
		return Finding{"records", StateBad, "some records are damaged: those conversations miss messages; other ones go on. Look at the disk, then restore a backup if you can spare what came since"}
	}
	return Finding{"records", StateBad, "the records cannot be read: look at the disk"}
}

func checkModes(dir string) Finding {
	if runtime.GOOS == "windows" {
		return Finding{"permissions", StateOK, "not looked at on this system"}
	}
	open := ""
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return skipGone(err)
		}
		info, err := d.Info()
		if err != nil {
			return skipGone(err)
		}
		if info.Mode().Perm()&0o077 != 0 && (d.Name() == KeyFile || d.Name() == InviteFile || p == dir) {
			open = d.Name()
		}
		return nil
	})
	switch {
	case err != nil:
		return Finding{"permissions", StateBad, "the data folder cannot be read by this user"}
	case open != "":
		return Finding{"permissions", StateWarning, fmt.Sprintf("other users of this machine can read %s: chmod -R go= on the data folder", open)}
	}
	return Finding{"permissions", StateOK, "only this user can read the data folder"}
}

// checkClock: a clock that is far off expires what should be kept, or keeps what should go.
func (s *Source) checkClock() Finding {
	now := time.Now()
	info, err := os.Stat(s.Folder.Path(TablesFile))
	switch {
	case now.Before(clockMin):
		return Finding{"clock", StateBad, "this machine's clock is wrong: it is years behind"}
	case err == nil && info.ModTime().After(now.Add(24*time.Hour)):
		return Finding{"clock", StateBad, "this machine's clock is behind the newest data, or was ahead when that was written"}
	}
	return Finding{"clock", StateOK, "the clock says " + now.UTC().Format("2 January 2006 15:04 UTC") + "; see that this is so"}
}

func (s *Source) checkDisk() Finding {
	free, err := Free(s.Folder.Dir)
	reserve := int64(s.Config.DiskReserveMiB) << 20
	switch {
	case err != nil:
		return Finding{"disk", StateWarning, "cannot tell how much disk is left"}
	case free < reserve:
		return Finding{"disk", StateBad, fmt.Sprintf("%d MiB are left, less than the reserve of %d MiB: nothing new is taken", free>>20, reserve>>20)}
	case free < 4*reserve:
		return Finding{"disk", StateWarning, fmt.Sprintf("%d MiB are left; at %d MiB nothing new is taken", free>>20, reserve>>20)}
	}
	return Finding{"disk", StateOK, fmt.Sprintf("%d MiB are left", free>>20)}
}

// CheckPort says whether a server could listen where the configuration says.
func CheckPort(c Config) Finding {
	l, err := net.Listen("tcp", c.Listen)
	if err != nil {
		return Finding{"port", StateBad, "nothing can listen at " + c.Listen + ": another program does, or it needs a right that this user has not"}
	}
	_ = l.Close()
	return Finding{"port", StateOK, c.Listen + " is free"}
}

// Explain turns an error of Open into a Finding.
func Explain(err error) Finding {
	return Finding{"folder", StateBad, err.Error()}
}
