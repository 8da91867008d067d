package interchange_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/interchange"
	"github.com/threatloop/threatloop/internal/interchange/imported"
)

// TestThreatDragonMisshapen checks a file whose values are of other forms than
// they must be: what can be read is, each of them is noted, and all come out as they were.
func TestThreatDragonMisshapen(t *testing.T) {
	t.Parallel()
	data := file(t, "testdata/misshapen.json")
	got := read(t, data)
	if got.Counts.Actor != 1 || got.Counts.Process != 1 || got.Counts.Store != 1 || got.Counts.Boundary != 1 || got.Counts.Threats != 1 || got.Counts.Diagrams != 2 {
		t.Errorf("counts = %+v, want an actor, a process, a store, a boundary and a threat in 2 diagrams", got.Counts)
	}
	if z := got.Model.Zones[0]; z.Trust != 0 || !z.Guess {
		t.Errorf("trust of the zone %q = %d, guess %v, want 0, a guess", z.Name, z.Trust, z.Guess)
	}
	var notes []string
	for _, n := range got.Notes {
		notes = append(notes, fmt.Sprintf("%s %s: %s", n.Level, n.Where, n.Text))
	}
	all := strings.Join(notes, "\n")
	for _, want := range []string{
		"refused diagram 0: title is not a text",
		"refused element a (Guest): threats is not a list",
		"refused element p (Desk): description is not a text",
		"refused element p (Desk): mitigation is not a text",
		"refused element s (Store): data is not an object",
		"refused diagram 1: cells is not a list",
		"guess file: the model has no title",
		`0 of 100 is set, for its name`,
	} {
		if !strings.Contains(all, want) {
			t.Errorf("no note %q in\n%s", want, all)
		}
	}
	out, _, err := interchange.WriteAs("threat-dragon", got.Model, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := generic(t, data)
	want["summary"] = map[string]any{} // without one Threat Dragon does not open it
	if diff := cmp.Diff(want, generic(t, out)); diff != "" {
		t.Errorf("written file (-as it was +as it is):\n%s", diff)
	}
}

// TestKeysGivenAgain: of a key that JSON gives twice the last counts, which is said once, with its place.
func TestKeysGivenAgain(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"threat dragon": "{\"summary\":{\"title\":\"Old\",\n\"title\":\"New\"},\"detail\":{\"diagrams\":[]}}",
		"pytm":          "{\"name\":\"Old\",\n\"name\":\"New\",\"elements\":[{\"__class__\":\"Server\",\"name\":\"Web\"}],\"flows\":[],\"boundaries\":[]}",
		"otm":           "{\"otmVersion\":\"0.2.0\",\"project\":{\"id\":\"p\",\"name\":\"Old\",\n\"name\":\"New\"}}",
		"cyclonedx":     "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"metadata\":{\"component\":{\"name\":\"Old\",\n\"name\":\"New\"}},\"services\":[{\"name\":\"Web\",\"bom-ref\":\"w\"}]}",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := interchange.ReadAs("", []byte(text), interchange.Options{Name: "in"})
			if err != nil {
				t.Fatal(err)
			}
			if same, err := interchange.Read([]byte(text), interchange.Options{Name: "in"}); err != nil || !cmp.Equal(got.Notes, same.Notes) {
				t.Errorf("Read notes %+v (%v), ReadAs %+v", same.Notes, err, got.Notes)
			}
			if got.Model.Product.Name != "New" {
				t.Errorf("the product is %q, want the last name", got.Model.Product.Name)
			}
			said := 0
			for _, n := range got.Notes {
				if strings.HasPrefix(n.At, "in:2:") && n.Level == imported.Refused && strings.Contains(n.Text, `the key "name" is given twice`) || strings.Contains(n.Text, `the key "title" is given twice`) {
					said++
				}
			}
			if said != 1 {
				t.Errorf("said %d times, want once, of line 2: %+v", said, got.Notes)
			}
		})
	}
}

// TestThreatDragonNumbers: a place that is no number that can be drawn is noted and kept.
func TestThreatDragonNumbers(t *testing.T) {
	t.Parallel()
	got := read(t, []byte(`{"version": "2.0", "summary": {"title": "T"}, "detail": {"diagrams": [{"id": 0, "title": "D", "diagramType": "STRIDE", "cells": [
{"id": "a", "shape": "process", "position": {"x": 1e999, "y": "12"}, "size": {"width": "wide", "height": 80}, "data": {"type": "tm.Process", "name": "A"}}]}]}}`))
	var notes []string
	for _, n := range got.Notes {
		if n.Level == imported.Refused {
			notes = append(notes, n.Text)
		}
	}
	if diff := cmp.Diff([]string{
		"x is not a number; it is kept in the file and nothing of it is in the model",
		"width is not a number; it is kept in the file and nothing of it is in the model",
	}, notes); diff != "" {
		t.Errorf("notes (-want +got):\n%s", diff)
	}
	out, _, err := interchange.WriteAs("threat-dragon", got.Model, nil)
	if err != nil || !strings.Contains(string(out), "1e999") || !strings.Contains(string(out), `"wide"`) {
		t.Errorf("Write = %s, %v, want both as they were", out, err)
	}
}

// generic is a JSON object without the order of its keys, its blanks and what is ours in it.
func generic(t *testing.T, data []byte) map[string]any {
	t.Helper()
	var v map[string]any
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(&v); err != nil {
		t.Fatal(err)
	}
	delete(v, "threatloop") // the product's id
	return v
}

