package mls

// SliceParts are pieces of Slices.
type SliceParts struct{ Keys, Proof, Slice []byte }

// NeedSlice x.
type NeedSlice struct{}

func (*NeedSlice) Error() string { return "" }

func (g *Group) introduce(a *authContent, parts *SliceParts) (*leafNode, error) {
	return nil, &UnknownSender{a.c.index}
}
