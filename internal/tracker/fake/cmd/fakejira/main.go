// Command fakejira serves a fake Jira for trying things out by hand. It keeps
// nothing; it prints its address and stops at the end of its standard input.
package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/threatloop/threatloop/internal/tracker/fake"
)

func main() {
	var o fake.Options
	flavour := flag.String("flavour", "cloud", "cloud or dc")
	addr := flag.String("listen", "127.0.0.1:0", "address to listen on")
	lost := flag.Float64("lose", 0, "share of created issues whose answer is lost, 0 to 1")
	flag.StringVar(&o.Email, "email", "", "user name (default bot@example.org)")
	flag.StringVar(&o.Token, "token", "", "API token or personal access token (default fake-token-1234)")
	flag.StringVar(&o.Project, "project", "", "key of the project (default SEC)")
	flag.Uint64Var(&o.Seed, "seed", 1, "seed of the faults")
	flag.DurationVar(&o.Lag, "lag", time.Second, "delay of the search index")
	flag.Parse()
	o.Flavour = fake.Flavour(*flavour)
	s := fake.New(o)
	if *lost > 0 {
		s.Inject(fake.Fault{Kind: fake.DropAfter, Op: "createIssue", Probability: *lost})
	}
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if err := fake.ListenAndServe(ctx, *addr, s, func(url string) { fmt.Println(url) }); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
