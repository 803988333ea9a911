// SPDX-License-Identifier: Apache-2.0
//
// The fault matrix: faults that are put in through the API and, where one process can have them, real ones. Each time:
// answers are those of docs/protocol.md and never wrong, what was acknowledged is there, and work goes on without a
// restart. The table of what was seen is printed at the end.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect } from "node:net";
import { after, test } from "node:test";
import { fileURLToPath } from "node:url";
import { setTimeout as pause } from "node:timers/promises";

import { STILL_MS, Work, arm, armMemory, disarm, documented, hits, recovers } from "./faults.mjs";
import { CHAIN, FAST, answers, askModel } from "./model_server.mjs";
import { ScriptedProvider } from "./scripted_provider.mjs";
import { Server, Socket, assertContiguous, assertWholeLog, isLast, within } from "./server.mjs";

const hasPrlimit = spawnSync("prlimit", ["--version"]).status === 0;
const needsPrlimit = { skip: hasPrlimit ? false : "prlimit (util-linux) is missing" };
const table = [];

function row(fault, cause, seen, kept) {
  table.push({ fault, cause, seen, kept: `${kept} things, all there` });
}

after(() => {
  console.log("# fault matrix");
  for (const { fault, cause, seen, kept } of table) console.log(`# ${fault} | ${cause} | ${seen} | ${kept} | recovered`);
});

const withServer = (fn, env = {}) => Server.with(fn, { env: { NETRA_FAULTS_ALLOWED: "on", NETRA_DEPLOYMENT: "staging", ...env } });

function limit(server, what) {
  const done = spawnSync("prlimit", ["--pid", String(server.process.pid), what]);
  assert.equal(done.status, 0, String(done.stderr));
}

async function healthUntil(server, holds, what) {
  for (const began = Date.now(); ; await pause(100)) {
    const answer = await server.fetch("/health");
    const body = await answer.json();
    if (holds(body, answer.status)) return body;
    assert.ok(Date.now() - began < 60_000, `${what}: ${JSON.stringify(body)}`);
  }
}

/** One round before, some under the fault, one after it; nothing of any is lost. */
async function matrix(server, { fault, cause, begin, end, rounds = 2, mayClose = false }) {
  const work = new Work(server);
  await work.round();
  const { facts } = work;
  work.seen.clear();
  await begin(work);
  work.stillMs = STILL_MS;
  for (let i = 0; i < rounds; i++) await work.round({ mayClose });
  const seen = work.told();
  await end(work);
  await recovers(server, { facts });
  row(fault, cause, seen, await work.nothingIsLost());
  return work;
}

test("faults are for deployments that allow them, and are told where they are armed", async () => {
  await Server.with(async (server) => {
    const refused = await documented(await server.fetch("/api/faults"), "faults");
    assert.equal(refused.code, "FORBIDDEN");
    assert.equal(refused.problem.needs, "faults.allowed");
    assert.deepEqual((await server.json(200, "/health")).faults, { allowed: false, armed: [] });
  });
  await withServer(async (server) => {
    assert.deepEqual((await server.json(200, "/health")).faults, { allowed: true, armed: [] });
    const told = await arm(server, "store_slow", { argument: 5, seconds: 1 });
    assert.ok(told);
    const health = await server.json(200, "/health");
    assert.equal(health.status, "degraded");
    assert.equal(health.deployment, "staging");
    assert.deepEqual(health.faults.armed, ["store_slow"]);
    assert.match(health.checks.find((c) => c.name === "faults").reason, /faults are armed: store_slow/);
    await healthUntil(server, (body) => !body.faults.armed.length, "it ends by itself");
    for (const body of [{ name: "none" }, { name: "store_slow" }, { name: "store_slow", argument: 0 }, { name: "store_full", seconds: 601 }, { name: "store_full", times: -1 }, {}]) {
      const wrong = await documented(await server.fetch("/api/faults", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) }), JSON.stringify(body));
      assert.equal(wrong.code, "INVALID_REQUEST", JSON.stringify(body));
    }
  });
});

