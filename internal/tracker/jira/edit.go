package jira

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/richtext"
)

// Edit implements tracker.Tracker. Jira has no version to compare, so the
// description is read immediately before it is written; nothing is sent where
// nothing would change.
func (c *Client) Edit(ctx context.Context, id string, e tracker.Edit) error {
	const op = "edit issue"
	cloud, _, err := c.api(ctx)
	if err != nil {
		return err
	}
	fields := map[string]any{}
	if e.Summary != nil {
		fields["summary"] = summary(*e.Summary)
	}
	if e.Block != nil {
		if !markers.MatchString(e.Marker) {
			return invalid(op, "the block has no marker", nil)
		}
		body, changed, err := c.mergedBody(ctx, id, e, cloud)
		if err != nil {
			return err
		}
		if changed {
			fields["description"] = body
		}
	}
	var ops []any
	for _, l := range e.AddLabels {
		if l = cleanLabel(l); l != "" {
			ops = append(ops, map[string]any{"add": l})
		}
	}
	for _, l := range e.RemoveLabels {
		ops = append(ops, map[string]any{"remove": l})
	}
	body := map[string]any{}
	if len(fields) > 0 {
		body["fields"] = fields
	}
	if len(ops) > 0 {
		body["update"] = map[string]any{"labels": ops}
	}
	if len(body) == 0 {
		return nil
	}
	return c.do(ctx, call{op: op, method: http.MethodPut, path: ticketPath(id), body: body, scope: id})
}

func (c *Client) mergedBody(ctx context.Context, id string, e tracker.Edit, cloud bool) (any, bool, error) {
	var i issue
	if err := c.get(ctx, "read description", ticketPath(id), url.Values{"fields": {"description"}}, &i); err != nil {
		return nil, false, before(err)
	}
	raw := i.Fields["description"]
	old := decodeBody(raw)
	body, ok := printBody(old, richtext.NewFence(e.Marker), *e.Block, cloud)
	if !ok {
		return nil, false, invalid("edit issue", "the text that people wrote into the description leaves no room for ours", map[string]string{"description": "full"})
	}
	b, err := json.Marshal(body)
	if err != nil {
		return nil, false, invalid("edit issue", "the description cannot be encoded", nil)
	}
	return body, !reflect.DeepEqual(decodeBody(b), old), nil
}

type comment struct {
	ID      string          `json:"id"`
	Author  named           `json:"author"`
	Body    json.RawMessage `json:"body"`
	Created string          `json:"created"`
}

func (m comment) neutral() tracker.Comment {
	return tracker.Comment{ID: m.ID, Author: first(m.Author.DisplayName, m.Author.Name, m.Author.AccountID), Text: plainBody(m.Body), Created: parseTime(m.Created)}
}

// Comments implements tracker.Tracker.
func (c *Client) Comments(ctx context.Context, id string) ([]tracker.Comment, error) {
	var out []tracker.Comment
	for {
		var page struct {
			Comments []comment `json:"comments"`
			Total    int       `json:"total"`
		}
		q := url.Values{"startAt": {strconv.Itoa(len(out))}, "maxResults": {"100"}, "orderBy": {"created"}}
		if err := c.get(ctx, "read comments", ticketPath(id)+"/comment", q, &page); err != nil {
			return nil, err
		}
		for _, m := range page.Comments {
			out = append(out, m.neutral())
		}
		if len(page.Comments) == 0 || len(out) >= page.Total {
			slices.SortStableFunc(out, func(a, b tracker.Comment) int { return a.Created.Compare(b.Created) })
			return out, nil
		}
	}
}

// Comment implements tracker.Tracker.
func (c *Client) Comment(ctx context.Context, id string, body richtext.Doc) (tracker.Comment, error) {
	cloud, _, err := c.api(ctx)
	if err != nil {
		return tracker.Comment{}, err
	}
	var made comment
	err = c.do(ctx, call{op: "add comment", method: http.MethodPost, path: ticketPath(id) + "/comment", body: map[string]any{"body": printComment(body, cloud)}, out: &made, scope: id})
	if err != nil {
		return tracker.Comment{}, err
	}
	return made.neutral(), nil
}

