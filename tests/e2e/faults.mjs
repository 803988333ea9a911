// SPDX-License-Identifier: Apache-2.0
//
// Work that goes on while faults are put in: each answer is taken as it comes and must be one that docs/protocol.md
// names; what was acknowledged is remembered and looked for afterwards; a number that is not the right one is an error
// whatever happens.

import assert from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";

import { Socket, assertContiguous, within } from "./server.mjs";

const STATUS = {
  AUTH_FAILED: [401],
  FORBIDDEN: [403],
  RATE_LIMITED: [429],
  SERVICE_UNAVAILABLE: [503],
  INVALID_REQUEST: [400, 404, 405, 408, 409, 413, 415, 422],
  INTERNAL_ERROR: [500],
};
const RECOVERY = {
  AUTH_FAILED: "redirect_to_login",
  FORBIDDEN: "return_error",
  RATE_LIMITED: "exponential_backoff",
  SERVICE_UNAVAILABLE: "failover",
  INVALID_REQUEST: "return_error",
  INTERNAL_ERROR: "log_and_retry",
};
/** A log that grows no more for so long while a fault is armed stands still; without one, work may be slow. */
export const STILL_MS = 1500;
const SLOW_MS = 30_000;

export const PROMPT = "Where does our money go?";
export const RECORDS = Array.from({ length: 120 }, (_, i) =>
  JSON.stringify({
    timestamp: `2025-01-0${1 + (i % 7)}T0${i % 10}:00:00Z`,
    model: i % 3 ? "gpt-4o" : "gpt-4o-mini",
    prompt_tokens: 500 + 7 * i,
    completion_tokens: 100 + i,
    feature: ["search", "chat"][i % 2],
  }),
).join("\n") + "\n";

export async function arm(server, name, { times, argument, seconds = 120 } = {}) {
  return server.json(201, "/api/faults", { name, times, argument, seconds });
}

/** The Nth allocation from now on: the answer to this may already want it. */
export async function armMemory(server, nth) {
  const body = JSON.stringify({ name: "no_memory", argument: nth, times: 1, seconds: 120 });
  const answer = await server.fetch("/api/faults", { method: "POST", headers: { "content-type": "application/json" }, body }).catch(() => undefined);
  if (answer) assert.ok(["OK", "SERVICE_UNAVAILABLE"].includes((await documented(answer, "arming")).code));
}

/** Ends them all: also while requests are answered with faults. */
export async function disarm(server) {
  const answer = await server.fetch("/api/faults", { method: "DELETE" });
  assert.equal(answer.status, 204, await answer.text());
}

export async function hits(server, name) {
  const { faults } = await server.json(200, "/api/faults");
  return faults.find((f) => f.name === name).hits;
}

/** The code of an answer, "OK" for a success; fails for what the protocol does not name. */
export async function documented(answer, what) {
  const text = await answer.text();
  if (answer.status < 400) return { code: "OK", status: answer.status, body: text && answer.status !== 304 ? text : undefined };
  assert.match(answer.headers.get("content-type") ?? "", /^application\/problem\+json/, `${what}: ${answer.status} ${text.slice(0, 300)}`);
  const problem = JSON.parse(text);
  assert.equal(problem.status, answer.status, what);
  assert.ok(STATUS[problem.code]?.includes(answer.status), `${what}: ${text}`);
  assert.equal(problem.recovery, RECOVERY[problem.code], what);
  assert.ok(problem.title && problem.detail, `${what}: ${text}`);
  if ([429, 503].includes(answer.status)) assert.match(answer.headers.get("retry-after") ?? "", /^\d+$/, what);
  if (answer.status === 500) assert.match(problem.trace_id, /^[0-9a-f]{32}$/, what);
  if (answer.status === 401) assert.match(answer.headers.get("www-authenticate") ?? "", /^Bearer/, what);
  return { code: problem.code, status: answer.status, problem };
}

/** The facts of a report, as far as they are numbers. */
const factsOf = (report) => Object.fromEntries(Object.entries(report.facts).map(([id, fact]) => [id, fact.value]));

export class Work {
  constructor(server) {
    Object.assign(this, { server, seen: new Map(), kept: [], problems: [], facts: undefined, n: 0, stillMs: SLOW_MS });
  }

  note(what, code) {
    const key = `${what} ${code}`;
    this.seen.set(key, (this.seen.get(key) ?? 0) + 1);
    return code;
  }

  /** "upload OK ×3, run SERVICE_UNAVAILABLE ×2" */
  told() {
    return [...this.seen].map(([key, n]) => `${key} ×${n}`).join(", ");
  }

  /** One request; a connection that is closed without an answer is an answer only where mayClose. */
  async ask(what, path, init = {}, mayClose = false) {
    let answer;
    try {
      answer = await within(this.server.fetch(path, init), what, 30_000);
      const told = await documented(answer, what);
      this.note(what, told.code);
      this.problems.push(...(told.problem ? [{ what, ...told.problem }] : []));
      return told;
    } catch (error) {
      if (!mayClose || !(error instanceof TypeError)) throw error;
      this.note(what, "closed");
      return { code: "closed" };
    }
  }

