package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	jsonv1 "github.com/go-json-experiment/json/v1"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange"
)

// stdin is the argument that stands for standard input.
const stdin = "-"

// readModelFile returns the bytes of a model file, or of standard input for "-".
func readModelFile(env *Env, name string) ([]byte, error) {
	if name == stdin {
		return readAll(env.Stdin, "standard input", interchange.MaxBytes)
	}
	return readLimited(name, interchange.MaxBytes)
}

// modelOptions returns the options for reading a model file: its name in messages,
// and the folder that it stands in, for models that are spread over several files;
// nothing outside of that is opened. Call done when the file is read.
func modelOptions(name string) (opts interchange.Options, done func()) {
	opts = interchange.Options{Name: label(name)}
	if name == stdin {
		return opts, func() {}
	}
	root, err := os.OpenRoot(filepath.Dir(name))
	if err != nil {
		return opts, func() {} // the model file itself can be read; an include says what is missing
	}
	opts.Files = root.FS()
	return opts, func() { _ = root.Close() }
}

func readAll(r io.Reader, name string, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fileFault(err)
	}
	if int64(len(data)) > limit {
		return nil, fault.New(fault.TooLarge, "file.too_large", "%s has more than %d bytes, the most that is read", name, limit)
	}
	return data, nil
}

// label is how a file is called in messages.
func label(name string) string {
	if name == stdin {
		return "standard input"
	}
	return name
}

// openRandom opens a file for random access; standard input, and what is no
// regular file, is copied into a temporary file first. Call done when ready.
func openRandom(env *Env, name string) (f *os.File, size int64, done func(), err error) {
	var src io.Reader = env.Stdin
	if name != stdin {
		f, err := os.Open(name)
		if err != nil {
			return nil, 0, nil, fileFault(err)
		}
		info, err := f.Stat()
		if err != nil || info.IsDir() {
			_ = f.Close()
			if err == nil {
				err = &os.PathError{Op: "read", Path: name, Err: errors.New("is a folder")}
			}
			return nil, 0, nil, fileFault(err)
		}
		if info.Mode()&fs.ModeType == 0 {
			return f, info.Size(), func() { _ = f.Close() }, nil
		}
		src = f
		defer func() { _ = f.Close() }()
	}
	f, err = os.CreateTemp("", "threatloop-*.report")
	if err != nil {
		return nil, 0, nil, fmt.Errorf("temporary file for %s: %w", label(name), err)
	}
	done = func() {
		_ = f.Close()
		_ = os.Remove(f.Name())
	}
	if size, err = io.Copy(f, src); err != nil {
		done()
		return nil, 0, nil, fmt.Errorf("copy %s to a temporary file: %w", label(name), err)
	}
	return f, size, done, nil
}

// jsonForm is how every command writes JSON: indented, with the characters < > & as they are.
func jsonForm() json.Options {
	return json.JoinOptions(jsonv1.DefaultOptionsV1(), jsontext.EscapeForHTML(false), jsontext.WithIndent("  "))
}

// printJSON writes one JSON document.
func printJSON(w io.Writer, v any) error {
	err := json.MarshalWrite(w, v, jsonForm())
	if err == nil {
		_, err = io.WriteString(w, "\n")
	}
	return err
}

// jsonWriter writes one JSON object member by member, as printJSON would write it
// whole; it keeps the first error.
type jsonWriter struct {
	enc *jsontext.Encoder
	err error
}

func newJSONWriter(w io.Writer) *jsonWriter {
	return &jsonWriter{enc: jsontext.NewEncoder(w, jsonForm())}
}

func (j *jsonWriter) token(t jsontext.Token) {
	if j.err == nil {
		j.err = j.enc.WriteToken(t)
	}
}

func (j *jsonWriter) value(v any) {
	if j.err == nil {
		j.err = json.MarshalEncode(j.enc, v)
	}
}

func (j *jsonWriter) begin() { j.token(jsontext.BeginObject) }

func (j *jsonWriter) member(name string, v any) {
	j.token(jsontext.String(name))
	j.value(v)
}

// listMember writes a member that is a list, each value as it comes.
func listMember[T any](j *jsonWriter, name string, values iter.Seq[T]) {
	j.token(jsontext.String(name))
	j.token(jsontext.BeginArray)
	var one T // what is written must have an address, and needs only one
	for one = range values {
		if j.value(&one); j.err != nil {
			return
		}
	}
	j.token(jsontext.EndArray)
}

// end closes the object and returns the first error.
func (j *jsonWriter) end() error {
	j.token(jsontext.EndObject)
	return j.err
}

// table prints rows in columns; each row is one tab-separated line.
type table struct{ *tabwriter.Writer }

func newTable(w io.Writer) table {
	return table{tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)}
}

func (t table) row(cells ...any) {
	for i, c := range cells {
		if i > 0 {
			_, _ = fmt.Fprint(t, "\t")
		}
		_, _ = fmt.Fprint(t, cellText(fmt.Sprint(c)))
	}
	_, _ = fmt.Fprintln(t)
}

func cellText(s string) string {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return strings.ReplaceAll(printable(s), "\t", " ")
		}
	}
	return s // as nearly every cell is
}

// printColumns prints rows of equally many cells as table does. It walks over them
// twice, for the widths and for the text, and keeps none: a large model has a row per threat.
func printColumns(w io.Writer, rows iter.Seq[[]string]) error {
	const padding = 2
	var widths []int
	for cells := range rows {
		widths = append(widths, make([]int, len(cells)-len(widths))...)
		for i, c := range cells {
			widths[i] = max(widths[i], utf8.RuneCountInString(cellText(c)))
		}
	}
	var line []byte
	for cells := range rows {
		line = line[:0]
		for i, c := range cells {
			text := cellText(c)
			if line = append(line, text...); i < len(cells)-1 {
				for range widths[i] + padding - utf8.RuneCountInString(text) {
					line = append(line, ' ')
				}
			}
		}
		if _, err := w.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return nil
}
