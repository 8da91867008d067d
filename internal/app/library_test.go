package app

import (
	"context"
	"crypto/rand"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/evidence"
	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/identity"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/queue"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/store/storetest"
	"github.com/threatloop/threatloop/internal/ticketing"
)

// tiny is a built-in library of one pattern.
func tiny() library.Files {
	return library.Files{
		"library.yaml":      "ref: tiny\nname: Tiny\nversion: \"1\"\n",
		"types/app.yaml":    "type: app\nname: Application\nkind: process\npatterns: [first]\n",
		"patterns/one.yaml": tinyPattern("first"),
	}
}

func tinyPattern(ref string) string {
	return strings.ReplaceAll(`pattern: REF
name: REF
weaknesses: [{ref: REF-weakness, title: W}]
countermeasures: [{ref: REF-measure, title: C}]
threats:
  - {ref: REF-threat, title: T of REF, impact: {integrity: 50}, ease: 50, weaknesses: [{ref: REF-weakness, countermeasures: [{ref: REF-measure, share: 50}]}]}
`, "REF", ref)
}

// ownType is an own entry that goes by a built-in pattern and an own one.
const ownType = "type: own-app\nname: Own application\nkind: process\npatterns: [first, second]\n"

// replica is an application of a database.
func replica(t *testing.T, db *store.DB, files library.Files) *App {
	t.Helper()
	lib, err := library.Load(files)
	if err != nil {
		t.Fatal(err)
	}
	keys, err := identity.NewKeyRing(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := New(Options{DB: db, Library: lib, Files: files, Keys: keys, Now: time.Now, Random: rand.Reader, Tickets: ticketing.Options{Instance: "test"}})
	if _, err := queue.New(t.Context(), db, queue.Options{Handlers: a.Handlers()}); err != nil { // makes the tables of the queue
		t.Fatal(err)
	}
	if err := a.Follow(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}

func administrator(t *testing.T, a *App) Caller {
	t.Helper()
	in, err := a.Setup(t.Context(), Caller{Source: "test"}, SetupInput{AccountInput: AccountInput{Email: "ada@example.org", Name: "Ada", Password: "a long enough passphrase"}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := a.AuthenticateSession(t.Context(), Caller{Source: "test"}, in.Token.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (a *App) mustWrite(t *testing.T, c Caller, kind, ref, text string) {
	t.Helper()
	if _, err := a.PutEntry(t.Context(), c, kind, ref, 0, false, EntryInput{Text: text}); err != nil {
		t.Fatal(err)
	}
}

func TestReplicasFollowTheLibrary(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, open func(*testing.T) *store.DB) {
		db := open(t)
		one, two := replica(t, db, tiny()), replica(t, db, tiny())
		admin := administrator(t, one)
		one.mustWrite(t, admin, library.EntryPattern, "second", tinyPattern("second"))
		one.mustWrite(t, admin, library.EntryType, "own-app", ownType)
		if _, err := one.PublishLibrary(t.Context(), admin, 0, VersionInput{Name: "First"}); err != nil {
			t.Fatal(err)
		}
		if two.Library().Type("own-app") != nil {
			t.Error("the other replica knows of the version before it asked")
		}
		v, err := two.LibraryHead(t.Context(), admin)
		if err != nil || v.InForce.Number != 1 || v.Stamp != one.Library().Stamp() || two.Library().Type("own-app") == nil {
			t.Errorf("the other replica's library = %s of version %d, %v, want %s of version 1", v.Stamp, v.InForce.Number, err, one.Library().Stamp())
		}

		// Many who change and publish at once: no change is lost, and all replicas end with one library.
		var all sync.WaitGroup
		for i, a := range []*App{one, two, one, two} {
			all.Go(func() {
				ref := string(rune('a'+i)) + "-pattern"
				if _, err := a.PutEntry(t.Context(), admin, library.EntryPattern, ref, 0, true, EntryInput{Text: tinyPattern(ref)}); err != nil {
					t.Error(err)
				}
				if _, err := a.PublishLibrary(t.Context(), admin, 0, VersionInput{Name: ref}); err != nil && !fault.Is(err, fault.Conflict) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		for name, a := range map[string]*App{"first": one, "second": two} {
			if _, err := a.LibraryHead(t.Context(), admin); err != nil {
				t.Fatal(err)
			}
			for _, ref := range []string{"a-pattern", "b-pattern", "c-pattern", "d-pattern"} {
				if a.Library().Pattern(ref) == nil {
					t.Errorf("the %s replica lacks the pattern %s", name, ref)
				}
			}
		}
		if one.Library().Stamp() != two.Library().Stamp() {
			t.Errorf("the replicas end with %s and %s", one.Library().Stamp(), two.Library().Stamp())
		}
	})
}

// TestLibraryOfANewerProgram: a layer that does not go with the built-in library of a
// newer program stays in force on the one that it was published on.
func TestLibraryOfANewerProgram(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	old := replica(t, db, tiny())
	admin := administrator(t, old)
	old.mustWrite(t, admin, library.EntryPattern, "second", tinyPattern("second"))
	old.mustWrite(t, admin, library.EntryType, "own-app", ownType)
	if _, err := old.PublishLibrary(t.Context(), admin, 0, VersionInput{Name: "First"}); err != nil {
		t.Fatal(err)
	}
	product, err := old.CreateProduct(t.Context(), admin, ProductInput{Name: "Shop"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := old.PutElement(t.Context(), admin, product.ID, KindComponents, "shop", 0, []byte(`{"kind":"process","type":"own-app","name":"Shop"}`)); err != nil {
		t.Fatal(err)
	}
	if _, err := old.ApplyPlan(t.Context(), admin, product.ID, 0, PlanInput{All: true}); err != nil {
		t.Fatal(err)
	}

	// One that goes with it is taken up with the newer built-in library.
	newer := tiny()
	newer["patterns/three.yaml"] = tinyPattern("third")
	if a := replica(t, db, newer); a.Library().Pattern("third") == nil || a.Library().Type("own-app") == nil {
		t.Error("a program with a sound new library lacks its new pattern or the own type")
	}

	broken := tiny()
	broken["patterns/one.yaml"], broken["types/app.yaml"] = tinyPattern("other"), strings.Replace(broken["types/app.yaml"], "first", "other", 1)
	a := replica(t, db, broken)
	head, err := a.LibraryHead(t.Context(), admin)
	if err != nil || head.InForce.Condition != LibraryKept || head.Stamp != old.Library().Stamp() {
		t.Errorf("the library in force = %s, %s, %v, want the one that was published, kept", head.Stamp, head.InForce.Condition, err)
	}
	if p := head.InForce.Problems; len(p) == 0 || p[0].Kind != library.EntryType || p[0].Ref != "own-app" || p[0].Line != 4 {
		t.Errorf("an administrator is told %+v, want the unknown pattern in line 4 of the own type", p)
	}
	if other, err := a.LibraryHead(t.Context(), Caller{User: "usr_x", Kind: "person"}); err != nil || len(other.InForce.Problems) != 0 {
		t.Errorf("somebody is told %v, %v, want nothing", other.InForce.Problems, err)
	}
	plan, err := a.Plan(t.Context(), admin, product.ID)
	if err != nil || len(plan.Items) != 0 {
		t.Errorf("the plan = %v, %v, want nothing to change", plan.Counts, err)
	}

	// Mending the draft and publishing heals it.
	a.mustWrite(t, admin, library.EntryType, "own-app", strings.Replace(ownType, "first", "other", 1))
	if _, err := a.PublishLibrary(t.Context(), admin, 0, VersionInput{Name: "Mended"}); err != nil {
		t.Fatal(err)
	}
	if head, err := a.LibraryHead(t.Context(), admin); err != nil || head.InForce.Condition != LibraryCurrent || a.Library().Pattern("other") == nil {
		t.Errorf("after publishing the library in force is %s, %v, want it current", head.InForce.Condition, err)
	}

	// What no program reads any more leaves the built-in library alone, and nothing is taken out of models.
	if err := db.Write(t.Context(), publishNonsense); err != nil {
		t.Fatal(err)
	}
	if _, err := a.ApplyPlan(t.Context(), admin, product.ID, 0, PlanInput{All: true}); fault.As(err) == nil || fault.As(err).Code != "library.without" {
		t.Errorf("applying a plan without the own layer = %v, want library.without", err)
	}
	if head, err := a.LibraryHead(t.Context(), admin); err != nil || head.InForce.Condition != LibraryWithout || len(head.InForce.Problems) == 0 {
		t.Errorf("the library in force is %s, %v, want the built-in one without the own layer", head.InForce.Condition, err)
	}
	if list, err := a.Versions(t.Context(), admin, "", 0); err != nil || len(list.Items) != 3 {
		t.Errorf("the versions = %v, %v, want all three kept", list.Items, err)
	}
	if _, err := a.RestoreVersion(t.Context(), admin, 0, 2); err != nil {
		t.Fatal(err)
	}
	if _, err := a.PublishLibrary(t.Context(), admin, 0, VersionInput{Name: "Restored"}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.ApplyPlan(t.Context(), admin, product.ID, 0, PlanInput{All: true}); err != nil {
		t.Errorf("applying a plan by the restored version = %v", err)
	}
}

// publishNonsense puts a version in force that nothing can read.
func publishNonsense(_ context.Context, tx *store.Tx) error {
	if _, err := tx.RaiseLibraryDraft(); err != nil {
		return err
	}
	_, err := tx.PublishLibrary(store.LibraryVersion{Name: "Nonsense", Base: "none", Content: "nonsense"}, []byte("no zip"))
	return err
}

// TestFixedLibrary: without the files of the built-in library nothing can be changed.
func TestFixedLibrary(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	if _, err := d.PutEntry(d.ctx, d.admin, library.EntryPattern, "own", 0, false, EntryInput{Text: "pattern: own\n"}); !fault.Is(err, fault.Unsupported) {
		t.Errorf("PutEntry of a fixed library = %v, want it unsupported", err)
	}
	if _, err := d.LibraryHead(d.ctx, d.admin); err != nil {
		t.Errorf("LibraryHead of a fixed library = %v", err)
	}
}

// TestZippedIsStable: what a version was published on is told by its content alone.
func TestZippedIsStable(t *testing.T) {
	t.Parallel()
	one, err := zipped(tiny())
	if err != nil {
		t.Fatal(err)
	}
	two, err := zipped(maps.Clone(tiny()))
	if err != nil || string(one) != string(two) {
		t.Errorf("zipped twice differs, %v", err)
	}
	back, err := unzip(one)
	if err != nil || !maps.Equal(back, tiny()) {
		t.Errorf("unzip(zipped) = %v, %v, want what was packed", back, err)
	}
}

// TestTestsReachCopies: a test that names a countermeasure or a weakness reaches what stands for it in the library in force.
func TestTestsReachCopies(t *testing.T) {
	t.Parallel()
	a := replica(t, storetest.SQLite(t), tiny())
	admin := administrator(t, a)
	a.mustWrite(t, admin, library.EntryPattern, "ours", strings.NewReplacer(
		"{ref: ours-measure, title", "{ref: ours-measure, stands_for: first-measure, title", "{ref: ours-weakness, title", "{ref: ours-weakness, stands_for: first-weakness, title",
	).Replace(tinyPattern("ours")))
	m := &model.Model{
		Product:         model.Product{ID: "p"},
		Weaknesses:      []model.Weakness{{ID: "w", Where: model.AtProduct, Ref: "ours-weakness"}},
		Countermeasures: []model.Countermeasure{{ID: "c", Where: model.AtProduct, Ref: "ours-measure"}},
	}
	match := func(named string) evidence.State {
		o, err := query(t.Context(), a, admin, policy.LibraryRead, "", func(tx *store.Tx) (evidence.Observation, error) {
			matcher, err := a.matcher(tx, m)
			if err != nil {
				return evidence.Observation{}, err
			}
			return matcher.Match("junit", evidence.Result{ID: "r", Verdict: evidence.Pass, Refs: []string{named}}), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return o.State
	}
	named := []string{"first-measure", "first-weakness"}
	for _, ref := range named {
		if got := match(ref); got != evidence.Unmatched {
			t.Errorf("before the copy is published the result for %s is %s, want unmatched", ref, got)
		}
	}
	if _, err := a.PublishLibrary(t.Context(), admin, 0, VersionInput{Name: "Ours"}); err != nil {
		t.Fatal(err)
	}
	for _, ref := range named {
		if got := match(ref); got != evidence.Matched {
			t.Errorf("with the copy in force the result for %s is %s, want matched", ref, got)
		}
	}
}

// A page as large as one can be is not the last one.
func TestAllVersionsAreListed(t *testing.T) {
	t.Parallel()
	d := newDesk(t)
	const versions = 1001
	err := d.DB.Write(d.ctx, func(_ context.Context, tx *store.Tx) error {
		_, err := tx.RaiseLibraryDraft()
		for range versions {
			if err == nil {
				_, err = tx.PublishLibrary(store.LibraryVersion{Name: "v", Base: "none", Content: "[]"}, []byte{})
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	found, cursor := 0, ""
	for {
		page, err := d.Versions(d.ctx, d.admin, cursor, 1000)
		if err != nil {
			t.Fatal(err)
		}
		if found += len(page.Items); page.Next == "" {
			break
		}
		cursor = page.Next
	}
	if found != versions {
		t.Errorf("the pages of %d versions list %d", versions, found)
	}
}
