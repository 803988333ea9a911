// SPDX-License-Identifier: Apache-2.0
//
// The log: each line is what it says it is, none holds a secret at any level, and nobody fills the disk through it.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { Collector } from "./collector.mjs";
import { CHAIN, FAST, answers } from "./model_server.mjs";
import { ScriptedProvider } from "./scripted_provider.mjs";
import { Server, Socket, within } from "./server.mjs";

const mark = (what) => `SECRET-${what}-0123456789abcdefghijklmnopq`;

/** Everything that the server writes from now on. */
function listen(server) {
  const heard = [server.log];
  server.process.stderr.on("data", (piece) => heard.push(piece));
  return () => heard.join("");
}

/** A day with accounts: each secret that passes is remembered. */
async function aDay(server, provider, secrets) {
  const keep = (...texts) => {
    for (const text of texts) {
      assert.ok(typeof text === "string" && text.length >= 16, `a secret: ${text}`);
      secrets.add(text);
    }
  };
  const keepUrl = (url) => keep(...[...new URL(url, server.url).searchParams.values()].filter((v) => v.length >= 16));
  keepUrl(server.signIn);
  const password = mark("password");
  keep(password, mark("wrong-password"), mark("bearer"), mark("cookie"), mark("code"), mark("state"), mark("ticket"), mark("refresh"), mark("prompt"), mark("body"));
  const ada = await server.setUp({ email: "ada@example.org", password });
  keep(ada.grant.access_token, ada.grant.refresh_token);
  await server.open(401, "/auth/login", { email: "ada@example.org", password: mark("wrong-password") });
  const again = await server.open(200, "/auth/login", { email: "ada@example.org", password });
  keep(again.access_token, again.refresh_token);
  const fresh = await server.open(200, "/auth/refresh", { refresh_token: again.refresh_token });
  keep(fresh.access_token, fresh.refresh_token);
  await server.open(401, "/auth/refresh", { refresh_token: again.refresh_token });
  await server.open(401, "/auth/refresh", { refresh_token: mark("refresh") });

  const invite = await ada.json(201, "/api/invites", { email: "ben@example.org", role: "analyst" });
  keepUrl(invite.url);
  const code = [...new URL(invite.url).searchParams.values()].find((v) => v.length >= 16);
  const ben = await server.open(201, "/auth/register", { code, name: "Ben", password: mark("password"), email: "ben@example.org" });
  keep(ben.access_token, ben.refresh_token);
  const reset = await ada.json(201, `/api/users/${ben.user.id}/reset-link`, undefined, { method: "POST" });
  keepUrl(reset.url);
  const key = await ada.json(201, "/api/keys", { name: "ci", scopes: ["read", "run", "data"] });
  keep(key.key);
  const byKey = { headers: { authorization: `Bearer ${key.key}` } };
  await server.json(200, "/api/threads", undefined, byKey);

  const cookie = await fetch(new URL("/auth/login", server.url), {
    method: "POST",
    headers: { "content-type": "application/json", origin: server.url },
    body: JSON.stringify({ email: "ada@example.org", password, cookie: true }),
  });
  const session = /^[^=]+=([^;]+)/.exec(cookie.headers.get("set-cookie"))[1];
  keep(session);
  const { ticket } = await ada.json(201, "/api/ws-ticket", undefined, { method: "POST" });
  keep(ticket);
  const socket = new Socket(server, { path: `/ws?ticket=${ticket}`, headers: { authorization: "" } });
  await within(socket.opened, "a socket with a ticket");
  const sample = await server.json(201, "/api/datasets/sample", { seed: 1 }, byKey);
  await socket.run(`Where does our money go? ${mark("prompt")}`, { dataset: sample.id });
  await socket.close();

  const odd = [
    ["/api/threads", { headers: { authorization: `Bearer ${mark("bearer")}` } }],
    ["/api/threads", { headers: { authorization: `Basic ${mark("bearer")}` } }],
    ["/api/threads", { headers: { cookie: `netra_session=${mark("cookie")}` } }],
    [`/auth/sign-in?code=${mark("code")}`],
    [`/auth/callback?code=${mark("code")}&state=${mark("state")}`],
    [`/auth/oidc/none?next=/${mark("code")}`],
    [`/ws?ticket=${mark("ticket")}`],
    [`/api/threads/${mark("code")}?token=${mark("code")}`],
    [`/${mark("code")}`],
    ["/auth/login", { method: "POST", headers: { "content-type": "application/json" }, body: `{"email":5,"password":"${mark("body")}"` }],
    ["/auth/login", { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ email: mark("body"), password: 5 }) }],
    ["/api/runs", { method: "POST", headers: { "content-type": "application/json", ...byKey.headers, "idempotency-key": mark("body") }, body: `{"prompt":"${mark("body")}"` }],
  ];
  for (const [path, options] of odd) await fetch(new URL(path, server.url), { redirect: "manual", ...options });
  for (const question of provider.questions) keep(question.headers["x-api-key"]);
  assert.ok(provider.questions.length > 0, "a model was asked");
}

