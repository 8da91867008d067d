package api

import (
	"encoding/json"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/threatloop/threatloop/internal/app"
	"github.com/threatloop/threatloop/internal/fault"
)

// Problem is an RFC 9457 problem document. Code is stable and documented;
// Errors names each wrong field, header or query parameter.
type Problem struct {
	Type      string        `json:"type" doc:"about:blank; Code tells the kind of problem" example:"about:blank"`
	Title     string        `json:"title" example:"Unprocessable Entity"`
	Status    int           `json:"status" example:"422"`
	Detail    string        `json:"detail,omitempty" doc:"What happened, where, and what to do"`
	Code      string        `json:"code" example:"threat.reason" doc:"Stable name of the problem"`
	RequestID string        `json:"request_id,omitempty" doc:"Quote it when asking for help; the log has it too"`
	Errors    []fault.Field `json:"errors,omitempty"`
	// Conflicts are of a batch of changes that is based on what others changed meanwhile.
	Conflicts []app.ElementConflict `json:"conflicts,omitempty" doc:"With drawing.stale: the elements that somebody else changed meanwhile, as they are now"`
}

// Error returns the detail.
func (p *Problem) Error() string { return p.Detail }

// GetStatus returns the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders returns what goes with the status: how to authenticate, with 401.
func (p *Problem) GetHeaders() http.Header {
	if p.Status == http.StatusUnauthorized {
		return http.Header{"Www-Authenticate": {"Bearer"}}
	}
	return nil
}

// ContentType returns the media type of problem documents.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

// newProblem turns an error into a problem. What is no fault is internal: the
// client gets the request id and nothing of the text.
func newProblem(err error, requestID string) *Problem {
	var ready *Problem
	if errors.As(err, &ready) {
		ready.RequestID = requestID
		return ready
	}
	f := fault.As(err)
	if f == nil {
		return &Problem{
			Type: "about:blank", Title: http.StatusText(500), Status: 500, Code: "internal",
			Detail: "something went wrong on our side; the log has the cause under this request id", RequestID: requestID,
		}
	}
	status := f.Kind.Status()
	p := &Problem{Type: "about:blank", Title: http.StatusText(status), Status: status, Code: f.Code, Detail: f.Public, Errors: f.Fields, RequestID: requestID}
	var c *app.Conflicted
	if errors.As(err, &c) {
		p.Conflicts = c.Conflicts
	}
	return p
}

// fromHuma turns the framework's own validation errors into problems, without
// the values that it would echo back.
func fromHuma(m *huma.ErrorModel, requestID string) *Problem {
	p := &Problem{Type: "about:blank", Title: http.StatusText(m.Status), Status: m.Status, Detail: m.Detail, Code: codeOf(m.Status), RequestID: requestID}
	for _, d := range m.Errors {
		p.Errors = append(p.Errors, fault.Field{Where: d.Location, Text: d.Message})
	}
	return p
}

func codeOf(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "request.malformed"
	case http.StatusNotFound:
		return "request.path"
	case http.StatusMethodNotAllowed:
		return "request.method"
	case http.StatusUnprocessableEntity:
		return "request.invalid"
	case http.StatusRequestEntityTooLarge:
		return "request.too_large"
	case http.StatusUnsupportedMediaType:
		return "request.media_type"
	case http.StatusNotAcceptable:
		return "request.not_acceptable"
	default:
		return "request.failed"
	}
}

// writeProblem answers a plain handler's request with a problem.
func writeProblem(w http.ResponseWriter, err error, requestID string) {
	p := newProblem(err, requestID)
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(p.Status)
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(p) // the client is gone; there is nobody to tell
}
