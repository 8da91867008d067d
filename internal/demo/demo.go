// Package demo goes once round the whole loop on a small made-up shop, as a
// person and a pipeline would: through the REST interface and nothing else. Each
// of the seven steps is proven by its effect, so that a part of the loop that
// does not work makes the demo fail and say where.
package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/threatloop/threatloop/internal/client"
	"github.com/threatloop/threatloop/internal/demo/data"
	"github.com/threatloop/threatloop/internal/fault"
)

// File returns one of the demo's input files, such as "diagram.json".
func File(name string) ([]byte, error) { return data.Files.ReadFile(name) }

// Options say where the demo takes place.
type Options struct {
	// Client may define products and connections: that of an administrator.
	Client *client.Client
	Out    io.Writer
	Color  bool // write terminal colours
	// Tracker is where tickets are made; the zero value is the built-in one.
	Tracker Tracker
	// Page is the address that people open; "" leaves addresses out.
	Page string
	// Sign is how a person signs in there, printed at the end; "" prints nothing.
	Sign string
	// Patience is how long a step waits for what happens in the background; 60 s.
	Patience time.Duration
}

// Tracker is the tracker in which the demo makes its tickets.
type Tracker struct {
	Kind    string // "builtin" or "jira"; "" is builtin
	URL     string // of the Jira site
	Email   string // with Token: Jira Cloud
	Token   string
	PAT     string // Jira Data Center
	Project string // key of an existing project; "" is SHOP
	Type    string // issue type; "" is Task in Jira
}

// tour is one run of the demo.
type tour struct {
	Options
	ctx context.Context
	p   *printer

	product    string
	connection string
	threatID   string // set once the plan was applied
	cmID       string

	planned ratings // when all is required and nothing done
	claimed ratings // after the ticket was closed
	proven  ratings // after the tests passed

	ticket        ticket // of the countermeasure
	vulnerability ticket
}

// The threat and the countermeasure that the demo follows.
const (
	followedThreat         = "sql-injection/read-other-customers-data"
	followedCountermeasure = "parameterised-queries"
	followedPlace          = "Web API"
	followedLocation       = "https://api.parcel-desk.example/"
)

// Run goes through the seven steps and prints each with what it changed. The
// error names the step, what was expected and what was there instead.
func Run(ctx context.Context, o Options) error {
	if o.Client == nil || o.Out == nil {
		return errors.New("demo: a client and a writer are needed")
	}
	if o.Patience <= 0 {
		o.Patience = time.Minute
	}
	if o.Tracker.Kind == "" {
		o.Tracker.Kind = "builtin"
	}
	if o.Tracker.Type == "" && o.Tracker.Kind == "jira" {
		o.Tracker.Type = "Task"
	}
	if o.Tracker.Project == "" {
		o.Tracker.Project = "SHOP"
	}
	t := &tour{Options: o, ctx: ctx, p: &printer{w: o.Out, color: o.Color}}
	for i, step := range []struct {
		title string
		do    func() error
	}{
		{"Define a product: answers and a diagram", t.define},
		{"Generate: a plan, then applied", t.generate},
		{"Publish: tickets for what is required", t.publish},
		{"A developer closes a ticket as done", t.close},
		{"Tests fail: the claim does not hold", t.fail},
		{"Tests pass: the claim is proven", t.pass},
		{"Look back: who changed what, and where to click", t.review},
	} {
		t.p.heading(i+1, step.title)
		if err := step.do(); err != nil {
			return fmt.Errorf("demo: step %d (%s): %w", i+1, step.title, err)
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("demo: interrupted in step %d: %w", i+1, err)
		}
	}
	return t.p.err
}

// expected is the error of a step that did not have its effect.
func expected(what, got string, args ...any) error {
	return fault.New(fault.Conflict, "demo.effect", "expected %s, but %s", what, fmt.Sprintf(got, args...))
}

// until polls look until it reports true. What it says it saw stands in the error otherwise.
func (t *tour) until(what string, look func() (ok bool, saw string, err error)) error {
	deadline := time.NewTimer(t.Patience)
	defer deadline.Stop()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		ok, saw, err := look()
		if err != nil || ok {
			return err
		}
		select {
		case <-t.ctx.Done():
			return t.ctx.Err()
		case <-deadline.C:
			return expected(what, "after %s %s", t.Patience, saw)
		case <-tick.C:
		}
	}
}
