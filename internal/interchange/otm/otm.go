// Package otm reads and writes the Open Threat Model, versions 0.1 and 0.2, in
// JSON and YAML, with a deep check: references, duplicate ids, cycles of
// parents, ranges and states, each problem at its line. A file with such
// problems opens all the same; what could not be taken over is noted as refused.
//
// Identity: elements keep the file's ids. A threat stands once per place that
// names it, with the ref "otm/ID"; so does a mitigation. Positions in OTM are
// relative to the parent; the model's are absolute.
//
// What OTM has no words for is written in attributes under "threatloop.", so that
// what Write wrote reads back to the same model. What we have no words for is
// kept in Extra under Key, at the object it belongs to, and written back.
//
// Format: the specification and schema of iriusrisk/OpenThreatModel, and real files where they differ.
package otm

import (
	"math"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/jsontree"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/interchange/tlyaml"
	"github.com/threatloop/threatloop/internal/model"
)

// Key is the key of Extra under which is kept what has no meaning here.
const Key = "otm"

// Version is the version that is written.
const Version = "0.2.0"

// Detect reports whether a JSON document is an Open Threat Model: it has a
// version, or a project beside what only OTM calls so. A file without its
// version is one too; Read refuses it with the reason.
func Detect(root jsontree.Value) bool {
	if !root.Object() {
		return false
	}
	keys := map[string]bool{}
	for _, m := range root.Members() {
		keys[m.Key] = m.Key != "project" || m.Value.Object() && m.Value.Get("name").Exists()
	}
	return detect(keys) || wrapped(root).Exists()
}

// DetectYAML is Detect for a YAML document.
func DetectYAML(root *yaml.Node) bool {
	keys := map[string]bool{}
	if root != nil && root.Kind == yaml.MappingNode {
		for i := 0; i+1 < len(root.Content); i += 2 {
			key := root.Content[i].Value
			keys[key] = key != "project" || named(root.Content[i+1])
		}
	}
	return detect(keys)
}

// named reports whether the mapping has a name.
func named(n *yaml.Node) bool {
	if n.Kind == yaml.MappingNode {
		for i := 0; i < len(n.Content); i += 2 {
			if n.Content[i].Value == "name" {
				return true
			}
		}
	}
	return false
}

// lists are the keys of OTM beside the version and the project.
var lists = []string{"representations", "assets", "components", "dataflows", "trustZones", "threats", "mitigations"}

func detect(keys map[string]bool) bool {
	if keys["otmVersion"] {
		return true
	}
	if !keys["project"] {
		return false
	}
	for key := range keys {
		if !same(key, "project") && !slices.ContainsFunc(lists, func(l string) bool { return same(key, l) }) {
			return false
		}
	}
	return true
}

// wrapped returns the text of a document that stands as a string in a JSON
// object, as IriusRisk's interface gives it; absent where it is none.
func wrapped(root jsontree.Value) jsontree.Value {
	members := root.Members()
	if len(members) > 10 {
		return jsontree.Value{}
	}
	for _, m := range members {
		if text := strings.TrimSpace(m.Value.Text()); len(text) > 30 && strings.Contains(text[:min(len(text), 4096)], "otmVersion") && strings.Contains(text, "project") {
			return m.Value
		}
	}
	return jsontree.Value{}
}

// Read returns the model of a JSON document that Detect knows.
func Read(root jsontree.Value, opts imported.Options) (*imported.Import, error) {
	if inner := wrapped(root); inner.Exists() && !root.Get("otmVersion").Exists() {
		y, err := tlyaml.Parse([]byte(inner.Text()), opts)
		if err != nil {
			return nil, err
		}
		return ReadYAML(y, opts)
	}
	return read(fromJSON(root), opts)
}

// ReadYAML returns the model of a YAML document that DetectYAML knows.
func ReadYAML(root *yaml.Node, opts imported.Options) (*imported.Import, error) {
	n, err := fromYAML(root, opts)
	if err != nil {
		return nil, err
	}
	return read(n, opts)
}

