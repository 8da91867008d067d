package junit

import (
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/evidence/cursor"
	"github.com/threatloop/threatloop/internal/evidence/cwe"
	"github.com/threatloop/threatloop/internal/evidence/result"
)

// props are the properties with a meaning for us. Ours are cwe, weakness,
// countermeasure, ref and component; Xray's test_key, test_id, requirements and tags are read as well.
type props struct {
	refs, tags, cwes []string
	component        string
}

// inherit returns a copy for an inner element, whose additions stay its own.
func (p props) inherit() props {
	return props{refs: slices.Clip(p.refs), tags: slices.Clip(p.tags), cwes: slices.Clip(p.cwes), component: p.component}
}

func (p *props) set(name, value string) {
	value = strings.TrimSpace(value)
	if value == "" || len(p.refs)+len(p.tags)+len(p.cwes) > 4*result.MaxList {
		return
	}
	switch strings.ToLower(name) {
	case "cwe", "cwes", "cwe_id", "cwe-id":
		p.cwes = append(p.cwes, value)
	case "weakness", "countermeasure", "ref", "refs", "test_key", "test_id", "requirement", "requirements":
		p.refs = append(p.refs, result.SplitList(value)...)
	case "component":
		p.component = value
	case "tag", "tags":
		for _, tag := range result.SplitList(value) {
			p.tags = append(p.tags, result.Tag(tag))
			if ref := result.RefOfTag(tag); ref != "" {
				p.refs = append(p.refs, ref)
			}
		}
	}
}

// apply adds the properties to a result.
func (p *props) apply(res *result.Result, tree *cwe.Tree) {
	for _, value := range p.cwes {
		res.CWEs = append(res.CWEs, tree.ParseIDs(value)...)
	}
	for _, tag := range p.tags {
		res.CWEs = append(res.CWEs, tree.FindIDs(tag)...)
	}
	res.Refs = append(res.Refs, p.refs...)
	res.Tags = append(res.Tags, p.tags...)
	res.Component = p.component
}

// fromOutput reads Testmo's convention: lines "[[PROPERTY|name=value]]" in a case's output.
func (p *props) fromOutput(text string) {
	for {
		_, rest, found := strings.Cut(text, "[[PROPERTY|")
		if !found {
			return
		}
		body, after, closed := strings.Cut(rest, "]]")
		if !closed {
			return
		}
		if name, value, ok := strings.Cut(body, "="); ok && len(body) < result.MaxText {
			p.set(strings.TrimSpace(name), value)
		}
		text = after
	}
}

// properties reads a properties element. A value is in the attribute, or the element's text.
func (r *reader) properties(p *props) error {
	return r.x.Children(func(child string) error {
		if child != "property" {
			return nil
		}
		name, value, has := r.x.Attr("name"), r.x.Attr("value"), r.x.Has("value")
		if !has {
			text, err := r.x.TextOf(cursor.MaxToken)
			if err != nil {
				return err
			}
			value = text
		}
		p.set(name, value)
		return nil
	})
}
