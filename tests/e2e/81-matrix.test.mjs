// SPDX-License-Identifier: Apache-2.0
//
// Every route × who asks × whose things. The routes and whom they are for come from the server's own
// /openapi.json (x-netra-scope); the table below only says how a valid request of each looks. What must come:
// 401 for nobody, 403 with `needs` for who lacks the scope, 404 for a thing of another workspace, and the
// documented answer otherwise. A route without a line here fails, and so does any answer in which a text or an
// id of another workspace appears.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";

import { Server } from "./server.mjs";

const METHODS = ["get", "post", "put", "patch", "delete"];
const password = "correct horse battery";
const unique = () => randomUUID().slice(0, 8);

/**
 * How to ask. id: the kind of thing that {id} names; fresh: the same, made anew for each request, because the
 * request ends it; body, query: of the things t of the workspace that is asked about; refers: the body or the
 * query names one of them; ok: statuses beside those of the document; session: no key may, only a person;
 * anywhere: an operator's, whatever the workspace; apart: asked with a session of its own.
 */
const requests = {
  "GET /api/threads": {},
  "POST /api/threads": { body: () => ({ title: "made" }) },
  "GET /api/threads/{id}": { id: "thread" },
  "DELETE /api/threads/{id}": { fresh: "thread" },
  "GET /api/threads/{id}/messages": { id: "thread" },
  "GET /api/threads/{id}/runs": { id: "thread" },
  "POST /api/threads/{id}/runs": { id: "thread", body: () => ({ prompt: "hello" }) },
  "POST /api/runs": { body: (t) => ({ prompt: "hello", dataset: t.dataset }), refers: true },
  "GET /api/runs/{id}": { id: "run" },
  "POST /api/runs/{id}/cancel": { id: "run", ok: [409] },
  "GET /ws": { ok: [400] },
  "POST /agui": {
    body: (t) => ({ messages: [{ id: "m", role: "user", content: "hello" }], forwardedProps: { dataset: t.dataset } }),
    refers: true,
  },
  "GET /api/runs/{id}/events": { id: "run" },
  "GET /api/runs/{id}/model-calls": { id: "run" },
  "GET /api/model-calls.jsonl": {},
  "GET /api/reports/{id}": { id: "report" },
  "GET /api/reports/{id}.json": { id: "report" },
  "GET /api/reports/{id}.md": { id: "report" },
  "GET /api/reports/{id}.html": { id: "report" },
  "GET /api/reports/{id}.csv": { id: "report" },
  "POST /api/reports/{id}/recompute": { id: "report" },
  "GET /api/datasets": {},
  "POST /api/datasets": { query: () => `?name=${unique()}.jsonl`, raw: () => record("made") },
  "POST /api/datasets/sample": { body: () => ({ seed: 1 }) },
  "GET /api/datasets/{id}": { id: "dataset" },
  "DELETE /api/datasets/{id}": { fresh: "dataset" },
  "GET /api/tools": {},
  "GET /api/tools/{name}": { name: "dataset_profile" },
  "POST /api/tools/{name}": { name: "dataset_profile", body: (t) => ({ dataset: t.dataset, args: {} }), refers: true },
  "GET /api/prices": {},
  "GET /api/prices/{model}": { name: "gpt-4o" },
  "POST /api/parse": { body: (t) => ({ prompt: "hello", dataset: t.dataset }), refers: true },
  "GET /api/settings": { query: (t) => `?prompt=hello&dataset=${t.dataset}`, refers: true },
  "GET /api/limits": {},
  "GET /api/faults": {},
  "POST /api/faults": { body: () => ({ name: "model_down", times: 1, seconds: 1 }) },
  "DELETE /api/faults": {},
  "DELETE /api/faults/{name}": { name: "model_down" },
  "GET /health": {},
  "GET /health/live": {},
  "GET /health/ready": {},
  "GET /api/health": {},
  "GET /api/discovery/services": {},
  "GET /api/mcp/config": {},
  "GET /api/mcp/servers": {},
  "GET /metrics": {},
  "GET /openapi.json": {},
  "GET /docs": {},
  "GET /.well-known/jwks.json": {},
  "GET /auth/config": {},
  "GET /auth/sign-in": { ok: [401, 404] },
  "POST /auth/sign-in-link": { ok: [404, 409, 422] },
  "POST /auth/logout": { apart: true, body: () => ({}) },
  "GET /auth/me": {},
  "PATCH /auth/me": { session: true, body: () => ({ name: "Somebody" }) },
  "DELETE /auth/me": { body: () => ({ password: "not the password" }), ok: [403] },
  "GET /api/me/conversations": {},
  "GET /auth/me/export": { session: true },
  "POST /api/ws-ticket": { body: () => ({}) },
  "POST /auth/register": { body: () => ({ code: "x", name: "X", password }), ok: [403] },
  "POST /auth/login": { body: () => ({ email: `${unique()}@example.org`, password }), ok: [401] },
  "POST /auth/refresh": { body: () => ({ refresh_token: "x" }), ok: [401] },
  "POST /auth/workspace": { session: true, apart: true, body: (t) => ({ workspace: t.workspace }), refers: true },
  "POST /auth/join": { session: true, body: () => ({ code: "x" }), ok: [403] },
  "POST /auth/password": { apart: true, body: () => ({ current: "not the password", new: `${password}!` }), ok: [403, 409, 429] },
  "POST /auth/password/forgot": { body: () => ({ email: `${unique()}@example.org` }) },
  "POST /auth/password/reset": { body: () => ({ code: "x", password }), ok: [403] },
  "GET /auth/oidc/{provider}": { name: "none", ok: [404] },
  "GET /auth/callback": { query: () => "?code=x&state=y", ok: [404] },
  "POST /auth/oidc/{provider}/link": { name: "none", body: () => ({}), ok: [404, 403] },
  "DELETE /auth/oidc/{provider}": { name: "none", ok: [404] },
  "GET /auth/sessions": {},
  "DELETE /auth/sessions": { session: true, apart: true },
  "DELETE /auth/sessions/{id}": { session: true, id: "session", ok: [404] },
  "POST /auth/validate": { body: (t) => ({ token: t.token }) },
  "POST /auth/service-token": { body: () => ({}), ok: [403, 409, 422] },
  "POST /auth/signing-keys": { body: () => ({}) },
  "GET /api/users": {},
  "POST /api/users": { body: () => ({ name: "service", role: "viewer" }) },
  "PATCH /api/users/{id}": { fresh: "user", body: () => ({ role: "viewer" }) },
  "DELETE /api/users/{id}": { fresh: "user" },
  "POST /api/users/{id}/reset-link": { id: "person", body: () => ({}) },
  "GET /api/invites": {},
  "POST /api/invites": { body: () => ({ email: `${unique()}@example.org`, role: "viewer" }) },
  "DELETE /api/invites/{id}": { fresh: "invite" },
  "GET /api/keys": {},
  "POST /api/keys": { body: (t, who) => ({ name: "made", scopes: [who.scopes[0]] }), ok: [403] },
  "DELETE /api/keys/{id}": { fresh: "key", ok: [403, 404] },
  "GET /api/workspaces": {},
  "POST /api/workspaces": { body: () => ({ name: `more-${unique()}` }) },
  "PATCH /api/workspaces/{id}": { id: "workspace", body: (t) => ({ name: t.name }) },
  "DELETE /api/workspaces/{id}": { fresh: "spare", anywhere: true },
  "GET /api/audit": {},
  "GET /api/audit/check": {},
};

