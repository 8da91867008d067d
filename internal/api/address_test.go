package api

import (
	"net/http"
	"net/netip"
	"testing"
)

func TestAddress(t *testing.T) {
	t.Parallel()
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	for _, c := range []struct {
		name    string
		proxies []netip.Prefix
		remote  string
		header  []string
		want    string
	}{
		{"nobody between", proxies, "192.0.2.7:1234", nil, "192.0.2.7"},
		{"what a client writes itself", proxies, "192.0.2.7:1234", []string{"203.0.113.9"}, "192.0.2.7"},
		{"no proxy is trusted", nil, "10.0.0.1:1234", []string{"203.0.113.9"}, "10.0.0.1"},
		{"behind a proxy", proxies, "10.0.0.1:1234", []string{"203.0.113.9"}, "203.0.113.9"},
		{"behind two", proxies, "[::1]:1234", []string{"203.0.113.9, 10.2.3.4"}, "203.0.113.9"},
		{"in two headers", proxies, "[::1]:1234", []string{"203.0.113.9", "10.2.3.4"}, "203.0.113.9"},
		{"what the client wrote before", proxies, "10.0.0.1:1234", []string{"198.51.100.1, 203.0.113.9"}, "203.0.113.9"},
		{"a proxy of our own asks", proxies, "10.0.0.1:1234", []string{"10.9.9.9"}, "10.9.9.9"},
		{"the proxy says nothing", proxies, "10.0.0.1:1234", nil, "10.0.0.1"},
		{"the proxy says what is no address", proxies, "10.0.0.1:1234", []string{"unknown"}, "10.0.0.1"},
		{"IPv4 in IPv6", proxies, "[::ffff:10.0.0.1]:1234", []string{"2001:db8::1"}, "2001:db8::1"},
	} {
		o := Options{Proxies: c.proxies}
		r := &http.Request{RemoteAddr: c.remote, Header: http.Header{"X-Forwarded-For": c.header}}
		if got := o.address(r); got != c.want {
			t.Errorf("%s: address() = %q, want %q", c.name, got, c.want)
		}
	}
}
