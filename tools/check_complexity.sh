#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# check_complexity.sh: no function of src/ above cyclomatic complexity 15 or 70 lines, no file above
# 800 lines. tools/complexity_allow.txt names the exceptions with their present size; they may only
# shrink: an entry that is larger than needed, or not needed at all, is a problem too.
# `--list` prints what the list would have to hold; `--self-test` proves that each rule finds its offender.
set -euo pipefail

cd "$(dirname "$0")/.."
COMPLEXITY_MAX=15
FUNCTION_LINES_MAX=70
FILE_LINES_MAX=800

# Prints the problems of folder $1 under the allow-list $2. pmccabe's columns: modified complexity,
# plain complexity, statements, first line, lines, file(line): name.
problems_of() {
  local folder=$1 allow=$2
  find "$folder" -name '*.c' -print0 | sort -z | xargs -0 pmccabe 2>/dev/null |
    awk -v allow="$allow" -v complexity_max=$COMPLEXITY_MAX -v lines_max=$FUNCTION_LINES_MAX '
      BEGIN {
        while ((getline line < allow) > 0) {
          if (line ~ /^[ \t]*(#|$)/) continue
          split(line, word, " ")
          allowed_complexity[word[1] " " word[2]] = word[3]
          allowed_lines[word[1] " " word[2]] = word[4]
        }
      }
      {
        complexity = $1; lines = $5; file = $6; sub(/\([0-9]+\):$/, "", file)
        key = file " " $7; seen[key] = 1
        top = (key in allowed_complexity) ? allowed_complexity[key] : complexity_max
        long = (key in allowed_lines) ? allowed_lines[key] : lines_max
        if (complexity > top)
          printf "%s:%d: %s() has complexity %d (limit %d): give a part of it a name of its own\n", file, $4, $7, complexity, top
        if (lines > long)
          printf "%s:%d: %s() has %d lines (limit %d): give a part of it a name of its own\n", file, $4, $7, lines, long
        if ((key in allowed_complexity) &&
            ((top > complexity_max && complexity < top) || (long > lines_max && lines < long) ||
             (top <= complexity_max && long <= lines_max)))
          printf "%s:%d: %s() has shrunk to %d %d: lower (or drop) its line in %s\n", file, $4, $7, complexity, lines, allow
      }
      END {
        for (key in allowed_complexity) if (!(key in seen))
          printf "%s:1: names %s, which is gone: drop the line\n", allow, key
      }'
  find "$folder" \( -name '*.c' -o -name '*.h' -o -name '*.cc' \) -print0 | sort -z |
    xargs -0 -n1 awk -v lines_max=$FILE_LINES_MAX 'END {
      if (NR > lines_max) printf "%s:%d: has %d lines (limit %d): split it by what its parts know\n", FILENAME, lines_max, NR, lines_max }'
}

# Lines for the allow-list, as large as the offenders are now: for a room that lands with some.
if [ "${1:-}" = --list ]; then
  find src -name '*.c' -print0 | sort -z | xargs -0 pmccabe 2>/dev/null |
    awk -v complexity_max=$COMPLEXITY_MAX -v lines_max=$FUNCTION_LINES_MAX '
      $1 > complexity_max || $5 > lines_max {
        file = $6; sub(/\([0-9]+\):$/, "", file)
        print file, $7, ($1 > complexity_max ? $1 : complexity_max), ($5 > lines_max ? $5 : lines_max) }'
  exit 0
fi

if [ "${1:-}" = --self-test ]; then
  # The offenders are made here: a file of 900 lines need not be kept.
  folder=$(mktemp -d)
  trap 'rm -rf "$folder"' EXIT
  {
    echo 'int tangled(int x) {'
    for i in $(seq 20); do echo "  if (x == $i) return $i;"; done
    echo '  return 0; }'
    echo 'int endless(int x) {'
    for _ in $(seq 80); do echo '  x++;'; done
    echo '  return x; }'
    for i in $(seq 800); do echo "int v$i;"; done
  } >"$folder/bad.c"
  printf '%s tangled 30 70\n%s gone 30 70\n' "$folder/bad.c" "$folder/bad.c" >"$folder/allow"
  found=$(problems_of "$folder" /dev/null)
  for word in 'tangled() has complexity' 'endless() has .* lines' 'bad.c.* has .* lines'; do
    grep -q "$word" <<<"$found" || { echo "check_complexity: self-test: not found out: $word" >&2; exit 1; }
  done
  found=$(problems_of "$folder" "$folder/allow")
  for word in 'tangled() has shrunk' 'which is gone'; do
    grep -q "$word" <<<"$found" || { echo "check_complexity: self-test: not found out: $word" >&2; exit 1; }
  done
  exit 0
fi

problems=$(problems_of src tools/complexity_allow.txt)
if [ -n "$problems" ]; then
  printf '%s\n' "$problems"
  echo "check_complexity: $(wc -l <<<"$problems") problem(s)" >&2
  exit 1
fi
echo "check_complexity: $(find src -name '*.c' | wc -l) files are fine"
