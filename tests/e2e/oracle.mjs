// SPDX-License-Identifier: Apache-2.0
//
// A second opinion on sample records, written from the definitions and not from the program: one
// block at a time, a Map for what was touched when, BigInt pico-dollars. Slow and plain.
//
// Definitions. Duplicate: same feature, model, prompt_hash and input total as an answered call at most
// 300 s before, both with status ok; the first of a group stays. Cache with a time to live T, one per
// cache scope: calls with status error and calls below the model's minimum neither read nor write;
// hit = the longest prefix of the call's blocks of which each was touched at most T before;
// read = min(block size × hit, input), the rest is written; then all blocks are touched.

const MINIMUM = { "claude-sonnet-4-5-20250929": 1024, "claude-haiku-4-5-20251001": 4096 };
const AUTOMATIC_MINIMUM = 1024; // OpenAI's, documented
const TTLS = { ttl_300: 300_000, ttl_3600: 3_600_000, unbounded: Infinity };

/** `netra prices list` → model → pico-dollars per token by bucket; undefined where unknown. */
export function readBook(text) {
  const book = new Map();
  const number = (cell) => (cell === "–" ? undefined : microToPico(cell));

  for (const line of text.split("\n").slice(2)) {
    const cells = line.trim().split(/\s+/);
    if (cells.length !== 7) continue;
    const [, model, input, read, write5m, write1h, output] = cells;
    book.set(model, { input: number(input), read: number(read), write5m: number(write5m),
      write1h: number(write1h), output: number(output) });
  }
  return book;
}

/** USD per million tokens = micro-dollars a token = 10^6 pico-dollars a token. */
function microToPico(text) {
  const [whole, fraction = ""] = text.split(".");
  return BigInt(whole) * 1_000_000n + BigInt(fraction.padEnd(6, "0"));
}

const inputOf = (r) =>
  (r.input_uncached ?? 0) + (r.cache_read ?? 0) + (r.cache_write_5m ?? 0) + (r.cache_write_1h ?? 0);

function costOf(price, { uncached = 0, read = 0, write5m = 0, write1h = 0, output = 0 }) {
  const part = (tokens, rate) => (tokens ? BigInt(tokens) * rate : 0n);

  return part(uncached, price.input) + part(read, price.read) + part(write5m, price.write5m) +
    part(write1h, price.write1h) + part(output, price.output);
}

const recordedCost = (price, r) => costOf(price, { uncached: r.input_uncached, read: r.cache_read,
  write5m: r.cache_write_5m, write1h: r.cache_write_1h, output: r.output });

/* Anthropic takes money for a write; OpenAI's automatic cache writes at the plain input price. */
const isExplicit = (model) => model.startsWith("claude-");

function* blocksOf(record) {
  for (const [start, length] of record.hash_ids ?? []) {
    for (let i = 0; i < length; i++) yield start + i;
  }
}

/** The cost of one call with a cache of that name, and the blocks it hit. */
function replay(record, price, touched, name) {
  const input = inputOf(record);
  const minimum = MINIMUM[record.model] ?? AUTOMATIC_MINIMUM;
  if (input < minimum) return { hit: 0, cost: costOf(price, { uncached: input, output: record.output }) };

  const now = Date.parse(record.time);
  let hit = 0;
  for (const block of blocksOf(record)) {
    const last = touched.get(block);
    if (last === undefined || now - last > TTLS[name]) break;
    hit++;
  }
  for (const block of blocksOf(record)) touched.set(block, now);
  const read = Math.min(hit * record.block_size, input);
  const written = input - read;
  const bucket = !isExplicit(record.model) || name === "unbounded" ? "uncached"
    : name === "ttl_3600" ? "write1h" : "write5m";
  return { hit, cost: costOf(price, { read, [bucket]: written, output: record.output }) };
}

function findDuplicates(records, costs) {
  const kept = new Map();
  const found = { count: 0, cost: 0n, byFeature: new Map() };

  records.forEach((r, i) => {
    if (r.status !== "ok" || r.prompt_hash === undefined) return;
    const key = JSON.stringify([r.feature, r.model, r.prompt_hash, inputOf(r)]);
    const now = Date.parse(r.time);
    if (!kept.has(key) || now - kept.get(key) > 300_000) {
      kept.set(key, now);
      return;
    }
    found.count++;
    found.cost += costs[i];
    found.byFeature.set(r.feature, (found.byFeature.get(r.feature) ?? 0n) + costs[i]);
  });
  return found;
}

export function oracle(records, book) {
  const costs = records.map((r) => recordedCost(book.get(r.model), r));
  const result = { spend: costs.reduce((a, b) => a + b, 0n), duplicates: findDuplicates(records, costs),
    cache: { none: 0n, now: 0n }, explicit: new Map() };
  const caches = {};

  for (const name of Object.keys(TTLS)) {
    result.cache[name] = { hitBlocks: 0, cost: 0n };
    caches[name] = new Map();
  }
  records.forEach((r, i) => {
    if (!r.hash_ids || r.status === "error") return;
    const price = book.get(r.model);
    result.cache.none += costOf(price, { uncached: inputOf(r), output: r.output });
    result.cache.now += costs[i];
    const sums = result.explicit.get(r.feature) ?? { now: 0n, ttl_300: 0n, ttl_3600: 0n, unbounded: 0n };
    for (const name of Object.keys(TTLS)) {
      if (!caches[name].has(r.cache_scope)) caches[name].set(r.cache_scope, new Map());
      const { hit, cost } = replay(r, price, caches[name].get(r.cache_scope), name);
      result.cache[name].hitBlocks += hit;
      result.cache[name].cost += cost;
      sums[name] += cost;
    }
    sums.now += costs[i];
    if (isExplicit(r.model)) result.explicit.set(r.feature, sums);
  });
  return result;
}
