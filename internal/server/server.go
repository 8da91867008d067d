// Package server puts the program together: it opens the database and the
// keys, builds the application, serves the page and the REST interface, works
// what is due, and stops gracefully. A Server is a value, so that tests embed it.
package server

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	shipped "github.com/threatloop/threatloop/library"
	"github.com/threatloop/threatloop/web"

	"github.com/threatloop/threatloop/internal/api"
	"github.com/threatloop/threatloop/internal/app"
	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/identity"
	"github.com/threatloop/threatloop/internal/library"
	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/queue"
	"github.com/threatloop/threatloop/internal/store"
	"github.com/threatloop/threatloop/internal/ticketing"
)

// Server is a running Threatloop. Construct it with New, then Start and Stop.
type Server struct {
	config   Config
	db       *store.DB
	app      *app.App
	queue    *queue.Queue
	http     *http.Server
	listener net.Listener
	served   chan error
	setup    string // token of the first account; "" where none is needed
}

// builtInFiles and builtIn read the library inside the program once: it never changes.
var (
	builtInFiles = sync.OnceValue(func() *library.Parsed { return library.Parse(shipped.Files) })
	builtIn      = sync.OnceValues(func() (*library.Library, error) { return library.Load(builtInFiles()) })
)

// New opens everything that the server needs and listens, but serves and works nothing yet.
// Errors that a person can act on are faults. On an error nothing stays open.
func New(ctx context.Context, c Config, version string) (_ *Server, err error) {
	if err := c.defaults(); err != nil {
		return nil, err
	}
	s := &Server{config: c, served: make(chan error, 1)}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if c.Data != "" {
		if err := os.MkdirAll(c.Data, 0o700); err != nil {
			return nil, fault.Wrap(err, fault.Unavailable, "config.data", "the data folder %s cannot be made: %v", c.Data, err)
		}
	}
	if c.inClear() {
		c.Logger.Warn("the connection to the database may be unencrypted; add sslmode=verify-full to its address")
	}
	o := store.Options{DatabaseURL: c.DatabaseURL, Point: c.Point, Logger: c.Logger}
	if c.DatabaseURL == "" {
		o.Path = filepath.Join(c.Data, "threatloop.db")
	}
	if s.db, err = store.Open(ctx, o); err != nil {
		return nil, err
	}
	keys, err := c.keys()
	if err != nil {
		return nil, err
	}
	lib, err := builtIn()
	if err != nil {
		return nil, err
	}
	if s.listener, err = net.Listen("tcp", c.Listen); err != nil {
		return nil, fault.Wrap(err, fault.Unavailable, "config.listen", "nothing can listen on %s: %v", c.Listen, err)
	}
	if s.setup = c.SetupToken; s.setup == "" && reachable(s.listener.Addr(), c.BaseURL) {
		s.setup = rand.Text()
	}
	if c.BaseURL == "" {
		c.BaseURL = "http://" + s.listener.Addr().String()
	}
	instance, err := instanceID(ctx, s.db)
	if err != nil {
		return nil, err
	}
	s.app = app.New(app.Options{
		DB: s.db, Library: lib, Files: builtInFiles(), Keys: keys, Now: time.Now, Random: rand.Reader, BaseURL: c.BaseURL, SetupToken: identity.Secret(s.setup),
		Fresh: time.Duration(c.FreshDays) * 24 * time.Hour, Limit: c.UploadMax, AllowPrivate: c.AllowPrivate, Point: c.Point, Logger: c.Logger, Without: c.Without,
		Tickets: ticketing.Options{AttemptFor: c.CallTimeout, Settle: c.Settle, ResolveAfter: c.ResolveAfter, PollEvery: c.PollEvery, SweepEvery: c.SweepEvery, LeaseAfter: c.LeaseAfter, Instance: instance, Holder: holder()},
	})
	if err := s.app.Follow(ctx); err != nil {
		return nil, err
	}
	s.queue, err = queue.New(ctx, s.db, queue.Options{
		Handlers: s.app.Handlers(), Periodic: s.app.Periodic(c.PollEvery, c.SweepEvery), Rescue: c.Rescue, Logger: c.Logger,
		Backoff: func(n int64) time.Duration { return min(queue.Backoff(n), c.RetryCap) },
	})
	if err != nil {
		return nil, err
	}
	rest := api.New(s.app, api.Options{Logger: c.Logger, RequestID: requestID, Secure: strings.HasPrefix(c.BaseURL, "https://"), Version: version, Proxies: c.proxies, Temp: c.Data})
	mux := http.NewServeMux()
	mux.Handle(api.Prefix+"/", rest.Handler())
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, r *http.Request) {
		if err := s.db.Ping(r.Context()); err != nil {
			c.Logger.WarnContext(r.Context(), "not ready", "error", err)
			http.Error(w, "the database does not answer", http.StatusServiceUnavailable)
			return
		}
		_, _ = w.Write([]byte("ok\n")) // the prober is gone; nothing to do
	})
	pages, err := page(web.Files(), c.Logger)
	if err != nil {
		return nil, err
	}
	mux.Handle("/", pages)
	s.http = &http.Server{
		Handler: mux, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(c.Logger.Handler(), slog.LevelDebug),
	}
	s.http.RegisterOnShutdown(rest.EndStreams)
	return s, nil
}

