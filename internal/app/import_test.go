package app

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/threatloop/threatloop/internal/interchange/update"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/sharedtest"
)

// shopFile is a Threat Dragon file as that program writes it.
const shopFile = `{
  "version": "2.6.2",
  "summary": {
    "title": "Shop",
    "owner": "Ann",
    "id": 0,
    "ours": "kept"
  },
  "detail": {
    "contributors": [],
    "diagrams": [
      {
        "id": 0,
        "title": "Main",
        "diagramType": "STRIDE",
        "thumbnail": "",
        "version": "2.6.2",
        "cells": [
          {
            "id": "a",
            "shape": "actor",
            "zIndex": 1,
            "position": {
              "x": 10,
              "y": 80.0000000000004
            },
            "size": {
              "width": 100,
              "height": 60
            },
            "attrs": {
              "text": {
                "text": "Visitor"
              }
            },
            "data": {
              "type": "tm.Actor",
              "name": "Visitor",
              "threats": []
            }
          },
          {
            "id": "p",
            "shape": "process",
            "zIndex": 2,
            "position": {
              "x": 300,
              "y": 80
            },
            "size": {
              "width": 100,
              "height": 60
            },
            "attrs": {
              "text": {
                "text": "<Web> & shop"
              }
            },
            "data": {
              "type": "tm.Process",
              "name": "<Web> & shop",
              "threats": [
                {
                  "id": "t1",
                  "title": "Forged order",
                  "type": "Tampering",
                  "status": "Open",
                  "severity": "High",
                  "description": "",
                  "mitigation": "Sign it"
                },
                {
                  "id": "t2",
                  "title": "Read by others",
                  "type": "Information disclosure",
                  "status": "Open",
                  "severity": "Medium",
                  "description": "",
                  "mitigation": ""
                }
              ]
            }
          }
        ]
      }
    ],
    "diagramTop": 1,
    "reviewer": "",
    "threatTop": 0
  }
}`

