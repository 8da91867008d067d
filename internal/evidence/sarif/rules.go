package sarif

import (
	"strings"

	"github.com/threatloop/threatloop/internal/evidence/cursor"
	"github.com/threatloop/threatloop/internal/evidence/cwe"
	"github.com/threatloop/threatloop/internal/evidence/result"
)

// Bounds of what one run keeps for joining; what is over is noted and not joined.
const (
	maxRuns     = 200
	maxParts    = 200     // extensions, and taxonomies, of a run
	maxRules    = 200_000 // over all runs
	maxNamed    = 200_000 // artifacts and taxa, over all runs
	maxMessages = 20      // message strings of a rule
)

// rule is what is kept of a reporting descriptor.
type rule struct {
	id, guid, name, level, text string
	score                       string
	tags                        []string
	cwes, guessed               []int // guessed: from help texts, used only where nothing else says
	targets                     []target
	messages                    map[string]string
}

// target is a reference to a taxon: of a rule's relationship, or of a result.
type target struct {
	id    string
	index int
	name  string // of the tool component
	comp  int    // its index in taxonomies
}

// component is the driver, an extension or a taxonomy.
type component struct {
	name  string
	rules []rule
	byID  map[string]int
}

func (c *collector) component(out *component, version *string) error {
	j := c.j
	out.byID = map[string]int{}
	return j.Object(func(key string) error {
		switch key {
		case "name":
			err := j.Into(&out.name)
			out.name = result.Clean(out.name, result.MaxText)
			return err
		case "version", "semanticVersion":
			text, err := j.String()
			if version != nil && (*version == "" || key == "semanticVersion") && text != "" {
				*version = result.Clean(text, result.MaxText)
			}
			return err
		case "rules":
			return j.List(func() error {
				r, err := c.rule()
				if c.rules++; c.rules > maxRules {
					c.run.Note("the file has more than %d rules: the others are not joined to their results", maxRules)
					return err
				}
				if _, again := out.byID[r.id]; !again {
					out.byID[r.id] = len(out.rules)
				}
				out.rules = append(out.rules, r)
				return err
			})
		case "taxa":
			return j.List(func() error {
				id := ""
				err := j.Object(func(key string) error {
					if key == "id" {
						return j.Into(&id)
					}
					return nil
				})
				if c.named++; c.named <= maxNamed {
					out.rules = append(out.rules, rule{id: result.Clean(id, 100)})
				}
				return err
			})
		}
		return nil
	})
}

func (c *collector) rule() (rule, error) {
	var r rule
	j := c.j
	guess := func() error {
		var text string
		err := j.Object(func(key string) error {
			if key != "text" && key != "markdown" {
				return nil
			}
			err := j.Into(&text)
			r.guessed = append(r.guessed, c.tree.FindIDs(text)...)
			return err
		})
		if r.text == "" {
			r.text = result.Clean(text, result.MaxText)
		}
		return err
	}
	err := j.Object(func(key string) error {
		switch key {
		case "id":
			return j.Into(&r.id)
		case "guid":
			return j.Into(&r.guid)
		case "name":
			return j.Into(&r.name)
		case "shortDescription", "fullDescription", "help":
			return guess()
		case "helpUri":
			text, err := j.String()
			if strings.Contains(text, "cwe.mitre.org") {
				r.guessed = append(r.guessed, c.tree.ParseIDs(text)...)
			}
			return err
		case "defaultConfiguration":
			return j.Object(func(key string) error {
				if key == "level" {
					return j.Into(&r.level)
				}
				return nil
			})
		case "messageStrings":
			return j.Object(func(key string) error {
				text := ""
				err := c.text(&text)
				if r.messages == nil {
					r.messages = map[string]string{}
				}
				if len(r.messages) < maxMessages {
					r.messages[result.Clean(key, 100)] = result.Clean(text, 500)
				}
				return err
			})
		case "properties":
			return c.properties(&r)
		case "relationships":
			return j.List(func() error {
				return j.Object(func(key string) error {
					if key != "target" {
						return nil
					}
					t, err := readTarget(j)
					if len(r.targets) < result.MaxList {
						r.targets = append(r.targets, t)
					}
					return err
				})
			})
		}
		return nil
	})
	r.id, r.guid, r.name, r.level = result.Clean(r.id, result.MaxText), result.Clean(r.guid, 64), result.Clean(r.name, result.MaxText), result.Clean(r.level, 20)
	r.guessed = r.guessed[:min(len(r.guessed), result.MaxList)]
	return r, err
}

func (c *collector) properties(r *rule) error {
	return c.j.Object(func(key string) error {
		switch strings.ToLower(key) {
		case "security-severity":
			err := c.j.Into(&r.score)
			r.score = result.Clean(r.score, 20)
			return err
		case "tags":
			tags, err := c.j.Strings()
			for _, tag := range tags[:min(len(tags), result.MaxList)] {
				r.tags = append(r.tags, result.Clean(tag, 200))
				r.cwes = append(r.cwes, c.tree.FindIDs(tag)...)
			}
			return err
		case "cwe", "cwes", "cwe_id", "cwe-id":
			ids, err := c.j.Strings()
			for _, id := range ids {
				r.cwes = append(r.cwes, c.tree.ParseIDs(id)...)
			}
			return err
		}
		return nil
	})
}

// readTarget reads a reporting descriptor reference.
func readTarget(j *cursor.JSON) (target, error) {
	t := target{index: -1, comp: -1}
	err := j.Object(func(key string) error {
		switch key {
		case "id":
			return j.Into(&t.id)
		case "index":
			n, err := j.Int()
			t.index = n
			return err
		case "toolComponent":
			return j.Object(func(key string) error {
				switch key {
				case "name":
					return j.Into(&t.name)
				case "index":
					n, err := j.Int()
					t.comp = n
					return err
				}
				return nil
			})
		}
		return nil
	})
	t.id, t.name = result.Clean(t.id, 100), result.Clean(t.name, 100)
	return t, err
}

// ids returns the CWEs that a reference to a taxon means: "CWE-327", a bare
// 327 of a taxonomy named CWE, or an index into such a taxonomy.
func (s *skeleton) ids(t target, tree *cwe.Tree) []int {
	name := t.name
	if t.comp >= 0 && t.comp < len(s.taxonomies) {
		tax := &s.taxonomies[t.comp]
		if name == "" {
			name = tax.name
		}
		if t.id == "" && t.index >= 0 && t.index < len(tax.rules) {
			t.id = tax.rules[t.index].id
		}
	}
	if strings.Contains(strings.ToUpper(name), "CWE") {
		return tree.ParseIDs(t.id)
	}
	return tree.FindIDs(t.id)
}

func (s *skeleton) resolve(r *rule, tree *cwe.Tree) {
	for _, t := range r.targets {
		r.cwes = append(r.cwes, s.ids(t, tree)...)
	}
	r.targets = nil
	if len(r.cwes) == 0 {
		r.cwes = r.guessed
	}
}
