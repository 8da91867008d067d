package app

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// ModelFile is a model, written in some format.
type ModelFile struct {
	Name      string // of the file, with its ending
	MediaType string
	Data      []byte
	Notes     []interchange.Note // what the format cannot say
}

// ExportFormats are the formats that models can be exported in, by name.
func ExportFormats() []interchange.Writable { return interchange.Written() }

// FormatView is a format of model files.
type FormatView struct {
	Name   string `json:"name" doc:"As imports tell it"`
	Title  string `json:"title" doc:"For people, with how its files look"`
	Export string `json:"export,omitempty" doc:"Name to export models by; absent where the format is only read"`
}

// Formats lists the formats that model files can be in.
func (a *App) Formats(ctx context.Context, c Caller) (Page[FormatView], error) {
	page := Page[FormatView]{Items: []FormatView{}}
	if err := a.Check(ctx, c, policy.InstanceRead, ""); err != nil {
		return page, err
	}
	for _, f := range interchange.Readables() {
		page.Items = append(page.Items, FormatView{Name: string(f.Name), Title: f.Title, Export: string(f.Write)})
	}
	return page, nil
}

// ExportModel writes a product's model in a format; "" is Threatloop's own. An
// unknown format is fault.Invalid. Where the format has a place for them, the
// threats show their tickets and ratings.
func (a *App) ExportModel(ctx context.Context, c Caller, product model.ProductID, format string) (ModelFile, error) {
	if format == "" {
		format = string(interchange.Threatloop)
	}
	var to *interchange.Writable
	for _, w := range interchange.Written() {
		if string(w.Name) == format {
			to = &w
		}
	}
	if to == nil {
		if err := a.Check(ctx, c, policy.ProductRead, product); err != nil {
			return ModelFile{}, err
		}
		bad := fault.New(fault.Invalid, "export.format", "models are not written in the format %q", format)
		for _, w := range interchange.Written() {
			bad.With("query.format", "%s: %s", w.Name, w.Title)
		}
		return ModelFile{}, bad
	}
	e, err := query(ctx, a, c, policy.ProductRead, product, func(tx *store.Tx) (exported, error) {
		e, err := a.exported(tx, product, to.Name)
		if err != nil {
			return e, err
		}
		looking, err := newOnlooker(tx, c)
		if err != nil {
			return e, err
		}
		e.model, err = looking.model(e.model)
		return e, err
	})
	if err != nil {
		return ModelFile{}, err
	}
	data, notes, err := e.write(to.Name)
	if err != nil {
		return ModelFile{}, err
	}
	return ModelFile{Name: model.Slug(e.model.Product.Name) + to.Extension, MediaType: to.MediaType, Data: data, Notes: notes}, nil
}

// exported is what a file is written of.
type exported struct {
	model     *model.Model
	standings interchange.Standings
	came      []byte // the newest file of the format that the product came from; nil where there is none, or where it cannot be as it was
}

// exported reads a product for a file of the format.
func (a *App) exported(tx *store.Tx, product model.ProductID, format interchange.Format) (exported, error) {
	if !interchange.Showing(format) {
		m, _, err := tx.LoadModel(product)
		return exported{model: m}, err
	}
	p, err := a.picture(tx, product)
	if err != nil {
		return exported{}, err
	}
	e := exported{model: p.m, standings: p.standings()}
	for _, s := range e.standings {
		if len(s.Tickets) > 0 {
			return e, nil
		}
	}
	sources, err := tx.Sources(product)
	if err != nil {
		return e, err
	}
	i := slices.IndexFunc(sources, func(s store.Source) bool {
		return interchange.Family(interchange.Format(s.Format)) == interchange.Family(format)
	})
	if i < 0 {
		return e, nil
	}
	newest, err := tx.Source(product, sources[i].ID)
	e.came = newest.Data
	return e, err
}

// write writes the file. One that nobody changed since it came, and whose threats
// have no tickets, comes out as it was, without ratings.
func (e exported) write(format interchange.Format) ([]byte, []interchange.Note, error) {
	if e.came != nil {
		data, notes, err := interchange.WriteShowing(format, e.model, nil)
		if err != nil || unchangedJSON(data, e.came) {
			return data, notes, err
		}
	}
	if e.standings != nil {
		return interchange.WriteShowing(format, e.model, e.standings)
	}
	return interchange.WriteAs(format, e.model, nil)
}

// unchangedJSON compares JSON files but for the blanks between their parts.
func unchangedJSON(a, b []byte) bool {
	var x, y bytes.Buffer
	return json.Compact(&x, a) == nil && json.Compact(&y, bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))) == nil && bytes.Equal(x.Bytes(), y.Bytes())
}

// ticketStates are the states of tickets that a file names: the others are about nothing any more.
var ticketStates = map[string]bool{"open": true, "implemented": true, "rejected": true, "closed": true}

// standings are the ratings of the threats, and their tickets: of the threat
// itself, its countermeasures and weaknesses.
func (p *picture) standings() interchange.Standings {
	all := interchange.Standings{}
	for i := range p.m.Threats {
		t := &p.m.Threats[i]
		if t.Retired != nil {
			continue
		}
		var s interchange.Standing
		if r, ok := p.ratings.Threat(t.ID); ok && !r.Unrated {
			s.Rating = &interchange.Rating{Inherent: r.Inherent, Verified: r.Verified, Current: r.Current, Projected: r.Projected, Band: string(r.Band)}
		}
		add := func(object string) {
			for _, x := range p.tickets[object] {
				ticket := interchange.Ticket{Key: x.Key, URL: x.URL, For: x.Purpose, State: x.State, Status: x.Status}
				if x.Key != "" && ticketStates[x.State] && !slices.Contains(s.Tickets, ticket) {
					s.Tickets = append(s.Tickets, ticket)
				}
			}
		}
		add(string(t.ID))
		for _, l := range p.ofThreat[t.ID] {
			add(string(l.Countermeasure))
			add(string(l.Weakness))
		}
		slices.SortFunc(s.Tickets, func(x, y interchange.Ticket) int {
			return cmp.Or(cmp.Compare(x.Key, y.Key), cmp.Compare(x.URL, y.URL), cmp.Compare(x.For, y.For))
		})
		if s.Rating != nil || len(s.Tickets) > 0 {
			all[t.ID] = s
		}
	}
	return all
}
