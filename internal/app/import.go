package app

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/interchange"
	"github.com/threatloop/threatloop/internal/interchange/update"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// importItems bounds the items that a view of an import lists.
const importItems = 2000

// ImportView is what was understood of a model file, and what it does or did.
type ImportView struct {
	interchange.Summary
	Applied   bool          `json:"applied" doc:"False for a preview: nothing was stored"`
	Added     int           `json:"added"`
	Changed   int           `json:"changed"`
	Removed   int           `json:"removed" doc:"What the file has no more and nobody touched here"`
	Kept      int           `json:"kept" doc:"What was drawn or imported before, is not in the file, and stays"`
	Conflicts int           `json:"conflicts" doc:"Fields that were changed in the file and here; what was set here stays, unless the file's side is taken"`
	Waiting   int           `json:"waiting" doc:"Changes of the file that were not taken, and those that need them; they are offered again"`
	Source    string        `json:"source,omitempty" doc:"Id of the file that it is a newer version of; absent where it is the first"`
	Items     []update.Item `json:"items,omitempty" doc:"At most 2000: what is added, changed, removed and kept, and each field on which the file and the product differ"`
	More      int           `json:"more,omitempty" doc:"Items that are left out"`
	Version   int64         `json:"version"`
}

// ETag returns the version of the product.
func (v ImportView) ETag() int64 { return v.Version }

// ModelUpload is a model file that is given to a product.
type ModelUpload struct {
	Name string // of the file
	Data []byte
	// Take are the changes that are wanted, by the keys of the items of a preview; nil
	// and AllItems are everything.
	Take []string
	// Theirs are the items of a preview that are a conflict in which the file's side
	// is to hold, by their keys; AllItems is every one. They need not stand in Take.
	Theirs []string
}

// AllItems stands for every key in the lists of a ModelUpload.
const AllItems = "all"

// Import takes a model file into a product. A file that the product was made of
// or updated from before is taken as its newer version: what was added, changed
// and removed in the file since is added, changed and removed here, by the ids of
// things; what people decided here stays, and the difference is told. Of any other
// file what is new is added and what has the same id is replaced. With preview
// nothing is stored.
func (a *App) Import(ctx context.Context, c Caller, product model.ProductID, version int64, name string, data []byte, preview bool) (ImportView, error) {
	return a.ImportPart(ctx, c, product, version, ModelUpload{Name: name, Data: data}, preview)
}

// ImportPart is Import of the changes that are wanted alone, and with the file's side
// of the conflicts in which a person prefers it. The other changes are offered
// again when the file or a newer version of it comes; a conflict in which ours
// stays is settled by that. A key that is no change or conflict of the file is a
// fault.Invalid.
func (a *App) ImportPart(ctx context.Context, c Caller, product model.ProductID, version int64, in ModelUpload, preview bool) (ImportView, error) {
	needed := policy.ModelEdit
	if preview {
		needed = policy.ProductRead
	}
	// Before the file is looked at: reading is expensive.
	if err := a.Check(ctx, c, needed, product); err != nil {
		return ImportView{}, err
	}
	read, err := a.readModel(product, in.Name, in.Data)
	if err != nil {
		return ImportView{}, err
	}
	cause := Cause{Kind: "import", Text: "a model file was imported", Ref: cleanLine(in.Name, 200)}
	if preview {
		return query(ctx, a, c, policy.ProductRead, product, func(tx *store.Tx) (ImportView, error) {
			m, versions, err := tx.LoadModel(product)
			if err != nil {
				return ImportView{}, err
			}
			merged, err := a.merge(tx, c, m, read, in)
			merged.view.Version = versions.Product
			return merged.view, err
		})
	}
	return change(ctx, a, c, policy.ModelEdit, product, cause, func(ch *changing) (ImportView, error) {
		if err := ch.expect(store.KindProduct, string(product), version); err != nil {
			return ImportView{}, err
		}
		merged, err := a.merge(ch.tx, c, ch.model, read, in)
		v := merged.view
		if err != nil {
			return v, err
		}
		ch.model = merged.model
		retireLost(ch.model, ch.at)
		reviveFound(ch.model)
		if err := ch.save(); err != nil {
			return ImportView{}, err
		}
		ch.saved = true
		source, err := ch.keepSource(v.Source, in.Name, read, in.Data)
		if err != nil {
			return v, err
		}
		if err := ch.keepLeft(source, merged.left); err != nil {
			return v, err
		}
		v.Applied, v.Version = true, ch.versions.Product
		return v, ch.record("model.import", "product/"+string(product), nil,
			map[string]any{"name": in.Name, "format": v.Format, "added": v.Added, "changed": v.Changed, "removed": v.Removed, "conflicts": v.Conflicts, "waiting": v.Waiting})
	})
}

