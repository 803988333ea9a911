// SPDX-License-Identifier: Apache-2.0
//
// What lies around every answer: compression, conditional requests, headers, what proxies say, limits of
// connections, patience, and a WebSocket client that stops reading.

import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect } from "node:net";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { gunzipSync } from "node:zlib";

import { Server, token, within } from "./server.mjs";

const LARGE = "/openapi.json";
const PAGE_HEADERS = ["content-security-policy", "x-content-type-options"];
let server;
before(async () => {
  server = await Server.start({ env: { NETRA_HTTP_TRUSTED_PROXIES: "127.0.0.1, ::1" } });
});
after(async () => {
  await server.stop();
  server.remove();
});

/** The answer as it came over the wire. */
async function ask(path, { to = server, method = "GET", headers = {}, agent, body } = {}) {
  const sent = request(new URL(path, to.url), {
    method,
    agent,
    headers: { authorization: `Bearer ${token}`, ...headers },
  });
  sent.end(body);
  const [answer] = await within(once(sent, "response"), `${method} ${path}`);
  const { socket } = answer;
  const pieces = [];
  for await (const piece of answer) pieces.push(piece);
  return { status: answer.statusCode, headers: answer.headers, body: Buffer.concat(pieces), socket };
}

/** Sends text over a socket of its own; everything that comes back until the end, and when that was. */
async function say(text, { to = server, drip } = {}) {
  const began = Date.now();
  const socket = connect(to.port, "127.0.0.1");
  socket.on("error", () => {});
  let said = "";
  socket.on("data", (piece) => (said += piece));
  const ended = once(socket, "close");
  socket.write(text);
  const timer = drip && setInterval(() => socket.write(drip), 50);
  await within(ended, "the end of a connection", 20_000);
  clearInterval(timer);
  return { said, ms: Date.now() - began };
}

test("an answer is the same compressed and plain, and says which it is", async () => {
  const plain = await ask(LARGE);
  const packed = await ask(LARGE, { headers: { "accept-encoding": "br;q=1, gzip;q=0.5" } });
  assert.equal(plain.headers["content-encoding"], undefined);
  assert.equal(packed.headers["content-encoding"], "gzip");
  assert.ok(packed.body.length < plain.body.length / 3, `${packed.body.length} of ${plain.body.length}`);
  assert.deepEqual(gunzipSync(packed.body), plain.body);
  for (const answer of [plain, packed]) {
    assert.match(answer.headers.vary, /accept-encoding/i);
    assert.equal(Number(answer.headers["content-length"]), answer.body.length);
  }
  const head = await ask(LARGE, { method: "HEAD", headers: { "accept-encoding": "gzip" } });
  assert.equal(head.body.length, 0);
  assert.equal(head.headers["content-length"], packed.headers["content-length"]);
  for (const accept of ["gzip;q=0", "identity", "*;q=0", "gzip;q=0, *"]) {
    const answer = await ask(LARGE, { headers: { "accept-encoding": accept } });
    assert.equal(answer.headers["content-encoding"], undefined, accept);
  }
  // A short answer is not worth it.
  const short = await ask("/health/live", { headers: { "accept-encoding": "gzip" } });
  assert.equal(short.headers["content-encoding"], undefined);
  // fetch asks for gzip by itself and unpacks it.
  assert.deepEqual(await (await server.fetch(LARGE)).json(), JSON.parse(plain.body));
});

test("one answer after the other on a connection, compressed by a worker or not", async () => {
  const lines = [];
  for (let i = 0; i < 3000; i++) lines.push(JSON.stringify({ timestamp: "2026-01-01T00:00:00Z", model: "gpt-4o", prompt_tokens: i, completion_tokens: 7 }));
  const dataset = await server.upload("for-compression.jsonl", lines.join("\n"));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const paths = [LARGE, "/health/live", `/api/datasets/${dataset.id}`, LARGE, "/api/datasets"];
  const plain = await Promise.all(paths.map((path) => ask(path)));
  const packed = await Promise.all(paths.map((path) => ask(path, { agent, headers: { "accept-encoding": "gzip" } })));
  packed.forEach((answer, i) => {
    assert.equal(answer.status, plain[i].status);
    const body = answer.headers["content-encoding"] ? gunzipSync(answer.body) : answer.body;
    if (paths[i] !== "/health/live") assert.equal(String(body), String(plain[i].body));
    assert.equal(answer.socket, packed[0].socket);
  });
  agent.destroy();
});

