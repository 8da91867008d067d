package ticketing_test

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/threatloop/threatloop/internal/model"
	"github.com/threatloop/threatloop/internal/ticketing"
	"github.com/threatloop/threatloop/internal/tracker/richtext"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// wants prints wants as the golden files hold them.
func wants(ws []ticketing.Want, texts bool) string {
	var b strings.Builder
	for _, w := range ws {
		fmt.Fprintf(&b, "%s %s: %s (%s) %q\n", w.Key.Purpose, w.Key.Object, w.State, w.Cause, w.Summary)
		if w.Note != nil {
			fmt.Fprintf(&b, "  note %s: %s\n", w.Note.Key, strings.ReplaceAll(richtext.Plain(w.Note.Body), "\n", " / "))
		}
		for _, l := range w.LinksTo {
			fmt.Fprintf(&b, "  link %s %s\n", l.Purpose, l.Object)
		}
		if texts {
			fmt.Fprintf(&b, "  band %s, priority %q, labels %v, to %+v, members %v\n", w.Band, w.Priority, w.Labels, w.Target, w.Objects)
			b.WriteString("  | " + strings.ReplaceAll(richtext.Markdown(w.Body), "\n", "\n  | ") + "\n")
		}
	}
	return b.String()
}

func TestTicketTexts(t *testing.T) {
	t.Parallel()
	c := newClock()
	h := newHost(2, c.Now)
	h.m.Countermeasures[0].Standards = []model.Clause{{Standard: "asvs-5.0", Clause: "v5.0.0-1.2.4"}}
	h.m.Threats = append(h.m.Threats, model.Threat{ID: "thr_alone", Where: model.AtProduct, Title: "Insider reads backups", Description: "Nobody watches the vault.", Status: model.Open})
	h.ratings["thr_alone"] = ticketing.Rating{Current: 88.5, Band: "critical"}
	h.set(1, model.Implemented)
	h.verdict(1, model.Fail, "GET /search?q=' answered 500 <script>@team")
	h.policy.Push = ticketing.PushBoth
	h.policy.Priorities = map[string]string{"high": "High", "critical": "Highest"}
	h.policy.Labels = []string{"security"}
	h.policy.Routes = []ticketing.Route{
		{Purpose: ticketing.ForVulnerability, Target: ticketing.Target{Type: "Bug"}},
		{Component: "cmp_web", Target: ticketing.Target{Project: "WEB", Type: "Task", Assignee: "ann"}},
		{Countermeasure: "measure-0", Target: ticketing.Target{Parent: "WEB-1"}},
	}
	got := wants(ticketing.Wants(h.input(nil)), true)
	path := filepath.Join("testdata", "texts.golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("Wants() differs from %s (-want +got):\n%s", path, diff)
	}
}

