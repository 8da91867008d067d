package identity

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"strings"
	"time"
)

// ThrottleWindow is how long failures count, from the first of them on.
const ThrottleWindow = time.Hour

// Limit is how failures under a key are answered: Free of them without delay,
// then one second, doubled by every further one up to Longest.
type Limit struct {
	Key     string // under which the failures are stored; holds no address and no name
	Free    int64
	Longest time.Duration
}

// LoginLimits returns the limits that a login for the account name from the
// address stands under; every one must allow it and each counts its failure.
// The pair is strict. The address alone bounds one who tries many accounts; the
// account alone bounds one who comes from everywhere, shortly, since it also
// hits the account's owner. An IPv6 address counts by its /64, which one host
// has to itself. Names are hashed, since people type passwords into that field.
// A login that succeeds forgets the failures of the pair, which is the first, only:
// with the others an attacker with one account of their own could start again.
func LoginLimits(account, address string) []Limit {
	account = strings.ToLower(strings.TrimSpace(account))
	address = network(address)
	return []Limit{
		{Key: throttleKey("pair", account, address), Free: 5, Longest: 15 * time.Minute},
		{Key: throttleKey("address", address), Free: 50, Longest: 15 * time.Minute},
		{Key: throttleKey("account", account), Free: 100, Longest: time.Minute},
	}
}

func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return address
	}
	ip = ip.Unmap().WithZone("")
	if ip.Is6() {
		if prefix, err := ip.Prefix(64); err == nil {
			return prefix.String()
		}
	}
	return ip.String()
}

func throttleKey(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return parts[0] + ":" + hex.EncodeToString(sum[:16])
}

// Delay returns how long logins are blocked after so many failures; 0 for none.
func (l Limit) Delay(failures int64) time.Duration {
	over := failures - l.Free
	if over < 0 {
		return 0
	}
	delay := time.Second
	for ; over > 0 && delay < l.Longest; over-- {
		delay *= 2
	}
	return min(delay, l.Longest)
}