for (const [fault, code, argument] of [
  ["auth_expired", "AUTH_FAILED"],
  ["rate_limited", "RATE_LIMITED", 2],
  ["unavailable", "SERVICE_UNAVAILABLE", 2],
  ["invalid_request", "INVALID_REQUEST"],
  ["internal_error", "INTERNAL_ERROR"],
]) {
  test(`${fault}: ${code}, then all is well`, async () => {
    await withServer((server) =>
      matrix(server, {
        fault,
        cause: "injected",
        rounds: 1,
        begin: () => arm(server, fault, { argument, times: 3 }),
        end: async (work) => {
          const count = [...work.seen].filter(([key]) => key.includes(code)).reduce((sum, [, n]) => sum + n, 0);
          assert.ok(count >= 1 && count <= 3, work.told());
          assert.ok((await hits(server, fault)) >= count);
          await disarm(server);
        },
      }),
    );
  });
}

for (const fault of ["store_full", "store_read_only"]) {
  test(`${fault}: writes are refused, reads go on, /health says it, and it is forgotten`, async () => {
    await withServer((server) =>
      matrix(server, {
        fault,
        cause: "injected",
        begin: () => arm(server, fault),
        end: async (work) => {
          assert.ok(work.seen.has("thread SERVICE_UNAVAILABLE"), work.told());
          assert.ok(work.seen.has("tool OK"), work.told());
          const sick = await healthUntil(server, (body, status) => status === 503, "/health");
          assert.match(sick.checks.find((c) => c.name === "store").reason, fault === "store_full" ? /disk is full: make room/ : /read-only/);
          assert.equal((await server.fetch("/health/live")).status, 200);
          await disarm(server);
          await healthUntil(server, (body, status) => status === 200, "/health");
        },
      }),
    );
  });
}

/** Runs that are at work when a fault of the store begins: who listens hears all of each, once, from the same process. */
async function runsGoOn(server, { fault, cause, begin, end }) {
  const work = new Work(server);
  await work.round();
  await arm(server, "store_slow", { argument: 400 }); // what follows an acceptance is being committed when the fault begins
  const ids = [0, 1, 2, "cancelled"].map((i) => `${fault}-${cause.slice(0, 4)}-${i}`);
  const sockets = await Promise.all(ids.map(() => server.socket()));
  for (const [i, id] of ids.entries()) sockets[i].send({ type: "run", prompt: "What do I spend?", dataset: work.dataset, runId: id });
  await Promise.all(ids.map((id, i) => sockets[i].next((e) => e.type === "RUN_STARTED" && e.runId === id)));
  await begin();
  for (const began = Date.now(); !ids.every((id) => server.log.includes(`run ${id} stands still`)); await pause(20)) {
    assert.ok(Date.now() - began < 60_000, server.log.slice(-2000));
  }
  const heard = sockets.map((socket, i) => socket.of(ids[i]).length);
  const isReported = sockets.map((socket, i) => socket.of(ids[i]).some((e) => e.type === "ACTIVITY_SNAPSHOT"));
  assert.ok(!isReported[3], "the last one is in the middle");
  for (const [i, id] of ids.entries()) {
    assert.equal((await server.json(200, `/api/runs/${id}`)).last_seq, heard[i], "what is kept was heard, and nothing else");
  }
  await server.json(202, `/api/runs/${ids[3]}/cancel`, {});
  await pause(800);
  assert.deepEqual(sockets.map((socket, i) => socket.of(ids[i]).length), heard, "nothing that is not kept is told");
  await end();
  const ended = Date.now();
  const last = await Promise.all(ids.map((id, i) => sockets[i].next((e) => isLast(e) && e.runId === id, `the end of ${id}`)));
  const took = Date.now() - ended;
  await disarm(server);
  for (const [i, id] of ids.entries()) {
    const log = sockets[i].of(id);
    assertContiguous(log);
    assert.deepEqual(await server.events(id), log, "what was heard is what is kept");
    assert.deepEqual(log.filter((e) => e.name === "netra.resumed").map((e) => e.value), isReported[i] ? [] : [{ attempt: 0 }]);
    if (i < 3) assertWholeLog(log);
  }
  assert.equal(last[3].outcome?.type ?? last[3].outcome, "cancelled", JSON.stringify(last[3]));
  assert.match(await (await server.fetch("/metrics")).text(), /^netra_runs_taken_up_total 4$/m);
  await recovers(server, work);
  row(`${fault}, runs under way`, cause, `4 runs stood still and ended ${took} ms after it`, await work.nothingIsLost());
  for (const socket of sockets) await socket.close();
}

