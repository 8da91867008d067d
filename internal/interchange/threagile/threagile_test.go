package threagile_test

import (
	"archive/zip"
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/threagile"
	"github.com/threatloop/threatloop/internal/interchange/tlyaml"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/sharedtest"
)

func read(t testing.TB, data string, opts imported.Options) (*imported.Import, error) {
	t.Helper()
	root, err := tlyaml.Parse([]byte(data), opts)
	if err != nil {
		return nil, err
	}
	if !threagile.Detect(root) {
		t.Fatalf("Detect(%s) = false, want true", opts.Name)
	}
	return threagile.Read(root, opts)
}

func must(t testing.TB, data string, opts imported.Options) *imported.Import {
	t.Helper()
	got, err := read(t, data, opts)
	if err != nil {
		t.Fatalf("Read(%s) = %v", opts.Name, err)
	}
	if err := model.Validate(got.Model); err != nil {
		t.Fatalf("Read(%s) gives a model that is not valid: %v", opts.Name, err)
	}
	return got
}

func file(t testing.TB, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// noted reports whether a note of the level at the place has the words.
func noted(i *imported.Import, level imported.Level, at, words string) bool {
	for _, n := range i.Notes {
		if n.Level == level && strings.HasPrefix(n.At, at) && strings.Contains(n.Text, words) {
			return true
		}
	}
	return false
}

func TestSamples(t *testing.T) {
	t.Parallel()
	type figures struct{ Assets, Data, Links, Boundaries, Threats, Decided int }
	for name, want := range map[string]figures{
		"threagile-demo-example.yaml":    {14, 12, 20, 5, 8, 6}, // 6 tracked, 2 written by hand
		"split-includes/main.yaml":       {14, 12, 20, 5, 8, 6},
		"enduro.threagile.yaml":          {13, 9, 17, 4, 0, 0},
		"automotive-zonal-bev.yaml":      {37, 9, 42, 7, 0, 0},
		"obsidian-tts-plugin.yaml":       {4, 5, 3, 2, 3, 3}, // the 3 tracked are the 3 written by hand
		"jeep-demo-undeclared-tags.yaml": {7, 3, 7, 2, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := sharedtest.Dir(t, "samples", "threagile", name)
			data, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			opts := imported.Options{Name: filepath.Base(name), Files: os.DirFS(filepath.Dir(path))}
			got := must(t, string(data), opts)
			m := got.Model
			decided := 0
			for _, th := range m.Threats {
				if th.StatusReason != "" {
					decided++
				}
			}
			if diff := cmp.Diff(want, figures{len(m.Components), len(m.Assets), len(m.Flows), len(m.Zones), len(m.Threats), decided}); diff != "" {
				t.Errorf("Read(%s) (-want +got):\n%s", name, diff)
			}
			for _, f := range m.Flows {
				if f.From == "" || f.To == "" {
					t.Errorf("flow %s has a loose end", f.ID)
				}
			}
			for _, n := range got.Notes {
				if n.Level == imported.Refused {
					t.Errorf("Read(%s) refuses %s %s: %s", name, n.At, n.Where, n.Text)
				}
			}
			again := must(t, string(data), opts)
			if diff := cmp.Diff(got, again, cmp.AllowUnexported(imported.Import{})); diff != "" {
				t.Errorf("Read(%s) twice differs:\n%s", name, diff)
			}
		})
	}
}

