package httpcore

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"github.com/threatloop/threatloop/internal/tracker"
)

func TestCheckAddr(t *testing.T) {
	t.Parallel()
	for addr, want := range map[string]struct{ public, allowed bool }{
		"93.184.216.34": {true, true}, "2606:2800:220:1::1": {true, true}, "1.1.1.1": {true, true},
		"127.0.0.1": {false, true}, "10.1.2.3": {false, true}, "172.16.0.1": {false, true}, "172.32.0.1": {true, true}, "192.168.1.1": {false, true},
		"100.64.0.1": {false, true}, "::1": {false, true}, "fd00::1": {false, true}, "::ffff:127.0.0.1": {false, true}, "::ffff:10.0.0.1": {false, true},
		"64:ff9b::7f00:1": {false, true}, "2002:7f00:1::": {false, true},
		"169.254.169.254": {false, false}, "::ffff:169.254.169.254": {false, false}, "64:ff9b::a9fe:a9fe": {false, false}, "fe80::1": {false, false},
		"0.0.0.0": {false, false}, "::": {false, false}, "224.0.0.1": {false, false}, "255.255.255.255": {false, false}, "ff02::1": {false, false},
	} {
		a := netip.MustParseAddr(addr)
		if got := checkAddr(a, false) == nil; got != want.public {
			t.Errorf("checkAddr(%s, false) allowed = %v, want %v", addr, got, want.public)
		}
		if got := checkAddr(a, true) == nil; got != want.allowed {
			t.Errorf("checkAddr(%s, true) allowed = %v, want %v", addr, got, want.allowed)
		}
	}
}

func TestPrivateAddressIsRefusedWhenDialled(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a request reached a private address") }))
	defer srv.Close()
	for _, base := range []string{srv.URL, strings.Replace(srv.URL, "127.0.0.1", "localhost", 1)} {
		c, _ := clientAt(t, base, func(cfg *Config) { cfg.AllowPrivate = false })
		e := typed(t, c, post())
		if e.Outcome != tracker.NotSent || e.Kind != tracker.KindInvalid || !strings.Contains(e.Error(), "private address") {
			t.Errorf("Do(%s) = %s, %s, %v, want not_sent, invalid and a reason", base, e.Outcome, e.Kind, e)
		}
	}
}