for (const fault of ["store_full", "store_read_only"]) {
  test(`${fault}: runs under way go on in the same process`, async () => {
    await withServer((server) =>
      runsGoOn(server, {
        fault,
        cause: "injected",
        begin: () => arm(server, fault),
        end: () => server.json(204, `/api/faults/${fault}`, undefined, { method: "DELETE" }),
      }),
    );
  });
}

test("store_full: runs under way when a file cannot grow go on in the same process", needsPrlimit, async () => {
  await withServer((server) =>
    runsGoOn(server, {
      fault: "store_full",
      cause: "real (prlimit --fsize)",
      begin: () => limit(server, "--fsize=4096:unlimited"),
      end: () => limit(server, "--fsize=unlimited:unlimited"),
    }),
  );
});

test("store_full: a file that cannot grow", needsPrlimit, async () => {
  await withServer((server) =>
    matrix(server, {
      fault: "store_full",
      cause: "real (prlimit --fsize)",
      begin: () => limit(server, "--fsize=4096:unlimited"),
      end: async (work) => {
        assert.ok(work.seen.has("thread SERVICE_UNAVAILABLE"), work.told());
        limit(server, "--fsize=unlimited:unlimited");
        await healthUntil(server, (body, status) => status === 200, "/health");
      },
    }),
  );
});

test("records_full: the upload is refused, and nothing of it stays", async () => {
  await withServer((server) =>
    matrix(server, {
      fault: "records_full",
      cause: "injected",
      begin: () => arm(server, "records_full"),
      end: async (work) => {
        assert.ok(!work.seen.has("upload OK"), work.told());
        assert.ok(work.seen.has("run finished"), "datasets that are there work");
        await disarm(server);
        const { items } = await server.json(200, "/api/datasets?limit=200");
        for (const dataset of items) assert.ok(["ready", "failed"].includes(dataset.status), JSON.stringify(dataset));
      },
    }),
  );
});

test("store_slow: 300 ms a commit: order kept, nothing lost, the loop answers as before", async () => {
  await withServer(async (server) => {
    const work = new Work(server);
    await work.round();
    await arm(server, "store_slow", { argument: 300 });
    const live = [];
    let isOver = false;
    const watching = (async () => {
      while (!isOver) {
        const began = performance.now();
        assert.equal((await server.fetch("/health/live")).status, 200);
        live.push(performance.now() - began);
        await pause(10);
      }
    })();
    const sockets = await Promise.all([0, 1, 2, 3].map(() => server.socket()));
    const logs = await Promise.all(sockets.map((socket, i) => socket.run("What do I spend?", { dataset: work.dataset, runId: `slow-${i}` })));
    isOver = true;
    await watching;
    for (const [i, log] of logs.entries()) {
      assertWholeLog(log);
      assert.deepEqual(await server.events(`slow-${i}`), log, "what was heard is what is kept");
    }
    const stamps = logs[0].map((e) => e.timestamp);
    const took = stamps.at(-1) - stamps[0];
    live.sort((a, b) => a - b);
    const p99 = live[Math.floor(live.length * 0.99)];
    assert.ok(p99 < 250, `p99 of /health/live under slow commits: ${p99} ms`);
    await disarm(server);
    await recovers(server, work);
    row("store_slow", "injected, 300 ms a commit", `4 runs finished in ${took} ms each; /health/live p99 ${p99.toFixed(1)} ms of ${live.length}`, await work.nothingIsLost());
    for (const socket of sockets) await socket.close();
  });
});

