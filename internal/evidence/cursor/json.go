package cursor

import (
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/threatloop/threatloop/internal/fault"
)

// JSON walks a JSON text, or a sequence of them as in NDJSON, without holding
// more than one token. Duplicate names and invalid UTF-8 are accepted; a value
// of another type than asked for reads as the zero value, so that a reader
// states only what it is looking for. Line numbers are those of the last block read, not exact.
type JSON struct {
	d *jsontext.Decoder
	c *clip
}

// NewJSON returns a cursor over UTF-8 text that refuses values nested deeper than depth.
func NewJSON(r io.Reader, depth int) *JSON {
	c := &clip{r: r, max: depth, line: 1}
	return &JSON{c: c, d: jsontext.NewDecoder(c, jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))}
}

func (j *JSON) fail(err error) error {
	if err == nil {
		return nil
	}
	if fault.As(err) != nil {
		return err
	}
	where := string(j.d.StackPointer())
	if where == "" {
		where = "the top level"
	}
	if err == io.EOF && j.d.StackDepth() == 0 {
		return io.EOF
	}
	var syn *jsontext.SyntacticError
	if errors.As(err, &syn) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return &Broken{Reason: "not valid JSON at " + where + ": " + syn.Err.Error()}
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.ErrUnexpectedEOF
	}
	return readError(0, where, err)
}

// Kind returns the kind of the next value: '{', '[', '"', '0', 't', 'f', 'n', or 0 where there is none.
func (j *JSON) Kind() byte { return byte(j.d.PeekKind()) }

// More reports whether another top-level value follows; false also at broken text, which the next read reports.
func (j *JSON) More() bool { return j.Kind() != 0 }

// End returns nil if the text ends here and a Broken otherwise.
func (j *JSON) End() error {
	_, err := j.d.ReadToken()
	if err == io.EOF {
		return nil
	}
	if err == nil {
		return &Broken{Reason: "more text after the end of the JSON value"}
	}
	return j.fail(err)
}

// Skip reads past the next value.
func (j *JSON) Skip() error { return j.fail(j.d.SkipValue()) }

// Object calls f for each member of the next value, if that is an object; what
// f leaves unread is skipped. Any other value is skipped.
func (j *JSON) Object(f func(name string) error) error {
	if j.d.PeekKind() != '{' {
		return j.Skip()
	}
	if _, err := j.d.ReadToken(); err != nil {
		return j.fail(err)
	}
	depth := j.d.StackDepth()
	for {
		tok, err := j.d.ReadToken()
		if err != nil {
			return j.fail(err)
		}
		if tok.Kind() == '}' {
			return nil
		}
		if err := f(tok.String()); err != nil {
			return err
		}
		if _, n := j.d.StackIndex(depth); n%2 == 1 {
			if err := j.Skip(); err != nil {
				return err
			}
		}
	}
}

// List calls f for each element of the next value, if that is an array; a
// single value that is not null counts as a list of one. What f leaves unread is skipped.
func (j *JSON) List(f func() error) error {
	switch j.d.PeekKind() {
	case 'n':
		return j.Skip()
	case '[':
	default:
		at := j.d.InputOffset()
		if err := f(); err != nil {
			return err
		}
		if j.d.InputOffset() == at {
			return j.Skip()
		}
		return nil
	}
	if _, err := j.d.ReadToken(); err != nil {
		return j.fail(err)
	}
	depth := j.d.StackDepth()
	for {
		kind := j.d.PeekKind()
		if kind == ']' {
			_, err := j.d.ReadToken()
			return j.fail(err)
		}
		_, before := j.d.StackIndex(depth)
		if err := f(); err != nil {
			return err
		}
		if _, after := j.d.StackIndex(depth); after == before {
			if err := j.Skip(); err != nil {
				return err
			}
		}
	}
}

// String returns the next value as text: a string, or the spelling of a number or boolean; null, objects and arrays give "".
func (j *JSON) String() (string, error) {
	switch j.d.PeekKind() {
	case '"', '0', 't', 'f':
		tok, err := j.d.ReadToken()
		if err != nil {
			return "", j.fail(err)
		}
		return tok.String(), nil
	}
	return "", j.Skip()
}

// Into stores the next value as text in p; see String.
func (j *JSON) Into(p *string) error {
	s, err := j.String()
	if err == nil {
		*p = s
	}
	return err
}

// Strings returns the texts of the next value: one, or those of an array.
func (j *JSON) Strings() ([]string, error) {
	var out []string
	err := j.List(func() error {
		s, err := j.String()
		if s != "" && len(out) < 1000 {
			out = append(out, s)
		}
		return err
	})
	return out, err
}

// Int returns the next value as an integer, also from a string; 0 where it is none.
func (j *JSON) Int() (int, error) {
	s, err := j.String()
	if err != nil {
		return 0, err
	}
	n, convErr := strconv.Atoi(strings.TrimSpace(s))
	if convErr != nil {
		f, _ := strconv.ParseFloat(s, 64)
		if f != f || f < -1e9 || f > 1e9 {
			return 0, nil
		}
		return int(f), nil
	}
	return n, nil
}

// Bool returns whether the next value is true, or the string "true".
func (j *JSON) Bool() (bool, error) {
	s, err := j.String()
	return strings.EqualFold(s, "true"), err
}
