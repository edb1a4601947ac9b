package core

// Event is what changed, for a face to show. Events carry whole values, so a face that missed
// some asks for State and pages of messages and is whole again.
type Event interface{ event() }

// State is everything a face needs at its start, besides the messages.
type State struct {
	Account  *Account `json:"account,omitempty"` // nil: open an invite first
	Volatile bool     `json:"volatile"`          // nothing is kept after the tab closes
	Online   bool     `json:"online"`
	Notice   string   `json:"notice,omitempty"` // a Notice kind that still holds
	Chats    []Chat   `json:"chats"`
	Settings Settings `json:"settings"`
	Servers  []Server `json:"servers,omitempty"`
	// Words: "offer" when it is time to offer the twelve words, "kept" when they are in use, "renew"
	// when new ones are due: a device was signed out that could spoil what they bring back.
	Words string `json:"words,omitempty"`
	// Syncing is how far a newly linked or recovered device has got with its history, in percent;
	// nil when it has all.
	Syncing *int `json:"syncing,omitempty"`
	// Folders by name. A face shows what there is of their chats: some may be on their way here.
	Folders []Folder `json:"folders,omitempty"`
}

// Folder is a folder of chats, the same on all of one's devices.
type Folder struct {
	Name  string   `json:"name"`
	Chats []string `json:"chats"`
}

// Server is a server that one has to do with.
type Server struct {
	Origin string `json:"origin"`
	Home   bool   `json:"home,omitempty"`
	Member bool   `json:"member,omitempty"` // conversations can be moved there
	Online bool   `json:"online,omitempty"`
}

// Account is oneself.
type Account struct {
	Person string `json:"person"` // id
	Name   string `json:"name"`
	Origin string `json:"origin"`
}

// Settings are one's switches.
type Settings struct {
	ReadReceipts bool `json:"readReceipts"`
	TypingShown  bool `json:"typingShown"`
}

// ChatKind says what a chat is.
type ChatKind string

// The kinds of chats.
const (
	ChatTwo   ChatKind = "two"
	ChatGroup ChatKind = "group"
	ChatSaved ChatKind = "saved"
)

// Chat is one line of the chat list.
type Chat struct {
	ID       string   `json:"id"`
	Kind     ChatKind `json:"kind"`
	Name     string   `json:"name"` // empty until the other's profile has arrived
	Person   string   `json:"person,omitempty"`
	Picture  []byte   `json:"picture,omitempty"`
	Members  int      `json:"members"`
	Admin    bool     `json:"admin"`
	State    string   `json:"state"` // "open", "waiting" (other has not answered yet), "refused" (the link was used up meanwhile, or the group said no), "left", "broken", "healing" (this device has lost the thread and is finding back by itself: all can be read, what is written waits)
	Unread   int      `json:"unread"`
	Draft    string   `json:"draft,omitempty"`
	Last     *Message `json:"last,omitempty"`
	At       int64    `json:"at"`                 // ms since 1970, orders the list
	ReadUpTo string   `json:"readUpTo,omitempty"` // newest message one has read
	Forked   bool     `json:"forked,omitempty"`   // the server showed two histories
	Role     Role     `json:"role,omitempty"`     // one's own, in a group
	About    string   `json:"about,omitempty"`
	Rules    *Rules   `json:"rules,omitempty"`    // of a group
	Pins     []string `json:"pins,omitempty"`     // messages, newest pin first
	Knocks   int      `json:"knocks,omitempty"`   // who waits for an admin's yes
	Mentions int      `json:"mentions,omitempty"` // unread ones of oneself
	Vanish   int      `json:"vanish,omitempty"`   // seconds that messages live, 0: for ever
	PostAt   int64    `json:"postAt,omitempty"`   // ms since 1970: one may post again then
	Origin   string   `json:"origin,omitempty"`   // of its server, when it is not the home server
	Refused  ErrCode  `json:"refused,omitempty"`  // why, with State "refused" at a group: ErrGroupFull, ErrBanned, ErrNotAllowed, ErrOutdated or ErrLinkUsedUp; with "healing": ErrOutdated, or nothing
	Muted    int64    `json:"muted,omitempty"`    // ms since 1970: no sound until then; -1 for ever
	Archived bool     `json:"archived,omitempty"` // stands apart
	Pinned   bool     `json:"pinned,omitempty"`   // stands on top
	Marked   bool     `json:"marked,omitempty"`   // as unread
	// Scheduled is how many messages wait for their time here: they stand behind all others of the chat.
	Scheduled int `json:"scheduled,omitempty"`
}

// Role is what a member may do in a group.
type Role string

// The roles. Owners can do what admins can, and set roles.
const (
	RoleOwner  Role = "owner"
	RoleAdmin  Role = "admin"
	RoleMember Role = "member"
)