test("conditional requests: the tag of either form is known again", async () => {
  for (const headers of [{}, { "accept-encoding": "gzip" }]) {
    const first = await ask(LARGE, { headers });
    assert.equal(first.status, 200);
    assert.match(first.headers.etag, /^(W\/)?"[^"]+"$/);
    assert.ok(first.headers.etag.startsWith("W/") || !("content-encoding" in first.headers), "one tag, two forms: weak");
    for (const other of [{}, { "accept-encoding": "gzip" }]) {
      const again = await ask(LARGE, { headers: { ...other, "if-none-match": `"x", ${first.headers.etag}` } });
      assert.equal(again.status, 304);
      assert.equal(again.body.length, 0);
      assert.equal(again.headers.etag.replace(/^W\//, ""), first.headers.etag.replace(/^W\//, ""));
    }
    assert.equal((await ask(LARGE, { headers: { ...headers, "if-none-match": '"x"' } })).status, 200);
  }
});

test("headers of every answer, those of the server's own refusals too", async () => {
  const answers = [
    await ask("/"),
    await ask("/health/live"),
    await ask("/api/nothing"),
    await ask("/api/threads", { headers: { authorization: "Bearer wrong-wrong-wrong-wrong" } }),
    await ask("/api/threads", { method: "BREW" }).catch(() => undefined),
  ];
  for (const answer of answers.filter(Boolean)) {
    for (const name of PAGE_HEADERS) assert.ok(answer.headers[name], `${answer.status} has ${name}`);
  }
  for (const text of ["GET / HTTP/1.1\r\n\r\n", "BREW / HTTP/1.1\r\nHost: x\r\n\r\n", "nonsense\r\n\r\n"]) {
    const { said } = await say(text);
    assert.match(said, /^HTTP\/1\.1 [45]/);
    for (const name of PAGE_HEADERS) assert.match(said.toLowerCase(), new RegExp(`\r\n${name}: `), text);
  }
});

test("a trusted proxy says who the client is; nobody else is believed", async () => {
  const seen = (log, path) => [...log.matchAll(new RegExp(`GET ${path} .* us (\\S+)`, "g"))].map((found) => found[1]);
  const forwarded = { "x-forwarded-for": "198.51.100.1, 203.0.113.7", "x-forwarded-proto": "https" };
  const later = async (to, count) => {
    const began = Date.now();
    while (seen(to.log, "/api/tools").length < count) {
      assert.ok(Date.now() - began < 60_000, to.log);
      await pause(50);
    }
    return seen(to.log, "/api/tools");
  };
  await ask("/api/tools", { headers: forwarded });
  await ask("/api/tools", { headers: { forwarded: 'for="[2001:db8::7]:4711";proto=https' } });
  await ask("/api/tools", { headers: { "x-forwarded-for": "nonsense" } });
  const peers = await later(server, 3);
  assert.equal(peers[0], "203.0.113.7");
  assert.equal(peers[1], "[2001:db8::7]:4711");
  assert.match(peers[2], /^127\.0\.0\.1:\d+$/);
  await Server.with(async (other) => {
    await ask("/api/tools", { to: other, headers: forwarded });
    assert.match((await later(other, 1))[0], /^127\.0\.0\.1:\d+$/);
  });
  await assert.rejects(
    Server.start({ env: { NETRA_HTTP_TRUSTED_PROXIES: "10.0.0.0/8, proxy.example" } }),
    /proxy\.example/,
  );
});

test("an address has its share of connections; what is beyond gets 429", async () => {
  await Server.with(
    async (other) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 4 });
      const kept = await Promise.all([1, 2, 3, 4].map(() => ask("/health/live", { to: other, agent })));
      assert.equal(new Set(kept.map((answer) => answer.socket)).size, 4);
      const refused = await ask("/health/live", { to: other });
      assert.equal(refused.status, 429);
      assert.equal(refused.headers["retry-after"], "1");
      assert.equal(JSON.parse(refused.body).code, "RATE_LIMITED");
      // One that leaves makes room.
      const gone = once(kept[0].socket, "close");
      kept[0].socket.destroy();
      await gone;
      let again;
      for (let i = 0; i < 100 && again?.status !== 200; i++) {
        again = await ask("/health/live", { to: other });
        if (again.status !== 200) await pause(20);
      }
      assert.equal(again.status, 200);
      agent.destroy();
    },
    { env: { NETRA_HTTP_CONNECTIONS_PER_ADDRESS_MAX: "4" } },
  );
});

