package convo

import (
	"crypto/hmac"
	"crypto/sha256"

	"paperplane/mls"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/seal"
)

// Pages of a large group's tree (spec/pages.md) as blobs. Which blob and under which key follows
// from the group's tree key and the page's hash: so every member finds it, from the tree hash of an
// epoch down, and the same page is the same blob in all epochs. Whoever makes a commit puts the pages
// that are new.

// Page names a page of the tree and where it is.
type Page struct {
	Index  int
	Secret [16]byte // of its blob
	key    seal.BlobKey
}

// Blob returns the blob's id.
func (p *Page) Blob() plane.BlobID { return caps.NewBlobID(p.Secret) }

func (c *Convo) page(i int, hash []byte) Page { return pageOf(c.state.TreeKey, i, hash) }

func pageOf(tree [32]byte, i int, hash []byte) Page {
	sum := func(label string) []byte {
		h := hmac.New(sha256.New, tree[:])
		h.Write([]byte(label))
		h.Write(hash)
		return h.Sum(nil)
	}
	key, _ := seal.BlobKeyFromBytes(sum("pp page key v1"))
	return Page{Index: i, Secret: [16]byte(sum("pp page blob v1")), key: key}
}

// TreePages are the pages of one epoch's tree, to be put. It never changes.
type TreePages struct {
	List []Page
	tree *mls.SavedTree
}

// TreePages returns the pages of the current epoch's tree, from the leaves up; nil where there is
// nothing to put: in a group that is not sliced or has no tree key yet, and for a light member.
func (c *Convo) TreePages() *TreePages {
	if !c.g.Sliced() || c.light != nil || c.state.TreeKey == [32]byte{} {
		return nil
	}
	t := &TreePages{tree: c.g.SavedTree()}
	t.tree.Pages(func(i int, hash []byte) { t.List = append(t.List, c.page(i, hash)) })
	return t
}

// newPages returns the pages of the tree to which an own commit leads that are not in this epoch's; nil
// where there are none. key is the tree key of the new state.
func (c *Convo) newPages(p *mls.Pending, key [32]byte) *TreePages {
	if !p.Next.Sliced() || key == [32]byte{} {
		return nil
	}
	have := map[string]bool{}
	note := func(_ int, hash []byte) { have[string(hash)] = true }
	t := &TreePages{tree: p.Tree}
	if c.light != nil {
		c.up.EachPage(note)
	} else {
		t.tree = p.Next.SavedTree()
		if c.g.Sliced() && c.state.TreeKey == key {
			c.g.SavedTree().Pages(note)
		}
	}
	t.tree.Pages(func(i int, hash []byte) {
		if !have[string(hash)] {
			t.List = append(t.List, pageOf(key, i, hash))
		}
	})
	if len(t.List) == 0 {
		return nil
	}
	return t
}

// Sealed returns what goes into the blob of a page of List.
func (t *TreePages) Sealed(p *Page) []byte {
	b, err := seal.SealChunk(p.key, 0, 1, t.tree.Page(p.Index))
	if err != nil {
		return nil // larger than any page of our leaves
	}
	return b
}

// upgradeFollows bounds the commits that come in while the pages are fetched: after more of them
// an upgrade begins anew.
const upgradeFollows = 1024

// upgrading is a light member on its way to the tree. It is not stored.
type upgrading struct {
	*mls.Upgrade
	sure map[uint32]seen2
	keys []byte // of the path of the commit that is judged
	n    int
	// Of one that is for a commit with some pages: these, by their hashes, for the next attempt.
	few map[string][]byte
}

// seen2 is a leaf whose credential was checked.
type seen2 struct {
	key, identity string
	person        plane.PublicKey
}

// Upgrading reports whether pages are being fetched.
func (c *Convo) Upgrading() bool { return c.up != nil }

// BeginUpgrade begins to fetch the tree of the current epoch. Only between records: not while a
// commit is Held.
func (c *Convo) BeginUpgrade() bool {
	if c.light == nil || c.held != nil || c.state.TreeKey == [32]byte{} {
		return false
	}
	u, err := mls.NewUpgrade(c.g)
	if err != nil {
		return false
	}
	c.up = &upgrading{Upgrade: u, sure: map[uint32]seen2{}}
	return true
}

// EndUpgrade gives up: what was fetched is forgotten.
func (c *Convo) EndUpgrade() { c.up = nil }

// MissingPages returns the pages to be fetched next; those below them are known later. None: Finish.
func (c *Convo) MissingPages() (list []Page) {
	if c.up == nil {
		return nil
	}
	for _, i := range c.up.Missing() {
		list = append(list, c.page(i, c.up.PageHash(i)))
	}
	return list
}

// PutPage takes what a page's blob holds; it checks at most 64 leaves. False: it is not that page,
// or one with something in it that no member may have.
func (c *Convo) PutPage(p Page, sealed []byte) bool {
	if c.up == nil || len(sealed) < plane.BlobChunkBytes {
		return false
	}
	b, err := seal.OpenChunk(p.key, 0, 1, sealed[:plane.BlobChunkBytes])
	if err != nil || !c.put(p.Index, b) {
		return false
	}
	if c.up.few != nil && len(c.up.few) < fewPagesMax {
		c.up.few[string(c.up.PageHash(p.Index))] = b
	}
	return true
}

// put puts a page that was opened.
func (c *Convo) put(i int, b []byte) bool {
	if c.up.Put(i, b) != nil {
		return false
	}
	for _, m := range c.up.Members(i) {
		who, err := c.identify(m.Credential.Identity(), m.SignatureKey)
		if err != nil || m.LeafBytes > leafBytesMax {
			return false
		}
		c.up.sure[m.Index] = seen2{string(m.SignatureKey), string(m.Credential.Identity()), who}
	}
	return true
}

// followUp tells an upgrade of a commit.
func (c *Convo) followUp(r mls.CommitReceived) {
	u := c.up
	if u == nil {
		return
	}
	keys := u.keys
	u.keys = nil
	if n := u.Keys(r).Len; len(keys) != n {
		keys = nil
	}
	if u.n++; u.n > upgradeFollows || u.Follow(r, keys) != nil {
		c.up = nil
	}
}

// FinishUpgrade makes this a full member. False: the upgrade has come to nothing, and this member
// stays light.
func (c *Convo) FinishUpgrade() bool {
	u := c.up
	c.up = nil
	if u == nil || !u.Done() || c.held != nil {
		return false
	}
	g, err := u.Finish(c.g)
	if err != nil {
		return false
	}
	who := roster{count: map[plane.PublicKey]int{}, mandates: map[uint32]caps.Mandate{}}
	for _, m := range g.Members() {
		key, id := string(m.SignatureKey), string(m.Credential.Identity())
		s := u.sure[m.Index]
		if s.key != key || s.identity != id {
			if s.person, err = c.identify(m.Credential.Identity(), m.SignatureKey); err != nil || m.LeafBytes > leafBytesMax {
				return false
			}
		}
		who.put(m.Index, s.person)
		who.setMandate(m.Index, m.Credential.Identity())
	}
	c.g, c.who, c.light = g, who, nil
	c.dirty.epoch = true
	return true
}
