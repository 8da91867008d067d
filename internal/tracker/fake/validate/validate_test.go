package validate_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/threatloop/threatloop/internal/sharedtest"
	"github.com/threatloop/threatloop/internal/tracker/fake"
	"github.com/threatloop/threatloop/internal/tracker/fake/validate"
)

// spy takes the errors that a test would fail with.
type spy struct {
	testing.TB
	errors []string
}

func (s *spy) Errorf(format string, args ...any) {
	s.errors = append(s.errors, fmt.Sprintf(format, args...))
}

func TestHandlerReportsDeviations(t *testing.T) {
	sharedtest.Dir(t, "openapi")
	t.Parallel()
	for _, c := range []struct {
		name, method, path, body string
		flavour                  fake.Flavour
		want                     string // part of the report, "" for none
	}{
		{"fine", "GET", "/rest/api/3/myself", "", fake.Cloud, ""},
		{"fine on Data Center", "GET", "/rest/api/2/myself", "", fake.DataCenter, ""},
		{"unknown operation", "GET", "/rest/api/3/nothing", "", fake.Cloud, "no published operation"},
		{"old search", "POST", "/rest/api/2/search/jql", "{}", fake.DataCenter, "no published operation"},
		{"unknown query name", "GET", "/rest/api/3/myself?startAt=1", "", fake.Cloud, "getCurrentUser"},
		{"unknown body member", "POST", "/rest/api/3/search/jql", `{"jql":"project = SEC","startAt":0}`, fake.Cloud, "searchAndReconsileIssuesUsingJqlPost"},
		{"number out of range", "GET", "/rest/api/3/issue/createmeta/SEC/issuetypes?maxResults=999", "", fake.Cloud, "getCreateIssueMetaIssueTypes"},
		{"empty text node", "POST", "/rest/api/3/issue/SEC-1/comment", `{"body":{"type":"doc","version":1,"content":[{"type":"paragraph","content":[{"type":"text","text":""}]}]}}`, fake.Cloud, "addComment"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &spy{TB: t}
			srv := fake.New(fake.Options{Flavour: c.flavour})
			r := httptest.NewRequest(c.method, c.path, strings.NewReader(c.body))
			if c.body != "" {
				r.Header.Set("Content-Type", "application/json")
			}
			_, email, token := srv.Credential()
			r.SetBasicAuth(email, token)
			validate.Handler(s, srv).ServeHTTP(httptest.NewRecorder(), r)
			got := strings.Join(s.errors, "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("%s %s: report = %q, want %q", c.method, c.path, got, c.want)
			}
		})
	}
}

var _ http.Handler = (*fake.Server)(nil)
