package evidence_test

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/threatloop/threatloop/internal/evidence"
	"github.com/threatloop/threatloop/internal/fault"
)

const smallJUnit = `<?xml version="1.0"?><testsuite name="s"><testcase classname="c" name="größer"><failure>nö</failure></testcase><testcase classname="c" name="b"/></testsuite>`

func packed(t testing.TB, data []byte) []byte {
	t.Helper()
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	_, err := w.Write(data)
	if err = errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// zipped packs name, content, name, content, ...
func zipped(t testing.TB, files ...string) []byte {
	t.Helper()
	var buf bytes.Buffer
	z := zip.NewWriter(&buf)
	for i := 0; i < len(files); i += 2 {
		w, err := z.Create(files[i])
		if err == nil {
			_, err = w.Write([]byte(files[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func inUTF16(text string, order binary.ByteOrder, mark bool) []byte {
	var out []byte
	if mark {
		text = "\ufeff" + text
	}
	for _, u := range utf16.Encode([]rune(text)) {
		out = append(out, 0, 0)
		order.PutUint16(out[len(out)-2:], u)
	}
	return out
}

func TestEncodingsAndPacking(t *testing.T) {
	t.Parallel()
	latin := strings.NewReplacer("ö", "\xf6", "ß", "\xdf").Replace(smallJUnit)
	for name, data := range map[string][]byte{
		"utf-8":                         []byte(smallJUnit),
		"byte order mark":               []byte("\xef\xbb\xbf" + smallJUnit),
		"utf-16 little endian":          inUTF16(smallJUnit, binary.LittleEndian, true),
		"utf-16 big endian":             inUTF16(smallJUnit, binary.BigEndian, true),
		"utf-16 without mark":           inUTF16(smallJUnit, binary.LittleEndian, false),
		"windows-1252":                  []byte(strings.Replace(latin, `"1.0"?`, `"1.0" encoding="windows-1252"?`, 1)),
		"latin-1":                       []byte(strings.Replace(latin, `"1.0"?`, `'1.0' encoding='ISO-8859-1' ?`, 1)),
		"windows-1252 said to be utf-8": []byte(strings.Replace(latin, `"1.0"?`, `"1.0" encoding="UTF-8"?`, 1)),
		"control characters":            []byte(strings.ReplaceAll(smallJUnit, "nö", "n\x00\x1b\x07ö")),
		"gzip":                          packed(t, []byte(smallJUnit)),
		"zip":                           zipped(t, "dir/a.xml", smallJUnit),
		"leading blank lines":           []byte("\n\n  " + smallJUnit),
	} {
		got, sum, err := read(t, data, evidence.Options{})
		if err != nil || len(got) != 2 || !sum.Complete {
			t.Errorf("%s: %d results, complete %v %v, %v, want 2, complete", name, len(got), sum.Complete, sum.Reasons, err)
			continue
		}
		if got[0].Name != "größer" || got[0].Detail != "nö" {
			t.Errorf("%s: name %q detail %q, want größer and nö", name, got[0].Name, got[0].Detail)
		}
	}
}

func TestZipOfReports(t *testing.T) {
	t.Parallel()
	cut := smallJUnit[:len(smallJUnit)-30]
	got, sum, err := read(t, zipped(t, "a.xml", smallJUnit, "readme.txt", "hello", "b/c.xml", cut), evidence.Options{})
	if err != nil || len(got) != 3 {
		t.Fatalf("Read(zip) = %d results, %v, want 3", len(got), err)
	}
	if got[2].Key != got[0].Key+"-2" {
		t.Errorf("key of the same case in the second file = %s, want %s-2", got[2].Key, got[0].Key)
	}
	if sum.Complete || !strings.HasPrefix(sum.Reasons[0], "b/c.xml: ") || sum.Format != "junit" || !strings.Contains(strings.Join(sum.Notes, " "), "readme.txt was left out") {
		t.Errorf("summary %+v, want incomplete because of b/c.xml, and readme.txt noted", sum)
	}
	data := zipped(t, "a.xml", smallJUnit, "b.xml", smallJUnit+strings.Repeat(" ", 3000))
	at := bytes.LastIndex(data[:bytes.LastIndex(data, []byte("PK\x01\x02"))-20], []byte("b.xml"))
	copy(data[at+5:], bytes.Repeat([]byte{0xff}, 40))
	if got, sum, err := read(t, data, evidence.Options{}); err != nil || len(got) != 2 || sum.Complete || !strings.HasPrefix(sum.Reasons[0], "b.xml could not be read") {
		t.Errorf("Read(zip with a damaged member) = %d results, %+v, %v, want 2, incomplete because of b.xml", len(got), sum, err)
	}
	zapReport := `<OWASPZAPReport version="1"><site name="a"><alerts/></site></OWASPZAPReport>`
	if _, sum, err := read(t, zipped(t, "a.xml", smallJUnit, "z.xml", zapReport), evidence.Options{}); err != nil || sum.Format != "mixed" {
		t.Errorf("Read(zip of two formats) = format %q, %v, want mixed", sum.Format, err)
	}
}

// A Cucumber report of features without a scenario is one, with nothing in it.
func TestFeaturesWithoutScenarios(t *testing.T) {
	t.Parallel()
	got, sum, err := read(t, []byte(`[{"id": "a", "description": "", "name": "A", "keyword": "Feature", "line": 1, "uri": "a.feature"}]`), evidence.Options{})
	if err != nil || len(got) != 0 || sum.Format != "cucumber" || !sum.Complete {
		t.Errorf("Read = %d results, %+v, %v, want a complete cucumber report without results", len(got), sum, err)
	}
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	bomb := `<?xml version="1.0"?><!DOCTYPE testsuite [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;">]><testsuite name="&b;"><testcase name="x"/></testsuite>`
	zeros := bytes.Repeat([]byte("0123456789abcdef"), 2<<20)
	small := evidence.Limits{Bytes: 1 << 20}
	for _, c := range []struct {
		name string
		data []byte
		opts evidence.Options
		kind fault.Kind
		want string
	}{
		{"nothing", nil, evidence.Options{Name: "x.xml"}, fault.Invalid, "x.xml is empty"},
		{"blanks", []byte(" \n\n"), evidence.Options{}, fault.Invalid, "is empty"},
		{"empty gzip", packed(t, nil), evidence.Options{}, fault.Invalid, "is empty"},
		{"billion laughs", []byte(bomb), evidence.Options{}, fault.Invalid, "declares entities"},
		{"outside entity", []byte(`<!DOCTYPE t SYSTEM "file:///etc/passwd"><testsuite/>`), evidence.Options{}, fault.Invalid, "outside document type"},
		{"html", []byte("<!DOCTYPE html><html><body>502 Bad Gateway</body></html>"), evidence.Options{}, fault.Unsupported, "an HTML page"},
		{"another root", []byte("<project/>"), evidence.Options{}, fault.Unsupported, "<project>"},
		{"plain text", []byte("1..2\nok 1"), evidence.Options{}, fault.Unsupported, `begins with "1..2"`},
		{"pdf", []byte("%PDF-1.7\n"), evidence.Options{}, fault.Unsupported, "a PDF document"},
		{"binary", []byte("\x7fELF\x01\x02"), evidence.Options{}, fault.Unsupported, "binary data"},
		{"other json", []byte(`{"hello": {"world": 1}}`), evidence.Options{}, fault.Unsupported, "members hello"},
		{"semgrep", []byte(`{"errors": [], "results": []}`), evidence.Options{}, fault.Unsupported, "Semgrep"},
		{"empty list", []byte(`[]`), evidence.Options{}, fault.Unsupported, "empty JSON list"},
		{"scalar", []byte(`{`), evidence.Options{}, fault.Invalid, "breaks off"},
		{"only a declaration", []byte(`<?xml version="1.0"?>`), evidence.Options{}, fault.Invalid, "no element"},
		{"another format than announced", []byte(smallJUnit), evidence.Options{Format: "sarif"}, fault.Unsupported, "looks like junit"},
		{"unknown format announced", []byte(smallJUnit), evidence.Options{Format: "spdx"}, fault.Unsupported, `"spdx" is not known`},
		{"gzip cut off at once", packed(t, []byte(smallJUnit))[:12], evidence.Options{}, fault.Invalid, "no element that can be read"},
		{"gzip header only", packed(t, []byte(smallJUnit))[:4], evidence.Options{}, fault.Invalid, "gzip stream is damaged"},
		{"damaged zip", zipped(t, "a.xml", smallJUnit)[:60], evidence.Options{}, fault.Invalid, "zip archive is damaged"},
		{"zip without a report", zipped(t, "a.txt", "hello"), evidence.Options{}, fault.Unsupported, "none of the 1 files"},
		{"too large", []byte("<testsuite>" + string(zeros[:2<<20])), evidence.Options{Limits: small}, fault.TooLarge, "larger than 1 MiB"},
		{"gzip bomb", packed(t, append([]byte("<testsuite>"), zeros...)), evidence.Options{}, fault.TooLarge, "inflates to more than"},
		{"zip bomb", zipped(t, "a.xml", "<testsuite>"+string(zeros)), evidence.Options{}, fault.TooLarge, "inflates to more than"},
		{"deep xml", []byte(strings.Repeat("<testsuite>", 10_000)), evidence.Options{}, fault.TooLarge, "nests deeper"},
		{"deep json", []byte(`{"runs":` + strings.Repeat("[", 10_000)), evidence.Options{}, fault.TooLarge, "nests deeper"},
		{"endless number", []byte(`{"runs": [` + strings.Repeat("1", 10_000)), evidence.Options{}, fault.TooLarge, "longer than"},
		{"too many results", []byte(smallJUnit), evidence.Options{Limits: evidence.Limits{Results: 1}}, fault.TooLarge, "more than 1 results"},
		{"zip larger in total", zipped(t, "a.xml", smallJUnit+strings.Repeat(" ", 600<<10), "b.xml", smallJUnit+strings.Repeat(" ", 600<<10)), evidence.Options{Limits: small}, fault.TooLarge, "more than 1 MiB"},
		{"too many files", zipped(t, "a.xml", smallJUnit, "b.xml", smallJUnit), evidence.Options{Limits: evidence.Limits{Entries: 1}}, fault.TooLarge, "2 files"},
	} {
		_, _, err := read(t, c.data, c.opts)
		if !fault.Is(err, c.kind) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: Read = %v, want a fault of kind %s with %q", c.name, err, c.kind, c.want)
		}
	}
}

// A DTD without entities, as some tools write one, is skipped.
func TestHarmlessDTD(t *testing.T) {
	t.Parallel()
	got, _, err := read(t, []byte(`<!DOCTYPE testsuite [<!ELEMENT testsuite (testcase*)>]><testsuite><testcase name="a"/></testsuite>`), evidence.Options{})
	if err != nil || len(got) != 1 {
		t.Errorf("Read = %d results, %v, want 1", len(got), err)
	}
}

// Damage in the packed stream itself is like a file that ends there.
func TestDamagedPacking(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString("<testsuite>")
	for i := range 20_000 {
		fmt.Fprintf(&b, "<testcase name='case %d' classname='c%x'/>", i, i*i)
	}
	b.WriteString("</testsuite>")
	data := packed(t, []byte(b.String()))
	for _, n := range []int{len(data) / 2, len(data) - 9} {
		got, sum, err := read(t, data[:n], evidence.Options{})
		if err != nil || sum.Complete || len(got) == 0 || n < len(data)/2+1 && len(got) > 15_000 {
			t.Errorf("Read(first %d of %d packed bytes) = %d results, complete %v, %v, want some, incomplete", n, len(data), len(got), sum.Complete, err)
		}
	}
}

func TestMalformedXMLKeepsWhatWasRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text     string
		results  int
		complete bool
	}{
		"wrong end tag":         {`<testsuite><testcase name="a"/><testcase name="b"></oops></testsuite>`, 1, false},
		"second root":           {`<testsuite><testcase name="a"/></testsuite><testsuite/>`, 1, false},
		"stray ampersand":       {`<testsuite><testcase name="a &amp; b & c &unknown; &#x41;"/></testsuite>`, 1, true},
		"quotes in a value":     {`<testsuite><testcase name="a"><failure message="got \"x\" at y" type="t"/></testcase></testsuite>`, 1, true},
		"unquoted smaller than": {`<testsuite><testcase name="a"><failure>1 < 2</failure></testcase></testsuite>`, 1, true},
		"bare attribute":        {`<testsuite><testcase name="a" skipped/></testsuite>`, 1, true},
	} {
		got, sum, err := read(t, []byte(c.text), evidence.Options{})
		if err != nil || len(got) != c.results || sum.Complete != c.complete || sum.Complete != (len(sum.Reasons) == 0) {
			t.Errorf("%s: %d results, complete %v %q, %v, want %d, %v", name, len(got), sum.Complete, sum.Reasons, err, c.results, c.complete)
		}
	}
}

func TestReadStopsWithItsCaller(t *testing.T) {
	t.Parallel()
	r, err := evidence.Open(strings.NewReader(smallJUnit), int64(len(smallJUnit)), evidence.Options{})
	if err != nil {
		t.Fatal(err)
	}
	stop := errors.New("enough")
	if _, err := r.Read(t.Context(), func(evidence.Result) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("Read = %v, want the consumer's error", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.Read(ctx, func(evidence.Result) error { return nil }); !errors.Is(err, context.Canceled) {
		t.Errorf("Read = %v, want context.Canceled", err)
	}
}

func TestShow(t *testing.T) {
	t.Parallel()
	type shown struct {
		Format   string             `json:"format"`
		Tool     *string            `json:"tool"`
		Complete bool               `json:"complete"`
		Counts   map[string]int     `json:"counts"`
		Results  *[]evidence.Result `json:"results"`
	}
	show := func(text string, summary bool) shown {
		t.Helper()
		r, err := evidence.Open(strings.NewReader(text), int64(len(text)), evidence.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var buf bytes.Buffer
		if _, err := evidence.Show(t.Context(), &buf, r, evidence.ShowOptions{Summary: summary}); err != nil {
			t.Fatal(err)
		}
		var s shown
		if err := json.Unmarshal(buf.Bytes(), &s); err != nil {
			t.Fatalf("Show writes no JSON: %v\n%s", err, buf.Bytes())
		}
		return s
	}
	full := show(smallJUnit, false)
	if diff := cmp.Diff(map[string]int{"fail": 1, "pass": 1, "error": 0, "not_run": 0}, full.Counts); diff != "" {
		t.Errorf("Show counts (-want +got):\n%s", diff)
	}
	if full.Format != "junit" || full.Tool == nil || !full.Complete || full.Results == nil || len(*full.Results) != 2 || (*full.Results)[0].Name != "größer" {
		t.Errorf("Show = %+v, want junit, a tool, complete and two results in file order", full)
	}
	if got := show(smallJUnit, true); got.Results != nil || got.Counts["fail"] != 1 {
		t.Errorf("Show(summary) = %+v, want no list and the counts", got)
	}
	if got := show(`<testsuite/>`, false); got.Results == nil || len(*got.Results) != 0 {
		t.Errorf("Show(no case) = %+v, want an empty list", got)
	}
	if got := show(smallJUnit[:len(smallJUnit)-5], false); got.Complete || len(*got.Results) != 2 {
		t.Errorf("Show(cut) = %+v, want incomplete with two results", got)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add([]byte(smallJUnit))
	f.Add(packed(f, []byte(smallJUnit)))
	f.Add(zipped(f, "a.xml", smallJUnit, "b.json", `[{"elements":[]}]`))
	f.Add([]byte(`{"runs":[{"results":[{"ruleId":"a"}]}]}`))
	f.Add(inUTF16(smallJUnit, binary.BigEndian, true))
	f.Fuzz(func(t *testing.T, data []byte) {
		results, sum, err := read(t, data, evidence.Options{Limits: evidence.Limits{Bytes: 8 << 20}})
		if err != nil && fault.As(err) == nil {
			t.Fatalf("Read = %v, want a fault", err)
		}
		if err == nil && sum.Counts.Total() != len(results) {
			t.Fatalf("%d results, counts %+v", len(results), sum.Counts)
		}
	})
}
