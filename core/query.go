package core

import "paperplane/core/timeline"

// query is one step of a search: all chats at once, newest first.
type query struct {
	f     *Finder
	r     Reader
	x     *Search
	kind  uint8
	limit int
	who   [32]byte
	words [][]byte // each behind a space
	books map[string]*book
	heap  []*findChat // those with a doc to look at, the newest on top
}

// first says whether a's doc comes before b's.
func (q *query) first(a, b *findChat) bool {
	d, e := a.doc(a.at), b.doc(b.at)
	return d.sort > e.sort || d.sort == e.sort && a.id < b.id
}

func (q *query) down(i int) {
	h := q.heap
	for {
		k := 2*i + 1
		if k >= len(h) {
			return
		}
		if k+1 < len(h) && q.first(h[k+1], h[k]) {
			k++
		}
		if !q.first(h[k], h[i]) {
			return
		}
		h[i], h[k] = h[k], h[i]
		i = k
	}
}

func (q *query) run(list []*findChat, last cursor, res *Results, more func() bool) error {
	for _, c := range list {
		if len(c.index)+len(c.ids) > 0 {
			if err := q.f.refresh(q.r, c); err != nil {
				return err
			}
		}
		if err := q.f.tails(q.r, c); err != nil {
			return err
		}
	}
	stop := func() { res.Next = last.String() }
	worked := false // something was done, so that the next call need not begin here
	for _, c := range list {
		for {
			ok, err := q.seek(c, last)
			if err != nil {
				return err
			}
			if ok {
				break
			}
			if worked && !more() {
				stop()
				return nil
			}
			worked = true
			if err := q.f.read(q.r, c); err != nil {
				return err
			}
		}
		if c.at < c.len() {
			q.heap = append(q.heap, c)
		}
	}
	for i := len(q.heap)/2 - 1; i >= 0; i-- {
		q.down(i)
	}
	for steps := 1; len(q.heap) > 0; steps++ {
		c := q.heap[0]
		d := c.doc(c.at)
		if hit, err := q.hit(c, d); err != nil {
			return err
		} else if hit != nil {
			res.Hits = append(res.Hits, *hit)
			worked = true
		}
		last = cursor{d.sort, c.id, d.index}
		c.at++
		for c.at >= c.len() && !c.done {
			if worked && !more() {
				stop()
				return nil
			}
			worked = true
			if err := q.f.read(q.r, c); err != nil {
				return err
			}
		}
		if c.at >= c.len() {
			n := len(q.heap) - 1
			q.heap[0] = q.heap[n]
			q.heap = q.heap[:n]
		}
		q.down(0)
		if len(q.heap) == 0 {
			return nil
		}
		if len(res.Hits) >= q.limit || steps%findStep == 0 && !more() {
			stop()
			return nil
		}
	}
	return nil
}

// seek puts a chat behind the cursor; false when that is not read yet.
func (q *query) seek(c *findChat, last cursor) (bool, error) {
	low, high := 0, c.len()
	for low < high {
		if mid := (low + high) / 2; last.behind(c.id, c.doc(mid)) {
			high = mid
		} else {
			low = mid + 1
		}
	}
	c.at = low
	return low < c.len() || c.done, nil
}

// hit looks at a doc, and reads what fits as it is now.
func (q *query) hit(c *findChat, d *findDoc) (*Hit, error) {
	if d.text == nil && !d.far || q.kind != 0 && d.kinds&q.kind == 0 ||
		d.at < q.x.After || q.x.Before != 0 && d.at >= q.x.Before || q.x.From != "" && q.f.names[q.who] != d.from {
		return nil, nil
	}
	if !d.far && !q.fits(d.text) {
		return nil, nil
	}
	x, err := timeline.At(q.r, c.id, d.index)
	if err != nil || x == nil || x.Deleted {
		return nil, err
	}
	if d.far && !q.fits(foldOf(nil, x)) {
		return nil, nil
	}
	b := q.books[c.id]
	if b == nil {
		if q.books == nil {
			q.books = map[string]*book{}
		}
		b = newBook(q.r, c.id)
		q.books[c.id] = b
	}
	msg, err := b.message(x.Entry)
	if err != nil {
		return nil, err
	}
	return &Hit{Message: msg}, nil
}

func (q *query) fits(text []byte) bool {
	for _, w := range q.words {
		if !contains(text, w) {
			return false
		}
	}
	return true
}

// contains says whether text has w, which begins with a space. (bytes.Index is 5 KB in the browser.)
func contains(text, w []byte) bool {
	for i := 0; i+len(w) <= len(text); i++ {
		if text[i] == ' ' && string(text[i:i+len(w)]) == string(w) {
			return true
		}
	}
	return false
}
