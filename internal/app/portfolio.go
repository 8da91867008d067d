package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/risk"
	"github.com/threatloop/threatloop/internal/store"
)

// trendSpan is how far back the trend of a product in a list goes.
const trendSpan = 90 * 24 * time.Hour

// productView shows the product as the change leaves it.
func (ch *changing) productView() (ProductView, error) {
	return ch.app.productOf(ch.tx, ch.caller, ch.model.Product.ID)
}

// productOf shows a product as it is stored, as far as the caller may see it.
func (a *App) productOf(tx *store.Tx, c Caller, id model.ProductID) (ProductView, error) {
	row, err := tx.Product(id, store.Everything())
	if err != nil {
		return ProductView{}, err
	}
	waiting, err := tx.Waiting(id)
	if err != nil {
		return ProductView{}, err
	}
	v, err := viewProduct(row, waiting[id], a.Now())
	if err != nil {
		return v, err
	}
	looking, err := newOnlooker(tx, c)
	if err != nil {
		return v, err
	}
	return v, looking.show(&v, row.Head.Custom)
}

func viewProduct(row store.ProductRow, w store.Waiting, now time.Time) (ProductView, error) {
	p, s := &row.Head, &row.Summary
	v := ProductView{
		ID: row.ID, Name: row.Name, Description: p.Description, Owner: row.Owner, Team: p.Team, Tags: p.Tags, Template: p.Template, Archived: row.Archived,
		Version: row.Version, Created: row.CreatedAt, Updated: row.UpdatedAt, Questionnaire: p.Questionnaire, Standards: p.Standards, Library: p.Library,
		Branch: p.Branch, Environment: p.Environment, Method: p.Method, Tolerance: p.Tolerance, Value: p.Value, Exposure: p.Exposure,
		Vulnerabilities: int(s.Vulnerabilities), Trend: trendOf(row.Trend, now), Bands: bandsOf(s), Exceeds: int(s.Exceeding),
		TicketsBehind: int(w.Behind), Waiting: int(w.People),
	}
	if !row.LastTest.IsZero() {
		v.LastTest = &row.LastTest
	}
	if err := json.Unmarshal([]byte(s.Doc), &v.Risk); err != nil {
		return v, fmt.Errorf("app: summary of product %s: %w", row.ID, err)
	}
	return v, nil
}

func bandsOf(s *store.Summary) map[risk.Band]int {
	return map[risk.Band]int{risk.Low: int(s.Low), risk.Medium: int(s.Medium), risk.High: int(s.High), risk.Critical: int(s.Critical), risk.Unrated: int(s.Unrated)}
}

// trendOf cuts a kept trend to its span and ends it now.
func trendOf(points []store.TrendPoint, now time.Time) []TrendPoint {
	out := []TrendPoint{}
	from := now.Add(-trendSpan)
	for i, p := range points {
		at := p.At
		if at.Before(from) {
			if i+1 < len(points) && !points[i+1].At.After(from) {
				continue
			}
			at = from
		}
		out = append(out, TrendPoint{At: at, Current: int(p.Current), Verified: int(p.Verified)})
	}
	if n := len(out); n > 0 && out[n-1].At.Before(now) {
		out = append(out, TrendPoint{At: now, Current: out[n-1].Current, Verified: out[n-1].Verified})
	}
	return out
}

// ProductFilter selects products. Empty fields select all.
type ProductFilter struct {
	Text     string
	Tag      string
	Team     string
	Owner    string
	Fields   []string // KEY:value of custom fields, all of them; of one key any
	Band     string   // of the highest current rating; "unrated" is any threat without a rating
	Archived bool     // archived ones instead of the others
	Template bool     // templates instead of the others
	Sort     string   // "name", "rating", "-updated", "last_test" or "vulnerabilities"
	Cursor   string
	Limit    int
}

// productQuery turns a filter into a query of what the caller may see.
func (a *App) productQuery(c Caller, f ProductFilter) store.ProductQuery {
	q := store.ProductQuery{
		Visible: c.visible(), Only: c.Product, Text: f.Text, Archived: f.Archived, Template: f.Template, Tag: f.Tag, Team: f.Team, Owner: f.Owner,
		Sort: store.ProductSort(f.Sort), Limit: clampLimit(f.Limit),
	}
	limits := a.bandLimits()
	switch band := risk.Band(f.Band); band {
	case "":
	case risk.Unrated:
		q.Unrated = true
	case risk.Low:
		q.Rated = &store.RatedFrom{Below: limits[0]}
	case risk.Medium:
		q.Rated = &store.RatedFrom{From: limits[0], Below: limits[1]}
	case risk.High:
		q.Rated = &store.RatedFrom{From: limits[1], Below: limits[2]}
	default:
		q.Rated = &store.RatedFrom{From: limits[2], Below: 101}
	}
	return q
}

