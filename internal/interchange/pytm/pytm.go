// Package pytm reads the JSON of OWASP pytm: what a program is given with
// pytm.load, and what it prints with --json, findings included.
//
// pytm knows things by their names, and its properties are false where nobody has
// said anything: only what is true is taken. Its findings are numbered anew at
// each run; here the id of the threat and its target make them repeatable.
//
// Two forms of old are read too: the template of a model, whose elements have a
// type and whose flows a target, and the list in which each object says its class
// as "Element" and refers to others by {"$ref": ID}.
//
// Format: pytm/json.py, tests/output.json, examples/template_tm.json and
// inputfiles/tm.json of OWASP/pytm.
package pytm

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/htmltext"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/jsontree"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/model"
)

// Key is the key of Extra under which objects are kept, and the first part of refs.
const Key = "pytm"

const diagram model.DiagramID = "pytm"

// Detect reports whether the document is a model of pytm.
func Detect(root jsontree.Value) bool {
	return isDocument(root) || isTemplate(root) || isList(root)
}

// isDocument knows what pytm.load reads and --json prints.
func isDocument(root jsontree.Value) bool {
	if !root.Object() || !root.Get("name").Exists() || !root.Get("flows").Array() {
		return false
	}
	parts := root.Get("elements").Array() || root.Get("actors").Array() || root.Get("assets").Array() || root.Get("boundaries").Array()
	for _, key := range []string{"isOrdered", "mergeResponses", "onDuplicates", "threatsFile", "ignoreUnused", "threatsExcluded"} {
		if root.Get(key).Exists() {
			return parts
		}
	}
	for _, e := range root.Get("elements").Items() {
		if e.Get("__class__").Exists() {
			return true
		}
	}
	return false
}

type reader struct {
	*reading.Builder
	about    string
	elements map[string]model.ElementID // components and flows by name
	ids      map[string]string          // names by the ids of the list of old
	index    map[model.ElementID]int    // components
	zones    map[string]int
	sites    map[model.ElementID]string // where boundaries stand in the file
	assets   map[string]model.AssetID
	known    map[model.AssetID]bool
	threats  map[string]bool // "target threat"
}

// Note adds a note on what is being read.
func (r *reader) Note(level imported.Level, v jsontree.Value, format string, args ...any) {
	r.Builder.Note(level, v.At(), r.about, format, args...)
}

// Read returns the model of the document, which Detect must know.
func Read(root jsontree.Value, opts imported.Options) (*imported.Import, error) {
	if !Detect(root) {
		return nil, root.Fault("is no pytm model: it needs a name, flows and elements")
	}
	r := &reader{
		Builder: reading.New(imported.PyTM, Key, opts), about: "file",
		elements: map[string]model.ElementID{}, ids: map[string]string{}, index: map[model.ElementID]int{}, zones: map[string]int{}, sites: map[model.ElementID]string{}, assets: map[string]model.AssetID{}, known: map[model.AssetID]bool{}, threats: map[string]bool{},
	}
	file := r.parts(root)
	root = file.root
	r.Product("", root.Get("name").Text())
	r.Model.Product.Description = htmltext.Markdown(root.Get("description").Text())
	r.Model.Diagrams = []model.Diagram{{ID: diagram, Title: "Data flow", Methodology: "STRIDE"}}
	r.Out.Counts.Diagrams = 1
	elements, flows, boundaries, data := file.elements, file.flows, file.boundaries, file.data
	if len(elements)+len(flows)+len(boundaries)+len(data) > reading.MaxElements {
		return nil, reading.TooMany("elements", reading.MaxElements)
	}
	for i, v := range boundaries {
		r.boundary(v, i)
	}
	r.nest(boundaries)
	for _, v := range data {
		r.data(v)
	}
	for i, v := range elements {
		r.component(v, i)
	}
	for i, v := range flows {
		r.flow(v, i)
	}
	r.handled(data)
	r.trust()
	for _, list := range [][]jsontree.Value{elements, flows} {
		for _, v := range list {
			r.judged(v)
		}
	}
	r.about = "file"
	for _, v := range r.objects(root, "findings") {
		r.finding(v, v.Get("target").Text())
	}
	switch {
	case len(r.Model.Threats) > reading.MaxThreats:
		return nil, reading.TooMany("findings", reading.MaxThreats)
	case len(r.Model.Assets) > reading.MaxElements:
		return nil, reading.TooMany("data", reading.MaxElements)
	}
	r.about = "file"
	for _, v := range root.Get("assumptions").Items() {
		r.Note(imported.Kept, v, "an assumption is kept: %s", reading.Title(v.Get("name").Text()+" "+v.Get("description").Text()))
	}
	r.Model.Extra = model.Extra{Key: root.Replace(map[string]json.RawMessage{
		"elements": nil, "actors": nil, "assets": nil, "flows": nil, "boundaries": nil, "data": nil, "findings": nil,
	})}
	return r.Finish()
}

