package cli

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"github.com/threatloop/threatloop/internal/fault"
)

type sampleGrammar struct {
	Listen string   `env:"TL_LISTEN" default:"127.0.0.1:8080"`
	Token  string   `env:"TL_TOKEN" secret:""`
	Names  []string `env:"TL_NAMES"`
	JSON   bool     `name:"json"`
}

func TestSettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	secret := filepath.Join(dir, "token")
	file := filepath.Join(dir, "settings.yaml")
	write(t, secret, "from-secret-file\n")
	write(t, file, "listen: from-file\ntoken: from-settings\nnames: [a, b]\n")
	for _, c := range []struct {
		name   string
		args   []string
		env    map[string]string
		listen string
		token  string
		names  string
	}{
		{name: "defaults", listen: "127.0.0.1:8080"},
		{name: "flag wins", args: []string{"--listen=flag", "--config=" + file}, env: map[string]string{"TL_LISTEN": "env"}, listen: "flag", token: "from-settings", names: "a b"},
		{name: "environment before file", args: []string{"--config", file}, env: map[string]string{"TL_LISTEN": "env", "TL_NAMES": "x"}, listen: "env", token: "from-settings", names: "x"},
		{name: "secret file before settings", env: map[string]string{"TL_TOKEN_FILE": secret, "THREATLOOP_CONFIG": file}, listen: "from-file", token: "from-secret-file", names: "a b"},
		{name: "variable before its file", env: map[string]string{"TL_TOKEN_FILE": secret, "TL_TOKEN": "direct"}, listen: "127.0.0.1:8080", token: "direct"},
		{name: "empty variable is not set", args: []string{"--config", file}, env: map[string]string{"TL_LISTEN": ""}, listen: "from-file", token: "from-settings", names: "a b"},
		{name: "empty variable and no file", env: map[string]string{"TL_LISTEN": ""}, listen: "127.0.0.1:8080"},
		{name: "only secrets have files", env: map[string]string{"TL_LISTEN_FILE": secret}, listen: "127.0.0.1:8080"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &settings{lookup: func(name string) (string, bool) { v, ok := c.env[name]; return v, ok }}
			var g struct {
				sampleGrammar
				Config string
			}
			parser, err := kong.New(&g, kong.Resolvers(s))
			if err != nil {
				t.Fatal(err)
			}
			if err := s.load(parser.Model, c.args); err != nil {
				t.Fatal(err)
			}
			if _, err := parser.Parse(c.args); err != nil {
				t.Fatal(err)
			}
			if g.Listen != c.listen || g.Token != c.token || strings.Join(g.Names, " ") != c.names {
				t.Errorf("settings = %q %q %q, want %q %q %q", g.Listen, g.Token, g.Names, c.listen, c.token, c.names)
			}
		})
	}
}

func TestParseSettingsRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ in, says string }{
		{"lisen: x", "f.yaml:1:1: unknown setting \"lisen\", expected one of listen"},
		{"json: true", "unknown setting"},
		{"listen: {a: b}", "one value or a list"},
		{"listen: [", "not YAML"},
		{"just text", "no YAML mapping"},
	} {
		_, err := parseSettings("f.yaml", []byte(c.in), []string{"listen"})
		if !fault.Is(err, fault.Invalid) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("parseSettings(%q) = %v, want %q", c.in, err, c.says)
		}
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err  error
		code int
		text string
	}{
		{nil, 0, ""},
		{notMet("%d threats exceed the tolerance", 3), 1, "threatloop: 3 threats exceed the tolerance\n"},
		{usage(errors.New("no such flag")), 2, "threatloop: no such flag\nthreatloop: hint: threatloop --help lists the commands, threatloop COMMAND --help their flags\n"},
		{errors.New("disk\x1b[2J on fire"), 3, "threatloop: disk\uFFFD[2J on fire\n"},
		{fault.New(fault.Invalid, "x", "the file is wrong").With("f:1", "bad").With("", "worse"), 3, "threatloop: the file is wrong\nthreatloop: f:1: bad\nthreatloop: worse\n"},
	} {
		var b bytes.Buffer
		if code := report(&b, c.err); code != c.code || b.String() != c.text {
			t.Errorf("report(%v) = %d %q, want %d %q", c.err, code, b.String(), c.code, c.text)
		}
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
