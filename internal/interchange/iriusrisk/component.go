package iriusrisk

import (
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/htmltext"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/interchange/xmltree"
	"github.com/threatloop/threatloop/internal/model"
)

// riskParts are the children of a component that become objects of their own.
var riskParts = []string{"weaknesses", "countermeasures", "controls", "usecases"}

func (r *reader) component(e *xmltree.Element, serial int) {
	name := htmltext.Line(e.Attr("name"))
	r.about = "component " + name
	at := e.At(r.Opts)
	c := model.Component{
		ID: r.Element("component", e.Attr("ref"), serial, at), Diagram: diagram, Name: r.Named(name, "Component", at),
		Description: prose(e.Attr("desc")), Tags: tags(e), Box: r.box(e.Attr("diagramComponentId"), e.Attr("ref"), e.Attr("uuid")),
	}
	if c.Description == "" {
		c.Description = prose(e.Child("desc").Text())
	}
	r.Type(&c, at, definitionWords(e.Attr("componentDefinitionRef")), c.Name)
	r.Count(c.Kind)
	c.Zone = r.zoneOf(e)
	stored, processed := map[model.AssetID]bool{}, map[model.AssetID]bool{}
	for _, a := range e.All("assets", "asset") {
		id, ok := r.asset(a)
		if !ok {
			continue
		}
		// 10 is stored, 20 processed, 40 sent, 50 received: what is sent or received is handled too.
		switch {
		case a.Attr("accessType") == "10" && !stored[id]:
			stored[id] = true
			c.Stores = append(c.Stores, id)
		case a.Attr("accessType") != "10" && !processed[id]:
			processed[id] = true
			c.Processes = append(c.Processes, id)
		}
	}
	if raw := r.scrub.keep(e, append([]string{"ref", "name", "desc", "tags", "trustZones"}, riskParts...)...); raw != nil {
		c.Extra = model.Extra{Key: raw}
	}
	for _, child := range e.Children {
		switch child.Name {
		case "tags", "questions", "trustZones", "assets", "settings", "desc", "customFields", "udts", "conclusions", "weaknesses", "countermeasures", "controls", "usecases":
		default:
			r.Unknown("component", child.Name, child.At(r.Opts))
		}
	}
	if n := len(e.All("questions", "question")); n > 0 {
		r.Note(imported.Kept, e.Child("questions").At(r.Opts), "%s kept: the questions are of a library that is not here", reading.Plural(n, "answer is", "answers are"))
	}
	for _, key := range []string{e.Attr("ref"), e.Attr("uuid")} {
		if _, taken := r.components[key]; key != "" && !taken {
			r.components[key] = c.ID
		}
	}
	r.names[c.ID] = c.Name
	r.Model.Components = append(r.Model.Components, c)
}

func add[T comparable](list *[]T, one T) {
	if !slices.Contains(*list, one) {
		*list = append(*list, one)
	}
}

// definitionWords are those of a component definition's ref: "CD-V2-AWS-API-GATEWAY" is an aws api gateway.
func definitionWords(ref string) string {
	ref = strings.ToLower(ref)
	for _, prefix := range []string{"cd-", "v2-"} {
		ref = strings.TrimPrefix(ref, prefix)
	}
	if ref == "" {
		return ""
	}
	return strings.ReplaceAll(model.Slug(ref), "-", " ")
}

// zoneOf returns the component's zone; of several the least trusted counts.
func (r *reader) zoneOf(e *xmltree.Element) model.ElementID {
	best := model.ElementID("")
	list := e.All("trustZones", "trustZone")
	for _, z := range list {
		id, ok := r.zones[z.Attr("ref")]
		if !ok || z.Attr("ref") == "" {
			id, ok = r.zones[htmltext.Line(z.Attr("name"))]
		}
		if !ok {
			r.Note(imported.Refused, z.At(r.Opts), "the trust zone %q does not exist", z.Attr("ref")+z.Attr("name"))
			continue
		}
		if best == "" || r.trust[id] < r.trust[best] {
			best = id
		}
	}
	if len(list) > 1 {
		r.Note(imported.Guess, list[1].At(r.Opts), "the component stands in %d trust zones; the least trusted is taken", len(list))
	}
	return best
}

