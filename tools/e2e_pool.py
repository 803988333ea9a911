# SPDX-License-Identifier: Apache-2.0
"""Runs the files of tests/e2e beside each other: most of their time they wait, for a timer, a browser
or a process. Each file has a node of its own (every node from 18 on can do that), its report in TAP and
its output in build/e2e; the files that took longest the last time begin first.

NETRA_E2E_JOBS says how many run at a time (default: two for each core, eight at most).
"""

import json
import os
import signal
import subprocess
import threading
import time
from pathlib import Path

FILE_SECONDS_MAX = 900
JOBS_MAX = 8
# What is begun first where no earlier times are known, the longest first.
LONG = ("93-gcp-target", "98-deploy-local", "99-verify-defects", "90-verify", "79-backup", "93-loop", "75-socket-activation",
        "91-diagnose", "92-image", "84-roles", "79-doctor", "89-model-races", "50-sample", "94-many-sockets", "93-survival", "95-model-page", "95-recovery-page",
        "76-faults", "95-page", "88-model-answers", "87-model-faults", "86-models", "96-openapi", "77-traces",
        "95-accounts-page", "83-oidc", "85-wires", "81-matrix", "82-auth-attacks", "80-accounts")


class Ended:
    """One file that has run: wall and CPU seconds, the status of node, TAP, and what was printed."""

    def __init__(self, name, seconds, cpu, status, tap, output):
        self.name, self.seconds, self.cpu = name, seconds, cpu
        self.status, self.tap, self.output = status, tap, output


def name_of(file):
    return Path(file).name.removesuffix(".test.mjs")


def in_order(files, times):
    """The longest first: by the last run's times, or else by LONG."""
    def key(file):
        name = name_of(file)
        guess = 300 - 5 * LONG.index(name) if name in LONG else 5
        return -times.get(name, guess)
    return sorted(files, key=key)


def jobs():
    wanted = os.environ.get("NETRA_E2E_JOBS", "")
    return max(1, int(wanted)) if wanted.isdigit() else min(JOBS_MAX, 2 * (os.cpu_count() or 1))


def run_file(node, file, root, folder, environment):
    """One node for one file; it is ended when it takes too long. CPU is that of all it has started."""
    name = name_of(file)
    tap = folder / f"{name}.tap"
    log = folder / f"{name}.log"
    tap.unlink(missing_ok=True)
    began = time.monotonic()
    with open(log, "wb") as output:
        process = subprocess.Popen(
            [node, "--test", "--test-reporter=spec", "--test-reporter-destination=stdout",
             "--test-reporter=tap", f"--test-reporter-destination={tap}", file],
            cwd=root, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT)
        too_late = threading.Timer(FILE_SECONDS_MAX, os.kill, (process.pid, signal.SIGTERM))
        too_late.start()
        _, status, usage = os.wait4(process.pid, 0)
        too_late.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
    return Ended(name, time.monotonic() - began, usage.ru_utime + usage.ru_stime, process.returncode,
                 tap.read_text(errors="replace") if tap.exists() else "", log.read_text(errors="replace"))


def run_files(node, files, root, environment, ended):
    """Runs them all; calls ended(Ended) for each as it ends, never twice at once."""
    folder = root / "build" / "e2e"
    folder.mkdir(parents=True, exist_ok=True)
    kept = folder / "seconds.json"
    try:
        times = json.loads(kept.read_text())
    except (OSError, ValueError):
        times = {}
    waiting = in_order(files, times)
    lock = threading.Lock()

    def work():
        while True:
            with lock:
                if not waiting:
                    return
                file = waiting.pop(0)
            done = run_file(node, file, root, folder, environment)
            with lock:
                times[done.name] = round(done.seconds, 1)
                ended(done)

    workers = [threading.Thread(target=work) for _ in range(min(jobs(), len(files)))]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    kept.write_text(json.dumps(times, indent=1, sort_keys=True))
