package api

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/threatloop/threatloop/internal/app"
	"github.com/threatloop/threatloop/internal/fault"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/ticketing"
	"github.com/threatloop/threatloop/internal/tracker"
	"github.com/threatloop/threatloop/internal/tracker/builtin"
)

const (
	tagConnections = "Connections"
	tagTickets     = "Tickets"
	tagBoard       = "Board"
	// maxDelivery is the size of a webhook's delivery in bytes that is taken.
	maxDelivery = 4 << 20
)

// OneConnection is the path of a connection.
type OneConnection struct {
	Connection string `path:"connection" maxLength:"60"`
}

func (s *API) tickets() {
	s.connections()
	s.connectionLog()
	s.webhook()
	s.productTickets()
	s.board()
}

func (s *API) connections() {
	type list struct{ Paging }
	register(s, op{method: http.MethodGet, path: "/connections", id: "list-connections", tag: tagConnections, summary: "List the connections with trackers", action: policy.BoardRead},
		func(ctx context.Context, c app.Caller, in *list) (app.Page[app.ConnectionView], error) {
			return s.app.Connections(ctx, c, in.Cursor, in.Limit)
		})
	type add struct{ Body app.ConnectionInput }
	register(s, op{
		method: http.MethodPost, path: "/connections", id: "add-connection", tag: tagConnections, summary: "Connect with a tracker", action: policy.ConnectionManage, status: http.StatusCreated,
		about: "The credential is sealed and never shown.",
	},
		func(ctx context.Context, c app.Caller, in *add) (app.ConnectionView, error) {
			return s.app.AddConnection(ctx, c, in.Body)
		})
	const path = "/connections/{connection}"
	register(s, op{method: http.MethodGet, path: path, id: "get-connection", tag: tagConnections, summary: "Show a connection and the state of its queue", action: policy.BoardRead},
		func(ctx context.Context, c app.Caller, in *OneConnection) (app.ConnectionView, error) {
			return s.app.Connection(ctx, c, in.Connection)
		})
	type edit struct {
		OneConnection
		Changing
		Body app.ConnectionInput
	}
	register(s, op{
		method: http.MethodPut, path: path, id: "set-connection", tag: tagConnections, summary: "Replace a connection's settings", action: policy.ConnectionManage,
		about: "A credential that is left out stays.",
	},
		at(func(ctx context.Context, c app.Caller, in *edit, version int64) (app.ConnectionView, error) {
			return s.app.EditConnection(ctx, c, in.Connection, version, in.Body)
		}))
	do(s, op{
		method: http.MethodDelete, path: path, id: "delete-connection", tag: tagConnections, summary: "Forget a connection", action: policy.ConnectionManage,
		about: "Its tickets stay in the tracker.",
	},
		func(ctx context.Context, c app.Caller, in *OneConnection) error {
			return s.app.DeleteConnection(ctx, c, in.Connection)
		})
	type check struct {
		OneConnection
		Body struct {
			Project string `json:"project" maxLength:"200" doc:"Key or id in the tracker"`
			Type    string `json:"type,omitempty" maxLength:"200" doc:"Issue type's id or name"`
			Parent  string `json:"parent,omitempty" maxLength:"200"`
		}
	}
	register(s, op{
		method: http.MethodPost, path: path + "/check", id: "check-connection", tag: tagConnections, summary: "Walk the check list of a connection", action: policy.ConnectionManage,
		about: "Says what is missing for tickets to be made there. Nothing is changed in the tracker.",
	},
		func(ctx context.Context, c app.Caller, in *check) (app.Page[tracker.Finding], error) {
			list, err := s.app.CheckConnection(ctx, c, in.Connection, tracker.Target{Project: in.Body.Project, Type: in.Body.Type, Parent: in.Body.Parent})
			if list == nil {
				list = []tracker.Finding{}
			}
			return app.Page[tracker.Finding]{Items: list}, err
		})
	register(s, op{method: http.MethodPost, path: path + "/retry", id: "retry-connection", tag: tagConnections, summary: "Resume a paused connection and try what failed again", action: policy.ConnectionManage},
		func(ctx context.Context, c app.Caller, in *OneConnection) (app.ConnectionView, error) {
			return s.app.RetryConnection(ctx, c, in.Connection)
		})
}

