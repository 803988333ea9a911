#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs parts of the test suite and sums them up.

    run_tests.py release e2e asan

Each cmocka program prints TAP (its stdout is in meson's testlog.json), so that the sum counts test
cases and sees the skipped ones; programs without TAP (fuzz replay) count as one. A program that
ends with success after fewer cases than it announced is a failure, and so is a run in which nothing
ran. The last line is "N passed, N failed, N skipped".
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from e2e_pool import Ended, run_files

ROOT = Path(__file__).resolve().parent.parent
SANITIZER_OPTIONS = {
    "ASAN_OPTIONS": "abort_on_error=1:halt_on_error=1:detect_leaks=1:allocator_may_return_null=1",
    "UBSAN_OPTIONS": "halt_on_error=1:abort_on_error=1:print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:abort_on_error=1:allocator_may_return_null=1",
}
# name: (meson options, arguments of meson test)
BUILDS = {
    "release": (["-Dtests=enabled"], []),
    "asan": (["-Dtests=enabled", "-Dbuildtype=debug", "-Doptimization=1",
              "-Db_sanitize=address,undefined"], ["--timeout-multiplier", "4"]),
    "tsan": (["-Dtests=enabled", "-Dbuildtype=debug", "-Doptimization=1", "-Db_sanitize=thread"],
             ["--timeout-multiplier", "8"]),
    "valgrind": (["-Dtests=enabled", "-Dbuildtype=debug", "-Doptimization=1"],
                 ["--timeout-multiplier", "30",
                  "--wrap", "valgrind -q --error-exitcode=1 --leak-check=full"]),
    "coverage": (["-Dtests=enabled", "-Dbuildtype=debug", "-Db_coverage=true"], []),
}


class Sum:
    """What was counted, and the names of what failed or was skipped."""

    def __init__(self):
        self.passed = self.failed = self.skipped = 0
        self.notes = []

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.notes += other.notes

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def count_tap(name, output, exit_failed):
    """Counts one cmocka program. cmocka 1.1 writes a skipped case as "not ok N # SKIP name"."""
    found = Sum()
    # One plan for each group: a program may run its cases again, over TLS for instance.
    planned = sum(int(cases) for cases in re.findall(r"^1\.\.(\d+)", output, re.M))
    for line in re.findall(r"^(?:not )?ok \d+.*$", output, re.M):
        case = re.sub(r"^(?:not )?ok \d+\s*(?:-|# SKIP)?\s*", "", line)
        if "# SKIP" in line:
            found.skipped += 1
            found.notes.append(f"skipped: {name}: {case}")
        elif line.startswith("not ok"):
            found.failed += 1
            found.notes.append(f"FAILED: {name}: {case}")
        else:
            found.passed += 1
    ran = found.passed + found.failed + found.skipped
    if ran != planned:
        found.failed += 1
        found.notes.append(f"FAILED: {name}: announced {planned} cases and ran {ran}")
    elif exit_failed and not found.failed:
        found.failed += 1
        found.notes.append(f"FAILED: {name}: every case passed, the program failed (sanitizer, leak)")
    return found


def count_program(entry):
    """One line of testlog.json."""
    name, result = entry["name"], entry["result"]
    output = entry.get("stdout") or ""
    if re.search(r"^1\.\.\d+", output, re.M):
        return count_tap(name, output, result != "OK")
    found = Sum()
    if result in ("OK", "EXPECTEDFAIL"):
        found.passed = 1
    elif result == "SKIP":
        found.skipped = 1
        found.notes.append(f"skipped: {name}")
    else:
        found.failed = 1
        found.notes.append(f"FAILED: {name}: {result}")
    return found


def run_build(name):
    """Builds build/<name> and runs its unit tests and fuzz replay."""
    options, test_options = BUILDS[name]
    folder = ROOT / "build" / name
    found = Sum()
    print(f"== {name}: unit tests and fuzz replay", flush=True)
    for step in ([str(ROOT / "tools/configure.sh"), str(folder)] + options,
                 ["ninja", "--quiet", "-C", str(folder)]):
        if subprocess.run(step, cwd=ROOT, stdin=subprocess.DEVNULL).returncode:
            found.failed = 1
            found.notes.append("FAILED: the build")
            return found
    log = folder / "meson-logs" / "testlog.json"
    for stale in (folder / "meson-logs").glob("testlog*"):
        stale.unlink()
    environment = dict(os.environ, CMOCKA_MESSAGE_OUTPUT="TAP",
                       **{k: os.environ.get(k, v) for k, v in SANITIZER_OPTIONS.items()})
    status = subprocess.run(
        ["meson", "test", "-C", str(folder), "--suite", "unit", "--suite", "fuzz",
         "--print-errorlogs", "--quiet"] + test_options,
        cwd=ROOT, env=environment, stdin=subprocess.DEVNULL).returncode
    if not log.exists():
        logs = sorted((folder / "meson-logs").glob("testlog-*.json"))
        log = logs[0] if logs else log
    if log.exists():
        for line in log.read_text(errors="replace").splitlines():
            found.add(count_program(json.loads(line)))
    if status and not found.failed:
        found.failed += 1
        found.notes.append(f"FAILED: meson test ended with {status}")
    if found.passed == 0 and not found.failed:
        found.failed += 1
        found.notes.append("FAILED: nothing ran")
    return found


def install_e2e_packages():
    """npm ci in tests/e2e when its packages are missing or older than the lock file; why not, or None."""
    folder = ROOT / "tests/e2e"
    installed = folder / "node_modules/.package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= (folder / "package-lock.json").stat().st_mtime:
        return None
    if not shutil.which("npm"):
        return "npm is missing: tools/install_deps.sh test"
    print("   installing the packages of tests/e2e (npm ci)", flush=True)
    done = subprocess.run(["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"], cwd=folder,
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode:
        return f"npm ci in tests/e2e ended with {done.returncode} (is there a network?): {done.stderr.strip()[-600:]}"
    return None


def run_e2e(_name):
    """Runs tests/e2e with node against the release program (NETRA_BIN)."""
    found = Sum()
    program = ROOT / "build/release/src/netra"
    files = sorted(str(f.relative_to(ROOT)) for f in (ROOT / "tests/e2e").glob("*.test.mjs"))
    print("== e2e: the release program from the outside", flush=True)
    if not files:
        # On a desk that is a gap to be seen; in CI the suite has lost its files.
        is_ci = bool(os.environ.get("CI"))
        found.failed, found.skipped = int(is_ci), int(not is_ci)
        found.notes.append(f"{'FAILED' if is_ci else 'skipped'}: tests/e2e holds no *.test.mjs")
        return found
    node = shutil.which("node")
    version = subprocess.run([node, "--version"], capture_output=True, text=True).stdout if node else ""
    if int((re.match(r"v(\d+)", version) or [0, 0])[1]) < 18:
        found.failed = 1
        found.notes.append(f"FAILED: node {version.strip() or '(none)'}: e2e needs 18 or newer")
        return found
    reason = install_e2e_packages()
    if reason:
        found.failed = 1
        found.notes.append(f"FAILED: {reason}")
        return found
    for step in ([str(ROOT / "tools/build_page.sh"), "--if-possible"],
                 [str(ROOT / "tools/configure.sh"), "--if-missing", "build/release"],
                 ["ninja", "--quiet", "-C", "build/release", "src/netra", "tests/soak/soak"]):
        if subprocess.run(step, cwd=ROOT, stdin=subprocess.DEVNULL).returncode:
            found.failed = 1
            found.notes.append("FAILED: the release build")
            return found
    def ended(done):
        files_sum = count_file(done)
        print(f"   {done.seconds:6.1f} s ({done.cpu:5.1f} s of CPU)  {done.name}: {files_sum}", flush=True)
        if files_sum.failed:
            print(done.output, flush=True)
        found.add(files_sum)

    environment = dict(os.environ, NETRA_BIN=os.environ.get("NETRA_BIN", str(program)))
    run_files(node, files, ROOT, environment, ended)
    return found


def count_file(done):
    """One file of tests/e2e, by the report of its node."""
    found = Sum()
    totals = dict(re.findall(r"^# (pass|fail|cancelled|skipped|todo) (\d+)$", done.tap, re.M))
    found.passed = int(totals.get("pass", 0))
    found.failed = int(totals.get("fail", 0)) + int(totals.get("cancelled", 0))
    found.skipped = int(totals.get("skipped", 0)) + int(totals.get("todo", 0))
    for line in re.findall(r"^\s*ok \d+ - .*# SKIP.*$", done.tap, re.M):
        found.notes.append(f"skipped: {done.name}: " + re.sub(r"^\s*ok \d+ - ", "", line))
    for line in re.findall(r"^\s*not ok \d+ - .*$", done.tap, re.M):
        found.notes.append(f"FAILED: {done.name}: " + re.sub(r"^\s*not ok \d+ - ", "", line))
    if (done.status or not found.passed + found.skipped) and not found.failed:
        found.failed = 1
        found.notes.append(f"FAILED: {done.name}: node ended with {done.status} after {found.passed} tests")
    return found


def self_test():
    """The counting itself, on outputs that must be seen as failures."""
    cases = [
        ("1..2\nok 1 - a\nnot ok 2 # SKIP b\n", "OK", (1, 0, 1)),
        ("1..2\nok 1 - a\nnot ok 2 - b\n", "FAIL", (1, 1, 0)),
        ("1..3\nok 1 - a\n", "OK", (1, 1, 0)),
        ("1..1\nok 1 - a\n1..1\nok 1 - a\n", "OK", (2, 0, 0)),
        ("1..2\nok 1 - a\n1..2\nok 1 - a\nok 2 - b\n", "FAIL", (3, 1, 0)),
        ("1..1\nok 1 - a\n", "FAIL", (1, 1, 0)),
        ("", "TIMEOUT", (0, 1, 0)),
        ("3 files replayed\n", "OK", (1, 0, 0)),
        ("", "SKIP", (0, 0, 1)),
    ]
    for output, result, expected in cases:
        found = count_program({"name": "x", "result": result, "stdout": output})
        if (found.passed, found.failed, found.skipped) != expected:
            sys.exit(f"run_tests: self-test: {output!r} {result}: {found}, expected {expected}")
    reports = [
        ("ok 1 - a\n# pass 1\n# fail 0\n", 0, (1, 0, 0)),
        ("not ok 1 - a\n# pass 0\n# fail 1\n", 1, (0, 1, 0)),
        ("ok 1 - a\n# pass 1\n# fail 0\n# cancelled 1\n", 1, (1, 1, 0)),
        ("ok 1 - a # SKIP no data\n# pass 0\n# fail 0\n# skipped 1\n", 0, (0, 0, 1)),
        ("ok 1 - a\n# pass 1\n# fail 0\n", -15, (1, 1, 0)),
        ("", 0, (0, 1, 0)),
    ]
    for tap, status, expected in reports:
        found = count_file(Ended("x", 0, 0, status, tap, ""))
        if (found.passed, found.failed, found.skipped) != expected:
            sys.exit(f"run_tests: self-test: {tap!r} {status}: {found}, expected {expected}")


def main(parts):
    unknown = [p for p in parts if p != "e2e" and p not in BUILDS]
    if unknown or not parts:
        sys.exit(f"usage: run_tests.py PART…   parts: e2e {' '.join(BUILDS)}")
    self_test()
    total = Sum()
    for part in parts:
        found = run_e2e(part) if part == "e2e" else run_build(part)
        print(f"   {part}: {found}", flush=True)
        found.notes = [re.sub(r"^(\w+): ", rf"\1: {part}: ", note) for note in found.notes]
        total.add(found)
    print()
    for note in total.notes:
        print(note)
    print(total)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
