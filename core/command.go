package core

// Command is what a person asks for. Each ends in exactly one Reply. JSON names are the API
// (face/api); adding fields is fine, changing their meaning is not.
type Command interface{ command() }

// Result is what a command answers.
type Result interface{ result() }

// ErrCode says why a command failed, for a face to turn into words. The set is closed.
type ErrCode string

// The codes. Beside each: what the person is told to do.
const (
	ErrBadLink      ErrCode = "bad-link"        // damaged or cut off: ask for the link again
	ErrLinkVersion  ErrCode = "link-version"    // from a newer app: update
	ErrLinkUsedUp   ErrCode = "link-used-up"    // used up or expired: ask for a new one
	ErrLinkSelf     ErrCode = "link-self"       // one's own link: give it to somebody else
	ErrServerKey    ErrCode = "server-key"      // the server shows another key: do not go on; ask
	ErrNameEmpty    ErrCode = "name-empty"      // type a name
	ErrNameLong     ErrCode = "name-long"       // shorter, please
	ErrNameBad      ErrCode = "name-bad"        // has characters that would mislead: remove them
	ErrTextEmpty    ErrCode = "text-empty"      // nothing to send
	ErrTextLong     ErrCode = "text-long"       // send it as a file
	ErrFileLarge    ErrCode = "file-large"      // over the server's limit
	ErrNoAccount    ErrCode = "no-account"      // open an invite link first
	ErrNoChat       ErrCode = "no-chat"         // no such conversation
	ErrNoMessage    ErrCode = "no-message"      // no such message
	ErrNotAllowed   ErrCode = "not-allowed"     // only admins, or only the author; or somebody to add is met on another server only
	ErrGroupFull    ErrCode = "group-full"      // plane.GroupMembersMax reached
	ErrLeft         ErrCode = "left"            // one is no longer a member
	ErrOffline      ErrCode = "offline"         // this needs the server; it is away
	ErrDiskFull     ErrCode = "disk-full"       // free some space; nothing was lost
	ErrBusyElse     ErrCode = "busy-elsewhere"  // another tab or process has the account open
	ErrInternal     ErrCode = "internal"        // a bug of ours
	ErrWords        ErrCode = "words-wrong"     // not twelve words of ours, or one is misspelt: look again
	ErrWordsNone    ErrCode = "words-unknown"   // good words, but this server keeps nothing under them
	ErrDevicesFull  ErrCode = "devices-full"    // DevicesMax reached: sign one out first
	ErrDigits       ErrCode = "digits-differ"   // the six digits were not the same: link again
	ErrSilent       ErrCode = "device-silent"   // the other device says nothing any more, so it was not linked: link again
	ErrOutdated     ErrCode = "device-outdated" // the others know newer devices of the account than this one does: link it again from one of those, or be taken out and added anew
	ErrSlow         ErrCode = "slow-mode"       // wait until Chat.PostAt
	ErrQuiet        ErrCode = "quiet-mode"      // only admins post here
	ErrNewcomer     ErrCode = "newcomer"        // newcomers wait until Chat.PostAt
	ErrBanned       ErrCode = "banned"          // banned from this group
	ErrPinsFull     ErrCode = "pins-full"       // unpin something first
	ErrLinksFull    ErrCode = "links-full"      // revoke a link first
	ErrFoldersFull  ErrCode = "folders-full"    // FoldersMax or FolderChatsMax reached: remove some first
	ErrAccounts     ErrCode = "accounts-full"   // remove an account first
	ErrChatsPinned  ErrCode = "chats-pinned"    // ChatPinsMax chats stand on top: take one off first
	ErrScheduled    ErrCode = "scheduled-full"  // ScheduledMax messages of the chat wait for their time
	ErrFileAway     ErrCode = "file-away"       // a file to forward is not on this device: fetch it, try again
	ErrWaiting      ErrCode = "waiting"         // nobody has let one in yet: wait
	ErrUnknown      ErrCode = "unknown-command"
	ErrBadArguments ErrCode = "bad-arguments"
)

