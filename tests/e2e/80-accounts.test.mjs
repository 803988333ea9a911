// SPDX-License-Identifier: Apache-2.0
//
// Accounts from the first start to erasure, as people and programs meet them: setup, passwords, tokens and
// their rotation, sessions, invitations, roles, workspaces, keys, personal data, the audit log. Access tokens
// are verified with jose, which knows nothing of Netra but its addresses.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import { SMTPServer } from "smtp-server";

import { Person, Server, Socket, withAccounts, within } from "./server.mjs";
import { withTempDir } from "./support.mjs";

let server;
let ada; /* the first admin */
let ben; /* an analyst */
let vera; /* a viewer */

before(async () => {
  server = await Server.startAccounts();
});
after(async () => {
  await server.stop();
  server.remove();
});

const codeOf = (url, name) => new URL(url).searchParams.get(name);
const refresh = (token, status = 200) => server.open(status, "/auth/refresh", { refresh_token: token });

/* ---- the first one ---- */

test("the first start prints a link for the first admin, and says so to pages", async () => {
  const config = await server.open(200, "/auth/config");
  assert.equal(config.mode, "accounts");
  assert.equal(config.setup_needed, true);
  assert.equal(config.passwords, true);
  assert.equal(config.mail, false);
  assert.match(server.signIn, /^http:\/\/127\.0\.0\.1:\d+\/\?setup=[\w-]{43}$/);
});

test("a wrong setup code makes nobody, the right one makes an admin and an operator, once", async () => {
  const person = { email: "x@example.org", name: "X", password: "correct horse battery" };
  const wrong = await server.open(403, "/auth/register", { ...person, code: "x".repeat(43) });
  assert.equal(wrong.code, "FORBIDDEN");
  assert.equal(wrong.needs, "code");
  ada = await server.setUp({ email: "Ada@Example.org" });
  assert.equal(ada.grant.token_type, "Bearer");
  assert.equal(ada.grant.role, "admin");
  const code = codeOf(server.signIn, "setup");
  await server.open(403, "/auth/register", { ...person, code });
  const me = await ada.json(200, "/auth/me");
  assert.equal(me.user.email, "ada@example.org", "e-mails are kept in lower case");
  assert.equal(me.user.kind, "person");
  assert.equal(me.is_operator, true);
  assert.deepEqual(me.scopes, ["read", "run", "data", "admin"]);
  assert.equal(me.has_password, true);
  assert.equal(me.credential.kind, "token");
  assert.ok(Date.parse(me.credential.expires_at) > Date.now());
  assert.deepEqual(me.workspaces, [{ ...me.workspace, role: "admin" }]);
  assert.equal((await server.open(200, "/auth/config")).setup_needed, false);
});

test("a server that has accounts prints where to sign in, and no code", () =>
  withTempDir(async (folder) => {
    const first = await Server.startAccounts({ folder });
    await first.setUp();
    await first.stop();
    const second = await Server.startAccounts({ folder });
    try {
      assert.equal(second.signIn, `${second.url}/`);
      const again = await second.signInAs({ email: "ada@example.org", password: "correct horse battery" });
      assert.equal((await again.json(200, "/auth/me")).user.name, "Ada");
    } finally {
      await second.stop();
    }
  }));

test("the secret must be the one that sealed the keys", () =>
  withTempDir(async (folder) => {
    const first = await Server.startAccounts({ folder });
    await first.stop();
    await assert.rejects(
      Server.startAccounts({ folder, env: { NETRA_AUTH_SECRET: "another secret that is long enough 0123" } }),
      /ended before it listened/,
    );
  }));

/* ---- passwords ---- */

