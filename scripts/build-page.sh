#!/bin/sh
# Builds the page into web/dist, from where it is embedded. Packages are
# installed only when the lock file has changed since they were.
set -eu
cd "$(dirname "$0")/../web"
[ -f package-lock.json ] || exit 0

stamp=node_modules/.threatloop-lock
if ! cmp -s package-lock.json "$stamp"; then
	npm ci --no-audit --no-fund
	cp package-lock.json "$stamp"
fi
npm run --silent build
