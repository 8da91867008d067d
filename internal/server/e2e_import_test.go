package server_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// imported is what an import did.
type imported struct {
	Applied                       bool
	Added, Changed, Kept, Version int
}

func (s *shop) importFile(data []byte) imported {
	s.t.Helper()
	var v imported
	s.want(200, "POST", "/products/"+s.product+"/imports?name=diagram.json", data, &v)
	return v
}

// model is the complete model of the product, and its version.
func (s *shop) model() (doc map[string]any, version int) {
	s.t.Helper()
	var reply struct {
		Version int
		Model   map[string]any
	}
	s.want(200, "GET", "/products/"+s.product+"/model", nil, &reply)
	return reply.Model, reply.Version
}

func (s *shop) applyPlan() (left int) {
	s.t.Helper()
	var v struct{ Left int }
	s.want(200, "POST", "/products/"+s.product+"/plan", map[string]any{"all": true}, &v)
	return v.Left
}

// element returns an object of a list of the model by the value of a member.
func element(t *testing.T, doc map[string]any, list, member string, value any) map[string]any {
	t.Helper()
	all, _ := doc[list].([]any)
	for _, e := range all {
		if m, ok := e.(map[string]any); ok && m[member] == value {
			return m
		}
	}
	t.Fatalf("no %s with %s %v among %d", list, member, value, len(all))
	return nil
}

// Importing is no second copy, whenever it comes; what a person said since stays,
// also when the model is generated again.
func TestImportAgain(t *testing.T) {
	t.Parallel()
	s := openShopWithoutTickets(t)
	file, err := os.ReadFile(filepath.Join("..", "demo", "data", "diagram.json"))
	if err != nil {
		t.Fatal(err)
	}
	first := s.importFile(file)
	if !first.Applied || first.Added == 0 {
		t.Fatalf("import = %+v, want additions", first)
	}
	before, version := s.model()
	if again := s.importFile(file); again.Added+again.Changed != 0 {
		t.Errorf("the same file again = %+v, want no change", again)
	}
	if after, now := s.model(); now != version || !cmp.Equal(before, after) {
		t.Errorf("the same file again made version %d of %d:\n%s", now, version, cmp.Diff(before, after))
	}
	if left := s.applyPlan(); left != 0 {
		t.Errorf("the plan left %d steps", left)
	}

	// A person edits a threat of the file, a generated countermeasure and a component.
	doc, _ := s.model()
	var threat string
	for _, e := range doc["threats"].([]any) {
		if m := e.(map[string]any); m["origin"] == "import" {
			threat = m["id"].(string)
			break
		}
	}
	if threat == "" {
		t.Fatal("the file brought no threat")
	}
	path := "/products/" + s.product
	s.want(200, "PATCH", path+"/threats/"+threat, map[string]any{"title": "Said by a person", "status": "not_applicable", "reason": "not here"}, nil)
	cm := s.countermeasures()[0]
	s.want(200, "PATCH", path+"/countermeasures/"+cm.ID, map[string]any{"state": "rejected", "state_reason": "done elsewhere", "reason": "done elsewhere"}, nil)
	component := element(t, doc, "components", "name", "Web application")
	component["type"], component["tags"], component["locations"] = "rest-api", []string{"tier-1"}, []string{"https://shop.example/"}
	s.want(200, "PUT", path+"/elements/components/"+component["id"].(string), component, nil)

	check := func(when string) {
		t.Helper()
		doc, _ := s.model()
		got := element(t, doc, "threats", "id", threat)
		if got["title"] != "Said by a person" || got["status"] != "not_applicable" {
			t.Errorf("%s the threat is %v, %v, want what the person said", when, got["title"], got["status"])
		}
		if got := element(t, doc, "countermeasures", "id", cm.ID); got["state"] != "rejected" {
			t.Errorf("%s the countermeasure is %v, want rejected", when, got["state"])
		}
		now := element(t, doc, "components", "id", component["id"])
		for _, member := range []string{"type", "tags", "locations"} {
			got, _ := json.Marshal(now[member])
			want, _ := json.Marshal(component[member])
			if string(got) != string(want) {
				t.Errorf("%s the component's %s is %s, want %s", when, member, got, want)
			}
		}
	}
	check("after the edit")
	if again := s.importFile(file); again.Added != 0 {
		t.Errorf("the file after the edits = %+v, want nothing added", again)
	}
	check("after the import")
	if left := s.applyPlan(); left != 0 {
		t.Errorf("the plan left %d steps", left)
	}
	check("after the plan")
	s.importFile(file)
	if left := s.applyPlan(); left != 0 {
		t.Errorf("the plan left %d steps", left)
	}
	before, version = s.model()
	s.importFile(file)
	s.applyPlan()
	if after, now := s.model(); now != version || !cmp.Equal(before, after) {
		t.Errorf("import and plan over and over made version %d of %d:\n%s", now, version, cmp.Diff(before, after))
	}
}
