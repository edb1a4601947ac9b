package core_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"paperplane/core"
	. "paperplane/core/coretest"
)

func wantFolders(t *testing.T, c *Client, want ...core.Folder) {
	t.Helper()
	if got := c.State().Folders; !reflect.DeepEqual(got, append([]core.Folder{}, want...)) {
		t.Errorf("%s has the folders %+v, want %+v", c.Name, got, want)
	}
}

// TestFolders (D-24) shows what a folder may be called and hold, at each limit and one past it, and that one without
// chats is removed.
func TestFolders(t *testing.T) {
	w := New(t)
	ann := w.Client("ann")
	Must[core.Joined](ann, core.Join{Link: w.Server.Link(), Name: "Ann"})
	saved := ann.Chat("saved").ID
	long := strings.Repeat("x", core.FolderNameBytesMax)
	for _, x := range []struct {
		name  string
		chats []string
		want  core.ErrCode
	}{
		{"", []string{saved}, core.ErrNameEmpty},
		{"a\u202eb", []string{saved}, core.ErrNameBad},
		{long + "x", []string{saved}, core.ErrNameLong},
		{"Work", []string{"?"}, core.ErrBadArguments},
		{"Work", []string{strings.Repeat("A", 22)}, core.ErrNoChat},
	} {
		if got := ann.Fails(core.SetFolder{Name: x.name, Chats: x.chats}); got != x.want {
			t.Errorf("%q with %q: got %q, want %q", x.name, x.chats, got, x.want)
		}
	}
	wantFolders(t, ann)
	Must[core.Done](ann, core.SetFolder{Name: " Work ", Chats: []string{saved, saved}})
	Must[core.Done](ann, core.SetFolder{Name: long, Chats: []string{saved}})
	work, other := core.Folder{Name: "Work", Chats: []string{saved}}, core.Folder{Name: long, Chats: []string{saved}}
	wantFolders(t, ann, work, other)
	Must[core.Done](ann, core.SetFolder{Name: "none"})
	Must[core.Done](ann, core.SetFolder{Name: long})
	wantFolders(t, ann, work)
	for n := range core.FoldersMax - 1 {
		Must[core.Done](ann, core.SetFolder{Name: fmt.Sprint("f", n), Chats: []string{saved}})
	}
	if got := ann.Fails(core.SetFolder{Name: "one more", Chats: []string{saved}}); got != core.ErrFoldersFull {
		t.Errorf("one folder too many: got %q", got)
	}
	Must[core.Done](ann, core.SetFolder{Name: "Work", Chats: []string{saved}}) // one that there is
	if n := len(ann.State().Folders); n != core.FoldersMax {
		t.Errorf("%d folders, want %d", n, core.FoldersMax)
	}
	many := make([]string, core.FolderChatsMax+1)
	for i := range many {
		many[i] = saved
	}
	if got := ann.Fails(core.SetFolder{Name: "Work", Chats: many}); got != core.ErrFoldersFull {
		t.Errorf("one chat too many: got %q", got)
	}
	Must[core.Done](ann, core.SetFolder{Name: "Work", Chats: many[1:]})
}

