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

from source_text import ROOT, finish, line_of, looked_at, self_test

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
    problems, count = [], 0
    for name, code, _ in looked_at(root):
        count += 1
        problems += check_file(name, code)
    return problems, count


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        offences = ROOT / "tests/checks/cleanup"
        self_test("check_cleanup", offences, check(offences)[0], lambda word: f" {word} is")
    else:
        finish("check_cleanup", *check(Path(sys.argv[1]) if sys.argv[1:] else ROOT))
