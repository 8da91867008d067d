// Package threagile reads the models of Threagile, a YAML file or several that
// include each other, in the dialects of 0.9 and 1.0.
//
// Threagile finds its risks anew at each run, so a file holds only those that
// people wrote down (custom_risk_categories, individual_risk_categories) and what
// was decided about others (risk_tracking). Both become threats here: the first
// with severity, weakness and mitigation, the second with its decision at the
// element that its id names. Everything else of an object is kept as JSON in its
// Extra[Key]; nothing that the file says is lost.
//
// Format: pkg/input of Threagile/threagile, and real files where they differ.
package threagile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/threatloop/threatloop/internal/interchange/htmltext"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/model"
)

// Key is the key of Extra under which objects are kept, and the first part of refs.
const Key = "threagile"

// diagram is the one diagram of a model: Threagile draws none that is kept.
const diagram model.DiagramID = "threagile"

// Detect reports whether the mapping is a Threagile model.
func Detect(root *yaml.Node) bool {
	v := value{n: root}
	if !v.isMap() {
		return false
	}
	has := map[string]bool{}
	for _, p := range v.pairs() {
		has[p.key] = true
	}
	return has["threagile_version"] || has["technical_assets"] && (has["data_assets"] || has["trust_boundaries"] || has["business_criticality"])
}

type reader struct {
	*reading.Builder
	files  []file
	keeper keeper
	assets map[string]model.AssetID   // data assets by the file's id
	parts  map[string]model.ElementID // technical assets, links and boundaries by the file's id
	folded map[string]string          // ids by their lower case, to find those spelt otherwise
	titles map[string]string          // ids by the name beside them
	index  map[model.ElementID]int    // components by id
	public map[model.ElementID]bool   // components on the Internet
	tags   map[string]bool            // declared ones
	strays map[string]bool            // undeclared tags that were noted
	risks  []written
	// mitigations are where the countermeasures of risks stand in the model.
	mitigations map[model.CountermeasureID]int
	about       string // what notes are on
}

// Note adds a note on what is being read.
func (r *reader) Note(level imported.Level, at, format string, args ...any) {
	r.Builder.Note(level, at, r.about, format, args...)
}

// Read returns the model that the root and the files it includes describe. Files
// come from opts.Files; without it a model that includes others is Invalid.
func Read(root *yaml.Node, opts imported.Options) (*imported.Import, error) {
	r := &reader{
		Builder: reading.New(imported.Threagile, Key, opts),
		assets:  map[string]model.AssetID{}, parts: map[string]model.ElementID{}, folded: map[string]string{}, titles: map[string]string{},
		index: map[model.ElementID]int{}, public: map[model.ElementID]bool{}, tags: map[string]bool{}, strays: map[string]bool{}, mitigations: map[model.CountermeasureID]int{}, about: "file",
	}
	l := &loader{opts: opts, out: r.Out}
	files, err := l.load(root)
	if err != nil {
		return nil, err
	}
	r.files = files
	r.keeper.left = 64 << 20
	r.product()
	for _, step := range []func() error{r.dataAssets, r.technicalAssets, r.links, r.boundaries, r.categories, r.tracking, r.rest} {
		r.about = "file"
		if err := step(); err != nil {
			return nil, err
		}
	}
	if l.spent > maxAliased {
		return nil, errTooMuch
	}
	return r.Finish()
}

// sections returns the values of a root key in all files, in the order of the files.
func (r *reader) sections(key string) []value {
	var all []value
	for _, f := range r.files {
		if v := f.root.get(key); !v.null() {
			all = append(all, v)
		}
	}
	return all
}

// entry is one entry of a section: the name it stands under and what it says.
type entry struct {
	name, at string
	value    value
	own      []string // the keys that said the name
}

// entries returns the entries of a section over all files. A section is a mapping
// by name, or a list of entries with a title.
func (r *reader) entries(key string) []entry {
	var all []entry
	for _, section := range r.sections(key) {
		for _, p := range r.named(section, key) {
			e := entry{p.key, p.at(), p.value.flat(), p.own()}
			if title := e.value.get("title").text(); title != "" && e.name == e.value.get("id").text() {
				e.name, e.own = title, append(e.own, "title") // so Threagile writes what it has read
			}
			all = append(all, e)
		}
	}
	return slices.DeleteFunc(all, func(e entry) bool {
		if e.value.isMap() || key == "risk_tracking" && e.value.null() {
			return false
		}
		r.Note(imported.Refused, e.at, "%s: %q is no mapping and is not read", key, e.name)
		return true
	})
}