type reader struct {
	*reading.Builder
	own      ownModel
	exact    bool // written by us: positions are relative, nothing is guessed
	diagrams map[string]bool
	others   map[string]bool // representations that are no diagrams
	first    model.DiagramID
	assets   map[string]model.AssetID
	zones    map[string]*nested
	parts    map[string]*nested // components
	ends     map[string]*nested // zones by the components that stand for them where flows end
	byWord   map[string]*nested // trust zones by type and name; nil where two have the word
	byName   map[string]*nested // components by name; nil where two have it
	order    []*nested          // zones, then components, as the file has them
	selves   []*nested          // those that name themselves as their parents
	places   []placed           // where threats can be named, in the order of the file
	threats  map[string]*threat
	defined  []*threat
	cures    map[string]*mitigation
	remedies []*mitigation
	cases    map[instance]model.ThreatID
	named    map[model.ThreatID]bool // threats that a place of the file names
	ownFlaws map[flaw]bool           // CWEs of threats that our own links tell
}

func read(root *node, opts imported.Options) (*imported.Import, error) {
	if err := check(root, opts); err != nil {
		return nil, err
	}
	r := &reader{
		Builder: reading.New(imported.OTM, Key, opts), diagrams: map[string]bool{}, others: map[string]bool{},
		assets: map[string]model.AssetID{}, zones: map[string]*nested{}, parts: map[string]*nested{}, ends: map[string]*nested{},
		threats: map[string]*threat{}, cures: map[string]*mitigation{}, cases: map[instance]model.ThreatID{},
		named: map[model.ThreatID]bool{},
	}
	root.normal()
	r.duplicates("file", root)
	r.project(root)
	r.representations(root)
	r.readAssets(root)
	r.elements(root)
	if n := len(r.order) + len(root.get("dataflows").each()); n > reading.MaxElements {
		return nil, reading.TooMany("elements", reading.MaxElements)
	}
	r.dataflows(root)
	r.finishOwn() // threats may stand at what it adds
	r.definitions(root)
	r.scale()
	if err := r.instances(); err != nil {
		return nil, err
	}
	r.unused()
	r.finishLinks()
	r.standing()
	for _, m := range root.members {
		if m.key != "otmVersion" && m.key != "project" && !isOneOf(m.key, lists) {
			r.Unknown("file", m.key, m.place())
		}
	}
	return r.Finish()
}

// check refuses what is no document of a version that is known.
func check(root *node, opts imported.Options) error {
	bad := fault.New(fault.Invalid, "model.otm", "the file is no Open Threat Model that can be read")
	project := root.get("project")
	switch v := root.get("otmVersion"); {
	case v.none():
		at := root.at()
		if v != nil {
			at = v.at()
		}
		return bad.With(at, "the key otmVersion is missing; expected otmVersion: 0.1.0 or 0.2.0 at the top of the file")
	case !strings.HasPrefix(v.str()+".", "0.1.") && !strings.HasPrefix(v.str()+".", "0.2."):
		return fault.New(fault.Unsupported, "model.version", "the model file has a version this program does not know").
			With(v.at(), "otmVersion is %q, expected 0.1.0 or 0.2.0", v.str())
	}
	if !project.is(object) {
		at := root.at()
		if project != nil {
			at = project.at()
		}
		return bad.With(at, "the key project is missing or no mapping; expected a project with a name and an id")
	}
	for _, l := range lists {
		if v := root.get(l); !v.none() && !v.is(list) {
			bad.With(v.at(), "%s must be a list", l)
		}
	}
	if len(bad.Fields) > 0 {
		return bad
	}
	return nil
}

// duplicates notes keys that are given twice, here and below.
func (r *reader) duplicates(where string, n *node) {
	if n == nil {
		return
	}
	seen := make(map[string]bool, len(n.members))
	for _, m := range n.members {
		if seen[m.key] {
			r.Note(imported.Refused, m.place(), where, "the key %q is given twice; the last one counts", m.key)
		}
		seen[m.key] = true
		r.duplicates(where, m.value)
	}
	for _, item := range n.items {
		r.duplicates(where, item)
	}
}

