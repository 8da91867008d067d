package server

import (
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"time"

	"github.com/threatloop/threatloop/internal/fault"
)

// Config is everything that a server needs to know. The zero value of each
// field but Data or DatabaseURL has a default, given with it.
type Config struct {
	Listen      string // address to serve on; "127.0.0.1:8080"
	BaseURL     string // how people reach the server, for links in tickets; "http://" + Listen
	Data        string // folder of the SQLite file and the key file
	DatabaseURL string // postgres://...; "" uses SQLite in Data
	KeyFile     string // key ring for secrets at rest; Data/keys
	Keys        string // the key ring itself, instead of the file
	// SetupToken is what the first account needs; at least 16 bytes. "" makes a
	// random one where the server can be reached from beyond this machine, none else.
	SetupToken string

	PollEvery    time.Duration   // how often a tracker is asked; 60 s
	SweepEvery   time.Duration   // how often duplicates and deletions are looked for; 1 h
	CallTimeout  time.Duration   // how long an answer of a tracker is waited for; 1 min
	Settle       time.Duration   // how long a create without an answer may still happen; 5 min
	ResolveAfter []time.Duration // when an unanswered create is looked for; 0, 10 s, 30 s, 2 min, 5 min
	LeaseAfter   time.Duration   // when the connection of a dead process is taken over; 15 s
	Rescue       time.Duration   // when work of a dead process is taken over; 2 min
	RetryCap     time.Duration   // longest pause between attempts of failed background work; 30 s
	FreshDays    int             // how long a passing test verifies; 90
	UploadMax    int64           // largest report in bytes; 2 GiB

	AllowPrivate bool // trackers may live at private addresses

	TrustedProxies []string       // addresses or networks of proxies that say where a request comes from; none
	proxies        []netip.Prefix // the same

	Logger *slog.Logger      // stderr as text
	Point  func(name string) // called at every transaction border and external call; for crash tests
	// Without switches off a part of the loop ("worker", "matcher", "reconciler"),
	// to prove that the demo notices.
	Without map[string]bool
}

// minSetupToken keeps a token that people choose from being guessed over the network.
const minSetupToken = 16

// inClear reports whether the connection to the database may go unencrypted or to
// somebody else: a server that is not on this host, without sslmode require or better.
func (c *Config) inClear() bool {
	u, err := url.Parse(c.DatabaseURL)
	if err != nil || c.DatabaseURL == "" {
		return false
	}
	host := u.Hostname()
	if ip := net.ParseIP(host); host == "" || host == "localhost" || ip != nil && ip.IsLoopback() || u.Query().Get("host") != "" {
		return false
	}
	switch u.Query().Get("sslmode") {
	case "require", "verify-ca", "verify-full":
		return false
	}
	return true
}

func (c *Config) defaults() error {
	if c.Listen == "" {
		c.Listen = "127.0.0.1:8080"
	}
	if _, _, err := net.SplitHostPort(c.Listen); err != nil {
		return fault.Wrap(err, fault.Invalid, "config.listen", "the address to listen on is %q, expected host:port", c.Listen)
	}
	if c.Data == "" && c.DatabaseURL == "" {
		return fault.New(fault.Invalid, "config.data", "neither a data folder nor a database is given; set --data or THREATLOOP_DATABASE_URL")
	}
	if c.DatabaseURL != "" {
		if u, err := url.Parse(c.DatabaseURL); err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
			return fault.New(fault.Invalid, "config.database_url", "the database address must begin with postgres://")
		}
	}
	if c.SetupToken != "" && len(c.SetupToken) < minSetupToken {
		return fault.New(fault.Invalid, "config.setup_token", "the setup token is shorter than %d characters", minSetupToken)
	}
	if c.BaseURL != "" {
		if u, err := url.Parse(c.BaseURL); err != nil || u.Host == "" {
			return fault.New(fault.Invalid, "config.base_url", "the base URL is %q, expected http(s)://host", c.BaseURL)
		}
	}
	for _, text := range c.TrustedProxies {
		p, err := netip.ParsePrefix(text)
		if a, e := netip.ParseAddr(text); e == nil {
			p, err = netip.PrefixFrom(a, a.BitLen()), nil
		}
		if err != nil {
			return fault.New(fault.Invalid, "config.trusted_proxy", "%q is no address of a proxy; expected one as 10.0.0.1, or a network as 10.0.0.0/8", text)
		}
		c.proxies = append(c.proxies, p)
	}
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&c.PollEvery, time.Minute)
	def(&c.SweepEvery, time.Hour)
	def(&c.CallTimeout, time.Minute)
	def(&c.Settle, 5*time.Minute)
	def(&c.Rescue, 2*time.Minute)
	def(&c.RetryCap, 30*time.Second)
	if len(c.ResolveAfter) == 0 {
		c.ResolveAfter = []time.Duration{0, 10 * time.Second, 30 * time.Second, 2 * time.Minute, 5 * time.Minute}
	}
	if c.FreshDays <= 0 {
		c.FreshDays = 90
	}
	if c.UploadMax <= 0 {
		c.UploadMax = 2 << 30
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.Point == nil {
		c.Point = func(string) {}
	}
	return nil
}