// named returns what stands under names: in a mapping, as Threagile has it, or in
// a list of entries that say their names themselves.
func (r *reader) named(v value, what string) []pair {
	if v.isMap() || v.null() {
		return v.pairs()
	}
	if !v.isList() {
		r.Note(imported.Refused, v.at(), "%s is neither a mapping nor a list and is not read", what)
		return nil
	}
	var all []pair
	for _, item := range v.items() {
		if inner := item.pairs(); len(inner) == 1 && inner[0].value.isMap() {
			all = append(all, inner[0]) // "- Name: {id: ...}"
			continue
		}
		all = append(all, pair{item.first("title", "name", "id"), item, item})
	}
	return all
}

// texts returns the texts of a mapping by name; in a list each is a name alone,
// or a mapping of its own.
func (r *reader) texts(v value, what string) []pair {
	if !v.isList() {
		return r.named(v, what)
	}
	var all []pair
	for _, item := range v.items() {
		switch inner := item.pairs(); {
		case item.text() != "":
			all = append(all, pair{item.text(), item, value{}})
		case len(inner) == 1:
			all = append(all, inner[0])
		case len(inner) > 1:
			all = append(all, pair{item.first("title", "name", "question", "id"), item, value{}.or(item.get("description"), item.get("answer"))})
		default:
			r.Note(imported.Refused, item.at(), "%s: an entry without a text is not read", what)
		}
	}
	return all
}

// one returns the first text that the files have under a key of the root.
func (r *reader) one(path ...string) string {
	for _, f := range r.files {
		v := f.root
		for _, key := range path {
			v = v.get(key)
		}
		if t := v.text(); t != "" {
			return t
		}
	}
	return ""
}

func (r *reader) product() {
	p := &r.Model.Product
	r.Product("", htmltext.Line(r.one("title")))
	for _, v := range r.sections("threagile_version") {
		if reading.Strange(v.text(), "0", "1") {
			r.Note(imported.Info, v.at(), "the file has the version %s; 0.9 and 1.0 are known", reading.Line(v.text()))
		}
	}
	p.Owner = reading.Line(r.one("author", "name"))
	p.Description = r.describe()
	for _, section := range r.sections("tags_available") {
		for _, t := range section.items() {
			r.tags[tag(t.text())] = true
		}
	}
	if list := r.sections("business_criticality"); len(list) > 0 {
		v := list[0]
		if n, ok := criticalities[norm(v.text())]; ok {
			p.Value = &model.CIA{Confidentiality: n, Integrity: n, Availability: n}
			r.Note(imported.Guess, v.at(), "the business criticality %s is taken as a value of %d of 100, for components that handle no data asset", v.text(), n)
		} else {
			r.Note(imported.Guess, v.at(), "the business criticality %q is unknown; the product's value stays open", v.text())
		}
	}
	r.Model.Diagrams = []model.Diagram{{ID: diagram, Title: "Data flow", Methodology: "STRIDE"}}
	r.Out.Counts.Diagrams = 1
}

// describe puts what the model says about the product into words for people.
func (r *reader) describe() string {
	var b strings.Builder
	paragraph := func(text string) {
		if text = htmltext.Markdown(text); text != "" {
			if b.Len() > 0 {
				b.WriteString("\n\n")
			}
			b.WriteString(text)
		}
	}
	for _, v := range r.sections("management_summary_comment") {
		paragraph(v.text())
	}
	for _, o := range []struct{ key, title string }{
		{"application_description", "Application"}, {"business_overview", "Business overview"}, {"technical_overview", "Technical overview"},
	} {
		if text := r.one(o.key, "description"); text != "" {
			paragraph("## " + o.title)
			paragraph(text)
		}
	}
	open := 0
	for _, o := range []struct{ key, title string }{{"abuse_cases", "Abuse cases"}, {"questions", "Questions"}} {
		first := true
		for _, section := range r.sections(o.key) {
			for _, p := range r.texts(section, o.key) {
				if first {
					paragraph("## " + o.title)
					b.WriteString("\n")
					first = false
				}
				text := htmltext.Line(p.value.text())
				if text == "" && o.key == "questions" {
					open++
					text = "(not answered)"
				}
				fmt.Fprintf(&b, "\n- **%s** %s", htmltext.Line(p.key), text)
			}
			if first {
				continue
			}
			what := map[string]string{"abuse_cases": "the abuse cases", "questions": "the questions and their answers"}[o.key]
			r.Note(imported.Kept, section.at(), "%s stand in the product's description", what)
		}
	}
	if open > 0 {
		r.Note(imported.Info, "", "%s", reading.Plural(open, "question of the model is not answered", "questions of the model are not answered"))
	}
	return b.String()
}

// tags returns the tags of an element; those that the model does not declare are noted once each.
func (r *reader) tagsOf(v value) []string {
	var all []string
	seen := map[string]bool{}
	for _, item := range v.get("tags").items() {
		t := tag(item.text())
		if t == "" || seen[t] {
			continue
		}
		seen[t] = true
		all = append(all, t)
		if !r.tags[t] && !r.strays[t] {
			r.strays[t] = true
			r.Note(imported.Guess, item.at(), "the tag %q is not declared in tags_available; it is taken all the same", t)
		}
	}
	return all
}

