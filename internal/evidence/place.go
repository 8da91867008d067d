package evidence

import (
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/model"
)

// places knows where components are: by URL prefix, host, or path glob.
type places struct {
	patterns []pattern
	names    map[string][]model.ElementID // lower-case name or id
	ends     map[model.ElementID][2]model.ElementID
}

type pattern struct {
	component model.ElementID
	text      string
}

func newPlaces(m *model.Model) *places {
	p := &places{names: map[string][]model.ElementID{}, ends: map[model.ElementID][2]model.ElementID{}}
	for _, c := range m.Components {
		for _, text := range c.Locations {
			if text = strings.TrimSpace(text); text != "" {
				p.patterns = append(p.patterns, pattern{c.ID, text})
			}
		}
		p.names[strings.ToLower(string(c.ID))] = append(p.names[strings.ToLower(string(c.ID))], c.ID)
		if name := strings.ToLower(strings.TrimSpace(c.Name)); name != "" && name != strings.ToLower(string(c.ID)) {
			p.names[name] = append(p.names[name], c.ID)
		}
	}
	for _, f := range m.Flows {
		p.ends[f.ID] = [2]model.ElementID{f.From, f.To}
	}
	return p
}

// hits returns the components at which a result was observed: the one it
// names, else for each of its locations those with the longest fitting pattern.
func (p *places) hits(r *Result) []model.ElementID {
	if named := p.names[strings.ToLower(strings.TrimSpace(r.Component))]; len(named) > 0 {
		return named
	}
	var out []model.ElementID
	for _, at := range r.Locations {
		best := 0
		var found []model.ElementID
		for _, pt := range p.patterns {
			switch score := pt.fits(at.URI); {
			case score == 0 || score < best:
			case score > best:
				best, found = score, []model.ElementID{pt.component}
			default:
				found = append(found, pt.component)
			}
		}
		for _, id := range found {
			if !slices.Contains(out, id) {
				out = append(out, id)
			}
		}
	}
	return out
}

// near reports whether an element is one of the components, or a flow that ends at one. What concerns the
// product as a whole is near everything.
func (p *places) near(where model.ElementID, hits []model.ElementID) bool {
	if where == model.AtProduct || slices.Contains(hits, where) {
		return true
	}
	ends, isFlow := p.ends[where]
	return isFlow && (slices.Contains(hits, ends[0]) || slices.Contains(hits, ends[1]))
}

// fits returns how specific the pattern is for the location, in characters that
// had to agree; 0 where it does not fit.
func (pt pattern) fits(uri string) int {
	if uri == "" {
		return 0
	}
	u, err := url.Parse(uri)
	isURL := err == nil && u.Host != ""
	switch {
	case strings.Contains(pt.text, "://"):
		want, err := url.Parse(pt.text)
		if err != nil || !isURL || !strings.EqualFold(want.Hostname(), u.Hostname()) || port(want) != port(u) {
			return 0
		}
		if !under(u.Path, want.Path) {
			return 0
		}
		return len(want.Host) + len(want.Path) + 1
	case isURL && strings.HasPrefix(pt.text, "/"):
		if under(u.Path, pt.text) || glob(pt.text, u.Path) {
			return literal(pt.text)
		}
	case isURL:
		host, rest, _ := strings.Cut(pt.text, "/")
		if (strings.EqualFold(host, u.Host) || strings.EqualFold(host, u.Hostname())) && under(u.Path, rest) {
			return len(pt.text)
		}
	default:
		file, want := strings.TrimPrefix(uri, "/"), strings.Trim(pt.text, "/")
		if under(file, want) || glob(want, file) {
			return literal(want)
		}
	}
	return 0
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if strings.EqualFold(u.Scheme, "http") {
		return "80"
	}
	return "443"
}

// under reports whether a path is the prefix or lies below it, at a segment's border.
func under(file, prefix string) bool {
	file, prefix = strings.Trim(file, "/"), strings.Trim(prefix, "/")
	return prefix == "" || file == prefix || strings.HasPrefix(file, prefix+"/")
}

// literal is the length of a pattern without its wildcards, at least 1.
func literal(p string) int { return max(len(p)-strings.Count(p, "*")-strings.Count(p, "?"), 1) }

// glob matches a path segment by segment; "**" stands for any number of segments.
func glob(want, file string) bool {
	if !strings.ContainsAny(want, "*?[") {
		return false
	}
	parts, segs := strings.Split(strings.Trim(want, "/"), "/"), strings.Split(strings.Trim(file, "/"), "/")
	// reach[i]: the first segments are matched by the parts so far, i of them used.
	reach := make([]bool, len(segs)+1)
	reach[0] = true
	for _, p := range parts {
		next := make([]bool, len(segs)+1)
		for i, ok := range reach {
			switch {
			case !ok:
			case p == "**":
				for k := i; k <= len(segs); k++ {
					next[k] = true
				}
			case i < len(segs):
				if fit, err := path.Match(p, segs[i]); err == nil && fit {
					next[i+1] = true
				}
			}
		}
		reach = next
	}
	return reach[len(segs)]
}
