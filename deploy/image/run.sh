#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# run.sh ROOT DATA ARGUMENT…: runs /usr/bin/netra of an unpacked image as an engine would, where there is none: in a
# mount namespace, the root read-only, DATA (made the user's, 65532) on /data, an empty /tmp in memory, no new
# privileges. The network and the process ids are those of the machine. Root only.
set -euo pipefail

root=$(realpath "$1")
data=$(realpath "$2")
shift 2
chown 65532:65532 "$data"
export root data
exec unshare --mount --propagation private bash -c '
  mount --bind "$root" "$root"
  mount --bind "$data" "$root/data"
  mount -t tmpfs -o mode=1777,size=64m tmp "$root/tmp"
  mount -o remount,bind,ro "$root"
  exec setpriv --no-new-privs chroot --userspec 65532:65532 "$root" /usr/bin/netra "$@"
' run.sh "$@"
