package drawio_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/interchange/imported"
)

// TestPlainBoxes: boxes without any sign of a zone are zones where shapes lie in
// them and no line joins them, and each with a note at its line.
func TestPlainBoxes(t *testing.T) {
	t.Parallel()
	const plain = "rounded=1;fillColor=#f8cecc;"
	vertex := func(id, label, style, place string) string {
		return `<mxCell id="` + id + `" value="` + label + `" style="` + style + `" vertex="1" parent="1"><mxGeometry ` + place + `/></mxCell>` + "\n"
	}
	edge := func(id, from, to string) string {
		return `<mxCell id="` + id + `" edge="1" parent="1" source="` + from + `" target="` + to + `"><mxGeometry relative="1" as="geometry"/></mxCell>` + "\n"
	}
	data := `<mxGraphModel><root><mxCell id="0"/><mxCell id="1" parent="0"/>` + "\n" +
		vertex("dmz", "ZONE DMZ", plain, `x="300" y="100" width="400" height="300"`) +
		vertex("waf", "WAF", plain, `x="330" y="140" width="100" height="60"`) +
		vertex("app", "Shop", plain, `x="460" y="140" width="160" height="160"`) +
		vertex("part", "Cart", plain, `x="480" y="200" width="100" height="60"`) +
		vertex("tight", "Badge", plain, `x="0" y="0" width="100" height="60"`) +
		vertex("inside", "Badge text", plain, `x="5" y="5" width="90" height="50"`) +
		vertex("db", "Orders", "shape=cylinder;", `x="800" y="140" width="120" height="80"`) +
		edge("f1", "waf", "app") + edge("f2", "part", "db") +
		`</root></mxGraphModel>`
	got, err := read(t, []byte(data), imported.Options{Name: "plain.drawio"})
	if err != nil {
		t.Fatalf("Read = %v", err)
	}
	places := map[string]string{}
	for _, c := range got.Model.Components {
		places[c.Name] = "in " + string(c.Zone)
	}
	for _, z := range got.Model.Zones {
		places[z.Name] = "zone"
	}
	// A line joins the shop, and the badge's text fills it: neither is a zone.
	want := map[string]string{
		"ZONE DMZ": "zone", "WAF": "in dmz", "Shop": "in dmz", "Cart": "in dmz", "Badge": "in ", "Badge text": "in ", "Orders": "in ",
	}
	if diff := cmp.Diff(want, places); diff != "" {
		t.Errorf("shapes (-want +got):\n%s", diff)
	}
	var notes []string
	for _, n := range got.Notes {
		if strings.HasPrefix(n.Where, "zone dmz") {
			notes = append(notes, n.At+" "+n.Text)
		}
	}
	if want := []string{
		"plain.drawio:2:1 is a plain box; it is taken as a zone, because other shapes lie in it and no line joins it",
		"plain.drawio:2:1 the drawing does not say how far the zone is trusted; 50 of 100 is set",
	}; !cmp.Equal(notes, want) {
		t.Errorf("notes of the zone = %q, want %q", notes, want)
	}
}

// TestHidden: what draw.io does not show is read, and said once for a layer.
func TestHidden(t *testing.T) {
	t.Parallel()
	data := `<mxGraphModel><root><mxCell id="0"/><mxCell id="1" parent="0"/>` + "\n" +
		`<mxCell id="old" value="Before the move" parent="0" visible="0"/>` + "\n" +
		`<mxCell id="spare" value="Spare" parent="0" visible="0"/>` + "\n" +
		`<mxCell id="a" value="Shop" vertex="1" parent="1"><mxGeometry width="90" height="50"/></mxCell>` +
		`<mxCell id="b" value="Mainframe" vertex="1" parent="old"><mxGeometry x="200" width="90" height="50"/></mxCell>` +
		`<mxCell id="e" edge="1" parent="old" source="a" target="b"><mxGeometry relative="1"/></mxCell>` +
		`</root></mxGraphModel>`
	got, err := read(t, []byte(data), imported.Options{Name: "in"})
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Model.Components) != 2 || len(got.Model.Flows) != 1 {
		t.Errorf("%d components and %d flows, want all that is drawn: 2 and 1", len(got.Model.Components), len(got.Model.Flows))
	}
	var notes []string
	for _, n := range got.Notes {
		if strings.Contains(n.Text, "hidden") {
			notes = append(notes, n.At+" "+n.Text)
		}
	}
	want := []string{`in:2:1 "Before the move" is hidden in the drawing; what is drawn in it is in the model all the same (2 shapes and lines)`}
	if diff := cmp.Diff(want, notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
}
