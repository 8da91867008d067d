package cli

import (
	"bytes"
	"context"
	"fmt"
	"net/url"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/interchange"
)

type exportCmd struct {
	remote
	Product string `arg:"" help:"Id or name of the product."`
	Format  string `help:"Format to write, such as threatloop or threat-dragon." default:"threatloop" placeholder:"FORMAT"`
	Out     string `help:"File to write; left out, standard output. A file of the same format that is there is replaced, and keeps its comments." short:"o" placeholder:"FILE"`
	Force   bool   `help:"Replace a file of any kind."`
}

// Run writes a product's model into a file.
func (c *exportCmd) Run(ctx context.Context, env *Env) error {
	cl, p, err := c.product(ctx, c.Product)
	if err != nil {
		return err
	}
	var text bytes.Buffer
	if err := cl.Get(ctx, inProduct(p.ID, "/export?"+url.Values{"format": {c.Format}}.Encode()), &text); err != nil {
		return err
	}
	out := text.Bytes()
	if c.Out == "" || c.Out == stdin {
		_, err := env.Stdout.Write(out)
		return err
	}
	before, err := readLimited(c.Out, interchange.MaxBytes)
	switch {
	case fault.Is(err, fault.NotFound):
		before = nil
	case err != nil:
		return err
	default:
		if out, err = c.over(out, before); err != nil {
			return err
		}
	}
	if before == nil || !bytes.Equal(before, out) {
		if err := replaceFile(c.Out, out); err != nil {
			return err
		}
		_, err = fmt.Fprintf(env.Stdout, "%s: %s, %d bytes\n", c.Out, printable(p.Name), len(out))
		return err
	}
	_, err = fmt.Fprintf(env.Stdout, "%s says what %s is already\n", c.Out, printable(p.Name))
	return err
}

// over merges what the server wrote into the file that is there.
func (c *exportCmd) over(out, before []byte) ([]byte, error) {
	is, err := interchange.Detect(before)
	if !c.Force && (err != nil || interchange.Family(is) != interchange.Family(interchange.Format(c.Format))) {
		return nil, withHint(fault.New(fault.Conflict, "file.exists", "%s is there already and is no %s file", c.Out, c.Format), "--force replaces it")
	}
	if interchange.Format(c.Format) != interchange.Threatloop {
		return out, nil
	}
	i, err := interchange.Read(out, interchange.Options{Name: "the server's answer"})
	if err != nil {
		return nil, err
	}
	merged, _, err := interchange.WriteAs(interchange.Threatloop, i.Model, before)
	return merged, err
}