test("signing in gives tokens or a cookie that pages cannot read", async () => {
  const grant = await server.open(200, "/auth/login", { email: " ADA@example.ORG ", password: ada.password });
  assert.ok(grant.access_token && grant.refresh_token);
  assert.equal(grant.expires_in > 800 && grant.expires_in <= 900, true);
  const answer = await server.fetch("/auth/login", {
    method: "POST",
    headers: { authorization: "", "content-type": "application/json" },
    body: JSON.stringify({ email: ada.email, password: ada.password, cookie: true }),
  });
  assert.equal(answer.status, 200);
  assert.match(answer.headers.get("cache-control"), /no-store/);
  const cookie = answer.headers.get("set-cookie");
  assert.match(cookie, /^netra_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=\d+$/);
  const me = await answer.json();
  assert.equal(me.credential.kind, "session");
  assert.ok(!("access_token" in me), "a browser's page gets no token");

  const headers = { authorization: "", cookie: cookie.split(";")[0] };
  assert.equal((await server.json(200, "/auth/me", undefined, { headers })).user.id, ada.id);
  const post = (origin) =>
    server.fetch("/api/threads", {
      method: "POST",
      headers: { ...headers, "content-type": "application/json", ...(origin && { origin }) },
      body: "{}",
    });
  assert.equal((await post("https://evil.example")).status, 403);
  assert.equal((await post(new URL(server.url).origin)).status, 201);
  const out = await server.fetch("/auth/logout", {
    method: "POST",
    headers: { ...headers, origin: new URL(server.url).origin },
  });
  assert.equal(out.status, 204);
  assert.match(out.headers.get("set-cookie"), /^netra_session=; .*Max-Age=0/);
  await server.json(401, "/auth/me", undefined, { headers });
});

test("over https the cookie has the __Host- prefix and Secure", async () => {
  const public_url = "https://netra.example.org";
  await withAccounts(async (secure) => {
    assert.ok(secure.signIn.startsWith(`${public_url}/?setup=`));
    const answer = await secure.fetch("/auth/register", {
      method: "POST",
      headers: { authorization: "", "content-type": "application/json" },
      body: JSON.stringify({
        code: codeOf(secure.signIn, "setup"), email: "a@example.org", name: "A", password: "correct horse battery", cookie: true,
      }),
    });
    assert.equal(answer.status, 201);
    const cookie = answer.headers.get("set-cookie");
    assert.match(cookie, /^__Host-netra_session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=\d+; Secure$/);
    assert.doesNotMatch(cookie, /Domain/i);
    assert.match(answer.headers.get("strict-transport-security"), /max-age=\d{7,}/);
    const headers = { authorization: "", cookie: cookie.split(";")[0] };
    assert.equal((await secure.json(200, "/auth/me", undefined, { headers })).user.email, "a@example.org");
    const bare = { authorization: "", cookie: cookie.split(";")[0].replace("__Host-", ""), "x-forwarded-proto": "https" };
    await secure.json(401, "/auth/me", undefined, { headers: bare });
  }, { keys: { public_url, "http.trusted_proxies": "127.0.0.1" } });
});

test("wrong, unknown, without a password: one answer", async () => {
  const ask = async (body) => {
    const problem = await server.open(401, "/auth/login", body);
    delete problem.trace_id;
    return JSON.stringify(problem);
  };
  const wrong = await ask({ email: ada.email, password: "not the password" });
  assert.equal(await ask({ email: "nobody@example.org", password: "not the password" }), wrong);
  assert.equal(await ask({ email: "nobody@example.org", password: ada.password }), wrong);
  assert.equal(JSON.parse(wrong).code, "AUTH_FAILED");
  assert.equal(JSON.parse(wrong).recovery, "redirect_to_login");
});

test("passwords have a least and a greatest length, and bodies are checked with pointers", async () => {
  const { url } = await ada.json(201, "/api/invites", { email: "short@example.org", role: "viewer" });
  const code = codeOf(url, "invite");
  const refuse = (body) => server.open(422, "/auth/register", { code, name: "S", ...body });
  assert.equal((await refuse({ password: "short" })).errors[0].pointer, "/password");
  assert.equal((await refuse({ password: "x".repeat(257) })).errors[0].pointer, "/password");
  assert.equal((await refuse({ password: "correct horse", name: 5 })).errors[0].pointer, "/name");
  assert.equal((await server.open(422, "/auth/login", { email: "a" })).errors[0].pointer, "/password");
  await server.open(201, "/auth/register", { code, name: "S", password: "correct horse" });
});

