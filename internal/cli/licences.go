package cli

import (
	"context"
	"io"

	"github.com/threatloop/threatloop/internal/licences"
)

type licencesCmd struct{}

// Run prints the licences.
func (*licencesCmd) Run(_ context.Context, env *Env) error {
	_, err := io.WriteString(env.Stdout, licences.Notices())
	return err
}