func tag(s string) string { return strings.ToLower(strings.TrimSpace(s)) }

// level returns what a word of a vocabulary is worth. An unknown word is noted and worth the middle.
func (r *reader) level(v value, what string, levels map[string]int) int {
	if v.null() {
		return 50
	}
	if n, ok := levels[norm(v.text())]; ok {
		return n
	}
	r.Note(imported.Guess, v.at(), "%s %q is unknown; 50 of 100 is taken", what, v.text())
	return 50
}

// id returns the id of an entry, on which the notes that follow are; one that has none is called after its name, as a note says.
func (r *reader) id(e entry, what string) string {
	r.about = what + " " + reading.Line(e.name)
	if id := e.value.get("id").text(); id != "" {
		return id
	}
	id := model.Slug(e.name)
	r.Note(imported.Guess, e.at, "has no id; it is called %s here", id)
	return id
}

// known counts the keys of an object that have no meaning here; they are kept.
func (r *reader) known(level string, v value, keys ...string) {
	for _, p := range v.pairs() {
		if !slices.Contains(keys, p.key) {
			r.Unknown(level, p.key, p.at())
		}
	}
}

func (r *reader) keep(v value, without ...string) (model.Extra, error) {
	raw, err := r.keeper.keep(v, without...)
	if err != nil {
		return nil, err
	}
	return model.Extra{Key: raw}, nil
}

// rootKeys are those of a file that have a meaning.
var rootKeys = []string{
	"threagile_version", "includes", "title", "author", "contributors", "date", "application_description", "business_overview", "technical_overview",
	"business_criticality", "management_summary_comment", "security_requirements", "questions", "abuse_cases", "tags_available", "data_assets",
	"technical_assets", "trust_boundaries", "shared_runtimes", "custom_risk_categories", "individual_risk_categories", "risk_tracking", "communication_links", "data_flows",
	"diagram_tweak_nodesep", "diagram_tweak_ranksep", "diagram_tweak_edge_layout", "diagram_tweak_suppress_edge_labels",
	"diagram_tweak_layout_left_to_right", "diagram_tweak_invisible_connections_between_assets", "diagram_tweak_same_rank_assets",
}

// elsewhere are the root keys whose content the objects of the model keep.
var elsewhere = []string{"includes", "data_assets", "technical_assets", "trust_boundaries", "communication_links", "data_flows"}

// rest reads requirements and keeps the remaining root keys of all files as one object.
func (r *reader) rest() error {
	for _, section := range r.sections("security_requirements") {
		for _, p := range r.texts(section, "security_requirements") {
			name := htmltext.Line(p.key)
			c, had := r.Countermeasure(model.AtProduct, "requirement/"+model.Slug(p.key), name, htmltext.Markdown(p.value.text()), model.Required)
			if had {
				r.Note(imported.Refused, p.at(), "the security requirement %q is there twice; the first one counts (%s)", name, c.ID)
			}
		}
		r.Note(imported.Info, section.at(), "the security requirements are required countermeasures of the product; the file does not say which threats they meet")
	}
	for _, e := range r.entries("shared_runtimes") {
		r.Note(imported.Kept, e.at, "the shared runtime %q has no place in a data-flow diagram and is kept", e.name)
	}
	merged := map[string][]value{}
	var order []string
	for _, f := range r.files {
		r.known("file", f.root, rootKeys...)
		for _, p := range f.root.pairs() {
			if slices.Contains(elsewhere, p.key) {
				continue
			}
			if merged[p.key] == nil {
				order = append(order, p.key)
			}
			merged[p.key] = append(merged[p.key], p.value)
		}
	}
	var b bytes.Buffer
	b.WriteByte('{')
	for i, key := range order {
		if i > 0 {
			b.WriteByte(',')
		}
		quote(&b, key)
		b.WriteByte(':')
		raw, err := r.join(merged[key])
		if err != nil {
			return err
		}
		b.Write(raw)
	}
	b.WriteByte('}')
	r.Model.Extra = model.Extra{Key: b.Bytes()}
	return nil
}

// join keeps the values of one root key over several files: mappings and lists
// run together, of anything else the first counts.
func (r *reader) join(values []value) (json.RawMessage, error) {
	joined := values[0].follow()
	if joined.n != nil && len(values) > 1 && (joined.isMap() || joined.isList()) {
		all := *joined.n
		all.Content = slices.Clone(all.Content)
		for _, v := range values[1:] {
			if v = v.follow(); v.n != nil && v.n.Kind == all.Kind {
				all.Content = append(all.Content, v.n.Content...)
			}
		}
		joined.n = &all
	}
	return r.keeper.keep(joined)
}
