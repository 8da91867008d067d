package library_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/threatloop/threatloop/internal/model"
)

// customers is what the products of these tests are worth attacking for.
var customers = model.Asset{ID: "customers", Name: "Customers", Value: model.CIA{Confidentiality: 75, Integrity: 70, Availability: 60}}

// part is a component of a type in a zone that works on the customers' data.
func part(id model.ElementID, typ string, zone model.ElementID) model.Component {
	return model.Component{ID: id, Type: typ, Name: string(id), Zone: zone}
}

// product makes a model of parts and flows; kinds come from the library, and all flows carry the customers' data encrypted.
func product(t *testing.T, zones []model.Zone, parts []model.Component, flows [][2]model.ElementID) *model.Model {
	t.Helper()
	lib := load(t)
	m := &model.Model{Product: model.Product{ID: "p", Name: "P"}, Assets: []model.Asset{customers}, Zones: zones}
	for _, c := range parts {
		typ := lib.Type(c.Type)
		if typ == nil {
			t.Fatalf("the library has no type %q", c.Type)
		}
		c.Kind = typ.Kind
		switch c.Kind {
		case model.Process:
			c.Processes = []model.AssetID{customers.ID}
		case model.Store:
			c.Stores = []model.AssetID{customers.ID}
		}
		m.Components = append(m.Components, c)
	}
	for _, f := range flows {
		id := f[0] + "-to-" + f[1]
		m.Flows = append(m.Flows, model.Flow{
			ID: id, Name: string(id), From: f[0], To: f[1], Carries: []model.AssetID{customers.ID}, Attributes: map[string]string{"encrypted": "yes", "authenticated": "yes"},
		})
	}
	return m
}

