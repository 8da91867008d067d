// Package tm7 reads the models of the Microsoft Threat Modeling Tool (.tm7, file
// version 4.3): .NET DataContract XML. Boundaries follow from the drawing, as in
// the tool: a box holds what lies in it, a line is crossed by the flows that meet it.
//
// A file is mostly its template (KnowledgeBase). Of that only names are used: of
// stencils, of categories, of threats that have no words of their own. Threats
// that the tool generated and nobody has judged come in as open, saying so.
//
// Elements keep the file's GUIDs; where two diagrams draw the same one, the
// second gets an id of its own. A threat's ref is the file's key of it, which is
// made of its type and the ends of its flow.
package tm7

import (
	"bytes"
	"cmp"
	"encoding/json"
	"path"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/interchange/xmltree"
	"github.com/threatloop/threatloop/internal/model"
)

// Key is the key of Extra under which is kept what has no meaning here.
const Key = "tm7"

// What a file may draw: placing takes time by the product of two of these.
const (
	maxBoundaries = 2_000
	maxPoints     = 40_000
)

// namespace begins all of the tool's namespaces.
const namespace = "schemas.datacontract.org/2004/07/ThreatModeling"

// Detect reports whether a file that begins with head is one of the tool's.
func Detect(head []byte) bool {
	return bytes.HasPrefix(head, []byte("<")) && bytes.Contains(head, []byte(namespace))
}

type reader struct {
	*reading.Builder
	base  knowledge
	names map[model.ElementID]string
	at    map[model.ElementID]string // where zones and components stand in the file
	// ids has the ids of the file with those here, over all diagrams: the first that uses one.
	ids map[string]model.ElementID
}

// Read returns the model of a file.
func Read(data []byte, opts imported.Options) (*imported.Import, error) {
	root, err := xmltree.Parse(data, opts)
	if err != nil {
		return nil, err
	}
	switch {
	case root.Name == "KnowledgeBase":
		return nil, root.Fault(opts, "is a template of the Microsoft Threat Modeling Tool (.tb7), which holds no model; expected a model (.tm7), whose root is <ThreatModel>")
	case root.Name != "ThreatModel":
		return nil, root.Fault(opts, "the root is <%s>, expected <ThreatModel> of the Microsoft Threat Modeling Tool", root.Name)
	case root.Child("DrawingSurfaceList") == nil:
		return nil, root.Fault(opts, "has no <DrawingSurfaceList>, in which the diagrams stand")
	}
	r := &reader{
		Builder: reading.New(imported.TM7, Key, opts), names: map[model.ElementID]string{}, at: map[model.ElementID]string{},
		ids: map[string]model.ElementID{},
	}
	r.base = readKnowledge(root.Child("KnowledgeBase"))
	r.product(root)
	for i, surface := range root.All("DrawingSurfaceList", "DrawingSurfaceModel") {
		if err := r.surface(surface, i); err != nil {
			return nil, err
		}
	}
	if err := r.place(); err != nil {
		return nil, err
	}
	if err := r.threats(root); err != nil {
		return nil, err
	}
	for _, c := range root.Children {
		switch c.Name {
		case "DrawingSurfaceList", "MetaInformation", "Notes", "ThreatInstances", "ThreatGenerationEnabled", "Validations", "Version", "KnowledgeBase", "Profile":
		default:
			r.Note(imported.Refused, c.At(opts), "file", "<%s> has no meaning here and is not in the model", c.Name)
		}
	}
	return r.Finish()
}

