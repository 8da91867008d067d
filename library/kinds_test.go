package library_test

import (
	"maps"
	"slices"
	"testing"

	"github.com/threatloop/threatloop/internal/model"
)

// TestAssistantsDevicesAndShops: diagrams of assistants, devices, plants, shops and offices bring what
// belongs to them at the place where it is repaired, and nothing that does not.
func TestAssistantsDevicesAndShops(t *testing.T) {
	t.Parallel()
	zones := []model.Zone{{ID: "out", Name: "Internet", Trust: 0}, {ID: "edge", Name: "Edge", Trust: 30}, {ID: "inside", Name: "Inside", Trust: 70}, {ID: "plant", Name: "Plant", Trust: 80}}
	for _, tt := range []struct {
		name     string
		parts    []model.Component
		flows    [][2]model.ElementID
		from, to int
		want     map[model.ElementID][]string
		never    []string
	}{
		{
			name: "assistant that answers mail",
			parts: []model.Component{
				part("customer", "end-user", "out"), part("chat", "llm-application", "edge"), part("inbox", "email-inbox", "edge"), part("agent", "llm-agent", "inside"),
				part("provider", "hosted-model-provider", "out"), part("knowledge", "vector-store", "inside"), part("tools", "tool-server", "inside"), part("prompts", "prompt-store", "inside"),
			},
			flows: [][2]model.ElementID{
				{"customer", "chat"}, {"chat", "provider"}, {"chat", "knowledge"}, {"inbox", "agent"}, {"agent", "provider"}, {"agent", "tools"}, {"agent", "prompts"},
			},
			from: 30, to: 55,
			want: map[model.ElementID][]string{
				"chat":      {"prompt-injection/user-orders-beyond-purpose", "model-cost-and-copying/bill-run-up-by-strangers", "unsafe-model-output/conversation-leaks-through-links"},
				"agent":     {"prompt-injection/orders-hidden-in-content-obeyed", "excessive-agency/agent-used-around-access-control", "tool-poisoning/tool-changes-its-meaning"},
				"knowledge": {"retrieval-weaknesses/answer-contains-what-reader-may-not-see"}, "tools": {"tool-server-abuse/tool-argument-runs-command"},
				"prompts": {"unreviewed-prompts/prompt-changed-unnoticed"}, "inbox": {"inbound-mail-abuse/forged-sender-acts-as-customer"},
			},
			never: []string{"training-data-poisoning/model-taught-to-misbehave", "generated-code-execution/generated-code-takes-over", "unauthenticated-call/false-caller-trusted"},
		},
		{
			name: "devices with an app",
			parts: []model.Component{
				part("owner", "end-user", "out"), part("app", "mobile-app", "out"), part("lock", "iot-device", "out"), part("platform", "iot-gateway", "edge"),
				part("api", "web-api", "edge"), part("updates", "update-service", "edge"), part("pushes", "notification-service", "edge"),
			},
			flows: [][2]model.ElementID{{"owner", "app"}, {"app", "api"}, {"app", "lock"}, {"lock", "platform"}, {"api", "platform"}, {"updates", "lock"}, {"api", "pushes"}},
			from:  30, to: 55,
			want: map[model.ElementID][]string{
				"lock": {"device-default-access/device-entered-with-known-password", "device-physical-access/former-owner-still-there"}, "platform": {"device-identity/devices-of-others-commanded"},
				"api": {"mobile-interface-abuse/interface-driven-by-scripts"}, "updates": {"update-tampering/release-breaks-all"}, "app": {"mobile-app-interaction/screen-watched-or-covered"},
			},
			never: []string{"unpatched-devices/known-flaw-stays-open", "unsafe-control-commands/machine-driven-by-stranger", "life-seen-through-devices/habits-read-from-device-traffic"},
		},
		{
			name: "plant with a line to its maker",
			parts: []model.Component{
				part("maker", "third-party-service", "out"), part("station", "control-station", "plant"), part("controller", "industrial-controller", "plant"), part("probe", "sensor", "plant"), part("planning", "web-application", "inside"),
			},
			flows: [][2]model.ElementID{{"maker", "station"}, {"station", "controller"}, {"probe", "controller"}, {"planning", "station"}},
			from:  10, to: 30,
			want: map[model.ElementID][]string{
				"controller": {"unsafe-control-commands/machine-driven-by-stranger"}, "station": {"remote-maintenance/maintenance-line-used-by-others", "loss-of-control-and-view/operators-blinded"},
				"probe": {"sensor-manipulation/sensor-silenced"},
			},
			never: []string{"device-default-access/devices-recruited", "cross-site-request-forgery/browser-submits-unwanted-change/controller"},
		},
		{
			name: "shop with staff and partners",
			parts: []model.Component{
				part("visitor", "anonymous-visitor", "out"), part("shop", "web-application", "edge"), part("checkout", "payment-page", "edge"), part("acquirer", "payment-service-provider", "out"), part("books", "ledger", "inside"),
				part("help", "support-agent", "inside"), part("statistics", "analytics-service", "out"), part("dealers", "partner-system", "out"), part("invoices", "report-generator", "inside"),
			},
			flows: [][2]model.ElementID{
				{"visitor", "shop"}, {"visitor", "checkout"}, {"checkout", "acquirer"}, {"acquirer", "checkout"}, {"shop", "books"}, {"help", "shop"}, {"shop", "statistics"}, {"dealers", "shop"}, {"shop", "invoices"},
			},
			from: 35, to: 65,
			want: map[model.ElementID][]string{
				"checkout": {"payment-page-tampering/false-fields-on-paying-page", "payout-fraud/provider-key-used-by-thief", "forged-callback/false-callback-believed"}, "books": {"ledger-integrity/money-made-by-repetition"},
				"shop": {"tracking-of-people/persons-linked-across-visits", "unsolicited-content/forms-flooded-by-robots", "forged-callback/false-callback-believed"},
				"help": {"support-deception/caller-gets-customers-account", "insider-disclosure/staff-look-up-people"}, "invoices": {"report-generation-abuse/report-reads-inside"},
			},
			never: []string{"stored-card-data/stored-card-numbers-taken", "phishing/user-gives-away-access/visitor", "membership-revealed/membership-detected"},
		},
		{
			name:  "line for whistleblowers",
			parts: []model.Component{part("source", "confidential-reporter", "out"), part("pages", "web-application", "edge"), part("cases", "relational-database", "inside"), part("clerk", "employee", "inside")},
			flows: [][2]model.ElementID{{"source", "pages"}, {"pages", "cases"}, {"clerk", "pages"}},
			from:  20, to: 45,
			want: map[model.ElementID][]string{
				"pages": {"unwanted-proof/reporter-unmasked", "unwanted-proof/authorship-proven-against-author", "membership-revealed/membership-detected"}, "clerk": {"insider-disclosure/staff-look-up-people"},
			},
			never: []string{"tracking-of-people/persons-linked-across-visits"},
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
				if slices.Contains(tt.never, threat.Ref) || slices.Contains(tt.never, threat.Ref+"/"+string(threat.Where)) {
					t.Errorf("%s stands at %s, want it nowhere there", threat.Ref, threat.Where)
				}
			}
		})
	}
}

