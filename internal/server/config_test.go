package server

import "testing"

func TestInClear(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"":                                                               false,
		"postgres://u:p@localhost/db":                                    false,
		"postgres://u:p@127.0.0.1:5432/db":                               false,
		"postgres://u:p@[::1]/db":                                        false,
		"postgres:///db?host=/run/postgresql":                            false,
		"postgres://u:p@db.example.org/db":                               true,
		"postgres://u:p@db.example.org/db?sslmode=prefer":                true,
		"postgres://u:p@db.example.org/db?sslmode=disable":               true,
		"postgres://u:p@db.example.org/db?sslmode=require":               false,
		"postgres://u:p@db.example.org/db?sslmode=verify-full&x=y":       false,
		"postgresql://u:p@10.0.0.7/db?sslmode=verify-ca&sslrootcert=r.p": false,
	} {
		c := Config{DatabaseURL: address}
		if got := c.inClear(); got != want {
			t.Errorf("inClear(%q) = %v, want %v", address, got, want)
		}
	}
}

func TestTrustedProxies(t *testing.T) {
	t.Parallel()
	c := Config{Data: "d", TrustedProxies: []string{"127.0.0.1", "10.0.0.0/8", "2001:db8::/32"}}
	if err := c.defaults(); err != nil || len(c.proxies) != 3 || c.proxies[0].String() != "127.0.0.1/32" {
		t.Errorf("defaults() = %v with the proxies %v, want three, an address as a network of one", err, c.proxies)
	}
	for _, bad := range []string{"", "proxy.example", "10.0.0.0/33"} {
		c := Config{Data: "d", TrustedProxies: []string{bad}}
		if err := c.defaults(); err == nil {
			t.Errorf("defaults() takes the proxy %q", bad)
		}
	}
}
