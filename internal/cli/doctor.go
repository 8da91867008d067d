package cli

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/httpcore"
	"github.com/threatloop/threatloop/internal/tracker/jira"
)

type doctorCmd struct {
	remote
	Connection string `help:"Id or name of a connection of the server." placeholder:"CONNECTION"`

	URL          string `help:"Address of a Jira site, to check it without a server." placeholder:"URL" name:"url"`
	Email        string `help:"Account of the API token (Jira Cloud)." placeholder:"EMAIL"`
	JiraToken    string `help:"API token (Jira Cloud)." placeholder:"TOKEN" env:"THREATLOOP_JIRA_TOKEN" secret:""`
	PAT          string `help:"Personal access token (Jira Data Center)." placeholder:"TOKEN" name:"jira-pat" aliases:"pat" env:"THREATLOOP_JIRA_PAT" secret:""`
	AllowPrivate bool   `help:"The site may be at a private address."`

	Project string `help:"Key of the project for tickets." required:"" placeholder:"KEY"`
	Type    string `help:"Issue type." default:"Task" placeholder:"NAME"`
	JSON    bool   `help:"Print JSON." name:"json"`
}

// Run walks the check list of a connection; a failed check is exit code 1.
func (c *doctorCmd) Run(ctx context.Context, env *Env) error {
	var list []tracker.Finding
	var err error
	switch {
	case c.Connection != "" && c.URL != "":
		return usage(errors.New("give either --connection or --url"))
	case c.Connection != "":
		list, err = c.overServer(ctx)
	case c.URL != "":
		list, err = c.direct(ctx, env)
	default:
		return usage(errors.New("say what to check: --connection of a server, or --url of a Jira site"))
	}
	if err != nil {
		return err
	}
	failed := 0
	for _, f := range list {
		if f.Level == tracker.Failed {
			failed++
		}
	}
	if c.JSON {
		if err := printJSON(env.Stdout, doctorReport{OK: failed == 0, Checks: list}); err != nil {
			return err
		}
	} else {
		on := env.colors(env.Stdout)
		colors := map[tracker.Level]string{tracker.OK: "32", tracker.Warning: "33", tracker.Failed: "31"}
		for _, f := range list {
			level := paint(on, colors[f.Level], fmt.Sprintf("%-7s", f.Level))
			if _, err := fmt.Fprintf(env.Stdout, "%s  %-11s  %s\n", level, f.Step, printable(f.Text)); err != nil {
				return err
			}
		}
	}
	if failed > 0 {
		return notMet("%d of %d checks failed", failed, len(list))
	}
	return nil
}

// doctorReport is what `doctor --json` prints.
type doctorReport struct {
	OK     bool              `json:"ok"` // nothing failed
	Checks []tracker.Finding `json:"checks"`
}

func (c *doctorCmd) overServer(ctx context.Context) ([]tracker.Finding, error) {
	cl, err := c.client()
	if err != nil {
		return nil, err
	}
	var connections struct {
		Items []struct {
			ID   string `json:"id"`
			Name string `json:"name"`
		} `json:"items"`
	}
	if err := cl.Get(ctx, "/connections", &connections); err != nil {
		return nil, err
	}
	id := ""
	for _, x := range connections.Items {
		if x.ID == c.Connection || x.Name == c.Connection {
			id = x.ID
		}
	}
	if id == "" {
		return nil, fault.New(fault.NotFound, "connection.not_found", "the server has no connection %q", c.Connection)
	}
	var page struct {
		Items []tracker.Finding `json:"items"`
	}
	err = cl.Do(ctx, http.MethodPost, "/connections/"+url.PathEscape(id)+"/check", map[string]string{"project": c.Project, "type": c.Type}, &page)
	return page.Items, err
}

func (c *doctorCmd) direct(ctx context.Context, env *Env) ([]tracker.Finding, error) {
	if c.PAT == "" && (c.JiraToken == "" || c.Email == "") {
		return nil, usage(errors.New("give --email and --jira-token (Cloud), or --jira-pat (Data Center); tokens may be in THREATLOOP_JIRA_TOKEN and THREATLOOP_JIRA_PAT"))
	}
	j, err := jira.New(jira.Config{
		BaseURL: c.URL, Email: c.Email, Token: c.JiraToken, PAT: c.PAT,
		HTTP: httpcore.Config{AllowPrivate: c.AllowPrivate, UserAgent: "Threatloop", Now: env.Now},
	})
	if err != nil {
		return nil, fault.Wrap(err, fault.Invalid, "connection.settings", "the settings are not usable: %s", err.Error())
	}
	defer j.Close()
	list, err := j.Check(ctx, tracker.Target{Project: c.Project, Type: c.Type})
	if err != nil {
		list = append(list, tracker.Finding{Step: "identity", Level: tracker.Failed, Text: tracker.AsError(err).Error()})
	}
	return list, nil
}