// nest gives components without a zone that of the component around them, and says what is kept of nesting.
func (r *reader) nest(list []*xmltree.Element) {
	at := map[model.ElementID]int{}
	for i := range r.Model.Components {
		at[r.Model.Components[i].ID] = i
	}
	nested, outside := 0, 0
	for i, e := range list {
		c := &r.Model.Components[i]
		r.about = "component " + c.Name
		parent := e.Attr("parentComponentRef")
		if parent != "" {
			if _, ok := r.components[parent]; !ok {
				r.Note(imported.Refused, e.At(r.Opts), "the component %q around it does not exist", parent)
			} else {
				nested++
			}
		}
		up := e
		for steps := 0; c.Zone == "" && steps < len(list); steps++ {
			id, ok := r.components[up.Attr("parentComponentRef")]
			if !ok {
				break
			}
			c.Zone, up = r.Model.Components[at[id]].Zone, list[at[id]]
		}
		if c.Zone == "" {
			outside++
		}
	}
	r.about = "file"
	if nested > 0 {
		r.Note(imported.Kept, "", "%s inside another one; the nesting is kept, and the trust zone counts", reading.Plural(nested, "component stands", "components stand"))
	}
	if outside > 0 {
		r.Note(imported.Guess, "", "%s outside every trust zone: actors count as trusted 0 of 100, everything else 50", reading.Plural(outside, "component stands", "components stand"))
	}
}

// protocols are tags of data flows that name how they go.
var protocols = map[string]string{
	"https": "yes", "http": "no", "tls": "yes", "ssh": "yes", "sftp": "yes", "ftp": "no", "ftps": "yes", "wss": "yes", "ws": "no", "mqtts": "yes", "mqtt": "no",
	"ldaps": "yes", "ldap": "no", "smtps": "yes", "smtp": "no", "grpc": "", "amqp": "", "amqps": "yes", "jdbc": "",
}

func (r *reader) dataflows(root *xmltree.Element) {
	for i, e := range root.All("dataflows", "dataflow") {
		if i >= reading.MaxElements {
			return // Finish refuses the model
		}
		name := htmltext.Line(e.Attr("name"))
		r.about = "data flow " + name
		at := e.At(r.Opts)
		f := model.Flow{
			ID: r.Element("data flow", e.Attr("ref"), i, at), Diagram: diagram, Tags: tags(e), From: r.end(e, "source"), To: r.end(e, "target"),
		}
		otherwise := "Flow"
		if r.names[f.From] != "" && r.names[f.To] != "" {
			otherwise = r.names[f.From] + " to " + r.names[f.To]
		}
		f.Name = r.Named(name, otherwise, at)
		carried := map[model.AssetID]bool{}
		for _, a := range e.All("assets", "asset") {
			if id, ok := r.asset(a); ok && !carried[id] {
				carried[id] = true
				f.Carries = append(f.Carries, id)
			}
		}
		for _, t := range f.Tags {
			encrypted, ok := protocols[strings.ToLower(t)]
			if !ok || f.Protocol != "" {
				continue
			}
			f.Protocol = strings.ToLower(t)
			if encrypted != "" {
				f.Attributes = map[string]string{"encrypted": encrypted}
			}
			r.Note(imported.Guess, at, "the tag %q is taken as the protocol", t)
		}
		if raw := r.scrub.keep(e, "ref", "name", "source", "target", "assets", "tags"); raw != nil {
			f.Extra = model.Extra{Key: raw}
		}
		r.Out.Counts.Flow++
		r.Model.Flows = append(r.Model.Flows, f)
	}
}

func (r *reader) end(e *xmltree.Element, name string) model.ElementID {
	ref := e.Attr(name)
	if id, ok := r.components[ref]; ok {
		return id
	}
	if id, ok := r.zones[ref]; ok && ref != "" {
		return id
	}
	r.Note(imported.Guess, e.At(r.Opts), "its %s %q does not exist; the end is loose", name, ref)
	return ""
}
