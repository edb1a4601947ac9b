// Package api is what every face speaks to a client: commands, results and events as JSON, or, in the browser's own core, the same
// as CBOR (codec_cbor.go). Below, JSON stands for either.
//
// A call is {"id", "cmd", "args"}; its answer {"id", "ok"} or {"id", "err"}. id is the caller's
// idempotency key: repeating a call whose answer was lost does nothing twice. An event is
// {"event", …}. Names are those of package core in lower camel case; the commands that the
// machine does not know (messages, message, qr, about) are answered from here. Unknown
// commands, unknown arguments and trailing bytes are errors.
// An API is safe for concurrent use. TypeScript types are generated into web/app/api.ts.
package api

import (
	"bytes"
	"context"
	"errors"
	"reflect"

	"rsc.io/qr"

	"paperplane/client"
	"paperplane/core"
)

// Limits of calls.
const (
	// CallBytesMax bounds one encoded call.
	CallBytesMax = 256 << 10
	// PageMax bounds the messages of one page.
	PageMax = 500
	// QRBytesMax bounds what a QR code can hold here.
	QRBytesMax = 1200
)

// About says what runs. Storage is "disk" or "memory".
type About struct {
	Version string `json:"version"`
	Storage string `json:"storage"`
}

// API answers calls for one client.
type API struct {
	c     *client.Client
	about About
}

// New makes an API for c.
func New(c *client.Client, about About) *API { return &API{c: c, about: about} }

type call struct {
	ID   string `json:"id"`
	Cmd  string `json:"cmd"`
	Args raw    `json:"args,omitempty"`
}

type answer struct {
	ID  string       `json:"id"`
	OK  any          `json:"ok,omitempty"`
	Err core.ErrCode `json:"err,omitempty"`
}

// commands are the core's, by name.
var commands = map[string]core.Command{
	"join": core.Join{}, "checkLink": core.CheckLink{}, "invite": core.Invite{}, "getState": core.GetState{},
	"sendText": core.SendText{}, "edit": core.Edit{}, "delete": core.Delete{}, "react": core.React{},
	"markRead": core.MarkRead{}, "typing": core.Typing{}, "setDraft": core.SetDraft{}, "retry": core.Retry{},
	"discard": core.Discard{}, "fetch": core.Fetch{}, "stop": core.Stop{}, "newGroup": core.NewGroup{},
	"setGroup": core.SetGroup{}, "addMembers": core.AddMembers{}, "removeMember": core.RemoveMember{},
	"leave": core.Leave{}, "getMembers": core.GetMembers{}, "sync": core.Sync{}, "setName": core.SetName{}, "setSettings": core.SetSettings{},
	"setRole": core.SetRole{}, "pin": core.Pin{}, "groupInvite": core.GroupInvite{}, "getLinks": core.GetLinks{},
	"revokeLink": core.RevokeLink{}, "getKnocks": core.GetKnocks{}, "answer": core.Answer{}, "unban": core.Unban{},
	"moveChat": core.MoveChat{}, "getDevices": core.GetDevices{}, "linkDevice": core.LinkDevice{}, "addDevice": core.AddDevice{},
	"confirmDevice": core.ConfirmDevice{}, "nameDevice": core.NameDevice{}, "removeDevice": core.RemoveDevice{},
	"makeWords": core.MakeWords{}, "keepWords": core.KeepWords{}, "recover": core.Recover{}, "setFolder": core.SetFolder{},
	"setVanish": core.SetVanish{}, "forward": core.Forward{}, "sendPoll": core.SendPoll{}, "vote": core.Vote{}, "closePoll": core.ClosePoll{},
	"setChat": core.SetChat{}, "hide": core.Hide{}, "getEdits": core.GetEdits{}, "search": core.Search{}, "dayIndex": core.DayIndex{},
	"getStorage": core.GetStorage{}, "clearFiles": core.ClearFiles{}, "sendNow": core.SendNow{},
}

// commandOf decodes the arguments of a command of which kind is one. (A generic function for each kind is 600 bytes in the
// browser; they are sixty.)
func commandOf(kind core.Command, args raw) (core.Command, error) {
	v := reflect.New(reflect.TypeOf(kind))
	err := decode(args, v.Interface())
	return v.Elem().Interface().(core.Command), err
}

// messagesArgs and the like are the arguments of the commands answered here.
type messagesArgs struct {
	Chat   string `json:"chat"`
	Before uint64 `json:"before,omitempty"`
	From   uint64 `json:"from,omitempty"` // instead: the oldest from this index on
	Limit  int    `json:"limit"`
	Thread string `json:"thread,omitempty"` // only those of this thread, by its root, with it
}

