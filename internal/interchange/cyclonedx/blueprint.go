package cyclonedx

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/jsontree"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/model"
)

// classifications are the words for a body of data with what its secrecy is worth.
var classifications = map[string]int{
	"public": 10, "internal": 40, "private": 60, "sensitive": 75, "confidential": 75, "restricted": 90, "secret": 95, "topsecret": 100, "critical": 95,
}

// assetKinds are the types of assets that tell a kind; others are guessed by their words.
var assetKinds = map[string]model.Kind{
	"actor": model.Actor, "user": model.Actor, "person": model.Actor, "organization": model.Actor, "external": model.Actor, "agent": model.Actor,
	"database": model.Store, "data": model.Store, "datastore": model.Store, "cache": model.Store, "file": model.Store, "queue": model.Store, "stream": model.Store,
	"service": model.Process, "component": model.Process, "api": model.Process, "gateway": model.Process, "function": model.Process, "application": model.Process,
	"process": model.Process, "module": model.Process, "container": model.Process, "system": model.Process, "subsystem": model.Process, "device": model.Process,
	"model": model.Process, "tool": model.Process, "interface": model.Process,
}

// ref returns an object's id.
func ref(v jsontree.Value) string { return text(v.Get("bom-ref")) }

// typeOf returns a type: a word, or an object with a name.
func typeOf(v jsontree.Value) string { return cmp.Or(text(v), text(v.Get("name"))) }

// blueprints reads CycloneDX 2.0.
func (r *reader) blueprints(root jsontree.Value) {
	component := root.Get("metadata", "component")
	first := jsontree.Value{}
	if all := root.Get("blueprints").Items(); len(all) > 0 {
		first = all[0]
	}
	r.Product("", cmp.Or(component.Get("name").Text(), first.Get("name").Text()))
	r.product = ref(component)
	p := &r.Model.Product
	p.Description = cmp.Or(component.Get("description").Text(), first.Get("description").Text())
	r.Model.Extra = without(root, "blueprints", "threats", "controls")
	named := r.declared(root)
	profiles := map[string]jsontree.Value{}
	for _, v := range root.Get("profiles", "dataProfiles").Items() {
		profiles[ref(v)] = v
	}
	taken := map[model.DiagramID]bool{}
	for i, b := range root.Get("blueprints").Items() {
		d := model.Diagram{ID: model.DiagramID(ref(b)), Title: text(b.Get("name")), Description: b.Get("description").Text()}
		if d.ID == "" || taken[d.ID] {
			d.ID = model.DiagramID("blueprint-" + strconv.Itoa(i+1))
		}
		for taken[d.ID] {
			d.ID += "-x"
		}
		taken[d.ID] = true
		if d.Title == "" {
			d.Title = "Blueprint " + strconv.Itoa(i+1)
		}
		d.Extra = without(b, "zones", "assets", "dataStores", "dataSets", "flows", "actors", "name", "description")
		r.Model.Diagrams = append(r.Model.Diagrams, d)
		r.blueprint(b, d.ID, named, profiles)
	}
	r.cdxControls(root)
	r.cdxThreats(root)
	r.unknown(root, "$schema specFormat bomFormat specVersion serialNumber version metadata blueprints threats controls risks profiles parties components services dependencies")
}

// declared are the components, services and parties of the document by their ids.
func (r *reader) declared(root jsontree.Value) map[string]jsontree.Value {
	all := map[string]jsontree.Value{}
	for _, list := range []string{"components", "services", "parties"} {
		for _, v := range root.Get(list).Items() {
			all[ref(v)] = v
		}
	}
	all[ref(root.Get("metadata", "component"))] = root.Get("metadata", "component")
	delete(all, "")
	return all
}

