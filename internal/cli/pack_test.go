package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/threatloop/threatloop/internal/interchange"
	"github.com/threatloop/threatloop/internal/sharedtest"
)

// TestPacked: a model of several files goes to the server as one, and is the same there.
func TestPacked(t *testing.T) {
	t.Parallel()
	path := filepath.Join(sharedtest.Dir(t, "samples", "threagile"), "split-includes", "main.yaml")
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	name, out, err := packed(path, data)
	if err != nil || name != "main.zip" {
		t.Fatalf("packed = %s, %v, want main.zip", name, err)
	}
	opts, done := modelOptions(path)
	defer done()
	want, err := interchange.Read(data, opts)
	if err != nil {
		t.Fatal(err)
	}
	got, err := interchange.Read(out, interchange.Options{})
	if err != nil || got.Counts != want.Counts || len(got.Model.Threats) != len(want.Model.Threats) {
		t.Errorf("Read(packed) = %+v, %v, want %+v", got, err, want.Counts)
	}
	if _, again, err := packed(path, data); err != nil || !bytes.Equal(out, again) {
		t.Errorf("packed twice gives different bytes, %v", err)
	}

	alone := filepath.Join(t.TempDir(), "model.yaml")
	text := []byte("threatloop: 1\nproduct: {id: p, name: Shop}\n")
	if err := os.WriteFile(alone, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if name, out, err := packed(alone, text); err != nil || name != "model.yaml" || !bytes.Equal(out, text) {
		t.Errorf("packed(a single file) = %s, %q, %v, want it as it is", name, out, err)
	}
}
