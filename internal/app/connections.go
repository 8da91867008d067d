package app

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/identity"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/queue"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/ticketing"
	"github.com/threatloop/threatloop/internal/tracker"
)

// ConnectionSettings are a connection's settings; they hold no secret.
type ConnectionSettings struct {
	ticketing.Settings
	BaseURL     string   `json:"base_url,omitempty" doc:"Address of the tracker; not for the built-in one"`
	Flavour     string   `json:"flavour,omitempty" enum:"auto,cloud,dc" doc:"Jira Cloud or Data Center; auto asks the site"`
	Email       string   `json:"email,omitempty" doc:"Account of the API token (Jira Cloud)"`
	CloudID     string   `json:"cloud_id,omitempty" doc:"For scoped tokens of Jira Cloud"`
	StoryPoints string   `json:"story_points,omitempty" doc:"Id of the story points field"`
	LinkType    string   `json:"link_type,omitempty" doc:"Name or id of the link type between our tickets"`
	Projects    []string `json:"projects,omitempty" doc:"Projects of the built-in tracker; none means any"`
}

// Credential is what a connection signs in with; it is sealed at rest and never shown.
type Credential struct {
	Token         identity.Secret `json:"token,omitempty" doc:"API token (Jira Cloud) or password"`
	PAT           identity.Secret `json:"pat,omitempty" doc:"Personal access token (Jira Data Center)"`
	WebhookSecret identity.Secret `json:"webhook_secret,omitempty" doc:"Shared secret of the tracker's webhook"`
}

// sealedCredential is the stored form of a Credential; Credential itself does not show its secrets.
type sealedCredential struct {
	Token         string `json:"token,omitempty"`
	PAT           string `json:"pat,omitempty"`
	WebhookSecret string `json:"webhook_secret,omitempty"`
}

// ConnectionInput makes or changes a connection.
type ConnectionInput struct {
	Name       string             `json:"name" minLength:"1" maxLength:"200"`
	Kind       string             `json:"kind" enum:"builtin,jira"`
	Settings   ConnectionSettings `json:"settings"`
	Credential *Credential        `json:"credential,omitempty" doc:"Left out, the stored one stays; given fields replace stored ones"`
}

// ConnectionView is a connection with the state of its queue.
type ConnectionView struct {
	ID            string             `json:"id"`
	Name          string             `json:"name"`
	Kind          string             `json:"kind"`
	Version       int64              `json:"version"`
	Settings      ConnectionSettings `json:"settings"`
	HasCredential bool               `json:"has_credential"`
	HasWebhook    bool               `json:"has_webhook" doc:"A webhook secret is set"`
	State         string             `json:"state" enum:"active,paused"`
	Reason        string             `json:"reason,omitempty" doc:"Why it is paused or degraded, and what to do"`
	PausedUntil   *time.Time         `json:"paused_until,omitempty"`
	LastSuccess   *time.Time         `json:"last_success,omitempty"`
	LastPoll      *time.Time         `json:"last_poll,omitempty"`
	Queue         map[string]int64   `json:"queue" doc:"Tickets to be by state: held, intent, sent, ambiguous, failed, linked"`
	Links         map[string]int64   `json:"links" doc:"Linked tickets by state"`
	Oldest        *time.Time         `json:"oldest,omitempty" doc:"Since when the oldest waits"`
}

// ETag returns the version of the connection.
func (v ConnectionView) ETag() int64 { return v.Version }

func credentialAddress(id string) identity.Address {
	return identity.Address{Table: "tracker_connection", Column: "credential", Row: id}
}

func (a *App) openCredential(c store.Connection) (sealedCredential, error) {
	var s sealedCredential
	if c.Credential == "" {
		return s, nil
	}
	data, err := base64.StdEncoding.DecodeString(c.Credential)
	if err != nil {
		return s, fmt.Errorf("app: credential of connection %s: %w", c.ID, err)
	}
	plain, err := a.Keys.Open(credentialAddress(c.ID), data)
	if err != nil {
		return s, fmt.Errorf("app: credential of connection %s: %w", c.ID, err)
	}
	if err := json.Unmarshal(plain, &s); err != nil {
		return s, fmt.Errorf("app: credential of connection %s: not readable", c.ID)
	}
	return s, nil
}

