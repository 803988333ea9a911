// SPDX-License-Identifier: Apache-2.0
//
// Runs that wait for a model, meeting everything else that can happen at the same moment: signals, kills, cancels,
// deletions, readers that come late, read slowly or go, a full disk, another configuration at the next start.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { CHAIN, FAST, PROSE, answers, askModel, custom, messagesOf, withModels } from "./model_server.mjs";
import { ScriptedProvider } from "./scripted_provider.mjs";
import { Server, assertContiguous, assertWholeLog, isLast, sseEvents, within } from "./server.mjs";

const prompt = "Where does our money go, and what could caching save?";
const PURPOSES = ["interpret", "plan", "write", "repair"];
const PATIENT = {
  NETRA_LLM_FIRST_TOKEN_TIMEOUT_MS: "50000",
  NETRA_LLM_IDLE_TIMEOUT_MS: "50000",
  NETRA_LLM_TOTAL_TIMEOUT_MS: "55000",
  NETRA_LLM_QUESTION_TIMEOUT_MS: "59000",
};
const BAD = "Your records cost {spend.total}. You will save forty-two percent next month.";
const SLOW = { text: `${PROSE} ${"It is worth a look, and then another look. ".repeat(6)}`, pauseMs: 4, cut: 5 };

/** Which question of a run this is: a repair is a second write, with what was refused in it. */
const purposeOf = (question) => (question.purpose === "write" && /forty-two/.test(question.text) ? "repair" : question.purpose);

async function until(condition, what, ms = 60_000) {
  for (const began = Date.now(); !(await condition()); await pause(5)) assert.ok(Date.now() - began < ms, `${what}: not in ${ms} ms`);
}

