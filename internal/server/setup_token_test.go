package server_test

import (
	"testing"

	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/server"
)

// A server that others can reach gives its first account only to who has the token.
func TestSetupToken(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(*server.Config){
		"made by the server": func(c *server.Config) { c.BaseURL = "https://threatloop.example" },
		"set":                func(c *server.Config) { c.SetupToken = "sixteen letters and more" },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := quick(t)
			set(&c)
			r := boot(t, c)
			type state struct {
				Needed bool `json:"needed"`
				Token  bool `json:"token_needed"`
			}
			var got state
			r.want(200, "GET", "/setup", nil, &got)
			if want := (state{true, true}); got != want {
				t.Errorf("GET /setup = %+v, want %+v", got, want)
			}
			in := map[string]any{"email": "ada@example.org", "name": "Ada", "password": passphrase}
			r.want(403, "POST", "/setup", in, nil)
			in["token"] = "a wrong one"
			r.want(403, "POST", "/setup", in, nil)
			in["token"] = r.srv.SetupToken()
			r.want(201, "POST", "/setup", in, nil)
			r.want(409, "POST", "/setup", in, nil)
			r.want(200, "GET", "/setup", nil, &got)
			if want := (state{}); got != want {
				t.Errorf("GET /setup with an account = %+v, want %+v", got, want)
			}
		})
	}
	c := quick(t)
	c.SetupToken = "too short"
	if _, err := server.New(t.Context(), c, "test"); !fault.Is(err, fault.Invalid) {
		t.Errorf("New with a short setup token = %v, want it refused", err)
	}
	if r := boot(t, quick(t)); r.srv.SetupToken() != "" {
		t.Errorf("SetupToken() on loopback = %q, want none", r.srv.SetupToken())
	}
}