// Join opens an invite link and, where there is no account yet, makes one with Name.
// Result: Joined, as soon as everything is saved; the conversation appears at once and its
// messages go out when the server answers.
type Join struct {
	Link string `json:"link"`
	Name string `json:"name"`
	// Device is what a new account calls this device: others do not see it. Empty: "1".
	Device string `json:"device,omitempty"`
}

// CheckLink parses a link without using it. Result: LinkInfo; ErrLinkSelf for one's own link.
type CheckLink struct {
	Link string `json:"link"`
}

// Invite makes a link with a door for Uses people (0 = 10) and Days days (0 = 30).
// Result: InviteLink, once the server has the door; ErrOffline when it is away.
type Invite struct {
	Uses int `json:"uses,omitempty"`
	Days int `json:"days,omitempty"`
}

// GetState asks for everything a face needs at its start. Result: State.
type GetState struct{}

// SendText sends text, or a file already put into the vault (client.PutFile), or both.
// Result: Sent, as soon as it is saved.
type SendText struct {
	Chat    string `json:"chat"`
	Text    string `json:"text,omitempty"`
	ReplyTo string `json:"replyTo,omitempty"`
	Files   []File `json:"files,omitempty"`
	// Mentions are places in Text that name members.
	Mentions []Mention `json:"mentions,omitempty"`
	// Silent: it arrives without a sound.
	Silent bool `json:"silent,omitempty"`
	// At, ms since 1970, is when it is to be sent, at most ScheduleDaysMax ahead: until then it is kept on
	// this device alone, in the state "scheduled". SendNow sends it, Edit changes it, Discard drops it. What
	// is past is sent at once.
	At int64 `json:"at,omitempty"`
}

// SendNow sends a scheduled message without waiting for its time.
type SendNow struct {
	Chat    string `json:"chat"`
	Message string `json:"message"`
}

// Mention is a place in a text that names a person: Start and Length count UTF-16 units, as
// browsers do.
type Mention struct {
	Start  int    `json:"start"`
	Length int    `json:"length"`
	Person string `json:"person"`
}

// File is a local file to send. Ref names it in the vault.
type File struct {
	Ref     string `json:"ref"`
	Name    string `json:"name"`
	Mime    string `json:"mime"`
	Size    int64  `json:"size"`
	Width   int    `json:"width,omitempty"`
	Height  int    `json:"height,omitempty"`
	Preview []byte `json:"preview,omitempty"` // tiny image, at most PreviewBytesMax
	// Duration is how long it plays, in ms; Wave how loud it is, at most 64 values from 0 to 255.
	Duration int64  `json:"duration,omitempty"`
	Wave     []byte `json:"wave,omitempty"`
	Voice    bool   `json:"voice,omitempty"`   // a voice message: audio, alone
	Sticker  string `json:"sticker,omitempty"` // the emoji makes it a sticker: one file, no text
	Pack     string `json:"pack,omitempty"`    // link to the sticker's pack
}

// Forward says messages once more, in their order, in each of the chats To: with the author's name, or
// with Hide as one's own. At most ForwardMax, counted in each chat. ErrFileAway when a file is not on this
// device.
type Forward struct {
	Chat     string   `json:"chat"`
	Messages []string `json:"messages"`
	To       []string `json:"to"`
	Hide     bool     `json:"hide,omitempty"`
}

// SendPoll asks the members of a chat something: a question and its answer of at most PollTextBytesMax
// bytes, 2 to PollOptionsMax options of at most PollOptionBytesMax. Right makes a quiz of it, of which Why
// tells the reason afterwards. Result: Sent.
type SendPoll struct {
	Chat     string   `json:"chat"`
	Question string   `json:"question"`
	Options  []string `json:"options"`
	Several  bool     `json:"several,omitempty"`
	Hidden   bool     `json:"hidden,omitempty"` // who chose what is not shown
	Right    *int     `json:"right,omitempty"`
	Why      string   `json:"why,omitempty"`
	Silent   bool     `json:"silent,omitempty"`
}

