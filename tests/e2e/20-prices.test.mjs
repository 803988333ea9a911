// SPDX-License-Identifier: Apache-2.0
//
// The price book and what a price does to money: what is not known is unknown, never $0.

import { test } from "node:test";
import assert from "node:assert/strict";
import { join } from "node:path";
import {
  ask, assertMoney, data, fact, lines, money, needsData, pico, readText, root, run, runTo, tool, value,
  withTempDir, writeText,
} from "./support.mjs";

const CENT_OF_A_CENT = 10n ** 8n; // 0.0001 USD in pico-dollars
const call = (more) => ({ time: "2026-09-01T10:00:00Z", input_tokens: 1000, output_tokens: 100, ...more });

test("the book says source and date of each price, and lists what it knows", () => {
  const list = runTo(0, ["prices", "list"]).out;
  const shown = JSON.parse(runTo(0, ["prices", "show", "claude-sonnet-4-5-20250929"]).out);

  assert.ok(list.split("\n").length > 50);
  assert.match(list, /gpt-4o-mini +0\.15 /);
  assert.equal(value(shown, "price.claude-sonnet-4-5-20250929.standard.cache_write_1h"), "6");
  assert.equal(value(shown, "price.claude-sonnet-4-5-20250929.standard.output.over_200000"), "22.5");
  assert.match(JSON.stringify(shown), /\d{4}-\d{2}-\d{2}/, "a date");
  assert.match(JSON.stringify(shown), /https?:|LiteLLM/, "a source");
});