test("too many wrong passwords in a row: wait, the right one too; others are not held up", async () => {
  await withAccounts(async (strict) => {
    const admin = await strict.setUp();
    const other = await admin.bring({ email: "other@example.org" });
    const login = (password, email = admin.email) =>
      strict.fetch("/auth/login", {
        method: "POST",
        headers: { authorization: "", "content-type": "application/json" },
        body: JSON.stringify({ email, password }),
      });
    for (let i = 0; i < 3; i++) assert.equal((await login("wrong wrong wrong")).status, 401);
    for (const password of ["wrong wrong wrong", admin.password]) {
      const locked = await login(password);
      assert.equal(locked.status, 429, "the right password does not open a locked door either");
      const wait = Number(locked.headers.get("retry-after"));
      assert.ok(wait > 20 && wait <= 30, `Retry-After ${wait}`);
      const problem = await locked.json();
      assert.equal(problem.code, "RATE_LIMITED");
      assert.equal(problem.recovery, "exponential_backoff");
    }
    assert.equal((await login(other.password, other.email)).status, 200);
    const lines = await admin.audit();
    assert.equal(lines.filter((line) => line.action === "login.failed").length >= 3, true);
    assert.ok(lines.some((line) => line.action === "login.locked"), "the lock is a line of its own");
  }, { keys: { "auth.lockout_failures": 3 } });
});

/* ---- invitations, roles ---- */

test("invitations bring people in with the role that was said, once", async () => {
  const invited = await ada.json(201, "/api/invites", { email: "ben@example.org", role: "analyst" });
  assert.equal(invited.is_mailed, false);
  assert.match(invited.url, /\/\?invite=[\w-]{43}$/);
  const days = (Date.parse(invited.expires_at) - Date.now()) / 86_400_000;
  assert.ok(days > 6.9 && days < 7.1);
  const listed = (await ada.json(200, "/api/invites")).items.find((i) => i.id === invited.id);
  assert.equal(listed.email, "ben@example.org");
  assert.ok(!JSON.stringify(listed).includes(codeOf(invited.url, "invite")), "the code is shown once");

  const body = { code: codeOf(invited.url, "invite"), name: "Ben", password: "correct horse battery" };
  const grant = await server.open(201, "/auth/register", { ...body, email: "mallory@example.org", role: "admin" });
  ben = new Person(server, grant, { email: "ben@example.org", password: body.password });
  assert.equal(grant.user.email, "ben@example.org", "the invitation's e-mail counts");
  assert.equal(grant.role, "analyst", "nobody says their own role");
  await server.open(403, "/auth/register", body);
  assert.ok(!(await ada.json(200, "/api/invites")).items.some((i) => i.id === invited.id));

  const gone = await ada.json(201, "/api/invites", { email: "late@example.org", role: "viewer" });
  await ada.delete(`/api/invites/${gone.id}`);
  await server.open(403, "/auth/register", { ...body, code: codeOf(gone.url, "invite") });
  await ada.delete(`/api/invites/${gone.id}`, 404);
});

test("roles: what each may, and what a smaller one ends at once", async () => {
  vera = await ada.bring({ email: "vera@example.org", role: "viewer" });
  await vera.json(200, "/api/threads");
  const asked = await vera.json(403, "/api/threads", {});
  assert.match(asked.needs, /^scope:/);
  const people = await ben.json(403, "/api/users");
  assert.equal(people.needs, "scope:admin");
  await ben.json(201, "/api/threads", {});

  const { items } = await ada.json(200, "/api/users");
  const row = items.find((user) => user.id === vera.id);
  assert.deepEqual(
    [row.email, row.role, row.kind, row.has_password],
    ["vera@example.org", "viewer", "person", true],
  );
  assert.equal((await ada.patch(`/api/users/${vera.id}`, { role: "analyst" })).role, "analyst");
  await vera.json(403, "/api/threads", {}); /* a token has what it was made with, until the next one */
  vera = await server.signInAs(vera);
  await vera.json(201, "/api/threads", {});
  await ada.patch(`/api/users/${vera.id}`, { role: "viewer" });
  await vera.json(403, "/api/threads", {});
  assert.equal((await ada.patch(`/api/users/${vera.id}`, { role: "emperor" }, 422)).errors[0].pointer, "/role");
  await ada.patch("/api/users/nobody", { role: "viewer" }, 404);
  await ada.patch(`/api/users/${ada.id}`, { role: "viewer" }, 409);
  await ada.delete(`/api/users/${ada.id}`, 409);
});

/* ---- tokens ---- */