const record = (marker) =>
  `${JSON.stringify({ timestamp: "2025-01-01T00:00:00Z", model: "gpt-4o", feature: marker, prompt_tokens: 5, completion_tokens: 3 })}\n`;

let server, spec, operator, alpha, beta, first;

/** A workspace with people, keys and a thing of each kind, all of them marked. */
class Workspace {
  static async make(name, boss) {
    const made = new Workspace();
    Object.assign(made, { name, marker: `marker-${name}-${randomUUID()}`, boss, ids: new Set() });
    const me = await boss.json(200, "/auth/me");
    made.id = me.workspace.id;
    for (const role of ["viewer", "analyst", "admin"]) {
      made[role] = await boss.bring({ email: `${role}-${unique()}@${name}.example`, role, name: `${role} of ${name}` });
      made[role].scopes = { viewer: ["read"], analyst: ["read", "run", "data"], admin: ["read", "run", "data", "admin"] }[role];
    }
    made.things = { workspace: made.id, name, token: made.admin.bearer, person: made.viewer.id };
    for (const kind of ["thread", "dataset", "user", "invite", "key"]) made.things[kind] = await made.fresh(kind);
    const run = await made.admin.json(202, "/api/runs", { prompt: `What do I spend on ${made.marker}?`, dataset: made.things.dataset });
    const ended = await made.ended(run.id);
    made.things.run = run.id;
    made.things.report = ended.report_id;
    made.things.session = (await made.admin.json(200, "/auth/sessions")).items[0].id;
    for (const [kind, id] of Object.entries(made.things)) if (!["workspace", "name", "token"].includes(kind)) made.ids.add(id);
    return made;
  }

