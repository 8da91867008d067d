//go:build ignore

// Command cwe derives the compact CWE table of internal/evidence/cwe from
// MITRE's complete catalogue in XML.
//
//	npm pack cwe-sdk@1.1.19 && tar xzf cwe-sdk-1.1.19.tgz
//	go run tools/cwe/main.go -xml package/raw/cwe-archive.xml > internal/evidence/cwe/cwe.txt
//
// Any catalogue of schema 6 or 7 will do, such as a newer cwec_vN.xml.
package main

import (
	"bufio"
	"encoding/xml"
	"flag"
	"fmt"
	"log"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

type catalogue struct {
	Version    string     `xml:"Version,attr"`
	Date       string     `xml:"Date,attr"`
	Weaknesses []weakness `xml:"Weaknesses>Weakness"`
	Categories []group    `xml:"Categories>Category"`
	Views      []group    `xml:"Views>View"`
}

type weakness struct {
	ID          int    `xml:"ID,attr"`
	Name        string `xml:"Name,attr"`
	Abstraction string `xml:"Abstraction,attr"`
	Status      string `xml:"Status,attr"`
	Description string `xml:"Description"`
	Usage       string `xml:"Mapping_Notes>Usage"`
	Related     []struct {
		Nature string `xml:"Nature,attr"`
		CWE    int    `xml:"CWE_ID,attr"`
		View   int    `xml:"View_ID,attr"`
	} `xml:"Related_Weaknesses>Related_Weakness"`
}

type group struct {
	ID      int    `xml:"ID,attr"`
	Name    string `xml:"Name,attr"`
	Status  string `xml:"Status,attr"`
	Members []struct {
		CWE int `xml:"CWE_ID,attr"`
	} `xml:"Relationships>Has_Member"`
}

// researchView is CWE's Research Concepts view, whose ChildOf edges are the tree.
const researchView = 1000

var idInText = regexp.MustCompile(`CWE-([0-9]+)`)

const head = `# Weaknesses of the Common Weakness Enumeration (CWE), version %s of %s, in short:
# identifiers, names and relations only. CWE is Copyright (c) 2006-2024, The MITRE
# Corporation. CWE and the CWE logo are trademarks of The MITRE Corporation. Used under
# the terms of use at https://cwe.mitre.org/about/termsofuse.html, which grant a licence
# to use, reproduce and modify CWE for any purpose, provided this notice is kept.
# Derived by tools/cwe; do not edit.
#
# V id name
# C id status members name
# W id abstraction usage parents-in-view-1000 replaced-by name
# abstraction: P pillar, C class, B base, V variant, X compound; usage: A allowed, R allowed
# with review, D discouraged, P prohibited; "-" is an empty list.
`

func main() {
	log.SetFlags(0)
	path := flag.String("xml", "", "MITRE's catalogue, for instance cwec_v4.15.xml")
	flag.Parse()
	raw, err := os.ReadFile(*path)
	if err != nil {
		log.Fatal(err)
	}
	var c catalogue
	if err := xml.Unmarshal(raw, &c); err != nil {
		log.Fatalf("read %s: %v", *path, err)
	}
	if len(c.Weaknesses) == 0 {
		log.Fatalf("read %s: no weakness in it", *path)
	}
	w := bufio.NewWriter(os.Stdout)
	fmt.Fprintf(w, head, c.Version, c.Date)
	fmt.Fprintf(w, "VERSION\t%s\t%s\n", c.Version, c.Date)
	slices.SortFunc(c.Views, func(a, b group) int { return a.ID - b.ID })
	for _, v := range c.Views {
		fmt.Fprintf(w, "V\t%d\t%s\n", v.ID, line(v.Name))
	}
	slices.SortFunc(c.Categories, func(a, b group) int { return a.ID - b.ID })
	for _, g := range c.Categories {
		members := make([]int, 0, len(g.Members))
		for _, m := range g.Members {
			members = append(members, m.CWE)
		}
		fmt.Fprintf(w, "C\t%d\t%s\t%s\t%s\n", g.ID, g.Status, list(members), line(g.Name))
	}
	slices.SortFunc(c.Weaknesses, func(a, b weakness) int { return a.ID - b.ID })
	for _, x := range c.Weaknesses {
		var parents, replaced []int
		for _, r := range x.Related {
			if r.Nature == "ChildOf" && r.View == researchView {
				parents = append(parents, r.CWE)
			}
		}
		if x.Status == "Deprecated" {
			for _, m := range idInText.FindAllStringSubmatch(x.Description, -1) {
				if id, _ := strconv.Atoi(m[1]); id != x.ID {
					replaced = append(replaced, id)
				}
			}
		}
		fmt.Fprintf(w, "W\t%d\t%s\t%s\t%s\t%s\t%s\n", x.ID, abstraction(x.Abstraction), usage(x.Usage), list(parents), list(replaced), line(x.Name))
	}
	if err := w.Flush(); err != nil {
		log.Fatal(err)
	}
}

func abstraction(s string) string {
	if s == "Compound" {
		return "X"
	}
	return s[:1]
}

func usage(s string) string {
	switch s {
	case "Allowed":
		return "A"
	case "Allowed-with-Review":
		return "R"
	case "Discouraged":
		return "D"
	case "Prohibited":
		return "P"
	}
	log.Fatalf("mapping usage %q is not known", s)
	return ""
}

func line(s string) string { return strings.Join(strings.Fields(s), " ") }

func list(ids []int) string {
	if len(ids) == 0 {
		return "-"
	}
	slices.Sort(ids)
	var b strings.Builder
	for i, id := range slices.Compact(ids) {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(id))
	}
	return b.String()
}