test("access tokens are ES256 with the claims that the protocol names: jose verifies them", async () => {
  const keys = createRemoteJWKSet(new URL("/.well-known/jwks.json", server.url));
  const { payload, protectedHeader } = await jwtVerify(ben.bearer, keys, {
    issuer: server.url, audience: "netra", algorithms: ["ES256"],
  });
  assert.equal(protectedHeader.alg, "ES256");
  assert.equal(payload.sub, ben.id);
  assert.equal(payload.role, "analyst");
  assert.equal(payload.scope, "read run data");
  assert.equal(payload.ws, ben.grant.workspace.id);
  assert.ok(payload.sid && payload.jti);
  assert.equal(payload.exp - payload.iat, 900);
  const set = await server.open(200, "/.well-known/jwks.json");
  for (const key of set.keys) assert.ok(!("d" in key), "no private half");
});

test("keys rotate: the next one was in the set before, old tokens stay valid", async () => {
  const before = await server.open(200, "/.well-known/jwks.json");
  const old = await server.signInAs(ben);
  await ben.json(403, "/auth/signing-keys", {});
  const after_ = await ada.json(201, "/auth/signing-keys", {});
  const fresh = await server.signInAs(ben);
  const kid = decodeProtectedHeader(fresh.bearer).kid;
  assert.notEqual(kid, decodeProtectedHeader(old.bearer).kid);
  assert.ok(before.keys.some((key) => key.kid === kid), "who had fetched the set before knows it");
  assert.ok(after_.keys.length > 1);
  const set = createRemoteJWKSet(new URL("/.well-known/jwks.json", server.url));
  for (const token of [old.bearer, fresh.bearer]) await jwtVerify(token, set, { issuer: server.url, audience: "netra" });
  await old.json(200, "/auth/me");
});

test("a refresh token works once; a second time ends the session, for who stole it and for who had it", async () => {
  const first = (await server.signInAs(ben)).grant;
  const second = await refresh(first.refresh_token);
  assert.notEqual(second.refresh_token, first.refresh_token);
  const third = await refresh(second.refresh_token);
  const holder = new Person(server, third);
  await holder.json(200, "/auth/me");
  const refused = await refresh(first.refresh_token, 401);
  assert.equal(refused.code, "AUTH_FAILED");
  const stolen = await refresh(second.refresh_token, 401);
  assert.equal(stolen.code, "AUTH_FAILED");
  await refresh(third.refresh_token, 401);
  await holder.json(401, "/auth/me");
  const lines = await ada.audit();
  assert.ok(lines.some((line) => line.action === "refresh.reused" && line.actor === ben.id));
});

test("an access token ends with its time", async () => {
  await withAccounts(async (brief) => {
    const admin = await brief.setUp();
    assert.equal(decodeJwt(admin.bearer).exp - decodeJwt(admin.bearer).iat, 10);
    const config = await admin.json(200, "/auth/me");
    assert.equal(config.user.id, admin.id);
    const left = decodeJwt(admin.bearer).exp * 1000 - Date.now();
    await new Promise((resolve) => setTimeout(resolve, left + 1100));
    const problem = await admin.json(401, "/auth/me");
    assert.equal(problem.code, "AUTH_FAILED");
    const renewed = await brief.open(200, "/auth/refresh", { refresh_token: admin.grant.refresh_token });
    await new Person(brief, renewed).json(200, "/auth/me");
  }, { keys: { "auth.access_token_s": 10 } });
});

test("validate says what a token of one's own workspace is worth, service tokens have no session", async () => {
  const key = await ben.key(["read", "run"]);
  const service = await key.json(200, "/auth/service-token", {});
  assert.equal(service.scope, "read run");
  assert.ok(!("sid" in decodeJwt(service.access_token)));
  const said = await ada.json(200, "/auth/validate", { token: service.access_token });
  assert.deepEqual(
    [said.active, said.sub, said.role, said.scope, said.ws],
    [true, ben.id, "analyst", "read run", ben.grant.workspace.id],
  );
  assert.equal(said.exp, decodeJwt(service.access_token).exp);
  assert.equal((await ada.json(200, "/auth/validate", { token: key.bearer })).active, true);
  assert.deepEqual(await ada.json(200, "/auth/validate", { token: "nonsense" }), { active: false });
  const program = new Person(server, service);
  await program.json(200, "/api/threads");
  await program.json(403, "/auth/password", { current: ben.password, new: "another password" });
  await ben.delete(`/api/keys/${key.keyId}`);
  assert.deepEqual(await ada.json(200, "/auth/validate", { token: key.bearer }), { active: false });
  await key.json(401, "/api/threads");
});

