package library_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
)

// TestEveryTypeIsAskedAbout: each component type has the one questionnaire that is shown at components of it.
func TestEveryTypeIsAskedAbout(t *testing.T) {
	t.Parallel()
	lib := load(t)
	for i := range lib.Types {
		if typ := &lib.Types[i]; questionnaireOf(lib, typ.Ref) == nil {
			t.Errorf("no questionnaire asks about components of type %s", typ.Ref)
		}
	}
}

// TestEachAnswerMattersAtItsType: at every type a questionnaire is shown at, each of its questions can
// change what is generated. A question that a rule reads at other types only is noise at this one.
func TestEachAnswerMattersAtItsType(t *testing.T) {
	t.Parallel()
	lib := load(t)
	values := map[string][]string{}
	for _, a := range lib.Attributes {
		values[a.Name] = a.Values
		if len(a.Values) == 0 {
			values[a.Name] = []string{"root"}
		}
	}
	for i := range lib.Questionnaires {
		q := &lib.Questionnaires[i]
		if len(q.Types) == 0 {
			continue
		}
		t.Run(q.Ref, func(t *testing.T) {
			t.Parallel()
			for _, g := range q.Groups {
				for _, question := range g.Questions {
					askedAnywhere := false
					for _, typ := range q.Types {
						asked, changes := matters(t, lib, lib.Type(typ), question.Attribute, values[question.Attribute])
						askedAnywhere = askedAnywhere || asked
						if asked && !changes {
							t.Errorf("nothing changes at a %s by any answer to %q (%s)", typ, question.Title, question.Attribute)
						}
					}
					if !askedAnywhere {
						t.Errorf("%q (%s) is asked at none of %v", question.Title, question.Attribute, q.Types)
					}
				}
			}
		})
	}
}

// questionnaireOf returns the questionnaire that is shown at components of a type, or nil.
func questionnaireOf(lib *library.Library, typ string) *library.Questionnaire {
	for i := range lib.Questionnaires {
		if q := &lib.Questionnaires[i]; slices.Contains(q.Types, typ) {
			return q
		}
	}
	return nil
}

// matters reports whether a value of an attribute changes what is generated around a component of the
// type, in one of the places where such components stand, and whether it is asked for in any of them.
func matters(t *testing.T, lib *library.Library, typ *library.Type, attribute string, values []string) (asked, changes bool) {
	t.Helper()
	for _, zone := range []model.ElementID{"", "inside", "office"} {
		for _, value := range []model.CIA{{Confidentiality: 90, Integrity: 90, Availability: 90}, {Confidentiality: 90, Integrity: 90, Availability: 65}, {Confidentiality: 20, Integrity: 20, Availability: 20}} {
			for _, others := range []map[string]string{nil, {"fetches_addresses": "yes", "goods_or_services": "yes", "card_payment": "yes"}, {"personal_data": "yes"}} {
				x := model.Component{ID: "x", Name: "X", Type: typ.Ref, Kind: typ.Kind, Zone: zone, Attributes: map[string]string{}}
				for k, v := range others {
					if k != attribute && slices.ContainsFunc(lib.Attributes, func(a library.Attribute) bool { return a.Name == k && slices.Contains(a.For, string(typ.Kind)) }) {
						x.Attributes[k] = v
					}
				}
				m := among(x, value)
				groups, err := generate.ComponentQuestions(m, lib, x.ID)
				if err != nil {
					t.Fatal(err)
				}
				if !slices.ContainsFunc(groups, func(g library.Group) bool {
					return slices.ContainsFunc(g.Questions, func(q library.Question) bool { return q.Attribute == attribute })
				}) {
					continue
				}
				asked = true
				before := generated(t, lib, m)
				for _, v := range values {
					x.Attributes[attribute] = v
					if generated(t, lib, m) != before {
						return true, true
					}
				}
			}
		}
	}
	return asked, false
}

// among puts a component x among people, services and a store, with data of the value everywhere. Where
// the data is worth little, a service inside is the only one that x meets.
func among(x model.Component, value model.CIA) *model.Model {
	data := model.Asset{ID: "data", Name: "Data", Value: value}
	switch x.Kind {
	case model.Process:
		x.Processes = []model.AssetID{data.ID}
	case model.Store:
		x.Stores = []model.AssetID{data.ID}
	}
	m := &model.Model{
		Product: model.Product{ID: "p", Name: "P"},
		Assets:  []model.Asset{data},
		Zones:   []model.Zone{{ID: "out", Name: "Out", Trust: 0}, {ID: "office", Name: "Office", Trust: 40}, {ID: "inside", Name: "Inside", Trust: 80}},
		Components: []model.Component{
			x,
			{ID: "person", Name: "Person", Type: "end-user", Kind: model.Actor, Zone: "out"},
			{ID: "service", Name: "Service", Type: "web-api", Kind: model.Process, Zone: "inside", Processes: []model.AssetID{data.ID}},
			{ID: "page", Name: "Page", Type: "web-application", Kind: model.Process, Zone: "office", Processes: []model.AssetID{data.ID}},
			{ID: "base", Name: "Base", Type: "relational-database", Kind: model.Store, Zone: "inside", Stores: []model.AssetID{data.ID}},
		},
	}
	meets := [][2]model.ElementID{{"x", "service"}, {"service", "x"}, {"person", "x"}, {"x", "page"}, {"page", "x"}, {"x", "base"}}
	if value.Confidentiality < 50 {
		meets = meets[:2]
	}
	for _, f := range meets {
		m.Flows = append(m.Flows, model.Flow{ID: f[0] + "-" + f[1], Name: string(f[0] + " to " + f[1]), From: f[0], To: f[1], Carries: []model.AssetID{data.ID}})
	}
	return m
}

// generated returns what the library brings to a model, one line each.
func generated(t *testing.T, lib *library.Library, m *model.Model) string {
	t.Helper()
	if err := model.Validate(m); err != nil {
		t.Fatal(err)
	}
	res, err := generate.Desired(m, lib)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, threat := range res.Threats {
		out = append(out, fmt.Sprintln(threat.Where, threat.Ref))
	}
	for _, c := range res.Countermeasures {
		out = append(out, fmt.Sprintln(c.Where, c.Ref, c.State))
	}
	slices.Sort(out)
	return strings.Join(out, "")
}
