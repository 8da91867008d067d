package jira

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/richtext"
)

const maxHops = 3

// transition is a step that Jira offers for an issue in its present status.
type transition struct {
	ID     string               `json:"id"`
	Name   string               `json:"name"`
	To     status               `json:"to"`
	Fields map[string]fieldMeta `json:"fields"`
}

// edge is a step learned from an earlier answer.
type edge struct {
	to       string
	category tracker.Category
}

// Transition implements tracker.Tracker. Steps are chosen by the category of
// the status they lead to and by the wished statuses, never by their own name.
// Jira shows only the steps from the present status, so a way of several hops
// is walked: along what earlier answers showed, else breadth first through open
// statuses, at most MaxHops (3 at most) steps. A step whose required fields
// cannot be filled is not taken; the error then names the fields.
func (c *Client) Transition(ctx context.Context, id string, w tracker.Wish) (tracker.Ticket, error) {
	const op = "transition issue"
	t, err := c.current(ctx, op, id)
	if err != nil {
		return tracker.Ticket{}, before(err)
	}
	if reached(t, w) {
		return t, nil
	}
	if w.DuplicateOf != "" {
		kind, err := c.linkTypeName(ctx, c.cfg.DuplicateLinkType, "Relates")
		switch {
		case err == nil:
			if err := c.link(ctx, kind, id, w.DuplicateOf); err != nil {
				return t, err
			}
		case tracker.AsError(err).Kind != tracker.KindUnsupported: // closed without a link where there are none
			return t, before(err)
		}
	}
	hops := min(max(w.MaxHops, 1), maxHops)
	visited := map[string]bool{}
	for left := hops; left > 0; left-- {
		visited[t.StatusID] = true
		offered, err := c.transitions(ctx, t)
		if err != nil {
			return t, before(err)
		}
		step, fields, terr := c.choose(ctx, t, offered, w, left, visited)
		if terr != nil {
			return t, terr
		}
		body := map[string]any{"transition": map[string]any{"id": step.ID}}
		for k, v := range fields {
			body[k] = v
		}
		if err := c.do(ctx, call{op: op, method: http.MethodPost, path: ticketPath(id) + "/transitions", body: body, scope: id}); err != nil {
			return t, err
		}
		after, err := c.current(ctx, op, id)
		if err != nil {
			e := *tracker.AsError(err)
			e.Outcome = tracker.Ambiguous // the step was accepted, its effect is unknown
			return t, &e
		}
		if after.StatusID == t.StatusID {
			return after, &tracker.Error{
				Outcome: tracker.Rejected, Kind: tracker.KindNoTransition, Op: op,
				Reason: fmt.Sprintf("Jira accepted the step to %q and left %s in %q", step.To.Name, after.Key, after.Status),
			}
		}
		if t = after; reached(t, w) {
			return t, nil
		}
	}
	return t, &tracker.Error{
		Outcome: tracker.Rejected, Kind: tracker.KindNoTransition, Op: op,
		Reason: fmt.Sprintf("%s is in %q after %d steps; no way to a status of category %q was found", t.Key, t.Status, hops, w.Category),
	}
}

func (c *Client) current(ctx context.Context, op, id string) (tracker.Ticket, error) {
	i, err := c.one(ctx, id)
	if err != nil {
		return tracker.Ticket{}, err
	}
	if i == nil {
		return tracker.Ticket{}, &tracker.Error{Outcome: tracker.Rejected, Kind: tracker.KindNotFound, Op: op, Status: http.StatusNotFound, Reason: "the ticket was deleted or is hidden from us"}
	}
	return c.ticket(*i), nil
}

func reached(t tracker.Ticket, w tracker.Wish) bool {
	return t.Category == w.Category || slices.ContainsFunc(w.Statuses, func(s string) bool { return s == t.StatusID || strings.EqualFold(s, t.Status) })
}

