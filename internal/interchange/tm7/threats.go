package tm7

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/htmltext"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/interchange/xmltree"
	"github.com/threatloop/threatloop/internal/model"
)

// Suggested is the reason of threats that the tool generated and nobody judged.
const Suggested = "suggested by the Microsoft Threat Modeling Tool; nobody has judged it yet"

// priorities are the tool's words, and some of custom templates, for a severity.
var priorities = map[string]string{
	"critical": "critical", "veryhigh": "critical", "highest": "critical", "high": "high", "medium": "medium", "moderate": "medium", "normal": "medium",
	"low": "low", "verylow": "low", "lowest": "low",
}

// instance is one threat as the file has it.
type instance struct {
	v          *xmltree.Element
	key        string
	where      string // in notes
	properties map[string]string
	kind       *xmltree.Element // its threat type in the template, or nil
}

func (r *reader) threats(root *xmltree.Element) error {
	generated := 0
	var first *xmltree.Element
	pairs := root.Child("ThreatInstances")
	if pairs == nil {
		return nil
	}
	if len(pairs.Children) > reading.MaxThreats {
		return reading.TooMany("threats", reading.MaxThreats)
	}
	for _, pair := range pairs.Children {
		v := pair.Child("Value")
		if v == nil || v.Attr("nil") == "true" {
			r.Note(imported.Refused, pair.At(r.Opts), "threat", "has no value")
			continue
		}
		i := instance{v: v, key: strings.Join(strings.Fields(pair.Child("Key").Text()), ""), properties: map[string]string{}, kind: r.base.threats[v.Child("TypeId").Text()]}
		for _, p := range v.Child("Properties").All("KeyValueOfstringstring") {
			if text := flowing(p.Child("Value").Text()); text != "" {
				i.properties[p.Child("Key").Text()] = text
			}
		}
		if r.threat(i) {
			generated++
			first = cmpElement(first, v)
		}
	}
	if generated > 0 {
		r.Note(imported.Info, first.At(r.Opts), "file", "%s the tool generated and nobody has judged; each is open and says so",
			reading.Plural(generated, "threat is one that", "threats are ones that"))
	}
	return nil
}

// text returns a threat's own text: among its properties, else the field of the
// name, else what its type says.
func (i *instance) text(name, field, ofType string) string {
	return cmp.Or(i.properties[name], flowing(i.v.Child(field).Text()), flowing(i.kind.Child(ofType).Text()))
}

// indented is a line break that comes from pretty-printing the file.
var indented = regexp.MustCompile(`[ \t]*\r?\n[ \t]{2,}`)

// flowing takes the line breaks of pretty-printed XML out of a text; those that
// somebody wrote stay.
func flowing(s string) string { return indented.ReplaceAllString(s, " ") }

// threat adds a threat and reports whether it is one that the tool generated and nobody judged.
func (r *reader) threat(i instance) bool {
	at := i.v.At(r.Opts)
	i.where = "threat " + cmp.Or(i.v.Child("Id").Text(), i.key)
	r.Out.Counts.Threats++
	flow, source, target := i.v.Child("FlowGuid").Text(), i.v.Child("SourceGuid").Text(), i.v.Child("TargetGuid").Text()
	t := model.Threat{Where: model.AtProduct, Extra: i.extra(r.base.labels)}
	for _, guid := range []string{flow, target, source} {
		if id, ok := r.ids[guid]; ok {
			t.Where = id
			break
		}
	}
	t.Title = reading.Line(htmltext.Line(r.fill(i.text("Title", "Title", "ShortTitle"), t.Where, source, target)))
	t.Description = htmltext.Markdown(r.fill(i.text("UserThreatDescription", "UserThreatDescription", "Description"), t.Where, source, target))
	r.category(&t, i, at)
	if t.Title == "" {
		t.Title = reading.Title(t.Description)
		if t.Title == "" && len(t.Categories) > 0 {
			t.Title = reading.CategoryName(t.Categories[0])
		}
		t.Title = cmp.Or(t.Title, "Untitled threat")
		r.Note(imported.Guess, at, i.where, "has no title; it is called %q here", t.Title)
	}
	written := cmp.Or(i.properties["Priority"], i.v.Child("Priority").Text())
	if t.Severity = priorities[reading.Letters(written)]; t.Severity == "" {
		t.Severity = "tbd"
		if written != "" {
			r.Note(imported.Guess, i.v.Child("Priority").At(r.Opts), i.where, "the priority %q is unknown; the threat stays unrated", written)
		}
	}
	if n, err := strconv.Atoi(i.v.Child("Id").Text()); err == nil && n >= 0 && n < 1e9 {
		t.Number = n
	}
	id := cmp.Or(i.key, i.v.Child("TypeId").Text()+source+flow+target)
	if _, drawn := r.ids[flow]; t.Where == model.AtProduct {
		r.Note(imported.Guess, at, i.where, "its flow %q is not drawn; it stands at the product", flow)
	} else if !drawn && flow != "" && flow != noGUID {
		r.Note(imported.Guess, at, i.where, "its flow %q is not drawn; it stands at %s", flow, cmp.Or(r.names[t.Where], string(t.Where)))
	}
	justification := htmltext.Markdown(cmp.Or(i.properties["StateInformation"], flowing(i.v.Child("StateInformation").Text())))
	generated := r.state(&t, i, justification)
	tid := r.Threat(t, id)
	r.mitigation(&t, tid, i, id, justification)
	return generated
}

