package app

import (
	"cmp"
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// EntryRow is an entry of the library with what the own layer does to it.
type EntryRow struct {
	Kind     string     `json:"kind" enum:"head,type,pattern,rule,questionnaire,standard"`
	Ref      string     `json:"ref" doc:"That of the head is library"`
	Title    string     `json:"title"`
	Layer    string     `json:"layer" enum:"built-in,own,changed,removed" doc:"In the draft. changed: the own layer replaces a built-in entry (of the head: adds to it); removed: it takes one out"`
	Draft    string     `json:"draft,omitempty" enum:"new,changed,removed" doc:"What publishing would do to what is in force"`
	Problems int        `json:"problems" doc:"In the draft of this entry"`
	Products int64      `json:"products" doc:"That hold something of it"`
	Version  int64      `json:"version,omitempty" doc:"Of the own layer's entry; absent where the own layer does not speak of it"`
	At       *time.Time `json:"at,omitempty" doc:"When the own layer's entry was changed last"`
	ByName   string     `json:"by_name,omitempty"`

	text, builtIn, published string
	own                      bool
	by                       string
}

// EntryList is a page of entries.
type EntryList struct {
	Page[EntryRow]
	Total    int            `json:"total" doc:"Entries that the filter finds"`
	Kinds    map[string]int `json:"kinds" doc:"Entries per kind that the filter finds without its kinds"`
	Layers   map[string]int `json:"layers" doc:"Entries per layer that the filter finds without its layers"`
	Changed  int            `json:"changed" doc:"Entries with a draft state, of all"`
	Revision int64          `json:"revision" doc:"Of the draft"`
}

// EntryFilter selects entries.
type EntryFilter struct {
	Kinds  []string
	Layers []string
	Draft  bool // only those that publishing would change
	Broken bool // only those with problems
	Search string
	Cursor string
	Limit  int
}

// rows are all entries of the built-in library, the draft and the published layer, by kind and ref.
func (a *App) rows(d *draft) []EntryRow {
	base := a.libraries.base.pieces
	found := map[[2]string]*EntryRow{}
	row := func(kind, ref string) *EntryRow {
		key := [2]string{kind, ref}
		if found[key] == nil {
			found[key] = &EntryRow{Kind: kind, Ref: ref, Title: ref, Layer: BuiltInLayer}
		}
		return found[key]
	}
	for i := range base {
		r := row(base[i].Kind, base[i].Ref)
		r.Title, r.builtIn, r.text, r.published = cmp.Or(base[i].Title, r.Ref), base[i].Text, base[i].Text, base[i].Text
	}
	for _, e := range d.inForce {
		r := row(e.Kind, e.Ref)
		r.published = e.Text
		if title, removed := titled(e.Kind, e.Ref, e.Text); removed {
			r.published = ""
		} else if r.builtIn == "" {
			r.Layer, r.Title = OwnLayer, title
		}
	}
	for i := range d.entries {
		e := &d.entries[i]
		r := row(e.Kind, e.Ref)
		r.own, r.text, r.Version, r.At, r.by = true, e.Body, e.Version, &e.At, e.By
		title, removed := titled(e.Kind, e.Ref, e.Body)
		switch {
		case removed:
			r.Layer = "removed"
		case r.builtIn != "":
			r.Layer, r.Title = "changed", title
		default:
			r.Layer, r.Title = OwnLayer, title
		}
	}
	list := make([]EntryRow, 0, len(found))
	for _, r := range found {
		will := r.text
		if r.Layer == "removed" {
			will = ""
		}
		switch {
		case r.published == will:
		case r.published == "":
			r.Draft = "new"
		case will == "":
			r.Draft = "removed"
		default:
			r.Draft = "changed"
		}
		list = append(list, *r)
	}
	slices.SortFunc(list, func(x, y EntryRow) int { return compareEntries(x.Kind, x.Ref, y.Kind, y.Ref) })
	return list
}

var titleLine = regexp.MustCompile(`(?m)^[ -]*(?:name|title): *["']?(.*?)["']? *$`)

// titled reads the title of a text, and whether it takes the entry out. A text that
// is being written may be no YAML yet.
func titled(kind, ref, text string) (title string, removed bool) {
	pieces, err := library.Split(library.EntryFile(kind, ref), text)
	if err == nil && len(pieces) == 1 {
		return cmp.Or(pieces[0].Title, ref), pieces[0].Removed
	}
	if m := titleLine.FindStringSubmatch(text); m != nil && m[1] != "" {
		return m[1], false
	}
	return ref, false
}

// Entries lists what the library has and the draft makes of it.
func (a *App) Entries(ctx context.Context, c Caller, f EntryFilter) (EntryList, error) {
	return query(ctx, a, c, policy.LibraryRead, "", func(tx *store.Tx) (EntryList, error) {
		d, err := a.readDraft(tx)
		if err != nil {
			return EntryList{}, err
		}
		v := EntryList{Kinds: map[string]int{}, Layers: map[string]int{}, Revision: d.Draft}
		rows, err := a.filled(tx, d)
		if err != nil {
			return v, err
		}
		words := wanted(f.Search)
		var list []EntryRow
		for i := range rows {
			r := &rows[i]
			if r.Draft != "" {
				v.Changed++
			}
			if f.Draft && r.Draft == "" || f.Broken && r.Problems == 0 || !r.matches(words) {
				continue
			}
			kind, layered := len(f.Kinds) == 0 || slices.Contains(f.Kinds, r.Kind), len(f.Layers) == 0 || slices.Contains(f.Layers, r.Layer)
			if layered {
				v.Kinds[r.Kind]++
			}
			if kind {
				v.Layers[r.Layer]++
			}
			if kind && layered {
				list = append(list, *r)
			}
		}
		v.Total = len(list)
		if v.Page, err = paginate(list, func(r *EntryRow) string { return itoa(slices.Index(entryKinds, r.Kind)) + r.Ref }, f.Cursor, f.Limit); err != nil {
			return v, err
		}
		names := actorNames{}
		for i := range v.Items {
			r := &v.Items[i]
			r.ByName = names.of(tx, r.by)
		}
		return v, nil
	})
}

// filled are the rows with what takes a check and a look at the products.
func (a *App) filled(tx *store.Tx, d *draft) ([]EntryRow, error) {
	rows := a.rows(d)
	uses, err := tx.LibraryUse()
	if err != nil {
		return nil, err
	}
	problems := map[[2]string]int{}
	for _, p := range a.checked(d).problems {
		problems[[2]string{p.Kind, p.Ref}]++
	}
	for i := range rows {
		r := &rows[i]
		r.Problems = problems[[2]string{r.Kind, r.Ref}]
		r.Products = uses[store.Use{Kind: r.Kind, Ref: r.Ref}]
	}
	return rows, nil
}

// numbered is how people write what entries hold as `cwe: 89` and `capec: [66, 7]`.
var numbered = regexp.MustCompile(`^(cwe|capec)-?([0-9]+)$`)

// wanted are the words of a search, each as what tells whether a folded text has it.
func wanted(search string) (words []func(string) bool) {
	for _, w := range strings.Fields(store.Fold(search)) {
		has := func(in string) bool { return strings.Contains(in, w) }
		if m := numbered.FindStringSubmatch(w); m != nil {
			written := regexp.MustCompile(`\b` + m[1] + `: *(?:\[[^\]]*\b)?` + m[2] + `\b`)
			has = func(in string) bool { return strings.Contains(in, w) || written.MatchString(in) }
		}
		words = append(words, has)
	}
	return words
}

// matches tells whether an entry has all words in its ref, title or text.
func (r *EntryRow) matches(words []func(string) bool) bool {
	if len(words) == 0 {
		return true
	}
	in := store.Fold(r.Ref + " " + r.Title + " " + r.text)
	return !slices.ContainsFunc(words, func(has func(string) bool) bool { return !has(in) })
}

// EntryView is one entry with its texts.
type EntryView struct {
	EntryRow
	Text      string           `json:"text" doc:"What the draft has: the own layer's text, where it has none or only takes the entry out the built-in one"`
	BuiltIn   string           `json:"built_in,omitempty" doc:"The built-in text; absent where there is none"`
	Published string           `json:"published,omitempty" doc:"The text in force; absent where there is none"`
	Found     []LibraryProblem `json:"found" doc:"What is wrong with the draft of this entry, and what to look at"`
	UsedBy    []EntryUse       `json:"used_by" doc:"What else in the library goes by it"`
	Names     []EntryUse       `json:"names" doc:"What it goes by itself, and how; rules whose facts it reads are left out"`
	Revision  int64            `json:"revision" doc:"Of the draft"`
}

// ETag returns the version of the own layer's entry; 0 where it has none.
func (v EntryView) ETag() int64 { return v.Version }

// EntryUse is an entry that goes by another.
type EntryUse struct {
	Kind  string `json:"kind" enum:"type,pattern,rule,questionnaire,standard"`
	Ref   string `json:"ref"`
	Title string `json:"title"`
	How   string `json:"how" enum:"brings,for,asks,reads,serves,includes,uses" doc:"What the one that goes by the other does. brings: it puts the pattern in. for: the rule or questionnaire is for components of the type. asks: it asks a question of it. reads: its conditions read an answer or fact of it. serves: countermeasures serve clauses of it. includes: it begins with its questions. uses: its threats name weaknesses or countermeasures of it"`
}

// Entry shows one entry.
func (a *App) Entry(ctx context.Context, c Caller, kind, ref string) (EntryView, error) {
	return query(ctx, a, c, policy.LibraryRead, "", func(tx *store.Tx) (EntryView, error) {
		d, err := a.readDraft(tx)
		if err != nil {
			return EntryView{}, err
		}
		return a.entryView(tx, d, kind, ref)
	})
}

func (a *App) entryView(tx *store.Tx, d *draft, kind, ref string) (EntryView, error) {
	rows, err := a.filled(tx, d)
	if err != nil {
		return EntryView{}, err
	}
	i := slices.IndexFunc(rows, func(r EntryRow) bool { return r.Kind == kind && r.Ref == ref })
	if i < 0 {
		return EntryView{}, notFound("entry", kind+"/"+ref)
	}
	r := rows[i]
	v := EntryView{EntryRow: r, Text: r.text, BuiltIn: r.builtIn, Published: r.published, Found: []LibraryProblem{}, Revision: d.Draft}
	if r.Layer == "removed" || !r.own {
		v.Text = cmp.Or(r.builtIn, r.published)
	}
	v.ByName = actorNames{}.of(tx, r.by)
	k := a.checked(d)
	for _, p := range k.problems {
		if p.is(kind, ref) {
			v.Found = append(v.Found, p)
		}
	}
	in := a.Library()
	if k.lib != nil {
		in = k.lib
		for _, w := range k.lib.Warnings {
			if p := a.problemAt(w.At.String(), w.Text); p.is(kind, ref) {
				p.Warning = true
				v.Found = append(v.Found, p)
			}
		}
	}
	v.UsedBy, v.Names = usedBy(in, kind, ref), named(in, kind, ref)
	return v, nil
}

func unknownKind(kind string) error {
	return fault.New(fault.NotFound, "entry.kind", "there is no kind %q of entries; the kinds are %s", kind, strings.Join(entryKinds, ", "))
}
