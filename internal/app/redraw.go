package app

import (
	"context"
	"reflect"
	"slices"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/store"
)

// redraw is change for what edits only what is drawn. It costs as little as
// what it changes: the model is shared with its readers but for what is drawn,
// and where the change says nothing to rules, ratings and tests (a box was moved)
// how the product stands is taken over.
func redraw[T any](ctx context.Context, a *App, c Caller, product model.ProductID, cause Cause, fn func(*changing) (T, error)) (T, error) {
	return changeAs(ctx, a, c, policy.ModelEdit, product, "", cause, func(ch *changing) (T, error) {
		ch.stream, ch.drawing = product, true
		var zero T
		if err := ch.open(product, drawnCopy); err != nil {
			return zero, err
		}
		return fn(ch)
	})
}

// drawnCopy copies the lists of what is drawn and the assets. What the elements
// point to, and the risks, are shared: who changes them replaces them.
func drawnCopy(m *model.Model) *model.Model {
	out := *m
	out.Assets = slices.Clone(m.Assets)
	out.Diagrams = slices.Clone(m.Diagrams)
	out.Zones = slices.Clone(m.Zones)
	out.Components = slices.Clone(m.Components)
	out.Flows = slices.Clone(m.Flows)
	out.Curves = slices.Clone(m.Curves)
	out.Texts = slices.Clone(m.Texts)
	return &out
}

// weighty reports whether a change says anything to rules, ratings, tests or
// tickets: it does unless every written object was there before and differs only
// in where it is drawn and how it is described.
func weighty(saved store.Saved, old, now map[store.ObjectKey]any) bool {
	return len(saved.Removed) > 0 || slices.ContainsFunc(saved.Written, func(key store.ObjectKey) bool {
		was, had := old[key]
		return !had || !sameMeaning(was, now[key])
	})
}

// sameMeaning compares two states of one object without what only people see in
// a diagram. A diagram is the same where it was only put elsewhere; what is neither it nor
// drawn in one never is.
func sameMeaning(a, b any) bool {
	switch x := a.(type) {
	case model.Component:
		y, ok := b.(model.Component)
		x.Box, y.Box, x.Description, y.Description = nil, nil, "", ""
		return ok && reflect.DeepEqual(x, y)
	case model.Zone:
		y, ok := b.(model.Zone)
		x.Box, y.Box, x.Description, y.Description = nil, nil, "", ""
		return ok && reflect.DeepEqual(x, y)
	case model.Flow:
		y, ok := b.(model.Flow)
		x.FromPoint, x.ToPoint, x.Vertices, x.Description = nil, nil, nil, ""
		y.FromPoint, y.ToPoint, y.Vertices, y.Description = nil, nil, nil, ""
		return ok && reflect.DeepEqual(x, y)
	case model.Curve:
		y, ok := b.(model.Curve)
		x.Points, y.Points, x.Description, y.Description = nil, nil, "", ""
		return ok && reflect.DeepEqual(x, y)
	case model.TextBlock:
		y, ok := b.(model.TextBlock)
		x.Text, y.Text, x.Box, y.Box = "", "", nil, nil
		return ok && reflect.DeepEqual(x, y)
	case model.Diagram:
		return reflect.DeepEqual(a, b)
	default:
		return false
	}
}
