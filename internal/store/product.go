package store

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
)

// Visible says whose products a query may see: those of which the user is a
// member, or all.
type Visible struct {
	All  bool
	User string
}

// Everything sees all products.
func Everything() Visible { return Visible{All: true} }

// MemberOf sees the products of which the user is a member.
func MemberOf(user string) Visible { return Visible{User: user} }

// conditions collects a WHERE clause and its arguments.
type conditions struct {
	parts []string
	args  []any
}

// arg adds an argument and returns its placeholder.
func (c *conditions) arg(v any) string {
	c.args = append(c.args, v)
	return fmt.Sprintf("$%d", len(c.args))
}

// add adds a condition in which every ? stands for the next value.
func (c *conditions) add(cond string, values ...any) {
	for _, v := range values {
		cond = strings.Replace(cond, "?", c.arg(v), 1)
	}
	c.parts = append(c.parts, cond)
}

// among adds that the column has one of the values; none is no condition.
func (c *conditions) among(column string, values []string) {
	if len(values) == 0 {
		return
	}
	args := make([]string, len(values))
	for i, v := range values {
		args[i] = c.arg(v)
	}
	c.parts = append(c.parts, column+" IN ("+strings.Join(args, ", ")+")")
}

func (c *conditions) visible(column string, v Visible) {
	if !v.All {
		c.add(column+" IN (SELECT product_id FROM membership WHERE user_id = ?)", v.User)
	}
}