// Vote chooses options of a poll; none takes the vote back. In a quiz the first vote stands.
type Vote struct {
	Chat    string `json:"chat"`
	Message string `json:"message"`
	Options []int  `json:"options"`
}

// ClosePoll ends one's own poll.
type ClosePoll struct {
	Chat    string `json:"chat"`
	Message string `json:"message"`
}

// Edit replaces the text of one's own message, and the time of a scheduled one.
type Edit struct {
	Chat    string `json:"chat"`
	Message string `json:"message"`
	Text    string `json:"text"`
	At      int64  `json:"at,omitempty"` // of a scheduled one: its new time, 0 leaves it
}

// Delete deletes one's own message for everyone.
type Delete struct {
	Chat    string `json:"chat"`
	Message string `json:"message"`
}

// React adds or removes one's reaction.
type React struct {
	Chat    string `json:"chat"`
	Message string `json:"message"`
	Emoji   string `json:"emoji"`
	On      bool   `json:"on"`
}

// MarkRead says that the person has seen everything up to Message.
type MarkRead struct {
	Chat    string `json:"chat"`
	Message string `json:"message"`
}

// Typing says that the person is typing now; it fades after TypingFor.
type Typing struct {
	Chat string `json:"chat"`
}

// SetDraft keeps unsent text; empty removes it.
type SetDraft struct {
	Chat string `json:"chat"`
	Text string `json:"text"`
}

// Retry sends again what failed; Discard drops an unsent message.
type Retry struct {
	Chat    string `json:"chat"`
	Message string `json:"message"`
}

// Discard drops an own message that was not sent yet.
type Discard struct {
	Chat    string `json:"chat"`
	Message string `json:"message"`
}

// Fetch downloads a message's attachment; Stop cancels a transfer either way.
type Fetch struct {
	Chat    string `json:"chat"`
	Message string `json:"message"`
	File    int    `json:"file"`
}

// Stop cancels an upload or download of a message.
type Stop struct {
	Chat    string `json:"chat"`
	Message string `json:"message"`
	File    int    `json:"file"`
}

// SetVanish sets how long messages live that are sent into a chat from now on: VanishMin to VanishMax
// seconds, 0 for ever. Both may in a two-person chat, admins in a group.
type SetVanish struct {
	Chat    string `json:"chat"`
	Seconds int    `json:"seconds"`
}

// NewGroup makes a group with contacts (by chat id). Result: Joined with the new chat.
type NewGroup struct {
	Name    string   `json:"name"`
	Members []string `json:"members"`
	Picture []byte   `json:"picture,omitempty"` // JPEG, at most PictureBytesMax
}

// SetGroup changes what a group is called and its rules; empty and nil fields stay.
type SetGroup struct {
	Chat    string  `json:"chat"`
	Name    string  `json:"name,omitempty"`
	Picture []byte  `json:"picture,omitempty"`
	About   *string `json:"about,omitempty"` // description, at most AboutBytesMax
	Rules   *Rules  `json:"rules,omitempty"`
}

// SetRole makes a member an owner, admin or member. Owners set all roles; admins make admins and
// give up being one. ErrNotAllowed also for the last owner giving up the role; ErrGroupFull when
// there are convo.LeadersMax owners and admins.
type SetRole struct {
	Chat   string `json:"chat"`
	Person string `json:"person"`
	Role   Role   `json:"role"`
}

// Pin pins a message for everybody, or takes the pin off. At most PinsMax.
type Pin struct {
	Chat    string `json:"chat"`
	Message string `json:"message"`
	On      bool   `json:"on"`
}

// GroupInvite makes a link into a group: for Uses people (0 = any number up to what a door
// takes), until Days from now (0 = 30), with Approve only after an admin has said yes.
// Result: InviteLink, once the server has the door.
type GroupInvite struct {
	Chat    string `json:"chat"`
	Uses    int    `json:"uses,omitempty"`
	Days    int    `json:"days,omitempty"`
	Approve bool   `json:"approve,omitempty"`
}

