package interchange_test

import (
	"testing"

	"github.com/threatloop/threatloop/internal/interchange"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
	built "github.com/threatloop/threatloop/library"
)

// TestGuessTypeByTheLibrary: the words of a name that say what the element is decide.
func TestGuessTypeByTheLibrary(t *testing.T) {
	t.Parallel()
	lib, err := library.Load(built.Files)
	if err != nil {
		t.Fatal(err)
	}
	guess := interchange.GuessType(lib)
	for _, tt := range []struct {
		kind model.Kind
		name string
		want string
	}{
		{model.Actor, "Admin (Browser)", "administrator"},
		{model.Actor, "Accounting (Browser)", "end-user"},
		{model.Actor, "Browser", "end-user"},
		{model.Store, "MarsDB NoSQL DB", "document-store"},
		{model.Store, "Database (MongoDB)", "document-store"},
		{model.Store, "SQLite Database", "relational-database"},
		{model.Process, "Custom VPC", ""},
	} {
		if got := guess(tt.kind, tt.name, nil); got != tt.want {
			t.Errorf("GuessType(%s, %q) = %q, want %q", tt.kind, tt.name, got, tt.want)
		}
	}
}
