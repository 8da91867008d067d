package cli

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/threatloop/threatloop/internal/client"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/risk"
)

type gateCmd struct {
	remote
	Product         string `help:"Id or name of the product." required:"" placeholder:"PRODUCT" env:"THREATLOOP_PRODUCT"`
	Max             string `help:"Highest rating of an open threat that passes: low, medium, high, or a figure from 0 to 100." placeholder:"BAND"`
	Verified        bool   `help:"Judge --max by the verified ratings, which only passing tests lower, instead of the current ones."`
	OverTolerance   *int   `help:"How many open threats may exceed the product's tolerance." placeholder:"N"`
	Vulnerabilities *int   `help:"How many weaknesses and countermeasures tests may contradict." placeholder:"N"`
	JSON            bool   `help:"Print JSON." name:"json"`
}

// gateView is what `gate --json` prints.
type gateView struct {
	Met             bool         `json:"met"`
	Product         string       `json:"product"`
	Name            string       `json:"name"`
	Highest         risk.Figures `json:"highest"`
	OverTolerance   int          `json:"over_tolerance"`
	Vulnerabilities int          `json:"vulnerabilities"`
	Reasons         []string     `json:"reasons"`
}

type ratedThreat struct {
	Title     string             `json:"title"`
	WhereName string             `json:"where_name"`
	Status    model.ThreatStatus `json:"status"`
	Rating    risk.Rating        `json:"rating"`
}

// Run checks a product. Without a limit it is that nothing exceeds the
// tolerance and no test contradicts anything.
func (c *gateCmd) Run(ctx context.Context, env *Env) error {
	limit, err := maxRating(c.Max)
	if err != nil {
		return err
	}
	if c.Max == "" && c.Verified {
		return usage(fmt.Errorf("--verified says how --max is judged; give --max too"))
	}
	tolerance, vulnerabilities := c.OverTolerance, c.Vulnerabilities
	if c.Max == "" && tolerance == nil && vulnerabilities == nil {
		tolerance, vulnerabilities = new(int), new(int)
	}
	cl, p, err := c.product(ctx, c.Product)
	if err != nil {
		return err
	}
	threats, err := ratedThreats(ctx, cl, p.ID)
	if err != nil {
		return err
	}
	v := gateView{Product: p.ID, Name: p.Name, Highest: p.Risk.Open.Highest, OverTolerance: p.Risk.OverTolerance, Vulnerabilities: p.Vulnerabilities, Reasons: []string{}}
	if c.Max != "" {
		figure, word := func(r risk.Rating) int { return r.Current }, "current"
		if c.Verified {
			figure, word = func(r risk.Rating) int { return r.Verified }, "verified"
		}
		v.Reasons = append(v.Reasons, above(threats, figure, limit, word)...)
	}
	if tolerance != nil && v.OverTolerance > *tolerance {
		v.Reasons = append(v.Reasons, fmt.Sprintf("%d threats exceed the tolerance of %g, at most %d may", v.OverTolerance, p.Risk.Tolerance, *tolerance))
	}
	if vulnerabilities != nil && v.Vulnerabilities > *vulnerabilities {
		v.Reasons = append(v.Reasons, fmt.Sprintf("tests contradict %d weaknesses or countermeasures, at most %d may be", v.Vulnerabilities, *vulnerabilities))
	}
	v.Met = len(v.Reasons) == 0
	if c.JSON {
		if err := printJSON(env.Stdout, v); err != nil {
			return err
		}
	} else if v.Met {
		if _, err := fmt.Fprintf(env.Stdout, "gate met: %s: highest %s; %d vulnerabilities\n", printable(v.Name), figuresText(v.Highest), v.Vulnerabilities); err != nil {
			return err
		}
	}
	if !v.Met {
		return notMet("gate not met: %s\n%s", v.Name, strings.Join(v.Reasons, "\n"))
	}
	return nil
}

// maxRating reads a band or a figure; "" is no limit.
func maxRating(text string) (int, error) {
	switch b := risk.Band(text); b {
	case "":
		return 100, nil
	case risk.Low, risk.Medium, risk.High:
		return risk.Bands{}.Upper(b), nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > 100 {
		return 0, usage(fmt.Errorf("--max is %q, expected low, medium, high, or a figure from 0 to 100", text))
	}
	return n, nil
}

// above says which open threats exceed a limit, the worst first.
func above(threats []ratedThreat, figure func(risk.Rating) int, limit int, word string) []string {
	var over []ratedThreat
	for _, t := range threats {
		if t.Rating.Standing == risk.StandsOpen && figure(t.Rating) > limit {
			over = append(over, t)
		}
	}
	slices.SortFunc(over, func(a, b ratedThreat) int {
		return cmp.Or(figure(b.Rating)-figure(a.Rating), strings.Compare(a.Title, b.Title), strings.Compare(a.WhereName, b.WhereName))
	})
	var out []string
	for i, t := range over {
		if i == shownItems {
			out = append(out, fmt.Sprintf("and %d more", len(over)-i))
			break
		}
		out = append(out, fmt.Sprintf("%s %d is above %d: %s (%s)", word, figure(t.Rating), limit, t.Title, t.WhereName))
	}
	return out
}

func ratedThreats(ctx context.Context, cl *client.Client, product string) ([]ratedThreat, error) {
	var all []ratedThreat
	query := url.Values{"limit": {"1000"}}
	for {
		var page struct {
			Items []ratedThreat `json:"items"`
			Next  string        `json:"next"`
		}
		if err := cl.Get(ctx, inProduct(product, "/threats?"+query.Encode()), &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if page.Next == "" {
			return all, nil
		}
		query.Set("cursor", page.Next)
	}
}
