// SPDX-License-Identifier: Apache-2.0
//
// The command line itself: help, wrong usage, colours, closed pipes, full disks.

import { test } from "node:test";
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { netra, readText, run, runTo, synthesize, withTempDir } from "./support.mjs";

const COMMANDS = ["ask", "tool", "parse", "prices", "recompute"];

test("help lists the commands, and each has its own", () => {
  const overview = runTo(0, ["help"]).out;

  assert.equal(runTo(0, ["--help"]).out, overview);
  for (const command of COMMANDS) {
    assert.match(overview, new RegExp(`^  ${command} `, "m"));
    const help = runTo(0, ["help", command]).out;
    assert.match(help, new RegExp(`^usage: netra ${command}`));
    assert.equal(runTo(0, [command, "--help"]).out, help);
    for (const line of help.split("\n")) assert.ok(line.length <= 100, line);
  }
  assert.match(runTo(0, ["version"]).out, /^netra \d+\.\d+\.\d+/);
  assert.match(overview, /Exit codes: 0 done, 1 failed, 2 wrong usage, 3 no usable record/);
});

test("wrong usage is exit code 2, says what is wrong, and prints no result", () => {
  for (const [args, says] of [
    [[], /usage|Commands/i], [["nonsense"], /nonsense/], [["help", "nonsense"], /nonsense/],
    [["ask"], /ask what/], [["ask", "a", "b"], /quotes/], [["ask", "a", "--nonsense"], /nonsense/],
    [["ask", "a", "--format", "pdf"], /pdf/], [["ask", "a", "--seed", "-1"], /-1/],
    [["ask", "a", "--seed", "1.5"], /1\.5/], [["ask", "a", "--data"], /data/],
    [["tool", "nonsense"], /nonsense/], [["tool", "cache_audit", "duplicate_calls"], /duplicate_calls/],
    [["prices"], /list/], [["prices", "burn"], /burn/], [["prices", "show"], /show/], [["recompute"], /report/],
    [["parse"], /parse what/], [["--nonsense"], /nonsense/], [["ask", "a", "--%n%s"], /./],
  ]) {
    const result = run(args);

    assert.equal(result.code, 2, args.join(" "));
    assert.match(result.err, says, args.join(" "));
    assert.equal(result.out, "", args.join(" "));
  }
});

test("parse prints how a prompt is understood", () => {
  const { out } = runTo(0, ["parse", "reduce costs by 20 % for chat, keep latency", "--features", "chat,search"]);
  const parsed = JSON.parse(out);

  assert.deepEqual(parsed.intents, ["reduce_cost"]);
  assert.deepEqual(parsed.entities.features, ["chat"]);
  assert.ok(parsed.constraints.some((c) => c.op === "reduce_by" && c.value === 0.2));
});

/* util-linux's script gives the program a terminal. */
const script = spawnSync("script", ["-qec", "true", "/dev/null"]);
const terminal = { skip: script.error || script.status ? "script(1) can make no terminal here" : false };

test("colours on a terminal, none with NO_COLOR and none in a pipe", terminal, () =>
  withTempDir((folder) => {
    const { usage } = synthesize(folder, { seed: 2, days: 3, scale: 50 });
    const command = `'${netra}' ask 'reduce costs' --quiet --data '${usage}'`;
    const onTerminal = (env) => spawnSync("script", ["-qec", command, "/dev/null"],
      { encoding: "utf8", env: { ...process.env, TERM: "xterm-256color", ...env } }).stdout;

    const { NO_COLOR, ...clean } = process.env;
    assert.match(spawnSync("script", ["-qec", command, "/dev/null"],
      { encoding: "utf8", env: { ...clean, TERM: "xterm-256color" } }).stdout, /\x1b\[/);
    assert.doesNotMatch(onTerminal({ NO_COLOR: "1" }), /\x1b\[/);
    assert.doesNotMatch(runTo(0, ["ask", "reduce costs", "--data", usage]).out, /\x1b/);
  }));

test("a reader that goes away ends the program quietly, at once", () => withTempDir((folder) => {
  const { usage } = synthesize(folder, { seed: 2, days: 7, scale: 200 });

  for (const words of [`ask 'reduce costs' --json --data '${usage}'`, "prices list", "tool",
    `ask 'reduce costs' --format html --data '${usage}'`]) {
    const began = Date.now();
    const piped = spawnSync("/bin/sh", ["-c", `'${netra}' ${words} | head -1`], { encoding: "utf8", timeout: 20_000 });

    assert.equal(piped.status, 0, words);
    assert.equal(piped.signal, null);
    assert.ok(piped.stdout.length > 0, words);
    assert.doesNotMatch(piped.stderr, /abort|check failed|Segmentation|Sanitizer/i);
    assert.ok(Date.now() - began < 15_000, words);
  }
}));

const full = { skip: existsSync("/dev/full") ? false : "there is no /dev/full" };

test("a result that cannot be written is a failure, not a success", full, () => withTempDir((folder) => {
  const { usage } = synthesize(folder, { seed: 2, days: 3, scale: 50 });

  for (const words of [`ask 'reduce costs' --data '${usage}'`, "prices list", "help", "tool",
    `tool dataset_profile --data '${usage}'`, "parse 'reduce costs'"]) {
    const result = spawnSync("/bin/sh", ["-c", `'${netra}' ${words} >/dev/full`], { encoding: "utf8" });

    assert.equal(result.status, 1, words);
    assert.match(result.stderr, /cannot write/, words);
  }
  const out = run(["ask", "reduce costs", "--data", usage, "--out", "/dev/full"]);
  assert.equal(out.code, 1);
  assert.match(out.err, /cannot write/);
  const sample = run(["tool", "synthesize_usage", "--args", '{"out":"/dev/null/x"}']);
  assert.equal(sample.code, 1);
}));

test("--out writes the file and nothing else", () => withTempDir((folder) => {
  const { usage } = synthesize(folder, { seed: 2, days: 3, scale: 50 });
  const path = join(folder, "report.md");
  const result = runTo(0, ["ask", "reduce costs", "--data", usage, "--out", path]);

  assert.equal(result.out, "");
  assert.match(readText(path), /^# Netra report/);
  runTo(0, ["ask", "reduce costs", "--data", usage, "--out", path, "--json"]);
  assert.ok(JSON.parse(readText(path)).facts, "--json wins over the file's ending");
}));
