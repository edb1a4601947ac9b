package main

import (
	"context"
	"errors"
	"os"

	"paperplane/server/admin"
	"paperplane/server/blob/dir"
	"paperplane/server/store/embedded"
)

// folderOf opens a data folder that nobody serves; done frees it.
func folderOf(dataDir string, cfg admin.Config) (s *admin.Source, done func() error, err error) {
	f, err := admin.Open(dataDir)
	if err != nil {
		return nil, nil, err
	}
	s = &admin.Source{Folder: f, Config: cfg}
	l, err := embedded.Open(f.Path(admin.LogDir))
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	s.Store = l
	if err := os.MkdirAll(f.Path(admin.BlobDir), 0o700); err != nil {
		return nil, nil, errors.Join(err, l.Close(), f.Close())
	}
	b, err := dir.Open(f.Path(admin.BlobDir))
	if err != nil {
		return nil, nil, errors.Join(err, l.Close(), f.Close())
	}
	s.Blobs = b
	return s, func() error { return errors.Join(b.Close(), l.Close(), f.Close()) }, nil
}

// with runs one of two functions: with the process that serves the folder, or with the folder.
func with(ctx context.Context, dataDir string, cfg admin.Config, serving func(*admin.Serving) error, own func(*admin.Source) error) error {
	p, err := admin.FindServing(dataDir)
	if err != nil {
		return err
	}
	if p != nil {
		return serving(p)
	}
	s, done, err := folderOf(dataDir, cfg)
	if err != nil {
		return err
	}
	return errors.Join(own(s), done())
}
