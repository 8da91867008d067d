#!/bin/sh
# What `make test` and CI run. Each step says its name. A failing stage of tests does
# not keep the others from running: the last line says which failed, or that all passed.
set -eu
cd "$(dirname "$0")/.."
begin=$(date +%s)
failed=""
# As the program is built, so that what is compiled for one step serves all.
export GOFLAGS="${GOFLAGS:+$GOFLAGS }-trimpath"
step() { printf '\n== %s (after %ds)\n' "$1" "$(($(date +%s) - begin))"; }

step "toolchain and what the tests need"
scripts/check-toolchain.sh
scripts/install-test-deps.sh

step "page"
scripts/build-page.sh
if [ -f web/package.json ] && grep -q '"test":' web/package.json; then
	(cd web && npm test --silent)
fi

step "lint"
scripts/lint.sh

step "build"
go build -trimpath -o bin/threatloop ./cmd/threatloop

# All tests once. Those that run whole servers, kill processes and race against
# clocks come after the others, one package at a time. They wait most of the time, which
# fuzzing uses: with the lowest priority it takes only what nobody else wants.
heavy='/internal/(server|ticketing|webtest)$'
step "tests"
# shellcheck disable=SC2046 # a list of packages
go test -timeout 30m $(go list ./... | grep -Ev "$heavy") || failed="$failed, tests"

step "tests of running servers, fuzzing beside them"
fuzzed=$(mktemp)
fuzzing=""
trap '[ -z "$fuzzing" ] || kill "$fuzzing" || true; rm -f "$fuzzed"' EXIT
trap 'exit 130' INT TERM
nice -n 19 scripts/fuzz.sh >"$fuzzed" 2>&1 &
fuzzing=$!
go test -p 1 -timeout 30m ./internal/server ./internal/ticketing || failed="$failed, tests of running servers"
wait "$fuzzing" || failed="$failed, fuzzing"
fuzzing=""
cat "$fuzzed"

step "stories in the browser"
go test -timeout 30m ./internal/webtest || failed="$failed, stories"

# Where goroutines share things, once more under the race detector, without the long
# ones. Whole servers are among them through the demo's tests. SQLite is machine-made
# from C and is another project's to check: watching its every access made these tests
# forty times slower instead of four.
if command -v gcc >/dev/null 2>&1; then
	step "race detector"
	concurrent=""
	for p in api app demo evidence identity queue store ticketing tracker; do
		[ -d "internal/$p" ] && concurrent="$concurrent ./internal/$p/..."
	done
	# shellcheck disable=SC2086 # a list of packages
	CGO_ENABLED=1 go test -p 1 -race -gcflags='modernc.org/sqlite/lib=-race=false' -short -timeout 20m $concurrent ||
		failed="$failed, race detector"
fi

if [ -n "$failed" ]; then
	printf '\nfailed after %ds: %s\n' "$(($(date +%s) - begin))" "${failed#, }"
	exit 1
fi
printf '\nall passed in %ds\n' "$(($(date +%s) - begin))"
