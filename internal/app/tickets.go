package app

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/identity"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/queue"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/ticketing"
	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/builtin"
)

type productID = model.ProductID

func productOfPolicy(key string) model.ProductID {
	return model.ProductID(strings.TrimPrefix(key, "tickets.policy/"))
}

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

// Connections lists the connections with trackers.
func (a *App) Connections(ctx context.Context, c Caller) (Page[ConnectionView], error) {
	return query(ctx, a, c, policy.ConnectionRead, "", func(tx *store.Tx) (Page[ConnectionView], error) {
		page := Page[ConnectionView]{Items: []ConnectionView{}}
		list, err := tx.Connections()
		if err != nil {
			return page, err
		}
		for _, conn := range list {
			v, err := a.viewConnection(tx, conn)
			if err != nil {
				return page, err
			}
			page.Items = append(page.Items, v)
		}
		return page, nil
	})
}

// Connection shows a connection.
func (a *App) Connection(ctx context.Context, c Caller, id string) (ConnectionView, error) {
	return query(ctx, a, c, policy.ConnectionRead, "", func(tx *store.Tx) (ConnectionView, error) {
		conn, err := tx.Connection(id)
		if err != nil {
			return ConnectionView{}, err
		}
		return a.viewConnection(tx, conn)
	})
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

// EditConnection changes a connection and resumes it.
func (a *App) EditConnection(ctx context.Context, c Caller, id string, version int64, in ConnectionInput) (ConnectionView, error) {
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
		if err := ch.tx.DeleteConnection(id); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, ch.record("connection.delete", "connection/"+id, nil, nil)
	})
	return err
}

