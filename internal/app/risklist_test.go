package app

import (
	"testing"

	"github.com/threatloop/threatloop/internal/fault"
)

// TestListByTakes reads countermeasures by what they take off, in small pages:
// each comes once, and none before one that takes more.
func TestListByTakes(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	f := RiskFilter{Sort: "-takes", Brief: true, Limit: 7}
	seen, last := map[string]bool{}, -1
	for {
		page, err := d.Countermeasures(d.ctx, d.admin, d.product, f)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range page.Items {
			if seen[string(c.ID)] {
				t.Errorf("%s came twice", c.ID)
			}
			if last >= 0 && c.Takes > last {
				t.Errorf("%s takes %d and comes after one that takes %d", c.ID, c.Takes, last)
			}
			seen[string(c.ID)], last = true, c.Takes
		}
		if f.Cursor = page.Next; f.Cursor == "" {
			break
		}
	}
	if want := len(d.model().Countermeasures); len(seen) != want {
		t.Errorf("%d countermeasures in pages, want %d", len(seen), want)
	}
	if _, err := d.Threats(d.ctx, d.admin, d.product, RiskFilter{Sort: "takes"}); fault.KindOf(err) != fault.Invalid {
		t.Errorf("Threats by takes = %v, want it refused", err)
	}
}