// TestStrangers checks that a file that is refused is named where it can be.
func TestStrangers(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"version": "2.1.3", "summary": {"title": "A"}, "details": {"diagrams": [], "diagramTop": 1}}`:      "Threat Dragon model without the object detail",
		`[{"Element": "TM", "name": "tm"}, {"Element": "Widget", "name": "A", "inBoundary": {"$ref": "b"}}]`: "OWASP pytm in another form",
		"#!/usr/bin/env python3\nfrom pytm import TM, Actor\ntm = TM(\"x\")\n\tuser: [":                      "run it with --json (tm.py --json model.json)",
		`{{"name":"{tm.name}", "potential threats": [{findings:repeat:`:                                      "a template for reports of OWASP pytm",
		`{"schema": 1, "applicationInfo": {"name": "Bot"}, "threats": [{"statement": "A user can"}]}`:        "a workspace of AWS Threat Composer",
		`[{"SID": "INP01", "target": ["Process"], "Likelihood Of Attack": "High"}]`:                          "a library of threats of OWASP pytm",
		`{"name": "a", "potential threats": [{"name": "INP03"}]}`:                                            "a report of OWASP pytm",
		`<KnowledgeBase xmlns:xsd="http://www.w3.org/2001/XMLSchema"><Manifest/></KnowledgeBase>`:            "a template of the Microsoft Threat Modeling Tool",
		`<mxlibrary>[{"xml": "", "w": 80, "h": 80}]</mxlibrary>`:                                             "a draw.io library of shapes",
		`{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": []}`:                                 "a CycloneDX document without services",
	} {
		_, err := interchange.Read([]byte(text), interchange.Options{})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Read(%.60s) = %v, want a refusal with %q", text, err, want)
		}
	}
}

// TestOtherVersions checks that a file of a version that is not known opens with
// a note, or is refused with the line.
func TestOtherVersions(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`{"version": "3.1.0", "summary": {"title": "A"}, "detail": {"diagrams": [], "diagramTop": 0}}`:                            "info file:1:13 the file has the version 3.1.0; 1 and 2 are known",
		`{"version": "2.9", "summary": {"title": "A"}, "detail": {"diagrams": [], "diagramTop": 0}}`:                              "",
		"threagile_version: 2.0.0\ntitle: A\ntechnical_assets: {}\n":                                                              "info file:1:20 the file has the version 2.0.0; 0.9 and 1.0 are known",
		`{"bomFormat": "CycloneDX", "specVersion": "3.0", "metadata": {"component": {"name": "A"}}, "services": [{"name": "s"}]}`: "info file:1:43 the file has the version 3.0; 1 and 2 are known",
	} {
		got, err := interchange.Read([]byte(text), interchange.Options{})
		if err != nil {
			t.Errorf("Read(%.40s) = %v", text, err)
			continue
		}
		note := ""
		for _, n := range got.Notes {
			if strings.Contains(n.Text, "the version") {
				note = fmt.Sprintf("%s %s %s", n.Level, n.At, n.Text)
			}
		}
		if note != want {
			t.Errorf("Read(%.40s) notes %q, want %q", text, note, want)
		}
	}
	for text, want := range map[string]string{
		"otmVersion: 0.3.0\nproject: {id: a, name: A}\n":                          `file:1:13: otmVersion is "0.3.0"`,
		"# first\n---\notmVersion: 0.2.0\nproject: {id: a, name: A}\n---\nx: 1\n": "file:5:1: a second YAML document begins here",
	} {
		if _, err := interchange.Read([]byte(text), interchange.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Read(%.40s) = %v, want a refusal with %q", text, err, want)
		}
	}
}

// TestThreatDragonFlatPlaces checks cells that have their place on themselves: it
// is read, left as it is, and written where it stood.
func TestThreatDragonFlatPlaces(t *testing.T) {
	t.Parallel()
	data := []byte(`{"version": "2.2.0", "summary": {"title": "A"}, "detail": {"diagrams": [{"id": 0, "title": "d", "diagramType": "STRIDE", "cells": [
{"shape": "trust-boundary-box", "id": "z", "x": 0, "y": 0, "width": 300, "height": 200, "data": {"type": "tm.BoundaryBox", "name": "In"}},
{"shape": "process", "id": "p", "x": 20, "y": 30, "width": 100, "height": 60, "label": "API", "data": {"type": "tm.Process"}}]}]}}`)
	got := read(t, data)
	c := &got.Model.Components[0]
	if c.Name != "API" || c.Zone != "z" || c.Box == nil || c.Box.X != 20 || c.Box.W != 100 {
		t.Fatalf("component = %+v, want API in z at 20", c)
	}
	out, _, err := interchange.WriteAs("threat-dragon", got.Model, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := generic(t, data)
	if diff := cmp.Diff(want, generic(t, out)); diff != "" {
		t.Errorf("written file (-as it was +as it is):\n%s", diff)
	}
	c.Box.X = 50
	if out, _, err = interchange.WriteAs("threat-dragon", got.Model, nil); err != nil {
		t.Fatal(err)
	}
	if again := read(t, out); again.Model.Components[0].Box.X != 50 || bytes.Contains(out, []byte(`"position"`)) {
		t.Errorf("after moving it = %s, want x 50 on the cell", out)
	}
}
