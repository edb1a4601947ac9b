package core

import (
	"bytes"
	"slices"
	"sort"

	"paperplane/core/timeline"
	"paperplane/protocol/plane"
)

// Folders put chats together, for oneself: no one else learns of them, and all of one's devices have
// the same. A folder is what its newest word says, wherever it was said; one without chats is none,
// and is remembered for a while, lest an older word brings it back (D-24).

const (
	// FoldersMax bounds one's folders, FolderChatsMax the chats of one, FolderNameBytesMax its name in UTF-8.
	FoldersMax         = 16
	FolderChatsMax     = 1000
	FolderNameBytesMax = 64
	// foldersGoneMax bounds the removed folders that are remembered.
	foldersGoneMax = 64
)

// folder is stored with the account, and told as it is.
type folder struct {
	_     struct{} `cbor:",toarray"`
	Name  string
	Chats []plane.LogID
	At    int64 // ms: the newest word counts
}

func (m *Machine) setFolder(x SetFolder) ErrCode {
	name, code := folderName(x.Name)
	if code != "" {
		return code
	}
	if len(x.Chats) > FolderChatsMax {
		return ErrFoldersFull
	}
	old, _ := m.folder(name)
	if x.As != "" {
		return m.renameFolder(old, x.As)
	}
	f := folder{Name: name, At: max(m.now.UnixMilli(), old.At+1)}
	for _, s := range x.Chats {
		id, err := plane.ParseLogID(s)
		if err != nil {
			return ErrBadArguments
		}
		// A chat that another device knows may be on its way here.
		if c := m.chats[s]; (c == nil || c.First != "") && m.waitOf(s) == nil && !slices.Contains(old.Chats, id) {
			return ErrNoChat
		}
		if !slices.Contains(f.Chats, id) {
			f.Chats = append(f.Chats, id)
		}
	}
	if len(old.Chats) == 0 {
		if len(f.Chats) == 0 {
			return ""
		}
		if len(m.folders()) >= FoldersMax {
			return ErrFoldersFull
		}
	}
	m.putFolder(f)
	m.tellFolder(f)
	return ""
}

// renameFolder makes one of the new name with the same chats, and lets go of the old one. Another device
// learns of both; one that has put a chat into the old one meanwhile, and says so later, brings that back.
func (m *Machine) renameFolder(old folder, as string) ErrCode {
	name, code := folderName(as)
	switch there, _ := m.folder(name); {
	case code != "":
		return code
	case len(old.Chats) == 0:
		return ErrBadArguments
	case name != old.Name:
		gone := folder{Name: old.Name, At: max(m.now.UnixMilli(), old.At+1)}
		f := folder{Name: name, Chats: slices.Clone(there.Chats), At: max(m.now.UnixMilli(), there.At+1)}
		for _, id := range old.Chats {
			if !slices.Contains(f.Chats, id) {
				f.Chats = append(f.Chats, id)
			}
		}
		if len(f.Chats) > FolderChatsMax {
			return ErrFoldersFull
		}
		for _, x := range []folder{gone, f} { // never one more than there may be
			m.putFolder(x)
			m.tellFolder(x)
		}
	}
	return ""
}

func folderName(s string) (string, ErrCode) {
	name, code := cleanName(s)
	if code == "" && len(name) > FolderNameBytesMax {
		code = ErrNameLong
	}
	return name, code
}

// folder returns the newest word about a folder, and where it stands; -1 when there is none.
func (m *Machine) folder(name string) (folder, int) {
	for i, f := range m.acc.Folders {
		if f.Name == name {
			return f, i
		}
	}
	return folder{}, -1
}

func (m *Machine) tellFolder(f folder) { m.tell(syncFolder, "folder/"+f.Name, f) }

// tellFolders tells a device that has come in: what was said while it was on its way did not reach it.
func (m *Machine) tellFolders() {
	for _, f := range m.acc.Folders {
		m.tellFolder(f)
	}
}

func (m *Machine) folderElsewhere(f folder) {
	if name, code := folderName(f.Name); code != "" || name != f.Name || len(f.Chats) > FolderChatsMax {
		return
	}
	old, i := m.folder(f.Name)
	if i >= 0 && (f.At < old.At || f.At == old.At && bytes.Compare(timeline.Encode(f), timeline.Encode(old)) <= 0) {
		return
	}
	m.putFolder(f)
}

// putFolder takes the newest word about a folder. Of more than there may be, because several devices made
// some at once, the newest stay: on all devices the same.
func (m *Machine) putFolder(f folder) {
	list := []folder{f}
	for _, o := range m.acc.Folders {
		if o.Name != f.Name {
			list = append(list, o)
		}
	}
	sort.Slice(list, func(a, b int) bool {
		return list[a].At > list[b].At || list[a].At == list[b].At && list[a].Name < list[b].Name
	})
	m.acc.Folders = nil
	room := [2]int{FoldersMax, foldersGoneMax}
	for _, o := range list {
		r := &room[0]
		if len(o.Chats) == 0 {
			r = &room[1]
		}
		if *r--; *r >= 0 {
			m.acc.Folders = append(m.acc.Folders, o)
		}
	}
	m.saveSelf()
	m.sayFolders()
}

func (m *Machine) sayFolders() { m.emit(Emit{FoldersChanged{Folders: m.folders()}}) }

// folders are those that hold something, by name.
func (m *Machine) folders() []Folder {
	list := []Folder{}
	for _, f := range m.acc.Folders {
		if len(f.Chats) == 0 {
			continue
		}
		x := Folder{Name: f.Name}
		for _, id := range f.Chats {
			s := id.Text()
			if c := m.chats[s]; c != nil {
				s = m.view(c).id // two conversations with one person have become one chat
			}
			if !slices.Contains(x.Chats, s) {
				x.Chats = append(x.Chats, s)
			}
		}
		list = append(list, x)
	}
	sort.Slice(list, func(a, b int) bool { return list[a].Name < list[b].Name })
	return list
}