func (c *Client) transitions(ctx context.Context, t tracker.Ticket) ([]transition, error) {
	var out struct {
		Transitions []transition `json:"transitions"`
	}
	if err := c.get(ctx, "read transitions", ticketPath(t.ID)+"/transitions", url.Values{"expand": {"transitions.fields"}}, &out); err != nil {
		return nil, err
	}
	flow := t.Project + "/" + t.Type
	var edges []edge
	for _, s := range out.Transitions {
		edges = append(edges, edge{to: s.To.ID, category: s.To.category()})
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.paths[flow] == nil {
		c.paths[flow] = map[string][]edge{}
	}
	c.paths[flow][t.StatusID] = edges
	return out.Transitions, nil
}

// choose returns the next step and the fields it needs.
func (c *Client) choose(ctx context.Context, t tracker.Ticket, offered []transition, w tracker.Wish, left int, visited map[string]bool) (transition, map[string]any, *tracker.Error) {
	none := &tracker.Error{Outcome: tracker.NotSent, Kind: tracker.KindNoTransition, Op: "transition issue"}
	if len(offered) == 0 {
		none.Reason = fmt.Sprintf("Jira offers no step for %s: the account lacks the permission Transition Issues, or the workflow ends in %q", t.Key, t.Status)
		return transition{}, nil, none
	}
	cloud, _, err := c.api(ctx)
	if err != nil {
		return transition{}, nil, tracker.AsError(err)
	}
	direct := slices.Clone(offered)
	direct = slices.DeleteFunc(direct, func(s transition) bool { return rank(s, w) < 0 })
	slices.SortStableFunc(direct, func(a, b transition) int {
		return cmp.Or(cmp.Compare(rank(a, w), rank(b, w)), cmp.Compare(a.ID, b.ID))
	})
	for _, s := range direct {
		fields, wrong := s.fill(w, cloud)
		if len(wrong) == 0 {
			return s, fields, nil
		}
		if none.Fields == nil {
			none.Fields = wrong
			none.Reason = fmt.Sprintf("the step to %q needs fields: %s", s.To.Name, reason(wrong))
		}
	}
	if left > 1 {
		for _, s := range c.detours(t, offered, w, left, visited) {
			if fields, wrong := s.fill(w, cloud); len(wrong) == 0 {
				return s, fields, nil
			}
		}
	}
	if none.Reason == "" {
		var to []string
		for _, s := range offered {
			to = append(to, s.To.Name)
		}
		none.Reason = fmt.Sprintf("from %q Jira offers %s only, none of category %q", t.Status, strings.Join(to, ", "), w.Category)
	}
	return transition{}, nil, none
}

// rank orders steps into the wished state: by the list of statuses, then any of
// the category; negative leads elsewhere.
func rank(s transition, w tracker.Wish) int {
	for i, want := range w.Statuses {
		if want == s.To.ID || strings.EqualFold(want, s.To.Name) {
			return i
		}
	}
	if s.To.category() == w.Category {
		return len(w.Statuses)
	}
	return -1
}

// detours are steps towards other statuses: those on a known shortest way
// first, then open statuses not visited. A done status is never passed through
// on the way to an open one's neighbour unless the goal is done as well.
func (c *Client) detours(t tracker.Ticket, offered []transition, w tracker.Wish, left int, visited map[string]bool) []transition {
	type option struct {
		transition
		distance int
	}
	c.mu.Lock()
	graph := c.paths[t.Project+"/"+t.Type]
	var options []option
	for _, s := range offered {
		if visited[s.To.ID] || s.To.category() == tracker.Done {
			continue
		}
		d := distance(graph, s.To.ID, w, left-1)
		if _, known := graph[s.To.ID]; known && d > left-1 {
			continue // seen before, and no way from there within the limit
		}
		options = append(options, option{s, d})
	}
	c.mu.Unlock()
	progress := func(s transition) int {
		if s.To.category() == tracker.InProgress {
			return 0
		}
		return 1
	}
	slices.SortStableFunc(options, func(a, b option) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), cmp.Compare(progress(a.transition), progress(b.transition)), cmp.Compare(a.ID, b.ID))
	})
	out := make([]transition, len(options))
	for i, o := range options {
		out[i] = o.transition
	}
	return out
}

// distance is the number of known steps from a status to the wished category,
// breadth first; limit+1 where none is known.
func distance(graph map[string][]edge, from string, w tracker.Wish, limit int) int {
	seen := map[string]bool{from: true}
	level := []string{from}
	for d := 1; d <= limit; d++ {
		var next []string
		for _, s := range level {
			for _, e := range graph[s] {
				if e.category == w.Category || slices.Contains(w.Statuses, e.to) {
					return d
				}
				if !seen[e.to] {
					seen[e.to] = true
					next = append(next, e.to)
				}
			}
		}
		level = next
	}
	return limit + 1
}

// fill makes the parts of a transition request that its screen asks for, and
// the texts of the required fields that cannot be filled.
func (s transition) fill(w tracker.Wish, cloud bool) (parts map[string]any, wrong map[string]string) {
	fields, update := map[string]any{}, map[string]any{}
	wrong = map[string]string{}
	for _, id := range sortedKeys(s.Fields) {
		m := s.Fields[id]
		v, given := w.Fields[id]
		if id == "resolution" && !given && w.Resolution != "" {
			if _, ok := m.pick(w.Resolution); ok || m.Required && !m.HasDefault {
				v, given = w.Resolution, true
			}
		}
		if !given {
			switch {
			case !m.Required || m.HasDefault:
			case len(m.Allowed) == 1 && m.Allowed[0].ID != "":
				fields[id], _ = m.value(m.Allowed[0].ID, cloud) // an allowed value is taken by definition
			default:
				wrong[id] = m.missing()
			}
			continue
		}
		if id == "comment" {
			update[id] = []any{map[string]any{"add": map[string]any{"body": printComment(commentDoc(v), cloud)}}}
			continue
		}
		value, err := m.value(v, cloud)
		if err != nil {
			wrong[id] = m.Name + ": " + err.Error()
			continue
		}
		fields[id] = value
	}
	parts = map[string]any{}
	if len(fields) > 0 {
		parts["fields"] = fields
	}
	if len(update) > 0 {
		parts["update"] = update
	}
	return parts, wrong
}

func commentDoc(v any) richtext.Doc {
	if d, ok := v.(richtext.Doc); ok {
		return d
	}
	return richtext.Doc{richtext.P(richtext.Text(fmt.Sprint(v)))}
}
