#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Documents that agree with the code: every relative link leads to a file (and to a heading, when it
names one), and every `make target` that is written is a target of the Makefile.

Pages that are generated from tables in the code are compared with a fresh copy here, too, once
there are any (the first will be the configuration keys): add them to GENERATED.
`--self-test` runs the check over tests/checks/docs, where every offence is marked `expect: word`.
"""

import re
import subprocess
import sys
from pathlib import Path

from source_text import ROOT, finish

# path of the page: command that prints it.
GENERATED = {}

LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")
MAKE = re.compile(r"`(?:[A-Z_]+=\S+ )*make ([a-z][a-z0-9-]*)")


def documents(root):
    skip = ("build/", "node_modules/", "web/node_modules/", "tests/e2e/node_modules/", "tests/checks/")
    names = (str(f.relative_to(root)) for f in root.rglob("*.md"))
    return sorted(n for n in names if not n.startswith(skip))


def slug(heading):
    """GitHub's anchor of a heading."""
    return re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")


def anchors(path):
    return {slug(h) for h in re.findall(r"^#+\s+(.*)$", path.read_text(), re.M)}


def check_link(root, name, target):
    if re.match(r"^[a-z]+:", target):
        return None
    path, _, anchor = target.partition("#")
    found = (root / name).parent / path if path else root / name
    if not found.exists():
        return f"links to {target}, which is not there: mend the link or add the page"
    if anchor and found.suffix == ".md" and anchor not in anchors(found):
        return f"links to {target}: that page has no such heading"
    return None


def without_code_blocks(text):
    return re.sub(r"^```.*?^```$", lambda m: "\n" * m.group(0).count("\n"), text, flags=re.M | re.S)


def check(root):
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", (root / "Makefile").read_text(), re.M))
    problems = []
    names = documents(root)
    for name in names:
        text = without_code_blocks((root / name).read_text())
        for number, line in enumerate(text.splitlines(), 1):
            for target in LINK.findall(line):
                problem = check_link(root, name, target)
                if problem:
                    problems.append(f"{name}:{number}: {problem}")
            for target in MAKE.findall(line):
                if target not in targets:
                    problems.append(f"{name}:{number}: says make {target}: the Makefile has no such "
                                    "target")
    for name, command in GENERATED.items():
        fresh = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
        if fresh != (root / name).read_text():
            problems.append(f"{name}:1: is out of date: {' '.join(command)} > {name}")
    return problems, len(names)


def self_test():
    root = ROOT / "tests/checks/docs"
    problems = []
    text = (root / "page.md").read_text()
    expected = [(n, w) for n, line in enumerate(text.splitlines(), 1)
                for w in re.findall(r"expect: (\S+)", line)]
    problems, _ = check(root)
    for number, word in expected:
        if not any(p.startswith(f"page.md:{number}:") and word in p for p in problems):
            sys.exit(f"check_docs: self-test: page.md:{number}: '{word}' was not found out")
    if len(expected) != len(problems) or not expected:
        sys.exit(f"check_docs: self-test: {len(expected)} offences, {len(problems)} found:\n" +
                 "\n".join(problems))


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        self_test()
    else:
        finish("check_docs", *check(Path(sys.argv[1]) if sys.argv[1:] else ROOT))