// GetLinks lists the links that stand: a group's, or one's own with an empty Chat. Result: Links.
type GetLinks struct {
	Chat string `json:"chat,omitempty"`
}

// RevokeLink withdraws a link; who has not come in by then does not.
type RevokeLink struct {
	Chat string `json:"chat,omitempty"`
	Link string `json:"link"` // LinkState.ID
}

// GetKnocks lists who waits for an admin's yes. Result: Knocks.
type GetKnocks struct {
	Chat string `json:"chat"`
}

// Answer lets somebody who knocked in, or refuses.
type Answer struct {
	Chat   string `json:"chat"`
	Person string `json:"person"`
	Yes    bool   `json:"yes"`
}

// Unban lets a banned person join again.
type Unban struct {
	Chat   string `json:"chat"`
	Person string `json:"person"`
}

// MoveChat moves a group or two-person conversation to another server on which one is a member.
// Members who are away follow when they come back.
type MoveChat struct {
	Chat   string `json:"chat"`
	Origin string `json:"origin"` // of State.Servers
}

// GetDevices lists one's devices. Result: Devices.
type GetDevices struct{}

// LinkDevice begins the linking of a new device, on one that has the account. Result: DeviceLink,
// to be shown as QR and text; Linking events tell the rest.
type LinkDevice struct{}

// AddDevice makes this, still without an account, one of the devices of the account whose
// DeviceLink it is. Linking events tell the rest; State.Account is there at the end.
type AddDevice struct {
	Link string `json:"link"`
	Name string `json:"name"` // of the device
}

// ConfirmDevice says whether both devices show the same digits. Each of the two asks for it: the old
// one hands nothing over before, the new one takes nothing. With No on either the linking ends. An
// answer to nothing: ErrBadArguments.
type ConfirmDevice struct {
	Yes bool `json:"yes"`
}

// NameDevice names one of one's devices.
type NameDevice struct {
	Device string `json:"device"`
	Name   string `json:"name"`
}

// RemoveDevice signs a device out: it can read nothing that is sent after. One's own: it leaves.
type RemoveDevice struct {
	Device string `json:"device"`
}

// MakeWords makes twelve words. They are the same until KeepWords; then no device knows them any
// more, and others take their place. Result: Words.
type MakeWords struct{}

// KeepWords says that the person has written the words down: from now on the vault is kept. With
// Later the offer is put off for some weeks.
type KeepWords struct {
	Later bool `json:"later,omitempty"`
}

// Recover brings an account back, here where there is none, from its words and the address of a
// server that keeps its vault. Result: Joined, when the account is here; chats come after.
// ErrWords, ErrWordsNone and ErrOffline tell apart what went wrong. ErrNotAllowed: there is an account,
// and not through these words.
type Recover struct {
	Words  string `json:"words"`
	Origin string `json:"origin"`
	Name   string `json:"name"` // of the device
}

// AddMembers adds contacts to a group; RemoveMember removes one; Leave leaves.
type AddMembers struct {
	Chat    string   `json:"chat"`
	Members []string `json:"members"`
}

// RemoveMember removes a member (by person id) with all their devices from a group. Ban keeps
// them out; Erase bans and deletes, for everyone, all that they wrote. Both take who is no member, too.
type RemoveMember struct {
	Chat   string `json:"chat"`
	Person string `json:"person"`
	Ban    bool   `json:"ban,omitempty"`
	Erase  bool   `json:"erase,omitempty"`
}

// Leave leaves a group; its history stays readable here.
type Leave struct {
	Chat string `json:"chat"`
}

// GetMembers lists a chat's members: owners, admins, then by name; those whose name contains Query
// (folded), first those in whose name a word begins with it; at most Limit (0 = all) from Offset on.
// With Banned, who is banned. Result: Members.
type GetMembers struct {
	Chat   string `json:"chat"`
	Query  string `json:"query,omitempty"`
	Offset int    `json:"offset,omitempty"`
	Limit  int    `json:"limit,omitempty"`
	Banned bool   `json:"banned,omitempty"`
}

