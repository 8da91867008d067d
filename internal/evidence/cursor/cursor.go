// Package cursor reads untrusted XML and JSON reports as streams in bounded
// memory: it decodes the encoding, cuts long tokens, limits size, depth and
// inflation, refuses entities, and tells a broken file from a refused one. It
// knows no report format. Cursors are not safe for concurrent use.
package cursor

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/threatloop/threatloop/internal/fault"
)

// Limits bound what one report may cost. Exceeding one is a fault (too_large).
type Limits struct {
	Bytes   int64 // of the report after decompression
	Ratio   int64 // of inflated to packed bytes, judged after the first 16 MiB
	Depth   int   // of nested elements, objects and arrays
	Results int   // in one upload
	Entries int   // of a zip that is a collection of reports, read as such
}

// DefaultLimits admit a 1 GB report with room to spare.
func DefaultLimits() Limits {
	return Limits{Bytes: 4 << 30, Ratio: 250, Depth: 200, Results: 50_000_000, Entries: 10_000}
}

// Source is one report: a stream that can be opened again from its start, and
// for a zip its members. Readers that need two passes open it twice.
type Source struct {
	Name   string // of the file or the zip's member, for messages
	Limits Limits
	Open   func() (io.Reader, error) // UTF-8 after decompression and decoding
	Zip    *Zip                      // of an archive that is one report, else nil
}

// XML opens the source as XML.
func (s *Source) XML() (*XML, error) {
	r, err := s.Open()
	if err != nil {
		return nil, err
	}
	return NewXML(r, s.Limits.Depth), nil
}

// JSON opens the source as JSON.
func (s *Source) JSON() (*JSON, error) {
	r, err := s.Open()
	if err != nil {
		return nil, err
	}
	return NewJSON(r, s.Limits.Depth), nil
}

// Broken is a report that ends early or is not well-formed: what was read
// before stands, the rest is unknown.
type Broken struct {
	Line   int    // from 1, 0 where unknown
	Reason string // such as "the file ends inside <testcase>"
}

// Error returns the reason with the line.
func (b *Broken) Error() string {
	if b.Line > 0 {
		return fmt.Sprintf("line %d: %s", b.Line, b.Reason)
	}
	return b.Reason
}

// AsBroken returns the Broken in err's chain, or nil.
func AsBroken(err error) *Broken {
	var b *Broken
	if errors.As(err, &b) {
		return b
	}
	return nil
}

func tooDeep(line, depth int) error {
	return fault.New(fault.TooLarge, "evidence.too_deep", "line %d: the report nests deeper than %d levels", line, depth)
}

// bounded stops a stream that grows beyond a size, or beyond a ratio to its packed form.
type bounded struct {
	r      io.Reader
	n      int64
	max    int64
	packed func() int64 // bytes read of the packed form; nil for plain data
	ratio  int64
}

// ratioFrom is where the ratio is first judged: short reports may compress
// well without being an attack.
const ratioFrom = 16 << 20

// Bound returns r limited to max bytes; packed, where not nil, tells how many packed bytes
// have been consumed, against which the inflation ratio is judged.
func Bound(r io.Reader, max int64, packed func() int64, ratio int64) io.Reader {
	return &bounded{r: r, max: max, packed: packed, ratio: ratio}
}

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	b.n += int64(n)
	if b.n > b.max {
		return 0, fault.New(fault.TooLarge, "evidence.too_large", "the report is larger than %d MiB after decompression", b.max>>20)
	}
	if b.packed != nil && b.n > ratioFrom && b.n > b.ratio*max(b.packed(), 1) {
		return 0, fault.New(fault.TooLarge, "evidence.inflation", "the report inflates to more than %d times its packed size", b.ratio)
	}
	return n, err
}

// Counter counts the bytes read through it.
type Counter struct {
	R io.Reader
	N int64
}

// Read reads from R.
func (c *Counter) Read(p []byte) (int, error) {
	n, err := c.R.Read(p)
	c.N += int64(n)
	return n, err
}

// readError turns what a stream under a cursor returned into a Broken, unless it is a fault of ours.
func readError(line int, inside string, err error) error {
	if fault.As(err) != nil {
		return err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return &Broken{Line: line, Reason: "the file ends inside " + inside}
	}
	return &Broken{Line: line, Reason: "the file cannot be read further: " + err.Error()}
}

func newBuffer(r io.Reader) *bufio.Reader { return bufio.NewReaderSize(r, 64<<10) }