// named returns the name of an object.
func (r *reader) named(v jsontree.Value, kind string) string {
	name := reading.Line(v.Get("name").Text())
	r.about = kind + " " + name
	return r.Named(name, strings.ToUpper(kind[:1])+kind[1:], v.At())
}

// id is the id of something by its name, which is what pytm refers to.
func (r *reader) id(kind, name string, serial int, v jsontree.Value) model.ElementID {
	id := model.Slug(name)
	if id == "x" && !strings.EqualFold(name, "x") {
		id = model.DeriveID("elt", string(r.Model.Product.ID), name) // a name without a letter of the alphabet
	}
	return r.Element(kind, id, serial, v.At())
}

// plain are the properties that need no word in the report: they are understood,
// or say where a model comes from.
var plain = []string{
	"__class__", "name", "description", "inBoundary", "inScope", "inputs", "outputs", "data", "findings", "overrides", "controls", "levels", "severity", "source", "sink",
	"protocol", "note", "order", "isAdmin", "isSQL", "type", "storesLogData", "storesPII", "storesSensitiveData", "tlsVersion", "maxClassification", "minTLSVersion", "port", "srcPort",
	"dstPort", "isResponse", "response", "responseTo", "assumptions", "sourceFiles", "onAWS", "OS", "classification", "isPII", "isCredentials", "isStored", "carriedBy", "processedBy", "format",
	"Element", "id", "target", "credentialsLife", "isEncrypted", "isEncryptedAtRest", "authenticatesSource", "codeType", "environment",
}

// said counts the properties that hold and have no meaning here.
func (r *reader) said(kind string, v jsontree.Value) {
	for _, group := range []jsontree.Value{v, v.Get("controls")} {
		for _, m := range group.Members() {
			switch text := m.Value.Text(); {
			case slices.Contains(plain, m.Key), m.Value.Null(), text == "" && !m.Value.Object() && len(m.Value.Items()) == 0, text == "-1", text == "0":
			default:
				r.Unknown(kind, m.Key, m.Value.At())
			}
		}
	}
}

// holds reports whether a property is true, on the element or among its controls.
func holds(v jsontree.Value, name string) bool {
	return v.Get(name).Bool() || v.Get("controls", name).Bool()
}

func (r *reader) boundary(v jsontree.Value, serial int) {
	name := r.named(v, "boundary")
	z := model.Zone{
		ID: r.id("boundary", name, serial, v), Diagram: diagram, Name: name, Description: htmltext.Markdown(v.Get("description").Text()),
		Trust: 50, Guess: true, Extra: model.Extra{Key: v.Raw()},
	}
	r.said("boundary", v)
	r.sites[z.ID] = v.At()
	if _, taken := r.zones[name]; !taken {
		r.zones[name] = len(r.Model.Zones)
	}
	r.Out.Counts.Boundary++
	r.Model.Zones = append(r.Model.Zones, z)
}

func (r *reader) nest(boundaries []jsontree.Value) {
	around := make([]int, len(boundaries))
	for i := range around {
		around[i] = -1
	}
	for i, v := range boundaries {
		in := v.Get("inBoundary")
		if in.Null() {
			continue
		}
		r.about = "boundary " + r.Model.Zones[i].Name
		at, ok := r.zones[r.refers(in)]
		if !ok {
			r.Note(imported.Refused, in, "the boundary %q does not exist", r.refers(in))
			continue
		}
		up := at
		for steps := 0; up >= 0 && up != i && steps < imported.MaxDepth; steps++ {
			up = around[up]
		}
		if up >= 0 {
			r.Note(imported.Refused, in, "the boundary would contain itself, or is nested too deep; it is not nested")
			continue
		}
		around[i] = at
		r.Model.Zones[i].Parent = r.Model.Zones[at].ID
	}
}

// classifications are what pytm's are worth.
var classifications = map[string]int{"public": 10, "restricted": 50, "sensitive": 75, "secret": 90, "topsecret": 100}

func (r *reader) data(v jsontree.Value) {
	name := r.named(v, "data")
	id := model.AssetID(model.Slug(name))
	if r.known[id] {
		r.Note(imported.Refused, v, "the name is used twice; the first one counts")
		return
	}
	word := v.Get("classification").Text()
	if _, after, ok := strings.Cut(word, "."); ok {
		word = after
	}
	secrecy, ok := classifications[reading.Letters(word)]
	if !ok {
		secrecy = 50
	}
	r.Note(imported.Guess, v, "the classification %q is taken as a confidentiality of %d of 100; integrity and availability are not said, 50 is set", word, secrecy)
	r.said("data", v)
	r.Model.Assets = append(r.Model.Assets, model.Asset{
		ID: id, Name: name, Description: htmltext.Markdown(v.Get("description").Text()), Value: model.CIA{Confidentiality: secrecy, Integrity: 50, Availability: 50},
		Extra: model.Extra{Key: v.Raw()},
	})
	r.assets[name], r.known[id] = id, true
}

