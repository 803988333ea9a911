// SPDX-License-Identifier: Apache-2.0
//
// Attacks on signing in and on what was signed: forged and confused tokens, replays, guesses, other people's
// things. Each is refused with the code that the protocol names, and leaves a line in the audit log.

import assert from "node:assert/strict";
import { createHmac, createPublicKey, generateKeyPairSync } from "node:crypto";
import { request } from "node:http";
import { after, before, test } from "node:test";

import { decodeJwt, decodeProtectedHeader, SignJWT } from "jose";

import { Person, Server, Socket, withAccounts } from "./server.mjs";

let server;
let ada;
let ben;
let claims; /* of a good token of Ben */
let head; /* its header */
let kid;

before(async () => {
  server = await Server.startAccounts();
  ada = await server.setUp();
  ben = await ada.bring({ email: "ben@example.org" });
  claims = decodeJwt(ben.bearer);
  head = decodeProtectedHeader(ben.bearer);
  kid = head.kid;
});
after(async () => {
  await server.stop();
  server.remove();
});

const b64 = (value) => Buffer.from(typeof value === "string" ? value : JSON.stringify(value)).toString("base64url");
const stranger = generateKeyPairSync("ec", { namedCurve: "P-256" });
const signed = (payload, header = {}, key = stranger.privateKey) =>
  new SignJWT(payload).setProtectedHeader({ ...head, ...header }).sign(key);

