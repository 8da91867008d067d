package threatdragon

import "testing"

func TestCategory(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, threat, diagram, want string }{
		{"Tampering", "STRIDE", "", "stride:tampering"},
		{"Information Disclosure", "", "STRIDE", "stride:information-disclosure"},
		{"信息泄露", "LINDDUN", "STRIDE", "linddun:data-disclosure"},
		{"信息泄露", "", "STRIDE", "stride:information-disclosure"},
		{"Παραποίηση (Tampering)", "", "", "stride:tampering"},
		{"Αναβάθμιση προνομίων (Elevation of Priviledge)", "", "", "stride:elevation-of-privilege"},
		{"Spoofing التزييف", "", "STRIDE", "stride:spoofing"},
		{"Divulgação de informações", "", "LINDDUN", "linddun:data-disclosure"},
		{"Négation", "", "STRIDE", ""},
		{"सुरक्षा", "PLOT4ai", "", "plot4ai:security"},
		{"Kerahasiaan", "CIADIE", "", "cia:confidentiality"},
		{"不可变性", "", "CIA-DIE", "die:immutable"},
		{"", "STRIDE", "STRIDE", ""},
	} {
		if got, _ := category(c.text, c.threat, c.diagram); got != c.want {
			t.Errorf("category(%q, %q, %q) = %q, want %q", c.text, c.threat, c.diagram, got, c.want)
		}
	}
}
