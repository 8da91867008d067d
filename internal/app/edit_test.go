package app

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// editable are all fields that a person may change of something that the library
// brought, each with a value that the library does not give.
var editable = []struct {
	kind, field string
	value       any
	alone       bool // no rule sets the field, so that nothing else is wanted
}{
	{store.KindThreat, "title", "Another title", false},
	{store.KindThreat, "description", "Said otherwise.", false},
	{store.KindThreat, "categories", []string{"stride:spoofing", "own:thing"}, false},
	{store.KindThreat, "capec", []int{7}, false},
	{store.KindThreat, "impact", model.CIA{Confidentiality: 1, Integrity: 2, Availability: 3}, false},
	{store.KindThreat, "ease", 3, false},
	{store.KindThreat, "inherent", 12.0, true},
	{store.KindThreat, "status", model.NotApplicable, true},
	{store.KindThreat, "status_reason", "there is nothing to tamper with", true},
	{store.KindThreat, "owner", "the platform team", true},
	{store.KindWeakness, "title", "Another title", false},
	{store.KindWeakness, "description", "Said otherwise.", false},
	{store.KindWeakness, "cwe", 20, false},
	{store.KindWeakness, "test", "Look at it.", false},
	{store.KindWeakness, "impact", 30, true},
	{store.KindCountermeasure, "title", "Another title", false},
	{store.KindCountermeasure, "description", "Said otherwise.", false},
	{store.KindCountermeasure, "state", model.Rejected, false},
	{store.KindCountermeasure, "state_reason", "nobody does that here", true},
	{store.KindCountermeasure, "standards", []model.Clause{{Standard: "own", Clause: "1"}}, false},
	{store.KindCountermeasure, "cost", model.Cost{Amount: 77, Unit: "days"}, false},
	{store.KindCountermeasure, "test", "Look at it.", false},
	{store.KindCountermeasure, "mandatory", []string{"a-test"}, true},
	{store.KindCountermeasure, "owner", "the platform team", true},
	{store.KindLink, "share", 1.5, false},
}

// object returns one object of a kind that the library brought, as JSON, with its id.
func (d desk) object(kind string) (id string, fields map[string]any) {
	d.t.Helper()
	m := d.model()
	var v any
	switch kind {
	case store.KindThreat:
		id, v = string(m.Threats[0].ID), m.Threats[0]
	case store.KindWeakness:
		id, v = string(m.Weaknesses[0].ID), m.Weaknesses[0]
	case store.KindCountermeasure:
		id, v = string(m.Countermeasures[0].ID), m.Countermeasures[0]
	case store.KindLink:
		l := m.Links[len(m.Links)-1] // those with a countermeasure sort last
		id, v = string(l.Threat)+"/"+string(l.Weakness)+"/"+string(l.Countermeasure), l
	}
	data, err := json.Marshal(v)
	if err != nil {
		d.t.Fatal(err)
	}
	if err := json.Unmarshal(data, &fields); err != nil {
		d.t.Fatal(err)
	}
	return id, fields
}

// edit sets fields of one object.
func (d desk) edit(kind, id string, set map[string]any) {
	d.t.Helper()
	if _, err := d.Edits(d.ctx, d.admin, d.product, EditsInput{Edits: []OneEdit{one(d.t, kind, id, set)}}); err != nil {
		d.t.Fatalf("Edits(%s %v): %v", kind, set, err)
	}
}

func one(t testing.TB, kind, id string, set map[string]any) OneEdit {
	t.Helper()
	data, err := json.Marshal(set)
	if err != nil {
		t.Fatal(err)
	}
	return OneEdit{Kind: kind, ID: id, Set: data}
}