// Rules are what a group's admins have set; every member's client holds everybody to them.
type Rules struct {
	Quiet      bool   `json:"quiet,omitempty"`      // only admins post
	Slow       int    `json:"slow,omitempty"`       // seconds between two messages of a member, at most 86400
	Quarantine int    `json:"quarantine,omitempty"` // hours until a newcomer may post, at most 168
	History    int    `json:"history"`              // days of history that a newcomer gets: 0 none, -1 all there is
	Adders     string `json:"adders,omitempty"`     // who adds people: "admins" (default) or "members"
	Changers   string `json:"changers,omitempty"`   // who changes name, picture, description, pins: "admins" (default) or "members"
}

// MessageState is how far an own message has got; others' messages are "received".
type MessageState string

// The states, in order; Failed needs a person (Retry or Discard).
const (
	StateScheduled MessageState = "scheduled" // At is when it is to be sent
	StateQueued    MessageState = "queued"
	StateSent      MessageState = "sent"
	StateDelivered MessageState = "delivered"
	StateRead      MessageState = "read"
	StateFailed    MessageState = "failed"
	StateReceived  MessageState = "received"
)

// MessageKind says what a message shows.
type MessageKind string

// The kinds. A notice is a line such as "Ann added Bob": see Notice.
const (
	KindText    MessageKind = "text"
	KindFile    MessageKind = "file"
	KindNotice  MessageKind = "notice"
	KindDeleted MessageKind = "deleted"
	KindPoll    MessageKind = "poll"
)

// Message is one message as shown. Index orders a chat's messages and pages through them.
type Message struct {
	ID        string       `json:"id"`
	Chat      string       `json:"chat"`
	Index     uint64       `json:"index"`
	At        int64        `json:"at"`   // ms since 1970, by the sender's clock
	From      string       `json:"from"` // person id
	FromName  string       `json:"fromName"`
	Own       bool         `json:"own"`
	Kind      MessageKind  `json:"kind"`
	Text      string       `json:"text,omitempty"`
	Notice    *Line        `json:"notice,omitempty"`
	ReplyTo   *Quote       `json:"replyTo,omitempty"`
	Edited    bool         `json:"edited,omitempty"`
	Edits     int          `json:"edits,omitempty"` // how often, as far as is known here: see GetEdits
	Reactions []Reaction   `json:"reactions,omitempty"`
	Files     []Attachment `json:"files,omitempty"`
	State     MessageState `json:"state"`
	Mentions  []Mention    `json:"mentions,omitempty"`
	Pinned    bool         `json:"pinned,omitempty"`
	Forwarded string       `json:"forwarded,omitempty"` // whose words these are
	Silent    bool         `json:"silent,omitempty"`
	Poll      *Poll        `json:"poll,omitempty"`
	Thread    *Thread      `json:"thread,omitempty"`
	Gone      int64        `json:"gone,omitempty"` // ms since 1970: when it is forgotten everywhere
}

// Thread is where a message stands that answers another, or is answered: with all that answers Root, or
// one of its answers. Count is how many those are, on the root alone; what is above 1,000 is not counted.
// "messages" with thread gives them.
type Thread struct {
	Root  string `json:"root"`
	Count int    `json:"count,omitempty"`
}

// Poll is a poll with the votes that count. Right and Why of a quiz are there once one has voted, or it
// has ended, or it is one's own.
type Poll struct {
	Question string       `json:"question"`
	Options  []PollOption `json:"options"`
	Several  bool         `json:"several,omitempty"`
	Hidden   bool         `json:"hidden,omitempty"`
	Closed   bool         `json:"closed,omitempty"`
	Quiz     bool         `json:"quiz,omitempty"`
	Right    *int         `json:"right,omitempty"`
	Why      string       `json:"why,omitempty"`
	Voters   int          `json:"voters"`
}

// PollOption is one of them. By names who chose it, the first PollNamesMax, unless the poll hides it.
type PollOption struct {
	Text  string   `json:"text"`
	Votes int      `json:"votes"`
	Own   bool     `json:"own,omitempty"`
	By    []string `json:"by,omitempty"`
}

// Line is a notice: What is "created", "added", "removed", "left", "renamed", "picture",
// "joined", "came" (by link; Who let them in), "forked", "about", "rules", "pinned", "unpinned", "role" (Text is the role), "banned",
// "erased", "moved" (Text is the server), "vanish" (Text is how
// many seconds messages live from now on, 0: for ever), "device" (Who uses a new device), "rejoined", "healed"
// (this device had lost the thread and has it again), "missed" (Text records that nobody could give
// this device any more); Who did it to Whom (names); Text is the new name.
// Of more than 16 people Whom names the first, and Text is how many they are. Self: one is among them.
type Line struct {
	What string   `json:"what"`
	Who  string   `json:"who,omitempty"`
	Whom []string `json:"whom,omitempty"`
	Text string   `json:"text,omitempty"`
	Self bool     `json:"self,omitempty"`
}

