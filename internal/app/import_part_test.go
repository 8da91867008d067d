package app

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange"
	"github.com/threatloop/threatloop/internal/interchange/update"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/sharedtest"
)

// newerShop is the next version of shopFile: one component described, one threat gone, one new.
func newerShop() []byte {
	newer := strings.Replace(shopFile, `"name": "Visitor"`, `"name": "Visitor",
              "description": "Anybody"`, 1)
	newer = strings.Replace(newer, `"id": "t2",
                  "title": "Read by others"`, `"id": "t3",
                  "title": "Orders vanish"`, 1)
	return []byte(newer)
}

// keysOf are the changes that an import lists, in order.
func keysOf(v ImportView) []string {
	var keys []string
	for _, i := range v.Items {
		if i.Choosable() {
			keys = append(keys, i.Key())
		}
	}
	slices.Sort(keys)
	return keys
}

// TestImportPart takes a newer file in two steps, and what was not chosen is offered again.
func TestImportPart(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	made, err := d.ImportProduct(d.ctx, d.admin, "shop.json", "", []byte(shopFile), false)
	if err != nil {
		t.Fatalf("ImportProduct = %v", err)
	}
	d.product = made.Product.ID
	take := func(keys []string, preview bool) ImportView {
		t.Helper()
		v, err := d.ImportPart(d.ctx, d.admin, d.product, 0, ModelUpload{Name: "shop.json", Data: newerShop(), Take: keys}, preview)
		if err != nil {
			t.Fatalf("ImportPart(%v) = %v", keys, err)
		}
		return v
	}
	all := keysOf(take(nil, true))
	if len(all) != 3 {
		t.Fatalf("changes = %v, want a component, a new threat and one that is gone", all)
	}
	// Nothing is chosen: nothing changes, and the file is kept.
	before := d.model()
	if v := take([]string{}, false); v.Waiting != 3 || v.Added+v.Changed+v.Removed != 0 || !v.Applied {
		t.Errorf("taking nothing = %+v", v)
	}
	if now := d.model(); len(now.Threats) != len(before.Threats) || now.Components[0].Description != "" {
		t.Errorf("taking nothing changed the model")
	}
	if got := keysOf(take(nil, true)); !slices.Equal(got, all) {
		t.Errorf("offered again = %v, want %v", got, all)
	}
	// One is chosen; then somebody changes it here; it is not offered again.
	if v := take([]string{"component/a"}, false); v.Changed != 1 || v.Waiting != 2 {
		t.Errorf("taking one = %+v", v)
	}
	if _, err := d.PutElement(d.ctx, d.admin, d.product, KindComponents, "a", 0, []byte(`{"kind":"actor","name":"Visitor","diagram":"0","description":"Everybody"}`)); err != nil {
		t.Fatalf("PutElement = %v", err)
	}
	rest := take(nil, true)
	if got, want := keysOf(rest), slices.DeleteFunc(slices.Clone(all), func(k string) bool { return k == "component/a" }); !slices.Equal(got, want) || rest.Conflicts != 0 {
		t.Errorf("offered again = %v with %d conflicts, want %v", got, rest.Conflicts, want)
	}
	if _, err := d.ImportPart(d.ctx, d.admin, d.product, 0, ModelUpload{Name: "shop.json", Data: newerShop(), Take: []string{"component/a"}}, false); !fault.Is(err, fault.Invalid) {
		t.Errorf("taking what was taken = %v, want fault.Invalid", err)
	}
	// A copy is offered the same.
	copied, err := d.CloneProduct(d.ctx, d.admin, d.product, CloneInput{Name: "Copy"})
	if err != nil {
		t.Fatalf("CloneProduct = %v", err)
	}
	c, err := d.Import(d.ctx, d.admin, copied.ID, 0, "shop.json", newerShop(), true)
	if err != nil || c.Source == "" || c.Added != 1 || c.Removed != 1 || c.Changed != 0 || c.Conflicts != 0 {
		t.Errorf("the file for a copy = %+v, %v, want one added and one removed", c, err)
	}
	// The rest, all at once.
	if v := take(nil, false); v.Added != 1 || v.Removed != 1 || v.Waiting != 0 {
		t.Errorf("taking the rest = %+v", v)
	}
	if got := keysOf(take(nil, true)); len(got) != 0 {
		t.Errorf("offered in the end = %v, want nothing", got)
	}
}