/** Lines of an action that came since the last look, when the first is there: a refusal does not wait for its line. */
async function linesSince(n, action, admin = ada) {
  for (const began = Date.now(); ; ) {
    const lines = (await admin.audit()).filter((line) => line.n > n && line.action === action);
    if (lines.length || Date.now() - began > 30_000) return lines;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
const lastLine = async () => (await ada.audit()).at(-1).n;

/** The token is refused as the protocol says, and audited with the flaw. */
async function assertRefused(bearer, flaw, what) {
  const since = await lastLine();
  const answer = await server.fetch("/api/threads", { headers: { authorization: `Bearer ${bearer}` } });
  assert.equal(answer.status, 401, what);
  assert.match(answer.headers.get("www-authenticate"), /error="invalid_token"/, what);
  const problem = await answer.json();
  assert.equal(problem.code, "AUTH_FAILED", what);
  assert.ok(!JSON.stringify(problem).match(/signature|algorithm|issuer|audience|kid/i), `${what}: the answer says why`);
  const lines = await linesSince(since, "token.refused");
  assert.equal(lines.length, 1, `${what}: one line`);
  if (flaw) assert.match(lines[0].detail.flaw, flaw, what);
  assert.ok(!JSON.stringify(lines).includes(bearer.slice(-20)), `${what}: the log keeps the token`);
}

/* ---- tokens ---- */

test("the good token is good: what is refused below is refused for its flaw", async () => {
  await ben.json(200, "/api/threads");
  const [first, body, signature] = ben.bearer.split(".");
  assert.equal(b64(JSON.parse(Buffer.from(first, "base64url"))).length > 0 && body.length > 0, true);
  assert.equal(Buffer.from(signature, "base64url").length, 64);
});

test("alg none in any spelling, with and without a signature", async () => {
  for (const alg of ["none", "None", "NONE", "nOnE", ""]) {
    const none = b64({ ...head, alg });
    await assertRefused(`${none}.${b64(claims)}.`, /algorithm|malformed/, `alg ${alg}`);
    await assertRefused(`${none}.${b64(claims)}.${ben.bearer.split(".")[2]}`, /algorithm/, `alg ${alg}, signed`);
  }
  await assertRefused(`${b64({ kid, typ: head.typ })}.${b64(claims)}.`, /algorithm|malformed/, "no alg at all");
});

test("the public key as an HMAC secret; RS256; other curves", async () => {
  const { keys } = await server.open(200, "/.well-known/jwks.json");
  const jwk = keys.find((key) => key.kid === kid);
  const publicKey = createPublicKey({ key: jwk, format: "jwk" });
  const forms = [
    publicKey.export({ type: "spki", format: "pem" }),
    publicKey.export({ type: "spki", format: "der" }),
    JSON.stringify(jwk),
    jwk.x,
  ];
  for (const secret of forms) {
    const input = `${b64({ ...head, alg: "HS256" })}.${b64(claims)}`;
    const mac = createHmac("sha256", secret).update(input).digest("base64url");
    await assertRefused(`${input}.${mac}`, /algorithm/, "HS256");
  }
  const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
  await assertRefused(await signed(claims, { alg: "RS256" }, rsa.privateKey), /algorithm/, "RS256");
  const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" });
  await assertRefused(await signed(claims, { alg: "ES384" }, p384.privateKey), /algorithm/, "ES384");
});

test("a stranger's signature, a stranger's kid, a key that comes with the token", async () => {
  await assertRefused(await signed(claims), /signature/, "our kid, another key");
  await assertRefused(await signed(claims, { kid: "unknown" }), /key/, "a foreign kid");
  await assertRefused(await signed(claims, { kid: "../../etc/passwd" }), /key|malformed/, "a path as kid");
  await assertRefused(await signed(claims, { kid: "' OR 1=1 --" }), /key|malformed/, "SQL as kid");
  const jwk = stranger.publicKey.export({ format: "jwk" });
  await assertRefused(await signed(claims, { jwk }), /key/, "jwk in the header");
  await assertRefused(await signed(claims, { jku: "http://127.0.0.1:1/jwks.json" }), /key/, "jku");
});

test("a good signature over other claims, a stripped one, a changed one, bytes behind it", async () => {
  const [first, body, signature] = ben.bearer.split(".");
  const raised = { ...claims, role: "admin", scope: "read run data admin", sub: ada.id };
  await assertRefused(`${first}.${b64(raised)}.${signature}`, /signature/, "other claims");
  await assertRefused(`${first}.${body}.`, /signature|malformed/, "no signature");
  await assertRefused(`${first}.${body}`, /malformed|unknown/, "two parts");
  await assertRefused(`${first}.${body}.${signature}.`, /malformed|unknown/, "four parts");
  await assertRefused(`${first}.${body}.${signature}AA`, /signature|malformed/, "a longer signature");
  const bytes = Buffer.from(signature, "base64url");
  bytes[5] ^= 1;
  await assertRefused(`${first}.${body}.${bytes.toString("base64url")}`, /signature/, "one bit");
  await assertRefused(`${first}.${body}.${Buffer.alloc(64).toString("base64url")}`, /signature/, "r = s = 0");
  await assertRefused(`${first}.${body}.${signature.replace(/.$/, "=")}`, /signature|malformed/, "padding");
  for (const odd of ["a.b.c", "..", "{}", "x".repeat(3000), "netra_key_", `netra_key_${"x".repeat(43)}`, "\u00e9"]) {
    await assertRefused(encodeURIComponent(odd) === odd ? odd : encodeURIComponent(odd), undefined, odd.slice(0, 20));
  }
});

test("a token of another deployment: same claims, another issuer, a key that we do not know", () =>
  withAccounts(async (other) => {
    const elsewhere = await other.setUp({ email: ben.email });
    await assertRefused(elsewhere.bearer, /key|issuer|signature/, "another deployment's token");
    const answer = await other.fetch("/api/threads", { headers: ben.headers });
    assert.equal(answer.status, 401);
  }));

test("an expired token, one of a session that ended, one of a service whose key was revoked", async () => {
  await withAccounts(async (brief) => {
    const admin = await brief.setUp();
    await new Promise((resolve) => setTimeout(resolve, 11_200));
    await admin.json(401, "/api/threads");
    const back = await brief.signInAs(admin);
    const lines = await back.audit();
    assert.ok(lines.some((line) => line.action === "token.refused" && line.detail.flaw === "expired"));
  }, { keys: { "auth.access_token_s": 10 } });
  const session = await server.signInAs(ben);
  await session.json(204, "/auth/logout", {});
  await assertRefused(session.bearer, /revoked|unknown/, "an ended session");
  const key = await ben.key(["read"]);
  const { access_token } = await key.json(200, "/auth/service-token", {});
  await ben.delete(`/api/keys/${key.keyId}`);
  await assertRefused(key.bearer, /unknown|revoked/, "a revoked key");
  await assertRefused(access_token, /revoked|unknown/, "a token of a revoked key");
});

/* ---- replays ---- */

test("a refresh token that was stolen and used ends the session of both", async () => {
  const since = await lastLine();
  const { grant } = await server.signInAs(ben);
  const thief = await server.open(200, "/auth/refresh", { refresh_token: grant.refresh_token });
  await server.open(401, "/auth/refresh", { refresh_token: grant.refresh_token });
  await new Person(server, thief).json(401, "/auth/me");
  await server.open(401, "/auth/refresh", { refresh_token: thief.refresh_token });
  assert.equal((await linesSince(since, "refresh.reused")).length, 1);
});

test("two who refresh with one token at the same moment: one gets tokens at most", async () => {
  const { grant } = await server.signInAs(ben);
  const answers = await Promise.all(
    Array.from({ length: 8 }, () =>
      server.fetch("/auth/refresh", {
        method: "POST",
        headers: { authorization: "", "content-type": "application/json" },
        body: JSON.stringify({ refresh_token: grant.refresh_token }),
      }),
    ),
  );
  assert.ok(answers.filter((answer) => answer.status === 200).length <= 1);
  for (const answer of answers) assert.ok([200, 401].includes(answer.status));
});

test("a ticket twice, a ticket for what is no WebSocket, a made-up ticket", async () => {
  const since = await lastLine();
  const { ticket } = await ben.json(201, "/api/ws-ticket", {});
  const open = (t) => new Socket(server, { path: `/ws?ticket=${t}`, headers: { authorization: "" } });
  await server.json(401, `/api/threads?ticket=${ticket}`, undefined, { headers: { authorization: "" } });
  const first = open(ticket);
  await first.opened;
  await assert.rejects(open(ticket).opened, /HTTP 401/);
  await assert.rejects(open("x".repeat(43)).opened, /HTTP 401/);
  await first.close();
  const lines = await linesSince(since, "ticket.reused");
  assert.equal(lines.length, 1);
  assert.equal(lines[0].target, ben.id, "whose it was");
});

/* ---- the cookie ---- */

test("a forged cookie, one from another page, a cookie for the WebSocket of another page", async () => {
  const answer = await server.fetch("/auth/login", {
    method: "POST",
    headers: { authorization: "", "content-type": "application/json" },
    body: JSON.stringify({ email: ben.email, password: ben.password, cookie: true }),
  });
  const cookie = answer.headers.get("set-cookie").split(";")[0];
  const ask = (headers, options = {}) =>
    server.fetch("/api/threads", { ...options, headers: { authorization: "", ...headers } });
  assert.equal((await ask({ cookie })).status, 200);
  for (const forged of [`netra_session=${"x".repeat(43)}`, `${cookie}x`, cookie.slice(0, -1), "netra_session="]) {
    const since = await lastLine();
    assert.equal((await ask({ cookie: forged })).status, 401, forged);
    if (forged !== "netra_session=") assert.equal((await linesSince(since, "token.refused")).length, 1, forged);
  }
  for (const origin of ["https://evil.example", "null", `${new URL(server.url).origin}.evil.example`, `http://127.0.0.1:${server.port + 1}`]) {
    const since = await lastLine();
    const refused = await ask({ cookie, origin, "content-type": "application/json" }, { method: "POST", body: "{}" });
    assert.equal(refused.status, 403, origin);
    assert.equal((await refused.json()).needs, "Origin");
    await assert.rejects(
      new Socket(server, { headers: { authorization: "", cookie, origin } }).opened, /HTTP 403/, origin,
    );
    assert.ok((await linesSince(since, "origin")).length >= 1, `${origin}: audited`);
  }
  /* signing somebody in from another page (login CSRF) */
  const planted = await server.fetch("/auth/login", {
    method: "POST",
    headers: { authorization: "", origin: "https://evil.example", "content-type": "application/json" },
    body: JSON.stringify({ email: ben.email, password: ben.password, cookie: true }),
  });
  assert.equal(planted.status, 403);
  assert.equal(planted.headers.get("set-cookie"), null);
  /* a form cannot send JSON */
  const form = await server.fetch("/auth/login", {
    method: "POST",
    headers: { authorization: "", "content-type": "text/plain" },
    body: JSON.stringify({ email: ben.email, password: ben.password, cookie: true }),
  });
  assert.equal(form.status, 415);
});

/* ---- guesses ---- */

const post = (of, path, body, headers = {}) =>
  of.fetch(path, {
    method: "POST",
    headers: { authorization: "", "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });

test("an e-mail that is known takes as long as one that is not, and gets the same answer", async () => {
  await withAccounts(async (quiet) => {
    const admin = await quiet.setUp();
    await admin.bring({ email: "known@example.org" });
    const time = async (email) => {
      const began = process.hrtime.bigint();
      const answer = await post(quiet, "/auth/login", { email, password: "not the password" });
      const text = await answer.text();
      return { ms: Number(process.hrtime.bigint() - began) / 1e6, status: answer.status, text };
    };
    const known = [];
    const unknown = [];
    await time("warm-up@example.org");
    for (let i = 0; i < 20; i++) {
      known.push(await time("known@example.org"));
      unknown.push(await time(`unknown-${i}@example.org`));
    }
    const median = (list) => list.map((one) => one.ms).sort((a, b) => a - b)[list.length >> 1];
    const [a, b] = [median(known), median(unknown)];
    assert.ok(a / b < 2 && b / a < 2, `known ${a.toFixed(1)} ms, unknown ${b.toFixed(1)} ms`);
    assert.ok(b > 2, `an unknown e-mail costs a hash, too: ${b.toFixed(1)} ms`);
    assert.deepEqual(new Set([...known, ...unknown].map((one) => one.status)), new Set([401]));
    assert.equal(new Set([...known, ...unknown].map((one) => one.text)).size, 1, "one text");
    const forgot = async (email) => (await post(quiet, "/auth/password/forgot", { email })).text();
    assert.equal(await forgot("known@example.org"), await forgot("unknown@example.org"));
  }, { keys: { "auth.lockout_failures": 100 } });
});

test("a lock is on the e-mail: case, blanks and Unicode forms of it do not get around it", async () => {
  await withAccounts(async (strict) => {
    const admin = await strict.setUp({ email: "ada@example.org" });
    const login = (email, headers) => post(strict, "/auth/login", { email, password: "wrong wrong wrong" }, headers);
    for (let i = 0; i < 3; i++) await login("ada@example.org");
    for (const email of ["ADA@example.org", "Ada@EXAMPLE.ORG", " ada@example.org ", "ada@example.org\n", "ａda@example.org"]) {
      const { status } = await login(email);
      assert.ok(status === 429 || status === 422 || (status === 401 && !/^[\x00-\x7f]*$/.test(email)), `${JSON.stringify(email)}: ${status}`);
    }
    for (const header of ["x-forwarded-for", "x-real-ip", "forwarded", "x-client-ip", "true-client-ip"]) {
      const value = header === "forwarded" ? "for=203.0.113.7" : "203.0.113.7";
      assert.equal((await login("ada@example.org", { [header]: value })).status, 429, header);
    }
    const good = await post(strict, "/auth/login", { email: "ADA@example.org", password: admin.password });
    assert.equal(good.status, 429);
    const text = JSON.stringify(await admin.audit());
    assert.ok(!text.includes("203.0.113"), "no header of a client says where it is");
  }, { keys: { "auth.lockout_failures": 3 } });
});

test("tries at secrets are counted by address, whatever headers say it is", async () => {
  await withAccounts(async (strict) => {
    const statuses = [];
    for (let i = 0; i < 14; i++) {
      const answer = await post(strict, "/auth/refresh", { refresh_token: `guess-${i}` }, { "x-forwarded-for": `203.0.113.${i}` });
      statuses.push(answer.status);
      if (answer.status === 429) {
        assert.ok(Number(answer.headers.get("retry-after")) >= 1);
        assert.match(answer.headers.get("ratelimit") ?? "", /secret/);
      }
    }
    assert.equal(statuses.filter((status) => status === 429).length >= 3, true, statuses.join());
    assert.equal(statuses[0], 401);
  }, { keys: { "limit.secret_per_min": 10 } });
});

test("one proxy is trusted, if it is configured, and only that one", async () => {
  await withAccounts(async (proxied) => {
    const admin = await proxied.setUp();
    await post(proxied, "/auth/login", { email: admin.email, password: "wrong wrong wrong" }, { "x-forwarded-for": "203.0.113.7" });
    const line = (await linesSince(0, "login.failed", admin)).at(-1);
    assert.match(line.address, /^203\.0\.113\.0/, "what a trusted proxy says is believed, cut to its network");
  }, { keys: { "http.trusted_proxies": "127.0.0.1" } });
  const since = await lastLine();
  await post(server, "/auth/login", { email: "nobody@example.org", password: "wrong wrong wrong" }, { "x-forwarded-for": "203.0.113.7" });
  const line = (await linesSince(since, "login.failed")).at(-1);
  assert.match(line.address, /^127\.0\.0\./);
});

test("a Host that is not ours is refused with a good token, too", async () => {
  const status = await new Promise((resolve, reject) => {
    request(
      { port: server.port, host: "127.0.0.1", path: "/api/threads", headers: { ...ben.headers, host: "evil.example" } },
      (answer) => resolve(answer.resume().statusCode),
    ).on("error", reject).end();
  });
  assert.equal(status, 403);
});

/* ---- more than one may ---- */

test("members that nobody asked for change nothing: role, user_id, workspace, is_operator", async () => {
  const { url } = await ada.json(201, "/api/invites", { email: "mallory@example.org", role: "viewer" });
  const grant = await server.open(201, "/auth/register", {
    code: new URL(url).searchParams.get("invite"), name: "Mallory", password: "correct horse battery",
    role: "admin", is_operator: true, scopes: ["admin"], workspace: "default", user_id: ada.id, kind: "service",
  });
  const mallory = new Person(server, grant, { email: "mallory@example.org", password: "correct horse battery" });
  assert.equal(grant.role, "viewer");
  assert.notEqual(grant.user.id, ada.id);
  const me = await mallory.json(200, "/auth/me");
  assert.deepEqual([me.role, me.is_operator, me.scopes], ["viewer", false, ["read"]]);
  const renamed = await mallory.patch("/auth/me", { name: "M", role: "admin", email: ada.email });
  assert.deepEqual([renamed.role, renamed.user.email], ["viewer", "mallory@example.org"]);
  const login = await server.open(200, "/auth/login", { email: mallory.email, password: mallory.password, role: "admin" });
  assert.equal(login.role, "viewer");
});

test("things of another workspace are not there, by whatever id and way", async () => {
  const made = await ada.json(201, "/api/workspaces", { name: "Elsewhere" });
  const mover = await server.signInAs(ada);
  const there = new Person(server, await mover.json(200, "/auth/workspace", { workspace: made.id }));
  const eve = await there.bring({ email: "eve@example.org", role: "admin" });
  assert.equal((await eve.json(200, "/auth/me")).is_operator, false, "an admin elsewhere is no operator");
  const thread = await ben.json(201, "/api/threads", { title: "Ben's" });
  const run = await ben.json(202, `/api/threads/${thread.id}/runs`, { prompt: "Where does the money go?" });
  const key = await ben.key(["read"]);
  const invite = await ada.json(201, "/api/invites", { email: "later@example.org", role: "viewer" });
  for (const [method, path, body] of [
    ["GET", `/api/threads/${thread.id}`], ["DELETE", `/api/threads/${thread.id}`],
    ["GET", `/api/threads/${thread.id}/messages`], ["GET", `/api/runs/${run.id}`],
    ["GET", `/api/runs/${run.id}/events`], ["POST", `/api/runs/${run.id}/cancel`, {}],
    ["POST", `/api/threads/${thread.id}/runs`, { prompt: "mine now" }],
    ["PATCH", `/api/users/${ben.id}`, { role: "viewer" }], ["DELETE", `/api/users/${ben.id}`],
    ["POST", `/api/users/${ben.id}/reset-link`, {}], ["DELETE", `/api/keys/${key.keyId}`],
    ["DELETE", `/api/invites/${invite.id}`], ["DELETE", `/auth/sessions/${claims.sid}`],
    ["PATCH", `/api/workspaces/${ada.grant.workspace.id}`, { name: "Eve's" }],
  ]) {
    await eve.json(404, path, body, { method });
  }
  await eve.json(404, "/auth/workspace", { workspace: ada.grant.workspace.id });
  const own = await eve.fetch("/api/keys", {
    method: "POST", headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: "of Ben", scopes: ["read"], user_id: ben.id }),
  });
  assert.ok([403, 404].includes(own.status), `a key of somebody elsewhere: ${own.status}`);
  assert.deepEqual(await eve.json(200, "/auth/validate", { token: ben.bearer }), { active: false });
  const people = JSON.stringify([await eve.json(200, "/api/users"), await eve.audit(), await eve.json(200, "/api/keys")]);
  assert.ok(!people.includes(ben.id) && !people.includes(ben.email), "nobody of another workspace is named");
  const socket = await eve.socket();
  socket.send({ type: "resume", runId: run.id, lastSeq: 0 });
  const refused = await socket.next((e) => e.name === "error");
  assert.equal(refused.value.problem.status, 404);
  await socket.close();
  await ben.json(200, `/api/threads/${thread.id}`);
  await key.json(200, "/api/threads");
});

test("a key has no more than its maker, a maker who is made smaller has smaller keys", async () => {
  const carl = await ada.bring({ email: "carl@example.org", role: "admin" });
  const since = await lastLine();
  const reading = await carl.key(["read"]);
  const refused = await reading.json(403, "/api/keys", { name: "more", scopes: ["read", "admin"] });
  assert.equal(refused.code, "FORBIDDEN");
  await reading.json(403, "/api/keys", { name: "for Ben", scopes: ["read"], user_id: ben.id });
  await reading.json(403, "/api/users");
  await reading.json(403, "/auth/password", { current: carl.password, new: "another password" });
  await reading.delete("/auth/sessions", 403);
  await reading.delete("/auth/me", 403, { password: carl.password });
  assert.ok((await linesSince(since, "key.refused")).length >= 1);
  assert.ok((await linesSince(since, "forbidden")).length >= 1);

  const mighty = await carl.key(["read", "run", "data", "admin"]);
  await mighty.json(200, "/api/users");
  await ada.patch(`/api/users/${carl.id}`, { role: "viewer" });
  await mighty.json(403, "/api/users");
  await mighty.json(403, "/api/threads", {});
  await mighty.json(200, "/api/threads");
  assert.deepEqual((await mighty.json(200, "/auth/me")).scopes, ["read"]);
  await ada.delete(`/api/users/${carl.id}`);
  await mighty.json(401, "/api/threads");
  await carl.json(401, "/api/threads");
});

test("an invitation for one e-mail is used up by one, however many try at once", async () => {
  const { url } = await ada.json(201, "/api/invites", { email: "race@example.org", role: "viewer" });
  const code = new URL(url).searchParams.get("invite");
  const answers = await Promise.all(
    Array.from({ length: 6 }, (_, i) => post(server, "/auth/register", { code, name: `R${i}`, password: "correct horse battery" })),
  );
  assert.equal(answers.filter((answer) => answer.status === 201).length, 1);
  for (const answer of answers) assert.ok([201, 403, 409].includes(answer.status), String(answer.status));
  const found = (await ada.json(200, "/api/users?limit=200")).items.filter((user) => user.email === "race@example.org");
  assert.equal(found.length, 1);
});

test("after all of that the log's chain holds, and the server is well", async () => {
  assert.equal((await ada.json(200, "/api/audit/check")).is_intact, true);
  assert.equal((await server.open(200, "/health")).status, "healthy");
});
