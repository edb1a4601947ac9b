package api

import (
	"context"
	"errors"
	"io"

	"paperplane/client"
	"paperplane/core"
)

// Core is an account's core as faces see it: in this process (*API) or in another one that has
// the account open (face/web.Remote).
type Core interface {
	// Call answers one call; both are as the package says.
	Call(ctx context.Context, request []byte) []byte
	// Listen hands out encoded events from now on, until stop or the core's end, when the channel
	// closes. A resync event says that some were missed.
	Listen() (events <-chan []byte, stop func())
	// PutFile stores a local file and returns its name for core.File.
	PutFile(ctx context.Context, r io.Reader) (ref string, size int64, err error)
	// OpenFile opens a local file.
	OpenFile(ctx context.Context, ref string) (io.ReadCloser, error)
}

var _ Core = (*API)(nil)

// Do calls cmd on a Core and decodes its answer. The error is *client.Error when the core refused.
func Do[R any](ctx context.Context, c Core, cmd string, args any) (R, error) {
	var res R
	encoded, err := marshal(args)
	if err != nil {
		return res, err
	}
	req, err := marshal(call{ID: client.NewCommandID(), Cmd: cmd, Args: encoded})
	if err != nil {
		return res, err
	}
	var ans struct {
		ID  string       `json:"id"`
		OK  raw          `json:"ok"`
		Err core.ErrCode `json:"err"`
	}
	if err := unmarshal(c.Call(ctx, req), &ans); err != nil {
		return res, errors.New("api: the core's answer cannot be read")
	}
	if ans.Err != "" {
		return res, &client.Error{Code: ans.Err}
	}
	if len(ans.OK) > 0 {
		err = unmarshal(ans.OK, &res)
	}
	return res, err
}

// Listen implements Core. A listener that falls behind gets a resync event and goes on.
func (a *API) Listen() (<-chan []byte, func()) {
	out := make(chan []byte, 64)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		defer close(out)
		l := a.c.Listen()
		defer func() { l.Close() }()
		put := func(b []byte) bool {
			select {
			case out <- b:
				return true
			case <-ctx.Done():
				return false
			}
		}
		for {
			select {
			case <-ctx.Done():
				return
			case e, ok := <-l.C:
				if ok {
					if !put(EncodeEvent(e)) {
						return
					}
					continue
				}
				select {
				case <-a.c.Done():
					return
				default:
				}
				l = a.c.Listen()
				if !put(ResyncEvent()) {
					return
				}
			}
		}
	}()
	return out, cancel
}

// PutFile implements Core.
func (a *API) PutFile(_ context.Context, r io.Reader) (string, int64, error) { return a.c.PutFile(r) }

// OpenFile implements Core.
func (a *API) OpenFile(_ context.Context, ref string) (io.ReadCloser, error) {
	f, err := a.c.OpenFile(ref)
	if err != nil {
		return nil, err
	}
	return &fileReader{SectionReader: io.NewSectionReader(f, 0, f.Size()), Closer: f}, nil
}

type fileReader struct {
	*io.SectionReader
	io.Closer
}
