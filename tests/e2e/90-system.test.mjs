// SPDX-License-Identifier: Apache-2.0
//
// The server as a stranger meets it: the five critical endpoints with real state, who is let in, problems
// that say what to do, the OpenAPI document against the routes, metrics that count, a clean end.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Server, token } from "./server.mjs";
import { run } from "./support.mjs";

let server;
before(async () => (server = await Server.start()));
after(async () => {
  await server.stop();
  server.remove();
});

const plain = (path, options) => fetch(new URL(path, server.url), { redirect: "manual", ...options });

test("the five critical endpoints tell real state, without a token", async () => {
  const health = await (await plain("/health")).json();
  assert.equal(health.status, "healthy");
  assert.ok(health.checks.length >= 2, "health names what it checked");
  for (const check of health.checks) {
    assert.ok(check.name && check.how && check.checked_at, JSON.stringify(check));
    assert.ok(Math.abs(Date.parse(check.checked_at) - Date.now()) < 60_000, `${check.name}: ${check.checked_at}`);
  }
  const api = await (await plain("/api/health")).json();
  assert.equal(api.status, "healthy");
  const { services } = await (await plain("/api/discovery/services")).json();
  assert.deepEqual(services.map((s) => s.name).sort(), ["auth", "backend", "frontend"]);
  for (const service of services) assert.equal(service.status, "healthy", JSON.stringify(service));
  assert.equal((await (await plain("/api/mcp/config")).json()).enabled, false);
  assert.deepEqual((await (await plain("/api/mcp/servers")).json()).servers, []);
  assert.equal((await plain("/health/live")).status, 200);
  assert.equal((await plain("/health/ready")).status, 200);
});

test("what is not public asks who is there, and says how to sign in", async () => {
  const none = await plain("/api/threads");
  assert.equal(none.status, 401);
  assert.match(none.headers.get("www-authenticate"), /^Bearer realm="netra"$/);
  assert.match(none.headers.get("content-type"), /^application\/problem\+json/);
  const problem = await none.json();
  assert.equal(problem.code, "AUTH_FAILED");
  assert.equal(problem.recovery, "redirect_to_login");
  assert.ok(problem.login_url);
  const wrong = await plain("/api/threads", { headers: { authorization: "Bearer wrong-token-0123456789" } });
  assert.equal(wrong.status, 401);
  assert.match(wrong.headers.get("www-authenticate"), /error="invalid_token"/);
  assert.equal((await server.fetch("/api/threads")).status, 200);
});

test("every route of the OpenAPI document asks for a sign-in unless it says that it is public", async () => {
  const document = await (await plain("/openapi.json")).json();
  let guarded = 0;
  for (const [path, methods] of Object.entries(document.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      if (!["get", "post", "put", "patch", "delete"].includes(method)) continue;
      const isPublic = Array.isArray(operation.security) && operation.security.length === 0;
      if (isPublic) continue;
      const answer = await plain(path.replaceAll(/\{[^}]+\}/g, "x"), { method: method.toUpperCase() });
      assert.equal(answer.status, 401, `${method} ${path}`);
      guarded++;
    }
  }
  assert.ok(guarded >= 20, `only ${guarded} routes are guarded`);
});

test("the sign-in link works once, sets a cookie that pages cannot read, and leads to a page of ours only", async () => {
  const link = new URL(server.signIn);
  link.searchParams.set("next", "//evil.example/");
  const answer = await plain(link);
  assert.equal(answer.status, 303);
  assert.ok(!answer.headers.get("location").startsWith("//"), answer.headers.get("location"));
  const cookie = answer.headers.get("set-cookie");
  assert.match(cookie, /^netra_session=[\w-]{43};/);
  assert.match(cookie, /HttpOnly/i);
  assert.match(cookie, /SameSite=Strict/i);
  const session = { cookie: cookie.split(";")[0] };
  assert.equal((await plain("/api/threads", { headers: session })).status, 200);
  assert.notEqual((await plain(server.signIn)).status, 303, "a second use");

  const post = (origin) =>
    plain("/api/threads", {
      method: "POST",
      headers: { ...session, "content-type": "application/json", ...(origin && { origin }) },
      body: "{}",
    });
  assert.equal((await post("http://evil.example")).status, 403);
  assert.equal((await post(new URL(server.url).origin)).status, 201);
  const out = await plain("/auth/logout", { method: "POST", headers: { ...session, origin: new URL(server.url).origin } });
  assert.equal(out.status, 204);
  assert.equal((await plain("/api/threads", { headers: session })).status, 401);
});

test("a new sign-in link can be made by who holds the token", async () => {
  const made = await server.json(201, "/auth/sign-in-link", {});
  const answer = await plain(made.url);
  assert.equal(answer.status, 303);
});

test("problems name the member that is wrong", async () => {
  const problem = await server.json(422, "/api/runs", { prompt: 5 });
  assert.equal(problem.code, "INVALID_REQUEST");
  assert.equal(problem.recovery, "return_error");
  assert.equal(problem.errors[0].pointer, "/prompt");
  assert.equal((await server.json(422, "/api/runs", {})).errors[0].pointer, "/prompt");
  const long = await server.json(422, "/api/runs", { prompt: "x".repeat(70_000) });
  assert.match(JSON.stringify(long), /65536|65,536/);
  await server.json(404, "/api/runs/nobody");
  await server.json(404, "/api/nothing");
  const method = await server.fetch("/api/health", { method: "DELETE" });
  assert.equal(method.status, 405);
  assert.match(method.headers.get("allow"), /GET/);
  const broken = await server.fetch("/api/runs", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: '{"prompt":',
  });
  assert.equal(broken.status, 400);
  const form = await server.fetch("/api/runs", {
    method: "POST",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: "prompt=x",
  });
  assert.equal(form.status, 415);
});

