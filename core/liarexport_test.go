package core

import (
	"paperplane/core/convo"
	"paperplane/core/timeline"
	"paperplane/mls"
	"paperplane/protocol/canon"
	"paperplane/protocol/plane"
)

// Group is the MLS group of a chat as the liar's vault has it: a key to say anything with that a member
// can say, past all that its own client would refuse. get reads the vault, list names all of its keys.
func (l Liar) Group(chat string, get func(string) ([]byte, error), list []string) *mls.Group {
	pre := chatKey(chat, "v/")
	pages := map[string][]byte{}
	var deltas []mls.Delta
	for _, k := range list {
		if len(k) < len(pre) || k[:len(pre)] != pre {
			continue
		}
		v, err := get(k)
		if err != nil {
			panic(err)
		}
		pages[k[len(pre):]] = v
		if k[len(pre):][:2] == "d/" {
			deltas = append(deltas, mls.Delta{Key: k[len(pre)+2:], Value: v})
		}
	}
	g, err := mls.RestoreHead(pages["group"], func(key string) []byte { return pages["t/"+key] }, deltas)
	if err != nil {
		panic(err)
	}
	return g
}

// Stated is the list of extensions of g with another group state.
func (l Liar) Stated(chat string, g *mls.Group, edit func(*convo.State)) []mls.Extension {
	st := l.M.chats[chat].c.State()
	edit(&st)
	exts := g.Extensions()
	for i := range exts {
		if exts[i].Type == convo.StateExtension {
			exts[i].Data = canon.Encode(&st)
		}
	}
	if _, err := convo.ParseState(canon.Encode(&st)); err != nil {
		panic(err)
	}
	return exts
}

// Records puts an MLS message into what goes into the log.
func (l Liar) Records(chat string, msg []byte) [][]byte {
	b, err := l.M.chats[chat].c.Bodies(msg)
	if err != nil {
		panic(err)
	}
	return b
}

// Leaf is the place of somebody's device in the tree.
func (l Liar) Leaf(chat string, of Liar) uint32 {
	return l.M.chats[chat].c.LeavesOf(of.M.acc.person())[0]
}

// Me is the liar as a person in a group state.
func (l Liar) Me(st *convo.State, r convo.Role) { st.SetRole(l.M.acc.person(), r) }

// TreeAnswer is an answer to a knock that lets in with a tree in a blob that nobody has, by so many bytes more
// than the largest that is fetched; whole is one that comes with it.
func (l Liar) TreeAnswer(reply string, kem []byte, more int, whole []byte) [][]byte {
	log, _ := plane.ParseLogID(reply)
	p := pass{Tree: treeRef{Whole: whole, Blob: plane.BlobID{1}, Key: make([]byte, 32), Bytes: uint32(treeBytesMax + more)}}
	list, err := sealPass(kem, log, timeline.Encode(p))
	if err != nil {
		panic(err)
	}
	return list
}
