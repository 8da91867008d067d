package interchange_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/sharedtest"
)

// zipped packs files, given as name and content.
func zipped(t *testing.T, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		f, err := w.Create(files[i])
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.Write([]byte(files[i+1])); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// utf16Of is the text in UTF-16, with the mark unless it is to be told without.
func utf16Of(text []byte, order binary.AppendByteOrder, mark bool) []byte {
	var out []byte
	if mark {
		out = order.AppendUint16(out, 0xfeff)
	}
	for _, c := range utf16.Encode([]rune(string(text))) {
		out = order.AppendUint16(out, c)
	}
	return out
}

// TestEncodings reads one file of every kind as other programs save it.
func TestEncodings(t *testing.T) {
	t.Parallel()
	shared := sharedtest.Dir(t, "samples")
	bom := []byte("\xef\xbb\xbf")
	for path, format := range map[string]imported.Format{
		shared + "/threat-dragon/v2-demo.json":                          imported.ThreatDragon2,
		shared + "/threat-dragon/v1-demo.json":                          imported.ThreatDragon1,
		shared + "/otm/otm-spec-example.json":                           imported.OTM,
		shared + "/otm/otm-spec-example.yaml":                           imported.OTM,
		shared + "/threagile/enduro.threagile.yaml":                     imported.Threagile,
		shared + "/tm7/threatforge-tmt-4.3-sample.tm7":                  imported.TM7,
		"cyclonedx/testdata/services.json":                              imported.TMBOM,
		"cyclonedx/testdata/services.xml":                               imported.TMBOM,
		"cyclonedx/testdata/library.json":                               imported.TMBOM,
		shared + "/iriusrisk-library/template-SaaS_Application_AWS.xml": imported.IriusRisk,
	} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			data := bytes.TrimPrefix(file(t, path), bom)
			want := read(t, data)
			for name, saved := range map[string][]byte{
				"UTF-8 with mark": append(bytes.Clone(bom), data...), "zip": zipped(t, "a/readme.txt", "Just words: none.", "a/model", string(data)),
				"UTF-16LE": utf16Of(data, binary.LittleEndian, true), "UTF-16BE": utf16Of(data, binary.BigEndian, true),
				"zip of UTF-16": zipped(t, "m", string(utf16Of(data, binary.LittleEndian, true))),
			} {
				if name == "zip of UTF-16" && format == imported.Threagile {
					continue // a Threagile archive is a folder of YAML files
				}
				i, err := interchange.Read(saved, interchange.Options{})
				if err != nil {
					t.Errorf("Read(%s) = %v", name, err)
					continue
				}
				if i.Format != format || i.Counts != want.Counts {
					t.Errorf("Read(%s) = %s %+v, want %s %+v", name, i.Format, i.Counts, format, want.Counts)
				}
			}
			if c := data[0]; c == '<' || c == '{' {
				if i, err := interchange.Read(utf16Of(data, binary.LittleEndian, false), interchange.Options{}); err != nil || i.Format != format {
					t.Errorf("Read(UTF-16 without mark) = %v", err)
				}
			}
		})
	}
}

func TestArchives(t *testing.T) {
	t.Parallel()
	model := "threatloop: 1\nproduct: {id: p, name: Shop}\n"
	for name, c := range map[string]struct {
		data []byte
		kind fault.Kind
		text string
	}{
		"two models":       {zipped(t, "a.yaml", model, "b.yaml", model), fault.Invalid, "2 models"},
		"none":             {zipped(t, "a.txt", "words", "b.txt", "more: words"), fault.Unsupported, "no threat model"},
		"empty":            {zipped(t), fault.Unsupported, "no threat model"},
		"broken model":     {zipped(t, "a.json", `{"summary": `), fault.Invalid, "cannot be read"},
		"archive inside":   {zipped(t, "a.zip", string(zipped(t, "a.yaml", model))), fault.Unsupported, "no threat model"},
		"broken":           {zipped(t, "a.yaml", model)[:60], fault.Invalid, "zip archive"},
		"too large inside": {zipped(t, "a.yaml", strings.Repeat(" ", imported.MaxBytes+1)), fault.TooLarge, "unpacked"},
		"too large in sum": {zipped(t, "a", strings.Repeat(" ", imported.MaxBytes/2), "b", strings.Repeat(" ", imported.MaxBytes/2), "c", "12"), fault.TooLarge, "unpacked"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := interchange.Read(c.data, interchange.Options{})
			if !fault.Is(err, c.kind) || !strings.Contains(err.Error(), c.text) {
				t.Errorf("Read = %v, want %s with %q", err, c.kind, c.text)
			}
		})
	}
	i, err := interchange.Read(zipped(t, "__MACOSX/._a.yaml", model, ".b.yaml", model, "x/a.yaml", model), interchange.Options{})
	if err != nil || i.Model.Product.Name != "Shop" {
		t.Errorf("Read of an archive made on a Mac = %v", err)
	}
}
