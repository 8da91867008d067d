package cyclonedx_test

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/cyclonedx"
	"github.com/threatloop/threatloop/internal/interchange/imported"
)

func readXML(t *testing.T, data []byte) *imported.Import {
	t.Helper()
	if !cyclonedx.DetectXML(data) {
		t.Fatal("DetectXML = false, want true")
	}
	i, err := cyclonedx.ReadXML(data, imported.Options{Name: "in"})
	if err != nil {
		t.Fatalf("ReadXML = %v", err)
	}
	return i
}

func TestServicesXML(t *testing.T) {
	t.Parallel()
	i := readXML(t, file(t, "testdata/services.xml"))
	m := i.Model
	want := []string{
		`zone dmz in "" trust 50 guess true`, `zone inner in "" trust 50 guess true`,
		`process Web in "dmz" stores 0 handles 2 map[provides_authentication:yes] out false`,
		`process Shipping in "inner" stores 0 handles 1 map[provides_authentication:no] out false`,
		`process Mail in "" stores 0 handles 1 map[] out false`,
		`flow Addresses true->true  map[] carries 1`, `flow Shipping to Mail true->true  map[] carries 0`,
	}
	if diff := cmp.Diff(want, drawn(m)); diff != "" {
		t.Errorf("drawn (-want +got):\n%s", diff)
	}
	if m.Product.Name != "Bakery" || m.Product.Description != "Bread & more" || !slices.Equal(m.Components[0].Locations, []string{"https://bakery.example", "https://shop.example"}) {
		t.Errorf("product = %+v, locations %v", m.Product, m.Components[0].Locations)
	}
	for _, f := range m.Flows {
		if f.Bidirectional != (f.Name == "Addresses") {
			t.Errorf("flow %s goes both ways: %v", f.Name, f.Bidirectional)
		}
	}
	for _, want := range []string{"48:32 data flow", "9:3 file: 1 component of the bill"} {
		if !slices.ContainsFunc(notes(i, imported.Guess, imported.Refused), func(n string) bool { return strings.HasPrefix(n, want) }) {
			t.Errorf("notes = %q, want one that begins %q", notes(i, imported.Guess, imported.Refused), want)
		}
	}
}

func TestAttachedXML(t *testing.T) {
	t.Parallel()
	inner := base64.StdEncoding.EncodeToString([]byte("otmVersion: 0.2.0\nproject: {id: inside, name: Inside}\n"))
	i := readXML(t, []byte(`<bom xmlns="http://cyclonedx.org/schema/bom/1.5"><components><component type="data"><name>tm</name><data><contents>
		<attachment content-type="application/yaml" encoding="base64">`+inner+`</attachment></contents></data></component></components></bom>`))
	if i.Format != imported.OTM || i.Model.Product.Name != "Inside" {
		t.Errorf("format %s, product %+v, want the Open Threat Model inside", i.Format, i.Model.Product)
	}
}

func TestNoThreatModelXML(t *testing.T) {
	t.Parallel()
	for _, doc := range []string{
		`<bom xmlns="http://cyclonedx.org/schema/bom/1.4"><components><component type="library"><name>x</name></component></components></bom>`,
		`<bom xmlns="http://cyclonedx.org/schema/bom/1.4"/>`,
	} {
		if _, err := cyclonedx.ReadXML([]byte(doc), imported.Options{}); !fault.Is(err, fault.Unsupported) {
			t.Errorf("ReadXML(%s) = %v, want fault.Unsupported", doc, err)
		}
	}
	for _, doc := range []string{`<bom/>`, `<!-- "http://cyclonedx.org/schema/bom/1.4" --><x/>`, ``} {
		if cyclonedx.DetectXML([]byte(doc)) {
			t.Errorf("DetectXML(%s) = true, want false", doc)
		}
	}
}

func FuzzXML(f *testing.F) {
	f.Add(file(f, "testdata/services.xml"))
	f.Add([]byte(`<bom xmlns="http://cyclonedx.org/schema/bom/1.4"><services><service><name>x</name><data><classification/></data></service></services></bom>`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := cyclonedx.ReadXML(data, imported.Options{}); err != nil && fault.As(err) == nil {
			t.Fatalf("ReadXML = %v, want a fault", err)
		}
	})
}
