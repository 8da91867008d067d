package ticketing

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/tracker/richtext"
)

// A ticket is read by a developer between two others: what, where, why, how,
// how it is tested, and a link to the rest. Longer texts stay on our page.
const (
	textLimit = 1200 // characters of one description
	listLimit = 5    // threats, weaknesses or tests named one by one
)

func at(p place) string {
	if p.name == "" {
		return ""
	}
	return " — " + p.name
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// short cuts a text at a word.
func short(s string, limit int) string {
	r := []rune(strings.TrimSpace(s))
	if len(r) <= limit {
		return string(r)
	}
	cut := string(r[:limit])
	if i := strings.LastIndexAny(cut, " \n"); i > limit/2 {
		cut = cut[:i]
	}
	return strings.TrimSpace(cut) + " …"
}

// paragraphs prints a text's paragraphs, without markup.
func paragraphs(s string) richtext.Doc {
	var d richtext.Doc
	for _, p := range strings.Split(short(s, textLimit), "\n\n") {
		if p = strings.TrimSpace(p); p != "" {
			d = append(d, richtext.P(richtext.Text(p)))
		}
	}
	return d
}

func (b *wanting) page(kind, id string) string {
	if b.Page == nil {
		return ""
	}
	return b.Page(kind, id)
}

// threatsOf returns the threats that the countermeasure is against, highest rating first.
func (b *wanting) threatsOf(c *model.Countermeasure) []*model.Threat {
	var out []*model.Threat
	for _, l := range b.byCM[c.ID] {
		if t := b.risks[l.Threat]; t != nil && t.Retired == nil && !slices.Contains(out, t) {
			out = append(out, t)
		}
	}
	b.sortThreats(out)
	return out
}

func (b *wanting) sortThreats(ts []*model.Threat) {
	slices.SortFunc(ts, func(x, y *model.Threat) int {
		return cmp.Or(cmp.Compare(b.Ratings[y.ID].Current, b.Ratings[x.ID].Current), cmp.Compare(x.Title, y.Title), cmp.Compare(x.ID, y.ID))
	})
}

// band is that of the highest rated of the threats.
func (b *wanting) band(ts []*model.Threat) string {
	var top Rating
	for _, t := range ts {
		if r := b.Ratings[t.ID]; r.Band != "" && (top.Band == "" || r.Current > top.Current) {
			top = r
		}
	}
	return top.Band
}

func (b *wanting) rated(t *model.Threat) string {
	r := b.Ratings[t.ID]
	if r.Band == "" {
		return t.Title + " (not rated yet)"
	}
	return fmt.Sprintf("%s (current risk %d of 100, %s)", t.Title, int(math.Floor(r.Current+0.5)), r.Band)
}

func weaknessLine(w *model.Weakness) string {
	if w.CWE == 0 {
		return w.Title
	}
	return fmt.Sprintf("CWE-%d: %s", w.CWE, w.Title)
}

// limited returns the first entries and says how many were left out.
func limited(items []string) []string {
	if len(items) <= listLimit {
		return items
	}
	return append(slices.Clone(items[:listLimit]), fmt.Sprintf("and %d more", len(items)-listLimit))
}

// whereLine names the place and the product.
func (b *wanting) whereLine(where model.ElementID) richtext.Block {
	p := b.places[where]
	spans := []richtext.Span{richtext.Bold("Where: ")}
	if where != model.AtProduct && p.name != "" {
		spans = append(spans, richtext.Text(p.name+" ("+p.kind+") in "))
	}
	return richtext.P(append(spans, richtext.Text(b.Model.Product.Name))...)
}

// why lists the threats and weaknesses that the countermeasures are for.
func (b *wanting) why(cs []*model.Countermeasure) richtext.Doc {
	var ts []*model.Threat
	var ws []string
	for _, c := range cs {
		for _, t := range b.threatsOf(c) {
			if !slices.Contains(ts, t) {
				ts = append(ts, t)
			}
		}
		for _, l := range b.byCM[c.ID] {
			if w := b.weaknesses[l.Weakness]; w != nil && w.Retired == nil && !slices.Contains(ws, weaknessLine(w)) {
				ws = append(ws, weaknessLine(w))
			}
		}
	}
	b.sortThreats(ts)
	slices.Sort(ws)
	lines := make([]string, 0, len(ts))
	for _, t := range ts {
		lines = append(lines, b.rated(t))
	}
	var d richtext.Doc
	if len(lines) > 0 {
		d = append(d, richtext.P(richtext.Bold("Why: "), richtext.Text("it is required against")), richtext.List(limited(lines)...))
	}
	if len(ws) > 0 {
		d = append(d, richtext.P(richtext.Bold("Weakness: "), richtext.Text(strings.Join(limited(ws), "; "))))
	}
	return d
}

// how says what to do and how it will be tested.
func (b *wanting) how(c *model.Countermeasure) richtext.Doc {
	var d richtext.Doc
	if c.Description != "" {
		d = append(append(d, richtext.P(richtext.Bold("How"))), paragraphs(c.Description)...)
	}
	test := short(c.Test, textLimit)
	if test == "" {
		for _, l := range b.byCM[c.ID] {
			if w := b.weaknesses[l.Weakness]; w != nil && w.Test != "" {
				test = short(w.Test, textLimit)
				break
			}
		}
	}
	if test != "" {
		d = append(d, richtext.P(richtext.Bold("How it is tested: "), richtext.Text(test)))
	}
	d = append(d, richtext.P(richtext.Bold("Name in tests: "), richtext.Span{Text: "@threatloop:" + c.Ref, Mono: true}))
	var clauses []string
	for _, s := range c.Standards {
		clauses = append(clauses, s.Standard+" "+s.Clause)
	}
	if len(clauses) > 0 {
		d = append(d, richtext.P(richtext.Bold("Standards: "), richtext.Text(strings.Join(limited(clauses), ", "))))
	}
	return d
}

// more links our page.
func (b *wanting) more(kind, id string) richtext.Doc {
	url := b.page(kind, id)
	if url == "" {
		return nil
	}
	return richtext.Doc{richtext.P(richtext.Link("Details and the threat model", url))}
}

func (b *wanting) countermeasureText(c *model.Countermeasure) richtext.Doc {
	d := richtext.Doc{b.whereLine(c.Where)}
	d = append(d, b.why([]*model.Countermeasure{c})...)
	d = append(d, b.how(c)...)
	return append(d, b.more("countermeasure", string(c.ID))...)
}

func (b *wanting) requirementText(cs []*model.Countermeasure) richtext.Doc {
	d := richtext.Doc{richtext.P(richtext.Bold("Where: "), richtext.Text(b.Model.Product.Name))}
	var lines []string
	for _, c := range cs {
		p := b.places[c.Where]
		lines = append(lines, fmt.Sprintf("%s (%s): %s", cmp.Or(p.name, string(c.Where)), p.kind, strings.ReplaceAll(string(c.State), "_", " ")))
	}
	d = append(d, richtext.List(lines...))
	d = append(d, b.why(cs)...)
	d = append(d, b.how(cs[0])...)
	return append(d, b.more("countermeasure", string(cs[0].ID))...)
}

func (b *wanting) threatText(t *model.Threat) richtext.Doc {
	d := richtext.Doc{b.whereLine(t.Where), richtext.P(richtext.Bold("Threat: "), richtext.Text(b.rated(t)))}
	d = append(d, paragraphs(t.Description)...)
	var ws []string
	for _, l := range b.byThreat[t.ID] {
		if w := b.weaknesses[l.Weakness]; w != nil && w.Retired == nil && !slices.Contains(ws, weaknessLine(w)) {
			ws = append(ws, weaknessLine(w))
		}
	}
	slices.Sort(ws)
	if len(ws) > 0 {
		d = append(d, richtext.P(richtext.Bold("Weakness: "), richtext.Text(strings.Join(limited(ws), "; "))))
	}
	d = append(d, richtext.P(richtext.Bold("What to do: "), richtext.Text("nothing is planned against it yet. Mitigate it and close this ticket as done, or close it as won't do with the reason.")))
	return append(d, b.more("threat", string(t.ID))...)
}

func (b *wanting) vulnerabilityText(f failing) richtext.Doc {
	d := richtext.Doc{b.whereLine(f.where)}
	if f.weakness != nil {
		d = append(d, richtext.P(richtext.Bold("What: "), richtext.Text("a test shows "+weaknessLine(f.weakness)+".")))
	} else {
		d = append(d, richtext.P(richtext.Bold("What: "), richtext.Text("a test of the countermeasure “"+f.title+"” fails.")))
	}
	if f.evidence.Text != "" {
		// A report's text is foreign: it stays what it is, in a block of its own.
		d = append(d, richtext.Block{Kind: richtext.Code, Text: short(f.evidence.Text, textLimit)})
	}
	claimed := slices.DeleteFunc(slices.Clone(f.cms), func(c *model.Countermeasure) bool { return c.State != model.Implemented })
	if len(claimed) > 0 {
		var lines []string
		for _, c := range claimed {
			lines = append(lines, c.Title)
		}
		slices.Sort(lines)
		d = append(d, richtext.P(richtext.Bold("Contradicts: "), richtext.Text("these are set to implemented")), richtext.List(limited(lines)...))
	}
	ts := slices.DeleteFunc(slices.Clone(f.threats), func(t *model.Threat) bool { return t.Retired != nil })
	b.sortThreats(ts)
	var lines []string
	for _, t := range ts {
		lines = append(lines, b.rated(t))
	}
	if len(lines) > 0 {
		d = append(d, richtext.P(richtext.Bold("Why it matters")), richtext.List(limited(lines)...))
	}
	if f.weakness != nil {
		d = append(d, paragraphs(f.weakness.Description)...)
	}
	kind := "countermeasure"
	if f.weakness != nil {
		kind = "weakness"
	}
	return append(d, b.more(kind, f.id)...)
}
