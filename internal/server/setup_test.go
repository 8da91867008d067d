package server

import (
	"net"
	"testing"
)

func TestReachable(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		listens, base string
		want          bool
	}{
		{"127.0.0.1:8080", "", false},
		{"127.0.0.1:8080", "http://localhost:8080", false},
		{"127.0.0.1:8080", "http://[::1]:8080", false},
		{"[::1]:8080", "", false},
		{"127.0.0.1:8080", "https://threatloop.example", true}, // behind a proxy
		{"127.0.0.1:8080", "https://10.0.0.7", true},
		{"0.0.0.0:8080", "", true},
		{"[::]:8080", "http://127.0.0.1:8080", true},
		{"10.0.0.7:8080", "", true},
	} {
		addr, err := net.ResolveTCPAddr("tcp", c.listens)
		if err != nil {
			t.Fatal(err)
		}
		if got := reachable(addr, c.base); got != c.want {
			t.Errorf("reachable(%s, %q) = %t, want %t", c.listens, c.base, got, c.want)
		}
	}
}
