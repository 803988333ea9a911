#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the built page as a C table of files: embed_page.py FOLDER OUTPUT.c

OUTPUT.c defines server_page (src/server/page.h). Each file comes with its content type, an ETag made
of its bytes, and a gzip form where that is smaller. Without FOLDER/index.html the table holds one
page that says that the page was not built. The output is only written when it changes, so that
asking on every build costs nothing.
"""

import gzip
import hashlib
import re
import sys
from pathlib import Path

CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
}
# Vite puts a hash of the content into the names of what it bundles.
IMMUTABLE = re.compile(r"^/assets/.+-[A-Za-z0-9_-]{8}\.\w+$")
BYTES_PER_LINE = 24
NOT_BUILT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Netra</title>
<h1>The page was not built into this program</h1>
<p>The server works; only its page is missing. Build it with <code>make build</code>, which needs node
and npm. Until then there is the interface: <a href="/docs">what it offers</a>.</p>
</html>
"""


def page_files(folder):
    """(path, suffix, body) of every file, sorted by path."""
    if not (folder / "index.html").is_file():
        return [("/", ".html", NOT_BUILT.encode())]
    found = []
    for file in folder.rglob("*"):
        if not file.is_file():
            continue
        path = "/" + file.relative_to(folder).as_posix()
        if file.suffix not in CONTENT_TYPES:
            sys.exit(f"embed_page: {file}: {file.suffix} has no content type in tools/embed_page.py")
        found.append(("/" if path == "/index.html" else path, file.suffix, file.read_bytes()))
    return sorted(found)


def c_array(name, data):
    lines = [",".join(str(byte) for byte in data[at:at + BYTES_PER_LINE])
             for at in range(0, len(data), BYTES_PER_LINE)]
    return f"static const unsigned char {name}[] = {{\n" + ",\n".join(lines or ["0"]) + "\n};\n"


def c_source(files):
    arrays, rows = [], []
    for index, (path, suffix, body) in enumerate(files):
        packed = gzip.compress(body, 9, mtime=0)
        has_gzip = len(packed) < len(body)
        arrays.append(c_array(f"body_{index}", body))
        if has_gzip:
            arrays.append(c_array(f"gzip_{index}", packed))
        rows.append(
            f'    {{.path = "{path}",\n'
            f'     .content_type = "{CONTENT_TYPES[suffix]}",\n'
            f'     .etag = "\\"{hashlib.sha256(body).hexdigest()[:20]}\\"",\n'
            f"     .body = body_{index},\n"
            f"     .body_bytes = {len(body)},\n"
            f"     .gzip = {f'gzip_{index}' if has_gzip else 'NULL'},\n"
            f"     .gzip_bytes = {len(packed) if has_gzip else 0},\n"
            f"     .is_immutable = {'true' if IMMUTABLE.match(path) else 'false'}}},\n")
    return ('#include "server/page.h"\n\n' + "".join(arrays) +
            "\nstatic const struct http_file files[] = {\n" + "".join(rows) + "};\n\n"
            "const struct http_files server_page = "
            "{.files = files, .count = sizeof files / sizeof *files};\n")


def main(arguments):
    if len(arguments) != 3:
        sys.exit(__doc__)
    target = Path(arguments[2])
    source = c_source(page_files(Path(arguments[1])))
    if not target.exists() or target.read_text() != source:
        target.write_text(source)


if __name__ == "__main__":
    main(sys.argv)