func (r *reader) blueprint(b jsontree.Value, diagram model.DiagramID, named, profiles map[string]jsontree.Value) {
	for _, v := range b.Get("zones").Items() {
		z := &zone{v: v, ref: ref(v), name: text(v.Get("name")), description: v.Get("description").Text(), diagram: diagram, parent: text(v.Get("parent")), parentAt: v.Get("parent")}
		for _, p := range v.Get("properties").Items() {
			name := strings.ToLower(p.Get("name").Text())
			if strings.HasSuffix(name, "trust-level") || strings.HasSuffix(name, "trustrating") || strings.HasSuffix(name, "trust") {
				z.trust = r.number(p.Get("value"), "trust zone "+z.ref, p.Get("name").Text())
			}
		}
		r.declareZone(z)
	}
	byProfile := map[string]string{}
	for _, v := range b.Get("dataSets").Items() {
		r.cdxDataSet(v, profiles, byProfile)
	}
	for _, v := range b.Get("assets").Items() {
		r.cdxPart(v, diagram, "", named)
	}
	for _, v := range b.Get("dataStores").Items() {
		r.cdxPart(v, diagram, model.Store, named)
	}
	for _, v := range b.Get("actors").Items() {
		if r.parts[ref(v)] == nil || ref(v) == "" {
			r.cdxPart(v, diagram, model.Actor, named)
		}
	}
	for _, v := range b.Get("flows").Items() {
		r.cdxFlow(v, diagram, byProfile)
	}
}

func (r *reader) cdxDataSet(v jsontree.Value, profiles map[string]jsontree.Value, byProfile map[string]string) {
	id, secret := ref(v), 0
	for _, p := range v.Get("dataProfiles").Items() {
		profile := p
		if !p.Object() {
			profile = profiles[text(p)]
		}
		if name := cmp.Or(ref(profile), text(p)); byProfile[name] == "" {
			byProfile[name] = id
		}
		secret = max(secret, classifications[reading.Letters(typeOf(profile.Get("classification")))])
	}
	if secret == 0 {
		secret = 50
	}
	a := model.Asset{Name: text(v.Get("name")), Description: v.Get("description").Text(), Value: model.CIA{Confidentiality: secret, Integrity: 50, Availability: 50}, Extra: kept(v)}
	r.Note(imported.Guess, v.At(), "data set "+id, "confidentiality %d is set by its classification, integrity and availability 50", secret)
	r.addAsset(id, a, v.At())
}

func (r *reader) cdxPart(v jsontree.Value, diagram model.DiagramID, kind model.Kind, named map[string]jsontree.Value) {
	p := &part{v: v, ref: ref(v), written: typeOf(v.Get("type")), zone: v.Get("zone"), parent: v.Get("parent")}
	p.c = model.Component{Kind: kind, Diagram: diagram, Name: text(v.Get("name")), Description: v.Get("description").Text()}
	for _, key := range []string{"componentRef", "partyRef"} {
		if other := named[text(v.Get(key))]; other.Exists() {
			p.c.Name = cmp.Or(p.c.Name, text(other.Get("name")))
			p.c.Description = cmp.Or(p.c.Description, other.Get("description").Text())
			p.written = cmp.Or(p.written, typeOf(other.Get("type")))
			if key == "partyRef" && kind == "" {
				p.c.Kind = model.Actor
			}
		} else if name := text(v.Get(key)); name != "" {
			r.Note(imported.Refused, v.Get(key).At(), "component "+p.ref, "the %s %q does not exist in the file", key, name)
		}
	}
	if p.c.Kind == "" {
		p.c.Kind = assetKinds[reading.Letters(p.written)]
	}
	if kind == model.Store {
		p.written = cmp.Or(text(v.Get("product")), p.written)
	}
	if scope := v.Get("inScope"); string(scope.Raw()) == "false" || string(scope.Get("value").Raw()) == "false" || string(scope.Get("inScope").Raw()) == "false" {
		p.c.OutOfScope = true
		p.c.OutOfScopeReason = cmp.Or(scope.Get("reason").Text(), scope.Get("rationale").Text(), scope.Get("justification").Text())
	}
	for _, t := range v.Get("tags").Items() {
		if s := text(t); s != "" {
			p.c.Tags = append(p.c.Tags, s)
		}
	}
	p.stores = v.Get("dataSets").Items()
	r.declarePart(p)
}

