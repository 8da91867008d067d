package tm7_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/tm7"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/sharedtest"
)

func file(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func read(t *testing.T, name string, data []byte) *imported.Import {
	t.Helper()
	if !tm7.Detect(data[:min(len(data), 64<<10)]) {
		t.Fatalf("Detect(%s) = false, want true", name)
	}
	i, err := tm7.Read(data, imported.Options{Name: name})
	if err != nil {
		t.Fatalf("Read = %v", err)
	}
	return i
}

// samples are the public models beside the repository, with the counts of their
// SOURCES.md, and the statuses of the threats.
var samples = []struct {
	file             string
	counts           imported.Counts
	zones, suggested int
	statuses         map[model.ThreatStatus]int
}{
	{"ms-tm-file-parser-sample2.tm7", imported.Counts{Diagrams: 1, Actor: 2, Store: 11, Flow: 2, Boundary: 5, Threats: 15}, 4, 15, map[model.ThreatStatus]int{model.Open: 15}},
	{"threatmodel-sdk-mstam2016.tm7", imported.Counts{Diagrams: 1, Process: 2, Store: 1, Flow: 2, Boundary: 1, Threats: 13}, 0, 9, map[model.ThreatStatus]int{model.Open: 10, model.NotApplicable: 2, model.Mitigated: 1}},
	{"startleft-MTMT_nested_tz.tm7", imported.Counts{Diagrams: 1, Process: 2, Store: 2, Flow: 3, Boundary: 3, Threats: 16}, 2, 16, map[model.ThreatStatus]int{model.Open: 16}},
	{"threatforge-tmt-4.3-sample.tm7", imported.Counts{Diagrams: 1, Actor: 1, Process: 4, Store: 1, Flow: 3, Boundary: 2, Threats: 4}, 1, 1, map[model.ThreatStatus]int{model.Open: 2, model.NotApplicable: 1, model.Mitigated: 1}},
}

func TestSamples(t *testing.T) {
	t.Parallel()
	dir := sharedtest.Dir(t, "samples", "tm7")
	for _, want := range samples {
		t.Run(want.file, func(t *testing.T) {
			t.Parallel()
			data := file(t, filepath.Join(dir, want.file))
			i := read(t, want.file, data)
			if diff := cmp.Diff(want.counts, i.Counts); diff != "" {
				t.Errorf("counts (-want +got):\n%s", diff)
			}
			statuses, suggested := map[model.ThreatStatus]int{}, 0
			for _, th := range i.Model.Threats {
				statuses[th.Status]++
				if th.StatusReason == tm7.Suggested {
					suggested++
				}
				if len(th.Categories) != 1 {
					t.Errorf("threat %q has the categories %v, want one", th.Title, th.Categories)
				}
				if strings.Contains(th.Title+th.Description, "{source") {
					t.Errorf("threat %q still has places for names", th.Title)
				}
			}
			if diff := cmp.Diff(want.statuses, statuses); diff != "" {
				t.Errorf("statuses (-want +got):\n%s", diff)
			}
			if suggested != want.suggested || len(i.Model.Zones) != want.zones {
				t.Errorf("%d suggested threats, %d zones, want %d, %d", suggested, len(i.Model.Zones), want.suggested, want.zones)
			}
			kept, err := json.Marshal(i.Model)
			if err != nil || len(kept) > 100<<10 {
				t.Errorf("the model has %d bytes, want no template in it (%v)", len(kept), err)
			}
			for _, n := range i.Notes {
				t.Logf("%-8s %-14s %s: %s", n.Level, n.At, n.Where, n.Text)
			}
			again := read(t, want.file, data)
			if diff := cmp.Diff(i, again, cmpopts.IgnoreUnexported(imported.Import{})); diff != "" {
				t.Errorf("reading again (-first +second):\n%s", diff)
			}
		})
	}
}

func counter(t *testing.T) (*imported.Import, map[model.ElementID]any) {
	t.Helper()
	i := read(t, "models/counter.tm7", file(t, "testdata/counter.tm7"))
	all := map[model.ElementID]any{}
	for _, z := range i.Model.Zones {
		all[z.ID] = z
	}
	for _, c := range i.Model.Components {
		all[c.ID] = c
	}
	for _, f := range i.Model.Flows {
		all[f.ID] = f
	}
	return i, all
}

func TestDrawing(t *testing.T) {
	t.Parallel()
	i, all := counter(t)
	m := i.Model
	if m.Product.Name != "counter" || m.Product.Owner != "Ada" || m.Product.Description != "A shop." {
		t.Errorf("product = %+v, want one named after the file, of Ada", m.Product)
	}
	if len(m.Diagrams) != 2 || m.Diagrams[0].Title != "Counter" || m.Diagrams[1].Title != "Again" {
		t.Errorf("diagrams = %+v, want Counter and Again", m.Diagrams)
	}
	if z := all["z-in"].(model.Zone); z.Parent != "z-out" || !z.Guess || z.Trust != 50 {
		t.Errorf("zone z-in = %+v, want it inside z-out with a guessed trust", z)
	}
	if c := all["keys"].(model.Component); c.Zone != "z-in" || c.Kind != model.Store || c.Name != "Key store" || !cmp.Equal(c.Attributes, map[string]string{"encrypted": "yes"}) {
		t.Errorf("component keys = %+v, want an encrypted store named after its stencil, inside z-in", c)
	}
	if c := all["app"].(model.Component); c.Zone != "z-out" || c.Name != "Till & more" || c.Kind != model.Process {
		t.Errorf("component app = %+v, want Till & more inside z-out", c)
	}
	if c := all["old"].(model.Component); !c.OutOfScope || c.OutOfScopeReason != "switched off in spring" {
		t.Errorf("component old = %+v, want out of scope with its reason", c)
	}
	if c := all["user"].(model.Component); c.Kind != model.Actor || c.Zone != "" {
		t.Errorf("component user = %+v, want an actor outside", c)
	}
	if f := all["f1"].(model.Flow); f.From != "user" || f.To != "app" || f.Protocol != "HTTPS" || f.Attributes["encrypted"] != "yes" || !cmp.Equal(f.Crosses, []model.ElementID{"wall"}) || len(f.Vertices) != 0 {
		t.Errorf("flow f1 = %+v, want encrypted HTTPS over the wall, straight", f)
	}
	if f := all["f2"].(model.Flow); f.Name != "Till & more to Key store" || len(f.Crosses) != 0 || len(f.Vertices) != 1 {
		t.Errorf("flow f2 = %+v, want one named after its ends, bent, over no line", f)
	}
	if f := all["f3"].(model.Flow); f.From != "old" || f.To != "" || f.ToPoint == nil || f.ToPoint.X != 550 {
		t.Errorf("flow f3 = %+v, want a loose end at 550", f)
	}
	if f := all["f4"].(model.Flow); f.From != "" || f.FromPoint == nil || f.To != "old" {
		t.Errorf("flow f4 = %+v, want a loose begin", f)
	}
	if len(m.Texts) != 1 || m.Texts[0].Text != "remember the milk" || len(m.Curves) != 1 || len(m.Curves[0].Points) != 5 {
		t.Errorf("texts %+v, curves %+v, want the note and the bent wall", m.Texts, m.Curves)
	}
	if len(m.Components) != 5 || m.Components[4].ID == "app" || m.Components[4].Diagram != "d2" {
		t.Errorf("components = %+v, want a fifth with an id of its own in d2", m.Components)
	}
}

func TestThreats(t *testing.T) {
	t.Parallel()
	i, _ := counter(t)
	m := i.Model
	type short struct {
		Where                          model.ElementID
		Category, Severity, Reason, Do string
		Status                         model.ThreatStatus
		State                          model.State
	}
	cures := map[model.ThreatID]model.Countermeasure{}
	for _, l := range m.Links {
		for _, c := range m.Countermeasures {
			if c.ID == l.Countermeasure && l.Share == 100 {
				cures[l.Threat] = c
			}
		}
	}
	got := map[string]short{}
	for _, th := range m.Threats {
		c := cures[th.ID]
		got[th.Title] = short{th.Where, strings.Join(th.Categories, ","), th.Severity, th.StatusReason, c.Title, th.Status, c.State}
		if th.Title == "Takeover of Till & more" && th.Description != "Till & more can be taken over by Clerk over Order; {flow.other} stays." {
			t.Errorf("description = %q, want the template's words with the names", th.Description)
		}
	}
	want := map[string]short{
		"Takeover of Till & more": {"f1", "stride:elevation-of-privilege", "high", tm7.Suggested, "Sign it", model.Open, model.Recommended},
		"Tampered keys":           {"f2", "stride:tampering", "critical", "", "Keys are sealed", model.Mitigated, model.Implemented},
		"Denied deed":             {"f2", "stride:repudiation", "low", "no person acts here", "", model.NotApplicable, ""},
		"Made by hand":            {"f3", "", "tbd", "needs investigation", "", model.Open, ""},
		"Lost threat":             {"product", "stride:denial-of-service", "tbd", "", "Turn it off", model.Mitigated, model.Implemented},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("threats (-want +got):\n%s", diff)
	}
	for _, c := range m.Countermeasures {
		if strings.Contains(c.Description, "<a") {
			t.Errorf("countermeasure %q has HTML in it: %q", c.Title, c.Description)
		}
	}
}

// TestOtherWords reads properties by the ids of the tool's templates where they are shown otherwise.
func TestOtherWords(t *testing.T) {
	t.Parallel()
	text := string(file(t, "testdata/counter.tm7"))
	for from, to := range map[string]string{
		"<b:DisplayName>Provides Confidentiality</b:DisplayName><b:Name>x<": "<b:DisplayName>Vertraulich</b:DisplayName><b:Name>providesConfidentiality<",
		"<b:DisplayName>Encrypted</b:DisplayName><b:Name>x<":                "<b:DisplayName>Enthält Passwörter</b:DisplayName><b:Name>storesCredentials<",
	} {
		if !strings.Contains(text, from) {
			t.Fatalf("the fixture has no %q", from)
		}
		text = strings.Replace(text, from, to, 1)
	}
	m := read(t, "counter.tm7", []byte(text)).Model
	for _, f := range m.Flows {
		if f.ID == "f1" && f.Attributes["encrypted"] != "yes" {
			t.Errorf("flow f1 = %+v, want it encrypted", f)
		}
	}
	for _, c := range m.Components {
		if c.ID == "keys" && !cmp.Equal(c.Attributes, map[string]string{"stores_credentials": "yes"}) {
			t.Errorf("component keys = %+v, want credentials in it", c)
		}
	}
}

// TestFlowGone: a threat whose flow is not drawn stands at an end of it, as a note says.
func TestFlowGone(t *testing.T) {
	t.Parallel()
	text := strings.Replace(string(file(t, "testdata/counter.tm7")), "<b:FlowGuid>f1<", "<b:FlowGuid>gone<", 1)
	text = strings.Replace(text, "<Note><Id>1<", "<Note><AddedBy>Bo</AddedBy><Date>2024-05-01T00:00:00</Date><Id>1<", 1)
	i := read(t, "counter.tm7", []byte(text))
	for _, th := range i.Model.Threats {
		if th.Number == 1 && th.Where != "app" {
			t.Errorf("threat 1 stands at %s, want its target app", th.Where)
		}
	}
	if !slices.ContainsFunc(i.Notes, func(n imported.Note) bool {
		return n.Level == imported.Guess && n.Where == "threat 1" && n.Text == `its flow "gone" is not drawn; it stands at Till & more`
	}) {
		t.Errorf("notes = %+v, want one on the flow that is gone", i.Notes)
	}
	if raw := string(i.Model.Product.Extra[tm7.Key]); !strings.Contains(raw, "ask the guard (Bo 2024-05-01T00:00:00)") {
		t.Errorf("extra = %s, want who said it", raw)
	}
}

func TestNotes(t *testing.T) {
	t.Parallel()
	i, _ := counter(t)
	var refused []string
	for _, n := range i.Notes {
		if n.Level == imported.Refused || n.Level == imported.Kept {
			refused = append(refused, string(n.Level)+" "+n.At+" "+n.Where+": "+n.Text)
		}
	}
	want := []string{
		`refused models/counter.tm7:36:357 flow f3 (Sweep): its target "gone" is no element of this diagram; the end is loose`,
		`kept models/counter.tm7:67:12 threat 4: the category "Lateral Movement" is of no methodology known here and is kept as written`,
		`refused models/counter.tm7:74:2 file: <Plugin> has no meaning here and is not in the model`,
	}
	if diff := cmp.Diff(want, refused); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	const open = `<ThreatModel xmlns="http://schemas.datacontract.org/2004/07/ThreatModeling.Model">`
	for name, c := range map[string]struct{ file, at, text string }{
		"template":   {"\n<KnowledgeBase xmlns=\"http://schemas.datacontract.org/2004/07/ThreatModeling.KnowledgeBase\"/>", "in:2:1", "is a template of the Microsoft Threat Modeling Tool (.tb7), which holds no model; expected a model (.tm7), whose root is <ThreatModel>"},
		"empty":      {open + "</ThreatModel>", "in:1:1", "has no <DrawingSurfaceList>, in which the diagrams stand"},
		"cut off":    {open + "<DrawingSurfaceList>\n<DrawingSurf", "in:2:13", "the file ends in the middle: it is cut off"},
		"other root": {strings.Replace(open, "<ThreatModel", "<Model", 1) + "</Model>", "in:1:1", "the root is <Model>, expected <ThreatModel> of the Microsoft Threat Modeling Tool"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := tm7.Read([]byte(c.file), imported.Options{Name: "in"})
			f := fault.As(err)
			if f == nil || len(f.Fields) != 1 || f.Fields[0].Where != c.at || f.Fields[0].Text != c.text {
				t.Errorf("Read = %v, want %s: %s", err, c.at, c.text)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add(file(f, "testdata/counter.tm7"))
	f.Fuzz(func(t *testing.T, data []byte) {
		i, err := tm7.Read(data, imported.Options{})
		if err != nil {
			if fault.As(err) == nil {
				t.Fatalf("Read = %v, want a fault", err)
			}
			return
		}
		if err := model.Validate(i.Model); err != nil {
			t.Fatalf("the model that Read returned is not valid: %v", err)
		}
	})
}