func (a *App) sealCredential(id string, s sealedCredential) (string, error) {
	if s == (sealedCredential{}) {
		return "", nil
	}
	plain, err := json.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("app: credential of connection %s: %w", id, err)
	}
	sealed, err := a.Keys.Seal(a.randomReader(), credentialAddress(id), plain)
	if err != nil {
		return "", fmt.Errorf("app: seal the credential of connection %s: %w", id, err)
	}
	return base64.StdEncoding.EncodeToString(sealed), nil
}

func (a *App) viewConnection(tx *store.Tx, c store.Connection) (ConnectionView, error) {
	v := ConnectionView{ID: c.ID, Name: c.Name, Kind: c.Kind, Version: c.Version, State: c.State, Reason: c.Reason}
	if err := json.Unmarshal([]byte(c.Doc), &v.Settings); err != nil {
		return v, fmt.Errorf("app: connection %s: %w", c.ID, err)
	}
	counts, err := tx.CountTickets(c.ID)
	if err != nil {
		return v, err
	}
	v.Queue, v.Links = counts.Intents, counts.Links
	for _, p := range []struct {
		at  time.Time
		dst **time.Time
	}{{c.PausedUntil, &v.PausedUntil}, {c.LastSuccess, &v.LastSuccess}, {c.LastPoll, &v.LastPoll}, {counts.Oldest, &v.Oldest}} {
		if !p.at.IsZero() {
			at := p.at
			*p.dst = &at
		}
	}
	s, err := a.openCredential(c)
	if err != nil {
		v.Reason = "the stored credential cannot be opened with the keys of this server; enter it again"
		return v, nil
	}
	v.HasCredential, v.HasWebhook = s.Token != "" || s.PAT != "", s.WebhookSecret != ""
	return v, nil
}

// Connections lists the connections with trackers by id. Who does not administer
// the installation sees those of their products, and of them no settings.
func (a *App) Connections(ctx context.Context, c Caller, cursor string, limit int) (Page[ConnectionView], error) {
	return query(ctx, a, c, policy.BoardRead, "", func(tx *store.Tx) (Page[ConnectionView], error) {
		page := Page[ConnectionView]{Items: []ConnectionView{}}
		list, err := tx.Connections()
		if err != nil {
			return page, err
		}
		show := a.viewConnection
		if a.allow(tx, c, policy.ConnectionRead, "") != nil {
			own, err := ownConnections(tx, c)
			if err != nil {
				return page, err
			}
			list = slices.DeleteFunc(list, func(x store.Connection) bool { return !own(x.ID) })
			show = a.outlineConnection
		}
		slices.SortFunc(list, func(x, y store.Connection) int { return strings.Compare(x.ID, y.ID) })
		cut, err := paginate(list, func(x *store.Connection) string { return x.ID }, cursor, limit)
		if err != nil {
			return page, err
		}
		page.Next = cut.Next
		for _, conn := range cut.Items {
			v, err := show(tx, conn)
			if err != nil {
				return page, err
			}
			page.Items = append(page.Items, v)
		}
		return page, nil
	})
}

// Connection shows a connection, as Connections does.
func (a *App) Connection(ctx context.Context, c Caller, id string) (ConnectionView, error) {
	return query(ctx, a, c, policy.BoardRead, "", func(tx *store.Tx) (ConnectionView, error) {
		conn, err := tx.Connection(id)
		if err != nil {
			return ConnectionView{}, err
		}
		if a.allow(tx, c, policy.ConnectionRead, "") == nil {
			return a.viewConnection(tx, conn)
		}
		own, err := ownConnections(tx, c)
		if err != nil {
			return ConnectionView{}, err
		}
		if !own(id) {
			return ConnectionView{}, notFound("connection", id)
		}
		return a.outlineConnection(tx, conn)
	})
}

// ownConnections tells which connections somebody sees who administers none: those
// with tickets of their products, and all for who says on some product where its
// tickets go.
func ownConnections(tx *store.Tx, c Caller) (func(id string) bool, error) {
	members, err := tx.Memberships(c.User)
	if err != nil {
		return nil, err
	}
	for _, m := range members {
		if policy.Role(m.Role).AtLeast(policy.Modeller) {
			return func(string) bool { return true }, nil
		}
	}
	own, err := tx.ConnectionsOf(c.visible())
	return func(id string) bool { return slices.Contains(own, id) }, err
}

// outlineConnection is what people see of a connection that others administer.
func (a *App) outlineConnection(_ *store.Tx, c store.Connection) (ConnectionView, error) {
	v := ConnectionView{ID: c.ID, Name: c.Name, Kind: c.Kind, Version: c.Version, State: c.State, Reason: c.Reason, Queue: map[string]int64{}, Links: map[string]int64{}}
	var s ConnectionSettings
	if err := json.Unmarshal([]byte(c.Doc), &s); err != nil {
		return v, fmt.Errorf("app: connection %s: %w", c.ID, err)
	}
	v.Settings.Projects = s.Projects
	return v, nil
}

