// SPDX-License-Identifier: Apache-2.0
//
// Runs survive: sockets that are cut at random, a server that is killed at random. What a client has seen is
// in the log for good, what it has not seen comes when it asks, each event once; every run ends.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { Server, assertContiguous, assertWholeLog, isLast } from "./server.mjs";

const prompt = "How can we reduce costs by 20 % without making anything worse? Audit our caching, too.";
const TIMES = 50;

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

test(`${TIMES} sockets cut in mid-run: the run completes, resume gives each missing event once`, async () => {
  await Server.with(async (server) => {
    const random = randomFrom(20261123);
    const sample = await server.json(201, "/api/datasets/sample", { seed: 1 });
    const whole = await (await server.socket()).run(prompt, { dataset: sample.id });
    let cutInside = 0;
    for (let i = 0; i < TIMES; i++) {
      const runId = randomUUID();
      const first = await server.socket();
      const cutAt = 1 + random(whole.length - 1);
      first.send({ type: "run", prompt, dataset: sample.id, runId });
      await first.next((e) => e.seq >= cutAt, `event ${cutAt}`);
      first.cut();
      const seen = first.of(runId);
      cutInside += !seen.some(isLast);
      const second = await server.socket();
      second.send({ type: "resume", runId, lastSeq: seen.at(-1).seq });
      if (!seen.some(isLast)) await second.next(isLast, "the end after a resume");
      const all = [...seen, ...second.of(runId)];
      assertWholeLog(all);
      assert.deepEqual(await server.events(runId), all);
      assert.equal((await server.ended(runId)).status, "finished");
      await second.close();
    }
    assert.ok(cutInside >= TIMES / 2, `only ${cutInside} of ${TIMES} were cut before the end`);
  });
});

