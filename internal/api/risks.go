package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/threatloop/threatloop/internal/app"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/risk"
)

const tagRisks = "Threats, weaknesses, countermeasures"

// riskList selects threats, weaknesses or countermeasures.
type riskList struct {
	InProduct
	Paging
	Text     string          `query:"q" maxLength:"200" doc:"In the title or the place's name"`
	Where    model.ElementID `query:"where" doc:"At this component or flow, or 'product'"`
	State    []string        `query:"state,explode" maxItems:"20" doc:"Status of a threat, state of a countermeasure, verdict on a weakness; several are repeated or separated by commas"`
	Band     []string        `query:"band,explode" maxItems:"10" doc:"low, medium, high, critical, unrated: of the current rating; of what serves threats, of the highest of those. Several as above"`
	Owner    string          `query:"owner" maxLength:"200" doc:"Account id, 'me' or 'none'"`
	Origin   []string        `query:"origin,explode" maxItems:"3" doc:"rule, person, import; several as above"`
	Category []string        `query:"category,explode" maxItems:"20" doc:"Of threats: stride:tampering, or tampering for short; several as above"`
	Ticket   string          `query:"ticket" enum:"none,open,problem" doc:"No ticket; one that is open, pending or held; one that failed, is ambiguous or was deleted"`
	Retired  bool            `query:"retired" doc:"Retired ones instead of the others"`
	Sort     string          `query:"sort" enum:"rating,title,where,state,owner,updated,takes,-rating,-title,-where,-state,-owner,-updated,-takes" doc:"With - in front descending; left out, by id. takes is of countermeasures: what each would take off the summed current rating"`
	Brief    bool            `query:"brief" doc:"Leaves out what tables do not show: descriptions, reasons, who set which field"`
}

func (l riskList) filter() app.RiskFilter {
	return app.RiskFilter{
		Text: l.Text, Where: l.Where, States: several(l.State), Bands: several(l.Band), Owner: l.Owner, Origins: several(l.Origin), Categories: several(l.Category),
		Ticket: l.Ticket, Retired: l.Retired, Sort: l.Sort, Brief: l.Brief, Cursor: l.Cursor, Limit: l.Limit,
	}
}

// several reads values that are repeated or separated by commas.
func several(values []string) []string {
	var out []string
	for _, v := range values {
		out = append(out, strings.FieldsFunc(v, func(r rune) bool { return r == ',' })...)
	}
	return out
}

type OneThreat struct {
	InProduct
	Threat model.ThreatID `path:"threat" maxLength:"100"`
}

type OneWeakness struct {
	InProduct
	Weakness model.WeaknessID `path:"weakness" maxLength:"100"`
}

type OneCountermeasure struct {
	InProduct
	Countermeasure model.CountermeasureID `path:"countermeasure" maxLength:"100"`
}

