package app

import (
	"cmp"
	"slices"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/model"
)

// editor applies one person's edits to a model and records on every field who
// set it, so that regeneration leaves it alone.
type editor struct {
	m      *model.Model
	set    model.Set
	random func(prefix string) string
	// wanted is what the rules want of the model, for what goes back to them.
	wanted func() (*generate.Result, error)
	// Where the objects stood when they were looked for last; looked at again before use.
	threatIndex         map[model.ThreatID]int
	weaknessIndex       map[model.WeaknessID]int
	countermeasureIndex map[model.CountermeasureID]int
}

// find returns the object with the id. The index makes many edits of one model
// cheap; it is made anew where an object is not where it was.
func find[T any, ID comparable](list []T, index *map[ID]int, id ID, idOf func(*T) ID) *T {
	if i, ok := (*index)[id]; ok && i < len(list) && idOf(&list[i]) == id {
		return &list[i]
	}
	*index = make(map[ID]int, len(list))
	for i := range list {
		(*index)[idOf(&list[i])] = i
	}
	if i, ok := (*index)[id]; ok {
		return &list[i]
	}
	return nil
}

func (e *editor) threatAt(id model.ThreatID) (*model.Threat, error) {
	if t := find(e.m.Threats, &e.threatIndex, id, func(t *model.Threat) model.ThreatID { return t.ID }); t != nil {
		return t, nil
	}
	return nil, notFound("threat", string(id))
}

func (e *editor) weaknessAt(id model.WeaknessID) (*model.Weakness, error) {
	if w := find(e.m.Weaknesses, &e.weaknessIndex, id, func(w *model.Weakness) model.WeaknessID { return w.ID }); w != nil {
		return w, nil
	}
	return nil, notFound("weakness", string(id))
}

func (e *editor) countermeasureAt(id model.CountermeasureID) (*model.Countermeasure, error) {
	if c := find(e.m.Countermeasures, &e.countermeasureIndex, id, func(c *model.Countermeasure) model.CountermeasureID { return c.ID }); c != nil {
		return c, nil
	}
	return nil, notFound("countermeasure", string(id))
}

// assign writes a wished value and records its setter; a nil wish or an equal
// value changes nothing.
func assign[T any](e *editor, sets *model.Sets, field string, dst *T, wish *T, equal func(a, b T) bool) {
	if wish == nil || equal(*dst, *wish) {
		return
	}
	*dst = *wish
	if *sets == nil {
		*sets = model.Sets{}
	}
	(*sets)[field] = e.set
}

func same[T comparable](a, b T) bool { return a == b }

func samePointer[T comparable](a, b *T) bool {
	return a == b || a != nil && b != nil && *a == *b
}

// ThreatEdit is a change of a threat; nil fields are left alone.
type ThreatEdit struct {
	Title        *string             `json:"title,omitempty" minLength:"1" maxLength:"300" doc:"One line"`
	Description  *string             `json:"description,omitempty" maxLength:"20000"`
	Categories   *[]string           `json:"categories,omitempty" maxItems:"20" doc:"stride:tampering and the like"`
	CAPEC        *[]int              `json:"capec,omitempty" maxItems:"50"`
	Impact       *model.CIA          `json:"impact,omitempty" doc:"Impact per property, 0 to 100"`
	Ease         *int                `json:"ease,omitempty" minimum:"0" maximum:"100" doc:"Ease of exploitation"`
	Inherent     *float64            `json:"inherent,omitempty" minimum:"0" maximum:"100" doc:"Overrides the computed inherent rating"`
	Computed     bool                `json:"computed,omitempty" doc:"Drops an overridden inherent rating"`
	Status       *model.ThreatStatus `json:"status,omitempty" enum:"open,mitigated,not_applicable,avoided,eliminated,transferred" doc:"Accepting has its own operation"`
	StatusReason *string             `json:"status_reason,omitempty" maxLength:"5000"`
	Owner        *string             `json:"owner,omitempty" maxLength:"200" doc:"Account id of somebody who can see the product, or a name; empty for nobody"`
	Retired      *bool               `json:"retired,omitempty" doc:"True takes it out of all figures, with a reason; false brings it back. Regeneration follows neither"`
	Reset        []string            `json:"reset,omitempty" maxItems:"20" enum:"title,description,categories,capec,impact,ease,inherent,status,status_reason,owner,retired" doc:"Fields that go back to what the rules say, and follow them again; of what no rule brought they are emptied"`
	Reason       string              `json:"reason,omitempty" maxLength:"2000" doc:"Why; kept with the fields and in the audit trail"`
}

