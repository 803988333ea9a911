// SPDX-License-Identifier: Apache-2.0
//
// TLS by clients that others wrote: node's https and its fetch, ws, curl, openssl. Versions, sessions, sockets,
// streams, uploads; a certificate that is renewed while people are inside; the drain.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:https";
import { connect as connectPlain } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { connect } from "node:tls";
import { promisify } from "node:util";

import WebSocket from "ws";

import { Authority } from "./certificates.mjs";
import { Server, isLast, sseEvents, token, within } from "./server.mjs";

const exec = promisify(execFile);
const prompt = "Where does the money go?";
let folder;
let authority;
let files;
let server;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "netra-tls-"));
  authority = new Authority(folder);
  files = { cert: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  authority.issue(files.cert, files.key);
  server = await start();
});
after(async () => {
  await server.stop();
  server.remove();
  rmSync(folder, { recursive: true, force: true });
});

function start(env = {}) {
  return Server.start({ env: { NETRA_TLS_CERT_FILE: files.cert, NETRA_TLS_KEY_FILE: files.key, ...env } });
}

/** A request over TLS; body is a Buffer. */
async function ask(path, { to = server, method = "GET", headers = {}, body, ...tls } = {}) {
  const url = new URL(path, to.url);
  const sent = request(url, {
    method,
    ca: authority.pem,
    headers: { authorization: `Bearer ${token}`, ...(body ? { "content-length": body.length } : {}), ...headers },
    ...tls,
  });
  sent.end(body);
  const [answer] = await within(once(sent, "response"), `${method} ${path}`);
  const socket = answer.socket; // it goes back to its agent with the last byte
  const pieces = [];
  for await (const piece of answer) pieces.push(piece);
  return { status: answer.statusCode, headers: answer.headers, body: Buffer.concat(pieces), socket };
}

async function json(status, path, options) {
  const answer = await ask(path, options);
  assert.equal(answer.status, status, `${path}: ${answer.body.toString("utf8", 0, 1000)}`);
  return JSON.parse(answer.body);
}

/** A bare TLS connection. */
async function dial(options = {}, to = server) {
  const socket = connect({ host: "127.0.0.1", port: to.port, servername: "localhost", ca: authority.pem, ...options });
  await within(once(socket, "secureConnect"), "the handshake");
  return socket;
}

async function serialOf(to = server) {
  const socket = await dial({}, to);
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
}

async function socketTo(to = server) {
  const url = new URL("/ws", to.url);
  url.protocol = "wss:";
  const ws = new WebSocket(url, ["ag-ui.v1+json"], { ca: authority.pem, headers: { authorization: `Bearer ${token}` } });
  ws.events = [];
  ws.on("message", (data) => ws.events.push(JSON.parse(String(data))));
  ws.ended = once(ws, "close");
  await within(once(ws, "open"), "the WebSocket's handshake");
  return ws;
}

/** A run over a WebSocket that is open; its events. */
async function runOver(ws, dataset) {
  const from = ws.events.length;
  ws.send(JSON.stringify({ type: "run", prompt, dataset }));
  const began = Date.now();
  while (!ws.events.slice(from).some(isLast)) {
    assert.ok(Date.now() - began < 60_000, "the run ends");
    await pause(10);
  }
  return ws.events.slice(from).filter((event) => event.seq !== undefined);
}

test("the server says https, and answers over TLS 1.2 and 1.3", async () => {
  assert.match(server.url, /^https:/);
  assert.match(server.signIn, /^https:/);
  for (const version of ["TLSv1.2", "TLSv1.3"]) {
    const socket = await dial({ minVersion: version, maxVersion: version, ALPNProtocols: ["h2", "http/1.1"] });
    assert.equal(socket.getProtocol(), version);
    assert.equal(socket.alpnProtocol, "http/1.1");
    assert.equal(socket.authorized, true);
    socket.destroy();
    const answer = await ask("/health/live", { minVersion: version, maxVersion: version });
    assert.equal(answer.status, 200);
  }
  const { stdout } = await exec("curl", ["-sS", "--cacert", authority.file, "-w", " %{http_version}", `${server.url}/health/live`]);
  assert.match(stdout, / 1\.1$/);
});

test("older versions and other protocols are refused by the server itself", async () => {
  for (const version of ["TLSv1", "TLSv1.1"]) {
    await assert.rejects(
      dial({ minVersion: version, maxVersion: version, ciphers: "DEFAULT@SECLEVEL=0" }),
      (error) => /alert protocol version/i.test(error.message),
    );
  }
  await assert.rejects(dial({ ALPNProtocols: ["h2"] }), (error) => /no application protocol/i.test(error.message));
  await assert.rejects(
    dial({ maxVersion: "TLSv1.2", ciphers: "AES128-SHA256:AES256-SHA256" }),
    (error) => /handshake failure/i.test(error.message),
  );
  await assert.rejects(exec("curl", ["-sS", "--tlsv1.1", "--tls-max", "1.1", "--cacert", authority.file, server.url]));
});

test("sessions are resumed in both versions", async () => {
  for (const version of ["TLSv1.2", "TLSv1.3"]) {
    const options = { minVersion: version, maxVersion: version };
    const first = await dial(options);
    const session = version === "TLSv1.2" ? first.getSession() : (await within(once(first, "session"), "a ticket"))[0];
    assert.equal(first.isSessionReused(), false);
    first.end();
    const second = await dial({ ...options, session });
    assert.equal(second.isSessionReused(), true);
    second.destroy();
  }
});

