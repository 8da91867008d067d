package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/threatloop/threatloop/internal/app"
	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
)

const (
	heartbeat = 15 * time.Second // keeps proxies from closing a silent stream
	// patience is how long a write to a subscriber may take.
	patience = 30 * time.Second
)

// changed is the data of an event.
type changed struct {
	Product model.ProductID `json:"product,omitempty"` // absent for the installation
	Seq     int64           `json:"seq"`               // of the newest row of its audit trail
	app.Touched
}

func (s *API) events() {
	s.plain(op{
		method: http.MethodGet, path: "/events", id: "subscribe", tag: tagInstance, summary: "Be told what changed", action: policy.EventsRead,
		about: "Server-sent events. An event \"change\" has the data {\"product\", \"seq\", \"actor\", \"actor_name\", \"request_id\", \"objects\"}: the audit trail of the product (none: of the installation) has come to seq, " +
			"and whatever was read of it before may be old. Each request has its own event; where there were too many at once for that, one stands for all, and actor, their name and the request are there only where all of it was theirs; objects (component/ID and the like) where they are at most 50. Its id is \"stream:seq\". A subscriber that comes back with Last-Event-ID gets what it missed of that stream; " +
			"where it follows several, an event \"resync\" tells it to read everything again. A comment every 15 seconds keeps the connection. The stream ends with the session or token.",
	},
		huma.Operation{
			Parameters: []*huma.Param{
				{Name: "product", In: "query", Description: "Only of this product", Schema: &huma.Schema{Type: huma.TypeString}},
				{Name: "Last-Event-ID", In: "header", Description: "The id of the last event that was received", Schema: &huma.Schema{Type: huma.TypeString}},
			},
			Responses: map[string]*huma.Response{"200": {Description: "The stream", Content: map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}}}},
		}, s.follow)
}

// follow sends a subscriber what changes. It asks anew who the subscriber is
// each time it looks, so that the stream ends with the session and follows roles.
func (s *API) follow(w http.ResponseWriter, r *http.Request, c app.Caller) error {
	ctx, product := r.Context(), model.ProductID(r.URL.Query().Get("product"))
	stream, seq, resumed, err := lastEvent(r.Header.Get("Last-Event-ID"))
	if err != nil {
		return err
	}
	// Heads first: whoever reads after the stream began misses nothing.
	seen, err := s.app.Heads(ctx, c, product)
	if err != nil {
		return err
	}
	out := &subscriber{w: w, flush: http.NewResponseController(w)}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	first := ": following\n\n"
	if resumed {
		if product == "" {
			first = "event: resync\ndata: {}\n\n"
		}
		if head, ok := seen[stream]; ok && head != seq {
			seen[stream] = seq
		}
	}
	if out.send(first) != nil {
		return nil
	}
	tick := time.NewTicker(s.o.EventEvery)
	defer tick.Stop()
	for last := time.Now(); ; {
		if c, err = s.caller(ctx, r, c.RequestID); err != nil || c.Kind == "" {
			return nil
		}
		heads, err := s.app.Heads(ctx, c, product)
		if err != nil {
			if !fault.Is(err, fault.Unavailable) {
				return nil // the right to follow is gone
			}
			heads = seen // the database is away for a moment
		}
		for _, name := range slices.Sorted(maps.Keys(heads)) {
			if heads[name] == seen[name] {
				continue
			}
			touched, err := s.app.Touched(ctx, c, name, seen[name], heads[name])
			if err != nil || len(touched) == 0 {
				touched = []app.Touched{{To: heads[name]}} // that something changed has to be told all the same
			}
			for _, t := range touched {
				if out.change(name, t) != nil {
					return nil
				}
			}
			last = time.Now()
		}
		seen = heads
		if time.Since(last) >= heartbeat {
			if out.send(": alive\n\n") != nil {
				return nil
			}
			last = time.Now()
		}
		select {
		case <-ctx.Done():
			return nil
		case <-s.streams:
			return nil
		case <-tick.C:
		}
	}
}

// lastEvent reads the id of an event; "" is none.
func lastEvent(id string) (stream string, seq int64, ok bool, err error) {
	if id == "" {
		return "", 0, false, nil
	}
	i := strings.LastIndexByte(id, ':')
	if i > 0 {
		seq, err = strconv.ParseInt(id[i+1:], 10, 64)
	}
	if i <= 0 || err != nil || seq < 0 {
		return "", 0, false, fault.New(fault.Invalid, "events.last_id", "Last-Event-ID is not the id of an event").With("header.Last-Event-ID", "expected the id of an event of this stream")
	}
	return id[:i], seq, true, nil
}

// subscriber is the far end of a stream.
type subscriber struct {
	w     http.ResponseWriter
	flush *http.ResponseController
}

func (s *subscriber) change(stream string, touched app.Touched) error {
	data, err := json.Marshal(changed{Product: app.StreamProduct(stream), Seq: touched.To, Touched: touched})
	if err != nil {
		return err
	}
	return s.send(fmt.Sprintf("event: change\nid: %s:%d\ndata: %s\n\n", stream, touched.To, data))
}

func (s *subscriber) send(text string) error {
	// A server's limit on the time of writing is for answers that end. Where the
	// connection has no deadlines, a dead one is noticed when it is closed.
	_ = s.flush.SetWriteDeadline(time.Now().Add(patience))
	if _, err := s.w.Write([]byte(text)); err != nil {
		return err
	}
	return s.flush.Flush()
}