func (r *reader) product(root *xmltree.Element) {
	meta := root.Child("MetaInformation")
	name := meta.Child("ThreatModelName").Text()
	if name == "" && r.Opts.Name != "" {
		base := path.Base(strings.ReplaceAll(r.Opts.Name, `\`, "/"))
		if name = strings.TrimSuffix(base, path.Ext(base)); name != "" {
			r.Note(imported.Guess, root.At(r.Opts), "file", "the model has no title; it is called %q after the file", name)
		}
	}
	r.Product("", name)
	p := &r.Model.Product
	p.Description = meta.Child("HighLevelSystemDescription").Text()
	p.Owner = reading.Line(meta.Child("Owner").Text())
	kept := map[string]any{}
	for _, key := range []string{"Assumptions", "Contributors", "ExternalDependencies", "Reviewer"} {
		if text := meta.Child(key).Text(); text != "" {
			kept[key] = text
		}
	}
	var notes []string
	for _, n := range root.Child("Notes").All("Note") {
		if text := n.Child("Message").Text(); text != "" {
			if by := reading.Line(n.Child("AddedBy").Text() + " " + n.Child("Date").Text()); by != "" {
				text += " (" + by + ")"
			}
			notes = append(notes, text)
		}
	}
	if len(notes) > 0 {
		kept["Notes"] = notes
	}
	if t := r.base.template; t.Name != "" {
		kept["Template"] = t
	}
	if v := root.Child("Version").Text(); v != "" {
		kept["Version"] = v
		if v != "4.3" {
			r.Note(imported.Info, root.Child("Version").At(r.Opts), "file", "the file has the version %s; 4.3 is known", v)
		}
	}
	p.Extra = extra(kept)
	if root.Child("KnowledgeBase") == nil {
		r.Note(imported.Info, root.At(r.Opts), "file", "the file has no template (KnowledgeBase): stencils are told by their shapes and ids")
	} else {
		r.Note(imported.Info, root.Child("KnowledgeBase").At(r.Opts), "file", "of the template %q with %s only names are used; it is not kept",
			r.base.template.Name, reading.Plural(len(r.base.threats), "threat type", "threat types"))
	}
}

// extra keeps values under Key; nothing for nothing.
func extra(kept any) model.Extra {
	raw, err := json.Marshal(kept)
	if err != nil || string(raw) == "{}" || string(raw) == "null" {
		return nil
	}
	return model.Extra{Key: raw}
}

// place derives zones and crossings from the drawing and says what it guessed.
func (r *reader) place() error {
	m := r.Model
	points := 0
	for i := range m.Curves {
		points += len(m.Curves[i].Points)
	}
	for i := range m.Flows {
		points += len(m.Flows[i].Vertices)
	}
	switch {
	case len(m.Zones)+len(m.Curves) > maxBoundaries:
		return reading.TooMany("boundaries", maxBoundaries)
	case points > maxPoints:
		return reading.TooMany("points on flows and lines", maxPoints)
	case len(m.Components)+len(m.Flows) > reading.MaxElements:
		return reading.TooMany("elements", reading.MaxElements)
	}
	unclear := model.Place(m)
	members, actors, outside := map[model.ElementID]int{}, map[model.ElementID]int{}, map[model.DiagramID]int{}
	for i := range m.Components {
		c := &m.Components[i]
		if c.Zone == "" {
			outside[c.Diagram]++
			continue
		}
		members[c.Zone]++
		if c.Kind == model.Actor {
			actors[c.Zone]++
		}
	}
	for i := range m.Zones {
		z := &m.Zones[i]
		z.Trust, z.Guess = 50, true
		why := ""
		if members[z.ID] > 0 && members[z.ID] == actors[z.ID] {
			z.Trust, why = 0, ", because only actors stand in it"
		} else if reading.Untrusted(z.Name) {
			z.Trust, why = 0, ", for its name"
		}
		r.Note(imported.Guess, r.at[z.ID], reading.Where("zone", z.ID, z.Name), "the file does not say how far the zone is trusted; %d of 100 is set%s", z.Trust, why)
	}
	for _, d := range m.Diagrams {
		if n := outside[d.ID]; n > 0 {
			r.Note(imported.Guess, "", "diagram "+string(d.ID), "%s outside every trust boundary box: actors count as trusted 0 of 100, everything else 50",
				reading.Plural(n, "component stands", "components stand"))
		}
	}
	for _, id := range unclear {
		r.Note(imported.Guess, r.at[id], reading.Where("component", id, r.names[id]), "stands in boxes that overlap; the smallest is taken as its zone")
	}
	return nil
}

// knowledge is what is used of a file's template.
type knowledge struct {
	template   template
	stencils   map[string]stencil
	categories map[string]string // name by id
	threats    map[string]*xmltree.Element
	labels     map[string]string // of the threats' own properties, by id
}

type template struct {
	Name    string `json:"name,omitempty"`
	ID      string `json:"id,omitempty"`
	Version string `json:"version,omitempty"`
}

type stencil struct{ name, parent string }

func readKnowledge(base *xmltree.Element) knowledge {
	k := knowledge{stencils: map[string]stencil{}, categories: map[string]string{}, threats: map[string]*xmltree.Element{}, labels: map[string]string{}}
	manifest := base.Child("Manifest")
	k.template = template{
		Name: cmp.Or(manifest.Attr("name"), manifest.Child("Name").Text()), ID: cmp.Or(manifest.Attr("id"), manifest.Child("Id").Text()),
		Version: cmp.Or(manifest.Attr("version"), manifest.Child("Version").Text()),
	}
	for _, list := range []string{"GenericElements", "StandardElements"} {
		for _, e := range base.All(list, "ElementType") {
			k.stencils[e.Child("Id").Text()] = stencil{name: e.Child("Name").Text(), parent: e.Child("ParentId").Text()}
		}
	}
	for _, c := range base.All("ThreatCategories", "ThreatCategory") {
		k.categories[c.Child("Id").Text()] = c.Child("Name").Text()
	}
	for _, d := range base.All("ThreatMetaData", "PropertiesMetaData", "ThreatMetaDatum") {
		if id, label := d.Child("Id").Text(), d.Child("Label").Text(); id != "" && label != "" {
			k.labels[id] = label
		}
	}
	for _, t := range base.All("ThreatTypes", "ThreatType") {
		k.threats[t.Child("Id").Text()] = t
	}
	return k
}

// generic follows a stencil's parents to one of the generic kinds ("GE.P"), or "".
func (k *knowledge) generic(ids ...string) string {
	for _, id := range ids {
		for range 20 {
			if kinds[id] != "" {
				return id
			}
			s, ok := k.stencils[id]
			if !ok || s.parent == "ROOT" {
				break
			}
			id = s.parent
		}
	}
	return ""
}