// asJSON is a value as it comes back from JSON.
func asJSON(t *testing.T, v any) any {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var out any
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// TestEditsSurviveRegeneration: whatever field a person changes, the plan shows
// what the rules want instead, applying it changes nothing but that note, and a
// reset gives the field back to the rules.
func TestEditsSurviveRegeneration(t *testing.T) {
	t.Parallel()
	desks := map[string]desk{}
	for _, f := range editable {
		if _, ok := desks[f.kind]; !ok {
			desks[f.kind] = newDesk(t)
		}
		d := desks[f.kind]
		t.Run(f.kind+" "+f.field, func(t *testing.T) {
			d.t = t
			id, before := d.object(f.kind)
			set := map[string]any{f.field: f.value}
			if f.kind != store.KindLink {
				set["reason"] = "because I know better"
			}
			if f.field == "state" {
				set["state_reason"] = "because I know better"
			}
			d.edit(f.kind, id, set)

			plan, err := d.Plan(d.ctx, d.admin, d.product)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range plan.Items {
				if i.Action != generate.Keep {
					t.Errorf("the plan after the edit has %q, want nothing but what is kept", i.Text)
				}
			}
			d.apply(d.product)
			_, now := d.object(f.kind)
			if diff := cmp.Diff(asJSON(t, f.value), now[f.field]); diff != "" {
				t.Errorf("%s after regeneration (-want +got):\n%s", f.field, diff)
			}
			mark, _ := now["sets"].(map[string]any)[f.field].(map[string]any)
			if mark["by"] != "person" || mark["actor"] != "Ada" {
				t.Errorf("sets[%s] = %v, want a person, Ada", f.field, mark)
			}
			switch {
			case f.field == "state": // turning a recommendation down is an answer to it, not a contradiction
			case f.alone && mark["wanted"] != nil:
				t.Errorf("sets[%s].wanted = %v, want nothing: no rule sets it", f.field, mark["wanted"])
			case !f.alone && !cmp.Equal(before[f.field], mark["wanted"]) && before[f.field] != nil:
				t.Errorf("sets[%s].wanted = %v, want %v", f.field, mark["wanted"], before[f.field])
			}

			d.edit(f.kind, id, map[string]any{"reset": []string{f.field}})
			_, reset := d.object(f.kind)
			if diff := cmp.Diff(before[f.field], reset[f.field]); diff != "" {
				t.Errorf("%s after a reset (-want +got):\n%s", f.field, diff)
			}
			if sets, _ := reset["sets"].(map[string]any); sets[f.field] != nil {
				t.Errorf("sets[%s] = %v after a reset, want none", f.field, sets[f.field])
			}
			plan, err = d.Plan(d.ctx, d.admin, d.product)
			if err != nil || len(plan.Items) != 0 {
				t.Errorf("the plan after a reset has %d items, %v, want none", len(plan.Items), err)
			}
		})
	}
}

// TestRetiredByAPerson: what a person retires stays retired, what a person brings
// back stays, and a reset leaves it to the rules.
func TestRetiredByAPerson(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{store.KindThreat, store.KindWeakness, store.KindCountermeasure, store.KindLink} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			d := newDesk(t)
			id, before := d.object(kind)
			_, err := d.Edits(d.ctx, d.admin, d.product, EditsInput{Edits: []OneEdit{one(t, kind, id, map[string]any{"retired": true})}})
			if f := fault.As(err); f == nil || f.Code != "retire.reason" || f.Fields[0].Where != "body.edits[0].set.reason" {
				t.Errorf("retiring without a reason = %v, want retire.reason at body.edits[0].set.reason", err)
			}
			d.edit(kind, id, map[string]any{"retired": true, "reason": "not here"})
			d.apply(d.product)
			_, now := d.object(kind)
			if r, _ := now["retired"].(map[string]any); r["reason"] != "not here" {
				t.Fatalf("retired = %v after regeneration, want the person's reason", now["retired"])
			}

			d.edit(kind, id, map[string]any{"reset": []string{"retired"}})
			_, now = d.object(kind)
			if diff := cmp.Diff(before, now, sameJSON); diff != "" {
				t.Errorf("after a reset (-before +now):\n%s", diff)
			}

			// Nothing wants it any more, and a person does.
			d.edit(store.KindComponent, "shop", map[string]any{"out_of_scope": true, "out_of_scope_reason": "sold"})
			d.edit(store.KindComponent, "data", map[string]any{"out_of_scope": true, "out_of_scope_reason": "sold"})
			d.edit(kind, id, map[string]any{"retired": true, "reason": "not here"})
			d.edit(kind, id, map[string]any{"retired": false})
			plan, err := d.Plan(d.ctx, d.admin, d.product)
			if err != nil {
				t.Fatal(err)
			}
			for _, i := range plan.Items {
				if i.ID == id && string(i.Kind) == kind {
					t.Errorf("the plan has %q of what a person brought back", i.Text)
				}
			}
		})
	}
}