func printComment(d richtext.Doc, cloud bool) any {
	if cloud {
		return richtext.ADF(richtext.Shorten(d, bodyMax, func(d richtext.Doc) int { return richtext.ADFSize(richtext.ADF(d)) }))
	}
	return richtext.Wiki(richtext.Shorten(d, bodyMax, func(d richtext.Doc) int { return richtext.Units(richtext.Wiki(d)) }))
}

// Link implements tracker.Tracker. Jira drops a repeated link by itself as far
// as it is documented; the links are read first all the same.
func (c *Client) Link(ctx context.Context, from, to string) error {
	name, err := c.linkTypeName(ctx, c.cfg.LinkType, "Relates")
	if err != nil {
		return err
	}
	return c.link(ctx, name, from, to)
}

func (c *Client) link(ctx context.Context, kind, from, to string) error {
	var i issue
	if err := c.get(ctx, "read links", ticketPath(from), url.Values{"fields": {"issuelinks"}}, &i); err != nil {
		return before(err)
	}
	var links []issueLink
	i.field("issuelinks", &links)
	for _, l := range links {
		for _, other := range []*named{l.Inward, l.Outward} {
			if other != nil && (other.ID == to || other.Key == to) && l.Type.Name == kind {
				return nil
			}
		}
	}
	body := map[string]any{"type": map[string]any{"name": kind}, "inwardIssue": ref(from, "key"), "outwardIssue": ref(to, "key")}
	err := c.do(ctx, call{op: "link issues", method: http.MethodPost, path: "/issueLink", body: body, scope: from})
	if err != nil && tracker.AsError(err).Outcome == tracker.Rejected {
		err = c.linkRefused(ctx, err)
		c.mu.Lock()
		c.types = nil // the type may have been renamed or removed: ask again next time
		c.mu.Unlock()
	}
	return err
}

// linkRefused tells a missing permission from a bad credential: Jira answers
// both with 401 when issues are linked, and only the latter must stop the
// connection.
func (c *Client) linkRefused(ctx context.Context, err error) error {
	if tracker.AsError(err).Kind != tracker.KindAuth {
		return err
	}
	if _, who := c.Identify(ctx); who != nil {
		return err
	}
	e := *tracker.AsError(err)
	e.Kind = tracker.KindPermission
	return &e
}

// linkTypeName returns the name of the wanted link type (by id or name), else
// of the fallback, else of the first there is.
func (c *Client) linkTypeName(ctx context.Context, want, fallback string) (string, error) {
	c.mu.Lock()
	types := c.types
	c.mu.Unlock()
	if types == nil {
		var out struct {
			Types []linkType `json:"issueLinkTypes"`
		}
		err := c.get(ctx, "read link types", "/issueLinkType", nil, &out)
		if err != nil && tracker.AsError(err).Kind != tracker.KindNotFound { // which says that linking is switched off
			return "", before(err)
		}
		types = out.Types
		c.mu.Lock()
		c.types = types
		c.mu.Unlock()
	}
	for _, name := range []string{want, fallback} {
		for _, t := range types {
			if name != "" && (t.ID == name || strings.EqualFold(t.Name, name)) {
				return t.Name, nil
			}
		}
	}
	if len(types) > 0 {
		return types[0].Name, nil
	}
	return "", &tracker.Error{Outcome: tracker.NotSent, Kind: tracker.KindUnsupported, Op: "link issues", Reason: "this Jira has no link types (issue linking is switched off)"}
}

// SetBackLink implements tracker.Tracker; the global id makes it an upsert.
func (c *Client) SetBackLink(ctx context.Context, id, globalID, link, title string) error {
	body := map[string]any{"globalId": globalID, "object": map[string]any{"url": link, "title": richtext.OneLine(title, summaryMax)}}
	return c.do(ctx, call{op: "set remote link", method: http.MethodPost, path: ticketPath(id) + "/remotelink", body: body, scope: id})
}
