package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/threatloop/threatloop/internal/interchange"
)

type modelCmd struct {
	Show modelShowCmd `cmd:"" help:"Say what a model file holds and what would be guessed, kept or refused."`
}

type modelShowCmd struct {
	File string `arg:"" help:"A model file of a known kind (Threat Dragon, Open Threat Model, Threagile, Threatloop, ...), told by its content; - is standard input."`
	JSON bool   `help:"Print JSON." name:"json"`
}

// Run prints the summary of a model file.
func (c *modelShowCmd) Run(_ context.Context, env *Env) error {
	data, err := readModelFile(env, c.File)
	if err != nil {
		return err
	}
	opts, done := modelOptions(c.File)
	defer done()
	i, err := interchange.Read(data, opts)
	if err != nil {
		return err
	}
	s := interchange.Summarise(i)
	if c.JSON {
		return printJSON(env.Stdout, s)
	}
	t := newTable(env.Stdout)
	t.row("title", i.Model.Product.Name)
	t.row("format", s.Format)
	t.row("diagrams", s.Diagrams)
	e := s.Elements
	t.row("elements", fmt.Sprintf("%d: %d actors, %d processes, %d stores, %d flows, %d boundaries, %d texts",
		e.Actor+e.Process+e.Store+e.Flow+e.Boundary+e.Text, e.Actor, e.Process, e.Store, e.Flow, e.Boundary, e.Text))
	t.row("threats", s.Threats)
	if err := t.Flush(); err != nil {
		return err
	}
	return printNotes(env.Stdout, s.Notes)
}

// printNotes prints notes on a file, one a line, each with its place where it has one.
func printNotes(w io.Writer, notes []interchange.Note) error {
	for _, n := range notes {
		if _, err := io.WriteString(w, noteLine(n)+"\n"); err != nil {
			return err
		}
	}
	return nil
}

func noteLine(n interchange.Note) string {
	line := fmt.Sprintf("%s: %s: %s", n.Level, n.Where, n.Text)
	if n.At != "" {
		line = n.At + ": " + line
	}
	return printable(line)
}
