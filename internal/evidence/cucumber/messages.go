package cucumber

import (
	"fmt"
	"time"

	"github.com/threatloop/threatloop/internal/evidence/cursor"
	"github.com/threatloop/threatloop/internal/evidence/cwe"
	"github.com/threatloop/threatloop/internal/evidence/result"
	"github.com/threatloop/threatloop/internal/fault"
)

// maxPickles bounds the table that joins outcomes to scenarios: the protocol
// lists all scenarios first, and nothing tells when one is done for good.
const maxPickles = 200_000

// ReadMessages maps every test case of a Messages stream to a result, with the
// outcome of its last attempt. A stream without testRunFinished is incomplete.
func ReadMessages(src *cursor.Source, run *result.Run) error {
	j, err := src.JSON()
	if err != nil {
		return err
	}
	run.Summary.Format, run.Summary.Variant, run.Summary.Declarable, run.Summary.Tool = "cucumber", "messages", true, "Cucumber"
	m := &messages{j: j, run: run, tree: cwe.Default(), pickles: map[string]pickle{}, cases: map[string]string{}, attempts: map[string]*attempt{}}
	for j.More() {
		if err := j.Object(m.envelope); err != nil {
			return err
		}
	}
	if err := j.End(); err != nil {
		return err
	}
	if !m.finished {
		run.Incomplete("the stream has no testRunFinished message: it was cut off, or the run never ended")
	}
	if n := len(m.attempts); n > 0 {
		run.Incomplete("%d scenarios were started and never finished", n)
	}
	return nil
}

type pickle struct {
	name, uri string
	line      int
	tags      []string
}

// attempt is one started test case.
type attempt struct {
	caseID string
	state  status
	detail string
}

type messages struct {
	j        *cursor.JSON
	run      *result.Run
	tree     *cwe.Tree
	pickles  map[string]pickle
	cases    map[string]string // test case id -> pickle id
	attempts map[string]*attempt
	finished bool
}

func (m *messages) envelope(key string) error {
	switch key {
	case "meta":
		return m.meta()
	case "pickle":
		return m.pickle()
	case "testCase":
		v, err := m.fields("id", "pickleId")
		if err == nil {
			m.cases[v["id"]] = v["pickleId"]
			err = m.bound()
		}
		return err
	case "testRunStarted":
		return m.started()
	case "testCaseStarted":
		v, err := m.fields("id", "testCaseId")
		if err == nil {
			m.attempts[v["id"]] = &attempt{caseID: v["testCaseId"]}
			err = m.bound()
		}
		return err
	case "testStepFinished":
		return m.stepFinished()
	case "testCaseFinished":
		return m.caseFinished()
	case "testRunFinished":
		m.finished = true
	}
	return nil
}

func (m *messages) bound() error {
	if len(m.pickles) > maxPickles || len(m.cases) > maxPickles || len(m.attempts) > maxPickles {
		return fault.New(fault.TooLarge, "evidence.too_many_results", "the stream has more than %d scenarios; split it", maxPickles)
	}
	return nil
}

// fields reads the named texts of an object.
func (m *messages) fields(names ...string) (map[string]string, error) {
	out := make(map[string]string, len(names))
	err := m.j.Object(func(key string) error {
		for _, n := range names {
			if n == key {
				s, err := m.j.String()
				out[key] = s
				return err
			}
		}
		return nil
	})
	return out, err
}

func (m *messages) meta() error {
	return m.j.Object(func(key string) error {
		if key != "implementation" {
			return nil
		}
		v, err := m.fields("name", "version")
		if v["name"] != "" {
			m.run.Summary.Tool = result.Clean(v["name"], result.MaxText)
		}
		m.run.Summary.ToolVersion = result.Clean(v["version"], result.MaxText)
		return err
	})
}

func (m *messages) started() error {
	return m.j.Object(func(key string) error {
		if key != "timestamp" {
			return nil
		}
		return m.j.Object(func(key string) error {
			if key != "seconds" {
				return nil
			}
			n, err := m.j.Int()
			if n > 0 {
				m.run.Summary.StartedAt = time.Unix(int64(n), 0).UTC()
			}
			return err
		})
	})
}

func (m *messages) pickle() error {
	var id string
	var p pickle
	err := m.j.Object(func(key string) error {
		switch key {
		case "id":
			return m.j.Into(&id)
		case "name":
			return m.j.Into(&p.name)
		case "uri":
			return m.j.Into(&p.uri)
		case "location":
			return m.j.Object(func(key string) error {
				if key != "line" {
					return nil
				}
				n, err := m.j.Int()
				p.line = n
				return err
			})
		case "tags":
			return m.j.List(func() error {
				v, err := m.fields("name")
				p.tags = addTag(p.tags, v["name"])
				return err
			})
		}
		return nil
	})
	if err != nil {
		return err
	}
	p.name, p.uri = result.Clean(p.name, result.MaxText), result.Clean(p.uri, result.MaxText)
	m.pickles[id] = p
	return m.bound()
}

func (m *messages) stepFinished() error {
	var id, word, message string
	err := m.j.Object(func(key string) error {
		switch key {
		case "testCaseStartedId":
			return m.j.Into(&id)
		case "testStepResult":
			v, err := m.fields("status", "message")
			word, message = v["status"], v["message"]
			return err
		}
		return nil
	})
	if a := m.attempts[id]; err == nil && a != nil {
		if state := statusOf(word); state > a.state {
			a.state = state
			a.detail = ""
			if state != passed {
				a.detail = result.Clean("a step was "+state.String()+"\n"+message, result.MaxDetail)
			}
		}
	}
	return err
}

func (m *messages) caseFinished() error {
	var id string
	retried := false
	err := m.j.Object(func(key string) (err error) {
		switch key {
		case "testCaseStartedId":
			return m.j.Into(&id)
		case "willBeRetried":
			retried, err = m.j.Bool()
		}
		return err
	})
	a := m.attempts[id]
	if err != nil || a == nil {
		return err
	}
	delete(m.attempts, id)
	if retried {
		return nil
	}
	pickleID := m.cases[a.caseID]
	p, ok := m.pickles[pickleID]
	if !ok {
		m.run.Incomplete("test case %s belongs to no scenario in the stream", a.caseID)
		p.name = "test case " + a.caseID
	}
	res := result.Result{
		Key: result.KeyOf("cucumber", p.uri, "", p.name), ID: fmt.Sprintf("%s / %s", p.uri, p.name), Name: p.name,
		Verdict: a.state.verdict(), Suite: []string{p.uri}, Detail: a.detail,
		Locations: []result.Location{{URI: p.uri, Line: p.line}},
	}
	tagged(&res, m.tree, p.tags)
	return m.run.Emit(res)
}