// Sync waits until everything that the servers have now is here and what waited here is there.
// Result: Done; ErrOffline when a server does not answer within 15 s.
type Sync struct{}

// SetName changes one's own name; contacts learn it.
type SetName struct {
	Name string `json:"name"`
}

// SetSettings changes switches; nil fields stay.
type SetSettings struct {
	ReadReceipts *bool `json:"readReceipts,omitempty"`
	TypingShown  *bool `json:"typingShown,omitempty"`
}

// SetFolder makes a folder of chats, or says which chats are in one that there is; without any the
// folder is removed. A chat may be in several. ErrFoldersFull over FoldersMax folders or FolderChatsMax chats.
type SetFolder struct {
	Name  string   `json:"name"` // at most FolderNameBytesMax
	Chats []string `json:"chats,omitempty"`
	// As gives a folder that there is another name; Chats does not count then. With one that has this
	// name already it becomes one. ErrBadArguments when there is no folder Name.
	As string `json:"as,omitempty"`
}

// SetChat says how a chat stands in one's own list, on all of one's devices; nil fields stay.
// ErrChatsPinned over ChatPinsMax.
type SetChat struct {
	Chat string `json:"chat"`
	// Muted: no sound until then, ms since 1970; -1 for ever, 0 not any more.
	Muted *int64 `json:"muted,omitempty"`
	// Archived puts it apart. A message brings it back, unless it is muted.
	Archived *bool `json:"archived,omitempty"`
	Pinned   *bool `json:"pinned,omitempty"`
	// Unread marks it as unread; MarkRead takes the mark away, too.
	Unread *bool `json:"unread,omitempty"`
}

// Hide deletes messages for oneself, on all of one's devices: others keep them. At most HideMax at once.
type Hide struct {
	Chat     string   `json:"chat"`
	Messages []string `json:"messages"`
}

// GetEdits asks for the texts that a message had. Result: Edits.
type GetEdits struct {
	Chat    string `json:"chat"`
	Message string `json:"message"`
}

// Search looks for messages, newest first, in one chat or in all. Every word of Query has to begin a
// word of the text or of a file's name, in any order, as its reader would take it: without regard to
// case, marks, and ways to write a letter. Without Query all that fits the rest is found. Result: Results.
// A search that takes longer than some milliseconds goes on with Cursor, also where it has found nothing yet.
type Search struct {
	Query string `json:"query,omitempty"` // at most QueryBytesMax
	Chat  string `json:"chat,omitempty"`
	From  string `json:"from,omitempty"` // person id
	Kind  string `json:"kind,omitempty"` // "photo", "video", "voice", "file", "link"
	// After and Before bound the time, ms since 1970: After <= At < Before.
	After  int64  `json:"after,omitempty"`
	Before int64  `json:"before,omitempty"`
	Limit  int    `json:"limit,omitempty"`  // hits of one answer, at most HitsMax (0 = 50)
	Cursor string `json:"cursor,omitempty"` // Results.Next of the answer before, to the same question
}

// DayIndex asks where in a chat the first message of a day or a later one stands: Day is when the day
// begins where the person is, ms since 1970. Result: Place.
type DayIndex struct {
	Chat string `json:"chat"`
	Day  int64  `json:"day"`
}

// GetStorage asks what the files kept here take. Result: Storage.
type GetStorage struct{}

// ClearFiles drops what is kept here of files: of one chat, or of all without Chat, that are older than
// Before, ms since 1970 (0: all). They can be fetched again while the server has them; what is not sent
// yet stays. Result: Cleared.
type ClearFiles struct {
	Chat   string `json:"chat,omitempty"`
	Before int64  `json:"before,omitempty"`
}

