// SPDX-License-Identifier: Apache-2.0
//
// Same records, prices, prompt, seed and as-of: the same bytes, apart from the report's id and times.

import { test } from "node:test";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { run, runTo, synthesize, timeless, withTempDir, writeText } from "./support.mjs";

const ID = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g;
const PROMPTS = ["How can we reduce costs by 20 %?", "Audit my KV caching", "Where does the money go?"];

/* The report's own id and the times of this very day; the records are of another year's week. */
const masked = (text) => text.replace(ID, "ID").replace(
  new RegExp(`${new Date().toISOString().slice(0, 10)}T[0-9:.]+Z`, "g"), "NOW");

test("the same question twice gives the same bytes in every format", () => withTempDir((folder) => {
  const { usage } = synthesize(folder, { seed: 3, days: 14, scale: 200 });

  for (const prompt of PROMPTS) {
    for (const format of ["term", "md", "html", "json", "csv"]) {
      const args = ["ask", prompt, "--data", usage, "--format", format];
      const [one, two] = [runTo(0, args), runTo(0, args)];

      assert.equal(masked(two.out), masked(one.out), `${prompt} as ${format}`);
      assert.equal(two.err, one.err);
      if (format === "json") {
        assert.notEqual(JSON.parse(one.out).id, JSON.parse(two.out).id, "each report has its own id");
        assert.equal(JSON.stringify(timeless(JSON.parse(two.out))),
          JSON.stringify(timeless(JSON.parse(one.out))), "apart from id, generated_at and steps");
      }
    }
  }
}));

test("a tool's result is the same bytes, whatever the environment", () => withTempDir((folder) => {
  const { usage } = synthesize(folder, { seed: 3, days: 7, scale: 100 });
  const environments = [{}, { LC_ALL: "de_DE.UTF-8", LANG: "de_DE.UTF-8" }, { TZ: "Asia/Kathmandu" },
    { LC_ALL: "tr_TR.UTF-8" }, { LC_ALL: "C", TERM: "dumb" }, { MALLOC_PERTURB_: "165" }];

  for (const name of ["cache_audit", "choose_plan", "spend_breakdown", "latency_profile"]) {
    const texts = environments.map((env) => runTo(0, ["tool", name, "--data", usage], { env }).out);

    assert.equal(new Set(texts).size, 1, name);
  }
}));

test("records by file, by standard input or compressed give the same facts in a report", () =>
  withTempDir((folder) => {
    const { usage } = synthesize(folder, { seed: 4, days: 7, scale: 100 });
    const facts = (args, input) => {
      const report = JSON.parse(runTo(0, ["ask", PROMPTS[0], "--json", ...args], { input }).out);
      return JSON.stringify(report.facts);
    };
    const text = readFileSync(usage, "utf8");

    assert.equal(facts(["--data", "-"], text), facts(["--data", usage]));
  }));

test("--as-of fixes now", () => withTempDir((folder) => {
  const { usage } = synthesize(folder, { seed: 4, days: 7, scale: 100 });
  const report = JSON.parse(runTo(0, ["ask", PROMPTS[0], "--data", usage, "--as-of",
    "2026-08-11T12:00:00Z", "--json"]).out);

  assert.equal(report.as_of, "2026-08-11T12:00:00Z");
  for (const bad of ["yesterday", "2026-13-01T00:00:00Z", "", "99999999999"]) {
    assert.equal(run(["ask", PROMPTS[0], "--as-of", bad]).code, 2, bad);
  }
}));

test("the program changes nothing beside what it is told to write", () => withTempDir((folder) => {
  const { usage } = synthesize(folder, { seed: 4, days: 3, scale: 50 });
  const before = readFileSync(usage);

  runTo(0, ["ask", PROMPTS[0], "--data", usage, "--out", join(folder, "r.json")]);
  assert.ok(before.equals(readFileSync(usage)));
  writeText(folder, "x", "");
}));
