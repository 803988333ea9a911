// SPDX-License-Identifier: Apache-2.0
//
// SIGTERM at moments when something is under way that nobody waits for any more: what was asked for is cut
// when the grace is over, and the process still ends in order. Server.stop() asserts the code and the log.

import assert from "node:assert/strict";
import { connect } from "node:net";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { Server, token, within } from "./server.mjs";

const noGrace = { env: { NETRA_DRAIN_TIMEOUT_S: "0" } };
const RECORDS = 60_000;
const WAYS = ["no grace", "grace"];

/** Enough records that opening them takes longer than a signal. */
function records(count = RECORDS) {
  const lines = [];
  for (let i = 0; i < count; i++) {
    const time = new Date(1_700_000_000_000 + i * 1000).toISOString();
    lines.push(`{"timestamp":"${time}","model":"gpt-4o","prompt_tokens":${100 + (i % 900)},"completion_tokens":20}`);
  }
  return lines.join("\n");
}

/** A folder with a dataset that is on the disk and not in memory. */
async function withStored(fn) {
  const first = await Server.start();
  first.ownsFolder = false;
  let dataset;
  try {
    dataset = await first.upload("many.jsonl", records());
  } finally {
    await first.stop();
  }
  try {
    await fn(first.folder, dataset);
  } finally {
    first.ownsFolder = true;
    first.remove();
  }
}

/** Resolves whatever becomes of the request. */
function ask(server, path, body) {
  return server
    .fetch(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) })
    .then((answer) => answer.text())
    .catch(() => undefined);
}

for (const way of WAYS) {
  test(`SIGTERM while datasets are being opened for tools (${way})`, () =>
    withStored(async (folder, dataset) => {
      for (const wait of [0, 1, 2, 4, 8, 15, 30, 60]) {
        const server = await Server.start({ folder, ...(way === "grace" ? {} : noGrace) });
        const asked = ["spend_breakdown", "cache_audit", "dataset_profile"].map((name) =>
          ask(server, `/api/tools/${name}`, { dataset: dataset.id, args: {} }),
        );
        await pause(wait);
        assert.equal(await server.stop(), 0);
        await Promise.all(asked);
      }
    }));
}

test("SIGTERM while runs open their records, and the next process ends them", () =>
  withStored(async (folder, dataset) => {
    const ids = [];
    for (const wait of [0, 2, 5, 10, 20, 40]) {
      const server = await Server.start({ folder, ...noGrace });
      const runId = `open-${wait}`;
      const begun = await server.json(202, "/api/runs", { prompt: "What do I spend?", dataset: dataset.id, run_id: runId });
      ids.push(begun.id);
      await pause(wait);
      assert.equal(await server.stop(), 0);
    }
    const last = await Server.start({ folder });
    try {
      for (const id of ids) assert.equal((await last.ended(id)).status, "finished", id);
    } finally {
      await last.stop();
    }
  }));

test("SIGTERM while an upload is under way: it is failed at the next start, with nothing kept", async () => {
  const server = await Server.start(noGrace);
  server.ownsFolder = false;
  const socket = connect(server.port, "127.0.0.1");
  socket.on("error", () => {});
  socket.write(
    `POST /api/datasets?name=half.jsonl&id=half HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n` +
      `Authorization: Bearer ${token}\r\nContent-Length: 100000000\r\n\r\n${records(5000)}\n`,
  );
  for (;;) {
    const row = await server.fetch("/api/datasets/half");
    if (row.status === 200 && (await row.json()).bytes > 0) break;
    await pause(5);
  }
  assert.equal(await server.stop(), 0);
  socket.destroy();
  const second = await Server.start({ folder: server.folder });
  second.ownsFolder = true;
  try {
    const row = await second.json(200, "/api/datasets/half");
    assert.equal(row.status, "failed");
    assert.equal(row.records, 0);
    await second.fetch("/api/datasets/half", { method: "DELETE" });
  } finally {
    await second.stop();
    second.remove();
  }
});

test("a second SIGTERM cuts: the process ends at once, and says so with its code", () =>
  withStored(async (folder, dataset) => {
    const server = await Server.start({ folder });
    const asked = ask(server, "/api/tools/cache_audit", { dataset: dataset.id, args: {} });
    const socket = connect(server.port, "127.0.0.1");
    socket.on("error", () => {});
    socket.write(
      `POST /api/datasets?name=slow.jsonl HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n` +
        `Authorization: Bearer ${token}\r\nContent-Length: 1000\r\n\r\n{`,
    );
    await pause(50);
    server.process.kill("SIGTERM");
    await within(
      (async () => {
        while (!/no new work/.test(server.log)) await pause(5);
      })(),
      "the first SIGTERM's line",
    );
    assert.equal(await server.stop("SIGTERM", { code: 1 }), 1);
    socket.destroy();
    await asked;
    const again = await Server.start({ folder });
    assert.equal(await again.stop(), 0);
  }));
