package core

import (
	"crypto/rand"

	"paperplane/protocol/plane"
)

// FillFolder makes the largest folder there may be, of chats that are nowhere, and returns their ids.
func FillFolder(m *Machine, name string) []string {
	f := folder{Name: name, At: m.now.UnixMilli()}
	var ids []string
	for range FolderChatsMax {
		var id plane.LogID
		_, _ = rand.Read(id[:])
		f.Chats, ids = append(f.Chats, id), append(ids, id.Text())
	}
	m.putFolder(f)
	return ids
}

// FolderSaid is the word of another device about a folder, said at that time (ms).
func FolderSaid(m *Machine, name string, at int64, chats ...string) {
	f := folder{Name: name, At: at}
	for _, c := range chats {
		id, _ := plane.ParseLogID(c)
		f.Chats = append(f.Chats, id)
	}
	m.folderElsewhere(f)
}
