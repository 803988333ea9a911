#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Documents that agree with the code: every relative link leads to a file (and to a heading, when it
names one), and every `make target` that is written is a target of the Makefile.

Pages, and parts of pages between markers, that are generated from tables in the code are compared
with a fresh copy from the release program; `--write` writes them anew.
`--self-test` runs the check over tests/checks/docs, where every offence is marked `expect: word`.
"""

import os
import re
import subprocess
import sys
from pathlib import Path

from source_text import ROOT, finish

NETRA = os.environ.get("NETRA_BIN", str(ROOT / "build/release/src/netra"))



def printed_by(*arguments):
    """What the release program prints."""
    return lambda: subprocess.run([NETRA, *arguments], capture_output=True, text=True, check=True,
                                  stdin=subprocess.DEVNULL).stdout


def rows_of(path, macro):
    """The arguments of MACRO(…) lines of a table in C, texts without their quotes."""
    text = (ROOT / path).read_text()
    rows = [re.findall(r'"((?:[^"\\]|\\.)*)"|(-?\w+)', line)
            for line in re.findall(rf"^{macro}\((.*)\)$", text, re.M)]
    return [[quoted or plain for quoted, plain in row] for row in rows]


def faults_table():
    lines = ["| name | argument | what happens |", "|---|---|---|"]
    for _, name, argument, least, most, what in rows_of("src/monitor/faults.def", "FAULT"):
        bounds = f"`{argument}`, {least} to {most}" if argument else ""
        lines.append(f"| `{name}` | {bounds} | {what} |")
    return "\n".join(lines) + "\n"


def metrics_table():
    kinds = {"COUNTER": "counter", "SECONDS": "counter", "GAUGE": "gauge", "HISTOGRAM": "histogram"}
    lines = ["| metric | kind | says |", "|---|---|---|"]
    for _, kind, name, labels, what in rows_of("src/monitor/metrics.def", "METRIC"):
        end = "_total" if kinds[kind] == "counter" else ""
        braces = "{" + labels.replace(" ", ",") + "}" if labels else ""
        lines.append(f"| `{name}{end}{braces}` | {kinds[kind]} | {what} |")
    return "\n".join(lines) + "\n"


def causes_table():
    lines = ["| cause | what is the matter | concluded from |", "|---|---|---|"]
    for name, what, _, needs in rows_of("src/verify/causes.def", "CAUSE"):
        lines.append(f"| `{name}` | {what} | {needs} |")
    return "\n".join(lines) + "\n"


# Page, marker (None: the whole page), what makes the part. A marker stands in lines of its own:
# <!-- marker … --> and <!-- /marker -->.
GENERATED = [
    ("docs/configuration.md", None, printed_by("serve", "--print-config-docs")),
    ("docs/protocol.md", "routes", printed_by("serve", "--print-routes")),
    ("docs/protocol.md", "faults", faults_table),
    ("docs/operations.md", "metrics", metrics_table),
    ("docs/operations.md", "causes", causes_table),
]

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
    return problems, len(names)


def with_part(text, marker, part):
    """The page with what stands between its markers replaced; None when it has no such markers."""
    if marker is None:
        return part
    found = re.search(rf"^<!-- {marker}\b.*? -->\n(.*?)^<!-- /{marker} -->$", text, re.M | re.S)
    return text[:found.start(1)] + part + text[found.end(1):] if found else None


def check_generated(write):
    problems = []
    if not Path(NETRA).exists():
        return [f"{NETRA} is not built, and generated pages cannot be compared: make build"]
    for name, marker, make in GENERATED:
        path = ROOT / name
        part = make()
        old = path.read_text() if path.exists() else ""
        fresh = with_part(old, marker, part)
        if fresh is None:
            problems.append(f"{name}:1: has no markers of '{marker}'")
        elif write:
            path.write_text(fresh)
        elif fresh != old:
            problems.append(f"{name}:1: {marker or 'the page'} is not what the code says: "
                            "tools/check_docs.py --write")
    return problems


def check_metrics(root):
    """A metric that nobody counts says 0 for ever, which is worse than saying nothing."""
    table = (root / "src/monitor/metrics.def").read_text()
    code = "".join(f.read_text() for f in sorted((root / "src").rglob("*.c")))
    return [f"src/monitor/metrics.def: METRIC_{name} is described and counted by nobody"
            for name in re.findall(r"^METRIC\((\w+),", table, re.M)
            if not re.search(rf"\bMETRIC_{name}\b", code)]


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
    page = "a\n<!-- part: made -->\nold\n<!-- /part -->\nb\n"
    if (with_part(page, "part", "new\n") != page.replace("old", "new") or
            with_part(page, "other", "new\n") is not None or with_part(page, None, "new\n") != "new\n"):
        sys.exit("check_docs: self-test: a part between markers was not replaced")
    for rows, width in ((rows_of("src/monitor/faults.def", "FAULT"), 6),
                        (rows_of("src/monitor/metrics.def", "METRIC"), 5)):
        if not rows or any(len(row) != width for row in rows):
            sys.exit("check_docs: self-test: a table in C was not read whole")


if __name__ == "__main__":
    if sys.argv[1:] == ["--self-test"]:
        self_test()
    elif sys.argv[1:] == ["--write"]:
        finish("check_docs", check_generated(write=True), len(GENERATED))
    else:
        found, looked_at = check(ROOT)
        finish("check_docs", found + check_generated(write=False) + check_metrics(ROOT), looked_at)