// bandLimits are the lower limits of medium, high and critical.
func (a *App) bandLimits() [3]int {
	b := a.Risk.Bands
	return [3]int{b.Upper(risk.Low) + 1, b.Upper(risk.Medium) + 1, b.Upper(risk.High) + 1}
}

// productCursor is where a page of products ends; only what it is sorted by is set.
type productCursor struct {
	ID              model.ProductID
	Name            string    `json:",omitempty"`
	Rating          float64   `json:",omitempty"`
	Vulnerabilities int64     `json:",omitempty"`
	At              time.Time `json:",omitzero"`
}

func cursorOf(row *store.ProductRow, sort store.ProductSort) productCursor {
	c := productCursor{ID: row.ID}
	switch sort {
	case store.SortByRating:
		c.Rating = row.Summary.CurrentMax
	case store.SortByVulnerabilities:
		c.Vulnerabilities = row.Summary.Vulnerabilities
	case store.SortByTest:
		c.At = row.LastTest
	case store.SortByUpdate:
		c.At = row.UpdatedAt
	default:
		c.Name = row.Name
	}
	return c
}

func (c productCursor) row() *store.ProductRow {
	return &store.ProductRow{
		ID: c.ID, Name: c.Name, UpdatedAt: c.At, LastTest: c.At, Summary: store.Summary{CurrentMax: c.Rating, Vulnerabilities: c.Vulnerabilities},
	}
}

// Products lists the products that the caller may see; the first page counts them.
func (a *App) Products(ctx context.Context, c Caller, f ProductFilter) (Page[ProductView], error) {
	return query(ctx, a, c, policy.ProductList, "", func(tx *store.Tx) (Page[ProductView], error) {
		var page Page[ProductView]
		q := a.productQuery(c, f)
		var err error
		if q.Fields, err = fieldFilters(tx, f.Fields); err != nil {
			return page, err
		}
		if f.Cursor != "" {
			var after productCursor
			if err := decodeCursor(f.Cursor, &after); err != nil {
				return page, err
			}
			q.After = after.row()
		} else {
			n, err := tx.CountProducts(q)
			if err != nil {
				return page, err
			}
			total := int(n)
			page.Total = &total
		}
		rows, err := tx.Products(q)
		if err != nil {
			return page, err
		}
		ids := make([]model.ProductID, len(rows))
		for i := range rows {
			ids[i] = rows[i].ID
		}
		waiting, err := tx.Waiting(ids...)
		if err != nil {
			return page, err
		}
		looking, err := newOnlooker(tx, c)
		if err != nil {
			return page, err
		}
		page.Items = make([]ProductView, len(rows))
		now := a.Now()
		for i, row := range rows {
			if page.Items[i], err = viewProduct(row, waiting[row.ID], now); err != nil {
				return page, err
			}
			if err := looking.show(&page.Items[i], row.Head.Custom); err != nil {
				return page, err
			}
		}
		if len(rows) == q.Limit {
			page.Next = encodeCursor(cursorOf(&rows[len(rows)-1], q.Sort))
		}
		return page, nil
	})
}

// Product shows one product, with what the caller may do there.
func (a *App) Product(ctx context.Context, c Caller, id model.ProductID) (ProductView, error) {
	return query(ctx, a, c, policy.ProductRead, id, func(tx *store.Tx) (ProductView, error) {
		v, err := a.productOf(tx, c, id)
		if err != nil {
			return v, err
		}
		v.Role, v.Can, err = rights(tx, c, id)
		return v, err
	})
}

// PortfolioView is the head of the portfolio: sums over the products of a filter, and their heat map.
type PortfolioView struct {
	Products          int               `json:"products"`
	Bands             map[risk.Band]int `json:"bands" doc:"Open threats by band of their current rating"`
	ProductBands      map[risk.Band]int `json:"product_bands" doc:"Products by the band of their highest current rating; unrated are those with a threat that nobody has rated"`
	Highest           risk.Figures      `json:"highest" doc:"The highest of any product"`
	Sum               float64           `json:"sum" doc:"Of the current ratings of all open threats"`
	Vulnerabilities   int               `json:"vulnerabilities"`
	TicketsBehind     int               `json:"tickets_behind"`
	Waiting           int               `json:"waiting"`
	Exceeds           int               `json:"exceeds" doc:"Threats above tolerance"`
	ProductsExceeding int               `json:"products_exceeding"`
	Untested          int               `json:"untested" doc:"Products without a complete test run"`
	Facets            PortfolioFacets   `json:"facets"`
	Heat              HeatMap           `json:"heat"`
}

// PortfolioFacets are the values by which products can be filtered, the most used first.
type PortfolioFacets struct {
	Teams  []Facet `json:"teams"`
	Tags   []Facet `json:"tags"`
	Owners []Facet `json:"owners"`
	// Fields are those of choices and people.
	Fields []FieldFacet `json:"fields" doc:"Of the custom fields that are choices or people, in their order; only of products where the caller may see them"`
}

// Facet is a value that products have.
type Facet struct {
	Name     string `json:"name"`
	Products int    `json:"products"`
}

