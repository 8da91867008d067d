package store

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/model"
)

// setTags makes a product findable by its tags.
func (tx *Tx) setTags(id model.ProductID, tags []string) error {
	if _, err := tx.exec("DELETE FROM product_tag WHERE product_id = $1", string(id)); err != nil {
		return err
	}
	sorted := slices.Sorted(slices.Values(tags))
	var rows [][]any
	for _, tag := range slices.Compact(sorted) {
		rows = append(rows, []any{tag, string(id)})
	}
	return tx.bulk("product_tag", []string{"tag", "product_id"}, "", rows)
}

// Waiting is what waits or hinders in a product.
type Waiting struct {
	Behind int64 // tickets that are not made yet, failed or are out of step
	People int64 // held tickets and test results that wait for a person
}

// The three counts, each by product.
const (
	countIntents = `SELECT t.product_id, t.state, count(*) FROM ticket_intent t WHERE t.state <> 'linked' AND %s GROUP BY t.product_id, t.state`
	countLinks   = `SELECT t.product_id, 'failing', count(*) FROM ticket_link t WHERE t.state = 'live' AND t.failures > 0 AND %s GROUP BY t.product_id`
	countTriage  = `SELECT t.product_id, 'held', count(*) FROM evidence t WHERE t.triage IN ('unmatched', 'ambiguous') AND NOT t.retired AND %s GROUP BY t.product_id`
)

// Waiting returns what waits in each of the products, at most 1000; a product where
// nothing does is absent.
func (tx *Tx) Waiting(ids ...model.ProductID) (map[model.ProductID]Waiting, error) {
	out := map[model.ProductID]Waiting{}
	for chunk := range slices.Chunk(ids, inChunk) {
		args := make([]any, len(chunk))
		for i, id := range chunk {
			args[i] = string(id)
		}
		if err := tx.countWaiting(out, "t.product_id IN ("+placeholders(1, len(args))+")", args); err != nil {
			return nil, fmt.Errorf("store: what waits in products: %w", err)
		}
	}
	return out, nil
}

func (tx *Tx) countWaiting(out map[model.ProductID]Waiting, cond string, args []any) error {
	for _, query := range []string{countIntents, countLinks, countTriage} {
		err := each(tx, func(row func(...any) error) error {
			var id model.ProductID
			var state string
			var n int64
			if err := row((*string)(&id), &state, &n); err != nil {
				return err
			}
			w := out[id]
			if state == IntentHeld {
				w.People += n
			} else {
				w.Behind += n
			}
			out[id] = w
			return nil
		}, fmt.Sprintf(query, cond), args...)
		if err != nil {
			return err
		}
	}
	return nil
}

// PortfolioTotals sums up the products of a query, whatever its page.
type PortfolioTotals struct {
	Summary            // the maxima are the highest of any product, everything else is a sum
	Products           int64
	ProductsExceeding  int64    // with a threat above tolerance
	Untested           int64    // without a complete run
	ProductBands       [4]int64 // products by their highest threat: low, medium, high, critical
	ProductsUnrated    int64    // with threats that nobody has rated
	Behind, Unattended int64    // as in Waiting: Behind and People
}

const sums = `count(*), coalesce(max(s.current_max), 0), CAST(coalesce(sum(s.low), 0) AS BIGINT), CAST(coalesce(sum(s.medium), 0) AS BIGINT),
	CAST(coalesce(sum(s.high), 0) AS BIGINT), CAST(coalesce(sum(s.critical), 0) AS BIGINT), CAST(coalesce(sum(s.unrated), 0) AS BIGINT),
	CAST(coalesce(sum(s.exceeding), 0) AS BIGINT)`

