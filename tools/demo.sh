#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# demo.sh: the main job on records of a made-up team. Generates them (seeded, so everybody sees the
# same), asks a question about them, prints the report and keeps it in the other formats.
set -euo pipefail

netra=${NETRA_BIN:-build/release/src/netra}
out=build/demo
prompt='How can we reduce costs by 20 % without making anything worse? Audit our caching, too.'

mkdir -p "$out"
echo "1. Sample records of a made-up team (synthetic, seed 1) → $out/usage.jsonl"
"$netra" tool synthesize_usage --args "{\"seed\":1,\"out\":\"$out\"}" >"$out/synthesize.json"
test -s "$out/usage.jsonl" || { echo "demo: $out/usage.jsonl was not written" >&2; exit 1; }
test -s "$out/answer_key.json" || { echo "demo: $out/answer_key.json was not written" >&2; exit 1; }

echo "2. netra ask \"$prompt\" --data $out/usage.jsonl"
echo
"$netra" ask "$prompt" --data "$out/usage.jsonl"
for format in html json md; do
  "$netra" ask "$prompt" --data "$out/usage.jsonl" --format "$format" --out "$out/report.$format"
  test -s "$out/report.$format" || { echo "demo: $out/report.$format was not written" >&2; exit 1; }
done

cat <<END

The same answer, to keep or to send on:
  $out/report.html   one self-contained page
  $out/report.json   every fact with its method and query
  $out/report.md     Markdown
What the sample was made to contain: $out/answer_key.json

Try next:
  build/release/src/netra ask "5-minute or 1-hour cache?" --data $out/usage.jsonl
  build/release/src/netra recompute $out/report.json --data $out/usage.jsonl
  build/release/src/netra tool            the tools and their arguments
  build/release/src/netra ask "Why so expensive?" --data YOUR-EXPORT.csv
END