for (const format of ["text", "json"]) {
  test(`nothing secret is in the log (${format}, debug), the metrics, the health or the spans`, async () => {
    const provider = await ScriptedProvider.start(answers());
    const collector = await Collector.start();
    const secrets = new Set([mark("collector")]);
    const env = provider.env(CHAIN, {
      ...FAST,
      NETRA_OTEL_ENDPOINT: collector.url,
      OTEL_EXPORTER_OTLP_HEADERS: `authorization=${mark("collector")}`,
      NETRA_LOG_LEVEL: "debug",
      NETRA_LOG_FORMAT: format,
    });
    const server = await Server.startAccounts({ env });
    try {
      const heard = listen(server);
      await aDay(server, provider, secrets);
      const texts = [];
      for (const path of ["/metrics", "/health"]) texts.push(await (await fetch(new URL(path, server.url))).text());
      await server.stop();
      const log = heard();
      assert.ok(log.length > 3000, "there is a log");
      assert.match(log, /POST \/api\/keys 201/);
      assert.ok(collector.spans.some((s) => s.name === "run"), "there are spans");
      assert.ok(secrets.size > 20);
      for (const secret of secrets) {
        for (const [what, text] of [["the log", log], ["metrics or health", texts.join()], ["a span", collector.bodies.join()]]) {
          const at = text.indexOf(secret);
          assert.ok(at < 0, `${what} has ${secret}: ${text.slice(Math.max(0, at - 200), at + 80)}`);
        }
      }
      if (format === "json") {
        for (const line of log.split("\n").filter((l) => l.startsWith("{"))) {
          const { time, level, room, message, trace_id, span_id, ...more } = JSON.parse(line);
          assert.match(time, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/);
          assert.ok(["error", "warning", "info", "debug"].includes(level) && room && message, line);
          assert.equal(trace_id === undefined, span_id === undefined);
          if (trace_id) assert.match(`${trace_id} ${span_id}`, /^[0-9a-f]{32} [0-9a-f]{16}$/);
          assert.deepEqual(more, {});
        }
      }
    } finally {
      await server.stop();
      server.remove();
      await provider.stop();
      await collector.stop();
    }
  });
}

test("an event from outside that comes thousands of times is told a few times, and counted", async () => {
  await Server.with(async (server) => {
    const heard = listen(server);
    const asked = 3000;
    const ask = async (n) => {
      for (let i = 0; i < n; i++) assert.equal((await server.fetch("/api/threads/none")).status, 404);
    };
    const began = Date.now();
    await Promise.all(Array.from({ length: 10 }, () => ask(asked / 10)));
    const seconds = Math.ceil((Date.now() - began) / 1000) + 1;
    const linesOf = () => heard().split("\n").filter((line) => line.includes("/api/threads/{id} 404"));
    const toldBy = (lines) => lines.map((line) => Number(/… (\d+) more like/.exec(line)?.[1] ?? 1)).reduce((a, b) => a + b, 0);
    for (const until = Date.now() + 60_000; toldBy(linesOf()) < asked && Date.now() < until; ) await pause(100);
    const lines = linesOf();
    assert.equal(toldBy(lines), asked, "what was left out is counted");
    assert.ok(lines.length <= seconds * 201, `${lines.length} lines in ${seconds} s`);
    assert.ok(lines.length < asked);
    const metrics = await (await server.fetch("/metrics")).text();
    const left = Number(/^netra_log_lines_left_out_total\{level="info"\} (\d+)$/m.exec(metrics)[1]);
    assert.ok(left >= asked - seconds * 200, `${left} left out`);
  });
});
