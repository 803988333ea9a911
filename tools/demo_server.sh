#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# demo_server.sh start|restart|stop|url: the `netra serve` that `make demo` leaves running. It listens
# on a free port of this machine, keeps its data in build/demo/data and its token in build/demo/token.
#
#   start    leaves a server alone that is alive, answers and runs this build; else starts one
#   restart  starts one in any case
#   stop     ends it and waits until it has ended
#   url      prints its address
#
# The pid file alone proves nothing (numbers are used again): a process is ours when it serves our data
# folder.
set -euo pipefail

netra=$(realpath "${NETRA_BIN:-build/release/src/netra}")
out=$(realpath -m build/demo)
pid_file=$out/server.pid
START_S=20
STOP_S=20

fail() {
  echo "demo: $*" >&2
  exit 1
}

# Prints the number of our live server, or nothing.
live_pid() {
  local pid
  pid=$(cat "$pid_file" 2>/dev/null || true)
  case "$pid" in
    '' | *[!0-9]*) return 0 ;;
  esac
  if tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -qxF -- "$out/data"; then
    echo "$pid"
  fi
}

address() {
  sed -n 's/^listening: //p' "$out/server.out" 2>/dev/null
}

is_well() {
  local url=$1
  node -e 'fetch(process.argv[1], { signal: AbortSignal.timeout(5000) })
    .then((answer) => process.exit(answer.ok ? 0 : 1), () => process.exit(1))' "$url/health/ready"
}

stop() {
  local pid
  pid=$(live_pid)
  if [ -n "$pid" ]; then
    kill -TERM "$pid" 2>/dev/null || true
    for _ in $(seq $((STOP_S * 20))); do
      [ -n "$(live_pid)" ] || break
      sleep 0.05
    done
    if [ -n "$(live_pid)" ]; then
      echo "demo: the server does not end in $STOP_S s: killed" >&2
      kill -KILL "$pid" 2>/dev/null || true
    fi
  fi
  rm -f "$pid_file" "$out/server.out"
}

make_token() {
  if [ ! -s "$out/token" ]; then
    (umask 077 && od -An -N32 -tx1 /dev/urandom | tr -d ' \n' >"$out/token")
  fi
  chmod 600 "$out/token"
}

start() {
  make_token
  : >"$out/server.log"
  : >"$out/server.out"
  chmod 600 "$out/server.out" "$out/server.log"
  # A session of its own: neither Ctrl-C nor the end of the terminal reach it. Descriptors of whoever
  # called make are closed, so that nobody waits for their end.
  (
    exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
    exec setsid "$netra" serve --config /dev/null --listen 127.0.0.1:0 --data-dir "$out/data" \
      --token-file "$out/token" </dev/null >"$out/server.out" 2>"$out/server.log"
  ) &
  local pid=$!
  echo "$pid" >"$pid_file"
  for _ in $(seq $((START_S * 50))); do
    if grep -q '^sign in: ' "$out/server.out"; then
      return
    fi
    if ! kill -0 "$pid" 2>/dev/null; then
      break
    fi
    sleep 0.02
  done
  tail -n 20 "$out/server.log" >&2
  kill -TERM "$pid" 2>/dev/null || true
  rm -f "$pid_file"
  fail "the server does not start (above: the end of $out/server.log)"
}

ensure() {
  local url
  if [ -n "$(live_pid)" ] && [ ! "$netra" -nt "$pid_file" ]; then
    url=$(address)
    if [ -n "$url" ] && is_well "$url"; then
      return
    fi
  fi
  stop
  start
}

verb=${1:-}
case "$verb" in
  start | restart | stop)
    if [ "$verb" = stop ] && [ ! -d "$out" ]; then
      echo "no server is running"
      exit 0
    fi
    mkdir -p "$out" 2>/dev/null && [ -w "$out" ] || fail "cannot write to $out"
    exec 9>"$out/server.lock"
    flock -w 60 9 || fail "another demo is starting or stopping the server"
    ;;
esac
case "$verb" in
  start) ensure ;;
  restart) stop; start ;;
  stop)
    if [ -n "$(live_pid)" ]; then
      stop
      echo "stopped"
    else
      stop
      echo "no server is running"
    fi
    ;;
  url) address ;;
  *) echo "usage: demo_server.sh start|restart|stop|url" >&2; exit 2 ;;
esac
