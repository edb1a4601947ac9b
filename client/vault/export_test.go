package vault

// SetFileMax lowers FileBytesMax for one vault, so that the limit can be tested.
func (v *Vault) SetFileMax(n int64) { v.fileMax = n }

// SetLogEnd pretends that the log has this length already.
func (v *Vault) SetLogEnd(n int64) { v.seg.end = n }

// SegmentMax is the longest log.
const SegmentMax = segmentMax
