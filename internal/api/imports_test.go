package api

import (
	"bytes"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange"
)

// form writes a form of names and values; the part file is a file.
func form(t *testing.T, pairs ...string) (kind string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		add := w.CreateFormField
		if pairs[i] == "file" {
			add = func(name string) (io.Writer, error) { return w.CreateFormFile(name, "diagram.json") }
		}
		p, err := add(pairs[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Write([]byte(pairs[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w.FormDataContentType(), b.Bytes()
}

// TestImportForm takes a part of a newer file over the interface.
func TestImportForm(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	file, err := os.ReadFile(filepath.Join("..", "demo", "data", "diagram.json"))
	if err != nil {
		t.Fatal(err)
	}
	id := s.admin.upload("/imports?name=diagram.json", string(file)).want(http.StatusCreated).text("product", "id")
	newer := strings.ReplaceAll(string(file), `"Web API"`, `"Parcel API"`)
	at := "/products/" + id + "/imports"
	preview := s.admin.upload(at+"?preview=true", newer).want(http.StatusOK)
	key := preview.text("items", 0, "kind") + "/" + preview.text("items", 0, "id")
	send := func(query string, pairs ...string) answer {
		t.Helper()
		kind, body := form(t, pairs...)
		as := s.admin
		as.add = http.Header{"Content-Type": {kind}}
		return as.send(http.MethodPost, at+query, body)
	}
	if r := send("", "file", newer).want(http.StatusOK); r.at("waiting") != 1.0 || r.at("changed") != 0.0 || r.at("applied") != true {
		t.Errorf("none taken = %s", r.body)
	}
	if r := send("?preview=true", "file", newer, "take", key).want(http.StatusOK); r.at("waiting") != 0.0 || r.at("changed") != 1.0 {
		t.Errorf("a preview of one = %s", r.body)
	}
	send("", "file", newer, "take", "component/none").want(http.StatusUnprocessableEntity)
	send("", "take", key).want(http.StatusUnprocessableEntity)
	send("", "file", newer, "other", "x").want(http.StatusUnprocessableEntity)
	if r := send("", "file", newer, "take", key).want(http.StatusOK); r.at("changed") != 1.0 {
		t.Errorf("one taken = %s", r.body)
	}
	if r := s.admin.upload(at+"?preview=true", newer).want(http.StatusOK); r.at("changed") != 0.0 {
		t.Errorf("the file again = %s", r.body)
	}
}

// TestImportTheirs settles a conflict for the file over the interface.
func TestImportTheirs(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	file, err := os.ReadFile(filepath.Join("..", "demo", "data", "diagram.json"))
	if err != nil {
		t.Fatal(err)
	}
	id := s.admin.upload("/imports?name=diagram.json", string(file)).want(http.StatusCreated).text("product", "id")
	at := "/products/" + id + "/imports"
	named := func(name string) string { return strings.ReplaceAll(string(file), `"Web API"`, `"`+name+`"`) }
	s.admin.upload(at, named("Parcel API")).want(http.StatusOK)
	send := func(query string, pairs ...string) answer {
		t.Helper()
		kind, body := form(t, pairs...)
		as := s.admin
		as.add = http.Header{"Content-Type": {kind}}
		return as.send(http.MethodPost, at+query, body)
	}
	component := s.admin.upload(at+"?preview=true", named("Other")).want(http.StatusOK).text("items", 0, "id")
	drawing := s.admin.get("/products/" + id + "/drawing").want(http.StatusOK)
	n := slices.IndexFunc(drawing.at("components").([]any), func(c any) bool { return c.(map[string]any)["id"] == component })
	element := drawing.at("components", n).(map[string]any)
	element["name"] = "Parcel service"
	s.admin.post("/products/"+id+"/drawing/changes", map[string]any{"changes": []any{
		map[string]any{"kind": "components", "op": "put", "id": component, "version": drawing.at("versions", component), "element": element},
	}}).want(http.StatusOK)
	preview := s.admin.upload(at+"?preview=true", named("Parcel desk API")).want(http.StatusOK)
	if preview.at("conflicts") != 1.0 || preview.at("items", 0, "conflict") != true || preview.at("items", 0, "action") != "keep" {
		t.Fatalf("preview = %s, want one conflict", preview.body)
	}
	key := "component/" + component
	send("", "file", named("Parcel desk API"), "take", "all", "theirs", "component/none").want(http.StatusUnprocessableEntity)
	if r := send("?preview=true", "file", named("Parcel desk API"), "take", "all", "theirs", "all").want(http.StatusOK); r.at("changed") != 1.0 || r.at("conflicts") != 0.0 {
		t.Errorf("all, for the file = %s", r.body)
	}
	if r := send("", "file", named("Parcel desk API"), "theirs", key).want(http.StatusOK); r.at("changed") != 1.0 || r.at("conflicts") != 0.0 || r.at("waiting") != 0.0 {
		t.Errorf("one, for the file = %s", r.body)
	}
	if r := s.admin.get("/products/" + id + "/drawing").want(http.StatusOK); r.text("components", n, "name") != "Parcel desk API" {
		t.Errorf("the component = %v, want the file's name", r.at("components", n))
	}
}

func TestModelForm(t *testing.T) {
	t.Parallel()
	kind, body := form(t, "file", "x", "take", "a/b", "take", "c/d")
	f, err := readModelForm(kind, body)
	if err != nil || string(f.file) != "x" || f.name != "diagram.json" || strings.Join(f.take, " ") != "a/b c/d" {
		t.Errorf("readModelForm = %+v, %v", f, err)
	}
	kind, body = form(t, "theirs", "a/b", "file", "x", "theirs", "all")
	if f, err := readModelForm(kind, body); err != nil || strings.Join(f.theirs, " ") != "a/b all" || f.take == nil || len(f.take) != 0 {
		t.Errorf("readModelForm = %+v, %v, want the file's side of two and nothing else", f, err)
	}
	for _, other := range []string{"", "application/json", "multipart/form-data-not", "application/octet-stream"} {
		if f, err := readModelForm(other, body); err != nil || !bytes.Equal(f.file, body) || f.take != nil {
			t.Errorf("readModelForm(%q) = %+v, %v, want the file as it is", other, f, err)
		}
	}
	if _, err := readModelForm(kind, body[:len(body)-10]); !fault.Is(err, fault.Invalid) {
		t.Errorf("readModelForm(cut) = %v, want fault.Invalid", err)
	}
	twice, two := form(t, "file", "x", "file", "y")
	if _, err := readModelForm(twice, two); !fault.Is(err, fault.Invalid) {
		t.Errorf("readModelForm(two files) = %v, want fault.Invalid", err)
	}
	long, big := form(t, "file", "x", "take", strings.Repeat("x", maxChoice+1))
	if _, err := readModelForm(long, big); !fault.Is(err, fault.Invalid) {
		t.Errorf("readModelForm(long key) = %v, want fault.Invalid", err)
	}
}

// TestPreviewReport: a preview says over the interface what reading the file says.
func TestPreviewReport(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	lib, err := shippedLibrary()
	if err != nil {
		t.Fatal(err)
	}
	files := []string{"testdata/hybrid.json", "drawio/testdata/shop.drawio", "pytm/testdata/shop.json", "otm/testdata/forms.yaml"}
	for _, name := range files {
		data, err := os.ReadFile(filepath.Join("..", "interchange", name))
		if err != nil {
			t.Fatal(err)
		}
		name = filepath.Base(name)
		read, err := interchange.Read(data, interchange.Options{Name: name, GuessType: interchange.GuessType(lib)})
		if err != nil {
			t.Fatalf("Read(%s) = %v", name, err)
		}
		got := s.admin.upload("/imports?preview=true&name="+name, string(data)).want(http.StatusCreated).at("import").(map[string]any)
		want := map[string]any{}
		for key, v := range plain(t, interchange.Summarise(read)).(map[string]any) {
			want[key] = v
			if _, told := got[key]; !told {
				t.Errorf("the preview of %s lacks %s", name, key)
			}
		}
		for key := range got {
			if _, asked := want[key]; !asked {
				delete(got, key) // what the file does, beside what it says
			}
		}
		if diff := cmp.Diff(want, plain(t, got)); diff != "" {
			t.Errorf("the preview of %s (-read +preview):\n%s", name, diff)
		}
	}
}

var givenID = regexp.MustCompile(`\b(thr|cell)_[0-9a-z]{20}\b`)

// plain is a value as its JSON says it, without the ids that reading gave, which are
// others in every product.
func plain(t *testing.T, v any) any {
	t.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	data = givenID.ReplaceAll(data, []byte("${1}_given"))
	var out any
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}
