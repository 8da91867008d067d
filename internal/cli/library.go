package cli

import (
	"context"
	"fmt"

	"github.com/threatloop/threatloop/internal/generate"
)

type libraryCmd struct {
	Check  libraryCheckCmd  `cmd:"" help:"Read a library and say everything that is wrong in it."`
	Test   libraryTestCmd   `cmd:"" help:"Run the tests of every rule of a library."`
	Diff   libraryDiffCmd   `cmd:"" help:"Tell two libraries apart."`
	Export libraryExportCmd `cmd:"" help:"Write a library as files."`
	Import libraryImportCmd `cmd:"" help:"Check entries from elsewhere and write them as a layer over a library."`
}

type libraryCheckCmd struct {
	Dir  string `arg:"" optional:"" help:"Folder or zip of the library, or a pile such as built-in+ours; without it the one inside this program."`
	JSON bool   `help:"Print JSON." name:"json"`
}

// libraryReport is what `library check --json` prints.
type libraryReport struct {
	Library        string   `json:"library"` // ref@version+digest
	Name           string   `json:"name"`
	Types          int      `json:"types"`
	Patterns       int      `json:"patterns"`
	Rules          int      `json:"rules"`
	Questionnaires int      `json:"questionnaires"`
	Standards      int      `json:"standards"`
	Warnings       []string `json:"warnings"` // "file:line:column: text"
}

// Run checks a library. What is wrong refuses it, exit code 3; warnings do not.
func (c *libraryCheckCmd) Run(_ context.Context, env *Env) error {
	l, err := loadLibrary(c.Dir)
	if err != nil {
		return err
	}
	r := libraryReport{
		Library: l.Stamp(), Name: l.Name, Types: len(l.Types), Patterns: len(l.Patterns), Rules: len(l.Rules),
		Questionnaires: len(l.Questionnaires), Standards: len(l.Standards), Warnings: []string{},
	}
	for _, w := range l.Warnings {
		r.Warnings = append(r.Warnings, w.At.String()+": "+w.Text)
	}
	if c.JSON {
		return printJSON(env.Stdout, r)
	}
	for _, w := range r.Warnings {
		if _, err := fmt.Fprintf(env.Stdout, "warning: %s\n", w); err != nil {
			return err
		}
	}
	_, err = fmt.Fprintf(env.Stdout, "%s: %d types, %d patterns, %d rules, %d questionnaires, %d standards, %d warnings\n",
		r.Library, r.Types, r.Patterns, r.Rules, r.Questionnaires, r.Standards, len(r.Warnings))
	return err
}

type libraryTestCmd struct {
	Dir  string `arg:"" optional:"" help:"Folder or zip of the library, or a pile such as built-in+ours; without it the one inside this program."`
	JSON bool   `help:"Print JSON." name:"json"`
}

// Run runs the tests of a library's rules. A test that fails, and a rule without
// a test in which it fires and one in which it stays silent, are failures: exit code 3.
func (c *libraryTestCmd) Run(_ context.Context, env *Env) error {
	l, err := loadLibrary(c.Dir)
	if err != nil {
		return err
	}
	r := generate.Test(l)
	if c.JSON {
		if err := printJSON(env.Stdout, r); err != nil {
			return err
		}
	} else {
		for _, f := range r.Failures {
			if _, err := fmt.Fprintf(env.Stdout, "FAIL %s: rule %s: %s: %s\n", f.At, f.Rule, f.Test, printable(f.Text)); err != nil {
				return err
			}
		}
		if _, err := fmt.Fprintf(env.Stdout, "%s: %d rules, %d tests, %d failures\n", l.Stamp(), r.Rules, r.Tests, len(r.Failures)); err != nil {
			return err
		}
	}
	if n := len(r.Failures); n > 0 {
		return fmt.Errorf("%d tests of the library fail", n)
	}
	return nil
}
