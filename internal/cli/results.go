package cli

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"

	"github.com/threatloop/threatloop/internal/evidence"
)

type resultsCmd struct {
	Show   resultsShowCmd   `cmd:"" help:"Print the results in a report of any known format."`
	Upload resultsUploadCmd `cmd:"" help:"Upload reports to a server and say what they changed."`
	Finish resultsFinishCmd `cmd:"" help:"Declare a run whole, once all its parts are uploaded."`
}

type resultsShowCmd struct {
	File    string `arg:"" help:"Report of a test tool, plain, gzip or zip; - is standard input."`
	Format  string `help:"Read it as this format instead of telling it by its content." placeholder:"FORMAT"`
	JSON    bool   `help:"Print JSON." name:"json"`
	Summary bool   `help:"Leave the list of results out."`
}

// Run prints a report's results. A broken report gives what was read of it and says that it is incomplete.
func (c *resultsShowCmd) Run(ctx context.Context, env *Env) error {
	f, size, done, err := openRandom(env, c.File)
	if err != nil {
		return err
	}
	defer done()
	r, err := evidence.Open(f, size, evidence.Options{Name: label(c.File), Format: c.Format})
	if err != nil {
		return err
	}
	if c.JSON {
		_, err = evidence.Show(ctx, env.Stdout, r, evidence.ShowOptions{Summary: c.Summary})
		return err
	}
	return c.print(ctx, env.Stdout, r)
}

func (c *resultsShowCmd) print(ctx context.Context, w io.Writer, r *evidence.Report) error {
	sum, err := r.Read(ctx, func(res evidence.Result) error {
		if c.Summary {
			return nil
		}
		var line bytes.Buffer
		fmt.Fprintf(&line, "%-7s %s", res.Verdict, printable(cmp.Or(res.Name, res.ID)))
		for _, cwe := range res.CWEs {
			fmt.Fprintf(&line, " CWE-%d", cwe)
		}
		line.WriteByte('\n')
		_, err := w.Write(line.Bytes())
		return err
	})
	if err != nil {
		return err
	}
	for _, reason := range sum.Reasons {
		if _, err := fmt.Fprintf(w, "incomplete: %s\n", printable(reason)); err != nil {
			return err
		}
	}
	for _, note := range sum.Notes {
		if _, err := fmt.Fprintf(w, "note: %s\n", printable(note)); err != nil {
			return err
		}
	}
	complete := "complete"
	switch {
	case !sum.Complete:
		complete = "incomplete"
	case sum.Declarable:
		complete = "whole as far as the report tells"
	}
	_, err = fmt.Fprintf(w, "%s by %s, %s: %d fail, %d pass, %d error, %d not run\n", sum.Format, printable(cmp.Or(sum.Tool, "an unnamed tool")), complete,
		sum.Counts.Fail, sum.Counts.Pass, sum.Counts.Error, sum.Counts.NotRun)
	return err
}