func (r *reader) project(root *node) {
	p := root.get("project")
	attributes := p.get("attributes")
	product := &r.Model.Product
	r.exact = r.overlay("project", attributes, product)
	r.overlay("project", attributes, &r.own)
	id, name := p.get("id").str(), p.get("name").str()
	if id == "" {
		r.Note(imported.Guess, p.at(), "project", "has no id; one is made from its name")
	}
	r.Product(strings.TrimSpace(id), name)
	product.Description = p.get("description").str()
	product.Owner = reading.Line(p.get("owner").str())
	product.Tags = r.tags("project", p)
	product.Extra = keep(product.Extra, leftover(p, "id", "name", "description", "owner", "tags"))
	r.form("project", "project", p, projectForm)
	r.unknown("project", p, "id", "name", "description", "owner", "ownerContact", "tags", "attributes")

	r.Model.Answers, r.Model.Extra = r.own.Answers, r.own.ModelExtra
	r.Model.Extra = keep(r.Model.Extra, leftover(root, append([]string{"otmVersion", "project"}, lists...)...))
}

// unknown counts the keys of an object that OTM does not have.
func (r *reader) unknown(level string, n *node, known ...string) {
	for _, m := range n.members {
		if !m.value.none() && !isOneOf(m.key, known) {
			r.Unknown(level, m.key, m.place())
		}
	}
}

func (r *reader) tags(where string, n *node) []string {
	var tags []string
	for _, t := range n.get("tags").each() {
		switch s := strings.TrimSpace(t.str()); {
		case s != "":
			tags = append(tags, s)
		case !t.none() && !t.is(words):
			r.Note(imported.Refused, t.at(), where, "a tag is no text")
		}
	}
	return tags
}

// percent returns a figure of 0 to 100 as a whole number. One that is outside, or
// none, is noted; ok is false where there is none.
func (r *reader) percent(where, name string, n, owner *node) (value int, ok bool) {
	if n.none() {
		r.Note(imported.Guess, owner.at(), where, "%s is missing", name)
		return 0, false
	}
	f, isNumber := n.number()
	if level, known := reading.Level(n.str()); !isNumber && known {
		r.Note(imported.Guess, n.at(), where, "%s is %q, expected a number from 0 to 100; %d is taken", name, n.str(), level)
		return level, true
	}
	if !isNumber {
		r.Note(imported.Refused, n.at(), where, "%s is %q, expected a number from 0 to 100", name, n.str())
		return 0, false
	}
	if f < 0 || f > 100 {
		r.Note(imported.Refused, n.at(), where, "%s is %g, expected 0 to 100; %g is taken", name, f, min(max(f, 0), 100))
	}
	return int(math.Round(min(max(f, 0), 100))), true
}