// readModel reads a model file for a product.
func (a *App) readModel(product model.ProductID, name string, data []byte) (*interchange.Import, error) {
	read, err := interchange.Read(data, interchange.Options{Name: name, Product: product, GuessType: interchange.GuessType(a.Library())})
	if err == nil {
		interchange.DropStanding(read.Model) // the product knows its own tickets
	}
	return read, err
}

// merged is what comes of a file.
type merged struct {
	model *model.Model
	left  update.Left
	view  ImportView
}

// merge brings a file that was read into a model, which it does not change, as far
// as the caller may decide what the file says.
func (a *App) merge(tx *store.Tx, c Caller, m *model.Model, read *interchange.Import, in ModelUpload) (merged, error) {
	out := merged{view: ImportView{Summary: interchange.Summarise(read)}}
	source, base, err := a.earlier(tx, m, read, in.Name)
	if err != nil {
		return out, err
	}
	touched, err := a.touched(tx, m.Product.ID)
	if err != nil {
		return out, err
	}
	opts := update.Options{
		Complete: read.Format == interchange.Threatloop,
		Touched:  func(kind update.Kind, id string) bool { return touched(generate.Kind(kind), id) },
	}
	take, theirs := choiceOf(in.Take), choiceOf(in.Theirs)
	opts.Theirs = theirs.has
	if in.Take != nil {
		opts.Take = take.has
	}
	now, report, err := update.Merge(base, m, read.Model, opts)
	if err != nil {
		return out, err
	}
	if err := unknownKeys(take.unknown(), theirs.unknown()); err != nil {
		return out, err
	}
	if err := a.withhold(tx, c, m, now, &report); err != nil {
		return out, err
	}
	out.model, out.left = now, report.Left
	v := &out.view
	v.Source, v.Added, v.Changed, v.Removed, v.Kept, v.Conflicts, v.Waiting = source, report.Added, report.Changed, report.Removed, report.Kept, report.Conflicts, report.Waiting
	v.Items = report.Items
	if len(v.Items) > importItems {
		v.More = len(v.Items) - importItems
		v.Items = v.Items[:importItems]
	}
	return out, nil
}

// choice are keys that somebody named, and which of them were found.
type choice map[string]bool

func choiceOf(keys []string) choice {
	c := choice{}
	for _, k := range keys {
		c[k] = k == AllItems
	}
	return c
}

// has reports whether a key that is there was named, by itself or among all.
func (c choice) has(key string) bool {
	_, named := c[key]
	if named {
		c[key] = true
	}
	return named || c[AllItems]
}

// unknown are the keys that were named and never asked for.
func (c choice) unknown() []string {
	var out []string
	for k, found := range c {
		if !found {
			out = append(out, k)
		}
	}
	slices.Sort(out)
	return out[:min(len(out), 20)]
}

// unknownKeys says which choices are none of the file; nil if all are.
func unknownKeys(take, theirs []string) error {
	if len(take)+len(theirs) == 0 {
		return nil
	}
	bad := fault.New(fault.Invalid, "import.take", "some changes are none of this file, or are stored already; look at the preview again")
	for _, k := range take {
		bad.With("body.take", "%q is no change", k)
	}
	for _, k := range theirs {
		bad.With("body.theirs", "%q is no conflict", k)
	}
	return bad
}

// candidates bounds the stored files that a new one is compared with.
const candidates = 10

// earlier finds the stored file that a new one is a newer version of: of the same
// kind, with the most elements and threats in common, else of the same name. It
// returns its id and what it said, without the changes that were left out of it; ""
// and nil if there is none. Things get the ids that they have in the model, also
// those of the new file.
func (a *App) earlier(tx *store.Tx, m *model.Model, read *interchange.Import, name string) (id string, base *model.Model, err error) {
	product := m.Product.ID
	sources, err := tx.Sources(product)
	if err != nil {
		return "", nil, err
	}
	sources = slices.DeleteFunc(sources, func(s store.Source) bool {
		return interchange.Family(interchange.Format(s.Format)) != interchange.Family(read.Format)
	})
	now := idsOf(read.Model)
	most := -1
	for _, s := range sources[:min(len(sources), candidates)] {
		s, err := tx.Source(product, s.ID)
		if err != nil {
			return "", nil, err
		}
		was, err := a.readModel(product, s.Name, s.Data)
		if err != nil {
			continue // an older program read it; what it said is not known any more
		}
		common := 0
		for i := range idsOf(was.Model) {
			if now[i] {
				common++
			}
		}
		if common == 0 && cleanLine(name, 200) != s.Name {
			continue
		}
		if common > most {
			most, id, base = common, s.ID, was.Model
		}
	}
	if base == nil {
		return "", nil, nil
	}
	// Things may have other ids here than the file gives them, since a version before.
	update.Align(m, base, read.Model)
	left, err := leftOf(tx, product, id)
	if err != nil {
		return "", nil, err
	}
	base, err = update.Compose(base, left)
	return id, base, err
}

