#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes tests/data/gcloud/flags.json from the gcloud that is installed: which flags the commands have that
deploy/targets/gcp uses, and whether they take a value. The stand-in refuses all others. Usage: gcloud_flags.py DATE"""

import json
import pathlib
import re
import subprocess
import sys

COMMANDS = ["run deploy", "run services describe", "run services update-traffic", "run services delete", "run revisions describe",
            "run revisions list", "run revisions delete", "projects describe", "artifacts docker images describe",
            "auth print-access-token", "logging read"]
OUT = pathlib.Path(__file__).resolve().parents[1] / "data/gcloud/flags.json"


def say(*words):
    out = subprocess.run(["gcloud", *words], check=True, capture_output=True, text=True, stdin=subprocess.DEVNULL).stdout
    return re.sub(r"\x1b\[[0-9;]*m", "", out)


def flags_of(text):
    """{flag: whether it takes a value} of the sections that describe flags."""
    flags = {}
    is_inside, before = False, ""
    for line in text.splitlines():
        if re.match(r"[A-Z]", line):
            is_inside = line.endswith("FLAGS") and not line.startswith("GCLOUD WIDE")
        # A definition stands below an empty line; what only begins a line of prose does not.
        found = is_inside and not before.strip() and re.match(r" +--(\[no-\])?([a-z0-9-]+)(=|\[=)?", line)
        before = "" if re.match(r"[A-Z]", line) else line
        if found:
            flags["--" + found[2]] = bool(found[3])
            if found[1]:
                flags["--no-" + found[2]] = False
    return flags


def wide_of(text):
    # "--quiet" and "--user-output-enabled" take no value, the others do.
    names = re.findall(r"--[a-z-]+", text.partition("GCLOUD WIDE FLAGS")[2].partition("Run $")[0])
    return {name: name not in ("--quiet", "--user-output-enabled", "--help", "--log-http") for name in names}


def main():
    helps = {command: say(*command.split(), "--help") for command in COMMANDS}
    OUT.write_text(json.dumps({
        "version": say("version").splitlines()[0],
        "date": sys.argv[1],
        "wide": wide_of(helps["run deploy"]),
        "commands": {command: flags_of(text) for command, text in helps.items()},
    }, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