  post(what, path, body, mayClose) {
    return this.ask(what, path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }, mayClose);
  }

  /** Until the run has ended or its log stands still: then "still". */
  async follow(runId, mayClose) {
    let last = { seq: -1, at: Date.now() };
    for (;;) {
      const told = await this.ask("look", `/api/runs/${runId}`, {}, mayClose);
      const run = told.code === "OK" ? JSON.parse(told.body) : undefined;
      if (run && ["finished", "failed", "cancelled"].includes(run.status)) return run;
      if (run && run.last_seq !== last.seq) last = { seq: run.last_seq, at: Date.now() };
      if (Date.now() - last.at > this.stillMs * (run?.status === "queued" ? 4 : 1)) return { ...run, status: "still" };
      await pause(10);
    }
  }

  async report(run, mayClose) {
    const told = await this.ask("report", `/api/reports/${run.report_id}.json`, {}, mayClose);
    if (told.code !== "OK") return;
    const facts = factsOf(JSON.parse(told.body));
    this.facts ??= facts;
    assert.deepEqual(facts, this.facts, "the same records and the same question have the same numbers");
    this.kept.push({ kind: "report", id: run.report_id });
  }

  /** A thread, an upload, a run of it, its report, a tool call, a WebSocket. */
  async round({ mayClose = false } = {}) {
    const tag = `w${this.n++}`;
    const thread = await this.post("thread", "/api/threads", { title: tag }, mayClose);
    if (thread.code === "OK") this.kept.push({ kind: "thread", id: JSON.parse(thread.body).id, title: tag });
    const upload = await this.ask(
      "upload",
      `/api/datasets?name=${tag}.jsonl`,
      { method: "POST", headers: { "content-type": "application/octet-stream" }, body: RECORDS },
      mayClose,
    );
    if (upload.code === "OK") {
      const dataset = JSON.parse(upload.body);
      assert.equal(dataset.records, 120, upload.body);
      this.kept.push({ kind: "dataset", id: dataset.id });
      this.dataset = dataset.id;
    }
    if (this.dataset) {
      const run = await this.post("run", "/api/runs", { prompt: PROMPT, dataset: this.dataset }, mayClose);
      if (run.code === "OK") {
        const { id } = JSON.parse(run.body);
        const ended = await this.follow(id, mayClose);
        this.note("run", ended.status);
        this.kept.push({ kind: "run", id, status: ended.status });
        if (ended.status === "finished") await this.report(ended, mayClose);
      }
      await this.post("tool", "/api/tools/spend_breakdown", { dataset: this.dataset, args: {} }, mayClose);
    }
    await this.socket(mayClose);
  }

  async socket(mayClose) {
    const socket = new Socket(this.server);
    try {
      await within(socket.opened, "the WebSocket's handshake", mayClose ? 10_000 : SLOW_MS);
      socket.send({ type: "ping" });
      await Promise.race([socket.next((e) => e.name === "pong" || e.type === "pong" || e.name === "netra.pong", "a pong", mayClose ? 5_000 : SLOW_MS), socket.closed]);
      const closed = await socket.close();
      this.note("socket", closed.code === 1005 || closed.code === 1000 ? "OK" : `closed ${closed.code}`);
    } catch (error) {
      socket.cut();
      if (/HTTP \d+/.test(error.message)) this.note("socket", error.message);
      else if (mayClose) this.note("socket", "closed");
      else throw error;
    }
  }

  /** What was acknowledged is there, and as it was. */
  async nothingIsLost() {
    for (const thing of this.kept) {
      if (thing.kind === "thread") {
        assert.equal((await this.server.json(200, `/api/threads/${thing.id}`)).title, thing.title);
      } else if (thing.kind === "dataset") {
        const dataset = await this.server.json(200, `/api/datasets/${thing.id}`);
        assert.deepEqual([dataset.status, dataset.records], ["ready", 120]);
      } else if (thing.kind === "report") {
        assert.deepEqual(factsOf(await this.server.json(200, `/api/reports/${thing.id}.json`)), this.facts);
      } else {
        const run = await this.server.json(200, `/api/runs/${thing.id}`);
        if (thing.status !== "still") {
          assert.equal(run.status, thing.status);
          const events = await this.server.events(thing.id);
          assertContiguous(events);
          assert.equal(events.length, run.last_seq);
        }
      }
    }
    return this.kept.length;
  }
}

/** As if nothing had happened: every answer a success, the numbers as before. */
export async function recovers(server, before) {
  const work = new Work(server);
  work.facts = before?.facts;
  await work.round();
  for (const key of work.seen.keys()) assert.match(key, / (OK|finished)$/, `after the fault: ${work.told()}`);
}
