// Package jira speaks with Jira Cloud (REST v3, Atlassian document format) and
// Jira Data Center (REST v2, wiki markup). It translates calls and errors, no
// more. Its main type is Client, a tracker.Tracker. It never follows a "self"
// link and never repeats a request that may have changed something.
package jira

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/httpcore"
)

// PropertyKey is the entity property that holds our marker; people do not see it.
const PropertyKey = "threatloop.sync"

// LabelPrefix is put before a marker to make its label.
const LabelPrefix = "tm-"

const (
	summaryMax = 255
	bodyMax    = 32767
	formAge    = 10 * time.Minute
)

// Flavour is the kind of a Jira.
type Flavour string

// The flavours; Auto asks the server once.
const (
	Auto       Flavour = "auto"
	Cloud      Flavour = "cloud"
	DataCenter Flavour = "dc"
)

// Config describes a connection.
type Config struct {
	BaseURL string  // what people open: https://example.atlassian.net, https://jira.example.org/jira
	Flavour Flavour // "" is Auto

	Email string // Cloud: e-mail of the API token; Data Center: user name for Basic
	Token string // Cloud: API token; Data Center: password for Basic
	PAT   string // Data Center: personal access token, sent as bearer; excludes Email and Token

	CloudID    string // Cloud: requests go through the gateway (scoped tokens)
	GatewayURL string // "" is https://api.atlassian.com

	StoryPoints       string // id of the story points field, "" for none
	LinkType          string // id or name of the link type of Link; "" or unknown falls back to Relates
	DuplicateLinkType string // name of the link type for duplicates; "" is Duplicate

	// HTTP holds limits and the injected clock, sleep, randomness and point;
	// Base, Auth, Secrets and Refusal are set by New.
	HTTP httpcore.Config
}

// String returns the configuration without its credentials.
func (c Config) String() string {
	return fmt.Sprintf("jira %s (%s)", c.BaseURL, c.Flavour)
}

// GoString is String, so that %#v shows no credential either.
func (c Config) GoString() string { return c.String() }

// LogValue is String for structured logs.
func (c Config) LogValue() slog.Value { return slog.StringValue(c.String()) }

// Client is a connection to one Jira. It is safe for concurrent use.
type Client struct {
	cfg  Config
	site string // base of browse links, without a slash at its end
	http *httpcore.Client

	mu      sync.Mutex
	flavour Flavour
	version string
	forms   map[tracker.Target]cachedForm
	types   []linkType
	keys    map[string]cachedKey // project id or key as given -> key
	seen    map[string]int64     // project key -> highest number seen
	paths   map[string]map[string][]edge
}

var _ tracker.Tracker = (*Client)(nil)

// New returns a client. It sends nothing. It fails where the address or the
// combination of credentials cannot be right.
func New(cfg Config) (*Client, error) {
	if cfg.Flavour == "" {
		cfg.Flavour = Auto
	}
	if cfg.DuplicateLinkType == "" {
		cfg.DuplicateLinkType = "Duplicate"
	}
	if cfg.GatewayURL == "" {
		cfg.GatewayURL = "https://api.atlassian.com"
	}
	switch cfg.Flavour {
	case Auto, Cloud, DataCenter:
	default:
		return nil, fmt.Errorf("jira: unknown flavour %q; use auto, cloud or dc", cfg.Flavour)
	}
	h := cfg.HTTP
	switch {
	case cfg.PAT != "" && (cfg.Token != "" || cfg.Email != ""):
		return nil, errors.New("jira: give either a personal access token or an e-mail and API token")
	case cfg.PAT != "":
		h.Auth, h.Secrets = httpcore.BearerAuth(cfg.PAT)
	case cfg.Token != "" && cfg.Email != "":
		h.Auth, h.Secrets = httpcore.BasicAuth(cfg.Email, cfg.Token)
	default:
		return nil, errors.New("jira: a credential is missing: e-mail and API token, or a personal access token")
	}
	h.Base = cfg.BaseURL
	if cfg.CloudID != "" {
		if !word.MatchString(cfg.CloudID) {
			return nil, errors.New("jira: the cloud id is not one")
		}
		h.Base = strings.TrimRight(cfg.GatewayURL, "/") + "/ex/jira/" + cfg.CloudID
		if cfg.Flavour == Auto {
			cfg.Flavour = Cloud
		}
	}
	h.Refusal = refusal
	core, err := httpcore.New(h)
	if err != nil {
		return nil, fmt.Errorf("jira: %w", err)
	}
	if h.Now == nil {
		cfg.HTTP.Now = time.Now
	}
	c := &Client{
		cfg: cfg, site: strings.TrimRight(cfg.BaseURL, "/"), http: core, forms: map[tracker.Target]cachedForm{},
		keys: map[string]cachedKey{}, seen: map[string]int64{}, paths: map[string]map[string][]edge{},
	}
	if cfg.Flavour != Auto {
		c.flavour = cfg.Flavour
	}
	return c, nil
}

