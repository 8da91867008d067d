package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"github.com/threatloop/threatloop/internal/client"
	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange"
	"github.com/threatloop/threatloop/internal/interchange/imported"
	"github.com/threatloop/threatloop/internal/interchange/tlyaml"
	"github.com/threatloop/threatloop/internal/interchange/update"
)

type applyCmd struct {
	remote
	Product string   `arg:"" help:"Id or name of the product."`
	Create  bool     `help:"Define the product if there is none of this name."`
	File    string   `help:"Model file to take in, of any kind that model show reads, or a newer version of one; - is standard input." placeholder:"FILE"`
	Answers string   `help:"Answers to a questionnaire (JSON or YAML); they replace the product's." placeholder:"FILE"`
	Take    []string `help:"Take only this change of the file, by its id as the preview prints it (component/db); more than once for more. What is not taken is offered again." placeholder:"ID" sep:"none"`
	Theirs  []string `help:"Of this conflict take the file's side, by its id, or of all conflicts: all. Without it what was done here stays." placeholder:"ID" sep:"none"`
	Yes     bool     `help:"Store it and apply the whole plan; without it nothing is stored, only shown." short:"y"`
	JSON    bool     `help:"Print JSON." name:"json"`
}

// applied is what `apply --json` prints.
type applied struct {
	Product string      `json:"product"`
	Stored  bool        `json:"stored"`
	Import  *importView `json:"import,omitempty"`
	Plan    *planView   `json:"plan,omitempty"`    // without --yes
	Applied *steps      `json:"applied,omitempty"` // with --yes
}

// steps counts those of a plan.
type steps struct {
	Applied int `json:"applied"`
	Left    int `json:"left"`
}

type importView struct {
	interchange.Summary
	Added     int           `json:"added"`
	Changed   int           `json:"changed"`
	Removed   int           `json:"removed"`
	Kept      int           `json:"kept"`
	Conflicts int           `json:"conflicts"`
	Waiting   int           `json:"waiting"`
	Items     []update.Item `json:"items,omitempty"`
	More      int           `json:"more,omitempty"`
}

