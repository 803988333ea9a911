// SPDX-License-Identifier: Apache-2.0
//
// The sample: what was put into the made-up records on purpose is found, in dollars within 1 %, on
// seeds that are drawn when the test runs. Beside the answer key stands an oracle of its own, which
// reads usage.jsonl and the price book and computes duplicates and caches block by block.
//
// NETRA_E2E_SEED=N repeats the seeds of an earlier run.

import { randomInt } from "node:crypto";
import { test } from "node:test";
import assert from "node:assert/strict";
import { lines, money, pico, readText, run, synthesize, tool, withTempDir, writeText } from "./support.mjs";
import { oracle, readBook } from "./oracle.mjs";

const SEEDS = 20;
const ORACLE_SEEDS = 3;
const first = Number(process.env.NETRA_E2E_SEED ?? randomInt(1, 2 ** 40));
const seeds = Array.from({ length: SEEDS }, (_, i) => first + i * 7919);

/** |found − expected| ÷ expected; money as decimal strings. */
function relativeError(found, expected) {
  const off = pico(found) - pico(expected);
  assert.notEqual(pico(expected), 0n, "the key says $0: the comparison would prove nothing");
  return Number((off < 0n ? -off : off) * 10n ** 12n / pico(expected)) / 1e12;
}

test("injected waste is found within 1 % on 20 unseen seeds", async (t) => {
  t.diagnostic(`seeds from NETRA_E2E_SEED=${first}`);
  let worst = 0;
  let compared = 0;

  for (const seed of seeds) {
    await withTempDir((folder) => {
      const { usage, key } = synthesize(folder, { seed });
      const cache = tool("cache_audit", { data: usage });
      const repeats = tool("duplicate_calls", { data: usage });
      const plan = tool("choose_plan", { data: usage });
      const check = (what, found, expected) => {
        const off = relativeError(found, expected);
        worst = Math.max(worst, off);
        compared++;
        assert.ok(off <= 0.01, `seed ${seed}: ${what}: found ${found}, the key says ${expected}`);
      };

      assert.ok(key.usd.unused_caching.length >= 1, `seed ${seed}: nothing was injected`);
      check("spend", money(plan, "plan.cost.before"), key.usd.spend);
      check("duplicates", money(repeats, "duplicates.cost"), key.usd.duplicated_calls);
      assert.equal(repeats.facts["duplicates.requests"].value, key.key.duplicates.count);
      for (const unused of key.usd.unused_caching) {
        for (const ttl of ["ttl_300", "ttl_3600"]) {
          const id = `cache.saving.by_feature.${unused.feature}.${ttl}`;

          check(id, money(cache, id), unused[`saving_${ttl}`]);
        }
        const best = ["saving_ttl_300", "saving_ttl_3600"].map((name) => unused[name])
          .sort((a, b) => (pico(a) < pico(b) ? 1 : -1))[0];
        const action = plan.actions.find((a) => a.title.rendered.includes(`cache for ${unused.feature}`));
        assert.ok(action, `seed ${seed}: the plan leaves the cache of ${unused.feature} unused`);
        check(`plan: ${unused.feature}`, money(plan, action.saving_alone), best);
      }
    });
  }
  t.diagnostic(`${compared} sums of money compared; worst error ${(worst * 100).toFixed(6)} %`);
});

