package api

import (
	"context"
	"net/http"
	"time"

	"github.com/threatloop/threatloop/internal/app"
	"github.com/threatloop/threatloop/internal/identity"
	"github.com/threatloop/threatloop/internal/policy"
)

const (
	tagPeople  = "People"
	tagMembers = "Members"
)

// setupView says whether an installation has its administrator.
type setupView struct {
	Needed bool `json:"needed" doc:"The first administrator is still to be made"`
	Token  bool `json:"token_needed" doc:"It needs the token that the server printed when it started"`
	// SignedIn saves the page a refusal at every first visit.
	SignedIn bool `json:"signed_in" doc:"The caller has a session"`
}

// signedIn is a new session.
type signedIn struct {
	User    app.UserView `json:"user"`
	Expires time.Time    `json:"expires" doc:"Without use"`
	Token   string       `json:"token,omitempty" doc:"Of the session, as a Bearer token; browsers get it only as a cookie that scripts cannot read"`
	cookie  *http.Cookie
}

func (v signedIn) cookies() []*http.Cookie { return []*http.Cookie{v.cookie} }

// FromPage tells the requests of a browser's page from those of programs.
type FromPage struct {
	Origin    string `header:"Origin" hidden:"true"`
	FetchSite string `header:"Sec-Fetch-Site" hidden:"true"`
}

func (s *API) signedIn(in app.SignedIn, from FromPage) signedIn {
	v := signedIn{User: in.User, Expires: in.Expires, cookie: s.cookie(in.Token.Reveal())}
	if from.Origin == "" && from.FetchSite == "" {
		v.Token = in.Token.Reveal()
	}
	return v
}

// cookie makes the cookie of a session; "" ends it. It has no date: the server decides how long a session lasts.
func (s *API) cookie(token string) *http.Cookie {
	c := &http.Cookie{Name: sessionCookie, Value: token, Path: "/", HttpOnly: true, Secure: s.o.Secure, SameSite: http.SameSiteLaxMode}
	if token == "" {
		c.MaxAge = -1
	}
	return c
}

func (s *API) people() {
	s.sessions()
	s.users()
	s.tokens()
	s.members()
}

func (s *API) sessions() {
	type nothing struct{}
	register(s, op{method: http.MethodGet, path: "/setup", id: "get-setup", tag: tagPeople, summary: "Whether the first administrator is still to be made", open: "nobody can sign in before there is an account"},
		func(ctx context.Context, c app.Caller, _ *nothing) (setupView, error) {
			needed, token, err := s.app.SetupNeeded(ctx)
			return setupView{Needed: needed, Token: token, SignedIn: c.User != ""}, err
		})
	type setup struct {
		FromPage
		Body app.SetupInput
	}
	register(s, op{
		method: http.MethodPost, path: "/setup", id: "setup", tag: tagPeople, summary: "Make the first administrator and sign in", status: http.StatusCreated,
		open: "nobody can sign in before there is an account", about: "A conflict once there is an account. Where the server can be reached from beyond its machine, it demands the token that it printed when it started.",
	},
		func(ctx context.Context, c app.Caller, in *setup) (signedIn, error) {
			v, err := s.app.Setup(ctx, c, in.Body)
			if err != nil {
				return signedIn{}, err
			}
			return s.signedIn(v, in.FromPage), nil
		})

	type signIn struct {
		FromPage
		Body struct {
			Email    string          `json:"email" maxLength:"200"`
			Password identity.Secret `json:"password"`
		}
	}
	register(s, op{
		method: http.MethodPost, path: "/session", id: "sign-in", tag: tagPeople, summary: "Sign in", status: http.StatusCreated, open: "this is how one signs in",
		about: "Failures are slowed down per account and address, and say the same whether the account exists or not.",
	},
		func(ctx context.Context, c app.Caller, in *signIn) (signedIn, error) {
			v, err := s.app.SignIn(ctx, c, in.Body.Email, in.Body.Password)
			if err != nil {
				return signedIn{}, err
			}
			return s.signedIn(v, in.FromPage), nil
		})
	register(s, op{method: http.MethodGet, path: "/session", id: "get-session", tag: tagPeople, summary: "Who is signed in", action: policy.AccountOwn},
		func(ctx context.Context, c app.Caller, _ *nothing) (app.SessionView, error) { return s.app.Me(ctx, c) })
	doWith(s, op{method: http.MethodDelete, path: "/session", id: "sign-out", tag: tagPeople, summary: "Sign out", action: policy.AccountOwn},
		func(ctx context.Context, c app.Caller, _ *nothing) ([]*http.Cookie, error) {
			return []*http.Cookie{s.cookie("")}, s.app.SignOut(ctx, c)
		})
	type password struct {
		Body struct {
			Old identity.Secret `json:"old" doc:"The current password"`
			New identity.Secret `json:"new" doc:"At least 12 characters"`
		}
	}
	do(s, op{
		method: http.MethodPut, path: "/session/password", id: "set-password", tag: tagPeople, summary: "Change one's own password", action: policy.TokenOwn,
		about: "Ends all other sessions of the account.",
	},
		func(ctx context.Context, c app.Caller, in *password) error {
			return s.app.SetPassword(ctx, c, in.Body.Old, in.Body.New)
		})
}

