package store_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/store/pgtest"
	"github.com/threatloop/threatloop/internal/store/storetest"
)

// child is the environment variable under which this test binary is run again
// as another process; its value is "what|SQLite file or database URL|point".
const child = "STORETEST_CHILD"

func TestMain(m *testing.M) {
	if job := os.Getenv(child); job != "" {
		os.Exit(runChild(strings.Split(job, "|")))
	}
	os.Exit(m.Run())
}

func options(target string) store.Options {
	if strings.HasPrefix(target, "postgres://") {
		return store.Options{DatabaseURL: target}
	}
	return store.Options{Path: target}
}

func runChild(job []string) int {
	o := options(job[1])
	o.Point = func(name string) {
		if name == job[2] {
			os.Exit(42) // as a kill would: nothing is closed
		}
	}
	db, err := store.Open(context.Background(), o)
	if err != nil {
		_, _ = os.Stdout.WriteString(string(fault.KindOf(err)) + " " + err.Error())
		return 1
	}
	if job[0] == "write" {
		err = db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error { return set(tx, "child", "1") })
	}
	if err := errors.Join(err, db.Close()); err != nil {
		_, _ = os.Stdout.WriteString(err.Error())
		return 1
	}
	return 0
}

func startChild(t *testing.T, job ...string) (code int, output string) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), child+"="+strings.Join(job, "|"))
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("child: %v", err)
	}
	return cmd.ProcessState.ExitCode(), string(out)
}

func set(tx *store.Tx, key, doc string) error {
	return tx.SetSetting(store.Setting{Key: key, Doc: doc, At: time.Unix(1, 0)})
}

func get(t *testing.T, db *store.DB, key string) (doc string) {
	t.Helper()
	err := db.Read(context.Background(), func(_ context.Context, tx *store.Tx) error {
		s, err := tx.Setting(key)
		doc = s.Doc
		return err
	})
	if err != nil {
		t.Fatalf("Setting(%s): %v", key, err)
	}
	return doc
}

func open(t *testing.T, o store.Options) *store.DB {
	t.Helper()
	db, err := store.Open(context.Background(), o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestSecondProcessIsRefused(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "a ?#%b.db")
	db := open(t, store.Options{Path: path})
	code, out := startChild(t, "open", path, "")
	if code != 1 || !strings.HasPrefix(out, "unavailable another process uses the database") {
		t.Errorf("second process = exit %d, %q, want a refusal", code, out)
	}
	beside, err := store.Open(context.Background(), store.Options{Path: path, ReadOnly: true})
	if err != nil {
		t.Fatalf("Open(ReadOnly) beside a server: %v", err)
	}
	if err := beside.Backup(context.Background(), path+".backup"); err != nil {
		t.Errorf("Backup beside a server: %v", err)
	}
	for _, file := range []string{path, path + ".backup"} {
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v, want 0600", filepath.Base(file), info.Mode().Perm(), err)
		}
	}
	err = beside.Write(context.Background(), func(context.Context, *store.Tx) error { return nil })
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("Write(ReadOnly) = %v, want unavailable", err)
	}
	if err := errors.Join(beside.Close(), db.Close()); err != nil {
		t.Errorf("Close: %v", err)
	}
	if code, out := startChild(t, "open", path, ""); code != 0 {
		t.Errorf("second process after the first ended = exit %d, %q, want 0", code, out)
	}
}

func TestKilledAtPoint(t *testing.T) {
	t.Parallel()
	for name, target := range map[string]func(*testing.T) string{
		"sqlite":     func(t *testing.T) string { return filepath.Join(t.TempDir(), "test.db") },
		"postgresql": func(t *testing.T) string { return storetest.PostgresURL(t) },
	} {
		for point, want := range map[string]string{"tx.begin": "", "tx.commit": "", "tx.committed": "1"} {
			t.Run(name+" "+point, func(t *testing.T) {
				t.Parallel()
				at := target(t)
				if code, out := startChild(t, "write", at, point); code != 42 {
					t.Fatalf("child = exit %d, %q, want 42", code, out)
				}
				db := open(t, options(at))
				if got := get(t, db, "child"); got != want {
					t.Errorf("after a kill at %s the setting is %q, want %q", point, got, want)
				}
				if err := db.Check(context.Background()); err != nil {
					t.Errorf("Check = %v", err)
				}
			})
		}
	}
}

func TestPoints(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	var got []string
	db := open(t, store.Options{Path: filepath.Join(t.TempDir(), "test.db"), Point: func(p string) {
		mu.Lock()
		defer mu.Unlock()
		got = append(got, p)
	}})
	write := func(fail error) error {
		return db.Write(context.Background(), func(context.Context, *store.Tx) error { return fail })
	}
	if err := write(nil); err != nil {
		t.Errorf("Write: %v", err)
	}
	if err := write(os.ErrClosed); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Write = %v, want the function's error", err)
	}
	if diff := cmp.Diff([]string{"tx.begin", "tx.commit", "tx.committed", "tx.begin"}, got); diff != "" {
		t.Errorf("points (-want +got):\n%s", diff)
	}
}

