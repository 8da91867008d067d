package httpcore

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
)

var errPrivate = errors.New("address refused")

// neverAllowed are addresses no tracker has: this-host, link-local (cloud
// metadata lives there), multicast and reserved ones.
var neverAllowed = prefixes("0.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "::/128", "fe80::/10", "ff00::/8")

// private are addresses that need an explicit yes.
var private = prefixes("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10",
	"192.0.0.0/24", "198.18.0.0/15", "::1/128", "fc00::/7")

var (
	nat64  = netip.MustParsePrefix("64:ff9b::/96")
	sixTo4 = netip.MustParsePrefix("2002::/16")
)

func prefixes(ss ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(ss))
	for i, s := range ss {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// guard checks the address that is really dialled, after the name was resolved,
// so that a name which resolves differently the second time gains nothing.
func guard(allowPrivate bool) func(network, address string, _ syscall.RawConn) error {
	return func(_, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %s is not an address", errPrivate, address)
		}
		return checkAddr(ap.Addr(), allowPrivate)
	}
}

func checkAddr(a netip.Addr, allowPrivate bool) error {
	a = embedded(a.Unmap().WithZone(""))
	for _, p := range neverAllowed {
		if p.Contains(a) {
			return fmt.Errorf("%w: %s is a link-local or reserved address", errPrivate, a)
		}
	}
	if allowPrivate {
		return nil
	}
	for _, p := range private {
		if p.Contains(a) {
			return fmt.Errorf("%w: %s is a private address; if the tracker is inside your network, start the server with --allow-private", errPrivate, a)
		}
	}
	return nil
}

// embedded returns the IPv4 address inside a NAT64 or 6to4 address.
func embedded(a netip.Addr) netip.Addr {
	b := a.As16()
	switch {
	case a.Is4():
		return a
	case nat64.Contains(a):
		return netip.AddrFrom4([4]byte(b[12:16]))
	case sixTo4.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:6]))
	}
	return a
}
