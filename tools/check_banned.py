#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Functions that this program does not call, each with the reason and what to call in its place.

Looks at src/ and tests/ (heap functions: src/ only). `--self-test` runs the check over
tests/checks/banned, where each offence is marked `expect: name`.
"""

import re
import sys
from pathlib import Path

from source_text import ROOT, finish, line_of, looked_at, self_test

UNBOUNDED = ("writes without a bound", "buf_append or buf_printf (base/buf.h), or snprintf")
HIDDEN_STATE = ("keeps hidden state that threads share", "a cursor over a struct str (base/str.h)")
LOOSE = ("takes any text for a number", "decimal_parse or decimal_parse_u64 (base/decimal.h)")
ZONE = ("reads the clock's zone and shared state", "base/civil_time.h")
UNSEEDED = ("differs from machine to machine", "base/random.h with a seed that is passed in")
SHELL = ("hands text to a shell", "an argument vector and posix_spawn, above the pure rooms")
HEAP = ("cannot be told to fail in tests", "base/alloc.h, or an arena (base/arena.h)")

BANNED = {
    "strcpy": UNBOUNDED, "stpcpy": UNBOUNDED, "strcat": UNBOUNDED, "sprintf": UNBOUNDED,
    "vsprintf": UNBOUNDED, "gets": UNBOUNDED,
    "strncpy": ("may leave the text without an end", "arena_copy (base/arena.h) or memcpy"),
    "strncat": ("has a bound that everybody gets wrong", "buf_append (base/buf.h)"),
    "strtok": HIDDEN_STATE,
    "atoi": LOOSE, "atol": LOOSE, "atoll": LOOSE, "atof": LOOSE,
    "scanf": LOOSE, "sscanf": LOOSE, "fscanf": LOOSE, "vsscanf": LOOSE, "vscanf": LOOSE,
    "gmtime": ZONE, "localtime": ZONE, "ctime": ZONE, "asctime": ZONE, "mktime": ZONE,
    "strftime": ZONE,
    "rand": UNSEEDED, "srand": UNSEEDED, "random": UNSEEDED, "srandom": UNSEEDED,
    "drand48": UNSEEDED,
    "alloca": ("takes stack that nobody limits", "base/alloc.h or an arena"),
    "system": SHELL, "popen": SHELL,
    "tmpnam": ("names a file that another may make first", "mkstemp"),
    "mktemp": ("names a file that another may make first", "mkstemp"),
    "setlocale": ("changes how every number is printed", "nothing: the program stays in the C locale"),
    "longjmp": ("skips every cleanup", "an error code"),
}
BANNED_HEAP = {name: HEAP for name in (
    "malloc", "calloc", "realloc", "reallocarray", "free", "strdup", "strndup", "asprintf",
    "vasprintf", "aligned_alloc", "posix_memalign")}
# Where the heap functions are wrapped.
HEAP_FILES = {"src/base/alloc.c"}
# open_memstream and getline hand out memory that only free() releases: file rooms may name theirs
# here, with the reason.


def check_file(name, code, table):
    pattern = re.compile(r"\b(" + "|".join(table) + r")\s*\(")
    for found in pattern.finditer(code):
        if code[:found.start()].rstrip().endswith((".", "->")):
            continue  # a member of that name
        why, instead = table[found.group(1)]
        yield (f"{name}:{line_of(code, found.start())}: {found.group(1)}() {why}; "
               f"use {instead}")


def check(root):
    problems, count = [], 0
    for name, code, folder in looked_at(root):
        count += 1
        table = dict(BANNED)
        if folder == "src" and name not in HEAP_FILES:
            table.update(BANNED_HEAP)
        problems += check_file(name, code, table)
    return problems, count


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        offences = ROOT / "tests/checks/banned"
        self_test("check_banned", offences, check(offences)[0], lambda word: f" {word}()")
    else:
        finish("check_banned", *check(Path(sys.argv[1]) if sys.argv[1:] else ROOT))
