package app

import (
	"sync"
	"time"
)

// forgedEvery is how often refused deliveries of a connection are told of.
const forgedEvery = 10 * time.Minute

// forged counts deliveries that were not signed with the secret of their connection.
// Anybody can send them, so that they are told of now and then only, with their number.
type forged struct {
	mu    sync.Mutex
	since map[string]forgedSince // by connection; of those that there are
}

type forgedSince struct {
	told    time.Time
	refused int // and not told of
}

// count counts one, and returns how many there were where it is time to tell of them, else 0.
func (f *forged) count(connection string, now time.Time) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.since == nil {
		f.since = map[string]forgedSince{}
	}
	s := f.since[connection]
	s.refused++
	n := 0
	if s.told.IsZero() || now.Sub(s.told) >= forgedEvery {
		n, s = s.refused, forgedSince{told: now}
	}
	f.since[connection] = s
	return n
}