test("a model that is not in the book has no price, and the exit code says so", () => {
  const shown = run(["prices", "show", "no-such-model-9"]);

  assert.equal(shown.code, 1);
  assert.match(shown.out, /"state": "unknown"/);
  assert.doesNotMatch(shown.out, /\$0|"value": "?0/);
});

test("names resolve by alias, provider prefix and dated suffix", async () => {
  await withTempDir((folder) => {
    for (const model of ["gpt-4o", "openai/gpt-4o", "gpt-4o-2024-08-06"]) {
      const usage = writeText(folder, "u.jsonl", lines([call({ model })]));

      const profile = tool("dataset_profile", { data: usage });
      const told = profile.caveats.some((c) => c.text.includes(`\`${model}\` is priced as`));

      assert.equal(money(profile, "spend.total"), "0.0035", model);
      assert.equal(told, model !== "gpt-4o", `the report says how ${model} was resolved`);
    }
  });
});

test("money is exact: a million calls of odd prices sum without a rounding", async () => {
  await withTempDir((folder) => {
    const rows = ["time,model,input_tokens,output_tokens"];
    for (let i = 0; i < 20_000; i++) rows.push(`2026-09-01T10:00:00Z,gpt-4o-mini,${i},7`);
    const usage = writeText(folder, "u.csv", rows.join("\n") + "\n");
    const inputs = (19_999n * 20_000n) / 2n;

    // $0.15 and $0.60 a million tokens are 150,000 and 600,000 pico-dollars a token
    assert.equal(pico(money(tool("dataset_profile", { data: usage }), "spend.total")),
      inputs * 150_000n + 20_000n * 7n * 600_000n);
  });
});

test("a call of an unknown model makes the spend unknown or bounded, never $0", async () => {
  await withTempDir((folder) => {
    const usage = writeText(folder, "u.jsonl", lines([call({ model: "mystery-9000" })]));
    const profile = tool("dataset_profile", { data: usage });
    const report = ask("Where does the money go?", { data: usage });

    for (const result of [profile, report]) {
      assert.equal(fact(result, "spend.total").state, "unknown");
      assert.equal(value(result, "spend.total"), null);
      assert.match(fact(result, "spend.total").needs, /price/);
      for (const [id, f] of Object.entries(result.facts)) {
        if (f.unit === "USD") assert.notEqual(f.printed, "$0.00", `${id} says $0`);
      }
    }
    assert.ok(JSON.stringify(report.needs.concat(report.caveats)).includes("mystery-9000"),
      "the model without a price is named");
    for (const format of ["term", "md", "html"]) {
      assert.doesNotMatch(runTo(0, ["ask", "Where does the money go?", "--data", usage,
        "--format", format]).out, /\$0(\.0+)?\b/, format);
    }
  });
});

test("a partly unknown bill is bounded from below, and says what is missing", async () => {
  await withTempDir((folder) => {
    const usage = writeText(folder, "u.jsonl",
      lines([call({ model: "gpt-4o" }), call({ model: "mystery-9000", time: "2026-09-01T11:00:00Z" })]));
    const report = ask("Where does the money go?", { data: usage });
    const spend = fact(report, "spend.total");

    assert.equal(spend.state, "bounded");
    assert.equal(spend.low, "0.0035");
    assert.equal(spend.high ?? null, null, "nobody knows the upper end");
    assert.notEqual(fact(report, "spend.by_model.mystery-9000").state, "computed");
    assert.equal(value(report, "spend.by_model.gpt-4o"), "0.0035");
    assert.ok(JSON.stringify(report.needs.concat(report.caveats)).includes("mystery-9000"));
  });
});

test("the records' tokens are priced by long-context tier and service tier", async () => {
  await withTempDir((folder) => {
    const model = "claude-sonnet-4-5-20250929";
    const price = (more) => {
      const usage = writeText(folder, "u.jsonl", lines([call({ model, output_tokens: 0, ...more })]));
      return money(tool("dataset_profile", { data: usage }), "spend.total");
    };

    assert.equal(price({ input_tokens: 200_000 }), "0.6", "equality stays low");
    assert.equal(price({ input_tokens: 200_001 }), "1.200006", "the whole request is re-priced");
    assert.equal(price({ input_tokens: 1000, service_tier: "batch" }), "0.0015");
  });
});

test("a price list of a user replaces the book", async () => {
  await withTempDir((folder) => {
    const prices = writeText(folder, "p.json", JSON.stringify({
      "house-model": { litellm_provider: "openai", mode: "chat", input_cost_per_token: 1e-6,
        output_cost_per_token: 2e-6 },
    }));
    const usage = writeText(folder, "u.jsonl", lines([call({ model: "house-model" })]));
    const book = join(folder, "book.json");

    assert.equal(money(tool("dataset_profile", { data: usage, more: ["--prices", prices] }),
      "spend.total"), "0.0012");
    runTo(0, ["prices", "import", prices, "--out", book]);
    assert.equal(money(tool("dataset_profile", { data: usage, more: ["--prices", book] }),
      "spend.total"), "0.0012", "the same after import");
    for (const broken of ["", "{", "[]", "{}", "\u0000\u0001", '{"m":{"input_cost_per_token":"x"}}']) {
      const result = run(["tool", "dataset_profile", "--data", usage, "--prices",
        writeText(folder, "broken.json", broken)]);

      // either the list is refused, or nothing in it has a price; it is never free
      if (result.code === 0) {
        assert.equal(fact(JSON.parse(result.out), "spend.total").state, "unknown", broken);
      } else {
        assert.equal(result.code, 1, broken);
        assert.match(result.err, /netra: /, broken);
      }
    }
  });
});

test("LiteLLM's whole map is imported, and compared with the book", needsData, async () => {
  await withTempDir((folder) => {
    const map = join(data, "prices/litellm_model_prices.json");
    const book = join(folder, "book.json");
    const result = runTo(0, ["prices", "import", map, "--out", book]);

    assert.match(result.err, /(\d+) prices read/);
    assert.ok(Number(result.err.match(/(\d+) prices read/)[1]) > 2000);
    const shown = JSON.parse(runTo(0, ["prices", "show", "gpt-4o", "--prices", book]).out);
    assert.equal(value(shown, "price.gpt-4o.standard.input"), "2.5");
    assert.match(runTo(0, ["prices", "diff", map]).out, /\d+ models in both, \d+ prices differ/);
  });
});

/* A golden case's price, in the words of LiteLLM's map. */
function inLitellmWords(price) {
  const names = { input: "input_cost_per_token", output: "output_cost_per_token",
    cache_read: "cache_read_input_token_cost", cache_write_5m: "cache_creation_input_token_cost" };
  const entry = { litellm_provider: "house", mode: "chat" };

  for (const [ours, theirs] of Object.entries(names)) {
    if (price[ours] !== undefined) entry[theirs] = price[ours];
    if (price.tier?.[ours] !== undefined) {
      entry[`${theirs}_above_${price.tier.over / 1000}k_tokens`] = price.tier[ours];
    }
  }
  return { "house-model": entry };
}

test("each golden price case is right within 0.0001 USD", async () => {
  const cases = readText(join(root, "tests/data/price_cases.jsonl")).trim().split("\n").map(JSON.parse);

  assert.equal(cases.length, 12);
  await withTempDir((folder) => {
    for (const { id, usage: tokens, price, expected_usd } of cases) {
      const { uncached = 0, cache_read = 0, cache_write_5m = 0, output = 0 } = tokens;
      const usage = writeText(folder, "u.jsonl", lines([{ time: "2026-09-01T10:00:00Z",
        model: "house-model", input_uncached: uncached, cache_read, cache_write_5m, output }]));
      const prices = writeText(folder, "p.json", JSON.stringify(inLitellmWords(price)));
      const profile = tool("dataset_profile", { data: usage, more: ["--prices", prices] });

      assertMoney(money(profile, "spend.total"), expected_usd.toFixed(9), CENT_OF_A_CENT, id);
    }
  });
});
