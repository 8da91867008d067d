package otm

import (
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/model"
)

// flowKeys are the keys of a data flow that are read, besides its attributes.
var flowKeys = slices.Clip([]string{"id", "name", "description", "bidirectional", "source", "destination", "assets", "threats", "tags", "from", "target", "to"})

func (r *reader) dataflows(root *node) {
	diagrams := map[model.ElementID]model.DiagramID{}
	for i := range r.Model.Components {
		diagrams[r.Model.Components[i].ID] = r.Model.Components[i].Diagram
	}
	for i := range r.Model.Zones {
		diagrams[r.Model.Zones[i].ID] = r.Model.Zones[i].Diagram
	}
	names := map[model.ElementID]string{}
	for _, e := range r.order {
		names[e.id] = reading.Line(e.n.get("name").str())
	}
	flows := root.get("dataflows").each()
	r.Model.Flows = slices.Grow(r.Model.Flows, len(flows))
	for i, n := range flows {
		if !n.is(object) {
			r.Note(imported.Refused, n.at(), "data flow", "is no mapping")
			continue
		}
		id := strings.TrimSpace(n.get("id").str())
		f := model.Flow{Description: n.get("description").str()}
		e := r.Element("data flow", id, i+1, n.at())
		where := reading.Where("data flow", e, reading.Line(n.get("name").str()))
		f.From = r.flowEnd(where, n, "source", "source", "from")
		f.To = r.flowEnd(where, n, "destination", "destination", "target", "to")
		if f.Diagram = diagrams[f.From]; f.Diagram == "" {
			f.Diagram = cmpDiagram(diagrams[f.To], r.first, r.exact)
		}
		own := f.Diagram
		r.overlay(where, n.get("attributes"), &f)
		if f.Diagram != "" && !r.hasDiagram(f.Diagram) {
			f.Diagram = own
		}
		if !ours(n.get("attributes")) {
			for _, attributes := range []*node{n.get("properties"), n.get("attributes")} {
				if attributes.get("Out Of Scope", "outOfScope").truth() {
					f.OutOfScope, f.OutOfScopeReason = true, attributes.get("Reason For Out Of Scope", "reasonOutOfScope").str()
				}
				said(&f, attributes)
			}
		}
		f.ID, f.Bidirectional, f.Tags = e, n.get("bidirectional").truth(), r.tags(where, n)
		f.Carries = r.assetsOf(where, n.get("assets"))
		otherwise := "Flow"
		if a, b := names[f.From], names[f.To]; a != "" && b != "" {
			otherwise = a + " to " + b
		}
		f.Name = r.Named(n.get("name").str(), otherwise, n.at())
		f.Extra = keep(f.Extra, leftover(n, flowKeys...))
		r.unknown("data flow", n, append(flowKeys, "attributes", "properties")...)
		r.form(where, "data flow", n, flowForm)
		r.Out.Counts.Flow++
		r.Model.Flows = append(r.Model.Flows, f)
		r.places = append(r.places, placed{id: f.ID, where: where, n: n})
	}
}

// said takes over what a foreign file's attributes say of a flow in the words of
// Threat Dragon or of the Microsoft tool; they are kept as written.
func said(f *model.Flow, attributes *node) {
	f.Protocol = cmpOr(reading.Line(attributes.get("protocol").str()), f.Protocol)
	for name, keys := range map[string][]string{
		"encrypted": {"isEncrypted", "encrypted", "Provides Confidentiality"}, "public_network": {"isPublicNetwork", "publicNetwork"}, "authenticated": {"isAuthenticated", "authenticated", "Source Authenticated"},
	} {
		word := attributes.get(keys...)
		if !isOneOf(word.str(), []string{"true", "false", "yes", "no"}) {
			continue
		}
		if f.Attributes == nil {
			f.Attributes = map[string]string{}
		}
		if f.Attributes[name] = "no"; isOneOf(word.str(), []string{"true", "yes"}) {
			f.Attributes[name] = "yes"
		}
	}
}

func cmpDiagram(a, b model.DiagramID, exact bool) model.DiagramID {
	if a != "" || exact {
		return a
	}
	return b
}

// flowEnd resolves an end of a data flow, which must be a component.
func (r *reader) flowEnd(where string, n *node, name string, keys ...string) model.ElementID {
	ref := n.get(keys...)
	id := strings.TrimSpace(ref.str())
	switch {
	case id == "":
		r.Note(imported.Refused, cmpNode(ref, n).at(), where, "has no %s; the end is loose", name)
	case r.parts[id] != nil:
		return r.parts[id].id
	case r.ends[id] != nil:
		return r.ends[id].id
	case r.zones[id] != nil && !r.zones[id].outside:
		r.Note(imported.Guess, ref.at(), where, "its %s %q is a trust zone, expected a component; the flow ends at the zone", name, id)
		return r.zones[id].id
	case r.partByName(id) != nil:
		r.Note(imported.Guess, ref.at(), where, "its %s %q is no id but the name of the component %s; it is taken", name, id, r.partByName(id).id)
		return r.partByName(id).id
	default:
		r.Note(imported.Refused, ref.at(), where, "its %s %q does not exist in the file; the end is loose", name, id)
	}
	return ""
}

// partByName returns the only component of a name, or nil: some writers refer to components so.
func (r *reader) partByName(name string) *nested {
	if r.byName == nil {
		r.byName = map[string]*nested{}
		for _, e := range r.order {
			if !e.component {
				continue
			}
			n := reading.Line(e.n.get("name").str())
			if _, taken := r.byName[n]; taken {
				r.byName[n] = nil
			} else {
				r.byName[n] = e
			}
		}
	}
	return r.byName[name]
}