  async ended(id) {
    for (;;) {
      const run = await this.admin.json(200, `/api/runs/${id}`);
      if (run.status === "finished") return run;
      assert.ok(["queued", "running"].includes(run.status), run.status);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** One more thing of a kind, by the admin. */
  async fresh(kind) {
    const { admin, marker } = this;
    if (kind === "thread") return (await admin.json(201, "/api/threads", { title: marker })).id;
    if (kind === "user") return (await admin.json(201, "/api/users", { name: marker, role: "analyst" })).id;
    if (kind === "invite") return (await admin.json(201, "/api/invites", { email: `${unique()}@${marker}.example`, role: "viewer" })).id;
    if (kind === "spare") return (await admin.json(201, "/api/workspaces", { name: `spare-${unique()}` })).id;
    if (kind === "key") return (await admin.json(201, "/api/keys", { name: marker, scopes: ["read"] })).id;
    const answer = await admin.fetch(`/api/datasets?name=${marker}.jsonl`, { method: "POST", body: record(marker) });
    assert.equal(answer.status, 201, await answer.clone().text());
    return (await answer.json()).id;
  }
}

before(async () => {
  server = await Server.startAccounts({ keys: { "faults.allowed": "on" } });
  operator = await server.setUp({ email: "ada@example.org", password });
  operator.scopes = ["read", "run", "data", "admin"];
  spec = await server.open(200, "/openapi.json");
  const workspace = async (name) => {
    const { id } = await operator.json(201, "/api/workspaces", { name });
    return Workspace.make(name, await server.signInAs({ email: "ada@example.org", password, workspace: id }));
  };
  first = await Workspace.make("default", operator);
  alpha = await workspace("alpha");
  beta = await workspace("beta");
});

after(async () => {
  await server?.stop();
  server?.remove();
});

const operations = () =>
  Object.entries(spec.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      scope: item[method]["x-netra-scope"],
      answers: Object.keys(item[method].responses).map(Number).filter((status) => status < 400),
    })),
  );

/** What the scope column lets this one do. */
function isAllowed(who, scope) {
  if (scope === "public") return true;
  if (!who.person) return false;
  if (scope === "signed in") return true;
  if (scope === "operator") return who.isOperator === true;
  assert.match(scope, /^scope:(read|run|data|admin)$/);
  return who.person.scopes.includes(scope.slice(6));
}

/** A session beside the one that the other requests use. */
async function sessionOf(who) {
  if (!who.person?.password) return who.person;
  const { email, scopes } = who.person;
  return Object.assign(await server.signInAs({ email, password, workspace: who.home.id }), { scopes });
}

