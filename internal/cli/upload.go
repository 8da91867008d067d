package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/client"
	"github.com/threatloop/threatloop/internal/evidence"
	"github.com/threatloop/threatloop/internal/fault"
)

type resultsUploadCmd struct {
	remote
	Files       []string      `arg:"" name:"file" help:"Reports of test tools, plain, gzip or zip; - is standard input."`
	Product     string        `help:"Id or name of the product; a token for uploads only needs the id." required:"" placeholder:"PRODUCT" env:"THREATLOOP_PRODUCT"`
	Source      string        `help:"Tool, suite and configuration: a result replaces only what the same source said. Without it, the format." placeholder:"NAME"`
	Branch      string        `help:"Branch that was tested." placeholder:"NAME"`
	Environment string        `help:"Environment that was tested." placeholder:"NAME"`
	RunName     string        `help:"Name that all uploads of one run share." placeholder:"NAME" name:"run"`
	Build       string        `help:"Build that was tested." placeholder:"NAME"`
	Format      string        `help:"Read them as this format instead of telling it by their content." placeholder:"FORMAT"`
	Complete    bool          `help:"These files are the whole run: findings of scanners that it lacks are gone."`
	Wait        time.Duration `help:"How long to wait for the reports to be read; 0s does not wait." default:"2m"`
	DryRun      bool          `help:"Say what would change; store nothing."`
	Quiet       bool          `help:"No progress bar." short:"q"`
	JSON        bool          `help:"Print JSON." name:"json"`
}

// runView is what commands read of an upload.
type runView struct {
	ID       string          `json:"id"`
	Run      string          `json:"run"`
	Source   string          `json:"source"`
	Format   string          `json:"format"`
	State    string          `json:"state"`
	Error    string          `json:"error,omitempty"`
	Complete bool            `json:"complete"`
	Reasons  []string        `json:"reasons,omitempty"`
	Repeat   bool            `json:"repeat,omitempty"`
	Counts   evidence.Counts `json:"counts"`
	Diff     *evidence.Diff  `json:"diff,omitempty"`
}

// Run uploads the reports, one after the other.
func (c *resultsUploadCmd) Run(ctx context.Context, env *Env) error {
	if c.Complete && c.RunName == "" && len(c.Files) > 1 {
		return usage(errors.New("--complete with several files needs --run, the name that they share"))
	}
	cl, err := c.client()
	if err != nil {
		return err
	}
	product, err := productID(ctx, cl, c.Product)
	if err != nil {
		return err
	}
	answers := []json.RawMessage{}
	for i, name := range c.Files {
		raw, view, err := c.upload(ctx, env, cl, product, name, c.Complete && i == len(c.Files)-1)
		if err != nil {
			err = inFile(label(name), err)
			if c.JSON && len(answers) > 0 { // what the server took before is told
				err = errors.Join(err, printJSON(env.Stdout, map[string]any{"runs": answers}))
			}
			return err
		}
		if c.JSON {
			answers = append(answers, raw)
			continue
		}
		if _, err := io.WriteString(env.Stdout, view.text(label(name), c.DryRun)); err != nil {
			return err
		}
	}
	if c.JSON {
		return printJSON(env.Stdout, map[string]any{"runs": answers})
	}
	return nil
}

