#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# configure.sh [--if-missing] FOLDER [MESON-OPTION]…: makes FOLDER a configured build folder. Does
# nothing when it was configured with the same options before (with --if-missing: with any options).
# Meson's own output is shown only when it fails.
set -euo pipefail

any_options=no
if [ "${1:-}" = --if-missing ]; then
  any_options=yes
  shift
fi
folder=$1
shift
stamp="$folder/.configured_with"
# A folder that says release or nothing gets an optimised program; the options decide the rest.
wanted="${CC:-cc} ${CXX:-c++} $*"

if [ -f "$folder/build.ninja" ]; then
  if [ $any_options = yes ] || [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
    exit 0
  fi
  # A compiler cannot be changed in place.
  if [ "$(cut -d' ' -f1,2 "$stamp" 2>/dev/null)" = "${CC:-cc} ${CXX:-c++}" ]; then
    set -- --reconfigure "$@"
  else
    rm -rf "$folder"
  fi
else
  rm -rf "$folder"
fi
mkdir -p "$(dirname "$folder")"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
if ! meson setup "$folder" "$@" >"$log" 2>&1 </dev/null; then
  cat "$log" >&2
  echo "configure: meson could not set up $folder" >&2
  exit 1
fi
printf '%s' "$wanted" >"$stamp"
