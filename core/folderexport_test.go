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