async function ask(who, operation, workspace) {
  const how = requests[operation.name];
  const person = how.apart ? await sessionOf(who) : who.person;
  const things = { ...workspace.things };
  if (how.fresh && isAllowed(who, operation.scope)) things[how.fresh] = await workspace.fresh(how.fresh);
  const id = things[how.id ?? how.fresh];
  const path = operation.path.replace("{id}", id).replace(/\{\w+\}/, how.name) + (how.query?.(things) ?? "");
  const init = { method: operation.method, headers: {}, redirect: "manual" };
  if (how.raw) init.body = how.raw();
  if (how.body) {
    init.body = JSON.stringify(how.body(things, person ?? { scopes: ["read"] }));
    init.headers["content-type"] = "application/json";
  }
  if (person) init.headers.authorization = `Bearer ${person.bearer}`;
  const answer = await fetch(new URL(path, server.url), init);
  const text = await answer.text();
  if (operation.name === "DELETE /auth/sessions" && answer.status === 204 && who.person.password) {
    who.person.bearer = person.bearer; // the other one is gone
    if (who.person === workspace.admin) workspace.things.token = person.bearer;
  }
  return { status: answer.status, text, asked: `${path} ${init.body ?? ""}` };
}

/** Nothing of other workspaces, but what the request itself named. */
function assertNothingOfOthers(who, answer, what) {
  for (const other of [alpha, beta, first]) {
    if (other === who.home) continue;
    assert.ok(!answer.text.includes(other.marker), `${what}: text of ${other.name}: ${answer.text.slice(0, 500)}`);
    for (const id of other.ids) {
      const isTold = answer.text.includes(id) && !answer.asked.includes(id);
      assert.ok(!isTold, `${what}: an id of ${other.name}: ${answer.text.slice(0, 500)}`);
    }
  }
}

function assertAnswer(who, operation, answer, isForeign, tally) {
  const how = requests[operation.name];
  const what = `${who.name}: ${operation.name}${isForeign ? " of another workspace" : ""} → ${answer.status} ${answer.text.slice(0, 300)}`;
  assert.ok(answer.status < 500, what);
  assertNothingOfOthers(who, answer, what);
  const kind = isAllowed(who, operation.scope) ? (isForeign ? "foreign" : "own") : "refused";
  tally[kind] = (tally[kind] ?? 0) + 1;
  if (kind === "refused") {
    assert.equal(answer.status, who.person ? 403 : 401, what);
    if (who.person) assert.equal(JSON.parse(answer.text).needs, operation.scope, what);
  } else if (how.session && who.isKey) {
    assert.equal(answer.status, 403, what);
    assert.equal(JSON.parse(answer.text).needs, "session", what);
  } else if (kind === "foreign") {
    assert.equal(answer.status, 404, what);
  } else {
    assert.ok([...operation.answers, ...(how.ok ?? [])].includes(answer.status), what);
    if (answer.status === 403) assert.doesNotMatch(JSON.parse(answer.text).needs ?? "", /^(scope:|operator)/, what);
  }
}

test("every route has a line in the table, and every line a route", () => {
  const names = operations().map((operation) => operation.name);
  assert.deepEqual(names.filter((name) => !requests[name]), [], "routes without a line");
  assert.deepEqual(Object.keys(requests).filter((name) => !names.includes(name)), [], "lines without a route");
});

test("every route × who asks × whose things", async (t) => {
  const people = [{ name: "nobody", home: alpha }];
  for (const role of ["viewer", "analyst", "admin"]) people.push({ name: `${role} of alpha`, person: alpha[role], home: alpha });
  people.push({ name: "admin of beta", person: beta.admin, home: beta });
  for (const scope of ["read", "run", "data", "admin"]) {
    people.push({ name: `key ${scope}`, person: Object.assign(await alpha.admin.key([scope]), { scopes: [scope] }), home: alpha, isKey: true });
  }
  people.push({ name: "operator", person: operator, home: first, isOperator: true });
  const tally = {};
  const wrong = [];
  const judge = (...of) => {
    try {
      assertAnswer(...of, tally);
    } catch (error) {
      wrong.push(error.message);
    }
  };
  for (const operation of operations()) {
    const how = requests[operation.name];
    if (!how) continue;
    const namesThings = !how.anywhere && (how.id || how.fresh || how.refers);
    for (const who of people) {
      judge(who, operation, await ask(who, operation, who.home), false);
      if (namesThings && !(operation.name === "POST /auth/workspace" && who.isOperator)) {
        const other = who.home === alpha ? beta : alpha;
        judge(who, operation, await ask(who, operation, other), true);
      }
    }
  }
  t.diagnostic(JSON.stringify(tally));
  assert.deepEqual(wrong, []);
  assert.ok(tally.own > 300 && tally.refused > 300 && tally.foreign > 100, JSON.stringify(tally));
});