// Linking tells how the linking of a device goes. Stage: "waiting" for the other device, "digits"
// (both show Digits and ask for ConfirmDevice), "confirmed" (here, perhaps not yet on the other),
// "sending" (Percent), "done", or "failed" (Err says why). Name is the new device's.
type Linking struct {
	Stage   string  `json:"stage"`
	Digits  string  `json:"digits,omitempty"`
	Name    string  `json:"name,omitempty"`
	Percent int     `json:"percent,omitempty"`
	Err     ErrCode `json:"err,omitempty"`
}

// DevicesChanged: ask for GetDevices again.
type DevicesChanged struct{}

// KnocksChanged: ask for GetKnocks again.
type KnocksChanged struct {
	Chat string `json:"chat"`
}

// StateChanged: Words, Servers or Syncing of State differ; they come whole.
type StateChanged struct {
	Words   string   `json:"words,omitempty"`
	Servers []Server `json:"servers,omitempty"`
	Syncing *int     `json:"syncing,omitempty"`
}

// Quote is the message replied to.
type Quote struct {
	ID       string `json:"id"`
	FromName string `json:"fromName"`
	Text     string `json:"text"`
}

// Reaction counts one emoji.
type Reaction struct {
	Emoji string   `json:"emoji"`
	By    []string `json:"by"` // names
	Own   bool     `json:"own"`
}

// Attachment is a file of a message. State: "remote", "loading", "local", "uploading", "failed".
type Attachment struct {
	Name    string `json:"name"`
	Mime    string `json:"mime"`
	Size    int64  `json:"size"`
	Width   int    `json:"width,omitempty"`
	Height  int    `json:"height,omitempty"`
	Preview []byte `json:"preview,omitempty"`
	State   string `json:"state"`
	Done    int64  `json:"done,omitempty"`
	Ref     string `json:"ref,omitempty"` // local vault file, when local
	// As File says.
	Duration int64  `json:"duration,omitempty"`
	Wave     []byte `json:"wave,omitempty"`
	Voice    bool   `json:"voice,omitempty"`
	Sticker  string `json:"sticker,omitempty"`
	Pack     string `json:"pack,omitempty"`
}

// Member is one member of a chat.
type Member struct {
	Person string `json:"person"`
	Name   string `json:"name"`
	Own    bool   `json:"own"`
	Admin  bool   `json:"admin"` // owner or admin
	Role   Role   `json:"role,omitempty"`
	Chat   string `json:"chat,omitempty"` // one's two-person chat with them, if a contact
}

// ChatChanged: a chat is new or differs.
type ChatChanged struct {
	Chat Chat `json:"chat"`
}

// ChatGone: a chat was removed from the list.
type ChatGone struct {
	Chat string `json:"chat"`
}

// MessageChanged: a message is new or differs.
type MessageChanged struct {
	Message Message `json:"message"`
}

// MessageGone: an own unsent message was discarded, or a message has expired.
type MessageGone struct {
	Chat    string `json:"chat"`
	Message string `json:"message"`
}

// TypingChanged: who (names) is typing in a chat now.
type TypingChanged struct {
	Chat string   `json:"chat"`
	Who  []string `json:"who"`
}

// OnlineChanged: the server is reachable or not.
type OnlineChanged struct {
	Online bool `json:"online"`
}

// AccountChanged: oneself.
type AccountChanged struct {
	Account  Account  `json:"account"`
	Settings Settings `json:"settings"`
}

// FoldersChanged: one's folders, all of them.
type FoldersChanged struct {
	Folders []Folder `json:"folders"`
}

// Notice: something the person must know. Kind is "clock" (the clock is wrong), "server-key"
// (the server shows another key), "disk-full", "volatile", "signed-out" (another of one's devices has
// taken this one out: nothing comes and nothing goes), "replaced" (the account seems to go on elsewhere,
// by the words), "" (all well again).
type Notice struct {
	Kind string `json:"kind"`
}

func (ChatChanged) event()    {}
func (ChatGone) event()       {}
func (MessageChanged) event() {}
func (MessageGone) event()    {}
func (TypingChanged) event()  {}
func (OnlineChanged) event()  {}
func (AccountChanged) event() {}
func (Notice) event()         {}
func (Linking) event()        {}
func (DevicesChanged) event() {}
func (KnocksChanged) event()  {}
func (StateChanged) event()   {}
func (FoldersChanged) event() {}