func (r *reader) cdxFlow(v jsontree.Value, diagram model.DiagramID, byProfile map[string]string) {
	f := &flow{v: v, from: v.Get("source"), to: v.Get("destination")}
	f.f = model.Flow{
		ID: model.ElementID(ref(v)), Diagram: diagram, Name: text(v.Get("name")), Description: v.Get("description").Text(),
		Bidirectional: v.Get("bidirectional").Bool() || v.Get("direction").Text() == "bidirectional",
	}
	var protocols []string
	for _, p := range v.Get("protocols").Items() {
		protocols = append(protocols, typeOf(p))
	}
	f.f.Protocol = cmp.Or(strings.Join(protocols, ", "), text(v.Get("protocol")))
	attributes := map[string]string{}
	if word := yesNo(v.Get("encrypted")); word != "" {
		attributes["encrypted"] = word
	}
	for _, a := range v.Get("authentication").Items() {
		if typeOf(a) == "none" {
			attributes["authenticated"] = "no"
		} else if attributes["authenticated"] == "" {
			attributes["authenticated"] = "yes"
		}
	}
	if len(attributes) > 0 {
		f.f.Attributes = attributes
	}
	f.carries = v.Get("dataSets").Items()
	for _, p := range v.Get("dataProfiles").Items() {
		if set := byProfile[cmp.Or(text(p), ref(p))]; set != "" && r.assets[set] != "" {
			f.f.Carries = append(f.f.Carries, r.assets[set])
		}
	}
	r.flowList = append(r.flowList, f)
}

func (r *reader) cdxControls(root jsontree.Value) {
	list := root.Get("controls")
	if list.Object() {
		list = list.Get("controls")
	}
	for _, v := range list.Items() {
		c := &control{v: v, ref: ref(v), name: text(v.Get("name")), description: v.Get("description").Text(), applies: v.Get("appliesTo").Items()}
		c.state = r.controlState(c, v.Get("status"))
		if f, ok := v.Get("effectiveness", "percentage").Number(); ok && f > 0 {
			if f <= 1 {
				f *= 100
			}
			c.share = min(f, 100)
		}
		r.declareControl(c)
	}
}

// scenario is what one realisation of a threat adds to it.
type scenario struct{ v jsontree.Value }

// cdxThreats reads threats: each scenario is one, and a threat without any is one itself.
func (r *reader) cdxThreats(root jsontree.Value) {
	block := root.Get("threats")
	list := block.Get("threats").Items()
	if block.Array() {
		list = block.Items()
	}
	capec := map[string]int{}
	for _, v := range block.Get("attackPatterns").Items() {
		if n, err := strconv.Atoi(v.Get("capecId").Text()); err == nil {
			capec[ref(v)] = n
		}
	}
	threats := map[string]bool{}
	for _, v := range list {
		threats[ref(v)] = true
	}
	scenarios := map[string][]scenario{}
	for _, v := range block.Get("scenarios").Items() {
		found := false
		for _, t := range v.Get("threats").Items() {
			if threats[text(t)] {
				scenarios[text(t)] = append(scenarios[text(t)], scenario{v})
				found = true
			} else {
				r.Note(imported.Refused, t.At(), "scenario "+ref(v), "the threat %q does not exist in the file", text(t))
			}
		}
		if !found {
			scenarios[""] = append(scenarios[""], scenario{v})
		}
	}
	rated := r.cdxRisks(root)
	seen := map[string]bool{}
	for _, v := range list {
		t := r.cdxThreat(v, capec)
		if seen[t.ref] {
			r.Note(imported.Refused, v.At(), "threat "+t.ref, "the id is used by two threats")
			continue
		}
		seen[t.ref] = true
		if len(scenarios[t.ref]) == 0 {
			t.t.Severity = cmp.Or(rated[t.ref], "tbd")
			r.threatList = append(r.threatList, t)
		}
		for _, s := range scenarios[t.ref] {
			r.threatList = append(r.threatList, r.realise(*t, s, rated))
		}
	}
	for _, s := range scenarios[""] {
		r.threatList = append(r.threatList, r.realise(threat{v: s.v, t: model.Threat{Status: model.Open}}, s, rated))
	}
}

