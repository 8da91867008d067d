// Package iriusrisk reads what IriusRisk exports as XML: a project or template as
// a model (Read), and a library as files of our library format (ConvertLibrary).
//
// The object tree there is the one here: components with threats in use cases,
// weaknesses and countermeasures shared inside a component by ref, and links with
// the share that a countermeasure takes. Refs are kept as written, because tests
// and findings name them. Files from 2016 on are read, whose countermeasures are
// called controls. Credentials of trackers, which old exports hold, are dropped.
package iriusrisk

import (
	"strconv"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/drawio"
	"github.com/threatloop/threatloop/internal/interchange/htmltext"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/interchange/xmltree"
	"github.com/threatloop/threatloop/internal/model"
)

// Key is the key of Extra under which objects are kept, and the first part of refs of threats.
const Key = "iriusrisk"

// diagram is the one diagram of a project.
const diagram model.DiagramID = "iriusrisk"

// Detect reports whether the element is the root of a project or template. Other
// tools' projects have no ref.
func Detect(root *xmltree.Element) bool {
	if root == nil || root.Name != "project" && root.Name != "template" {
		return false
	}
	_, ref := root.Lookup("ref")
	_, name := root.Lookup("name")
	return ref && name
}

type reader struct {
	*reading.Builder
	scrub scrubber
	about string // what notes are on

	zones      map[string]model.ElementID // by ref, uuid and name
	trust      map[model.ElementID]int
	assets     map[string]model.AssetID // by name and ref
	components map[string]model.ElementID
	names      map[model.ElementID]string
	boxes      map[string]model.Box
	threats    int
	results    map[string]int // test results by their word
	tickets    int
	costs      bool
}

// Note adds a note on what is being read.
func (r *reader) Note(level imported.Level, at, format string, args ...any) {
	r.Builder.Note(level, at, r.about, format, args...)
}

// Read returns the model of a project or template.
func Read(root *xmltree.Element, opts imported.Options) (*imported.Import, error) {
	if !Detect(root) {
		return nil, root.Fault(opts, "is no IriusRisk project or template: the root must be one, with ref and name")
	}
	r := &reader{
		Builder: reading.New(imported.IriusRisk, Key, opts), about: "file",
		zones: map[string]model.ElementID{}, trust: map[model.ElementID]int{}, assets: map[string]model.AssetID{}, components: map[string]model.ElementID{},
		names: map[model.ElementID]string{}, boxes: map[string]model.Box{}, results: map[string]int{},
	}
	r.scrub = scrubber{opts, r.Note}
	r.product(root)
	r.drawing(root)
	r.trustZones(root)
	r.assetList(root)
	list := root.All("components", "component")
	if len(list)+len(r.Model.Assets) > reading.MaxElements {
		return nil, reading.TooMany("components and assets", reading.MaxElements)
	}
	for i, e := range list {
		r.component(e, i)
	}
	r.nest(list)
	for i, e := range list {
		if err := r.risks(e, r.Model.Components[i].ID); err != nil {
			return nil, err
		}
	}
	r.about = "file"
	r.dataflows(root)
	r.totals()
	return r.Finish()
}

// rootParts are the children of the root that the model takes.
var rootParts = []string{"desc", "diagram", "trustZones", "assets", "components", "dataflows"}

func (r *reader) product(root *xmltree.Element) {
	r.Product(root.Attr("ref"), htmltext.Line(root.Attr("name")))
	p := &r.Model.Product
	p.Description = prose(root.Child("desc").Text())
	p.Tags = tags(root)
	for _, c := range root.Children {
		switch c.Name {
		case "desc", "diagram", "trustZones", "assets", "components", "dataflows", "questions", "settings", "customFields", "accessTypes", "udts", "workflow", "conclusions":
		default:
			r.Unknown(root.Name, c.Name, c.At(r.Opts))
		}
	}
	if raw := r.scrub.keep(root, append([]string{"ref", "name", "tags"}, rootParts...)...); raw != nil {
		p.Extra = model.Extra{Key: raw}
	}
	if n := len(root.All("questions", "question")); n > 0 {
		r.Note(imported.Kept, root.Child("questions").At(r.Opts), "%s kept: the questions are of a library that is not here", reading.Plural(n, "answer is", "answers are"))
	}
	r.Model.Diagrams = []model.Diagram{{ID: diagram, Title: "Architecture", Methodology: "STRIDE"}}
	r.Out.Counts.Diagrams = 1
}

// tags are an attribute with commas in old files, elements in newer ones.
func tags(e *xmltree.Element) []string {
	var all []string
	seen := map[string]bool{"": true}
	add := func(t string) {
		if t = reading.Line(t); !seen[t] {
			seen[t] = true
			all = append(all, t)
		}
	}
	for t := range strings.SplitSeq(e.Attr("tags"), ",") {
		add(t)
	}
	for _, t := range e.All("tags", "tag") {
		add(t.Attr("tag"))
	}
	return all
}

// drawing reads where the embedded drawing has the components and zones.
func (r *reader) drawing(root *xmltree.Element) {
	schema := root.Child("diagram", "schema")
	if schema.Text() == "" {
		return
	}
	text, err := drawio.Inflate(schema.Text(), imported.MaxBytes)
	if err == nil {
		opts := r.Opts
		opts.Name = "diagram"
		var graph *xmltree.Element
		if graph, err = xmltree.Parse(text, opts); err == nil {
			r.boxes, err = drawio.Boxes(graph, "ir.ref", opts)
		}
	}
	if err != nil {
		r.boxes = map[string]model.Box{}
		r.Note(imported.Guess, schema.At(r.Opts), "the drawing in the file cannot be read; nothing is placed in the diagram: %v", err)
	}
}

