package evidence

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
)

// ShowOptions for Show.
type ShowOptions struct {
	Summary bool // leave the list of results out
}

// Show writes a report as one JSON object: {"results": [...], "format",
// "variant", "tool", "complete", "reasons", "counts": {"fail", "pass", "error",
// "not_run"}, "notes", ...}. Results come first and in file order, one per line, because the rest is
// known only after the last of them; nothing is held in memory. Members are only ever added. The errors are
// those of Report.Read and of w; after one, what was written is not a whole object.
func Show(ctx context.Context, w io.Writer, r *Report, opts ShowOptions) (Summary, error) {
	b := bufio.NewWriterSize(w, 64<<10)
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	encode := func(v any) ([]byte, error) {
		line.Reset()
		err := enc.Encode(v)
		return bytes.TrimSuffix(line.Bytes(), []byte("\n")), err
	}
	separator := "{\"results\": [\n"
	sum, err := r.Read(ctx, func(res Result) error {
		if opts.Summary {
			return nil
		}
		text, err := encode(res)
		if err != nil {
			return err
		}
		if _, err = b.WriteString(separator); err != nil {
			return err
		}
		separator = ",\n"
		_, err = b.Write(text)
		return err
	})
	if err != nil {
		return sum, err
	}
	text, err := encode(sum)
	if err != nil {
		return sum, err
	}
	switch {
	case opts.Summary:
	case sum.Counts.Total() == 0:
		_, _ = b.WriteString("{\"results\": [],\n")
		text = text[1:]
	default:
		_, _ = b.WriteString("\n],\n")
		text = text[1:]
	}
	_, _ = b.Write(text)
	_ = b.WriteByte('\n')
	return sum, b.Flush()
}
