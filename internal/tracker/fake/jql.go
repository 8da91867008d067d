package fake

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// query is a parsed JQL text: and, or, parentheses over the clauses project,
// labels, status, statusCategory, id/key/issue/issuekey (=, !=, in), updated and
// created (>=, >, <=, <), summary, description and text (~), then ORDER BY.
// Everything else is refused, as Jira refuses what it does not know.
type query struct {
	where expr // nil where there is no restriction
	order []ordering
}

type ordering struct {
	field string
	desc  bool
}

type expr interface{}

type (
	and    []expr
	or     []expr
	clause struct {
		field, op string
		values    []string
	}
)

var token = regexp.MustCompile(`^(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|(>=|<=|!=|[=<>~(),])|([^\s()=<>~,!"']+))`)

type lexeme struct {
	text   string
	quoted bool
}

func lex(s string) ([]lexeme, error) {
	var out []lexeme
	for s = strings.TrimSpace(s); s != ""; s = strings.TrimSpace(s) {
		m := token.FindStringSubmatch(s)
		if m == nil {
			return nil, refusef("Error in the JQL Query: the character %q is not expected.", s[:1])
		}
		switch {
		case m[3] != "" || m[4] != "":
			out = append(out, lexeme{text: m[3] + m[4]})
		default:
			out = append(out, lexeme{text: strings.NewReplacer(`\"`, `"`, `\\`, `\`, `\'`, `'`).Replace(m[1] + m[2]), quoted: true})
		}
		s = s[len(m[0]):]
	}
	return out, nil
}

// jqlError is a refusal in Jira's own words, which start with a capital and end
// with a stop.
type jqlError string

func (e jqlError) Error() string { return string(e) }

func refusef(format string, args ...any) error { return jqlError(fmt.Sprintf(format, args...)) }

type parser struct {
	in []lexeme
}

func (p *parser) peek() string {
	if len(p.in) == 0 || p.in[0].quoted {
		return ""
	}
	return strings.ToLower(p.in[0].text)
}

func (p *parser) take() (lexeme, error) {
	if len(p.in) == 0 {
		return lexeme{}, refusef("Error in the JQL Query: the query ends too early.")
	}
	l := p.in[0]
	p.in = p.in[1:]
	return l, nil
}

func parseJQL(s string) (query, error) {
	in, err := lex(s)
	if err != nil {
		return query{}, err
	}
	p := &parser{in: in}
	var q query
	if len(p.in) > 0 && p.peek() != "order" {
		if q.where, err = p.or(); err != nil {
			return query{}, err
		}
	}
	if p.peek() == "order" {
		if q.order, err = p.orderBy(); err != nil {
			return query{}, err
		}
	}
	if len(p.in) > 0 {
		return query{}, refusef("Error in the JQL Query: expecting either 'OR' or 'AND' but got '%s'.", p.in[0].text)
	}
	return q, nil
}

func (p *parser) or() (expr, error) {
	var out or
	for {
		e, err := p.and()
		if err != nil {
			return nil, err
		}
		out = append(out, e)
		if p.peek() != "or" {
			return out, nil
		}
		p.in = p.in[1:]
	}
}

func (p *parser) and() (expr, error) {
	var out and
	for {
		e, err := p.term()
		if err != nil {
			return nil, err
		}
		out = append(out, e)
		if p.peek() != "and" {
			return out, nil
		}
		p.in = p.in[1:]
	}
}

var operators = map[string]string{
	"project": "= != in", "labels": "= != in", "status": "= != in", "statuscategory": "= !=",
	"id": "= in", "key": "= in", "issue": "= in", "issuekey": "= in",
	"updated": ">= > <= <", "created": ">= > <= <", "summary": "~", "description": "~", "text": "~",
}

func (p *parser) term() (expr, error) {
	if p.peek() == "(" {
		p.in = p.in[1:]
		e, err := p.or()
		if err != nil {
			return nil, err
		}
		if l, err := p.take(); err != nil || l.text != ")" {
			return nil, refusef("Error in the JQL Query: expecting ')'.")
		}
		return e, nil
	}
	f, err := p.take()
	if err != nil {
		return nil, err
	}
	c := clause{field: strings.ToLower(f.text)}
	ops, known := operators[c.field]
	if !known {
		return nil, refusef("Field '%s' does not exist or you do not have permission to view it.", f.text)
	}
	op, err := p.take()
	if err != nil {
		return nil, err
	}
	c.op = strings.ToLower(op.text)
	if !slices.Contains(strings.Fields(ops), c.op) {
		return nil, refusef("The operator '%s' is not supported by the '%s' field.", op.text, f.text)
	}
	if c.op != "in" {
		v, err := p.take()
		if err != nil {
			return nil, err
		}
		c.values = []string{v.text}
		if (c.field == "updated" || c.field == "created") && !v.quoted {
			c.values[0] = "bare:" + v.text
		}
		return c, nil
	}
	return p.list(c)
}

func (p *parser) list(c clause) (expr, error) {
	if l, err := p.take(); err != nil || l.text != "(" {
		return nil, refusef("Error in the JQL Query: expecting '(' after 'in'.")
	}
	for {
		v, err := p.take()
		if err != nil || !v.quoted && (v.text == ")" || v.text == ",") {
			return nil, refusef("Error in the JQL Query: a value is missing in the list of '%s'.", c.field)
		}
		c.values = append(c.values, v.text)
		switch l, err := p.take(); {
		case err != nil:
			return nil, err
		case l.text == ")":
			return c, nil
		case l.text != ",":
			return nil, refusef("Error in the JQL Query: expecting ',' or ')'.")
		}
	}
}

func (p *parser) orderBy() ([]ordering, error) {
	p.in = p.in[1:]
	if p.peek() != "by" {
		return nil, refusef("Error in the JQL Query: expecting 'BY'.")
	}
	p.in = p.in[1:]
	var out []ordering
	for {
		f, err := p.take()
		if err != nil {
			return nil, err
		}
		o := ordering{field: strings.ToLower(f.text)}
		if !slices.Contains([]string{"updated", "created", "key", "id", "issuekey"}, o.field) {
			return nil, refusef("Not able to sort using field '%s'.", f.text)
		}
		if d := p.peek(); d == "asc" || d == "desc" {
			o.desc = d == "desc"
			p.in = p.in[1:]
		}
		out = append(out, o)
		if p.peek() != "," {
			return out, nil
		}
		p.in = p.in[1:]
	}
}

// run evaluates a query over the index. With validate, ids and keys that do not
// exist are an error, as in Jira.
func (s *Server) run(q query, validate bool) ([]*issue, error) {
	if validate && q.where != nil {
		if err := s.validate(q.where); err != nil {
			return nil, err
		}
	}
	var out []*issue
	for _, i := range s.indexed() {
		match := q.where == nil
		if !match {
			var err error
			if match, err = s.match(i, q.where); err != nil {
				return nil, err
			}
		}
		if match {
			out = append(out, i)
		}
	}
	slices.SortStableFunc(out, func(a, b *issue) int {
		for _, o := range q.order {
			var c int
			switch o.field {
			case "updated":
				c = a.updated.Compare(b.updated)
			case "created":
				c = a.created.Compare(b.created)
			case "id":
				c = cmp.Compare(a.id, b.id)
			default:
				c = cmp.Or(cmp.Compare(a.project.key, b.project.key), cmp.Compare(serial(a.key), serial(b.key)))
			}
			if o.desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return cmp.Compare(a.id, b.id)
	})
	return out, nil
}

func serial(key string) int64 {
	n, _ := strconv.ParseInt(key[strings.LastIndexByte(key, '-')+1:], 10, 64)
	return n
}

func (s *Server) validate(e expr) error {
	switch e := e.(type) {
	case and:
		for _, sub := range e {
			if err := s.validate(sub); err != nil {
				return err
			}
		}
	case or:
		return s.validate(and(e))
	case clause:
		for _, v := range e.values {
			switch e.field {
			case "id", "key", "issue", "issuekey":
				if s.find(v) == nil {
					return refusef("An issue with key '%s' does not exist for field '%s'.", v, e.field)
				}
			case "project":
				if s.project(v) == nil {
					return refusef("The value '%s' does not exist for the field 'project'.", v)
				}
			}
		}
	}
	return nil
}

func (s *Server) match(i *issue, e expr) (bool, error) {
	switch e := e.(type) {
	case and:
		for _, sub := range e {
			if m, err := s.match(i, sub); err != nil || !m {
				return false, err
			}
		}
		return true, nil
	case or:
		for _, sub := range e {
			if m, err := s.match(i, sub); err != nil || m {
				return m, err
			}
		}
		return false, nil
	}
	return s.matchClause(i, e.(clause))
}

func (s *Server) matchClause(i *issue, c clause) (bool, error) {
	has := func(own ...string) bool {
		for _, v := range c.values {
			for _, o := range own {
				if strings.EqualFold(v, o) {
					return c.op != "!="
				}
			}
		}
		return c.op == "!="
	}
	switch c.field {
	case "project":
		return has(append([]string{i.project.key, fmt.Sprint(i.project.id), i.project.name}, i.project.old...)...), nil
	case "labels":
		return has(i.labels...), nil
	case "status":
		return has(i.status.Name, i.status.ID), nil
	case "statuscategory":
		return has(i.status.Category), nil
	case "id", "key", "issue", "issuekey":
		for _, v := range c.values {
			if v == fmt.Sprint(i.id) || v == i.key || s.byKey[v] == i.id {
				return true, nil
			}
		}
		return false, nil
	case "summary":
		return phrase(i.summary, c.values[0]), nil
	case "description":
		return phrase(text(i.description), c.values[0]), nil
	case "text":
		return phrase(i.summary, c.values[0]) || phrase(text(i.description), c.values[0]), nil
	}
	at, err := s.moment(c.values[0])
	if err != nil {
		return false, err
	}
	own := i.updated
	if c.field == "created" {
		own = i.created
	}
	// Jira compares whole minutes.
	diff := own.Truncate(time.Minute).Compare(at.Truncate(time.Minute))
	switch c.op {
	case ">=":
		return diff >= 0, nil
	case ">":
		return diff > 0, nil
	case "<=":
		return diff <= 0, nil
	}
	return diff < 0, nil
}

var relative = regexp.MustCompile(`^-(\d+)([mhdw])$`)

// moment reads a time: relative, or epoch milliseconds where not quoted, or a
// date in the account's time zone where quoted.
func (s *Server) moment(v string) (time.Time, error) {
	v, bare := strings.CutPrefix(v, "bare:")
	if m := relative.FindStringSubmatch(v); m != nil {
		n, _ := strconv.Atoi(m[1])
		unit := map[string]time.Duration{"m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}[m[2]]
		return s.now().Add(-time.Duration(n) * unit), nil
	}
	if n, err := strconv.ParseInt(v, 10, 64); err == nil && bare {
		return time.UnixMilli(n), nil
	}
	for _, layout := range []string{"2006-01-02 15:04", "2006/01/02 15:04", "2006-01-02"} {
		if t, err := time.ParseInLocation(layout, v, s.zone); err == nil {
			return t, nil
		}
	}
	return time.Time{}, refusef("Date value '%s' is invalid. Valid formats include: 'yyyy/MM/dd HH:mm', 'yyyy-MM-dd HH:mm', or a period format e.g. '-5d', '4w 2d'.", v)
}

// phrase reports whether the words of want follow one another in the text.
func phrase(text, want string) bool {
	split := func(s string) []string {
		return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	}
	words, hay := split(want), split(text)
	for i := 0; len(words) > 0 && i+len(words) <= len(hay); i++ {
		if slices.Equal(hay[i:i+len(words)], words) {
			return true
		}
	}
	return false
}
