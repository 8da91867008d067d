package api

import "testing"

func TestConnectionLog(t *testing.T) {
	t.Parallel()
	s := serve(t, settings{})
	id := s.admin.post("/connections", map[string]any{"name": "Board", "kind": "builtin", "settings": map[string]any{}}).want(201).text("id")
	words := s.admin.get("/connections/" + id + "/vocabulary").want(200)
	if words.text("source") != "tracker" || len(words.list("statuses")) != 3 || words.at("statuses", 2, "category") != "done" || len(words.list("resolutions")) != 3 {
		t.Errorf("the vocabulary of the built-in tracker = %s, want three statuses, the last one done, and three resolutions", words.body)
	}
	if got := s.admin.get("/connections/" + id + "/problems").want(200).list("items"); len(got) != 0 {
		t.Errorf("a new connection has %d problems, want none", len(got))
	}
	s.admin.get("/connections/con_none/problems").want(404)
	s.admin.get("/connections/con_none/vocabulary").want(404)
}
