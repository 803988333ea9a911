// SPDX-License-Identifier: Apache-2.0
//
// DELETE /api/workspaces/{id}: a workspace with a thing of each kind is deleted while another one has the same.
// Afterwards no credential of it passes and no id of it is found, also after a restart, and the other one has
// everything. What is left of it in the tables is counted by tests/unit/store/store_isolation_test.c.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { Server } from "./server.mjs";

const password = "correct horse battery";
const folder = mkdtempSync(join(tmpdir(), "netra-removal-"));
let server, ada;

before(async () => {
  server = await Server.startAccounts({ folder, keys: { "faults.allowed": "on" } });
  ada = await server.setUp({ email: "ada@example.org", password });
});

after(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const start = () => Server.startAccounts({ folder, keys: { "faults.allowed": "on" } });
const signIn = (workspace) => server.signInAs({ email: "ada@example.org", password, workspace });
const record = (marker) =>
  `${JSON.stringify({ timestamp: "2025-01-01T00:00:00Z", model: "gpt-4o", feature: marker, prompt_tokens: 5, completion_tokens: 3 })}\n`;

async function ended(person, id) {
  for (;;) {
    const run = await person.json(200, `/api/runs/${id}`);
    if (!["queued", "running"].includes(run.status)) return run;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** A workspace with people, a program, keys, an invitation, a conversation, a report and datasets. */
async function fill(name) {
  const { id } = await ada.json(201, "/api/workspaces", { name });
  const boss = await signIn(id);
  const marker = `marker-${randomUUID()}`;
  const member = await boss.bring({ email: `member@${name}.example`, role: "analyst", password });
  const robot = await boss.json(201, "/api/users", { name: marker, role: "viewer" });
  const invite = await boss.json(201, "/api/invites", { email: `late@${marker}.example`, role: "viewer" });
  const datasets = [];
  for (let i = 0; i < 2; i++) {
    const answer = await member.fetch(`/api/datasets?name=${marker}-${i}.jsonl`, { method: "POST", body: record(marker).repeat(100) });
    assert.equal(answer.status, 201, await answer.clone().text());
    datasets.push((await answer.json()).id);
  }
  const thread = await boss.json(201, "/api/threads", { title: marker }, { headers: { "idempotency-key": marker } });
  const run = await ended(member, (await member.json(202, "/api/runs", { prompt: `What do I spend on ${marker}?`, dataset: datasets[0] })).id);
  assert.equal(run.status, "finished");
  return { id, marker, boss, member, robot, invite, datasets, thread, run, key: await member.key(["read"]) };
}

const remove = (who, id) => who.fetch(`/api/workspaces/${id}`, { method: "DELETE" });

test("everything of a workspace goes, nothing of another", async () => {
  const gone = await fill("gone");
  const kept = await fill("kept");
  const socket = await gone.member.socket();
  const ofKey = await gone.key.socket();
  const staying = await kept.member.socket();
  assert.equal((await remove(gone.boss, gone.id)).status, 403, "an admin there is no operator");
  const answer = await remove(ada, gone.id);
  assert.equal(answer.status, 204, await answer.text());
  assert.equal((await socket.closed).code, 1008);
  assert.equal((await ofKey.closed).code, 1008);
  staying.send({ type: "ping" });
  await staying.next((event) => event.name === "pong");

  for (const who of [gone.member, gone.boss, gone.key]) assert.equal((await who.fetch("/auth/me")).status, 401);
  assert.equal((await remove(ada, gone.id)).status, 404);
  await server.open(403, "/auth/register", { code: new URL(gone.invite.url).searchParams.get("invite"), name: "Late", password });
  for (const path of [`threads/${gone.thread.id}`, `runs/${gone.run.id}`, `reports/${gone.run.report_id}`, `datasets/${gone.datasets[0]}`]) {
    assert.equal((await ada.fetch(`/api/${path}`)).status, 404, path);
  }
  assert.ok(!(await ada.json(200, "/api/workspaces")).items.some((w) => w.id === gone.id));
  const line = (await ada.audit()).find((one) => one.action === "workspace.deleted");
  assert.equal(line.target, gone.id);
  assert.equal(line.actor, ada.id);
  assert.equal((await ada.json(200, "/api/audit/check")).is_intact, true);

  // a person stays, and can be let in elsewhere; the program is gone
  const login = await server.fetch("/auth/login", {
    method: "POST", headers: { authorization: "", "content-type": "application/json" },
    body: JSON.stringify({ email: "member@gone.example", password }),
  });
  assert.ok([401, 403].includes(login.status), `in no workspace: ${login.status}`);
  const again = await ada.json(201, "/api/invites", { email: "member@gone.example", role: "viewer" });
  assert.ok(again.url);

  await server.stop();
  server = await start();
  ada = await signIn("default");
  const admin = await signIn(kept.id);
  assert.equal((await admin.json(200, `/api/threads/${kept.thread.id}`)).title, kept.marker);
  assert.equal((await admin.json(200, `/api/runs/${kept.run.id}`)).status, "finished");
  const recomputed = await admin.json(200, `/api/reports/${kept.run.report_id}/recompute`, {});
  assert.equal(recomputed.different, 0, JSON.stringify(recomputed).slice(0, 300));
  assert.equal((await remove(ada, gone.id)).status, 404);
});

test("what is at work in it comes first: 409, then the deletion goes through", async () => {
  const busy = await fill("busy");
  let letGo;
  const body = new ReadableStream({
    async start(controller) {
      controller.enqueue(new TextEncoder().encode(record("slow")));
      await new Promise((resolve) => (letGo = resolve));
      controller.close();
    },
  });
  const upload = busy.member.fetch("/api/datasets?name=slow.jsonl", { method: "POST", body, duplex: "half" });
  while (!(await busy.boss.json(200, "/api/datasets")).items.some((one) => one.status === "importing")) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  const refused = await remove(ada, busy.id);
  assert.equal(refused.status, 409);
  assert.match((await refused.json()).detail, /being uploaded/);
  assert.equal((await busy.member.fetch("/auth/me")).status, 200, "nothing was taken");
  letGo();
  assert.equal((await upload).status, 201);

  await ada.json(201, "/api/faults", { name: "store_slow", argument: 300, seconds: 60 });
  const { id } = await busy.member.json(202, "/api/runs", { prompt: "What do I spend?", dataset: busy.datasets[0] });
  const early = await remove(ada, busy.id);
  assert.equal(early.status, 409);
  assert.match((await early.json()).detail, /a run of this workspace/);
  await ada.json(204, "/api/faults", undefined, { method: "DELETE" });
  await ended(busy.member, id);
  assert.equal((await remove(ada, busy.id)).status, 204);
  assert.equal((await remove(ada, "default")).status, 409);
});
