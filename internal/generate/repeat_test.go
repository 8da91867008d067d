package generate_test

import (
	"crypto/sha256"
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/threatloop/threatloop/internal/generate"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
)

// TestTwentyRunsAreByteIdentical generates for 1,000 components with three flows each
// twenty times, every other time with the model in another order.
func TestTwentyRunsAreByteIdentical(t *testing.T) {
	if testing.Short() {
		t.Skip("generates a large model twenty times")
	}
	t.Parallel()
	lib := starterLibrary(t)
	m := bigModel(t, 1000)
	r := rand.New(rand.NewPCG(20, 1))
	var first [sha256.Size]byte
	for run := range 20 {
		from := *m
		if run%2 == 1 {
			from.Zones, from.Assets = shuffled(r, m.Zones), shuffled(r, m.Assets)
			from.Components, from.Flows = shuffled(r, m.Components), shuffled(r, m.Flows)
		}
		got := digestOf(t, &from, lib)
		if run == 0 {
			first = got
		}
		if got != first {
			t.Fatalf("run %d gives %x, the first gave %x", run+1, got[:4], first[:4])
		}
	}
}

func shuffled[T any](r *rand.Rand, list []T) []T {
	list = slices.Clone(list)
	r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

func digestOf(t *testing.T, m *model.Model, lib *library.Library) [sha256.Size]byte {
	t.Helper()
	result, err := generate.Desired(m, lib)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	e := json.NewEncoder(h)
	for _, part := range []any{result.Notes, len(result.Threats), len(result.Weaknesses), len(result.Countermeasures), len(result.Links)} {
		if err := e.Encode(part); err != nil {
			t.Fatal(err)
		}
	}
	encodeEach(t, e, result.Threats)
	encodeEach(t, e, result.Weaknesses)
	encodeEach(t, e, result.Countermeasures)
	encodeEach(t, e, result.Links)
	return [sha256.Size]byte(h.Sum(nil))
}

func encodeEach[T any](t *testing.T, e *json.Encoder, list []T) {
	t.Helper()
	for i := range list {
		if err := e.Encode(&list[i]); err != nil {
			t.Fatal(err)
		}
	}
}
