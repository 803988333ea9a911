#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# format.sh --check | --write [FILE]…: clang-format over the C and C++ files (all that git knows, or
# those named). Other versions than 14 disagree in places, so only 14 is taken.
set -euo pipefail

cd "$(dirname "$0")/.."
mode=${1:-}
shift || true
if [ $# -eq 0 ]; then
  mapfile -t files < <(git ls-files --cached --others --exclude-standard -- \
                         '*.c' '*.h' '*.cc' | grep -v '^tests/checks/' | xargs -r ls -d 2>/dev/null)
else
  files=("$@")
fi
if [ "${#files[@]}" -eq 0 ]; then
  echo "format: no files" >&2
  exit 1
fi
clang_format=$(command -v clang-format-14 || command -v clang-format || true)
if [ -z "$clang_format" ]; then
  echo "format: clang-format is missing: tools/install_deps.sh check" >&2
  exit 1
fi
version=$("$clang_format" --version | sed -n 's/.*version \([0-9]*\)\..*/\1/p')
if [ "$version" != 14 ]; then
  echo "format: $clang_format is version $version and lays code out differently: install clang-format-14" >&2
  exit 1
fi

case "$mode" in
  --write)
    printf '%s\0' "${files[@]}" | xargs -0 -P2 -n 40 "$clang_format" -i
    ;;
  --check)
    # The formatter must be able to say no, or its silence means nothing.
    if printf 'int  x;\n' | "$clang_format" --dry-run -Werror >/dev/null 2>&1; then
      echo "format: self-test: clang-format accepted a badly formatted line" >&2
      exit 1
    fi
    if ! printf '%s\0' "${files[@]}" |
        xargs -0 -P2 -n 40 "$clang_format" --dry-run -Werror 2>&1 |
        { ! grep -E 'error:|warning:'; }; then
      echo "format: the lines above are not as .clang-format wants them: run make fmt" >&2
      exit 1
    fi
    echo "format: ${#files[@]} files are formatted"
    ;;
  *)
    echo "usage: format.sh --check | --write [FILE]…" >&2
    exit 2
    ;;
esac