func TestWants(t *testing.T) {
	t.Parallel()
	known := func(k ticketing.Key, m ticketing.Meaning, cause, verdict string) map[ticketing.Key]ticketing.Known {
		return map[ticketing.Key]ticketing.Known{k: {Meaning: m, Keys: []string{"SEC-1"}, Members: []string{k.Object}, Cause: cause, Verdict: verdict, Episode: 3}}
	}
	vuln := `vulnerability wkn_0000: open (fail) "Vulnerability: Weakness 0 — Web shop"` + "\n  link countermeasure cms_0000\n"
	for _, c := range []struct {
		name  string
		setup func(h *host)
		known map[ticketing.Key]ticketing.Known
		want  string
	}{
		{"required", func(*host) {}, nil, `countermeasure cms_0000: open (required) "Measure 0 — Web shop"` + "\n"},
		{"recommended", func(h *host) { h.set(0, model.Recommended) }, nil, ""},
		{"manual", func(h *host) { h.policy.Push = ticketing.PushManual }, nil, ""},
		{"manual, published", func(h *host) {
			h.policy.Push, h.policy.Published = ticketing.PushManual, map[string]bool{"cms_0000": true}
		}, nil, `countermeasure cms_0000: open (required) "Measure 0 — Web shop"` + "\n"},
		{"out of scope", func(h *host) { h.m.Components[0].OutOfScope = true }, nil, ""},
		{"threats with a countermeasure need none", func(h *host) { h.policy.Push = ticketing.PushThreats }, nil, ""},
		{
			"threat alone", func(h *host) { h.policy.Push, h.m.Links = ticketing.PushThreats, nil }, nil,
			`threat thr_0000: open (open) "Threat without countermeasure: Threat 0 — Web shop"` + "\n",
		},
		{"acceptance ended", func(h *host) {
			h.policy.Push, h.m.Links = ticketing.PushThreats, nil
			h.m.Threats[0].Status, h.m.Threats[0].Acceptance = model.Accepted, &model.Acceptance{Ends: h.now().Add(-time.Hour)}
		}, nil, `threat thr_0000: open (acceptance ended) "Threat without countermeasure: Threat 0 — Web shop"` + "\n"},
		{"acceptance ended, with a countermeasure", func(h *host) {
			h.policy.Push = ticketing.PushThreats
			h.m.Threats[0].Status, h.m.Threats[0].Acceptance = model.Accepted, &model.Acceptance{Ends: h.now().Add(-time.Hour)}
		}, nil, ""},
		{"acceptance ended, retired", func(h *host) {
			h.policy.Push, h.m.Links = ticketing.PushThreats, nil
			h.m.Threats[0].Status, h.m.Threats[0].Acceptance = model.Accepted, &model.Acceptance{Ends: h.now().Add(-time.Hour)}
			h.m.Threats[0].Retired = &model.Retired{At: h.now(), Reason: "gone"}
		}, nil, ""},
		{"acceptance ended, out of scope", func(h *host) {
			h.policy.Push, h.m.Links, h.m.Components[0].OutOfScope = ticketing.PushThreats, nil, true
			h.m.Threats[0].Status, h.m.Threats[0].Acceptance = model.Accepted, &model.Acceptance{Ends: h.now().Add(-time.Hour)}
		}, nil, ""},
		{"contradicted", func(h *host) { h.set(0, model.Implemented); h.verdict(0, model.Fail, "") }, nil, vuln},
		{"contradicted, never", func(h *host) {
			h.set(0, model.Implemented)
			h.verdict(0, model.Fail, "")
			h.policy.Vulnerabilities.Open = ticketing.OpenNever
		}, nil, ""},
		{"fails, nothing claimed", func(h *host) { h.set(0, model.Recommended); h.verdict(0, model.Fail, "") }, nil, ""},
		{"fails, any fail", func(h *host) {
			h.set(0, model.Recommended)
			h.verdict(0, model.Fail, "")
			h.policy.Vulnerabilities.Open = ticketing.OpenAnyFail
		}, nil, vuln},
		{
			"fails while its own ticket is open", func(h *host) {
				h.set(0, model.Implemented)
				h.cm(0).Sets = model.Sets{"state": {By: model.SetByTracker}}
				h.verdict(0, model.Fail, "q")
			}, known(forCM(0), ticketing.MeansRequired, "implemented", ""),
			`countermeasure cms_0000: leave (implemented) "Measure 0 — Web shop"` + "\n  note fail-4: A security test of this countermeasure fails. / q\n",
		},
		{
			"passes, closes", func(h *host) { h.set(0, model.Implemented); h.verdict(0, model.Pass, "run 2") }, known(forWeakness(0), ticketing.MeansRequired, "fail", "fail"),
			`vulnerability wkn_0000: closed (pass) "Vulnerability: Weakness 0 — Web shop"` + "\n  note pass-4: The test passes now. / run 2\n  link countermeasure cms_0000\n",
		},
		{
			"passes, must stand first", func(h *host) {
				h.set(0, model.Implemented)
				h.verdict(0, model.Pass, "")
				h.policy.Vulnerabilities.CloseAfter = 3600
			}, known(forWeakness(0), ticketing.MeansRequired, "fail", "pass"),
			`vulnerability wkn_0000: leave (pass) "Vulnerability: Weakness 0 — Web shop"` + "\n  link countermeasure cms_0000\n",
		},
		{
			"passes, people close", func(h *host) {
				h.set(0, model.Implemented)
				h.verdict(0, model.Pass, "")
				h.policy.Vulnerabilities.ClosePass = false
			}, known(forWeakness(0), ticketing.MeansRequired, "fail", "fail"),
			`vulnerability wkn_0000: leave (pass) "Vulnerability: Weakness 0 — Web shop"` + "\n  note pass-4: The test passes now.\n  link countermeasure cms_0000\n",
		},
		{
			"not reported any more", func(h *host) { h.set(0, model.Implemented) }, known(forWeakness(0), ticketing.MeansRequired, "fail", "fail"),
			`vulnerability wkn_0000: closed (gone) "Vulnerability: Weakness 0 — Web shop"` + "\n  note gone-4: The failure is no longer reported.\n  link countermeasure cms_0000\n",
		},
		{
			"retired", func(h *host) { h.cm(0).Retired = &model.Retired{At: h.now(), Reason: "no web any more"} }, known(forCM(0), ticketing.MeansRequired, "required", ""),
			`countermeasure cms_0000: closed (retired) "Measure 0 — Web shop"` + "\n  note closed-4: Closed by Threatloop: the threat model no longer asks for it. / no web any more\n",
		},
		{
			"gone from the model", func(h *host) { h.m.Countermeasures, h.m.Links = nil, nil }, known(forCM(0), ticketing.MeansRequired, "required", ""),
			`countermeasure cms_0000: closed (removed) ""` + "\n  note closed-4: Closed by Threatloop: the threat model now says removed.\n",
		},
		{"done by the tracker", func(h *host) {
			h.set(0, model.Implemented)
			h.cm(0).Sets = model.Sets{"state": {By: model.SetByTracker}}
		}, known(forCM(0), ticketing.MeansImplemented, "required", ""), `countermeasure cms_0000: leave (implemented) "Measure 0 — Web shop"` + "\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := newHost(1, newClock().Now)
			c.setup(h)
			if diff := cmp.Diff(c.want, wants(ticketing.Wants(h.input(c.known)), false)); diff != "" {
				t.Errorf("Wants() (-want +got):\n%s", diff)
			}
		})
	}
}

