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
	ErrBadLink      ErrCode = "bad-link"       // damaged or cut off: ask for the link again
	ErrLinkVersion  ErrCode = "link-version"   // from a newer app: update
	ErrLinkUsedUp   ErrCode = "link-used-up"   // used up or expired: ask for a new one
	ErrLinkSelf     ErrCode = "link-self"      // one's own link: give it to somebody else
	ErrServerKey    ErrCode = "server-key"     // the server shows another key: do not go on; ask
	ErrNameEmpty    ErrCode = "name-empty"     // type a name
	ErrNameLong     ErrCode = "name-long"      // shorter, please
	ErrNameBad      ErrCode = "name-bad"       // has characters that would mislead: remove them
	ErrTextEmpty    ErrCode = "text-empty"     // nothing to send
	ErrTextLong     ErrCode = "text-long"      // send it as a file
	ErrFileLarge    ErrCode = "file-large"     // over the server's limit
	ErrNoAccount    ErrCode = "no-account"     // open an invite link first
	ErrNoChat       ErrCode = "no-chat"        // no such conversation
	ErrNoMessage    ErrCode = "no-message"     // no such message
	ErrNotAllowed   ErrCode = "not-allowed"    // only admins, or only the author; or somebody to add is met on another server only
	ErrGroupFull    ErrCode = "group-full"     // plane.GroupMembersMax reached
	ErrLeft         ErrCode = "left"           // one is no longer a member
	ErrOffline      ErrCode = "offline"        // this needs the server; it is away
	ErrDiskFull     ErrCode = "disk-full"      // free some space; nothing was lost
	ErrBusyElse     ErrCode = "busy-elsewhere" // another tab or process has the account open
	ErrInternal     ErrCode = "internal"       // a bug of ours
	ErrUnknown      ErrCode = "unknown-command"
	ErrBadArguments ErrCode = "bad-arguments"
)

// Join opens an invite link and, where there is no account yet, makes one with Name.
// Result: Joined, as soon as everything is saved; the conversation appears at once and its
// messages go out when the server answers.
type Join struct {
	Link string `json:"link"`
	Name string `json:"name"`
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
}

// Edit replaces the text of one's own message.
type Edit struct {
	Chat    string `json:"chat"`
	Message string `json:"message"`
	Text    string `json:"text"`
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

// NewGroup makes a group with contacts (by chat id). Result: Joined with the new chat.
type NewGroup struct {
	Name    string   `json:"name"`
	Members []string `json:"members"`
	Picture []byte   `json:"picture,omitempty"` // JPEG, at most PictureBytesMax
}

// SetGroup changes name and picture; empty fields stay.
type SetGroup struct {
	Chat    string `json:"chat"`
	Name    string `json:"name,omitempty"`
	Picture []byte `json:"picture,omitempty"`
}

// AddMembers adds contacts to a group; RemoveMember removes one; Leave leaves.
type AddMembers struct {
	Chat    string   `json:"chat"`
	Members []string `json:"members"`
}

// RemoveMember removes a member (by person id) from a group.
type RemoveMember struct {
	Chat   string `json:"chat"`
	Person string `json:"person"`
}

// Leave leaves a group; its history stays readable here.
type Leave struct {
	Chat string `json:"chat"`
}

// GetMembers lists a chat's members. Result: Members.
type GetMembers struct {
	Chat string `json:"chat"`
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

func (Join) command()         {}
func (CheckLink) command()    {}
func (Invite) command()       {}
func (GetState) command()     {}
func (SendText) command()     {}
func (Edit) command()         {}
func (Delete) command()       {}
func (React) command()        {}
func (MarkRead) command()     {}
func (Typing) command()       {}
func (SetDraft) command()     {}
func (Retry) command()        {}
func (Discard) command()      {}
func (Fetch) command()        {}
func (Stop) command()         {}
func (NewGroup) command()     {}
func (SetGroup) command()     {}
func (AddMembers) command()   {}
func (RemoveMember) command() {}
func (Leave) command()        {}
func (GetMembers) command()   {}
func (Sync) command()         {}
func (SetName) command()      {}
func (SetSettings) command()  {}

// Joined answers Join and NewGroup. Chat is empty for a server's own link.
type Joined struct {
	Chat string `json:"chat,omitempty"`
}

// LinkInfo answers CheckLink.
type LinkInfo struct {
	Origin string `json:"origin"`
	Person bool   `json:"person"` // leads to a person, not only to a server
}

// InviteLink answers Invite. Until is a date, 2006-01-02.
type InviteLink struct {
	Link  string `json:"link"`
	Uses  int    `json:"uses"`
	Until string `json:"until"`
}

// Sent answers SendText with the new message's id.
type Sent struct {
	Message string `json:"message"`
}

// Members answers GetMembers.
type Members struct {
	Members []Member `json:"members"`
}

// Done answers commands that have nothing to say.
type Done struct{}

func (Joined) result()     {}
func (LinkInfo) result()   {}
func (InviteLink) result() {}
func (Sent) result()       {}
func (Members) result()    {}
func (Done) result()       {}
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
)
