// Package reading holds what the readers of other tools' models have in common:
// ids that stay the same at every import, one weakness per place and CWE, one
// countermeasure per place and ref, guesses of kind and type with their notes,
// and the end of every import (sorted, valid, notes counted).
package reading

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/model"
)

// What one file may hold. The largest model that a person can use is far below; one
// of 5,000 components with three flows each, for which times are promised, fits with its zones.
const (
	MaxElements = 25_000
	MaxThreats  = 100_000 // threats, and again countermeasures and weaknesses
)

// maxTitle is how many characters of a text become a title.
const maxTitle = 80

// Builder collects the model of one file. Set Model.Product.ID before anything
// derives an id from it.
type Builder struct {
	Opts  imported.Options
	Out   *imported.Import
	Model *model.Model
	// Key names the format in refs and in Extra: "otm".
	Key string

	elements map[model.ElementID]bool
	threats  map[model.ThreatID]bool
	flaws    map[model.WeaknessID]bool
	counters map[model.CountermeasureID]int
	links    map[link]bool
	unknown  map[string]*unknownKey
	unnamed  []string
	text     int // bytes of the threats and countermeasures, which can stand at many places
}

type link struct {
	threat         model.ThreatID
	weakness       model.WeaknessID
	countermeasure model.CountermeasureID
}

type unknownKey struct {
	level, key, at string
	times          int
}

// New returns an empty builder for the format.
func New(format imported.Format, key string, opts imported.Options) *Builder {
	m := &model.Model{}
	return &Builder{
		Opts: opts, Out: &imported.Import{Format: format, Model: m}, Model: m, Key: key,
		elements: map[model.ElementID]bool{model.AtProduct: true}, threats: map[model.ThreatID]bool{},
		flaws: map[model.WeaknessID]bool{}, counters: map[model.CountermeasureID]int{}, links: map[link]bool{},
		unknown: map[string]*unknownKey{},
	}
}

// Product sets the product's id, unless the options name one, and its name.
func (b *Builder) Product(id, name string) {
	p := &b.Model.Product
	p.Name = Line(name)
	if p.Name == "" {
		p.Name = "Untitled model"
		b.Note(imported.Guess, "", "file", "the model has no title")
	}
	switch {
	case b.Opts.Product != "":
		p.ID = b.Opts.Product
	case id != "":
		p.ID = model.ProductID(id)
	default:
		p.ID = model.ProductID(model.DeriveID("prd", p.Name))
	}
}

// Note adds a note on something (where: "component ID (name)") at a place of the
// file, "name:line:column".
func (b *Builder) Note(level imported.Level, at, where, format string, args ...any) {
	b.Out.AddAt(level, at, where, format, args...)
}

// Element returns the id under which an element of the file stands in the model:
// the file's own, or a derived one where it is empty or taken. kind and serial
// (the element's number among its kind) make a derived one repeatable.
func (b *Builder) Element(kind, id string, serial int, at string) model.ElementID {
	id = strings.TrimSpace(id)
	e := model.ElementID(id)
	if id != "" && !b.elements[e] {
		b.elements[e] = true
		return e
	}
	parts := []string{string(b.Model.Product.ID), b.Key, kind, id}
	if id == "" {
		parts = append(parts, fmt.Sprint(serial))
	}
	for e = model.ElementID(model.DeriveID("elt", parts...)); b.elements[e]; e = model.ElementID(model.DeriveID("elt", parts...)) {
		parts = append(parts, "again")
	}
	b.elements[e] = true
	if id == "" {
		b.Note(imported.Guess, at, kind+" "+string(e), "has no id in the file; it is called %s here", e)
	} else {
		b.Note(imported.Guess, at, kind+" "+id, "the id is already taken by another element; this one is called %s here", e)
	}
	return e
}

// Has reports whether an element of the id was made.
func (b *Builder) Has(id model.ElementID) bool { return b.elements[id] }

// Named returns the name on one line, or otherwise where it is empty, which is noted once for all.
func (b *Builder) Named(name, otherwise, at string) string {
	if name = Line(name); name != "" {
		return name
	}
	b.unnamed = append(b.unnamed, at)
	return otherwise
}

// Threat adds the threat with the file's id of it and returns its id. Where the
// file uses the id twice at one place, the second gets a ref of its own.
func (b *Builder) Threat(t model.Threat, id string) model.ThreatID {
	base := b.Key + "/" + id
	for n := 1; ; n++ {
		t.Ref = base
		if n > 1 {
			t.Ref = fmt.Sprintf("%s/%d", base, n)
		}
		if t.ID = model.NewThreatID(b.Model.Product.ID, t.Where, t.Ref); !b.threats[t.ID] {
			break
		}
	}
	if t.Origin == "" {
		t.Origin = model.ByImport
	}
	b.threats[t.ID] = true
	b.weigh(t.Description, t.Extra)
	b.Model.Threats = append(b.Model.Threats, t)
	return t.ID
}

