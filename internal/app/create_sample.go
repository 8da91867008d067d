package app

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/threatloop/threatloop/internal/demo/data"
	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/interchange"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
)

// sampleStates are what somebody decided about the sample product's countermeasures, by ref in the library.
var sampleStates = map[string]struct {
	state  model.State
	reason string
}{
	"parameterised-queries":      {model.Implemented, "The order module was moved to prepared statements"},
	"slow-password-hash":         {model.Implemented, "Argon2id since the last release"},
	"contextual-output-encoding": {model.Implemented, "The template engine encodes"},
	"hardened-session-cookie":    {model.Implemented, "Secure, HttpOnly and SameSite are set"},
	"modern-tls-only":            {model.Implemented, "The platform renews certificates and keeps to new versions"},
	"secrets-manager":            {model.Implemented, "Credentials come from the platform's store at start"},
	"rehearsed-restore":          {model.Implemented, "Restored in the last exercise"},
	"content-security-policy":    {model.Required, "Planned for the next sprint"},
	"validate-input-on-server":   {model.Required, "Planned for the next sprint"},
	"absorb-floods-at-edge":      {model.Rejected, "Costs more than an hour without orders"},
	"phishing-resistant-sign-in": {model.Rejected, "Few customers have keys; to be looked at again next year"},
	"limit-payment-attempts":     {model.StateNotApplicable, "The payment provider limits them on its own page"},
}

// sampleTrust is how far the sample product's zones are trusted, by name; a diagram
// of its format cannot say.
var sampleTrust = map[string]int{"Internet": 0, "DMZ": 30, "Internal network": 60, "Data": 80}

// CreateSample makes the sample product: drawn, answered, generated, with some
// decisions taken. Name "" is the sample's own.
func (a *App) CreateSample(ctx context.Context, c Caller, name string) (ProductView, error) {
	cause := Cause{Kind: "generated", Text: "the sample product was made"}
	return change(ctx, a, c, policy.ProductCreate, "", cause, func(ch *changing) (ProductView, error) {
		m, err := ch.app.sampleModel(model.ProductID(ch.app.id("prd")), name)
		if err != nil {
			return ProductView{}, err
		}
		want, err := generate.Desired(m, a.Library())
		if err != nil {
			return ProductView{}, err
		}
		ch.model = generate.Fulfil(m, want, ch.at)
		if _, err := ch.created(); err != nil {
			return ProductView{}, err
		}
		// As a second step, so that the trend begins with what was found and shows what was done.
		ch.before = model.Clone(ch.model)
		ch.cause = Cause{Kind: "edited", Text: "countermeasures of the sample product were decided", Actor: c.Name}
		ch.decideSample()
		return ch.saveAndView()
	})
}

func (a *App) sampleModel(id model.ProductID, name string) (*model.Model, error) {
	var in struct {
		Questionnaire string  `json:"questionnaire"`
		Answers       Answers `json:"answers"`
	}
	if err := json.Unmarshal(data.Answers, &in); err != nil {
		return nil, fmt.Errorf("app: answers of the sample product: %w", err)
	}
	read, err := interchange.Read(data.Diagram, interchange.Options{Name: "diagram.json", Product: id, GuessType: interchange.GuessType(a.Library())})
	if err != nil {
		return nil, fmt.Errorf("app: diagram of the sample product: %w", err)
	}
	m := read.Model
	m.Product = model.Product{
		ID: id, Name: cmp.Or(strings.TrimSpace(name), data.Name), Description: data.Description, Owner: m.Product.Owner, Team: "Shop",
		Tags: []string{"sample"}, Questionnaire: in.Questionnaire,
	}
	for i := range m.Zones {
		z := &m.Zones[i]
		if trust, ok := sampleTrust[z.Name]; ok {
			z.Trust, z.Guess = trust, false
		}
	}
	m.Answers, err = in.Answers.list()
	return m, err
}

// decideSample sets the states that make the sample product worth looking at.
func (ch *changing) decideSample() {
	set := ch.set(model.SetByPerson)
	for i := range ch.model.Countermeasures {
		x := &ch.model.Countermeasures[i]
		d, ok := sampleStates[x.Ref]
		if !ok || x.State == d.state {
			continue
		}
		set.Reason = d.reason
		x.Sets = copySets(x.Sets)
		if x.Sets == nil {
			x.Sets = model.Sets{}
		}
		x.State, x.StateReason = d.state, d.reason
		x.Sets["state"], x.Sets["state_reason"] = set, set
	}
}
