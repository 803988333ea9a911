// SPDX-License-Identifier: Apache-2.0
//
// Three processes with the same binary and a role each: who has which part, what the backend takes from whom, and what
// goes on while the auth service is away. Then a backend whose auth service is ours to script: keys of jose, every
// forgery, and how often it is asked.

import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { exportJWK, SignJWT } from "jose";

import { assertWholeLog, Person, Roles, Server, Socket, within } from "./server.mjs";
import { runTo, withTempDir } from "./support.mjs";

const RECHECK_MS = 15_000; // what was taken away counts at the backend after that time at most
const SLACK_MS = 3_000;
const QUESTION = "Where does the money go?";

async function until(holds, what, ms = 60_000) {
  for (const began = Date.now(); !(await holds()); ) {
    if (Date.now() - began > ms) assert.fail(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** A story of three processes, in order. */
let roles;
let ada; // asks the backend; ada.auth asks the auth service
before(async () => {
  roles = await Roles.start({ keys: { "faults.allowed": "on" } });
});
after(() => roles.stop());

const statusOf = async (role, path, options) => (await roles[role].fetch(path, { headers: { authorization: "" }, ...options })).status;
const health = async (role) => (await fetch(`${roles.urls[role]}/health`)).json();
const stateOf = async (role, name) => (await health(role)).checks.find((check) => check.name === name);
const serviceOf = async (role, name) =>
  (await roles[role].open(200, "/api/discovery/services")).services.find((service) => service.name === name);

test("each says where the three are, and what it found there", async () => {
  for (const role of ["backend", "auth", "frontend"]) {
    for (const name of ["backend", "auth", "frontend"]) {
      await until(async () => (await serviceOf(role, name)).status === "healthy", `${role} finds ${name}`);
      const row = await serviceOf(role, name);
      assert.equal(row.url, roles.urls[name]);
      assert.match(row.how, role === name ? /this process/ : /^probed: GET \/health\/live/);
    }
    assert.equal((await health(role)).status, "healthy", role);
    assert.equal(await statusOf(role, "/metrics"), 200);
  }
});

test("each has its part and no other", async () => {
  const has = {
    backend: ["/api/threads", "/api/reports/x", "/api/prices", "/api/settings", "/api/limits"],
    auth: ["/auth/config", "/auth/me", "/api/users", "/api/keys", "/.well-known/jwks.json", "/auth/sessions"],
  };
  for (const [owner, paths] of Object.entries(has)) {
    for (const path of paths) {
      for (const role of ["backend", "auth", "frontend"]) {
        const status = await statusOf(role, path);
        assert.ok(role === owner ? [200, 401].includes(status) : status === 404, `${path} of the ${role}: ${status}`);
      }
    }
  }
  assert.equal(await statusOf("frontend", "/", { headers: { accept: "text/html", authorization: "" } }), 200);
  assert.equal(await statusOf("backend", "/", { headers: { accept: "text/html", authorization: "" } }), 404);
  const paths = async (role) => Object.keys((await roles[role].open(200, "/openapi.json")).paths);
  assert.ok(!(await paths("backend")).includes("/auth/login") && (await paths("backend")).includes("/api/threads"));
  assert.ok(!(await paths("auth")).includes("/api/threads") && (await paths("auth")).includes("/auth/login"));
  assert.ok(existsSync(join(roles.folders.backend, "jwks.json")));
  assert.ok(!existsSync(join(roles.folders.frontend, "netra.sqlite")), "the frontend keeps nothing");
});

test("the printed link leads to the page; a question goes to the backend, and its report comes from there", async () => {
  assert.ok(roles.auth.signIn.startsWith(`${roles.urls.frontend}/?setup=`));
  assert.equal(roles.backend.signIn, `${roles.urls.frontend}/`);
  ada = await roles.setUp();
  await ada.json(201, "/api/datasets/sample", {});
  const socket = await ada.socket();
  const events = await socket.run(QUESTION);
  assertWholeLog(events);
  await socket.close();
  const [run] = (await ada.json(200, `/api/threads/${events[0].threadId}/runs`)).items;
  const report = await ada.fetch(`/api/reports/${run.report_id}.html`);
  assert.match(await report.text(), /<h1>/);
  const byTicket = await ada.json(201, "/api/ws-ticket", {});
  const open = () => fetch(`${roles.urls.backend}/api/reports/${run.report_id}.html?ticket=${byTicket.ticket}`);
  assert.equal((await open()).status, 200, "a ticket opens one address of the backend");
  assert.equal((await open()).status, 401, "once");
  const again = await ada.json(201, "/api/ws-ticket", {});
  const late = new Socket(roles.backend, { headers: { authorization: "" }, path: `/ws?ticket=${again.ticket}` });
  await within(late.opened, "a WebSocket with a ticket of the backend");
  await late.close();
});

test("people of two workspaces do not see each other's", async () => {
  const { id } = await ada.auth.json(201, "/api/workspaces", { name: "Other" });
  const eve = await ada.auth.bring({ email: "eve@example.org", role: "viewer" });
  const viewer = roles.atBackend(eve);
  assert.equal((await viewer.json(200, "/api/threads")).items.length, 1);
  await viewer.json(403, "/api/runs", { prompt: QUESTION });
  const moved = await ada.auth.json(200, "/auth/workspace", { workspace: id });
  const there = roles.atBackend(new Person(roles.auth, moved));
  assert.deepEqual((await there.json(200, "/api/threads")).items, []);
  await there.json(201, "/api/threads", { title: "there" });
  assert.equal((await there.json(200, "/api/threads")).items.length, 1);
  assert.equal((await there.json(403, "/api/faults")).needs, "operator"); // an operator is one in the first workspace
  const back = await new Person(roles.auth, moved).json(200, "/auth/workspace", { workspace: "default" });
  ada = roles.atBackend(new Person(roles.auth, back, ada));
  assert.equal((await ada.json(200, "/api/threads")).items.length, 1);
  await ada.json(200, "/api/faults");
  await ada.delete(`/api/workspaces/${id}`); // what the backend has of it
  await ada.auth.delete(`/api/workspaces/${id}`);
});

test("the page's origin: the cookie counts at the auth service only, and no other page gets anything", async () => {
  const page = { origin: roles.urls.frontend };
  const login = await roles.auth.fetch("/auth/login", {
    method: "POST",
    headers: { ...page, authorization: "", "content-type": "application/json" },
    body: JSON.stringify({ email: ada.email, password: ada.password, cookie: true }),
  });
  assert.equal(login.status, 200);
  assert.equal(login.headers.get("access-control-allow-origin"), roles.urls.frontend);
  assert.equal(login.headers.get("access-control-allow-credentials"), "true");
  const setCookie = login.headers.get("set-cookie");
  assert.match(setCookie, /^netra_session=[^;]+; Path=\/; HttpOnly; SameSite=Lax/);
  const cookie = setCookie.split(";")[0];
  const ask = (role, path, headers, method = "POST") => roles[role].fetch(path, { method, headers: { authorization: "", cookie, ...headers } });

  const made = await ask("auth", "/auth/service-token", page);
  assert.equal(made.status, 200);
  const { access_token: bearer } = await made.json();
  for (const origin of ["https://evil.example", roles.urls.backend, `${roles.urls.frontend}.evil.example`, "null"]) {
    const refused = await ask("auth", "/auth/service-token", { origin });
    assert.equal(refused.status, 403, origin);
    assert.equal(refused.headers.get("access-control-allow-origin"), null, origin);
  }
  assert.equal((await ask("auth", "/auth/service-token", {})).status, 403, "a cookie without an Origin changes nothing");
  assert.equal((await ask("backend", "/api/threads", page, "GET")).status, 401, "the backend knows no cookies");
  assert.equal((await ask("backend", "/api/ws-ticket", page)).status, 401);

  const preflight = async (role, origin) =>
    ask(role, role === "auth" ? "/api/keys" : "/api/threads", { origin, "access-control-request-method": "POST", "access-control-request-headers": "authorization" }, "OPTIONS");
  const atBackend = await preflight("backend", roles.urls.frontend);
  assert.equal(atBackend.headers.get("access-control-allow-origin"), roles.urls.frontend);
  assert.equal(atBackend.headers.get("access-control-allow-credentials"), null);
  assert.equal((await preflight("auth", roles.urls.frontend)).headers.get("access-control-allow-credentials"), "true");
  assert.equal((await preflight("auth", "https://evil.example")).headers.get("access-control-allow-origin"), null);

  const person = new Person(roles.backend, { access_token: bearer });
  await person.json(200, "/api/threads");
  const { ticket } = await person.json(201, "/api/ws-ticket", {});
  const evil = new Socket(roles.backend, { headers: { authorization: "", origin: "https://evil.example" }, path: `/ws?ticket=${ticket}` });
  await assert.rejects(within(evil.opened, "a refusal"), /HTTP 403/);
  const csp = (await roles.frontend.fetch("/", { headers: { accept: "text/html" } })).headers.get("content-security-policy");
  assert.ok(csp.includes(`connect-src 'self' ${roles.urls.backend} ${roles.urls.backend.replace("http", "ws")} ${roles.urls.auth};`), csp);
});

test("a service token of a session is the session's, not a key's: it has the user's limits", async () => {
  const { access_token: token } = await ada.auth.json(200, "/auth/service-token", {});
  const told = await roles.auth.json(200, "/auth/validate", { token }, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(told.kind, "session");
  const key = await ada.auth.key(["read"]);
  const made = await key.json(200, "/auth/service-token", {});
  const other = await key.json(200, "/auth/validate", { token: made.access_token });
  assert.deepEqual([other.kind, other.id, other.scope], ["service", key.keyId, "read"]);
});

test("what is kept of a person: the account here, conversations there; erased here, without a name there", async () => {
  const zoe = roles.atBackend(await ada.auth.bring({ email: "zoe@example.org" }));
  await zoe.json(201, "/api/threads", { title: "mine" });
  const { threads } = await zoe.json(200, "/api/me/conversations");
  assert.deepEqual(threads.map(({ title, workspace }) => [title, workspace]), [["mine", "default"]]);
  assert.equal((await ada.json(200, "/api/me/conversations")).threads.length, 1, "one's own only");
  const kept = await zoe.auth.json(200, "/auth/me/export");
  assert.deepEqual([kept.account.user.email, kept.threads], ["zoe@example.org", []]);
  const erase = (status, threads) => zoe.auth.delete("/auth/me", status, { password: zoe.password, threads });
  assert.equal((await erase(422, "delete")).errors[0].pointer, "/threads");
  await erase(204, "keep");
});

test("keys that rotate are fetched: also twice in a row, so that the one that signs was never seen", async () => {
  for (let i = 0; i < 2; i++) await ada.auth.json(201, "/auth/signing-keys", {});
  const ben = roles.atBackend(await roles.auth.signInAs(ada));
  await ben.json(200, "/api/threads");
  await ada.json(200, "/api/threads"); // what was signed before counts to its end
});

test("what is taken away is refused at the backend within 15 s: a session, its socket, a key", async () => {
  const grace = roles.atBackend(await ada.auth.bring({ email: "grace@example.org" }));
  const key = roles.atBackend(await ada.auth.key(["read"]));
  await key.json(200, "/api/threads");
  await grace.json(200, "/api/threads");
  const socket = await grace.socket();
  const began = Date.now();
  await grace.auth.json(204, "/auth/logout", {});
  await ada.auth.delete(`/api/keys/${key.keyId}`);
  const { code } = await within(socket.closed, "the end of the socket", RECHECK_MS + SLACK_MS);
  assert.equal(code, 1008);
  const refused = async (who) => (await who.fetch("/api/threads")).status === 401;
  await until(() => refused(grace), "the session is refused", RECHECK_MS + SLACK_MS);
  await until(() => refused(key), "the key is refused", RECHECK_MS + SLACK_MS);
  assert.ok(Date.now() - began < RECHECK_MS + SLACK_MS);
});

test("the auth service is away: tokens count, keys that were seen, too; health says so, and names what does not", async () => {
  const fresh = roles.atBackend(await roles.auth.signInAs(ada)); // never seen at the backend
  const key = roles.atBackend(await ada.auth.key(["read"]));
  const unseen = roles.atBackend(await ada.auth.key(["read"]));
  await key.json(200, "/api/threads");
  await roles.auth.stop("SIGKILL");
  await fresh.json(200, "/api/threads");
  await key.json(200, "/api/threads");
  const answer = await unseen.fetch("/api/threads");
  assert.equal(answer.status, 503);
  assert.ok(Number(answer.headers.get("retry-after")) >= 1);
  assert.equal((await answer.json()).code, "SERVICE_UNAVAILABLE");
  await until(async () => (await stateOf("backend", "auth")).status === "degraded", "the backend is degraded");
  assert.equal((await health("backend")).status, "degraded");
  assert.equal((await fetch(`${roles.urls.backend}/health/ready`)).status, 200);
  assert.match((await stateOf("backend", "auth")).reason, /kept here/);
  for (const role of ["backend", "frontend"]) {
    await until(async () => (await serviceOf(role, "auth")).status === "unhealthy", `${role} misses the auth service`);
  }
  const socket = await fresh.socket();
  assertWholeLog(await socket.run(QUESTION));
  await socket.close();

  await roles.backend.stop();
  await roles.startRole("backend");
  fresh.server = roles.backend;
  await fresh.json(200, "/api/threads");
  assert.equal((await fresh.json(200, "/api/threads")).items.length, 3);
  ada.server = roles.backend;

  await roles.startRole("auth");
  await until(async () => (await health("backend")).status === "healthy", "all is well again");
  unseen.server = roles.backend;
  await until(async () => (await unseen.fetch("/api/threads")).status === 200, "the key is known again", 10_000);
});

test("one process becomes three: each goes on with a copy of its folder", async () => {
  const one = await Server.startAccounts();
  try {
    const first = await one.setUp();
    await first.json(201, "/api/threads", { title: "before" });
    const { id } = await first.json(201, "/api/workspaces", { name: "Other" });
    const key = await first.key(["read"]);
    await one.stop();
    await Roles.with(async (three) => {
      const again = three.atBackend(await three.auth.signInAs(first));
      assert.deepEqual((await again.json(200, "/api/threads")).items.map(({ title }) => title), ["before"]);
      const program = new Person(three.backend, { access_token: key.bearer });
      assert.equal((await program.json(200, "/api/threads")).items.length, 1);
      assert.deepEqual((await again.auth.json(200, "/api/workspaces")).items.map((row) => row.id).sort(), ["default", id].sort());
      const refreshed = await three.auth.open(200, "/auth/refresh", { refresh_token: first.grant.refresh_token });
      await new Person(three.backend, refreshed).json(200, "/api/threads");
      assert.equal((await new Person(three.backend, first.grant).fetch("/api/threads")).status, 401, "a token of the former issuer");
    }, { from: one.folder });
  } finally {
    await one.stop();
    one.remove();
  }
});

test("a role says what it lacks before it opens anything", () =>
  withTempDir((folder) => {
    const serve = (...args) => runTo(2, ["serve", "--listen", "127.0.0.1:0", "--data-dir", folder, ...args]).err;
    const accounts = ["--set", "auth.mode=accounts"];
    const auth = ["--set", "service.auth_url=http://127.0.0.1:9"];
    assert.match(serve("--role", "backend"), /role backend needs auth\.mode = accounts/);
    assert.match(serve("--role", "frontend"), /needs auth\.mode = accounts/);
    assert.match(serve("--role", "backend", ...accounts), /role backend needs service\.auth_url/);
    assert.match(serve("--role", "frontend", ...accounts, ...auth), /role frontend needs service\.backend_url/);
    assert.match(serve("--role", "backend", ...accounts, "--set", "service.auth_url=http://127.0.0.1:9/auth"), /something behind the name/);
    assert.match(serve("--role", "backend", ...accounts, "--set", "service.auth_url=http://auth.example.org"), /tokens would be seen/);
    assert.match(serve("--role", "auth", ...accounts), /needs a secret/);
    const two = ["--set", "public_url=https://a.example.org", "--set", "service.backend_url=https://b.example.org"];
    assert.match(serve("--role", "backend", ...accounts, ...auth, ...two), /two addresses of one process/);
  }));

// ---- a backend whose auth service is scripted ----

const pair = () => generateKeyPairSync("ec", { namedCurve: "P-256" });

/** Answers as the protocol says; counts; can be deaf, and late. */
class Issuer {
  static async start() {
    const self = new Issuer();
    self.keys = new Map([["first", pair()]]);
    self.counts = { keys: 0, validate: 0 };
    self.credentials = new Map(); // text → what is said of it
    self.server = createServer((request, answer) => void self.answer(request, answer));
    await new Promise((resolve) => self.server.listen(0, "127.0.0.1", resolve));
    self.url = `http://127.0.0.1:${self.server.address().port}`;
    return self;
  }

  async answer(request, answer) {
    const reply = (status, body) => {
      answer.writeHead(status, { "content-type": "application/json" });
      answer.end(JSON.stringify(body));
    };
    let text = "";
    for await (const piece of request) text += piece;
    if (this.late) await this.late;
    if (this.isDeaf) return request.socket.destroy();
    if (request.url === "/health/live") return reply(200, { status: "live" });
    if (request.url === "/.well-known/jwks.json") {
      this.counts.keys++;
      const keys = [];
      for (const [kid, { publicKey }] of this.keys) keys.push({ ...(await exportJWK(publicKey)), kid, alg: "ES256", use: "sig" });
      return reply(200, { keys });
    }
    assert.equal(request.url, "/auth/validate");
    this.counts.validate++;
    const { token } = JSON.parse(text);
    assert.equal(request.headers.authorization, `Bearer ${token}`, "the credential vouches for itself");
    const said = this.credentials.get(token) ?? (token.startsWith("ey") ? this.good : undefined);
    return said ? reply(200, { active: true, ...said }) : reply(401, { code: "AUTH_FAILED" });
  }

  good = { sub: "u-1", ws: "default", role: "admin", scope: "read run data admin", kind: "session", id: "s-1" };

  claims(more = {}) {
    const now = Math.floor(Date.now() / 1000);
    return { iss: this.url, aud: "netra", sub: "u-1", sid: "s-1", ws: "default", role: "admin", scope: "read run data admin",
      iat: now, nbf: now, exp: now + 600, jti: "j-1", ...more };
  }

  token(more = {}, { kid = "first", header = {}, key } = {}) {
    return new SignJWT(this.claims(more)).setProtectedHeader({ alg: "ES256", kid, typ: "at+jwt", ...header })
      .sign(key ?? this.keys.get(kid).privateKey);
  }

  stop() {
    this.server.closeAllConnections?.();
    return new Promise((resolve) => this.server.close(resolve));
  }
}

async function withIssuer(fn) {
  const issuer = await Issuer.start();
  try {
    const keys = { "service.auth_url": issuer.url };
    await Server.with((server) => fn(issuer, server), { keys, args: ["--role", "backend"] }, Server.startAccounts);
  } finally {
    await issuer.stop();
  }
}

const threads = (server, bearer) => server.fetch("/api/threads", { headers: { authorization: `Bearer ${bearer}` } });
const b64 = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");

test("forged tokens are refused, and nobody is asked about them", () =>
  withIssuer(async (issuer, server) => {
    const good = await issuer.token();
    assert.equal((await threads(server, good)).status, 200);
    const { validate } = issuer.counts;
    const now = Math.floor(Date.now() / 1000);
    const [head, payload, signature] = good.split(".");
    const none = (alg) => `${b64({ alg, typ: "at+jwt", kid: "first" })}.${payload}.`;
    const shared = await new SignJWT(issuer.claims()).setProtectedHeader({ alg: "HS256", kid: "first", typ: "at+jwt" })
      .sign(Buffer.from(JSON.stringify(await exportJWK(issuer.keys.get("first").publicKey))));
    const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const forged = {
      "another issuer": await issuer.token({ iss: "https://evil.example" }),
      "an issuer with a slash more": await issuer.token({ iss: `${issuer.url}/` }),
      "another audience": await issuer.token({ aud: "other" }),
      "two audiences": await issuer.token({ aud: ["netra", "other"] }),
      "it has ended": await issuer.token({ exp: now - 1 }),
      "not yet": await issuer.token({ nbf: now + 300 }),
      "no end": await issuer.token({ exp: undefined }),
      "alg none": none("none"),
      "alg None": none("None"),
      "no alg": none(undefined),
      HS256: shared,
      RS256: await new SignJWT(issuer.claims()).setProtectedHeader({ alg: "RS256", kid: "first", typ: "at+jwt" }).sign(rsa.privateKey),
      "another's key": await issuer.token({}, { key: pair().privateKey }),
      "a key in the header": await issuer.token({}, { header: { jwk: await exportJWK(pair().publicKey) } }),
      "an address in the header": await issuer.token({}, { header: { jku: issuer.url } }),
      "another type": await issuer.token({}, { header: { typ: "JWT" } }),
      "another payload": `${head}.${b64(issuer.claims({ role: "admin", sub: "u-2" }))}.${signature}`,
      "a scope that is none": await issuer.token({ scope: "read everything" }),
      "no signature": `${head}.${payload}.`,
    };
    for (const [what, bearer] of Object.entries(forged)) {
      const answer = await threads(server, bearer);
      assert.equal(answer.status, 401, what);
      assert.equal((await answer.json()).code, "AUTH_FAILED", what);
    }
    assert.equal(issuer.counts.validate, validate);
    assert.equal((await threads(server, good)).status, 200);
  }));

test("a kid that is not known is fetched, and made-up ones cause few fetches", () =>
  withIssuer(async (issuer, server) => {
    assert.equal((await threads(server, await issuer.token())).status, 200);
    const before = issuer.counts.keys;
    issuer.keys.set("second", pair());
    assert.equal((await threads(server, await issuer.token({}, { kid: "second" }))).status, 200);
    assert.equal(issuer.counts.keys, before + 1);
    for (let i = 0; i < 40; i++) {
      const made = await issuer.token({}, { kid: `made-up-${i}`, key: pair().privateKey });
      assert.equal((await threads(server, made)).status, 401);
    }
    assert.ok(issuer.counts.keys <= before + 5, `${issuer.counts.keys - before} fetches`);
    const kept = () => JSON.parse(readFileSync(join(server.folder, "jwks.json"), "utf8"));
    await until(() => kept().keys.map(({ kid }) => kid).join() === "first,second", "both are in the folder");
    assert.equal(kept().issuer, issuer.url);
  }));

test("many requests with one token are one question; what is said there counts, not what the token says", () =>
  withIssuer(async (issuer, server) => {
    issuer.good = { ...issuer.good, role: "viewer", scope: "read" };
    assert.equal((await threads(server, await issuer.token({ jti: "j-0", sid: "s-0" }))).status, 200);
    issuer.counts.validate = 0;
    const bearer = await issuer.token();
    let letGo;
    issuer.late = new Promise((resolve) => (letGo = resolve));
    const asked = Array.from({ length: 20 }, () => threads(server, bearer));
    const began = Date.now();
    assert.equal((await fetch(`${server.url}/health/live`)).status, 200);
    assert.ok(Date.now() - began < 1000, "the loop turns meanwhile");
    letGo();
    issuer.late = undefined;
    for (const answer of await Promise.all(asked)) assert.equal(answer.status, 200);
    assert.equal(issuer.counts.validate, 1);
    const post = await server.fetch("/api/threads", {
      method: "POST", body: "{}", headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json" } });
    assert.equal(post.status, 403, "a viewer by now");
  }));

test("a body waits while the credential is asked about, and arrives whole; an upload, too", () =>
  withIssuer(async (issuer, server) => {
    const slow = async (path, body, type) => {
      const bearer = await issuer.token({ jti: path });
      let letGo;
      issuer.late = new Promise((resolve) => (letGo = resolve));
      setTimeout(() => {
        issuer.late = undefined;
        letGo();
      }, 300);
      const answer = await server.fetch(path, { method: "POST", body, headers: { authorization: `Bearer ${bearer}`, "content-type": type } });
      assert.equal(answer.status, 201, `${path}: ${await answer.clone().text()}`);
      return answer.json();
    };
    const title = "x".repeat(100);
    assert.equal((await slow("/api/threads", JSON.stringify({ title }), "application/json")).title, title);
    const rows = Array.from({ length: 20000 }, (_, i) => JSON.stringify({
      time: `2026-08-01T00:00:00Z`, request_id: `r-${i}`, provider: "openai", model: "gpt-5-mini", input_tokens: 100, output_tokens: 10 }));
    const dataset = await slow("/api/datasets?name=a.jsonl", `${rows.join("\n")}\n`, "application/octet-stream");
    assert.equal(dataset.records, 20000);
  }));

test("an auth service that hangs costs a request two seconds, once", () =>
  withIssuer(async (issuer, server) => {
    const bearer = await issuer.token();
    assert.equal((await threads(server, bearer)).status, 200);
    issuer.late = new Promise(() => {});
    const other = await issuer.token({ jti: "j-2", sid: "s-2" });
    const began = Date.now();
    assert.equal((await threads(server, other)).status, 200);
    const waited = Date.now() - began;
    assert.ok(waited > 1500 && waited < 5000, `${waited} ms`);
    const third = await issuer.token({ jti: "j-3", sid: "s-3" });
    const again = Date.now();
    assert.equal((await threads(server, third)).status, 200);
    assert.ok(Date.now() - again < 1000, `${Date.now() - again} ms`);
    assert.equal((await threads(server, "netra_key_0123456789012345678901234567890123456789012")).status, 503);
  }));

test("without any key of the auth service the backend is down, and says why", async () => {
  const issuer = await Issuer.start();
  const token = await issuer.token();
  await issuer.stop();
  const keys = { "service.auth_url": issuer.url };
  await Server.with(
    async (server) => {
      const answer = await threads(server, token);
      assert.equal(answer.status, 503);
      const health = await fetch(`${server.url}/health`);
      assert.equal(health.status, 503);
      assert.match((await health.json()).checks.find(({ name }) => name === "auth").reason, /nobody can be let in/);
    },
    { keys, args: ["--role", "backend"] },
    Server.startAccounts,
  );
});
