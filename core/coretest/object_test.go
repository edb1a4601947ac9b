package coretest_test

import (
	"bytes"
	"testing"

	"paperplane/core"
	"paperplane/core/coretest"
	"paperplane/protocol/caps"
	"paperplane/protocol/plane"
	"paperplane/protocol/wire"
)

// TestObjects: what a machine asks of its driver for bytes in memory, here as in package client.
func TestObjects(t *testing.T) {
	w := coretest.New(t)
	c := w.Client("a")
	dial := core.Dial{Server: w.Server.ID} // the machine knows no server and hangs up each time
	var got []core.Object
	w.Step = func(_ *coretest.Client, in core.Input, _ []core.Effect) {
		if o, ok := in.(core.Object); ok {
			got = append(got, o)
		}
	}
	const chunk = plane.BlobChunkBytes
	secret, data := [16]byte{1}, bytes.Repeat([]byte{7, 8, 9}, chunk/2)
	blob := caps.NewBlobID(secret)
	liar := func(_ *coretest.Client, r wire.Request) wire.Answer {
		if p, ok := r.(wire.BlobPart); ok && p.Offset == 3 {
			return wire.BlobData{Data: []byte{1}}
		}
		if p, ok := r.(wire.BlobPart); ok && p.Offset == 4 {
			return wire.Done{Code: plane.Failed}
		}
		return nil
	}
	for _, x := range []struct {
		what string
		e    core.Effect
		code plane.Code
		data []byte
	}{
		{"get before the put", core.GetObject{Server: w.Server.ID, Blob: blob}, plane.Refused, nil},
		{"put nothing", core.PutObject{Server: w.Server.ID, Secret: secret}, plane.TooLarge, nil},
		{"put the most", core.PutObject{Server: w.Server.ID, Secret: [16]byte{2}, Data: make([]byte, core.ObjectBytesMax)}, plane.OK, nil},
		{"put more", core.PutObject{Server: w.Server.ID, Secret: [16]byte{3}, Data: make([]byte, core.ObjectBytesMax+1)}, plane.TooLarge, nil},
		{"put", core.PutObject{Server: w.Server.ID, Secret: secret, Data: data}, plane.OK, nil},
		{"put other bytes", core.PutObject{Server: w.Server.ID, Secret: secret, Data: data[1:]}, plane.OK, nil},
		{"put another count", core.PutObject{Server: w.Server.ID, Secret: secret, Data: data[:1]}, plane.Refused, nil},
		{"get a part", core.GetObject{Server: w.Server.ID, Blob: blob, Offset: chunk - 1, Length: 3}, plane.OK, data[chunk-1 : chunk+2]},
		{"get all", core.GetObject{Server: w.Server.ID, Blob: blob}, plane.OK, append(data[:len(data):len(data)], make([]byte, 2*chunk-len(data))...)},
		{"get past the end", core.GetObject{Server: w.Server.ID, Blob: blob, Offset: 2*chunk - 1, Length: 2}, plane.Refused, nil},
		{"get too much", core.GetObject{Server: w.Server.ID, Blob: blob, Length: core.ObjectBytesMax + 1}, plane.TooLarge, nil},
		{"a liar's bytes", core.GetObject{Server: w.Server.ID, Blob: blob, Offset: 3, Length: 1}, plane.OK, []byte{1}},
		{"a refusal", core.GetObject{Server: w.Server.ID, Blob: blob, Offset: 4, Length: 1}, plane.Failed, nil},
	} {
		got = nil
		w.Server.Refuse = liar
		c.Carry(dial)
		c.Carry(x.e)
		w.Run()
		if len(got) != 1 || got[0].Code != x.code || !bytes.Equal(got[0].Data, x.data) {
			t.Errorf("%s: got %d reports, %v, want code %d and %d bytes", x.what, len(got), got, x.code, len(x.data))
		}
	}

	// What waits for the server survives a lost connection, and not a crash or a Cancel.
	got = nil
	c.SetOffline(true)
	w.Run()
	c.Carry(core.GetObject{ID: "stays", Server: w.Server.ID, Blob: blob, Length: 1})
	c.Carry(core.GetObject{ID: "cancelled", Server: w.Server.ID, Blob: blob, Length: 1})
	c.Carry(core.Cancel{ID: "cancelled"})
	w.Run()
	c.SetOffline(false)
	c.Carry(dial)
	w.Run()
	if len(got) != 1 || got[0].ID != "stays" || got[0].Code != plane.OK {
		t.Errorf("after a lost connection: got %v, want one report", got)
	}
	got = nil
	c.SetOffline(true)
	c.Carry(core.GetObject{ID: "dies", Server: w.Server.ID, Blob: blob, Length: 1})
	c.Crash()
	c.SetOffline(false)
	c.Carry(dial)
	w.Run()
	if len(got) != 0 {
		t.Errorf("after a crash: got %v, want nothing", got)
	}
}