test("patience ends: in a head, in a body, between requests, with who takes nothing", async () => {
  const env = {
    NETRA_HTTP_HEAD_TIMEOUT_MS: "300",
    NETRA_HTTP_BODY_TIMEOUT_MS: "300",
    NETRA_HTTP_IDLE_TIMEOUT_MS: "400",
    NETRA_HTTP_WRITE_TIMEOUT_MS: "300",
  };
  await Server.with(
    async (other) => {
      const head = await say("GET / HT", { to: other, drip: "x" });
      assert.match(head.said, /^HTTP\/1\.1 408 /);
      assert.ok(head.ms < 5_000);
      const login = `POST /api/datasets/sample HTTP/1.1\r\nHost: 127.0.0.1:${other.port}\r\nAuthorization: Bearer ${token}\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{`;
      assert.match((await say(login, { to: other })).said, /^HTTP\/1\.1 408 /);
      const idle = await say(`GET /health/live HTTP/1.1\r\nHost: 127.0.0.1:${other.port}\r\n\r\n`, { to: other });
      assert.match(idle.said, /^HTTP\/1\.1 200 /);
      assert.ok(idle.ms >= 350);
      // Requests without end whose answers nobody takes.
      const greedy = connect(other.port, "127.0.0.1");
      greedy.on("error", () => {});
      greedy.pause();
      const one = `GET ${LARGE} HTTP/1.1\r\nHost: 127.0.0.1:${other.port}\r\nAuthorization: Bearer ${token}\r\n\r\n`;
      greedy.write(one.repeat(400));
      const length = (await ask(LARGE, { to: other })).body.length;
      await pause(3000);
      let got = 0;
      greedy.on("data", (piece) => (got += piece.length));
      const ended = once(greedy, "close");
      greedy.resume();
      await within(ended, "the end of who took nothing");
      assert.ok(got < 400 * length, `${got} bytes of ${400 * length}`);
      greedy.destroy();
    },
    { env },
  );
});

test("a WebSocket client that stops reading is cut off with 1013 while a run streams, others go on", async () => {
  await Server.with(
    async (other) => {
      const sample = await other.json(201, "/api/datasets/sample", { seed: 1 });
      const slow = await other.socket();
      const first = await slow.run("Where does the money go?", { dataset: sample.id });
      assert.ok(first.length);
      // It asks on and on without reading; another one does the same and reads.
      slow.ws._socket.pause();
      const quick = await other.socket();
      const sockets = async () => Number(/^netra_ws_connections (\d+)$/m.exec(String((await ask("/metrics", { to: other })).body))[1]);
      // The gauge is half a second old at most: it has seen both before it sees one of them gone.
      while ((await sockets()) !== 2) await pause(50);
      const asking = { type: "resume", runId: first[0].runId, lastSeq: 0 };
      let wasCut = false;
      for (let i = 0; i < 4000 && !wasCut; i++) {
        slow.send(asking);
        if (i % 50 === 49) {
          await pause(50);
          wasCut = (await sockets()) === 1;
        }
      }
      assert.ok(wasCut, "the server does not hold what nobody reads");
      const events = await quick.run("And by model?", { dataset: sample.id });
      assert.equal(events.at(-1).type, "RUN_FINISHED");
      slow.ws._socket.resume();
      // 1013 when there was room for the farewell before the server lost patience.
      const how = await within(slow.closed, "the end of the slow one");
      assert.ok([1013, 1006].includes(how.code), JSON.stringify(how));
      // What was on its way came whole and in order; from there the client goes on.
      const received = slow.of(first[0].runId);
      assert.ok(received.length > first.length);
      await quick.close();
    },
    { env: { NETRA_HTTP_QUEUE_BYTES_MAX: "65536", NETRA_HTTP_WS_MESSAGES_PER_S: "100000" } },
  );
});
