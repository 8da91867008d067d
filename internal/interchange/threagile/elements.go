package threagile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/htmltext"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/model"
)

var ratingKeys = []string{"confidentiality", "integrity", "availability", "justification_cia_rating"}

func (r *reader) dataAssets() error {
	list := r.entries("data_assets")
	if len(list) > reading.MaxElements {
		return reading.TooMany("data assets", reading.MaxElements)
	}
	seen := map[model.AssetID]bool{}
	for _, e := range list {
		v := e.value
		id := r.id(e, "data asset")
		r.known("data asset", v, append(append(e.own, ratingKeys...), "id", "description", "usage", "tags", "origin", "owner", "quantity")...)
		r.tagsOf(v)
		if seen[model.AssetID(id)] {
			r.Note(imported.Refused, e.at, "the data asset id %q is used twice; the first one counts", id)
			continue
		}
		seen[model.AssetID(id)] = true
		extra, err := r.keep(v)
		if err != nil {
			return err
		}
		r.Model.Assets = append(r.Model.Assets, model.Asset{
			ID: model.AssetID(id), Name: reading.Line(e.name), Description: htmltext.Markdown(v.get("description").text()),
			Value: model.CIA{
				Confidentiality: r.level(v.get("confidentiality"), "the confidentiality", confidentialities),
				Integrity:       r.level(v.get("integrity"), "the integrity", criticalities),
				Availability:    r.level(v.get("availability"), "the availability", criticalities),
			},
			Extra: extra,
		})
		r.assets[id] = model.AssetID(id)
		r.fold("data asset", id, e.name)
	}
	return nil
}

// fold remembers an id by its lower case, since 0.9 compared ids so, and by the name beside it.
func (r *reader) fold(kind, id, name string) {
	key := kind + " " + strings.ToLower(id)
	if _, taken := r.folded[key]; !taken {
		r.folded[key] = id
	}
	key = kind + " " + model.Slug(name)
	if _, taken := r.titles[key]; !taken && name != "" {
		r.titles[key] = id
	}
}

// byName returns the id of what a value names otherwise than by its id, as
// models do that no Threagile has read.
func (r *reader) byName(kind string, v value) (string, bool) {
	id, ok := r.titles[kind+" "+model.Slug(v.text())]
	if ok {
		r.Note(imported.Guess, v.at(), "%q is no id but the name of %s; it is taken", v.text(), id)
	}
	return id, ok
}

// data returns the data assets that a list names.
func (r *reader) data(lists ...value) []model.AssetID {
	var all []model.AssetID
	seen := map[model.AssetID]bool{}
	for _, list := range lists {
		for _, item := range list.items() {
			id, ok := r.assets[item.text()]
			if !ok {
				id, ok = r.assets[r.folded["data asset "+strings.ToLower(item.text())]]
			}
			if !ok {
				var called string
				called, ok = r.byName("data asset", item)
				id = r.assets[called]
			}
			switch {
			case !ok:
				r.Note(imported.Refused, item.at(), "the data asset %q does not exist", item.text())
			case !seen[id]:
				seen[id] = true
				all = append(all, id)
			}
		}
	}
	return all
}

// meant returns the technical asset, link or boundary that a value names by its
// id or, as a note says, by its name.
func (r *reader) meant(kind string, v value) (model.ElementID, bool) {
	at, ok := r.element(kind, v.text())
	if !ok {
		var id string
		if id, ok = r.byName(kind, v); ok {
			at = r.parts[kind+" "+id]
		}
	}
	return at, ok
}

// element returns the technical asset, link or boundary of an id.
func (r *reader) element(kind, id string) (model.ElementID, bool) {
	at, ok := r.parts[kind+" "+id]
	if !ok {
		at, ok = r.parts[kind+" "+r.folded[kind+" "+strings.ToLower(id)]]
	}
	return at, ok
}

