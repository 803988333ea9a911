// SPDX-License-Identifier: Apache-2.0
//
// The tools from the shell: known right answers on public traces, schemas, arguments line by line.

import { test } from "node:test";
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import {
  assertMoney, data, fact, lines, money, needsData, pico, run, runTo, synthesize, tool, value,
  withTempDir, writeText,
} from "./support.mjs";

const TOLERANCE = 10n ** 8n; // 0.0001 USD
const trace = data && join(data, "agentic/agentic_coding_rle.jsonl.gz");
const litellm = data && join(data, "prices/litellm_model_prices.json");
const audit = (files, args, more = []) =>
  tool("cache_audit", { data: files, args, more: ["--prices", litellm, ...more] });

test("cache_audit: the agentic trace at flat prices", needsData, (t) => {
  const began = process.hrtime.bigint();
  const found = audit(trace, { honour_minimum: false, honour_context_tiers: false });
  const ms = Number(process.hrtime.bigint() - began) / 1e6;

  t.diagnostic(`${ms.toFixed(0)} ms from the gzip file to the answer`);
  assert.ok(ms < 2000, "under 2 s from the gzip file");
  for (const [id, usd] of Object.entries({
    none: "25182.372257", ttl_300: "5285.108495", ttl_3600: "4783.100798", unbounded: "3742.289441",
  })) {
    assertMoney(money(found, `cache.cost.${id}`), usd, TOLERANCE, id);
  }
  assert.equal(value(found, "cache.requests"), 49334);
  assert.equal(value(found, "cache.block_refs"), 94310647);
  for (const [id, blocks, tokens] of [["ttl_300", 86391790, 5529074560],
    ["ttl_3600", 90519166, 5793226624], ["unbounded", 90852540, 5814562560]]) {
    assert.equal(value(found, `cache.hit_blocks.${id}`), blocks);
    assert.ok(Math.abs(value(found, `cache.hit_ratio.${id}`) - blocks / 94310647) < 1e-6, id);
    assert.ok(Math.abs(value(found, `cache.token_hit_ratio.${id}`) - tokens / 6037445403) < 1e-6, id);
  }
});

test("cache_audit: with long-context tiers, and a caveat for the price by rule", needsData, () => {
  const found = audit(trace, { honour_minimum: false, honour_context_tiers: true });

  for (const [id, usd] of Object.entries({
    none: "31155.11441", ttl_300: "6488.913881", ttl_3600: "5891.79127",
  })) {
    assertMoney(money(found, `cache.cost.${id}`), usd, TOLERANCE, id);
  }
  const caveat = found.caveats.find((c) => c.rendered.includes("claude-sonnet-4"));
  assert.ok(caveat, "a caveat names claude-sonnet-4");
  assert.match(caveat.rendered, /one-hour write/);
  assert.match(caveat.rendered, /twice/);
  assert.match(caveat.rendered, /documented rule/);
  for (const flat of audit(trace, { honour_minimum: false, honour_context_tiers: false }).caveats) {
    assert.doesNotMatch(flat.rendered, /documented rule/, "no rule is needed at flat prices");
  }
});

test("cache_audit: no argument, or the built-in book, gives an answer as well", needsData, () => {
  const found = tool("cache_audit", { data: trace });

  assert.equal(value(found, "cache.block_refs"), 94310647);
  assert.ok(pico(money(found, "cache.cost.ttl_3600")) < pico(money(found, "cache.cost.ttl_300")));
  assert.ok(value(found, "cache.hit_blocks.unbounded") <= 90852540, "minimums only take hits away");
});

