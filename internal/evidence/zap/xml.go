package zap

import (
	"io"

	"github.com/threatloop/threatloop/internal/evidence/cursor"
	"github.com/threatloop/threatloop/internal/evidence/cwe"
	"github.com/threatloop/threatloop/internal/evidence/result"
)

// ReadXML maps every alert of a traditional-xml or traditional-xml-plus report
// to a result. The run is incomplete where ZAP says that the scan was stopped.
func ReadXML(src *cursor.Source, run *result.Run) error {
	x, err := src.XML()
	if err != nil {
		return err
	}
	run.Summary.Format, run.Summary.Variant, run.Summary.Tool = "zap", "xml", "ZAP"
	r := &xmlReader{x: x, run: run, tree: cwe.Default()}
	if _, err := x.Root(); err != nil {
		return err
	}
	run.Summary.ToolVersion = result.Clean(x.Attr("version"), result.MaxText)
	run.Summary.StartedAt = parseTime(x.Attr("created"), x.Attr("generated"))
	if err := x.Children(r.top); err != nil {
		return err
	}
	if _, err := x.Next(); err != io.EOF {
		return err
	}
	return nil
}

type xmlReader struct {
	x    *cursor.XML
	run  *result.Run
	tree *cwe.Tree
}

func (r *xmlReader) top(name string) error {
	switch name {
	case "site":
		site := r.x.Attr("name")
		if site == "" {
			site = r.x.Attr("host")
		}
		r.run.Target(site)
		return r.x.Children(func(name string) error {
			switch name {
			case "alerts":
				return r.x.Children(func(name string) error { return r.item(name, site) })
			case "alertitem":
				return r.item(name, site)
			}
			return nil
		})
	case "stoppingInsight":
		text, err := r.x.TextOf(result.MaxText)
		if text != "" {
			r.run.Incomplete("ZAP stopped the scan early: %s", text)
		}
		return err
	}
	return nil
}

func (r *xmlReader) item(name, site string) error {
	if name != "alertitem" {
		return nil
	}
	var a alert
	err := r.x.Children(func(name string) error {
		switch name {
		case "instances":
			return r.x.Children(func(name string) error {
				if name != "instance" {
					return nil
				}
				var i instance
				err := r.simple(i.set)
				a.add(i)
				return err
			})
		case "tags":
			return r.x.Children(func(name string) error {
				if name != "tag" {
					return nil
				}
				return r.simple(func(name, value string) {
					if name == "tag" && value != "" && len(a.tags) < result.MaxList {
						a.tags = append(a.tags, result.Clean(value, result.MaxText))
					}
				})
			})
		}
		text, err := r.x.TextOf(cursor.MaxToken)
		a.set(name, text)
		return err
	})
	if err != nil {
		return err
	}
	return a.emit(r.run, r.tree, site)
}

// simple reads the children of an element as names and texts.
func (r *xmlReader) simple(set func(name, value string)) error {
	return r.x.Children(func(name string) error {
		text, err := r.x.TextOf(cursor.MaxToken)
		set(name, text)
		return err
	})
}
