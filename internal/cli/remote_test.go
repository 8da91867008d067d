package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/risk"
)

func TestMaxRating(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"": 100, "low": 24, "medium": 49, "high": 74, "0": 0, "60": 60, "100": 100} {
		if got, err := maxRating(text); err != nil || got != want {
			t.Errorf("maxRating(%q) = %d, %v, want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"critical", "-1", "101", "many", "5.5"} {
		if got, err := maxRating(text); err == nil || report(&bytes.Buffer{}, err) != exitUsage {
			t.Errorf("maxRating(%q) = %d, %v, want a usage error", text, got, err)
		}
	}
}

func TestAboveNamesTheWorstFirstAndOnlyOpenOnes(t *testing.T) {
	t.Parallel()
	rated := func(title string, current int, s risk.Standing) ratedThreat {
		return ratedThreat{Title: title, WhereName: "API", Rating: risk.Rating{Figures: risk.Figures{Current: current}, Standing: s}}
	}
	list := []ratedThreat{rated("b", 50, risk.StandsOpen), rated("a", 80, risk.StandsCarried), rated("c", 90, risk.StandsOpen), rated("d", 49, risk.StandsOpen)}
	got := above(list, func(r risk.Rating) int { return r.Current }, 49, "current")
	want := "current 90 is above 49: c (API)\ncurrent 50 is above 49: b (API)"
	if strings.Join(got, "\n") != want {
		t.Errorf("above() =\n%s\nwant\n%s", strings.Join(got, "\n"), want)
	}
	for range 20 {
		list = append(list, rated("more", 60, risk.StandsOpen))
	}
	if got := above(list, func(r risk.Rating) int { return r.Current }, 49, "current"); len(got) != shownItems+1 || got[shownItems] != "and 12 more" {
		t.Errorf("above() of 22 ends with %q after %d lines, want the number of those left out", got[len(got)-1], len(got))
	}
}

func TestBar(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	clock := time.Unix(0, 0)
	b := &bar{w: &out, name: "report.xml", total: 4 << 20, now: func() time.Time { return clock }}
	tell := b.progress()
	tell(1 << 20)
	if got := out.String(); !strings.Contains(got, "report.xml  [=======                       ]  25 %  1.0 MiB of 4.0 MiB") {
		t.Errorf("the bar shows %q, want a quarter", got)
	}
	drawn := out.Len()
	clock = clock.Add(50 * time.Millisecond)
	if tell(2 << 20); out.Len() != drawn {
		t.Errorf("the bar was drawn again after 50 ms: %q", out.String()[drawn:])
	}
	if tell(4 << 20); !strings.Contains(out.String()[drawn:], "100 %  4.0 MiB of 4.0 MiB, reading") {
		t.Errorf("the bar shows %q at its end", out.String()[drawn:])
	}
	if b.end(); !strings.HasSuffix(out.String(), " \r") {
		t.Errorf("the bar was not taken off: %q", out.String())
	}
	var none *bar
	if none.progress() != nil {
		t.Error("no bar wants to know the progress")
	}
	none.end()
}