// TestProductsOfOtherKinds: what the library brings to products that are drawn with its narrower types
// is what an architect would name, and no flood.
func TestProductsOfOtherKinds(t *testing.T) {
	t.Parallel()
	zones := []model.Zone{{ID: "out", Name: "Internet", Trust: 0}, {ID: "edge", Name: "Edge", Trust: 30}, {ID: "inside", Name: "Inside", Trust: 70}, {ID: "office", Name: "Office", Trust: 40}, {ID: "data", Name: "Data", Trust: 80}}
	for _, tt := range []struct {
		name     string
		parts    []model.Component
		flows    [][2]model.ElementID
		from, to int
		want     map[model.ElementID][]string
		never    []string
	}{
		{
			name: "cloud services",
			parts: []model.Component{
				part("user", "end-user", "out"), part("cdn", "content-delivery-network", "edge"), part("page", "browser-client", "out"), part("gateway", "api-gateway", "edge"),
				part("orders", "web-api", "inside"), part("invoices", "serverless-function", "inside"), part("events", "event-stream", "inside"),
				part("db", "relational-database", "data"), part("baskets", "key-value-store", "data"), part("cluster", "container-orchestrator", "inside"),
				part("ci", "ci-system", "inside"), part("images", "container-registry", "inside"), part("account", "cloud-account", "inside"),
			},
			flows: [][2]model.ElementID{
				{"user", "cdn"}, {"page", "gateway"}, {"gateway", "orders"}, {"orders", "db"}, {"orders", "events"}, {"events", "invoices"}, {"invoices", "baskets"}, {"ci", "images"}, {"ci", "cluster"},
			},
			from: 50, to: 90,
			want: map[model.ElementID][]string{
				"cdn": {"edge-cache-abuse/personal-page-cached-for-all"}, "gateway": {"forgotten-interfaces/old-version-attacked"}, "orders": {"sql-injection/read-other-customers-data", "lost-user-identity/front-misused-as-any-user"},
				"invoices": {"serverless-event-abuse/one-function-opens-account", "unsafe-deserialisation/code-run-by-serialised-object"}, "events": {"stream-exposure/stream-history-read"},
				"cluster": {"orchestrator-takeover/workload-climbs-to-cluster"}, "ci": {"push-deployment/build-system-enters-production"}, "account": {"cloud-control-plane-takeover/cloud-administrator-impersonated"},
				"page": {"hostile-page-script/foreign-script-reads-forms"},
			},
			never: []string{"credential-attacks/account-taken-by-reset", "ldap-injection/directory-query-bent"},
		},
		{
			name: "data platform",
			parts: []model.Component{
				part("crm", "relational-database", "data"), part("loads", "etl-pipeline", "inside"), part("lake", "data-lake", "data"), part("warehouse", "data-warehouse", "data"),
				part("reports", "reporting-tool", "inside"), part("search", "search-index", "data"), part("analyst", "administrator", "office"),
			},
			flows: [][2]model.ElementID{{"crm", "loads"}, {"loads", "lake"}, {"lake", "warehouse"}, {"reports", "warehouse"}, {"reports", "search"}, {"analyst", "reports"}},
			from:  20, to: 50,
			want: map[model.ElementID][]string{
				"loads": {"data-pipeline-tampering/poisoned-load-believed"}, "lake": {"over-broad-analytics/people-recognised-in-data", "public-object-storage/objects-found-and-read"},
				"search": {"search-leakage/closed-content-found-by-search"}, "reports": {"search-query-injection/search-query-bent"},
			},
			never: []string{"flooding/flood-stops-service"},
		},
		{
			name: "office network",
			parts: []model.Component{
				part("staff", "administrator", "out"), part("vpn", "vpn-gateway", "edge"), part("directory", "directory-service", "office"), part("files", "file-share", "office"),
				part("server", "virtual-machine", "office"), part("backups", "backup-store", "office"), part("wiki", "content-management-system", "office"),
			},
			flows: [][2]model.ElementID{{"staff", "vpn"}, {"vpn", "server"}, {"wiki", "directory"}, {"wiki", "files"}, {"files", "backups"}},
			from:  20, to: 50,
			want: map[model.ElementID][]string{
				"vpn": {"remote-access-abuse/access-device-exploited"}, "directory": {"directory-takeover/directory-taken-from-inside", "flat-network/weak-neighbour-leads-on"},
				"files": {"file-share-exposure/files-encrypted-by-one-client"}, "backups": {"backup-destruction/backups-destroyed-before-extortion", "flat-network/weak-neighbour-leads-on"},
				"wiki": {"ldap-injection/directory-query-bent", "path-traversal/file-outside-folder-read"}, "server": {"unmanaged-hosts/host-taken-by-known-flaw"},
			},
			never: []string{"sql-injection/read-other-customers-data", "graphql-abuse/one-query-exhausts-service"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			res := desired(t, product(t, zones, tt.parts, tt.flows))
			if n := len(res.Threats); n < tt.from || n > tt.to {
				t.Errorf("%d threats, want %d to %d", n, tt.from, tt.to)
			}
			for where, want := range tt.want {
				got := refs(res, where)
				for _, ref := range want {
					if !slices.Contains(got, ref) {
						t.Errorf("at %s: %v, want %s among them", where, got, ref)
					}
				}
			}
			for _, threat := range res.Threats {
				if slices.Contains(tt.never, threat.Ref) {
					t.Errorf("%s stands at %s, want it nowhere", threat.Ref, threat.Where)
				}
			}
		})
	}
}

