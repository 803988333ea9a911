// SPDX-License-Identifier: Apache-2.0
//
// Runs that wait: their place in the queue, in the record and over the WebSocket; a step that fails.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Server, assertWholeLog, isLast } from "./server.mjs";

const prompt = "How can we reduce costs by 20 %?";
const runs = 12;
let server;
let sample;
before(async () => {
  server = await Server.start({ env: { NETRA_RUNS_CONCURRENT_MAX: "1", NETRA_FAULTS_ALLOWED: "on" } });
  sample = await server.json(201, "/api/datasets/sample", { seed: 1 });
});
after(async () => {
  await server.stop();
  server.remove();
});

test("a run that waits says how many are ahead, and is told as that changes", async () => {
  const socket = await server.socket();
  // Runs that take their time, so that the last one is still far behind when it is looked at.
  await server.json(201, "/api/faults", { name: "store_slow", argument: 200, seconds: 60 });
  const asked = [];
  for (let i = 0; i < runs; i++) asked.push(server.json(202, "/api/runs", { prompt, dataset: sample.id, run_id: `wait-${i}` }));
  await Promise.all(asked);
  const record = await server.json(200, `/api/runs/wait-${runs - 1}`);
  assert.ok(Number.isInteger(record.queue?.ahead) && record.queue.ahead >= 1 && record.queue.ahead < runs, JSON.stringify(record));
  socket.send({ type: "resume", runId: `wait-${runs - 1}`, lastSeq: 0 });
  await socket.next((e) => e.name === "netra.queue", "a position");
  await server.json(204, "/api/faults", undefined, { method: "DELETE" });
  await socket.next((e) => isLast(e) && e.runId === `wait-${runs - 1}`, "the end of the last run");
  assertWholeLog(socket.of(`wait-${runs - 1}`));
  const told = socket.events.filter((e) => e.name === "netra.queue");
  assert.ok(told.length >= 1, "positions were told");
  for (const [i, event] of told.entries()) {
    assert.equal(event.type, "CUSTOM");
    assert.equal(event.seq, undefined);
    assert.equal(event.value.runId, `wait-${runs - 1}`);
    assert.ok(i === 0 || event.value.ahead < told[i - 1].value.ahead, "each time fewer");
  }
  const ended = await server.json(200, `/api/runs/wait-${runs - 1}`);
  assert.equal(ended.queue, undefined);
  await socket.close();
});

test("a step that fails once is done once more, and nobody notices; twice ends the run", async () => {
  const socket = await server.socket();
  await server.json(201, "/api/faults", { name: "step_fails", times: 1 });
  const events = await socket.run(prompt, { dataset: sample.id, runId: "again-1" });
  assertWholeLog(events);
  assert.equal(events.at(-1).type, "RUN_FINISHED");
  await server.json(201, "/api/faults", { name: "step_fails", times: 2 });
  const failed = await socket.run(prompt, { dataset: sample.id, runId: "again-2" });
  assert.equal(failed.at(-1).type, "RUN_ERROR");
  assert.equal(failed.at(-1).code, "INTERNAL_ERROR");
  const metrics = await (await fetch(new URL("/metrics", server.url))).text();
  assert.match(metrics, /^netra_run_steps_again_total 2$/m);
  await socket.close();
});
