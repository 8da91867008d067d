package cyclonedx

import (
	"cmp"
	"strconv"

	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/jsontree"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/model"
)

// degrees are the words of the library for how much.
var degrees = map[string]int{"minimal": 10, "low": 30, "moderate": 50, "high": 75, "maximal": 95}

// sensitivities are the kinds of data with how much their secrecy is worth.
var sensitivities = map[string]int{"pii": 75, "phi": 90, "fin": 75, "ip": 75, "cred": 95, "biz": 50, "gov": 90, "pci": 90, "op": 40}

// levels are the words for a risk's level, of the library and of CycloneDX.
var levels = map[string]string{
	"verylow": "low", "low": "low", "info": "low", "informational": "low", "none": "low", "minimal": "low", "medium": "medium", "moderate": "medium",
	"high": "high", "major": "high", "veryhigh": "critical", "critical": "critical", "severe": "critical", "maximal": "critical",
}

// severities orders the words for a severity.
var severities = map[string]int{"": -1, "tbd": 0, "low": 1, "medium": 2, "high": 3, "critical": 4}

// controlStates are the words for a control's status, of the library and of CycloneDX.
var controlStates = map[string]model.State{
	"assumed": model.Implemented, "active": model.Implemented, "implemented": model.Implemented, "verified": model.Implemented, "operational": model.Implemented,
	"approved": model.Required, "scheduled": model.Required, "planned": model.Required, "inprogress": model.Required, "required": model.Required,
	"suggested": model.Recommended, "underreview": model.Recommended, "recommended": model.Recommended, "proposed": model.Recommended, "identified": model.Recommended,
	"retired": model.Rejected, "decommissioned": model.Rejected, "wontdo": model.Rejected, "rejected": model.Rejected,
	"notapplicable": model.StateNotApplicable,
}

// library reads a model of the OWASP Threat Model Library.
func (r *reader) library(root jsontree.Value) {
	scope := root.Get("scope")
	r.Product("", scope.Get("title").Text())
	p := &r.Model.Product
	p.Description = cmp.Or(scope.Get("description").Text(), root.Get("description").Text())
	r.worth(scope)
	p.Extra = model.Extra{}
	if e := kept(scope); e != nil {
		p.Extra = e
	}
	lists := []string{"trust_zones", "actors", "components", "data_stores", "data_sets", "data_flows", "threats", "controls"}
	r.Model.Extra = without(root, append([]string{"scope"}, lists...)...)
	for _, v := range root.Get("trust_zones").Items() {
		r.declareZone(&zone{v: v, ref: text(v.Get("symbolic_name")), name: text(v.Get("title")), description: v.Get("description").Text()})
	}
	for _, v := range root.Get("data_sets").Items() {
		r.dataSet(v)
	}
	placed, encrypted := r.placements(root)
	for _, l := range []struct {
		key, kind string
		is        model.Kind
	}{{"components", "component", ""}, {"data_stores", "data-store", model.Store}, {"actors", "actor", model.Actor}} {
		for _, v := range root.Get(l.key).Items() {
			name := text(v.Get("symbolic_name"))
			pt := &part{v: v, ref: name, written: text(v.Get("type")), zone: v.Get("trust_zone"), parent: v.Get("parent_component")}
			pt.c = model.Component{Kind: l.is, Name: text(v.Get("title")), Description: v.Get("description").Text()}
			if l.is == model.Store {
				pt.written = cmp.Or(text(v.Get("product")), pt.written)
				pt.stores = placed[name]
				if word := encrypted[name]; word != "" {
					pt.c.Attributes = map[string]string{"encrypted": word}
				}
			}
			key := typed(l.kind, name)
			if r.parts[key] == nil {
				r.parts[key] = pt
			}
			if r.parts[name] != nil { // names are unique within their type only
				pt.c.ID = r.Element(l.kind, name, len(r.partList)+1, v.At())
				pt.c.Name = r.Named(pt.c.Name, name, v.At())
				r.names[pt.c.ID] = pt.c.Name
				r.partList = append(r.partList, pt)
				continue
			}
			r.declarePart(pt)
		}
	}
	for _, v := range root.Get("data_flows").Items() {
		f := &flow{v: v, from: v.Get("source"), to: v.Get("destination")}
		f.f = model.Flow{ID: model.ElementID(text(v.Get("symbolic_name"))), Name: text(v.Get("title")), Description: v.Get("description").Text()}
		if word := yesNo(v.Get("encrypted")); word != "" {
			f.f.Attributes = map[string]string{"encrypted": word}
		}
		r.flowList = append(r.flowList, f)
	}
	r.libraryRisks(root)
	r.unknown(root, "$schema version scope description trust_zones actors components data_stores data_sets data_flows threats controls risks")
}

// worth makes the product's value of how critical it is and what data it has.
func (r *reader) worth(scope jsontree.Value) {
	critical, known := degrees[scope.Get("business_criticality").Text()]
	secret := 0
	for _, s := range scope.Get("data_sensitivity").Items() {
		secret = max(secret, sensitivities[s.Text()])
	}
	if !known && secret == 0 {
		return
	}
	if !known {
		critical = 50
	}
	v := model.CIA{Confidentiality: max(secret, 10), Integrity: critical, Availability: critical}
	r.Model.Product.Value = &v
	r.Note(imported.Guess, scope.At(), "product", "its value is told by its criticality %q and its kinds of data: confidentiality %d, integrity %d, availability %d",
		scope.Get("business_criticality").Text(), v.Confidentiality, v.Integrity, v.Availability)
}

