#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a file as a C array: embed.py INPUT OUTPUT.c NAME HEADER

OUTPUT.c defines NAME[] and NAME_size, declared in HEADER.
"""
import sys

BYTES_PER_LINE = 16


def main(arguments):
    if len(arguments) != 5:
        sys.exit(__doc__)
    source, target, name, header = arguments[1:]
    with open(source, "rb") as file:
        data = file.read()
    lines = [
        ", ".join(f"0x{byte:02x}" for byte in data[at:at + BYTES_PER_LINE])
        for at in range(0, len(data), BYTES_PER_LINE)
    ]
    with open(target, "w", encoding="ascii") as file:
        file.write(f'#include "{header}"\n\n')
        file.write(f"const unsigned char {name}[] = {{\n    ")
        file.write(",\n    ".join(lines) if lines else "0")
        file.write(f"\n}};\nconst size_t {name}_size = {len(data)};\n")


if __name__ == "__main__":
    main(sys.argv)
