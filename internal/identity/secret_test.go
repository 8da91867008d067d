package identity

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const material = "hunter2-hunter2-hunter2"

type element struct {
	Token Secret
	Attr  Secret `xml:"attr,attr"`
}

func TestSecretNeverShows(t *testing.T) {
	t.Parallel()
	s := Secret(material)
	type holder struct {
		Token Secret
		Any   any
		Keys  map[string]Secret
		Ptr   *Secret
	}
	h := holder{Token: s, Any: s, Keys: map[string]Secret{"k": s}, Ptr: &s}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T-%v"} {
		args := []any{s}
		if strings.Count(verb, "%") == 2 {
			args = append(args, s)
		}
		fmt.Fprintf(&out, verb+"\n", args...)
		if verb != "%T-%v" {
			fmt.Fprintf(&out, verb+"\n", h.Any)
			fmt.Fprintf(&out, verb+"\n", []Secret{s})
		}
	}
	fmt.Fprintf(&out, "%v %+v %s\n", h, h, errors.Join(fmt.Errorf("with %w and %s", errors.New("x"), s)))
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
		slog.New(handler).Info("login", "token", s, "holder", h, "pointer", &s)
	}
	for _, v := range []any{s, h, &s, []any{s}} {
		data, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("json.Marshal(%T): %v", v, err)
		}
		out.Write(data)
	}
	data, err := xml.Marshal(element{Token: s, Attr: s})
	if err != nil {
		t.Fatalf("xml.Marshal: %v", err)
	}
	out.Write(data)
	for _, leak := range []string{material, fmt.Sprintf("%x", material), fmt.Sprintf("%X", material)} {
		if strings.Contains(out.String(), leak) {
			t.Errorf("a secret shows itself:\n%s", out.String())
		}
	}
	if s.Reveal() != material {
		t.Errorf("Reveal() = %q, want the secret", s.Reveal())
	}
	var read struct{ Token Secret }
	if err := json.Unmarshal([]byte(`{"Token":"`+material+`"}`), &read); err != nil || read.Token.Reveal() != material {
		t.Errorf("a secret read from JSON = %q, %v, want it as written", read.Token.Reveal(), err)
	}
}