// Adopt adds a threat that has its id and ref already.
func (b *Builder) Adopt(t model.Threat) {
	b.threats[t.ID] = true
	b.Model.Threats = append(b.Model.Threats, t)
}

// HasThreat reports whether a threat of the id was added.
func (b *Builder) HasThreat(id model.ThreatID) bool { return b.threats[id] }

// AdoptWeakness adds a weakness that has its id already, once.
func (b *Builder) AdoptWeakness(w model.Weakness) {
	if !b.flaws[w.ID] {
		b.flaws[w.ID] = true
		b.Model.Weaknesses = append(b.Model.Weaknesses, w)
	}
}

// HasWeakness reports whether a weakness of the id was added.
func (b *Builder) HasWeakness(id model.WeaknessID) bool { return b.flaws[id] }

// AdoptCountermeasure adds a countermeasure that has its id already, once.
func (b *Builder) AdoptCountermeasure(c model.Countermeasure) {
	if _, ok := b.counters[c.ID]; !ok {
		b.counters[c.ID] = len(b.Model.Countermeasures)
		b.Model.Countermeasures = append(b.Model.Countermeasures, c)
	}
}

// CountermeasureByID returns the countermeasure of the id, or nil.
func (b *Builder) CountermeasureByID(id model.CountermeasureID) *model.Countermeasure {
	if i, ok := b.counters[id]; ok {
		return &b.Model.Countermeasures[i]
	}
	return nil
}

// weigh counts text: a file of one long threat at thousands of places is small,
// its model is not.
func (b *Builder) weigh(description string, extra model.Extra) {
	b.text += len(description)
	for _, raw := range extra {
		b.text += len(raw)
	}
}

// CWE returns the weakness of the number at the place; there is one.
func (b *Builder) CWE(where model.ElementID, cwe int) model.WeaknessID {
	w := CWE(b.Model.Product.ID, where, cwe)
	if !b.flaws[w.ID] {
		b.flaws[w.ID] = true
		b.Model.Weaknesses = append(b.Model.Weaknesses, w)
	}
	return w.ID
}

// CWE is the weakness that an import makes of a CWE number at a place.
func CWE(p model.ProductID, where model.ElementID, cwe int) model.Weakness {
	ref := fmt.Sprintf("cwe-%d", cwe)
	return model.Weakness{
		ID: model.NewWeaknessID(p, where, ref), Where: where, Ref: ref,
		Title: fmt.Sprintf("CWE-%d", cwe), CWE: cwe, Origin: model.ByImport,
	}
}

// Countermeasure returns the countermeasure that the file calls id at the place;
// there is one. had tells that it was there before, with the state it has.
func (b *Builder) Countermeasure(where model.ElementID, id, title, description string, state model.State) (c *model.Countermeasure, had bool) {
	ref := b.Key + "/" + id
	cid := model.NewCountermeasureID(b.Model.Product.ID, where, ref)
	if i, ok := b.counters[cid]; ok {
		return &b.Model.Countermeasures[i], true
	}
	b.counters[cid] = len(b.Model.Countermeasures)
	b.weigh(description, nil)
	b.Model.Countermeasures = append(b.Model.Countermeasures, model.Countermeasure{
		ID: cid, Where: where, Ref: ref, Title: title, Description: description, State: state, Origin: model.ByImport,
	})
	return &b.Model.Countermeasures[len(b.Model.Countermeasures)-1], false
}

// FreeText carries a mitigation that a file has as text only: one countermeasure
// that takes the whole risk. id is the threat's in the file.
func (b *Builder) FreeText(t model.ThreatID, where model.ElementID, id, text string, state model.State) {
	if text = strings.TrimSpace(text); text == "" {
		return
	}
	c, _ := b.Countermeasure(where, id, Title(text), text, state)
	b.Link(t, "", c.ID, 100)
}

// Link joins a threat with a weakness, a countermeasure or both, once, and
// reports whether it was new.
func (b *Builder) Link(t model.ThreatID, w model.WeaknessID, c model.CountermeasureID, share float64) bool {
	l := link{t, w, c}
	if b.links[l] {
		return false
	}
	b.links[l] = true
	b.Model.Links = append(b.Model.Links, model.Link{Threat: t, Weakness: w, Countermeasure: c, Share: share, Origin: model.ByImport})
	return true
}

// Unknown counts a key that has no meaning here and is kept as written.
func (b *Builder) Unknown(level, key, at string) {
	u := b.unknown[level+" "+key]
	if u == nil {
		u = &unknownKey{level: level, key: key, at: at}
		b.unknown[level+" "+key] = u
	}
	u.times++
}

