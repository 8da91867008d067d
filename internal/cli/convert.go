package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange"
)

type convertCmd struct {
	From  string `arg:"" help:"Model file, its format told by its content; - is standard input."`
	Into  string `arg:"" name:"to-file" help:"File to write; - is standard output."`
	As    string `name:"from" help:"Format that the file must have, as model show names it." placeholder:"FORMAT"`
	To    string `name:"to" help:"Format to write, such as threatloop or threat-dragon; left out, that of the ending of the file." placeholder:"FORMAT"`
	Force bool   `help:"Replace a file that is there; what only it says stays where the format allows: comments, unknown keys."`
	JSON  bool   `help:"Print a report as JSON." name:"json"`
}

// converted is what `convert --json` prints. Its JSON is a promise: keys are added, never renamed or removed.
type converted struct {
	From    interchange.Summary `json:"from"`
	To      interchange.Format  `json:"to"`
	Bytes   int                 `json:"bytes"`
	Changed bool                `json:"changed"` // the file was not there, or said something else
	Notes   []interchange.Note  `json:"notes"`   // what the format written cannot say; never null
}

// Run reads a model file and writes it in another format.
func (c *convertCmd) Run(_ context.Context, env *Env) error {
	data, err := readModelFile(env, c.From)
	if err != nil {
		return err
	}
	to, err := c.format()
	if err != nil {
		return err
	}
	opts, done := modelOptions(c.From)
	defer done()
	i, err := interchange.ReadAs(interchange.Format(c.As), data, opts)
	if err != nil {
		return err
	}
	before, err := c.before()
	if err != nil {
		return err
	}
	out, notes, err := interchange.WriteAs(to.Name, i.Model, before)
	if err != nil {
		return err
	}
	report := converted{From: interchange.Summarise(i), To: to.Name, Bytes: len(out), Changed: c.Into == stdin || before == nil || !bytes.Equal(before, out), Notes: notes}
	if report.Notes == nil {
		report.Notes = []interchange.Note{}
	}
	if c.Into == stdin {
		if c.JSON {
			return usage(errors.New("--json and the file cannot both go to standard output"))
		}
		if _, err := env.Stdout.Write(out); err != nil {
			return err
		}
	} else if report.Changed {
		if err := replaceFile(c.Into, out); err != nil {
			return err
		}
	}
	if c.JSON {
		return printJSON(env.Stdout, report)
	}
	if err := printNotes(env.Stderr, append(report.From.Notes, report.Notes...)); err != nil || c.Into == stdin {
		return err
	}
	s := report.From
	_, err = fmt.Fprintf(env.Stdout, "%s: %s to %s: %d diagrams, %d elements, %d threats\n", c.Into, s.Format, to.Name, s.Diagrams,
		s.Elements.Actor+s.Elements.Process+s.Elements.Store+s.Elements.Flow+s.Elements.Boundary+s.Elements.Text, s.Threats)
	return err
}

// format returns the format to write: the one named, else that of the file's
// ending. JSON alone names none, because several formats are JSON.
func (c *convertCmd) format() (interchange.Writable, error) {
	var names, fit []interchange.Writable
	for _, w := range interchange.Written() {
		names = append(names, w)
		if string(w.Name) == c.To || c.To == "" && (strings.EqualFold(filepath.Ext(c.Into), w.Extension) || w.Extension == ".yaml" && strings.EqualFold(filepath.Ext(c.Into), ".yml")) {
			fit = append(fit, w)
		}
	}
	if len(fit) == 1 {
		return fit[0], nil
	}
	text := make([]string, 0, len(names))
	for _, w := range names {
		text = append(text, string(w.Name))
	}
	why := fmt.Errorf("--to %s is no format that is written", c.To)
	if c.To == "" {
		why = fmt.Errorf("the ending of %s does not tell the format to write", c.Into)
		if c.Into == stdin {
			why = errors.New("standard output does not tell the format to write")
		}
	}
	return interchange.Writable{}, withHint(&usageError{why}, "--to takes %s", strings.Join(text, ", "))
}

// before returns the file that is to be replaced, nil if there is none.
func (c *convertCmd) before() ([]byte, error) {
	if c.Into == stdin {
		return nil, nil
	}
	data, err := readLimited(c.Into, interchange.MaxBytes)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err == nil && !c.Force {
		err = withHint(fault.New(fault.Conflict, "file.exists", "%s is there already", c.Into), "--force replaces it")
	}
	return data, err
}

// replaceFile writes a file whole or not at all.
func replaceFile(name string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".*")
	if err != nil {
		return fileFault(err)
	}
	defer func() { _ = os.Remove(f.Name()) }()
	mode := fs.FileMode(0o644)
	if info, err := os.Stat(name); err == nil {
		mode = info.Mode().Perm()
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Chmod(mode), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return fileFault(err)
	}
	return nil
}
