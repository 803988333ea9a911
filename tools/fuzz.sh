#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# fuzz.sh [TARGET] [SECONDS]: builds the fuzz targets with clang, libFuzzer, ASan and UBSan, and runs
# one of them, or each in turn. New inputs go to build/fuzz-corpus/TARGET; what breaks the target is
# written there as crash-…: copy it to tests/fuzz/corpus/TARGET with a name that says what it shows,
# and it is replayed by every make test from then on.
set -euo pipefail

cd "$(dirname "$0")/.."
target=${1:-}
seconds=${2:-60}
jobs=$(nproc 2>/dev/null || echo 2)

export CC=clang CXX=clang++
tools/configure.sh build/fuzz -Dfuzzers=true -Dtests=disabled -Dbuildtype=debug -Doptimization=1 \
  -Db_sanitize=address,undefined -Db_lundef=false
ninja -j"$jobs" -C build/fuzz --quiet
mapfile -t targets < <(find build/fuzz/tests/fuzz -maxdepth 1 -type f -name 'fuzz_*' -perm -u+x \
                         -printf '%f\n' | sed 's/^fuzz_//' | sort)
if [ -n "$target" ]; then
  case " ${targets[*]} " in
    *" $target "*) targets=("$target") ;;
    *) echo "fuzz: no target '$target'; there are: ${targets[*]}" >&2; exit 2 ;;
  esac
fi
if [ "${#targets[@]}" -eq 0 ]; then
  echo "fuzz: tests/fuzz/meson.build names no target" >&2
  exit 1
fi
for name in "${targets[@]}"; do
  found=build/fuzz-corpus/$name
  mkdir -p "$found"
  echo "== fuzz_$name for $seconds s"
  UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 "build/fuzz/tests/fuzz/fuzz_$name" \
    -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
    -artifact_prefix="$found/" "$found" "tests/fuzz/corpus/$name"
done