// TestNothingTwiceOnTheWay: what a request meets on its way is asked about where it applies. An agent behind an
// application does not repeat what stands there, nor a load balancer what stands at its connection, nor a program what stands at its messenger.
func TestNothingTwiceOnTheWay(t *testing.T) {
	t.Parallel()
	zones := []model.Zone{{ID: "out", Name: "Internet", Trust: 0}, {ID: "edge", Name: "Edge", Trust: 40}, {ID: "inside", Name: "Inside", Trust: 60}, {ID: "data", Name: "Data", Trust: 80}}
	for _, tt := range []struct {
		name     string
		parts    []model.Component
		flows    [][2]model.ElementID
		pair     [2]model.ElementID
		both     []string // what concerns each of the two by itself
		from, to int
	}{
		{
			"assistant before an agent",
			[]model.Component{part("user", "end-user", "out"), part("chat", "llm-application", "inside"), part("agent", "llm-agent", "inside"), part("model", "hosted-model-provider", "out"), part("index", "vector-store", "data")},
			[][2]model.ElementID{{"user", "chat"}, {"chat", "agent"}, {"agent", "model"}, {"agent", "index"}},
			[2]model.ElementID{"chat", "agent"},
			[]string{"exposed-secrets/found-credentials-used", "vulnerable-dependencies/flaw-in-library-exploited"},
			20, 40,
		},
		{
			"balancer before an application",
			[]model.Component{part("user", "end-user", "out"), part("balancer", "load-balancer", "edge"), part("app", "web-application", "inside"), part("db", "relational-database", "data"), part("admin", "administrator", "inside")},
			[][2]model.ElementID{{"user", "balancer"}, {"balancer", "app"}, {"app", "db"}, {"admin", "app"}},
			[2]model.ElementID{"balancer", "app"},
			nil, 25, 60,
		},
		{
			"interface and its messenger",
			[]model.Component{part("phone", "mobile-app", "out"), part("api", "web-api", "inside"), part("pushes", "notification-service", "inside"), part("idp", "identity-provider", "edge")},
			[][2]model.ElementID{{"phone", "api"}, {"phone", "idp"}, {"api", "idp"}, {"api", "pushes"}},
			[2]model.ElementID{"api", "pushes"},
			[]string{"exposed-secrets/found-credentials-used"},
			25, 60,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			res := desired(t, product(t, zones, tt.parts, tt.flows))
			if n := len(res.Threats); n < tt.from || n > tt.to {
				t.Errorf("%d threats, want %d to %d", n, tt.from, tt.to)
			}
			there := refs(res, tt.pair[1])
			for _, ref := range refs(res, tt.pair[0]) {
				if slices.Contains(there, ref) && !slices.Contains(tt.both, ref) {
					t.Errorf("%s stands at %s and at %s, want it at one of them", ref, tt.pair[0], tt.pair[1])
				}
			}
			if n := len(there); n == 0 {
				t.Errorf("nothing stands at %s", tt.pair[1])
			}
		})
	}
}

// TestNoTypeIsNoisy: one component alone has something to talk about and not more than a meeting can take.
func TestNoTypeIsNoisy(t *testing.T) {
	t.Parallel()
	for _, typ := range load(t).Types {
		m := product(t, nil, []model.Component{part("it", typ.Ref, "")}, nil)
		n := len(refs(desired(t, m), "it"))
		if n > 16 || n == 0 && len(typ.Patterns) > 0 {
			t.Errorf("a %s alone has %d threats, want 1 to 16", typ.Ref, n)
		}
	}
}

