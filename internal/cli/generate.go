package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/interchange"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/risk"
)

type generateCmd struct {
	File    string `arg:"" help:"Model file of any kind that model show reads, or answers to a questionnaire (JSON, YAML); - is standard input."`
	Library string `help:"Library to generate by: a folder, a zip, one YAML file, built-in, or a pile of these joined by +, such as built-in+ours; without it the one inside this program." placeholder:"LIBRARY" env:"THREATLOOP_LIBRARY"`
	JSON    bool   `help:"Print JSON." name:"json"`
	YAML    bool   `help:"Print the whole model as Threatloop YAML, to be kept in git." name:"yaml" xor:"form"`
	Explain string `help:"Say how the ratings of a threat come about: its id, its ref, or all." placeholder:"THREAT" xor:"form"`
}

// generated is what `generate --json` prints: the threats that the library and
// the file bring, with their ratings before any evidence. See docs/json.md.
type generated struct {
	Library         string                    `json:"library"`
	Product         generatedProduct          `json:"product"`
	Threats         []generatedThreat         `json:"threats"`
	Weaknesses      []generatedWeakness       `json:"weaknesses"`
	Countermeasures []generatedCountermeasure `json:"countermeasures"`
	Notes           []interchange.Note        `json:"notes"`
}

type generatedProduct struct {
	Name    string       `json:"name"`
	Highest risk.Figures `json:"highest"` // per rating the highest of an open threat
	Sum     risk.Figures `json:"sum"`
	Band    risk.Band    `json:"band"`
}

// place says where a thing stands, for people: the element's name beside its id.
type place struct {
	Where     model.ElementID `json:"where"`
	WhereName string          `json:"where_name"`
}

// reason says why a thing is there. Rule is empty for what the file brought.
type reason struct {
	Rule    string       `json:"rule,omitempty"`
	Pattern string       `json:"pattern,omitempty"`
	Text    string       `json:"text"`
	Facts   []model.Fact `json:"facts,omitempty"`
}

type generatedThreat struct {
	ID    model.ThreatID `json:"id"`
	Ref   string         `json:"ref"`
	Title string         `json:"title"`
	place
	Categories      []string                 `json:"categories"`
	CAPEC           []int                    `json:"capec,omitempty"`
	Status          model.ThreatStatus       `json:"status"`
	Ratings         risk.Figures             `json:"ratings"`
	Band            risk.Band                `json:"band"` // of the current rating
	Flags           []risk.Flag              `json:"flags,omitempty"`
	Weaknesses      []model.WeaknessID       `json:"weaknesses"`
	Countermeasures []model.CountermeasureID `json:"countermeasures"`
	Reasons         []reason                 `json:"reasons"`
}

type generatedWeakness struct {
	ID    model.WeaknessID `json:"id"`
	Ref   string           `json:"ref"`
	Title string           `json:"title"`
	place
	CWE     int      `json:"cwe,omitempty"`
	Reasons []reason `json:"reasons"`
}

type generatedCountermeasure struct {
	ID    model.CountermeasureID `json:"id"`
	Ref   string                 `json:"ref"`
	Title string                 `json:"title"`
	place
	State     model.State    `json:"state"`
	Standards []model.Clause `json:"standards,omitempty"`
	Cost      *model.Cost    `json:"cost,omitempty"`
	Reasons   []reason       `json:"reasons"`
}

// Run generates the model and prints it.
func (c *generateCmd) Run(_ context.Context, env *Env) error {
	lib, err := loadLibrary(c.Library)
	if err != nil {
		return err
	}
	data, err := readModelFile(env, c.File)
	if err != nil {
		return err
	}
	opts, done := modelOptions(c.File)
	defer done()
	opts.GuessType = interchange.GuessType(lib)
	i, err := interchange.Read(data, opts)
	if err != nil {
		return err
	}
	m, notes, err := generateModel(i, lib, env.Now())
	if err != nil {
		return err
	}
	if c.Explain != "" {
		return explain(env.Stdout, m, c.Explain)
	}
	if c.YAML {
		text, err := interchange.Write(m)
		if err != nil {
			return err
		}
		_, err = env.Stdout.Write(text)
		return err
	}
	out := describe(m, lib.Stamp(), notes)
	if c.JSON {
		return printJSON(env.Stdout, out)
	}
	return printGenerated(env, m, out)
}

// generateModel applies to what was read the whole plan of what the library wants of it.
func generateModel(i *interchange.Import, lib *library.Library, now time.Time) (*model.Model, []interchange.Note, error) {
	m := i.Model
	if q := m.Product.Questionnaire; q != "" && lib.Questionnaire(q) == nil {
		names := make([]string, 0, len(lib.Questionnaires))
		for _, known := range lib.Questionnaires {
			names = append(names, known.Ref)
		}
		return nil, nil, fault.New(fault.Invalid, "generate.questionnaire", "the library has no questionnaire %q, only %s", q, strings.Join(names, ", "))
	}
	wanted, err := generate.Desired(m, lib)
	if err != nil {
		return nil, nil, err
	}
	m = generate.Fulfil(m, wanted, now)
	notes := slices.Clone(i.Notes)
	for _, n := range wanted.Notes {
		notes = append(notes, interchange.Note{Level: "refused", Where: n.Where, Text: n.Text})
	}
	return m, notes, nil
}