var placeholder = regexp.MustCompile(`(?i)\{(source|target|flow)\.([^{}]{1,40})\}`)

// fill puts names in the places that a template's texts keep for them.
func (r *reader) fill(text string, where model.ElementID, source, target string) string {
	if !strings.Contains(text, "{") {
		return text
	}
	return placeholder.ReplaceAllStringFunc(text, func(s string) string {
		m := placeholder.FindStringSubmatch(s)
		name := ""
		switch strings.ToLower(m[1]) {
		case "source":
			name = r.names[r.ids[source]]
		case "target":
			name = r.names[r.ids[target]]
		case "flow":
			name = r.names[where]
		}
		if name == "" || !strings.EqualFold(m[2], "name") {
			return s
		}
		return name
	})
}

// category: the threat's own words, else its type's category, else the letter
// that its type's id begins with ("T7" is tampering).
func (r *reader) category(t *model.Threat, i instance, at string) {
	written := cmp.Or(i.properties["UserThreatCategory"], i.v.Child("UserThreatCategory").Text())
	if written == "" && i.kind != nil {
		id := i.kind.Child("Category").Text()
		written = cmp.Or(r.base.categories[id], id)
	}
	if name := r.base.categories[written]; name != "" {
		written = name
	}
	if code, ok := reading.Category(written); ok {
		t.Categories = []string{code}
		return
	}
	typeID := i.v.Child("TypeId").Text()
	if written == "" && len(typeID) > 1 && strings.TrimLeft(typeID[1:], "0123456789.") == "" {
		if code := letters[typeID[0]]; code != "" {
			t.Categories = []string{code}
			return
		}
	}
	if written != "" {
		r.Note(imported.Kept, at, i.where, "the category %q is of no methodology known here and is kept as written", written)
	}
}

var letters = map[byte]string{
	'S': "stride:spoofing", 'T': "stride:tampering", 'R': "stride:repudiation", 'I': "stride:information-disclosure",
	'D': "stride:denial-of-service", 'E': "stride:elevation-of-privilege",
}

// state sets the threat's status and reports whether nobody has judged it.
func (r *reader) state(t *model.Threat, i instance, justification string) bool {
	written := i.v.Child("State").Text()
	t.Status = model.Open
	switch reading.Letters(written) {
	case "autogenerated", "notstarted", "":
		t.StatusReason = Suggested
		if justification != "" {
			t.StatusReason = justification
		}
		return justification == ""
	case "needsinvestigation":
		t.StatusReason = cmp.Or(justification, "needs investigation")
	case "open":
		t.StatusReason = justification
	case "notapplicable":
		t.Status, t.StatusReason = model.NotApplicable, justification
		if justification == "" {
			r.Note(imported.Guess, i.v.At(r.Opts), i.where, "is not applicable in the file, which does not say why")
		}
	case "mitigated", "mitigationimplemented":
		t.Status = model.Mitigated
	case "accepted":
		t.Status, t.StatusReason = model.Accepted, justification
		r.Note(imported.Guess, i.v.At(r.Opts), i.where, "is accepted in the file, which names no owner and no end date; a person should say both")
	default:
		t.StatusReason = justification
		r.Note(imported.Guess, i.v.Child("State").At(r.Opts), i.where, "the state %q is unknown; the threat counts as open", written)
	}
	return false
}

// mitigation turns texts into countermeasures: the justification of a mitigated
// threat is what was done, possible mitigations are what could be.
func (r *reader) mitigation(t *model.Threat, id model.ThreatID, i instance, key, justification string) {
	possible := htmltext.Markdown(i.properties["PossibleMitigations"])
	switch {
	case t.Status == model.Mitigated && justification != "":
		r.FreeText(id, t.Where, key, justification, model.Implemented)
	case t.Status == model.Mitigated && possible != "":
		r.FreeText(id, t.Where, key, possible, model.Implemented)
		r.Note(imported.Guess, i.v.At(r.Opts), i.where, "is mitigated in the file, which does not say how; its possible mitigation is taken as done")
	case t.Status == model.Mitigated:
		r.Note(imported.Guess, i.v.At(r.Opts), i.where, "is mitigated in the file, which does not say how: nothing lowers its rating until a person names the countermeasure")
	case t.Status == model.Open:
		r.FreeText(id, t.Where, key, possible, model.Recommended)
	}
}

// extra keeps what the threat says beside what is understood.
func (i *instance) extra(labels map[string]string) model.Extra {
	kept := map[string]string{}
	for _, f := range []string{"TypeId", "State", "ChangedBy", "ModifiedAt", "Upgraded", "Wide"} {
		text := i.v.Child(f).Text()
		if text != "" && text != "false" && !strings.HasPrefix(text, "0001-01-01") {
			kept[f] = text
		}
	}
	for k, v := range i.properties {
		switch k {
		case "Title", "UserThreatDescription", "StateInformation", "PossibleMitigations", "UserThreatShortDescription":
		default:
			kept[cmp.Or(labels[k], k)] = v
		}
	}
	return extra(kept)
}