test("model_down: the next one, then the built-in analyst; model_slow: later", async () => {
  const first = await ScriptedProvider.start(answers());
  try {
    const env = { ...first.env(`${CHAIN}, openai:gpt-5-mini`, { ...FAST, NETRA_LLM_BREAKER_FAILURES: "1000" }), NETRA_FAULTS_ALLOWED: "on" };
    await Server.with(
      async (server) => {
        const sample = await server.json(201, "/api/datasets/sample", { seed: 1 });
        const well = await askModel(server, sample, "Where does our money go?");
        await arm(server, "model_down", { times: 1 });
        const next = await askModel(server, sample, "Where does our money go?");
        assert.equal(next.calls[0].outcome, "failed");
        assert.equal(next.calls[1].provider, "openai");
        assert.equal(next.calls[1].outcome, "answered");
        await arm(server, "model_down");
        const alone = await askModel(server, sample, "Where does our money go?");
        assert.ok(alone.calls.every((c) => c.outcome !== "answered"));
        assert.ok(!alone.report.summary_by, "no model wrote it");
        assert.ok(JSON.stringify(alone.report.caveats).length > 2, "a caveat says why");
        await disarm(server);
        await arm(server, "model_slow", { argument: 200, times: 1 });
        const slow = await askModel(server, sample, "Where does our money go?");
        assert.ok(slow.calls[0].latency_ms >= 190, JSON.stringify(slow.calls[0]));
        const numbers = (asked) => Object.fromEntries(Object.entries(asked.report.facts).map(([id, f]) => [id, f.value]));
        for (const one of [next, alone, slow]) {
          for (const [id, value] of Object.entries(numbers(one))) if (id in well.report.facts) assert.deepEqual(value, well.report.facts[id].value, id);
        }
        row("model_down, model_slow", "injected", "the next of the chain; then the built-in analyst with a caveat; 200 ms later", 4);
      },
      { env },
    );
  } finally {
    await first.stop();
  }
});

test("a provider that ends: real", async () => {
  const provider = await ScriptedProvider.start(answers());
  const env = { ...provider.env(CHAIN, FAST) };
  let isStopped = false;
  try {
    await Server.with(
      async (server) => {
        const sample = await server.json(201, "/api/datasets/sample", { seed: 1 });
        await askModel(server, sample, "Where does our money go?");
        await provider.stop();
        isStopped = true;
        const alone = await askModel(server, sample, "Where does our money go?");
        assert.ok(alone.calls.length && alone.calls.every((c) => c.outcome !== "answered"));
        row("model_down", "real (the provider's port is closed)", "the built-in analyst with a caveat", 2);
      },
      { env },
    );
  } finally {
    if (!isStopped) await provider.stop();
  }
});

for (const by of [3_600_000, -3_600_000]) {
  test(`clock_jump by ${by / 3_600_000} h: runs, sessions, tickets and checks survive it`, async () => {
    await withServer(async (server) => {
      const signedIn = await fetch(server.signIn, { redirect: "manual" });
      const cookie = signedIn.headers.get("set-cookie").split(";")[0];
      const work = new Work(server);
      await work.round();
      const socket = await server.socket();
      await socket.run("What do I spend?", { dataset: work.dataset, runId: "before" });
      await arm(server, "store_slow", { argument: 20 });
      socket.send({ type: "run", prompt: "What do I spend?", dataset: work.dataset, runId: "across" });
      await socket.next((e) => e.runId === "across" && e.type === "STEP_STARTED");
      await arm(server, "clock_jump", { argument: by });
      await socket.next((e) => e.runId === "across" && isLast(e));
      assertWholeLog(socket.of("across"));
      const under = await socket.run("What do I spend?", { dataset: work.dataset, runId: "under" });
      assertWholeLog(under);
      assert.ok(Math.abs(under[0].timestamp - Date.now() - by) < 60_000, "events tell the time that the clock tells");
      const asked = await fetch(new URL("/api/threads", server.url), { headers: { cookie } });
      assert.equal(asked.status, 200, "the session goes on");
      const { ticket } = await server.json(201, "/api/ws-ticket", undefined, { method: "POST" });
      const second = new Socket(server, { path: `/ws?ticket=${ticket}`, headers: { authorization: "" } });
      await within(second.opened, "a socket with a ticket");
      await second.close();
      await work.round();
      const told = work.told();
      for (const key of work.seen.keys()) assert.match(key, / (OK|finished)$/, told);
      const health = await healthUntil(server, (body) => /jumped/.test(body.checks.find((c) => c.name === "clock").reason ?? ""), "the jump is noticed");
      for (const name of ["store", "records", "disk", "workers"]) assert.equal(health.checks.find((c) => c.name === name).status, "healthy", name);
      const metrics = await (await server.fetch("/metrics")).text();
      const sum = metrics.split("\n").filter((l) => l.startsWith("netra_http_request_duration_seconds_sum")).reduce((all, l) => all + Number(l.split(" ").at(-1)), 0);
      assert.ok(sum < 600, `no request took an hour: ${sum} s together`);
      await disarm(server);
      await recovers(server, work);
      assert.equal((await fetch(new URL("/api/threads", server.url), { headers: { cookie } })).status, 200);
      row("clock_jump", `injected, ${by / 3_600_000} h`, told, await work.nothingIsLost());
      await socket.close();
    });
  });
}

