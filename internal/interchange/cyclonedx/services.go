package cyclonedx

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"net/url"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/jsontree"
	"github.com/threatloop/threatloop/internal/interchange/otm"
	"github.com/threatloop/threatloop/internal/interchange/pytm"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/interchange/tlyaml"
	"github.com/threatloop/threatloop/internal/interchange/tm7"
	"github.com/threatloop/threatloop/internal/model"
)

// maxAttachments bounds the documents inside one that are looked at.
const maxAttachments = 100

// attachments returns the threat models of other tools that stand inside a bill of
// materials: objects with a content beside its type or encoding, whose content
// is one. Licences stand in such objects, too.
func attachments(root jsontree.Value, opts imported.Options) []attached {
	var all []attached
	var walk func(v jsontree.Value)
	walk = func(v jsontree.Value) {
		if len(all) >= maxAttachments {
			return
		}
		if v.Get("content").Exists() && (v.Get("contentType").Exists() || v.Get("encoding").Exists()) {
			if data := contentOf(v); looksLikeModel(data) {
				if read := opener(data, opts); read != nil {
					all = append(all, attached{v, read})
				}
			}
			return
		}
		for _, m := range v.Members() {
			walk(m.Value)
		}
		for _, item := range v.Items() {
			walk(item)
		}
	}
	walk(root)
	return all
}

// attached is a document inside another one.
type attached struct {
	v    jsontree.Value
	read func() (*imported.Import, error)
}

// contentOf returns the bytes of an attachment: base64, text, or JSON in place.
func contentOf(v jsontree.Value) []byte {
	content := v.Get("content")
	if content.Object() {
		return content.Raw()
	}
	text := content.Text()
	if strings.EqualFold(v.Get("encoding").Text(), "base64") {
		decoded, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
		if err != nil {
			return nil
		}
		return decoded
	}
	return []byte(text)
}

// marks are words that only threat models have.
var marks = []string{"otmVersion", "schemas.datacontract.org/2004/07/ThreatModeling", "trust_zones", "threat_personas", `"specFormat"`, `"dataflows"`, `"flows"`}

func looksLikeModel(data []byte) bool {
	head := data[:min(len(data), 64<<10)]
	return slices.ContainsFunc(marks, func(m string) bool { return bytes.Contains(head, []byte(m)) })
}

// readAttached reads the first document inside that is a threat model; nil where
// there is none. Places in its errors and notes are of that document.
func readAttached(root jsontree.Value, opts imported.Options) (*imported.Import, error) {
	var result *imported.Import
	for _, a := range attachments(root, opts) {
		if result != nil {
			result.AddAt(imported.Refused, a.v.At(), "file", "the file holds another threat model; only the first is read")
			continue
		}
		var err error
		if result, err = a.read(); err != nil {
			return nil, err
		}
		result.AddAt(imported.Info, a.v.At(), "file", "the threat model is a document inside this one, of the format %s; places of other notes are counted in it", result.Format)
	}
	return result, nil
}

// opener returns the reader of a document of another format, or nil.
func opener(data []byte, opts imported.Options) func() (*imported.Import, error) {
	head := strings.TrimSpace(string(data[:min(len(data), 64<<10)]))
	switch {
	case strings.HasPrefix(head, "{"):
		root, err := jsontree.Parse(data, opts)
		switch {
		case err != nil:
		case otm.Detect(root):
			return func() (*imported.Import, error) { return otm.Read(root, opts) }
		case pytm.Detect(root):
			return func() (*imported.Import, error) { return pytm.Read(root, opts) }
		case plainDialect(root) == library || plainDialect(root) == cdx2:
			return func() (*imported.Import, error) { return Read(root, opts) }
		}
	case strings.HasPrefix(head, "<"):
		if tm7.Detect([]byte(head)) {
			return func() (*imported.Import, error) { return tm7.Read(data, opts) }
		}
	default:
		if root, err := tlyaml.Parse(data, opts); err == nil && otm.DetectYAML(root) {
			return func() (*imported.Import, error) { return otm.ReadYAML(root, opts) }
		}
	}
	return nil
}

// services reads CycloneDX 1.x: services are processes, their trust zones zones,
// their data the assets that they handle, and flow where the data names its ends.
func (r *reader) services(root jsontree.Value) {
	component := root.Get("metadata", "component")
	r.Product("", component.Get("name").Text())
	r.product = ref(component)
	r.Model.Product.Description = component.Get("description").Text()
	r.Model.Extra = without(root, "services", "components")
	for _, v := range root.Get("services").Items() {
		r.service(v, 0)
	}
	known := map[string]bool{}
	for _, p := range r.partList {
		known[p.ref] = true
	}
	for _, p := range append([]*part(nil), r.partList...) {
		for _, d := range p.v.Get("data").Items() {
			r.serviceData(p, d)
		}
	}
	joined := map[string]bool{}
	for _, f := range r.flowList {
		joined[text(f.from)+"\x00"+text(f.to)] = true
	}
	for _, d := range root.Get("dependencies").Items() {
		from := d.Get("ref")
		for _, to := range d.Get("dependsOn").Items() {
			if known[text(from)] && known[text(to)] && text(from) != text(to) && !joined[text(from)+"\x00"+text(to)] {
				joined[text(from)+"\x00"+text(to)] = true
				f := &flow{v: d, from: from, to: to, derived: true}
				f.f.ID = model.ElementID(model.DeriveID("flo", string(r.Model.Product.ID), text(from), text(to)))
				r.flowList = append(r.flowList, f)
				r.Note(imported.Guess, to.At(), "data flow "+string(f.f.ID), "%q depends on %q in the file: a flow between them is assumed", text(from), text(to))
			}
		}
	}
	if n := len(root.Get("components").Items()); n > 0 {
		r.Note(imported.Refused, root.Get("components").At(), "file", "%s of the bill of materials %s not in the model: they are what is built in, not what talks to each other",
			reading.Plural(n, "component", "components"), map[bool]string{true: "is", false: "are"}[n == 1])
	}
}