/* ---- sessions ---- */

test("sessions are listed and ended, one and all others; what was ended does not pass", async () => {
  const phone = await server.signInAs(ben);
  const laptop = await server.signInAs(ben);
  const { items } = await laptop.json(200, "/auth/sessions");
  const current = items.filter((session) => session.is_current);
  assert.equal(current.length, 1);
  assert.ok(items.length >= 3);
  for (const session of items) {
    assert.equal(session.kind, "tokens");
    assert.ok(session.device && session.address, JSON.stringify(session));
  }
  const phoneId = decodeJwt(phone.bearer).sid;
  await vera.delete(`/auth/sessions/${phoneId}`, 404);
  await laptop.delete(`/auth/sessions/${phoneId}`);
  await phone.json(401, "/auth/me");
  await refresh(phone.grant.refresh_token, 401);
  await laptop.delete("/auth/sessions");
  assert.equal((await laptop.json(200, "/auth/sessions")).items.length, 1);
  await ben.json(401, "/auth/me");
  ben = await server.signInAs(ben);
});

test("the WebSocket of a session that ends is closed with 1008", async () => {
  const phone = await server.signInAs(ben);
  const socket = await phone.socket();
  const other = await ben.socket();
  socket.send({ type: "ping" });
  await socket.next((e) => e.name === "pong");
  await ben.delete(`/auth/sessions/${decodeJwt(phone.bearer).sid}`);
  const { code } = await within(socket.closed, "the close of the socket", 30_000);
  assert.equal(code, 1008);
  other.send({ type: "ping" });
  await other.next((e) => e.name === "pong");
  await other.close();
});

test("WebSockets open with a bearer, a cookie from our own page, or a ticket once", async () => {
  await (await ben.socket()).close();
  const login = await server.fetch("/auth/login", {
    method: "POST",
    headers: { authorization: "", "content-type": "application/json" },
    body: JSON.stringify({ email: ben.email, password: ben.password, cookie: true }),
  });
  const cookie = login.headers.get("set-cookie").split(";")[0];
  const open = (headers, path = "/ws") => new Socket(server, { path, headers: { authorization: "", ...headers } });
  const own = open({ cookie, origin: new URL(server.url).origin });
  await own.opened;
  await own.close();
  await assert.rejects(open({ cookie, origin: "https://evil.example" }).opened, /HTTP 403/);
  const { ticket } = await ben.json(201, "/api/ws-ticket", {});
  const first = open({}, `/ws?ticket=${ticket}`);
  await first.opened;
  first.send({ type: "ping" });
  await first.next((e) => e.name === "pong");
  await assert.rejects(open({}, `/ws?ticket=${ticket}`).opened, /HTTP 401/);
  await first.close();
});

/* ---- passwords, again ---- */

test("a new password needs the present one and ends the other sessions", async () => {
  const other = await server.signInAs(ben);
  const wrong = await ben.json(403, "/auth/password", { current: "not the password", new: "a new password" });
  assert.equal(wrong.needs, "password");
  await ben.json(204, "/auth/password", { current: ben.password, new: "a new password" });
  ben.password = "a new password";
  await ben.json(200, "/auth/me");
  await other.json(401, "/auth/me");
  await server.signInAs(ben);
});

test("without mail an admin hands over a link for a new password", async () => {
  const asked = await server.open(202, "/auth/password/forgot", { email: ben.email });
  assert.match(asked.detail, /admin/);
  const { url, expires_at } = await ada.json(201, `/api/users/${ben.id}/reset-link`, {});
  assert.ok(Date.parse(expires_at) - Date.now() <= 30 * 60_000);
  await ben.json(403, `/api/users/${ada.id}/reset-link`, {});
  const code = codeOf(url, "reset");
  await server.open(403, "/auth/password/reset", { code: "x".repeat(43), password: "the third password" });
  await server.open(204, "/auth/password/reset", { code, password: "the third password" });
  await ben.json(401, "/auth/me");
  await server.open(403, "/auth/password/reset", { code, password: "the fourth password" });
  await server.open(401, "/auth/login", { email: ben.email, password: ben.password });
  ben = await server.signInAs({ email: ben.email, password: "the third password" });
});

