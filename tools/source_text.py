# SPDX-License-Identifier: Apache-2.0
"""What the checkers in tools/ share: reading C without being fooled by comments and strings."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCE_SUFFIXES = (".c", ".h", ".cc", ".def")

_TOKEN = re.compile(
    r"""(?P<comment>/\*.*?\*/|//[^\n]*)|(?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')""",
    re.S)


def blank_comments(code, keep_texts):
    """The code with comments (and the insides of literals) as spaces; line numbers stay."""
    def blank(match):
        if match.group("comment") is None and keep_texts:
            return match.group(0)
        kept = re.sub(r"[^\n]", " ", match.group(0))
        return kept if match.group("comment") is not None else f'"{kept[1:-1]}"'
    return _TOKEN.sub(blank, code)


def source_files(root, folder="src"):
    """Every C and C++ file below root/folder, sorted."""
    return sorted(f for f in (root / folder).rglob("*") if f.suffix in SOURCE_SUFFIXES)


def line_of(code, offset):
    return code.count("\n", 0, offset) + 1


def finish(name, problems, looked_at):
    """Prints the problems and ends the program; finding nothing to look at is a problem too."""
    for problem in problems:
        print(problem)
    if not looked_at:
        print(f"{name}: there was nothing to look at", file=sys.stderr)
        sys.exit(1)
    if problems:
        print(f"{name}: {len(problems)} problem(s)", file=sys.stderr)
        sys.exit(1)
    print(f"{name}: {looked_at} files are fine")
