package app

import (
	"slices"
	"sync"
	"time"

	"github.com/threatloop/threatloop/internal/evidence"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/risk"
	"github.com/threatloop/threatloop/internal/store"
)

// standing is how a model stands at a time: what evidence says of it, what it
// rates, and what follows for what is drawn. It is shared and never changed.
type standing struct {
	verdicts model.Verdicts
	evidence *judged // nil of a model that is being changed
	ratings  risk.Ratings
	vulns    int
	// From from on, before until, time alone changes nothing; a zero until is no end.
	from, until time.Time
	// Worked out when first asked for; safe for concurrent use.
	facts func() Facts
	index func() *indexed
	gains func() map[model.CountermeasureID]int
}

// holds reports whether the standing is that of a time.
func (s *standing) holds(at time.Time) bool {
	return !at.Before(s.from) && (s.until.IsZero() || at.Before(s.until))
}

// standingOf works out how a model stands with the evidence in the transaction.
func (a *App) standingOf(tx *store.Tx, m *model.Model, at time.Time) (*standing, error) {
	l, err := ledger(tx, m.Product.ID)
	if err != nil {
		return nil, err
	}
	return a.standingWith(m, l, at), nil
}

func (a *App) standingWith(m *model.Model, l evidence.Ledger, at time.Time) *standing {
	v := a.verdictsOf(m, l, at)
	s := &standing{
		verdicts: v, ratings: risk.Rate(m, v, a.settings(at)), vulns: vulnerabilities(m, v),
		from: at, until: nextLook(m, v, at, a.Fresh),
	}
	s.facts = sync.OnceValue(func() Facts { return facts(m, s.ratings, a.Risk.Climb()) })
	s.index = sync.OnceValue(func() *indexed { return index(m) })
	s.gains = sync.OnceValue(func() map[model.CountermeasureID]int { return gainsOf(m, v, a.settings(at)) })
	return s
}

// standing is standingOf for a model that ReadModel returned, with the head of
// the product's audit trail: it is worked out once for all who read it. The
// pointer names the model; what else it depends on (evidence, decisions, pins)
// shows in the trail, and the settings do not change while the program runs.
func (a *App) standing(tx *store.Tx, m *model.Model, at time.Time) (*standing, int64, error) {
	stream := store.ProductStream(m.Product.ID)
	heads, err := tx.AuditHeads(stream)
	if err != nil {
		return nil, 0, err
	}
	head := heads[stream]
	if s := a.standings.get(m, head, at); s != nil {
		return s, head, nil
	}
	l, err := ledger(tx, m.Product.ID)
	if err != nil {
		return nil, head, err
	}
	s := a.standingWith(m, l, at)
	s.evidence = judge(l)
	if !tx.Writes() {
		a.standings.put(m, head, s)
	}
	return s, head, nil
}

// standings keeps how the models stand that were read last. The zero value is
// ready; it is safe for concurrent use.
type standings struct {
	mu   sync.Mutex
	kept []keptStanding // used last at the end
}

type keptStanding struct {
	m    *model.Model
	head int64
	*standing
}

// Bounds of what is kept: products, and threats and rows of evidence in all of them.
const (
	maxStandings     = 32
	maxStandingParts = 100_000
)

func (s *standing) parts() int {
	n := len(s.ratings.Threats)
	if s.evidence != nil {
		n += len(s.evidence.rows)
	}
	return n
}

func (k *standings) get(m *model.Model, head int64, at time.Time) *standing {
	k.mu.Lock()
	defer k.mu.Unlock()
	i := slices.IndexFunc(k.kept, func(x keptStanding) bool { return x.m == m && x.head == head && x.holds(at) })
	if i < 0 {
		return nil
	}
	found := k.kept[i]
	k.kept = append(slices.Delete(k.kept, i, i+1), found)
	return found.standing
}

// put keeps a standing in place of what is known of the product.
func (k *standings) put(m *model.Model, head int64, s *standing) {
	if s.parts() > maxStandingParts {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept = append(slices.DeleteFunc(k.kept, func(x keptStanding) bool { return x.m.Product.ID == m.Product.ID }), keptStanding{m, head, s})
	sum, from := 0, len(k.kept)
	for from > 0 && len(k.kept)-from < maxStandings && sum+k.kept[from-1].parts() <= maxStandingParts {
		from--
		sum += k.kept[from].parts()
	}
	k.kept = slices.Delete(k.kept, 0, from)
}
