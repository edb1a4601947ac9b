package tui

import (
	"errors"
	"fmt"
	"strings"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"paperplane/core"
	"paperplane/face/cli"
)

// welcome is the first start: an invite link, then a name.
func welcome(m *Model) dialog {
	p := newPrompt("Welcome to Paperplane", "Paste the invite link that somebody gave you, and press Enter.", "", nil)
	p.must = true
	p.submit = func(p *prompt, link string) tea.Cmd {
		return call(m, "checkLink", core.CheckLink{Link: link}, func(_ core.LinkInfo, err error) tea.Cmd {
			if err != nil {
				p.refuse(err)
				return nil
			}
			m.dialog = firstName(m, link)
			return nil
		})
	}
	return p
}

func firstName(m *Model, link string) dialog {
	p := newPrompt("How should others see you?", "Any name will do. You can change it later.", "", nil)
	p.must = true
	p.submit = func(p *prompt, name string) tea.Cmd { return m.join(p, link, name) }
	return p
}

// join opens a link and, when it leads to somebody, the conversation.
func (m *Model) join(p *prompt, link, name string) tea.Cmd {
	return call(m, "join", core.Join{Link: link, Name: name, Device: cli.DeviceName()}, func(j core.Joined, err error) tea.Cmd {
		if err != nil {
			p.refuse(err)
			return nil
		}
		m.dialog = nil
		return m.arrive(j.Chat)
	})
}

// arrive loads the state anew and opens a chat.
func (m *Model) arrive(chat string) tea.Cmd {
	return call(m, "getState", struct{}{}, func(st core.State, err error) tea.Cmd {
		if err != nil {
			m.say(err)
			return nil
		}
		m.st = st
		m.sortChats()
		if chat == "" {
			if m.at == "" && len(st.Chats) > 0 {
				m.at = m.st.Chats[0].ID
			}
			return nil
		}
		return m.show(chat)
	})
}

func joinPrompt(m *Model) dialog {
	return newPrompt("Open an invite link", "Paste the link and press Enter.", "", func(p *prompt, link string) tea.Cmd {
		return m.join(p, link, "")
	})
}

func namePrompt(m *Model) dialog {
	name := ""
	if m.st.Account != nil {
		name = m.st.Account.Name
	}
	return newPrompt("Your name", "Everybody you write with learns the new one.", name, func(p *prompt, name string) tea.Cmd {
		return m.settle(p, "setName", core.SetName{Name: name})
	})
}

// settle does what a prompt is about and closes it.
func (m *Model) settle(p *prompt, cmd string, args any) tea.Cmd {
	return call(m, cmd, args, func(_ core.Done, err error) tea.Cmd {
		if err != nil {
			p.refuse(err)
		} else {
			m.dialog = nil
		}
		return nil
	})
}

// invite makes a link and shows it.
func (m *Model) invite() tea.Cmd {
	m.dialog = &sheet{title: "Invite somebody", wide: true, body: func(int) []string { return []string{" One moment…"} }}
	return call(m, "invite", core.Invite{}, func(l core.InviteLink, err error) tea.Cmd {
		if err != nil {
			m.dialog = nil
			m.say(err)
			return nil
		}
		m.dialog = &sheet{title: "Invite somebody", wide: true, body: func(w int) []string {
			var rows []string
			for _, s := range wrapOwn(fmt.Sprintf("Send this link to somebody, or let them scan the code. It works for %d people until %s.", l.Uses, l.Until), w-2) {
				rows = append(rows, " "+s)
			}
			rows = append(rows, "")
			// From the first column and without a break of ours, so that the terminal copies it whole.
			rows = append(rows, chunks(l.Link, w)...)
			rows = append(rows, "")
			qr := qrRows(l.Link)
			if len(qr) > 0 && ansi.StringWidth(qr[0]) > w {
				return append(rows, m.look.quiet.Render(" The window is too narrow for the code."))
			}
			return append(rows, qr...)
		}}
		return nil
	})
}

// chunks cuts ASCII text into rows of w.
func chunks(s string, w int) (rows []string) {
	w = max(w, 1)
	for len(s) > w {
		rows = append(rows, s[:w])
		s = s[w:]
	}
	return append(rows, s)
}

// contacts are the people one can add, as choices, without those in skip.
func (m *Model) contacts(skip map[string]bool) (list []choice) {
	for _, c := range m.st.Chats {
		if c.Kind == core.ChatTwo && c.State != "refused" && c.State != "broken" && !skip[c.ID] {
			list = append(list, choice{id: c.ID, label: cli.ChatName(c)})
		}
	}
	return list
}

func ids(list []choice) (out []string) {
	for _, c := range list {
		out = append(out, c.id)
	}
	return out
}

