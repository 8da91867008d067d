package webtest_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/threatloop/threatloop/internal/server"
	"github.com/threatloop/threatloop/internal/sharedtest"
	"github.com/threatloop/threatloop/internal/tracker/fake"
	"github.com/threatloop/threatloop/internal/tracker/fake/validate"
)

// storyPoints is the field of story points at the Jira of the stories.
const storyPoints = "customfield_10016"

// beside starts an empty server, a Jira Cloud and a Jira Data Center that only webhooks
// connect: the server asks of itself once an hour, so what comes back sooner was told.
// Whatever the server sends is held to Jira's published descriptions. It returns what
// the story must know of all three.
func beside(t *testing.T) []string {
	t.Helper()
	sharedtest.Dir(t, "openapi", "jira-cloud-v3.json")
	cloud := fake.New(fake.Options{Flavour: fake.Cloud, Seed: 7, Project: "SHOP"})
	own := fake.New(fake.Options{Flavour: fake.DataCenter, Seed: 8, Project: "DESK"})
	_, email, token := cloud.Credential()
	_, _, pat := own.Credential()
	return []string{
		"STORY_URL=" + start(t, server.Config{Data: t.TempDir(), PollEvery: time.Hour, AllowPrivate: true}),
		"STORY_JIRA=" + site(t, cloud), "STORY_JIRA_EMAIL=" + email, "STORY_JIRA_TOKEN=" + token, "STORY_JIRA_POINTS=" + storyPoints,
		"STORY_JIRA_OWN=" + site(t, own), "STORY_JIRA_OWN_TOKEN=" + pat,
	}
}

// site serves a Jira, for trackers and for persons, and returns its address.
func site(t *testing.T, jira *fake.Server) string {
	t.Helper()
	mux := http.NewServeMux()
	mux.Handle("/", validate.Handler(t, jira))
	mux.HandleFunc("POST /person/{act}", person(jira))
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	told := make(chan struct{})
	go func() { defer close(told); jira.DeliverLive(ctx) }()
	t.Cleanup(func() { stop(); <-told })
	return s.URL
}

// person does in Jira what somebody with a browser does there: sets up the
// webhook, reads issues, estimates and moves one.
func person(jira *fake.Server) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in struct {
			URL, Secret             string  // webhook
			Key, Status, Resolution string  // move
			Comment                 string  // move
			Seconds                 int64   // estimate
			Points                  float64 // estimate
		}
		err := json.NewDecoder(r.Body).Decode(&in)
		if err == nil {
			switch act := r.PathValue("act"); act {
			case "webhook":
				jira.SetWebhook(in.URL, in.Secret)
			case "move":
				err = jira.SetStatus(in.Key, in.Status, in.Resolution, in.Comment)
			case "estimate":
				err = jira.SetEstimate(in.Key, in.Seconds, storyPoints, in.Points)
			case "issues":
			default:
				err = fmt.Errorf("nobody does %q", act)
			}
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(jira.Issues()) // a story that went away is its own affair
	}
}
