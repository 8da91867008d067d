#!/bin/sh
# Says in one line each what is missing: Go 1.26.8 or later, Node 20.19 or later.
set -eu
cd "$(dirname "$0")/.."

# at_least WANTED FOUND
at_least() {
	[ "$(printf '%s\n%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}

fail=0
if ! command -v go >/dev/null 2>&1; then
	echo "make: Go is not installed; Threatloop needs Go 1.26.8 or later: https://go.dev/dl/" >&2
	fail=1
else
	found=$(go env GOVERSION 2>/dev/null | sed 's/^go//; s/[^0-9.].*//')
	if ! at_least 1.26.8 "${found:-0}"; then
		echo "make: Go ${found:-of unknown version} is too old; Threatloop needs Go 1.26.8 or later: https://go.dev/dl/" >&2
		fail=1
	fi
fi
if ! command -v node >/dev/null 2>&1 || ! command -v npm >/dev/null 2>&1; then
	echo "make: Node or npm is not installed; the page needs Node 20.19 or later: https://nodejs.org/" >&2
	fail=1
else
	found=$(node --version | sed 's/^v//')
	if ! at_least 20.19 "$found"; then
		echo "make: Node $found is too old; the page needs Node 20.19 or later: https://nodejs.org/" >&2
		fail=1
	fi
fi
exit $fail
