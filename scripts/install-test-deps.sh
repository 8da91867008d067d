#!/bin/sh
# Installs what the tests need beside Go and Node, from Debian, and only what is
# absent: PostgreSQL's server programs (the tests start their own), Chromium for
# the page, and a C compiler for the race detector.
set -eu

missing=""
ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$missing postgresql"
command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 ||
	command -v google-chrome >/dev/null 2>&1 || missing="$missing chromium"
command -v gcc >/dev/null 2>&1 || missing="$missing gcc libc6-dev"
[ -n "$missing" ] || exit 0

if ! command -v apt-get >/dev/null 2>&1; then
	echo "test: these are missing and there is no apt-get:$missing; the tests that need them are skipped" >&2
	exit 0
fi
root=""
if [ "$(id -u)" != 0 ]; then
	if ! command -v sudo >/dev/null 2>&1; then
		echo "test: install these as root, then run make test again:$missing" >&2
		exit 1
	fi
	root="sudo"
fi
echo "test: installing$missing"
$root apt-get update -qq
# shellcheck disable=SC2086 # a list of packages
$root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
