package cli

import (
	"bufio"
	"cmp"
	"context"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"
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

// generated is a model with its ratings before any evidence, ready to be printed: the
// threats, weaknesses and countermeasures that the library and the file bring. A
// large model has hundreds of thousands, so what is printed of one is made when it is its turn.
type generated struct {
	m       *model.Model // in order of ids
	library string
	ratings risk.Ratings
	names   map[model.ElementID]string
	notes   []interchange.Note
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
		return interchange.WriteTo(env.Stdout, m)
	}
	out := describe(m, lib.Stamp(), notes)
	w := bufio.NewWriter(env.Stdout)
	if c.JSON {
		err = out.writeJSON(w)
	} else {
		err = out.writeTable(w)
	}
	return cmp.Or(err, w.Flush())
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

func describe(m *model.Model, stamp string, notes []interchange.Note) *generated {
	return &generated{m: m, library: stamp, ratings: risk.Rate(m, model.Verdicts{}, risk.Settings{}), names: elementNames(m), notes: orEmpty(notes)}
}

func (g *generated) at(id model.ElementID) place { return place{id, g.names[id]} }

func (g *generated) product() generatedProduct {
	s := &g.ratings.Summary
	return generatedProduct{Name: g.m.Product.Name, Highest: s.Open.Highest, Sum: s.Open.Sum, Band: s.Band}
}

// rated yields the threats that have a rating, each with it.
func (g *generated) rated() iter.Seq2[*model.Threat, *risk.Rating] {
	return func(yield func(*model.Threat, *risk.Rating) bool) {
		rest := g.ratings.Threats // in order of ids like the model's
		for i := range g.m.Threats {
			t := &g.m.Threats[i]
			for len(rest) > 0 && rest[0].Threat < t.ID {
				rest = rest[1:]
			}
			if len(rest) > 0 && rest[0].Threat == t.ID && !yield(t, &rest[0]) {
				return
			}
		}
	}
}

// threats yields what is printed of each threat. The lists of one, here and below, are good until the next is asked for.
func (g *generated) threats() iter.Seq[generatedThreat] {
	return func(yield func(generatedThreat) bool) {
		rest := g.m.Links // in order of threats, weaknesses and countermeasures
		weaknesses, countermeasures, why := []model.WeaknessID{}, []model.CountermeasureID{}, []reason{}
		for t, r := range g.rated() {
			out := generatedThreat{
				ID: t.ID, Ref: t.Ref, Title: t.Title, place: g.at(t.Where), Categories: orEmpty(t.Categories), CAPEC: t.CAPEC, Status: t.Status,
				Ratings: r.Figures, Band: r.Band, Flags: r.Flags,
				Weaknesses: weaknesses[:0], Countermeasures: countermeasures[:0], Reasons: reasons(why[:0], t.Why, t.Origin),
			}
			for ; len(rest) > 0 && rest[0].Threat <= t.ID; rest = rest[1:] {
				l := &rest[0]
				if l.Threat != t.ID || l.Retired != nil {
					continue
				}
				if l.Weakness != "" {
					out.Weaknesses = append(out.Weaknesses, l.Weakness)
				}
				if l.Countermeasure != "" {
					out.Countermeasures = append(out.Countermeasures, l.Countermeasure)
				}
			}
			out.Weaknesses = slices.Compact(out.Weaknesses)
			slices.Sort(out.Countermeasures)
			out.Countermeasures = slices.Compact(out.Countermeasures)
			weaknesses, countermeasures, why = out.Weaknesses, out.Countermeasures, out.Reasons
			if !yield(out) {
				return
			}
		}
	}
}

func (g *generated) weaknesses() iter.Seq[generatedWeakness] {
	return func(yield func(generatedWeakness) bool) {
		why := []reason{}
		for i := range g.m.Weaknesses {
			w := &g.m.Weaknesses[i]
			if w.Retired != nil {
				continue
			}
			why = reasons(why[:0], w.Why, w.Origin)
			if !yield(generatedWeakness{w.ID, w.Ref, w.Title, g.at(w.Where), w.CWE, why}) {
				return
			}
		}
	}
}

func (g *generated) countermeasures() iter.Seq[generatedCountermeasure] {
	return func(yield func(generatedCountermeasure) bool) {
		why := []reason{}
		for i := range g.m.Countermeasures {
			c := &g.m.Countermeasures[i]
			if c.Retired != nil {
				continue
			}
			why = reasons(why[:0], c.Why, c.Origin)
			if !yield(generatedCountermeasure{c.ID, c.Ref, c.Title, g.at(c.Where), c.State, c.Standards, c.Cost, why}) {
				return
			}
		}
	}
}

// writeJSON prints what `generate --json` promises. See docs/json.md.
func (g *generated) writeJSON(w io.Writer) error {
	e := newJSONWriter(w)
	e.begin()
	e.member("library", g.library)
	e.member("product", g.product())
	listMember(e, "threats", g.threats())
	listMember(e, "weaknesses", g.weaknesses())
	listMember(e, "countermeasures", g.countermeasures())
	e.member("notes", g.notes)
	return e.end()
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// reasons appends to an empty list why a thing is there, which is something at least.
func reasons(list []reason, why []model.Why, origin model.Origin) []reason {
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

// firstReason is the text of the first of reasons.
func firstReason(why []model.Why, origin model.Origin) string {
	if len(why) > 0 {
		return why[0].Text
	}
	return reasons(nil, nil, origin)[0].Text
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

// writeTable prints the threats, the highest first, and what is required against them.
func (g *generated) writeTable(w io.Writer) error {
	type row struct {
		threat *model.Threat
		rating *risk.Rating
	}
	rows := make([]row, 0, len(g.ratings.Threats))
	for t, r := range g.rated() {
		rows = append(rows, row{t, r})
	}
	slices.SortStableFunc(rows, func(a, b row) int { return b.rating.Current - a.rating.Current })
	err := printColumns(w, func(yield func([]string) bool) {
		line := []string{"CURRENT", "PROJECTED", "BAND", "WHERE", "THREAT", "BECAUSE"}
		for i := 0; yield(line) && i < len(rows); i++ {
			t, r := rows[i].threat, rows[i].rating
			line = append(line[:0], strconv.Itoa(r.Current), strconv.Itoa(r.Projected), string(r.Band), g.names[t.Where], t.Title, firstReason(t.Why, t.Origin))
		}
	})
	if err != nil {
		return err
	}
	weaknesses, countermeasures, required := 0, 0, 0
	for i := range g.m.Weaknesses {
		if g.m.Weaknesses[i].Retired == nil {
			weaknesses++
		}
	}
	for i := range g.m.Countermeasures {
		c := &g.m.Countermeasures[i]
		if c.Retired == nil {
			countermeasures++
		}
		if c.State == model.Required {
			required++
		}
	}
	p := g.product()
	_, err = fmt.Fprintf(w, "%s: %d threats, %d weaknesses, %d countermeasures (%d required), highest %d (%s); library %s; %d notes, see --json\n",
		printable(p.Name), len(rows), weaknesses, countermeasures, required, p.Highest.Current, p.Band, g.library, len(g.notes))
	return err
}
