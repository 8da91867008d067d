package cli

import (
	"context"
	"fmt"

	"github.com/threatloop/threatloop/internal/interchange"
)

type modelCmd struct {
	Show modelShowCmd `cmd:"" help:"Say what a model file holds and what would be guessed, kept or refused."`
}

type modelShowCmd struct {
	File string `arg:"" help:"Threat Dragon 1 or 2 (JSON), or Threatloop (YAML); - is standard input."`
	JSON bool   `help:"Print JSON." name:"json"`
}

// Run prints the summary of a model file.
func (c *modelShowCmd) Run(_ context.Context, env *Env) error {
	data, err := readModelFile(env, c.File)
	if err != nil {
		return err
	}
	i, err := interchange.Read(data, interchange.Options{Name: label(c.File)})
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
	for _, n := range s.Notes {
		if _, err := fmt.Fprintf(env.Stdout, "%s: %s: %s\n", n.Level, printable(n.Where), printable(n.Text)); err != nil {
			return err
		}
	}
	return nil
}
