#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# lint.sh [banned|cleanups|headers|complexity|cppcheck|tidy]…: the checks that read code, all of them without
# an argument. Each one first proves on a known offence that it can fail.
set -uo pipefail

cd "$(dirname "$0")/.."
BUILD=build/release
jobs=$(nproc 2>/dev/null || echo 2)
failed=()

banned() {
  tools/check_banned.py --self-test && tools/check_banned.py
}

cleanups() {
  tools/check_cleanup.py --self-test && tools/check_cleanup.py
}

headers() {
  tools/check_headers.sh --self-test && tools/check_headers.sh
}

complexity() {
  tools/check_complexity.sh --self-test && tools/check_complexity.sh
}

run_cppcheck() {
  cppcheck --std=c11 --language=c --enable=warning,performance,portability \
    --inline-suppr --suppressions-list=tools/cppcheck_suppressions.txt --error-exitcode=1 \
    --template='{file}:{line}: {id}: {message}' --quiet -j "$jobs" -D__GNUC__=12 -D_GNU_SOURCE \
    -Isrc "$@"
}

cppcheck_src() {
  if run_cppcheck tests/checks/cppcheck/bad.c >/dev/null 2>&1; then
    echo "lint: self-test: cppcheck accepted tests/checks/cppcheck/bad.c" >&2
    return 1
  fi
  mapfile -t files < <(find src -name '*.c' | sort)
  run_cppcheck "${files[@]}" && echo "cppcheck: ${#files[@]} files are fine"
}

# clang-tidy needs the compile commands of a build.
tidy() {
  local clang_tidy
  clang_tidy=$(command -v clang-tidy-14 || command -v clang-tidy) || {
    echo "lint: clang-tidy is missing: tools/install_deps.sh check" >&2
    return 1
  }
  if "$clang_tidy" --quiet tests/checks/tidy/bad.c -- -std=gnu17 >/dev/null 2>&1; then
    echo "lint: self-test: clang-tidy accepted tests/checks/tidy/bad.c" >&2
    return 1
  fi
  mapfile -t files < <(find src -name '*.c' | sort)
  local output
  if output=$(ninja -C "$BUILD" --quiet build.ninja >/dev/null && printf '%s\0' "${files[@]}" |
      xargs -0 -P "$jobs" -n 1 "$clang_tidy" --quiet -p "$BUILD" \
        --extra-arg=-Wno-unknown-warning-option 2>&1); then
    echo "clang-tidy: ${#files[@]} files are fine"
  else
    grep -E '(error|warning): ' <<<"$output" | sed "s|$PWD/||; s|$BUILD/../../||; s|^../../||"
    echo "lint: the lines above are clang-tidy's; .clang-tidy says what is checked" >&2
    return 1
  fi
}

if [ $# -eq 0 ]; then
  set -- banned cleanups headers complexity cppcheck tidy
fi
for part in "$@"; do
  case "$part" in
    banned | cleanups | headers | complexity | tidy) "$part" || failed+=("$part") ;;
    cppcheck) cppcheck_src || failed+=("$part") ;;
    *) echo "usage: lint.sh [banned|cleanups|headers|complexity|cppcheck|tidy]…" >&2; exit 2 ;;
  esac
done
if [ "${#failed[@]}" -gt 0 ]; then
  echo "lint: FAILED: ${failed[*]}" >&2
  exit 1
fi
