package result

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/threatloop/threatloop/internal/fault"
	"pgregory.net/rapid"
)

func TestClean(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"  a b \n": "a b", "a\x00\x1b[31mb\r\n\tc": "a[31mb\n\tc", "\xffé": "\ufffdé", "safe\u202eexe.txt": "safeexe.txt", "": "",
	} {
		if got := Clean(in, 100); got != want {
			t.Errorf("Clean(%q) = %q, want %q", in, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		in, n := rapid.String().Draw(t, "in"), rapid.IntRange(8, 40).Draw(t, "n")
		got := Clean(in, n)
		if len(got) > n || !utf8.ValidString(got) || Clean(got, n) != got {
			t.Fatalf("Clean(%q, %d) = %q of %d bytes, then %q", in, n, got, len(got), Clean(got, n))
		}
	})
}

func TestRefs(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string]string{
		"@threatloop:CM-12": "CM-12", "@iriusrisk-cwe-89": "cwe-89", "@iriusrisk-cwe-693-clickjack": "cwe-693-clickjack", "@cwe-89": "cwe-89",
		"@iriusriskcwe-942-cors_allowed": "cwe-942-cors_allowed", "@iriusrisk-ssl_heartbleed": "ssl_heartbleed", "@id-scan_sql": "scan_sql", "@slow": "", "@iriusrisk-": "",
	} {
		if got := RefOfTag(tag); got != want {
			t.Errorf("RefOfTag(%q) = %q, want %q", tag, got, want)
		}
	}
	if got := RefsInName("mail a@cwe-9.example, then @threatloop:A-1 (@cwe-89)"); !cmp.Equal(got, []string{"A-1", "cwe-89"}) {
		t.Errorf("RefsInName = %q, want A-1 and cwe-89", got)
	}
}

// The table of repeats is exact up to its bound and never grows beyond it.
func TestOccurrences(t *testing.T) {
	t.Parallel()
	var o occurrences
	for round := 1; round <= 2; round++ {
		for i := range maxKeys {
			if n, known := o.next(fmt.Sprint("key ", i)); n != round || !known {
				t.Fatalf("occurrence of key %d in round %d = %d, known %v", i, round, n, known)
			}
		}
	}
	for range 2 {
		if n, known := o.next("one too many"); n != 1 || known {
			t.Errorf("a key beyond the bound = %d, known %v, want 1, unknown", n, known)
		}
	}
	if len(o.slots) != maxSlots {
		t.Errorf("the table has %d slots, want %d", len(o.slots), maxSlots)
	}
}

func TestEmit(t *testing.T) {
	t.Parallel()
	var got []Result
	run := NewRun(context.Background(), 3, func(r Result) error {
		got = append(got, r)
		return nil
	})
	long := strings.Repeat("é", MaxDetail)
	for range 2 {
		if err := run.Emit(Result{Key: "k", Name: "n", Verdict: Fail, Suppressed: true, Detail: long, CWEs: []int{89, 79, 89}, Tags: []string{"a", "", "a"}, Score: 11}); err != nil {
			t.Fatal(err)
		}
	}
	if err := run.Emit(Result{Key: "other", Verdict: "odd"}); err != nil {
		t.Fatal(err)
	}
	if err := run.Emit(Result{}); !fault.Is(err, fault.TooLarge) {
		t.Errorf("a fourth of three results = %v, want too_large", err)
	}
	first := got[0]
	if first.ID != "n" || len(first.Detail) > MaxDetail || !cmp.Equal(first.CWEs, []int{79, 89}) || !cmp.Equal(first.Tags, []string{"a"}) || first.Score != 10 || got[1].Key != "k-2" {
		t.Errorf("Emit passes on %+v and key %s, want bounded, sorted, unique", first, got[1].Key)
	}
	if want := (Counts{Fail: 2, NotRun: 1}); run.Summary.Counts != want || run.Summary.Suppressed != 2 {
		t.Errorf("summary %+v, want counts %+v and 2 suppressed", run.Summary, want)
	}
}