// box returns where something is drawn, by the first of its ids that the drawing knows.
func (r *reader) box(ids ...string) *model.Box {
	for _, id := range ids {
		if b, ok := r.boxes[id]; ok && id != "" {
			return &b
		}
	}
	return nil
}

func (r *reader) trustZones(root *xmltree.Element) {
	for i, e := range root.All("trustZones", "trustZone") {
		name := htmltext.Line(e.Attr("name"))
		r.about = "trust zone " + name
		id := e.Attr("ref")
		if id == "" {
			id = model.Slug(name)
		}
		z := model.Zone{
			ID: r.Element("trust zone", id, i, e.At(r.Opts)), Diagram: diagram, Name: r.Named(name, "Trust zone", e.At(r.Opts)),
			Description: prose(e.Attr("desc")), Box: r.box(e.Attr("uuid"), e.Attr("ref")),
		}
		z.Trust, z.Guess = r.percent(e, "trustRating", 50)
		if z.Guess {
			r.Note(imported.Guess, e.At(r.Opts), "the file does not say how far the zone is trusted; 50 of 100 is set")
		}
		if raw := r.scrub.keep(e, "ref", "name", "desc", "trustRating"); raw != nil {
			z.Extra = model.Extra{Key: raw}
		}
		for _, key := range []string{e.Attr("ref"), e.Attr("uuid"), name} {
			if _, taken := r.zones[key]; key != "" && !taken {
				r.zones[key] = z.ID
			}
		}
		r.trust[z.ID] = z.Trust
		r.Out.Counts.Boundary++
		r.Model.Zones = append(r.Model.Zones, z)
	}
	r.about = "file"
}

// percent reads a figure of 0 to 100. guess tells that the file has none or one
// out of range, which is noted and cut.
func (r *reader) percent(e *xmltree.Element, name string, otherwise int) (n int, guess bool) {
	text := strings.TrimSpace(e.Attr(name))
	if text == "" {
		return otherwise, true
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f != f {
		r.Note(imported.Guess, e.At(r.Opts), "%s is %q and no number; %d is taken", name, text, otherwise)
		return otherwise, true
	}
	if f < 0 || f > 100 {
		r.Note(imported.Guess, e.At(r.Opts), "%s is %s; it is cut to 0 to 100", name, text)
		return int(min(max(f, 0), 100)), false
	}
	return int(f), false
}

func (r *reader) assetList(root *xmltree.Element) {
	taken := map[model.AssetID]bool{}
	for _, e := range root.All("assets", "asset") {
		name := htmltext.Line(e.Attr("name"))
		r.about = "asset " + name
		id := e.Attr("ref")
		if id == "" {
			id = model.Slug(name)
		}
		for n := 2; taken[model.AssetID(id)]; n++ {
			id = model.Slug(name) + "-" + strconv.Itoa(n)
		}
		taken[model.AssetID(id)] = true
		a := model.Asset{ID: model.AssetID(id), Name: name, Description: prose(e.Attr("desc"))}
		c := e.Child("classification")
		if c == nil {
			c = e
		}
		var guess [3]bool
		a.Value.Confidentiality, guess[0] = r.percent(c, "confidentiality", 50)
		a.Value.Integrity, guess[1] = r.percent(c, "integrity", 50)
		a.Value.Availability, guess[2] = r.percent(c, "availability", 50)
		if guess[0] && guess[1] && guess[2] {
			r.Note(imported.Guess, e.At(r.Opts), "the asset has no classification; 50 of 100 is set")
		}
		if raw := r.scrub.keep(e, "ref", "name", "desc"); raw != nil {
			a.Extra = model.Extra{Key: raw}
		}
		for _, key := range []string{name, e.Attr("ref"), e.Attr("uuid")} {
			if _, have := r.assets[key]; key != "" && !have {
				r.assets[key] = a.ID
			}
		}
		r.Model.Assets = append(r.Model.Assets, a)
	}
	r.about = "file"
}

// asset returns the asset that an element names.
func (r *reader) asset(e *xmltree.Element) (model.AssetID, bool) {
	for _, key := range []string{e.Attr("ref"), e.Attr("uuid"), htmltext.Line(e.Attr("name"))} {
		if id, ok := r.assets[key]; ok && key != "" {
			return id, true
		}
	}
	r.Note(imported.Refused, e.At(r.Opts), "the asset %q does not exist", e.Attr("name")+e.Attr("ref"))
	return "", false
}

func (r *reader) totals() {
	r.about = "file"
	for _, word := range []string{"Passed", "Failed", "Error", "Partially Tested"} {
		if n := r.results[strings.ToLower(word)]; n > 0 {
			r.Note(imported.Kept, "", "%s %s in the file: the result is kept and is no evidence until a report is uploaded", reading.Plural(n, "test is", "tests are"), strings.ToLower(word))
		}
	}
	if r.tickets > 0 {
		r.Note(imported.Kept, "", "%s a ticket, which is kept; link it where the tracker is connected", reading.Plural(r.tickets, "countermeasure or weakness names", "countermeasures and weaknesses name"))
	}
	if r.costs {
		r.Note(imported.Guess, "", "costs are low, medium or high in the file; 1, 4 and 10 days are taken")
	}
}