// Type fills in the component's kind, where the file does not say it, and its
// library type, by the words that the file has for it: its type first, then its
// name. Both are noted as guesses.
func (b *Builder) Type(c *model.Component, at string, words ...string) {
	said := c.Kind != ""
	for _, w := range words {
		if c.Kind == "" {
			c.Kind = KindOf(w)
		}
	}
	guess := b.Opts.GuessType
	for _, w := range words {
		if guess == nil || c.Type != "" || w == "" {
			continue
		}
		kinds := []model.Kind{c.Kind}
		if c.Kind == "" {
			kinds = []model.Kind{model.Process, model.Store, model.Actor}
		}
		for _, k := range kinds {
			if t := guess(k, w, c.Attributes); t != "" {
				c.Type, c.Kind = t, k
				break
			}
		}
	}
	if c.Kind == "" {
		c.Kind = model.Process
	}
	where := Where("component", c.ID, c.Name)
	switch {
	case !said && c.Type != "":
		b.Note(imported.Guess, at, where, "is taken as %s of the type %q, by its words", article(c.Kind), c.Type)
	case !said:
		b.Note(imported.Guess, at, where, "is taken as %s, by its words", article(c.Kind))
	case c.Type != "":
		b.Note(imported.Guess, at, where, "the type %q is chosen by its words", c.Type)
	}
	if c.Type == "" {
		hint := imported.TypeHint{Element: c.ID, Kind: c.Kind}
		for _, w := range words {
			hint.Words = append(hint.Words, strings.Fields(strings.ToLower(w))...)
		}
		b.Out.TypeHints = append(b.Out.TypeHints, hint)
	}
}

// Where names an element in a note: "component ID (name)".
func Where(kind string, id model.ElementID, name string) string {
	if name == "" {
		return kind + " " + string(id)
	}
	return fmt.Sprintf("%s %s (%s)", kind, id, name)
}

func article(k model.Kind) string {
	if k == model.Actor {
		return "an actor"
	}
	return "a " + string(k)
}

// Count adds a component to what the file holds.
func (b *Builder) Count(k model.Kind) {
	switch k {
	case model.Actor:
		b.Out.Counts.Actor++
	case model.Store:
		b.Out.Counts.Store++
	default:
		b.Out.Counts.Process++
	}
}

// TooMany is the refusal of a file with more than limit of something.
func TooMany(what string, limit int) error {
	return fault.New(fault.TooLarge, "model.too_large", "the model has more than %d %s", limit, what)
}

// Finish sorts and checks the model, adds the notes that are counted, and returns the import.
func (b *Builder) Finish() (*imported.Import, error) {
	m := b.Model
	switch {
	case len(m.Components)+len(m.Flows)+len(m.Zones)+len(m.Curves)+len(m.Texts) > MaxElements:
		return nil, TooMany("elements", MaxElements)
	case b.text > 2*imported.MaxBytes:
		return nil, fault.New(fault.TooLarge, "model.too_large", "the threats of the model hold %d bytes at all their places, at most %d are read", b.text, 2*imported.MaxBytes)
	case max(len(m.Threats), len(m.Weaknesses), len(m.Countermeasures), len(m.Links)/4) > MaxThreats:
		return nil, TooMany("threats, weaknesses or countermeasures", MaxThreats)
	}
	if n := len(b.unnamed); n > 0 {
		b.Note(imported.Guess, b.unnamed[0], "file", "%s named here after what it is or joins", Plural(n, "element has no name and is", "elements have no name and are"))
	}
	keys := make([]string, 0, len(b.unknown))
	for k := range b.unknown {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		u := b.unknown[k]
		b.Note(imported.Kept, u.at, u.level, "key %q has no meaning here and is kept as written (%s)", u.key, Plural(u.times, "time", "times"))
	}
	b.Out.Close()
	model.Sort(m)
	if err := model.Validate(m); err != nil {
		return nil, fmt.Errorf("%s: the model that was read: %w", b.Key, err)
	}
	return b.Out, nil
}

// Line returns the text on one line without blanks around it. Blanks inside stay.
func Line(s string) string {
	if strings.ContainsAny(s, "\n\r\t") {
		return strings.Join(strings.Fields(s), " ")
	}
	return strings.TrimSpace(s)
}

// Title returns the first line or sentence of a text, cut at a word.
func Title(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	if sentence, _, ok := strings.Cut(line, ". "); ok {
		line = sentence
	}
	line = strings.TrimSuffix(strings.Join(strings.Fields(line), " "), ".")
	if utf8.RuneCountInString(line) <= maxTitle {
		return line
	}
	short := string([]rune(line)[:maxTitle])
	if i := strings.LastIndexByte(short, ' '); i > maxTitle/2 {
		short = short[:i]
	}
	return short + "…"
}

// Plural returns the number with the right word.
func Plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
