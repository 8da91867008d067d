package store

import (
	"fmt"
	"time"

	"github.com/threatloop/threatloop/internal/model"
)

// Ratings are the four ratings of a threat, each 0..100.
type Ratings struct {
	Inherent, Verified, Current, Projected float64
}

// RatingChange is a change of a threat's ratings with its cause.
type RatingChange struct {
	Seq       int64 // rising in its product; set by the store
	Threat    model.ThreatID
	At        time.Time
	Before    Ratings
	After     Ratings
	CauseKind string // "edit", "generation", "test", "tracker", "acceptance", "expiry", "import"
	CauseText string // one sentence for people
	CauseRef  string // run, ticket, rule or request
}

// ProductRating is what a product's ratings were from a time on.
type ProductRating struct {
	Seq                                                int64 // rising in its product; set by the store
	At                                                 time.Time
	InherentMax, VerifiedMax, CurrentMax, ProjectedMax float64
	CurrentSum                                         float64
	Low, Medium, High, Critical, Vulnerabilities       int64
}

// SetSummary stores what lists show of a product; fault.NotFound if there is no such product.
func (tx *Tx) SetSummary(id model.ProductID, s Summary) error {
	if s.Doc == "" {
		s.Doc = "{}"
	}
	n, err := tx.exec(`UPDATE product_summary SET inherent_max = $2, current_max = $3, verified_max = $4, projected_max = $5, current_sum = $6,
		low = $7, medium = $8, high = $9, critical = $10, unrated = $11, exceeding = $12, vulnerabilities = $13, at = $14, recompute_at = $15, doc = $16,
		last_test = coalesce((SELECT r.at FROM run r WHERE r.product_id = $1 AND r.complete AND r.state = 'done' ORDER BY r.at DESC, r.id DESC LIMIT 1), 0)
		WHERE product_id = $1`, string(id), s.InherentMax, s.CurrentMax, s.VerifiedMax, s.ProjectedMax, s.CurrentSum,
		s.Low, s.Medium, s.High, s.Critical, s.Unrated, s.Exceeding, s.Vulnerabilities, stamp(s.At), stamp(s.RecomputeAt), s.Doc)
	if err != nil {
		return fmt.Errorf("store: summary of product %s: %w", id, err)
	}
	if n == 0 {
		return noProduct(id)
	}
	return nil
}

// DueRecompute returns products whose ratings change by time alone at or before
// now, the longest overdue first.
func (tx *Tx) DueRecompute(now time.Time, max int) ([]model.ProductID, error) {
	ids, err := collect(tx, func(row func(...any) error) (id model.ProductID, err error) {
		return id, row((*string)(&id))
	}, "SELECT product_id FROM product_summary WHERE recompute_at > 0 AND recompute_at <= $1 ORDER BY recompute_at, product_id LIMIT $2", stamp(now), limit(max))
	if err != nil {
		return nil, fmt.Errorf("store: due recomputations: %w", err)
	}
	return ids, nil
}

// claimSeq moves the product's counter of rating rows on by n and returns where it was.
func (tx *Tx) claimSeq(id model.ProductID, n int) (int64, error) {
	var seq int64
	ok, err := tx.one("UPDATE product_summary SET change_seq = change_seq + $2 WHERE product_id = $1 RETURNING change_seq", []any{string(id), int64(n)}, &seq)
	if err == nil && !ok {
		err = noProduct(id)
	}
	return seq - int64(n), err
}

// AddRatingChanges appends to a product's history; Seq is ignored.
func (tx *Tx) AddRatingChanges(id model.ProductID, changes ...RatingChange) error {
	if len(changes) == 0 {
		return nil
	}
	seq, err := tx.claimSeq(id, len(changes))
	if err != nil {
		return fmt.Errorf("store: rating changes of product %s: %w", id, err)
	}
	rows := make([][]any, len(changes))
	for i, c := range changes {
		rows[i] = []any{
			string(id), seq + int64(i) + 1, string(c.Threat), stamp(c.At), c.Before.Inherent, c.Before.Verified, c.Before.Current, c.Before.Projected,
			c.After.Inherent, c.After.Verified, c.After.Current, c.After.Projected, c.CauseKind, c.CauseText, c.CauseRef,
		}
	}
	err = tx.bulk("rating_change", []string{
		"product_id", "seq", "threat_id", "at", "inherent_before", "verified_before", "current_before", "projected_before",
		"inherent_after", "verified_after", "current_after", "projected_after", "cause_kind", "cause_text", "cause_ref",
	}, "", rows)
	if err != nil {
		return fmt.Errorf("store: rating changes of product %s: %w", id, err)
	}
	return nil
}

