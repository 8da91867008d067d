package cyclonedx

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/jsontree"
	"github.com/threatloop/threatloop/internal/interchange/xmltree"
)

// namespace is that of CycloneDX in XML, which ends in the version.
var namespace = regexp.MustCompile(`["']https?://cyclonedx\.org/schema/bom/([0-9.]+)["']`)

// DetectXML reports whether a file that begins with head is CycloneDX in XML. What
// is no threat model is told by ReadXML.
func DetectXML(head []byte) bool {
	return bytes.HasPrefix(head, []byte("<")) && namespace.Match(head) && xmltree.Root(head).Is("bom")
}

// ReadXML is Read for a file in XML, which says the same in other words. Places are
// those of the file. A bill of materials without services and without a threat
// model inside is fault.Unsupported.
func ReadXML(data []byte, opts imported.Options) (*imported.Import, error) {
	root, err := xmltree.Parse(data, opts)
	if err != nil {
		return nil, err
	}
	version := ""
	if m := namespace.FindSubmatch(data[:min(len(data), 64<<10)]); m != nil {
		version = string(m[1])
	}
	w := xmlWriter{}
	w.mark(root)
	w.b.WriteByte('{')
	w.member(root, "bomFormat", "CycloneDX")
	w.member(root, "specVersion", version)
	w.content(root)
	w.b.WriteByte('}')
	doc, err := jsontree.ParseFrom(w.b.Bytes(), w.places, opts)
	if err != nil {
		return nil, err
	}
	if !Detect(doc) {
		return nil, fault.New(fault.Unsupported, "model.unknown_format", "the file is no threat model that can be read here").
			With(root.At(opts), "it is a CycloneDX document without services and without a threat model")
	}
	return Read(doc, opts)
}

// xmlWriter writes elements in the form that CycloneDX has in JSON.
type xmlWriter struct {
	b      bytes.Buffer
	places []jsontree.Place
}

// lists are the elements whose children are the parts of a list.
var lists = []string{
	"services", "components", "dependencies", "endpoints", "externalReferences", "properties", "licenses", "hashes", "tools", "authors",
	"compositions", "vulnerabilities", "annotations", "formulation", "contents", "evidence",
}

// mark notes where the value that comes next stands in the file.
func (w *xmlWriter) mark(e *xmltree.Element) {
	w.places = append(w.places, jsontree.Place{Offset: w.b.Len(), Line: e.Line, Column: e.Column})
}

func (w *xmlWriter) text(s string) {
	b, err := json.Marshal(s)
	if err != nil {
		b = []byte(`""`) // json.Marshal never fails on a string
	}
	w.b.Write(b)
}

// key begins a member of an object.
func (w *xmlWriter) key(name string) {
	if last := w.b.Bytes()[w.b.Len()-1]; last != '{' {
		w.b.WriteByte(',')
	}
	w.text(name)
	w.b.WriteByte(':')
}

func (w *xmlWriter) member(e *xmltree.Element, name, value string) {
	w.key(name)
	w.mark(e)
	w.text(value)
}

// separate begins a part of a list.
func (w *xmlWriter) separate() {
	if last := w.b.Bytes()[w.b.Len()-1]; last != '[' {
		w.b.WriteByte(',')
	}
}

// value writes what stands in an element.
func (w *xmlWriter) value(e *xmltree.Element) {
	w.mark(e)
	text := e.Text()
	switch {
	case e.Name == "data" && (e.Child("dataflow") != nil || e.Child("classification") != nil):
		w.data(e)
	case slices.Contains(lists, e.Name):
		w.b.WriteByte('[')
		for _, c := range e.Children {
			w.separate()
			w.value(c)
		}
		w.b.WriteByte(']')
	case len(e.Children) == 0 && len(e.Attrs) == 0 && (text == "true" || text == "false"):
		w.b.WriteString(text)
	case len(e.Children) == 0 && len(e.Attrs) == 0:
		w.text(text)
	default:
		w.b.WriteByte('{')
		w.content(e)
		w.b.WriteByte('}')
	}
}

// content writes the members of an object: attributes, elements, and the text beside attributes.
func (w *xmlWriter) content(e *xmltree.Element) {
	for _, a := range e.Attrs {
		name := a.Name
		if name == "content-type" {
			name = "contentType"
		}
		w.member(e, name, a.Value)
	}
	if len(e.Children) == 0 {
		if text := e.Text(); text != "" {
			w.member(e, "content", text)
		}
		return
	}
	if e.Name == "dependency" {
		w.dependsOn(e)
		return
	}
	var order []string
	byName := map[string][]*xmltree.Element{}
	for _, c := range e.Children {
		if byName[c.Name] == nil {
			order = append(order, c.Name)
		}
		byName[c.Name] = append(byName[c.Name], c)
	}
	for _, name := range order {
		w.key(name)
		list := byName[name]
		if len(list) == 1 {
			w.value(list[0])
			continue
		}
		w.mark(list[0])
		w.b.WriteByte('[')
		for _, c := range list {
			w.separate()
			w.value(c)
		}
		w.b.WriteByte(']')
	}
}

// dependsOn writes the dependencies inside of one, which JSON names by their refs alone.
func (w *xmlWriter) dependsOn(e *xmltree.Element) {
	w.key("dependsOn")
	w.mark(e)
	w.b.WriteByte('[')
	for _, c := range e.All("dependency") {
		w.separate()
		w.mark(c)
		w.text(c.Attr("ref"))
	}
	w.b.WriteByte(']')
}

// data writes the data of a service: classifications alone, or flows with their ends.
func (w *xmlWriter) data(e *xmltree.Element) {
	w.b.WriteByte('[')
	for _, c := range e.Children {
		class := c
		if c.Name == "dataflow" {
			class = c.Child("classification")
		} else if c.Name != "classification" {
			continue
		}
		w.separate()
		w.mark(c)
		w.b.WriteByte('{')
		for _, name := range []string{"name", "description"} {
			if v := c.Attr(name); v != "" {
				w.member(c, name, v)
			}
		}
		w.member(c, "flow", class.Attr("flow"))
		w.member(c, "classification", class.Text())
		for _, end := range []string{"source", "destination"} {
			urls := c.All(end, "url")
			if len(urls) == 0 {
				continue
			}
			w.key(end)
			w.mark(urls[0])
			w.b.WriteByte('[')
			for _, u := range urls {
				w.separate()
				w.mark(u)
				w.text(u.Text())
			}
			w.b.WriteByte(']')
		}
		w.b.WriteByte('}')
	}
	w.b.WriteByte(']')
}
