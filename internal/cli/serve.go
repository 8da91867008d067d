package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/server"
)

// stopIn is how long requests and work that run may take to end.
const stopIn = 20 * time.Second

// placement says where a server keeps what it knows.
type placement struct {
	Data        string `help:"Folder of the database file and the key file; made if it is not there." placeholder:"DIR" env:"THREATLOOP_DATA"`
	DatabaseURL string `help:"PostgreSQL database instead of a file: postgres://..." placeholder:"URL" name:"database-url" env:"THREATLOOP_DATABASE_URL" secret:""`
}

type serveCmd struct {
	placement
	Listen  string `help:"Address to serve on." default:"127.0.0.1:8080" placeholder:"HOST:PORT" env:"THREATLOOP_LISTEN"`
	BaseURL string `help:"How people reach the server, for links in tickets; without it http:// and the address." placeholder:"URL" name:"base-url" env:"THREATLOOP_BASE_URL"`
	KeyFile string `help:"File with the keys that seal stored credentials; without it DIR/keys, which is made." placeholder:"FILE" env:"THREATLOOP_KEY_FILE"`
	Keys    string `help:"The keys themselves, instead of the file." placeholder:"KEYS" env:"THREATLOOP_KEYS" secret:""`

	SetupToken string `help:"What the first account needs; without it a random one that is printed, and none on 127.0.0.1." placeholder:"TOKEN" name:"setup-token" env:"THREATLOOP_SETUP_TOKEN" secret:""`

	PollEvery    time.Duration   `help:"How often a tracker is asked what changed." default:"60s" env:"THREATLOOP_POLL_EVERY"`
	SweepEvery   time.Duration   `help:"How often duplicates and deleted tickets are looked for." default:"1h" env:"THREATLOOP_SWEEP_EVERY"`
	CallTimeout  time.Duration   `help:"How long an answer of a tracker is waited for." default:"1m" env:"THREATLOOP_CALL_TIMEOUT"`
	Settle       time.Duration   `help:"How long a ticket whose creation was not answered may still appear." default:"5m" env:"THREATLOOP_SETTLE"`
	ResolveAfter []time.Duration `help:"When such a ticket is looked for." default:"0s,10s,30s,2m,5m" env:"THREATLOOP_RESOLVE_AFTER"`
	LeaseAfter   time.Duration   `help:"When the connection of a dead process is taken over." default:"15s" env:"THREATLOOP_LEASE_AFTER"`
	Rescue       time.Duration   `help:"When the background work of a dead process is taken over." default:"2m" env:"THREATLOOP_RESCUE"`
	RetryCap     time.Duration   `help:"Longest pause before failed background work is tried again." default:"30s" env:"THREATLOOP_RETRY_CAP"`
	FreshDays    int             `help:"How many days a passing test verifies." default:"90" env:"THREATLOOP_FRESH_DAYS"`
	UploadMax    int64           `help:"Largest report in bytes." default:"2147483648" env:"THREATLOOP_UPLOAD_MAX"`
	AllowPrivate bool            `help:"Trackers may be at private addresses." env:"THREATLOOP_ALLOW_PRIVATE"`
	TrustedProxy []string        `help:"Proxy whose X-Forwarded-For says where a request comes from: an address or a network; may be given several times." placeholder:"CIDR" env:"THREATLOOP_TRUSTED_PROXY"`
	LogLevel     string          `help:"debug, info, warn or error." enum:"debug,info,warn,error" default:"info" env:"THREATLOOP_LOG_LEVEL"`
	LogJSON      bool            `help:"Write the log as JSON." name:"log-json" env:"THREATLOOP_LOG_JSON"`

	Without []string `hidden:"" env:"THREATLOOP_WITHOUT"`
}

// Run serves until the context ends, then lets what runs come to its end.
func (c *serveCmd) Run(ctx context.Context, env *Env) error {
	logger, err := c.logger(env)
	if err != nil {
		return err
	}
	without, err := parts(c.Without)
	if err != nil {
		return err
	}
	s, err := server.New(ctx, server.Config{
		Listen: c.Listen, BaseURL: c.BaseURL, Data: c.Data, DatabaseURL: c.DatabaseURL, KeyFile: c.KeyFile, Keys: c.Keys, SetupToken: c.SetupToken,
		PollEvery: c.PollEvery, SweepEvery: c.SweepEvery, CallTimeout: c.CallTimeout, Settle: c.Settle, ResolveAfter: c.ResolveAfter, LeaseAfter: c.LeaseAfter,
		Rescue: c.Rescue, RetryCap: c.RetryCap, FreshDays: c.FreshDays, UploadMax: c.UploadMax, AllowPrivate: c.AllowPrivate, TrustedProxies: c.TrustedProxy,
		Logger: logger, Without: without,
	}, env.Version.Version)
	if err != nil {
		return listenHint(err)
	}
	return serving(ctx, s, func(ctx context.Context) error {
		address := c.BaseURL
		if address == "" {
			address = s.URL()
		}
		_, token, err := s.App().SetupNeeded(ctx)
		if err != nil {
			return err
		}
		text := fmt.Sprintf("Threatloop serves on %s\n", address)
		switch {
		case token && c.SetupToken != "":
			text += "The first account needs the setup token that was set.\n"
		case token:
			text += fmt.Sprintf("The first account needs this setup token: %s\n", s.SetupToken())
		}
		_, err = fmt.Fprint(env.Stdout, text)
		return err
	}, true)
}

func (c *serveCmd) logger(env *Env) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.LogLevel)); err != nil {
		return nil, fmt.Errorf("log level: %w", err)
	}
	o := &slog.HandlerOptions{Level: level}
	if c.LogJSON {
		return slog.New(slog.NewJSONHandler(env.Stderr, o)), nil
	}
	return slog.New(slog.NewTextHandler(env.Stderr, o)), nil
}

// parts are the parts of the loop that are switched off, for checks of checks.
func parts(names []string) (map[string]bool, error) {
	off := map[string]bool{}
	for _, n := range names {
		switch n = strings.TrimSpace(n); n {
		case "":
		case "worker", "matcher", "reconciler":
			off[n] = true
		default:
			return nil, usage(fmt.Errorf("THREATLOOP_WITHOUT names %q; the parts are worker, matcher and reconciler", n))
		}
	}
	return off, nil
}

func listenHint(err error) error {
	if f := fault.As(err); f != nil && f.Code == "config.listen" && f.Kind == fault.Unavailable {
		return withHint(err, "take another address: --listen 127.0.0.1:0 takes any free port")
	}
	return err
}

// serving starts a server, calls while it serves, keeps serving until the
// context ends where stay is set, and stops it whatever happened.
func serving(ctx context.Context, s *server.Server, while func(context.Context) error, stay bool) (err error) {
	// Work that runs is not torn off when the context ends: Stop ends it.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer func() {
		stopping, done := context.WithTimeout(context.WithoutCancel(ctx), stopIn)
		defer done()
		err = errors.Join(err, s.Stop(stopping))
	}()
	if err := s.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	go func() { cancel(s.Wait()) }()
	if err := while(ctx); err != nil {
		return err
	}
	if !stay {
		return nil
	}
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return fmt.Errorf("serve: %w", cause)
	}
	return nil
}
