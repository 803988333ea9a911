// SPDX-License-Identifier: Apache-2.0
//
// What every end-to-end test needs: to run the real program (NETRA_BIN, or the release build), a
// folder that is gone afterwards, exact money, and the third-party data if it is there. Nothing here
// knows how Netra works inside: tests see arguments, exit codes, bytes and files.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import assert from "node:assert/strict";

export const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");
export const netra = resolve(process.env.NETRA_BIN ?? join(root, "build/release/src/netra"));

const OUTPUT_BYTES_MAX = 512 << 20;
const TIMEOUT_MS = 180_000;

/** The folder of third-party data, or undefined. */
export const data = process.env.NETRA_TEST_DATA ? resolve(process.env.NETRA_TEST_DATA) : undefined;

/** Options of a test that needs it: skipped, with the reason, where it is absent. */
export const needsData = {
  skip: data && existsSync(data) ? false : "NETRA_TEST_DATA is not set: third-party data is absent",
};

/** Runs the program to its end. {code, signal, out, err}; a signal is never what a test expects. */
export function run(args, options = {}) {
  const { input, cwd, env, binary = netra } = options;
  const done = spawnSync(binary, args, {
    cwd,
    input: input ?? "",
    env: { ...process.env, ...env },
    maxBuffer: OUTPUT_BYTES_MAX,
    timeout: TIMEOUT_MS,
    encoding: "utf8",
  });
  if (done.error) throw done.error;
  const result = { code: done.status, signal: done.signal, out: done.stdout, err: done.stderr };
  assert.equal(result.signal, null, `netra ${args.join(" ").slice(0, 300)}: ended by a signal`);
  return result;
}

/** The same, with the exit code that it must have; its standard error is in the failure message. */
export function runTo(code, args, options) {
  const result = run(args, options);
  assert.equal(result.code, code, `netra ${args.join(" ").slice(0, 300)}\n${result.err.slice(0, 2000)}`);
  return result;
}

/** A tool's result as an object. */
export function tool(name, { args, data: files = [], more = [], input, code = 0 } = {}) {
  const words = ["tool", name];
  for (const file of [].concat(files)) words.push("--data", file);
  if (args) words.push("--args", JSON.stringify(args));
  return JSON.parse(runTo(code, [...words, ...more], { input }).out);
}

/** A report as an object. */
export function ask(prompt, { data: files = [], more = [], input, code = 0 } = {}) {
  const words = ["ask", prompt, "--format", "json"];
  for (const file of [].concat(files)) words.push("--data", file);
  return JSON.parse(runTo(code, [...words, ...more], { input }).out);
}

/** fn(folder); the folder is removed whatever happens. */
export async function withTempDir(fn) {
  const folder = mkdtempSync(join(tmpdir(), "netra-e2e-"));
  try {
    return await fn(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export function writeText(folder, name, text) {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

export const readText = (path) => readFileSync(path, "utf8");

/** CSV as RFC 4180 has it → rows of cells; anything else fails. */
export function csvRows(csv) {
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y;
  const rows = [[]];

  while (cell.lastIndex < csv.length) {
    const at = cell.lastIndex;
    const found = cell.exec(csv);

    assert.ok(found, `not CSV: ${csv.slice(at, at + 80)}`);
    rows.at(-1).push(found[1]?.replaceAll('""', '"') ?? found[2]);
    if (found[3] === "\r\n") rows.push([]);
  }
  assert.deepEqual(rows.pop(), [], "the last row ends like the others");
  return rows;
}

/** Records as JSON lines. */
export const lines = (records) => records.map((r) => JSON.stringify(r)).join("\n") + "\n";

/** Money as a decimal string → pico-dollars, exactly. */
export function pico(text) {
  assert.match(text, /^-?\d+(\.\d{1,12})?$/, "money is a decimal string of at most 12 places");
  const [whole, fraction = ""] = text.replace("-", "").split(".");
  const value = BigInt(whole) * 10n ** 12n + BigInt(fraction.padEnd(12, "0"));
  return text.startsWith("-") ? -value : value;
}

/** Dollars within a tolerance given in pico-dollars. */
export function assertMoney(actual, expected, tolerance = 0n, what = "") {
  const off = pico(actual) - pico(expected);
  assert.ok(off <= tolerance && off >= -tolerance, `${what} ${actual}, expected ${expected}`);
}

export function fact(result, id) {
  const found = result.facts[id];
  assert.ok(found, `there is no fact ${id}`);
  return found;
}

export const value = (result, id) => fact(result, id).value;

/** A fact of money that must be known. */
export function money(result, id) {
  assert.equal(fact(result, id).state, "computed", id);
  return value(result, id);
}

/** Sample records of a seed in folder: {usage, key}. */
export function synthesize(folder, options) {
  runTo(0, ["tool", "synthesize_usage", "--args", JSON.stringify({ out: folder, ...options })]);
  return {
    usage: join(folder, "usage.jsonl"),
    key: JSON.parse(readText(join(folder, "answer_key.json"))),
  };
}

/** Starts the program and hands out the process: for pipes, huge input and memory. */
export function start(args, options = {}) {
  return spawn(netra, args, { stdio: ["pipe", "pipe", "pipe"], ...options });
}

/** Every string in a value, at any depth. */
export function* strings(any) {
  if (typeof any === "string") yield any;
  else if (any && typeof any === "object") for (const item of Object.values(any)) yield* strings(item);
}

/** The text of pieces of prose ({text, rendered}) anywhere in a result. */
export function* prose(any) {
  if (!any || typeof any !== "object") return;
  if (typeof any.text === "string" && typeof any.rendered === "string") yield any;
  for (const item of Object.values(any)) yield* prose(item);
}

/** A report without what may differ between two runs: its id and its times. */
export function timeless(report) {
  const copy = structuredClone(report);
  for (const name of ["id", "generated_at", "steps"]) delete copy[name];
  return copy;
}
