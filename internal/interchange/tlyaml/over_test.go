package tlyaml_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/tlyaml"
	"github.com/threatloop/threatloop/internal/model"
)

const handwritten = `# The shop's threat model.
# Owner: Ann

threatloop: 1
# what it is
product:
  id: prd_1   # never change
  # the name on the door
  name: Shop
  description: |- # two lines
    First # no comment
    # neither is this

    last
  x-team: red # another program's

# answers, by question
answers:
  data:
    # most of it
    - cards # PCI
    - names
  internet_facing: yes
components:
  # the door
  - id: web # stable
    kind: process
    name: Web
    box: {x: 1, "y": 2, w: 3, h: 4} # drawn by hand
    x-notes:
      - a # one
      - b: 2
  # behind it

  - id: db
    kind: store
    name: Orders
    # last of the store
flows:
  - id: f
    name: Order
    from: web
    to: db
# the end
`

func readYAML(t fataler, data []byte) (*model.Model, []imported.Note) {
	root, err := tlyaml.Parse(data, imported.Options{})
	if err != nil {
		t.Fatalf("Parse = %v\n%s", err, data)
	}
	i, err := tlyaml.Read(root, imported.Options{})
	if err != nil {
		t.Fatalf("Read = %v\n%s", err, data)
	}
	return i.Model, i.Notes
}

type fataler interface {
	Fatalf(format string, args ...any)
}

func writeOver(t fataler, m *model.Model, original string) string {
	out, err := tlyaml.WriteOver(m, []byte(original))
	if err != nil {
		t.Fatalf("WriteOver = %v", err)
	}
	return string(out)
}

func TestWriteOver(t *testing.T) {
	t.Parallel()
	m, notes := readYAML(t, []byte(handwritten))
	if len(notes) != 2 || notes[0].Level != imported.Kept || notes[0].At != "file:15:3" {
		t.Errorf("notes = %+v, want the two keys of another program by line", notes)
	}
	if got := writeOver(t, m, handwritten); got != handwritten {
		t.Errorf("a file that says the same (-want +got):\n%s", cmp.Diff(handwritten, got))
	}

	// One value changed: one line changed.
	m.Components[1].Name = "Order book"
	want := strings.Replace(handwritten, "name: Orders", "name: Order book", 1)
	got := writeOver(t, m, handwritten)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("one value changed (-want +got):\n%s", diff)
	}
	if again := writeOver(t, m, got); again != got {
		t.Errorf("a second time (-want +got):\n%s", cmp.Diff(got, again))
	}

	// Something is deleted and something added: what a person wrote elsewhere stays.
	m.Components = append(m.Components[1:], model.Component{ID: "new", Kind: model.Actor, Name: "Visitor"})
	m.Flows = nil
	got = writeOver(t, m, handwritten)
	for _, line := range []string{"# The shop's threat model.", "# the name on the door", "id: prd_1   # never change", "- cards # PCI", "# answers, by question", "  # behind it", "x-team: red # another program's", "# the end"} {
		if !strings.Contains(got, line) {
			t.Errorf("%q is lost:\n%s", line, got)
		}
	}
	if strings.Contains(got, "the door\n  -") || strings.Contains(got, "x-notes") {
		t.Errorf("notes of what was deleted are left:\n%s", got)
	}
	back, _ := readYAML(t, []byte(got))
	if diff := cmp.Diff(m, back); diff != "" {
		t.Errorf("Read(WriteOver(m)) (-want +got):\n%s", diff)
	}
}

// A file by hand in an order of its own is brought into ours; what only a person
// can say, comments and other programs' keys, stays at what it stood at.
func TestWriteOverFilesByHand(t *testing.T) {
	t.Parallel()
	const byHand = `# Läden 🦊
x-first: 1 # before all

zones:
  - {id: net, name: Net, trust: 0}   # flow style
  - id: dmz
    trust: 40  # trust before name
    x-rank: 2
    name: “Außen”
product:
  name: Shop
  x-cost: {a: 1} # of another program
  tags: [b, a]
`
	const want = `# Läden 🦊
threatloop: 1
product:
  id: p
  name: Shop
  x-cost: # of another program
    a: 1
  tags:
    - b
    - a

zones:
  - id: net   # flow style
    name: Net
    trust: 0
  - id: dmz
    name: "“Außen”"
    trust: 40  # trust before name
    x-rank: 2
x-first: 1 # before all
`
	m, _ := readYAML(t, []byte(byHand))
	m.Product.ID = "p"
	got := writeOver(t, m, byHand)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("WriteOver (-want +got):\n%s", diff)
	}
	m.Product.Name = "Shops"
	want2 := strings.Replace(got, "name: Shop", "name: Shops", 1)
	if diff := cmp.Diff(want2, writeOver(t, m, got)); diff != "" {
		t.Errorf("WriteOver with another name (-want +got):\n%s", diff)
	}
}

