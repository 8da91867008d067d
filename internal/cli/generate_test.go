package cli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/sharedtest"
)

func run(t *testing.T, in string, args ...string) (stdout string, code int) {
	t.Helper()
	var out, errs bytes.Buffer
	code = Run(t.Context(), args, &Env{
		Stdin: strings.NewReader(in), Stdout: &out, Stderr: &errs, Now: func() time.Time { return time.Unix(1e9, 0) },
		Lookup: func(string) (string, bool) { return "", false },
	})
	if code != 0 {
		t.Logf("threatloop %s: %s", strings.Join(args, " "), errs.String())
	}
	return out.String(), code
}

// TestGenerateIsByteIdentical runs again and again: maps are walked in another order each time.
func TestGenerateIsByteIdentical(t *testing.T) {
	t.Parallel()
	data, err := os.ReadFile(filepath.Join("..", "interchange", "testdata", "hybrid.json"))
	if err != nil {
		t.Fatal(err)
	}
	for form, runs := range map[string]int{"--json": 20, "--yaml": 4} {
		first, code := run(t, string(data), "generate", form, "-")
		if code != 0 || len(first) < 1000 {
			t.Fatalf("generate %s = exit code %d, %d bytes", form, code, len(first))
		}
		for range runs - 1 {
			if again, _ := run(t, string(data), "generate", form, "-"); again != first {
				t.Fatalf("generate %s differs between two runs", form)
			}
		}
	}
}

// TestGenerateSamples generates from every public model and checks what must hold for each.
func TestGenerateSamples(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(sharedtest.Dir(t, "samples", "threat-dragon"), "*.json"))
	if err != nil || len(files) < 10 {
		t.Fatalf("samples: %d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			out, code := run(t, "", "generate", "--json", file)
			if code != 0 {
				t.Fatalf("exit code %d", code)
			}
			var g struct {
				Threats []struct {
					ID, Ref string
					Ratings struct{ Inherent, Verified, Current, Projected int }
					Reasons []struct{ Text string }
				}
				Weaknesses      []struct{ Reasons []struct{ Text string } }
				Countermeasures []struct{ Reasons []struct{ Text string } }
			}
			if err := json.Unmarshal([]byte(out), &g); err != nil {
				t.Fatal(err)
			}
			ruled := 0
			for i, th := range g.Threats {
				r := th.Ratings
				if r.Projected > r.Current || r.Current > r.Verified || r.Verified > r.Inherent || r.Inherent > 100 || r.Projected < 0 {
					t.Errorf("threat %s: ratings %+v are out of order", th.ID, r)
				}
				if i > 0 && g.Threats[i-1].ID >= th.ID {
					t.Errorf("threats are not sorted by id at %s", th.ID)
				}
				if len(th.Reasons) == 0 || th.Reasons[0].Text == "" {
					t.Errorf("threat %s has no reason", th.ID)
				}
				if !strings.HasPrefix(th.Ref, "threat-dragon/") {
					ruled++
				}
			}
			if ruled == 0 {
				t.Error("the library brings no threat")
			}
			for _, c := range g.Countermeasures {
				if len(c.Reasons) == 0 {
					t.Error("a countermeasure has no reason")
				}
			}
			for _, w := range g.Weaknesses {
				if len(w.Reasons) == 0 {
					t.Error("a weakness has no reason")
				}
			}
		})
	}
}