// representations reads the diagrams; other representations are kept.
func (r *reader) representations(root *node) {
	var others []*node
	taken := map[model.DiagramID]bool{}
	for _, n := range root.get("representations").each() {
		id, where := strings.TrimSpace(n.get("id").str()), "representation "+n.get("id").str()
		switch {
		case !n.is(object) || id == "":
			r.Note(imported.Refused, n.at(), where, "a representation needs an id")
			others = append(others, n)
			continue
		case r.diagrams[id] || r.others[id]:
			r.Note(imported.Refused, n.at(), where, "the id is used by two representations; the first one counts")
			continue
		case n.get("type").str() != "diagram":
			if t := n.get("type").str(); t != "code" && t != "threat-model" {
				r.Note(imported.Kept, n.at(), where, "the type is %q, expected diagram, code or threat-model; it is kept as written", t)
			}
			r.others[id] = true
			others = append(others, n)
			continue
		}
		r.form(where, "representation", n, diagramForm)
		r.unknown("representation", n, "id", "name", "type", "description", "size", "repository", "attributes")
		d := model.Diagram{ID: model.DiagramID(id), Title: reading.Line(n.get("name").str()), Description: n.get("description").str()}
		r.overlay(where, n.get("attributes"), &d)
		if d.Title == "" {
			d.Title = "Diagram " + id
		}
		known := []string{"id", "name", "type", "description"}
		if n.get("attributes").get(prefix+"size").str() == "computed" {
			known = append(known, "size")
		}
		d.Extra = keep(d.Extra, leftover(n, known...))
		r.diagrams[id], taken[d.ID] = true, true
		r.Model.Diagrams = append(r.Model.Diagrams, d)
	}
	if len(others) > 0 {
		left := &node{kind: object, members: []member{{key: "representations", value: &node{kind: list, items: others}}}}
		if kept := leftover(root, append([]string{"otmVersion", "project"}, lists...)...); kept != nil {
			left.members = append(left.members, kept.members...)
		}
		r.Model.Extra = keep(r.Model.Extra, left)
	}
	if len(r.Model.Diagrams) == 0 && !r.exact && len(root.get("components").each())+len(root.get("trustZones").each()) > 0 {
		id := model.DiagramID("diagram")
		for n := 2; r.others[string(id)]; n++ {
			id += "-x"
		}
		r.Model.Diagrams = append(r.Model.Diagrams, model.Diagram{ID: id, Title: r.Model.Product.Name})
		r.Note(imported.Guess, root.at(), "file", "the file has no diagram; one is made, without positions")
	}
	if len(r.Model.Diagrams) > 0 {
		r.first = r.Model.Diagrams[0].ID
	}
	r.Out.Counts.Diagrams = len(r.Model.Diagrams)
}

func (r *reader) readAssets(root *node) {
	taken := map[model.AssetID]bool{}
	for i, n := range root.get("assets").each() {
		id := strings.TrimSpace(n.get("id").str())
		where := "asset " + id
		if !n.is(object) {
			r.Note(imported.Refused, n.at(), where, "an asset is no mapping")
			continue
		}
		a := model.Asset{ID: model.AssetID(id), Name: reading.Line(n.get("name").str()), Description: n.get("description").str()}
		r.overlay(where, n.get("attributes"), &a)
		switch {
		case id == "":
			a.ID = model.AssetID(model.DeriveID("ast", string(r.Model.Product.ID), Key, a.Name))
			for n := 2; taken[a.ID]; n++ {
				a.ID = model.AssetID(model.DeriveID("ast", string(r.Model.Product.ID), Key, a.Name, strings.Repeat("+", i)))
			}
			r.Note(imported.Guess, n.at(), where, "has no id; it is called %s here", a.ID)
		case taken[a.ID]:
			r.Note(imported.Refused, n.at(), where, "the id is used by two assets; the first one counts")
			continue
		default:
			r.assets[id] = a.ID
		}
		taken[a.ID] = true
		if a.Name == "" {
			a.Name = cmpOr(id, "Asset")
			r.Note(imported.Guess, n.at(), where, "has no name")
		}
		risk := n.get("risk")
		for _, side := range []struct {
			name string
			to   *int
		}{{"confidentiality", &a.Value.Confidentiality}, {"integrity", &a.Value.Integrity}, {"availability", &a.Value.Availability}} {
			v, ok := r.percent(where, side.name, risk.get(side.name), cmpNode(risk, n))
			if !ok {
				v = 50
			}
			*side.to = v
		}
		r.form(where, "asset", n, assetForm)
		r.unknown("asset", n, "id", "name", "description", "risk", "attributes")
		a.Extra = keep(a.Extra, withRisk(leftover(n, "id", "name", "description", "risk"), risk, "confidentiality", "integrity", "availability"))
		r.Model.Assets = append(r.Model.Assets, a)
	}
}

// withRisk adds what a risk object says beside its figures to a leftover.
func withRisk(left, risk *node, known ...string) *node {
	if !risk.is(object) {
		return left
	}
	kept := leftover(risk, known...)
	if kept == nil {
		return left
	}
	if left == nil {
		left = &node{kind: object}
	}
	left.members = append(left.members, member{key: "risk", value: kept})
	return left
}

func cmpNode(a, b *node) *node {
	if a != nil {
		return a
	}
	return b
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}