func (r *reader) technicalAssets() error {
	list := r.entries("technical_assets")
	if len(list) > reading.MaxElements {
		return reading.TooMany("technical assets", reading.MaxElements)
	}
	for i, e := range list {
		v := e.value
		id := r.id(e, "technical asset")
		r.known("technical asset", v, append(append(e.own, ratingKeys...),
			"id", "description", "type", "usage", "used_as_client_by_human", "out_of_scope", "justification_out_of_scope", "size", "technology", "technologies", "tags", "internet",
			"machine", "encryption", "owner", "multi_tenant", "multitenant", "redundant", "custom_developed_parts", "data_assets_processed", "data_assets_stored", "data_formats_accepted",
			"communication_links", "diagram_tweak_order",
		)...)
		extra, err := r.keep(v, "communication_links")
		if err != nil {
			return err
		}
		c := model.Component{
			ID: r.Element("technical asset", id, i, e.at), Diagram: diagram, Name: r.Named(e.name, "Technical asset", e.at),
			Description: htmltext.Markdown(v.get("description").text()), Tags: r.tagsOf(v),
			Processes: r.data(v.get("data_assets_processed")), Stores: r.data(v.get("data_assets_stored")),
			OutOfScope: v.get("out_of_scope").yes(), OutOfScopeReason: reading.Line(htmltext.Line(v.get("justification_out_of_scope").text())),
			Extra: extra,
		}
		if kind := v.get("type"); kinds[norm(kind.text())] != "" {
			c.Kind = kinds[norm(kind.text())]
		} else if !kind.null() {
			r.Note(imported.Guess, kind.at(), "the type %q of technical asset %s is unknown", kind.text(), id)
		}
		techs := r.technologies(v)
		c.Attributes = r.attributes(v, c.Kind, techs)
		r.Type(&c, e.at, r.words(v, &c, techs)...)
		if _, taken := r.parts["asset "+id]; !taken {
			r.parts["asset "+id] = c.ID
			r.fold("asset", id, e.name)
		}
		r.Count(c.Kind)
		r.index[c.ID] = len(r.Model.Components)
		r.public[c.ID] = v.get("internet").yes()
		r.Model.Components = append(r.Model.Components, c)
	}
	return nil
}

// technologies returns the asset's technologies: one word in 0.9, a list in 1.0.
func (r *reader) technologies(v value) []string {
	var all []string
	for _, list := range []value{v.get("technology"), v.get("technologies")} {
		for _, item := range list.items() {
			t := item.text()
			if item.isMap() {
				t = item.get("name").text()
			}
			if t = norm(t); t != "" && !slices.Contains(all, t) {
				all = append(all, t)
			}
		}
	}
	return all
}

// words are those by which the library may know the asset: its technologies for
// what we run, its name first for those who stand outside.
func (r *reader) words(v value, c *model.Component, techs []string) []string {
	var said []string
	for _, t := range techs {
		words, special := technologies[t]
		if !special {
			words = []string{strings.ReplaceAll(t, "-", " ")}
		}
		said = append(said, words...)
	}
	if c.Kind != model.Actor {
		return append(said, c.Name)
	}
	all := append([]string{c.Name}, said...)
	if v.get("used_as_client_by_human").yes() {
		all = append(all, "end user")
	}
	return all
}

