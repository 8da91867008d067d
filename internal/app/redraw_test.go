package app

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/store"
)

// TestShortcutsAgree: whatever is taken over from before a change of a drawing is
// what would be worked out anew from what the database holds.
func TestShortcutsAgree(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for _, c := range []ElementChange{
		{Kind: KindDiagrams, ID: "d", Element: []byte(`{"title":"D"}`)},
		{Kind: KindAssets, ID: "a", Element: []byte(`{"name":"A","value":{"confidentiality":70,"integrity":20,"availability":10}}`)},
		{Kind: KindZones, ID: "z1", Element: []byte(`{"diagram":"d","name":"Z","trust":80,"box":{"x":0,"y":0,"w":100,"h":100}}`)},
		{Kind: KindComponents, ID: "shop", Element: []byte(`{"diagram":"d","kind":"process","type":"web-application","name":"Shop","box":{"x":10,"y":10,"w":10,"h":10}}`)},
		{Kind: KindFlows, ID: "f1", Element: []byte(`{"diagram":"d","name":"F","from":"shop","to":"data"}`)},
	} {
		if _, err := d.PutElement(d.ctx, d.admin, d.product, c.Kind, c.ID, 0, c.Element); err != nil {
			t.Fatalf("PutElement(%s): %v", c.ID, err)
		}
	}
	d.apply(d.product)
	base := d.model()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		m := model.Clone(base)
		m.Product.ID = model.ProductID(fmt.Sprint("prd_", n))
		err := d.DB.Write(d.ctx, func(_ context.Context, tx *store.Tx) error {
			_, err := tx.SaveModel(nil, m, store.Save{By: "t", At: time.Unix(1, 0)})
			return err
		})
		if err != nil {
			rt.Fatal(err)
		}
		s := shortcut{desk: d, rt: rt, product: m.Product.ID}
		s.agree()
		for range rapid.IntRange(1, 4).Draw(rt, "batches") {
			s.edit()
		}
	})
}

// shortcut compares an application that remembers with one that has just begun.
type shortcut struct {
	desk
	rt      *rapid.T
	product model.ProductID
}

// agree compares what both say, and returns it.
func (s shortcut) agree() Drawing {
	s.rt.Helper()
	slow := New(s.Options)
	var want Facts
	err := s.DB.Read(s.ctx, func(_ context.Context, tx *store.Tx) error {
		m, versions, err := tx.LoadModel(s.product)
		if err != nil {
			return err
		}
		shared, known, err := tx.ReadModel(s.product)
		if diff := cmp.Diff(m, shared) + cmp.Diff(versions, known); err != nil || diff != "" {
			s.rt.Fatalf("ReadModel differs from LoadModel (-load +read), %v:\n%s", err, diff)
		}
		fresh, err := slow.standingOf(tx, m, s.Now())
		if err != nil {
			return err
		}
		kept, _, err := s.standing(tx, shared, s.Now())
		if diff := cmp.Diff(fresh.ratings, kept.ratings) + cmp.Diff(fresh.facts(), kept.facts()) + cmp.Diff(fresh.vulns, kept.vulns); err != nil || diff != "" {
			s.rt.Fatalf("what is remembered differs (-anew +remembered), %v:\n%s", err, diff)
		}
		want = fresh.facts()
		return nil
	})
	if err != nil {
		s.rt.Fatal(err)
	}
	plan, err := s.PlanSummary(s.ctx, s.admin, s.product, "")
	again, err2 := slow.PlanSummary(s.ctx, s.admin, s.product, "")
	if diff := cmp.Diff(again, plan); diff != "" || err != nil || err2 != nil {
		s.rt.Fatalf("the plan that is remembered differs (-anew +remembered), %v, %v:\n%s", err, err2, diff)
	}
	drawing, err := s.Drawing(s.ctx, s.admin, s.product, "")
	if err != nil {
		s.rt.Fatal(err)
	}
	drawing.Facts = want
	return drawing
}

