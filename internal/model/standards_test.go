package model_test

import (
	"strings"
	"testing"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/model"
)

func TestParseStandard(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		text, ref string
		level     int
		ok        bool
	}{
		{"asvs-5.0", "asvs-5.0", 0, true},
		{"asvs-5.0:2", "asvs-5.0", 2, true},
		{"cis", "cis", 0, true},
		{"", "", 0, false},
		{":1", "", 0, false},
		{"asvs:0", "", 0, false},
		{"asvs:10", "", 0, false},
		{"asvs:", "", 0, false},
		{"ASVS", "", 0, false},
		{"5", "", 0, false},
		{"as vs", "", 0, false},
		{strings.Repeat("a", 101), "", 0, false},
	} {
		ref, level, ok := model.ParseStandard(tc.text)
		if ref != tc.ref || level != tc.level || ok != tc.ok {
			t.Errorf("ParseStandard(%q) = %q, %d, %t, want %q, %d, %t", tc.text, ref, level, ok, tc.ref, tc.level, tc.ok)
		}
	}
}

func TestValidateRefusesStandards(t *testing.T) {
	t.Parallel()
	err := model.Validate(&model.Model{Product: model.Product{ID: "p", Standards: []string{"asvs-5.0:2", "asvs-5.0", "NIST", "masvs-2"}}})
	f := fault.As(err)
	if f == nil || len(f.Fields) != 2 || !strings.Contains(f.Fields[0].Text, `"asvs-5.0" is applied twice`) || !strings.Contains(f.Fields[1].Text, `"NIST" is not of the form`) {
		t.Errorf("Validate = %v, want asvs-5.0 twice and NIST refused", err)
	}
}