// fill puts the input into a connection.
func (a *App) fill(conn *store.Connection, in ConnectionInput) error {
	if err := in.Settings.Status.Validate(); err != nil {
		return err
	}
	if in.Kind == "jira" && in.Settings.BaseURL == "" {
		return fault.New(fault.Invalid, "connection.base_url", "a Jira connection needs the address of the site").With("body.settings.base_url", "expected https://...")
	}
	doc, err := json.Marshal(in.Settings)
	if err != nil {
		return fmt.Errorf("app: connection %s: %w", conn.ID, err)
	}
	conn.Name, conn.Kind, conn.Doc = cleanLine(in.Name, 200), in.Kind, string(doc)
	if in.Credential == nil {
		return nil
	}
	s, err := a.openCredential(*conn)
	if err != nil {
		s = sealedCredential{} // sealed with a key that is gone: replaced as a whole
	}
	for _, f := range []struct {
		v   identity.Secret
		dst *string
	}{{in.Credential.Token, &s.Token}, {in.Credential.PAT, &s.PAT}, {in.Credential.WebhookSecret, &s.WebhookSecret}} {
		if f.v != "" {
			*f.dst = f.v.Reveal()
		}
	}
	if in.Credential.PAT != "" {
		s.Token = ""
	} else if in.Credential.Token != "" {
		s.PAT = ""
	}
	conn.Credential, err = a.sealCredential(conn.ID, s)
	return err
}

// usable refuses settings with which no adapter can be made.
func (a *App) usable(conn store.Connection) error {
	_, err := a.connect(conn)
	return err
}

// AddConnection makes a connection with a tracker.
func (a *App) AddConnection(ctx context.Context, c Caller, in ConnectionInput) (ConnectionView, error) {
	return change(ctx, a, c, policy.ConnectionManage, "", Cause{}, func(ch *changing) (ConnectionView, error) {
		conn := store.Connection{ID: a.id("con"), CreatedAt: ch.at}
		if err := a.fill(&conn, in); err != nil {
			return ConnectionView{}, err
		}
		if err := a.usable(conn); err != nil {
			return ConnectionView{}, err
		}
		if err := ch.tx.AddConnection(conn); err != nil {
			return ConnectionView{}, err
		}
		return ch.connectionView(conn.ID, "connection.add")
	})
}

func (ch *changing) connectionView(id, action string) (ConnectionView, error) {
	conn, err := ch.tx.Connection(id)
	if err != nil {
		return ConnectionView{}, err
	}
	v, err := ch.app.viewConnection(ch.tx, conn)
	if err != nil {
		return v, err
	}
	return v, ch.record(action, "connection/"+id, nil, map[string]any{"name": v.Name, "kind": v.Kind, "settings": v.Settings, "has_credential": v.HasCredential})
}

// EditConnection changes a connection and resumes it. Another address has to be the
// same tracker, once there are tickets (fault.Conflict).
func (a *App) EditConnection(ctx context.Context, c Caller, id string, version int64, in ConnectionInput) (ConnectionView, error) {
	if err := a.sameTracker(ctx, c, id, in); err != nil {
		return ConnectionView{}, err
	}
	return change(ctx, a, c, policy.ConnectionManage, "", Cause{}, func(ch *changing) (ConnectionView, error) {
		conn, err := ch.tx.Connection(id)
		if err != nil {
			return ConnectionView{}, err
		}
		if version != 0 && version != conn.Version {
			return ConnectionView{}, fault.New(fault.Stale, "connection.stale", "the connection was changed meanwhile; look at it again")
		}
		if in.Kind != conn.Kind {
			return ConnectionView{}, fault.New(fault.Invalid, "connection.kind", "a connection stays of its kind; make a new one").With("body.kind", "expected %q", conn.Kind)
		}
		conn.UpdatedAt = ch.at
		if err := a.fill(&conn, in); err != nil {
			return ConnectionView{}, err
		}
		if err := a.usable(conn); err != nil {
			return ConnectionView{}, err
		}
		return ch.resume(conn, "connection.change")
	})
}

