package cli

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/client"
	"github.com/threatloop/threatloop/internal/generate"
)

type planCmd struct {
	remote
	Product string `arg:"" help:"Id or name of the product."`
	JSON    bool   `help:"Print JSON: what GET /products/{product}/plan answers." name:"json"`
	Why     bool   `help:"Print the reason of each step too."`
}

// planView is what commands read of a plan.
type planView struct {
	From      string              `json:"from,omitempty"`
	To        string              `json:"to"`
	Version   int64               `json:"version"`
	Counts    map[string]int      `json:"counts"`
	Items     []planItem          `json:"items"`
	Questions []generate.Question `json:"questions,omitempty"`
	Notes     []generate.Note     `json:"notes,omitempty"`
	Tickets   []struct {
		Object  string `json:"object"`
		Purpose string `json:"purpose"`
		Summary string `json:"summary"`
		Project string `json:"project,omitempty"`
	} `json:"tickets,omitempty"`
}

type planItem struct {
	Key string `json:"key"`
	generate.Item
}

// Run prints what the library would change.
func (c *planCmd) Run(ctx context.Context, env *Env) error {
	cl, p, err := c.product(ctx, c.Product)
	if err != nil {
		return err
	}
	plan, err := fetchPlan(ctx, cl, p.ID)
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(env.Stdout, plan)
	}
	return plan.print(env.Stdout, c.Why)
}

func fetchPlan(ctx context.Context, cl *client.Client, product string) (planView, error) {
	var plan planView
	return plan, cl.Get(ctx, inProduct(product, "/plan"), &plan)
}

// empty reports whether applying the plan changes nothing.
func (p planView) empty() bool {
	return !slices.ContainsFunc(p.Items, func(i planItem) bool { return i.Action != generate.Keep })
}

func (p planView) print(w io.Writer, why bool) error {
	var b strings.Builder
	for _, i := range p.Items {
		if i.Kind == generate.KindLink && i.Action == generate.Add {
			continue // the things that it links say more
		}
		fmt.Fprintf(&b, "%s %s\n", sign(i.Action), printable(i.Text))
		if why && len(i.Why) > 0 {
			fmt.Fprintf(&b, "    because: %s\n", printable(i.Why[0].Text))
		}
		if i.Reason != "" {
			fmt.Fprintf(&b, "    %s\n", printable(i.Reason))
		}
	}
	for _, n := range p.Notes {
		fmt.Fprintf(&b, "? %s\n", printable(n.Text))
	}
	if len(p.Tickets) > 0 {
		fmt.Fprintf(&b, "%d tickets would be made\n", len(p.Tickets))
	}
	if p.empty() {
		fmt.Fprintf(&b, "nothing to apply: the model is what library %s wants\n", p.To)
	} else {
		fmt.Fprintf(&b, "library %s: %s\n", p.To, countsText(p.Counts))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func sign(a generate.Action) string {
	switch a {
	case generate.Add, generate.Revive:
		return "+"
	case generate.Change:
		return "~"
	case generate.Retire, generate.Remove:
		return "-"
	}
	return "="
}

// countsText writes counts by action, in the order of their names.
func countsText(counts map[string]int) string {
	var out []string
	for action, n := range counts {
		if n > 0 {
			out = append(out, fmt.Sprintf("%d to %s", n, action))
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
