// Package fault holds the errors that a person or a client may see. A fault has
// a kind (which decides HTTP status and exit code), a stable code, a public
// text, field errors, and a private cause that only the log gets. Every error
// that is not a fault is internal: its text never leaves the process.
package fault

import (
	"errors"
	"fmt"
	"strings"
)

// Kind is the class of a fault.
type Kind string

// The kinds of faults. Status and ExitCode hold the one table that maps them outward.
const (
	Invalid         Kind = "invalid"         // the input is wrong; Fields says where
	Unauthenticated Kind = "unauthenticated" // nobody, or a credential that does not hold
	Forbidden       Kind = "forbidden"       // somebody, but not allowed
	NotFound        Kind = "not_found"       // absent, or not to be seen by the caller
	Conflict        Kind = "conflict"        // contradicts what is there
	Stale           Kind = "stale"           // the version the change was based on is not current
	TooLarge        Kind = "too_large"       // over a stated limit
	Unsupported     Kind = "unsupported"     // a format or capability we do not have
	RateLimited     Kind = "rate_limited"    // too many requests
	Unavailable     Kind = "unavailable"     // a database, tracker or file is not reachable now
	Internal        Kind = "internal"        // ours; the text is generic
)

// Field is one wrong field, line or element of the input.
type Field struct {
	Where string `json:"where"` // a JSON path ("body.name"), or "file:line:column", or an element id
	Text  string `json:"text"`  // what is wrong and what was expected
}

// Error is a failure with a public half and a private cause.
type Error struct {
	Kind   Kind
	Code   string // stable, dotted: "library.unknown_key"
	Public string // one sentence: what happened, where, what to do
	Fields []Field
	cause  error
}

// New returns a fault with a formatted public text.
func New(kind Kind, code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Public: fmt.Sprintf(format, args...)}
}

// Wrap returns a fault whose private cause is err.
func Wrap(err error, kind Kind, code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Public: fmt.Sprintf(format, args...), cause: err}
}

// With adds a field error and returns the same fault.
func (e *Error) With(where, format string, args ...any) *Error {
	e.Fields = append(e.Fields, Field{Where: where, Text: fmt.Sprintf(format, args...)})
	return e
}

// Error returns the public text with the field errors; the cause stays private
// to Unwrap, so that a log line can add it and a client never sees it.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Public)
	for _, f := range e.Fields {
		b.WriteString("; ")
		if f.Where != "" {
			b.WriteString(f.Where + ": ")
		}
		b.WriteString(f.Text)
	}
	return b.String()
}

// Unwrap returns the private cause, or nil.
func (e *Error) Unwrap() error { return e.cause }

// As returns the first fault in err's chain, or nil.
func As(err error) *Error {
	var f *Error
	if errors.As(err, &f) {
		return f
	}
	return nil
}

// KindOf returns the kind of the first fault in err's chain; Internal for any
// other error and "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	if f := As(err); f != nil {
		return f.Kind
	}
	return Internal
}

// Is reports whether err is a fault of the kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

var outward = map[Kind]struct{ status, exit int }{
	Invalid:         {422, 3},
	Unauthenticated: {401, 3},
	Forbidden:       {403, 3},
	NotFound:        {404, 3},
	Conflict:        {409, 3},
	Stale:           {412, 3},
	TooLarge:        {413, 3},
	Unsupported:     {415, 3},
	RateLimited:     {429, 3},
	Unavailable:     {503, 3},
	Internal:        {500, 3},
}

// Status returns the HTTP status of the kind; 500 for an unknown one.
func (k Kind) Status() int {
	if o, ok := outward[k]; ok {
		return o.status
	}
	return 500
}

// ExitCode returns the process exit code of a command that failed with the kind: 3, failure or refused input.
func (k Kind) ExitCode() int {
	if o, ok := outward[k]; ok {
		return o.exit
	}
	return 3
}