func (r *reader) service(v jsontree.Value, depth int) {
	id := cmp.Or(ref(v), text(v.Get("name")))
	p := &part{v: v, ref: id, written: "service"}
	p.c = model.Component{Kind: model.Process, Name: text(v.Get("name")), Description: v.Get("description").Text()}
	if word := yesNo(v.Get("authenticated")); word != "" {
		p.c.Attributes = map[string]string{"provides_authentication": word}
	}
	for _, e := range v.Get("endpoints").Items() {
		if s := text(e); s != "" {
			p.c.Locations = append(p.c.Locations, s)
		}
	}
	if z := text(v.Get("trustZone")); z != "" {
		p.zone = v.Get("trustZone")
		if r.zones[z] == nil {
			r.declareZone(&zone{v: v.Get("trustZone"), ref: z, name: z})
		}
	}
	r.declarePart(p)
	if depth < imported.MaxDepth {
		for _, inner := range v.Get("services").Items() {
			r.service(inner, depth+1)
		}
	}
}

// serviceData reads one body of data that a service handles.
func (r *reader) serviceData(p *part, d jsontree.Value) {
	class := text(d.Get("classification"))
	name := cmp.Or(text(d.Get("name")), class, "data")
	id := model.DeriveID("ast", string(r.Model.Product.ID), name, class)
	if r.assets[id] == "" {
		secret := classifications[reading.Letters(class)]
		if secret == 0 {
			secret = 50
		}
		if worth, ok := sensitivities[strings.ToLower(class)]; ok {
			secret = worth
		}
		r.Note(imported.Guess, d.At(), "data "+name, "confidentiality %d is set by its classification %q, integrity and availability 50", secret, class)
		r.addAsset(id, model.Asset{Name: name, Description: d.Get("description").Text(), Value: model.CIA{Confidentiality: secret, Integrity: 50, Availability: 50}, Extra: kept(d)}, d.At())
	}
	p.c.Processes = appendNew(p.c.Processes, r.assets[id])
	for _, to := range d.Get("destination").Items() {
		if other := r.linked(to); other != nil && other != p {
			r.dataFlow(d, p, other, r.assets[id])
		}
	}
	for _, from := range d.Get("source").Items() {
		if other := r.linked(from); other != nil && other != p {
			r.dataFlow(d, other, p, r.assets[id])
		}
	}
}

// linked returns the service that an end of a flow names: by its ref, or by an
// address whose fragment is one (urn:cdx:SERIAL/VERSION#REF). Nil is something else.
func (r *reader) linked(end jsontree.Value) *part {
	name := text(end)
	if p := r.parts[name]; p != nil {
		return p
	}
	_, fragment, ok := strings.Cut(name, "#")
	if !ok {
		return nil
	}
	if plain, err := url.PathUnescape(fragment); err == nil {
		fragment = plain
	}
	return r.parts[fragment]
}

func appendNew(list []model.AssetID, id model.AssetID) []model.AssetID {
	for _, have := range list {
		if have == id {
			return list
		}
	}
	return append(list, id)
}

// dataFlow adds the flow of data from one service to another. Both ends may tell
// of it, and of what goes both ways each end names the other as both.
func (r *reader) dataFlow(d jsontree.Value, source, target *part, carries model.AssetID) {
	from, to := refOf(source), refOf(target)
	both := d.Get("flow").Text() == "bi-directional"
	id := func(from, to jsontree.Value) model.ElementID {
		return model.ElementID(model.DeriveID("flo", string(r.Model.Product.ID), text(from), text(to), string(carries)))
	}
	if r.joined[id(from, to)] || both && r.joined[id(to, from)] {
		return
	}
	r.joined[id(from, to)] = true
	f := &flow{v: d, from: from, to: to}
	f.f = model.Flow{ID: id(from, to), Name: text(d.Get("name")), Bidirectional: both, Carries: []model.AssetID{carries}}
	r.flowList = append(r.flowList, f)
}

func refOf(p *part) jsontree.Value {
	if v := p.v.Get("bom-ref"); v.Text() != "" {
		return v
	}
	return p.v.Get("name")
}