// TestFoldersElsewhere (D-24) shows that a linked device has the folders, that what either says of them is so on both,
// also when both speak at once, and that what came before the device is told again loses to what is newer.
func TestFoldersElsewhere(t *testing.T) {
	w := New(t)
	ann := w.Client("ann")
	Must[core.Joined](ann, core.Join{Link: w.Server.Link(), Name: "Ann"})
	saved := ann.Chat("saved").ID
	g := Must[core.Joined](ann, core.NewGroup{Name: "Group"}).Chat
	Must[core.Done](ann, core.SetFolder{Name: "Work", Chats: []string{saved}})
	Must[core.Done](ann, core.SetFolder{Name: "Gone", Chats: []string{saved}})
	Must[core.Done](ann, core.SetFolder{Name: "Gone"})
	w.Pass(5 * time.Second)
	lap := w.Client("laptop")
	link(t, ann, lap, "Laptop")
	w.Pass(time.Minute)
	work := core.Folder{Name: "Work", Chats: []string{saved}}
	wantFolders(t, lap, work)

	Must[core.Done](lap, core.SetFolder{Name: "Family", Chats: []string{g, saved}})
	w.Pass(5 * time.Second)
	family := core.Folder{Name: "Family", Chats: []string{g, saved}}
	wantFolders(t, ann, family, work)
	told := false
	for _, e := range ann.Events {
		f, ok := e.(core.FoldersChanged)
		told = told || ok && len(f.Folders) == 2
	}
	if !told {
		t.Error("nobody was told")
	}
	Must[core.Done](ann, core.SetFolder{Name: "Family"})
	w.Pass(5 * time.Second)
	wantFolders(t, lap, work)

	// Both at once, and more than there may be: the newest stay, the same on both.
	ann.SetOffline(true)
	lap.SetOffline(true)
	for n := range core.FoldersMax - 1 {
		Must[core.Done](ann, core.SetFolder{Name: fmt.Sprint("a", n), Chats: []string{saved}})
		w.Pass(time.Second)
		Must[core.Done](lap, core.SetFolder{Name: fmt.Sprint("l", n), Chats: []string{saved}})
	}
	Must[core.Done](ann, core.SetFolder{Name: "Work", Chats: []string{g}})
	w.Pass(time.Second)
	Must[core.Done](lap, core.SetFolder{Name: "Work", Chats: []string{saved, g}})
	lap.SetOffline(false)
	w.Pass(time.Minute)
	ann.SetOffline(false)
	w.Pass(time.Minute)
	a, l := ann.State().Folders, lap.State().Folders
	if len(a) != core.FoldersMax || !reflect.DeepEqual(a, l) {
		t.Errorf("the phone has %+v, the laptop %+v", a, l)
	}
	if want := (core.Folder{Name: "Work", Chats: []string{saved, g}}); !reflect.DeepEqual(a[0], want) {
		t.Errorf("got %+v, want %+v", a[0], want)
	}
}

// TestFoldersLarge shows that the largest folder comes to a linked device, by every way.
func TestFoldersLarge(t *testing.T) {
	w := New(t)
	ann, lap := w.Client("ann"), w.Client("laptop")
	Must[core.Joined](ann, core.Join{Link: w.Server.Link(), Name: "Ann"})
	ids := core.FillFolder(ann.M, "Before")
	w.Pass(time.Second)
	link(t, ann, lap, "Laptop")
	w.Pass(time.Minute)
	wantFolders(t, lap, core.Folder{Name: "Before", Chats: ids})
	Must[core.Done](ann, core.SetFolder{Name: "Before", Chats: ids[1:]})
	w.Pass(time.Minute)
	wantFolders(t, lap, core.Folder{Name: "Before", Chats: ids[1:]})
}

// TestFoldersRecovered (D-24) shows that twelve words bring the folders back.
func TestFoldersRecovered(t *testing.T) {
	w, ann, _, chat, group, words := vaulted(t)
	Must[core.Done](ann, core.SetFolder{Name: "Work", Chats: []string{group, chat}})
	w.Pass(2 * time.Hour)
	ann.SetOffline(true)
	fresh := w.Client("fresh")
	Must[core.Joined](fresh, core.Recover{Words: words, Origin: w.Server.Origin, Name: "New"})
	w.Pass(3 * time.Minute)
	wantFolders(t, fresh, core.Folder{Name: "Work", Chats: []string{group, chat}})
}

// TestFoldersSaid (D-24) shows that words on folders come to the same in every order, that a change follows what
// it changes though that was said by a clock that is ahead, and that nothing beyond the limits is taken.
func TestFoldersSaid(t *testing.T) {
	w := New(t)
	ann := w.Client("ann")
	Must[core.Joined](ann, core.Join{Link: w.Server.Link(), Name: "Ann"})
	saved := ann.Chat("saved").ID
	a, b := strings.Repeat("A", 22), strings.Repeat("B", 21)+"A"
	now := w.Now.UnixMilli()
	core.FolderSaid(ann.M, "Work", now, b)
	core.FolderSaid(ann.M, "Work", now, a)   // of two of one time the greater
	core.FolderSaid(ann.M, "Work", now-1, a) // older
	core.FolderSaid(ann.M, "Home", now)
	core.FolderSaid(ann.M, "Home", now-1, a) // removed since
	work := core.Folder{Name: "Work", Chats: []string{b}}
	wantFolders(t, ann, work)
	core.FolderSaid(ann.M, "Work", now+3_600_000, a)
	Must[core.Done](ann, core.SetFolder{Name: "Work", Chats: []string{saved}})
	core.FolderSaid(ann.M, "Work", now+3_600_000, a)
	work.Chats[0] = saved
	wantFolders(t, ann, work)
	many := make([]string, core.FolderChatsMax+1)
	for i := range many {
		many[i] = a
	}
	core.FolderSaid(ann.M, "Many", now, many...)
	core.FolderSaid(ann.M, " Home ", now+1, a)
	core.FolderSaid(ann.M, strings.Repeat("x", core.FolderNameBytesMax+1), now, a)
	wantFolders(t, ann, work)
	core.FolderSaid(ann.M, "Many", now, many[1:]...)
	wantFolders(t, ann, core.Folder{Name: "Many", Chats: []string{a}}, work)
}