test("with mail, invitations and resets are mailed; a stranger gets the same answer and no mail", async () => {
  const mails = [];
  const waiting = new Set();
  const smtp = new SMTPServer({
    disabledCommands: ["STARTTLS"],
    authOptional: true,
    onData(stream, session, done) {
      let text = "";
      stream.setEncoding("utf8").on("data", (piece) => (text += piece));
      stream.on("end", () => {
        const body = text.replace(/=\r\n/g, "").replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
        mails.push({ to: session.envelope.rcptTo.map((r) => r.address), body });
        for (const look of waiting) look();
        done();
      });
    },
  });
  await new Promise((resolve) => smtp.listen(0, "127.0.0.1", resolve));
  const arrival = (to) =>
    within(
      new Promise((resolve) => {
        const look = () => {
          const at = mails.findIndex((mail) => mail.to.includes(to));
          if (at < 0) return;
          waiting.delete(look);
          resolve(mails.splice(at, 1)[0]);
        };
        waiting.add(look);
        look();
      }),
      `a mail to ${to}`,
      20_000,
    );
  try {
    const keys = { "mail.url": `smtp://127.0.0.1:${smtp.server.address().port}`, "mail.from": "netra@example.org" };
    await withAccounts(async (mailing) => {
      const admin = await mailing.setUp();
      assert.equal((await mailing.open(200, "/auth/config")).mail, true);
      const invited = await admin.json(201, "/api/invites", { email: "cleo@example.org", role: "viewer" });
      assert.equal(invited.is_mailed, true);
      const invitation = await arrival("cleo@example.org");
      assert.ok(invitation.body.includes(invited.url), invitation.body);
      const password = "correct horse battery";
      await mailing.open(201, "/auth/register", { code: codeOf(invited.url, "invite"), name: "Cleo", password });

      const stranger = await mailing.open(202, "/auth/password/forgot", { email: "nobody@example.org" });
      assert.deepEqual(await mailing.open(202, "/auth/password/forgot", { email: "cleo@example.org" }), stranger);
      const reset = await arrival("cleo@example.org");
      const url = /https?:\/\/\S+\?reset=[\w-]{43}/.exec(reset.body)[0];
      await mailing.open(204, "/auth/password/reset", { code: codeOf(url, "reset"), password: "a mailed password" });
      await mailing.signInAs({ email: "cleo@example.org", password: "a mailed password" });
      assert.deepEqual(mails, [], "nobody else got one");
    }, { keys });
  } finally {
    await new Promise((resolve) => smtp.close(resolve));
  }
});

/* ---- workspaces ---- */

test("workspaces: operators make them, sessions move, what is in one is not there in another", async () => {
  const refused = await ben.json(403, "/api/workspaces", { name: "Ben's own" });
  assert.equal(refused.needs, "operator");
  const made = await ada.json(201, "/api/workspaces", { name: "Research" });
  assert.equal(made.role, "admin");
  const thread = await ada.json(201, "/api/threads", { title: "of the first" });
  const mover = await server.signInAs(ada);
  const grant = await mover.json(200, "/auth/workspace", { workspace: made.id });
  assert.equal(grant.workspace.id, made.id);
  const there = new Person(server, grant);
  assert.equal(decodeJwt(there.bearer).ws, made.id);
  await there.json(404, `/api/threads/${thread.id}`);
  assert.deepEqual((await there.json(200, "/api/threads")).items, []);
  assert.deepEqual((await there.json(200, "/api/users")).items.map((u) => u.id), [ada.id]);
  await there.patch(`/api/workspaces/${ada.grant.workspace.id}`, { name: "no" }, 404);
  assert.equal((await there.patch(`/api/workspaces/${made.id}`, { name: "Research 2" })).name, "Research 2");
  const listed = (await ada.json(200, "/api/workspaces")).items;
  assert.deepEqual(listed.map((w) => w.name).sort(), ["Research 2", ada.grant.workspace.name].sort());
  await ben.json(404, "/auth/workspace", { workspace: made.id });

  const { url } = await there.json(201, "/api/invites", { email: ben.email, role: "viewer" });
  const joined = await ben.json(200, "/auth/join", { code: codeOf(url, "invite") });
  assert.equal(joined.user.id, ben.id);
  assert.deepEqual([joined.workspace.id, joined.role], [made.id, "viewer"], "the session goes on there");
  await ben.json(401, "/auth/me");
  ben = new Person(server, joined, ben);
  assert.equal((await ben.json(200, "/api/workspaces")).items.length, 2);
  const visitor = await server.signInAs({ ...ben, workspace: made.id });
  assert.equal((await visitor.json(200, "/auth/me")).role, "viewer");
  await visitor.json(403, "/api/threads", {});
  await there.delete(`/api/users/${ben.id}`);
  await visitor.json(401, "/auth/me");
  await ben.json(401, "/auth/me");
  ben = await server.signInAs({ email: ben.email, password: ben.password });
  await ben.json(201, "/api/threads", {});
});

