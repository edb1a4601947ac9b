package tui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	tea "charm.land/bubbletea/v2"

	"paperplane/core"
	"paperplane/face/api"
	"paperplane/face/cli"
)

// fileTries bounds the numbers put behind a name that is taken.
const fileTries = 100

// expand turns ~ into the home folder and takes the quotes away that terminals put around a
// dropped file.
func expand(path string) string {
	path = strings.Trim(path, "'\"")
	if rest, ok := strings.CutPrefix(path, "~"); ok && (rest == "" || rest[0] == '/') {
		if home, err := os.UserHomeDir(); err == nil {
			return home + rest
		}
	}
	return path
}

// filePrompt asks which file to send.
func filePrompt(m *Model) dialog {
	chat := m.open
	if chat == "" {
		m.flash = "Open a conversation first."
		return nil
	}
	return newPrompt("Send a file", "Type its path, or drop it here, and press Enter.", "", func(p *prompt, path string) tea.Cmd {
		ctx, c := m.ctx, m.opts.Core
		return func() tea.Msg {
			f, err := cli.PutFile(ctx, c, expand(path))
			if err == nil {
				_, err = api.Do[core.Sent](ctx, c, "sendText", core.SendText{Chat: chat, Files: []core.File{f}})
			}
			return done{func(*Model) tea.Cmd {
				if err != nil {
					p.refuse(err)
				} else {
					m.dialog = nil
				}
				return nil
			}}
		}
	})
}

// savePrompt asks where to save a message's files, and fetches those that are not here.
func savePrompt(m *Model, x core.Message) dialog {
	return newPrompt("Save files", "Into which folder?", m.opts.Downloads, func(p *prompt, path string) tea.Cmd {
		path = expand(path)
		if info, err := os.Stat(path); err != nil || !info.IsDir() {
			p.refuse(errors.New("There is no such folder."))
			return nil
		}
		m.dialog = nil
		m.saves[x.ID] = path
		if now := m.picked(); now != nil && now.ID == x.ID {
			x = *now
		}
		var cmds []tea.Cmd
		for i, f := range x.Files {
			if f.State == "remote" || f.State == "failed" {
				cmds = append(cmds, m.tell("fetch", core.Fetch{Chat: x.Chat, Message: x.ID, File: i}))
			}
		}
		if len(cmds) == 0 {
			return m.saveIfHere(x)
		}
		m.flash = "Loading…"
		return tea.Batch(cmds...)
	})
}

// saveIfHere saves the files that a person wants once all of them are here.
func (m *Model) saveIfHere(x core.Message) tea.Cmd {
	folder, ok := m.saves[x.ID]
	if !ok {
		return nil
	}
	for _, f := range x.Files {
		if f.State == "failed" {
			delete(m.saves, x.ID)
			m.flash = "The file could not be loaded."
			return nil
		}
		if f.Ref == "" || f.State == "loading" || f.State == "remote" {
			return nil
		}
	}
	delete(m.saves, x.ID)
	ctx, c := m.ctx, m.opts.Core
	return func() tea.Msg {
		said := "Saved in " + folder
		for _, f := range x.Files {
			if err := saveFile(ctx, c, folder, f); err != nil {
				said = err.Error()
				break
			}
		}
		return done{func(*Model) tea.Cmd { m.flash = said; return nil }}
	}
}

// fileName makes a name that somebody else chose safe on this machine.
func fileName(name string) string {
	name = cli.Clean(name, false)
	name = strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\:*?"<>|`, r) {
			return '_'
		}
		return r
	}, name)
	name = strings.Trim(name, ". ")
	for len(name) > 120 { // keeps the ending, in whole characters
		r := []rune(strings.TrimSuffix(name, filepath.Ext(name)))
		ext := filepath.Ext(name)
		if len(ext) > 20 || len(r) < 2 {
			return "file"
		}
		name = string(r[:len(r)-1]) + ext
	}
	if name == "" {
		return "file"
	}
	return name
}

// saveFile writes an attachment into folder under a name that is not taken. The root keeps a
// hostile name inside.
func saveFile(ctx context.Context, c api.Core, folder string, f core.Attachment) error {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return errors.New("The folder cannot be opened.")
	}
	defer root.Close()
	src, err := c.OpenFile(ctx, f.Ref)
	if err != nil {
		return errors.New("The file could not be read.")
	}
	defer src.Close()
	name := fileName(f.Name)
	ext := filepath.Ext(name)
	for n := range fileTries {
		try := name
		if n > 0 {
			try = fmt.Sprintf("%s (%d)%s", strings.TrimSuffix(name, ext), n+1, ext)
		}
		dst, err := root.OpenFile(try, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			break
		}
		_, err = io.Copy(dst, src)
		if err = errors.Join(err, dst.Close()); err != nil {
			_ = root.Remove(try)
			return errors.New("The file could not be written; the disk may be full.")
		}
		return nil
	}
	return errors.New("The file could not be made in this folder.")
}