// threat edits a threat.
func (e *editor) threat(id model.ThreatID, in ThreatEdit) error {
	t, err := e.threatAt(id)
	if err != nil {
		return err
	}
	t.Sets = copySets(t.Sets)
	e.set.Reason = in.Reason
	if err := e.resetThreat(t, in.Reset); err != nil {
		return err
	}
	if err := e.retire(&t.Retired, &t.Sets, t.Origin, in.Retired); err != nil {
		return err
	}
	assign(e, &t.Sets, "title", &t.Title, in.Title, same)
	assign(e, &t.Sets, "description", &t.Description, in.Description, same)
	assign(e, &t.Sets, "categories", &t.Categories, in.Categories, slices.Equal)
	assign(e, &t.Sets, "capec", &t.CAPEC, in.CAPEC, slices.Equal)
	assign(e, &t.Sets, "impact", &t.Impact, in.Impact, same)
	assign(e, &t.Sets, "ease", &t.Ease, in.Ease, same)
	switch {
	case in.Computed:
		var none *float64
		assign(e, &t.Sets, "inherent", &t.Inherent, &none, samePointer)
	case in.Inherent != nil:
		if in.Reason == "" {
			return fault.New(fault.Invalid, "threat.reason", "an overridden rating needs a reason").With("body.reason", "expected why the computed rating is wrong")
		}
		assign(e, &t.Sets, "inherent", &t.Inherent, &in.Inherent, samePointer)
	}
	if in.Status != nil && *in.Status != t.Status {
		if *in.Status != model.Open && *in.Status != model.Mitigated && in.Reason == "" && (in.StatusReason == nil || *in.StatusReason == "") {
			return fault.New(fault.Invalid, "threat.reason", "taking a threat out needs a reason").With("body.status_reason", "expected why the threat is %s", *in.Status)
		}
		if t.Status == model.Accepted {
			t.Acceptance = nil
		}
	}
	assign(e, &t.Sets, "status", &t.Status, in.Status, same)
	assign(e, &t.Sets, "status_reason", &t.StatusReason, in.StatusReason, same)
	assign(e, &t.Sets, "owner", &t.Owner, in.Owner, same)
	return nil
}

// AcceptanceInput is the decision to carry a risk.
type AcceptanceInput struct {
	Reason string    `json:"reason" minLength:"3" maxLength:"5000" doc:"Why the risk is carried"`
	Owner  string    `json:"owner" minLength:"1" maxLength:"200" doc:"Who answers for it"`
	Ends   time.Time `json:"ends" doc:"From then on the threat is open again"`
}

// accept records the acceptance of a threat.
func (e *editor) accept(id model.ThreatID, in AcceptanceInput) error {
	t, err := e.threatAt(id)
	if err != nil {
		return err
	}
	if !in.Ends.After(e.set.At) {
		return fault.New(fault.Invalid, "acceptance.ends", "an acceptance must end in the future").With("body.ends", "is %s", in.Ends.Format(time.RFC3339))
	}
	t.Sets = copySets(t.Sets)
	e.set.Reason = in.Reason
	accepted := model.Accepted
	assign(e, &t.Sets, "status", &t.Status, &accepted, same)
	t.Acceptance = &model.Acceptance{Reason: in.Reason, Owner: in.Owner, By: e.set.Actor, At: e.set.At, Ends: in.Ends}
	return nil
}

// ThreatInput is a threat added by hand.
type ThreatInput struct {
	Where       model.ElementID `json:"where" doc:"Id of a component or flow, or 'product'"`
	Title       string          `json:"title" minLength:"1" maxLength:"300"`
	Description string          `json:"description,omitempty" maxLength:"20000"`
	Categories  []string        `json:"categories,omitempty" maxItems:"20"`
	CAPEC       []int           `json:"capec,omitempty" maxItems:"50"`
	Impact      model.CIA       `json:"impact"`
	Ease        int             `json:"ease" minimum:"0" maximum:"100"`
	Owner       string          `json:"owner,omitempty" maxLength:"200"`
}

// addThreat adds a threat of a person's own.
func (e *editor) addThreat(in ThreatInput) model.ThreatID {
	id := model.ThreatID(e.random("thr"))
	e.m.Threats = append(e.m.Threats, model.Threat{
		ID: id, Where: in.Where, Ref: "own/" + model.Slug(in.Title), Title: in.Title, Description: in.Description,
		Categories: in.Categories, CAPEC: in.CAPEC, Impact: in.Impact, Ease: in.Ease, Owner: in.Owner,
		Status: model.Open, Origin: model.ByPerson,
	})
	return id
}

