package cucumber

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/evidence/cursor"
	"github.com/threatloop/threatloop/internal/evidence/cwe"
	"github.com/threatloop/threatloop/internal/evidence/result"
)

// maxHeld is how many scenarios of one feature are held back for the feature's
// own tags, which some writers put last, and for retries.
const maxHeld = 5000

// ReadJSON maps every scenario (row) of the JSON formatter's report to a result.
// A retried scenario counts once, with its last outcome.
func ReadJSON(src *cursor.Source, run *result.Run) error {
	j, err := src.JSON()
	if err != nil {
		return err
	}
	run.Summary.Format, run.Summary.Variant, run.Summary.Declarable, run.Summary.Tool = "cucumber", "json", true, "Cucumber"
	r := &jsonReader{j: j, run: run, tree: cwe.Default()}
	if err := j.List(r.feature); err != nil {
		return err
	}
	return j.End()
}

type jsonReader struct {
	j    *cursor.JSON
	run  *result.Run
	tree *cwe.Tree
}

// scenario is what is kept of one element.
type scenario struct {
	id, name, kind, keyword string
	line                    int
	tags                    []string
	state                   status
	detail                  string
	started                 string
}

// feature holds the scenarios of one feature until its end.
type feature struct {
	uri, id, name string
	tags          []string
	held          []scenario
	index         map[string]int
	background    *scenario
}

func (r *jsonReader) feature() error {
	f := feature{index: map[string]int{}}
	err := r.j.Object(func(key string) error {
		switch key {
		case "uri":
			return r.j.Into(&f.uri)
		case "location": // Behave: "features/x.feature:1"
			s, err := r.j.String()
			if uri, _, ok := strings.Cut(s, ".feature:"); ok && f.uri == "" {
				f.uri = uri + ".feature"
			}
			return err
		case "id":
			return r.j.Into(&f.id)
		case "name":
			return r.j.Into(&f.name)
		case "tags":
			tags, err := r.tags()
			f.tags = tags
			return err
		case "elements":
			return r.j.List(func() error { return r.element(&f) })
		}
		return nil
	})
	// A file that breaks off inside a feature still has its finished scenarios.
	if err != nil && cursor.AsBroken(err) == nil {
		return err
	}
	return errors.Join(err, r.flush(&f))
}

func (r *jsonReader) element(f *feature) error {
	var s scenario
	err := r.j.Object(func(key string) error {
		switch key {
		case "id":
			return r.j.Into(&s.id)
		case "name":
			return r.j.Into(&s.name)
		case "keyword":
			return r.j.Into(&s.keyword)
		case "type":
			return r.j.Into(&s.kind)
		case "start_timestamp":
			return r.j.Into(&s.started)
		case "line":
			n, err := r.j.Int()
			s.line = n
			return err
		case "location":
			text, err := r.j.String()
			if i := strings.LastIndexByte(text, ':'); i >= 0 {
				s.line, _ = strconv.Atoi(text[i+1:])
			}
			return err
		case "tags":
			tags, err := r.tags()
			s.tags = tags
			return err
		case "steps", "before", "after":
			return r.j.List(func() error { return r.step(&s) })
		}
		return nil
	})
	if err != nil {
		return err
	}
	if strings.EqualFold(s.kind, "background") || s.kind == "" && strings.EqualFold(s.keyword, "background") {
		f.background = &s
		return nil
	}
	if b := f.background; b != nil {
		// cucumber-jvm writes the background again before each scenario.
		f.background = nil
		s.worse(b.state, b.detail)
	}
	return r.hold(f, s)
}

// worse takes over a state that is worse than the scenario's, with its message.
func (s *scenario) worse(state status, detail string) {
	if state > s.state {
		s.state, s.detail = state, detail
	}
}