func (r *reader) dataSet(v jsontree.Value) {
	ref := text(v.Get("symbolic_name"))
	secret := 0
	for _, s := range v.Get("data_sensitivity").Items() {
		worth, ok := sensitivities[s.Text()]
		if !ok {
			r.Note(imported.Kept, s.At(), "data set "+ref, "the sensitivity %q is unknown and is kept as written", s.Text())
			worth = 50
		}
		secret = max(secret, worth)
	}
	if secret == 0 {
		secret = 50
	}
	a := model.Asset{Name: text(v.Get("title")), Description: v.Get("description").Text(), Value: model.CIA{Confidentiality: secret, Integrity: 50, Availability: 50}, Extra: kept(v)}
	r.Note(imported.Guess, v.At(), "data set "+ref, "confidentiality %d is set by its kinds of data, integrity and availability 50", secret)
	r.addAsset(ref, a, v.At())
}

// placements are the data sets by the store that they lie on, and whether all are
// encrypted there.
func (r *reader) placements(root jsontree.Value) (sets map[string][]jsontree.Value, encrypted map[string]string) {
	sets, encrypted = map[string][]jsontree.Value{}, map[string]string{}
	stores := map[string]bool{}
	for _, s := range root.Get("data_stores").Items() {
		stores[text(s.Get("symbolic_name"))] = true
	}
	for _, v := range root.Get("data_sets").Items() {
		for _, p := range v.Get("placements").Items() {
			store := text(p.Get("data_store"))
			if !stores[store] {
				r.Note(imported.Refused, p.At(), "data set "+text(v.Get("symbolic_name")), "the data store %q does not exist in the file", store)
				continue
			}
			sets[store] = append(sets[store], v.Get("symbolic_name"))
			switch word := yesNo(p.Get("encrypted")); {
			case word == "no":
				encrypted[store] = "no"
			case word == "yes" && encrypted[store] == "":
				encrypted[store] = "yes"
			}
		}
	}
	return sets, encrypted
}

func yesNo(v jsontree.Value) string {
	switch string(v.Raw()) {
	case "true":
		return "yes"
	case "false":
		return "no"
	}
	return ""
}

// libraryRisks reads threats, controls and the risks that rate threats.
func (r *reader) libraryRisks(root jsontree.Value) {
	rated := map[string]string{}
	for _, v := range root.Get("risks").Items() {
		ref, written := text(v.Get("symbolic_name")), v.Get("level").Text()
		level := levels[reading.Letters(written)]
		if level == "" {
			r.Note(imported.Guess, v.At(), "risk "+ref, "the level %q is unknown", written)
		}
		for _, t := range v.Get("threats").Items() {
			if severities[level] > severities[rated[text(t)]] {
				rated[text(t)] = level
			}
		}
	}
	if n := len(root.Get("risks").Items()); n > 0 {
		r.Note(imported.Info, root.Get("risks").At(), "file", "%s: the highest level gives a threat its severity; the risks themselves are kept as written", reading.Plural(n, "risk", "risks"))
	}
	byThreat := map[string][]string{}
	for _, v := range root.Get("controls").Items() {
		written := v.Get("status").Text()
		c := &control{v: v, ref: text(v.Get("symbolic_name")), name: text(v.Get("title")), description: v.Get("description").Text(), assumed: written == "assumed"}
		c.state = r.controlState(c, v.Get("status"))
		r.declareControl(c)
		for _, t := range v.Get("threats").Items() {
			byThreat[text(t)] = append(byThreat[text(t)], c.ref)
		}
	}
	known := map[string]bool{}
	for _, v := range root.Get("threats").Items() {
		t := &threat{v: v, ref: text(v.Get("symbolic_name")), places: v.Get("components_affected").Items()}
		if known[t.ref] {
			r.Note(imported.Refused, v.At(), "threat "+t.ref, "the id is used by two threats")
		}
		known[t.ref] = true
		t.t = model.Threat{Title: text(v.Get("title")), Description: v.Get("description").Text(), Status: model.Open, Severity: cmp.Or(rated[t.ref], "tbd")}
		t.controls = byThreat[t.ref]
		for _, w := range v.Get("weaknesses").Items() {
			if n := reading.CWENumber(cmp.Or(w.Get("cwe_id").Text(), w.Text())); n > 0 {
				t.cwes = append(t.cwes, n)
			}
		}
		for _, m := range v.Get("attack_mechanisms").Items() {
			if n, err := strconv.Atoi(m.Get("capec_id").Text()); err == nil && n > 0 {
				t.t.CAPEC = append(t.t.CAPEC, n)
			}
		}
		r.threatList = append(r.threatList, t)
	}
	for _, v := range root.Get("controls").Items() {
		for _, t := range v.Get("threats").Items() {
			if !known[text(t)] {
				r.Note(imported.Refused, t.At(), "control "+text(v.Get("symbolic_name")), "the threat %q does not exist in the file", text(t))
			}
		}
	}
}

func (r *reader) controlState(c *control, v jsontree.Value) model.State {
	written := cmp.Or(v.Text(), v.Get("name").Text())
	c.assumed = written == "assumed"
	state, ok := controlStates[reading.Letters(written)]
	switch {
	case !ok:
		if written != "" {
			r.Note(imported.Guess, v.At(), "control "+c.ref, "the status %q is unknown; it counts as recommended", written)
		}
		return model.Recommended
	case state == model.Rejected:
		c.reason = written + " in the file"
	}
	return state
}
