package generate_test

import (
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
)

func TestComponentQuestions(t *testing.T) {
	t.Parallel()
	fsys := fstest.MapFS{}
	for name, text := range map[string]string{
		"library.yaml": "ref: t\nversion: '1'\nname: T\nvocabulary: {attributes: {login: {values: ['yes', 'no'], for: [process], text: L}, admin: {values: ['yes', 'no'], for: [process], text: A}}}\n",
		"web.yaml":     "type: web\nname: W\nkind: process\n",
		"q.yaml": "questionnaire: q\nname: Q\ntypes: [web]\ngroups:\n- {group: a, title: A, questions: [{attribute: login, title: L}]}\n" +
			"- {group: b, title: B, questions: [{attribute: admin, title: A, when: \"component.attributes.login == 'yes' && component.trust > 10 && product.value.integrity == 80\"}]}\n",
		"r.yaml": "rules:\n- {rule: v, title: V, for: product, set: {value: {integrity: 80}}, reason: R, tests: []}\n",
	} {
		fsys[name] = &fstest.MapFile{Data: []byte(text)}
	}
	lib, err := library.Load(fsys)
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name string
		c    model.Component
		want []string
	}{
		{"condition holds", model.Component{ID: "c", Kind: model.Process, Type: "web", Attributes: map[string]string{"login": "yes"}}, []string{"a login", "b admin"}},
		{"condition fails", model.Component{ID: "c", Kind: model.Process, Type: "web"}, []string{"a login"}},
		{"another type", model.Component{ID: "c", Kind: model.Process}, nil},
		{"another component", model.Component{ID: "d", Kind: model.Process, Type: "web"}, nil},
	} {
		groups, err := generate.ComponentQuestions(&model.Model{Product: model.Product{ID: "p"}, Components: []model.Component{tc.c}}, lib, "c")
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, g := range groups {
			for _, q := range g.Questions {
				got = append(got, g.Ref+" "+q.Attribute)
			}
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: ComponentQuestions differs (-want +got):\n%s", tc.name, diff)
		}
	}
}
