package fortify

import (
	"strconv"
	"strings"

	"github.com/threatloop/threatloop/internal/evidence/cursor"
	"github.com/threatloop/threatloop/internal/evidence/cwe"
	"github.com/threatloop/threatloop/internal/evidence/result"
)

// ReadReport reads the XML of ReportGenerator, whose titles are localised and
// whose sections repeat issues: it goes by structure and takes each instance once. A listing with a
// limit that was reached, or with a refinement, makes the run incomplete.
func ReadReport(src *cursor.Source, run *result.Run) error {
	run.Summary.Format, run.Summary.Variant, run.Summary.Tool = "fortify", "report", "Fortify"
	x, err := src.XML()
	if err != nil {
		return err
	}
	if _, err := x.Root(); err != nil {
		return err
	}
	r := &reportReader{x: x, run: run, tree: cwe.Default(), seen: map[string]bool{}}
	if err := x.Children(r.section); err != nil {
		return err
	}
	if run.Summary.Counts.Total() == 0 && r.charted > 0 {
		run.Incomplete("the report counts %d issues and lists none", r.charted)
	}
	return nil
}

type reportReader struct {
	x       *cursor.XML
	run     *result.Run
	tree    *cwe.Tree
	seen    map[string]bool
	charted int // issues that charts count
}

// section walks sections and sub-sections of any depth down to the listings.
func (r *reportReader) section(name string) error {
	switch name {
	case "ReportSection", "SubSection":
		return r.x.Children(r.section)
	case "IssueListing":
		limit, _ := strconv.Atoi(r.x.Attr("limit"))
		listing := strings.EqualFold(r.x.Attr("listing"), "true")
		return r.x.Children(func(name string) error {
			switch name {
			case "Refinement":
				text, err := r.x.TextOf(300)
				if text != "" && listing {
					r.run.Incomplete("only issues that match %q are listed", text)
				}
				return err
			case "Chart":
				return r.x.Children(func(name string) error {
					if name != "GroupingSection" {
						return nil
					}
					return r.group(limit, listing)
				})
			}
			return nil
		})
	}
	return nil
}

func (r *reportReader) group(limit int, listing bool) error {
	count, _ := strconv.Atoi(r.x.Attr("count"))
	r.charted += max(count, 0)
	listed, title := 0, ""
	err := r.x.Children(func(name string) error {
		switch name {
		case "groupTitle":
			text, err := r.x.TextOf(200)
			title = text
			return err
		case "Issue":
			listed++
			return r.issue()
		}
		return nil
	})
	if listing && err == nil && listed < count {
		r.run.Incomplete("%d of %d issues of %q are listed (limit %d)", listed, count, title, limit)
	}
	return err
}

func (r *reportReader) issue() error {
	x := r.x
	iid, rule := x.Attr("iid"), x.Attr("ruleID")
	var category, folder, friority, kingdom, abstract string
	var at result.Location
	var analysis string
	res := result.Result{Verdict: result.Fail}
	err := x.Children(func(name string) (err error) {
		switch name {
		case "Category":
			category, err = x.TextOf(result.MaxText)
		case "Folder":
			folder, err = x.TextOf(100)
		case "Friority":
			friority, err = x.TextOf(100)
		case "Kingdom":
			kingdom, err = x.TextOf(200)
		case "Abstract":
			abstract, err = x.TextOf(result.MaxDetail)
		case "ExternalCategory":
			kind, text := x.Attr("type"), ""
			text, err = x.TextOf(300)
			if strings.Contains(kind, "CWE") {
				res.CWEs = append(res.CWEs, r.tree.ParseIDs(text)...)
			}
		case "Tag":
			var tag, value string
			err = x.Children(func(name string) (err error) {
				switch name {
				case "Name":
					tag, err = x.TextOf(100)
				case "Value":
					value, err = x.TextOf(200)
				}
				return err
			})
			if tag == "Analysis" {
				analysis = value
			}
		case "Primary":
			err = x.Children(func(name string) (err error) {
				text := ""
				switch name {
				case "FilePath":
					text, err = x.TextOf(result.MaxText)
					at.URI = relative(text, "")
				case "LineStart":
					text, err = x.TextOf(20)
					at.Line, _ = strconv.Atoi(text)
				case "TargetFunction":
					at.Method, err = x.TextOf(result.MaxText)
				}
				return err
			})
		}
		return err
	})
	if err != nil {
		return err
	}
	if iid != "" {
		if r.seen[iid] {
			return nil
		}
		if len(r.seen) < maxSeen {
			r.seen[iid] = true
		}
	}
	if friority == "" {
		friority = folder
	}
	res.ID, res.Name, res.Severity, res.Detail, res.Tags = rule, category, severityOfWord(friority), plain(abstract), []string{kingdom}
	res.Fingerprint, res.Locations = iid, []result.Location{at}
	res.Suppressed = audit{analysis: analysis}.setAside()
	if analysis != "" {
		res.Tags = append(res.Tags, "analysis: "+analysis)
	}
	res.Key = result.KeyOf("fortify", iid)
	if iid == "" {
		res.Key = result.KeyOf("fortify", rule, category, at.URI, at.Method)
	}
	return r.run.Emit(res)
}
