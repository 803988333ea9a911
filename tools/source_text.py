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


def looked_at(root):
    """(name, code, folder) of each C and C++ file of src/ and tests/ but the offences on purpose; comments and
    the insides of literals are blank."""
    for folder in ("src", "tests"):
        for path in source_files(root, folder):
            name = str(path.relative_to(root))
            if not name.startswith("tests/checks/"):
                yield name, blank_comments(path.read_text(errors="replace"), keep_texts=False), folder


def self_test(tool, root, problems, says):
    """Ends the program unless the problems are just the offences below root that are marked
    `expect: word`; says(word) is what the message of one holds."""
    expected = [
        (f"{path.relative_to(root)}:{number}:", word)
        for path in source_files(root)
        for number, line in enumerate(path.read_text().splitlines(), 1)
        for word in re.findall(r"expect: (\S+)", line)]
    for place, word in expected:
        if not any(p.startswith(place) and says(word) in p for p in problems):
            sys.exit(f"{tool}: self-test: {place} {word} was not found out")
    if len(expected) != len(problems) or not expected:
        sys.exit(f"{tool}: self-test: {len(expected)} offences, {len(problems)} found:\n" +
                 "\n".join(problems))


def finish(name, problems, count):
    """Prints the problems and ends the program; finding nothing to look at is a problem too."""
    for problem in problems:
        print(problem)
    if not count:
        print(f"{name}: there was nothing to look at", file=sys.stderr)
        sys.exit(1)
    if problems:
        print(f"{name}: {len(problems)} problem(s)", file=sys.stderr)
        sys.exit(1)
    print(f"{name}: {count} files are fine")
