// Package cucumber reads the reports of Cucumber and its kin: the JSON
// formatter's array of features, and the Messages protocol as NDJSON.
package cucumber

import (
	"strings"

	"github.com/threatloop/threatloop/internal/evidence/cwe"
	"github.com/threatloop/threatloop/internal/evidence/result"
)

// status is the state of a step, a hook or a scenario, ordered from harmless to worst.
type status int

const (
	unknown status = iota // a scenario without any step
	passed
	skipped
	pending
	undefined
	ambiguous
	failed
)

func statusOf(word string) status {
	switch strings.ToLower(word) {
	case "passed":
		return passed
	case "skipped", "disabled", "notrun", "untested":
		return skipped
	case "pending":
		return pending
	case "undefined", "":
		return undefined
	case "ambiguous":
		return ambiguous
	case "failed", "error":
		return failed
	}
	return undefined
}

// verdict maps a scenario's worst state: only what ran to its end says something.
func (s status) verdict() result.Verdict {
	switch s {
	case passed:
		return result.Pass
	case failed:
		return result.Fail
	}
	return result.NotRun
}

func (s status) String() string {
	return [...]string{"no step", "passed", "skipped", "pending", "undefined", "ambiguous", "failed"}[s]
}

// tagged adds tags to a result, with the references and the CWEs in them.
func tagged(res *result.Result, tree *cwe.Tree, tags []string) {
	for _, tag := range tags {
		res.Tags = append(res.Tags, result.Tag(tag))
		if ref := result.RefOfTag(tag); ref != "" {
			res.Refs = append(res.Refs, ref)
		}
		res.CWEs = append(res.CWEs, tree.FindIDs(tag)...)
	}
	res.CWEs = append(res.CWEs, tree.FindIDs(res.Name)...)
	res.Refs = append(res.Refs, result.RefsInName(res.Name)...)
}

// addTag keeps a bounded list of tags.
func addTag(tags []string, tag string) []string {
	if tag == "" || len(tags) >= result.MaxList {
		return tags
	}
	return append(tags, result.Clean(tag, result.MaxText))
}
