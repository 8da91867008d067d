package threatdragon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/jsontree"
	"github.com/threatloop/threatloop/internal/model"
)

// OwnKey is the key under which a file holds what Threat Dragon cannot say: at
// the root, and in the data of a cell, a threat, and a diagram.
const OwnKey = "threatloop"

// guessKey is the key of Extra that holds the type that was guessed for a
// component: it need not be written, because it is guessed again.
const guessKey = "threatdragon.type"

// standingKey is the key of Extra that holds what a file of ours says of a
// threat's tickets and ratings: not the model's, and written again as it is
// unless the caller of Write knows better.
const standingKey = "threatdragon.standing"

// beside are the keys of Extra that are no part of an object's fields.
var beside = []string{Key, guessKey, standingKey}

// own is what stands under OwnKey of a diagram, cell or threat. Set holds the
// fields of our object that differ from what Read would make of the Threat
// Dragon object alone; Read is what that was when the file was written. Where it
// is something else by now, somebody changed the field in Threat Dragon, and
// that holds.
type own struct {
	ID   string `json:"id,omitempty"`   // where the one that the reader would give is another
	Made bool   `json:"made,omitempty"` // of a diagram: it only shows what no diagram draws
	change
	imported.Standing // of a threat
}

type change struct {
	Set  fields `json:"set,omitempty"`
	Read fields `json:"read,omitempty"`
}

// fields are an object's by their JSON name; null is an absent one.
type fields map[string]json.RawMessage

// ownRoot is what stands under OwnKey of the file.
type ownRoot struct {
	Format  int             `json:"format"` // 1
	Product model.ProductID `json:"product"`
	change                  // of the product
	Answers []model.Answer  `json:"answers,omitempty"`
	Assets  []model.Asset   `json:"assets,omitempty"`
	// Threats are those that no cell can show.
	Threats         []model.Threat   `json:"threats,omitempty"`
	Weaknesses      []model.Weakness `json:"weaknesses,omitempty"`
	Countermeasures []listed         `json:"countermeasures,omitempty"`
	Links           []listed         `json:"links,omitempty"`
	Extra           model.Extra      `json:"extra,omitempty"`
	// Standing is that of Threats: of the others it stands with them.
	Standing imported.Standings `json:"standing,omitempty"`
}

// listed is a change in a list that the reader makes of texts of the file:
// without Read something is there that it does not make, without Set it makes
// something that is not there.
type listed struct {
	ID string `json:"id"`
	change
}

func countermeasureKey(c *model.Countermeasure) string { return string(c.ID) }

func linkKey(l *model.Link) string {
	return string(l.Threat) + "/" + string(l.Weakness) + "/" + string(l.Countermeasure)
}

// fieldsOf returns an object's fields without what the file itself holds of it.
func fieldsOf(object any) (fields, error) {
	b, err := json.Marshal(object)
	if err != nil {
		return nil, fmt.Errorf("threat dragon: %T as JSON: %w", object, err)
	}
	var f fields
	if err := json.Unmarshal(b, &f); err != nil {
		return nil, fmt.Errorf("threat dragon: %T as JSON: %w", object, err)
	}
	if extra := f["extra"]; extra != nil {
		var e model.Extra
		if err := json.Unmarshal(extra, &e); err != nil {
			return nil, fmt.Errorf("threat dragon: extra of %T: %w", object, err)
		}
		delete(f, "extra")
		for _, key := range beside {
			delete(e, key)
		}
		if len(e) > 0 {
			if f["extra"], err = json.Marshal(e); err != nil {
				return nil, fmt.Errorf("threat dragon: extra of %T: %w", object, err)
			}
		}
	}
	return f, nil
}

// differ returns what changes the fields of one object into those of another.
func differ(from, to fields) change {
	c := change{Set: fields{}, Read: fields{}}
	note := func(key string) {
		if same(from[key], to[key]) {
			return
		}
		c.Set[key] = to[key]
		if to[key] == nil {
			c.Set[key] = json.RawMessage("null")
		}
		if from[key] != nil {
			c.Read[key] = from[key]
		}
	}
	for key := range to {
		note(key)
	}
	for key := range from {
		if _, ok := to[key]; !ok {
			note(key)
		}
	}
	return c
}

func (c change) empty() bool { return len(c.Set) == 0 && len(c.Read) == 0 }