// PortfolioTotals sums up the products of a query. Bands are the lower limits of
// medium, high and critical, as rounded ratings.
func (tx *Tx) PortfolioTotals(q ProductQuery, bands [3]int) (PortfolioTotals, error) {
	var t PortfolioTotals
	var c conditions
	count := func(cond string, values ...any) string {
		for _, v := range values {
			cond = strings.Replace(cond, "?", c.arg(v), 1)
		}
		return "CAST(coalesce(sum(CASE WHEN " + cond + " THEN 1 ELSE 0 END), 0) AS BIGINT)"
	}
	columns := sums + `, coalesce(max(s.inherent_max), 0), coalesce(max(s.verified_max), 0), coalesce(max(s.projected_max), 0), coalesce(sum(s.current_sum), 0),
		CAST(coalesce(sum(s.vulnerabilities), 0) AS BIGINT), ` + count("s.exceeding > 0") + ", " + count("s.last_test = 0") + ", " + count("s.unrated > 0") + ", " +
		count("s.current_max < ?", float64(bands[0])) + ", " + count("s.current_max >= ? AND s.current_max < ?", float64(bands[0]), float64(bands[1])) + ", " +
		count("s.current_max >= ? AND s.current_max < ?", float64(bands[1]), float64(bands[2])) + ", " + count("s.current_max >= ?", float64(bands[2]))
	c.filterProducts(q)
	b := &t.ProductBands
	_, err := tx.one("SELECT "+columns+productFrom+c.where(), c.args,
		&t.Products, &t.CurrentMax, &t.Low, &t.Medium, &t.High, &t.Critical, &t.Summary.Unrated, &t.Exceeding,
		&t.InherentMax, &t.VerifiedMax, &t.ProjectedMax, &t.CurrentSum, &t.Vulnerabilities, &t.ProductsExceeding, &t.Untested, &t.ProductsUnrated,
		&b[0], &b[1], &b[2], &b[3])
	if err == nil {
		waiting := map[model.ProductID]Waiting{}
		var only conditions
		only.filterProducts(q)
		err = tx.countWaiting(waiting, "t.product_id IN (SELECT p.id"+q.narrowFrom()+only.where()+")", only.args)
		for _, w := range waiting {
			t.Behind += w.Behind
			t.Unattended += w.People
		}
	}
	if err != nil {
		return PortfolioTotals{}, fmt.Errorf("store: totals of the portfolio: %w", err)
	}
	return t, nil
}

// HeatBy is what the rows of a heat map stand for.
type HeatBy string

// The rows of a heat map.
const (
	HeatByProduct HeatBy = "product"
	HeatByTeam    HeatBy = "team"
	HeatByTag     HeatBy = "tag"
)

// HeatRow is a row of a heat map: threats that count, per band.
type HeatRow struct {
	Key      string // id of a product, a team or a tag; "" is those without one
	Title    string
	Products int64
	Summary  // only the bands, CurrentMax and Exceeding
}

// HeatMap returns at most limit rows over the products of a query, the worst
// first, and how many there are in all.
func (tx *Tx) HeatMap(q ProductQuery, by HeatBy, max int) (rows []HeatRow, all int64, err error) {
	var c conditions
	c.filterProducts(q)
	key, title, from := "p.id", "p.name", productFrom
	switch by {
	case HeatByTeam:
		key, title = "p.team", "p.team"
	case HeatByTag:
		key, title, from = "coalesce(t.tag, '')", "coalesce(t.tag, '')", from+" LEFT JOIN product_tag t ON t.product_id = p.id"
	}
	if _, err = tx.one("SELECT count(DISTINCT "+key+")"+from+c.where(), c.args, &all); err != nil {
		return nil, 0, fmt.Errorf("store: heat map: %w", err)
	}
	where := c.where()
	rows, err = collect(tx, func(row func(...any) error) (r HeatRow, err error) {
		return r, row(&r.Key, &r.Title, &r.Products, &r.CurrentMax, &r.Low, &r.Medium, &r.High, &r.Critical, &r.Unrated, &r.Exceeding)
	}, "SELECT "+key+", "+title+", "+sums+from+where+" GROUP BY "+key+", "+title+
		" ORDER BY max(s.current_max) DESC, sum(s.critical) DESC, sum(s.high) DESC, "+title+", "+key+" LIMIT "+c.arg(limit(max)), c.args...)
	if err != nil {
		return nil, 0, fmt.Errorf("store: heat map: %w", err)
	}
	return rows, all, nil
}

// Facet is a value that products have, and how many have it.
type Facet struct {
	Value    string
	Products int64
}

