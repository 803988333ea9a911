// SPDX-License-Identifier: Apache-2.0
//
// Bytes that are not what RFC 9112 and RFC 6455 allow, over a plain socket: each is refused as the RFC asks, a
// request hidden in it is never served, and the server answers the next good one.

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { connect } from "node:net";
import { after, before, test } from "node:test";

import { Server, token, within } from "./server.mjs";

let server;
before(async () => (server = await Server.start()));
after(async () => {
  assert.equal((await fetch(new URL("/health", server.url))).status, 200, "the server is well after all that");
  await server.stop();
  server.remove();
});

/** Sends pieces (with pauses between them) and returns everything that comes until the server closes. */
function exchange(pieces, { pause = 0, halfClose = false, ms = 20_000 } = {}) {
  return within(
    new Promise((resolve, reject) => {
      const socket = connect(server.port, "127.0.0.1");
      const got = [];
      socket.on("data", (piece) => got.push(piece));
      socket.on("error", (error) => (error.code === "ECONNRESET" || error.code === "EPIPE" ? done() : reject(error)));
      const done = () => resolve(Buffer.concat(got));
      socket.on("close", done);
      socket.on("connect", async () => {
        for (const piece of [].concat(pieces)) {
          if (socket.destroyed) break;
          socket.write(piece);
          if (pause) await new Promise((r) => setTimeout(r, pause));
        }
        if (halfClose) socket.end();
      });
    }),
    "the server to close",
    ms,
  );
}