test("afterwards the things of each workspace are there, untouched", async () => {
  for (const workspace of [alpha, beta, first]) {
    const { admin, things, marker } = workspace;
    assert.equal((await admin.json(200, `/api/threads/${things.thread}`)).title, marker);
    assert.equal((await admin.json(200, `/api/datasets/${things.dataset}`)).status, "ready");
    assert.ok((await admin.json(200, `/api/reports/${things.report}.json`)).facts);
    assert.ok((await admin.json(200, "/api/users")).items.some((user) => user.id === things.user));
  }
});

test("a token of another workspace is not active, and an id that another one has is taken", async () => {
  const theirs = { token: beta.admin.bearer };
  assert.equal((await alpha.admin.json(200, "/auth/validate", theirs)).active, false);
  assert.equal((await beta.admin.json(200, "/auth/validate", theirs)).active, true);
  const thread = await alpha.admin.fetch("/api/runs", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ prompt: "a question from alpha", thread_id: beta.things.thread }),
  });
  assert.ok([404, 409, 422].includes(thread.status), await thread.text());
  const messages = await beta.admin.json(200, `/api/threads/${beta.things.thread}/messages`);
  assert.ok(!JSON.stringify(messages).includes("a question from alpha"));
});

test("a WebSocket sees its workspace, and may what its caller may", async () => {
  const error = (inReplyTo) => (event) => event.name === "error" && event.value.inReplyTo === inReplyTo;
  const viewer = await alpha.viewer.socket();
  viewer.send({ type: "run", prompt: "hello" });
  const refused = await viewer.next(error("run"));
  assert.equal(refused.value.problem.code, "FORBIDDEN");
  assert.equal(refused.value.problem.needs, "scope:run");
  viewer.send({ type: "cancel", runId: alpha.things.run });
  assert.equal((await viewer.next(error("cancel"))).value.problem.needs, "scope:run");
  viewer.send({ type: "resume", runId: beta.things.run, lastSeq: 0 });
  assert.equal((await viewer.next(error("resume"))).value.problem.status, 404);
  viewer.send({ type: "resume", runId: alpha.things.run, lastSeq: 0 });
  await viewer.next((event) => event.type === "RUN_FINISHED" && event.runId === alpha.things.run);
  assert.ok(!JSON.stringify(viewer.events).includes(beta.marker));
  const analyst = await alpha.analyst.socket();
  analyst.send({ type: "cancel", runId: beta.things.run });
  assert.equal((await analyst.next(error("cancel"))).value.problem.status, 404);
  viewer.ws.close();
  analyst.ws.close();
});

test("what was taken from somebody closes their sockets (1008) and ends their streams at once", async () => {
  const gone = await alpha.admin.bring({ email: `gone-${unique()}@example.org`, role: "analyst" });
  const socket = await gone.socket();
  const key = await gone.key(["read"]);
  const bySocketOfKey = await key.socket();
  await gone.delete(`/api/keys/${key.keyId}`);
  assert.equal((await bySocketOfKey.closed).code, 1008);
  socket.send({ type: "ping" });
  await socket.next((event) => event.name === "pong");
  await alpha.admin.delete(`/api/users/${gone.id}`);
  assert.equal((await socket.closed).code, 1008);
});
