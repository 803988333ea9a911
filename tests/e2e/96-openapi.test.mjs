// SPDX-License-Identifier: Apache-2.0
//
// The server's own /openapi.json drives the server: for each route good and bad parameters and bodies, made
// from the schemas by a seeded generator. Whatever is sent, the answer is one that the document has: the
// status it names with a body of its schema, or a problem; never 5xx but 503; and afterwards the server is
// well. NETRA_FUZZ_SEED repeats or varies a run, NETRA_FUZZ_ROUNDS makes it longer.

import assert from "node:assert/strict";
import { test } from "node:test";

import { Server } from "./server.mjs";

const SEED = Number(process.env.NETRA_FUZZ_SEED ?? 20261123);
const ROUNDS = Number(process.env.NETRA_FUZZ_ROUNDS ?? 14);
const MS_MAX = 15_000;
const METHODS = ["get", "post", "put", "patch", "delete"];
const UPGRADE = "/ws"; /* other suites */

class Random {
  constructor(seed) {
    this.state = seed >>> 0 || 1;
  }
  below(limit) {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) % limit;
  }
  pick(list) {
    return list[this.below(list.length)];
  }
  chance(percent) {
    return this.below(100) < percent;
  }
}

const odd = [
  null, true, false, 0, -1, 1, 1.5, -0, 1e308, 2 ** 53, -(2 ** 63), 1e400, "", " ", "x", "\u0000", "\ud800", "é€😀",
  "../..", "' OR 1=1 --", "<script>", "%00", "\r\nX: y", "a".repeat(65), "b".repeat(5000), [], [[]], {}, { a: { b: [] } },
  [null], "2026-02-30T00:00:00Z",
];
const oddText = odd.filter((value) => typeof value === "string");
const brokenBodies = ["", "{", "[", "nul", '"', "{}{}", '{"a":1,"a":2}', "\ufeff{}", "[".repeat(3000), "1e999", "{'a':1}", "\u0000"];
const types = ["application/json", "application/json; charset=utf-8", "text/plain", "application/xml", ""];

/** Half of a pair cannot be in an address; in a body it can. */
const wellFormed = (text) => text.replace(/\p{Surrogate}/gu, "\ufffd");

/** A value of the schema, or near it. */
function valueOf(schema, spec, random, depth = 0) {
  const found = schema.$ref ? spec.components.schemas[schema.$ref.split("/").at(-1)] : schema;
  if (random.chance(12)) return random.pick(odd);
  if (found.enum) return random.pick(found.enum);
  if (found.type === "integer") {
    return random.pick([found.minimum ?? 0, (found.minimum ?? 0) - 1, found.maximum ?? 7, (found.maximum ?? 7) + 1, random.below(1000)]);
  }
  if (found.type === "boolean") return random.chance(50);
  if (found.type === "array") {
    const length = depth > 3 ? 0 : random.below(4);
    return Array.from({ length }, () => valueOf(found.items ?? {}, spec, random, depth + 1));
  }
  if (found.type === "object") {
    const made = {};
    for (const [name, member] of Object.entries(found.properties ?? {})) {
      if (random.chance(found.required?.includes(name) ? 90 : 50)) made[name] = valueOf(member, spec, random, depth + 1);
    }
    if (random.chance(15)) made[random.pick(oddText) || "more"] = random.pick(odd);
    return made;
  }
  return random.pick(["hello", "What do I spend?", "gpt-4o", ...oddText]);
}

function fill(path, known, random) {
  return path.replace(/\{(\w+)\}/g, (_, name) => {
    const ids = name === "id" ? known.ids : name === "name" ? known.tools : known.models;
    return encodeURIComponent(random.chance(65) ? random.pick(ids) : wellFormed(random.pick(oddText))) || "-";
  });
}

