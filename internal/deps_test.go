// Package internal_test holds the architecture as tests: which package may see
// which, that every package says what it is, and that the SQLite driver is
// linked with the C library it was made for.
package internal_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/threatloop/threatloop/internal/sharedtest"
)

const module = "github.com/threatloop/threatloop/"

type pkg struct {
	ImportPath   string
	Name, Doc    string
	GoFiles      []string
	Imports      []string
	Deps         []string
	TestImports  []string
	XTestImports []string
}

// packages returns every package of the module by its path below the module's root.
var packages = sync.OnceValues(func() (map[string]pkg, error) {
	cmd := exec.Command("go", "list", "-e", "-json=ImportPath,Name,Doc,GoFiles,Imports,Deps,TestImports,XTestImports", module+"...")
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	all := map[string]pkg{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p pkg
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all, nil
		} else if err != nil {
			return nil, err
		}
		all[strings.TrimPrefix(p.ImportPath, module)] = p
	}
})

func load(t *testing.T) map[string]pkg {
	t.Helper()
	all, err := packages()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	if len(all) < 10 {
		t.Fatalf("go list names %d packages, want the module's", len(all))
	}
	return all
}

// pure are the packages without I/O, clock, SQL and HTTP, each with those of
// ours that it may reach. Sub-packages fall under the rule of the one above them.
var pure = map[string][]string{
	"internal/fault":       {},
	"internal/model":       {"internal/fault"},
	"internal/library":     {"internal/fault", "internal/model"},
	"internal/generate":    {"internal/fault", "internal/model", "internal/library"},
	"internal/risk":        {"internal/fault", "internal/model"},
	"internal/evidence":    {"internal/fault", "internal/model"},
	"internal/interchange": {"internal/fault", "internal/model", "internal/library", "internal/generate", "internal/risk", "internal/evidence"},
	"internal/policy":      {"internal/fault"},
}

// notInPure are the imports that would let a pure package touch the world, and why each.
var notInPure = map[string]string{
	"os": "files are the caller's", "os/exec": "processes are the caller's", "net": "the network is the caller's",
	"net/http": "HTTP is the adapters'", "database/sql": "SQL is store's", "log": "the caller logs", "log/slog": "the caller logs",
	"math/rand": "randomness is an argument", "math/rand/v2": "randomness is an argument", "crypto/rand": "randomness is an argument",
}

// drivers must not be reachable from a pure package.
var drivers = []string{"modernc.org/sqlite", "github.com/jackc/pgx/v5", "github.com/riverqueue/river"}

func under(path, parent string) bool { return path == parent || strings.HasPrefix(path, parent+"/") }

func TestPurePackages(t *testing.T) {
	t.Parallel()
	all := load(t)
	for parent, allowed := range pure {
		if _, ok := all[parent]; !ok {
			t.Errorf("%s is listed here and does not exist", parent)
		}
		for path, p := range all {
			if !under(path, parent) || strings.HasSuffix(path, "test") {
				continue // a helper of tests reads files
			}
			for _, i := range p.Imports {
				if why, bad := notInPure[i]; bad {
					t.Errorf("%s imports %s: %s", path, i, why)
				}
			}
			for _, d := range p.Deps {
				own, isOwn := strings.CutPrefix(d, module)
				if isOwn && !under(own, parent) && !slices.ContainsFunc(allowed, func(a string) bool { return under(own, a) }) {
					t.Errorf("%s reaches %s: a pure package sees only what is left of it: %v", path, own, allowed)
				}
				for _, driver := range drivers {
					if under(d, driver) {
						t.Errorf("%s reaches %s: no driver in the core", path, d)
					}
				}
			}
		}
	}
}

// directions says which packages must not be imported by whom, with the only importers that may.
var directions = []struct {
	what string
	by   []string // packages, and those under them
	why  string
}{
	{"cmd/threatloop", nil, "it is the end of the chain"},
	{"internal/cli", []string{"cmd/threatloop"}, "commands are for people, not for packages"},
	{"internal/server", []string{"internal/cli", "internal/demo"}, "the server sees everything, so nothing may see it but what starts it"},
	{"internal/api", []string{"internal/server"}, "the interface is an adapter over app"},
	{"internal/app", []string{"internal/api", "internal/server"}, "use cases are entered through the interface"},
	{"internal/store", []string{"internal/app", "internal/ticketing", "internal/identity", "internal/queue", "internal/server", "internal/cli", "internal/tracker/builtin"}, "SQL stays behind the use cases; api never sees it"},
	{"internal/queue", []string{"internal/server", "internal/app", "internal/ticketing"}, "jobs are hints; only their owners know them"},
	{"github.com/riverqueue/river", []string{"internal/queue"}, "River can be replaced in one place"},
	{"modernc.org/sqlite", []string{"internal/store", "internal/queue"}, "one package knows the engine"},
	{"github.com/jackc/pgx/v5", []string{"internal/store", "internal/queue"}, "one package knows the engine"},
	{"github.com/danielgtaylor/huma/v2", []string{"internal/api", "internal/server"}, "the framework stays at the border"},
	{"github.com/alecthomas/kong", []string{"internal/cli"}, "the command line stays at the border"},
	{"cel.dev/cel-go", []string{"internal/library", "internal/generate"}, "rules are the library's"},
}