// webhook declares the deliveries of trackers. It stands beside the framework: a
// signature is over the body as it came, whatever it is.
func (s *API) webhook() {
	s.plain(op{
		method: http.MethodPost, path: "/connections/{connection}/webhook", id: "deliver-webhook", tag: tagConnections, summary: "Delivery of a tracker's webhook",
		open:  "the signature with the connection's secret decides",
		about: "Only a hint: what it names is looked at in the tracker at once.",
	},
		huma.Operation{
			Parameters:  []*huma.Param{{Name: "connection", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}}},
			RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{}}}},
			Responses:   map[string]*huma.Response{"204": {Description: "Taken"}},
		}, func(w http.ResponseWriter, r *http.Request, _ app.Caller) error {
			// Anybody may begin a delivery; nobody may take for ever over it. A connection
			// without deadlines is the server's own in tests.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(patience))
			body, err := io.ReadAll(io.LimitReader(r.Body, maxDelivery+1))
			if err != nil {
				return fault.Wrap(err, fault.Invalid, "request.body", "the request body could not be read")
			}
			if len(body) > maxDelivery {
				return fault.New(fault.TooLarge, "request.too_large", "the delivery is larger than %d bytes", maxDelivery)
			}
			if err := s.app.Webhook(r.Context(), r.PathValue("connection"), r.Header, body); err != nil {
				return err
			}
			w.WriteHeader(http.StatusNoContent)
			return nil
		})
}

func (s *API) productTickets() {
	const path = "/products/{product}/tickets"
	register(s, op{method: http.MethodGet, path: path + "/policy", id: "get-ticket-policy", tag: tagTickets, summary: "Which tickets go out, and where to", action: policy.TicketsRead},
		func(ctx context.Context, c app.Caller, in *InProduct) (app.TicketPolicyView, error) {
			return s.app.TicketPolicy(ctx, c, in.Product)
		})
	type setPolicy struct {
		InProduct
		Changing
		Body ticketing.Policy
	}
	register(s, op{
		method: http.MethodPut, path: path + "/policy", id: "set-ticket-policy", tag: tagTickets, summary: "Set which tickets go out, and where to", action: policy.TicketsPublish,
		about: "What was published or taken back by hand stays as it is.",
	},
		at(func(ctx context.Context, c app.Caller, in *setPolicy, version int64) (app.TicketPolicyView, error) {
			return s.app.SetTicketPolicy(ctx, c, in.Product, version, in.Body)
		}))
	type list struct {
		InProduct
		Paging
	}
	register(s, op{method: http.MethodGet, path: path, id: "list-tickets", tag: tagTickets, summary: "List tickets, also those that wait or failed", action: policy.TicketsRead},
		func(ctx context.Context, c app.Caller, in *list) (app.Page[app.TicketView], error) {
			return s.app.Tickets(ctx, c, in.Product, in.Cursor, in.Limit)
		})
	type propose struct {
		InProduct
		Limit int `query:"limit" minimum:"1" maximum:"100" default:"10" doc:"How many"`
	}
	register(s, op{
		method: http.MethodGet, path: path + "/proposals", id: "propose-tickets", tag: tagTickets, summary: "Which tickets would help most", action: policy.TicketsRead,
		about: "For those who publish by hand: required countermeasures by what they take off the current ratings, and open threats without any, the most useful first. What has a ticket or was published is left out.",
	},
		func(ctx context.Context, c app.Caller, in *propose) (app.Page[app.ProposedTicket], error) {
			return s.app.ProposeTickets(ctx, c, in.Product, in.Limit)
		})
	type publish struct {
		InProduct
		Body app.PublishInput
	}
	register(s, op{
		method: http.MethodPost, path: path + "/publish", id: "publish-tickets", tag: tagTickets, summary: "Let tickets go out", action: policy.TicketsPublish,
		about: "Those that wait for a person, and those of named objects whatever the policy publishes by itself.",
	},
		func(ctx context.Context, c app.Caller, in *publish) (app.PublishedView, error) {
			return s.app.Publish(ctx, c, in.Product, in.Body)
		})
	type unpublish struct {
		InProduct
		Body struct {
			Objects []string `json:"objects" minItems:"1" maxItems:"5000" doc:"Ids of countermeasures, threats or weaknesses"`
		}
	}
	do(s, op{
		method: http.MethodPost, path: path + "/unpublish", id: "unpublish-tickets", tag: tagTickets, summary: "Take a publication back", action: policy.TicketsPublish,
		about: "What was made by us and touched by nobody is closed; the rest is let alone.",
	},
		func(ctx context.Context, c app.Caller, in *unpublish) error {
			return s.app.Unpublish(ctx, c, in.Product, in.Body.Objects)
		})
	type link struct {
		InProduct
		Body app.LinkTicketInput
	}
	do(s, op{method: http.MethodPost, path: path + "/link", id: "link-ticket", tag: tagTickets, summary: "Link a ticket that is there already", action: policy.TicketsEdit},
		func(ctx context.Context, c app.Caller, in *link) error {
			return s.app.LinkTicket(ctx, c, in.Product, in.Body)
		})
	do(s, op{
		method: http.MethodPost, path: path + "/unlink", id: "unlink-ticket", tag: tagTickets, summary: "Let go of a ticket", action: policy.TicketsEdit,
		about: "Nothing is read from it or written to it any more.",
	},
		func(ctx context.Context, c app.Caller, in *link) error {
			return s.app.UnlinkTicket(ctx, c, in.Product, in.Body)
		})
	type recreate struct {
		InProduct
		Body struct {
			Object  string `json:"object" doc:"Id of a countermeasure, threat or weakness"`
			Purpose string `json:"purpose" enum:"countermeasure,threat,vulnerability"`
		}
	}
	do(s, op{method: http.MethodPost, path: path + "/recreate", id: "recreate-ticket", tag: tagTickets, summary: "Make a deleted ticket again", action: policy.TicketsPublish},
		func(ctx context.Context, c app.Caller, in *recreate) error {
			return s.app.RecreateTicket(ctx, c, in.Product, in.Body.Object, in.Body.Purpose)
		})
}

