#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A local that cleans up after itself must be made before the first way out.

`cleanup(buf_done) struct buf text;` runs buf_done(&text) at every return of its block, also at one that
stands before buf_init(&text, …): then it releases whatever the stack held. Looks at src/ and tests/ for a return
between such a declaration without a value and the first use of its name. Reads text, not paths: a
return in a branch counts, which is what is wanted. `--self-test` runs the check over tests/checks/cleanup,
where each offence is marked `expect: name`.
"""

import re
import sys
from pathlib import Path

from source_text import ROOT, blank_comments, finish, line_of, source_files

DECLARATION = re.compile(r"\bcleanup\s*\(\s*\w+\s*\)\s*[^;=(){}]*?\b(\w+)\s*;")


def check_file(name, code):
    for found in DECLARATION.finditer(code):
        variable = found.group(1)
        rest = code[found.end():]
        used = re.search(rf"\b{variable}\b", rest)
        left = re.search(r"\breturn\b", rest)
        if left and (not used or left.start() < used.start()):
            yield (f"{name}:{line_of(code, found.start())}: {variable} is released by the return in line "
                   f"{line_of(code, found.end() + left.start())}, before anything made it; "
                   "make it first, or give it a value")


def check(root):
    problems, looked_at = [], 0
    for folder in ("src", "tests"):
        for path in source_files(root, folder):
            name = str(path.relative_to(root))
            if name.startswith("tests/checks/"):
                continue
            looked_at += 1
            problems += check_file(name, blank_comments(path.read_text(errors="replace"), keep_texts=False))
    return problems, looked_at


def self_test():
    root = ROOT / "tests/checks/cleanup"
    problems, _ = check(root)
    expected = [
        (f"{path.relative_to(root)}:{number}:", word)
        for path in source_files(root)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        for word in re.findall(r"expect: (\S+)", line)]
    for place, word in expected:
        if not any(p.startswith(place) and f" {word} is" in p for p in problems):
            sys.exit(f"check_cleanup: self-test: {place} {word} was not found out")
    if len(expected) != len(problems) or not expected:
        sys.exit(f"check_cleanup: self-test: {len(expected)} offences, {len(problems)} found:\n" +
                 "\n".join(problems))


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        self_test()
    else:
        finish("check_cleanup", *check(Path(sys.argv[1]) if sys.argv[1:] else ROOT))