test("an independent oracle agrees to the last digit, for every feature", async (t) => {
  const book = readBook(run(["prices", "list"]).out);
  let compared = 0;

  for (const seed of seeds.slice(0, ORACLE_SEEDS)) {
    await withTempDir((folder) => {
      const { usage, key } = synthesize(folder, { seed, days: 14, scale: 500 });
      const records = readText(usage).trimEnd().split("\n").map((line) => JSON.parse(line));
      const expected = oracle(records, book);
      const spend = tool("dataset_profile", { data: usage });
      const cache = tool("cache_audit", { data: usage });
      const repeats = tool("duplicate_calls", { data: usage });
      const equal = (found, pico_usd, what) => {
        compared++;
        assert.equal(pico(found), pico_usd, `seed ${seed}: ${what}`);
      };

      equal(money(spend, "spend.total"), expected.spend, "spend");
      equal(key.usd.spend, expected.spend, "spend of the key");
      equal(money(repeats, "duplicates.cost"), expected.duplicates.cost, "duplicates");
      equal(key.usd.duplicated_calls, expected.duplicates.cost, "duplicates of the key");
      assert.equal(repeats.facts["duplicates.requests"].value, expected.duplicates.count);
      for (const [feature, cost] of expected.duplicates.byFeature) {
        equal(money(repeats, `duplicates.cost.by_feature.${feature}`), cost, `duplicates of ${feature}`);
      }
      const named = Object.keys(repeats.facts).filter((id) => id.startsWith("duplicates.cost.by_feature."));
      assert.equal(named.length, expected.duplicates.byFeature.size, "features with duplicates");
      for (const ttl of ["ttl_300", "ttl_3600", "unbounded"]) {
        assert.equal(cache.facts[`cache.hit_blocks.${ttl}`].value, expected.cache[ttl].hitBlocks, ttl);
        equal(money(cache, `cache.cost.${ttl}`), expected.cache[ttl].cost, `cost with ${ttl}`);
      }
      equal(money(cache, "cache.cost.none"), expected.cache.none, "cost without a cache");
      equal(money(cache, "cache.cost.now"), expected.cache.now, "cost as recorded");
      assert.ok(expected.explicit.size >= 1);
      for (const [feature, sums] of expected.explicit) {
        for (const ttl of ["ttl_300", "ttl_3600"]) {
          equal(money(cache, `cache.saving.by_feature.${feature}.${ttl}`), sums.now - sums[ttl],
            `${ttl} for ${feature}`);
        }
      }
      const rows = Object.keys(cache.facts).filter((id) => id.startsWith("cache.now.by_feature."));
      assert.equal(rows.length, expected.explicit.size, "features whose caching can be turned on");
      for (const unused of key.usd.unused_caching) {
        const sums = expected.explicit.get(unused.feature);

        equal(unused.saving_ttl_300, sums.now - sums.ttl_300, `key: five minutes: ${unused.feature}`);
        equal(unused.saving_ttl_3600, sums.now - sums.ttl_3600, `key: one hour: ${unused.feature}`);
      }
    });
  }
  t.diagnostic(`${compared} sums of money equal to the pico-dollar, seeds from ${first}`);
});

test("repeats that are no duplicates stay out of the sum", async () => {
  await withTempDir((folder) => {
    const call = (id, second, more = {}) => ({
      request_id: id, time: new Date(Date.UTC(2026, 7, 3, 12, 0, second)).toISOString(), feature: "chat",
      model: "gpt-4o", status: "ok", input_tokens: 1000, output_tokens: 100, prompt_hash: "aa", ...more,
    });
    const usage = writeText(folder, "u.jsonl", lines([
      call("a", 0),
      call("b", 30), // the one duplicate: $0.0035
      call("c", 31, { prompt_hash: "bb" }),
      call("d", 32, { feature: "other" }),
      call("e", 33, { model: "gpt-4o-mini" }),
      call("f", 34, { input_tokens: 1001 }),
      call("g", 40, { prompt_hash: "cc", status: "error" }),
      call("h", 50, { prompt_hash: "cc" }), // a retry after a failure
      call("i", 60 + 3600), // an hour later
    ]));
    const found = tool("duplicate_calls", { data: usage });

    assert.equal(found.facts["duplicates.requests"].value, 1);
    assert.equal(money(found, "duplicates.cost"), "0.0035");
  });
});

test("the same seed gives the same bytes, another seed others", async () => {
  await withTempDir((folder) => {
    const options = { seed: first, days: 7, scale: 100 };
    const read = (name, more = {}) => {
      synthesize(`${folder}/${name}`, { ...options, ...more });
      return readText(`${folder}/${name}/usage.jsonl`) + readText(`${folder}/${name}/answer_key.json`);
    };
    const once = read("a");

    assert.equal(read("b"), once);
    assert.notEqual(read("c", { seed: first + 1 }), once);
    assert.ok(!once.includes("\n\n") && once.includes('"netra-synthetic"'));
  });
});