// WeaknessInput is a weakness added by hand; it is linked to a threat.
type WeaknessInput struct {
	Threat      model.ThreatID `json:"threat" doc:"The threat that it makes possible"`
	Title       string         `json:"title" minLength:"1" maxLength:"300"`
	Description string         `json:"description,omitempty" maxLength:"20000"`
	CWE         int            `json:"cwe,omitempty" minimum:"0" maximum:"99999"`
	Test        string         `json:"test,omitempty" maxLength:"5000"`
}

// addWeakness adds a weakness at the place of its threat.
func (e *editor) addWeakness(in WeaknessInput) (model.WeaknessID, error) {
	i := slices.IndexFunc(e.m.Threats, func(t model.Threat) bool { return t.ID == in.Threat })
	if i < 0 {
		return "", notFound("threat", string(in.Threat))
	}
	id := model.WeaknessID(e.random("wkn"))
	e.m.Weaknesses = append(e.m.Weaknesses, model.Weakness{
		ID: id, Where: e.m.Threats[i].Where, Ref: "own-" + model.Slug(in.Title), Title: in.Title,
		Description: in.Description, CWE: in.CWE, Test: in.Test, Origin: model.ByPerson,
	})
	e.m.Links = append(e.m.Links, model.Link{Threat: in.Threat, Weakness: id, Origin: model.ByPerson})
	return id, nil
}

// WeaknessEdit is a change of a weakness; nil fields are left alone.
type WeaknessEdit struct {
	Title       *string  `json:"title,omitempty" minLength:"1" maxLength:"300"`
	Description *string  `json:"description,omitempty" maxLength:"20000"`
	CWE         *int     `json:"cwe,omitempty" minimum:"0" maximum:"99999"`
	Test        *string  `json:"test,omitempty" maxLength:"5000"`
	Impact      *int     `json:"impact,omitempty" minimum:"0" maximum:"100" doc:"Used by the iriusrisk method only; 0 is unset"`
	Retired     *bool    `json:"retired,omitempty" doc:"True takes it out of all figures, with a reason; false brings it back. Regeneration follows neither"`
	Reset       []string `json:"reset,omitempty" maxItems:"20" enum:"title,description,cwe,test,impact,retired" doc:"Fields that go back to what the rules say, and follow them again; of what no rule brought they are emptied"`
	Reason      string   `json:"reason,omitempty" maxLength:"2000"`
}

func (e *editor) weakness(id model.WeaknessID, in WeaknessEdit) error {
	w, err := e.weaknessAt(id)
	if err != nil {
		return err
	}
	w.Sets = copySets(w.Sets)
	e.set.Reason = in.Reason
	if err := e.resetWeakness(w, in.Reset); err != nil {
		return err
	}
	if err := e.retire(&w.Retired, &w.Sets, w.Origin, in.Retired); err != nil {
		return err
	}
	assign(e, &w.Sets, "title", &w.Title, in.Title, same)
	assign(e, &w.Sets, "description", &w.Description, in.Description, same)
	assign(e, &w.Sets, "cwe", &w.CWE, in.CWE, same)
	assign(e, &w.Sets, "test", &w.Test, in.Test, same)
	assign(e, &w.Sets, "impact", &w.Impact, in.Impact, same)
	return nil
}

// CountermeasureInput is a countermeasure added by hand; it is linked to a
// threat through a weakness, or directly.
type CountermeasureInput struct {
	Threat      model.ThreatID   `json:"threat" doc:"The threat that it serves"`
	Weakness    model.WeaknessID `json:"weakness,omitempty" doc:"The weakness that it addresses"`
	Share       float64          `json:"share" minimum:"0" maximum:"100" doc:"Percent of the threat's risk that it takes off"`
	Title       string           `json:"title" minLength:"1" maxLength:"300"`
	Description string           `json:"description,omitempty" maxLength:"20000"`
	State       model.State      `json:"state,omitempty" enum:"recommended,required,implemented" doc:"Required unless said otherwise"`
	Cost        *model.Cost      `json:"cost,omitempty"`
	Test        string           `json:"test,omitempty" maxLength:"5000"`
	Owner       string           `json:"owner,omitempty" maxLength:"200"`
}

