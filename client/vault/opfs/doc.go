// Package opfs is a vault.Dir over the browser's Origin Private File System (GOOS=js).
//
// It needs a dedicated worker: only there do files have synchronous access handles. Reads,
// writes and syncs are plain calls; Open, Remove, Replace, List and Lock wait for promises and
// must not be called from inside a JavaScript callback, which would wait for itself.
//
// A handle is exclusive in the whole browser, so a File can be open only once, and the lock is
// simply a handle held on the file "lock"; it ends with the worker. The vault never replaces an
// existing file; Replace onto one removes it first where the browser does not overwrite, and is
// then not atomic.
//
// Private windows of some browsers refuse the file system: Open returns ErrUnavailable, and the
// caller goes on with mem and says on screen that nothing will be kept. A Dir is safe for
// concurrent use.
package opfs
