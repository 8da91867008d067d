package api

import (
	"context"
	"net/http"

	"github.com/threatloop/threatloop/internal/app"
	"github.com/threatloop/threatloop/internal/policy"
	"github.com/threatloop/threatloop/internal/tracker"
)

// connectionLog declares what a connection's page shows besides its settings.
func (s *API) connectionLog() {
	register(s, op{
		method: http.MethodGet, path: "/connections/{connection}/problems", id: "list-connection-problems", tag: tagConnections,
		summary: "List what waits or failed on a connection, over all products", action: policy.ConnectionRead,
		about: "At most 200: failed ones first, then those of which nobody knows whether they exist, held and waiting ones, and tickets that need a hand.",
	},
		func(ctx context.Context, c app.Caller, in *OneConnection) (app.Page[app.ConnectionProblem], error) {
			return s.app.ConnectionProblems(ctx, c, in.Connection)
		})
	type ask struct {
		OneConnection
		Project string `query:"project" maxLength:"200" doc:"Key or id in the tracker; left out, the one of our tickets"`
		Type    string `query:"type" maxLength:"200" doc:"Issue type's id or name; left out, any"`
	}
	register(s, op{
		method: http.MethodGet, path: "/connections/{connection}/vocabulary", id: "get-vocabulary", tag: tagConnections,
		summary: "What the tracker calls its statuses and resolutions", action: policy.ConnectionManage,
		about: "Asked of the tracker itself where it says so, else collected from the tickets that we know.",
	},
		func(ctx context.Context, c app.Caller, in *ask) (app.VocabularyView, error) {
			return s.app.Vocabulary(ctx, c, in.Connection, tracker.Target{Project: in.Project, Type: in.Type})
		})
}