func TestOpenRefusals(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	text := filepath.Join(dir, "text.db")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		o    store.Options
		want fault.Kind
	}{
		"nothing":    {store.Options{}, fault.Invalid},
		"both":       {store.Options{Path: "x", DatabaseURL: "postgres://x"}, fault.Invalid},
		"text":       {store.Options{Path: text}, fault.Unavailable},
		"folder":     {store.Options{Path: dir}, fault.Unavailable},
		"no file":    {store.Options{Path: filepath.Join(dir, "none.db"), ReadOnly: true}, fault.NotFound},
		"bad URL":    {store.Options{DatabaseURL: "postgres://user:secret@host:port/x"}, fault.Invalid},
		"nobody":     {store.Options{DatabaseURL: "postgres://test@127.0.0.1:1/x?connect_timeout=2"}, fault.Unavailable},
		"under file": {store.Options{Path: filepath.Join(text, "x.db")}, fault.Unavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db, err := store.Open(context.Background(), c.o)
			if err == nil {
				db.Close()
			}
			if got := fault.KindOf(err); got != c.want {
				t.Errorf("Open = %v (%s), want %s", err, got, c.want)
			}
			if err != nil && strings.Contains(err.Error(), "secret") {
				t.Errorf("Open's error shows the password: %v", err)
			}
		})
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, _ func(*testing.T) *store.DB) {
		o := store.Options{Path: filepath.Join(t.TempDir(), "test.db")}
		if strings.HasSuffix(t.Name(), "postgresql") {
			o = store.Options{DatabaseURL: storetest.PostgresURL(t)}
		}
		db := open(t, o)
		err := db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) (err error) {
			const statement = "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, TRUE)"
			if tx.Postgres() != nil {
				_, err = tx.Postgres().Exec(ctx, statement)
			} else {
				_, err = tx.SQLite().ExecContext(ctx, statement)
			}
			return err
		})
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Open(context.Background(), o); !fault.Is(err, fault.Unsupported) {
			t.Errorf("Open(newer schema) = %v, want unsupported", err)
		}
	})
}

// A backup that a newer program made is refused as such, and nothing of it is left
// behind, so that the right program can restore it to the same place.
func TestBackupOfNewerSchemaIsRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, fresh func(*testing.T) *store.DB) {
		db := fresh(t)
		err := db.Write(context.Background(), func(ctx context.Context, tx *store.Tx) (err error) {
			const statement = "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, TRUE)"
			if tx.Postgres() != nil {
				_, err = tx.Postgres().Exec(ctx, statement)
			} else {
				_, err = tx.SQLite().ExecContext(ctx, statement)
			}
			return err
		})
		path := filepath.Join(t.TempDir(), "newer.backup")
		if err == nil {
			err = db.Backup(context.Background(), path)
		}
		if err != nil {
			t.Fatal(err)
		}
		o := store.Options{Path: filepath.Join(t.TempDir(), "restored.db")}
		if db.Engine() == "postgresql" {
			o = store.Options{DatabaseURL: pgtest.URL(t, "", nil)}
		}
		for range 2 {
			if err := store.Restore(context.Background(), o, path); !fault.Is(err, fault.Unsupported) {
				t.Errorf("Restore(backup of a newer schema) = %v, want unsupported", err)
			}
		}
	})
}

func TestReplicasMigrateAtOnce(t *testing.T) {
	t.Parallel()
	url := pgtest.URL(t, "", nil)
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			db, err := store.Open(context.Background(), store.Options{DatabaseURL: url})
			if err != nil {
				t.Errorf("Open: %v", err)
				return
			}
			db.Close()
		})
	}
	all.Wait()
}

func TestDatabaseGoesAndComes(t *testing.T) {
	t.Parallel()
	url := storetest.PostgresURL(t)
	db := open(t, store.Options{DatabaseURL: url})
	name := url[strings.LastIndex(url, "/")+1:]
	err := db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error {
		if err := set(tx, "k", "1"); err != nil {
			return err
		}
		pgtest.Admin(t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"+name+"'")
		return set(tx, "l", "1")
	})
	if !fault.Is(err, fault.Unavailable) {
		t.Errorf("Write(connection ended) = %v, want unavailable", err)
	}
	var last error
	for range 20 { // connections of the pool that died too are found one by one
		last = db.Write(context.Background(), func(_ context.Context, tx *store.Tx) error { return set(tx, "k", "2") })
		if last == nil {
			break
		}
	}
	if got := get(t, db, "k"); got != "2" || last != nil {
		t.Errorf("setting after the database came back = %q, %v, want 2", got, last)
	}
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	db := storetest.SQLite(t)
	if _, err := db.SQLite().Exec("PRAGMA max_page_count = 1"); err != nil { // SQLite raises it to the current size
		t.Fatal(err)
	}
	_, err := db.WriteBlob(context.Background(), "blb_1", strings.NewReader(strings.Repeat("x", 3*store.ChunkSize)), 1<<30)
	if f := fault.As(err); f == nil || f.Code != "store.full" {
		t.Errorf("WriteBlob(full disk) = %v, want store.full", err)
	}
	if _, err := db.SQLite().Exec("PRAGMA max_page_count = 100000"); err != nil {
		t.Fatal(err)
	}
	if err := db.Check(context.Background()); err != nil {
		t.Errorf("Check after a full disk = %v", err)
	}
	if _, err := db.WriteBlob(context.Background(), "blb_1", strings.NewReader("x"), 1<<30); err != nil {
		t.Errorf("WriteBlob(space again) = %v, want the same id to be free", err)
	}
}

func TestFold(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{"Straße": "strasse", "ÉCLAIR": "eclair", "ＡＢＣ": "abc", "İ": "i", "日本": "日本", "": ""} {
		if got := store.Fold(in); got != want {
			t.Errorf("Fold(%q) = %q, want %q", in, got, want)
		}
	}
}
