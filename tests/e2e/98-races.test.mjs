// SPDX-License-Identifier: Apache-2.0
//
// Two clients that want opposite things at the same moment: each gets an answer that is true afterwards, and
// none of them is "internal error".

import assert from "node:assert/strict";
import { test } from "node:test";

import { Server, assertWholeLog, isLast, within } from "./server.mjs";

const json = { "content-type": "application/json" };
const row = '{"timestamp":"2025-01-01T00:00:00Z","model":"gpt-4o","prompt_tokens":5,"completion_tokens":3}\n';

function post(server, path, body) {
  return server.fetch(path, { method: "POST", headers: json, body: JSON.stringify(body) });
}

test("a run for a thread that is being deleted: either it is there or it is refused", () =>
  Server.with(async (server) => {
    for (let i = 0; i < 60; i++) {
      const thread = await server.json(201, "/api/threads", {});
      const path = `/api/threads/${thread.id}`;
      const start = () => post(server, `${path}/runs`, { prompt: "hello", run_id: `race-${i}` });
      const remove = () => server.fetch(path, { method: "DELETE" });
      const answers = await Promise.all(i % 2 ? [start(), remove()] : [remove(), start()]);
      const [started, removed] = i % 2 ? answers : answers.reverse();
      assert.ok([202, 404, 409].includes(started.status), `run ${started.status}: ${await started.text()}`);
      assert.ok([204, 409].includes(removed.status), `DELETE ${removed.status}: ${await removed.text()}`);
      if (started.status !== 202) assert.equal(removed.status, 204);
      if (started.status === 202 && removed.status === 409) {
        assert.equal((await server.ended(`race-${i}`)).status, "finished");
      }
      if (removed.status === 204) {
        // a run that had ended before went with its thread; none may bring the thread back
        await server.json(404, path);
        await server.json(404, `/api/runs/race-${i}`);
      }
    }
  }));

test("a run that is said to have ended does not keep its thread", () =>
  Server.with(async (server) => {
    for (let i = 0; i < 60; i++) {
      const run = await server.json(202, "/api/runs", { prompt: "hello" });
      while ((await server.json(200, `/api/runs/${run.id}`)).status !== "finished");
      await server.json(204, `/api/threads/${run.thread_id}`, undefined, { method: "DELETE" });
    }
  }));

test("a dataset that is deleted while runs wait for it and tools open it", () =>
  Server.with(async (server) => {
    const lines = Array.from({ length: 20_000 }, (_, i) => row.replace(":5,", `:${i + 1},`)).join("");
    for (let i = 0; i < 6; i++) {
      const dataset = await server.upload("x.jsonl", lines);
      const runs = [];
      for (let k = 0; k < 8; k++) {
        runs.push((await server.json(202, "/api/runs", { prompt: "What do I spend?", dataset: dataset.id })).id);
      }
      const tool = post(server, "/api/tools/spend_breakdown", { dataset: dataset.id, args: {} });
      const removals = [1, 2, 3].map(() => server.fetch(`/api/datasets/${dataset.id}`, { method: "DELETE" }));
      const statuses = (await Promise.all(removals)).map((answer) => answer.status);
      assert.ok(statuses.includes(204) && statuses.every((s) => [204, 404, 409].includes(s)), String(statuses));
      assert.ok([200, 404].includes((await tool).status));
      for (const id of runs) {
        const run = await server.ended(id);
        if (run.status !== "finished") assert.match(run.reason, /not there any more/);
        assert.ok(isLast((await server.events(id)).at(-1)));
      }
      await server.json(404, `/api/datasets/${dataset.id}`);
    }
  }));

test("deleted three times at once and uploaded again under its id: the new one stays, with its records", () =>
  Server.with(async (server) => {
    for (let i = 0; i < 40; i++) {
      await server.upload("a.jsonl", row, { query: "&id=again" });
      const removals = [1, 2, 3].map(() => server.fetch("/api/datasets/again", { method: "DELETE" }));
      let answer;
      do {
        answer = await server.fetch("/api/datasets?name=b.jsonl&id=again", { method: "POST", body: row + row });
      } while (answer.status === 409);
      assert.equal(answer.status, 201);
      const statuses = (await Promise.all(removals)).map((one) => one.status);
      const uploadedAfter = statuses.every((s) => [204, 404, 409].includes(s));
      assert.ok(uploadedAfter, String(statuses));
      const left = await server.fetch("/api/datasets/again");
      if (left.status === 200) {
        assert.equal((await left.json()).status, "ready");
        await server.json(200, "/api/tools/dataset_profile", { dataset: "again", args: {} });
        await server.fetch("/api/datasets/again", { method: "DELETE" });
      } else {
        // a deletion that came after the upload took the new one: then two have succeeded
        assert.equal(statuses.filter((s) => s === 204).length, 2);
      }
    }
  }));

test("the same run id by /agui and /ws at once: one run, both can have its log", () =>
  Server.with(async (server) => {
    for (let i = 0; i < 20; i++) {
      const runId = `same-${i}`;
      const socket = await server.socket();
      const body = { threadId: `t-${i}`, runId, messages: [{ id: "m", role: "user", content: "hello" }] };
      const agui = post(server, "/agui", body);
      socket.send({ type: "run", prompt: "hello", runId });
      const answer = await agui;
      assert.ok([200, 503].includes(answer.status), String(answer.status));
      if (answer.status === 503) assert.ok(answer.headers.get("retry-after"));
      await within(answer.text(), "the end of the stream");
      const heard = await socket.next((e) => isLast(e) || e.name === "error");
      if (heard.name === "error") assert.equal(heard.value.problem.status, 503);
      else assertWholeLog(socket.of(runId));
      await server.ended(runId);
      assertWholeLog(await server.events(runId));
      await socket.close();
    }
  }));

test("resume beyond the end says nothing, resume of a run that is gone is 404", () =>
  Server.with(async (server) => {
    const socket = await server.socket();
    const events = await socket.run("hello", { runId: "short" });
    socket.send({ type: "resume", runId: "short", lastSeq: events.length + 1000 });
    socket.send({ type: "resume", runId: "short", lastSeq: Number.MAX_SAFE_INTEGER });
    socket.send({ type: "ping" });
    await socket.next((e) => e.name === "pong");
    assert.equal(socket.of("short").length, events.length);
    assert.deepEqual(await server.events("short", 99_999), []);
    const { thread_id: thread } = await server.json(200, "/api/runs/short");
    await server.json(204, `/api/threads/${thread}`, undefined, { method: "DELETE" });
    socket.send({ type: "resume", runId: "short", lastSeq: 0 });
    assert.equal((await socket.next((e) => e.name === "error")).value.problem.status, 404);
    await server.json(404, "/api/runs/short/events");
  }));

test("a parameter that cannot be decoded is refused: it is not as if it were absent", () =>
  Server.with(async (server) => {
    await server.json(422, "/api/prices/gpt-4o?provider=%zz");
    for (const query of ["limit=%", "limit=%zz", "limit=1%00", "after=%ff%fe"]) {
      await server.json(422, `/api/threads?${query}`);
    }
    for (const query of ["map=%zz", "id=%zz"]) await server.upload("a.jsonl", row, { status: 422, query: `&${query}` });
  }));
