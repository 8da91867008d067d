package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/builtin"
	"github.com/threatloop/threatloop/internal/tracker/httpcore"
	"github.com/threatloop/threatloop/internal/tracker/jira"
)

// adapter is an opened connection; a change of the connection opens it anew.
type adapter struct {
	version int64
	tracker tracker.Tracker
}

// Tracker returns the adapter of a connection, with its credential opened.
func (a *App) Tracker(ctx context.Context, id string) (tracker.Tracker, error) {
	var conn store.Connection
	err := a.DB.Read(ctx, func(_ context.Context, tx *store.Tx) (err error) {
		conn, err = tx.Connection(id)
		return err
	})
	if err != nil {
		return nil, err
	}
	a.adapterMu.Lock()
	defer a.adapterMu.Unlock()
	if open, ok := a.adapters[id]; ok && open.version == conn.Version {
		return open.tracker, nil
	}
	t, err := a.connect(conn)
	if err != nil {
		return nil, err
	}
	a.adapters[id] = adapter{conn.Version, t}
	return t, nil
}

func (a *App) connect(conn store.Connection) (tracker.Tracker, error) {
	var s ConnectionSettings
	if err := json.Unmarshal([]byte(conn.Doc), &s); err != nil {
		return nil, fmt.Errorf("app: settings of connection %s: %w", conn.ID, err)
	}
	switch conn.Kind {
	case "builtin":
		o := builtin.Options{DB: a.DB, Connection: conn.ID, Clock: a.Now, Projects: s.Projects}
		if a.BaseURL != "" {
			o.URL = func(id string) string {
				return strings.TrimSuffix(a.BaseURL, "/") + "/board/" + conn.ID + "?ticket=" + url.QueryEscape(id)
			}
		}
		return builtin.New(o), nil
	case "jira":
		cred, err := a.openCredential(conn)
		if err != nil {
			return nil, err
		}
		t, err := jira.New(jira.Config{
			BaseURL: s.BaseURL, Flavour: jira.Flavour(s.Flavour), Email: s.Email, Token: cred.Token, PAT: cred.PAT, CloudID: s.CloudID,
			StoryPoints: s.StoryPoints, LinkType: s.LinkType,
			HTTP: httpcore.Config{AllowPrivate: a.AllowPrivate, UserAgent: "Threatloop", Timeout: a.Options.Tickets.AttemptFor, Now: a.Now, NewID: func() string { return a.id("req") }, Point: a.Point},
		})
		if err != nil {
			return nil, fault.Wrap(err, fault.Invalid, "connection.settings", "the settings of connection %s are not usable: %s", conn.Name, err.Error())
		}
		return t, nil
	default:
		return nil, fault.New(fault.Unsupported, "connection.kind", "this version has no adapter for %q", conn.Kind)
	}
}
