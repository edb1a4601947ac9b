package core

import "paperplane/protocol/plane"

// ArchiveSaid has another device say that a chat is archived, having read so many records more of it.
func ArchiveSaid(m *Machine, chat string, ahead int64) {
	log, err := plane.ParseLogID(chat)
	if err != nil {
		panic(err)
	}
	m.prefElsewhere(prefSaid{Log: log, Pref: prefArchived, Word: prefWord{Value: 1 + int64(m.chats[chat].Got) + ahead, At: 1}})
	m.prefElsewhere(prefSaid{Log: log, Pref: prefs, Word: prefWord{Value: 1, At: 2}}) // there is none such
}
