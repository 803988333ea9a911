#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# image.sh [ARGUMENT…]: the container image of this checkout in build/image. The program is built for it in a folder of
# its own: as the release, with debug information (kept apart, build/image/netra.debug) and without the path of the
# checkout in it, so that two checkouts give the same bytes. Arguments go to deploy/image/build.py.
set -euo pipefail

cd "$(dirname "$0")/.."
built=build/image-program
map="-ffile-prefix-map=$PWD=/netra"

tools/configure.sh "$built" -Ddebug=true "-Dc_args=$map" "-Dcpp_args=$map"
ninja -j"${JOBS:-$(nproc)}" -C "$built" --quiet src/netra
exec deploy/image/build.py --binary "$built/src/netra" --out build/image "$@"