// sameJSON compares what has no marks left with what never had any.
var sameJSON = cmp.FilterPath(func(p cmp.Path) bool {
	i, ok := p.Last().(cmp.MapIndex)
	return ok && i.Key().String() == "sets"
}, cmp.Comparer(func(a, b any) bool {
	x, _ := a.(map[string]any)
	y, _ := b.(map[string]any)
	return len(x) == 0 && len(y) == 0
}))

// TestScope: out of scope needs a reason; what was there is rated apart, and comes back.
func TestScope(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	_, err := d.Edits(d.ctx, d.admin, d.product, EditsInput{Edits: []OneEdit{one(t, store.KindComponent, "shop", map[string]any{"out_of_scope": true})}})
	if f := fault.As(err); f == nil || f.Code != "scope.reason" {
		t.Errorf("out of scope without a reason = %v, want scope.reason", err)
	}
	open := func() int {
		t.Helper()
		p, err := d.Product(d.ctx, d.admin, d.product)
		if err != nil {
			t.Fatal(err)
		}
		return p.Risk.Open.Threats
	}
	before := open()
	d.edit(store.KindComponent, "shop", map[string]any{"out_of_scope": true, "out_of_scope_reason": "sold"})
	if got := open(); got >= before {
		t.Errorf("%d open threats with the shop out of scope, want fewer than %d", got, before)
	}
	d.edit(store.KindComponent, "shop", map[string]any{"out_of_scope": false})
	if got := open(); got != before {
		t.Errorf("%d open threats with the shop back in scope, want %d", got, before)
	}
	if c := d.model().Components[0]; c.OutOfScopeReason != "" && c.ID == "shop" {
		t.Errorf("reason = %q back in scope, want none", c.OutOfScopeReason)
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	added, err := d.AddThreat(d.ctx, d.admin, d.product, ThreatInput{Where: "shop", Title: "Mine", Ease: 50})
	if err != nil {
		t.Fatal(err)
	}
	w, err := d.AddWeakness(d.ctx, d.admin, d.product, WeaknessInput{Threat: added.ID, Title: "Mine"})
	if err != nil {
		t.Fatal(err)
	}
	m, err := d.AddCountermeasure(d.ctx, d.admin, d.product, CountermeasureInput{Threat: added.ID, Weakness: w.ID, Share: 40, Title: "Mine"})
	if err != nil {
		t.Fatal(err)
	}
	remove := func(kind, id, reason string) (RemovedView, error) {
		return d.Remove(d.ctx, d.admin, d.product, kind, id, 0, reason)
	}
	if v, err := remove(store.KindCountermeasure, string(m.ID), ""); err != nil || !v.Removed {
		t.Errorf("Remove(countermeasure of mine) = %+v, %v, want it gone", v, err)
	}
	left, err := d.Threat(d.ctx, d.admin, d.product, added.ID)
	if err != nil || len(left.Countermeasures) != 0 || !cmp.Equal([]model.WeaknessID{w.ID}, left.Weaknesses) {
		t.Errorf("the threat has %v and %v, %v; want its weakness only", left.Weaknesses, left.Countermeasures, err)
	}
	for _, x := range []struct{ kind, id string }{{store.KindWeakness, string(w.ID)}, {store.KindThreat, string(added.ID)}} {
		if v, err := remove(x.kind, x.id, ""); err != nil || !v.Removed {
			t.Errorf("Remove(%s of mine) = %+v, %v, want it gone", x.kind, v, err)
		}
		if _, err := remove(x.kind, x.id, ""); !fault.Is(err, fault.NotFound) {
			t.Errorf("Remove(%s again) = %v, want not_found", x.kind, err)
		}
	}
	id, _ := d.object(store.KindThreat)
	if _, err := remove(store.KindThreat, id, ""); !fault.Is(err, fault.Invalid) {
		t.Errorf("Remove(generated threat without a reason) = %v, want invalid", err)
	}
	v, err := remove(store.KindThreat, id, "cannot happen here")
	if err != nil || v.Removed || v.Retired == nil || v.Version == 0 {
		t.Errorf("Remove(generated threat) = %+v, %v, want it retired", v, err)
	}
	if _, err := d.Remove(d.ctx, d.admin, d.product, store.KindThreat, id, v.Version-1, "again"); !fault.Is(err, fault.Stale) {
		t.Errorf("Remove(old version) = %v, want stale", err)
	}
}

// TestEditPermissions: what takes more than the first permission of an edit.
func TestEditPermissions(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	developer, modeller, approver := d.person("dev", policy.Developer), d.person("mod", policy.Modeller), d.person("app", policy.Approver)
	threat, _ := d.object(store.KindThreat)
	measure, _ := d.object(store.KindCountermeasure)
	transferred, err := d.EditThreat(d.ctx, approver, d.product, model.ThreatID(threat), 0, ThreatEdit{Status: ptr(model.Transferred), Reason: "insured"})
	if err != nil || transferred.Status != model.Transferred {
		t.Fatalf("EditThreat(transferred) as approver = %v, %v", transferred.Status, err)
	}
	refused := func(what string, err error, want bool) {
		t.Helper()
		if got := fault.Is(err, fault.Forbidden); got != want || !want && err != nil {
			t.Errorf("%s = %v, want refused: %v", what, err, want)
		}
	}
	state := func(c Caller, in CountermeasureEdit) error {
		_, err := d.EditCountermeasure(d.ctx, c, d.product, model.CountermeasureID(measure), 0, in)
		return err
	}
	status := func(c Caller, in ThreatEdit) error {
		_, err := d.EditThreat(d.ctx, c, d.product, model.ThreatID(threat), 0, in)
		return err
	}
	refused("a modeller ends what an approver carries", status(modeller, ThreatEdit{Status: ptr(model.Open)}), true)
	refused("a modeller resets what an approver carries", status(modeller, ThreatEdit{Reset: []string{"status"}}), true)
	refused("an approver ends it", status(approver, ThreatEdit{Status: ptr(model.Open)}), false)
	refused("a modeller closes a threat", status(modeller, ThreatEdit{Status: ptr(model.Avoided), Reason: "gone"}), false)
	refused("a developer sets a state", state(developer, CountermeasureEdit{State: ptr(model.Implemented)}), false)
	refused("a developer resets a state", state(developer, CountermeasureEdit{Reset: []string{"state"}}), false)
	refused("a developer rejects", state(developer, CountermeasureEdit{State: ptr(model.Rejected), Reason: "no"}), true)
	refused("a developer takes ownership", state(developer, CountermeasureEdit{Owner: ptr(developer.User)}), true)
	refused("a developer retires", state(developer, CountermeasureEdit{Retired: ptr(true), Reason: "no"}), true)
	refused("a modeller gives ownership", state(modeller, CountermeasureEdit{Owner: ptr(developer.User)}), false)
	stranger := d.person("stranger", "")
	if err := state(modeller, CountermeasureEdit{Owner: ptr(stranger.User)}); fault.As(err) == nil || fault.As(err).Code != "owner.unknown" {
		t.Errorf("the owner is a stranger: %v, want owner.unknown", err)
	}
}
