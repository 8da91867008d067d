package app

import (
	"testing"

	"github.com/threatloop/threatloop/internal/fault"
)

func TestLinksHaveVersions(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	m := d.model()
	l := m.Links[0]
	for _, x := range m.Links {
		if x.Countermeasure != "" {
			l = x
		}
	}
	version := func() int64 {
		t.Helper()
		tree, err := d.ThreatTree(d.ctx, d.admin, d.product, l.Threat)
		if err != nil {
			t.Fatal(err)
		}
		branches := tree.Countermeasures
		for _, w := range tree.Weaknesses {
			branches = append(branches, w.Countermeasures...)
		}
		for _, b := range branches {
			if b.ID == l.Countermeasure && b.Share == l.Share {
				return b.Link
			}
		}
		t.Fatalf("the tree of %s has no link with %s", l.Threat, l.Countermeasure)
		return 0
	}
	in := LinkInput{Threat: l.Threat, Weakness: l.Weakness, Countermeasure: l.Countermeasure, Share: 11, Version: version()}
	if _, err := d.SetLink(d.ctx, d.admin, d.product, in); err != nil {
		t.Fatalf("SetLink(at its version) = %v", err)
	}
	in.Share = 12
	if _, err := d.SetLink(d.ctx, d.admin, d.product, in); !fault.Is(err, fault.Stale) {
		t.Errorf("SetLink(at an older version) = %v, want it stale", err)
	}
	if _, err := d.RemoveLink(d.ctx, d.admin, d.product, in); !fault.Is(err, fault.Stale) {
		t.Errorf("RemoveLink(at an older version) = %v, want it stale", err)
	}
	l.Share, in.Version = 11, 0
	in.Version = version()
	if _, err := d.RemoveLink(d.ctx, d.admin, d.product, in); err != nil {
		t.Errorf("RemoveLink(at its version) = %v", err)
	}
}
