package interchange_test

import (
	"bytes"
	"os"
	"slices"
	"testing"

	"github.com/threatloop/threatloop/internal/interchange"
	"github.com/threatloop/threatloop/internal/interchange/tlyaml"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/sharedtest"
)

func titlesOf(m *model.Model) []string {
	var titles []string
	for _, d := range m.Diagrams {
		titles = append(titles, d.Title)
	}
	return titles
}

// moved is the model with its last diagram first, and the titles in that order.
func moved(m *model.Model) (*model.Model, []string) {
	m = model.Clone(m)
	n := len(m.Diagrams)
	m.Diagrams = append([]model.Diagram{m.Diagrams[n-1]}, m.Diagrams[:n-1]...)
	return m, titlesOf(m)
}

// TestOrderOfDiagrams: diagrams stand in the order of the file that they came
// from, and every format that we write keeps the order that people gave them.
func TestOrderOfDiagrams(t *testing.T) {
	t.Parallel()
	for path, want := range map[string][]string{
		"threat-dragon/v1-food-order.json": {"Login", "Payment", "Search For Food", "Premium-User"},
		"threat-dragon/v2-all-methodologies.json": {
			"03 - test STRIDE diagram", "01 - wide CIA diagram", "02 - narrow LINDDUN diagram", "New DIE diagram", "New PLOT4ai diagram", "New generic diagram", "diagram #7",
		},
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			original, err := os.ReadFile(sharedtest.Dir(t, "samples", path))
			if err != nil {
				t.Fatal(err)
			}
			read, err := interchange.Read(original, interchange.Options{Name: path, Product: "prd_1"})
			if err != nil {
				t.Fatalf("Read = %v", err)
			}
			if got := titlesOf(read.Model); !slices.Equal(got, want) {
				t.Errorf("diagrams of the file = %q, want %q", got, want)
			}
			m, want := moved(read.Model)
			for _, format := range interchange.Written() {
				for _, over := range [][]byte{nil, original} {
					data, _, err := interchange.WriteAs(format.Name, m, over)
					if err != nil {
						t.Fatalf("WriteAs(%s) = %v", format.Name, err)
					}
					again, err := interchange.ReadAs(format.Name, data, interchange.Options{Product: "prd_1"})
					if err != nil {
						t.Fatalf("ReadAs(%s) = %v", format.Name, err)
					}
					if got := titlesOf(again.Model); !slices.Equal(got, want) {
						t.Errorf("diagrams of the %s file = %q, want %q", format.Name, got, want)
					}
				}
			}
			text, err := interchange.Write(m)
			if err != nil {
				t.Fatalf("Write = %v", err)
			}
			again, err := interchange.ReadAs("threatloop", text, interchange.Options{Product: "prd_1"})
			if err != nil {
				t.Fatalf("ReadAs(threatloop) = %v", err)
			}
			if back, err := interchange.Write(again.Model); err != nil || !bytes.Equal(text, back) {
				t.Errorf("our own file, read and written again, differs, %v", err)
			}
			// A file in a repository follows the order, and stays as it is where it has it.
			before, err := interchange.Write(read.Model)
			if err != nil {
				t.Fatalf("Write = %v", err)
			}
			for _, c := range []struct{ from, want []byte }{{before, text}, {text, text}} {
				if got, err := tlyaml.WriteOver(m, c.from); err != nil || !bytes.Equal(got, c.want) {
					t.Errorf("WriteOver after the move differs from what is written anew, %v", err)
				}
			}
		})
	}
}