// print tells what the file does, item by item.
func (v *importView) print(w io.Writer, file, would string) error {
	var b strings.Builder
	signs := map[update.Action]string{update.Add: "+", update.Change: "~", update.Remove: "-", update.Keep: "="}
	open := 0
	for _, i := range v.Items {
		sign := signs[i.Action]
		if i.Conflict {
			open++
			if i.Action == update.Keep {
				sign = "!"
			}
		}
		fmt.Fprintf(&b, "%s %s %s", sign, printable(i.Key()), printable(i.Title))
		var fields []string
		for _, f := range i.Fields {
			if f.Taken {
				fields = append(fields, f.Field)
			} else {
				fields = append(fields, fmt.Sprintf("%s stays %s, the file has %s", f.Field, short(f.Ours), short(f.File)))
			}
		}
		if len(fields) > 0 {
			b.WriteString(": " + printable(strings.Join(fields, ", ")))
		} else if i.Text != "" {
			b.WriteString(": " + i.Text)
		}
		b.WriteByte('\n')
	}
	if v.More > 0 {
		fmt.Fprintf(&b, "and %d more\n", v.More)
	}
	fmt.Fprintf(&b, "%s: %d elements and threats %sadded, %d changed, %d removed", file, v.Added, would, v.Changed, v.Removed)
	if v.Waiting > 0 {
		fmt.Fprintf(&b, ", %d left for another time", v.Waiting)
	}
	b.WriteByte('\n')
	if open > 0 {
		fmt.Fprintf(&b, "%d changed both here and in the file: what is here stays; --theirs ID, or all, takes the file's side\n", open)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// short cuts a value for one line.
func short(raw json.RawMessage) string {
	switch s := []rune(string(raw)); {
	case len(s) == 0:
		return "nothing"
	case len(s) > 60:
		return string(s[:60]) + "…"
	}
	return string(raw)
}

// Run takes files into a product and applies the plan.
func (c *applyCmd) Run(ctx context.Context, env *Env) error {
	cl, err := c.client()
	if err != nil {
		return err
	}
	var file, answersFile []byte
	var name string
	if c.File == "" && len(c.Take)+len(c.Theirs) > 0 {
		return &usageError{errors.New("--take and --theirs choose among the changes of a file: name it with --file")}
	}
	if c.File != "" {
		if file, err = readModelFile(env, c.File); err != nil {
			return err
		}
		if name, file, err = packed(c.File, file); err != nil {
			return err
		}
	}
	if c.Answers != "" {
		if answersFile, err = readModelFile(env, c.Answers); err != nil {
			return err
		}
	}
	answers, err := readAnswers(label(c.Answers), answersFile)
	if err != nil {
		return err
	}
	p, err := c.product(ctx, cl)
	if err != nil {
		return err
	}
	out := applied{Product: p.ID, Stored: c.Yes}
	if answers != nil && c.Yes {
		if err := cl.Do(ctx, http.MethodPut, inProduct(p.ID, "/answers"), answers, nil); err != nil {
			return err
		}
	}
	if file != nil {
		query := url.Values{"name": {name}}
		if !c.Yes {
			query.Set("preview", "true")
		}
		kind, body, err := c.form(name, file)
		if err != nil {
			return err
		}
		out.Import = &importView{}
		if err := cl.Upload(ctx, inProduct(p.ID, "/imports?"+query.Encode()), kind, bytes.NewReader(body), nil, out.Import); err != nil {
			return err
		}
	}
	plan, err := fetchPlan(ctx, cl, p.ID)
	if err != nil {
		return err
	}
	if !c.Yes {
		out.Plan = &plan
		return c.preview(env, out, answers != nil)
	}
	var done struct {
		steps
		Product productView `json:"product"`
	}
	if err := cl.DoIf(ctx, http.MethodPost, inProduct(p.ID, "/plan"), plan.Version, map[string]bool{"all": true}, &done); err != nil {
		return err
	}
	if c.JSON {
		out.Applied = &done.steps
		return printJSON(env.Stdout, out)
	}
	if out.Import != nil {
		out.Import.Items, out.Import.More = conflicts(out.Import.Items), 0
		if err := out.Import.print(env.Stdout, label(c.File), ""); err != nil {
			return err
		}
	}
	open := done.Product.Risk.Open
	_, err = fmt.Fprintf(env.Stdout, "%s (%s): %d steps applied; %d threats, highest: %s\n", printable(p.Name), p.ID, done.Applied, open.Threats, figuresText(open.Highest))
	return err
}

// form returns what is sent of a file: itself, or with what is chosen of it.
func (c *applyCmd) form(name string, file []byte) (contentType string, body []byte, err error) {
	if len(c.Take)+len(c.Theirs) == 0 {
		return "application/octet-stream", file, nil
	}
	take := c.Take
	if len(take) == 0 {
		take = []string{"all"}
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreateFormFile("file", name)
	if err == nil {
		_, err = part.Write(file)
	}
	for _, k := range take {
		err = cmp.Or(err, w.WriteField("take", k))
	}
	for _, k := range c.Theirs {
		err = cmp.Or(err, w.WriteField("theirs", k))
	}
	if err = cmp.Or(err, w.Close()); err != nil {
		return "", nil, fmt.Errorf("form of %s: %w", name, err)
	}
	return w.FormDataContentType(), b.Bytes(), nil
}

// preview shows what would happen.
func (c *applyCmd) preview(env *Env, out applied, answers bool) error {
	if c.JSON {
		return printJSON(env.Stdout, out)
	}
	if out.Import != nil {
		if err := out.Import.print(env.Stdout, label(c.File), "would be "); err != nil {
			return err
		}
	}
	if err := out.Plan.print(env.Stdout, false); err != nil {
		return err
	}
	rest := ""
	if out.Import != nil || answers {
		rest = "; the plan above is that of the model as it is now, without the given files"
	}
	say(env.Stderr, "nothing was stored, because --yes was not given"+rest)
	return nil
}

// conflicts are the items on which the file and the product differ, and ours stays.
func conflicts(items []update.Item) []update.Item {
	return slices.DeleteFunc(items, func(i update.Item) bool {
		return !i.Conflict && !slices.ContainsFunc(i.Fields, func(f update.Field) bool { return !f.Taken })
	})
}

// product finds the product, or defines it.
func (c *applyCmd) product(ctx context.Context, cl *client.Client) (productView, error) {
	if !c.Create {
		return findProduct(ctx, cl, c.Product)
	}
	p, ok, err := productNamed(ctx, cl, c.Product)
	if err != nil || ok {
		return p, err
	}
	if !c.Yes {
		return p, withHint(fault.New(fault.NotFound, "product.not_found", "there is no product %q yet", c.Product), "with --create --yes it is defined")
	}
	return p, cl.Post(ctx, "/products", map[string]string{"name": c.Product}, &p)
}

// answersInput is what the interface takes as answers.
type answersInput struct {
	Questionnaire string         `json:"questionnaire" yaml:"questionnaire"`
	Answers       map[string]any `json:"answers" yaml:"answers"`
}

func readAnswers(name string, data []byte) (*answersInput, error) {
	if data == nil {
		return nil, nil //nolint:nilnil // no file, no answers
	}
	var in answersInput
	bad := fault.New(fault.Invalid, "answers.invalid", "the answers cannot be read")
	if err := yaml.Load(data, &in); err != nil { // JSON is YAML
		line, column, text := tlyaml.Syntax(data, err)
		return nil, bad.With(imported.Options{Name: name}.At(line, column), "is neither JSON nor YAML: %s", text)
	}
	if in.Questionnaire == "" || len(in.Answers) == 0 {
		return nil, bad.With(name, "%s", errors.New(`expected the keys "questionnaire" and "answers"`))
	}
	return &in, nil
}