// edit changes something, and looks that nobody's model changed under them.
func (s shortcut) edit() {
	s.rt.Helper()
	before := s.agree()
	held, wrote := s.hold()
	in := s.draw(before)
	v, err := s.ChangeDrawing(s.ctx, s.admin, s.product, 0, in)
	if now, err := json.Marshal(held); err != nil || !bytes.Equal(now, wrote) {
		s.rt.Fatalf("ChangeDrawing(%s) changed the model of a reader: %s, want %s", asText(in), now, wrote)
	}
	after := s.agree()
	if err != nil { // the model would not have been consistent
		if diff := cmp.Diff(before, after); diff != "" {
			s.rt.Fatalf("ChangeDrawing(%s) = %v and changed something (-before +after):\n%s", asText(in), err, diff)
		}
		return
	}
	if diff := cmp.Diff(after.Facts.differing(before.Facts), v.Facts); diff != "" {
		s.rt.Fatalf("ChangeDrawing(%s).Facts (-want +got):\n%s", asText(in), diff)
	}
}

func asText(v any) string {
	doc, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(doc)
}

// hold returns the model that readers share, and what it says now.
func (s shortcut) hold() (held *model.Model, wrote []byte) {
	s.rt.Helper()
	err := s.DB.Read(s.ctx, func(_ context.Context, tx *store.Tx) error {
		var err error
		if held, _, err = tx.ReadModel(s.product); err != nil {
			return err
		}
		wrote, err = json.Marshal(held)
		return err
	})
	if err != nil {
		s.rt.Fatal(err)
	}
	return held, wrote
}

// draw draws a batch of one to three changes based on what is there.
func (s shortcut) draw(now Drawing) ChangesInput {
	var in ChangesInput
	taken := map[string]bool{}
	box := func() string {
		return fmt.Sprintf(`{"x":%d,"y":%d,"w":%d,"h":40}`, rapid.SampledFrom([]int{0, 10, 70, 300}).Draw(s.rt, "x"), rapid.SampledFrom([]int{0, 50}).Draw(s.rt, "y"), rapid.SampledFrom([]int{20, 200}).Draw(s.rt, "w"))
	}
	one := func(label string, of ...string) string { return rapid.SampledFrom(of).Draw(s.rt, label) }
	for range rapid.IntRange(1, 3).Draw(s.rt, "changes") {
		kind := rapid.SampledFrom(ElementKinds()).Draw(s.rt, "kind")
		c := ElementChange{Kind: kind, Op: one("op", "put", "put", "put", "delete")}
		switch kind {
		case KindComponents:
			c.ID = one("id", "shop", "data", "c1")
			c.Element = fmt.Appendf(nil, `{"diagram":"d","kind":"process","type":%q,"name":"C","box":%s,"stores":%s%s%s}`, one("type", "web-application", "relational-database"), box(),
				one("stores", `[]`, `["a"]`), one("attributes", ``, `,"attributes":{"encrypted":"yes"}`), one("zone", ``, ``, `,"zone":"z1"`, `,"zone":""`))
		case KindZones:
			c.ID = one("id", "z1", "z2")
			c.Element = fmt.Appendf(nil, `{"diagram":"d","name":"Z","trust":%s,"box":%s}`, one("trust", "10", "80"), box())
		case KindFlows:
			c.ID = one("id", "f1", "f2")
			c.Element = fmt.Appendf(nil, `{"diagram":"d","name":"F","from":"shop","to":%q,"vertices":[%s],"protocol":%q}`, one("to", "data", "c1"), one("vertices", ``, `{"x":5,"y":400}`), one("protocol", "http", "https"))
		case KindCurves:
			c.ID = "k"
			c.Element = fmt.Appendf(nil, `{"diagram":"d","points":[{"x":%s,"y":-100},{"x":50,"y":500}]}`, one("x", "50", "900"))
		case KindTexts:
			c.ID = "t"
			c.Element = fmt.Appendf(nil, `{"diagram":"d","text":%q,"box":%s}`, one("text", "A", "B"), box())
		case KindDiagrams:
			c.ID = one("id", "d", "d2")
			c.Element = fmt.Appendf(nil, `{"title":%q}`, one("title", "D", "E"))
			if after := one("after", "-", "", "d", "d2"); after != "-" && after != c.ID && c.Op == "put" {
				c.After = &after
			}
		case KindAssets:
			c.ID = "a"
			c.Element = fmt.Appendf(nil, `{"name":"A","value":{"confidentiality":%s,"integrity":20,"availability":10}}`, one("value", "10", "90"))
		}
		label := c.Kind.label(c.ID)
		if c.Version = now.Versions[label]; taken[label] {
			continue
		}
		taken[label] = true
		in.Changes = append(in.Changes, c)
	}
	return in
}