func (s *API) users() {
	type list struct {
		Paging
		Text string `query:"q" maxLength:"200" doc:"In the e-mail address; for who does not administrate the installation, in the name"`
	}
	register(s, op{
		method: http.MethodGet, path: "/users", id: "list-users", tag: tagPeople, summary: "List accounts", action: policy.UserRead,
		about: "E-mail addresses are for administrators of the installation; everybody else sees their own only.",
	},
		func(ctx context.Context, c app.Caller, in *list) (app.Page[app.UserView], error) {
			return s.app.Users(ctx, c, in.Text, in.Cursor, in.Limit)
		})
	type add struct{ Body app.AccountInput }
	register(s, op{method: http.MethodPost, path: "/users", id: "add-user", tag: tagPeople, summary: "Make an account", action: policy.UserManage, status: http.StatusCreated},
		func(ctx context.Context, c app.Caller, in *add) (app.UserView, error) {
			return s.app.AddUser(ctx, c, in.Body)
		})
	type edit struct {
		User string `path:"user" maxLength:"60"`
		Changing
		Body app.UserEdit
	}
	register(s, op{
		method: http.MethodPatch, path: "/users/{user}", id: "edit-user", tag: tagPeople, summary: "Change an account", action: policy.UserManage,
		about: "Disabling an account or setting its password ends its sessions. The last administrator stays one.",
	},
		at(func(ctx context.Context, c app.Caller, in *edit, version int64) (app.UserView, error) {
			return s.app.EditUser(ctx, c, in.User, version, in.Body)
		}))
}

func (s *API) tokens() {
	type list struct{ Paging }
	register(s, op{method: http.MethodGet, path: "/tokens", id: "list-tokens", tag: tagPeople, summary: "List one's own API tokens", action: policy.TokenOwn},
		func(ctx context.Context, c app.Caller, in *list) (app.Page[app.TokenView], error) {
			return s.app.Tokens(ctx, c, in.Cursor, in.Limit)
		})
	type add struct{ Body app.TokenInput }
	register(s, op{
		method: http.MethodPost, path: "/tokens", id: "add-token", tag: tagPeople, summary: "Make an API token", action: policy.TokenOwn, status: http.StatusCreated,
		about: "The answer shows the secret, once. It is not kept, so that an idempotency key does not show it again.",
	},
		func(ctx context.Context, c app.Caller, in *add) (app.TokenView, error) {
			return s.app.AddToken(ctx, c, in.Body)
		})
	type revoke struct {
		Token string `path:"token" maxLength:"60" doc:"Id of the token, not its secret"`
	}
	do(s, op{
		method: http.MethodDelete, path: "/tokens/{token}", id: "revoke-token", tag: tagPeople, summary: "Revoke an API token", action: policy.TokenOwn,
		about: "One's own, or anybody's for who manages tokens.",
	},
		func(ctx context.Context, c app.Caller, in *revoke) error { return s.app.RevokeToken(ctx, c, in.Token) })
}

func (s *API) members() {
	type list struct {
		InProduct
		Paging
	}
	register(s, op{method: http.MethodGet, path: "/products/{product}/members", id: "list-members", tag: tagMembers, summary: "Who has which role on a product", action: policy.RoleRead},
		func(ctx context.Context, c app.Caller, in *list) (app.Page[app.MemberView], error) {
			return s.app.Members(ctx, c, in.Product, in.Cursor, in.Limit)
		})
	type Member struct {
		InProduct
		User string `path:"user" maxLength:"60"`
	}
	type set struct {
		Member
		Changing
		Body struct {
			Role policy.Role `json:"role" enum:"viewer,developer,modeller,approver,administrator"`
		}
	}
	const path = "/products/{product}/members/{user}"
	do(s, op{method: http.MethodPut, path: path, id: "set-member", tag: tagMembers, summary: "Give a role on a product", action: policy.RoleManage},
		func(ctx context.Context, c app.Caller, in *set) error {
			version, err := in.version()
			if err != nil {
				return err
			}
			return s.app.SetMember(ctx, c, in.Product, in.User, version, in.Body.Role)
		})
	type take struct {
		Member
		Changing
	}
	do(s, op{method: http.MethodDelete, path: path, id: "remove-member", tag: tagMembers, summary: "Take the role on a product", action: policy.RoleManage},
		func(ctx context.Context, c app.Caller, in *take) error {
			version, err := in.version()
			if err != nil {
				return err
			}
			return s.app.SetMember(ctx, c, in.Product, in.User, version, "")
		})
}