test(`kill -9 at ${TIMES} random points: every run ends, no event that was seen is missing`, async () => {
  const folder = mkdtempSync(join(tmpdir(), "netra-kill-"));
  const random = randomFrom(7);
  const tally = { finished: 0, failed: 0, cancelled: 0 };
  let killedInside = 0;
  try {
    let server = await Server.start({ folder });
    const sample = await server.json(201, "/api/datasets/sample", { seed: 1 });
    const probe = await server.socket();
    const length = (await probe.run(prompt, { dataset: sample.id })).length;
    for (let i = 0; i < TIMES; i++) {
      const socket = await server.socket();
      const ids = [randomUUID(), randomUUID()];
      for (const runId of ids) socket.send({ type: "run", prompt, dataset: sample.id, runId });
      // a point of the first run's log, and up to 3 ms of whatever happens behind it
      const killAt = 1 + random(length - 1);
      await socket.next((e) => e.runId === ids[0] && e.seq >= killAt, `event ${killAt}`);
      await new Promise((resolve) => setTimeout(resolve, random(4)));
      await server.stop("SIGKILL");
      await socket.closed;
      const seen = ids.map((id) => socket.of(id));
      killedInside += seen.some((events) => events.length && !events.some(isLast));
      server = await Server.start({ folder });
      for (const [n, runId] of ids.entries()) {
        if (!seen[n].length && (await server.fetch(`/api/runs/${runId}`)).status === 404) continue;
        const record = await server.ended(runId);
        tally[record.status]++;
        if (record.status === "failed") assert.ok(record.reason, "a reason is given");
        const log = await server.events(runId);
        assertContiguous(log);
        assert.deepEqual(log.slice(0, seen[n].length), seen[n], `run ${runId}: what was seen is in the log`);
        assert.ok(isLast(log.at(-1)));
        assert.equal(log.filter(isLast).length, 1);
        if (record.status === "finished") {
          assertWholeLog(log);
          assert.equal((await server.fetch(`/api/reports/${record.report_id}.json`)).status, 200);
        }
      }
    }
    await server.stop();
    console.log(`# ${TIMES} kills, ${killedInside} inside a run: ${JSON.stringify(tally)}`);
    assert.ok(killedInside >= TIMES / 2, `only ${killedInside} of ${TIMES} kills hit a run`);
    assert.ok(tally.finished > 0);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a server that is told to stop closes sockets with 1012, and the run goes on at the next start", async () => {
  const folder = mkdtempSync(join(tmpdir(), "netra-stop-"));
  try {
    const first = await Server.start({ folder });
    const sample = await first.json(201, "/api/datasets/sample", { seed: 1 });
    const socket = await first.socket();
    const ids = Array.from({ length: 8 }, () => randomUUID());
    for (const runId of ids) socket.send({ type: "run", prompt, dataset: sample.id, runId });
    await socket.next((e) => e.type === "RUN_STARTED" && e.runId === ids.at(-1), "the runs to be accepted");
    assert.equal(await first.stop(), 0);
    assert.equal((await socket.closed).code, 1012);
    const second = await Server.start({ folder });
    for (const runId of ids) {
      const record = await second.ended(runId);
      assert.equal(record.status, "finished", record.reason);
      const log = await second.events(runId);
      assertWholeLog(log);
      const seen = socket.of(runId);
      assert.deepEqual(log.slice(0, seen.length), seen);
    }
    await second.stop();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("a reader that never reads is cut off, others are not slowed, and it can resume", async () => {
  await Server.with(
    async (server) => {
      const sample = await server.json(201, "/api/datasets/sample", { seed: 1 });
      const slow = await server.socket();
      slow.ws._socket.pause();
      const ids = [];
      const other = await server.socket();
      for (let i = 0; i < 40; i++) {
        const runId = randomUUID();
        ids.push(runId);
        other.send({ type: "run", prompt, dataset: sample.id, runId });
        await other.next((e) => e.type === "RUN_STARTED" && e.runId === runId);
        slow.send({ type: "resume", runId, lastSeq: 0 });
        if (i % 8 === 7) await other.next((e) => isLast(e) && e.runId === runId, "the end");
      }
      await Promise.all(ids.map((id) => other.next((e) => isLast(e) && e.runId === id, "the end")));
      slow.ws._socket.resume();
      const resumed = await server.socket();
      for (const runId of ids) resumed.send({ type: "resume", runId, lastSeq: 0 });
      await Promise.all(ids.map((id) => resumed.next((e) => isLast(e) && e.runId === id, "the end")));
      for (const id of ids) assertWholeLog(resumed.of(id));
    },
    { env: { NETRA_HTTP_QUEUE_BYTES_MAX: "65536" } },
  );
});

test("connections and sockets that come and go leave no open file behind", { skip: process.platform !== "linux" }, () =>
  Server.with(async (server) => {
    const files = () => readdirSync(`/proc/${server.process.pid}/fd`).length;
    await (await server.socket()).close();
    const before = files();
    for (let round = 0; round < 4; round++) {
      const plain = Array.from({ length: 500 }, () => connect(server.port, "127.0.0.1"));
      await Promise.all(plain.map((one) => once(one, "connect")));
      for (const one of plain) one.destroy();
      const sockets = await Promise.all(Array.from({ length: 100 }, () => server.socket()));
      await Promise.all(sockets.slice(0, 5).map((one) => one.run("hello")));
      for (const one of sockets.slice(0, 50)) one.cut();
      await Promise.all(sockets.slice(50).map((one) => one.close()));
    }
    // fetch keeps a connection or two open: what must not be there is any of the 2,400 others
    const gauge = async () => /^netra_ws_connections (\d+)$/m.exec(await (await server.fetch("/metrics")).text())[1];
    for (const began = Date.now(); files() > before + 4 || (await gauge()) !== "0"; ) {
      assert.ok(Date.now() - began < 60_000, `${files()} files are open, ${before} were; ${await gauge()} sockets`);
      await new Promise((resolve) => setTimeout(resolve, 50)); // gauges are set twice a second
    }
  }));
