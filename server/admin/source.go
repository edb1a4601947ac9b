package admin

import (
	"context"

	"paperplane/protocol/plane"
	"paperplane/server"
	"paperplane/server/blob"
	"paperplane/server/store"
)

// Source is an open data folder with its stores: what is looked at, checked and copied. The
// program that wires the implementations fills it in.
type Source struct {
	Folder *Folder
	Store  store.Log
	Blobs  blob.Store
	Config Config
	// Server is set while the folder is served; whatever needs stillness asks it.
	Server *server.Server
}

// still runs f while nothing changes.
func (s *Source) still(ctx context.Context, f func() error) error {
	if s.Server != nil {
		return s.Server.Quiesce(ctx, f)
	}
	if err := s.Store.Settle(ctx); err != nil {
		return err
	}
	if err := s.Folder.Tables.Tidy(true); err != nil {
		return err
	}
	return f()
}

// verifier is an extra ability of a store: to read all it holds and compare checksums.
type verifier interface {
	Verify(ctx context.Context) error
}

// pageRecords is how many records are read at once.
const pageRecords = 256

// records calls f with each record of a log.
func (s *Source) records(ctx context.Context, id plane.LogID, f func(store.Record) error) error {
	for from := plane.Seq(1); ; {
		page, err := s.Store.Read(ctx, id, from, pageRecords)
		if err != nil {
			return err
		}
		for _, r := range page {
			if err := f(r); err != nil {
				return err
			}
			from = r.Seq + 1
		}
		if len(page) < pageRecords {
			return nil
		}
	}
}
