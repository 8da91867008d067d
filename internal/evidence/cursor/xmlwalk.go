package cursor

import "strings"

// Skip reads past the end of the element just begun.
func (x *XML) Skip() error {
	for depth := x.Depth(); ; {
		kind, err := x.Next()
		if err != nil {
			return err
		}
		if kind == End && x.Depth() < depth {
			return nil
		}
	}
}

// TextOf reads to the end of the element just begun and returns its text and
// that of its descendants, at most limit bytes.
func (x *XML) TextOf(limit int) (string, error) {
	var b strings.Builder
	for depth := x.Depth(); ; {
		kind, err := x.Next()
		if err != nil {
			return "", err
		}
		switch {
		case kind == Text && b.Len() < limit:
			b.Write(x.text[:min(len(x.text), limit-b.Len())])
		case kind == End && x.Depth() < depth:
			return strings.TrimSpace(b.String()), nil
		}
	}
}

// Children calls f at the start of each direct child of the element just
// begun, with the child's name, until the element has ended. Whatever f leaves unread of a child is skipped.
func (x *XML) Children(f func(name string) error) error {
	for depth := x.Depth(); ; {
		kind, err := x.Next()
		if err != nil {
			return err
		}
		switch kind {
		case Start:
			inner := x.Depth()
			if err := f(x.name); err != nil {
				return err
			}
			for x.Depth() >= inner {
				if _, err := x.Next(); err != nil {
					return err
				}
			}
		case End:
			if x.Depth() < depth {
				return nil
			}
		}
	}
}

// Root moves to the document's first element and returns its name.
func (x *XML) Root() (string, error) {
	for {
		kind, err := x.Next()
		if err != nil {
			return "", err
		}
		if kind == Start {
			return x.name, nil
		}
	}
}