test("cache_audit: the 40 originals say the same as their lines of runs", needsData, async () => {
  const folder = join(data, "agentic/original_sample");
  const originals = readdirSync(folder).filter((name) => name.endsWith(".json")).sort();
  const ids = new Map(originals.map((name) => [JSON.parse(readFileSync(join(folder, name))).id, name]));

  assert.equal(ids.size, 40);
  await withTempDir((temp) => {
    const all = gunzipSync(readFileSync(trace)).toString().trimEnd().split("\n");
    const same = all.filter((line) => ids.has(JSON.parse(line).id));
    assert.equal(same.length, 40);
    const args = { honour_minimum: false };
    const runs = writeText(temp, "runs.jsonl", same.join("\n") + "\n");

    // together in one file of plain lists …
    const plain = [...ids].map(([, name]) => JSON.stringify(JSON.parse(readFileSync(join(folder, name)))));
    assert.deepEqual(audit(writeText(temp, "plain.jsonl", plain.join("\n") + "\n"), args).facts,
      audit(runs, args).facts);
    // … and each file as it is, the first ten
    for (const line of same.slice(0, 10)) {
      const one = writeText(temp, "one.jsonl", line + "\n");
      const file = join(folder, ids.get(JSON.parse(line).id));

      assert.deepEqual(audit(file, args).facts, audit(one, args).facts, file);
    }
  });
});

for (const [file, requests, input, output, spend] of [
  ["AzureLLMInferenceTrace_code.csv", 8819, 18059974, 245896, "47.608895"],
  ["AzureLLMInferenceTrace_conv.csv", 19366, 22361870, 4088665, "96.791325"],
]) {
  test(`dataset_profile: ${file}`, needsData, () => {
    const path = join(data, "azure", file);
    const found = tool("dataset_profile", { data: path, more: ["--map", "model=gpt-4o"] });

    assert.equal(value(found, "requests.total"), requests);
    assert.equal(value(found, "tokens.input.total"), input);
    assert.equal(value(found, "tokens.output.total"), output);
    assert.equal(money(found, "spend.total"), spend);
  });
}

test("traffic_profile: minute peaks and the limit of both Azure traces", needsData, () => {
  for (const [file, expected] of [
    ["code", { "traffic.peak_rpm.calendar": 585, "traffic.peak_tpm.calendar": 1257868,
      "traffic.peak_rpm.sliding": 723, "traffic.peak_tpm.sliding": 1409698,
      "traffic.required_tpm.token_bucket": 825236 }],
    ["conv", { "traffic.peak_rpm.calendar": 502, "traffic.peak_tpm.calendar": 780667,
      "traffic.peak_rpm.sliding": 522, "traffic.peak_tpm.sliding": 830960,
      "traffic.required_tpm.token_bucket": 638827 }],
  ]) {
    const found = tool("traffic_profile", {
      data: join(data, `azure/AzureLLMInferenceTrace_${file}.csv`), more: ["--map", "model=gpt-4o"] });

    for (const [id, count] of Object.entries(expected)) assert.equal(value(found, id), count, `${file} ${id}`);
  }
});

test("what_if_model: both Azure traces on gpt-4o-mini", needsData, () => {
  for (const [file, usd] of [["code", "2.8565337"], ["conv", "5.8074795"]]) {
    const found = tool("what_if_model", { args: { model: "gpt-4o-mini" },
      data: join(data, `azure/AzureLLMInferenceTrace_${file}.csv`), more: ["--map", "model=gpt-4o"] });

    assert.equal(money(found, "whatif.gpt-4o-mini.cost"), usd);
    assert.ok(Number(value(found, "whatif.gpt-4o-mini.breakeven_output_multiplier")) > 1);
  }
});

test("the list of tools is JSON with a schema for each", () => {
  const tools = JSON.parse(runTo(0, ["tool"]).out);
  const types = new Set(["boolean", "integer", "number", "string", "array"]);

  assert.ok(tools.length >= 10);
  for (const { name, description, needs_records, input_schema } of tools) {
    assert.match(name, /^[a-z]+(_[a-z]+)*$/);
    assert.ok(description.length > 20, name);
    assert.equal(typeof needs_records, "boolean");
    assert.equal(input_schema.type, "object");
    assert.equal(input_schema.additionalProperties, false);
    for (const required of input_schema.required) assert.ok(required in input_schema.properties);
    for (const property of Object.values(input_schema.properties)) {
      assert.ok(types.has(property.type), name);
      assert.ok(property.description.length > 5, name);
      if (property.type === "array") assert.ok(types.has(property.items.type), name);
    }
  }
});