// Close drops idle connections.
func (c *Client) Close() { c.http.Close() }

// PausedUntil returns the time before which Jira asked for silence, or zero.
func (c *Client) PausedUntil() time.Time { return c.http.PausedUntil() }

// Detect returns the flavour, asking the server once where it is not
// configured, and the version where it was asked ("" otherwise).
func (c *Client) Detect(ctx context.Context) (Flavour, string, error) {
	c.mu.Lock()
	f, v := c.flavour, c.version
	c.mu.Unlock()
	if f != "" {
		return f, v, nil
	}
	var info struct {
		DeploymentType string `json:"deploymentType"`
		Version        string `json:"version"`
	}
	if err := c.send(ctx, httpcore.Request{Op: "read server info", Method: http.MethodGet, Path: "/rest/api/2/serverInfo", Out: &info}); err != nil {
		return "", "", before(err)
	}
	f = DataCenter
	switch {
	case strings.EqualFold(info.DeploymentType, "Cloud"):
		f = Cloud
	case info.Version == "":
		return "", "", &tracker.Error{Outcome: tracker.NotSent, Kind: tracker.KindProtocol, Op: "read server info", Reason: "the server does not say that it is a Jira; check the address"}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flavour, c.version = f, info.Version
	return f, info.Version, nil
}

// guess is the flavour as far as it is known without asking.
func (c *Client) guess() Flavour {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.flavour != "":
		return c.flavour
	case c.cfg.PAT != "":
		return DataCenter
	}
	return Cloud
}

// Capabilities implements tracker.Tracker.
func (c *Client) Capabilities() tracker.Capabilities {
	caps := tracker.Capabilities{
		Name: "Jira Cloud", Probe: true, Links: true, BackLink: true, SubTasks: true, Webhooks: true,
		SummaryMax: summaryMax, BodyMax: bodyMax, SearchLag: 30 * time.Second, LabelPrefix: LabelPrefix,
	}
	if c.guess() == DataCenter {
		caps.Name, caps.SearchLag = "Jira Data Center", 15*time.Second
	}
	return caps
}

// api returns the client's flavour and the path prefix of its REST interface.
func (c *Client) api(ctx context.Context) (cloud bool, prefix string, err error) {
	f, _, err := c.Detect(ctx)
	if err != nil {
		return false, "", err
	}
	if f == Cloud {
		return true, "/rest/api/3", nil
	}
	return false, "/rest/api/2", nil
}

// call is one request below the REST prefix.
type call struct {
	op, method, path string
	query            url.Values
	body, out        any
	read             bool
	scope            string
}

func (c *Client) do(ctx context.Context, r call) error {
	_, prefix, err := c.api(ctx)
	if err != nil {
		return err
	}
	return c.send(ctx, httpcore.Request{Op: r.op, Method: r.method, Path: prefix + r.path, Query: r.query, Body: r.body, Out: r.out, Read: r.read, Scope: r.scope})
}

func (c *Client) get(ctx context.Context, op, path string, query url.Values, out any) error {
	return c.do(ctx, call{op: op, method: http.MethodGet, path: path, query: query, out: out})
}

func (c *Client) send(ctx context.Context, r httpcore.Request) error {
	_, err := c.http.Do(ctx, r)
	return err
}

// before marks a failure of a preparing read: what the caller wanted to change
// was not even tried.
func before(err error) error {
	e := *tracker.AsError(err)
	e.Outcome = tracker.NotSent
	return &e
}

func invalid(op, reason string, fields map[string]string) *tracker.Error {
	return &tracker.Error{Outcome: tracker.NotSent, Kind: tracker.KindInvalid, Op: op, Reason: reason, Fields: fields}
}

// refusal reads Jira's error bodies.
func refusal(_ int, _ http.Header, body []byte) (string, map[string]string) {
	var e struct {
		ErrorMessages []string          `json:"errorMessages"`
		Errors        map[string]string `json:"errors"`
		Message       string            `json:"message"`
		ErrorMessage  string            `json:"errorMessage"`
	}
	if json.Unmarshal(body, &e) != nil {
		return "", nil
	}
	parts := e.ErrorMessages
	for _, s := range []string{e.Message, e.ErrorMessage} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	for _, k := range sortedKeys(e.Errors) {
		parts = append(parts, k+": "+e.Errors[k])
	}
	return strings.Join(parts, "; "), e.Errors
}

var (
	word    = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)
	markers = regexp.MustCompile(`^[0-9A-Za-z]{6,64}$`)
	digits  = regexp.MustCompile(`^[0-9]+$`)
)

// ticketPath is the path of an issue addressed by id or key.
func ticketPath(id string) string { return "/issue/" + url.PathEscape(id) }

// quote makes a JQL string.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", " ", "\r", " ").Replace(s) + `"`
}
