package fortify

import (
	"net/url"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/evidence/cursor"
	"github.com/threatloop/threatloop/internal/evidence/cwe"
	"github.com/threatloop/threatloop/internal/evidence/result"
	"github.com/threatloop/threatloop/internal/fault"
)

// ReadWebInspect reads the XML of a WebInspect scan. CWEs are found only in its texts.
func ReadWebInspect(src *cursor.Source, run *result.Run) error {
	run.Summary.Format, run.Summary.Variant, run.Summary.Tool = "fortify", "webinspect", "WebInspect"
	x, err := src.XML()
	if err != nil {
		return err
	}
	root, err := x.Root()
	if err != nil {
		return err
	}
	w := &webReader{x: x, run: run, tree: cwe.Default()}
	walk := func() error { return x.Children(w.scan) }
	if root != "Scan" {
		walk = func() error { return x.Children(func(string) error { return x.Children(w.scan) }) }
	}
	if err := walk(); err != nil {
		return err
	}
	if !w.issues {
		return fault.New(fault.Unsupported, "evidence.format", "the root element <Scan> is that of a WebInspect report, but there is no <Issues> in it")
	}
	return nil
}

type webReader struct {
	x      *cursor.XML
	run    *result.Run
	tree   *cwe.Tree
	issues bool
}

func (w *webReader) scan(name string) error {
	switch name {
	case "PolicyName":
		text, err := w.x.TextOf(result.MaxText)
		w.run.Summary.RuleSet = text
		return err
	case "StartTime":
		text, err := w.x.TextOf(100)
		if t, bad := time.Parse("1/2/2006 3:04:05 PM", text); bad == nil {
			w.run.Summary.StartedAt = t
		}
		return err
	case "Issues":
		w.issues = true
		return w.x.Children(func(name string) error {
			if name != "Issue" {
				return nil
			}
			return w.issue()
		})
	}
	return nil
}

func (w *webReader) issue() error {
	x := w.x
	var check, address, id, severity, name, session, detail string
	var cwes []int
	err := x.Children(func(child string) (err error) {
		switch child {
		case "CheckTypeID":
			check, err = x.TextOf(100)
		case "URL":
			address, err = x.TextOf(result.MaxText)
		case "VulnerabilityID":
			id, err = x.TextOf(100)
		case "Severity":
			severity, err = x.TextOf(20)
		case "Name":
			name, err = x.TextOf(result.MaxText)
		case "VulnerableSession":
			session, err = x.TextOf(200)
		case "ReportSection":
			title := ""
			err = x.Children(func(child string) (err error) {
				text := ""
				switch child {
				case "Name":
					title, err = x.TextOf(100)
				case "SectionText":
					text, err = x.TextOf(cursor.MaxToken)
					cwes = append(cwes, w.tree.FindIDs(text)...)
					if title == "Summary" {
						detail = plain(text)
					}
				}
				return err
			})
		}
		return err
	})
	if err != nil {
		return err
	}
	site, path := address, address
	if u, bad := url.Parse(address); bad == nil {
		site, path = u.Scheme+"://"+u.Host, u.Path
	}
	w.run.Target(site)
	method, _, _ := strings.Cut(session, " ")
	if len(method) > 10 {
		method = ""
	}
	return w.run.Emit(result.Result{
		Key: result.KeyOf("webinspect", id, site, path, method), ID: id, Name: name, Verdict: result.Fail, Severity: webSeverity(severity),
		CWEs: cwes, Tags: []string{check}, Suite: []string{site}, Detail: detail,
		Locations: []result.Location{{URI: address, Method: method}},
	})
}

func webSeverity(code string) result.Severity {
	switch strings.TrimSpace(code) {
	case "4":
		return result.Critical
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