// TestStylesByAnswersAlone: the questionnaires of assistants, apps, devices and shops bring a first threat
// model that a team reads in one sitting, even when everything is answered the worse way.
func TestStylesByAnswersAlone(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		answers map[string][]string
		want    []string
	}{
		{"assistant", map[string][]string{
			"model_source": {"both"}, "model_training": {"tuned"}, "model_budget": {"no"}, "model_reads": {"mails", "knowledge"}, "knowledge_rights": {"by_rights"},
			"model_actions": {"changes"}, "model_consent": {"no"}, "generated_code": {"yes"},
		}, []string{"prompt-injection/orders-hidden-in-content-obeyed", "excessive-agency/agent-does-harm-by-itself", "generated-code-execution/generated-code-takes-over", "model-cost-and-copying/bill-run-up-by-strangers"}},
		{"apps", map[string][]string{
			"app_kinds": {"phone", "desktop", "extension"}, "app_data": {"confidential"}, "app_moves_value": {"yes"}, "app_updates": {"own"},
		}, []string{"desktop-app-exposure/planted-library-loaded", "mobile-interface-abuse/interface-driven-by-scripts", "update-tampering/false-update-installed"}},
		{"devices", map[string][]string{
			"device_places": {"homes", "vehicles"}, "device_secrets": {"shared"}, "device_updates": {"none"}, "device_radio": {"yes"}, "device_senses_people": {"yes"}, "device_effect": {"danger"}, "device_maintenance": {"yes"},
		}, []string{"unpatched-devices/known-flaw-stays-open", "device-identity/cloned-device-lies", "vehicle-bus-injection/driving-function-commanded", "life-seen-through-devices/habits-read-from-device-traffic"}},
		{"shop", map[string][]string{
			"offers": {"goods", "bookings", "subscriptions", "vouchers", "balances"}, "card_numbers": {"kept"}, "payouts": {"one"}, "tracking": {"yes"}, "consent_used": {"yes"}, "vulnerable_users": {"yes"},
		}, []string{"stored-card-data/stored-card-numbers-taken", "voucher-abuse/gifts-farmed", "payout-fraud/money-sent-to-a-stranger", "harm-to-vulnerable-people/child-approached-by-stranger"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			given := map[string][]string{
				"data": {"personal"}, "people": {"many"}, "reach": {"internet"}, "admin": {"separate"}, "accounts": {"provider"}, "secrets": {"manager"}, "backups": {"rehearsed"}, "logs": {"central"},
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
		})
	}
}