func (SendNow) command()       {}
func (SetChat) command()       {}
func (Hide) command()          {}
func (GetEdits) command()      {}
func (Search) command()        {}
func (DayIndex) command()      {}
func (GetStorage) command()    {}
func (ClearFiles) command()    {}
func (Join) command()          {}
func (CheckLink) command()     {}
func (Invite) command()        {}
func (GetState) command()      {}
func (SendText) command()      {}
func (Edit) command()          {}
func (Delete) command()        {}
func (React) command()         {}
func (MarkRead) command()      {}
func (Typing) command()        {}
func (SetDraft) command()      {}
func (Retry) command()         {}
func (Discard) command()       {}
func (Fetch) command()         {}
func (Stop) command()          {}
func (NewGroup) command()      {}
func (SetGroup) command()      {}
func (AddMembers) command()    {}
func (RemoveMember) command()  {}
func (Leave) command()         {}
func (GetMembers) command()    {}
func (Sync) command()          {}
func (SetName) command()       {}
func (SetSettings) command()   {}
func (SetFolder) command()     {}
func (SetRole) command()       {}
func (SetVanish) command()     {}
func (Forward) command()       {}
func (SendPoll) command()      {}
func (Vote) command()          {}
func (ClosePoll) command()     {}
func (Pin) command()           {}
func (GroupInvite) command()   {}
func (GetLinks) command()      {}
func (RevokeLink) command()    {}
func (GetKnocks) command()     {}
func (Answer) command()        {}
func (Unban) command()         {}
func (MoveChat) command()      {}
func (GetDevices) command()    {}
func (LinkDevice) command()    {}
func (AddDevice) command()     {}
func (ConfirmDevice) command() {}
func (NameDevice) command()    {}
func (RemoveDevice) command()  {}
func (MakeWords) command()     {}
func (KeepWords) command()     {}
func (Recover) command()       {}

// Joined answers Join and NewGroup. Chat is empty for a server's own link.
type Joined struct {
	Chat string `json:"chat,omitempty"`
}

// LinkInfo answers CheckLink.
type LinkInfo struct {
	Origin string `json:"origin"`
	Person bool   `json:"person"`           // leads to a person, not only to a server
	Group  bool   `json:"group,omitempty"`  // leads into a group
	Device bool   `json:"device,omitempty"` // is for linking a device: AddDevice
}

// InviteLink answers Invite and GroupInvite. Until is the last day, 2006-01-02; Uses 0: no bound.
type InviteLink struct {
	ID    string `json:"id,omitempty"` // for RevokeLink
	Link  string `json:"link"`
	Uses  int    `json:"uses"`
	Until string `json:"until"`
}

// Sent answers SendText and SendPoll with the new message's id.
type Sent struct {
	Message string `json:"message"`
}

// Members answers GetMembers.
type Members struct {
	Members []Member `json:"members"`
	Total   int      `json:"total"` // that fit the query
}

// Links answers GetLinks.
type Links struct {
	Links []LinkState `json:"links"`
}

// LinkState is a link that stands.
type LinkState struct {
	ID      string `json:"id"`
	Link    string `json:"link"`
	Uses    int    `json:"uses"`  // granted; 0: no bound
	Used    int    `json:"used"`  // as far as is known here
	Until   string `json:"until"` // the last day
	Approve bool   `json:"approve,omitempty"`
	By      string `json:"by,omitempty"` // who made it, name
}

// Knocks answers GetKnocks.
type Knocks struct {
	Knocks []Knock `json:"knocks"`
}

// Knock is somebody who waits to be let in.
type Knock struct {
	Person string `json:"person"`
	Name   string `json:"name"`
	At     int64  `json:"at"` // ms since 1970, by the clock here
}

// Devices answers GetDevices.
type Devices struct {
	Devices []Device `json:"devices"`
}

// Device is one of one's devices. Active is the day it was last seen at work, 2006-01-02; only
// one's own devices learn it.
type Device struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	This   bool   `json:"this"`
	Added  string `json:"added"`
	Active string `json:"active"`
}