func (r *jsonReader) step(s *scenario) error {
	var name, keyword, word, message, location string
	hasResult := false
	nested := func() error { return r.j.List(func() error { return r.step(s) }) }
	err := r.j.Object(func(key string) error {
		switch key {
		case "name":
			return r.j.Into(&name)
		case "keyword", "step_type":
			return r.j.Into(&keyword)
		case "before", "after": // step hooks
			return nested()
		case "match":
			return r.j.Object(func(key string) error {
				if key != "location" {
					return nil
				}
				return r.j.Into(&location)
			})
		case "result":
			hasResult = true
			return r.j.Object(func(key string) error {
				switch key {
				case "status":
					return r.j.Into(&word)
				case "error_message":
					lines, err := r.j.Strings()
					message = strings.Join(lines, "\n")
					return err
				}
				return nil
			})
		}
		return nil
	})
	if err != nil {
		return err
	}
	state := statusOf(word)
	if !hasResult {
		state = undefined
	}
	detail := ""
	if state != passed {
		if detail = strings.TrimSpace(strings.TrimSpace(keyword) + " " + name); detail == "" {
			detail = location // a hook has no words
		}
		detail = strings.TrimSpace(detail + " (" + state.String() + ")\n" + message)
	}
	s.worse(state, result.Clean(detail, result.MaxDetail))
	return nil
}

// tags reads a list of {"name": "@x"} or of plain texts.
func (r *jsonReader) tags() ([]string, error) {
	var tags []string
	err := r.j.List(func() error {
		if r.j.Kind() == '"' {
			s, err := r.j.String()
			tags = addTag(tags, s)
			return err
		}
		return r.j.Object(func(key string) error {
			if key != "name" {
				return nil
			}
			s, err := r.j.String()
			tags = addTag(tags, s)
			return err
		})
	})
	return tags, err
}

// hold keeps a scenario until the feature ends; the same element again is a retry and replaces it.
func (r *jsonReader) hold(f *feature, s scenario) error {
	s.id, s.name, s.started = result.Clean(s.id, result.MaxText), result.Clean(s.name, result.MaxText), result.Clean(s.started, 64)
	key := s.id + "\x00" + s.name + "\x00" + strconv.Itoa(s.line)
	if i, again := f.index[key]; again {
		f.held[i] = s
		return nil
	}
	if len(f.held) == maxHeld {
		r.run.Note("feature %q has more than %d scenarios: tags that follow them, and retries across that border, are not seen", f.name, maxHeld)
		if err := r.flush(f); err != nil {
			return err
		}
	}
	f.index[key] = len(f.held)
	f.held = append(f.held, s)
	return nil
}

func (r *jsonReader) flush(f *feature) error {
	for _, s := range f.held {
		if t, err := time.Parse(time.RFC3339Nano, s.started); err == nil && (r.run.Summary.StartedAt.IsZero() || t.Before(r.run.Summary.StartedAt)) {
			r.run.Summary.StartedAt = t.UTC()
		}
		res := result.Result{
			Key: result.KeyOf("cucumber", f.uri, f.name, s.name), ID: scenarioID(f, s), Name: s.name,
			Verdict: s.state.verdict(), Suite: []string{f.name}, Detail: s.detail,
		}
		if f.uri != "" || s.line > 0 {
			res.Locations = []result.Location{{URI: f.uri, Line: s.line}}
		}
		tags := slices.Clone(f.tags)
		for _, tag := range s.tags {
			if !slices.Contains(tags, tag) {
				tags = append(tags, tag)
			}
		}
		tagged(&res, r.tree, tags)
		if err := r.run.Emit(res); err != nil {
			return err
		}
	}
	f.held = f.held[:0]
	clear(f.index)
	return nil
}

// scenarioID is the writer's id, which tells the rows of an outline apart, else the feature's and the scenario's names.
func scenarioID(f *feature, s scenario) string {
	if s.id != "" {
		return s.id
	}
	return strings.TrimPrefix(f.name+" / "+s.name, " / ")
}
