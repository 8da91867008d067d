package reading_test

import (
	"strings"
	"testing"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/reading"
	"github.com/threatloop/threatloop/internal/model"
)

func TestKindOf(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]model.Kind{
		"Web Client": model.Actor, "generic-client": model.Actor, "android-device-client": model.Actor, "postgres client": model.Actor,
		"Customer database": model.Store, "S3": model.Store, "Amazon Simple Storage Service": model.Store, "SQL Server": model.Store, "database": model.Store,
		"User service": model.Process, "web-service": model.Process, "Customer Portal": model.Process, "API": model.Process,
		"Kinesis": "", "": "", "Ω": "",
	} {
		if got := reading.KindOf(text); got != want {
			t.Errorf("KindOf(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestCategory(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Spoofing": "stride:spoofing", " Denial Of Service ": "stride:denial-of-service", "information-disclosure": "stride:information-disclosure",
		"Elevation of Privileges": "stride:elevation-of-privilege", "Non-repudiation": "linddun:non-repudiation", "plot4ai:safety": "plot4ai:safety",
		"DenialOfService": "stride:denial-of-service", "elevationOfPrivilege": "stride:elevation-of-privilege",
		"Sorcery": "", "": "", "DoS 2": "",
	} {
		got, ok := reading.Category(text)
		if got != want || ok != (want != "") {
			t.Errorf("Category(%q) = %q, %v, want %q", text, got, ok, want)
		}
		if back, _ := reading.Category(reading.CategoryName(got)); back != got {
			t.Errorf("Category(CategoryName(%q)) = %q", got, back)
		}
	}
}

func TestCWENumber(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"CWE-79": 79, "cwe 89": 89, "287": 287, "CWE-": 0, "79 and more": 0, "": 0, "-5": 0, "123456": 0} {
		if got := reading.CWENumber(text); got != want {
			t.Errorf("CWENumber(%q) = %d, want %d", text, got, want)
		}
	}
}

func TestTitle(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"Sign it. Then send it.": "Sign it", "One line\nanother": "One line", "  ": "",
		strings.Repeat("word ", 30): strings.TrimSpace(strings.Repeat("word ", 16)) + "…",
	} {
		if got := reading.Title(text); got != want {
			t.Errorf("Title(%q) = %q, want %q", text, got, want)
		}
	}
}

func builder() *reading.Builder {
	b := reading.New(imported.OTM, "otm", imported.Options{})
	b.Product("p", "P")
	return b
}

func TestElementIDs(t *testing.T) {
	t.Parallel()
	ids := func() []model.ElementID {
		b := builder()
		return []model.ElementID{
			b.Element("component", "a", 1, ""), b.Element("component", "a", 2, ""), b.Element("component", "a", 3, ""),
			b.Element("component", "", 4, ""), b.Element("component", "product", 5, ""),
		}
	}
	first, second := ids(), ids()
	seen := map[model.ElementID]bool{}
	for i, id := range first {
		if seen[id] || id == model.AtProduct || id != second[i] {
			t.Errorf("id %d = %q, then %q; want one of its own, the same every time", i, id, second[i])
		}
		seen[id] = true
	}
	if first[0] != "a" {
		t.Errorf("the first id = %q, want the file's", first[0])
	}
}

func TestThreatTwice(t *testing.T) {
	t.Parallel()
	b := builder()
	x := b.Threat(model.Threat{Where: model.AtProduct, Status: model.Open}, "t")
	y := b.Threat(model.Threat{Where: model.AtProduct, Status: model.Open}, "t")
	if x == y || b.Model.Threats[1].Ref != "otm/t/2" {
		t.Errorf("ids %s, %s, ref %q, want two and otm/t/2", x, y, b.Model.Threats[1].Ref)
	}
	first := b.CWE(model.AtProduct, 79)
	if again := b.CWE(model.AtProduct, 79); first != again || len(b.Model.Weaknesses) != 1 {
		t.Errorf("weaknesses = %+v, want one", b.Model.Weaknesses)
	}
	b.FreeText(x, model.AtProduct, "t", "Lock it. Always.", model.Implemented)
	b.FreeText(x, model.AtProduct, "t", "Lock it. Always.", model.Implemented)
	if len(b.Model.Countermeasures) != 1 || len(b.Model.Links) != 1 || b.Model.Countermeasures[0].Title != "Lock it" {
		t.Errorf("countermeasures %+v, links %+v, want one of each", b.Model.Countermeasures, b.Model.Links)
	}
	if _, err := b.Finish(); err != nil {
		t.Errorf("Finish = %v", err)
	}
}

func TestTooMuchText(t *testing.T) {
	t.Parallel()
	b := builder()
	long := strings.Repeat("x", 1<<20)
	for range 70 {
		b.Threat(model.Threat{Where: model.AtProduct, Status: model.Open, Description: long}, "t")
	}
	if _, err := b.Finish(); !fault.Is(err, fault.TooLarge) {
		t.Errorf("Finish = %v, want too large: one long threat at many places", err)
	}
}

func TestUntrusted(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"Internet": true, "The public Internet": true, "Internet Trust Boundary": true, "untrusted": true, "internet-zone": true,
		"Internet-facing services": false, "Internal network": false, "Public": false, "DMZ to the Internet": false, "": false,
	} {
		if got := reading.Untrusted(name); got != want {
			t.Errorf("Untrusted(%q) = %t, want %t", name, got, want)
		}
	}
}

func TestLetters(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "", " ": "", "Not Applicable": "notapplicable", "N/A": "na", "42": "?", "открыто": "?"} {
		if got := reading.Letters(text); got != want {
			t.Errorf("Letters(%q) = %q, want %q", text, got, want)
		}
	}
}
