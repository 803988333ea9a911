#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The law of the house: rooms include only lower rooms, and the pure rooms stay pure.

The order of the rooms is the `rooms` list of src/meson.build; pure are the rooms up to `ask`.
`--self-test` runs the check over tests/checks/layers, a small house in which every rule is broken;
each expected message is written beside the offence as `expect: word`.
"""

import re
import sys
from pathlib import Path

from source_text import ROOT, blank_comments, finish, line_of, source_files

LAST_PURE_ROOM = "ask"
CPP_ROOM = "json"
MAIN_MAY_USE = ("cli",)

# Headers whose presence means I/O, threads, clocks or processes.
IMPURE_HEADERS = re.compile(
    r"^(sys/|netinet/|arpa/|unistd|pthread|threads|time|signal|fcntl|poll|dirent|netdb|spawn|"
    r"uv|sqlite3|curl/|syslog|locale|thread|fstream|iostream|mutex|chrono|filesystem)(\.h|$|.*\.h$)")
# Calls that do I/O, read the clock or the environment, or end the program.
IMPURE_CALLS = re.compile(
    r"\b(fopen|fdopen|freopen|fread|fwrite|fgets|fgetc|fputs|fputc|puts|putchar|printf|vprintf|"
    r"fprintf|vfprintf|perror|fflush|fclose|getline|tmpfile|remove|rename|open|read|write|"
    r"time|clock|clock_gettime|gettimeofday|getenv|setenv|exit|_exit|abort|signal|system|"
    r"setlocale|gzopen|gzread|gzwrite)\s*\(")
# stdout and stderr by name.
IMPURE_NAMES = re.compile(r"\b(stdin|stdout|stderr)\b")
# check() prints where a bug was found, and stops: the one place that may. The compiler of the lexicon is
# a program of its own that runs at build time; no room links it.
PURITY_EXCEPTIONS = {"base/check.c", "ask/lexicon_compile.c"}


def read_rooms(root):
    text = (root / "src/meson.build").read_text()
    found = re.search(r"^rooms = \[(.*?)\]", text, re.M | re.S)
    if not found:
        sys.exit("check_layers: src/meson.build has no `rooms = [...]` list")
    return re.findall(r"'(\w+)'", found.group(1))


def check_includes(name, code, room, rooms):
    for found in re.finditer(r'^[ \t]*#[ \t]*include[ \t]+(["<])([^">]+)[">]', code, re.M):
        at, kind, target = line_of(code, found.start()), found.group(1), found.group(2)
        if kind == "<":
            continue
        other = target.split("/")[0]
        if "/" not in target or other not in rooms:
            yield at, (f'includes "{target}": own headers are named from src/ ("room/file.h")')
        elif room is None:
            if other not in MAIN_MAY_USE:
                yield at, f'includes "{target}": main.c may use {", ".join(MAIN_MAY_USE)} only'
        elif rooms.index(other) > rooms.index(room):
            yield at, (f'includes "{target}": {room}/ is below {other}/ in the rooms list; '
                       f'move the code up, or pass what it needs in')


def check_purity(code):
    for found in re.finditer(r"^[ \t]*#[ \t]*include[ \t]+<([^>]+)>", code, re.M):
        if IMPURE_HEADERS.match(found.group(1)):
            yield line_of(code, found.start()), (
                f"includes <{found.group(1)}>: pure rooms have no I/O, threads or clock; "
                "let the caller in tool/ or cli/ do it and pass the result in")
    for found in IMPURE_CALLS.finditer(code):
        before = code[:found.start()].rstrip()
        if before.endswith((".", "->")):  # a member of that name
            continue
        yield line_of(code, found.start()), (
            f"calls {found.group(1)}(): pure rooms have no effects; write into a buf, return an "
            "error, or take the value as an argument")
    for found in IMPURE_NAMES.finditer(code):
        yield line_of(code, found.start()), (
            f"uses {found.group(1)}: pure rooms have no effects; write into a buf or return an error")


def check(root):
    rooms = read_rooms(root)
    pure = rooms[:rooms.index(LAST_PURE_ROOM) + 1]
    problems, looked_at = [], 0
    for path in source_files(root):
        name = str(path.relative_to(root / "src"))
        room = name.split("/")[0] if "/" in name else None
        with_texts = blank_comments(path.read_text(errors="replace"), keep_texts=True)
        code = blank_comments(with_texts, keep_texts=False)
        looked_at += 1
        found = []
        if room is None and name != "main.c":
            found.append((1, "lies outside of a room: only main.c may"))
        if room is not None and room not in rooms:
            found.append((1, f"{room}/ is not in the rooms list of src/meson.build"))
            room, found_room = None, False
        else:
            found_room = True
        if path.suffix == ".cc" and room != CPP_ROOM:
            found.append((1, f"is C++: only {CPP_ROOM}/ may hold C++"))
        if found_room:
            found += check_includes(name, with_texts, room, rooms)
            if room in pure and name not in PURITY_EXCEPTIONS:
                found += check_purity(code)
        problems += [f"src/{name}:{line}: {text}" for line, text in sorted(found)]
    return problems, looked_at


def self_test():
    root = ROOT / "tests/checks/layers"
    problems, looked_at = check(root)
    expected = []
    for path in source_files(root):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            for word in re.findall(r"expect: (\S+)", line):
                expected.append((f"src/{path.relative_to(root / 'src')}:{number}:", word))
    for place, word in expected:
        if not any(p.startswith(place) and word in p for p in problems):
            sys.exit(f"check_layers: self-test: {place} '{word}' was not found out")
    if len(expected) != len(problems) or not expected:
        sys.exit(f"check_layers: self-test: {len(expected)} offences, {len(problems)} found:\n" +
                 "\n".join(problems))


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        self_test()
    else:
        finish("check_layers", *check(Path(sys.argv[1]) if sys.argv[1:] else ROOT))
