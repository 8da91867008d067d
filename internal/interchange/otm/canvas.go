package otm

import (
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/model"
)

// Editors that keep a canvas write all that is drawn on it as components, told
// apart by type: boundaries and notes too. Each names itself as its parent, and
// where it stands is only drawn.

// What a component of such a type is, by the letters of the type.
var (
	canvasZones = map[string]bool{"trustboundarynode": true, "trustboundary": true}
	canvasTexts = map[string]bool{"stickernode": true}
	canvasKinds = map[string]model.Kind{"processnode": model.Process, "externalentitynode": model.Actor, "datastorenode": model.Store}
)

// canvas says what an element of a foreign file that stands among the components is.
func (r *reader) canvas(e *nested) {
	if r.exact {
		return
	}
	switch kind := reading.Letters(e.n.get("type").str()); {
	case canvasZones[kind]:
		e.component, e.where = false, reading.Where("trust zone", e.id, reading.Line(e.n.get("name").str()))
		r.Note(imported.Guess, e.n.at(), e.where, "stands among the components; by its type %q it is taken as a trust zone", e.n.get("type").str())
	case canvasTexts[kind]:
		e.note = true
	}
}

// alone reports whether an element names itself as its parent, and counts it.
func (r *reader) alone(e *nested) bool {
	p := e.n.get("parent")
	ref := p
	if p.is(object) {
		ref = p.get("trustZone", "component", "id")
	}
	id := strings.TrimSpace(ref.str())
	if id == "" || id != strings.TrimSpace(e.n.get("id").str()) || e.component && !e.note && r.zones[id] != nil {
		return false
	}
	r.selves = append(r.selves, e)
	return true
}

// text adds a note of the canvas.
func (r *reader) text(e *nested, absolute bool) {
	t := model.TextBlock{ID: e.id, Diagram: e.diagram, Text: e.n.get("name").str(), Box: e.at(absolute)}
	if t.Text == "" {
		r.Note(imported.Refused, e.n.at(), e.where, "has no text and is not read")
		return
	}
	t.Extra = keep(nil, r.withPlace(e, leftover(e.n, "id", "name", "parent", "representations")))
	r.Out.Counts.Text++
	r.Model.Texts = append(r.Model.Texts, t)
}

// standing derives from the drawing in which zones elements stand that name only themselves.
func (r *reader) standing() {
	if len(r.selves) == 0 {
		return
	}
	at := r.selves[0].n.get("parent").at()
	count := reading.Plural(len(r.selves), "element names itself as its parent", "elements name themselves as their parents")
	for _, e := range r.order {
		if e.parent != nil {
			r.Note(imported.Refused, at, "file", "%s and is outside every trust zone", count)
			return
		}
	}
	r.Note(imported.Guess, at, "file", "%s: the trust zones are told by the drawing", count)
	for _, id := range model.Place(r.Model) {
		r.Note(imported.Guess, "", reading.Where("component", id, ""), "stands in zones that overlap; the smallest is taken")
	}
}