// CheckConnection walks a connection's check list for a place in the tracker, without changing anything.
func (a *App) CheckConnection(ctx context.Context, c Caller, id string, target tracker.Target) ([]tracker.Finding, error) {
	if _, err := query(ctx, a, c, policy.ConnectionManage, "", func(tx *store.Tx) (store.Connection, error) { return tx.Connection(id) }); err != nil {
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
	return list, nil
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

// TicketPolicyView is a product's standing decision about its tickets.
type TicketPolicyView struct {
	ticketing.Policy
	Version int64 `json:"version"`
}

// ETag returns the version of the policy.
func (v TicketPolicyView) ETag() int64 { return v.Version }

// TicketPolicy shows a product's ticket policy.
func (a *App) TicketPolicy(ctx context.Context, c Caller, product model.ProductID) (TicketPolicyView, error) {
	return query(ctx, a, c, policy.TicketsRead, product, func(tx *store.Tx) (TicketPolicyView, error) {
		p, version, err := ticketPolicy(tx, product)
		return TicketPolicyView{p, version}, err
	})
}

// SetTicketPolicy replaces a product's ticket policy; what follows is published at once where it says so.
func (a *App) SetTicketPolicy(ctx context.Context, c Caller, product model.ProductID, version int64, p ticketing.Policy) (TicketPolicyView, error) {
	if err := p.Validate(); err != nil {
		return TicketPolicyView{}, err
	}
	return change(ctx, a, c, policy.TicketsPublish, product, Cause{Kind: "ticket", Text: "the ticket policy was changed"}, func(ch *changing) (TicketPolicyView, error) {
		old, now, err := ticketPolicy(ch.tx, product)
		if err != nil {
			return TicketPolicyView{}, err
		}
		if version != 0 && version != now {
			return TicketPolicyView{}, fault.New(fault.Stale, "policy.stale", "the ticket policy was changed meanwhile; look at it again")
		}
		for _, t := range append([]ticketing.Route{{Target: p.Default}}, p.Routes...) {
			if t.Target.Connection == "" {
				continue
			}
			if _, err := ch.tx.Connection(t.Target.Connection); err != nil {
				return TicketPolicyView{}, fault.New(fault.Invalid, "policy.connection", "the policy names a connection that does not exist").With("body", "there is no connection %q", t.Target.Connection)
			}
		}
		// What people published or took back is kept by its own operations.
		p.Published, p.Unwanted = old.Published, old.Unwanted
		if err := ch.savePolicy(product, now, p); err != nil {
			return TicketPolicyView{}, err
		}
		// A field that was demanded, or another project: what failed may go through now.
		if _, err := ticketing.Retry(ch.tx, "", product); err != nil {
			return TicketPolicyView{}, err
		}
		return TicketPolicyView{p, now + 1}, ch.record("tickets.policy", "product/"+string(product), old, p)
	})
}

func (ch *changing) savePolicy(product model.ProductID, version int64, p ticketing.Policy) error {
	data, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("app: ticket policy of product %s: %w", product, err)
	}
	ch.wake = true
	return ch.tx.SetSetting(store.Setting{Key: policyKey(product), Version: version, At: ch.at, Doc: string(data)})
}

// PublishInput says which tickets go out.
type PublishInput struct {
	All     bool     `json:"all,omitempty" doc:"Everything that is held"`
	Objects []string `json:"objects,omitempty" maxItems:"5000" doc:"Ids of countermeasures, threats or weaknesses"`
}

// PublishedView is what a publication did.
type PublishedView struct {
	Released int `json:"released" doc:"Held tickets that go out now"`
	Named    int `json:"named" doc:"Objects that are published from now on"`
}

// Publish lets tickets go out: those that wait for a person, and named objects whatever the policy pushes by itself.
func (a *App) Publish(ctx context.Context, c Caller, product model.ProductID, in PublishInput) (PublishedView, error) {
	return change(ctx, a, c, policy.TicketsPublish, product, Cause{Kind: "ticket", Text: "tickets were published"}, func(ch *changing) (PublishedView, error) {
		p, version, err := ticketPolicy(ch.tx, product)
		if err != nil {
			return PublishedView{}, err
		}
		if p.Default.Connection == "" && len(p.Routes) == 0 {
			return PublishedView{}, fault.New(fault.Conflict, "publish.nowhere", "the product's ticket policy names no tracker; set it first")
		}
		var v PublishedView
		objects := in.Objects
		if in.All {
			wants, _, err := a.wants(ch.tx, ch.model)
			if err != nil {
				return v, err
			}
			for _, w := range wants {
				if w.State == ticketing.WantOpen {
					objects = append(objects, w.Key.Object)
				}
			}
		}
		p.Published, p.Unwanted = maps.Clone(p.Published), maps.Clone(p.Unwanted)
		if p.Published == nil {
			p.Published = map[string]bool{}
		}
		for _, id := range objects {
			if !p.Published[id] {
				p.Published[id] = true
				v.Named++
			}
			delete(p.Unwanted, id)
		}
		if err := ch.savePolicy(product, version, p); err != nil {
			return v, err
		}
		var keys []ticketing.Key
		if !in.All {
			for _, id := range in.Objects {
				for _, purpose := range []ticketing.Purpose{ticketing.ForCountermeasure, ticketing.ForThreat, ticketing.ForVulnerability} {
					keys = append(keys, ticketing.Key{Object: id, Purpose: purpose})
				}
			}
		}
		if in.All || len(keys) > 0 {
			if v.Released, err = ticketing.Release(ch.tx, product, keys...); err != nil {
				return v, err
			}
		}
		return v, ch.record("tickets.publish", "product/"+string(product), nil, map[string]any{"all": in.All, "objects": in.Objects, "released": v.Released})
	})
}

// Unpublish takes the publication of objects back: what we created and nobody touched is closed.
func (a *App) Unpublish(ctx context.Context, c Caller, product model.ProductID, objects []string) error {
	_, err := change(ctx, a, c, policy.TicketsPublish, product, Cause{Kind: "ticket", Text: "a publication was undone"}, func(ch *changing) (struct{}, error) {
		p, version, err := ticketPolicy(ch.tx, product)
		if err != nil {
			return struct{}{}, err
		}
		p.Published, p.Unwanted = maps.Clone(p.Published), maps.Clone(p.Unwanted)
		if p.Unwanted == nil {
			p.Unwanted = map[string]ticketing.Unpublish{}
		}
		for _, id := range objects {
			delete(p.Published, id)
			p.Unwanted[id] = ticketing.Unpublish{By: c.Name, At: ch.at}
		}
		if err := ch.savePolicy(product, version, p); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, ch.record("tickets.unpublish", "product/"+string(product), nil, objects)
	})
	return err
}

// TicketView is a ticket of a product, or one that is to be.
type TicketView struct {
	TicketRef
	ID         string `json:"id,omitempty" doc:"The tracker's id"`
	Connection string `json:"connection"`
	Object     string `json:"object"`
	Summary    string `json:"summary"`
}

// Tickets lists a product's tickets, also those that wait or failed.
func (a *App) Tickets(ctx context.Context, c Caller, product model.ProductID, cursor string, limit int) (Page[TicketView], error) {
	return query(ctx, a, c, policy.TicketsRead, product, func(tx *store.Tx) (Page[TicketView], error) {
		m, _, err := tx.LoadModel(product)
		if err != nil {
			return Page[TicketView]{}, err
		}
		list, err := a.ticketViews(tx, m)
		if err != nil {
			return Page[TicketView]{}, err
		}
		return paginate(list, func(v *TicketView) string { return v.Object + "/" + v.Purpose + "/" + v.Connection + "/" + v.ID }, cursor, limit)
	})
}

func (a *App) ticketViews(tx *store.Tx, m *model.Model) ([]TicketView, error) {
	product := m.Product.ID
	links, err := tx.Links(store.LinkFilter{Product: product})
	if err != nil {
		return nil, err
	}
	titles := objectTitles(m)
	var out []TicketView
	for _, l := range links {
		var s ticketing.Snapshot
		if err := json.Unmarshal([]byte(l.Snapshot), &s); err != nil {
			return nil, fmt.Errorf("app: ticket %s: %w", l.TicketKey, err)
		}
		v := TicketView{
			TicketRef: TicketRef{Key: l.TicketKey, URL: l.URL, Status: s.Status, State: linkState(l, s), Purpose: l.Purpose, Note: l.Reason},
			ID:        l.TicketID, Connection: l.Connection, Object: l.Object, Summary: orElse(s.Summary, titles[l.Object]),
		}
		if l.State == "unlinked" {
			continue
		}
		out = append(out, v)
	}
	intents, err := tx.Intents(store.IntentFilter{Product: product})
	if err != nil {
		return nil, err
	}
	states := map[string]string{store.IntentHeld: "held", store.IntentReady: "pending", store.IntentSent: "pending", store.IntentAmbiguous: "ambiguous", store.IntentFailed: "failed"}
	for _, i := range intents {
		if i.State == store.IntentLinked {
			continue
		}
		note := i.Reason
		if i.State == store.IntentAmbiguous {
			note = orElse(note, "the tracker did not answer") + "; decided by " + i.SettleAt.UTC().Format("15:04 MST")
		}
		out = append(out, TicketView{TicketRef: TicketRef{State: states[i.State], Purpose: i.Purpose, Note: note}, Connection: i.Connection, Object: i.Object, Summary: titles[i.Object]})
	}
	slices.SortFunc(out, func(x, y TicketView) int {
		return compareText(x.Object+"/"+x.Purpose+"/"+x.Connection+"/"+x.ID, y.Object+"/"+y.Purpose+"/"+y.Connection+"/"+y.ID)
	})
	return out, nil
}

func linkState(l store.TicketLink, s ticketing.Snapshot) string {
	if l.State != "live" {
		return l.State
	}
	switch s.Meaning {
	case ticketing.MeansImplemented:
		if l.Purpose == string(ticketing.ForVulnerability) {
			return "closed"
		}
		return "implemented"
	case ticketing.MeansRejected, ticketing.MeansDuplicate:
		return "rejected"
	default:
		return "open"
	}
}

func objectTitles(m *model.Model) map[string]string {
	titles := map[string]string{}
	for i := range m.Threats {
		titles[string(m.Threats[i].ID)] = m.Threats[i].Title
	}
	for i := range m.Weaknesses {
		titles[string(m.Weaknesses[i].ID)] = m.Weaknesses[i].Title
	}
	for i := range m.Countermeasures {
		c := &m.Countermeasures[i]
		titles[string(c.ID)] = c.Title
		titles[ticketing.RequirementID(m.Product.ID, c.Ref)] = c.Title
	}
	return titles
}

// ticketRefs are a product's tickets by object; one that serves several objects stands at each.
func (a *App) ticketRefs(tx *store.Tx, m *model.Model) (map[string][]TicketRef, error) {
	list, err := a.ticketViews(tx, m)
	if err != nil {
		return nil, err
	}
	links, err := tx.Links(store.LinkFilter{Product: m.Product.ID})
	if err != nil {
		return nil, err
	}
	serves := map[string][]string{}
	for _, l := range links {
		serves[l.Object+"/"+l.Purpose+"/"+l.TicketID] = l.Objects
	}
	out := map[string][]TicketRef{}
	for _, v := range list {
		objects := serves[v.Object+"/"+v.Purpose+"/"+v.ID]
		if len(objects) == 0 {
			objects = []string{v.Object}
		}
		for _, o := range objects {
			out[o] = append(out[o], v.TicketRef)
		}
	}
	return out, nil
}

// ticketedObjects are the objects that have or wait for a ticket.
func (a *App) ticketedObjects(tx *store.Tx, product model.ProductID) (map[string]bool, error) {
	out := map[string]bool{}
	links, err := tx.Links(store.LinkFilter{Product: product})
	if err != nil {
		return nil, err
	}
	for _, l := range links {
		out[l.Object] = true
		for _, o := range l.Objects {
			out[o] = true
		}
	}
	intents, err := tx.Intents(store.IntentFilter{Product: product})
	for _, i := range intents {
		if i.Attempts > 0 {
			out[i.Object] = true
		}
	}
	return out, err
}

// PlannedTicket is a ticket that would be created.
type PlannedTicket struct {
	Object  string `json:"object"`
	Purpose string `json:"purpose"`
	Summary string `json:"summary"`
	Project string `json:"project,omitempty"`
}

// plannedTickets are the tickets that a model would want and that are not there.
func (a *App) plannedTickets(tx *store.Tx, m *model.Model) ([]PlannedTicket, error) {
	wants, _, err := a.wants(tx, m)
	if err != nil {
		return nil, err
	}
	there, err := a.ticketedObjects(tx, m.Product.ID)
	if err != nil {
		return nil, err
	}
	var out []PlannedTicket
	for _, w := range wants {
		if w.State == ticketing.WantOpen && !there[w.Key.Object] && w.Target.Connection != "" {
			out = append(out, PlannedTicket{Object: w.Key.Object, Purpose: string(w.Key.Purpose), Summary: w.Summary, Project: w.Target.Project})
		}
	}
	return out, nil
}

// LinkTicketInput links an existing ticket to an object.
type LinkTicketInput struct {
	Connection string `json:"connection"`
	Object     string `json:"object" doc:"Id of a countermeasure, threat or weakness"`
	Purpose    string `json:"purpose" enum:"countermeasure,threat,vulnerability"`
	Ticket     string `json:"ticket" doc:"Id or key in the tracker"`
}

// LinkTicket links an existing ticket to an object of the product.
func (a *App) LinkTicket(ctx context.Context, c Caller, product model.ProductID, in LinkTicketInput) error {
	_, err := query(ctx, a, c, policy.TicketsEdit, product, func(tx *store.Tx) (struct{}, error) {
		m, _, err := tx.LoadModel(product)
		if err != nil {
			return struct{}{}, err
		}
		if _, ok := objectTitles(m)[in.Object]; !ok {
			return struct{}{}, notFound("object", in.Object)
		}
		_, err = tx.Connection(in.Connection)
		return struct{}{}, err
	})
	if err != nil {
		return err
	}
	key := ticketing.Key{Object: in.Object, Purpose: ticketing.Purpose(in.Purpose)}
	if err := a.ticketing.LinkTicket(ctx, in.Connection, product, key, nil, in.Ticket); err != nil {
		return err
	}
	_, err = change(ctx, a, c, policy.TicketsEdit, product, Cause{Kind: "ticket", Text: in.Ticket + " was linked", Ref: in.Ticket}, func(ch *changing) (struct{}, error) {
		ch.wake = true
		return struct{}{}, ch.record("tickets.link", in.Purpose+"/"+in.Object, nil, in)
	})
	return err
}

// UnlinkTicket lets go of a ticket: nothing is read from it or written to it any more.
func (a *App) UnlinkTicket(ctx context.Context, c Caller, product model.ProductID, in LinkTicketInput) error {
	_, err := change(ctx, a, c, policy.TicketsEdit, product, Cause{Kind: "ticket", Text: in.Ticket + " was unlinked", Ref: in.Ticket}, func(ch *changing) (struct{}, error) {
		key := ticketing.Key{Object: in.Object, Purpose: ticketing.Purpose(in.Purpose)}
		if err := ticketing.Unlink(ch.tx, product, key, in.Ticket, ch.at); err != nil {
			return struct{}{}, err
		}
		ch.wake = true
		return struct{}{}, ch.record("tickets.unlink", in.Purpose+"/"+in.Object, in, nil)
	})
	return err
}

// RecreateTicket plans a new ticket for an object whose ticket was deleted.
func (a *App) RecreateTicket(ctx context.Context, c Caller, product model.ProductID, object, purpose string) error {
	_, err := change(ctx, a, c, policy.TicketsPublish, product, Cause{Kind: "ticket", Text: "a deleted ticket is made again", Ref: object}, func(ch *changing) (struct{}, error) {
		if err := a.ticketing.Recreate(ch.tx, product, ticketing.Key{Object: object, Purpose: ticketing.Purpose(purpose)}); err != nil {
			return struct{}{}, err
		}
		ch.wake = true
		return struct{}{}, ch.record("tickets.recreate", purpose+"/"+object, nil, nil)
	})
	return err
}

// Board lists the tickets of a built-in tracker.
func (a *App) Board(ctx context.Context, c Caller, connection, project, status string) (Page[tracker.Ticket], error) {
	return query(ctx, a, c, policy.ConnectionRead, "", func(tx *store.Tx) (Page[tracker.Ticket], error) {
		if err := a.isBuiltin(tx, connection); err != nil {
			return Page[tracker.Ticket]{}, err
		}
		list, err := builtin.Board{Tx: tx, Connection: connection}.List(project, status)
		if list == nil {
			list = []tracker.Ticket{}
		}
		return Page[tracker.Ticket]{Items: list}, err
	})
}

func (a *App) isBuiltin(tx *store.Tx, connection string) error {
	conn, err := tx.Connection(connection)
	if err == nil && conn.Kind != "builtin" {
		err = fault.New(fault.Conflict, "board.foreign", "%s is not the built-in tracker; work in the tracker itself", conn.Name)
	}
	return err
}

// MoveInput moves a ticket as a person would.
type MoveInput struct {
	Status      string `json:"status" doc:"Of the built-in tracker: To do, In progress, Done. Of others: a status name or id, or the category new, indeterminate, done"`
	Resolution  string `json:"resolution,omitempty" doc:"Of a done ticket"`
	DuplicateOf string `json:"duplicate_of,omitempty"`
	Comment     string `json:"comment,omitempty" maxLength:"10000"`
}

// MoveTicket moves a ticket in its tracker as a person would; the model follows
// as it follows any move there.
func (a *App) MoveTicket(ctx context.Context, c Caller, connection, id string, in MoveInput) (tracker.Ticket, error) {
	conn, err := query(ctx, a, c, policy.ConnectionManage, "", func(tx *store.Tx) (store.Connection, error) { return tx.Connection(connection) })
	if err != nil {
		return tracker.Ticket{}, err
	}
	if conn.Kind != "builtin" {
		return a.moveForeign(ctx, c, connection, id, in)
	}
	return change(ctx, a, c, policy.ConnectionManage, "", Cause{}, func(ch *changing) (tracker.Ticket, error) {
		t, err := builtin.Board{Tx: ch.tx, Connection: connection}.Move(id, builtin.Move{
			Status: in.Status, Resolution: in.Resolution, DuplicateOf: in.DuplicateOf,
			Comment: in.Comment, Actor: c.Name, At: ch.at,
		})
		if err != nil {
			return t, err
		}
		if err := queue.Due(ch.ctx, ch.tx, WorkPoll, connection, time.Time{}); err != nil {
			return t, err
		}
		return t, ch.record("ticket.move", "ticket/"+id, nil, in)
	})
}

func (a *App) moveForeign(ctx context.Context, c Caller, connection, id string, in MoveInput) (tracker.Ticket, error) {
	t, err := a.Tracker(ctx, connection)
	if err != nil {
		return tracker.Ticket{}, err
	}
	wish := tracker.Wish{Resolution: in.Resolution, DuplicateOf: in.DuplicateOf, MaxHops: 3}
	switch cat := tracker.Category(in.Status); cat {
	case tracker.New, tracker.InProgress, tracker.Done:
		wish.Category = cat
	default:
		wish.Category, wish.Statuses = tracker.Unknown, []string{in.Status}
		if in.Resolution != "" {
			wish.Category = tracker.Done
		}
	}
	moved, err := t.Transition(ctx, id, wish)
	if err != nil {
		e := tracker.AsError(err)
		return moved, fault.Wrap(err, fault.Conflict, "ticket.move", "the tracker did not move %s: %s", id, e.Error())
	}
	_, err = change(ctx, a, c, policy.ConnectionManage, "", Cause{}, func(ch *changing) (struct{}, error) {
		if _, err := ch.tx.ReceiveDelivery(connection, "", []string{id}, ch.at); err != nil {
			return struct{}{}, err
		}
		if err := queue.Due(ch.ctx, ch.tx, WorkPoll, connection, time.Time{}); err != nil {
			return struct{}{}, err
		}
		return struct{}{}, ch.record("ticket.move", "ticket/"+id, nil, in)
	})
	return moved, err
}