// class is what a class of pytm is here, with words for its type.
type class struct {
	kind  model.Kind
	words []string
}

var classes = map[string]class{
	"Actor": {model.Actor, nil}, "ExternalEntity": {model.Actor, []string{"third-party service"}}, "Server": {model.Process, nil},
	"Process": {model.Process, nil}, "SetOfProcesses": {model.Process, nil}, "Datastore": {model.Store, nil},
	"Lambda": {model.Process, []string{"serverless function", "lambda"}}, "ServerlessFunc": {model.Process, []string{"serverless function"}},
	"LLM": {model.Process, []string{"llm", "large language model"}}, "Asset": {"", nil}, "Element": {"", nil}, "": {"", nil},
}

func (r *reader) component(v jsontree.Value, serial int) {
	name := r.named(v, "element")
	written := classOf(v)
	what, ok := classes[written]
	if !ok {
		r.Note(imported.Guess, classValue(v), "the class %q is unknown", written)
	}
	c := model.Component{
		ID: r.id("element", name, serial, v), Diagram: diagram, Kind: what.kind, Name: name, Description: htmltext.Markdown(v.Get("description").Text()),
		OutOfScope: v.Get("inScope").Exists() && !v.Get("inScope").Null() && !v.Get("inScope").Bool(), Attributes: attributes(v, what.kind), Extra: model.Extra{Key: v.Replace(map[string]json.RawMessage{"findings": nil})},
	}
	if in := v.Get("inBoundary"); !in.Null() {
		if at, ok := r.zones[r.refers(in)]; ok {
			c.Zone = r.Model.Zones[at].ID
		} else {
			r.Note(imported.Refused, in, "the boundary %q does not exist", r.refers(in))
		}
	}
	words := append([]string{}, what.words...)
	switch {
	case v.Get("isAdmin").Bool():
		words = append(words, "administrator")
	case what.kind == model.Store && v.Get("isSQL").Bool():
		words = append(words, name, "relational database")
	}
	r.Type(&c, v.At(), append(words, name)...)
	r.Count(c.Kind)
	r.said("element", v)
	r.carried(&c.Processes, v.Get("data"))
	if _, taken := r.elements[name]; !taken {
		r.elements[name] = c.ID
	}
	r.index[c.ID] = len(r.Model.Components)
	r.Model.Components = append(r.Model.Components, c)
}

