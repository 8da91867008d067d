package generate_test

import (
	"slices"
	"testing"

	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/model"
)

// TestConnection: what a rule says once for a connection stands at one of its flows, whichever fires.
func TestConnection(t *testing.T) {
	t.Parallel()
	encrypted := map[string]string{"encrypted": "yes"}
	flow := func(id, from, to model.ElementID) model.Flow {
		return model.Flow{ID: id, Name: string(id), From: from, To: to}
	}
	with := func(f model.Flow, change func(*model.Flow)) model.Flow {
		change(&f)
		return f
	}
	for _, tt := range []struct {
		name  string
		flows []model.Flow
		want  []model.ElementID
	}{
		{"request and answer", []model.Flow{flow("a", "web", "user"), flow("b", "user", "web")}, []model.ElementID{"b"}},
		{"answer of a store", []model.Flow{flow("a", "db", "web"), flow("b", "web", "db")}, []model.ElementID{"b"}},
		{"calls between services, from the less trusted", []model.Flow{flow("a", "api", "web"), flow("b", "web", "api")}, []model.ElementID{"b"}},
		{"several calls one way", []model.Flow{flow("b", "user", "web"), flow("a", "user", "web")}, []model.ElementID{"a"}},
		{"the answer carries what is of value", []model.Flow{with(flow("a", "web", "user"), func(f *model.Flow) { f.Carries = []model.AssetID{"orders"} }), flow("b", "user", "web")}, []model.ElementID{"a"}},
		{"two protocols", []model.Flow{with(flow("a", "user", "web"), func(f *model.Flow) { f.Protocol = "HTTP" }), with(flow("b", "user", "web"), func(f *model.Flow) { f.Protocol = "FTP" })}, []model.ElementID{"a", "b"}},
		{"a protocol in other letters", []model.Flow{with(flow("a", "user", "web"), func(f *model.Flow) { f.Protocol = "HTTP" }), with(flow("b", "web", "user"), func(f *model.Flow) { f.Protocol = " http" })}, []model.ElementID{"a"}},
		{"one way is encrypted", []model.Flow{flow("a", "web", "user"), with(flow("b", "user", "web"), func(f *model.Flow) { f.Attributes = encrypted })}, []model.ElementID{"a"}},
		{"the asking flow is out of scope", []model.Flow{flow("a", "web", "user"), with(flow("b", "user", "web"), func(f *model.Flow) { f.OutOfScope = true })}, []model.ElementID{"a"}},
		{"only the answer is said to cross", []model.Flow{with(flow("a", "cache", "api"), func(f *model.Flow) { f.Crosses = []model.ElementID{"line"} }), flow("b", "api", "cache")}, []model.ElementID{"b"}},
		{"loose ends have nothing in common", []model.Flow{with(flow("a", "web", ""), func(f *model.Flow) { f.Crosses = []model.ElementID{"line"} }), with(flow("b", "web", ""), func(f *model.Flow) { f.Crosses = []model.ElementID{"line"} })}, []model.ElementID{"a", "b"}},
		{"two pairs", []model.Flow{flow("a", "user", "web"), flow("b", "web", "db")}, []model.ElementID{"a", "b"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := &model.Model{
				Product: model.Product{ID: "p", Name: "P"},
				Assets:  []model.Asset{{ID: "orders", Name: "Orders", Value: model.CIA{Confidentiality: 60}}},
				Zones:   []model.Zone{{ID: "dmz", Trust: 40}, {ID: "inside", Trust: 70}, {ID: "data", Trust: 80}},
				Components: []model.Component{
					{ID: "user", Kind: model.Actor},
					{ID: "web", Kind: model.Process, Zone: "dmz"},
					{ID: "api", Kind: model.Process, Zone: "inside"},
					{ID: "cache", Kind: model.Store, Zone: "inside"},
					{ID: "db", Kind: model.Store, Zone: "data"},
				},
				Flows: tt.flows,
			}
			var got []model.ElementID
			for _, threat := range want(t, m, small(t)).Threats {
				if threat.Ref == "eavesdropping/listen" {
					got = append(got, threat.Where)
				}
			}
			slices.Sort(got)
			if !slices.Equal(got, tt.want) {
				t.Errorf("the threat stands at %v, want %v", got, tt.want)
			}
		})
	}
}

// TestAnswers: rules can tell a flow that answers another from one that asks.
func TestAnswers(t *testing.T) {
	t.Parallel()
	lib := edited(t, "flow.crosses_boundary && flow.attributes.encrypted != 'yes'\n    at: connection", "flow.answer")
	for _, tt := range []struct {
		name  string
		flows []model.Flow
		want  []model.ElementID
	}{
		{"a process answers a person", []model.Flow{{ID: "a", From: "web", To: "user"}, {ID: "b", From: "user", To: "web"}}, []model.ElementID{"a"}},
		{"a store answers a process", []model.Flow{{ID: "a", From: "db", To: "web"}, {ID: "b", From: "web", To: "db"}}, []model.ElementID{"a"}},
		{"the more trusted answers", []model.Flow{{ID: "a", From: "api", To: "web"}, {ID: "b", From: "web", To: "api"}}, []model.ElementID{"a"}},
		{"nobody asked", []model.Flow{{ID: "a", From: "db", To: "web"}}, nil},
		{"the question is out of scope", []model.Flow{{ID: "a", From: "db", To: "web"}, {ID: "b", From: "web", To: "db", OutOfScope: true}}, nil},
		{"who asks cannot be told", []model.Flow{{ID: "a", From: "api", To: "other"}, {ID: "b", From: "other", To: "api"}}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := &model.Model{
				Product: model.Product{ID: "p", Name: "P"},
				Zones:   []model.Zone{{ID: "dmz", Trust: 40}, {ID: "inside", Trust: 70}},
				Components: []model.Component{
					{ID: "user", Kind: model.Actor},
					{ID: "web", Kind: model.Process, Zone: "dmz"},
					{ID: "api", Kind: model.Process, Zone: "inside"},
					{ID: "other", Kind: model.Process, Zone: "inside"},
					{ID: "db", Kind: model.Store, Zone: "inside"},
				},
				Flows: tt.flows,
			}
			var got []model.ElementID
			for _, threat := range want(t, m, lib).Threats {
				if threat.Ref == "eavesdropping/listen" {
					got = append(got, threat.Where)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("answers are %v, want %v", got, tt.want)
			}
		})
	}
}