function queryOf(operation, known, spec, random) {
  const pairs = [];
  for (const parameter of operation.parameters ?? []) {
    if (parameter.in !== "query" || random.chance(40)) continue;
    const value = valueOf(parameter.schema, spec, random);
    for (const one of parameter.schema.type === "array" && Array.isArray(value) ? value : [value]) {
      const text = typeof one === "object" ? JSON.stringify(one) : String(one);
      pairs.push(`${parameter.name}=${encodeURIComponent(wellFormed(text)).slice(0, 3000).replace(/%\w?$/, "")}`);
    }
  }
  if (random.chance(5)) pairs.push(random.pick(["%zz=1", "limit=%", "&&&", "=", "limit=1&limit=x", "after=%ff"]));
  return pairs.length ? `?${pairs.join("&")}` : "";
}

/** Bodies that do something more often than chance would have them. */
function bodyOf(operation, known, spec, random) {
  const content = operation.requestBody?.content ?? {};
  if (content["application/octet-stream"]) {
    const row = '{"timestamp":"2025-01-01T00:00:00Z","model":"gpt-4o","prompt_tokens":5,"completion_tokens":3}\n';
    const bytes = random.pick([row, row.repeat(20), "a,b,c\n1,2,3\n", "", "\u0000".repeat(100), "\x1f\x8b\x08broken", ...brokenBodies]);
    return { body: bytes, type: "application/octet-stream" };
  }
  const schema = content["application/json"]?.schema;
  if (random.chance(10) || !schema) return { body: random.pick(brokenBodies), type: random.pick(types) };
  const value = valueOf(schema, spec, random);
  if (value && typeof value === "object" && !Array.isArray(value)) {
    if ("dataset" in value && random.chance(70)) value.dataset = known.dataset;
    if ("messages" in value && random.chance(70)) value.messages = [{ id: "m", role: "user", content: "hello" }];
    if ("prompt" in value && random.chance(50)) value.prompt = "hello";
  }
  return { body: JSON.stringify(value), type: random.chance(90) ? "application/json" : random.pick(types) };
}

/** The small part of JSON Schema that the document uses; where it is not so, or undefined. */
function mismatch(schema, value, spec, at = "") {
  const s = schema.$ref ? spec.components.schemas[schema.$ref.split("/").at(-1)] : schema;
  const kinds = {
    string: typeof value === "string",
    integer: Number.isInteger(value),
    number: typeof value === "number",
    boolean: typeof value === "boolean",
    array: Array.isArray(value),
    object: value !== null && typeof value === "object" && !Array.isArray(value),
    null: value === null,
  };
  const allowed = s.type === undefined ? [] : [].concat(s.type);
  if (allowed.length && !allowed.some((type) => kinds[type])) return `${at || "/"} is no ${allowed}: ${JSON.stringify(value)}`;
  if (s.enum && !s.enum.includes(value)) return `${at} is none of ${s.enum}: ${value}`;
  if (s.pattern && kinds.string && !new RegExp(s.pattern).test(value)) return `${at} is not ${s.pattern}: ${value}`;
  for (const name of s.required ?? []) if (kinds.object && !(name in value)) return `${at}/${name} is missing`;
  for (const [name, member] of Object.entries(s.properties ?? {})) {
    if (!kinds.object || !(name in value)) continue;
    const wrong = mismatch(member, value[name], spec, `${at}/${name}`);
    if (wrong) return wrong;
  }
  for (const [i, item] of kinds.array && s.items ? value.entries() : []) {
    const wrong = mismatch(s.items, item, spec, `${at}/${i}`);
    if (wrong) return wrong;
  }
  return undefined;
}

/** Members that protocol.md promises beside those of the schema. */
function assertProblem(answer, problem, spec, what) {
  assert.match(answer.headers.get("content-type") ?? "", /^application\/problem\+json/, what);
  assert.equal(mismatch({ $ref: "#/components/schemas/Problem" }, problem, spec), undefined, what);
  assert.equal(problem.status, answer.status, what);
  assert.equal(typeof problem.type, "string", what);
  assert.ok(problem.detail, what);
  if (answer.status === 401) assert.ok(problem.login_url && answer.headers.get("www-authenticate"), what);
  if (answer.status === 403) assert.ok(problem.needs, what);
  if (answer.status === 405) assert.ok(answer.headers.get("allow"), what);
  if (answer.status === 503 || answer.status === 429) assert.ok(answer.headers.get("retry-after"), what);
}

