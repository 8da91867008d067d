package pytm

import (
	"slices"
	"strings"

	"github.com/threatloop/threatloop/internal/interchange/htmltext"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/jsontree"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/model"
)

// judged reads the findings of an element, and what people decided about threats of it.
func (r *reader) judged(v jsontree.Value) {
	target := reading.Line(v.Get("name").Text())
	r.about = "element " + target
	for _, f := range r.objects(v, "findings") {
		r.finding(f, target)
	}
	r.about = "element " + target
	for _, o := range r.objects(v, "overrides") {
		if o.Get("threat_id").Text() != "" {
			r.finding(o, target)
		}
	}
}

// objects returns the objects of a list; what is of another form is noted.
func (r *reader) objects(in jsontree.Value, key string) []jsontree.Value {
	v := in.Get(key)
	if !v.Array() {
		if !v.Null() {
			r.Note(imported.Refused, v, "%s is no list and is not read", key)
		}
		return nil
	}
	about := r.about
	return slices.DeleteFunc(v.Items(), func(item jsontree.Value) bool {
		if !item.Object() {
			r.Builder.Note(imported.Refused, item.At(), about, "an entry of %s is no object and is not read", key)
		}
		return !item.Object()
	})
}

// responses are the words with which a response begins.
var responses = map[string]model.ThreatStatus{
	"mitigated": model.Mitigated, "transferred": model.Transferred, "avoided": model.Avoided, "accepted": model.Accepted,
}

var severities = map[string]string{"low": "low", "medium": "medium", "high": "high", "veryhigh": "critical", "critical": "critical"}

// finding makes a threat of a finding. The same threat at the same target is one,
// wherever the file repeats it.
func (r *reader) finding(v jsontree.Value, target string) {
	id := v.Get("threat_id").Text()
	if id == "" {
		id = v.Get("id").Text()
	}
	name := reading.Line(target)
	r.about = "finding " + id + " at " + name
	where, ok := r.elements[name]
	if !ok {
		where = model.AtProduct
		if name != "" {
			r.Note(imported.Guess, v, "the target does not exist; the threat stands at the product")
		}
	}
	if key := name + " " + id; r.threats[key] && id != "" {
		return
	} else {
		r.threats[key] = true
	}
	r.Out.Counts.Threats++
	references := v.Get("references").Text()
	t := model.Threat{
		Where: where, Title: htmltext.Line(v.Get("description").Text()), Description: details(v), CAPEC: numbers(capecs, references),
		Severity: r.severity(v), Status: model.Open, Extra: model.Extra{Key: v.Raw()},
	}
	if t.Title == "" {
		t.Title = id
	}
	if t.Title == "" {
		t.Title = "Finding without a name"
	}
	response := strings.TrimSpace(v.Get("response").Text())
	word, _, _ := strings.Cut(strings.ToLower(response), " ")
	status, decided := responses[reading.Letters(word)]
	switch {
	case decided:
		t.Status, t.StatusReason = status, response
		if status == model.Accepted {
			r.Note(imported.Guess, v, "is accepted in the file, which names no owner and no end date; a person should say both")
		}
	case response != "":
		t.StatusReason = response
	default:
		t.StatusReason = "suggested by pytm; nobody has judged it yet"
	}
	if assumption := v.Get("assumption"); assumption.Object() {
		t.Status = model.NotApplicable
		t.StatusReason = strings.TrimSpace("excluded by an assumption: " + assumption.Get("name").Text() + " " + assumption.Get("description").Text())
	}
	if t.Where != model.AtProduct || id != "" {
		id = name + "/" + id
	}
	threat := r.Threat(t, id)
	for _, n := range first(numbers(cwes, references), 5) {
		r.Link(threat, r.CWE(where, n), "", 0)
	}
	state := model.Recommended
	if t.Status == model.Mitigated {
		state = model.Implemented
	}
	r.FreeText(threat, where, id, htmltext.Markdown(v.Get("mitigations").Text()), state)
}

func first(list []int, n int) []int { return list[:min(len(list), n)] }

func details(v jsontree.Value) string {
	var all []string
	for _, key := range []string{"details", "example"} {
		text := htmltext.Markdown(v.Get(key).Text())
		if text == "" || slices.Contains(all, text) {
			continue
		}
		if key == "example" {
			text = "**Example:** " + text
		}
		all = append(all, text)
	}
	if cvss := reading.Line(v.Get("cvss").Text()); cvss != "" {
		all = append(all, "CVSS "+cvss)
	}
	return strings.Join(all, "\n\n")
}

func (r *reader) severity(v jsontree.Value) string {
	text := v.Get("severity").Text()
	if _, after, ok := strings.Cut(text, "."); ok {
		text = after // "Severity.HIGH"
	}
	if s := severities[reading.Letters(text)]; s != "" {
		return s
	}
	if text != "" {
		r.Note(imported.Guess, v.Get("severity"), "the severity %q is unknown; the threat stays unrated", text)
	}
	return "tbd"
}
