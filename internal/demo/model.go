package demo

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// define is step 1: a product from a questionnaire's answers and a Threat Dragon file.
func (t *tour) define() error {
	data, err := File("answers.json")
	if err != nil {
		return err
	}
	var in struct {
		Name          string         `json:"name"`
		Description   string         `json:"description"`
		Questionnaire string         `json:"questionnaire"`
		Answers       map[string]any `json:"answers"`
	}
	if err := json.Unmarshal(data, &in); err != nil {
		return fmt.Errorf("read answers.json: %w", err)
	}
	in.Name, in.Description = "Parcel desk", "A small shop for parcel labels, made up for the demo."
	var p product
	if err := t.post("/products", in, &p); err != nil {
		return err
	}
	t.product = p.ID
	t.p.line("%s: %d answers to the questionnaire %q", p.Name, len(in.Answers), in.Questionnaire)

	diagram, err := File("diagram.json")
	if err != nil {
		return err
	}
	var imported struct {
		Format   string         `json:"format"`
		Diagrams int            `json:"diagrams"`
		Elements map[string]int `json:"elements"`
		Threats  int            `json:"threats"`
	}
	if err := t.Client.Upload(t.ctx, t.at("/imports?name=diagram.json"), "application/octet-stream", bytes.NewReader(diagram), nil, &imported); err != nil {
		return err
	}
	e := imported.Elements
	t.p.line("diagram.json, %s: %s, %s, %s, %s, %s of its own", imported.Format, count(e["actor"], "actor", "actors"), count(e["process"], "process", "processes"),
		count(e["store"], "store", "stores"), count(e["flow"], "flow", "flows"), count(imported.Threats, "threat", "threats"))

	var stored struct {
		Model struct {
			Product    struct{ Questionnaire string }
			Answers    []any
			Components []map[string]any
			Flows      []any
		}
	}
	if err := t.get(t.at("/model"), &stored); err != nil {
		return err
	}
	m := stored.Model
	if len(m.Answers) != len(in.Answers) || m.Product.Questionnaire != in.Questionnaire || len(m.Flows) != e["flow"] ||
		len(m.Components) != e["actor"]+e["process"]+e["store"] {
		return expected("the answers and the diagram's elements in the model", "it has %d answers, %d components and %d flows", len(m.Answers), len(m.Components), len(m.Flows))
	}
	i := slices.IndexFunc(m.Components, func(c map[string]any) bool { return c["name"] == followedPlace })
	if i < 0 {
		return expected("a component "+followedPlace, "the diagram brought none")
	}
	m.Components[i]["locations"] = []string{followedLocation}
	if err := t.put(t.at("/elements/components/"+url.PathEscape(fmt.Sprint(m.Components[i]["id"]))), m.Components[i], nil); err != nil {
		return err
	}
	t.p.line("%s runs at %s: scanners' findings there are about it", followedPlace, followedLocation)
	_, err = t.show()
	return err
}

type planItem struct {
	Action string `json:"action"`
	Kind   string `json:"kind"`
	Title  string `json:"title"`
	Where  string `json:"where"`
	Why    []why  `json:"why"`
}

type plan struct {
	To     string         `json:"to"`
	Counts map[string]int `json:"counts"`
	Items  []planItem     `json:"items"`
}

// generate is step 2: the plan with reasons, then applied.
func (t *tour) generate() error {
	var pl plan
	if err := t.get(t.at("/plan"), &pl); err != nil {
		return err
	}
	kinds := map[string]int{}
	for _, i := range pl.Items {
		if i.Action == "add" {
			kinds[i.Kind]++
		}
		if (i.Kind == "threat" || i.Kind == "weakness" || i.Kind == "countermeasure") && i.Action == "add" && (len(i.Why) == 0 || i.Why[0].Text == "") {
			return expected("a reason for everything that is generated", "the %s %q has none", i.Kind, i.Title)
		}
	}
	if kinds["threat"] == 0 || kinds["weakness"] == 0 || kinds["countermeasure"] == 0 {
		return expected("threats, weaknesses and countermeasures in the plan", "it adds %d, %d and %d", kinds["threat"], kinds["weakness"], kinds["countermeasure"])
	}
	t.p.line("the plan of library %s adds %d threats, %d weaknesses, %d countermeasures and %d links between them; for example", pl.To,
		kinds["threat"], kinds["weakness"], kinds["countermeasure"], kinds["link"])
	for _, i := range examples(pl.Items) {
		t.p.line("+ %s: %s", i.Kind, i.Title)
		t.p.reason("because: %s", i.Why[0].Text)
	}

	var applied struct {
		Applied int `json:"applied"`
		Left    int `json:"left"`
	}
	if err := t.post(t.at("/plan"), map[string]bool{"all": true}, &applied); err != nil {
		return err
	}
	if applied.Applied == 0 || applied.Left != 0 {
		return expected("the whole plan to be applied", "%d steps were and %d are left", applied.Applied, applied.Left)
	}
	if err := t.follow(); err != nil {
		return err
	}
	cms, err := t.countermeasures()
	if err != nil {
		return err
	}
	states := map[string]int{}
	for _, c := range cms {
		states[c.State]++
		if c.Origin == "rule" && len(c.Why) == 0 {
			return expected("a reason for every countermeasure", "%q has none", c.Title)
		}
	}
	if states["required"] == 0 || states["recommended"] == 0 {
		return expected("countermeasures both required and recommended", "%d are required and %d recommended", states["required"], states["recommended"])
	}
	t.p.line("applied: %d countermeasures are required, %d recommended", states["required"], states["recommended"])
	if t.planned, err = t.show(); err != nil {
		return err
	}
	if r := t.planned.threatExact; r.Inherent <= 0 || r.Projected >= r.Current {
		return expected("a rating of the SQL injection that the planned work lowers", "inherent is %.1f, current %.1f, projected %.1f", r.Inherent, r.Current, r.Projected)
	}
	return nil
}

// examples picks one item of each kind that belong together: what SQL injection brings.
func examples(items []planItem) []planItem {
	var out []planItem
	for _, kind := range []string{"threat", "weakness", "countermeasure"} {
		fits := func(i planItem) bool { return i.Kind == kind && i.Action == "add" && len(i.Why) > 0 }
		n := slices.IndexFunc(items, func(i planItem) bool { return fits(i) && i.Why[0].Pattern == "sql-injection" })
		if n < 0 {
			n = slices.IndexFunc(items, fits)
		}
		if n >= 0 {
			out = append(out, items[n])
		}
	}
	return out
}

// recommended returns the first recommended countermeasure that a rule brought, by ref and place.
func recommended(cms []countermeasure) (countermeasure, bool) {
	var fit []countermeasure
	for _, c := range cms {
		if c.State == "recommended" && c.Origin == "rule" {
			fit = append(fit, c)
		}
	}
	slices.SortFunc(fit, func(a, b countermeasure) int {
		return cmp.Or(strings.Compare(a.Ref, b.Ref), strings.Compare(a.WhereName, b.WhereName))
	})
	if len(fit) == 0 {
		return countermeasure{}, false
	}
	return fit[0], true
}
