package httpcore

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/threatloop/threatloop/internal/tracker"
)

const (
	maxBackoff    = 5 * time.Minute
	maxRetryAfter = 24 * time.Hour
	maxScopes     = 10_000
	shortWait     = time.Second
)

// limiter bounds the requests in flight, keeps writes of one ticket apart and
// remembers for how long the tracker wants silence.
type limiter struct {
	cfg   Config
	slots chan struct{}

	mu     sync.Mutex
	until  map[string]time.Time // "" is the whole connection, else one scope
	refuse int                  // 429s without a time in a row
	busy   map[string]*scope
}

// scope serialises the writes of one ticket.
type scope struct {
	lock  chan struct{}
	users int
}

func newLimiter(cfg Config) *limiter {
	return &limiter{cfg: cfg, slots: make(chan struct{}, cfg.Concurrency), until: map[string]time.Time{}, busy: map[string]*scope{}}
}

// enter waits for a free slot and for the ticket's other writes. It fails at
// once where the tracker asked for a silence longer than a second.
func (l *limiter) enter(ctx context.Context, r Request) (func(), *tracker.Error) {
	unlock, err := l.lockScope(ctx, r)
	if err != nil {
		return nil, l.cancelled(r, err)
	}
	select {
	case l.slots <- struct{}{}:
	case <-ctx.Done():
		unlock()
		return nil, l.cancelled(r, ctx.Err())
	}
	release := func() { <-l.slots; unlock() }
	for _, key := range []string{"", r.Scope} {
		wait := l.pausedUntil(key).Sub(l.cfg.Now())
		if wait <= 0 {
			continue
		}
		if wait > shortWait {
			release()
			return nil, &tracker.Error{
				Outcome: tracker.NotSent, Kind: tracker.KindRateLimited, Op: r.Op, RetryAfter: wait,
				Reason: "the tracker asked to wait until " + l.cfg.Now().Add(wait).UTC().Format(time.RFC3339),
			}
		}
		if err := l.cfg.Sleep(ctx, wait); err != nil {
			release()
			return nil, l.cancelled(r, err)
		}
	}
	return release, nil
}

func (l *limiter) cancelled(r Request, err error) *tracker.Error {
	return &tracker.Error{Outcome: tracker.NotSent, Kind: tracker.KindUnavailable, Op: r.Op, Reason: "cancelled before it was sent", Err: err}
}

func (l *limiter) lockScope(ctx context.Context, r Request) (func(), error) {
	if r.Scope == "" || reads(r) {
		return func() {}, nil
	}
	l.mu.Lock()
	s := l.busy[r.Scope]
	if s == nil {
		s = &scope{lock: make(chan struct{}, 1)}
		l.busy[r.Scope] = s
	}
	s.users++
	l.mu.Unlock()
	leave := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if s.users--; s.users == 0 {
			delete(l.busy, r.Scope)
		}
	}
	select {
	case s.lock <- struct{}{}:
		return func() { <-s.lock; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, ctx.Err()
	}
}

func (l *limiter) pausedUntil(key string) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.until[key]
}

// learn takes the tracker's wishes from an answer and returns how long it asked
// to wait, 0 where it did not.
func (l *limiter) learn(scope string, status int, h http.Header) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.cfg.Now()
	asked := retryAfter(h.Get("Retry-After"), now)
	if status != http.StatusTooManyRequests {
		if status < 400 {
			l.refuse = 0
		}
		// Out of tokens although this one was served: the next would be refused.
		if h.Get("X-RateLimit-Remaining") == "0" {
			if wait := refill(h, now); wait > 0 {
				l.until[""] = later(l.until[""], now.Add(wait))
			}
		}
		// Near the limit: a second between requests keeps us from reaching it.
		if h.Get("X-RateLimit-NearLimit") == "true" {
			l.until[""] = later(l.until[""], now.Add(shortWait))
		}
		return asked
	}
	if asked == 0 {
		asked = refill(h, now)
	}
	if asked == 0 {
		d := min(maxBackoff, time.Second<<min(l.refuse, 10))
		asked = d/2 + time.Duration(l.cfg.Rand()*float64(d/2))
	}
	l.refuse++
	key := ""
	if strings.Contains(h.Get("RateLimit-Reason"), "per-issue") && scope != "" {
		key = scope
	}
	if len(l.until) > maxScopes {
		for k, t := range l.until {
			if t.Before(now) {
				delete(l.until, k)
			}
		}
	}
	l.until[key] = later(l.until[key], now.Add(asked))
	return asked
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// retryAfter reads seconds or an HTTP date.
func retryAfter(v string, now time.Time) time.Duration {
	if v == "" {
		return 0
	}
	if n, err := strconv.ParseFloat(v, 64); err == nil {
		return bounded(time.Duration(n * float64(time.Second)))
	}
	if t, err := http.ParseTime(v); err == nil {
		return bounded(t.Sub(now))
	}
	return 0
}

// refill reads when tokens come back: X-RateLimit-Reset (Cloud; ISO 8601, also
// seen without seconds, or Unix seconds) or X-RateLimit-Interval-Seconds (Data Center).
func refill(h http.Header, now time.Time) time.Duration {
	if v := h.Get("X-RateLimit-Reset"); v != "" {
		for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04"} {
			if t, err := time.Parse(layout, v); err == nil {
				return bounded(t.Sub(now))
			}
		}
		if n, err := strconv.ParseInt(v, 10, 64); err == nil && n > 1e9 {
			return bounded(time.Unix(n, 0).Sub(now))
		}
	}
	if n, err := strconv.Atoi(h.Get("X-RateLimit-Interval-Seconds")); err == nil && n > 0 {
		return bounded(time.Duration(n) * time.Second)
	}
	return 0
}

func bounded(d time.Duration) time.Duration { return max(0, min(d, maxRetryAfter)) }
