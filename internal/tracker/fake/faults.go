package fake

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"strconv"
	"time"
)

// FaultKind is what goes wrong with a request.
type FaultKind string

// The faults.
const (
	DropBefore FaultKind = "drop_before" // the connection closes, nothing was done
	DropAfter  FaultKind = "drop_after"  // the connection closes after it was done
	HangBefore FaultKind = "hang_before" // no answer until the client gives up, nothing was done
	HangAfter  FaultKind = "hang_after"  // done, no answer until the client gives up
	CommitLate FaultKind = "commit_late" // the connection closes; it is done after Delay
	Delay      FaultKind = "delay"       // done, answered after Delay
	RateLimit  FaultKind = "rate_limit"  // 429, with Reason and RetryAfter as given
	Status     FaultKind = "status"      // answers Code, nothing was done
	StatusDone FaultKind = "status_done" // answers Code although it was done
	HTML       FaultKind = "html"        // 200 with a web page, nothing was done
	HTMLDone   FaultKind = "html_done"   // 200 with a web page although it was done
	CutJSON    FaultKind = "cut_json"    // done, half of the JSON with a correct length
	BigBody    FaultKind = "big_body"    // done, an answer of 11 MB
	Redirect   FaultKind = "redirect"    // 302 to Location
	NoFault    FaultKind = "none"        // only Before is run
)

// Fault is an entry of the fault script. The first one that matches and still
// has a turn is taken.
type Fault struct {
	Kind        FaultKind
	Op          string        // operation, as counted by Requests; "" is any
	Skip        int           // matching requests that pass first
	Times       int           // turns; 0 is for ever
	Probability float64       // of each turn; 0 is always
	Delay       time.Duration // of Delay and CommitLate
	Code        int           // of Status and StatusDone
	RetryAfter  string        // header of RateLimit and Status; "" is none
	Reset       string        // X-RateLimit-Reset likewise
	Reason      string        // RateLimit-Reason likewise
	Location    string        // of Redirect
	Before      func(*Server) // run before the request is handled
}

// Inject adds to the fault script.
func (s *Server) Inject(fs ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range fs {
		s.faults = append(s.faults, &f)
	}
}

// ClearFaults empties the fault script.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// Requests returns how often each operation was asked for. "total" is the sum.
func (s *Server) Requests() map[string]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.counts)
}

// ResetRequests sets the counters to zero.
func (s *Server) ResetRequests() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts = map[string]int{}
}

// begin counts the request and draws its fault.
func (s *Server) begin(op string, r *http.Request) *Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.counts[op]++
	s.counts["total"]++
	for _, f := range s.faults {
		if f.Op != "" && f.Op != op || f.Times < 0 {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		if f.Probability > 0 && s.rand.Float64() >= f.Probability {
			continue
		}
		if f.Times > 0 {
			if f.Times--; f.Times == 0 {
				f.Times = -1
			}
		}
		return f
	}
	return nil
}

// early acts on faults that come before the request is handled; it reports
// whether the request is finished.
func (s *Server) early(w http.ResponseWriter, r *http.Request, f *Fault, run func()) bool {
	h := w.Header()
	h.Set(FaultHeader, string(f.Kind))
	switch f.Kind {
	case DropBefore:
		panic(http.ErrAbortHandler)
	case HangBefore:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case CommitLate:
		s.mu.Lock()
		s.due = append(s.due, dueCommit{at: s.now().Add(f.Delay), run: func() {
			s.mu.Unlock()
			defer s.mu.Lock()
			run()
		}})
		s.mu.Unlock()
		panic(http.ErrAbortHandler)
	case RateLimit:
		f.headers(h)
		w.WriteHeader(http.StatusTooManyRequests)
		return true
	case Status:
		f.headers(h)
		w.WriteHeader(f.Code)
		return true
	case HTML:
		page(w)
		return true
	case Redirect:
		h.Set("Location", f.Location)
		w.WriteHeader(http.StatusFound)
		return true
	case NoFault:
		h.Del(FaultHeader)
	}
	return false
}

// late acts on faults that come after the request was done.
func (s *Server) late(w http.ResponseWriter, r *http.Request, f *Fault, a answer) bool {
	switch f.Kind {
	case DropAfter:
		panic(http.ErrAbortHandler)
	case HangAfter:
		<-r.Context().Done()
		panic(http.ErrAbortHandler)
	case Delay:
		s.opt.Sleep(r.Context(), f.Delay)
	case StatusDone:
		f.headers(w.Header())
		w.WriteHeader(f.Code)
		return true
	case HTMLDone:
		page(w)
		return true
	case CutJSON:
		b, err := json.Marshal(a.body)
		if err != nil {
			return false
		}
		b = b[:len(b)/2]
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(b)))
		w.WriteHeader(a.status)
		_, _ = w.Write(b)
		return true
	case BigBody:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(a.status)
		_, _ = w.Write(bytes.Repeat([]byte(" "), 11<<20))
		return true
	}
	return false
}

func (f *Fault) headers(h http.Header) {
	for name, v := range map[string]string{"Retry-After": f.RetryAfter, "X-RateLimit-Reset": f.Reset, "RateLimit-Reason": f.Reason} {
		if v != "" {
			h.Set(name, v)
		}
	}
}

func page(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html;charset=UTF-8")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write([]byte("<!DOCTYPE html><html><head><title>Log in</title></head><body>Sign in</body></html>"))
}