func TestDirections(t *testing.T) {
	t.Parallel()
	all := load(t)
	for _, d := range directions {
		target, own := d.what, strings.HasPrefix(d.what, "internal/") || strings.HasPrefix(d.what, "cmd/")
		if own {
			if _, ok := all[d.what]; !ok {
				t.Errorf("%s is listed here and does not exist", d.what)
			}
			target = module + d.what
		}
		used := false
		for path, p := range all {
			for _, i := range p.Imports {
				if !under(i, target) {
					continue
				}
				used = true
				if own && under(path, d.what) || slices.ContainsFunc(d.by, func(b string) bool { return under(path, b) }) {
					continue
				}
				if own && strings.HasSuffix(i, "test") && strings.HasSuffix(path, "test") {
					continue // test helpers of test helpers
				}
				t.Errorf("%s imports %s: %s", path, strings.TrimPrefix(i, module), d.why)
			}
		}
		if !own && !used {
			t.Errorf("%s is listed here and nothing imports it", d.what)
		}
	}
}

// TestTrackersAreNeutral checks that adapters know tickets and nothing of threats.
// The built-in board is the one that lives in our own database.
func TestTrackersAreNeutral(t *testing.T) {
	t.Parallel()
	for path, p := range load(t) {
		if !under(path, "internal/tracker") || under(path, "internal/tracker/builtin") {
			continue
		}
		for _, d := range p.Deps {
			own, isOwn := strings.CutPrefix(d, module)
			if isOwn && !under(own, "internal/tracker") && own != "internal/fault" && own != "internal/sharedtest" {
				t.Errorf("%s reaches %s: an adapter knows only the neutral contract", path, own)
			}
		}
	}
}

// TestTestHelpersStayInTests checks that no package of the program links a helper of the tests.
func TestTestHelpersStayInTests(t *testing.T) {
	t.Parallel()
	p, ok := load(t)["cmd/threatloop"]
	if !ok {
		t.Fatal("cmd/threatloop does not exist")
	}
	for _, d := range p.Deps {
		own, isOwn := strings.CutPrefix(d, module)
		if d == "testing" || isOwn && (strings.HasSuffix(own, "test") || under(own, "internal/tracker/fake")) {
			t.Errorf("the program links %s", d)
		}
	}
}

var badNames = regexp.MustCompile(`(^|/)(util|utils|common|helpers|types|models|base|manager|service|pkg)$`)

func TestPackagesSayWhatTheyAre(t *testing.T) {
	t.Parallel()
	for path, p := range load(t) {
		if badNames.MatchString(path) {
			t.Errorf("%s: a package's name says what it hides; this one says nothing", path)
		}
		if len(p.GoFiles) == 0 || !strings.HasPrefix(p.ImportPath, module) {
			continue
		}
		want := "Package " + p.Name + " "
		if p.Name == "main" {
			want = "Command "
		}
		if !strings.HasPrefix(p.Doc, want) {
			t.Errorf("%s: the package comment begins %q, want %q", path, p.Doc, want)
		}
	}
}

func TestNoTestify(t *testing.T) {
	t.Parallel()
	for path, p := range load(t) {
		for _, i := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if under(i, "github.com/stretchr/testify") {
				t.Errorf("%s imports %s: plain testing and go-cmp are enough", path, i)
			}
		}
	}
}

// TestLibc checks that the C library under the SQLite driver is the one that the
// driver was tested with: a newer one has broken it before.
func TestLibc(t *testing.T) {
	t.Parallel()
	cmd := exec.Command("go", "list", "-m", "-f", "{{.Version}} {{.GoMod}}", "modernc.org/libc", "modernc.org/sqlite")
	cmd.Dir = sharedtest.Root(t)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list -m: %v", err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 2 {
		t.Fatalf("go list -m = %q, want two lines", out)
	}
	linked, _, _ := strings.Cut(lines[0], " ")
	_, file, _ := strings.Cut(lines[1], " ")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	wanted := regexp.MustCompile(`modernc\.org/libc (v\S+)`).FindSubmatch(text)
	if wanted == nil {
		t.Fatalf("%s does not name modernc.org/libc", file)
	}
	if linked != string(wanted[1]) {
		t.Errorf("modernc.org/libc is %s, the driver wants %s", linked, wanted[1])
	}
}
