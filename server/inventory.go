package server

// Column is one thing that a server holds, with the reason for holding it. The whole list is
// what "paperplane blank-sheet" prints by; a test compares it with the live schema and with the
// table in spec/threat.md, so that nothing is added without being accounted for (I01, I03).
type Column struct {
	Table   string `json:"table"`
	Name    string `json:"name"`
	Purpose string `json:"purpose"` // why it is held
	Life    string `json:"life"`    // the longest time that it is held
	Reads   string `json:"reads"`   // who can read it besides the operator
}

const (
	whileLog    = "until the log is deleted, or 13 months after it was last opened"
	whileGen    = "until the records of its generation have expired"
	whileDoor   = "until its last day"
	whileInbox  = "until replaced, or as the log"
	whileMember = "13 months after the member was last seen"
	whileServer = "as the server"
	nobody      = "nobody"
)

// Inventory lists all that a server holds. The caller owns the slice.
func Inventory() []Column {
	return []Column{
		{"log", "id", "names the log; follows from owner_pk", whileLog, "who was given it"},
		{"log", "owner_pk", "checks who rotates, changes or deletes the log", whileLog, nobody},
		{"log", "gen", "which generation of keys is the current one", whileLog, "who can open the log"},
		{"log", "ttl_days", "how long records are kept", whileLog, nobody},
		{"log", "opened_month", "finds logs that nobody uses any more", whileLog, nobody},
		{"log", "flags", "frozen; is an inbox", whileLog, nobody},
		{"cap", "id", "the log", whileGen, nobody},
		{"cap", "gen", "the generation", whileGen, nobody},
		{"cap", "read_pk", "checks who reads", whileGen, nobody},
		{"cap", "write_pk", "checks who appends", whileGen, nobody},
		{"cap", "last_seq", "the last record that an old generation may read", whileGen, nobody},
		{"door", "id", "the inbox", whileDoor, nobody},
		{"door", "door_pk", "checks who knocks; one for each invite link", whileDoor, nobody},
		{"door", "left", "how often the link may still be used", whileDoor, nobody},
		{"door", "until_day", "the last day of the link", whileDoor, nobody},
		{"card", "id", "the inbox", whileInbox, nobody},
		{"card", "part", "card, first and second half; last-resort key package", whileInbox, nobody},
		{"card", "body", "sealed: readable with the link only", whileInbox, "who holds a door of the inbox"},
		{"package", "id", "the inbox", whileInbox, nobody},
		{"package", "hash", "of the body: keeps one from being stored twice", whileInbox, nobody},
		{"package", "body", "sealed one-time key package; gone once fetched", whileInbox, "one who holds a door of the inbox"},
		{"member", "key", "checks who is a member; made for this server, and in no other table", whileMember, nobody},
		{"member", "joined_month", "the month in which the key became a member", whileMember, nobody},
		{"member", "seen_month", "finds members who are gone", whileMember, nobody},
		{"member", "class", "which allowance; always 1 in this version", whileMember, nobody},
		{"setting", "name", "1: mark of the server's key; 2: log of the front door", whileServer, nobody},
		{"setting", "value", "the setting", whileServer, nobody},
	}
}

// Held is what a server holds besides its tables.
type Held struct{ Name, Purpose, Life string }

// Files lists the rest of what is in a server's data folder.
func Files() []Held {
	return []Held{
		{"log/", "records: log id, number, sealed body of 1, 4 or 8 KiB, filed by day", "the log's ttl_days and a day"},
		{"blob/", "sealed chunks of 256 KiB, filed by day", "blob_days and a day, or until deleted"},
		{"server.key", "the private key that proves which server this is", whileServer},
		{"invite.txt", "the server's own first invite", "until used up or past its day"},
		{"acme/", "with --domain: the certificate and its private keys", "until renewed"},
		{"lock, admin", "which process has the folder open, and how its tools reach it", "while it runs"},
	}
}