/** fn({folder, provider, start}): servers one after the other on one folder; each must be stopped by fn. */
async function withFolder(answer, fn) {
  const folder = mkdtempSync(join(tmpdir(), "netra-model-races-"));
  const provider = await ScriptedProvider.start(answer);
  const start = (env = {}, chain = CHAIN) => Server.start({ folder, env: provider.env(chain, { ...FAST, ...PATIENT, ...env }) });
  try {
    await fn({ folder, provider, start });
  } finally {
    await provider.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A log must be whole whatever happened; its kept text is the message of the thread. */
async function assertTold(server, runId) {
  const run = await server.ended(runId);
  const log = await server.events(runId);
  assertContiguous(log);
  assert.equal(log.filter(isLast).length, 1);
  assert.ok(isLast(log.at(-1)));
  const open = new Set();
  for (const event of log) {
    if (event.type === "TEXT_MESSAGE_START") open.add(event.messageId);
    if (event.type === "TEXT_MESSAGE_CONTENT") assert.ok(open.has(event.messageId), "text of a message that is open");
    if (event.type === "TEXT_MESSAGE_END") assert.ok(open.delete(event.messageId), "an end of what was begun");
  }
  assert.equal(open.size, 0, `a message never ends: ${JSON.stringify(log.slice(-6))}`);
  const kept = messagesOf(log).filter((m) => !m.isWithdrawn);
  if (run.status === "finished") {
    assert.deepEqual(log.filter((e) => e.type === "STEP_STARTED").map((e) => e.stepName).length, 6);
    assert.equal(kept.length, 1, JSON.stringify(messagesOf(log)));
    const messages = await server.json(200, `/api/threads/${run.thread_id}/messages`);
    const last = messages.items.at(-1);
    assert.deepEqual([last.id, last.content.trim()], [kept[0].id, kept[0].text.trim()]);
    const report = await server.json(200, `/api/reports/${run.report_id}.json`);
    const checked = await server.json(200, `/api/reports/${report.id}/recompute`, {});
    assert.deepEqual([checked.different, checked.missing], [0, 0]);
    return { run, log, report };
  }
  assert.equal(kept.length, 0, JSON.stringify(messagesOf(log)));
  return { run, log };
}

/** What was seen is in the log; only text can be lost with a process, and its numbers are not used again. */
function assertSeen(seen, log) {
  assertContiguous(seen);
  for (const event of seen) {
    const stored = log[event.seq - 1];
    if (stored.name === "netra.skipped" && event.name !== "netra.skipped") assert.equal(event.type, "TEXT_MESSAGE_CONTENT");
    else assert.deepEqual(stored, event);
  }
}

async function metrics(server) {
  const text = await (await server.fetch("/metrics")).text();
  const sum = (name, labels = "") =>
    text.split("\n").filter((line) => line.startsWith(name) && line.slice(name.length).match(/^[{ ]/) && line.includes(labels))
      .reduce((total, line) => total + Number(line.split(" ").at(-1)), 0);
  return { sum, text };
}

async function assertIdle(server) {
  await until(async () => {
    const { sum } = await metrics(server);
    return ["netra_runs_asking", "netra_runs_working", "netra_runs_waiting", "netra_llm_questions_under_way"].every((name) => sum(name) === 0);
  }, "gauges return to 0");
}

/* ---- signals ---- */

for (const grace of ["0", "1"]) {
  test(`SIGTERM with a grace of ${grace} s while a run asks, for each purpose: the next process ends it`, () => {
    let hangs;
    const usual = answers({ write: { text: PROSE }, plan: { text: "Enough." } });
    const answer = (question, n) => {
      if (purposeOf(question) === hangs) return { text: PROSE, fault: question.purpose === "write" ? "hang half-way" : "hang", cut: 5 };
      if (hangs === "repair" && question.purpose === "write") return { text: BAD };
      return usual(question, n);
    };
    return withFolder(answer, async ({ provider, start }) => {
      for (hangs of PURPOSES) {
        const stuck = hangs;
        const first = await start({ NETRA_DRAIN_TIMEOUT_S: grace });
        const sample = await first.json(201, "/api/datasets/sample", { seed: 1 });
        const socket = await first.socket();
        socket.send({ type: "run", prompt, dataset: sample.id });
        const { runId } = await socket.next((e) => e.type === "RUN_STARTED");
        await until(() => provider.questions.some((q) => purposeOf(q) === stuck), stuck);
        const began = Date.now();
        assert.equal(await first.stop(), 0);
        assert.ok(Date.now() - began < 1000 * Number(grace) + 10_000, `${Date.now() - began} ms`);
        const seen = socket.of(runId);
        hangs = undefined;
        const second = await start();
        const { run, log, report } = await assertTold(second, runId);
        assert.equal(run.status, "finished", run.reason);
        assert.equal(report.summary_by, CHAIN.replace(":", "/"));
        assertSeen(seen, log);
        await assertIdle(second);
        await second.stop();
        provider.questions.length = 0;
      }
    });
  });
}

test("a run that streams when SIGTERM comes has the grace to end", () =>
  withFolder(answers({ write: SLOW }), async ({ start }) => {
    const first = await start({ NETRA_DRAIN_TIMEOUT_S: "5" });
    const sample = await first.json(201, "/api/datasets/sample", { seed: 1 });
    const { id } = await first.json(202, "/api/runs", { prompt, dataset: sample.id });
    const socket = await first.socket();
    socket.send({ type: "resume", runId: id, lastSeq: 0 });
    await socket.next((e) => e.type === "TEXT_MESSAGE_CONTENT");
    await first.stop();
    const second = await start();
    const { run, log } = await assertTold(second, id);
    assert.equal(run.status, "finished");
    assert.equal(custom(log, "netra.resumed").length, 0, "it ended before the process did");
    await second.stop();
  }));

test("kill -9 at each purpose, again and again in one run: each is asked again, nothing is told twice", () => {
  let hangs;
  const usual = answers({ write: { text: BAD } });
  const answer = (question, n) => {
    const purpose = purposeOf(question);
    if (purpose === hangs) return { text: PROSE, fault: question.purpose === "write" ? "hang half-way" : "hang", cut: 5 };
    return purpose === "repair" ? { text: PROSE } : usual(question, n);
  };
  return withFolder(answer, async ({ provider, start }) => {
    let server = await start();
    const sample = await server.json(201, "/api/datasets/sample", { seed: 1 });
    const seen = [];
    hangs = "interpret";
    const { id } = await server.json(202, "/api/runs", { prompt, dataset: sample.id });
    for (const purpose of PURPOSES) {
      const socket = await server.socket();
      socket.send({ type: "resume", runId: id, lastSeq: seen.at(-1)?.seq ?? 0 });
      await until(() => provider.questions.some((q) => purposeOf(q) === purpose), purpose);
      await pause(60);
      await server.stop("SIGKILL");
      await socket.closed;
      seen.push(...socket.of(id));
      hangs = PURPOSES[PURPOSES.indexOf(purpose) + 1];
      server = await start();
    }
    const { run, log } = await assertTold(server, id);
    assert.equal(run.status, "finished", run.reason);
    assertSeen(seen, log);
    const asked = provider.questions.map(purposeOf);
    for (const purpose of PURPOSES) assert.ok(asked.filter((p) => p === purpose).length <= 2 + (purpose === "write"), `${purpose}: ${asked}`);
    await server.stop();
  });
});

test("a run that is given up while its text is open closes the text", () =>
  withFolder(answers({ write: { text: PROSE, fault: "hang half-way", cut: 5 } }), async ({ start }) => {
    let server = await start();
    const sample = await server.json(201, "/api/datasets/sample", { seed: 1 });
    const gone = await server.json(201, "/api/datasets/sample", { seed: 2 });
    const ids = ["given-up", "without-records"];
    for (const [i, dataset] of [sample.id, gone.id].entries()) await server.json(202, "/api/runs", { prompt, dataset, run_id: ids[i] });
    for (let kills = 0; ; kills++) {
      const socket = await server.socket();
      for (const runId of ids) socket.send({ type: "resume", runId, lastSeq: 0 });
      await until(() => ids.every((id) => socket.of(id).some(isLast) || socket.of(id).some((e) => e.type === "TEXT_MESSAGE_CONTENT")), "a text");
      if (ids.every((id) => socket.of(id).some(isLast))) break;
      if (!kills) await server.json(204, `/api/datasets/${gone.id}`, undefined, { method: "DELETE" });
      assert.ok(kills < 20, "it is never given up");
      await server.stop("SIGKILL");
      server = await start();
    }
    for (const id of ids) {
      const { run } = await assertTold(server, id);
      assert.equal(run.status, "failed");
      assert.match(run.reason, /again and again|not there any more/);
    }
    await server.stop();
  }));

test("cancelled when its text has ended and the report is not there: the text is withdrawn", () =>
  withModels({}, async ({ server, sample }) => {
    const tally = {};
    for (let i = 0; i < 30; i++) {
      const socket = await server.socket();
      socket.send({ type: "run", prompt, dataset: sample.id });
      const { runId } = await socket.next((e) => e.type === "RUN_STARTED");
      await socket.next((e) => (i % 2 ? e.type === "TEXT_MESSAGE_END" : e.type === "TEXT_MESSAGE_CONTENT"));
      socket.send({ type: "cancel", runId });
      const { run } = await assertTold(server, runId);
      tally[run.status] = (tally[run.status] ?? 0) + 1;
      socket.cut();
    }
    console.log(`# ${JSON.stringify(tally)}`);
  }));

/** The same numbers for everybody who repeats the test: xorshift. */
function randomFrom(seed) {
  let state = seed >>> 0 || 1;
  return (limit) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
}

test("killed, stopped and cancelled at random while models answer, refuse, break off and plan: each run is told once", () => {
  const random = randomFrom(Number(process.env.NETRA_CHAOS_SEED ?? 20261123));
  const usual = answers({});
  const answer = (question, n) => {
    const dice = random(10);
    if (dice === 0) return { ...usual(question, n), fault: "half", cut: 5, pauseMs: 3 };
    if (dice === 1) return { status: 503, retryAfter: 0.03 };
    if (question.purpose === "plan" && dice < 6) return { calls: [{ name: ["traffic_profile", "reliability_profile", "spend_breakdown"][dice - 3] ?? "traffic_profile", args: {} }] };
    if (question.purpose === "write") return dice < 5 ? { text: BAD, pauseMs: 3, cut: 9 } : { ...SLOW, pauseMs: random(5) };
    return { ...usual(question, n), beginMs: random(20) };
  };
  return withFolder(answer, async ({ start }) => {
    const heard = new Map(); /* run → events that were seen, over all sockets */
    const tally = {};
    let sample;
    for (let round = 0; round < Number(process.env.NETRA_CHAOS_ROUNDS ?? 25); round++) {
      const server = await start({ NETRA_LLM_ATTEMPTS_MAX: "2", NETRA_LLM_BREAKER_FAILURES: "1000", NETRA_DRAIN_TIMEOUT_S: "0" });
      sample ??= await server.json(201, "/api/datasets/sample", { seed: 1 });
      const socket = await server.socket();
      for (const [runId, seen] of heard) if (!seen.some(isLast)) socket.send({ type: "resume", runId, lastSeq: seen.at(-1)?.seq ?? 0 });
      const ids = [0, 1].map((i) => `chaos-${round}-${i}`);
      for (const runId of ids) socket.send({ type: "run", prompt, dataset: sample.id, runId });
      for (const runId of ids) await socket.next((e) => e.type === "RUN_STARTED" && e.runId === runId);
      for (const runId of ids) heard.set(runId, []);
      await pause(random(220));
      if (random(3) === 0) socket.send({ type: "cancel", runId: [...heard.keys()].at(-1 - random(4)) ?? ids[0] });
      await pause(random(12));
      await server.stop(random(2) ? "SIGKILL" : "SIGTERM");
      await socket.closed;
      for (const [runId, seen] of heard) seen.push(...socket.of(runId));
    }
    const server = await start();
    for (const [runId, seen] of heard) {
      const { run, log } = await assertTold(server, runId);
      assertSeen(seen, log);
      tally[run.status] = (tally[run.status] ?? 0) + 1;
      if (run.status === "failed") assert.match(run.reason, /again and again/, run.reason);
    }
    console.log(`# ${JSON.stringify(tally)}`);
    assert.ok(tally.finished > 10, JSON.stringify(tally));
    await assertIdle(server);
    await server.stop();
  });
});

/* ---- the next start knows other models ---- */

for (const [name, chain, env] of [
  ["another provider", "openai:gpt-5-mini", {}],
  ["two providers in the other order", "gemini:gemini-2.5-flash, anthropic:claude-haiku-4-5", {}],
  ["no chain", "", {}],
  ["a model that is not known", "anthropic:claude-does-not-exist", {}],
  ["no tokens left", CHAIN, { NETRA_LLM_TOKENS_PER_RUN_MAX: "1000" }],
]) {
  test(`killed while it asks, resumed with ${name}`, () => {
    let hangs;
    const usual = answers({ write: { text: PROSE } });
    const answer = (question, n) =>
      question.purpose === hangs ? { text: PROSE, fault: hangs === "write" ? "hang half-way" : "hang", cut: 5 } : usual(question, n);
    return withFolder(answer, async ({ provider, start }) => {
      for (hangs of ["interpret", "plan", "write"]) {
        const first = await start();
        const sample = await first.json(201, "/api/datasets/sample", { seed: 1 });
        const { id } = await first.json(202, "/api/runs", { prompt, dataset: sample.id });
        const stuck = hangs;
        await until(() => provider.questions.some((q) => q.purpose === stuck), stuck);
        await pause(50);
        await first.stop("SIGKILL");
        hangs = undefined;
        const second = await start(env, chain);
        const { run, report } = await assertTold(second, id);
        assert.equal(run.status, "finished", run.reason);
        const isAsked = chain && !Object.keys(env).length;
        assert.equal(report.summary_by ?? null, isAsked ? chain.split(",")[0].replace(":", "/") : null);
        const calls = (await second.json(200, `/api/runs/${id}/model-calls`)).items;
        assert.ok(calls.length >= 1);
        if (!isAsked) assert.ok(report.caveats.some((c) => /model/i.test(c.rendered)), "it says that no model took part");
        await assertIdle(second);
        await second.stop();
        provider.questions.length = 0;
      }
    });
  });
}

/* ---- others want its things ---- */

test("thread and records of a run that asks: one is kept, the other may go", async () => {
  await withModels({ interpret: { text: "{}", beginMs: 300 }, write: { text: PROSE, beginMs: 300 } }, async ({ server, provider }) => {
    for (const purpose of ["interpret", "write"]) {
      provider.questions.length = 0;
      const sample = await server.json(201, "/api/datasets/sample", { seed: 2 });
      const run = await server.json(202, "/api/runs", { prompt, dataset: sample.id });
      await until(() => provider.questions.some((q) => q.purpose === purpose), purpose);
      await server.json(409, `/api/threads/${run.thread_id}`, undefined, { method: "DELETE" });
      const removed = await server.fetch(`/api/datasets/${sample.id}`, { method: "DELETE" });
      assert.ok([204, 409].includes(removed.status), String(removed.status));
      const { status, reason, report_id: reportId } = await server.ended(run.id);
      assert.equal(status, "finished", reason);
      const report = await server.json(200, `/api/reports/${reportId}.json`);
      assert.equal(report.summary_by, CHAIN.replace(":", "/"));
      await server.json(204, `/api/threads/${run.thread_id}`, undefined, { method: "DELETE" });
      await server.json(404, `/api/runs/${run.id}/model-calls`);
    }
    await assertIdle(server);
  }, { env: PATIENT });
});

test("cancelled at 120 moments of asking, streaming and waiting for another attempt", async () => {
  let n = 0;
  const usual = answers({ write: SLOW, interpret: () => (n++ % 2 ? { status: 503, retryAfter: 0.05 } : { text: "{}", beginMs: 10 }) });
  await withModels(usual, async ({ server, sample }) => {
    const socket = await server.socket();
    const ids = [];
    for (let i = 0; i < 120; i++) {
      const runId = `cancel-${i}`;
      ids.push(runId);
      socket.send({ type: "run", prompt, dataset: sample.id, runId });
      void (async () => {
        await socket.next((e) => e.type === "RUN_STARTED" && e.runId === runId);
        if (i % 3 === 0) await socket.next((e) => e.type === "TEXT_MESSAGE_CONTENT" && e.runId === runId).catch(() => {});
        await pause((i * 37) % 90);
        if (i % 2) socket.send({ type: "cancel", runId });
        else await server.fetch(`/api/runs/${runId}/cancel`, { method: "POST" });
      })();
      await pause(10);
    }
    const tally = {};
    for (const runId of ids) {
      await socket.next((e) => isLast(e) && e.runId === runId, `the end of ${runId}`);
      const { run, log } = await assertTold(server, runId);
      assert.deepEqual(socket.of(runId), log);
      tally[run.status] = (tally[run.status] ?? 0) + 1;
    }
    assert.ok(tally.cancelled > 60, JSON.stringify(tally));
    await assertIdle(server);
    await socket.close();
  }, { env: { ...PATIENT, NETRA_LLM_ATTEMPTS_MAX: "3", NETRA_LLM_BREAKER_FAILURES: "1000", NETRA_HTTP_WS_MESSAGES_PER_S: "1000" } });
});

/* ---- readers ---- */

/** A reader that keeps what it has when it is cut off, and comes back for the rest. */
async function readSlowly(server, runId, stall) {
  const events = [];
  for (let tries = 0; !events.some(isLast); tries++) {
    assert.ok(tries < 50, "it never gets to the end");
    const socket = await server.socket();
    socket.send({ type: "resume", runId, lastSeq: events.at(-1)?.seq ?? 0 });
    if (tries < 3) {
      socket.ws._socket.pause();
      await pause(stall);
      socket.ws._socket.resume();
    }
    await Promise.race([socket.next((e) => isLast(e) && e.runId === runId).catch(() => {}), socket.closed]);
    events.push(...socket.of(runId));
    socket.cut();
  }
  return events;
}

test("200 runs stream at once to readers that are slow, are cut off and resume: nothing lost, twice or out of order", () =>
  withModels({ write: { ...SLOW, pauseMs: 15 } }, async ({ server, sample }) => {
    const ids = [];
    const one = await server.socket();
    one.ws._socket.pause();
    for (let i = 0; i < 200; i++) {
      const { id } = await server.json(202, "/api/runs", { prompt, dataset: sample.id });
      ids.push(id);
      if (one.ws.readyState === 1) one.send({ type: "resume", runId: id, lastSeq: 0 });
    }
    const readers = ids.map((id, i) => (i % 2 ? readSlowly(server, id, 100 + (i % 7) * 60) : server.events(id)));
    const heard = await within(Promise.all(readers), "200 readers", 120_000);
    one.ws._socket.resume();
    const closed = await Promise.race([one.closed, pause(3000)]);
    console.log(`# the reader of all: ${JSON.stringify(closed)}, ${one.events.length} events`);
    for (const id of ids) assertContiguous(one.of(id));
    for (const [i, id] of ids.entries()) {
      const log = await server.events(id);
      assert.deepEqual(heard[i], log, `run ${i}`);
      assertWholeLog(log);
      assert.equal(messagesOf(log).filter((m) => !m.isWithdrawn).length, 1);
      assert.deepEqual(one.of(id), log.slice(0, one.of(id).length));
    }
    await assertIdle(server);
    const { sum } = await metrics(server);
    assert.equal(sum("netra_llm_attempts_total"), sum("netra_llm_attempts_total", 'outcome="answered"'), "each was answered");
    assert.equal(sum("netra_llm_questions_total"), 600);
  }, { env: { ...PATIENT, NETRA_HTTP_QUEUE_BYTES_MAX: "65536", NETRA_RUNS_CONCURRENT_MAX: "8", NETRA_HTTP_WS_MESSAGES_PER_S: "1000" } }));

test("who joins in the middle of a text, by WebSocket or stream, hears the same log, each event once", () =>
  withModels({ write: SLOW }, async ({ server, sample }) => {
    for (let round = 0; round < 4; round++) {
      const first = await server.socket();
      first.send({ type: "run", prompt, dataset: sample.id });
      const { runId } = await first.next((e) => e.type === "RUN_STARTED");
      await first.next((e) => e.type === "TEXT_MESSAGE_CONTENT");
      const sockets = [];
      const streams = [];
      for (let i = 0; i < 25; i++) {
        const from = i % 5 === 4 ? first.of(runId).at(-1).seq : i % 3 ? 0 : first.of(runId).at(-3).seq;
        if (i % 2) {
          const socket = await server.socket();
          socket.send({ type: "resume", runId, lastSeq: from });
          sockets.push([socket, from]);
        } else {
          streams.push([server.fetch(`/api/runs/${runId}/events?after=${from}`).then(async (a) => sseEvents(await a.text())), from]);
        }
        await pause(3 + i);
      }
      await first.next(isLast, "the end");
      const log = await server.events(runId);
      assertWholeLog(log);
      assert.deepEqual(first.of(runId), log);
      for (const [socket, from] of sockets) {
        await socket.next(isLast, "the end for who joined");
        assert.deepEqual(socket.of(runId), log.slice(from));
        await socket.close();
      }
      for (const [stream, from] of streams) assert.deepEqual(await stream, log.slice(from));
      await first.close();
    }
  }, { env: PATIENT }));

/* ---- what runs out ---- */

test("a budget that runs out in the middle: what was answered stays, the rest is Netra's own", async () => {
  const usage = { input: 30_000, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 10_000, reasoning: 0 };
  for (const [purpose, max] of [["interpret", 60_000], ["plan", 70_000], ["plan", 85_000]]) {
    await withModels({ [purpose]: { text: purpose === "plan" ? "Enough." : "{}", usage } }, async ({ server, sample }) => {
      const { events, report, run, calls } = await askModel(server, sample, prompt);
      assertWholeLog(events);
      assert.equal(calls[0].outcome, "answered");
      const used = calls.reduce((sum, c) => sum + (c.usage ? Object.values(c.usage).reduce((a, b) => a + (b ?? 0), 0) : 0), 0);
      assert.ok(used <= max + 10_000, `${used} of ${max}`);
      await assertTold(server, run.id);
      if (calls.some((c) => c.outcome === "over_budget")) assert.ok(report.caveats.some((c) => /model/i.test(c.rendered)));
    }, { env: { NETRA_LLM_TOKENS_PER_RUN_MAX: String(max) } });
  }
});

const hasPrlimit = spawnSync("prlimit", ["--version"]).status === 0;
const needsPrlimit = { skip: hasPrlimit ? false : "prlimit (util-linux) is missing" };

function limitFiles(server, bytes) {
  const done = spawnSync("prlimit", ["--pid", String(server.process.pid), `--fsize=${bytes}:unlimited`]);
  assert.equal(done.status, 0, String(done.stderr));
}

test("the disk is full while a model writes: what was shown is not contradicted, the next process ends the runs", needsPrlimit, () =>
  withFolder(answers({ write: SLOW }), async ({ start }) => {
    for (const after of [0, 30, 120]) {
      const first = await start();
      const sample = await first.json(201, "/api/datasets/sample", { seed: 1 });
      const socket = await first.socket();
      const ids = [0, 1, 2, 3].map((i) => `full-${after}-${i}`);
      for (const runId of ids) socket.send({ type: "run", prompt, dataset: sample.id, runId });
      await socket.next((e) => e.type === "TEXT_MESSAGE_CONTENT");
      await pause(after);
      limitFiles(first, 4096);
      await pause(1200);
      assert.equal((await first.fetch("/health/live")).status, 200);
      await assertIdle(first);
      limitFiles(first, "unlimited");
      await first.stop();
      const second = await start();
      for (const runId of ids) {
        const seen = socket.of(runId);
        const { run, log } = await assertTold(second, runId);
        assert.equal(run.status, "finished", run.reason);
        assertSeen(seen, log);
      }
      await second.stop();
    }
  }));

test("the process asks for as many open files as connections and models may need", { skip: needsPrlimit.skip || process.platform !== "linux" }, async () => {
  const server = await Server.start({ env: { NETRA_HTTP_CONNECTIONS_MAX: "100" } });
  try {
    spawnSync("prlimit", ["--pid", String(server.process.pid)]);
    const [, soft, hard] = /^Max open files\s+(\d+)\s+(\d+)/m.exec(readFileSync(`/proc/${server.process.pid}/limits`, "utf8"));
    assert.ok(Number(soft) >= Math.min(Number(hard), 100 + 1024 + 256), `${soft} of ${hard}`);
  } finally {
    await server.stop();
    server.remove();
  }
});

/* ---- settings, and what is left behind ---- */

test("settings asked for with hostile queries while runs are under way", () =>
  withModels({ write: SLOW }, async ({ server, provider, sample }) => {
    const socket = await server.socket();
    for (let i = 0; i < 8; i++) socket.send({ type: "run", prompt, dataset: sample.id, runId: `busy-${i}` });
    const queries = ["prompt=", "prompt=%00", "prompt=%ff", "prompt=%zz", `prompt=${"x".repeat(6000)}`, "prompt=</data>%0a%0dX: y",
      "prompt=hello&dataset=nobody", "prompt=hello&dataset=%2e%2e%2fetc", `dataset=${sample.id}`, "prompt=a&prompt=b", "x=1", "prompt=%ed%a0%80",
      `prompt=${encodeURIComponent(prompt)}&dataset=${sample.id}`, "prompt=%25s%25n", "dataset=", "prompt=x&dataset="];
    const tally = {};
    for (let i = 0; i < 3; i++) {
      const done = await Promise.all(queries.map((query) => server.fetch(`/api/settings?${query}`)));
      for (const [k, answer] of done.entries()) {
        const text = await answer.text();
        assert.ok([200, 400, 404, 414, 422, 431, 503].includes(answer.status), `${queries[k].slice(0, 40)}: ${answer.status} ${text.slice(0, 200)}`);
        assert.ok(!text.includes(provider.key));
        JSON.parse(text);
        tally[answer.status] = (tally[answer.status] ?? 0) + 1;
      }
    }
    assert.ok(tally[200] >= 6, JSON.stringify(tally));
    for (let i = 0; i < 8; i++) {
      await socket.next((e) => isLast(e) && e.runId === `busy-${i}`, "the end");
      assertWholeLog(socket.of(`busy-${i}`));
    }
    await assertIdle(server);
  }, { env: PATIENT }));

test("attempts, questions and gauges agree with what providers saw", () => {
  let n = 0;
  const usual = answers({});
  const answer = (question) => {
    n++;
    if (n % 5 === 0) return { status: 500 };
    if (n % 7 === 0) return { fault: "half" };
    return n % 11 === 0 ? { fault: "hang" } : usual(question);
  };
  return withModels(answer, async ({ server, provider, sample }) => {
    const socket = await server.socket();
    const ids = Array.from({ length: 30 }, (_, i) => `count-${i}`);
    for (const runId of ids) socket.send({ type: "run", prompt, dataset: sample.id, runId });
    for (const runId of ids) await socket.next((e) => isLast(e) && e.runId === runId, runId);
    await assertIdle(server);
    const { sum } = await metrics(server);
    assert.equal(sum("netra_llm_attempts_total"), provider.questions.length, "each attempt is counted once");
    let rows = 0;
    for (const id of ids) rows += (await server.json(200, `/api/runs/${id}/model-calls`)).items.length;
    assert.equal(rows, provider.questions.length, "and is a row");
    assert.equal(sum("netra_run_questions_total"), sum("netra_llm_questions_total"));
    assert.equal(sum("netra_llm_attempt_duration_seconds_count"), provider.questions.length);
  }, { env: { NETRA_LLM_ATTEMPTS_MAX: "2", NETRA_LLM_BREAKER_FAILURES: "1000" } });
});

test("400 runs with a model leave no file open and no memory behind", { skip: process.platform !== "linux" }, () =>
  withModels({}, async ({ server, sample }) => {
    const rss = () => Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${server.process.pid}/status`, "utf8"))[1]);
    const files = () => readdirSync(`/proc/${server.process.pid}/fd`).length;
    const socket = await server.socket();
    const round = async (name, count) => {
      const ids = Array.from({ length: count }, (_, i) => `${name}-${i}`);
      for (let i = 0; i < count; i += 10) {
        for (const runId of ids.slice(i, i + 10)) socket.send({ type: "run", prompt, dataset: sample.id, runId });
        for (const runId of ids.slice(i, i + 10)) await socket.next((e) => isLast(e) && e.runId === runId, runId);
        socket.events.length = 0;
      }
    };
    await round("warm", 100);
    const before = [rss(), files()];
    await round("measured", Number(process.env.NETRA_SOAK_RUNS ?? 300));
    await assertIdle(server);
    const after = [rss(), files()];
    console.log(`# kB of memory, open files: ${before} → ${after}`);
    assert.ok(after[1] <= before[1] + 4, `${before[1]} files were open, ${after[1]} are`);
    if (!/asan|tsan/.test(process.env.NETRA_BIN ?? "")) assert.ok(after[0] < before[0] + 24_000, `${before[0]} kB before, ${after[0]} kB after`);
  }));