// TestCopyHasSources: a copy is updated from the files of the original as that is.
func TestCopyHasSources(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	made, err := d.ImportProduct(d.ctx, d.admin, "shop.json", "", []byte(shopFile), false)
	if err != nil {
		t.Fatalf("ImportProduct = %v", err)
	}
	copied, err := d.CloneProduct(d.ctx, d.admin, made.Product.ID, CloneInput{Name: "Copy"})
	if err != nil {
		t.Fatalf("CloneProduct = %v", err)
	}
	list, err := d.Sources(d.ctx, d.admin, copied.ID)
	if err != nil || len(list) != 1 || list[0].Name != "shop.json" {
		t.Fatalf("Sources = %+v, %v, want that of the original", list, err)
	}
	f, err := d.SourceFile(d.ctx, d.admin, copied.ID, list[0].ID)
	if err != nil || string(f.Data) != shopFile {
		t.Errorf("SourceFile = %d bytes, %v, want the file", len(f.Data), err)
	}
	for _, p := range []model.ProductID{made.Product.ID, copied.ID} {
		v, err := d.Import(d.ctx, d.admin, p, 0, "shop.json", newerShop(), false)
		if err != nil || v.Added != 1 || v.Changed != 1 || v.Removed != 1 || v.Conflicts != 0 || v.Source == "" {
			t.Errorf("a newer file = %+v, %v, want one of each", v, err)
		}
	}
}

// TestImportChain: a file of version 1 that Threat Dragon made version 2, with new
// ids, and that was changed there again and again, stays the same model.
func TestImportChain(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	v1, err := os.ReadFile(filepath.Join(sharedtest.Dir(t, "samples", "threat-dragon"), "v1-demo.json"))
	if err != nil {
		t.Fatal(err)
	}
	made, err := d.ImportProduct(d.ctx, d.admin, "demo.json", "", v1, false)
	if err != nil {
		t.Fatalf("ImportProduct = %v", err)
	}
	d.product = made.Product.ID
	out, err := d.ExportModel(d.ctx, d.admin, d.product, "threat-dragon")
	if err != nil {
		t.Fatal(err)
	}
	// As Threat Dragon's own conversion: other ids for flows and threats, none of ours.
	fresh := strings.NewReplacer(`"threatloop"`, `"elsewhere"`)
	next := fresh.Replace(string(out.Data))
	m := d.model()
	for i := range m.Flows {
		next = strings.ReplaceAll(next, string(m.Flows[i].ID), "new-"+string(m.Flows[i].ID))
	}
	second, err := d.Import(d.ctx, d.admin, d.product, 0, "demo.json", []byte(next), false)
	if err != nil || second.Added+second.Removed != 0 {
		t.Fatalf("as version 2 = %d added, %d removed, %v", second.Added, second.Removed, err)
	}
	third := strings.Replace(next, `"protocol": "HTTPS"`, `"protocol": "gRPC"`, 1)
	if third == next {
		flow := m.Flows[0].Name
		third = strings.Replace(next, `"name": "`+flow+`"`, `"name": "`+flow+` (renamed)"`, 1)
	}
	v, err := d.Import(d.ctx, d.admin, d.product, 0, "demo.json", []byte(third), true)
	if err != nil || v.Changed != 1 || v.Added+v.Removed+v.Conflicts != 0 {
		t.Errorf("a change after that = %d changed, %d added, %d removed, %d conflicts, %v, want one changed", v.Changed, v.Added, v.Removed, v.Conflicts, err)
	}
	for _, i := range v.Items {
		if i.Action == update.Change && i.Kind != update.Flow {
			t.Errorf("changed = %+v, want the flow", i)
		}
	}
}

