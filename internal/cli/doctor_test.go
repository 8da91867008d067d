package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/tracker/fake"
)

// runWith runs a command line with an environment and returns its exit code and what it printed.
func runWith(t *testing.T, vars map[string]string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	env := &Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &errs, Now: time.Now, Lookup: func(name string) (string, bool) {
		v, ok := vars[name]
		return v, ok
	}}
	code = Run(context.WithoutCancel(t.Context()), args, env)
	return code, out.String(), errs.String()
}

func TestDoctorOfAJiraSite(t *testing.T) {
	t.Parallel()
	site := fake.New(fake.Options{Flavour: fake.Cloud, Project: "SEC"})
	srv := httptest.NewServer(site)
	t.Cleanup(srv.Close)
	_, email, token := site.Credential()
	vars := map[string]string{"THREATLOOP_JIRA_TOKEN": token}
	args := []string{"doctor", "--url", srv.URL, "--email", email, "--allow-private", "--project", "SEC"}

	code, out, errs := runWith(t, vars, args...)
	if code != exitOK || !strings.Contains(out, "ok       identity") || strings.Contains(out, "failed") {
		t.Errorf("doctor = %d\n%s%s, want 0 and a list without failures", code, out, errs)
	}
	code, out, _ = runWith(t, vars, append(args, "--json")...)
	var list struct {
		OK     bool
		Checks []struct{ Step, Level, Text string }
	}
	if err := json.Unmarshal([]byte(out), &list); err != nil || code != exitOK || !list.OK || len(list.Checks) < 4 {
		t.Errorf("doctor --json = %d %s, %v, want at least four checks", code, out, err)
	}
	if code, out, errs = runWith(t, vars, append(args[:len(args)-1:len(args)-1], "NONE")...); code != exitGate || !strings.Contains(out, "failed   project") || !strings.Contains(errs, "checks failed") {
		t.Errorf("doctor of a project that is not there = %d\n%s%s, want 1 and the failed check", code, out, errs)
	}
	if code, out, _ = runWith(t, map[string]string{"THREATLOOP_JIRA_TOKEN": "wrong"}, args...); code != exitGate || !strings.Contains(out, "failed   identity") || strings.Contains(out, "wrong") {
		t.Errorf("doctor with a wrong token = %d\n%s, want 1 and a failed identity", code, out)
	}
	if code, _, errs = runWith(t, nil, args...); code != exitUsage || !strings.Contains(errs, "THREATLOOP_JIRA_TOKEN") {
		t.Errorf("doctor without a token = %d %s, want 2 and what is missing", code, errs)
	}
	// The token of our own server, given for all commands, never goes to the site.
	if code, _, _ = runWith(t, map[string]string{"THREATLOOP_TOKEN": token}, args...); code != exitUsage {
		t.Errorf("doctor with only a server's token = %d, want 2", code)
	}
}