// TestImportAgain follows a file through its versions.
func TestImportAgain(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	made, err := d.ImportProduct(d.ctx, d.admin, "shop.json", "", []byte(shopFile), false)
	if err != nil {
		t.Fatalf("ImportProduct = %v", err)
	}
	d.product = made.Product.ID
	export := func() []byte {
		t.Helper()
		f, err := d.ExportModel(d.ctx, d.admin, d.product, "threat-dragon")
		if err != nil || f.Name != "shop.json" || f.MediaType != "application/json" {
			t.Fatalf("ExportModel = %s, %s, %v, want shop.json", f.Name, f.MediaType, err)
		}
		return f.Data
	}
	if got := export(); string(got) != shopFile {
		t.Errorf("a file that nobody changed comes out as\n%s", got)
	}

	// A person renames a component without saying what the file said of it, and decides about a threat.
	m := d.model()
	web := m.Components[1]
	if _, err := d.PutElement(d.ctx, d.admin, d.product, KindComponents, "p", 0, []byte(`{"kind":"process","name":"Web","diagram":"0","type":"`+web.Type+`","box":{"x":300,"y":80,"w":100,"h":60,"z":2}}`)); err != nil {
		t.Fatalf("PutElement = %v", err)
	}
	var forged model.ThreatID
	for _, x := range m.Threats {
		if x.Title == "Forged order" {
			forged = x.ID
		}
	}
	if _, err := d.EditThreat(d.ctx, d.admin, d.product, forged, 0, ThreatEdit{Title: ptr("Faked order")}); err != nil {
		t.Fatalf("EditThreat = %v", err)
	}
	got := string(export())
	for _, want := range []string{`"text": "Web"`, `"name": "Web"`, `"title": "Faked order"`, `"y": 80.0000000000004`, `"ours": "kept"`, `"rating": {`, `"band": "high"`} {
		if !strings.Contains(got, want) {
			t.Errorf("the export lacks %s:\n%s", want, got)
		}
	}

	// The same file again: nothing but the differences that stay.
	same, err := d.Import(d.ctx, d.admin, d.product, 0, "shop.json", []byte(shopFile), false)
	if err != nil || same.Added+same.Changed+same.Removed != 0 || same.Conflicts != 0 || same.Source == "" {
		t.Errorf("the same file again = %+v, %v, want nothing", same, err)
	}

	// A newer one: a threat renamed there too, one gone, one new, the actor described.
	newer := strings.Replace(shopFile, `"title": "Forged order"`, `"title": "Forged orders"`, 1)
	newer = strings.Replace(newer, `"name": "Visitor"`, `"name": "Visitor",
              "description": "Anybody"`, 1)
	newer = strings.Replace(newer, `"id": "t2",
                  "title": "Read by others"`, `"id": "t3",
                  "title": "Orders vanish"`, 1)
	before := d.model()
	preview, err := d.Import(d.ctx, d.admin, d.product, 0, "shop-2.json", []byte(newer), true)
	if err != nil {
		t.Fatalf("Import(preview) = %v", err)
	}
	if len(d.model().Threats) != len(before.Threats) {
		t.Errorf("a preview stored something")
	}
	done, err := d.Import(d.ctx, d.admin, d.product, 0, "shop-2.json", []byte(newer), false)
	if err != nil {
		t.Fatalf("Import = %v", err)
	}
	for _, v := range []ImportView{preview, done} {
		if v.Added != 1 || v.Changed != 1 || v.Removed != 1 || v.Conflicts != 1 || v.Source != same.Source {
			t.Errorf("added %d, changed %d, removed %d, conflicts %d of %s, want 1 each of %s: %+v", v.Added, v.Changed, v.Removed, v.Conflicts, v.Source, same.Source, v.Items)
		}
	}
	for _, i := range done.Items {
		if i.Action == update.Keep && (i.ID != string(forged) || len(i.Fields) != 1 || string(i.Fields[0].Ours) != `"Faked order"`) {
			t.Errorf("kept = %+v, want the title that a person gave", i)
		}
	}
	now := map[string]bool{}
	for _, x := range d.model().Threats {
		now[x.Title] = x.Retired == nil
	}
	if !now["Faked order"] || now["Read by others"] || !now["Orders vanish"] || now["Forged orders"] {
		t.Errorf("threats = %v", now)
	}

	// The file is there as it was given, one for both versions.
	list, err := d.Sources(d.ctx, d.admin, d.product)
	if err != nil || len(list) != 1 || list[0].Name != "shop-2.json" {
		t.Fatalf("Sources = %+v, %v, want the newer one alone", list, err)
	}
	f, err := d.SourceFile(d.ctx, d.admin, d.product, list[0].ID)
	if err != nil || !bytes.Equal(f.Data, []byte(newer)) {
		t.Errorf("SourceFile = %d bytes, %v, want the file as given", len(f.Data), err)
	}
	// What we export is a version of the same file: it comes back without a difference.
	back, err := d.Import(d.ctx, d.admin, d.product, 0, "shop.json", export(), true)
	if err != nil || back.Added+back.Changed+back.Removed+back.Conflicts != 0 {
		t.Errorf("our own export again = %+v, %v, want nothing", back, err)
	}
}

// TestImportSamplesAgain: no real file doubles anything when it comes twice, and comes out as it was.
func TestImportSamplesAgain(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(sharedtest.Dir(t, "samples", "threat-dragon"), "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	d := newDesk(t)
	for _, path := range files {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		made, err := d.ImportProduct(d.ctx, d.admin, filepath.Base(path), "", data, false)
		if err != nil {
			t.Fatalf("ImportProduct(%s) = %v", path, err)
		}
		again, err := d.Import(d.ctx, d.admin, made.Product.ID, 0, "x.json", data, false)
		if err != nil || again.Added+again.Changed+again.Removed+again.Conflicts+again.Kept != 0 {
			t.Errorf("%s again: %d added, %d changed, %d removed, %d kept, %v", path, again.Added, again.Changed, again.Removed, again.Kept, err)
		}
		out, err := d.ExportModel(d.ctx, d.admin, made.Product.ID, "threat-dragon")
		if err != nil {
			t.Fatalf("ExportModel = %v", err)
		}
		if strings.HasPrefix(filepath.Base(path), "v2") && !bytes.Equal(out.Data, data) {
			t.Errorf("%s comes out changed", path)
		}
		// Version 1 as version 2, as Threat Dragon would open it next.
		next, err := d.Import(d.ctx, d.admin, made.Product.ID, 0, "x.json", out.Data, true)
		if err != nil || next.Added+next.Changed+next.Removed != 0 {
			t.Errorf("%s as written by us: %d added, %d changed, %d removed, %v: %+v", path, next.Added, next.Changed, next.Removed, err, next.Items)
		}
	}
}