// attributes returns what the asset says in words of the vocabulary.
func (r *reader) attributes(v value, kind model.Kind, techs []string) map[string]string {
	all := map[string]string{}
	if e := v.get("encryption"); !e.null() {
		yes, ok := encryptions[norm(e.text())]
		switch {
		case !ok:
			r.Note(imported.Guess, e.at(), "the encryption %q is unknown and is not taken", e.text())
		case kind == model.Store:
			all["encrypted"] = yes
		}
	}
	if v.any("multi_tenant", "multitenant").yes() && kind != model.Actor {
		all["multi_tenant"] = "yes"
	}
	for _, t := range techs {
		switch {
		case kind == model.Process && webTechnologies[t]:
			all["web_application"] = "yes"
		case kind != model.Store && t == "identity-provider":
			all["provides_authentication"] = "yes"
		case kind == model.Store && (t == "vault" || t == "hsm" || strings.HasPrefix(t, "identity-store")):
			all["stores_credentials"] = "yes"
		}
	}
	if kind == model.Process {
		for _, f := range v.get("data_formats_accepted").items() {
			if norm(f.text()) == "file" {
				all["file_upload"] = "yes"
			}
		}
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// links reads the communication links of all assets: a link's id is its source's, ">" and its title's words.
func (r *reader) links() error {
	serial := 0
	for _, e := range r.entries("technical_assets") {
		source := e.value.get("id").text()
		if source == "" {
			source = model.Slug(e.name)
		}
		from, ok := r.element("asset", source)
		if !ok {
			continue
		}
		r.about = "technical asset " + reading.Line(e.name)
		for _, p := range r.named(e.value.get("communication_links"), "communication_links") {
			if p.key == "" {
				p.key = cmp.Or(p.value.get("target").text(), p.value.text(), "link")
			}
			if !p.value.isMap() {
				r.Note(imported.Refused, p.at(), "the communication link %q is no mapping and is not read", p.key)
				continue
			}
			if serial++; serial > reading.MaxElements {
				return reading.TooMany("communication links", reading.MaxElements)
			}
			if err := r.link(from, source, p, serial); err != nil {
				return err
			}
		}
	}
	return r.linksApart(serial)
}

// linksApart reads links that other programs write beside the assets, each with
// both its ends: Threagile itself knows them only at their source.
func (r *reader) linksApart(serial int) error {
	for _, key := range linkSections {
		r.about = "file"
		for _, e := range r.entries(key) {
			r.about = "communication link " + reading.Line(e.name)
			source := e.value.any(sourceKeys...)
			from, ok := r.meant("asset", source)
			if !ok {
				r.Note(imported.Refused, e.at, "it stands beside the technical assets and comes from %q, which does not exist", source.text())
				continue
			}
			if serial++; serial > reading.MaxElements {
				return reading.TooMany("communication links", reading.MaxElements)
			}
			name := cmp.Or(e.name, e.value.get("id").text(), e.value.any(targetKeys...).text(), "link")
			if err := r.link(from, source.text(), pair{name, e.value, e.value}, serial); err != nil {
				return err
			}
			r.Note(imported.Guess, e.at, "it stands beside the technical assets, where Threagile has no links; it is taken")
		}
	}
	return nil
}

// Where other programs write links, and how they call their ends.
var (
	linkSections = []string{"communication_links", "data_flows"}
	sourceKeys   = []string{"source", "source_id", "from"}
	targetKeys   = []string{"target", "target_id", "destination", "to"}
)

func (r *reader) link(from model.ElementID, source string, p pair, serial int) error {
	v := p.value.flat()
	r.about = "communication link " + reading.Line(p.key)
	name := p.key
	if title := reading.Line(v.get("title").text()); title != "" {
		name = title // the key is in the id
	}
	r.known("communication link", v, append(slices.Concat(p.own(), sourceKeys, targetKeys), "description", "protocol", "authentication", "authorization", "tags", "vpn", "ip_filtered", "ipFiltered", "readonly", "usage", "title",
		"data_assets_sent", "data_assets_received", "diagram_tweak_weight", "diagram_tweak_constraint")...)
	extra, err := r.keep(v)
	if err != nil {
		return err
	}
	id := source + ">" + model.Slug(p.key)
	f := model.Flow{
		ID: r.Element("communication link", id, serial, p.at()), Diagram: diagram, Name: reading.Line(name), From: from,
		Description: htmltext.Markdown(v.get("description").text()), Tags: r.tagsOf(v),
		Carries: r.data(v.get("data_assets_sent"), v.get("data_assets_received")), Extra: extra,
	}
	target := v.any(targetKeys...)
	if to, ok := r.meant("asset", target); ok {
		f.To = to
	} else {
		at := target.at()
		if at == "" {
			at = p.at()
		}
		r.Note(imported.Guess, at, "the communication link %q leads to %q, which does not exist; its end is loose", p.key, target.text())
	}
	protocol := norm(v.get("protocol").text())
	if protocol != "" && protocol != "unknown-protocol" {
		f.Protocol = protocol
		if encrypted(protocol) == "" && !local[protocol] {
			r.Note(imported.Guess, v.get("protocol").at(), "the protocol %q is unknown; whether it encrypts stays open", protocol)
		}
	}
	f.Attributes = r.linkAttributes(v, protocol)
	if _, taken := r.parts["link "+id]; !taken {
		r.parts["link "+id] = f.ID
		r.fold("link", id, p.key)
	}
	r.Out.Counts.Flow++
	r.Model.Flows = append(r.Model.Flows, f)
	return nil
}

func (r *reader) linkAttributes(v value, protocol string) map[string]string {
	all := map[string]string{}
	if e := encrypted(protocol); e != "" {
		all["encrypted"] = e
	}
	if a := v.get("authentication"); !a.null() {
		if yes, ok := authentications[norm(a.text())]; ok {
			all["authenticated"] = yes
		} else {
			r.Note(imported.Guess, a.at(), "the authentication %q is unknown and is not taken", a.text())
		}
	}
	if a := v.get("authorization"); !a.null() && !authorizations[norm(a.text())] {
		r.Note(imported.Guess, a.at(), "the authorization %q is unknown; it is kept", a.text())
	}
	if len(all) == 0 {
		return nil
	}
	return all
}

// boundaries reads the trust boundaries: first all, then what stands in them,
// because they name each other in any order.
func (r *reader) boundaries() error {
	list := r.entries("trust_boundaries")
	if len(list) > reading.MaxElements {
		return reading.TooMany("trust boundaries", reading.MaxElements)
	}
	zones := make([]model.Zone, len(list))
	at := map[model.ElementID]int{}
	for i, e := range list {
		v := e.value
		id := r.id(e, "trust boundary")
		r.known("trust boundary", v, append(e.own, "id", "description", "type", "tags", "technical_assets_inside", "trust_boundaries_nested")...)
		r.tagsOf(v)
		extra, err := r.keep(v)
		if err != nil {
			return err
		}
		z := model.Zone{
			ID: r.Element("trust boundary", id, i, e.at), Diagram: diagram, Name: r.Named(e.name, "Trust boundary", e.at),
			Description: htmltext.Markdown(v.get("description").text()), Guess: true, Extra: extra,
		}
		if _, taken := r.parts["boundary "+id]; !taken {
			r.parts["boundary "+id] = z.ID
			r.fold("boundary", id, e.name)
		}
		zones[i] = z
		at[z.ID] = i
	}
	r.Out.Counts.Boundary = len(zones)
	for i, e := range list {
		r.about = "trust boundary " + reading.Line(e.name)
		r.nest(zones, at, i, e)
		r.fill(&zones[i], e)
	}
	for i, e := range list {
		r.about = "trust boundary " + reading.Line(e.name)
		r.trust(&zones[i], e)
	}
	r.Model.Zones = zones
	r.outside()
	return nil
}

func (r *reader) nest(zones []model.Zone, at map[model.ElementID]int, i int, e entry) {
	for _, item := range e.value.get("trust_boundaries_nested").items() {
		id, ok := r.meant("boundary", item)
		if !ok {
			r.Note(imported.Refused, item.at(), "the trust boundary %q does not exist", item.text())
			continue
		}
		child := &zones[at[id]]
		switch {
		case child.Parent != "" && child.Parent != zones[i].ID:
			r.Note(imported.Refused, item.at(), "the trust boundary %q lies in two others; %s is taken as the one around it", item.text(), child.Parent)
		case inside(zones, at, i, id):
			r.Note(imported.Refused, item.at(), "the trust boundary %q would contain itself; it is not nested here", item.text())
		default:
			child.Parent = zones[i].ID
		}
	}
}

// inside reports whether the zone i is the zone id or lies in it.
func inside(zones []model.Zone, at map[model.ElementID]int, i int, id model.ElementID) bool {
	for steps := 0; steps <= len(zones); steps++ {
		if zones[i].ID == id {
			return true
		}
		if zones[i].Parent == "" {
			return false
		}
		i = at[zones[i].Parent]
	}
	return true
}

func (r *reader) fill(z *model.Zone, e entry) {
	for _, item := range e.value.get("technical_assets_inside").items() {
		id, ok := r.meant("asset", item)
		if !ok {
			r.Note(imported.Refused, item.at(), "the technical asset %q does not exist", item.text())
			continue
		}
		c := &r.Model.Components[r.index[id]]
		if c.Zone != "" && c.Zone != z.ID {
			r.Note(imported.Guess, item.at(), "the technical asset %q stands in two trust boundaries; %s is taken", item.text(), c.Zone)
			continue
		}
		c.Zone = z.ID
	}
}

// trust sets how far the zone is trusted, which Threagile does not say.
func (r *reader) trust(z *model.Zone, e entry) {
	kind := e.value.get("type")
	trust, ok := boundaryTrust[norm(kind.text())]
	why := fmt.Sprintf("for the type %s", norm(kind.text()))
	if !ok {
		trust, why = 50, "because its type is unknown"
	}
	members, public := 0, 0
	for i := range r.Model.Components {
		if c := &r.Model.Components[i]; c.Zone == z.ID {
			if members++; r.public[c.ID] {
				public++
			}
		}
	}
	if members > 0 && members == public {
		trust, why = 5, "because all in it are on the Internet"
	}
	z.Trust = trust
	r.Note(imported.Guess, e.at, "the file does not say how far it is trusted; %d of 100 is set, %s", trust, why)
}

// outside gives those their trust who stand outside every boundary and on the Internet.
func (r *reader) outside() {
	r.about = "file"
	n, public := 0, 0
	for i := range r.Model.Components {
		c := &r.Model.Components[i]
		if c.Zone != "" {
			continue
		}
		n++
		if r.public[c.ID] {
			public++
			nothing := 0
			c.Trust = &nothing
		}
	}
	if n > 0 {
		who := "actors"
		if public > 0 {
			who = fmt.Sprintf("actors and the %d on the Internet", public)
		}
		r.Note(imported.Guess, "", "%s outside every trust boundary: %s count as trusted 0 of 100, everything else 50",
			reading.Plural(n, "technical asset stands", "technical assets stand"), who)
	}
}