// same compares two JSON values, as which Threat Dragon may write them again.
func same(a, b json.RawMessage) bool {
	if bytes.Equal(a, b) {
		return true
	}
	if len(a) == 0 || len(b) == 0 {
		return false
	}
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

func sameFields(a, b fields) bool {
	return len(a) == len(b) && differ(a, b).empty()
}

// apply sets the changed fields that Threat Dragon did not change since.
func apply[T any](object *T, extra *model.Extra, c change) error {
	if c.empty() {
		return nil
	}
	f, err := fieldsOf(object)
	if err != nil {
		return err
	}
	for key, value := range c.Set {
		now := f[key]
		if key == "type" && extra != nil && same(now, (*extra)[guessKey]) {
			now = nil // it is guessed, and the file says nothing
		}
		switch {
		case key == "id" || !same(now, c.Read[key]):
		case string(value) == "null":
			delete(f, key)
		default:
			f[key] = value
		}
	}
	b, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("threat dragon: fields of %T: %w", object, err)
	}
	var changed T
	if err := json.Unmarshal(b, &changed); err != nil {
		return fmt.Errorf("fields of a %T: %w", object, err)
	}
	var kept model.Extra
	if extra != nil {
		kept = *extra
	}
	*object = changed
	for _, key := range beside {
		if raw, ok := kept[key]; ok {
			if *extra == nil {
				*extra = model.Extra{}
			}
			(*extra)[key] = raw
		}
	}
	if extra != nil && string(c.Set["type"]) == "null" && (*extra)[guessKey] == nil {
		if *extra == nil {
			*extra = model.Extra{}
		}
		(*extra)[guessKey] = quoted("") // so that it is written again
	}
	return nil
}

// restore brings back what stands under OwnKey. The error tells what of it is broken.
func (r *reader) restore() error {
	for _, restore := range []func() error{
		func() error { return restoreList(r, "diagram/", r.m.Diagrams, diagramPart) },
		func() error { return restoreList(r, "element/", r.m.Zones, zonePart) },
		func() error { return restoreList(r, "element/", r.m.Components, componentPart) },
		func() error { return restoreList(r, "element/", r.m.Flows, flowPart) },
		func() error { return restoreList(r, "element/", r.m.Curves, curvePart) },
		func() error { return restoreList(r, "element/", r.m.Texts, textPart) },
		func() error { return restoreList(r, "threat/", r.m.Threats, threatPart) },
		r.restoreRoot,
	} {
		if err := restore(); err != nil {
			return err
		}
	}
	r.settle()
	return nil
}

func diagramPart(d *model.Diagram) (string, *model.Extra)     { return string(d.ID), &d.Extra }
func zonePart(z *model.Zone) (string, *model.Extra)           { return string(z.ID), &z.Extra }
func componentPart(c *model.Component) (string, *model.Extra) { return string(c.ID), &c.Extra }
func flowPart(f *model.Flow) (string, *model.Extra)           { return string(f.ID), &f.Extra }
func curvePart(c *model.Curve) (string, *model.Extra)         { return string(c.ID), &c.Extra }
func textPart(t *model.TextBlock) (string, *model.Extra)      { return string(t.ID), &t.Extra }
func threatPart(t *model.Threat) (string, *model.Extra)       { return string(t.ID), &t.Extra }

func restoreList[T any](r *reader, kind string, list []T, part func(*T) (string, *model.Extra)) error {
	for i := range list {
		id, extra := part(&list[i])
		v, ok := r.own[kind+id]
		if !ok {
			continue
		}
		var c change
		if err := decode(v, &c); err != nil {
			return err
		}
		if err := apply(&list[i], extra, c); err != nil {
			return fmt.Errorf("%s: %w", v.At(), err)
		}
	}
	return nil
}

func decode(v jsontree.Value, into any) error {
	if err := json.Unmarshal(v.Raw(), into); err != nil {
		return fmt.Errorf("%s: %w", v.At(), err)
	}
	return nil
}

func (r *reader) restoreRoot() error {
	v, ok := r.own["file"]
	if !ok {
		return nil
	}
	var root ownRoot
	if err := decode(v, &root); err != nil {
		return err
	}
	if err := apply(&r.m.Product, nil, root.change); err != nil {
		return fmt.Errorf("%s: %w", v.At(), err)
	}
	r.m.Answers, r.m.Assets, r.m.Weaknesses = root.Answers, root.Assets, root.Weaknesses
	for _, t := range root.Threats {
		if !r.ids[t.ID] {
			r.ids[t.ID] = true
			keepStanding(&t, root.Standing[t.ID])
			r.m.Threats = append(r.m.Threats, t)
		}
	}
	for key, raw := range root.Extra {
		if key != Key {
			r.m.Extra[key] = raw
		}
	}
	var err error
	if r.m.Countermeasures, err = restoreListed(r.m.Countermeasures, root.Countermeasures, countermeasureKey); err == nil {
		r.m.Links, err = restoreListed(r.m.Links, root.Links, linkKey)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", v.At(), err)
	}
	return nil
}

