package app

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/interchange"
	"github.com/threatloop/threatloop/internal/interchange/update"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
)

// What somebody may not see of a product is in no file that they take of it.
func TestExportHidesFields(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	for key, role := range map[string]policy.Role{"open": policy.Viewer, "closed": policy.Administrator} {
		if _, err := d.PutField(d.ctx, d.admin, key, 0, true, FieldInput{Name: key, Type: FieldText, VisibleTo: role}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := d.FillCustom(d.ctx, d.admin, d.product, 0, map[string]string{"open": "seen by all", "closed": "seen by few"}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		who  Caller
		sees bool
	}{{d.person("viewer", policy.Viewer), false}, {d.admin, true}} {
		f, err := d.ExportModel(d.ctx, c.who, d.product, "")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(f.Data, []byte("seen by all")) || bytes.Contains(f.Data, []byte("seen by few")) != c.sees {
			t.Errorf("the file that %s takes shows the closed field: %v, want %v", c.who.Name, !c.sees, c.sees)
		}
	}
}

// A file decides no more than who imports it.
func TestImportKeepsToTheRole(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if _, err := d.PutField(d.ctx, d.admin, "class", 0, true, FieldInput{Name: "Class", Type: FieldText, EditableBy: policy.Administrator}); err != nil {
		t.Fatal(err)
	}
	ends := d.Now().Add(365 * 24 * time.Hour).UTC().Truncate(time.Second)
	carried, left := d.model().Threats[0].ID, d.model().Threats[1].ID
	if _, err := d.AcceptThreat(d.ctx, d.admin, d.product, carried, 0, AcceptanceInput{Reason: "it is carried", Owner: "Ada", Ends: ends}); err != nil {
		t.Fatal(err)
	}
	if _, err := d.FillCustom(d.ctx, d.admin, d.product, 0, map[string]string{"class": "internal"}); err != nil {
		t.Fatal(err)
	}
	stored := d.model()
	m := model.Clone(stored)
	m.Product.Tolerance, m.Product.Custom["class"], m.Product.Description = ptr(90.0), "public", "What the shop sells"
	for i := range m.Threats {
		switch t := &m.Threats[i]; t.ID {
		case carried:
			t.Status, t.Acceptance = model.Open, nil
		case left:
			t.Status, t.Acceptance, t.Title = model.Accepted, &model.Acceptance{Reason: "by file", Owner: "Bob", By: "Bob", At: d.Now(), Ends: ends}, "Another title"
		}
	}
	m.Threats = append(m.Threats, model.Threat{ID: "thr_new", Where: "shop", Ref: "own/new", Title: "New and accepted", Status: model.Transferred, Impact: model.CIA{Integrity: 50}, Ease: 50, Origin: model.ByPerson})
	file, err := interchange.Write(m)
	if err != nil {
		t.Fatal(err)
	}
	find := func(id model.ThreatID) model.Threat {
		t.Helper()
		for _, x := range d.model().Threats {
			if x.ID == id {
				return x
			}
		}
		t.Fatalf("there is no threat %s", id)
		return model.Threat{}
	}
	// Who may decide it, decides it by a file too.
	v, err := d.Import(d.ctx, d.admin, d.product, 0, "model.yaml", file, true)
	if err != nil {
		t.Fatal(err)
	}
	taken := map[string]bool{}
	for _, i := range v.Items {
		for _, f := range i.Fields {
			taken[f.Field] = taken[f.Field] || f.Taken
		}
	}
	if !taken["status"] || !taken["tolerance"] || !taken["custom.class"] {
		t.Errorf("an administrator's import takes %v, want the status, the tolerance and the field", taken)
	}
	modeller := d.person("modeller", policy.Modeller)
	for _, preview := range []bool{true, false} {
		v, err := d.Import(d.ctx, modeller, d.product, 0, "model.yaml", file, preview)
		if err != nil {
			t.Fatal(err)
		}
		var kept []string
		for _, i := range v.Items {
			for _, f := range i.Fields {
				if i.Action == update.Keep && strings.Contains(i.Text, "takes the role") {
					kept = append(kept, f.Field)
				}
				if f.Taken && (f.Field == "status" || f.Field == "acceptance" || f.Field == "tolerance" || strings.HasPrefix(f.Field, "custom")) {
					t.Errorf("the import (preview %v) says that it takes %s of %s", preview, f.Field, i.ID)
				}
			}
		}
		if len(kept) != 4 { // of what was carried the merge itself says that it stays
			t.Errorf("the import (preview %v) says that %v stay, want two statuses, the tolerance and the field", preview, kept)
		}
	}
	got := d.model()
	if got.Product.Tolerance != nil || got.Product.Custom["class"] != "internal" {
		t.Errorf("the product has the tolerance %v and the class %q, want none and internal", got.Product.Tolerance, got.Product.Custom["class"])
	}
	if x := find(carried); x.Status != model.Accepted || x.Acceptance == nil || x.Acceptance.Owner != "Ada" {
		t.Errorf("what was carried is %s, %+v, want it as it was", x.Status, x.Acceptance)
	}
	if x := find(left); x.Status != model.Open || x.Acceptance != nil || x.Title != "Another title" {
		t.Errorf("what was open is %s, %q, %+v, want it open with its new title", x.Status, x.Title, x.Acceptance)
	}
	if x := find("thr_new"); x.Status != model.Open {
		t.Errorf("what is new is %s, want it open", x.Status)
	}
}
