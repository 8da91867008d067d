package api

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// address is where a request comes from, without the port; "" where nobody knows.
// Behind proxies that are trusted it is the last address in X-Forwarded-For that is
// none of theirs: what stands before it, its sender may have written.
func (o *Options) address(r *http.Request) string {
	at, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	from := at.Addr().Unmap().WithZone("")
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !o.trusted(from) {
			break
		}
		next, err := netip.ParseAddr(strings.TrimSpace(hop))
		if err != nil {
			break // the proxy did not say, or in a form that is not ours
		}
		from = next.Unmap().WithZone("")
	}
	return from.String()
}

func (o *Options) trusted(a netip.Addr) bool {
	return slices.ContainsFunc(o.Proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}
