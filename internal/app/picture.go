package app

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/risk"
	"github.com/threatloop/threatloop/internal/store"
)

// accountPrefix begins the id of every account. An owner that begins otherwise is
// free text, as imports bring it.
const accountPrefix = "usr_"

// picture is a product's model with everything that views need, read once. It is
// for one request: not safe for concurrent use. The model may be shared with other
// requests and is never changed.
type picture struct {
	*indexed
	versions store.Versions
	verdicts model.Verdicts
	evidence *judged // nil of a model that is being changed
	settings risk.Settings
	ratings  risk.Ratings
	gains    func() map[model.CountermeasureID]int
	tickets  map[string][]TicketRef // by object id
	comments map[string]int         // by "kind/id"
	owners   map[string]string      // names by account id
}

// indexed finds what hangs together in a model. It follows from the model alone,
// is shared by all who read that, and never changed.
type indexed struct {
	m     *model.Model
	names map[model.ElementID]string

	// Links that join what is not retired, by each of their ends.
	ofThreat         map[model.ThreatID][]*model.Link
	ofWeakness       map[model.WeaknessID][]*model.Link
	ofCountermeasure map[model.CountermeasureID][]*model.Link

	threats         map[model.ThreatID]int
	weaknesses      map[model.WeaknessID]int
	countermeasures map[model.CountermeasureID]int
}

// picture reads a product for its views.
func (a *App) picture(tx *store.Tx, id model.ProductID) (*picture, error) {
	m, versions, err := tx.ReadModel(id)
	if err != nil {
		return nil, err
	}
	at := a.Now()
	stands, _, err := a.standing(tx, m, at)
	if err != nil {
		return nil, err
	}
	return a.pictureWith(tx, m, versions, stands, at)
}

// pictureOf is picture for a model that is being changed.
func (a *App) pictureOf(tx *store.Tx, m *model.Model, versions store.Versions) (*picture, error) {
	at := a.Now()
	stands, err := a.standingOf(tx, m, at)
	if err != nil {
		return nil, err
	}
	return a.pictureWith(tx, m, versions, stands, at)
}

func (a *App) pictureWith(tx *store.Tx, m *model.Model, versions store.Versions, stands *standing, at time.Time) (*picture, error) {
	p := &picture{indexed: stands.index(), versions: versions, verdicts: stands.verdicts, evidence: stands.evidence, settings: a.settings(at), ratings: stands.ratings, gains: stands.gains}
	var err error
	if p.tickets, err = a.ticketRefs(tx, m); err != nil {
		return nil, err
	}
	if p.comments, err = tx.CountComments(m.Product.ID); err != nil {
		return nil, err
	}
	p.owners, err = ownerNames(tx, m)
	return p, err
}

// ownerNames are the names of the accounts that own something in the model.
func ownerNames(tx *store.Tx, m *model.Model) (map[string]string, error) {
	ids := []string{}
	add := func(owner string) {
		if strings.HasPrefix(owner, accountPrefix) {
			ids = append(ids, owner)
		}
	}
	for i := range m.Threats {
		add(m.Threats[i].Owner)
	}
	for i := range m.Countermeasures {
		add(m.Countermeasures[i].Owner)
	}
	return accountNames(tx, ids)
}

// accountNames are the names of accounts by their ids; what is no account is absent.
func accountNames(tx *store.Tx, ids []string) (map[string]string, error) {
	out := map[string]string{}
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) == 0 {
		return out, nil
	}
	list, err := tx.Names(store.People{IDs: ids})
	for _, acc := range list {
		out[acc.ID] = acc.Name
	}
	return out, err
}