// TestPutElementKeepsZone: an edit of one element leaves alone what somebody said
// of the place of another, and of its own.
func TestPutElementKeepsZone(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	put := func(kind ElementKind, id, doc string) {
		t.Helper()
		if _, err := d.PutElement(d.ctx, d.admin, d.product, kind, id, 0, []byte(doc)); err != nil {
			t.Fatalf("PutElement(%s): %v", id, err)
		}
	}
	zone := func(id string) model.ElementID {
		t.Helper()
		v, err := d.Element(d.ctx, d.admin, d.product, KindComponents, id)
		if err != nil {
			t.Fatalf("Element(%s): %v", id, err)
		}
		c, ok := v.Element.(model.Component)
		if !ok {
			t.Fatalf("Element(%s) is a %T", id, v.Element)
		}
		return c.Zone
	}
	put(KindZones, "z1", `{"name":"In","trust":80,"box":{"x":0,"y":0,"w":100,"h":100}}`)
	put(KindZones, "z2", `{"name":"Out","trust":10,"box":{"x":200,"y":0,"w":100,"h":100}}`)
	put(KindComponents, "shop", `{"kind":"process","name":"Shop","box":{"x":10,"y":10,"w":10,"h":10}}`)
	if got := zone("shop"); got != "z1" {
		t.Fatalf("zone of what is drawn in z1 = %q", got)
	}
	put(KindComponents, "shop", `{"kind":"process","name":"Shop","zone":"z2","box":{"x":10,"y":10,"w":10,"h":10}}`)
	if got := zone("shop"); got != "z2" {
		t.Errorf("zone that was said = %q, want z2", got)
	}
	put(KindComponents, "data", `{"kind":"store","name":"Orders","box":{"x":30,"y":30,"w":10,"h":10}}`)
	if err := d.DeleteElement(d.ctx, d.admin, d.product, KindComponents, "data", 0); err != nil {
		t.Fatalf("DeleteElement: %v", err)
	}
	if got := zone("shop"); got != "z2" {
		t.Errorf("zone after edits of another component = %q, want z2", got)
	}
	put(KindComponents, "shop", `{"kind":"process","name":"Shop","zone":"z2","box":{"x":50,"y":50,"w":10,"h":10}}`)
	if got := zone("shop"); got != "z1" {
		t.Errorf("zone after the box was moved = %q, want what the drawing says, z1", got)
	}
}

// TestStandingHolds: what was worked out holds until time alone changes it.
func TestStandingHolds(t *testing.T) {
	t.Parallel()
	at := time.Unix(1000, 0)
	for _, c := range []struct {
		until time.Time
		at    time.Time
		want  bool
	}{
		{time.Time{}, at, true},
		{time.Time{}, at.Add(1e6 * time.Hour), true},
		{time.Time{}, at.Add(-1), false},
		{at.Add(time.Hour), at.Add(time.Hour - 1), true},
		{at.Add(time.Hour), at.Add(time.Hour), false},
	} {
		s := standing{from: at, until: c.until}
		if got := s.holds(c.at); got != c.want {
			t.Errorf("standing until %v holds(%v) = %v, want %v", c.until, c.at, got, c.want)
		}
	}
}