// HeatMap counts open threats per product, team or tag and band.
type HeatMap struct {
	By      string      `json:"by" enum:"product,team,tag"`
	Columns []risk.Band `json:"columns"`
	Rows    []HeatRow   `json:"rows" doc:"The worst first, at most 100"`
	More    int         `json:"more" doc:"Rows that are left out"`
}

// HeatRow is a row of the heat map.
type HeatRow struct {
	Key      string `json:"key" doc:"Id of the product, the team or the tag; empty for those without one"`
	Title    string `json:"title"`
	Products int    `json:"products"`
	Counts   []int  `json:"counts" doc:"Open threats, one count per column"`
	Highest  int    `json:"highest" doc:"The highest current rating"`
	Exceeds  int    `json:"exceeds"`
}

const (
	heatRows    = 100 // rows of a heat map
	heatByTeams = 40  // from more products than this on, rows are teams
)

var heatColumns = []risk.Band{risk.Low, risk.Medium, risk.High, risk.Critical, risk.Unrated}

// Portfolio sums up the products of a filter that the caller may see. By says what
// the rows of the heat map stand for; "" is products while they are few, else teams.
func (a *App) Portfolio(ctx context.Context, c Caller, f ProductFilter, by string) (PortfolioView, error) {
	return query(ctx, a, c, policy.ProductList, "", func(tx *store.Tx) (PortfolioView, error) {
		q := a.productQuery(c, f)
		var err error
		if q.Fields, err = fieldFilters(tx, f.Fields); err != nil {
			return PortfolioView{}, err
		}
		t, err := tx.PortfolioTotals(q, a.bandLimits())
		if err != nil {
			return PortfolioView{}, err
		}
		v := PortfolioView{
			Products: int(t.Products), Bands: bandsOf(&t.Summary), Sum: t.CurrentSum, Vulnerabilities: int(t.Vulnerabilities),
			Highest:       risk.Figures{Inherent: int(t.InherentMax), Verified: int(t.VerifiedMax), Current: int(t.CurrentMax), Projected: int(t.ProjectedMax)},
			TicketsBehind: int(t.Behind), Waiting: int(t.Unattended), Exceeds: int(t.Exceeding), ProductsExceeding: int(t.ProductsExceeding), Untested: int(t.Untested),
			ProductBands: map[risk.Band]int{
				risk.Low: int(t.ProductBands[0]), risk.Medium: int(t.ProductBands[1]), risk.High: int(t.ProductBands[2]), risk.Critical: int(t.ProductBands[3]),
				risk.Unrated: int(t.ProductsUnrated),
			},
		}
		if by == "" {
			if by = string(store.HeatByProduct); t.Products > heatByTeams {
				by = string(store.HeatByTeam)
			}
		}
		if v.Heat, err = heat(tx, q, store.HeatBy(by)); err != nil {
			return v, err
		}
		v.Facets, err = facets(tx, q)
		return v, err
	})
}

func heat(tx *store.Tx, q store.ProductQuery, by store.HeatBy) (HeatMap, error) {
	rows, all, err := tx.HeatMap(q, by, heatRows)
	if err != nil {
		return HeatMap{}, err
	}
	h := HeatMap{By: string(by), Columns: slices.Clone(heatColumns), Rows: make([]HeatRow, len(rows)), More: int(all) - len(rows)}
	for i := range rows {
		r := &rows[i]
		bands := bandsOf(&r.Summary)
		row := HeatRow{Key: r.Key, Title: r.Title, Products: int(r.Products), Highest: int(r.CurrentMax), Exceeds: int(r.Exceeding)}
		for _, band := range heatColumns {
			row.Counts = append(row.Counts, bands[band])
		}
		h.Rows[i] = row
	}
	return h, nil
}

func facets(tx *store.Tx, q store.ProductQuery) (PortfolioFacets, error) {
	teams, tags, owners, err := tx.Facets(q)
	if err != nil {
		return PortfolioFacets{}, err
	}
	list := func(rows []store.Facet) []Facet {
		out := make([]Facet, len(rows))
		for i, r := range rows {
			out[i] = Facet{Name: r.Value, Products: int(r.Products)}
		}
		return out
	}
	fields, err := fieldFacets(tx, q)
	return PortfolioFacets{Teams: list(teams), Tags: list(tags), Owners: list(owners), Fields: fields}, err
}

// alive refuses a person's change of an archived product but what brings it back or
// ends it; what trackers and tests report is still taken in.
func alive(tx *store.Tx, c Caller, action policy.Action, product model.ProductID) error {
	if product == "" || c.Kind == "system" || action == policy.ProductRead || action == policy.ProductArchive || action == policy.ProductDelete || action == policy.RoleManage {
		return nil
	}
	archived, err := tx.Archived(product)
	if err == nil && archived {
		return fault.New(fault.Conflict, "product.archived", "the product is archived and does not change; bring it back first")
	}
	return err
}
