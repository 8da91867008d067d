package storetest

import (
	"bytes"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/store"
)

func sources(t *testing.T, open func(*testing.T) *store.DB) {
	db := open(t)
	save(t, db, nil, sample("p1", 1), 0)
	first := store.Source{ID: "src_1", Name: "a.json", Format: "threat-dragon-v2", At: at, By: "usr_1", Size: 3, Data: []byte("abc")}
	second := store.Source{ID: "src_2", Name: "b.json", Format: "otm", At: at.Add(time.Second), By: "usr_1", Size: 1 << 20, Data: bytes.Repeat([]byte("x"), 1<<20)}
	write(t, db, func(tx *store.Tx) error {
		if err := tx.SetSource("p1", first); err != nil {
			return err
		}
		return tx.SetSource("p1", second)
	})
	first.Name, first.At, first.Data, first.Size = "c.json", at.Add(time.Minute), []byte{}, 0
	write(t, db, func(tx *store.Tx) error { return tx.SetSource("p1", first) })
	read(t, db, func(tx *store.Tx) error {
		heads, err := tx.Sources("p1")
		one, two := first, second
		one.Data, two.Data = nil, nil
		if diff := cmp.Diff([]store.Source{one, two}, heads); diff != "" {
			t.Errorf("Sources (-want +got):\n%s", diff)
		}
		for _, want := range []store.Source{first, second} {
			got, err := tx.Source("p1", want.ID)
			if err != nil || !bytes.Equal(got.Data, want.Data) || got.Name != want.Name {
				t.Errorf("Source(%s) = %s, %d bytes, %v, want %s, %d bytes", want.ID, got.Name, len(got.Data), err, want.Name, len(want.Data))
			}
		}
		if _, err := tx.Source("p1", "src_9"); !fault.Is(err, fault.NotFound) {
			t.Errorf("Source of none = %v, want not_found", err)
		}
		return err
	})
}
