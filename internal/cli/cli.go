// Package cli is the command line: one struct per command with a Run method, in
// a file of its own, and a line in grammar. What a command prints for people
// goes to standard output; errors and hints go to standard error, in the form
//
//	threatloop: what happened, where
//	threatloop: hint: what to do
//
// With --json a command prints one JSON document instead, whose keys are a
// promise (docs/json.md). Exit codes: 0 ok, 1 a gate is not met, 2 the command
// line is wrong, 3 failure or refused input.
//
// A setting is taken from its flag, else its environment variable, else for
// secrets the file that the variable with _FILE names, else the file of
// --config, else the default.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/threatloop/threatloop/internal/fault"
)

// The exit codes.
const (
	exitOK      = 0
	exitGate    = 1
	exitUsage   = 2
	exitFailure = 3
)

// Env is what a command may touch of the process around it.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	// Lookup returns an environment variable and whether it is set.
	Lookup func(name string) (string, bool)
	Now    func() time.Time
	// Version is what `threatloop version` prints.
	Version Version
}

// grammar lists the commands. A command is a struct in a file of its own with
//
//	Run(ctx context.Context, env *Env) error
//
// A flag with an env tag is a setting and may stand in the file of --config; one
// with the tag secret may also come from the file that its variable with _FILE names.
type grammar struct {
	Config string `help:"Read settings from this YAML file: one key per flag, without the dashes." placeholder:"FILE" env:"THREATLOOP_CONFIG"`

	Demo  demoCmd  `cmd:"" help:"Walk a made-up shop once round the whole loop, then stay up."`
	Serve serveCmd `cmd:"" help:"Serve the page and the REST interface."`

	Plan    planCmd    `cmd:"" help:"Show what the library would change in a product."`
	Apply   applyCmd   `cmd:"" help:"Take a model file or answers into a product, and apply the plan."`
	Export  exportCmd  `cmd:"" help:"Write a product's model into a file."`
	Gate    gateCmd    `cmd:"" help:"Check a product against limits; exit code 1 where they are not met."`
	Doctor  doctorCmd  `cmd:"" help:"Check the connection with a tracker and say what is missing."`
	Backup  backupCmd  `cmd:"" help:"Write a backup while the server is in use."`
	Restore restoreCmd `cmd:"" help:"Make a new database from a backup."`

	Model   modelCmd   `cmd:"" help:"Look into model files."`
	Convert convertCmd `cmd:"" help:"Write a model file in another format."`

	Generate generateCmd `cmd:"" help:"Generate the threat model of a file or of answers, without a server."`
	Results  resultsCmd  `cmd:"" help:"Look into reports of security tests."`
	Library  libraryCmd  `cmd:"" help:"Check and test a library of risk patterns and rules."`
	Licences licencesCmd `cmd:"" help:"Print the licences of everything in this program."`
	Version  versionCmd  `cmd:"" help:"Print the version."`
}

// Main runs the process's command line and returns its exit code. SIGINT and
// SIGTERM cancel the command's context.
func Main() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return Run(ctx, os.Args[1:], &Env{Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Lookup: os.LookupEnv, Now: time.Now, Version: readVersion()})
}

// exited carries kong's wish to leave (after --help) out of its parser.
type exited int

// Run runs one command line (without the program's name) and returns its exit code.
func Run(ctx context.Context, args []string, env *Env) (code int) {
	defer func() {
		switch p := recover().(type) {
		case nil:
		case exited:
			code = int(p)
		default:
			panic(p)
		}
	}()
	settings := &settings{lookup: env.Lookup}
	parser, err := kong.New(&grammar{},
		kong.Name("threatloop"),
		kong.Description("Keeps a system's threat model true for the whole life of the system."),
		kong.Writers(env.Stdout, env.Stderr),
		kong.Exit(func(code int) { panic(exited(code)) }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
		kong.BindTo(ctx, (*context.Context)(nil)),
		kong.Bind(env),
		kong.Resolvers(settings),
	)
	if err != nil {
		return report(env.Stderr, fmt.Errorf("command line: %w", err))
	}
	if err := settings.load(parser.Model, args); err != nil {
		return report(env.Stderr, err)
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if err != nil {
		var wrong *kong.ParseError
		if errors.As(err, &wrong) {
			return report(env.Stderr, usage(wrong))
		}
		return report(env.Stderr, err)
	}
	return report(env.Stderr, command.Run())
}

// hinted is an error with advice.
type hinted struct {
	error
	hint string
}

func (h *hinted) Unwrap() error { return h.error }

// withHint adds what to do to an error.
func withHint(err error, format string, args ...any) error {
	return &hinted{err, fmt.Sprintf(format, args...)}
}

// usageError is a wrong command line: exit code 2.
type usageError struct{ error }

func (u *usageError) Unwrap() error { return u.error }

func usage(err error) error {
	return withHint(&usageError{err}, "threatloop --help lists the commands, threatloop COMMAND --help their flags")
}

// gateError is a gate that is not met: exit code 1.
type gateError struct{ error }

func (g *gateError) Unwrap() error { return g.error }

// notMet returns the error of a gate that is not met.
func notMet(format string, args ...any) error { return &gateError{fmt.Errorf(format, args...)} }

// report prints an error as this package's comment says and returns the exit code.
func report(w io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	if f := fault.As(err); f != nil {
		say(w, strings.Replace(err.Error(), f.Error(), f.Public, 1))
		for _, field := range f.Fields {
			say(w, strings.TrimPrefix(field.Where+": ", ": ")+field.Text)
		}
	} else {
		say(w, err.Error())
	}
	if h := (*hinted)(nil); errors.As(err, &h) {
		say(w, "hint: "+h.hint)
	}
	switch {
	case errors.As(err, new(*usageError)):
		return exitUsage
	case errors.As(err, new(*gateError)):
		return exitGate
	}
	if f := fault.As(err); f != nil {
		return f.Kind.ExitCode()
	}
	return exitFailure
}

func say(w io.Writer, text string) {
	for line := range strings.SplitSeq(text, "\n") {
		_, _ = fmt.Fprintln(w, "threatloop: "+printable(line))
	}
}

// printable takes control characters, which a file may hold, out of a text for a terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\t' || r >= 0x7f && r < 0xa0 {
			return '\uFFFD'
		}
		return r
	}, s)
}