func groupPrompt(m *Model) dialog {
	return newPrompt("New group", "Give the group a name.", "", func(p *prompt, name string) tea.Cmd {
		if name == "" {
			p.refuse(errors.New("Please type a name."))
			return nil
		}
		m.dialog = &chooser{title: name, hint: "Who is in it? Space chooses, Enter makes the group.", list: m.contacts(nil), many: true,
			submit: func(chosen []choice) tea.Cmd {
				return call(m, "newGroup", core.NewGroup{Name: name, Members: append([]string{}, ids(chosen)...)}, func(j core.Joined, err error) tea.Cmd {
					if err != nil {
						m.say(err)
						return nil
					}
					return m.arrive(j.Chat)
				})
			}}
		return nil
	})
}

// people lists the members of the open chat.
func (m *Model) people() tea.Cmd {
	c := m.chat(m.open)
	if c == nil {
		m.flash = "Open a conversation first."
		return nil
	}
	chat := *c
	return call(m, "getMembers", core.GetMembers{Chat: chat.ID}, func(r core.Members, err error) tea.Cmd {
		if err != nil {
			m.say(err)
			return nil
		}
		m.dialog = m.peopleOf(chat, r.Members)
		return nil
	})
}

func (m *Model) peopleOf(chat core.Chat, members []core.Member) dialog {
	c := &chooser{title: cli.ChatName(chat), hint: "Esc back.", acts: map[string]func(choice) tea.Cmd{}}
	here := map[string]bool{}
	for _, p := range members {
		x := choice{id: p.Person, label: nameOr(p.Name)}
		here[p.Chat] = true
		switch {
		case p.Own:
			x.note = "you"
		case p.Role == core.RoleOwner && chat.Kind == core.ChatGroup:
			x.note = "owner"
		case p.Admin && chat.Kind == core.ChatGroup:
			x.note = "admin"
		}
		c.list = append(c.list, x)
	}
	if chat.Kind != core.ChatGroup || chat.State == "left" {
		return c
	}
	c.hint = "l leaves the group."
	c.acts["l"] = func(choice) tea.Cmd {
		m.dialog = &confirm{title: "Leave this group? What was written stays readable here.", yes: func() tea.Cmd {
			return m.tell("leave", core.Leave{Chat: chat.ID})
		}}
		return nil
	}
	if !chat.Admin {
		return c
	}
	c.hint = "a adds people, x removes the chosen one, n gives the group a new name, l leaves it."
	c.acts["a"] = func(choice) tea.Cmd {
		m.dialog = &chooser{title: "Add people", hint: "Space chooses, Enter adds.", list: m.contacts(here), many: true,
			submit: func(chosen []choice) tea.Cmd {
				if len(chosen) == 0 {
					return nil
				}
				return m.tell("addMembers", core.AddMembers{Chat: chat.ID, Members: ids(chosen)})
			}}
		return nil
	}
	c.acts["x"] = func(at choice) tea.Cmd {
		if at.note == "you" {
			m.flash = "To go yourself, press l."
			return nil
		}
		m.dialog = &confirm{title: "Remove " + cli.Isolate(cli.Clean(at.label, false)) + " from the group?", yes: func() tea.Cmd {
			return m.tell("removeMember", core.RemoveMember{Chat: chat.ID, Person: at.id})
		}}
		return nil
	}
	c.acts["n"] = func(choice) tea.Cmd {
		m.dialog = newPrompt("Name of the group", "All members see it.", chat.Name, func(p *prompt, name string) tea.Cmd {
			if name == "" {
				p.refuse(errors.New("Please type a name."))
				return nil
			}
			return m.settle(p, "setGroup", core.SetGroup{Chat: chat.ID, Name: name})
		})
		return nil
	}
	return c
}

// reactions are offered; any other emoji can be typed.
var reactions = []string{"👍", "❤️", "😂", "😮", "😢", "🙏"}

func reactPick(m *Model, x core.Message) dialog {
	c := &chooser{title: "React", hint: "Enter adds the reaction, or takes yours away. o: another one."}
	own := map[string]bool{}
	for _, r := range x.Reactions {
		own[r.Emoji] = r.Own
	}
	list := reactions
	for _, r := range x.Reactions {
		if !contains(list, r.Emoji) {
			list = append(list[:len(list):len(list)], r.Emoji)
		}
	}
	for _, e := range list {
		note := ""
		if own[e] {
			note = "yours"
		}
		c.list = append(c.list, choice{id: e, label: e, note: note})
	}
	react := func(emoji string) core.React {
		return core.React{Chat: x.Chat, Message: x.ID, Emoji: emoji, On: !own[emoji]}
	}
	c.submit = func(chosen []choice) tea.Cmd {
		if len(chosen) == 0 {
			return nil
		}
		return m.tell("react", react(chosen[0].id))
	}
	c.acts = map[string]func(choice) tea.Cmd{"o": func(choice) tea.Cmd {
		m.dialog = newPrompt("React", "Type or paste one emoji.", "", func(p *prompt, emoji string) tea.Cmd {
			return m.settle(p, "react", react(emoji))
		})
		return nil
	}}
	return c
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if strings.TrimSuffix(x, "\ufe0f") == strings.TrimSuffix(s, "\ufe0f") {
			return true
		}
	}
	return false
}