test("threads can be made, listed by page, and deleted with what is in them", async () => {
  const ids = [];
  for (let i = 0; i < 5; i++) ids.push((await server.json(201, "/api/threads", { title: `page ${i}` })).id);
  const seen = [];
  let next = "";
  do {
    const page = await server.json(200, `/api/threads?limit=2${next && `&after=${next}`}`);
    assert.ok(page.items.length <= 2);
    seen.push(...page.items.map((thread) => thread.id));
    next = page.next ?? "";
  } while (next);
  assert.equal(new Set(seen).size, seen.length, "no thread twice");
  assert.deepEqual(seen.filter((id) => ids.includes(id)), [...ids].reverse());
  const gone = await server.fetch(`/api/threads/${ids[0]}`, { method: "DELETE" });
  assert.equal(gone.status, 204);
  await server.json(404, `/api/threads/${ids[0]}`);
});

test("metrics are OpenMetrics, and count a request once", async () => {
  const read = async () => {
    const answer = await plain("/metrics");
    assert.match(answer.headers.get("content-type"), /^application\/openmetrics-text; version=1\.0\.0; charset=utf-8/);
    const text = await answer.text();
    assert.ok(text.endsWith("# EOF\n"));
    const line = text.split("\n").find((l) => /^netra_http_requests_total\{.*route="[^"]*\/api\/tools".*status="200"/.test(l));
    return { text, count: line ? Number(line.split(" ").at(-1)) : 0 };
  };
  const first = await read();
  for (let i = 0; i < 3; i++) await server.json(200, "/api/tools");
  const second = await read();
  assert.equal(second.count - first.count, 3);
  for (const family of second.text.matchAll(/^# TYPE (\S+) (\S+)$/gm)) assert.match(family[1], /^netra_[a-z0-9_]+$/);
});

test("a tool gives over HTTP what it gives on the command line", async () => {
  const body = { args: { model: "claude-sonnet-4-5" } };
  const { tools } = await server.json(200, "/api/tools");
  assert.deepEqual(
    tools.map((t) => t.name),
    JSON.parse(run(["tool"]).out).map((t) => t.name),
  );
  const remote = await server.json(200, "/api/tools/price_lookup", body);
  const local = JSON.parse(run(["tool", "price_lookup", "--args", JSON.stringify(body.args)]).out);
  assert.deepEqual(remote.facts, local.facts);
  const refused = await server.json(422, "/api/tools/price_lookup", { args: { model: 7 } });
  assert.match(refused.errors[0].pointer, /^\/args\/model/);
  await server.json(403, "/api/tools/synthesize_usage", { args: { out: "/tmp/never" } });
});

test("an unknown Host is refused: a page that rebinds its name reaches nothing", async () => {
  const { request } = await import("node:http");
  const status = await new Promise((resolve, reject) => {
    const asked = request(
      { port: server.port, path: "/api/threads", headers: { host: "evil.example", authorization: `Bearer ${token}` } },
      (answer) => resolve(answer.resume().statusCode),
    );
    asked.on("error", reject).end();
  });
  assert.equal(status, 403);
});

test("SIGTERM ends the server with 0 and what was asked is there after the next start", async () => {
  const first = await Server.start();
  const thread = await first.json(201, "/api/threads", { title: "kept" });
  const login = await plainCookie(first);
  assert.equal(await first.stop(), 0);
  const second = await Server.start({ folder: first.folder });
  try {
    assert.equal((await second.json(200, `/api/threads/${thread.id}`)).title, "kept");
    const answer = await fetch(new URL("/api/threads", second.url), { headers: { cookie: login } });
    assert.equal(answer.status, 200, "the session outlives a restart");
  } finally {
    assert.equal(await second.stop("SIGINT"), 0);
    first.remove();
  }
});

async function plainCookie(of) {
  const answer = await fetch(of.signIn, { redirect: "manual" });
  return answer.headers.get("set-cookie").split(";")[0];
}

test("a data folder has one server: the second is told so", async () => {
  const second = run(["serve", "--listen", "127.0.0.1:0", "--data-dir", server.folder], { env: { NETRA_TOKEN: token } });
  assert.notEqual(second.code, 0);
  assert.match(second.err, /in use|another/i);
});

test("serve refuses what it should: other addresses, unknown keys, bad values, short tokens", async () => {
  const wide = run(["serve", "--listen", "0.0.0.0:0", "--data-dir", server.folder]);
  assert.equal(wide.code, 2);
  assert.match(wide.err, /loopback/);
  const short = run(["serve", "--listen", "127.0.0.1:0", "--data-dir", server.folder], { env: { NETRA_TOKEN: "short" } });
  assert.notEqual(short.code, 0);
  assert.ok(!short.err.includes("short\n") || /16/.test(short.err));
});
