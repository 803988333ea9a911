#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# check_headers.sh: every header of src/ compiles alone, so nobody has to know what to include before
# it. One line per header that does not. `--self-test` proves that a header that leans on others is
# found out.
set -uo pipefail

cd "$(dirname "$0")/.."
options=(-std=gnu17 -D_GNU_SOURCE -fsyntax-only -Wall -Wextra -Werror -Wno-unused-function -Isrc -x c)

check_header() {
  if ! output=$(gcc "${options[@]}" -include "$1" /dev/null 2>&1); then
    echo "$output" | grep -m1 -E 'error' | sed 's/^<command-line>: *//'
    echo "$1:1: does not compile alone: include or declare what it uses in the header itself"
    return 1
  fi
}
export -f check_header

if [ "${1:-}" = --self-test ]; then
  if check_header tests/checks/headers/leaning.h >/dev/null; then
    echo "check_headers: self-test: a header that needs another one passed" >&2
    exit 1
  fi
  check_header tests/checks/headers/standing.h || exit 1
  exit 0
fi

mapfile -t headers < <(find src -name '*.h' | sort)
failed=0
for header in "${headers[@]}"; do
  check_header "$header" || failed=$((failed + 1))
done
if [ "${#headers[@]}" -eq 0 ] || [ $failed -gt 0 ]; then
  echo "check_headers: $failed of ${#headers[@]} headers do not compile alone" >&2
  exit 1
fi
echo "check_headers: ${#headers[@]} files are fine"