func (c *conditions) where() string {
	if len(c.parts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(c.parts, " AND ")
}

// Summary is what lists and portfolios show of a product. Ratings are 0..100.
type Summary struct {
	InherentMax  float64
	CurrentMax   float64
	VerifiedMax  float64
	ProjectedMax float64
	CurrentSum   float64
	// Threats that count, per band of their current rating, and those without a rating.
	Low, Medium, High, Critical, Unrated int64
	Exceeding                            int64 // threats above the product's tolerance
	Vulnerabilities                      int64 // weaknesses that evidence shows to be present
	At                                   time.Time
	// RecomputeAt is when evidence gets stale or an acceptance ends next; zero is never.
	RecomputeAt time.Time
	Doc         string // JSON of the risk engine's own; "" is {}
}

// ProductRow is a product in a list.
type ProductRow struct {
	ID        model.ProductID
	Name      string
	Owner     string
	Archived  bool
	Version   int64
	CreatedAt time.Time
	CreatedBy string
	UpdatedAt time.Time
	UpdatedBy string
	Head      model.Product // as it stands in the model
	Trend     []TrendPoint  // oldest first
	LastTest  time.Time     // of the last complete run; zero is never
	Summary   Summary
}

// ProductSort is the order of a list of products.
type ProductSort string

// The orders of a list of products.
const (
	SortByName   ProductSort = "name"   // rising
	SortByRating ProductSort = "rating" // highest current threat first

	SortByUpdate          ProductSort = "-updated"        // last changed first
	SortByTest            ProductSort = "last_test"       // last tested first, never tested last
	SortByVulnerabilities ProductSort = "vulnerabilities" // most first
)

// ProductQuery selects a page of products.
type ProductQuery struct {
	Visible  Visible
	Only     model.ProductID // "" is every visible one
	Text     string          // in the name, case and accents aside
	Archived bool            // archived ones instead of the others
	Template bool            // templates instead of the others
	Tag      string
	Team     string
	Owner    string
	Fields   []FieldFilter // all of them
	// Rated narrows to products whose highest current rating, rounded, is From at
	// least and below Below.
	Rated *RatedFrom
	// Unrated narrows to products with threats that nobody has rated.
	Unrated bool
	Sort    ProductSort
	After   *ProductRow // the last row of the page before; only ID, Name and what it is sorted by are used
	Limit   int         // 1..1000; 0 is 50
}

// RatedFrom is a range of rounded ratings.
type RatedFrom struct{ From, Below int }

const productColumns = `p.id, p.name, p.owner, p.archived, p.version, p.created_at, p.created_by, p.updated_at, p.updated_by,
	s.inherent_max, s.current_max, s.verified_max, s.projected_max, s.current_sum, s.low, s.medium, s.high, s.critical, s.unrated,
	s.exceeding, s.vulnerabilities, s.at, s.recompute_at, s.doc, p.doc, s.trend, s.last_test`

const productFrom = " FROM product p JOIN product_summary s ON s.product_id = p.id"

// narrowFrom is productFrom without the figures where the query does not filter by them.
func (q *ProductQuery) narrowFrom() string {
	if q.Rated == nil && !q.Unrated {
		return " FROM product p"
	}
	return productFrom
}

func scanProduct(row func(...any) error) (p ProductRow, err error) {
	s := &p.Summary
	var head, trend string
	err = row((*string)(&p.ID), &p.Name, &p.Owner, &p.Archived, &p.Version, (*stamp)(&p.CreatedAt), &p.CreatedBy, (*stamp)(&p.UpdatedAt), &p.UpdatedBy,
		&s.InherentMax, &s.CurrentMax, &s.VerifiedMax, &s.ProjectedMax, &s.CurrentSum, &s.Low, &s.Medium, &s.High, &s.Critical, &s.Unrated,
		&s.Exceeding, &s.Vulnerabilities, (*stamp)(&s.At), (*stamp)(&s.RecomputeAt), &s.Doc, &head, &trend, (*stamp)(&p.LastTest))
	if err != nil {
		return p, err
	}
	var doc productDoc
	if err := json.Unmarshal([]byte(head), &doc); err != nil {
		return p, fmt.Errorf("product %s: %w", p.ID, err)
	}
	p.Head = doc.Product
	p.Trend, err = readTrend(trend)
	return p, err
}

// Products returns a page of products in the order of the query.
func (tx *Tx) Products(q ProductQuery) ([]ProductRow, error) {
	var c conditions
	c.filterProducts(q)
	falling := func(column string, after any) string {
		if q.After != nil {
			c.add("("+column+") < (?, ?)", after, string(q.After.ID))
		}
		return " ORDER BY " + strings.Replace(column, ",", " DESC,", 1) + " DESC"
	}
	last := cmp.Or(q.After, &ProductRow{})
	var order string
	switch q.Sort {
	case SortByRating:
		order = falling("s.current_max, s.product_id", last.Summary.CurrentMax)
	case SortByVulnerabilities:
		order = falling("s.vulnerabilities, s.product_id", last.Summary.Vulnerabilities)
	case SortByTest:
		order = falling("s.last_test, s.product_id", stamp(last.LastTest))
	case SortByUpdate:
		order = falling("p.updated_at, p.id", stamp(last.UpdatedAt))
	case SortByName, "":
		order = " ORDER BY p.folded, p.id"
		if q.After != nil {
			c.add("(p.folded, p.id) > (?, ?)", Fold(q.After.Name), string(q.After.ID))
		}
	default:
		return nil, fault.New(fault.Invalid, "product.sort", "products cannot be sorted by %q; expected name, rating, -updated, last_test or vulnerabilities", q.Sort)
	}
	rows, err := collect(tx, scanProduct, "SELECT "+productColumns+productFrom+c.where()+order+" LIMIT "+c.arg(limit(q.Limit)), c.args...)
	if err != nil {
		return nil, fmt.Errorf("store: list products: %w", err)
	}
	return rows, nil
}

// CountProducts returns how many products the query selects, whatever its page.
func (tx *Tx) CountProducts(q ProductQuery) (n int64, err error) {
	var c conditions
	c.filterProducts(q)
	if _, err := tx.one("SELECT count(*)"+q.narrowFrom()+c.where(), c.args, &n); err != nil {
		return 0, fmt.Errorf("store: count products: %w", err)
	}
	return n, nil
}

func (c *conditions) filterProducts(q ProductQuery) {
	c.add("p.archived = ?", q.Archived)
	c.add("p.template = ?", q.Template)
	c.visible("p.id", q.Visible)
	for _, f := range []struct{ cond, value string }{
		{"p.id = ?", string(q.Only)},
		{"p.team = ?", q.Team},
		{"p.owner = ?", q.Owner},
		{"p.id IN (SELECT product_id FROM product_tag WHERE tag = ?)", q.Tag},
	} {
		if f.value != "" {
			c.add(f.cond, f.value)
		}
	}
	c.filterFields(q)
	if q.Rated != nil {
		c.add("s.current_max >= ? AND s.current_max < ?", float64(q.Rated.From), float64(q.Rated.Below))
	}
	if q.Unrated {
		c.add("s.unrated > 0")
	}
	if q.Text != "" {
		escape := strings.NewReplacer(`\`, `\\`, "%", `\%`, "_", `\_`)
		c.add(`p.folded LIKE ? ESCAPE '\'`, "%"+escape.Replace(Fold(q.Text))+"%")
	}
}

func limit(n int) int {
	if n <= 0 {
		return 50
	}
	return min(n, 1000)
}

// ProductNames returns what those of the products that there are are called, by id.
func (tx *Tx) ProductNames(ids ...string) (map[model.ProductID]string, error) {
	out := map[model.ProductID]string{}
	for chunk := range slices.Chunk(ids, inChunk) {
		var c conditions
		c.among("id", chunk)
		err := each(tx, func(row func(...any) error) error {
			var id, name string
			err := row(&id, &name)
			out[model.ProductID(id)] = name
			return err
		}, "SELECT id, name FROM product"+c.where(), c.args...)
		if err != nil {
			return nil, fmt.Errorf("store: names of products: %w", err)
		}
	}
	return out, nil
}

// Product returns one product's row; fault.NotFound if there is none or it is not visible.
func (tx *Tx) Product(id model.ProductID, visible Visible) (ProductRow, error) {
	var c conditions
	c.add("p.id = ?", string(id))
	c.visible("p.id", visible)
	rows, err := collect(tx, scanProduct, "SELECT "+productColumns+productFrom+c.where(), c.args...)
	if err != nil {
		return ProductRow{}, fmt.Errorf("store: product %s: %w", id, err)
	}
	if len(rows) == 0 {
		return ProductRow{}, noProduct(id)
	}
	return rows[0], nil
}

// ArchiveProduct hides a product from lists, or brings it back, and raises its
// version; fault.Stale if it is not at the expected one.
func (tx *Tx) ArchiveProduct(id model.ProductID, archived bool, s Save) error {
	n, err := tx.exec("UPDATE product SET archived = $2, version = version + 1, updated_at = $3, updated_by = $4 WHERE id = $1 AND version = $5",
		string(id), archived, stamp(s.At), s.By, s.Expect)
	if err == nil && n == 0 {
		if err = tx.expectVersion(id, s.Expect); err == nil {
			err = stale(id)
		}
	}
	if err != nil {
		return fmt.Errorf("store: archive product %s: %w", id, err)
	}
	return nil
}

// DeleteProduct removes a product and everything that belongs to it but its
// audit trail; fault.NotFound if there is none.
func (tx *Tx) DeleteProduct(id model.ProductID) error {
	n, err := tx.exec("DELETE FROM product WHERE id = $1", string(id))
	if err != nil {
		return fmt.Errorf("store: delete product %s: %w", id, err)
	}
	if n == 0 {
		return noProduct(id)
	}
	return nil
}