// explain prints how the ratings of the named threats come about.
func explain(w io.Writer, m *model.Model, which string) error {
	found := false
	for i := range m.Threats {
		t := &m.Threats[i]
		if which != "all" && which != string(t.ID) && which != t.Ref {
			continue
		}
		e, err := risk.Explain(m, model.Verdicts{}, risk.Settings{}, t.ID)
		if err != nil {
			return err
		}
		text := printable(e.Title) + "\n"
		for _, line := range e.Lines {
			text += "  " + printable(line) + "\n"
		}
		if _, err := io.WriteString(w, text); err != nil {
			return err
		}
		if _, err := fmt.Fprintln(w); err != nil {
			return err
		}
		found = true
	}
	if !found {
		return fault.New(fault.NotFound, "threat.not_found", "there is no threat %q in the generated model; --json lists their ids and refs", which)
	}
	return nil
}

func describe(m *model.Model, stamp string, notes []interchange.Note) generated {
	ratings := risk.Rate(m, model.Verdicts{}, risk.Settings{})
	names := elementNames(m)
	at := func(id model.ElementID) place { return place{id, names[id]} }
	weaknesses, countermeasures := map[model.ThreatID][]model.WeaknessID{}, map[model.ThreatID][]model.CountermeasureID{}
	for _, l := range m.Links {
		if l.Retired != nil {
			continue
		}
		if l.Weakness != "" && !slices.Contains(weaknesses[l.Threat], l.Weakness) {
			weaknesses[l.Threat] = append(weaknesses[l.Threat], l.Weakness)
		}
		if l.Countermeasure != "" && !slices.Contains(countermeasures[l.Threat], l.Countermeasure) {
			countermeasures[l.Threat] = append(countermeasures[l.Threat], l.Countermeasure)
		}
	}
	out := generated{
		Library: stamp,
		Product: generatedProduct{
			Name: m.Product.Name, Highest: ratings.Summary.Open.Highest, Sum: ratings.Summary.Open.Sum, Band: ratings.Summary.Band,
		},
		Threats: []generatedThreat{}, Weaknesses: []generatedWeakness{}, Countermeasures: []generatedCountermeasure{}, Notes: notes,
	}
	if out.Notes == nil {
		out.Notes = []interchange.Note{}
	}
	for i := range m.Threats {
		t := &m.Threats[i]
		r, ok := ratings.Threat(t.ID)
		if !ok {
			continue
		}
		slices.Sort(weaknesses[t.ID])
		slices.Sort(countermeasures[t.ID])
		out.Threats = append(out.Threats, generatedThreat{
			ID: t.ID, Ref: t.Ref, Title: t.Title, place: at(t.Where), Categories: orEmpty(t.Categories), CAPEC: t.CAPEC, Status: t.Status,
			Ratings: r.Figures, Band: r.Band, Flags: r.Flags,
			Weaknesses: orEmpty(weaknesses[t.ID]), Countermeasures: orEmpty(countermeasures[t.ID]), Reasons: reasons(t.Why, t.Origin),
		})
	}
	for i := range m.Weaknesses {
		if w := &m.Weaknesses[i]; w.Retired == nil {
			out.Weaknesses = append(out.Weaknesses, generatedWeakness{w.ID, w.Ref, w.Title, at(w.Where), w.CWE, reasons(w.Why, w.Origin)})
		}
	}
	for i := range m.Countermeasures {
		if c := &m.Countermeasures[i]; c.Retired == nil {
			out.Countermeasures = append(out.Countermeasures, generatedCountermeasure{
				c.ID, c.Ref, c.Title, at(c.Where), c.State, c.Standards, c.Cost, reasons(c.Why, c.Origin),
			})
		}
	}
	return out
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func reasons(why []model.Why, origin model.Origin) []reason {
	list := make([]reason, 0, len(why))
	for _, w := range why {
		list = append(list, reason{w.Rule, w.Pattern, w.Text, w.Facts})
	}
	switch {
	case len(list) > 0:
	case origin == model.ByImport:
		list = append(list, reason{Text: "it stands in the file"})
	default:
		list = append(list, reason{Text: "a person added it"})
	}
	return list
}

func elementNames(m *model.Model) map[model.ElementID]string {
	names := map[model.ElementID]string{model.AtProduct: m.Product.Name}
	for i := range m.Zones {
		names[m.Zones[i].ID] = m.Zones[i].Name
	}
	for i := range m.Components {
		names[m.Components[i].ID] = m.Components[i].Name
	}
	for i := range m.Flows {
		names[m.Flows[i].ID] = m.Flows[i].Name
	}
	return names
}

// printGenerated prints the threats, the highest first, and what is required against them.
func printGenerated(env *Env, m *model.Model, out generated) error {
	byRating := slices.Clone(out.Threats)
	slices.SortStableFunc(byRating, func(a, b generatedThreat) int { return b.Ratings.Current - a.Ratings.Current })
	t := newTable(env.Stdout)
	t.row("CURRENT", "PROJECTED", "BAND", "WHERE", "THREAT", "BECAUSE")
	for _, threat := range byRating {
		t.row(threat.Ratings.Current, threat.Ratings.Projected, threat.Band, threat.WhereName, threat.Title, threat.Reasons[0].Text)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	required := 0
	for i := range m.Countermeasures {
		if m.Countermeasures[i].State == model.Required {
			required++
		}
	}
	_, err := fmt.Fprintf(env.Stdout, "%s: %d threats, %d weaknesses, %d countermeasures (%d required), highest %d (%s); library %s; %d notes, see --json\n",
		printable(out.Product.Name), len(out.Threats), len(out.Weaknesses), len(out.Countermeasures), required,
		out.Product.Highest.Current, out.Product.Band, out.Library, len(out.Notes))
	return err
}