type messageArgs struct {
	Chat    string `json:"chat"`
	Message string `json:"message"`
}

type qrArgs struct {
	Text string `json:"text"`
}

// Page answers "messages": oldest first.
type Page struct {
	Messages []core.Message `json:"messages"`
}

// QR answers "qr": Size rows of Size characters, '1' is dark.
type QR struct {
	Size int      `json:"size"`
	Rows []string `json:"rows"`
}

// Call answers one call. There is always an answer; ctx bounds the waiting.
func (a *API) Call(ctx context.Context, request []byte) []byte {
	if len(request) > CallBytesMax {
		return encode(answer{Err: core.ErrBadArguments})
	}
	var c call
	err := decode(request, &c)
	if err != nil || c.ID == "" || len(c.ID) > 64 {
		return encode(answer{ID: c.ID, Err: core.ErrBadArguments})
	}
	ok, err := a.run(ctx, c)
	if err != nil {
		return encode(answer{ID: c.ID, Err: codeOf(err)})
	}
	return encode(answer{ID: c.ID, OK: ok})
}

func codeOf(err error) core.ErrCode {
	if e, ok := errors.AsType[*client.Error](err); ok {
		return e.Code
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return core.ErrOffline
	}
	return core.ErrInternal
}

func bad() error { return &client.Error{Code: core.ErrBadArguments} }

func (a *API) run(ctx context.Context, c call) (any, error) {
	if kind, ok := commands[c.Cmd]; ok {
		cmd, err := commandOf(kind, c.Args)
		if err != nil {
			return nil, bad()
		}
		return a.c.Do(ctx, c.ID, cmd)
	}
	switch c.Cmd {
	case "messages":
		var args messagesArgs
		if err := decode(c.Args, &args); err != nil || args.Limit < 1 || args.Limit > PageMax {
			return nil, bad()
		}
		read := a.c.Messages
		switch {
		case args.Thread != "":
			read = func(chat string, before uint64, limit int) ([]core.Message, error) {
				return a.c.Thread(chat, args.Thread, before, limit)
			}
		case args.From != 0:
			read = func(chat string, _ uint64, limit int) ([]core.Message, error) {
				return a.c.MessagesFrom(chat, args.From, limit)
			}
		}
		list, err := read(args.Chat, args.Before, args.Limit)
		if list == nil {
			list = []core.Message{}
		}
		return Page{list}, err
	case "message":
		var args messageArgs
		if err := decode(c.Args, &args); err != nil {
			return nil, bad()
		}
		return a.c.Message(args.Chat, args.Message)
	case "qr":
		var args qrArgs
		if err := decode(c.Args, &args); err != nil {
			return nil, bad()
		}
		return MakeQR(args.Text)
	case "about":
		return a.about, nil
	}
	return nil, &client.Error{Code: core.ErrUnknown}
}

// MakeQR draws text as a QR code with a quiet zone of four.
func MakeQR(text string) (QR, error) {
	if text == "" || len(text) > QRBytesMax {
		return QR{}, bad()
	}
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return QR{}, bad()
	}
	const quiet = 4
	n := code.Size + 2*quiet
	out := QR{Size: n, Rows: make([]string, n)}
	for y := range n {
		row := bytes.Repeat([]byte{'0'}, n)
		for x := range n {
			if code.Black(x-quiet, y-quiet) {
				row[x] = '1'
			}
		}
		out.Rows[y] = string(row)
	}
	return out, nil
}

// EncodeEvent gives an event as it travels.
func EncodeEvent(e core.Event) []byte {
	name := ""
	switch e.(type) {
	case core.ChatChanged:
		name = "chatChanged"
	case core.ChatGone:
		name = "chatGone"
	case core.MessageChanged:
		name = "messageChanged"
	case core.MessageGone:
		name = "messageGone"
	case core.TypingChanged:
		name = "typingChanged"
	case core.OnlineChanged:
		name = "onlineChanged"
	case core.AccountChanged:
		name = "accountChanged"
	case core.Notice:
		name = "notice"
	case core.Linking:
		name = "linking"
	case core.DevicesChanged:
		name = "devicesChanged"
	case core.KnocksChanged:
		name = "knocksChanged"
	case core.FoldersChanged:
		name = "foldersChanged"
	case core.StateChanged:
		name = "stateChanged"
	}
	return named(name, encode(e))
}

// ResyncEvent tells a face that it missed events: it asks for state and messages again.
func ResyncEvent() []byte { return named("resync", encode(struct{}{})) }

// encode cannot fail: every type that reaches it is plain data.
func encode(v any) []byte {
	b, err := marshal(v)
	if err != nil {
		b, _ = marshal(answer{Err: core.ErrInternal})
	}
	return b
}