// DeleteConnection forgets a connection; its tickets stay in the tracker.
func (a *App) DeleteConnection(ctx context.Context, c Caller, id string) error {
	_, err := change(ctx, a, c, policy.ConnectionManage, "", Cause{}, func(ch *changing) (struct{}, error) {
		if _, err := ch.tx.Connection(id); err != nil {
			return struct{}{}, err
		}
		if err := ch.tx.RemoveSetting(ticketing.AskKey(id)); err != nil {
			return struct{}{}, err
		}
		if err := ch.tx.DeleteConnection(id); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, ch.record("connection.delete", "connection/"+id, nil, nil)
	})
	return err
}

// CheckConnection walks a connection's check list for a place in the tracker, without changing anything.
func (a *App) CheckConnection(ctx context.Context, c Caller, id string, target tracker.Target) ([]tracker.Finding, error) {
	told, err := query(ctx, a, c, policy.ConnectionManage, "", func(tx *store.Tx) (time.Time, error) {
		if _, err := tx.Connection(id); err != nil {
			return time.Time{}, err
		}
		return tx.LastDelivery(id)
	})
	if err != nil {
		return nil, err
	}
	t, err := a.Tracker(ctx, id)
	if err != nil {
		return nil, err
	}
	list, err := t.Check(ctx, target)
	if err != nil {
		e := tracker.AsError(err)
		return append(list, tracker.Finding{Step: "identity", Level: tracker.Failed, Text: e.Error()}), nil
	}
	return toldAt(list, told), nil
}

// toldAt turns the doubt about the webhook, of which a tracker may not speak, into
// what was seen of it: a delivery that was signed with the secret of the connection.
func toldAt(list []tracker.Finding, at time.Time) []tracker.Finding {
	for i, f := range list {
		if f.Step == "webhook" && f.Level == tracker.Warning && !at.IsZero() {
			list[i].Level, list[i].Text = tracker.OK, "the tracker told of a change at "+at.UTC().Format("2006-01-02 15:04 MST")
		}
	}
	return list
}

// RetryConnection tries what failed or is paused again, now.
func (a *App) RetryConnection(ctx context.Context, c Caller, id string) (ConnectionView, error) {
	return change(ctx, a, c, policy.ConnectionManage, "", Cause{}, func(ch *changing) (ConnectionView, error) {
		conn, err := ch.tx.Connection(id)
		if err != nil {
			return ConnectionView{}, err
		}
		conn.UpdatedAt = ch.at
		return ch.resume(conn, "connection.retry")
	})
}

// resume saves a connection as active, in a new version so that nothing that was
// learnt before counts, and tries what failed again at once.
func (ch *changing) resume(conn store.Connection, action string) (ConnectionView, error) {
	if err := ch.tx.EditConnection(conn); err != nil {
		return ConnectionView{}, err
	}
	if _, err := ticketing.Retry(ch.tx, conn.ID, ""); err != nil {
		return ConnectionView{}, err
	}
	if err := queue.Due(ch.ctx, ch.tx, WorkReconcile, conn.ID, time.Time{}); err != nil {
		return ConnectionView{}, err
	}
	return ch.connectionView(conn.ID, action)
}

// Webhook takes a delivery of a tracker. Its content is only a hint: the poll
// that it wakes reads the tickets. Nobody signs in here; the signature decides.
func (a *App) Webhook(ctx context.Context, connection string, h http.Header, body []byte) error {
	var conn store.Connection
	err := a.DB.Read(ctx, func(_ context.Context, tx *store.Tx) (err error) {
		conn, err = tx.Connection(connection)
		return err
	})
	if err != nil {
		return err
	}
	s, err := a.openCredential(conn)
	if err != nil {
		return err
	}
	t, err := a.Tracker(ctx, connection)
	if err != nil {
		return err
	}
	hint, err := t.Hint(h, body, s.WebhookSecret)
	if err != nil {
		if n := a.forged.count(connection, a.Now()); n > 0 {
			a.log().WarnContext(ctx, "deliveries of a webhook were refused: they are not signed with the secret of the connection",
				"connection", connection, "name", conn.Name, "refused", n, "error", err)
		}
		return fault.Wrap(err, fault.Unauthenticated, "webhook.signature", "the delivery is not signed with the secret of this connection")
	}
	fresh, err := a.ticketing.Inbox(ctx, connection, hint)
	if err != nil || !fresh {
		return err
	}
	return a.DB.Write(ctx, func(ctx context.Context, tx *store.Tx) error {
		return queue.Due(ctx, tx, WorkPoll, connection, time.Time{})
	})
}