func restoreListed[T any](list []T, changes []listed, key func(*T) string) ([]T, error) {
	at := make(map[string]int, len(list))
	for i := range list {
		at[key(&list[i])] = i
	}
	gone := make([]bool, len(list))
	for _, c := range changes {
		i, there := at[c.ID]
		switch {
		case !there && len(c.Read) == 0:
			b, err := json.Marshal(c.Set)
			if err != nil {
				return nil, err
			}
			var added T
			if err := json.Unmarshal(b, &added); err != nil {
				return nil, err
			}
			at[c.ID] = len(list)
			list, gone = append(list, added), append(gone, false)
		case there && len(c.Set) == 0:
			f, err := fieldsOf(&list[i])
			if err != nil {
				return nil, err
			}
			gone[i] = sameFields(f, c.Read) // else somebody wrote another text there
		case there:
			if err := apply(&list[i], nil, c.change); err != nil {
				return nil, err
			}
		}
	}
	kept := list[:0]
	for i := range list {
		if !gone[i] {
			kept = append(kept, list[i])
		}
	}
	return kept, nil
}

// settle takes out what refers to things that were deleted in Threat Dragon since
// the file was written, and the diagrams that were made only to show things.
func (r *reader) settle() {
	m := r.m
	drawn := map[model.DiagramID]bool{}
	zones, places := map[model.ElementID]bool{"": true}, map[model.ElementID]bool{model.AtProduct: true, "": true}
	for i := range m.Zones {
		zones[m.Zones[i].ID], places[m.Zones[i].ID], drawn[m.Zones[i].Diagram] = true, true, true
	}
	for i := range m.Zones {
		if !zones[m.Zones[i].Parent] {
			m.Zones[i].Parent = ""
		}
	}
	for i := range m.Components {
		c := &m.Components[i]
		places[c.ID], drawn[c.Diagram] = true, true
		if !zones[c.Zone] {
			c.Zone = ""
		}
	}
	for i := range m.Curves {
		places[m.Curves[i].ID], drawn[m.Curves[i].Diagram] = true, true
	}
	for i := range m.Flows {
		f := &m.Flows[i]
		drawn[f.Diagram] = true
		if !places[f.From] {
			f.From = ""
		}
		if !places[f.To] {
			f.To = ""
		}
	}
	for i := range m.Flows {
		places[m.Flows[i].ID] = true
	}
	for i := range m.Texts {
		places[m.Texts[i].ID], drawn[m.Texts[i].Diagram] = true, true
	}
	m.Diagrams = slices.DeleteFunc(m.Diagrams, func(d model.Diagram) bool { return r.made[d.ID] && !drawn[d.ID] })
	r.settleRisks(places)
}

func (r *reader) settleRisks(places map[model.ElementID]bool) {
	m := r.m
	gone := 0
	m.Threats = slices.DeleteFunc(m.Threats, func(t model.Threat) bool { return drop(&gone, t.Retired == nil && !places[t.Where]) })
	m.Weaknesses = slices.DeleteFunc(m.Weaknesses, func(w model.Weakness) bool { return drop(&gone, w.Retired == nil && !places[w.Where]) })
	m.Countermeasures = slices.DeleteFunc(m.Countermeasures, func(c model.Countermeasure) bool { return drop(&gone, c.Retired == nil && !places[c.Where]) })
	threats, weaknesses, countermeasures := map[model.ThreatID]bool{}, map[model.WeaknessID]bool{"": true}, map[model.CountermeasureID]bool{"": true}
	for i := range m.Threats {
		threats[m.Threats[i].ID] = true
	}
	for i := range m.Weaknesses {
		weaknesses[m.Weaknesses[i].ID] = true
	}
	for i := range m.Countermeasures {
		countermeasures[m.Countermeasures[i].ID] = true
	}
	m.Links = slices.DeleteFunc(m.Links, func(l model.Link) bool {
		return !threats[l.Threat] || !weaknesses[l.Weakness] || !countermeasures[l.Countermeasure]
	})
	if gone > 0 {
		r.out.Add(imported.Info, "file", "%s of Threatloop with elements that were deleted in Threat Dragon", plural(gone, "threat, weakness or countermeasure goes", "threats, weaknesses and countermeasures go"))
	}
}

// drop counts what is dropped.
func drop(n *int, yes bool) bool {
	if yes {
		*n++
	}
	return yes
}
