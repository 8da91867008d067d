package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/ticketing"
	"github.com/threatloop/threatloop/internal/tracker"
)

// movedSample is how many tickets are looked at to tell a tracker again.
const movedSample = 20

// site is where the tickets of a connection are.
func (s *ConnectionSettings) site() string {
	return strings.TrimRight(strings.ToLower(strings.TrimSpace(s.BaseURL)), "/") + " " + s.CloudID
}

// sameTracker refuses to take a connection with tickets to another tracker: a number
// there is the number of another ticket. A site that only got another address shows
// the tickets with our marks under their numbers; one that was moved (from Data
// Center to Cloud) does not. A stored credential was given for the address that it is
// sent to: it does not go to another one before somebody who has it says so.
func (a *App) sameTracker(ctx context.Context, c Caller, id string, in ConnectionInput) error {
	var links []store.TicketLink
	conn, err := query(ctx, a, c, policy.ConnectionManage, "", func(tx *store.Tx) (store.Connection, error) {
		conn, err := tx.Connection(id)
		if err != nil || conn.Kind == "builtin" || in.Kind != conn.Kind {
			return conn, err
		}
		var old ConnectionSettings
		if err := json.Unmarshal([]byte(conn.Doc), &old); err != nil {
			return conn, fmt.Errorf("app: connection %s: %w", id, err)
		}
		if old.site() == in.Settings.site() {
			return conn, nil
		}
		if in.Credential == nil || in.Credential.Token == "" && in.Credential.PAT == "" {
			return conn, fault.New(fault.Invalid, "connection.credential", "the credential was given for another address; enter it again").
				With("body.credential", "expected the token or password for %s", in.Settings.BaseURL)
		}
		links, err = tx.Links(store.LinkFilter{Connection: id, State: string(ticketing.LinkLive), Limit: movedSample})
		return conn, err
	})
	if err != nil || len(links) == 0 {
		return err
	}
	if err := a.fill(&conn, in); err != nil {
		return err
	}
	t, err := a.connect(conn)
	if err != nil {
		return err
	}
	if t, ok := t.(interface{ Close() }); ok {
		defer t.Close()
	}
	ids := make([]string, len(links))
	for i, l := range links {
		ids[i] = l.TicketID
	}
	slices.Sort(ids)
	shown, err := t.Get(ctx, slices.Compact(ids))
	if err != nil {
		return fault.Wrap(err, fault.Invalid, "connection.address", "the tickets cannot be read at the new address: %s", tracker.AsError(err).Error()).
			With("body.settings.base_url", "expected another address of the same tracker, and a credential that holds there")
	}
	if !recognised(links, shown) {
		return fault.New(fault.Conflict, "connection.moved", "this is another tracker, or one whose tickets got other numbers: the tickets of this connection are not there. "+
			"Delete the connection and make a new one; it finds the tickets by our mark in them").With("body.settings.base_url", "expected another address of the same tracker")
	}
	return nil
}

// recognised reports whether tickets are those of the links: some of them are there,
// and none of those that are there is another one.
func recognised(links []store.TicketLink, shown []tracker.Ticket) bool {
	some := false
	for _, l := range links {
		i := slices.IndexFunc(shown, func(t tracker.Ticket) bool { return t.ID == l.TicketID })
		if i < 0 {
			continue // deleted, or hidden from us
		}
		if some = true; l.Own && !slices.Contains(shown[i].Markers, l.Marker) || !l.Own && shown[i].Key != l.TicketKey {
			return false
		}
	}
	return some
}