test("no_files: who is there goes on, who comes is told to come again, and then comes", async () => {
  await withServer(async (server) => {
    const work = new Work(server);
    await work.round();
    const socket = await server.socket();
    await arm(server, "no_files", { times: 5 });
    const log = await socket.run("What do I spend?", { dataset: work.dataset, runId: "files" });
    assertWholeLog(log);
    const turned = await Promise.all(Array.from({ length: 4 }, () => knock(server)));
    await disarm(server);
    await recovers(server, work);
    const health = await healthUntil(server, (body) => body.checks.find((c) => c.name === "files").status === "degraded", "files");
    assert.match(health.checks.find((c) => c.name === "files").reason, /file descriptor/);
    row("no_files", "injected", `a run on an open socket finished; connections: ${turned.join(", ")}`, await work.nothingIsLost());
    await socket.close();
  });
});

test("no_files: a real limit of open files", needsPrlimit, async () => {
  await withServer(async (server) => {
    const work = new Work(server);
    await work.round();
    const socket = await server.socket();
    await work.round();
    const open = new Set(readdirSync(`/proc/${server.process.pid}/fd`).map(Number));
    let free = 0;
    while (open.has(free)) free++;
    limit(server, `--nofile=${free + 3}:`); // room for three more
    const knocks = await Promise.all(Array.from({ length: 30 }, () => knock(server, 500)));
    assert.ok(knocks.some((k) => k !== "200"), knocks.join(", "));
    for (const k of knocks) assert.match(k, /^(200|503)$/);
    limit(server, "--nofile=4096:");
    assertWholeLog(await socket.run("What do I spend?", { dataset: work.dataset, runId: "files" }));
    await recovers(server, work);
    const counts = knocks.reduce((sum, k) => ({ ...sum, [k]: (sum[k] ?? 0) + 1 }), {});
    row("no_files", "real (prlimit --nofile)", `30 connections at once: ${JSON.stringify(counts)}`, await work.nothingIsLost());
    await socket.close();
  });
});

/** A connection of its own: the status it is answered, or "closed". */
function knock(server, waitMs = 0) {
  return within(
    new Promise((resolve) => {
      const socket = connect(server.port, "127.0.0.1");
      let text = "";
      socket.setEncoding("utf8");
      const ask = () => socket.write(`GET /health/live HTTP/1.1\r\nHost: localhost:${server.port}\r\nConnection: close\r\n\r\n`);
      socket.on("connect", () => setTimeout(ask, waitMs)); // meanwhile others come
      socket.on("data", (piece) => (text += piece));
      socket.on("error", () => {});
      socket.on("close", () => resolve(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1] ?? "closed"));
    }),
    "an answer to a new connection",
    20_000,
  );
}

/** Work while each of these allocations fails, one after the other, on a server of its own. */
function failEach(nths) {
  return withServer(async (server) => {
    const work = new Work(server);
    await work.round();
    const { facts } = work;
    work.seen.clear();
    work.stillMs = STILL_MS;
    let failed = 0;
    for (const nth of nths) {
      const before = await hits(server, "no_memory");
      await armMemory(server, nth);
      await work.round({ mayClose: true });
      await disarm(server);
      failed += (await hits(server, "no_memory")) - before;
      assert.equal((await server.fetch("/health/live")).status, 200, `after the ${nth}th`);
    }
    const blamed = work.problems.filter((problem) => problem.code !== "SERVICE_UNAVAILABLE");
    assert.deepEqual(blamed, [], "want of memory is nobody's mistake");
    await recovers(server, { facts });
    return { failed, seen: work.seen, kept: await work.nothingIsLost() };
  });
}

test("no_memory: the Nth allocation fails, for hundreds of N: a documented answer or none, never a wrong one", async () => {
  const nths = [];
  for (let n = 1; n <= 60; n++) nths.push(n);
  for (let n = 61; n < 40_000; n = Math.ceil(n * 1.035)) nths.push(n);
  // Most of the time a run is waited for whose log stands still: servers beside each other.
  const lanes = await Promise.all([0, 1, 2, 3].map((lane) => failEach(nths.filter((_, i) => i % 4 === lane))));
  const sum = (of) => lanes.reduce((total, lane) => total + of(lane), 0);
  const failed = sum((lane) => lane.failed);
  assert.ok(failed > nths.length / 3, `${failed} of ${nths.length} allocations were reached`);
  const all = new Work();
  for (const { seen } of lanes) for (const [key, n] of seen) all.seen.set(key, (all.seen.get(key) ?? 0) + n);
  row("no_memory", `injected, ${nths.length} values of N up to ${nths.at(-1)}, ${failed} failed`, all.told(), sum((lane) => lane.kept));
});