// DeviceLink answers LinkDevice.
type DeviceLink struct {
	Link string `json:"link"`
}

// Words answers MakeWords.
type Words struct {
	Words []string `json:"words"`
}

// Done answers commands that have nothing to say.
type Done struct{}

// Edits answers GetEdits: the texts that a message had, oldest first, the one that stands last; at most
// EditsMax, the first among them.
type Edits struct {
	Edits []EditState `json:"edits"`
}

// EditState is what a message said from a time on, ms since 1970.
type EditState struct {
	Text string `json:"text"`
	At   int64  `json:"at"`
}

// Results answers Search. With Next the search goes on: Hits may be few, or none, till then.
type Results struct {
	Hits []Hit  `json:"hits"`
	Next string `json:"next,omitempty"`
}

// Hit is a message that was found. Start and Length are the first found word in its text, in UTF-16
// units; both are 0 where it was found by something else.
type Hit struct {
	Message Message `json:"message"`
	Start   int     `json:"start"`
	Length  int     `json:"length"`
}

// Place answers DayIndex: 0 when there is nothing so new. The page that begins there ends below
// Index plus its length.
type Place struct {
	Index uint64 `json:"index"`
}

// Storage answers GetStorage, in bytes: the largest chats first. Total is of all files, Texts what
// everything else takes.
type Storage struct {
	Total int64         `json:"total"`
	Texts int64         `json:"texts"`
	Chats []ChatStorage `json:"chats"`
}

// ChatStorage is what the files of a chat take that are kept here.
type ChatStorage struct {
	Chat  string `json:"chat"`
	Bytes int64  `json:"bytes"`
	Files int    `json:"files"`
}

// Cleared answers ClearFiles. More: there are others, ask again.
type Cleared struct {
	Bytes int64 `json:"bytes"`
	Files int   `json:"files"`
	More  bool  `json:"more,omitempty"`
}

func (Edits) result()      {}
func (Results) result()    {}
func (Place) result()      {}
func (Storage) result()    {}
func (Cleared) result()    {}
func (Joined) result()     {}
func (LinkInfo) result()   {}
func (InviteLink) result() {}
func (Sent) result()       {}
func (Members) result()    {}
func (Done) result()       {}
func (Links) result()      {}
func (Knocks) result()     {}
func (Devices) result()    {}
func (DeviceLink) result() {}
func (Words) result()      {}
func (State) result()      {}

// Limits of commands.
const (
	// CommandsKept is how many done commands are remembered, so that a repeat does nothing.
	CommandsKept = 256
	// PreviewBytesMax bounds a photo's preview, PictureBytesMax a group's picture.
	PreviewBytesMax = 600
	PictureBytesMax = 3000
	// FilesMax bounds the files of one message.
	FilesMax = 10
	// VanishMin and VanishMax bound a chat's timer, in seconds.
	VanishMin = 60
	VanishMax = 31536000
	// ForwardMax bounds the messages that one Forward makes.
	ForwardMax = 200
	// PollTextBytesMax and so on bound a poll.
	PollTextBytesMax   = 300
	PollOptionsMax     = 12
	PollOptionBytesMax = 100
	// AboutBytesMax bounds a group's description, PinsMax its pinned messages.
	AboutBytesMax = 1000
	PinsMax       = 10
	// DevicesMax bounds one's devices; in a group of more than 256 leaves at most four of them.
	DevicesMax = 12
	// ChatPinsMax bounds the chats that stand on top, ScheduledMax the messages of a chat that wait for
	// their time, ScheduleDaysMax how far ahead that is.
	ChatPinsMax     = 20
	ScheduledMax    = 100
	ScheduleDaysMax = 366
	// HideMax bounds the messages of one Hide, EditsMax the texts of one message that are shown.
	HideMax  = 100
	EditsMax = 20
	// QueryBytesMax bounds what is searched for, HitsMax the hits of one answer.
	QueryBytesMax = 256
	HitsMax       = 100
)