// keys returns the ring that seals secrets.
func (c *Config) keys() (*identity.KeyRing, error) {
	if c.Keys != "" {
		return identity.ParseKeyRing(identity.Secret(c.Keys))
	}
	path := c.KeyFile
	if path == "" {
		if c.Data == "" {
			return nil, fault.New(fault.Invalid, "config.keys", "with a database server the keys that seal secrets must be given: --key-file names a file, which is made if it is not there; THREATLOOP_KEYS_FILE names one that exists")
		}
		path = filepath.Join(c.Data, "keys")
	}
	ring, created, err := identity.OpenKeyRing(path, rand.Reader)
	if created {
		c.Logger.Info("made a key file; keep a copy of it apart from the database's backups", "path", path)
	}
	return ring, err
}

// reachable reports whether others than this machine may reach what listens at an
// address: directly, or through a proxy, which a base URL elsewhere tells of.
func reachable(listens net.Addr, base string) bool {
	if tcp, ok := listens.(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		return true
	}
	u, err := url.Parse(base)
	if base == "" || err != nil || u.Hostname() == "localhost" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return ip == nil || !ip.IsLoopback()
}

func holder() string {
	name, err := os.Hostname()
	if err != nil {
		name = "host"
	}
	return fmt.Sprintf("%s/%d", name, os.Getpid())
}

func requestID() string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // never fails; an id of zeros would only be less useful in the log
	return "req_" + hex.EncodeToString(b[:])
}

// instanceID names this installation in tickets; made once and kept in the database.
func instanceID(ctx context.Context, db *store.DB) (string, error) {
	const key = "instance"
	var id string
	err := db.Write(ctx, func(_ context.Context, tx *store.Tx) error {
		s, err := tx.Setting(key)
		if err != nil {
			return err
		}
		if s.Version > 0 {
			id = s.Doc
			return nil
		}
		var b [16]byte
		if _, err := rand.Read(b[:]); err != nil {
			return err
		}
		id = model.RandomID("ins", b)
		return tx.SetSetting(store.Setting{Key: key, Doc: id, At: time.Now()})
	})
	if err != nil {
		return "", fmt.Errorf("server: id of the installation: %w", err)
	}
	return id, nil
}

// App returns the application, for tests and commands in the same process.
func (s *Server) App() *app.App { return s.app }

// DB returns the database, likewise.
func (s *Server) DB() *store.DB { return s.db }

// SetupToken returns what the first account needs; "" where it needs nothing.
func (s *Server) SetupToken() string { return s.setup }

// URL returns where the server listens.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Start begins to serve and to work; it returns at once.
func (s *Server) Start(ctx context.Context) error {
	if !s.config.Without["worker"] {
		if err := s.queue.Start(ctx); err != nil {
			return err
		}
	}
	go func() {
		err := s.http.Serve(s.listener)
		if errors.Is(err, http.ErrServerClosed) {
			err = nil
		}
		s.served <- err
	}()
	return nil
}

// Wait returns when serving ended, with its error.
func (s *Server) Wait() error { return <-s.served }

// Stop ends gracefully: requests and work that run come to their end within the
// context's time, of which a slow request leaves a share to the work; then
// everything closes.
func (s *Server) Stop(ctx context.Context) error {
	requests, cancel := share(ctx, 2)
	err := s.http.Shutdown(requests)
	cancel()
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		err = s.http.Close()
	}
	if !s.config.Without["worker"] {
		work, cancel := share(ctx, 1)
		err = errors.Join(err, s.queue.Stop(work))
		cancel()
	}
	// Giving up the leases is short, and lets another replica go on at once.
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
	defer cancel()
	err = errors.Join(err, s.app.Close(last))
	return errors.Join(err, s.close())
}

// share returns a context with one part of what is left of another's time.
func share(ctx context.Context, parts int) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(deadline)/time.Duration(parts))
}

func (s *Server) close() error {
	var err error
	if s.listener != nil {
		if e := s.listener.Close(); e != nil && !errors.Is(e, net.ErrClosed) {
			err = e
		}
	}
	if s.db != nil {
		err = errors.Join(err, s.db.Close())
	}
	return err
}
