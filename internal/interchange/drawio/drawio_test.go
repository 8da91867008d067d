package drawio_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"errors"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/drawio"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/xmltree"
	"github.com/threatloop/threatloop/internal/model"
)

func read(t testing.TB, data []byte, opts imported.Options) (*imported.Import, error) {
	t.Helper()
	root, err := xmltree.Parse(data, opts)
	if err != nil {
		return nil, err
	}
	if !drawio.Detect(root) {
		t.Fatal("Detect = false, want true")
	}
	return drawio.Read(root, opts)
}

func shop(t testing.TB) []byte {
	t.Helper()
	data, err := os.ReadFile("testdata/shop.drawio")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// pack does to a page what draw.io does when it saves one compressed.
func pack(t testing.TB, graph string) string {
	t.Helper()
	return packRaw(t, url.PathEscape(graph))
}

func packRaw(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

func TestRead(t *testing.T) {
	t.Parallel()
	got, err := read(t, shop(t), imported.Options{Name: "drawings/shop.drawio"})
	if err != nil {
		t.Fatalf("Read = %v", err)
	}
	m := got.Model
	if want := (imported.Counts{Diagrams: 1, Actor: 1, Process: 1, Store: 1, Flow: 3, Boundary: 2, Text: 1}); got.Counts != want {
		t.Errorf("counts = %+v, want %+v", got.Counts, want)
	}
	if m.Product.Name != "shop" {
		t.Errorf("product = %q, want the file's name", m.Product.Name)
	}
	kinds := map[model.ElementID]string{}
	for _, c := range m.Components {
		kinds[c.ID] = strings.Join([]string{string(c.Kind), c.Name, string(c.Zone)}, "|")
	}
	if diff := cmp.Diff(map[model.ElementID]string{"u": "actor|Customer|", "p": "process|Shop front|b", "s": "store|Orders|b"}, kinds); diff != "" {
		t.Errorf("components (-want +got):\n%s", diff)
	}
	if b := m.Components[1].Box; b.X != 250 || b.Y != 90 {
		t.Errorf("box of p = %+v, want it moved by its parent's", b)
	}
	f, g, l := m.Flows[0], m.Flows[1], m.Flows[2]
	if f.Name != "orders over HTTPS" || f.From != "u" || f.To != "p" || len(f.Vertices) != 1 || !cmp.Equal(f.Crosses, []model.ElementID{"c"}) {
		t.Errorf("f = %+v, want the label's name, from u to p, over the line c", f)
	}
	if g.Name != "Shop front to Orders" || !g.Bidirectional || g.Protocol != "jdbc" || g.Attributes["encrypted"] != "no" {
		t.Errorf("g = %+v", g)
	}
	if l.From != "" || l.To != "s" || l.FromPoint == nil || l.FromPoint.X != 900 {
		t.Errorf("l = %+v, want a line drawn backwards turned round, with a loose end", l)
	}
	if m.Zones[0].Name != "Trust Boundary" || !m.Zones[0].Guess {
		t.Errorf("zone = %+v", m.Zones[0])
	}
	kept := false
	for _, n := range got.Notes {
		kept = kept || n.Level == imported.Kept && strings.Contains(n.Text, `"owner"`) && strings.HasPrefix(n.At, "drawings/shop.drawio:16:")
	}
	if !kept {
		t.Errorf("no note on the attribute that is kept: %+v", got.Notes)
	}
}

// TestLabels: places in labels are filled, C4 shapes are called after their names,
// a second label of a line is kept, and a line to nothing names it.
func TestLabels(t *testing.T) {
	t.Parallel()
	const c4 = `placeholders="1" label="&lt;b&gt;%c4Name%&lt;/b&gt;&lt;div&gt;[%c4Type%: %c4Technology%]&lt;/div&gt;&lt;div&gt;%c4Description%&lt;/div&gt;"`
	got, err := read(t, []byte(`<mxGraphModel><root><mxCell id="0"/><mxCell id="1" parent="0"/>
<object `+c4+` c4Name="Bank &lt;core&gt;" c4Type="Container" c4Technology="Go" c4Description="Moves money" id="a"><mxCell style="rounded=1;" vertex="1" parent="1"><mxGeometry width="90" height="60" as="geometry"/></mxCell></object>
<object placeholders="1" label="%kind% of %town%" kind="Ledger" id="b"><mxCell style="shape=cylinder3;" vertex="1" parent="1"><mxGeometry x="300" width="90" height="60" as="geometry"/></mxCell></object>
<object placeholders="1" label="%c4Description% [%c4Technology%]" c4Type="Relationship" c4Technology="JDBC" c4Description="Books" id="r"><mxCell edge="1" parent="1" source="a" target="b"><mxGeometry relative="1" as="geometry"/></mxCell></object>
<mxCell id="e" value="1. Reads" edge="1" parent="1" source="b" target="gone"><mxGeometry relative="1" as="geometry"/></mxCell>
<mxCell id="el" value="TLS 1.3" style="edgeLabel;" vertex="1" connectable="0" parent="e"><mxGeometry relative="1" as="geometry"/></mxCell>
</root></mxGraphModel>`), imported.Options{Name: "f"})
	if err != nil {
		t.Fatalf("Read = %v", err)
	}
	c, f := got.Model.Components, got.Model.Flows
	if len(c) != 2 || c[0].Name != "Bank <core>" || c[0].Description != "Moves money" || c[1].Name != "Ledger of %town%" {
		t.Errorf("components = %+v, want Bank <core>, which moves money, and Ledger of %%town%%", c)
	}
	if len(f) != 2 || f[0].Name != "Books" || f[0].Protocol != "JDBC" || f[0].Description != "" || f[1].Name != "1. Reads" || f[1].Description != "TLS 1.3" {
		t.Errorf("flows = %+v, want Books over JDBC and 1. Reads with its second label", f)
	}
	if !slices.ContainsFunc(got.Notes, func(n imported.Note) bool {
		return n.Level == imported.Refused && strings.HasPrefix(n.At, "f:5:") && strings.Contains(n.Text, `at the cell "gone", which is not on the page`)
	}) {
		t.Errorf("notes = %+v, want one on the cell that is not there", got.Notes)
	}
}

func TestReadPacked(t *testing.T) {
	t.Parallel()
	text := string(shop(t))
	start, end := strings.Index(text, "<mxGraphModel"), strings.Index(text, "</mxGraphModel>")+len("</mxGraphModel>")
	packed := text[:start] + pack(t, text[start:end]) + text[end:]
	plain, err := read(t, []byte(text), imported.Options{Name: "shop.drawio"})
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(t, []byte(packed), imported.Options{Name: "shop.drawio"})
	if err != nil {
		t.Fatalf("Read(packed) = %v", err)
	}
	if diff := cmp.Diff(plain.Model, got.Model); diff != "" {
		t.Errorf("Read(packed) differs (-plain +packed):\n%s", diff)
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	bomb := pack(t, strings.Repeat("a", imported.MaxBytes+100))
	for _, c := range []struct{ name, text, words string }{
		{"a bomb", "<mxfile>\n<diagram>" + bomb + "</diagram></mxfile>", "unpacks to more"},
		{"no base64", "<mxfile>\n<diagram>!!</diagram></mxfile>", "neither XML nor base64"},
		{"broken deflate", "<mxfile>\n<diagram>AAAA</diagram></mxfile>", "cannot be unpacked"},
		{"broken percent-encoding", "<mxfile>\n<diagram>" + packRaw(t, "%3CmxGraphModel%2") + "</diagram></mxfile>", "percent-encoding is damaged"},
		{"broken page", "<mxfile>\n<diagram>" + pack(t, "<mxGraphModel>") + "</diagram></mxfile>", "cut off"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := read(t, []byte(c.text), imported.Options{Name: "f"})
			var f *fault.Error
			if !errors.As(err, &f) || !strings.Contains(err.Error(), c.words) {
				t.Errorf("Read = %v, want a fault with %q", err, c.words)
			}
		})
	}
}

func FuzzRead(f *testing.F) {
	f.Add(shop(f))
	f.Add([]byte("<mxGraphModel><root><mxCell id='0'/><mxCell id='0' parent='0' vertex='1' style='dashed=1'><mxGeometry width='1' height='1'/></mxCell></root></mxGraphModel>"))
	f.Fuzz(func(t *testing.T, data []byte) {
		root, err := xmltree.Parse(data, imported.Options{})
		if err != nil || !drawio.Detect(root) {
			return
		}
		got, err := drawio.Read(root, imported.Options{})
		if err != nil {
			if f := (*fault.Error)(nil); !errors.As(err, &f) || f.Code == "model.invalid" {
				t.Fatalf("Read = %v, want a fault of the file", err)
			}
			return
		}
		if err := model.Validate(got.Model); err != nil {
			t.Fatalf("Read gives a model that is not valid: %v", err)
		}
	})
}

// TestFrames checks that frames with icons put onto them, not grouped with them,
// are zones, and that a container with nothing in it is a component.
func TestFrames(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile("testdata/frames.drawio")
	if err != nil {
		t.Fatal(err)
	}
	got, err := read(t, data, imported.Options{Name: "f"})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, z := range got.Model.Zones {
		all = append(all, string(z.ID)+" in "+string(z.Parent))
	}
	for _, c := range got.Model.Components {
		all = append(all, string(c.ID)+" in "+string(c.Zone))
	}
	if diff := cmp.Diff([]string{"cloud in ", "net in cloud", "web in net", "box in "}, all); diff != "" {
		t.Errorf("zones and components (-want +got):\n%s", diff)
	}
}
