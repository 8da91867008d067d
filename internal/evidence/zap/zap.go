// Package zap reads the reports of OWASP ZAP in XML and JSON, the traditional
// and the "plus" templates. An alert is one result with its instances as
// locations: ZAP groups by rule and site, and which pages a spider visits changes by itself.
package zap

import (
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/evidence/cwe"
	"github.com/threatloop/threatloop/internal/evidence/result"
)

// alert is one alert of one site, in either syntax.
type alert struct {
	plugin, ref, alert, name     string
	risk, confidence, cweID, sum string // sum: the description, HTML in most versions
	other                        string
	instances                    []result.Location
	total                        int
	evidence                     string
	systemic                     bool
	tags                         []string
	loose                        result.Location // very old layouts put it in the alert itself
}

// set stores a simple member of an alert; names are the same in XML and JSON.
func (a *alert) set(name, value string) {
	switch name {
	case "pluginid":
		a.plugin = value
	case "alertRef":
		a.ref = value
	case "alert":
		a.alert = value
	case "name":
		a.name = value
	case "riskcode":
		a.risk = value
	case "confidence":
		a.confidence = value
	case "desc":
		a.sum = value
	case "otherinfo":
		a.other = value
	case "cweid":
		a.cweID = value
	case "systemic":
		a.systemic = strings.EqualFold(value, "true")
	case "uri":
		a.loose.URI = value
	case "param":
		a.loose.Param = value
	case "method":
		a.loose.Method = value
	}
}

// instance is one place of an alert.
type instance struct {
	at       result.Location
	evidence string
}

func (i *instance) set(name, value string) {
	switch name {
	case "uri":
		i.at.URI = value
	case "method":
		i.at.Method = value
	case "param":
		i.at.Param = value
	case "evidence":
		i.evidence = value
	}
}

func (a *alert) add(i instance) {
	a.total++
	if len(a.instances) < result.MaxLocations {
		i.at.URI = result.Clean(i.at.URI, result.MaxText)
		a.instances = append(a.instances, i.at)
	}
	if a.evidence == "" {
		a.evidence = result.Clean(i.evidence, result.MaxText)
	}
}

// emit hands the alert over. Confidence 0 is ZAP's mark for a false positive.
func (a *alert) emit(run *result.Run, tree *cwe.Tree, site string) error {
	if a.name == "" {
		a.name = a.alert
	}
	id := a.plugin
	if id == "" {
		id = a.name
	}
	if a.total == 0 && a.loose != (result.Location{}) {
		a.add(instance{at: a.loose})
	}
	key := a.ref
	if key == "" {
		key = id
	}
	res := result.Result{
		Key: result.KeyOf("zap", site, key), ID: id, Name: a.name, Verdict: result.Fail,
		Severity: severity(a.risk), Confidence: confidence(a.confidence), Suppressed: strings.TrimSpace(a.confidence) == "0",
		Suite: []string{site}, Locations: a.instances, CWEs: tree.ParseIDs(a.cweID),
	}
	for _, tag := range a.tags {
		res.Tags = append(res.Tags, tag)
		res.CWEs = append(res.CWEs, tree.FindIDs(tag)...)
	}
	detail := plainText(a.sum)
	if a.evidence != "" {
		detail = "evidence: " + a.evidence + "\n" + detail
	}
	if n := a.total; n > 1 {
		detail = strconv.Itoa(n) + " places\n" + detail
	}
	res.Detail = detail
	if a.systemic {
		run.Note("rule %s is systemic at %s: its places are a sample", id, site)
	}
	return run.Emit(res)
}

func severity(code string) result.Severity {
	switch strings.TrimSpace(code) {
	case "3":
		return result.High
	case "2":
		return result.Medium
	case "1":
		return result.Low
	case "0":
		return result.Info
	}
	return ""
}

func confidence(code string) string {
	switch strings.TrimSpace(code) {
	case "0":
		return "false positive"
	case "1":
		return "low"
	case "2":
		return "medium"
	case "3":
		return "high"
	case "4":
		return "confirmed"
	}
	return ""
}

var breaks = strings.NewReplacer("</p>", "\n", "<br>", "\n", "<br/>", "\n", "</li>", "\n")

var entities = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&apos;", "'", "&amp;", "&")

var htmlTag = regexp.MustCompile(`</?[a-z][a-z0-9]*[^<>]{0,500}>`)

// plainText drops HTML tags and the most common entities: descriptions are HTML in most versions.
func plainText(s string) string {
	return entities.Replace(htmlTag.ReplaceAllString(breaks.Replace(s), ""))
}

// parseTime reads the creation time of a report; the older attribute names no zone and is taken as UTC.
func parseTime(created, generated string) time.Time {
	for _, layout := range []string{time.RFC3339Nano, "Mon, 2 Jan 2006 15:04:05", time.RFC1123, time.RFC1123Z} {
		for _, s := range []string{created, generated} {
			if t, err := time.Parse(layout, strings.TrimSpace(s)); err == nil {
				return t.UTC()
			}
		}
	}
	return time.Time{}
}
