#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Line coverage of src/ from a build folder whose tests have run (make coverage): one line per file,
the least covered first. A file that no test program linked is 0 %."""

import gzip
import json
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

from source_text import ROOT


def gather(folder):
    """file → line → hits, over every object of the rooms, those that never ran included."""
    hits = defaultdict(lambda: defaultdict(int))
    for data in sorted((folder / "src").rglob("*.gcno")):
        with tempfile.TemporaryDirectory() as scratch:
            subprocess.run(["gcov", "--json-format", str(data.resolve())], cwd=scratch, check=True,
                           capture_output=True)
            for made in Path(scratch).glob("*.gcov.json.gz"):
                with gzip.open(made) as text:
                    report = json.load(text)
                for entry in report["files"]:
                    path = (folder / entry["file"]).resolve()
                    if path.is_relative_to(ROOT / "src"):
                        for line in entry["lines"]:
                            hits[str(path.relative_to(ROOT))][line["line_number"]] += line["count"]
    return hits


def main(folder):
    hits = gather((ROOT / folder).resolve())
    rows = []
    for path in sorted((ROOT / "src").rglob("*")):
        name = str(path.relative_to(ROOT))
        if path.suffix in (".c", ".cc") and name != "src/main.c":
            lines = hits.get(name, {})
            rows.append((name, len(lines), sum(1 for count in lines.values() if count)))
    total = sum(r[1] for r in rows)
    if not total:
        sys.exit(f"coverage: {folder} holds no coverage data: run its tests first")
    for name, lines, hit in sorted(rows, key=lambda r: (r[2] / r[1] if r[1] else 0, r[0])):
        print(f"{hit / lines * 100 if lines else 0:5.1f} %  {hit:5d} of {lines:5d}  {name}")
    print(f"{sum(r[2] for r in rows) / total * 100:5.1f} %  of {total} lines of src/")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "build/coverage")
