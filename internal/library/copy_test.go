package library

import (
	"testing"

	starter "github.com/threatloop/threatloop/library"
)

func TestCopy(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ kind, text, to, want string }{
		{EntryPattern, "# why\npattern: p\nname: P\nweaknesses:\n  - ref: w\n    title: W\ncountermeasures:\n  - {ref: c, title: C}\nthreats: []\n", "q", "# why\npattern: q\nname: P\nthreats: []\n"},
		{EntryType, "type: \"a\"  # once\nname: A\nkind: store\naliases: [b]\n", "7", "type: \"7\"  # once\nname: A\nkind: store\n"},
		{EntryRule, "rules:\n  # why\n  - rule: r\n    title: R\n", "s", "rules:\n  # why\n  - rule: s\n    title: R\n"},
		{EntryQuestionnaire, "questionnaire: web\nname: The \"web\"\ngroups: []\n", "own", "questionnaire: own\nname: \"The \\\"web\\\"\"\ninclude: [web]\n"},
	} {
		got, err := Copy(tt.kind, tt.text, tt.to)
		if err != nil || got != tt.want {
			t.Errorf("Copy(%s %q) = %q, %v, want %q", tt.kind, tt.text, got, err, tt.want)
		}
	}
	if got, err := Copy(EntryType, "pattern: p\n", "q"); err == nil {
		t.Errorf("Copy of another kind = %q, want it refused", got)
	}
}

// TestCopiesLoad: a copy of any entry stands beside what it was copied from.
func TestCopiesLoad(t *testing.T) {
	t.Parallel()
	base, err := LoadLayers(Layer{Name: "base", Files: starter.Files})
	if err != nil {
		t.Fatal(err)
	}
	own := Files{}
	for _, e := range base.Entries() {
		_, _, text := base.Source(e.Kind, e.Ref)
		copied, err := Copy(e.Kind, text, "own-"+e.Ref)
		if err != nil {
			t.Fatal(err)
		}
		own[e.Kind+"/"+e.Ref+".yaml"] = copied
	}
	if _, err := LoadLayers(Layer{Name: "base", Files: starter.Files}, Layer{Name: "own", Files: own}); err != nil {
		t.Error(err)
	}
}