/* ---- keys ---- */

test("keys have the scopes that were chosen, an end, and never more than their user", async () => {
  const reading = await ben.key(["read"]);
  assert.match(reading.bearer, /^netra_key_/);
  await reading.json(200, "/api/threads");
  await reading.json(403, "/api/threads", {});
  const me = await reading.json(200, "/auth/me");
  assert.deepEqual([me.credential.kind, me.credential.id, me.scopes], ["key", reading.keyId, ["read"]]);
  const listed = (await ben.json(200, "/api/keys")).items;
  assert.ok(listed.some((key) => key.id === reading.keyId));
  assert.ok(!JSON.stringify(listed).includes(reading.bearer), "a key is shown once");
  assert.ok((await ada.json(200, "/api/keys")).items.some((key) => key.id === reading.keyId), "admins see all");
  assert.deepEqual((await vera.json(200, "/api/keys")).items, [], "others see their own");

  const more = await ben.json(403, "/api/keys", { name: "more", scopes: ["read", "admin"] });
  assert.match(more.needs, /scope/);
  await reading.json(403, "/api/keys", { name: "more", scopes: ["read", "run"] });
  assert.equal((await ben.json(422, "/api/keys", { name: "none", scopes: [] })).errors[0].pointer, "/scopes");
  const past = new Date(Date.now() - 1000).toISOString();
  assert.equal(
    (await ben.json(422, "/api/keys", { name: "past", scopes: ["read"], expires_at: past })).errors[0].pointer,
    "/expires_at",
  );
  const end = Date.now() + 4000;
  const brief = await ben.key(["read"], { expires_at: new Date(end).toISOString() });
  await brief.json(200, "/api/threads");
  await new Promise((resolve) => setTimeout(resolve, end + 200 - Date.now()));
  await brief.json(401, "/api/threads");
  await vera.delete(`/api/keys/${reading.keyId}`, 404).catch(() => vera.delete(`/api/keys/${reading.keyId}`, 403));
  await ada.delete(`/api/keys/${reading.keyId}`);
  await reading.json(401, "/api/threads");
});

test("a service account has keys that an admin makes, and no way to sign in", async () => {
  const service = await ada.json(201, "/api/users", { name: "importer", role: "analyst" });
  assert.deepEqual([service.kind, service.has_password], ["service", false]);
  await ben.json(403, "/api/keys", { name: "not mine", scopes: ["read"], user_id: service.id });
  const key = await ada.key(["read", "data"], { user_id: service.id });
  const me = await key.json(200, "/auth/me");
  assert.deepEqual([me.user.id, me.user.kind], [service.id, "service"]);
  await key.json(403, "/auth/me/export");
  await ada.delete(`/api/users/${service.id}`);
  await key.json(401, "/auth/me");
});

/* ---- personal data ---- */

