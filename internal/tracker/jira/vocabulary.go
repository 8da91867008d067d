package jira

import (
	"context"
	"net/url"
	"strings"

	"github.com/threatloop/threatloop/internal/tracker"
)

// Vocabulary implements tracker.Speaker. A site that does not show its
// resolutions has none to choose from; that is no error.
func (c *Client) Vocabulary(ctx context.Context, in tracker.Target) (tracker.Vocabulary, error) {
	out := tracker.Vocabulary{Statuses: []tracker.StatusName{}, Resolutions: []string{}}
	var types []struct {
		named
		Statuses []status `json:"statuses"`
	}
	if err := c.get(ctx, "read statuses", "/project/"+url.PathEscape(in.Project)+"/statuses", nil, &types); err != nil {
		return out, err
	}
	seen := map[string]bool{}
	for _, t := range types {
		if in.Type != "" && t.ID != in.Type && !strings.EqualFold(t.Name, in.Type) {
			continue
		}
		for _, s := range t.Statuses {
			if !seen[s.Name] {
				seen[s.Name] = true
				out.Statuses = append(out.Statuses, tracker.StatusName{Name: s.Name, Category: s.category()})
			}
		}
	}
	var resolutions []named
	if err := c.get(ctx, "read resolutions", "/resolution", nil, &resolutions); err != nil {
		return out, ctx.Err()
	}
	for _, r := range resolutions {
		out.Resolutions = append(out.Resolutions, r.Name)
	}
	return out, nil
}