// TestImportTheirs settles a conflict for the file, and another for what was done here.
func TestImportTheirs(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	made, err := d.ImportProduct(d.ctx, d.admin, "shop.json", "", []byte(shopFile), false)
	if err != nil {
		t.Fatalf("ImportProduct = %v", err)
	}
	d.product = made.Product.ID
	put := func(text string) {
		t.Helper()
		doc := `{"kind":"actor","name":"Visitor","diagram":"0","description":"` + text + `"}`
		if _, err := d.PutElement(d.ctx, d.admin, d.product, KindComponents, "a", 0, []byte(doc)); err != nil {
			t.Fatalf("PutElement = %v", err)
		}
	}
	describe := func() string { return d.model().Components[0].Description }
	put("Everybody")
	send := func(preview bool, take, theirs []string) (ImportView, error) {
		return d.ImportPart(d.ctx, d.admin, d.product, 0, ModelUpload{Name: "shop.json", Data: newerShop(), Take: take, Theirs: theirs}, preview)
	}
	v, err := send(true, nil, nil)
	if err != nil || v.Conflicts != 1 || !v.Items[0].Conflict || v.Items[0].Key() != "component/a" {
		t.Fatalf("preview = %+v, %v, want one conflict", v, err)
	}
	for _, theirs := range [][]string{{"component/none"}, {"threat/t3"}} {
		if _, err := send(true, nil, theirs); !fault.Is(err, fault.Invalid) {
			t.Errorf("theirs of %v = %v, want fault.Invalid", theirs, err)
		}
	}
	// The file's side alone, and nothing else of the file.
	if v, err = send(false, []string{}, []string{AllItems}); err != nil || v.Changed != 1 || v.Added+v.Removed+v.Conflicts != 0 || v.Waiting != 2 {
		t.Fatalf("theirs alone = %+v, %v, want one changed and two waiting", v, err)
	}
	if got := describe(); got != "Anybody" {
		t.Errorf("description = %q, want the file's", got)
	}
	// It is as the file has it, so that the next version of the file changes it.
	next := strings.Replace(string(newerShop()), "Anybody", "Whoever comes", 1)
	if v, err = d.ImportPart(d.ctx, d.admin, d.product, 0, ModelUpload{Name: "shop.json", Data: []byte(next), Take: []string{AllItems}}, false); err != nil || v.Waiting != 0 || v.Added != 1 || v.Removed != 1 {
		t.Errorf("all of the next version = %+v, %v, want everything", v, err)
	}
	if got := describe(); got != "Whoever comes" {
		t.Errorf("description = %q, want that of the next version", got)
	}
	// Ours is kept, and nobody is asked again.
	put("Everybody")
	last := strings.Replace(next, "Whoever comes", "All people", 1)
	for n, conflicts := range []int{1, 0} {
		if v, err = d.Import(d.ctx, d.admin, d.product, 0, "shop.json", []byte(last), false); err != nil || v.Conflicts != conflicts {
			t.Errorf("import %d = %d conflicts, %v, want %d", n, v.Conflicts, err, conflicts)
		}
	}
	if got := describe(); got != "Everybody" {
		t.Errorf("description = %q, want ours", got)
	}
}

// TestTheirsKeepsToTheRole: the file's side of a conflict is no way around a role, and
// the values of fields that the role does not see are not shown as one.
func TestTheirsKeepsToTheRole(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if _, err := d.PutField(d.ctx, d.admin, "class", 0, true, FieldInput{Name: "Class", Type: FieldText, EditableBy: policy.Administrator, VisibleTo: policy.Approver}); err != nil {
		t.Fatal(err)
	}
	fill := func(value string) {
		t.Helper()
		if _, err := d.FillCustom(d.ctx, d.admin, d.product, 0, map[string]string{"class": value}); err != nil {
			t.Fatal(err)
		}
	}
	file := func(value string) []byte {
		t.Helper()
		m := model.Clone(d.model())
		m.Product.Custom = map[string]string{"class": value}
		data, err := interchange.Write(m)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	fill("first")
	first, second := file("first"), file("second")
	if _, err := d.Import(d.ctx, d.admin, d.product, 0, "model.yaml", first, false); err != nil {
		t.Fatal(err)
	}
	fill("third")
	for name, c := range map[string]struct {
		who  Caller
		sees bool
		want string
	}{"modeller": {d.person("modeller", policy.Modeller), false, "third"}, "administrator": {d.admin, true, "second"}} {
		for _, theirs := range [][]string{nil, {AllItems}} {
			v, err := d.ImportPart(d.ctx, c.who, d.product, 0, ModelUpload{Name: "model.yaml", Data: second, Theirs: theirs}, true)
			if err != nil {
				t.Fatalf("%s: ImportPart = %v", name, err)
			}
			shown, err := json.Marshal(v.Items)
			if err != nil {
				t.Fatal(err)
			}
			if sees := strings.Contains(string(shown), "second") || strings.Contains(string(shown), "third"); sees != c.sees {
				t.Errorf("%s: the preview shows the field's values: %v, want %v\n%s", name, sees, c.sees, shown)
			}
		}
	}
	for _, who := range []Caller{d.person("other", policy.Modeller), d.admin} {
		if _, err := d.ImportPart(d.ctx, who, d.product, 0, ModelUpload{Name: "model.yaml", Data: second, Theirs: []string{AllItems}}, false); err != nil {
			t.Fatal(err)
		}
		want := "third"
		if who.Name == d.admin.Name {
			want = "second"
		}
		if got := d.model().Product.Custom["class"]; got != want {
			t.Errorf("%s: the field is %q, want %q", who.Name, got, want)
		}
		if who.Name != d.admin.Name { // the file is asked about again
			if _, err := d.Import(d.ctx, d.admin, d.product, 0, "model.yaml", first, false); err != nil {
				t.Fatal(err)
			}
			fill("third")
		}
	}
}
