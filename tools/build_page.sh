#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# build_page.sh [--if-possible]: builds web/ to build/web, from where tools/embed_page.py takes it.
# Does nothing when no source is newer than the last build. Packages come from the lock file (npm
# ci), only when they are missing or older than it. With --if-possible a page that cannot be built
# (no network, no npm) is a warning: the program then carries the last page, or one that says that
# there is none; in CI it is a failure all the same.
set -euo pipefail

cd "$(dirname "$0")/.."
built=build/web/index.html
log=$(mktemp)
trap 'rm -f "$log"' EXIT

sources() {
  find web -path web/node_modules -prune -o -type f ! -name '*.md' ! -path 'web/tests/*' -print
}

is_fresh() {
  [ -f "$built" ] && [ -z "$(sources | while read -r file; do
    if [ "$file" -nt "$built" ]; then echo "$file"; fi
  done)" ]
}

install_packages() {
  if [ web/node_modules/.package-lock.json -nt web/package-lock.json ]; then
    return
  fi
  echo "page: installing the packages that build it (npm ci)"
  (cd web && npm ci --no-audit --no-fund --ignore-scripts </dev/null) >"$log" 2>&1
}

build() {
  if ! command -v npm >/dev/null; then
    echo "npm is missing: tools/install_deps.sh build" >"$log"
    return 1
  fi
  install_packages &&
    (cd web && npm run build </dev/null) >"$log" 2>&1
}

if is_fresh; then
  exit 0
fi
if build; then
  touch "$built"
  exit 0
fi
tail -n 30 "$log" >&2
if [ "${1:-}" = --if-possible ] && [ -z "${CI:-}" ]; then
  echo "page: could not be built (above): the program goes without its newest page" >&2
  exit 0
fi
echo "page: could not be built" >&2
exit 1
