package cli

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/threatloop/threatloop/internal/client"
	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/risk"
)

// remote is a server that a command asks.
type remote struct {
	Server string `help:"Address of the server." default:"http://127.0.0.1:8080" placeholder:"URL" env:"THREATLOOP_SERVER"`
	Token  string `help:"API token; better in THREATLOOP_TOKEN, or in the file that THREATLOOP_TOKEN_FILE names." placeholder:"TOKEN" env:"THREATLOOP_TOKEN" secret:""`
}

func (r remote) client() (*client.Client, error) {
	if r.Token == "" {
		return nil, withHint(fault.New(fault.Unauthenticated, "token.none", "no API token for %s is given", r.Server),
			"make one on the page under your name, and put it into THREATLOOP_TOKEN or the file that THREATLOOP_TOKEN_FILE names")
	}
	return client.New(r.Server, r.Token)
}

// productView is what commands read of a product.
type productView struct {
	ID              string       `json:"id"`
	Name            string       `json:"name"`
	Version         int64        `json:"version"`
	Risk            risk.Summary `json:"risk"`
	Vulnerabilities int          `json:"vulnerabilities"`
}

// findProduct returns the product with the id or, case aside, the name.
func findProduct(ctx context.Context, c *client.Client, name string) (productView, error) {
	var p productView
	if strings.HasPrefix(name, "prd_") {
		return p, c.Get(ctx, inProduct(name, ""), &p)
	}
	p, ok, err := productNamed(ctx, c, name)
	if err == nil && !ok {
		err = fault.New(fault.NotFound, "product.not_found", "there is no product %q that this token may see", name)
	}
	return p, err
}

// product returns a client and a product that it finds by id or name.
func (r remote) product(ctx context.Context, name string) (*client.Client, productView, error) {
	cl, err := r.client()
	if err != nil {
		return nil, productView{}, err
	}
	p, err := findProduct(ctx, cl, name)
	return cl, p, err
}

// productID returns the id of a product that is given by id or name, and asks
// only about a name: a token for uploads may read no product.
func productID(ctx context.Context, c *client.Client, name string) (string, error) {
	if strings.HasPrefix(name, "prd_") {
		return name, nil
	}
	p, err := findProduct(ctx, c, name)
	return p.ID, err
}

// productNamed looks for a product by its name, case aside.
func productNamed(ctx context.Context, c *client.Client, name string) (p productView, ok bool, err error) {
	query := url.Values{"q": {name}, "limit": {"1000"}}
	for {
		var page struct {
			Items []productView `json:"items"`
			Next  string        `json:"next"`
		}
		if err := c.Get(ctx, "/products?"+query.Encode(), &page); err != nil {
			if fault.Is(err, fault.Forbidden) {
				err = withHint(err, "this token cannot look products up by name; give the product's id")
			}
			return p, false, err
		}
		for _, x := range page.Items {
			if !strings.EqualFold(x.Name, name) {
				continue
			}
			if ok {
				return p, false, fault.New(fault.Conflict, "product.ambiguous", "several products are called %q; give the id", name)
			}
			p, ok = x, true
		}
		if page.Next == "" {
			return p, ok, nil
		}
		query.Set("cursor", page.Next)
	}
}

// inProduct is a path below a product.
func inProduct(id, path string) string { return "/products/" + url.PathEscape(id) + path }

// figuresText writes ratings for people.
func figuresText(f risk.Figures) string {
	return fmt.Sprintf("inherent %d, verified %d, current %d, projected %d", f.Inherent, f.Verified, f.Current, f.Projected)
}