// TestArchitecturesByAnswersAlone: the questionnaires of the architectures bring a first threat model
// of a size that a team reads in one sitting, even when everything is answered the worse way.
func TestArchitecturesByAnswersAlone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		answers map[string][]string
		want    []string
	}{
		{"interfaces", map[string][]string{
			"api_style": {"rest", "graphql", "webhook"}, "api_callers": {"partners"}, "api_inventory": {"no"}, "foreign_interfaces": {"yes"}, "service_identity": {"network"}, "user_identity": {"parameter"},
		}, []string{"graphql-abuse/one-query-exhausts-service", "forgotten-interfaces/old-version-attacked", "lost-user-identity/front-misused-as-any-user"}},
		{"cloud", map[string][]string{
			"compute": {"functions", "containers"}, "orchestrator": {"managed"}, "cloud_accounts": {"shared"}, "edge": {"domain", "cdn", "filter"},
			"infrastructure_code": {"part"}, "deployment": {"push"}, "images": {"public"},
		}, []string{"serverless-event-abuse/one-function-opens-account", "orchestrator-takeover/cluster-interface-taken", "cloud-control-plane-takeover/cloud-administrator-impersonated"}},
		{"data platform", map[string][]string{
			"data_places": {"tables", "files", "stream", "search"}, "identifiers": {"kept"}, "pipelines": {"many"}, "analysts": {"everybody"}, "exports": {"yes"},
		}, []string{"over-broad-analytics/people-recognised-in-data", "stream-exposure/personal-events-kept-forever", "data-pipeline-tampering/poisoned-load-believed"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			given := map[string][]string{
				"data": {"personal"}, "people": {"many"}, "harm_if_leaked": {"loss"}, "harm_if_changed": {"loss"}, "harm_if_down": {"hours"}, "who_is_hurt": {"people"}, "worst_case": {"medium"},
				"reach": {"internet"}, "admin": {"separate"}, "multi_tenant": {"yes"}, "accounts": {"provider"}, "secrets": {"manager"}, "backups": {"rehearsed"}, "logs": {"central"},
			}
			maps.Copy(given, tt.answers)
			res := desired(t, answers(given))
			if n := len(res.Threats); n < 15 || n > 40 {
				t.Errorf("%d threats, want 15 to 40", n)
			}
			got := refs(res, model.AtProduct)
			for _, ref := range tt.want {
				if !slices.Contains(got, ref) {
					t.Errorf("%v, want %s among them", got, ref)
				}
			}
			if want := (model.CIA{Confidentiality: 75, Integrity: 75, Availability: 65}); res.Value == nil || res.Value.Value != want {
				t.Errorf("value = %v, want %v", res.Value, want)
			}
		})
	}
}

// TestAnswersDrawnAddNothing: who draws the answer to every request gets the same threats as who does not.
func TestAnswersDrawnAddNothing(t *testing.T) {
	t.Parallel()
	m := threeTiers()
	for i := range m.Flows { // over foreign networks in clear, where every flow could bring something
		m.Flows[i].Attributes, m.Flows[i].Protocol, m.Flows[i].Bidirectional = nil, "", false
	}
	once := desired(t, m)
	for _, f := range m.Flows {
		f.ID, f.From, f.To = f.ID+"-answer", f.To, f.From
		m.Flows = append(m.Flows, f)
	}
	both := desired(t, m)
	for _, where := range []model.ElementID{"member", "app", "db", "pages", "queries", "pages-answer", "queries-answer"} {
		if a, b := refs(once, where), refs(both, where); !slices.Equal(a, b) {
			t.Errorf("at %s stand %v with the answers drawn, want %v as without them", where, b, a)
		}
	}
	clear := 0
	for _, threat := range both.Threats {
		if threat.Ref == "unencrypted-transport/data-read-in-transit" {
			clear++
		}
	}
	if clear != 2 {
		t.Errorf("%d threats by clear text, want one for each of the two connections", clear)
	}
}

// TestBoxesWithoutType: a box that nobody has typed brings what its traffic tells of, and nothing where it has none.
func TestBoxesWithoutType(t *testing.T) {
	t.Parallel()
	m := &model.Model{
		Product: model.Product{ID: "p", Name: "P"},
		Components: []model.Component{
			{ID: "vpc", Kind: model.Process}, {ID: "user", Kind: model.Actor, Type: "end-user"}, {ID: "login", Kind: model.Process}, {ID: "db", Kind: model.Store, Type: "relational-database"},
		},
		Flows: []model.Flow{{ID: "f", From: "user", To: "login"}, {ID: "g", From: "login", To: "db"}, {ID: "h", From: "db", To: "login"}, {ID: "i", From: "login", To: "user"}},
	}
	res := desired(t, m)
	if got := refs(res, "vpc"); len(got) != 0 {
		t.Errorf("at a box that nothing touches: %v, want nothing", got)
	}
	got := refs(res, "login")
	for _, ref := range []string{"broken-access-control/other-users-object-reached", "exposed-secrets/found-credentials-used", "missing-audit-trail/deed-denied-or-unseen", "sql-injection/read-other-customers-data", "vulnerable-dependencies/flaw-in-library-exploited"} {
		if !slices.Contains(got, ref) {
			t.Errorf("at a box that people call and that asks a database: %v, want %s among them", got, ref)
		}
	}
}
