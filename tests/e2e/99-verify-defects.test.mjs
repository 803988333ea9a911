// SPDX-License-Identifier: Apache-2.0
//
// `netra verify` finds what is wrong, and only that: between it and a good server stands a proxy that lies in one
// way (mutating_proxy.mjs). Each lie must make exactly one check fail, the one that is about it; without a lie all
// pass. The times of a busy machine are no defect: where the lie is about something else, the targets of
// `performance` are looked at but not counted.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { MutatingProxy, json, pathOf } from "./mutating_proxy.mjs";
import { withAccounts } from "./server.mjs";
import { netra } from "./support.mjs";

const AT_ONCE = 3;
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits to the very microsecond: what a clever fake would do. */
async function until(began, ms) {
  const at = began + BigInt(Math.round(ms * 1e6));
  const rest = () => Number(at - process.hrtime.bigint()) / 1e6;
  if (rest() > 4) await wait(rest() - 3);
  while (rest() > 0);
}

const isStep = (event) => event.type === "STEP_STARTED" || event.type === "STEP_FINISHED";

/** Only the first run that is seen: others are let through as they are. */
function firstRun(event, state) {
  state.run ??= event.runId;
  return event.runId !== undefined && event.runId === state.run;
}

const DEFECTS = [
  {
    name: "an endpoint is a stub that always says the same",
    check: "endpoints",
    answer: ({ incoming, body }, state) => {
      if (pathOf(incoming) !== "/api/discovery/services") return undefined;
      state.first ??= Buffer.from(String(body).replace(/"checked_at":"\d{4}/g, '"checked_at":"2025'));
      return { body: state.first };
    },
  },
  {
    name: "an endpoint says what is not so",
    check: "endpoints",
    answer: ({ incoming }) =>
      pathOf(incoming) === "/api/mcp/servers" ? { body: Buffer.from('{"servers":[{"name":"demo"}]}') } : undefined,
  },
  {
    name: "an event is dropped",
    check: "message_flow",
    event: (event, state) => (event.type === "STATE_SNAPSHOT" && firstRun(event, state) ? [] : [event]),
  },
  {
    name: "an event comes twice",
    check: "message_flow",
    event: (event, state) => (event.type === "SUBAGENT_STARTED" && firstRun(event, state) ? [event, event] : [event]),
  },
  {
    name: "steps are out of order",
    check: "message_flow",
    event: (event, state) => {
      if (!isStep(event) || !firstRun(event, state)) return [event];
      const other = { message_validated: "agent_selected", agent_selected: "message_validated" };
      return [{ ...event, stepName: other[event.stepName] ?? event.stepName }];
    },
  },
  {
    name: "every report is the same",
    check: "message_flow",
    answer: ({ incoming, status, body }, state) => {
      if (status !== 200 || !/^\/api\/reports\/[^/]+\.json$/.test(pathOf(incoming))) return undefined;
      state.report ??= json(body, (report) => {
        report.id = "0198c0de-0000-7000-8000-000000000000";
        report.question = "What could go to the batch API last spring?";
      }).body;
      return { body: state.report };
    },
  },
  {
    name: "a handler is slow",
    check: "performance",
    answer: async ({ incoming }) => {
      if (incoming.method === "GET" && /^\/api\/(threads|health)$/.test(pathOf(incoming))) await wait(160);
    },
  },
  {
    name: "an error has the wrong code",
    check: "error_handling",
    answer: ({ status, body }) =>
      status === 429 ? json(body, (problem) => void Object.assign(problem, { code: "INTERNAL_ERROR" })) : undefined,
  },
  {
    name: "an error does not say when to come again",
    check: "error_handling",
    answer: ({ status, headers }) => {
      if (status !== 503) return undefined;
      const { "retry-after": _, ...others } = headers;
      return { headers: others };
    },
  },
  {
    name: "a workspace sees the conversation of another",
    check: "isolation",
    answer: ({ incoming, status, headers, body }, state) => {
      const path = pathOf(incoming);
      if (incoming.method !== "GET" || !/^\/api\/threads\/[^/]+$/.test(path)) return undefined;
      state.threads ??= new Map();
      if (status === 200) state.threads.set(path, { status, headers, body });
      return status === 404 ? state.threads.get(path) : undefined;
    },
  },
  {
    name: "the signature of a token is not checked",
    check: "authentication",
    request: (incoming, state) => {
      const [, token] = /^Bearer (\S+)$/.exec(incoming.headers.authorization ?? "") ?? [];
      if (!token || token.split(".").length !== 3) return undefined;
      const key = token.split(".").slice(0, 2).join(".");
      state.signatures ??= new Map();
      if (!state.signatures.has(key)) state.signatures.set(key, token);
      return { headers: { authorization: `Bearer ${state.signatures.get(key)}` } };
    },
  },
  {
    name: "a page of another origin may open a WebSocket",
    check: "authentication",
    upgrade: () => ({ headers: { origin: undefined } }),
  },
  {
    name: "a stream that is resumed has lost something",
    check: "features",
    message: (message, state) => {
      if (message.type === "resume") (state.resumed ??= new Map()).set(message.runId, 2);
      return [message];
    },
    event: (event, state) => {
      const left = state.resumed?.get(event.runId) ?? 0;
      if (!left || event.seq === undefined) return [event];
      state.resumed.set(event.runId, left - 1);
      return [];
    },
  },
  {
    name: "stop does not stop",
    check: "features",
    message: (message) => (message.type === "cancel" ? [] : [message]),
    request: (incoming) =>
      incoming.method === "POST" && /^\/api\/runs\/[^/]+\/cancel$/.test(pathOf(incoming))
        ? { answer: { status: 202, headers: { "content-type": "application/json" }, body: Buffer.from("{}") } }
        : undefined,
  },
  {
    name: "the metrics stand still",
    check: "features",
    answer: ({ incoming, status, body }, state) => {
      if (pathOf(incoming) !== "/metrics" || status !== 200) return undefined;
      state.metrics ??= body;
      return { body: state.metrics };
    },
  },
  {
    name: "health is red",
    check: "basic",
    answer: ({ incoming, body }) =>
      pathOf(incoming) === "/health" ? json(body, (health) => void Object.assign(health, { status: "degraded" })) : undefined,
  },
];

// On a machine with other things to do these times do scatter, and nobody could tell: the test gets more than one
// try, and is skipped when the samples themselves say so.
const CONSTANT = {
  answer: async ({ incoming, began }) => {
    if (incoming.method === "GET" && pathOf(incoming) === "/api/threads") await until(began, 90);
  },
};
const CONSTANT_TRIES = 2;
const SCATTER_LEAST = 0.002;

/** `netra verify` through a proxy with the defect; its evidence and exit status. */
async function verify(defect) {
  const proxy = await MutatingProxy.start(defect);
  const folder = mkdtempSync(join(tmpdir(), "netra-verify-"));
  try {
    const keys = { public_url: proxy.url, "faults.allowed": "on" };
    return await withAccounts(async (server) => {
      const admin = await server.setUp();
      const key = await admin.key(["read", "run", "data", "admin"]);
      proxy.before(server, key.bearer);
      const out = join(folder, "evidence");
      const args = ["verify", "--url", proxy.url, "--profile", "floor", "--samples", "50", "--out", out];
      const child = spawn(netra, args, { env: { ...process.env, NETRA_TOKEN: key.bearer }, stdio: ["ignore", "pipe", "pipe"] });
      let said = "";
      for (const stream of [child.stdout, child.stderr]) stream.setEncoding("utf8").on("data", (piece) => (said += piece));
      const [code] = await once(child, "close");
      return { code, said, evidence: JSON.parse(readFileSync(join(out, "evidence.json"), "utf8")) };
    }, { keys });
  } finally {
    await proxy.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What failed but for a target that a busy machine missed. */
function failed({ evidence }, { countsTargets }) {
  const isReal = (check) =>
    check.outcome === "failed" &&
    (check.id !== "performance" || countsTargets || check.findings.some((finding) => finding.outcome === "failed") ||
      evidence.meta.violations.some((violation) => violation.observed.includes("performance")));
  return evidence.checks.filter(isReal).map((check) => check.id);
}

test("without a defect the proxy is not seen: everything is exercised and passes", async () => {
  const seen = await verify({});
  assert.deepEqual(failed(seen, { countsTargets: false }), [], seen.said);
  const left = seen.evidence.checks.filter((check) => check.outcome === "not_exercised").map((check) => check.id);
  assert.deepEqual(left, [], seen.said);
});

test("each defect makes exactly its check fail", { concurrency: AT_ONCE }, async (t) => {
  await Promise.all(
    DEFECTS.map((defect) =>
      t.test(defect.name, async () => {
        const seen = await verify(defect);
        const countsTargets = defect.check === "performance";
        assert.deepEqual(failed(seen, { countsTargets }), [defect.check], seen.said);
        assert.equal(seen.code, 1, seen.said);
      }),
    ),
  );
});

test("times that are always the same are found by the meta-check", async (t) => {
  for (let tries = 0; tries < CONSTANT_TRIES; tries++) {
    const { code, said, evidence } = await verify(CONSTANT);
    const { p25, p50, p75 } = evidence.checks
      .find((check) => check.id === "performance")
      .targets.find((target) => target.name === "api").spread_us;
    const isConstant = p75 - p25 < SCATTER_LEAST * p50;
    assert.deepEqual(evidence.meta.violations.map((violation) => violation.id), isConstant ? ["no_variance"] : [], said);
    if (isConstant) {
      assert.equal(code, 1, said);
      return assert.deepEqual(failed({ evidence }, { countsTargets: true }), ["performance"], said);
    }
  }
  return t.skip("the machine is too busy to answer in constant time");
});