func TestOneTicketPerRequirement(t *testing.T) {
	t.Parallel()
	b := newBench(t, 3)
	for i := range 3 {
		b.h.cm(i).Ref, b.h.cm(i).Title = "bind-values", "Bind values"
	}
	b.h.set(2, model.Recommended)
	b.h.policy.Grouping = ticketing.GroupRequirement
	b.reconcile()
	key := ticketing.Key{Object: ticketing.RequirementID(product, "bind-values"), Purpose: ticketing.ForCountermeasure}
	one := b.ticket(key)
	if len(b.mem.issues) != 1 || one.Summary != "Bind values (2 places)" {
		t.Fatalf("%d tickets, %q, want one for both places", len(b.mem.issues), one.Summary)
	}
	b.Advance(time.Minute)
	b.mem.human(one.ID, "done", "", "")
	b.poll()
	if b.h.cm(0).State != model.Implemented || b.h.cm(1).State != model.Implemented || b.h.cm(2).State != model.Recommended {
		t.Errorf("states = %s, %s, %s, want the two places implemented", b.h.cm(0).State, b.h.cm(1).State, b.h.cm(2).State)
	}
	b.quiet()
	// A third place: the ticket is opened again for it.
	b.Advance(time.Minute)
	b.h.set(2, model.Required)
	b.reconcile()
	if one.Category == "done" || len(b.mem.issues) != 1 {
		t.Errorf("ticket %s, %d tickets, want it reopened for the new place", one.Category, len(b.mem.issues))
	}
	if b.h.cm(0).State != model.Implemented {
		t.Errorf("first place = %s, want what was implemented kept", b.h.cm(0).State)
	}
	b.quiet()
}

func TestWantsIgnoreOrder(t *testing.T) {
	t.Parallel()
	h := newHost(20, newClock().Now)
	for i := range 10 {
		h.set(i, model.Implemented)
		h.verdict(i, model.Fail, "q")
	}
	want := wants(ticketing.Wants(h.input(nil)), true)
	r := rand.New(rand.NewPCG(3, 4))
	for range 5 {
		shuffle(r, h.m.Threats)
		shuffle(r, h.m.Weaknesses)
		shuffle(r, h.m.Countermeasures)
		shuffle(r, h.m.Links)
		if diff := cmp.Diff(want, wants(ticketing.Wants(h.input(nil)), true)); diff != "" {
			t.Fatalf("Wants() depends on the order of its input (-want +got):\n%s", diff)
		}
	}
}

func shuffle[T any](r *rand.Rand, s []T) {
	r.Shuffle(len(s), func(i, j int) { s[i], s[j] = s[j], s[i] })
}

func TestPolicyValidate(t *testing.T) {
	t.Parallel()
	if err := (ticketing.Policy{}).Validate(); err != nil {
		t.Errorf("Validate(zero) = %v, want nil", err)
	}
	bad := ticketing.Policy{Push: "all", Grouping: "none", Labels: []string{"two words"}, Vulnerabilities: ticketing.VulnerabilityPolicy{Open: "later", CloseAfter: -1}}
	if err := bad.Validate(); err == nil || strings.Count(err.Error(), ";") != 5 {
		t.Errorf("Validate(bad) = %v, want all five named", err)
	}
	if err := (ticketing.StatusTable{MaxHops: 9, Resolutions: map[string]ticketing.Meaning{"x": "fine"}}).Validate(); err == nil {
		t.Error("StatusTable.Validate(bad) = nil, want an error")
	}
}

func TestPropose(t *testing.T) {
	t.Parallel()
	h := newHost(12, newClock().Now)
	h.policy.Push = ticketing.PushManual
	h.ratings["thr_0007"] = ticketing.Rating{Current: 90, Band: "critical"}
	h.m.Links[3].Share = 50
	h.m.Threats = append(h.m.Threats, model.Threat{ID: "thr_alone", Where: model.AtProduct, Title: "Alone", Status: model.Open})
	h.ratings["thr_alone"] = ticketing.Rating{Current: 80, Band: "critical"}
	got := ticketing.Propose(h.input(map[ticketing.Key]ticketing.Known{forCM(0): {Keys: []string{"SEC-1"}, Cause: "required"}}), 10)
	var keys []string
	for _, p := range got {
		keys = append(keys, fmt.Sprintf("%s %.1f", p.Key.Object, p.Takes))
	}
	want := []string{"cms_0007 90.0", "thr_alone 80.0", "cms_0001 73.0", "cms_0002 73.0", "cms_0004 73.0", "cms_0005 73.0", "cms_0006 73.0", "cms_0008 73.0", "cms_0009 73.0", "cms_0010 73.0"}
	if diff := cmp.Diff(want, keys); diff != "" {
		t.Errorf("Propose() (-want +got):\n%s", diff)
	}
}
