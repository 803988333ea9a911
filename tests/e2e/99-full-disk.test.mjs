// SPDX-License-Identifier: Apache-2.0
//
// A disk that takes nothing more. The limit on the size of files does for one process what a full disk does
// for all (a write fails), needs no privilege, and can be lifted again: prlimit.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { Server, assertWholeLog, isLast } from "./server.mjs";

const json = { "content-type": "application/json" };
const row = '{"timestamp":"2025-01-01T00:00:00Z","model":"gpt-4o","prompt_tokens":5,"completion_tokens":3}\n';
const hasPrlimit = spawnSync("prlimit", ["--version"]).status === 0;
const needsPrlimit = { skip: hasPrlimit ? false : "prlimit (util-linux) is missing" };
const HEALTH_MS = 60_000;

function limit(server, bytes) {
  const done = spawnSync("prlimit", ["--pid", String(server.process.pid), `--fsize=${bytes}:unlimited`]);
  assert.equal(done.status, 0, String(done.stderr));
}

async function health(server, status) {
  for (const began = Date.now(); ; ) {
    const answer = await server.fetch("/health");
    const body = await answer.json();
    if (answer.status === status) return body;
    assert.ok(Date.now() - began < HEALTH_MS, `/health is still ${answer.status}: ${JSON.stringify(body)}`);
    await pause(200);
  }
}

async function assertRefused(answer, what) {
  const problem = await answer.json();
  assert.equal(answer.status, 503, `${what}: ${JSON.stringify(problem)}`);
  assert.match(answer.headers.get("content-type"), /^application\/problem\+json/);
  assert.ok(answer.headers.get("retry-after"), what);
  assert.equal(problem.code, "SERVICE_UNAVAILABLE");
  assert.match(problem.detail, /cannot be read or written/);
  assert.match(problem.hint, /\/health/);
}

test("a disk that is full refuses with a reason, is told by /health, and is forgotten when there is room", needsPrlimit, async () => {
  const server = await Server.start();
  try {
    const sample = await server.json(201, "/api/datasets/sample", { seed: 1 });
    const before = await server.socket();
    const log = await before.run("What do I spend?", { dataset: sample.id, runId: "before" });

    limit(server, 4096);
    const post = (path, body) => server.fetch(path, { method: "POST", headers: json, body: JSON.stringify(body) });
    await assertRefused(await post("/api/runs", { prompt: "hello", run_id: "full" }), "a run");
    await assertRefused(await post("/api/threads", {}), "a thread");
    await assertRefused(await server.fetch("/api/datasets?name=f.jsonl&id=full", { method: "POST", body: row }), "an upload");
    await assertRefused(await server.fetch(`/api/datasets/${sample.id}`, { method: "DELETE" }), "a deletion");
    before.send({ type: "run", prompt: "hello", runId: "full-ws" });
    const refused = await before.next((e) => e.name === "error");
    assert.equal(refused.value.problem.status, 503);
    const sick = await health(server, 503);
    assert.equal(sick.status, "unhealthy");
    assert.ok(sick.checks.some((check) => check.name === "store" && check.reason));
    assert.equal((await server.fetch("/health/ready")).status, 503);
    assert.equal((await server.fetch("/health/live")).status, 200);
    assert.deepEqual(await server.events("before"), log);

    limit(server, "unlimited");
    await health(server, 200);
    assertWholeLog(await before.run("hello", { runId: "full" }));
    await server.upload("g.jsonl", row);
    await server.json(204, `/api/datasets/${sample.id}`, undefined, { method: "DELETE" });
  } finally {
    await server.stop();
    server.remove();
  }
});

test("runs whose logs stand still because the disk is full go on in the same process", needsPrlimit, async () => {
  const server = await Server.start();
  const prompt = "How can we reduce costs by 20 % without making anything worse? Audit our caching, too.";
  try {
    const sample = await server.json(201, "/api/datasets/sample", { seed: 1 });
    const sockets = await Promise.all([0, 1, 2, 3, 4, 5].map(() => server.socket()));
    for (const [i, socket] of sockets.entries()) socket.send({ type: "run", prompt, dataset: sample.id, runId: `held-${i}` });
    await sockets[0].next((e) => e.type === "STEP_STARTED");
    limit(server, 4096);
    for (const began = Date.now(); !/run held-\d stands still/.test(server.log); await pause(20)) {
      assert.ok(Date.now() - began < HEALTH_MS, "no run stands still");
    }
    await pause(1000);
    limit(server, "unlimited");
    for (const [i, socket] of sockets.entries()) {
      const last = await socket.next((e) => (isLast(e) && e.runId === `held-${i}`) || e.name === "error", `the end of held-${i}`, 20_000);
      if (last.name === "error") continue; // it came too late to be accepted
      assertWholeLog(socket.of(`held-${i}`));
      assert.deepEqual(await server.events(`held-${i}`), socket.of(`held-${i}`));
    }
    assert.match(await (await server.fetch("/metrics")).text(), /^netra_runs_taken_up_total [1-9]/m);
  } finally {
    await server.stop();
    server.remove();
  }
});

test("a run whose log stands still because the disk is full goes on in the next process", needsPrlimit, async () => {
  const server = await Server.start();
  server.ownsFolder = false;
  const prompt = "How can we reduce costs by 20 % without making anything worse? Audit our caching, too.";
  const sample = await server.json(201, "/api/datasets/sample", { seed: 1 });
  const socket = await server.socket();
  socket.send({ type: "run", prompt, dataset: sample.id, runId: "stuck" });
  await socket.next((e) => e.type === "STEP_STARTED");
  limit(server, 4096);
  await pause(300);
  const seen = socket.of("stuck");
  limit(server, "unlimited");
  assert.equal(await server.stop(), 0);
  const second = await Server.start({ folder: server.folder });
  second.ownsFolder = true;
  try {
    await second.ended("stuck");
    const all = await second.events("stuck");
    assert.ok(isLast(all.at(-1)));
    assert.deepEqual(all.slice(0, seen.length), seen);
  } finally {
    await second.stop();
    second.remove();
  }
});
