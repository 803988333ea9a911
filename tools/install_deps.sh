#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# install_deps.sh GROUP…: installs the Debian packages of the groups that are missing, and only
# those. Says nothing and asks nothing of apt when everything is there, so every make target can
# begin with it. Groups: build, test, check, valgrind, image (what make image needs), image-check (what runs, copies and
# measures images).
set -euo pipefail

packages_of() {
  case "$1" in
    build) echo gcc g++ meson ninja-build pkg-config libsimdjson-dev zlib1g-dev libutf8proc-dev \
             libxxhash-dev libuv1-dev libwslay-dev node-llhttp libsqlite3-dev libssl-dev \
             libcurl4-openssl-dev libargon2-dev libcjose-dev libjansson-dev
           node_package; npm_package ;;
    test) echo libcmocka-dev openssl curl python3-prometheus-client; node_package; npm_package; browser_package ;;
    check) echo clang clang-tidy cppcheck pmccabe; format_package; clang_runtime_package ;;
    valgrind) echo valgrind ;;
    image) echo binutils ca-certificates python3 ;;
    image-check) echo skopeo buildah crun debootstrap ;;
    *) echo "install_deps: unknown group '$1' (build, test, check, valgrind, image, image-check)" >&2; exit 2 ;;
  esac
}

# Node and npm build the page and run the end-to-end tests. They come from apt only where there is
# none, or one that cannot run node:test with its reporters.
node_package() {
  local version
  version=$(command -v node >/dev/null && node --version 2>/dev/null || echo v0)
  version=${version#v}
  if [ "${version%%.*}" -lt 18 ]; then
    echo nodejs
  fi
}

npm_package() {
  if ! command -v npm >/dev/null; then
    echo npm
  fi
}

# The page is tested in Debian's chromium; elsewhere (Ubuntu has it as a snap only) those tests are
# skipped with a message, unless a chromium is on the PATH.
browser_package() {
  if ! command -v chromium >/dev/null && is_known_to_apt chromium; then
    echo chromium
  fi
}

# The layout is what version 14 makes of .clang-format; releases without it get their own, and
# tools/format.sh says what that means.
format_package() {
  if command -v clang-format-14 >/dev/null || is_known_to_apt clang-format-14 ||
      ! is_known_to_apt clang-format; then
    echo clang-format-14
  else
    echo clang-format
  fi
}

# From clang 14 on Debian keeps the sanitizer and fuzzer runtimes in a package that carries the
# version; clang depends on the one that the release names.
clang_runtime_package() {
  local version
  version=$(readlink -f /usr/bin/clang 2>/dev/null | sed -n 's|.*/llvm-\([0-9]*\)/.*|\1|p')
  if [ -z "$version" ]; then
    version=$(apt-cache depends clang 2>/dev/null | sed -n 's/.*Depends: clang-\([0-9][0-9]*\)$/\1/p')
  fi
  if [ -n "$version" ]; then
    echo "libclang-rt-$version-dev"
  fi
}

# Prints those of its arguments that dpkg does not know as installed.
missing_of() {
  local installed
  installed=" $(dpkg-query -W -f '${db:Status-Status} ${Package} ' "$@" 2>/dev/null || true)"
  for package in "$@"; do
    case "$installed" in
      *" installed $package "*) ;;
      *) echo "$package" ;;
    esac
  done
}

is_known_to_apt() {
  local known
  for package in "$@"; do
    known=$(apt-cache policy "$package" 2>/dev/null | sed -n 's/^ *Candidate: //p')
    if [ -z "$known" ] || [ "$known" = "(none)" ]; then
      return 1
    fi
  done
}

install_packages() {
  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
      echo "install_deps: these packages are missing, and only root can install them. Run as root:" >&2
      echo "    apt-get update && apt-get install -y $*" >&2
      exit 1
    fi
    as_root=(sudo)
  fi
  as_root+=(env DEBIAN_FRONTEND=noninteractive)
  echo "installing: $*"
  log=$(mktemp) # not local: the trap looks at it when the script ends
  trap 'rm -f "$log"' EXIT
  if ! is_known_to_apt "$@"; then
    "${as_root[@]}" apt-get update -qq >"$log" 2>&1 </dev/null || { cat "$log" >&2; exit 1; }
  fi
  local install=(apt-get install -y -qq --no-install-recommends "$@")
  if ! "${as_root[@]}" "${install[@]}" >"$log" 2>&1 </dev/null; then
    # The lists may be older than the archive: once more with fresh ones.
    "${as_root[@]}" apt-get update -qq >>"$log" 2>&1 </dev/null || true
    if ! "${as_root[@]}" "${install[@]}" >>"$log" 2>&1 </dev/null; then
      cat "$log" >&2
      echo "install_deps: apt-get could not install: $*" >&2
      exit 1
    fi
  fi
}

# Prints the packages of all groups.
wanted_of() {
  for group in "$@"; do
    packages_of "$group" || exit 2
  done
}

main() {
  local wanted missing
  read -r -d '' -a wanted < <(wanted_of "$@" && printf '\0') || exit 2
  if [ "${#wanted[@]}" -eq 0 ]; then
    exit 0
  fi
  if ! command -v dpkg-query >/dev/null; then
    echo "install_deps: not a Debian or Ubuntu system; make sure that these are installed: ${wanted[*]}" >&2
    exit 0
  fi
  # Twice at most: the name of a package may only be known once another is there (clang's runtime).
  for _ in 1 2; do
    read -r -d '' -a wanted < <(wanted_of "$@" && printf '\0') || exit 2
    read -r -d '' -a missing < <(missing_of "${wanted[@]}" && printf '\0') || true
    if [ "${#missing[@]}" -eq 0 ]; then
      break
    fi
    install_packages "${missing[@]}"
  done
}

main "$@"