test("plain HTTP gets a sentence", async () => {
  const socket = connectPlain(server.port, "127.0.0.1");
  socket.end("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  let text = "";
  for await (const piece of socket) text += piece;
  assert.match(text, /^HTTP\/1\.1 400 /);
  assert.match(text, /https:\/\//);
});

test("uploads, downloads, runs over WebSockets and event streams", async () => {
  const lines = [];
  for (let i = 0; i < 20_000; i++) {
    const time = new Date(1_700_000_000_000 + i * 1000).toISOString();
    lines.push(`{"timestamp":"${time}","model":"gpt-4o","prompt_tokens":${100 + (i % 900)},"completion_tokens":20}`);
  }
  const body = Buffer.from(lines.join("\n"));
  const dataset = await json(201, "/api/datasets?name=over-tls.jsonl", {
    method: "POST",
    headers: { "content-type": "application/octet-stream" },
    body,
  });
  assert.equal(dataset.records, lines.length);
  const ws = await socketTo();
  const events = await runOver(ws, dataset.id);
  assert.equal(events.at(-1).type, "RUN_FINISHED");
  const stream = await ask(`/api/runs/${events[0].runId}/events`);
  assert.deepEqual(sseEvents(stream.body.toString()), events);
  const page = await ask("/");
  assert.equal(page.status, 200);
  const openapi = await ask("/openapi.json");
  assert.ok(openapi.body.length > 2 * 16_384, "an answer of several records");
  JSON.parse(openapi.body);
  ws.close(1000);
  assert.equal((await within(ws.ended, "the close"))[0], 1000);
});

test("fetch, which is undici, trusts the authority and keeps the connection", async () => {
  const script = `
    for (let i = 0; i < 3; i++) {
      const answer = await fetch(process.argv[1] + "/health/ready");
      if (answer.status !== 200) throw new Error(answer.status);
      await answer.text();
    }
    console.log("fine");`;
  const { stdout } = await exec(process.execPath, ["--input-type=module", "-e", script, server.url], {
    env: { ...process.env, NODE_EXTRA_CA_CERTS: authority.file },
  });
  assert.equal(stdout.trim(), "fine");
});

test("a renewed certificate is taken without dropping anyone", async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: authority.pem });
  const ws = await socketTo();
  const before = await ask("/health/live", { agent });
  const old = before.socket.getPeerCertificate().serialNumber;
  // By itself, within seconds: nobody tells the server.
  const renewed = authority.issue(files.cert, files.key, { type: "rsa" });
  const began = Date.now();
  while ((await serialOf()) !== renewed) {
    assert.ok(Date.now() - began < 60_000, "the new certificate is in force");
    await pause(200);
  }
  // The old connections are the same as before.
  const again = await ask("/health/live", { agent });
  assert.equal(again.socket, before.socket);
  assert.equal(again.socket.getPeerCertificate().serialNumber, old);
  const events = await runOver(ws, (await json(201, "/api/datasets/sample", { method: "POST", headers: { "content-type": "application/json" }, body: Buffer.from('{"seed":1}') })).id);
  assert.equal(events.at(-1).type, "RUN_FINISHED");

  // On SIGHUP at once.
  const third = authority.issue(files.cert, files.key);
  server.process.kill("SIGHUP");
  const told = Date.now();
  while ((await serialOf()) !== third) {
    assert.ok(Date.now() - told < 2_000, "SIGHUP does not wait");
    await pause(20);
  }

  // One that does not fit is refused, and the server goes on as it was.
  const stray = join(folder, "stray.pem");
  authority.issue(stray, files.key);
  server.process.kill("SIGHUP");
  while (!/key/.test(server.log)) {
    assert.ok(Date.now() - told < 60_000, server.log);
    await pause(20);
  }
  assert.equal(await serialOf(), third);
  authority.issue(files.cert, files.key);
  assert.equal((await ask("/health/live", { agent })).socket, before.socket);
  ws.close();
  agent.destroy();
});

test("the drain ends WebSockets with 1012 and kept connections with their last answer", async () => {
  const other = await start();
  try {
    const agent = new Agent({ keepAlive: true, ca: authority.pem });
    const ws = await socketTo(other);
    const idle = await ask("/health/live", { to: other, agent });
    const closed = once(idle.socket, "close");
    const exit = other.stop();
    assert.equal((await within(ws.ended, "the close"))[0], 1012);
    await within(closed, "the idle connection's end");
    assert.equal(await exit, 0);
    agent.destroy();
  } finally {
    await other.stop();
    other.remove();
  }
});

test("a start with files that do not fit ends with a sentence", async () => {
  const key = join(folder, "other.key");
  authority.issue(join(folder, "other.pem"), key);
  await assert.rejects(start({ NETRA_TLS_KEY_FILE: key }), /cannot use the private key/);
  writeFileSync(key, "nothing");
  await assert.rejects(start({ NETRA_TLS_KEY_FILE: key }), /cannot use the private key/);
  await assert.rejects(start({ NETRA_TLS_CERT_FILE: "/nowhere/cert.pem" }), /No such file/);
});