// Facets returns the teams, tags and owners of the products of a query, the most
// used first, at most 100 of each; "" is none of them.
func (tx *Tx) Facets(q ProductQuery) (teams, tags, owners []Facet, err error) {
	for _, f := range []struct {
		column, from string
		into         *[]Facet
	}{
		{"p.team", q.narrowFrom(), &teams},
		{"t.tag", q.narrowFrom() + " JOIN product_tag t ON t.product_id = p.id", &tags},
		{"p.owner", q.narrowFrom(), &owners},
	} {
		var c conditions
		c.filterProducts(q)
		c.add(f.column + " <> ''")
		*f.into, err = collect(tx, func(row func(...any) error) (v Facet, err error) { return v, row(&v.Value, &v.Products) },
			"SELECT "+f.column+", count(*)"+f.from+c.where()+" GROUP BY "+f.column+" ORDER BY count(*) DESC, "+f.column+" LIMIT 100", c.args...)
		if err != nil {
			return nil, nil, nil, fmt.Errorf("store: facets of products: %w", err)
		}
	}
	return teams, tags, owners, nil
}

// Visit notes that an account looked at a product and returns when it did before; zero is never.
func (tx *Tx) Visit(user string, id model.ProductID, at time.Time) (before time.Time, err error) {
	if before, err = tx.Visited(user, id); err != nil {
		return before, err
	}
	_, err = tx.exec(`INSERT INTO visit (user_id, product_id, at) VALUES ($1, $2, $3) ON CONFLICT (user_id, product_id) DO UPDATE SET at = excluded.at`, user, string(id), stamp(at))
	if err != nil {
		return before, fmt.Errorf("store: visit of %s: %w", id, err)
	}
	return before, nil
}

// Visited returns when an account last looked at a product; zero is never.
func (tx *Tx) Visited(user string, id model.ProductID) (at time.Time, err error) {
	if _, err = tx.one("SELECT at FROM visit WHERE user_id = $1 AND product_id = $2", []any{user, string(id)}, (*stamp)(&at)); err != nil {
		return at, fmt.Errorf("store: visit of %s: %w", id, err)
	}
	return at, nil
}

// RatingAt returns what a product's ratings were at a time; false where it had none yet.
func (tx *Tx) RatingAt(id model.ProductID, at time.Time) (r ProductRating, ok bool, err error) {
	ok, err = tx.one(`SELECT at, inherent_max, verified_max, current_max, projected_max, current_sum FROM product_rating
		WHERE product_id = $1 AND at <= $2 ORDER BY at DESC, seq DESC LIMIT 1`, []any{string(id), stamp(at)},
		(*stamp)(&r.At), &r.InherentMax, &r.VerifiedMax, &r.CurrentMax, &r.ProjectedMax, &r.CurrentSum)
	if err != nil {
		return r, false, fmt.Errorf("store: rating of product %s: %w", id, err)
	}
	return r, ok, nil
}

// Archived tells whether a product is archived; fault.NotFound if there is none.
func (tx *Tx) Archived(id model.ProductID) (archived bool, err error) {
	ok, err := tx.one("SELECT archived FROM product WHERE id = $1", []any{string(id)}, &archived)
	if err == nil && !ok {
		err = noProduct(id)
	}
	return archived, err
}

// ForgetTickets drops everything that ties a product to tickets, and the marks and
// pins that no product holds, and returns how many tickets it knew. The tickets
// themselves stay where they are.
func (tx *Tx) ForgetTickets(id model.ProductID) (tickets int64, err error) {
	tickets, err = tx.exec("DELETE FROM ticket_link WHERE product_id = $1", string(id))
	for _, query := range []string{
		"DELETE FROM ticket_intent WHERE product_id = $1",
		"DELETE FROM pin WHERE product_id = $1",
		"DELETE FROM setting WHERE key LIKE 'tickets.look/%/' || $1",
	} {
		if err == nil {
			_, err = tx.exec(query, string(id))
		}
	}
	if err != nil {
		return 0, fmt.Errorf("store: tickets of product %s: %w", id, err)
	}
	return tickets, nil
}