async function assertDocumented(server, spec, request, tally) {
  const { operation, method, target, body, type } = request;
  const what = `seed ${SEED}: ${method.toUpperCase()} ${target.slice(0, 300)} ${type ?? ""} ${String(body).slice(0, 400)}`;
  const init = { method: method.toUpperCase(), body, signal: AbortSignal.timeout(MS_MAX), headers: { ...request.headers } };
  if (body !== undefined) init.headers["content-type"] = type;
  let answer, text;
  try {
    answer = await server.fetch(target, init);
    text = await answer.text();
  } catch (error) {
    assert.fail(`${what}: ${error.message} ${error.cause?.message ?? ""}`);
  }
  tally[answer.status] = (tally[answer.status] ?? 0) + 1;
  const told = `${what}\n→ ${answer.status} ${text.slice(0, 600)}`;
  assert.ok(answer.status < 500 || answer.status === 503, told);
  // A sign-in without a code, or with one that does not work, is a page for people; and a run that is asked for again is 200.
  const isAgain = answer.status === 200 && operation.responses["202"];
  const isGood = answer.status < 400;
  const documented = (isGood ? operation.responses[answer.status] : undefined) ?? (isAgain ? operation.responses["202"] : undefined);
  if (documented) {
    const content = documented.content?.["application/json"];
    const wrong = content && text ? mismatch(content.schema, JSON.parse(text), spec) : undefined;
    assert.equal(wrong, undefined, told);
  } else if (answer.status === 304) {
    assert.ok(request.headers?.["if-none-match"] && text === "", told);
  } else if (!(operation.operationId === "get_auth_sign_in" && [200, 401].includes(answer.status))) {
    assert.ok(answer.status >= 400, told);
    assertProblem(answer, JSON.parse(text), spec, told);
  }
}

/** Headers that the gate, http and traces read: good, odd and none. */
function headersOf(random, known) {
  const headers = {};
  const maybe = (name, values) => {
    if (random.chance(25)) headers[name] = random.pick(values);
  };
  maybe("idempotency-key", ["k1", "k2", `k${random.below(1000)}`, "a b", "x".repeat(255), "y".repeat(256), '"q"']);
  maybe("if-none-match", ["*", '"x"', 'W/"0"', "x", '"', ",,,", known.etag]);
  maybe("accept-encoding", ["gzip", "identity;q=0", "br", "gzip;q=0, *", "*;q=0", ";;;"]);
  maybe("origin", ["null", "http://evil.example", known.origin, "x", "http://[::1"]);
  maybe("range", ["bytes=0-1", "bytes=9-1", "bytes=-1", "x"]);
  maybe("traceparent", [`00-${"a".repeat(32)}-${"b".repeat(16)}-01`, `ff-${"a".repeat(32)}-${"b".repeat(16)}-01`, "00-0-0-00", "z"]);
  maybe("sec-fetch-site", ["cross-site", "same-origin", "none", "?"]);
  maybe("last-event-id", ["0", "1", "-1", "x", "9".repeat(30)]);
  return headers;
}

/* A session, or the account itself, ends by these: asked elsewhere. */
const ENDS_IT = /^(post_auth_logout|delete_auth_me|delete_auth_sessions|post_auth_password|post_auth_workspace|post_auth_signing_keys|post_api_faults|delete_api_users_id|patch_api_users_id|post_auth_refresh)$/;