test("each tool that needs records answers on the sample, with facts that say where they are from",
  async () => {
    await withTempDir((folder) => {
      const { usage } = synthesize(folder, { seed: 11, days: 7, scale: 200 });

      for (const { name, needs_records } of JSON.parse(runTo(0, ["tool"]).out)) {
        if (!needs_records) continue;
        const found = tool(name, { data: usage,
          args: name === "what_if_model" ? { model: "gpt-4o-mini" } : {} });

        assert.ok(Object.keys(found.facts).length > 0, name);
        for (const [id, f] of Object.entries(found.facts)) {
          assert.match(id, /^[^\s.]+(\.[^\s.]+)+$/, name);
          assert.ok(["computed", "bounded", "unknown"].includes(f.state), id);
          assert.ok(f.query.startsWith(`${name} {`), id);
          if (f.state === "unknown") {
            assert.equal(f.value, null, id);
            assert.ok(f.needs.length > 0, `${id} says what it needs`);
          } else {
            assert.ok(f.method.length > 0, id);
          }
        }
      }
    });
  });

test("wrong arguments are wrong usage, and the message names the argument", async () => {
  await withTempDir((folder) => {
    const usage = writeText(folder, "u.jsonl",
      lines([{ time: "2026-09-01T10:00:00Z", model: "gpt-4o", input_tokens: 1, output_tokens: 1 }]));
    const refused = [
      ["cache_audit", '{"ttl_s":[0]}', /ttl_s/], ["cache_audit", '{"ttl_s":"300"}', /ttl_s/],
      ["cache_audit", '{"ttl_s":[300.5]}', /ttl_s/], ["cache_audit", '{"nonsense":1}', /nonsense/],
      ["cache_audit", '{"honour_minimum":1}', /honour_minimum/], ["cache_audit", "{", /./],
      ["cache_audit", "[]", /./], ["cache_audit", '"x"', /./],
      ["cache_audit", `{"ttl_s":[${Array(17).fill(300)}]}`, /ttl_s/],
      ["what_if_model", "{}", /model/], ["what_if_model", '{"model":null}', /model/],
      ["choose_plan", '{"cost_change":-2}', /cost_change/], ["choose_plan", '{"growth":"%n%s"}', /growth/],
      ["duplicate_calls", '{"window_s":86401}', /window_s/],
      ["duplicate_calls", '{"window_s":99999999999999999999}', /number/],
    ];
    for (const [name, args, names] of refused) {
      const result = run(["tool", name, "--data", usage, "--args", args]);

      assert.equal(result.code, 2, `${name} ${args}: ${result.err}`);
      assert.match(result.err, names, args);
      assert.equal(result.out, "");
    }
  });
});

test("--args-lines: one result a line, a bad line is an error object and does not stop the rest",
  async () => {
    await withTempDir((folder) => {
      const usage = writeText(folder, "u.jsonl",
        lines([{ time: "2026-09-01T10:00:00Z", model: "gpt-4o", input_tokens: 1000, output_tokens: 100 }]));
      const args = writeText(folder, "args", '{"model":"gpt-4o-mini"}\n\n{"model":5}\nnot json\n{"model":"gpt-5-mini"}');
      const result = run(["tool", "what_if_model", "--data", usage, "--args-lines", args]);
      const answers = result.out.trimEnd().split("\n").map(JSON.parse);

      assert.equal(result.code, 1, "some lines failed");
      assert.equal(answers.length, 4, "an empty line asks nothing");
      assert.equal(money(answers[0], "whatif.gpt-4o-mini.cost"), "0.00021");
      assert.match(answers[1].error.message, /model/);
      assert.ok(answers[2].error.code);
      assert.ok(fact(answers[3], "whatif.gpt-5-mini.cost"));
    });
  });
