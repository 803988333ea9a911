#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The prompt files as a C table: embed_prompts.py OUTPUT.c FILE.md…

OUTPUT.c defines prompt_table and prompt_table_count (src/agent/prompt_table.h), in the order of the
files. A file's first line is `version: N`; what follows it is the text. One without does not build.
"""

import re
import sys
from pathlib import Path


def c_text(text):
    """A C literal of the bytes of text, a line of source for each of its lines."""
    def escaped(byte):
        return chr(byte) if 0x20 <= byte < 0x7f and chr(byte) not in '"\\?' else f"\\{byte:03o}"
    lines = text.encode().splitlines(keepends=True) or [b""]
    return "\n".join('     "' + "".join(escaped(byte) for byte in line) + '"' for line in lines)


def row(path):
    first, _, text = path.read_text(encoding="utf-8").partition("\n")
    found = re.fullmatch(r"version: ([1-9][0-9]*)", first)
    if not found:
        sys.exit(f"embed_prompts: {path}:1: the first line is not `version: N`")
    text = text.strip("\n") + "\n"
    prompt_id = f"{path.stem}@{found.group(1)}"
    return (f'    {{.name = "{path.stem}",\n     .id = {{"{prompt_id}", {len(prompt_id)}}},\n'
            f"     .text = {{\n{c_text(text)},\n     {len(text.encode())}}}}},\n")


def main(arguments):
    if len(arguments) < 3:
        sys.exit(__doc__)
    files = [Path(name) for name in arguments[2:]]
    Path(arguments[1]).write_text(
        '#include "agent/prompt_table.h"\n\n'
        "const struct prompt_file prompt_table[] = {\n" + "".join(row(f) for f in files) + "};\n"
        f"const size_t prompt_table_count = {len(files)};\n", encoding="ascii")


if __name__ == "__main__":
    main(sys.argv)
