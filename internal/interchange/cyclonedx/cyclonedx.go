// Package cyclonedx reads threat models in the formats that go by the name of
// TM-BOM, all in JSON:
//
//   - the OWASP Threat Model Library (objects with a symbolic_name, a scope),
//   - CycloneDX 2.0 with blueprints, threats, controls and risks (a draft of the
//     standard; what is read is what its schemas have in common since 2026),
//   - CycloneDX 1.x with services and their data flows, or with a threat model of
//     another tool inside.
//
// None of them has positions. Ids are the file's (symbolic_name, bom-ref); a threat
// stands once per place that it affects. Objects are kept as written in Extra under Key.
package cyclonedx

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/jsontree"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/model"
)

// Key is the key of Extra under which objects are kept as written.
const Key = "tm-bom"

// dialect is one of the formats.
type dialect int

const (
	none dialect = iota
	library
	cdx2
	cdx1
)

// Detect reports whether the document is a threat model in one of the formats. A
// bill of materials without services, flows or a threat model inside is none.
func Detect(root jsontree.Value) bool { return dialectOf(root) != none }

func dialectOf(root jsontree.Value) dialect {
	d := plainDialect(root)
	if d == none && root.Get("bomFormat").Text() == "CycloneDX" && len(attachments(root, imported.Options{})) > 0 {
		return cdx1
	}
	return d
}

// plainDialect is dialectOf without a look at documents inside, which are not
// looked into for further ones.
func plainDialect(root jsontree.Value) dialect {
	switch {
	case !root.Object():
		return none
	case root.Get("specFormat").Text() == "CycloneDX" || root.Get("bomFormat").Text() == "CycloneDX" && strings.HasPrefix(root.Get("specVersion").Text(), "2"):
		if len(root.Get("blueprints").Items()) > 0 || !root.Get("threats").Null() || !root.Get("risks").Null() {
			return cdx2
		}
		return none
	case root.Get("bomFormat").Text() == "CycloneDX":
		if len(root.Get("services").Items()) > 0 {
			return cdx1
		}
		return none
	case root.Get("scope").Object() && (root.Get("trust_zones").Array() || root.Get("data_flows").Array() || root.Get("threat_personas").Array()):
		return library
	case strings.Contains(root.Get("$schema").Text(), "project-threat-model-library"):
		return library
	}
	return none
}

// Read returns the model of a document that Detect knows.
func Read(root jsontree.Value, opts imported.Options) (*imported.Import, error) {
	d := dialectOf(root)
	if d == cdx1 {
		if i, err := readAttached(root, opts); i != nil || err != nil {
			return i, err
		}
	}
	r := &reader{
		Builder: reading.New(imported.TMBOM, Key, opts), zones: map[string]*zone{}, parts: map[string]*part{}, assets: map[string]model.AssetID{},
		flows: map[string]model.ElementID{}, joined: map[model.ElementID]bool{}, inZone: map[*part]model.ElementID{}, controls: map[string]*control{}, names: map[model.ElementID]string{},
	}
	if v := root.Get("specVersion"); d != library && reading.Strange(v.Text(), "1", "2") {
		r.Note(imported.Info, v.At(), "file", "the file has the version %s; 1 and 2 are known", reading.Line(v.Text()))
	}
	switch d {
	case library:
		r.library(root)
	case cdx2:
		r.blueprints(root)
	case cdx1:
		r.services(root)
	default:
		return nil, fault.New(fault.Invalid, "model.tmbom", "the file is no threat model that can be read").
			With(root.At(), "expected an OWASP threat model (with a scope), or a CycloneDX document with blueprints, threats or services")
	}
	return r.finish()
}

// What a dialect's reader fills in; the rest is the same for all.
type (
	zone struct {
		v           jsontree.Value
		ref, name   string
		description string
		trust       *int
		parent      string
		id          model.ElementID
		diagram     model.DiagramID
		parentAt    jsontree.Value
	}
	part struct {
		v               jsontree.Value
		ref             string
		c               model.Component
		written         string // its type in the file's words
		zone, parent    jsontree.Value
		stores, handles []jsontree.Value
	}
	flow struct {
		v        jsontree.Value
		f        model.Flow
		from, to jsontree.Value
		carries  []jsontree.Value
		derived  bool // of something that is no flow in the file
	}
	control struct {
		v                 jsontree.Value
		name, description string
		state             model.State
		reason            string
		share             float64 // 0 is not said
		used              bool
		ref               string
		applies           []jsontree.Value
		assumed           bool
	}
	threat struct {
		v        jsontree.Value
		ref      string
		t        model.Threat
		cwes     []int
		places   []jsontree.Value
		controls []string
	}
)

