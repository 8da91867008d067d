package jira

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/threatloop/threatloop/internal/tracker"
)

const (
	pageSize   = 100
	probePages = 50 // of pageSize numbers on Cloud
	probeStep  = 25 // numbers read at once on Data Center
	probeMax   = 500
	fewIDs     = 10
)

// Identify implements tracker.Tracker.
func (c *Client) Identify(ctx context.Context) (tracker.Identity, error) {
	var u struct {
		named
		TimeZone string `json:"timeZone"`
	}
	if err := c.get(ctx, "read own account", "/myself", nil, &u); err != nil {
		return tracker.Identity{}, err
	}
	id := tracker.Identity{ID: first(u.AccountID, u.Key, u.Name), Name: first(u.DisplayName, u.Name), TimeZone: u.TimeZone}
	if id.ID == "" {
		return tracker.Identity{}, &tracker.Error{Outcome: tracker.Rejected, Kind: tracker.KindAuth, Op: "read own account", Status: http.StatusOK, Reason: "Jira takes us for an anonymous visitor"}
	}
	return id, nil
}

// Get implements tracker.Tracker. It reads the database, not the search index:
// on Cloud one bulk fetch per 100, on Data Center issue by issue, above ten ids
// with a search first, whose gaps are then read one by one.
func (c *Client) Get(ctx context.Context, ids []string) ([]tracker.Ticket, error) {
	cloud, _, err := c.api(ctx)
	if err != nil {
		return nil, err
	}
	var found []issue
	switch {
	case len(ids) == 0:
		return nil, nil
	case len(ids) == 1:
		i, err := c.one(ctx, ids[0])
		if err != nil {
			return nil, err
		}
		if i != nil {
			found = append(found, *i)
		}
	case cloud:
		for chunk := range chunks(ids, pageSize) {
			is, err := c.bulkFetch(ctx, chunk)
			if err != nil {
				return nil, err
			}
			found = append(found, is...)
		}
	default:
		if found, err = c.getDataCenter(ctx, ids); err != nil {
			return nil, err
		}
	}
	return c.tickets(found), nil
}

// tickets converts issues, each once.
func (c *Client) tickets(is []issue) []tracker.Ticket {
	out := make([]tracker.Ticket, 0, len(is))
	seen := map[string]bool{}
	for _, i := range is {
		if i.ID != "" && !seen[i.ID] {
			seen[i.ID] = true
			out = append(out, c.ticket(i))
		}
	}
	return out
}

// one reads one issue, nil where Jira does not show it.
func (c *Client) one(ctx context.Context, id string) (*issue, error) {
	if !word.MatchString(id) {
		return nil, nil
	}
	var i issue
	q := url.Values{"fields": {strings.Join(c.ticketFields(), ",")}, "properties": {PropertyKey}}
	err := c.get(ctx, "read issue", ticketPath(id), q, &i)
	if err != nil {
		if k := tracker.AsError(err).Kind; k == tracker.KindNotFound || k == tracker.KindPermission {
			return nil, nil
		}
		return nil, err
	}
	return &i, nil
}

func (c *Client) bulkFetch(ctx context.Context, ids []string) ([]issue, error) {
	body := map[string]any{"issueIdsOrKeys": ids, "fields": c.ticketFields(), "properties": []string{PropertyKey}}
	var out struct {
		Issues []issue `json:"issues"`
	}
	err := c.do(ctx, call{op: "read issues", method: http.MethodPost, path: "/issue/bulkfetch", body: body, out: &out, read: true})
	return out.Issues, err
}

func (c *Client) getDataCenter(ctx context.Context, ids []string) ([]issue, error) {
	var found []issue
	have := map[string]bool{}
	if len(ids) > fewIDs {
		for chunk := range chunks(ids, pageSize) {
			var plain []string
			for _, id := range chunk {
				if word.MatchString(id) {
					plain = append(plain, id)
				}
			}
			is, _, err := c.searchDC(ctx, "id in ("+strings.Join(plain, ",")+")", 0, pageSize)
			if err != nil && tracker.AsError(err).Kind != tracker.KindInvalid {
				return nil, err
			}
			for _, i := range is {
				have[i.ID], have[i.Key] = true, true
				found = append(found, i)
			}
		}
	}
	var missing []string
	for _, id := range ids {
		if !have[id] {
			missing = append(missing, id)
		}
	}
	rest, err := c.each(ctx, missing)
	return append(found, rest...), err
}

