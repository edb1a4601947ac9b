package convo

// OwnKeys returns the signature keys of the other leaves of one's own person, by leaf.
func (c *Convo) OwnKeys() map[uint32]string {
	keys := map[uint32]string{}
	for _, leaf := range c.of(c.Own()) {
		if m, err := c.g.Member(leaf); err == nil && leaf != c.g.OwnIndex() {
			keys[leaf] = string(m.SignatureKey)
		}
	}
	return keys
}

// OwnKey returns the signature key of one's own leaf.
func (c *Convo) OwnKey() []byte {
	m, err := c.g.Member(c.g.OwnIndex())
	if err != nil {
		return nil
	}
	return m.SignatureKey
}

// RoomForDevice reports whether one more leaf of one's own person may come in.
func (c *Convo) RoomForDevice() bool {
	n := c.count(c.Own()) + 1
	return n <= DevicesMax && (c.who.leaves+1 <= plainLeavesMax || n <= devicesLarge) && c.who.leaves < LeavesMax
}
