package admin

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"io/fs"
	"os"
	"strings"

	"paperplane/protocol/plane"
	"paperplane/server"
)

// Invite makes sure that the first invite stands, and returns its text. The one in invite.txt is
// kept while it has uses left and leads to origin; else a new one is made and written there.
// With uses 0 the server has no front door: the file is removed and the text is empty.
func (f *Folder) Invite(s *server.Server, origin string, uses uint16, today plane.Day, days int) (link string, made bool, err error) {
	path := f.Path(InviteFile)
	if uses == 0 {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", false, err
		}
		return "", false, nil
	}
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", false, err
	}
	old := strings.TrimSpace(string(text))
	seed, inviteOK := server.LinkSeed(old, f.Key.Fingerprint())
	if inviteOK {
		if inviteOK, err = s.FrontOpens(seed); err != nil {
			return "", false, err
		}
	}
	if !inviteOK {
		seed = server.NewSeed()
	}
	id, made, err := s.Front(seed, uses, today+plane.Day(days))
	if err != nil {
		return "", false, err
	}
	link = server.Link(origin, f.Key.Fingerprint(), id, seed)
	if link != old {
		err = WriteFile(path, []byte(link+"\n"))
	}
	return link, made, err
}

// secret returns a new random text.
func secret() string {
	var b [24]byte
	_, _ = rand.Read(b[:]) // never fails
	return base64.RawURLEncoding.EncodeToString(b[:])
}
