// SPDX-License-Identifier: Apache-2.0
//
// Insiders who want more than they were given: a key that wants to be a person, or to leave its workspace; an admin of one workspace
// who wants the account of somebody who was in another; an admin who was made smaller and kept a way back.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { Person, Server } from "./server.mjs";

let folder;
let server;
let ada;
let eve; /* an admin of the workspace of her own */

const linkCode = (url, what) => new URL(url).searchParams.get(what);

/** A person, in another of their workspaces. */
async function moved(person, workspace) {
  const session = await server.signInAs({ ...person, workspace });
  assert.equal(session.grant.workspace.id, workspace);
  return session;
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "netra-escalation-"));
  const file = join(folder, "providers.json");
  const provider = { id: "corp", issuer: "http://127.0.0.1:1", client_id: "netra", allowed_domains: ["example.org"] };
  writeFileSync(file, JSON.stringify({ providers: [provider] }));
  server = await Server.startAccounts({ keys: { "auth.oidc_file": file } });
  ada = await server.setUp();
  const second = await ada.json(201, "/api/workspaces", { name: "Second" });
  eve = await (await moved(ada, second.id)).bring({ email: "eve@example.org", role: "admin" });
});
after(async () => {
  await server?.stop();
  server?.remove();
  rmSync(folder, { recursive: true, force: true });
});

/** What only people who are signed in may, as the protocol says. */
async function assertNoPerson(program, owner) {
  const asks = [
    ["PATCH", "/auth/me", { name: "Mallory" }],
    ["GET", "/auth/me/export"],
    ["DELETE", "/auth/me", { password: owner.password, threads: "delete" }],
    ["POST", "/auth/workspace", { workspace: "default" }],
    ["POST", "/auth/join", { code: "x" }],
    ["POST", "/auth/password", { current: owner.password, new: "a password of Mallory" }],
    ["POST", "/auth/oidc/corp/link", { next: "/" }],
    ["DELETE", "/auth/oidc/corp"],
    ["DELETE", "/auth/sessions"],
    ["DELETE", `/auth/sessions/${owner.sessionId}`],
  ];
  for (const [method, path, body] of asks) {
    const problem = await program.json(403, path, body, { method });
    assert.equal(problem.needs, "session", `${method} ${path}`);
  }
}

test("a key, and each token that is made without a session, is no person", async () => {
  const owner = await ada.bring({ email: "olga@example.org" });
  owner.sessionId = (await owner.json(200, "/auth/me")).credential.id;
  const key = await owner.key(["read"]);
  const ofKey = new Person(server, await key.json(200, "/auth/service-token", {}));
  const ofSession = new Person(server, await owner.json(200, "/auth/service-token", {}));
  for (const program of [key, ofKey, ofSession]) {
    await program.json(200, "/api/threads");
    await assertNoPerson(program, owner);
    await program.json(403, "/api/keys", { name: "another", scopes: ["read"] });
  }
  /* short-lived is short-lived: it makes no other one */
  for (const program of [ofKey, ofSession]) {
    assert.equal((await program.json(403, "/auth/service-token", {})).needs, "key");
  }
  const me = await owner.json(200, "/auth/me");
  assert.equal(me.user.name, "olga");
  assert.equal(me.credential.id, owner.sessionId);
});

test("a key of one workspace opens no other one of its user", async () => {
  const second = eve.grant.workspace.id;
  const there = await moved(ada, second);
  const key = await there.key(["admin"]);
  const service = new Person(server, await key.json(200, "/auth/service-token", {}));
  for (const program of [key, service]) await program.json(403, `/api/users/${ada.id}/reset-link`, {});
  await there.json(201, `/api/users/${ada.id}/reset-link`, {}); /* she herself may */
  const own = await ada.bring({ email: "otto@example.org" });
  const ofHome = await ada.key(["admin"]);
  await ofHome.json(201, `/api/users/${own.id}/reset-link`, {}); /* docs/operations.md */
});

test("an invitation of one workspace is no way into the account of who has left another one", async () => {
  const dora = await ada.bring({ email: "dora@example.org" });
  const thread = await dora.json(201, "/api/threads", { title: "Dora's" });
  await ada.delete(`/api/users/${dora.id}`);
  const invite = await eve.json(201, "/api/invites", { email: dora.email, role: "viewer" });
  const code = linkCode(invite.url, "invite");
  const grant = await server.open(201, "/auth/register", { code, name: "Not Dora", password: "known to Eve alone" });
  const fake = new Person(server, grant, { email: dora.email, password: "known to Eve alone" });
  assert.notEqual(fake.id, dora.id);
  const kept = await fake.json(200, "/auth/me/export");
  assert.deepEqual(kept.account.threads, []);
  assert.ok(kept.account.audit.every((line) => line.workspace !== ada.grant.workspace.id), JSON.stringify(kept.account.audit));
  await fake.delete("/auth/me", 204, { password: fake.password, threads: "delete" });
  await ada.json(200, `/api/threads/${thread.id}`);
});

test("an admin who is made smaller, or removed, keeps no way back", async () => {
  for (const end of ["smaller", "removed"]) {
    const max = await ada.bring({ email: `max-${end}@example.org`, role: "admin" });
    const zoe = await ada.bring({ email: `zoe-${end}@example.org` });
    const invite = await max.json(201, "/api/invites", { email: `back-${end}@example.org`, role: "admin" });
    const reset = await max.json(201, `/api/users/${zoe.id}/reset-link`, {});
    const other = await ada.json(201, "/api/invites", { email: `other-${end}@example.org`, role: "viewer" });
    if (end === "smaller") await ada.patch(`/api/users/${max.id}`, { role: "viewer" });
    else await ada.delete(`/api/users/${max.id}`);
    const code = linkCode(invite.url, "invite");
    await server.open(403, "/auth/register", { code, name: "Max again", password: "correct horse battery" });
    await server.open(403, "/auth/password/reset", { code: linkCode(reset.url, "reset"), password: "known to Max alone" });
    const left = (await ada.json(200, "/api/invites")).items.map((item) => item.id);
    assert.ok(left.includes(other.id) && !left.includes(invite.id));
    assert.ok((await ada.audit()).some((line) => line.action === "invite.withdrawn" && line.target === invite.id));
    await ada.delete(`/api/invites/${other.id}`);
  }
});

test("a list of people says nothing about what they do elsewhere", async () => {
  const third = await ada.json(201, "/api/workspaces", { name: "Third" });
  const there = await moved(ada, third.id);
  const finn = await there.bring({ email: "finn@example.org", role: "admin" });
  await there.json(204, "/auth/logout", {});
  const { items } = await finn.json(200, "/api/users");
  assert.notEqual(items.find((item) => item.id === finn.id).used_at, undefined);
  assert.equal(items.find((item) => item.id === ada.id).used_at, undefined, "Ada is at work in the first workspace only");
});