// TestFoldersMeanwhile shows that a new device has what was said after the account was on its way to it: folders,
// the name, the settings.
func TestFoldersMeanwhile(t *testing.T) {
	w := New(t)
	ann, lap := w.Client("ann"), w.Client("laptop")
	Must[core.Joined](ann, core.Join{Link: w.Server.Link(), Name: "Ann"})
	saved := ann.Chat("saved").ID
	l := Must[core.DeviceLink](ann, core.LinkDevice{})
	Must[core.Done](lap, core.AddDevice{Link: l.Link, Name: "Laptop"})
	lap.SetOffline(true)
	Must[core.Done](ann, core.ConfirmDevice{Yes: true})
	Must[core.Done](ann, core.SetFolder{Name: "Work", Chats: []string{saved}})
	Must[core.Done](ann, core.SetSettings{ReadReceipts: new(false)})
	Must[core.Done](ann, core.SetName{Name: "Anna"})
	lap.SetOffline(false)
	Must[core.Done](lap, core.ConfirmDevice{Yes: true})
	w.Pass(time.Minute)
	if s := lap.State(); s.Settings.ReadReceipts || s.Account.Name != "Anna" {
		t.Errorf("got %+v and %+v, want no read receipts, and Anna", s.Settings, *s.Account)
	}
	wantFolders(t, lap, core.Folder{Name: "Work", Chats: []string{saved}})
}

// TestFolderRenamed (D-24) shows that a folder gets another name on all devices, at the limits and one past them,
// and that two become one when they come to be called the same.
func TestFolderRenamed(t *testing.T) {
	w := New(t)
	ann := w.Client("ann")
	Must[core.Joined](ann, core.Join{Link: w.Server.Link(), Name: "Ann"})
	phone := w.Client("phone")
	link(t, ann, phone, "Phone")
	w.Pass(time.Minute)
	saved := []string{ann.Chat("saved").ID}
	group := []string{Must[core.Joined](ann, core.NewGroup{Name: "Group"}).Chat}
	for n := range core.FoldersMax {
		Must[core.Done](ann, core.SetFolder{Name: fmt.Sprintf("f%02d", n), Chats: saved})
	}
	long := strings.Repeat("x", core.FolderNameBytesMax)
	for _, x := range []struct {
		name, as string
		want     core.ErrCode
	}{
		{"f00", long + "x", core.ErrNameLong},
		{"f00", " ", core.ErrNameEmpty},
		{"none", "some", core.ErrBadArguments},
	} {
		if got := ann.Fails(core.SetFolder{Name: x.name, As: x.as}); got != x.want {
			t.Errorf("%q as %q: got %q, want %q", x.name, x.as, got, x.want)
		}
	}
	Must[core.Done](ann, core.SetFolder{Name: "f00", As: " " + long})
	Must[core.Done](ann, core.SetFolder{Name: "f01", As: "f01"})
	for n := 3; n < core.FoldersMax; n++ {
		Must[core.Done](ann, core.SetFolder{Name: fmt.Sprintf("f%02d", n)})
	}
	Must[core.Done](ann, core.SetFolder{Name: "f02", Chats: group})
	Must[core.Done](ann, core.SetFolder{Name: "f01", As: "f02"})
	w.Pass(time.Minute)
	for _, c := range []*Client{ann, phone} {
		wantFolders(t, c, core.Folder{Name: "f02", Chats: append(group, saved...)}, core.Folder{Name: long, Chats: saved})
	}
}