test("step_fails: it is logged and done once more", async () => {
  await withServer(async (server) => {
    const work = new Work(server);
    await work.round();
    work.seen.clear();
    await arm(server, "step_fails", { times: 1 });
    await work.round();
    assert.ok(work.seen.has("run finished"), work.told());
    assert.match(server.log, /step has failed/);
    const once_ = work.told();
    await arm(server, "step_fails");
    await work.round();
    assert.ok(work.seen.has("run failed"), work.told());
    await disarm(server);
    await recovers(server, work);
    row("step_fails", "injected", `once: ${once_}; always: run failed`, await work.nothingIsLost());
  });
});

test("reader_stalls: it is cut off, the others go on, and it resumes without a gap", async () => {
  await withServer(
    async (server) => {
      const work = new Work(server);
      await work.round();
      const stalled = await server.socket();
      const other = await server.socket();
      stalled.send({ type: "run", prompt: "What do I spend?", dataset: work.dataset, runId: "stall" });
      const first = await stalled.next((e) => e.runId === "stall" && e.type === "RUN_STARTED");
      await arm(server, "reader_stalls", { times: 1 });
      for (let i = 0; i < 3; i++) stalled.send({ type: "run", prompt: "What do I spend?", dataset: work.dataset, runId: `more-${i}` });
      const { code } = await within(stalled.closed, "the one that reads nothing is cut off");
      assert.ok([1006, 1013].includes(code), String(code));
      await disarm(server);
      assertWholeLog(await other.run("What do I spend?", { dataset: work.dataset, runId: "other" }));
      const seen = stalled.of("stall").at(-1)?.seq ?? first.seq;
      const again = await server.socket();
      again.send({ type: "resume", runId: "stall", lastSeq: seen });
      await again.next((e) => e.runId === "stall" && isLast(e));
      assertContiguous([...stalled.of("stall"), ...again.of("stall")]);
      await recovers(server, work);
      row("reader_stalls", "injected", `closed ${code}; resumed after ${seen} without a gap`, await work.nothingIsLost());
      await again.close();
      await other.close();
    },
    { NETRA_HTTP_QUEUE_BYTES_MAX: "65536", NETRA_HTTP_WRITE_TIMEOUT_MS: "1000", NETRA_HTTP_WS_PING_MS: "500" },
  );
});

test("a reader that is stopped (SIGSTOP): cut off, and it resumes without a gap when it goes on", async () => {
  await withServer(
    async (server) => {
      const work = new Work(server);
      await work.round();
      const reader = spawn(process.execPath, [fileURLToPath(new URL("stopped_reader.mjs", import.meta.url)), server.url, work.dataset], { stdio: ["ignore", "pipe", "inherit"] });
      const lines = [];
      reader.stdout.setEncoding("utf8").on("data", (piece) => lines.push(...piece.split("\n").filter(Boolean)));
      const exited = once(reader, "exit");
      while (!lines.some((line) => line === "started")) await pause(20);
      reader.kill("SIGSTOP");
      const sockets = async () => Number(/^netra_ws_connections (\d+)$/m.exec(await (await server.fetch("/metrics")).text())[1]);
      // The gauge is half a second old at most: it has seen the socket before it sees it gone.
      for (const count of [1, 0]) {
        for (const began = Date.now(); (await sockets()) !== count; await pause(50)) assert.ok(Date.now() - began < 60_000, `${count} sockets`);
      }
      reader.kill("SIGCONT");
      assert.equal((await within(exited, "the reader's end"))[0], 0, lines.join("\n"));
      assert.ok(lines.some((line) => line.startsWith("whole ")), lines.join("\n"));
      await recovers(server, work);
      row("reader_stalls", "real (SIGSTOP)", `cut off; ${lines.at(-1)}`, await work.nothingIsLost());
    },
    { NETRA_HTTP_WS_PING_MS: "300" },
  );
});