func TestSplitSampleIsTheWholeOne(t *testing.T) {
	t.Parallel()
	dir := sharedtest.Dir(t, "samples", "threagile")
	whole, err := os.ReadFile(filepath.Join(dir, "threagile-demo-example.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	main, err := os.ReadFile(filepath.Join(dir, "split-includes", "main.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	one := must(t, string(whole), imported.Options{}).Model
	split := must(t, string(main), imported.Options{Files: os.DirFS(filepath.Join(dir, "split-includes"))}).Model
	for _, pair := range [][2][]string{{ids(one), ids(split)}} {
		if diff := cmp.Diff(pair[0], pair[1]); diff != "" {
			t.Errorf("ids of the whole and the split model (-whole +split):\n%s", diff)
		}
	}
}

func ids(m *model.Model) []string {
	set := map[string]bool{}
	for _, c := range m.Components {
		set[string(c.ID)+" "+c.Type+" "+string(c.Zone)] = true
	}
	for _, f := range m.Flows {
		set[string(f.ID)+" "+string(f.From)+" "+string(f.To)] = true
	}
	for _, x := range m.Threats {
		set[string(x.ID)+" "+x.Severity+" "+string(x.Status)] = true
	}
	return sorted(set)
}

func TestOlderDialect(t *testing.T) {
	t.Parallel()
	got := must(t, file(t, "dialect-0.9.yaml"), imported.Options{Name: "old.yaml"})
	m := got.Model
	shop := component(t, m, "Shop")
	if shop.Zone != "inner" || shop.Kind != model.Process || !cmp.Equal(shop.Processes, []model.AssetID{"orders"}) {
		t.Errorf("shop = %+v, want a process in zone inner that processes orders", shop)
	}
	db := component(t, m, "db")
	if db.Kind != model.Store || db.Attributes["encrypted"] != "yes" || !db.OutOfScope || db.OutOfScopeReason != "run by others" {
		t.Errorf("db = %+v, want an encrypted store out of scope", db)
	}
	if got, want := m.Assets[1].Value, (model.CIA{Confidentiality: 95, Integrity: 75, Availability: 30}); got != want {
		t.Errorf("value of orders = %v, want %v", got, want)
	}
	if z := m.Zones[0]; z.ID != "outer" || m.Zones[1].Parent != "outer" || !z.Guess {
		t.Errorf("zones = %+v, want inner in outer, guessed", m.Zones)
	}
	f := m.Flows[0]
	if f.ID != "Shop>store-orders" || f.To != "db" || f.Protocol != "jdbc" || f.Attributes["encrypted"] != "no" || f.Attributes["authenticated"] != "yes" {
		t.Errorf("flow = %+v", f)
	}
	for _, want := range []struct {
		level     imported.Level
		at, words string
	}{
		{imported.Guess, "old.yaml:30:", `tag "undeclared"`},
		{imported.Kept, "old.yaml:31:", `key "colour"`},
		{imported.Guess, "old.yaml:56:", "not say how far"},
		{imported.Refused, "old.yaml:61:", `"nobody" does not exist`},
		{imported.Guess, "old.yaml:46:", `"gone", which does not exist`},
	} {
		if !noted(got, want.level, want.at, want.words) {
			t.Errorf("no note %s at %s with %q in %+v", want.level, want.at, want.words, got.Notes)
		}
	}
	if !strings.Contains(string(shop.Extra[threagile.Key]), `"colour":"green"`) {
		t.Errorf("extra of shop = %s, want the unknown key kept", shop.Extra[threagile.Key])
	}
}

func TestDecisions(t *testing.T) {
	t.Parallel()
	got := must(t, file(t, "decisions.yaml"), imported.Options{Name: "d.yaml"})
	m := got.Model
	type row struct {
		Where              model.ElementID
		Severity           string
		Status             model.ThreatStatus
		Reason, Categories string
	}
	rows := map[string]row{}
	for _, x := range m.Threats {
		rows[x.Ref] = row{x.Where, x.Severity, x.Status, x.StatusReason, strings.Join(x.Categories, " ")}
	}
	want := map[string]row{
		"threagile/leaky@db/leak-one":                    {"db", "critical", model.Accepted, "fine with us (Ann, 2026-01-02, ticket T-1)", "stride:information-disclosure"},
		"threagile/leaky@db-archive/leak-two":            {"db-archive", "high", model.Open, "", "stride:information-disclosure"},
		"threagile/odd@app>ask@zone/three":               {"app>ask", "high", model.NotApplicable, "cannot happen", ""},
		"threagile/sql-nosql-injection@app@db@app>ask":   {"app", "tbd", model.Mitigated, "bound parameters", "stride:tampering"},
		"threagile/missing-hardening@*":                  {"product", "tbd", model.Open, "(in discussion)", "stride:tampering"},
		"threagile/unencrypted-asset@removed-long-since": {"product", "tbd", model.Accepted, "", "stride:information-disclosure"},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("threats (-want +got):\n%s", diff)
	}
	if len(m.Weaknesses) == 0 || m.Weaknesses[0].Origin != model.ByImport {
		t.Errorf("weaknesses = %+v", m.Weaknesses)
	}
	states := map[string]model.State{}
	for _, c := range m.Countermeasures {
		states[c.Ref] = c.State
	}
	wantStates := map[string]model.State{
		"threagile/leaky": model.Recommended, "threagile/odd": model.StateNotApplicable,
		"threagile/sql-nosql-injection@app@db@app>ask": model.Implemented, "threagile/requirement/encrypt": model.Required,
	}
	if diff := cmp.Diff(wantStates, states); diff != "" {
		t.Errorf("countermeasures (-want +got):\n%s", diff)
	}
	for _, want := range []struct {
		level     imported.Level
		at, words string
	}{
		{imported.Guess, "d.yaml:", "no end date"},
		{imported.Guess, "d.yaml:", "names no element"},
		{imported.Info, "d.yaml:", "its decision stands at app"},
		{imported.Guess, "d.yaml:", "elevated"},
		{imported.Info, "d.yaml:", "holds for 1 risk"},
	} {
		if !noted(got, want.level, want.at, want.words) {
			t.Errorf("no note %s at %s with %q in %+v", want.level, want.at, want.words, got.Notes)
		}
	}
}

func TestIncludes(t *testing.T) {
	t.Parallel()
	files := fstest.MapFS{
		"parts/assets.yaml":     {Data: []byte("technical_assets:\n  Web: {id: web, type: process, communication_links: {Ask: {target: db, protocol: https}}}\nincludes: [more/db.yaml]\n")},
		"parts/more/db.yaml":    {Data: []byte("technical_assets:\n  Base: {id: db, type: datastore}\n")},
		"parts/nothing.yaml":    {Data: []byte("# nothing yet\n")},
		"parts/broken.yaml":     {Data: []byte("title: [\n")},
		"parts/up.yaml":         {Data: []byte("includes: [../../etc/passwd]\n")},
		"parts/circle.yaml":     {Data: []byte("includes: [circle.yaml]\n")},
		"parts/deeper/loop.yml": {Data: []byte("includes: [../deeper/loop.yml]\n")},
	}
	opts := imported.Options{Name: "main.yaml", Files: files}
	m := must(t, "threagile_version: 1.0.0\ntitle: A\nincludes:\n  - parts/assets.yaml\n  - parts\\nothing.yaml\n", opts).Model
	if len(m.Components) != 2 || len(m.Flows) != 1 || m.Flows[0].To != "db" {
		t.Errorf("Read = %d components, %d flows, want 2 and 1 over two levels", len(m.Components), len(m.Flows))
	}
	if m := must(t, "threagile_version: 1.0.0\nincludes: [parts/circle.yaml, parts/deeper/loop.yml]\n", opts).Model; len(m.Components) != 0 {
		t.Errorf("a circle gives %d components, want none", len(m.Components))
	}
	for _, c := range []struct {
		name, include, at, words string
		files                    bool
	}{
		{"outside", "../secret.yaml", "main.yaml:2:12", "out of the model's folder", true},
		{"absolute", "/etc/passwd", "main.yaml:2:12", "out of the model's folder", true},
		{"drive", `C:\x.yaml`, "main.yaml:2:12", "out of the model's folder", true},
		{"missing", "absent.yaml", "main.yaml:2:12", "no such file", true},
		{"outside from inside", "parts/up.yaml", "parts/up.yaml:1:12", "out of the model's folder", true},
		{"broken", "parts/broken.yaml", "parts/broken.yaml:", "not YAML", true},
		{"no files", "parts/assets.yaml", "main.yaml:2:12", "was not given", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			opts := opts
			if !c.files {
				opts.Files = nil
			}
			_, err := read(t, "threagile_version: 1.0.0\nincludes: ['"+c.include+"']\n", opts)
			var f *fault.Error
			if !errors.As(err, &f) || len(f.Fields) != 1 {
				t.Fatalf("Read = %v, want one fault", err)
			}
			if where := f.Fields[0].Where; !strings.HasPrefix(where, c.at) || !strings.Contains(f.Fields[0].Text, c.words) {
				t.Errorf("Read = %s: %s, want %s with %q", where, f.Fields[0].Text, c.at, c.words)
			}
		})
	}
}

func TestArchive(t *testing.T) {
	t.Parallel()
	archive := func(files map[string]string) []byte {
		var b bytes.Buffer
		w := zip.NewWriter(&b)
		for _, name := range slices.Sorted(maps.Keys(files)) {
			f, err := w.Create(name)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Write([]byte(files[name])); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	a, ok := threagile.OpenArchive(archive(map[string]string{
		"model/a.yaml":        "technical_assets: {A: {id: a, type: process}}\n",
		"model/main.yaml":     "title: Zip\nthreagile_version: 1.0.0\nincludes: [a.yaml]\n",
		"model/old/main.yaml": "threagile_version: 1.0.0\n",
		"../escape.yaml":      "threagile_version: 1.0.0\n",
	}))
	if !ok {
		t.Fatal("OpenArchive = false, want the model")
	}
	got, err := a.Read(imported.Options{})
	if err != nil || got.Model.Product.Name != "Zip" || len(got.Model.Components) != 1 {
		t.Errorf("Read = %+v, %v, want Zip with a component", got, err)
	}
	a, ok = threagile.OpenArchive(archive(map[string]string{"secret.yaml": "a: b\n", "m/main.yaml": "threagile_version: 1.0.0\nincludes: [../secret.yaml]\n"}))
	if !ok {
		t.Fatal("OpenArchive = false, want the model")
	}
	if _, err := a.Read(imported.Options{}); err == nil || !strings.Contains(err.Error(), "out of the model's folder") {
		t.Errorf("Read of an include that leads out = %v, want a refusal", err)
	}
	if _, ok := threagile.OpenArchive([]byte("PK\x03\x04nothing")); ok {
		t.Error("OpenArchive of a broken archive = true, want false")
	}
	bomb := archive(map[string]string{
		"main.yaml": "threagile_version: 1.0.0\nincludes: [big.yaml]\n", "big.yaml": strings.Repeat(" ", imported.MaxBytes+10),
	})
	if a, ok = threagile.OpenArchive(bomb); !ok {
		t.Fatal("OpenArchive = false, want the model")
	}
	if _, err := a.Read(imported.Options{}); err == nil || !strings.Contains(err.Error(), "at most") {
		t.Errorf("Read of a bomb = %v, want too large", err)
	}
}

// A few lines of aliases stand for millions of entries; they are refused, soon.
func TestAliasesThatMultiply(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("threagile_version: 1.0.0\nx0: &x0 [" + strings.Repeat("a, ", 1000) + "b]\n")
	for i := 1; i < 10; i++ {
		b.WriteString("x" + string(rune('0'+i)) + ": &x" + string(rune('0'+i)) + " [" + strings.Repeat("*x"+string(rune('0'+i-1))+", ", 50) + "1]\n")
	}
	if _, err := read(t, b.String(), imported.Options{}); err == nil {
		t.Error("Read of multiplying aliases = nil, want an error")
	}
	if _, err := read(t, "threagile_version: 1.0.0\ntechnical_assets: &a\n  <<: *a\n  X: &b {<<: *b, id: x}\n", imported.Options{}); err != nil {
		t.Errorf("Read of a circle of aliases = %v, want what can be read", err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(file(f, "dialect-0.9.yaml"))
	f.Add(file(f, "decisions.yaml"))
	f.Add("threagile_version: 1\ntechnical_assets: {a: {id: a, communication_links: {b: {target: a}}}}\nrisk_tracking: {'*@*': }\n")
	f.Fuzz(func(t *testing.T, data string) {
		root, err := tlyaml.Parse([]byte(data), imported.Options{})
		if err != nil || !threagile.Detect(root) {
			return
		}
		got, err := threagile.Read(root, imported.Options{})
		if err != nil {
			var f *fault.Error
			if !errors.As(err, &f) || f.Code == "model.invalid" {
				t.Fatalf("Read = %v, want a fault of the file", err)
			}
			return
		}
		if err := model.Validate(got.Model); err != nil {
			t.Fatalf("Read gives a model that is not valid: %v", err)
		}
	})
}

func component(t *testing.T, m *model.Model, id model.ElementID) model.Component {
	t.Helper()
	for _, c := range m.Components {
		if c.ID == id {
			return c
		}
	}
	t.Fatalf("there is no component %s", id)
	return model.Component{}
}

func sorted(set map[string]bool) []string {
	return slices.Sorted(maps.Keys(set))
}

// TestSectionsAsLists checks that lists of named entries are read where Threagile
// has mappings by name, and that what is neither is refused at its line.
func TestSectionsAsLists(t *testing.T) {
	t.Parallel()
	got := must(t, file(t, "lists.yaml"), imported.Options{Name: "f"})
	var flows, parts, required []string
	for _, f := range got.Model.Flows {
		flows = append(flows, string(f.ID)+" "+f.Name+" "+string(f.To))
	}
	for _, c := range got.Model.Components {
		parts = append(parts, string(c.ID)+" "+c.Name+" "+string(c.Zone))
	}
	for _, c := range got.Model.Countermeasures {
		required = append(required, c.Title+": "+c.Description)
	}
	if diff := cmp.Diff([]string{"shop>store-orders Store orders orders", "shop>till till till"}, flows); diff != "" {
		t.Errorf("flows (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"shop Shop net", "orders Orders net", "till till net"}, parts); diff != "" {
		t.Errorf("components (-want +got):\n%s", diff)
	}
	slices.Sort(required)
	if diff := cmp.Diff([]string{"Encryption: on every way", "Input is checked: "}, required); diff != "" {
		t.Errorf("countermeasures (-want +got):\n%s", diff)
	}
	if !strings.Contains(got.Model.Product.Description, "**Who may order?** Customers.") {
		t.Errorf("description = %q, want the question with its answer", got.Model.Product.Description)
	}
	if len(got.Model.Weaknesses) != 1 || got.Model.Weaknesses[0].CWE != 200 || got.Counts.Threats != 1 {
		t.Errorf("weaknesses = %+v, %d threats, want CWE 200 and 1", got.Model.Weaknesses, got.Counts.Threats)
	}
	for at, words := range map[string]string{"f:10:": "abuse_cases is neither", "f:28:": "risks_identified is neither", "f:24:": `"orders" is no mapping`} {
		if !noted(got, imported.Refused, at, words) {
			t.Errorf("no note %q at %s: %+v", words, at, got.Notes)
		}
	}
	for _, n := range got.Notes {
		if n.Level == imported.Kept && strings.Contains(n.Text, `"title"`) {
			t.Errorf("note %+v on the key that said the name", n)
		}
	}
}

// TestTitles: what stands under its id is called by its title, as in the models that Threagile writes.
func TestTitles(t *testing.T) {
	t.Parallel()
	got := must(t, `threagile_version: 1.0.0
title: A
data_assets:
  orders: {id: orders, title: All orders}
technical_assets:
  web: {id: web, title: Web shop, type: process, communication_links: {to_db: {target: db, title: Books it}}}
  Base: {id: db, title: other, type: datastore}
trust_boundaries:
  net: {id: net, title: Inner network, type: network-on-prem, technical_assets_inside: [web]}
`, imported.Options{Name: "f"})
	m := got.Model
	names := []string{m.Assets[0].Name, m.Components[0].Name, m.Components[1].Name, m.Zones[0].Name, m.Flows[0].Name, string(m.Flows[0].ID)}
	if diff := cmp.Diff([]string{"All orders", "Web shop", "Base", "Inner network", "Books it", "web>to-db"}, names); diff != "" {
		t.Errorf("names (-want +got):\n%s", diff)
	}
	kept := 0
	for _, n := range got.Notes {
		if n.Level == imported.Kept && strings.Contains(n.Text, `"title"`) {
			kept++
		}
	}
	if kept != 1 {
		t.Errorf("%d notes on titles that are kept, want the one of Base: %+v", kept, got.Notes)
	}
}

// TestByName reads references that name what they mean otherwise than by its id.
func TestByName(t *testing.T) {
	t.Parallel()
	got := must(t, `threagile_version: 1.0.0
title: A
data_assets:
  Credit_Card_Data: {usage: business, confidentiality: confidential}
  Orders: {id: ord, confidentiality: internal}
technical_assets:
  Payment_API: {type: process, data_assets_processed: [Credit_Card_Data, orders, ord]}
  Card Store: {id: db, type: datastore, data_assets_stored: [nothing]}
trust_boundaries:
  Outer: {id: o, type: network-on-prem, trust_boundaries_nested: [Inner]}
  Inner: {id: i, type: network-on-prem, technical_assets_inside: [Card Store, nobody]}
communication_links:
  Charge: {source: Payment_API, target: Card_Store, protocol: https}
`, imported.Options{Name: "f"})
	m := got.Model
	if diff := cmp.Diff([]model.AssetID{"credit-card-data", "ord"}, m.Components[0].Processes); diff != "" {
		t.Errorf("data assets (-want +got):\n%s", diff)
	}
	if len(m.Flows) != 1 || m.Flows[0].From != "payment-api" || m.Flows[0].To != "db" {
		t.Errorf("flows = %+v, want one from payment-api to db", m.Flows)
	}
	if m.Components[1].Zone != "i" || m.Zones[1].Parent != "o" {
		t.Errorf("zone %q in %q, want i in o", m.Components[1].Zone, m.Zones[1].Parent)
	}
	for at, words := range map[string]string{"f:4:": "has no id", "f:7:56": `"Credit_Card_Data" is no id but the name of credit-card-data`, "f:7:74": `"orders" is no id but the name of ord`, "f:13:41": `"Card_Store" is no id but the name of db`} {
		if !noted(got, imported.Guess, at, words) {
			t.Errorf("no note %q at %s: %+v", words, at, got.Notes)
		}
	}
	for at, words := range map[string]string{"f:8:": `"nothing" does not exist`, "f:11:": `"nobody" does not exist`} {
		if !noted(got, imported.Refused, at, words) {
			t.Errorf("no note %q at %s: %+v", words, at, got.Notes)
		}
	}
}

// TestLinksApart reads links that stand beside the assets, as other programs write them.
func TestLinksApart(t *testing.T) {
	t.Parallel()
	const assets = "threagile_version: 1.0.0\ntitle: x\ntechnical_assets:\n  Web: {id: web, type: process}\n  Database: {id: db, type: datastore}\n"
	for name, links := range map[string]string{
		"a mapping": "communication_links:\n  Ask: {source_id: web, target_id: db, protocol: https}\n  Lost: {source_id: nobody, target_id: db}\n",
		"a list":    "data_flows:\n  - {id: Ask, source: web, target: db, protocol: https}\n  - {id: Lost, source: nobody, target: db}\n",
	} {
		got, err := read(t, assets+links, imported.Options{})
		if err != nil {
			t.Fatalf("%s: Read = %v", name, err)
		}
		if f := got.Model.Flows; len(f) != 1 || f[0].Name != "Ask" || f[0].From == "" || f[0].To == "" || f[0].From == f[0].To || f[0].Protocol != "https" {
			t.Errorf("%s: flows = %+v, want the one from web to db", name, f)
		}
		levels := map[imported.Level]bool{}
		for _, n := range got.Notes {
			if strings.Contains(n.Text, "beside the technical assets") && n.At != "" {
				levels[n.Level] = true
			}
		}
		if !levels[imported.Guess] || !levels[imported.Refused] {
			t.Errorf("%s: notes = %+v, want one on what is taken and one on what leads from nowhere, by line", name, got.Notes)
		}
	}
}

// TestOtherSpellings: keys as generators of Threagile's files spell them are read.
func TestOtherSpellings(t *testing.T) {
	t.Parallel()
	i := must(t, "threagile_version: 1.0.0\ntitle: x\ntechnical_assets:\n  A:\n    id: a\n    type: process\n    multitenant: true\n    communication_links:\n      l:\n        target: b\n        ipFiltered: true\n  B:\n    id: b\n    type: process\n", imported.Options{})
	if got := i.Model.Components[0].Attributes["multi_tenant"]; got != "yes" {
		t.Errorf("multi_tenant = %q, want yes", got)
	}
	for _, n := range i.Notes {
		if n.Level == imported.Kept {
			t.Errorf("note %q, want none on keys that are read", n.Text)
		}
	}
}
