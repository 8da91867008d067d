package queue

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

func TestQuiet(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	stopping := false
	l := quiet(slog.New(slog.NewTextHandler(&out, nil)), func() bool { return stopping }).With("client", "x")
	ended := fmt.Errorf("fetch: %w", context.Canceled)
	l.Info("of no interest")
	l.Error("one", "err", ended.Error())
	stopping = true
	l.Error("two", "err", ended.Error())
	l.Error("three", "error", ended)
	l.Error("four", "err", errors.New("disk full"))
	for line, want := range map[string]bool{"of no interest": false, "one": true, "two": false, "three": false, "four": true} {
		if got := strings.Contains(out.String(), line); got != want {
			t.Errorf("the log has %q = %t, want %t:\n%s", line, got, want, &out)
		}
	}
}
