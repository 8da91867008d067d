package api

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite api/openapi.json and docs/rest.md")

// root returns a path in the repository.
func root(t *testing.T, parts ...string) string {
	t.Helper()
	return filepath.Join(append([]string{"..", ".."}, parts...)...)
}

// described is an operation as the description shows it.
type described struct {
	Method, Path string
	ID           string `json:"operationId"`
	Summary      string
	Tags         []string
	Action       string `json:"x-action"`
	Open         string `json:"x-open"`
	Security     *[]any `json:"security"`
	RequestBody  *struct {
		Content map[string]struct{ Schema map[string]any }
	} `json:"requestBody"`
	Parameters []struct {
		Name, In string
		Required bool
	}
}

func spec(t *testing.T) []byte {
	t.Helper()
	data, err := New(nil, Options{Version: "1"}).Spec()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// operations walks the description, by tag in the order of first use, then path and method.
func operations(t *testing.T) []described {
	t.Helper()
	var doc struct {
		Paths map[string]map[string]json.RawMessage
	}
	if err := json.Unmarshal(spec(t), &doc); err != nil {
		t.Fatal(err)
	}
	var all []described
	for path, item := range doc.Paths {
		for method, raw := range item {
			d := described{Method: strings.ToUpper(method), Path: path}
			if err := json.Unmarshal(raw, &d); err != nil {
				t.Fatalf("%s %s: %v", method, path, err)
			}
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(a, b described) int {
		return cmp.Or(cmp.Compare(a.Tags[0], b.Tags[0]), cmp.Compare(a.Path, b.Path), cmp.Compare(a.Method, b.Method))
	})
	return all
}

func golden(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s is not what the code says; if the change is meant, run the test with -update (-want +got):\n%s", path, diff)
	}
}

func TestSpec(t *testing.T) {
	t.Parallel()
	data := spec(t)
	golden(t, root(t, "api", "openapi.json"), data)
	if again := spec(t); !bytes.Equal(data, again) {
		t.Error("Spec() differs from call to call")
	}
	for _, never := range []string{"$schema", "ErrorModel", "sealedCredential"} {
		if strings.Contains(string(data), never) {
			t.Errorf("the description contains %q", never)
		}
	}
}

// Every operation has an id, a summary, and says what it takes: an action, or why nobody needs to sign in.
func TestOperationsAreDeclared(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, o := range operations(t) {
		switch {
		case o.ID == "" || strings.ToLower(o.ID) != o.ID || strings.ContainsAny(o.ID, "_ "):
			t.Errorf("%s %s has the operation id %q, want one in kebab-case", o.Method, o.Path, o.ID)
		case seen[o.ID]:
			t.Errorf("the operation id %s is used twice", o.ID)
		case o.Summary == "":
			t.Errorf("%s has no summary", o.ID)
		case (o.Action == "") == (o.Open == ""):
			t.Errorf("%s has the action %q and is open because %q, want one of the two", o.ID, o.Action, o.Open)
		case o.Open != "" && (o.Security == nil || len(*o.Security) != 0):
			t.Errorf("%s is open and does not say so", o.ID)
		}
		seen[o.ID] = true
		var inPath []string
		for _, p := range o.Parameters {
			if p.In == "path" {
				inPath = append(inPath, "{"+p.Name+"}")
			}
		}
		slices.Sort(inPath)
		want := regexp.MustCompile(`\{[a-z]+\}`).FindAllString(o.Path, -1)
		slices.Sort(want)
		if !slices.Equal(inPath, want) {
			t.Errorf("%s reads %v of its path %s", o.ID, inPath, o.Path)
		}
		key := slices.ContainsFunc(o.Parameters, func(p struct {
			Name, In string
			Required bool
		},
		) bool {
			return p.Name == "Idempotency-Key"
		})
		if want := o.Method == "POST" && o.Open == ""; key != want {
			t.Errorf("%s takes an idempotency key: %v, want %v", o.ID, key, want)
		}
	}
	if len(seen) < 60 {
		t.Errorf("%d operations are described, want at least 60", len(seen))
	}
}

// A secret is a string that is written and never read, wherever it stands.
func TestSecretsAreWriteOnly(t *testing.T) {
	t.Parallel()
	var doc struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]map[string]any
			}
		}
	}
	if err := json.Unmarshal(spec(t), &doc); err != nil {
		t.Fatal(err)
	}
	for _, at := range []struct{ schema, field string }{{"AccountInput", "password"}, {"UserEdit", "password"}, {"Credential", "token"}, {"Credential", "pat"}, {"Credential", "webhook_secret"}} {
		p := doc.Components.Schemas[at.schema].Properties[at.field]
		if p["writeOnly"] != true || p["format"] != "password" {
			t.Errorf("%s.%s is described as %v, want a write-only password", at.schema, at.field, p)
		}
	}
}

func TestRestGuide(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("# REST interface\n\n" +
		"Made from the description by `go test ./internal/api -update`; the whole of it is [api/openapi.json](../api/openapi.json), and a server serves it at `/api/v1/openapi.json`.\n\n" +
		"All paths are below `/api/v1`. Authenticate with `Authorization: Bearer` and an API token, or with the cookie that signing in sets.\n\n" +
		"- Errors are problem documents (RFC 9457) with a stable `code`, the wrong fields in `errors`, and a `request_id` that the log has too.\n" +
		"- Lists come in pages: `next` of a page is the `cursor` of the following one. Unknown query parameters are refused.\n" +
		"- `ETag` of an answer, sent back as `If-Match` with a change, refuses the change (412) where somebody else was first.\n" +
		"- `Idempotency-Key` on a POST makes it safe to repeat: the same key with the same request gives the first answer again, with another request it is refused (409).\n" +
		"- `GET /events` is a stream of server-sent events that says which product changed.\n")
	tag := ""
	for _, o := range operations(t) {
		if o.Tags[0] != tag {
			tag = o.Tags[0]
			fmt.Fprintf(&b, "\n## %s\n\n| Method | Path | What | Takes |\n| --- | --- | --- | --- |\n", tag)
		}
		takes := "`" + o.Action + "`"
		if o.Open != "" {
			takes = "nothing: " + o.Open
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s |\n", o.Method, o.Path, o.Summary, takes)
	}
	golden(t, root(t, "docs", "rest.md"), []byte(b.String()))
}
