#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# bench.sh [NAME…]: builds and runs the benchmarks (all, or those named; the memory bandwidth is always
# measured, as the reference) and prints them as a table. Their JSON lines stay in build/bench.jsonl.
# Measures this machine at this moment: compare runs of the same machine only.
set -euo pipefail

cd "$(dirname "$0")/.."
BUILD=build/release
export NETRA_BIN=${NETRA_BIN:-$PWD/$BUILD/src/netra}
tools/configure.sh --if-missing "$BUILD"
mapfile -t names < <(sed -n "s/^  '\([a-z0-9_]*\)',\$/\1/p" tests/bench/meson.build)
if [ $# -gt 0 ]; then
  names=(memory_bandwidth "$@")
fi
targets=(src/netra)
for name in "${names[@]}"; do
  targets+=("tests/bench/bench_$name")
done
ninja -C "$BUILD" --quiet "${targets[@]}"
: >build/bench.jsonl
failed=0
for target in "${targets[@]:1}"; do
  if ! "$BUILD/$target" >>build/bench.jsonl; then
    echo "bench: $target failed" >&2
    failed=1
  fi
done
tools/bench_table.py build/bench.jsonl || failed=1
exit $failed
