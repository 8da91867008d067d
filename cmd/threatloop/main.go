// Command threatloop keeps a system's threat model true for the whole life of
// the system: it generates the model, publishes tickets, reads test results and
// serves the page. See package cli for the commands.
package main

import (
	"os"

	"github.com/threatloop/threatloop/internal/cli"
)

func main() { os.Exit(cli.Main()) }