func attributes(v jsontree.Value, kind model.Kind) map[string]string {
	all := map[string]string{}
	yes := func(name string, hold ...string) {
		for _, h := range hold {
			if holds(v, h) {
				all[name] = "yes"
			}
		}
	}
	switch kind {
	case model.Store:
		yes("encrypted", "isEncryptedAtRest", "isEncrypted")
		yes("is_log", "storesLogData")
		yes("personal_data", "storesPII")
	case model.Process, model.Actor:
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// carried adds the data that a list names, or a text with commas.
func (r *reader) carried(to *[]model.AssetID, list jsontree.Value) {
	names := []string{}
	for _, item := range list.Items() {
		name := item.Text()
		if item.Object() {
			name = item.Get("name").Text()
		}
		names = append(names, name)
	}
	if !list.Array() && list.Text() != "" {
		names = append(names, list.Text())
	}
	there := map[model.AssetID]bool{}
	for _, id := range *to {
		there[id] = true
	}
	for _, name := range names {
		name = reading.Line(name)
		id, ok := r.assets[name]
		if !ok && name != "" {
			id = model.AssetID(model.Slug(name))
			r.assets[name] = id
			if !r.known[id] {
				r.known[id] = true
				r.Model.Assets = append(r.Model.Assets, model.Asset{ID: id, Name: name, Value: model.CIA{Confidentiality: 50, Integrity: 50, Availability: 50}})
				r.Note(imported.Guess, list, "the data %q is only named; 50 of 100 is set", name)
			}
		}
		if id != "" && !there[id] {
			there[id] = true
			*to = append(*to, id)
		}
	}
}

func (r *reader) flow(v jsontree.Value, serial int) {
	name := reading.Line(v.Get("name").Text())
	r.about = "flow " + name
	otherwise := "Flow"
	if from, to := r.refers(v.Get("source")), r.refers(sink(v)); from != "" && to != "" {
		otherwise = from + " to " + to
	}
	name = r.Named(name, otherwise, v.At())
	f := model.Flow{
		ID: r.id("flow", name, serial, v), Diagram: diagram, Name: name, Protocol: strings.ToLower(reading.Line(v.Get("protocol").Text())),
		Description: htmltext.Markdown(strings.TrimSpace(v.Get("description").Text() + "\n\n" + v.Get("note").Text())),
		OutOfScope:  v.Get("inScope").Exists() && !v.Get("inScope").Null() && !v.Get("inScope").Bool(), Extra: model.Extra{Key: v.Replace(map[string]json.RawMessage{"findings": nil})},
	}
	for _, end := range []struct {
		key string
		at  jsontree.Value
		to  *model.ElementID
	}{{"source", v.Get("source"), &f.From}, {"sink", sink(v), &f.To}} {
		at, ok := r.elements[r.refers(end.at)]
		if _, component := r.index[at]; !ok || !component {
			r.Note(imported.Guess, v, "its %s %q does not exist; the end is loose", end.key, r.refers(end.at))
			continue
		}
		*end.to = at
	}
	tls := v.Get("tlsVersion").Text()
	all := map[string]string{}
	if holds(v, "isEncrypted") || tls != "" && !strings.HasSuffix(tls, "NONE") || slices.Contains([]string{"https", "tls", "ssh", "sftp", "wss"}, f.Protocol) {
		all["encrypted"] = "yes"
	} else if slices.Contains([]string{"http", "ftp", "telnet", "ws"}, f.Protocol) {
		all["encrypted"] = "no"
	}
	if holds(v, "authenticatesSource") {
		all["authenticated"] = "yes"
	}
	if len(all) > 0 {
		f.Attributes = all
	}
	r.carried(&f.Carries, v.Get("data"))
	r.said("flow", v)
	if _, taken := r.elements[name]; !taken {
		r.elements[name] = f.ID
	}
	r.Out.Counts.Flow++
	r.Model.Flows = append(r.Model.Flows, f)
}

// handled follows what data says of who carries and processes it.
func (r *reader) handled(data []jsontree.Value) {
	flows := map[model.ElementID]int{}
	for i := range r.Model.Flows {
		flows[r.Model.Flows[i].ID] = i
	}
	for _, v := range data {
		id, ok := r.assets[reading.Line(v.Get("name").Text())]
		if !ok {
			continue
		}
		for _, by := range slices.Concat(v.Get("carriedBy").Items(), v.Get("processedBy").Items()) {
			at := r.elements[reading.Line(by.Text())]
			if i, ok := r.index[at]; ok {
				c := &r.Model.Components[i]
				list := &c.Processes
				if c.Kind == model.Store && v.Get("isStored").Bool() {
					list = &c.Stores
				}
				if !slices.Contains(*list, id) {
					*list = append(*list, id)
				}
			} else if i, ok := flows[at]; ok && !slices.Contains(r.Model.Flows[i].Carries, id) {
				r.Model.Flows[i].Carries = append(r.Model.Flows[i].Carries, id)
			}
		}
	}
}

func (r *reader) trust() {
	members, actors := map[model.ElementID]int{}, map[model.ElementID]int{}
	outside := 0
	for i := range r.Model.Components {
		c := &r.Model.Components[i]
		if c.Zone == "" {
			outside++
			continue
		}
		members[c.Zone]++
		if c.Kind == model.Actor {
			actors[c.Zone]++
		}
	}
	for i := range r.Model.Zones {
		z := &r.Model.Zones[i]
		if members[z.ID] > 0 && members[z.ID] == actors[z.ID] || reading.Untrusted(z.Name) {
			z.Trust = 0
		}
		r.Builder.Note(imported.Guess, r.sites[z.ID], "boundary "+z.Name, "the file does not say how far it is trusted; %d of 100 is set", z.Trust)
	}
	if outside > 0 {
		r.Builder.Note(imported.Guess, "", "file", "%s outside every boundary: actors count as trusted 0 of 100, everything else 50", reading.Plural(outside, "element stands", "elements stand"))
	}
}

var (
	cwes   = regexp.MustCompile(`(?i)cwe\.mitre\.org/data/definitions/([0-9]{1,5})|\bcwe-([0-9]{1,5})\b`)
	capecs = regexp.MustCompile(`(?i)capec\.mitre\.org/data/definitions/([0-9]{1,4})|\bcapec-([0-9]{1,4})\b`)
)

func numbers(form *regexp.Regexp, text string) []int {
	var all []int
	for _, m := range form.FindAllStringSubmatch(text, -1) {
		if n, err := strconv.Atoi(m[1] + m[2]); err == nil && n > 0 && !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	return all
}
