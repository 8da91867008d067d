package store

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/threatloop/threatloop/internal/model"
)

// TrendPoint is what a product's highest ratings were from a time on.
type TrendPoint struct {
	At                time.Time
	Current, Verified float64 // 0..100
}

const (
	// trendPoints bounds the kept trend of a product, so that a list of products
	// reads it with the row.
	trendPoints = 29
	// trendSpan is how far back the kept trend goes.
	trendSpan = 90 * 24 * time.Hour
)

// trendDoc is a point as it is stored: microseconds, current, verified.
type trendDoc [3]float64

func readTrend(doc string) ([]TrendPoint, error) {
	if doc == "" {
		return nil, nil
	}
	var list []trendDoc
	if err := json.Unmarshal([]byte(doc), &list); err != nil {
		return nil, fmt.Errorf("trend: %w", err)
	}
	out := make([]TrendPoint, len(list))
	for i, d := range list {
		out[i] = TrendPoint{At: time.UnixMicro(int64(d[0])).UTC(), Current: d[1], Verified: d[2]}
	}
	return out, nil
}

func writeTrend(points []TrendPoint) (string, error) {
	list := make([]trendDoc, len(points))
	for i, p := range points {
		list[i] = trendDoc{float64(p.At.UnixMicro()), p.Current, p.Verified}
	}
	data, err := json.Marshal(list)
	return string(data), err
}

// extendTrend takes a rating into the kept trend of a product.
func (tx *Tx) extendTrend(id model.ProductID, p TrendPoint) error {
	var doc string
	if _, err := tx.one("SELECT trend FROM product_summary WHERE product_id = $1", []any{string(id)}, &doc); err != nil {
		return err
	}
	points, err := readTrend(doc)
	if err != nil {
		return err
	}
	return tx.saveTrend(id, thinTrend(points, p))
}

func (tx *Tx) saveTrend(id model.ProductID, points []TrendPoint) error {
	doc, err := writeTrend(points)
	if err != nil {
		return err
	}
	_, err = tx.exec("UPDATE product_summary SET trend = $2 WHERE product_id = $1", string(id), doc)
	return err
}

// thinTrend appends a point and keeps the trend short: what ended before its span
// goes, then whatever changes the drawn steps least.
func thinTrend(points []TrendPoint, p TrendPoint) []TrendPoint {
	points = slices.Clone(points)
	if n := len(points); n > 0 && !points[n-1].At.Before(p.At) {
		points[n-1].Current, points[n-1].Verified = p.Current, p.Verified
	} else if n == 0 || points[n-1].Current != p.Current || points[n-1].Verified != p.Verified {
		points = append(points, p)
	}
	from := p.At.Add(-trendSpan)
	for len(points) > 1 && !points[1].At.After(from) { // the last one before it still holds when the span begins
		points = points[1:]
	}
	for len(points) > trendPoints {
		least, at := math.Inf(1), 0
		for i := 1; i < len(points)-1; i++ {
			was, is := points[i-1], points[i]
			lost := (math.Abs(is.Current-was.Current) + math.Abs(is.Verified-was.Verified)) * points[i+1].At.Sub(is.At).Seconds()
			if lost < least {
				least, at = lost, i
			}
		}
		points = slices.Delete(points, at, at+1)
	}
	return points
}