// RatingChanges returns a page of a product's history, newest first: below the
// sequence before (0: from the end), of one threat or of all ("").
func (tx *Tx) RatingChanges(id model.ProductID, threat model.ThreatID, before int64, max int) ([]RatingChange, error) {
	var c conditions
	c.add("product_id = ?", string(id))
	if threat != "" {
		c.add("threat_id = ?", string(threat))
	}
	if before > 0 {
		c.add("seq < ?", before)
	}
	out, err := collect(tx, func(row func(...any) error) (r RatingChange, err error) {
		return r, row(&r.Seq, (*string)(&r.Threat), (*stamp)(&r.At), &r.Before.Inherent, &r.Before.Verified, &r.Before.Current, &r.Before.Projected,
			&r.After.Inherent, &r.After.Verified, &r.After.Current, &r.After.Projected, &r.CauseKind, &r.CauseText, &r.CauseRef)
	}, `SELECT seq, threat_id, at, inherent_before, verified_before, current_before, projected_before, inherent_after, verified_after, current_after,
		projected_after, cause_kind, cause_text, cause_ref FROM rating_change`+c.where()+" ORDER BY seq DESC LIMIT "+c.arg(limit(max)), c.args...)
	if err != nil {
		return nil, fmt.Errorf("store: rating changes of product %s: %w", id, err)
	}
	return out, nil
}

// AddProductRating appends to the trend of a product; Seq is ignored.
func (tx *Tx) AddProductRating(id model.ProductID, r ProductRating) error {
	seq, err := tx.claimSeq(id, 1)
	if err == nil {
		_, err = tx.exec(`INSERT INTO product_rating (product_id, seq, at, inherent_max, verified_max, current_max, projected_max, current_sum, low, medium,
			high, critical, vulnerabilities) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`, string(id), seq+1, stamp(r.At),
			r.InherentMax, r.VerifiedMax, r.CurrentMax, r.ProjectedMax, r.CurrentSum, r.Low, r.Medium, r.High, r.Critical, r.Vulnerabilities)
	}
	if err == nil {
		err = tx.extendTrend(id, TrendPoint{At: r.At, Current: r.CurrentMax, Verified: r.VerifiedMax})
	}
	if err != nil {
		return fmt.Errorf("store: rating of product %s: %w", id, err)
	}
	return nil
}

// ProductRatings returns the trend of a product from a time (inclusive) to
// another (exclusive; zero is no end), oldest first, at most max (1..1000).
func (tx *Tx) ProductRatings(id model.ProductID, from, to time.Time, max int) ([]ProductRating, error) {
	var c conditions
	c.add("product_id = ?", string(id))
	c.add("at >= ?", stamp(from))
	if !to.IsZero() {
		c.add("at < ?", stamp(to))
	}
	out, err := collect(tx, func(row func(...any) error) (r ProductRating, err error) {
		return r, row(&r.Seq, (*stamp)(&r.At), &r.InherentMax, &r.VerifiedMax, &r.CurrentMax, &r.ProjectedMax, &r.CurrentSum,
			&r.Low, &r.Medium, &r.High, &r.Critical, &r.Vulnerabilities)
	}, `SELECT seq, at, inherent_max, verified_max, current_max, projected_max, current_sum, low, medium, high, critical, vulnerabilities
		FROM product_rating`+c.where()+" ORDER BY at, seq LIMIT "+c.arg(limit(max)), c.args...)
	if err != nil {
		return nil, fmt.Errorf("store: ratings of product %s: %w", id, err)
	}
	return out, nil
}

// Portfolio sums the products that are visible and not archived: the maxima are
// the highest of any product, everything else is a sum. The number of products comes beside it.
func (tx *Tx) Portfolio(visible Visible) (s Summary, products int64, err error) {
	var c conditions
	c.filterProducts(ProductQuery{Visible: visible})
	_, err = tx.one(`SELECT count(*), coalesce(max(s.inherent_max), 0), coalesce(max(s.current_max), 0), coalesce(max(s.verified_max), 0),
		coalesce(max(s.projected_max), 0), coalesce(sum(s.current_sum), 0), CAST(coalesce(sum(s.low), 0) AS BIGINT), CAST(coalesce(sum(s.medium), 0) AS BIGINT),
		CAST(coalesce(sum(s.high), 0) AS BIGINT), CAST(coalesce(sum(s.critical), 0) AS BIGINT), CAST(coalesce(sum(s.unrated), 0) AS BIGINT),
		CAST(coalesce(sum(s.exceeding), 0) AS BIGINT), CAST(coalesce(sum(s.vulnerabilities), 0) AS BIGINT)
		FROM product p JOIN product_summary s ON s.product_id = p.id`+c.where(), c.args,
		&products, &s.InherentMax, &s.CurrentMax, &s.VerifiedMax, &s.ProjectedMax, &s.CurrentSum, &s.Low, &s.Medium, &s.High, &s.Critical,
		&s.Unrated, &s.Exceeding, &s.Vulnerabilities)
	if err != nil {
		return Summary{}, 0, fmt.Errorf("store: portfolio: %w", err)
	}
	return s, products, nil
}
