#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed_json.py INPUT.json OUTPUT.c NAME: a JSON file as the C text `const char NAME[]`, without its white
space. What is no JSON does not build."""

import json
import sys


def main(source, target, name):
    with open(source, encoding="utf-8") as file:
        text = json.dumps(json.load(file), ensure_ascii=True, separators=(",", ":"))
    lines = [text[i:i + 96] for i in range(0, len(text), 96)]
    with open(target, "w", encoding="utf-8") as out:
        out.write(f"/* Made from {source.rsplit('/', 1)[-1]} by tools/embed_json.py. */\n")
        out.write(f'#include "api/schemas.h"\n\nconst char {name}[] =\n')
        out.write("\n".join("    " + json.dumps(line) for line in lines) + ";\n")


if __name__ == "__main__":
    main(*sys.argv[1:])
