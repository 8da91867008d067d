package sarif

import (
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/evidence/cursor"
	"github.com/threatloop/threatloop/internal/evidence/cwe"
	"github.com/threatloop/threatloop/internal/evidence/result"
)

// skeleton is all of a run but its results.
type skeleton struct {
	tool       component
	version    string
	extensions []component
	taxonomies []component
	artifacts  []string
	overrides  map[string]string // rule id -> level
}

// component returns the driver (-1) or an extension, or nil.
func (s *skeleton) component(i int) *component {
	switch {
	case i == -1:
		return &s.tool
	case i >= 0 && i < len(s.extensions):
		return &s.extensions[i]
	}
	return nil
}

// collector is the first pass: it reads everything that results refer to, wherever it stands.
type collector struct {
	j     *cursor.JSON
	run   *result.Run
	tree  *cwe.Tree
	runs  []skeleton
	rules int
	named int
}

func (c *collector) top(key string) error {
	if key == "version" {
		version, err := c.j.String()
		if version != "" && !strings.HasPrefix(version, "2.") {
			c.run.Note("the report is of SARIF version %s; 2.1 is known, and what is written otherwise in another is not read", version)
		}
		return err
	}
	if key != "runs" {
		return nil
	}
	return c.j.List(func() error {
		if len(c.runs) == maxRuns {
			c.run.Incomplete("the file has more than %d runs", maxRuns)
			return nil
		}
		s := skeleton{overrides: map[string]string{}}
		err := c.j.Object(func(key string) error { return c.member(&s, key) })
		for i := range s.tool.rules {
			s.resolve(&s.tool.rules[i], c.tree)
		}
		for e := range s.extensions {
			for i := range s.extensions[e].rules {
				s.resolve(&s.extensions[e].rules[i], c.tree)
			}
		}
		c.runs = append(c.runs, s)
		return err
	})
}

func (c *collector) member(s *skeleton, key string) error {
	j := c.j
	switch key {
	case "tool":
		return j.Object(func(key string) error {
			switch key {
			case "name": // SARIF 1
				return j.Into(&s.tool.name)
			case "driver":
				return c.component(&s.tool, &s.version)
			case "extensions":
				return j.List(func() error {
					if len(s.extensions) == maxParts {
						return nil
					}
					s.extensions = append(s.extensions, component{})
					return c.component(&s.extensions[len(s.extensions)-1], nil)
				})
			}
			return nil
		})
	case "taxonomies":
		return j.List(func() error {
			if len(s.taxonomies) == maxParts {
				return nil
			}
			s.taxonomies = append(s.taxonomies, component{})
			return c.component(&s.taxonomies[len(s.taxonomies)-1], nil)
		})
	case "artifacts":
		return j.List(func() error {
			uri := ""
			err := j.Object(func(key string) error {
				if key != "location" {
					return nil
				}
				return j.Object(func(key string) error {
					if key == "uri" {
						return j.Into(&uri)
					}
					return nil
				})
			})
			if c.named++; c.named <= maxNamed {
				s.artifacts = append(s.artifacts, result.Clean(uri, result.MaxText))
			}
			return err
		})
	case "automationDetails":
		return j.Object(func(key string) error {
			if key != "id" {
				return nil
			}
			// "category/" or "category/run": only the category stays the same from run to run.
			id, err := j.String()
			if i := strings.LastIndexByte(id, '/'); i >= 0 {
				id = id[:i]
			}
			c.run.Summary.RuleSet = result.Clean(id, result.MaxText)
			return err
		})
	case "versionControlProvenance":
		return j.List(func() error {
			return j.Object(func(key string) error {
				if key != "repositoryUri" {
					return nil
				}
				uri, err := j.String()
				c.run.Target(uri)
				return err
			})
		})
	case "externalPropertyFileReferences":
		return j.Object(func(key string) error {
			if key == "results" && j.Kind() == '[' {
				c.run.Incomplete("the results are in other files, which were not uploaded")
			}
			return nil
		})
	case "invocations":
		return j.List(func() error { return c.invocation(s) })
	}
	return nil
}

func (c *collector) invocation(s *skeleton) error {
	j := c.j
	return j.Object(func(key string) error {
		switch key {
		case "executionSuccessful":
			ok, err := j.Bool()
			if !ok && err == nil {
				c.run.Incomplete("the tool says that its execution was not successful")
			}
			return err
		case "startTimeUtc", "endTimeUtc":
			text, err := j.String()
			if t, bad := time.Parse(time.RFC3339Nano, text); bad == nil && (c.run.Summary.StartedAt.IsZero() || t.Before(c.run.Summary.StartedAt)) {
				c.run.Summary.StartedAt = t.UTC()
			}
			return err
		case "toolExecutionNotifications":
			return j.List(func() error { return c.notification() })
		case "ruleConfigurationOverrides":
			return j.List(func() error {
				id, level := "", ""
				err := j.Object(func(key string) error {
					return j.Object(func(inner string) error {
						switch {
						case key == "descriptor" && inner == "id":
							return j.Into(&id)
						case key == "configuration" && inner == "level":
							return j.Into(&level)
						}
						return nil
					})
				})
				if len(s.overrides) < 1000 {
					s.overrides[result.Clean(id, result.MaxText)] = result.Clean(level, 20)
				}
				return err
			})
		}
		return nil
	})
}

func (c *collector) notification() error {
	level, text := "", ""
	err := c.j.Object(func(key string) error {
		switch key {
		case "level":
			return c.j.Into(&level)
		case "message":
			return c.text(&text)
		}
		return nil
	})
	if level == "error" {
		c.run.Incomplete("the tool reported an error while it ran: %s", text)
	}
	return err
}

// text reads the text of a message object.
func (c *collector) text(p *string) error {
	return c.j.Object(func(key string) error {
		if key == "text" {
			return c.j.Into(p)
		}
		return nil
	})
}
