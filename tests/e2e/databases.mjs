// SPDX-License-Identifier: Apache-2.0
//
// The two files of a data folder as somebody else's program reads them: Python's sqlite3 (Node 18 has none).

import { spawnSync } from "node:child_process";

const SCRIPT = `
import json, sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
text = lambda v: v.hex() if isinstance(v, bytes) else v
rows = []
part = ""
for line in sys.stdin.read().splitlines(True):
    part += line
    if sqlite3.complete_statement(part):
        rows = [[text(v) for v in row] for row in db.execute(part)]
        part = ""
assert not part.strip(), part
print(json.dumps(rows))
`;

const isGood = (name) =>
  spawnSync(name, ["-c", "import sqlite3; assert sqlite3.sqlite_version_info >= (3, 37)"]).status === 0;
const python = ["python3", "/usr/bin/python3"].find(isGood);

/** Options of a test that needs it. */
export const needsSqlite = { skip: python ? false : "python3 with SQLite 3.37 is missing" };

/** Runs statements, each of which ends with a line; the rows of the last one, blobs as hexadecimal digits. */
export function sql(path, statements) {
  const done = spawnSync(python, ["-c", SCRIPT, path], { input: statements, encoding: "utf8", maxBuffer: 1 << 28 });
  if (done.status !== 0) throw new Error(`${path}: ${done.stderr.slice(-2000)}`);
  return JSON.parse(done.stdout);
}

/** The tables of a file, without SQLite's own. */
export const tables = (path) =>
  sql(path, "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%' ORDER BY name;").flat();

/** A whole file: pages, indexes, references. */
export function isWhole(path) {
  const pages = sql(path, "PRAGMA integrity_check;");
  const references = sql(path, "PRAGMA foreign_key_check;");
  return pages.length === 1 && pages[0][0] === "ok" && references.length === 0;
}
