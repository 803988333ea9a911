#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# demo.sh: the main job on records of a made-up team. Generates them (seeded, so everybody sees the
# same), asks a question about them, prints the report and keeps it in the other formats. Then asks the
# same of a server, which stays, and prints where its page shows the answer.
set -euo pipefail

netra=${NETRA_BIN:-build/release/src/netra}
out=build/demo
prompt='How can we reduce costs by 20 % without making anything worse? Audit our caching, too.'

if ! mkdir -p "$out" 2>/dev/null || [ ! -w "$out" ]; then
  echo "demo: cannot write to $out" >&2
  exit 1
fi
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

echo
echo "3. The same question to \`netra serve\` (log: $out/server.log, data: $out/data)"
tools/demo_server.sh start
url=$(tools/demo_server.sh url)
answer=$(node tools/demo_ask.mjs "$url" "$out/token" "$out/usage.jsonl" "$prompt")
printf '%s\n' "$answer" | sed '$d'
link=$(printf '%s\n' "$answer" | tail -n 1)

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
  make demo-stop                          ends the server

The page with this report (signs in once, on this machine; make demo gives another link):
  $link
END