const statuses = (bytes) => [...bytes.toString("latin1").matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((m) => Number(m[1]));
const host = () => `Host: 127.0.0.1:${server.port}\r\n`;
const smuggled = () => `GET /api/health HTTP/1.1\r\n${host()}X-Smuggled: 1\r\n\r\n`;
const auth = `Authorization: Bearer ${token}\r\n`;

/* name, request, the one status that may come (or a list) */
const malformed = [
  ["Content-Length and Transfer-Encoding", () => `POST /api/threads HTTP/1.1\r\n${host()}${auth}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${smuggled()}`, [400]],
  ["two Content-Lengths", () => `POST /api/threads HTTP/1.1\r\n${host()}${auth}Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}${smuggled()}`, [400]],
  ["two different Content-Lengths", () => `POST /api/threads HTTP/1.1\r\n${host()}${auth}Content-Length: 2\r\nContent-Length: 9\r\n\r\n{}${smuggled()}`, [400]],
  ["Content-Length: +7", () => `POST /api/threads HTTP/1.1\r\n${host()}${auth}Content-Length: +7\r\n\r\n{"a":1}${smuggled()}`, [400]],
  ["chunked, identity", () => `POST /api/threads HTTP/1.1\r\n${host()}${auth}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n${smuggled()}`, [400, 501]],
  ["bare CR", () => `GET /api/health HTTP/1.1\r\n${host()}X-A: b\rX-C: d\r\n\r\n`, [400]],
  ["bare LF", () => `GET /api/health HTTP/1.1\n${host()}\n`, [400]],
  ["bare LF in headers", () => `GET /api/health HTTP/1.1\r\n${host()}X-A: b\nX-C: d\r\n\r\n`, [400]],
  ["folded header", () => `GET /api/health HTTP/1.1\r\n${host()}X-A: b\r\n c\r\n\r\n`, [400]],
  ["space before the colon", () => `GET /api/health HTTP/1.1\r\n${host()}X-A : b\r\n\r\n`, [400]],
  ["no Host", () => `GET /api/health HTTP/1.1\r\n\r\n`, [400]],
  ["two Hosts", () => `GET /api/health HTTP/1.1\r\n${host()}${host()}\r\n`, [400]],
  ["200 kB of headers", () => `GET /api/health HTTP/1.1\r\n${host()}X-A: ${"b".repeat(200_000)}\r\n\r\n`, [431]],
  ["200 kB of many headers", () => `GET /api/health HTTP/1.1\r\n${host()}${"X-A: bbbbbbbb\r\n".repeat(14_000)}\r\n`, [431]],
  ["an unknown method", () => `FLY /api/health HTTP/1.1\r\n${host()}\r\n`, [400, 501]],
  ["a NUL", () => `GET /api/health HTTP/1.1\r\n${host()}X-A: b\0c\r\n\r\n`, [400]],
  ["an HTTP version of its own", () => `GET /api/health HTTP/9.9\r\n${host()}\r\n`, [400, 505]],
  ["a chunk size that is no number", () => `POST /api/threads HTTP/1.1\r\n${host()}${auth}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n+2\r\n{}\r\n0\r\n\r\n`, [400]],
  ["TLS", () => Buffer.from("16030100a5010000a10303", "hex"), [400]],
];

for (const [name, request, expected] of malformed) {
  test(`malformed: ${name}`, async () => {
    const text = await exchange(request(), { halfClose: name === "TLS" });
    const got = statuses(text);
    assert.equal(got.length, 1, `one answer and then the end: ${got}`);
    assert.ok(expected.includes(got[0]), `${got[0]}\n${text}`);
    assert.match(text.toString("latin1"), /application\/problem\+json/);
  });
}

test("malformed: garbage behind a good request: the good one is answered, the garbage refused", async () => {
  const got = statuses(await exchange(`GET /api/health HTTP/1.1\r\n${host()}\r\n\x01\x02garbage\r\n\r\n`));
  assert.deepEqual(got, [200, 400]);
});

test("malformed: a slow drip of headers is cut off with 408", async () => {
  const slow = await Server.start({ env: { NETRA_HTTP_HEAD_TIMEOUT_MS: "1000" } });
  try {
    const began = Date.now();
    const text = await within(
      new Promise((resolve) => {
        const socket = connect(slow.port, "127.0.0.1");
        const got = [];
        const drip = setInterval(() => socket.write("X"), 100);
        socket.on("connect", () => socket.write("GET /api/health HTTP/1.1\r\nX-"));
        socket.on("data", (piece) => got.push(piece));
        socket.on("error", () => {});
        socket.on("close", () => {
          clearInterval(drip);
          resolve(Buffer.concat(got).toString("latin1"));
        });
      }),
      "the server to lose patience",
      30_000,
    );
    assert.match(text, /^HTTP\/1\.1 408 /);
    assert.ok(Date.now() - began < 8000);
  } finally {
    await slow.stop();
    slow.remove();
  }
});

test("good requests in one piece are answered in order; one byte at a time too", async () => {
  const two = `GET /api/health HTTP/1.1\r\n${host()}\r\nGET /api/nothing HTTP/1.1\r\n${host()}${auth}Connection: close\r\n\r\n`;
  assert.deepEqual(statuses(await exchange(two)), [200, 404]);
  const drip = `GET /api/health HTTP/1.1\r\n${host()}Connection: close\r\n\r\n`;
  assert.deepEqual(statuses(await exchange([...drip], { pause: 1 })), [200]);
});

// ---- WebSocket frames

const handshake = () =>
  `GET /ws HTTP/1.1\r\n${host()}${auth}Upgrade: websocket\r\nConnection: Upgrade\r\n` +
  `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\n\r\n`;

function frame(first, payload, { mask = true, length } = {}) {
  const body = Buffer.from(payload);
  const size = length ?? body.length;
  const head = [first];
  const bit = mask ? 0x80 : 0;
  if (size < 126) head.push(bit | size);
  else if (size < 65536) head.push(bit | 126, size >> 8, size & 255);
  else head.push(bit | 127, 0, 0, 0, 0, (size >>> 24) & 255, (size >> 16) & 255, (size >> 8) & 255, size & 255);
  if (!mask) return Buffer.concat([Buffer.from(head), body]);
  const key = randomBytes(4);
  return Buffer.concat([Buffer.from(head), key, body.map((byte, i) => byte ^ key[i % 4])]);
}

/** The code of the close frame that the server answers frames with. */
async function closeCode(frames, options) {
  const text = await exchange([handshake(), ...[].concat(frames)], { pause: 30, ...options });
  const end = text.indexOf("\r\n\r\n") + 4;
  assert.equal(statuses(text)[0], 101, text.toString("latin1"));
  let at = end;
  while (at + 1 < text.length) {
    const opcode = text[at] & 15;
    let size = text[at + 1] & 127;
    let skip = 2;
    if (size === 126) [size, skip] = [text.readUInt16BE(at + 2), 4];
    if (opcode === 8) return size >= 2 ? text.readUInt16BE(at + skip) : undefined;
    at += skip + size;
  }
  return undefined;
}

const ping = '{"type":"ping"}';
const bad = [
  ["an unmasked frame", () => frame(0x81, ping, { mask: false }), [1002]],
  ["text that is not UTF-8", () => frame(0x81, Buffer.from([0x22, 0xc3, 0x28, 0x22])), [1007]],
  ["UTF-8 that is cut by the end of the message", () => [frame(0x01, Buffer.from([0xe2, 0x82])), frame(0x80, Buffer.from([0x22]))], [1007]],
  ["RSV1 without an extension", () => frame(0xc1, ping), [1002]],
  ["a reserved opcode", () => frame(0x83, ping), [1002]],
  ["a reserved control opcode", () => frame(0x8b, ""), [1002]],
  ["a continuation of nothing", () => frame(0x80, ping), [1002]],
  ["a new message inside a fragmented one", () => [frame(0x01, "{"), frame(0x81, ping)], [1002]],
  ["a fragmented ping", () => frame(0x09, "x"), [1002]],
  ["a ping of 126 bytes", () => frame(0x89, "x".repeat(126)), [1002]],
  ["a message beyond the limit", () => frame(0x81, `"${"x".repeat(100_000)}"`), [1009]],
  ["a frame that says 4 GB", () => frame(0x81, "x", { length: 0xffffffff }), [1009]],
  ["many fragments beyond the limit", () => [frame(0x01, '"'), ...Array.from({ length: 9 }, () => frame(0x00, "x".repeat(10_000)))], [1009]],
  ["a binary message", () => frame(0x82, "x"), [1003]],
  ["a close code that nobody may send", () => frame(0x88, Buffer.from([0x03, 0xed])), [1002]],
  ["a close frame of one byte", () => frame(0x88, Buffer.from([3])), [1002]],
  ["a close reason that is not UTF-8", () => frame(0x88, Buffer.from([0x03, 0xe8, 0xc3, 0x28])), [1002, 1007]],
  ["a flood of pings", () => Buffer.concat(Array.from({ length: 5000 }, () => frame(0x89, "x"))), [1008]],
];

for (const [name, frames, expected] of bad) {
  test(`frames: ${name}`, async () => {
    const code = await closeCode(frames());
    assert.ok(expected.includes(code), `closed with ${code}, expected ${expected}`);
  });
}

test("frames: a good close is answered with its code, and pings with pongs", async () => {
  assert.equal(await closeCode(frame(0x88, Buffer.from([0x03, 0xe8]))), 1000);
  const text = await exchange([handshake(), frame(0x89, "here"), frame(0x88, Buffer.from([0x03, 0xe8]))], { pause: 30 });
  assert.ok(text.includes(Buffer.from([0x8a, 4, ...Buffer.from("here")])));
});

test("handshakes that are none are refused", async () => {
  const answer = async (text) => statuses(await exchange(text, { halfClose: true }))[0];
  const good = handshake();
  assert.equal(await answer(good.replace("Version: 13", "Version: 8")), 426);
  assert.ok([400, 426].includes(await answer(good.replace(/Sec-WebSocket-Key: \S+/, "Sec-WebSocket-Key: short"))));
  assert.ok([400, 426].includes(await answer(good.replace("GET", "POST"))));
});