func index(m *model.Model) *indexed {
	p := &indexed{m: m, names: elementNames(m)}
	p.threats = make(map[model.ThreatID]int, len(p.m.Threats))
	for i := range p.m.Threats {
		p.threats[p.m.Threats[i].ID] = i
	}
	p.weaknesses = make(map[model.WeaknessID]int, len(p.m.Weaknesses))
	for i := range p.m.Weaknesses {
		p.weaknesses[p.m.Weaknesses[i].ID] = i
	}
	p.countermeasures = make(map[model.CountermeasureID]int, len(p.m.Countermeasures))
	for i := range p.m.Countermeasures {
		p.countermeasures[p.m.Countermeasures[i].ID] = i
	}
	p.ofThreat = make(map[model.ThreatID][]*model.Link, len(p.m.Threats))
	p.ofWeakness = make(map[model.WeaknessID][]*model.Link, len(p.m.Weaknesses))
	p.ofCountermeasure = make(map[model.CountermeasureID][]*model.Link, len(p.m.Countermeasures))
	for i := range p.m.Links {
		l := &p.m.Links[i]
		if l.Retired != nil {
			continue
		}
		t, w, c := p.threatAt(l.Threat), p.weaknessAt(l.Weakness), p.countermeasureAt(l.Countermeasure)
		weakness, countermeasure := w == nil || w.Retired == nil, c == nil || c.Retired == nil
		threat := t != nil && t.Retired == nil
		// What is retired still shows what it was about.
		if weakness && countermeasure {
			p.ofThreat[l.Threat] = append(p.ofThreat[l.Threat], l)
		}
		if w != nil && threat && countermeasure {
			p.ofWeakness[l.Weakness] = append(p.ofWeakness[l.Weakness], l)
		}
		if c != nil && threat && weakness {
			p.ofCountermeasure[l.Countermeasure] = append(p.ofCountermeasure[l.Countermeasure], l)
		}
	}
	return p
}

func (p *indexed) threatAt(id model.ThreatID) *model.Threat {
	if i, ok := p.threats[id]; ok {
		return &p.m.Threats[i]
	}
	return nil
}

func (p *indexed) weaknessAt(id model.WeaknessID) *model.Weakness {
	if i, ok := p.weaknesses[id]; ok {
		return &p.m.Weaknesses[i]
	}
	return nil
}

func (p *indexed) countermeasureAt(id model.CountermeasureID) *model.Countermeasure {
	if i, ok := p.countermeasures[id]; ok {
		return &p.m.Countermeasures[i]
	}
	return nil
}

// takes is what a countermeasure takes, or would take, off the summed current rating.
func (p *picture) takes(id model.CountermeasureID) int { return p.gains()[id] }

// gainsOf is what each countermeasure takes, or would take, off the summed current rating.
func gainsOf(m *model.Model, v model.Verdicts, s risk.Settings) map[model.CountermeasureID]int {
	out := make(map[model.CountermeasureID]int, len(m.Countermeasures))
	for _, g := range risk.Gains(m, v, s) {
		out[g.Countermeasure] = int(math.Round(g.Takes))
	}
	return out
}

// highest is the highest current rating of the threats that the links serve.
// The exact figure is -1 where none of them is rated.
func (p *picture) highest(links []*model.Link) (exact float64, current int, band risk.Band) {
	exact, band = -1, risk.Unrated
	for _, l := range links {
		if r, ok := p.ratings.Threat(l.Threat); ok && !r.Unrated && r.Exact.Current > exact {
			exact, current, band = r.Exact.Current, r.Current, r.Band
		}
	}
	return exact, current, band
}

func (p *picture) ownerName(owner string) string { return cmp.Or(p.owners[owner], owner) }

// elementNames are the names of the places of threats.
func elementNames(m *model.Model) map[model.ElementID]string {
	names := map[model.ElementID]string{model.AtProduct: m.Product.Name}
	for _, z := range m.Zones {
		names[z.ID] = z.Name
	}
	for i := range m.Components {
		names[m.Components[i].ID] = m.Components[i].Name
	}
	for i := range m.Curves {
		names[m.Curves[i].ID] = m.Curves[i].Name
	}
	for i := range m.Flows {
		f := &m.Flows[i]
		names[f.ID] = cmp.Or(f.Name, names[f.From]+" to "+names[f.To])
	}
	return names
}