test(`routes of accounts mode, by several roles and with odd headers (seed ${SEED})`, () =>
  Server.with(
    async (server) => {
      const random = new Random(SEED + 1);
      const ada = await server.setUp();
      const spec = await server.open(200, "/openapi.json");
      const viewer = await ada.bring({ email: "viewer@example.org", role: "viewer" });
      const analyst = await ada.bring({ email: "analyst@example.org", role: "analyst" });
      const key = await analyst.key(["read", "run"]);
      const thread = await ada.json(201, "/api/threads", { title: "fuzz" });
      const list = await ada.fetch("/api/threads");
      const sample = await ada.json(201, "/api/datasets/sample", { seed: 1 });
      const known = {
        ids: [thread.id, sample.id, viewer.id, key.keyId, "nobody"],
        tools: ["dataset_profile", "no_tool"],
        models: ["gpt-4o", "no-model"],
        dataset: sample.id,
        etag: list.headers.get("etag"),
        origin: new URL(server.url).origin,
      };
      const bearers = [ada, viewer, analyst, key].map((person) => `Bearer ${person.bearer}`);
      const tally = {};
      const operations = Object.entries(spec.paths).flatMap(([path, item]) =>
        METHODS.filter((method) => item[method] && path !== UPGRADE).map((method) => ({ path, method, operation: item[method] })),
      );
      assert.ok(operations.length >= 80, `only ${operations.length} operations`);
      for (let round = 0; round < Math.ceil(ROUNDS / 2); round++) {
        for (const { path, method, operation } of operations) {
          if (ENDS_IT.test(operation.operationId)) continue;
          const made = operation.requestBody || (method === "post" && random.chance(20));
          const { body, type } = made ? bodyOf(operation, known, spec, random) : {};
          const target = fill(path, known, random) + queryOf(operation, known, spec, random);
          const authorization = random.pick([...bearers, ...bearers, "", "Bearer x", "Bearer netra_key_x", "Basic eDp5"]);
          const headers = { ...headersOf(random, known), authorization };
          await assertDocumented(server, spec, { operation, method, target, body, type, headers }, tally);
        }
      }
      assert.ok(tally[200] > 30 && tally[401] > 30 && tally[403] > 30 && tally[422] > 10, JSON.stringify(tally));
      await ada.json(200, "/auth/me");
      assert.equal((await ada.json(200, "/api/audit/check")).is_intact, true);
    },
    undefined,
    Server.startAccounts,
  ));

test(`routes of /openapi.json, good and bad requests to each (seed ${SEED})`, () =>
  Server.with(async (server) => {
    const random = new Random(SEED);
    const spec = await server.json(200, "/openapi.json");
    const sample = await server.json(201, "/api/datasets/sample", { seed: 1 });
    const thread = await server.json(201, "/api/threads", { title: "fuzz" });
    const run = await server.json(202, `/api/threads/${thread.id}/runs`, { prompt: "hello", run_id: "fuzz-run" });
    const report = (await server.ended(run.id)).report_id;
    const { tools } = await server.json(200, "/api/tools");
    const known = {
      ids: [thread.id, run.id, report, sample.id, "nobody"],
      tools: [...tools.map((tool) => tool.name), "no_tool"],
      models: ["gpt-4o", "claude-sonnet-4-20250514", "no-model"],
      dataset: sample.id,
    };
    const tally = {};
    let count = 0;
    const operations = Object.entries(spec.paths).flatMap(([path, item]) =>
      METHODS.filter((method) => item[method] && path !== UPGRADE).map((method) => ({ path, method, operation: item[method] })),
    );
    assert.ok(operations.length >= 40, `only ${operations.length} operations`);
    for (let round = 0; round < ROUNDS; round++) {
      for (const { path, method, operation } of operations) {
        const made = operation.requestBody || (method === "post" && random.chance(20));
        const { body, type } = made ? bodyOf(operation, known, spec, random) : {};
        const target = fill(path, known, random) + queryOf(operation, known, spec, random);
        await assertDocumented(server, spec, { operation, method, target, body, type }, tally);
        count++;
      }
    }
    assert.ok(count >= 40 * ROUNDS);
    const good = Object.entries(tally).reduce((sum, [status, n]) => sum + (Number(status) < 400 ? n : 0), 0);
    assert.ok(good > count / 5 && good < count * 0.95, `not a mixture: ${JSON.stringify(tally)}`);
    assert.equal((await server.json(200, "/health/live")) !== null, true);
    const health = await (await server.fetch("/health")).json();
    assert.notEqual(health.status, "unhealthy", JSON.stringify(health));
    await server.ended((await server.json(202, "/api/runs", { prompt: "hello" })).id);
  }));