func (e *editor) addCountermeasure(in CountermeasureInput) (model.CountermeasureID, error) {
	i := slices.IndexFunc(e.m.Threats, func(t model.Threat) bool { return t.ID == in.Threat })
	if i < 0 {
		return "", notFound("threat", string(in.Threat))
	}
	if in.Weakness != "" && !slices.ContainsFunc(e.m.Weaknesses, func(w model.Weakness) bool { return w.ID == in.Weakness }) {
		return "", notFound("weakness", string(in.Weakness))
	}
	id := model.CountermeasureID(e.random("cms"))
	c := model.Countermeasure{
		ID: id, Where: e.m.Threats[i].Where, Ref: "own-" + model.Slug(in.Title), Title: in.Title, Description: in.Description,
		State: cmp.Or(in.State, model.Required), Cost: in.Cost, Test: in.Test, Owner: in.Owner, Origin: model.ByPerson,
	}
	e.m.Countermeasures = append(e.m.Countermeasures, c)
	e.m.Links = append(e.m.Links, model.Link{Threat: in.Threat, Weakness: in.Weakness, Countermeasure: id, Share: in.Share, Origin: model.ByPerson})
	return id, nil
}

// CountermeasureEdit is a change of a countermeasure; nil fields are left alone.
type CountermeasureEdit struct {
	Title       *string         `json:"title,omitempty" minLength:"1" maxLength:"300"`
	Description *string         `json:"description,omitempty" maxLength:"20000"`
	State       *model.State    `json:"state,omitempty" enum:"recommended,required,implemented,rejected,not_applicable"`
	StateReason *string         `json:"state_reason,omitempty" maxLength:"5000" doc:"Needed for rejected and not_applicable"`
	Standards   *[]model.Clause `json:"standards,omitempty" maxItems:"100"`
	Cost        *model.Cost     `json:"cost,omitempty"`
	Test        *string         `json:"test,omitempty" maxLength:"5000"`
	Mandatory   *[]string       `json:"mandatory,omitempty" maxItems:"50" doc:"Refs of tests that must pass"`
	Owner       *string         `json:"owner,omitempty" maxLength:"200" doc:"Account id of somebody who can see the product, or a name; empty for nobody"`
	Retired     *bool           `json:"retired,omitempty" doc:"True takes it out of all figures, with a reason; false brings it back. Regeneration follows neither"`
	Reset       []string        `json:"reset,omitempty" maxItems:"20" enum:"title,description,state,state_reason,standards,cost,test,mandatory,owner,retired" doc:"Fields that go back to what the rules say, and follow them again; of what no rule brought they are emptied"`
	Reason      string          `json:"reason,omitempty" maxLength:"2000"`
}

// stateOnly reports whether nothing but the state is to be changed, which a developer may do.
func (in CountermeasureEdit) stateOnly() bool {
	other := slices.ContainsFunc(in.Reset, func(field string) bool { return field != "state" && field != "state_reason" })
	return in.Title == nil && in.Description == nil && in.Standards == nil && in.Cost == nil && in.Test == nil && in.Mandatory == nil && in.Owner == nil && in.Retired == nil && !other
}

func (e *editor) countermeasure(id model.CountermeasureID, in CountermeasureEdit) error {
	c, err := e.countermeasureAt(id)
	if err != nil {
		return err
	}
	c.Sets = copySets(c.Sets)
	e.set.Reason = in.Reason
	if err := e.resetCountermeasure(c, in.Reset); err != nil {
		return err
	}
	if err := e.retire(&c.Retired, &c.Sets, c.Origin, in.Retired); err != nil {
		return err
	}
	if in.State != nil && *in.State != c.State && (*in.State == model.Rejected || *in.State == model.StateNotApplicable) &&
		in.Reason == "" && (in.StateReason == nil || *in.StateReason == "") {
		return fault.New(fault.Invalid, "countermeasure.reason", "taking a countermeasure out needs a reason").With("body.state_reason", "expected why it is %s", *in.State)
	}
	if in.State != nil && in.StateReason == nil && *in.State != c.State {
		in.StateReason = &in.Reason
	}
	assign(e, &c.Sets, "title", &c.Title, in.Title, same)
	assign(e, &c.Sets, "description", &c.Description, in.Description, same)
	assign(e, &c.Sets, "state", &c.State, in.State, same)
	assign(e, &c.Sets, "state_reason", &c.StateReason, in.StateReason, same)
	assign(e, &c.Sets, "standards", &c.Standards, in.Standards, slices.Equal)
	if in.Cost != nil {
		assign(e, &c.Sets, "cost", &c.Cost, &in.Cost, samePointer)
	}
	assign(e, &c.Sets, "test", &c.Test, in.Test, same)
	assign(e, &c.Sets, "mandatory", &c.Mandatory, in.Mandatory, slices.Equal)
	assign(e, &c.Sets, "owner", &c.Owner, in.Owner, same)
	return nil
}

func copySets(s model.Sets) model.Sets {
	out := make(model.Sets, len(s)+1)
	for k, v := range s {
		out[k] = v
	}
	return out
}

func notFound(kind, id string) error {
	return fault.New(fault.NotFound, kind+".not_found", "there is no %s %s here", kind, id)
}
