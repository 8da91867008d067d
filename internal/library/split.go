package library

import (
	"strings"
)

// EntryHead is the kind of a library's head where it stands among entries; its ref is HeadRef.
const (
	EntryHead = "head"
	HeadRef   = "library"
)

// Piece is one entry of a file as a text that is a file of its own.
type Piece struct {
	Kind    string // EntryHead, EntryType, ...
	Ref     string // "" where the text does not say
	Title   string // name or title; "" where the text does not say
	Text    string
	Removed bool // takes an entry of an earlier layer out
	At      Position
}

// Split takes a file of a library apart into its entries, in their order. It reads
// no more than YAML and the keys that say what an entry is: what is wrong
// with an entry otherwise, Load says. The error is a fault.Invalid (code
// library.invalid) where the file is no YAML or no part of a library.
func Split(file, content string) ([]Piece, error) {
	return parseFile(Files{file: content}, file).split(file)
}

// Split takes one of the parsed files apart, as the function of that name does.
func (p *Parsed) Split(file string) ([]Piece, error) {
	f := p.files[file]
	if f == nil {
		f = parseFile(p.FS, file)
	}
	return f.split(file)
}

func (f *parsedFile) split(file string) ([]Piece, error) {
	p := &problems{}
	d, body := f.document("", file, p)
	content := strings.Join(f.lines, "\n")
	if body == nil {
		return nil, p.err()
	}
	list, ok := d.entries(body, "the file")
	if !ok {
		return nil, p.err()
	}
	for _, e := range list {
		kind := map[string]string{"ref": EntryHead, EntryType: EntryType, EntryPattern: EntryPattern, EntryQuestionnaire: EntryQuestionnaire, EntryStandard: EntryStandard}[e.key]
		switch {
		case kind != "":
			one := d.piece(kind, e.key, body)
			if one.Text = content; kind == EntryHead {
				one.Ref = HeadRef
			}
			return []Piece{one}, p.err()
		case e.key == "contents":
			return nil, p.err() // a list of entries is none
		case e.key == "rules":
			var out []Piece
			d.each(e.value, "rules", func(n *node) {
				if _, ok := d.entries(n, EntryRule); ok {
					out = append(out, d.piece(EntryRule, EntryRule, n))
				}
			})
			if err := p.err(); err != nil {
				return nil, err
			}
			for i, s := range ruleSources(d, e.value) {
				out[i].Text = s.text()
			}
			return out, nil
		}
	}
	for _, e := range list {
		if e.key == "vocabulary" || e.key == "version" { // a later layer's head need not say more
			one := d.piece(EntryHead, "ref", body)
			one.Text, one.Ref = content, HeadRef
			return []Piece{one}, p.err()
		}
	}
	d.add(d.at(body), "the file has none of the keys contents, ref, type, pattern, rules, questionnaire, standard: it is no part of a library")
	return nil, p.err()
}

// piece reads what names an entry.
func (d *document) piece(kind, key string, n *node) Piece {
	one := Piece{Kind: kind, At: d.at(n)}
	list, _ := d.entries(n, kind)
	for _, e := range list {
		switch e.value.form {
		case textForm:
			switch e.key {
			case key:
				one.Ref = e.value.text
			case "name", "title":
				one.Title = e.value.text
			}
		case blockForm:
			if e.key == "name" || e.key == "title" {
				one.Title = strings.TrimSpace(e.value.text)
			}
		case boolForm:
			if e.key == "remove" {
				one.Removed = e.value.yes
			}
		}
	}
	return one
}