// each reads issues one by one, some at a time; the order is that of the ids.
func (c *Client) each(ctx context.Context, ids []string) ([]issue, error) {
	got := make([]*issue, len(ids))
	errs := make([]error, len(ids))
	slots := make(chan struct{}, 4)
	var wg sync.WaitGroup
	for n, id := range ids {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			got[n], errs[n] = c.one(ctx, id)
		})
	}
	wg.Wait()
	var out []issue
	for n := range ids {
		if errs[n] != nil {
			return nil, errs[n]
		}
		if got[n] != nil {
			out = append(out, *got[n])
		}
	}
	return out, nil
}

// search asks for one page; Cloud takes a token, Data Center a position.
func (c *Client) search(ctx context.Context, cur cursor, size int) ([]issue, *cursor, error) {
	cloud, _, err := c.api(ctx)
	if err != nil {
		return nil, nil, err
	}
	if cloud {
		return c.searchCloud(ctx, cur, size)
	}
	is, total, err := c.searchDC(ctx, cur.JQL, cur.Start, size)
	if err != nil || len(is) == 0 || cur.Start+len(is) >= total {
		return is, nil, err
	}
	// Issues that change while we page move to the end and shift the rest
	// forward: the pages overlap, so that none is passed over.
	step := max(1, len(is)-10)
	return is, &cursor{JQL: cur.JQL, Start: cur.Start + step}, nil
}

func (c *Client) searchCloud(ctx context.Context, cur cursor, size int) ([]issue, *cursor, error) {
	body := map[string]any{"jql": cur.JQL, "fields": c.ticketFields(), "properties": []string{PropertyKey}, "maxResults": size}
	if cur.Token != "" {
		body["nextPageToken"] = cur.Token
	}
	var out struct {
		Issues []issue `json:"issues"`
		Next   string  `json:"nextPageToken"`
		IsLast bool    `json:"isLast"`
	}
	if err := c.do(ctx, call{op: "search issues", method: http.MethodPost, path: "/search/jql", body: body, out: &out, read: true}); err != nil {
		return nil, nil, err
	}
	if out.IsLast || out.Next == "" {
		return out.Issues, nil, nil
	}
	return out.Issues, &cursor{JQL: cur.JQL, Token: out.Next}, nil
}

func (c *Client) searchDC(ctx context.Context, jql string, start, size int) ([]issue, int, error) {
	body := map[string]any{"jql": jql, "fields": c.ticketFields(), "startAt": start, "maxResults": size, "validateQuery": false}
	var out struct {
		Issues []issue `json:"issues"`
		Total  int     `json:"total"`
	}
	err := c.do(ctx, call{op: "search issues", method: http.MethodPost, path: "/search", body: body, out: &out, read: true})
	return out.Issues, out.Total, err
}

// cursor is a place in a list of search results.
type cursor struct {
	JQL   string `json:"q"`
	Token string `json:"t,omitempty"`
	Start int    `json:"s,omitempty"`
}

