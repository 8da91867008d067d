#!/bin/sh
# Formatting, vet and staticcheck, with the versions that tools/go.mod pins.
set -eu
cd "$(dirname "$0")/.."
tool="go tool -modfile=tools/go.mod"

unformatted=$($tool gofumpt -l cmd internal library tools web/*.go)
if [ -n "$unformatted" ]; then
	echo "lint: not formatted, run make fmt:" >&2
	echo "$unformatted" >&2
	exit 1
fi
go vet ./...
$tool staticcheck ./...

# The page's source, where its packages are installed (building it checks its types).
if [ -x web/node_modules/.bin/biome ]; then
	(cd web && node_modules/.bin/biome check --error-on-warnings src test)
fi