func (p *picture) threat(t *model.Threat) ThreatView {
	v := ThreatView{
		Threat: *t, WhereName: p.names[t.Where], OwnerName: p.ownerName(t.Owner), Tickets: p.tickets[string(t.ID)],
		Comments: p.comments[store.KindThreat+"/"+string(t.ID)], Version: p.versions.Of(store.KindThreat, string(t.ID)),
	}
	v.Rating, _ = p.ratings.Threat(t.ID) // a retired threat has no rating: zero
	for _, l := range p.ofThreat[t.ID] {
		if l.Weakness != "" && !slices.Contains(v.Weaknesses, l.Weakness) {
			v.Weaknesses = append(v.Weaknesses, l.Weakness)
		}
		if l.Countermeasure != "" && !slices.Contains(v.Countermeasures, l.Countermeasure) {
			v.Countermeasures = append(v.Countermeasures, l.Countermeasure)
		}
	}
	return v
}

func evidenceView(e model.Evidence) Evidence {
	v := Evidence{Verdict: cmp.Or(e.Verdict, model.Untested), Stale: e.Stale, Text: e.Text}
	if !e.At.IsZero() {
		v.At = &e.At
	}
	return v
}

func (p *picture) weakness(w *model.Weakness) WeaknessView {
	v := WeaknessView{
		Weakness: *w, WhereName: p.names[w.Where], Evidence: evidenceView(p.verdicts.Weaknesses[w.ID]), Tickets: p.tickets[string(w.ID)],
		Comments: p.comments[store.KindWeakness+"/"+string(w.ID)], Version: p.versions.Of(store.KindWeakness, string(w.ID)),
	}
	_, v.Current, v.Band = p.highest(p.ofWeakness[w.ID])
	for _, l := range p.ofWeakness[w.ID] {
		if !slices.Contains(v.Threats, l.Threat) {
			v.Threats = append(v.Threats, l.Threat)
		}
	}
	return v
}

func (p *picture) countermeasure(c *model.Countermeasure) CountermeasureView {
	v := CountermeasureView{
		Countermeasure: *c, WhereName: p.names[c.Where], OwnerName: p.ownerName(c.Owner), Evidence: evidenceView(p.verdicts.Countermeasures[c.ID]),
		Takes: p.takes(c.ID), Tickets: p.tickets[string(c.ID)],
		Comments: p.comments[store.KindCountermeasure+"/"+string(c.ID)], Version: p.versions.Of(store.KindCountermeasure, string(c.ID)),
	}
	_, v.Current, v.Band = p.highest(p.ofCountermeasure[c.ID])
	for _, l := range p.ofCountermeasure[c.ID] {
		if l.Weakness != "" && !slices.Contains(v.Weaknesses, l.Weakness) {
			v.Weaknesses = append(v.Weaknesses, l.Weakness)
		}
		if !slices.Contains(v.Threats, l.Threat) {
			v.Threats = append(v.Threats, l.Threat)
		}
	}
	return v
}

func (p *picture) threatByID(id model.ThreatID) (ThreatView, error) {
	if t := p.threatAt(id); t != nil {
		return p.threat(t), nil
	}
	return ThreatView{}, notFound("threat", string(id))
}

func (p *picture) weaknessByID(id model.WeaknessID) (WeaknessView, error) {
	if w := p.weaknessAt(id); w != nil {
		return p.weakness(w), nil
	}
	return WeaknessView{}, notFound("weakness", string(id))
}

func (p *picture) countermeasureByID(id model.CountermeasureID) (CountermeasureView, error) {
	if c := p.countermeasureAt(id); c != nil {
		return p.countermeasure(c), nil
	}
	return CountermeasureView{}, notFound("countermeasure", string(id))
}