// leftKey is the setting that holds which changes of a file were not taken.
func leftKey(product model.ProductID, source string) string { return leftPrefix(product) + source }

func leftPrefix(product model.ProductID) string { return "import.left/" + string(product) + "/" }

func leftOf(tx *store.Tx, product model.ProductID, source string) (update.Left, error) {
	s, err := tx.Setting(leftKey(product, source))
	if err != nil || s.Version == 0 {
		return nil, err
	}
	var left update.Left
	if err := json.Unmarshal([]byte(s.Doc), &left); err != nil {
		return nil, fmt.Errorf("app: what was left of file %s of product %s: %w", source, product, err)
	}
	return left, nil
}

// keepLeft stores which changes of a file were not taken.
func (ch *changing) keepLeft(source string, left update.Left) error {
	k := leftKey(ch.model.Product.ID, source)
	if len(left) == 0 {
		return ch.tx.RemoveSetting(k)
	}
	doc, err := json.Marshal(left)
	if err != nil {
		return fmt.Errorf("app: what was left of file %s: %w", source, err)
	}
	return ch.tx.RaiseSetting(k, string(doc), ch.at)
}

// forgetLeft forgets it of all files of a product.
func forgetLeft(tx *store.Tx, product model.ProductID) error {
	list, err := tx.Settings(leftPrefix(product))
	if err != nil {
		return err
	}
	for _, s := range list {
		if err := tx.RemoveSetting(s.Key); err != nil {
			return err
		}
	}
	return nil
}

// idsOf are the ids of a model's elements and risks.
func idsOf(m *model.Model) map[string]bool {
	ids := map[string]bool{}
	for id := range placesOf(m) {
		if id != model.AtProduct {
			ids[string(id)] = true
		}
	}
	for i := range m.Threats {
		ids[string(m.Threats[i].ID)] = true
	}
	return ids
}

// keepSource stores a file in the place of the older version with the id, or as a new one, and returns its id.
func (ch *changing) keepSource(id, name string, read *interchange.Import, data []byte) (string, error) {
	if id == "" {
		id = ch.app.id("src")
	}
	return id, ch.tx.SetSource(ch.model.Product.ID, store.Source{ID: id, Name: cleanLine(name, 200), Format: string(read.Format), At: ch.at, By: ch.caller.actor(), Data: data})
}

// SourceView is a model file that a product was made of or updated from.
type SourceView struct {
	ID     string    `json:"id"`
	Name   string    `json:"name" doc:"Of the file"`
	Format string    `json:"format"`
	At     time.Time `json:"at"`
	By     string    `json:"by" doc:"Who gave it"`
	Size   int64     `json:"size" doc:"In bytes"`
}

// Sources lists the model files that a product was made of or updated from, the
// newest version of each, the newest first.
func (a *App) Sources(ctx context.Context, c Caller, product model.ProductID) ([]SourceView, error) {
	return query(ctx, a, c, policy.ProductRead, product, func(tx *store.Tx) ([]SourceView, error) {
		list, err := tx.Sources(product)
		out := make([]SourceView, len(list))
		for i, s := range list {
			out[i] = SourceView{ID: s.ID, Name: s.Name, Format: s.Format, At: s.At, By: s.By, Size: s.Size}
		}
		return out, err
	})
}

// SourceFile returns a model file of a product as it was given, to who may change
// the model: it may say more than the model shows, of what was changed since or was
// never taken. One that fills in custom fields which the caller does not see is
// fault.Forbidden.
func (a *App) SourceFile(ctx context.Context, c Caller, product model.ProductID, id string) (ModelFile, error) {
	return query(ctx, a, c, policy.ModelEdit, product, func(tx *store.Tx) (ModelFile, error) {
		s, err := tx.Source(product, id)
		if err != nil {
			return ModelFile{}, err
		}
		looking, err := newOnlooker(tx, c)
		if err != nil {
			return ModelFile{}, err
		}
		// A file that cannot be read any more was of another tool, which knows no fields of ours.
		if read, err := a.readModel(product, s.Name, s.Data); err == nil {
			seen, err := looking.custom(product, read.Model.Product.Custom)
			if err != nil {
				return ModelFile{}, err
			}
			if len(seen) < len(read.Model.Product.Custom) {
				return ModelFile{}, fault.New(fault.Forbidden, "source.hidden", "the file fills in fields that your role does not see; export the model instead")
			}
		}
		return ModelFile{Name: s.Name, MediaType: "application/octet-stream", Data: s.Data}, nil
	})
}