test("export gives everything that is kept of one, and nothing of others", async () => {
  const thread = await ben.json(201, "/api/threads", { title: "Ben's question" });
  const run = await ben.json(202, `/api/threads/${thread.id}/runs`, { prompt: "Where does the money go?" });
  const began = Date.now();
  while (!["finished", "failed"].includes((await ben.json(200, `/api/runs/${run.id}`)).status)) {
    assert.ok(Date.now() - began < 30_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await vera.json(200, "/auth/me");
  await ada.json(201, "/api/threads", { title: "Ada's secret plan" });
  const text = JSON.stringify(await ben.json(200, "/auth/me/export"));
  for (const part of [ben.email, "Ben's question", "Where does the money go?", ben.id, decodeJwt(ben.bearer).sid]) {
    assert.ok(text.includes(part), `the export has ${part}`);
  }
  assert.match(text, /login\.ok|invite\.used/, "lines of the audit log about oneself");
  for (const part of ["Ada's secret plan", vera.email, "argon2", ben.bearer]) {
    assert.ok(!text.includes(part), `the export has no ${part}`);
  }
});

test("erasure takes the person out everywhere; what they did stays without a name", async () => {
  const gone = await ada.bring({ email: "gone@example.org", role: "analyst", name: "Gone Girl" });
  const key = await gone.key(["read"]);
  const kept = await gone.json(201, "/api/threads", { title: "stays" });
  await gone.delete("/auth/me", 403, { password: "not the password" });
  await gone.delete("/auth/me", 204, { password: gone.password, threads: "keep" });
  await gone.json(401, "/auth/me");
  await key.json(401, "/auth/me");
  await refresh(gone.grant.refresh_token, 401);
  await server.open(401, "/auth/login", { email: gone.email, password: gone.password });
  const people = JSON.stringify((await ada.json(200, "/api/users")).items);
  assert.ok(!people.includes(gone.id) && !people.includes("Gone Girl"));
  assert.equal((await ada.json(200, `/api/threads/${kept.id}`)).title, "stays");
  const text = JSON.stringify(await ada.audit());
  assert.ok(!text.includes("gone@example.org") && !text.includes("Gone Girl"), "the log names people by id only");

  const all = await ada.bring({ email: "all@example.org", role: "analyst" });
  const deleted = await all.json(201, "/api/threads", { title: "goes" });
  await all.delete("/auth/me", 204, { password: all.password, threads: "delete" });
  await ada.json(404, `/api/threads/${deleted.id}`);
  await ada.delete("/auth/me", 409, { password: ada.password });
});

test("one's name can be changed", async () => {
  assert.equal((await vera.patch("/auth/me", { name: "Vera Rubin" })).user.name, "Vera Rubin");
  assert.equal((await ada.json(200, "/api/users")).items.find((u) => u.id === vera.id).name, "Vera Rubin");
});

/* ---- the audit log ---- */

test("the audit log has a line for each change and each refusal, and its chain of hashes holds", async () => {
  await ben.json(403, "/api/users");
  const lines = await ada.audit();
  const actions = new Set(lines.map((line) => line.action));
  for (const action of [
    "setup.done", "login.ok", "login.failed", "token.refused", "code.refused", "refresh.reused",
    "invite.created", "invite.used", "invite.withdrawn", "service.created", "member.role", "member.removed",
    "key.created", "key.revoked", "key.refused", "session.ended", "password.changed", "password.refused",
    "password.reset_code", "password.reset", "workspace.created", "signing_key.rotated", "user.renamed", "forbidden",
    "account.erased",
  ]) {
    assert.ok(actions.has(action), `no line ${action} among ${[...actions].sort()}`);
  }
  lines.reduce((last, line) => {
    assert.ok(line.n > last, "numbers grow");
    assert.match(line.hash, /^[0-9a-f]{64}$/);
    return line.n;
  }, 0);
  const check = await ada.json(200, "/api/audit/check");
  assert.equal(check.is_intact, true);
  assert.ok(check.lines >= lines.length);
  const refused = lines.filter((line) => line.action === "forbidden" && line.actor === ben.id);
  assert.ok(refused.length, "what was refused names who");
  assert.ok(!("first_broken" in check));
  const text = JSON.stringify(lines);
  for (const secret of [ada.bearer, ben.password, "netra_key_"]) assert.ok(!text.includes(secret));
});

test("logout ends the session of an access token", async () => {
  const brief = await server.signInAs(vera);
  await brief.json(204, "/auth/logout", {});
  await brief.json(401, "/auth/me");
  await refresh(brief.grant.refresh_token, 401);
});