// upload sends one report and waits for it to be read.
func (c *resultsUploadCmd) upload(ctx context.Context, env *Env, cl *client.Client, product, name string, last bool) (json.RawMessage, runView, error) {
	var view runView
	f, size, done, err := openRandom(env, name)
	if err != nil {
		return nil, view, err
	}
	defer done()
	query := url.Values{}
	for key, v := range map[string]string{"source": c.Source, "branch": c.Branch, "environment": c.Environment, "run": c.RunName, "build": c.Build, "format": c.Format} {
		if v != "" {
			query.Set(key, v)
		}
	}
	query.Set("name", filepath.Base(label(name)))
	if last {
		query.Set("complete", "true")
	}
	if c.DryRun {
		query.Set("dry_run", "true")
	}
	b := newBar(env, c.Quiet, label(name), size)
	var raw json.RawMessage
	err = cl.Upload(ctx, inProduct(product, "/results?"+query.Encode()), "application/octet-stream", f, b.progress(), &raw)
	b.end()
	if err != nil {
		return nil, view, err
	}
	deadline := env.Now().Add(c.Wait)
	for {
		view = runView{}
		if err := json.Unmarshal(raw, &view); err != nil {
			return nil, view, fmt.Errorf("read the answer: %w", err)
		}
		switch view.State {
		case "queued", "parsing":
			if !env.Now().Before(deadline) {
				return raw, view, nil
			}
		case "rejected", "failed":
			return nil, view, fault.New(fault.Invalid, "results.rejected", "%s", view.Error)
		default:
			return raw, view, nil
		}
		select {
		case <-ctx.Done():
			return nil, view, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
		if err := cl.Get(ctx, inProduct(product, "/runs/"+url.PathEscape(view.ID)), &raw); err != nil {
			return nil, view, err
		}
	}
}

// text says what an upload changed.
func (v runView) text(name string, dry bool) string {
	var b strings.Builder
	if v.State == "queued" || v.State == "parsing" {
		return fmt.Sprintf("%s: taken as %s, not read yet\n", name, v.ID)
	}
	fmt.Fprintf(&b, "%s: %s, %d failed, %d passed, %d errors, %d not run", name, v.Format, v.Counts.Fail, v.Counts.Pass, v.Counts.Error, v.Counts.NotRun)
	switch {
	case v.Repeat:
		b.WriteString(" (uploaded before: nothing changed)")
	case dry:
		b.WriteString(" (dry run: nothing was stored)")
	}
	b.WriteString("\n")
	for _, r := range v.Reasons {
		fmt.Fprintf(&b, "  incomplete: %s\n", printable(r))
	}
	if v.Diff == nil {
		return b.String()
	}
	for _, part := range []struct {
		items []evidence.Item
		text  string
	}{
		{v.Diff.New, "new"},
		{v.Diff.Reopened, "again"},
		{v.Diff.PassedNow, "passes now"},
		{v.Diff.StillFailing, "still fails"},
		{v.Diff.Unmatched, "about nothing in the model"},
		{v.Diff.Ambiguous, "fits several places"},
	} {
		for i, item := range part.items {
			if i == shownItems {
				fmt.Fprintf(&b, "  %s: %s more\n", part.text, strconv.Itoa(len(part.items)-i))
				break
			}
			title := item.Name
			if title == "" {
				title = item.ID
			}
			fmt.Fprintf(&b, "  %s: %s\n", part.text, printable(title))
		}
	}
	for _, ask := range v.Diff.Asks {
		fmt.Fprintf(&b, "  asks: %s\n", printable(ask))
	}
	return b.String()
}

// shownItems is how many results of a kind are printed.
const shownItems = 10

type resultsFinishCmd struct {
	remote
	Name    string `arg:"" name:"run" help:"Name that the uploads of the run share."`
	Product string `help:"Id or name of the product." required:"" placeholder:"PRODUCT" env:"THREATLOOP_PRODUCT"`
	Reason  string `help:"Kept in the audit trail." placeholder:"TEXT"`
}

// Run declares a run whole.
func (c *resultsFinishCmd) Run(ctx context.Context, env *Env) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	product, err := productID(ctx, cl, c.Product)
	if err != nil {
		return err
	}
	if err := cl.Post(ctx, inProduct(product, "/runs/finish"), map[string]string{"run": c.Name, "reason": c.Reason}, nil); err != nil {
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, "run %s is whole: findings of scanners that it lacks are gone; a test that it lacks keeps its verdict\n", printable(c.Name))
	return err
}
