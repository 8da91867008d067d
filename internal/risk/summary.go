package risk

import (
	"cmp"
	"slices"

	"github.com/threatloop/threatloop/internal/model"
)

func newTally() Tally {
	return Tally{Bands: map[Band]int{Low: 0, Medium: 0, High: 0, Critical: 0, Unrated: 0}}
}

func (t *Tally) add(r *Rating) {
	t.Threats++
	t.Bands[r.Band]++
	t.SumExact = t.SumExact.plus(r.Exact)
	t.Highest.Inherent = max(t.Highest.Inherent, r.Inherent)
	t.Highest.Verified = max(t.Highest.Verified, r.Verified)
	t.Highest.Current = max(t.Highest.Current, r.Current)
	t.Highest.Projected = max(t.Highest.Projected, r.Projected)
}

// summarise expects the ratings in order of ids: sums of floats depend on it.
func (r *rater) summarise(ratings []Rating) Summary {
	s := Summary{Open: newTally(), Carried: newTally(), Outside: newTally(), Tolerance: 100}
	for i := range ratings {
		rating := &ratings[i]
		switch rating.Standing {
		case StandsCarried:
			s.Carried.add(rating)
			continue
		case StandsOutside:
			s.Outside.add(rating)
			continue
		case StandsClosed, StandsRetired:
			s.Closed++
			continue
		}
		s.Open.add(rating)
		if rating.Unrated {
			s.Unrated++
		}
		if rating.OverTolerance {
			s.OverTolerance++
		}
		if slices.Contains(rating.Flags, Contradiction) {
			s.Contradicted++
		}
		if slices.ContainsFunc(rating.Flags, func(f Flag) bool { return f == GuessedTrust || f == GuessedValue || f == GuessedExposure }) {
			s.Guessed++
		}
	}
	for _, t := range []*Tally{&s.Open, &s.Carried, &s.Outside} {
		t.Sum = t.SumExact.Rounded()
	}
	s.Gap = round(s.Open.SumExact.Verified - s.Open.SumExact.Current)
	s.Highest = s.Open.Highest.Current
	s.Band = r.s.Bands.Of(s.Highest)
	if r.s.Tolerance != nil {
		s.Tolerance = percent(*r.s.Tolerance)
	}
	return s
}

// Change is a threat whose rating, as shown, or standing differs. Before is nil
// for a threat that came, After for one that went or was retired.
type Change struct {
	Threat model.ThreatID `json:"threat"`
	Before *Point         `json:"before,omitempty"`
	After  *Point         `json:"after,omitempty"`
}

// Point is what history keeps of a rating.
type Point struct {
	Figures
	Band     Band     `json:"band"`
	Standing Standing `json:"standing"`
}

func (r *Rating) point() *Point {
	return &Point{Figures: r.Figures, Band: r.Band, Standing: r.Standing}
}

// Diff returns what changed between two ratings of a product, by threat id.
// Both must be as Rate returns them.
func Diff(before, after Ratings) []Change {
	var changes []Change
	b, a := before.Threats, after.Threats
	for len(b) > 0 || len(a) > 0 {
		order := 0
		switch {
		case len(b) == 0:
			order = 1
		case len(a) == 0:
			order = -1
		default:
			order = cmp.Compare(b[0].Threat, a[0].Threat)
		}
		switch {
		case order < 0:
			changes = append(changes, Change{Threat: b[0].Threat, Before: b[0].point()})
			b = b[1:]
		case order > 0:
			changes = append(changes, Change{Threat: a[0].Threat, After: a[0].point()})
			a = a[1:]
		default:
			was, is := b[0].point(), a[0].point()
			if *was != *is {
				changes = append(changes, Change{Threat: a[0].Threat, Before: was, After: is})
			}
			b, a = b[1:], a[1:]
		}
	}
	return changes
}
