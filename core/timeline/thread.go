package timeline

// A thread is a message with all that answers it, or one of its answers. Each answer is noted beside the message that
// it answers, whether that is here or not.
//
//	a/C/ID/c/ANSWER    the message ANSWER answers message ID

// ThreadMax bounds the messages of a thread that are found, and how far its beginning is looked for.
const ThreadMax = 1000

func answerKey(chat string, to, id ID) string { return noteKey(chat, to) + "c/" + id.Text() }

// Answers returns the ids of the messages of a thread that are here, without its first, at most ThreadMax.
func Answers(r Reader, chat string, root ID) (list []ID, err error) {
	seen := map[ID]bool{root: true}
	for i := -1; i < len(list) && err == nil; i++ {
		at := root
		if i >= 0 {
			at = list[i]
		}
		prefix := noteKey(chat, at) + "c/"
		err = scan(r, prefix, func(rest string, _ []byte) (bool, error) {
			id, ok := ParseID(rest)
			here, err := r.Get(IndexKey(chat, id))
			if ok && here != nil && !seen[id] {
				seen[id], list = true, append(list, id)
			}
			return len(list) < ThreadMax, err
		})
	}
	return list, err
}

// Root returns the first message of the thread in which e stands, which may not be here. known holds roots that were
// found before.
func Root(r Reader, chat string, e *Entry, known map[ID]ID) (ID, error) {
	var walked []ID
	at := e.ID
	for next := e.ReplyTo; next != nil && len(walked) < ThreadMax; {
		if k, ok := known[at]; ok {
			at = k
			break
		}
		walked = append(walked, at)
		at = *next
		p, err := Find(r, chat, at)
		if err != nil {
			return at, err
		}
		if next = nil; p != nil {
			next = p.ReplyTo
		}
	}
	for _, id := range walked {
		known[id] = at
	}
	return at, nil
}

// scan gives f the pairs below a prefix that ends in "/", each with what stands behind the prefix, until f has enough.
func scan(r Reader, prefix string, f func(rest string, value []byte) (more bool, err error)) error {
	for p, err := range r.Range(prefix, prefix[:len(prefix)-1]+"0", false) { // '0' follows '/'
		if err != nil {
			return err
		}
		more, err := f(p.Key[len(prefix):], p.Value)
		if !more || err != nil {
			return err
		}
	}
	return nil
}
