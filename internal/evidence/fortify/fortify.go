// Package fortify reads what Fortify and WebInspect write: FPR archives with
// their audit, bare FVDL, ReportGenerator XML and WebInspect XML.
package fortify

import (
	"math"
	"path"
	"strconv"
	"strings"

	"github.com/threatloop/threatloop/internal/evidence/cursor"
	"github.com/threatloop/threatloop/internal/evidence/cwe"
	"github.com/threatloop/threatloop/internal/evidence/result"
)

// Bounds of what is kept for joining; what is over is noted and not joined.
const (
	maxRules  = 50_000
	maxNodes  = 500_000
	maxAudits = 500_000
	maxSeen   = 200_000
)

// ReadFPR reads an archive: audit.fvdl joined with the auditor's decisions and
// the taxonomy that the archive brings along, or webinspect.xml where there is no FVDL.
func ReadFPR(src *cursor.Source, run *result.Run) error {
	name := src.Zip.Find("audit.fvdl")
	if name == "" {
		err := ReadWebInspect(src.Zip.Source(src.Zip.Find("webinspect.xml")), run)
		run.Summary.Variant = "fpr"
		return err
	}
	join := joined{audits: map[string]audit{}, categories: map[string][]int{}}
	for _, part := range []struct {
		name string
		read func(*cursor.XML, *joined) error
	}{{"audit.xml", readAudit}, {"externalmetadata.xml", readMetadata}} {
		member := src.Zip.Find(part.name)
		if member == "" {
			continue
		}
		x, err := src.Zip.Source(member).XML()
		if err == nil {
			err = part.read(x, &join)
		}
		if b := cursor.AsBroken(err); b != nil {
			run.Incomplete("%s: %s", member, b)
		} else if err != nil {
			return err
		}
	}
	err := readFVDL(src.Zip.Source(name), run, &join)
	run.Summary.Variant = "fpr"
	return err
}

// joined is what stands beside the findings in an archive.
type joined struct {
	audits     map[string]audit // by instance id
	categories map[string][]int // "Type: Subtype" -> CWEs
}

type audit struct {
	suppressed bool
	analysis   string
}

// analysisTag is the id of the tag that holds the auditor's judgement.
const analysisTag = "87f2364f-dcd4-49e6-861d-f8d3f351686b"

// setAside reports whether an auditor decided that the finding is none. Being
// listed in audit.xml, or rated "1 - Critical", is no such decision.
func (a audit) setAside() bool {
	return a.suppressed || strings.EqualFold(strings.TrimSpace(a.analysis), "Not an Issue")
}

func readAudit(x *cursor.XML, join *joined) error {
	if _, err := x.Root(); err != nil {
		return err
	}
	return x.Children(func(name string) error {
		if name != "IssueList" {
			return nil
		}
		return x.Children(func(name string) error {
			if name != "Issue" {
				return nil
			}
			id, a := x.Attr("instanceId"), audit{suppressed: strings.EqualFold(x.Attr("suppressed"), "true")}
			err := x.Children(func(name string) error {
				if name != "Tag" || !strings.EqualFold(x.Attr("id"), analysisTag) {
					return nil
				}
				text, err := x.TextOf(200)
				a.analysis = text
				return err
			})
			if (a.suppressed || a.analysis != "") && len(join.audits) < maxAudits {
				join.audits[result.Clean(id, 200)] = a
			}
			return err
		})
	})
}

// readMetadata reads the crosswalk from Fortify's categories to CWE.
func readMetadata(x *cursor.XML, join *joined) error {
	if _, err := x.Root(); err != nil {
		return err
	}
	tree := cwe.Default()
	return x.Children(func(name string) error {
		if name != "ExternalList" {
			return nil
		}
		isCWE := false
		return x.Children(func(name string) error {
			switch name {
			case "Name":
				text, err := x.TextOf(100)
				isCWE = text == "CWE"
				return err
			case "Mapping":
				if !isCWE {
					return nil
				}
				var internal, external string
				err := x.Children(func(name string) (err error) {
					switch name {
					case "InternalCategory":
						internal, err = x.TextOf(300)
					case "ExternalCategory":
						external, err = x.TextOf(300)
					}
					return err
				})
				if len(join.categories) < maxRules {
					join.categories[internal] = append(join.categories[internal], tree.ParseIDs(external)...)
				}
				return err
			}
			return nil
		})
	})
}

// priority is the Fortify Priority Order: impact against likelihood, both 0 to 5.
func priority(impact, accuracy, confidence, probability float64) result.Severity {
	likelihood := math.Round(accuracy*confidence*probability/25*10) / 10
	switch {
	case impact >= 2.5 && likelihood >= 2.5:
		return result.Critical
	case impact >= 2.5:
		return result.High
	case likelihood >= 2.5:
		return result.Medium
	}
	return result.Low
}

func severityOfWord(word string) result.Severity {
	switch s := result.Severity(strings.ToLower(strings.TrimSpace(word))); s {
	case result.Critical, result.High, result.Medium, result.Low, result.Info:
		return s
	}
	return ""
}

// relative returns a path with forward slashes, relative to the source's base where it lies under it.
func relative(file, base string) string {
	file, base = strings.ReplaceAll(file, `\`, "/"), strings.TrimSuffix(strings.ReplaceAll(base, `\`, "/"), "/")
	if base != "" && len(file) > len(base) && file[len(base)] == '/' && strings.EqualFold(file[:len(base)], base) {
		file = file[len(base)+1:]
	}
	if file == "" {
		return ""
	}
	return path.Clean(file)
}

func number(s string) float64 {
	f, err := strconv.ParseFloat(strings.TrimSpace(s), 64)
	if err != nil || f != f {
		return 0
	}
	return min(max(f, 0), 10)
}
