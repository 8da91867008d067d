package library_test

import (
	"strings"
	"testing"
)

// retired are names that how-tos must not recommend any more, each with what holds instead. What a text may still mention
// as a thing of the past is not among them.
var retired = map[string]string{
	"jenkins.CLI.disabled=":  "has no effect since Jenkins lost its command line over remoting",
	"frameOptions()":         "Spring Security 7 has the lambda form only",
	"headers().":             "Spring Security 7 has the lambda form only",
	"Kyverno `verifyImages`": "went with ClusterPolicy; ImageValidatingPolicy",
	"Semantic Kernel":        "Microsoft Agent Framework",
	"TensorFlow Lite":        "LiteRT",
	"encrypted DataStore":    "DataStore has no encryption of its own",
}

func TestHowTosNameNothingRetired(t *testing.T) {
	t.Parallel()
	for _, p := range load(t).Patterns {
		for _, c := range p.Countermeasures {
			text := strings.Join(strings.Fields(c.Description+" "+c.Test), " ")
			for name, why := range retired {
				if strings.Contains(text, name) {
					t.Errorf("countermeasure %s recommends %s: %s", c.Ref, name, why)
				}
			}
		}
	}
}

// TestHowTosAreWhole: a quoted name that is broken over a line, or whose quotes do not close, cannot be copied.
func TestHowTosAreWhole(t *testing.T) {
	t.Parallel()
	for _, p := range load(t).Patterns {
		for _, c := range p.Countermeasures {
			for line := range strings.Lines(c.Description) {
				if strings.Count(line, "`")%2 != 0 || strings.Count(line, "**")%2 != 0 {
					t.Errorf("countermeasure %s: quotes do not close in %q", c.Ref, line)
				}
			}
		}
	}
}