type reader struct {
	*reading.Builder
	zones    map[string]*zone
	parts    map[string]*part
	assets   map[string]model.AssetID
	flows    map[string]model.ElementID
	controls map[string]*control
	names    map[model.ElementID]string
	joined   map[model.ElementID]bool
	inZone   map[*part]model.ElementID
	product  string // the ref of the whole system, where the file names it

	zoneList    []*zone
	partList    []*part
	flowList    []*flow
	controlList []*control
	threatList  []*threat
}

// kept is an object as written, for Extra.
func kept(v jsontree.Value) model.Extra {
	raw := v.Raw()
	if len(raw) == 0 {
		return nil
	}
	return model.Extra{Key: raw}
}

// without is an object as written without the keys that became objects of their own.
func without(v jsontree.Value, keys ...string) model.Extra {
	with := map[string]json.RawMessage{}
	for _, k := range keys {
		with[k] = nil
	}
	if raw := v.Replace(with); string(raw) != "{}" {
		return model.Extra{Key: raw}
	}
	return nil
}

func text(v jsontree.Value) string { return reading.Line(v.Text()) }

// declareZone adds a zone to those that references can name.
func (r *reader) declareZone(z *zone) {
	if r.zones[z.ref] != nil && z.ref != "" {
		r.Note(imported.Refused, z.v.At(), "trust zone "+z.ref, "the id is used by two trust zones; references mean the first")
	} else {
		r.zones[z.ref] = z
	}
	z.id = r.Element("trust zone", z.ref, len(r.zoneList)+1, z.v.At())
	r.zoneList = append(r.zoneList, z)
}

func (r *reader) declarePart(p *part) {
	if r.parts[p.ref] != nil && p.ref != "" {
		r.Note(imported.Refused, p.v.At(), "component "+p.ref, "the id is used by two components; references mean the first")
	} else {
		r.parts[p.ref] = p
	}
	p.c.ID = r.Element("component", p.ref, len(r.partList)+1, p.v.At())
	p.c.Name = r.Named(p.c.Name, cmp.Or(p.written, "Component"), p.v.At())
	r.names[p.c.ID] = p.c.Name
	r.partList = append(r.partList, p)
}

func (r *reader) addAsset(ref string, a model.Asset, at string) {
	a.ID = model.AssetID(ref)
	if ref == "" || r.assets[ref] != "" {
		r.Note(imported.Refused, at, "data set "+ref, "has no id, or one that is used twice; it is left out")
		return
	}
	if a.Name == "" {
		a.Name = ref
	}
	r.assets[ref] = a.ID
	r.Model.Assets = append(r.Model.Assets, a)
}

func (r *reader) declareControl(c *control) {
	if c.ref == "" {
		c.ref = model.Slug(c.name)
	}
	if r.controls[c.ref] != nil {
		r.Note(imported.Refused, c.v.At(), "control "+c.ref, "the id is used by two controls; the first one counts")
		return
	}
	r.controls[c.ref] = c
	r.controlList = append(r.controlList, c)
}

// unknown counts the keys of the document that are only kept; known are the
// others, with blanks between them.
func (r *reader) unknown(root jsontree.Value, known string) {
	for _, m := range root.Members() {
		if !m.Value.Null() && !slices.Contains(strings.Fields(known), m.Key) {
			r.Unknown("file", m.Key, m.Value.At())
		}
	}
}

// number returns a figure of 0 to 100; another one is noted and brought into range.
func (r *reader) number(v jsontree.Value, where, name string) *int {
	f, ok := v.Number()
	if !ok {
		if !v.Null() {
			r.Note(imported.Refused, v.At(), where, "%s is %s, expected a number from 0 to 100", name, fmt.Sprintf("%.40q", v.Text()))
		}
		return nil
	}
	if f < 0 || f > 100 {
		r.Note(imported.Refused, v.At(), where, "%s is %g, expected 0 to 100; %g is taken", name, f, min(max(f, 0), 100))
	}
	n := int(min(max(f, 0), 100) + 0.5)
	return &n
}
