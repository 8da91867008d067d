package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// isTerminal reports whether something is written to a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0 && f.Name() != os.DevNull
}

// colors reports whether text on w may carry colours: on a terminal that knows
// them, unless NO_COLOR (no-color.org) is set.
func (e *Env) colors(w io.Writer) bool {
	if no, ok := e.Lookup("NO_COLOR"); ok && no != "" {
		return false
	}
	term, _ := e.Lookup("TERM")
	return term != "dumb" && isTerminal(w)
}

// paint puts a text between the codes of a colour.
func paint(on bool, code, s string) string {
	if !on {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}

// bar draws how far something has come on one line of a terminal. Its methods
// may be called from several goroutines.
type bar struct {
	w     io.Writer
	name  string
	total int64 // 0 where unknown
	now   func() time.Time

	mu    sync.Mutex
	drawn time.Time
	width int
}

// newBar returns a bar on standard error, or nil where that is no terminal or the bar is not wanted.
func newBar(env *Env, quiet bool, name string, total int64) *bar {
	if quiet || !isTerminal(env.Stderr) {
		return nil
	}
	return &bar{w: env.Stderr, name: printable(name), total: total, now: env.Now}
}

// progress returns what tells the bar how many bytes have gone; nil for no bar.
func (b *bar) progress() func(int64) {
	if b == nil {
		return nil
	}
	return func(n int64) {
		b.mu.Lock()
		defer b.mu.Unlock()
		now := b.now()
		if n < b.total && now.Sub(b.drawn) < 100*time.Millisecond {
			return
		}
		b.drawn = now
		b.draw(n)
	}
}

func (b *bar) draw(n int64) {
	const cells = 30
	text := b.name + "  " + size(n)
	if b.total > 0 {
		full := int(min(n, b.total) * cells / b.total)
		text = fmt.Sprintf("%s  [%s%s] %3d %%  %s of %s", b.name, strings.Repeat("=", full), strings.Repeat(" ", cells-full), min(n, b.total)*100/b.total, size(n), size(b.total))
		if n >= b.total {
			text += ", reading"
		}
	}
	pad := max(0, b.width-len(text))
	b.width = len(text)
	_, _ = fmt.Fprint(b.w, "\r"+text+strings.Repeat(" ", pad)) // decoration: nothing depends on it
}

// end takes the bar off the terminal.
func (b *bar) end() {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.width > 0 {
		_, _ = fmt.Fprint(b.w, "\r"+strings.Repeat(" ", b.width)+"\r")
	}
}

// size writes a number of bytes for people.
func size(n int64) string {
	switch {
	case n >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
	case n >= 1<<20:
		return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20))
	case n >= 1<<10:
		return fmt.Sprintf("%.1f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d B", n)
}
