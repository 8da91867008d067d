package zap

import (
	"strings"

	"github.com/threatloop/threatloop/internal/evidence/cursor"
	"github.com/threatloop/threatloop/internal/evidence/cwe"
	"github.com/threatloop/threatloop/internal/evidence/result"
)

// ReadJSON maps every alert of a traditional-json or traditional-json-plus
// report to a result, and every step of a sequence to a test with its outcome. The
// run is incomplete where the scan was stopped or the automation plan had errors.
func ReadJSON(src *cursor.Source, run *result.Run) error {
	j, err := src.JSON()
	if err != nil {
		return err
	}
	run.Summary.Format, run.Summary.Variant, run.Summary.Tool = "zap", "json", "ZAP"
	r := &jsonReader{j: j, run: run, tree: cwe.Default()}
	if err := j.Object(r.top); err != nil {
		return err
	}
	run.Summary.ToolVersion = result.Clean(r.version, result.MaxText)
	run.Summary.StartedAt = parseTime(r.created, r.generated)
	return j.End()
}

type jsonReader struct {
	j                           *cursor.JSON
	run                         *result.Run
	tree                        *cwe.Tree
	version, created, generated string
}

func (r *jsonReader) top(key string) error {
	j := r.j
	switch key {
	case "@version":
		return j.Into(&r.version)
	case "@generated":
		return j.Into(&r.generated)
	case "created":
		return j.Into(&r.created)
	case "site":
		return j.List(r.site)
	case "sequences":
		return j.List(r.sequence)
	case "stoppingInsight":
		return r.stopped()
	case "afPlanErrors":
		return r.plan(func(text string) { r.run.Incomplete("the automation plan reported an error: %s", text) })
	case "afPlanWarns":
		return r.plan(func(text string) { r.run.Note("the automation plan warned: %s", text) })
	}
	return nil
}

func (r *jsonReader) plan(tell func(string)) error {
	return r.j.List(func() error {
		if r.j.Kind() == '{' {
			tell("an entry without text")
			return nil
		}
		text, err := r.j.String()
		if text != "" {
			tell(text)
		}
		return err
	})
}

func (r *jsonReader) stopped() error {
	var parts []string
	err := r.j.Object(func(key string) error {
		text, err := r.j.String()
		if text != "" && (key == "description" || key == "reason") {
			parts = append(parts, text)
		}
		return err
	})
	if len(parts) > 0 {
		r.run.Incomplete("ZAP stopped the scan early: %s", strings.Join(parts, ", "))
	}
	return err
}

func (r *jsonReader) site() error {
	name, host := "", ""
	return r.j.Object(func(key string) error {
		switch key {
		case "@name":
			err := r.j.Into(&name)
			r.run.Target(name)
			return err
		case "@host":
			return r.j.Into(&host)
		case "alerts":
			if name == "" {
				name = host
			}
			return r.j.List(func() error { return r.alert(name) })
		}
		return nil
	})
}

func (r *jsonReader) alert(site string) error {
	var a alert
	err := r.j.Object(func(key string) error {
		switch key {
		case "instances":
			return r.j.List(func() error {
				var i instance
				err := r.simple(i.set)
				a.add(i)
				return err
			})
		case "tags":
			return r.j.List(func() error {
				return r.simple(func(key, value string) {
					if key == "tag" && value != "" && len(a.tags) < result.MaxList {
						a.tags = append(a.tags, result.Clean(value, result.MaxText))
					}
				})
			})
		}
		text, err := r.j.String()
		a.set(key, text)
		return err
	})
	if err != nil {
		return err
	}
	return a.emit(r.run, r.tree, site)
}

// simple reads an object's scalar members.
func (r *jsonReader) simple(set func(key, value string)) error {
	return r.j.Object(func(key string) error {
		text, err := r.j.String()
		set(key, text)
		return err
	})
}

// sequence maps the steps of an authenticated flow that ZAP replays: each says whether it passed.
func (r *jsonReader) sequence() error {
	name := ""
	return r.j.Object(func(key string) error {
		switch key {
		case "name":
			return r.j.Into(&name)
		case "steps":
			return r.j.List(func() error {
				var step, pass, detail string
				err := r.j.Object(func(key string) error {
					switch key {
					case "step":
						return r.j.Into(&step)
					case "pass":
						return r.j.Into(&pass)
					case "resultDetails":
						return r.j.Into(&detail)
					}
					return nil
				})
				if err != nil {
					return err
				}
				verdict := result.NotRun
				switch strings.ToLower(pass) {
				case "true":
					verdict = result.Pass
				case "false":
					verdict = result.Fail
				}
				return r.run.Emit(result.Result{
					Key: result.KeyOf("zap-sequence", name, step), ID: "sequence " + name + " / " + step, Name: name + " step " + step,
					Verdict: verdict, Suite: []string{"sequence " + name}, Detail: detail, Refs: result.RefsInName(name),
				})
			})
		}
		return nil
	})
}
