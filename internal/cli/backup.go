package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"syscall"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/store"
)

type backupCmd struct {
	remote
	placement
	File string `arg:"" help:"File to write; it must not exist."`
}

// at returns where a database is; ok is false where nothing says so.
func (p placement) at() (o store.Options, ok bool) {
	switch {
	case p.DatabaseURL != "":
		return store.Options{DatabaseURL: p.DatabaseURL}, true
	case p.Data != "":
		return store.Options{Path: filepath.Join(p.Data, "threatloop.db")}, true
	}
	return o, false
}

// Run writes a backup: of the given database, also while a server uses it, or
// without one over the server.
func (c *backupCmd) Run(ctx context.Context, env *Env) error {
	o, direct := c.at()
	var err error
	if direct {
		err = backupDirect(ctx, o, c.File)
	} else {
		err = c.download(ctx)
	}
	if err != nil {
		return err
	}
	info, err := os.Stat(c.File)
	if err != nil {
		return fileFault(err)
	}
	_, err = fmt.Fprintf(env.Stdout, "%s: %s; the keys that open stored credentials are not in it: keep a copy of the key file apart\n", c.File, size(info.Size()))
	return err
}

func backupDirect(ctx context.Context, o store.Options, file string) (err error) {
	o.ReadOnly = true
	db, err := store.Open(ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return db.Backup(ctx, file)
}

// download fetches a backup from the server; the file has its name only when it is whole.
func (c *backupCmd) download(ctx context.Context) (err error) {
	cl, err := c.client()
	if err != nil {
		return withHint(err, "give --data or --database-url to back a database up directly, or a token of an administrator to do it over the server")
	}
	if _, err := os.Lstat(c.File); err == nil {
		return fault.New(fault.Conflict, "backup.exists", "there is a file %s already; give the backup another name", c.File)
	}
	partial := c.File + ".partial"
	f, err := os.OpenFile(partial, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fileFault(err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(partial))
		}
	}()
	err = cl.Do(ctx, http.MethodPost, "/backup", nil, f)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(partial, c.File)
}

type restoreCmd struct {
	placement
	File string `arg:"" help:"Backup to restore."`
}

// Run makes a new database from a backup.
func (c *restoreCmd) Run(ctx context.Context, env *Env) error {
	o, ok := c.at()
	if !ok {
		return usage(errors.New("say where to: --data or --database-url"))
	}
	info, err := os.Stat(c.File)
	if err == nil && info.IsDir() {
		err = &os.PathError{Op: "read", Path: c.File, Err: syscall.EISDIR}
	}
	if err != nil {
		return fileFault(err)
	}
	if c.DatabaseURL == "" {
		if err := os.MkdirAll(c.Data, 0o700); err != nil {
			return fileFault(err)
		}
	}
	if err := store.Restore(ctx, o, c.File); err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, "restored from %s; stored credentials open only with the key file that they were sealed with\n", c.File)
	return err
}