func TestWriteOverOtherFiles(t *testing.T) {
	t.Parallel()
	m := &model.Model{Product: model.Product{ID: "p", Name: "Shop"}}
	plain, err := tlyaml.Write(m)
	if err != nil {
		t.Fatal(err)
	}
	for _, original := range []string{"", "just text", "{}", "a: b", "product: [", "answers: {a: b}"} {
		if got := writeOver(t, m, original); got != string(plain) {
			t.Errorf("WriteOver(%q) = %s, want the model alone", original, got)
		}
	}
	// By hand, on few lines, in another order, with a key that nobody knows.
	got := writeOver(t, m, "# top\nfuture: 1 # later\nproduct: {name: Shops, id: p, colour: red} # here\n")
	want := "# top\nthreatloop: 1\nproduct: # here\n  id: p\n  name: Shop\n  colour: red\nfuture: 1 # later\n"
	if got != want {
		t.Errorf("WriteOver of a file by hand (-want +got):\n%s", cmp.Diff(want, got))
	}
}

// TestCommentsAnywhere puts comments between any lines of a file and changes the
// model: none gets lost, the file is read as the model, and writing it again changes nothing.
func TestCommentsAnywhere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		m, _ := readYAML(t, []byte(handwritten))
		plain, err := tlyaml.Write(m)
		if err != nil {
			t.Fatalf("Write = %v", err)
		}
		var b strings.Builder
		inText, marks := false, 0
		for line := range strings.Lines(string(plain)) {
			text := strings.TrimSpace(line)
			if strings.HasSuffix(text, "name: Shop") { // the description follows
				inText = true
			} else if strings.HasPrefix(line, "answers") {
				inText = false
			}
			indent := line[:len(line)-len(strings.TrimLeft(line, " "))]
			if !inText && rapid.IntRange(0, 3).Draw(t, "before") == 0 {
				marks++
				b.WriteString(rapid.SampledFrom([]string{"", "\n"}).Draw(t, "blank") + indent + "# mark\n")
			}
			if !inText && rapid.IntRange(0, 3).Draw(t, "behind") == 0 {
				marks++
				line = strings.TrimSuffix(line, "\n") + rapid.SampledFrom([]string{" ", "   "}).Draw(t, "blanks") + "# mark\n"
			}
			b.WriteString(line)
		}
		original := b.String()
		if got := writeOver(t, m, original); got != original {
			t.Fatalf("a file that says the same (-want +got):\n%s", cmp.Diff(original, got))
		}
		m.Product.Name = "Shops"
		m.Components[0].Tags = []string{"edge"}
		m.Threats = []model.Threat{{ID: "thr_1", Where: "web", Ref: "own/x", Title: "T", Status: model.Open, Origin: model.ByPerson}}
		got := writeOver(t, m, original)
		if n := strings.Count(got, "# mark"); n != marks {
			t.Fatalf("%d of %d comments are left:\n%s\n%s", n, marks, original, got)
		}
		back, _ := readYAML(t, []byte(got))
		if diff := cmp.Diff(m, back); diff != "" {
			t.Fatalf("Read(WriteOver(m)) (-want +got):\n%s", diff)
		}
		m.Product.Name = "Shop"
		m.Components[0].Tags, m.Threats = nil, nil
		if undone := writeOver(t, m, got); undone != original {
			t.Fatalf("changed and changed back (-want +got):\n%s", cmp.Diff(original, undone))
		}
	})
}

func FuzzWriteOver(f *testing.F) {
	f.Add([]byte(handwritten))
	f.Add([]byte("product: {name: x} # c\nanswers: # d\n  q: [a, # e\n   b]\n"))
	f.Add([]byte("threatloop: 1\nproduct:\n  name: \"a\n  # b\n  c\"\n  x-y: >\n   z\n\n# q\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		m := &model.Model{Product: model.Product{ID: "p", Name: "Shop"}, Components: []model.Component{{ID: "web", Kind: model.Process, Name: "Web"}}}
		out, err := tlyaml.WriteOver(m, data)
		if err != nil {
			t.Fatalf("WriteOver = %v", err)
		}
		root, err := tlyaml.Parse(out, imported.Options{})
		if err != nil {
			t.Fatalf("Parse(WriteOver) = %v\n%s", err, out)
		}
		i, err := tlyaml.Read(root, imported.Options{})
		if err != nil {
			return // a key that nobody knows stays, and is refused as before
		}
		if diff := cmp.Diff(m, i.Model); diff != "" {
			t.Fatalf("Read(WriteOver(m)) (-want +got):\n%s\n%s", diff, out)
		}
	})
}
