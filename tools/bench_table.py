#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Prints the JSON lines of the benchmarks as tables. Rates in bytes are compared with the memory
bandwidth that was measured in the same run; other units have no common reference, and get none. What was
measured against a reference of its own in the same run, or against a fixed target, is the second table."""

import json
import sys

REFERENCE = "memory_bandwidth"
# A slowest run this much longer than the fastest: something else used the machine.
NOISY_RATIO = 1.5


def scaled(value, unit):
    for factor, prefix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= factor:
            return f"{value / factor:.2f} {prefix}{'B' if unit == 'bytes' else ' ' + unit}/s"
    return f"{value:.2f} {'B' if unit == 'bytes' else unit}/s"


def milliseconds(seconds):
    return f"{seconds * 1e3:.2f}"


def print_rows(rows):
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(w) if i == 0 else cell.rjust(w)
                        for i, (cell, w) in enumerate(zip(row, widths))).rstrip())


def print_targets(results):
    rows = [("against a reference or a target", "measured", "reference", "ratio", "at most", "")]
    for r in results:
        is_ratio = "reference" in r
        measured = r["ratio"] if is_ratio else r["ours"]
        rows.append((r["name"], f"{r['ours']:.2f} {r['unit']}",
                     f"{r['reference']:.2f}" if is_ratio else "-",
                     f"{r['ratio']:.2f}" if is_ratio else "-", f"{r['target']:g}",
                     "met" if measured <= r["target"] else "MISSED"))
    print_rows(rows)


def main(path):
    with open(path, encoding="utf-8") as lines:
        results = [json.loads(line) for line in lines if line.strip()]
    targets = [r for r in results if "target" in r]
    results = [r for r in results if "target" not in r]
    reference = next((r["per_second"] for r in results if r["name"] == REFERENCE), None)
    if reference is None:
        sys.exit(f"bench_table: {path} has no {REFERENCE}: nothing to compare with")
    results.sort(key=lambda r: r["name"] != REFERENCE)
    rows = [("benchmark", "rate", "of memory", "median ms", "min ms", "max ms")]
    for r in results:
        ratio = f"{r['per_second'] / reference * 100:.1f} %" if r["unit"] == "bytes" else "-"
        rows.append((r["name"], scaled(r["per_second"], r["unit"]), ratio,
                     milliseconds(r["median_s"]), milliseconds(r["min_s"]), milliseconds(r["max_s"])))
    print_rows(rows)
    if targets:
        print()
        print_targets(targets)
    noisy = [r["name"] for r in results if r["max_s"] > NOISY_RATIO * r["min_s"]]
    if noisy:
        print(f"noisy (the slowest run took over {NOISY_RATIO} times the fastest; measure again on a "
              f"quiet machine): {', '.join(noisy)}")


if __name__ == "__main__":
    main(sys.argv[1])
