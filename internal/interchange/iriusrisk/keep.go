package iriusrisk

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/threatloop/threatloop/internal/interchange/htmltext"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/xmltree"
)

// secret are the names of settings and fields that may hold a credential.
var secret = regexp.MustCompile(`(?i)(pass(word|wd|phrase)?|secret|token|credential|api[._-]?key|private[._-]?key|access[._-]?key|user(name)?|login|authorization)$|(^|[._-])(key|pwd|auth)$`)

// public are names that match but are known to hold none.
var public = map[string]bool{"jira.key": true, "projectkey": true, "issuekey": true}

// scrubber keeps parts of a file as JSON and drops the credentials in them.
type scrubber struct {
	opts imported.Options
	note func(level imported.Level, at, format string, args ...any)
}

// keep returns an element as JSON: attributes by name, children by name as lists,
// text as "#text". Attributes and children named in without are left out.
func (s scrubber) keep(e *xmltree.Element, without ...string) json.RawMessage {
	all := s.object(e, without)
	if len(all) == 0 {
		return nil
	}
	raw, err := json.Marshal(all)
	if err != nil {
		return nil
	}
	return raw
}

func (s scrubber) object(e *xmltree.Element, without []string) map[string]any {
	all := map[string]any{}
	named := e.Attr("name")
	if named == "" {
		named = e.Attr("ref")
	}
	for _, a := range e.Attrs {
		if slices.Contains(without, a.Name) || a.Value == "" {
			continue
		}
		hidden := isSecret(a.Name) || a.Name == "value" && isSecret(named)
		if hidden {
			what := a.Name
			if a.Name == "value" {
				what = named
			}
			s.note(imported.Refused, e.At(s.opts), "the setting %q may be a credential; its value is dropped", what)
			continue
		}
		all[a.Name] = s.address(a.Value, e)
	}
	for _, c := range e.Children {
		if slices.Contains(without, c.Name) {
			continue
		}
		if isSecret(c.Name) && c.Text() != "" {
			s.note(imported.Refused, c.At(s.opts), "the setting %q may be a credential; its value is dropped", c.Name)
			continue
		}
		child := s.object(c, nil)
		if len(child) == 0 {
			continue
		}
		list, _ := all[c.Name].([]any)
		all[c.Name] = append(list, child)
	}
	if t := e.Text(); t != "" && len(without) == 0 {
		if isSecret(named) {
			s.note(imported.Refused, e.At(s.opts), "the setting %q may be a credential; its value is dropped", named)
		} else {
			all["#text"] = s.address(t, e)
		}
	}
	return all
}

func isSecret(name string) bool {
	return secret.MatchString(name) && !public[strings.ToLower(name)]
}

// address takes name and password out of a URL.
func (s scrubber) address(text string, e *xmltree.Element) string {
	if !strings.Contains(text, "://") || !strings.Contains(text, "@") || strings.ContainsAny(text, " \n") {
		return text
	}
	u, err := url.Parse(text)
	if err != nil || u.User == nil {
		return text
	}
	u.User = nil
	s.note(imported.Refused, e.At(s.opts), "an address holds a name or password; they are dropped")
	return u.String()
}

var base64Form = regexp.MustCompile(`^[A-Za-z0-9+/\s]{24,}={0,2}\s*$`)

// prose returns a text as Markdown; what stands in base64, as older exports have
// it, is decoded first.
func prose(s string) string {
	s = strings.TrimSpace(s)
	if base64Form.MatchString(s) && !strings.Contains(strings.TrimSpace(s), " ") {
		if b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(s), "")); err == nil && readable(b) {
			s = string(b)
		}
	}
	return htmltext.Markdown(s)
}

func readable(b []byte) bool {
	if !utf8.Valid(b) {
		return false
	}
	for _, r := range string(b) {
		if !unicode.IsPrint(r) && r != '\n' && r != '\r' && r != '\t' {
			return false
		}
	}
	return true
}

// paragraphs joins texts with an empty line between them.
func paragraphs(texts ...string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(texts), func(t string) bool { return t == "" }), "\n\n")
}

// references returns an object's links as a Markdown list.
func references(e *xmltree.Element) string {
	var lines []string
	seen := map[string]bool{}
	for _, r := range e.All("references", "reference") {
		name, address := htmltext.Line(r.Attr("name")), strings.TrimSpace(r.Attr("url"))
		if u, err := url.Parse(address); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || strings.ContainsAny(address, " ()<>\n") {
			address = ""
		}
		line := ""
		switch {
		case address != "" && name != "":
			line = "- [" + strings.NewReplacer("[", "(", "]", ")").Replace(name) + "](" + address + ")"
		case address != "":
			line = "- <" + address + ">"
		case name != "":
			line = "- " + name
		}
		if line != "" && !seen[line] {
			seen[line] = true
			lines = append(lines, line)
		}
	}
	return strings.Join(lines, "\n")
}
