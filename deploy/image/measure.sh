#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# measure.sh: the figures of docs/operations.md, section "Image", once more: size, digest twice, start-up, memory under
# load, and the same for a Debian root that nobody prepared. Root only (namespaces, debootstrap); asks the Debian mirror
# for the baseline's packages. Everything is in build/image-measured; the last line of output is JSON.
set -euo pipefail

cd "$(dirname "$0")/../.."
tools/install_deps.sh image-check
make --no-print-directory image
exec deploy/image/measure.py --binary build/image-program/src/netra --work build/image-measured "$@"
