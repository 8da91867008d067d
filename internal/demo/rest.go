package demo

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// The parts of the interface's answers that the demo looks at.

type figures struct {
	Inherent  float64 `json:"inherent"`
	Verified  float64 `json:"verified"`
	Current   float64 `json:"current"`
	Projected float64 `json:"projected"`
}

type product struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Risk struct {
		Open struct {
			Highest  figures `json:"highest"`
			Sum      figures `json:"sum"`
			SumExact figures `json:"sum_exact"`
		} `json:"open"`
		Band string `json:"band"`
		Gap  int    `json:"assurance_gap"`
	} `json:"risk"`
	Vulnerabilities int `json:"vulnerabilities"`
}

type why struct {
	Rule    string `json:"rule"`
	Pattern string `json:"pattern"`
	Text    string `json:"text"`
}

type threat struct {
	ID        string `json:"id"`
	Ref       string `json:"ref"`
	Title     string `json:"title"`
	WhereName string `json:"where_name"`
	Status    string `json:"status"`
	Origin    string `json:"origin"`
	Why       []why  `json:"why"`
	Rating    struct {
		figures
		Exact figures `json:"exact"`
		Band  string  `json:"band"`
	} `json:"rating"`
	Countermeasures []string `json:"countermeasures"`
	Tickets         []ticket `json:"tickets"`
}

type countermeasure struct {
	ID        string                         `json:"id"`
	Ref       string                         `json:"ref"`
	Title     string                         `json:"title"`
	WhereName string                         `json:"where_name"`
	State     string                         `json:"state"`
	Origin    string                         `json:"origin"`
	Why       []why                          `json:"why"`
	Sets      map[string]struct{ By string } `json:"sets"`
	Evidence  struct {
		Verdict string `json:"verdict"`
		Text    string `json:"text"`
	} `json:"evidence"`
	Tickets []ticket `json:"tickets"`
}

// ticket is a linked ticket, or one that is to be (without a key).
type ticket struct {
	ID      string `json:"id"`
	Key     string `json:"key"`
	URL     string `json:"url"`
	Status  string `json:"status"`
	State   string `json:"state"`
	Purpose string `json:"purpose"`
	Note    string `json:"note"`
	Object  string `json:"object"`
	Summary string `json:"summary"`
}

// card is a ticket as its tracker shows it.
type card struct {
	Status   string   `json:"status"`
	Category string   `json:"category"`
	Links    []string `json:"links"`
	Comments []struct {
		Text string `json:"text"`
	} `json:"comments"`
}

type page[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next"`
}

func (t *tour) get(path string, out any) error { return t.Client.Get(t.ctx, path, out) }

func (t *tour) post(path string, in, out any) error { return t.Client.Post(t.ctx, path, in, out) }

func (t *tour) put(path string, in, out any) error {
	return t.Client.Do(t.ctx, http.MethodPut, path, in, out)
}

func (t *tour) patch(path string, in, out any) error {
	return t.Client.Do(t.ctx, http.MethodPatch, path, in, out)
}

// at is a path below the product.
func (t *tour) at(path string) string { return "/products/" + url.PathEscape(t.product) + path }

// on is a path below the connection.
func (t *tour) on(path string) string { return "/connections/" + url.PathEscape(t.connection) + path }

// all reads every page of a list.
func all[T any](t *tour, path string) ([]T, error) {
	var items []T
	query := url.Values{"limit": {"1000"}}
	for {
		var p page[T]
		if err := t.get(path+"?"+query.Encode(), &p); err != nil {
			return nil, err
		}
		items = append(items, p.Items...)
		if p.Next == "" {
			return items, nil
		}
		query.Set("cursor", p.Next)
	}
}

func (t *tour) threats() ([]threat, error) { return all[threat](t, t.at("/threats")) }

func (t *tour) countermeasures() ([]countermeasure, error) {
	return all[countermeasure](t, t.at("/countermeasures"))
}

func (t *tour) tickets() ([]ticket, error) { return all[ticket](t, t.at("/tickets")) }

func (t *tour) countermeasure() (countermeasure, error) {
	var c countermeasure
	return c, t.get(t.at("/countermeasures/"+url.PathEscape(t.cmID)), &c)
}

func (t *tour) card(k ticket) (card, error) {
	var c card
	return c, t.get(t.on("/tickets/"+url.PathEscape(k.ID)), &c)
}

// follow finds the threat and the countermeasure that the demo follows.
func (t *tour) follow() error {
	threats, err := t.threats()
	if err != nil {
		return err
	}
	cms, err := t.countermeasures()
	if err != nil {
		return err
	}
	i := slices.IndexFunc(threats, func(x threat) bool { return x.Ref == followedThreat && x.WhereName == followedPlace })
	j := slices.IndexFunc(cms, func(x countermeasure) bool { return x.Ref == followedCountermeasure && x.WhereName == followedPlace })
	if i < 0 || j < 0 {
		return expected(fmt.Sprintf("the threat %s and the countermeasure %s at %s", followedThreat, followedCountermeasure, followedPlace),
			"the model has %d threats and %d countermeasures without them", len(threats), len(cms))
	}
	t.threatID, t.cmID = threats[i].ID, cms[j].ID
	return nil
}

// ratings are the figures that the demo follows.
type ratings struct {
	highest, sum, sumExact figures
	threat, threatExact    figures
	rated                  bool // the threat is there
}

func (t *tour) rate() (ratings, error) {
	var p product
	if err := t.get(t.at(""), &p); err != nil {
		return ratings{}, err
	}
	r := ratings{highest: p.Risk.Open.Highest, sum: p.Risk.Open.Sum, sumExact: p.Risk.Open.SumExact}
	if t.threatID == "" {
		return r, nil
	}
	var x threat
	if err := t.get(t.at("/threats/"+url.PathEscape(t.threatID)), &x); err != nil {
		return r, err
	}
	r.threat, r.threatExact, r.rated = x.Rating.figures, x.Rating.Exact, true
	return r, nil
}

// show rates, prints and returns the ratings.
func (t *tour) show() (ratings, error) {
	r, err := t.rate()
	if err == nil {
		t.p.ratings(r)
	}
	return r, err
}

// link is an address of the page; "" where nobody can open it.
func (t *tour) link(path string) string {
	if t.Page == "" {
		return ""
	}
	return strings.TrimSuffix(t.Page, "/") + path
}
