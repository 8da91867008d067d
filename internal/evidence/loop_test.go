package evidence_test

import (
	"strings"
	"testing"

	"github.com/threatloop/threatloop/internal/evidence"
	"github.com/threatloop/threatloop/internal/model"
)

// upload reads a report, matches it against the shop and folds it in as the run of a day.
func upload(t *testing.T, l evidence.Ledger, n int, source, text string) (evidence.Ledger, evidence.Diff) {
	t.Helper()
	r, err := evidence.Open(strings.NewReader(text), int64(len(text)), evidence.Options{})
	if err != nil {
		t.Fatal(err)
	}
	sum, obs, err := evidence.Observe(t.Context(), r, evidence.NewMatcher(shop(), nil, nil))
	if err != nil {
		t.Fatal(err)
	}
	return evidence.Fold(l, evidence.Run{
		Scope: evidence.Scope{Product: "shop", Source: source}, ID: source + string(rune('0'+n)), Part: text, At: day(n), Summary: sum, Observations: obs,
	})
}

// From reports to verdicts: a failing scenario contradicts, its pass verifies, and what a scanner no longer finds is open, not proven.
func TestLoop(t *testing.T) {
	t.Parallel()
	scenario := func(status string) string {
		return `[{"uri":"login.feature","name":"Login","elements":[{"name":"refuses SQL","type":"scenario","line":3,"tags":[{"name":"@iriusrisk-cwe-89"}],"steps":[{"name":"it","result":{"status":"` + status + `"}}]}]}]`
	}
	alert := func(id, cwe string) string {
		return `<alertitem><pluginid>` + id + `</pluginid><name>n</name><riskcode>3</riskcode><confidence>2</confidence><cweid>` + cwe + `</cweid><instances><instance><uri>https://shop.example/api/orders</uri></instance></instances></alertitem>`
	}
	scan := func(alerts ...string) string {
		return `<OWASPZAPReport version="2.16"><site name="https://shop.example"><alerts>` + strings.Join(alerts, "") + `</alerts></site></OWASPZAPReport>`
	}
	verdict := func(l evidence.Ledger, w model.WeaknessID) model.Verdict {
		return evidence.Verdicts(shop(), l, day(9), evidence.Policy{}).Weaknesses[w].Verdict
	}
	var l evidence.Ledger
	var d evidence.Diff
	for _, step := range []struct {
		source, text, diff string
		sql, xss           model.Verdict
	}{
		{"bdd", scenario("failed"), "new", model.Fail, ""},
		{"zap", scan(alert("40012", "79"), alert("40018", "89")), "new new", model.Fail, model.Fail},
		{"bdd", scenario("passed"), "passed", model.Fail, model.Fail}, // ZAP still finds it
		{"zap", scan(alert("40012", "79")), "still passed", model.Pass, model.Fail},
		{"zap", scan(), "untested asks", model.Pass, model.Fail},
		{"bdd", scenario("undefined"), "untested", model.Pass, model.Fail},
		{"bdd", scenario("failed"), "reopened", model.Fail, model.Fail},
	} {
		n := len(l.Runs) + 1
		l, d = upload(t, l, n, step.source, step.text)
		var kinds []string
		for _, w := range strings.Fields(words(d)) {
			kind, _, _ := strings.Cut(w, ":")
			kinds = append(kinds, kind)
		}
		if got := strings.Join(kinds, " "); got != step.diff {
			t.Errorf("upload %d: diff %q, want %q", n, got, step.diff)
		}
		if got := verdict(l, "w-api-89"); got != step.sql {
			t.Errorf("upload %d: SQL injection is %q, want %q", n, got, step.sql)
		}
		if got := verdict(l, "w-api-79"); got != step.xss {
			t.Errorf("upload %d: XSS is %q, want %q", n, got, step.xss)
		}
	}
}