func (cur *cursor) String() string {
	if cur == nil {
		return ""
	}
	b, err := json.Marshal(cur)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func parseCursor(s string) (cursor, error) {
	var cur cursor
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err == nil {
		err = json.Unmarshal(b, &cur)
	}
	if err != nil || cur.JQL == "" {
		return cursor{}, invalid("search issues", "the cursor is not one of ours", nil)
	}
	return cur, nil
}

// Find implements tracker.Tracker.
func (c *Client) Find(ctx context.Context, marker string) ([]tracker.Ticket, error) {
	if !markers.MatchString(marker) {
		return nil, invalid("find marker", "the marker must consist of letters and digits", nil)
	}
	jql := fmt.Sprintf("labels = %s OR description ~ %s ORDER BY created ASC", quote(LabelPrefix+marker), quote(marker))
	cur := &cursor{JQL: jql}
	var out []tracker.Ticket
	for n := 0; cur != nil && n < 10; n++ {
		is, next, err := c.search(ctx, *cur, pageSize)
		if err != nil {
			return nil, err
		}
		out = append(out, carrying(c.tickets(is), marker)...)
		cur = next
	}
	return unique(out), nil
}

// carrying keeps the tickets that name the marker: a filter is never believed.
func carrying(ts []tracker.Ticket, marker string) []tracker.Ticket {
	var out []tracker.Ticket
	for _, t := range ts {
		for _, m := range t.Markers {
			if m == marker {
				out = append(out, t)
				break
			}
		}
	}
	return out
}

func unique(ts []tracker.Ticket) []tracker.Ticket {
	seen := map[string]bool{}
	var out []tracker.Ticket
	for _, t := range ts {
		if !seen[t.ID] {
			seen[t.ID] = true
			out = append(out, t)
		}
	}
	return out
}

// HighWater implements tracker.Tracker: the highest number that the search
// index shows or that this client has seen.
func (c *Client) HighWater(ctx context.Context, project string) (int64, error) {
	key, err := c.projectKey(ctx, project)
	if err != nil {
		return 0, err
	}
	is, _, err := c.search(ctx, cursor{JQL: "project = " + quote(key) + " ORDER BY key DESC"}, 1)
	if err != nil {
		return 0, err
	}
	for _, t := range c.tickets(is) {
		// An index that lags behind a renaming shows the number under the old key.
		if _, n := splitKey(t.Key); n > 0 {
			c.remember(key + "-" + strconv.FormatInt(n, 10))
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[key], nil
}

// projectKey returns the key that a project has now, given by key or id. A project
// that was renamed answers to its old key, which its new tickets do not have.
func (c *Client) projectKey(ctx context.Context, project string) (string, error) {
	c.mu.Lock()
	known, ok := c.keys[project]
	c.mu.Unlock()
	if ok && c.cfg.HTTP.Now().Sub(known.at) < formAge {
		return known.key, nil
	}
	var p named
	if err := c.get(ctx, "read project", "/project/"+url.PathEscape(project), nil, &p); err != nil {
		return "", err
	}
	if p.Key == "" {
		p.Key = project
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.keys[project] = cachedKey{key: p.Key, at: c.cfg.HTTP.Now()}
	return p.Key, nil
}

// Probe implements tracker.Tracker. On Cloud it fetches 100 keys at a time and
// goes on while a page has at least one issue. Data Center has no bulk read, and
// its search would go through the index, so issues are read one by one, 25 at a
// time, at most 500 numbers.
func (c *Client) Probe(ctx context.Context, project string, highWater int64, marker string) ([]tracker.Ticket, error) {
	cloud, _, err := c.api(ctx)
	if err != nil {
		return nil, err
	}
	key, err := c.projectKey(ctx, project)
	if err != nil {
		return nil, err
	}
	step, pages, fetch := int64(pageSize), probePages, c.bulkFetch
	if !cloud {
		step, pages, fetch = probeStep, probeMax/probeStep, c.each
	}
	var out []tracker.Ticket
	for range pages {
		keys := make([]string, step)
		for i := range keys {
			keys[i] = key + "-" + strconv.FormatInt(highWater+1+int64(i), 10)
		}
		is, err := fetch(ctx, keys)
		if err != nil {
			return nil, err
		}
		if len(is) == 0 {
			break
		}
		out = append(out, carrying(c.tickets(is), marker)...)
		highWater += step
	}
	return unique(out), nil
}

// Changed implements tracker.Tracker. The time is relative to the server's
// clock, so that neither the user's time zone nor a skew of clocks matters.
// Where Jira refuses the query because the known issue is gone, it is asked
// again without it: the caller then misses the known issue in the answer.
func (c *Client) Changed(ctx context.Context, q tracker.ChangeQuery) (tracker.Page, error) {
	cur := cursor{JQL: changedJQL(q, true)}
	if q.Cursor != "" {
		var err error
		if cur, err = parseCursor(q.Cursor); err != nil {
			return tracker.Page{}, err
		}
	}
	is, next, err := c.search(ctx, cur, pageSize)
	if err != nil && q.Cursor == "" && q.Known != "" && tracker.AsError(err).Kind == tracker.KindInvalid {
		is, next, err = c.search(ctx, cursor{JQL: changedJQL(q, false)}, pageSize)
	}
	if err != nil {
		return tracker.Page{}, err
	}
	return tracker.Page{Tickets: c.tickets(is), Next: next.String()}, nil
}

func changedJQL(q tracker.ChangeQuery, withKnown bool) string {
	jql := "labels = " + quote(q.Label)
	if !q.Since.IsZero() {
		minutes := max(1, int64(math.Ceil(q.Now.Sub(q.Since).Minutes())))
		jql += fmt.Sprintf(" AND updated >= -%dm", min(minutes, int64(10*365*24*time.Hour/time.Minute)))
	}
	if withKnown && word.MatchString(q.Known) {
		jql = "(" + jql + ") OR id = " + q.Known
	}
	return jql + " ORDER BY updated ASC"
}

func chunks(ids []string, size int) func(func([]string) bool) {
	return func(yield func([]string) bool) {
		for len(ids) > 0 {
			n := min(size, len(ids))
			if !yield(ids[:n]) {
				return
			}
			ids = ids[n:]
		}
	}
}