func (s *API) board() {
	const path = "/connections/{connection}/tickets"
	type list struct {
		OneConnection
		Project string `query:"project" maxLength:"200"`
		Status  string `query:"status" maxLength:"200"`
	}
	register(s, op{method: http.MethodGet, path: path, id: "list-board", tag: tagBoard, summary: "List the tickets of the built-in tracker", action: policy.BoardRead},
		func(ctx context.Context, c app.Caller, in *list) (app.Page[tracker.Ticket], error) {
			return s.app.Board(ctx, c, in.Connection, in.Project, in.Status)
		})
	type OneTicket struct {
		OneConnection
		Ticket string `path:"ticket" maxLength:"200" doc:"The tracker's id or key"`
	}
	register(s, op{method: http.MethodGet, path: path + "/{ticket}", id: "get-card", tag: tagBoard, summary: "Show a ticket of the built-in tracker with its comments", action: policy.BoardRead},
		func(ctx context.Context, c app.Caller, in *OneTicket) (builtin.Card, error) {
			return s.app.Card(ctx, c, in.Connection, in.Ticket)
		})
	type move struct {
		OneTicket
		Body app.MoveInput
	}
	register(s, op{
		method: http.MethodPost, path: path + "/{ticket}/move", id: "move-ticket", tag: tagBoard, summary: "Move a ticket as a person would", action: policy.BoardWork,
		about: "In any tracker that is connected; the model follows as it follows any move there.",
	},
		func(ctx context.Context, c app.Caller, in *move) (tracker.Ticket, error) {
			return s.app.MoveTicket(ctx, c, in.Connection, in.Ticket, in.Body)
		})
	type comment struct {
		OneTicket
		Body struct {
			Text string `json:"text" minLength:"1" maxLength:"10000"`
		}
	}
	register(s, op{method: http.MethodPost, path: path + "/{ticket}/comments", id: "comment-ticket", tag: tagBoard, summary: "Comment on a ticket of the built-in tracker", action: policy.BoardWork, status: http.StatusCreated},
		func(ctx context.Context, c app.Caller, in *comment) (tracker.Comment, error) {
			return s.app.CommentTicket(ctx, c, in.Connection, in.Ticket, in.Body.Text)
		})
}