func (r *reader) cdxThreat(v jsontree.Value, capec map[string]int) *threat {
	t := &threat{v: v, ref: ref(v), places: v.Get("affectedAssets").Items()}
	t.t = model.Threat{Title: text(v.Get("name")), Description: v.Get("description").Text(), Status: model.Open}
	for _, c := range v.Get("categories").Items() {
		word := cmp.Or(text(c.Get("category")), text(c))
		if code, ok := reading.Category(word); ok {
			if word == "non-repudiation" || !strings.EqualFold(text(c.Get("taxonomy")), "LINDDUN") || strings.HasPrefix(code, "linddun:") {
				t.t.Categories = append(t.t.Categories, code)
			}
		} else if taxonomy := text(c.Get("taxonomy")); taxonomy != "" && word != "" {
			t.t.Categories = append(t.t.Categories, model.Slug(taxonomy)+":"+model.Slug(word))
		}
	}
	for _, w := range v.Get("weaknesses").Items() {
		for _, candidate := range []jsontree.Value{w, w.Get("cwe"), w.Get("cweId"), w.Get("cwe_id"), w.Get("id"), w.Get("name")} {
			if n := reading.CWENumber(candidate.Text()); n > 0 {
				t.cwes = append(t.cwes, n)
				break
			}
		}
	}
	for _, p := range v.Get("attackPatterns").Items() {
		if n := capec[text(p)]; n > 0 {
			t.t.CAPEC = append(t.t.CAPEC, n)
		}
	}
	for _, c := range v.Get("mitigations").Items() {
		t.controls = append(t.controls, text(c))
	}
	return t
}

// realise makes the threat of a scenario: its own words and places go first.
func (r *reader) realise(t threat, s scenario, rated map[string]string) *threat {
	id, of := ref(s.v), t.ref
	t.v, t.ref = s.v, cmp.Or(id, t.ref)
	t.t.Title = cmp.Or(text(s.v.Get("name")), t.t.Title)
	t.t.Description = cmp.Or(s.v.Get("description").Text(), t.t.Description)
	if places := s.v.Get("affectedAssets").Items(); len(places) > 0 {
		t.places = places
	}
	t.t.Severity = cmp.Or(level(s.v.Get("riskScore")), rated[id], rated[of], "tbd")
	t.t.Categories = append([]string(nil), t.t.Categories...)
	return &t
}

// level returns the severity of a score by its level; "" where it has a number
// only, whose scale is the method's.
func level(score jsontree.Value) string {
	return levels[reading.Letters(cmp.Or(score.Get("level").Text(), score.Get("level", "name").Text(), score.Text()))]
}

// cdxRisks returns the highest severity that the risks give a threat or scenario.
func (r *reader) cdxRisks(root jsontree.Value) map[string]string {
	list := root.Get("risks", "risks").Items()
	if root.Get("risks").Array() {
		list = root.Get("risks").Items()
	}
	rated := map[string]string{}
	for _, v := range list {
		l := cmp.Or(level(v.Get("inherentRisk", "score")), level(v.Get("inherentRisk")))
		for _, key := range []string{"relatedThreats", "threats", "scenarios"} {
			for _, t := range v.Get(key).Items() {
				if severities[l] > severities[rated[text(t)]] {
					rated[text(t)] = l
				}
			}
		}
	}
	if len(list) > 0 {
		r.Note(imported.Info, root.Get("risks").At(), "file", "%s: the highest level gives a threat its severity; the risks themselves are kept as written", reading.Plural(len(list), "risk", "risks"))
	}
	return rated
}
