package policy

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/fault"
)

var update = flag.Bool("update", false, "rewrite testdata")

// matrix writes for every action and actor where the action is allowed: p on
// a product, i on the instance.
func matrix() string {
	type column struct {
		name  string
		actor Actor
	}
	person := func(r Role) Actor { return Actor{SignedIn: true, Role: r} }
	token := func(s ...TokenScope) Actor {
		return Actor{SignedIn: true, Admin: true, Role: Administrator, Token: true, Scopes: s}
	}
	bound := func(product string, s ...TokenScope) Actor {
		a := token(s...)
		a.Product = product
		return a
	}
	sections := []struct {
		title   string
		columns []column
	}{
		{"people", []column{
			{"nobody", Actor{Role: Administrator, Admin: true}},
			{"account", person("")},
			{"viewer", person(Viewer)},
			{"developer", person(Developer)},
			{"modeller", person(Modeller)},
			{"approver", person(Approver)},
			{"administrator", person(Administrator)},
			{"instance", Actor{SignedIn: true, Admin: true}},
		}},
		{"tokens of an instance administrator", []column{{"none", token()}, {"upload", token(ScopeUpload)}, {"read", token(ScopeRead)}, {"write", token(ScopeWrite)}, {"admin", token(ScopeAdmin)}}},
		{"the same, bound to the product", []column{{"none", bound("p")}, {"upload", bound("p", ScopeUpload)}, {"read", bound("p", ScopeRead)}, {"write", bound("p", ScopeWrite)}, {"admin", bound("p", ScopeAdmin)}}},
		{"the same, bound to another product", []column{{"none", bound("q")}, {"upload", bound("q", ScopeUpload)}, {"read", bound("q", ScopeRead)}, {"write", bound("q", ScopeWrite)}, {"admin", bound("q", ScopeAdmin)}}},
	}
	var b strings.Builder
	for _, s := range sections {
		fmt.Fprintf(&b, "# %s\n%-22s", s.title, "action")
		for _, c := range s.columns {
			fmt.Fprintf(&b, " %-13s", c.name)
		}
		b.WriteByte('\n')
		for _, a := range Actions() {
			fmt.Fprintf(&b, "%-22s", a.Action)
			for _, c := range s.columns {
				cell := ""
				if Can(c.actor, a.Action, Scope{Product: "p"}) {
					cell += "p"
				}
				if Can(c.actor, a.Action, Scope{}) {
					cell += "i"
				}
				if cell == "" {
					cell = "-"
				}
				fmt.Fprintf(&b, " %-13s", cell)
			}
			b.WriteByte('\n')
		}
		b.WriteByte('\n')
	}
	lines := strings.Split(b.String(), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n")
}

func TestMatrix(t *testing.T) {
	t.Parallel()
	path := filepath.Join("testdata", "matrix.txt")
	got := matrix()
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the matrix changed; if that is meant, run the test with -update (-want +got):\n%s", diff)
	}
}

func TestDeniedByDefault(t *testing.T) {
	t.Parallel()
	all := Actor{SignedIn: true, Admin: true, Role: Administrator}
	cases := []struct {
		name   string
		actor  Actor
		action Action
		in     Scope
	}{
		{"unknown action", all, "product.explode", Scope{Product: "p"}},
		{"no action", all, "", Scope{}},
		{"action on a product, asked of the instance", all, ProductRead, Scope{}},
		{"action on the instance, asked of a product", all, LibraryEdit, Scope{Product: "p"}},
		{"unknown role", Actor{SignedIn: true, Role: "owner"}, ProductRead, Scope{Product: "p"}},
		{"unknown scope of a token", Actor{SignedIn: true, Admin: true, Token: true, Scopes: Scopes{"all"}}, ProductRead, Scope{Product: "p"}},
		{"zero actor", Actor{}, InstanceRead, Scope{}},
	}
	for _, c := range cases {
		if Can(c.actor, c.action, c.in) {
			t.Errorf("Can(%s) = true, want false", c.name)
		}
	}
}

// A token never allows what its owner may not, and more scopes never allow less.
func TestTokensOnlyNarrow(t *testing.T) {
	t.Parallel()
	scopes := []TokenScope{ScopeUpload, ScopeRead, ScopeWrite, ScopeAdmin}
	owners := []Actor{{}, {SignedIn: true, Admin: true}, {SignedIn: true}}
	for _, r := range Roles() {
		owners = append(owners, Actor{SignedIn: true, Role: r})
	}
	for _, owner := range owners {
		for _, a := range Actions() {
			for _, in := range []Scope{{}, {Product: "p"}, {Product: "q"}} {
				for set := range 1 << len(scopes) {
					token := owner
					token.Token = true
					for i, s := range scopes {
						if set>>i&1 == 1 {
							token.Scopes = append(token.Scopes, s)
						}
					}
					free := Can(token, a.Action, in)
					if free && !Can(owner, a.Action, in) {
						t.Fatalf("a token with %q may %s, its owner %+v may not", token.Scopes, a.Action, owner)
					}
					bound := token
					bound.Product = "p"
					if Can(bound, a.Action, in) && !free {
						t.Fatalf("a bound token with %q may %s, an unbound one may not", token.Scopes, a.Action)
					}
					if in.Product == "q" && Can(bound, a.Action, in) {
						t.Fatalf("a token bound to p may %s on q", a.Action)
					}
				}
			}
		}
	}
}

func TestRolesAreALadder(t *testing.T) {
	t.Parallel()
	for _, a := range Actions() {
		for _, in := range []Scope{{}, {Product: "p"}} {
			before := false
			for _, r := range append([]Role{""}, Roles()...) {
				can := Can(Actor{SignedIn: true, Role: r}, a.Action, in)
				if before && !can {
					t.Errorf("%s may not %s, a lower role may", r, a.Action)
				}
				before = can
			}
			if before && !Can(Actor{SignedIn: true, Admin: true}, a.Action, in) {
				t.Errorf("an instance administrator may not %s", a.Action)
			}
		}
	}
}

func TestActionsAreSortedAndDescribed(t *testing.T) {
	t.Parallel()
	list := Actions()
	if !slices.IsSortedFunc(list, func(a, b Described) int { return strings.Compare(string(a.Action), string(b.Action)) }) {
		t.Errorf("Actions() = %v, want them sorted", list)
	}
	for _, a := range list {
		r := table[a.Action]
		if a.Text == "" || r.class == "" || r.product == "" && r.instance == nobody {
			t.Errorf("action %s is not described in full: %+v", a.Action, r)
		}
	}
}

func TestParse(t *testing.T) {
	t.Parallel()
	if got, err := ParseScopes("write, read,read"); err != nil || got.String() != "read,write" {
		t.Errorf("ParseScopes(write, read,read) = %q, %v, want read,write", got, err)
	}
	for _, bad := range []string{"", " , ", "root", "read,root"} {
		if got, err := ParseScopes(bad); !fault.Is(err, fault.Invalid) {
			t.Errorf("ParseScopes(%q) = %v, %v, want a fault of kind invalid", bad, got, err)
		}
	}
	for _, r := range Roles() {
		if got, err := ParseRole(string(r)); err != nil || got != r {
			t.Errorf("ParseRole(%s) = %s, %v", r, got, err)
		}
	}
	if _, err := ParseRole("owner"); !fault.Is(err, fault.Invalid) {
		t.Errorf("ParseRole(owner) error = %v, want a fault of kind invalid", err)
	}
}
