package app

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/update"
	"github.com/threatloop/threatloop/internal/model"
)

// copySources gives a copy the files that its original came from, so that their
// next versions are merged into it as into the original.
func (ch *changing) copySources(from model.ProductID, c *copier) error {
	sources, err := ch.tx.Sources(from)
	if err != nil {
		return err
	}
	for _, head := range sources {
		s, err := ch.tx.Source(from, head.ID)
		if err != nil {
			return err
		}
		left, err := leftOf(ch.tx, from, head.ID)
		if err != nil {
			return err
		}
		s.ID = ch.app.id("src")
		if err := ch.tx.SetSource(c.to, s); err != nil {
			return err
		}
		if len(left) == 0 {
			continue
		}
		if left, err = c.left(ch.app, left, s.Name, s.Data); err != nil {
			return err
		}
		if err := ch.keepLeft(s.ID, left); err != nil {
			return err
		}
	}
	return nil
}

// left is what was left of a file, with the ids that its risks have in the copy.
// They are derived from the product, so reading the file for both tells them.
func (c *copier) left(a *App, left update.Left, name string, data []byte) (update.Left, error) {
	ids := map[string]string{string(c.from): string(c.to)}
	for was, is := range c.threats {
		ids[string(was)] = string(is)
	}
	for was, is := range c.weaknesses {
		ids[string(was)] = string(is)
	}
	for was, is := range c.countermeasures {
		ids[string(was)] = string(is)
	}
	before, err := a.readModel(c.from, name, data)
	if err != nil {
		return left, nil // an older program read it; nothing is merged with it any more
	}
	for i := range before.Model.Threats {
		t := &before.Model.Threats[i]
		derive(ids, t.ID, model.NewThreatID(c.from, t.Where, t.Ref), model.NewThreatID(c.to, t.Where, t.Ref))
	}
	for i := range before.Model.Weaknesses {
		w := &before.Model.Weaknesses[i]
		derive(ids, w.ID, model.NewWeaknessID(c.from, w.Where, w.Ref), model.NewWeaknessID(c.to, w.Where, w.Ref))
	}
	for i := range before.Model.Countermeasures {
		x := &before.Model.Countermeasures[i]
		derive(ids, x.ID, model.NewCountermeasureID(c.from, x.Where, x.Ref), model.NewCountermeasureID(c.to, x.Where, x.Ref))
	}
	out := make(update.Left, len(left))
	for k, raw := range left {
		parts := strings.Split(k, "/")
		for i := range parts {
			if to, ok := ids[parts[i]]; ok {
				parts[i] = to
			}
		}
		moved, err := renamed(raw, ids)
		if err != nil {
			return nil, err
		}
		out[strings.Join(parts, "/")] = moved
	}
	return out, nil
}

// derive notes the id of a thing in the copy where its own is the one that follows from the product.
func derive[ID ~string](ids map[string]string, is, was, becomes ID) {
	if is == was {
		ids[string(is)] = string(becomes)
	}
}

// renamed replaces the ids in a thing's JSON: of itself, and at the ends of a link.
func renamed(raw json.RawMessage, ids map[string]string) (json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(raw, &fields); err != nil || fields == nil {
		return raw, err
	}
	for _, key := range []string{"id", "threat", "weakness", "countermeasure"} {
		var id string
		if json.Unmarshal(fields[key], &id) != nil {
			continue // absent
		}
		if to, ok := ids[id]; ok {
			fields[key] = json.RawMessage(fmt.Sprintf("%q", to))
		}
	}
	return json.Marshal(fields)
}
