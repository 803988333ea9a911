// SPDX-License-Identifier: Apache-2.0
//
// Pages of other origins: those of allowed_origins may ask with a bearer (CORS), and never with the cookie; all
// others change nothing and open no WebSocket. And what every answer tells browsers.

import assert from "node:assert/strict";
import { request } from "node:http";
import { after, before, test } from "node:test";

import { Server, token } from "./server.mjs";

const ALLOWED = "https://app.example.org";
const FOREIGN = "https://evil.example";
let server;

before(async () => {
  server = await Server.start({ args: ["--set", `allowed_origins=${ALLOWED}`] });
});
after(async () => {
  await server?.stop();
  server?.remove();
});

/** fetch() would not let us set Origin and Sec-Fetch-Site as browsers do. */
function ask(method, path, headers = {}, body) {
  return new Promise((resolve, reject) => {
    const asked = request(new URL(path, server.url), { method, headers }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (piece) => (text += piece));
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, text }));
    });
    asked.on("error", reject);
    asked.end(body);
  });
}

const bearer = { authorization: `Bearer ${token}` };
const json = { "content-type": "application/json" };

test("a preflight of an allowed page says what it may; of another one it says nothing", async () => {
  const asks = { "access-control-request-method": "DELETE", "access-control-request-headers": "authorization" };
  const allowed = await ask("OPTIONS", "/api/threads/x", { origin: ALLOWED, ...asks });
  assert.equal(allowed.status, 204);
  assert.equal(allowed.headers["access-control-allow-origin"], ALLOWED);
  assert.match(allowed.headers["access-control-allow-methods"], /\bDELETE\b/);
  assert.match(allowed.headers["access-control-allow-headers"], /Authorization.*Idempotency-Key/);
  assert.ok(Number(allowed.headers["access-control-max-age"]) > 0);
  assert.match(allowed.headers.vary, /\bOrigin\b/);
  assert.equal(allowed.headers["access-control-allow-credentials"], undefined);
  const foreign = await ask("OPTIONS", "/api/threads/x", { origin: FOREIGN, ...asks });
  assert.equal(foreign.headers["access-control-allow-origin"], undefined);
  const alike = await ask("OPTIONS", "/api/threads/x", { origin: `${ALLOWED}.evil.example`, ...asks });
  assert.equal(alike.headers["access-control-allow-origin"], undefined);
});

test("an allowed page reads answers and problems; another one does not", async () => {
  const made = await ask("POST", "/api/threads", { ...bearer, ...json, origin: ALLOWED, "sec-fetch-site": "cross-site" }, "{}");
  assert.equal(made.status, 201, made.text);
  assert.equal(made.headers["access-control-allow-origin"], ALLOWED);
  const list = await ask("GET", "/api/threads", { ...bearer, origin: ALLOWED });
  assert.match(list.headers["access-control-expose-headers"], /ETag.*Retry-After.*traceresponse/);
  const problem = await ask("GET", "/api/threads", { origin: ALLOWED });
  assert.equal(problem.status, 401);
  assert.equal(problem.headers["access-control-allow-origin"], ALLOWED);
  const foreign = await ask("GET", "/api/threads", { ...bearer, origin: FOREIGN });
  assert.equal(foreign.headers["access-control-allow-origin"], undefined);
});

test("the cookie serves this server's own page only", async () => {
  const used = await ask("GET", new URL(server.signIn).pathname + new URL(server.signIn).search);
  const cookie = used.headers["set-cookie"][0].split(";")[0];
  const post = (headers) => ask("POST", "/api/threads", { ...json, cookie, ...headers }, "{}");
  assert.equal((await post({ origin: server.url })).status, 201);
  for (const headers of [{ origin: ALLOWED }, { origin: FOREIGN }, { origin: "null" }, {}, { "sec-fetch-site": "cross-site" }]) {
    const refused = await post(headers);
    assert.equal(refused.status, 403, JSON.stringify(headers));
    assert.equal(JSON.parse(refused.text).needs, "Origin");
  }
});

test("a foreign page opens no WebSocket, whatever it has", async () => {
  const { ticket } = await server.json(201, "/api/ws-ticket", {});
  await assert.rejects(server.socket({ headers: { origin: FOREIGN } }), /HTTP 403/);
  const path = `/ws?ticket=${ticket}`;
  await assert.rejects(server.socket({ path, headers: { authorization: "", origin: FOREIGN } }), /HTTP 403/);
  const again = await server.json(201, "/api/ws-ticket", {});
  const socket = await server.socket({ path: `/ws?ticket=${again.ticket}`, headers: { authorization: "", origin: ALLOWED } });
  socket.ws.close();
});

test("every answer tells browsers to keep to themselves", async () => {
  for (const path of ["/api/health", "/api/threads", "/nothing", "/auth/config"]) {
    const { headers } = await ask("GET", path);
    assert.equal(headers["x-content-type-options"], "nosniff", path);
    assert.equal(headers["referrer-policy"], "no-referrer", path);
    assert.equal(headers["cross-origin-resource-policy"], "same-origin", path);
    assert.equal(headers["cross-origin-opener-policy"], "same-origin", path);
    assert.match(headers["content-security-policy"], /default-src 'none'.*frame-ancestors 'none'/, path);
    assert.ok(headers["permissions-policy"], path);
    assert.equal(headers["strict-transport-security"], undefined, path);
  }
  const page = await ask("GET", "/", { accept: "text/html" });
  if (page.status === 200) assert.match(page.headers["content-security-policy"], /script-src 'self'(;|$)/);
});