func (s *API) risks() {
	register(s, op{method: http.MethodGet, path: "/products/{product}/threats", id: "list-threats", tag: tagRisks, summary: "List threats with their ratings", action: policy.ProductRead},
		func(ctx context.Context, c app.Caller, in *riskList) (app.Page[app.ThreatView], error) {
			return s.app.Threats(ctx, c, in.Product, in.filter())
		})
	type addThreat struct {
		InProduct
		Body app.ThreatInput
	}
	register(s, op{method: http.MethodPost, path: "/products/{product}/threats", id: "add-threat", tag: tagRisks, summary: "Add a threat by hand", action: policy.ModelEdit, status: http.StatusCreated},
		func(ctx context.Context, c app.Caller, in *addThreat) (app.ThreatView, error) {
			return s.app.AddThreat(ctx, c, in.Product, in.Body)
		})
	register(s, op{method: http.MethodGet, path: "/products/{product}/threats/{threat}", id: "get-threat", tag: tagRisks, summary: "Show a threat", action: policy.ProductRead},
		func(ctx context.Context, c app.Caller, in *OneThreat) (app.ThreatView, error) {
			return s.app.Threat(ctx, c, in.Product, in.Threat)
		})
	type editThreat struct {
		OneThreat
		Changing
		Body app.ThreatEdit
	}
	register(s, op{
		method: http.MethodPatch, path: "/products/{product}/threats/{threat}", id: "edit-threat", tag: tagRisks, summary: "Change a threat", action: policy.ModelEdit,
		about: "What a person changes stays; regeneration shows the difference and never overwrites it.",
	},
		at(func(ctx context.Context, c app.Caller, in *editThreat, version int64) (app.ThreatView, error) {
			return s.app.EditThreat(ctx, c, in.Product, in.Threat, version, in.Body)
		}))
	register(s, op{method: http.MethodGet, path: "/products/{product}/threats/{threat}/explanation", id: "explain-threat", tag: tagRisks, summary: "Why this figure", action: policy.ProductRead},
		func(ctx context.Context, c app.Caller, in *OneThreat) (risk.Explanation, error) {
			return s.app.Explain(ctx, c, in.Product, in.Threat)
		})
	register(s, op{
		method: http.MethodGet, path: "/products/{product}/threats/{threat}/tree", id: "threat-tree", tag: tagRisks, summary: "Show a threat with all that hangs on it", action: policy.ProductRead,
		about: "The threat, its weaknesses with their countermeasures, the countermeasures linked with it directly, the latest evidence of each, and why this figure.",
	},
		func(ctx context.Context, c app.Caller, in *OneThreat) (app.ThreatTree, error) {
			return s.app.ThreatTree(ctx, c, in.Product, in.Threat)
		})
	type spend struct {
		InProduct
		Amount float64 `query:"amount" required:"true" minimum:"0" maximum:"1000000000000" doc:"What may be spent, in the unit"`
		Unit   string  `query:"unit" default:"days" pattern:"^(days|[A-Z]{3})$" doc:"days, or a currency's code; what costs another unit is left out and named"`
	}
	register(s, op{
		method: http.MethodGet, path: "/products/{product}/budget", id: "spend-budget", tag: tagRisks, summary: "What a budget buys", action: policy.ProductRead,
		about: "The countermeasures within the budget that lower the summed current risk most: exactly for up to 18 that would take something off, else by the best gain per cost with a bound; and risk against spend as a curve.",
	},
		func(ctx context.Context, c app.Caller, in *spend) (risk.Proposal, error) {
			return s.app.SpendBudget(ctx, c, in.Product, risk.Budget{Amount: in.Amount, Unit: in.Unit})
		})
	type accept struct {
		OneThreat
		Changing
		Body app.AcceptanceInput
	}
	register(s, op{method: http.MethodPost, path: "/products/{product}/threats/{threat}/acceptance", id: "accept-threat", tag: tagRisks, summary: "Carry a risk until a date", action: policy.ThreatAccept},
		at(func(ctx context.Context, c app.Caller, in *accept, version int64) (app.ThreatView, error) {
			return s.app.AcceptThreat(ctx, c, in.Product, in.Threat, version, in.Body)
		}))

	register(s, op{method: http.MethodGet, path: "/products/{product}/weaknesses", id: "list-weaknesses", tag: tagRisks, summary: "List weaknesses with their evidence", action: policy.ProductRead},
		func(ctx context.Context, c app.Caller, in *riskList) (app.Page[app.WeaknessView], error) {
			return s.app.Weaknesses(ctx, c, in.Product, in.filter())
		})
	type addWeakness struct {
		InProduct
		Body app.WeaknessInput
	}
	register(s, op{method: http.MethodPost, path: "/products/{product}/weaknesses", id: "add-weakness", tag: tagRisks, summary: "Add a weakness by hand", action: policy.ModelEdit, status: http.StatusCreated},
		func(ctx context.Context, c app.Caller, in *addWeakness) (app.WeaknessView, error) {
			return s.app.AddWeakness(ctx, c, in.Product, in.Body)
		})
	register(s, op{method: http.MethodGet, path: "/products/{product}/weaknesses/{weakness}", id: "get-weakness", tag: tagRisks, summary: "Show a weakness", action: policy.ProductRead},
		func(ctx context.Context, c app.Caller, in *OneWeakness) (app.WeaknessView, error) {
			return s.app.Weakness(ctx, c, in.Product, in.Weakness)
		})
	type editWeakness struct {
		OneWeakness
		Changing
		Body app.WeaknessEdit
	}
	register(s, op{method: http.MethodPatch, path: "/products/{product}/weaknesses/{weakness}", id: "edit-weakness", tag: tagRisks, summary: "Change a weakness", action: policy.ModelEdit},
		at(func(ctx context.Context, c app.Caller, in *editWeakness, version int64) (app.WeaknessView, error) {
			return s.app.EditWeakness(ctx, c, in.Product, in.Weakness, version, in.Body)
		}))

	register(s, op{method: http.MethodGet, path: "/products/{product}/countermeasures", id: "list-countermeasures", tag: tagRisks, summary: "List countermeasures with evidence, tickets and effect", action: policy.ProductRead},
		func(ctx context.Context, c app.Caller, in *riskList) (app.Page[app.CountermeasureView], error) {
			return s.app.Countermeasures(ctx, c, in.Product, in.filter())
		})
	type addCountermeasure struct {
		InProduct
		Body app.CountermeasureInput
	}
	register(s, op{method: http.MethodPost, path: "/products/{product}/countermeasures", id: "add-countermeasure", tag: tagRisks, summary: "Add a countermeasure by hand", action: policy.ModelEdit, status: http.StatusCreated},
		func(ctx context.Context, c app.Caller, in *addCountermeasure) (app.CountermeasureView, error) {
			return s.app.AddCountermeasure(ctx, c, in.Product, in.Body)
		})
	register(s, op{method: http.MethodGet, path: "/products/{product}/countermeasures/{countermeasure}", id: "get-countermeasure", tag: tagRisks, summary: "Show a countermeasure", action: policy.ProductRead},
		func(ctx context.Context, c app.Caller, in *OneCountermeasure) (app.CountermeasureView, error) {
			return s.app.Countermeasure(ctx, c, in.Product, in.Countermeasure)
		})
	register(s, op{
		method: http.MethodGet, path: "/products/{product}/countermeasures/{countermeasure}/tree", id: "countermeasure-tree", tag: tagRisks, summary: "Show a countermeasure with what it serves", action: policy.ProductRead,
		about: "The countermeasure with its evidence, the threats that it serves with its share of each, and the weaknesses that it addresses.",
	},
		func(ctx context.Context, c app.Caller, in *OneCountermeasure) (app.CountermeasureTree, error) {
			return s.app.CountermeasureTree(ctx, c, in.Product, in.Countermeasure)
		})
	type editCountermeasure struct {
		OneCountermeasure
		Changing
		Body app.CountermeasureEdit
	}
	register(s, op{
		method: http.MethodPatch, path: "/products/{product}/countermeasures/{countermeasure}", id: "edit-countermeasure", tag: tagRisks, summary: "Change a countermeasure", action: policy.CountermeasureState,
		about: "Developers may change the state; everything else takes the right to edit the model.",
	},
		at(func(ctx context.Context, c app.Caller, in *editCountermeasure, version int64) (app.CountermeasureView, error) {
			return s.app.EditCountermeasure(ctx, c, in.Product, in.Countermeasure, version, in.Body)
		}))

	type link struct {
		InProduct
		Body app.LinkInput
	}
	register(s, op{method: http.MethodPut, path: "/products/{product}/links", id: "set-link", tag: tagRisks, summary: "Link threat, weakness and countermeasure, or change the share", action: policy.ModelEdit},
		func(ctx context.Context, c app.Caller, in *link) (app.ThreatView, error) {
			return s.app.SetLink(ctx, c, in.Product, in.Body)
		})
	type unlink struct {
		InProduct
		Body struct {
			Threat         model.ThreatID         `json:"threat"`
			Weakness       model.WeaknessID       `json:"weakness,omitempty"`
			Countermeasure model.CountermeasureID `json:"countermeasure,omitempty"`
			Version        int64                  `json:"version,omitempty" minimum:"0" doc:"Of the link that the change is based on; left out, the last writer wins"`
			Reason         string                 `json:"reason,omitempty" maxLength:"2000"`
		}
	}
	register(s, op{
		method: http.MethodPost, path: "/products/{product}/links/removed", id: "remove-link", tag: tagRisks, summary: "Remove a link", action: policy.ModelEdit,
		about: "A hand-made link goes; a generated one is retired and does not come back by itself.",
	},
		func(ctx context.Context, c app.Caller, in *unlink) (app.ThreatView, error) {
			b := in.Body
			return s.app.RemoveLink(ctx, c, in.Product, app.LinkInput{Threat: b.Threat, Weakness: b.Weakness, Countermeasure: b.Countermeasure, Version: b.Version, Reason: b.Reason})
		})
}