// TestConnectionKeepsWhatPeopleDid: a library that begins to speak once for a connection
// retires what somebody decided at the other flow, with the reason, and leaves what stands at the leading one alone.
func TestConnectionKeepsWhatPeopleDid(t *testing.T) {
	t.Parallel()
	m := &model.Model{
		Product:    model.Product{ID: "p", Name: "P"},
		Zones:      []model.Zone{{ID: "dmz", Trust: 40}},
		Components: []model.Component{{ID: "user", Kind: model.Actor}, {ID: "web", Kind: model.Process, Zone: "dmz"}},
		Flows:      []model.Flow{{ID: "ask", Name: "ask", From: "user", To: "web"}, {ID: "tell", Name: "tell", From: "web", To: "user"}},
	}
	each := edited(t, "    at: connection\n", "")
	m = generate.Apply(m, generate.MakePlan(m, want(t, m, each), nil), noon, nil)
	if len(m.Threats) != 2 {
		t.Fatalf("%d threats before, want one at each flow", len(m.Threats))
	}
	for i := range m.Threats {
		m.Threats[i].Status = model.NotApplicable
		m.Threats[i].Sets = model.Sets{"status": {By: model.SetByPerson}}
	}
	plan := generate.MakePlan(m, want(t, m, small(t)), nil)
	for _, i := range plan.Items {
		if i.Kind == generate.KindThreat && i.Where == "tell" && (i.Action != generate.Retire || i.Reason == "") {
			t.Errorf("the plan says %q of the threat at the answer, want it retired, with a reason", i.Text)
		}
	}
	m = generate.Apply(m, plan, noon, nil)
	for _, threat := range m.Threats {
		if threat.Status != model.NotApplicable || (threat.Retired != nil) != (threat.Where == "tell") {
			t.Errorf("the threat at %s is %s, retired %v; want what the person said kept, and only the one at the answer retired", threat.Where, threat.Status, threat.Retired)
		}
	}
}

// TestStandsFor: a rule that asks for a countermeasure reaches what stands for it where patterns bring that.
func TestStandsFor(t *testing.T) {
	t.Parallel()
	m := &model.Model{
		Product:    model.Product{ID: "p", Name: "P"},
		Answers:    []model.Answer{{Question: "personal_data", Values: []string{"yes"}}},
		Zones:      []model.Zone{{ID: "dmz", Trust: 40}},
		Components: []model.Component{{ID: "user", Kind: model.Actor}, {ID: "web", Kind: model.Process, Zone: "dmz"}},
		Flows:      []model.Flow{{ID: "ask", Name: "ask", From: "user", To: "web"}},
	}
	const original = "  - {ref: use-tls, title: Use TLS, default: recommended}\n"
	const threat = "countermeasures: [{ref: use-tls, share: 90}]"
	for _, tt := range []struct {
		name, countermeasures, linked string
		want                          map[string]model.State
	}{
		{"the original", original, threat, map[string]model.State{"use-tls": model.Required}},
		{"a copy stands for it", original + "  - {ref: own-tls, stands_for: use-tls, title: T}\n", "countermeasures: [{ref: own-tls, share: 90}]", map[string]model.State{"own-tls": model.Required}},
		{
			"a copy of a copy", original + "  - {ref: own-tls, stands_for: use-tls, title: T}\n  - {ref: new-tls, stands_for: own-tls, title: T}\n",
			"countermeasures: [{ref: new-tls, share: 90}]",
			map[string]model.State{"new-tls": model.Required},
		},
		{
			"both are here", original + "  - {ref: own-tls, stands_for: use-tls, title: T}\n",
			"countermeasures: [{ref: own-tls, share: 40}, {ref: use-tls, share: 40}]",
			map[string]model.State{"own-tls": model.Required, "use-tls": model.Required},
		},
		{
			"another does not stand for it", original + "  - {ref: own-tls, title: T}\n",
			"countermeasures: [{ref: own-tls, share: 90}]",
			map[string]model.State{"own-tls": model.Recommended, "use-tls": model.Required},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			lib := rewritten(t, original, tt.countermeasures, threat, tt.linked)
			got := map[string]model.State{}
			for _, c := range want(t, m, lib).Countermeasures {
				if c.Where == "ask" {
					got[c.Ref] = c.State
				}
			}
			if len(got) != len(tt.want) {
				t.Errorf("at the flow stand %v, want %v", got, tt.want)
			}
			for ref, state := range tt.want {
				if got[ref] != state {
					t.Errorf("%s is %q, want %s", ref, got[ref], state)
				}
			}
		})
	}
}
