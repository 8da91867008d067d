package cli

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/threatloop/threatloop/internal/client"
	"github.com/threatloop/threatloop/internal/demo"
	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/server"
)

type demoCmd struct {
	Once     bool          `help:"Stop after the seven steps: exit code 0 only if each had its effect."`
	Data     string        `help:"Folder to keep the data in; without it they are gone when the demo ends." placeholder:"DIR"`
	Listen   string        `help:"Address to serve on; 127.0.0.1:8080, with --once any free port." placeholder:"HOST:PORT"`
	Patience time.Duration `help:"How long a step waits for what happens in the background." default:"60s"`

	Tracker      string `help:"Where tickets are made: builtin or jira." enum:"builtin,jira" default:"builtin"`
	URL          string `help:"Address of the Jira site." placeholder:"URL" name:"url"`
	Email        string `help:"Account of the API token (Jira Cloud)." placeholder:"EMAIL"`
	Token        string `help:"API token (Jira Cloud)." placeholder:"TOKEN" env:"THREATLOOP_JIRA_TOKEN" secret:""`
	PAT          string `help:"Personal access token (Jira Data Center)." placeholder:"TOKEN" name:"jira-pat" aliases:"pat" env:"THREATLOOP_JIRA_PAT" secret:""`
	Project      string `help:"Key of a project that exists in Jira." placeholder:"KEY"`
	Type         string `help:"Issue type." placeholder:"NAME"`
	AllowPrivate bool   `help:"The site may be at a private address."`

	Without []string `hidden:"" env:"THREATLOOP_WITHOUT"`
}

// The demo's administrator.
const (
	demoEmail = "demo@parcel-desk.example"
	demoName  = "Demo admin"
)

// Run goes once round the loop on a server of its own, then stays up.
func (c *demoCmd) Run(ctx context.Context, env *Env) (err error) {
	tracker := demo.Tracker{Kind: c.Tracker, URL: c.URL, Email: c.Email, Token: c.Token, PAT: c.PAT, Project: c.Project, Type: c.Type}
	if err := checkTracker(tracker); err != nil {
		return err
	}
	without, err := parts(c.Without)
	if err != nil {
		return err
	}
	data := c.Data
	if data == "" {
		if data, err = os.MkdirTemp("", "threatloop-demo-"); err != nil {
			return fmt.Errorf("folder for the demo: %w", err)
		}
		defer func() { err = errors.Join(err, os.RemoveAll(data)) }()
	} else if _, err := os.Stat(filepath.Join(data, "threatloop.db")); err == nil {
		return withHint(fault.New(fault.Conflict, "demo.data", "%s holds data already, and the demo begins with nothing", data),
			"give another folder, or look at what is there with threatloop serve --data %s", data)
	}
	listen := c.Listen
	switch {
	case listen != "":
	case c.Once:
		listen = "127.0.0.1:0"
	default:
		listen = "127.0.0.1:8080"
	}
	s, err := server.New(ctx, server.Config{
		Listen: listen, Data: data, PollEvery: time.Second, AllowPrivate: c.AllowPrivate, Without: without,
		Logger: slog.New(slog.NewTextHandler(env.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn})),
	}, env.Version.Version)
	if err != nil {
		return listenHint(err)
	}
	return serving(ctx, s, func(ctx context.Context) error {
		anybody, err := client.New(s.URL(), "")
		if err != nil {
			return err
		}
		password := rand.Text()
		admin, err := anybody.SetUp(ctx, client.Account{Email: demoEmail, Name: demoName, Password: password, Token: s.SetupToken()})
		if err != nil {
			return err
		}
		o := demo.Options{Client: admin, Out: env.Stdout, Color: env.colors(env.Stdout), Tracker: tracker, Patience: c.Patience}
		if !c.Once {
			o.Page, o.Sign = s.URL(), demoEmail+"  password "+password
		}
		if err := demo.Run(ctx, o); err != nil {
			return err
		}
		text := "\nAll seven steps had their effect.\n"
		if !c.Once {
			text += fmt.Sprintf("Threatloop serves on %s until you press Ctrl-C", s.URL())
			if c.Data == "" {
				text += "; then its data are removed"
			}
			text += ".\n"
		}
		_, err = fmt.Fprint(env.Stdout, text)
		return err
	}, !c.Once)
}

// checkTracker says what is missing on the command line for a tracker.
func checkTracker(t demo.Tracker) error {
	switch {
	case t.Kind != "jira" && (t.URL != "" || t.Email != "" || t.Project != "" || t.Type != ""):
		return usage(errors.New("--url, --email, --project and --type are for --tracker jira"))
	case t.Kind != "jira":
		return nil
	case t.URL == "" || t.Project == "":
		return usage(errors.New("--tracker jira needs --url and --project"))
	case t.PAT == "" && (t.Token == "" || t.Email == ""):
		return usage(errors.New("--tracker jira needs --email and --token (Cloud), or --pat (Data Center); tokens may be in THREATLOOP_JIRA_TOKEN and THREATLOOP_JIRA_PAT"))
	}
	return nil
}
