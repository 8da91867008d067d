package policy_test

import (
	"slices"
	"testing"

	"github.com/threatloop/threatloop/internal/policy"
)

// TestTable holds what the table says against what Can answers.
func TestTable(t *testing.T) {
	t.Parallel()
	rows := policy.Table()
	if got, want := len(rows), len(policy.Actions()); got != want {
		t.Fatalf("Table() has %d rows, want %d, one for each action", got, want)
	}
	for _, row := range rows {
		for i, role := range policy.Roles() {
			got := policy.Can(policy.Actor{SignedIn: true, Role: role}, row.Action, policy.Scope{Product: "p"})
			want := row.Role != "" && i >= slices.Index(policy.Roles(), row.Role)
			if got != want {
				t.Errorf("Can(%s, %s) = %t, want %t as Table() says", role, row.Action, got, want)
			}
		}
		for _, admin := range []bool{false, true} {
			got := policy.Can(policy.Actor{SignedIn: true, Admin: admin}, row.Action, policy.Scope{})
			want := row.Instance == "everybody" || row.Instance == "administrators" && admin
			if got != want {
				t.Errorf("Can(admin %t, %s) on the installation = %t, want %t as Table() says", admin, row.Action, got, want)
			}
		}
		for _, s := range []policy.TokenScope{policy.ScopeUpload, policy.ScopeRead, policy.ScopeWrite, policy.ScopeAdmin} {
			actor := policy.Actor{SignedIn: true, Role: policy.Administrator, Admin: true, Token: true, Scopes: policy.Scopes{s}}
			where := policy.Scope{}
			if row.Role != "" {
				where.Product = "p"
			}
			if got, want := policy.Can(actor, row.Action, where), slices.Contains(row.Scopes, s); got != want {
				t.Errorf("Can(token %s, %s) = %t, want %t as Table() says", s, row.Action, got, want)
			}
		}
	}
}
