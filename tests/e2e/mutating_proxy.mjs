// SPDX-License-Identifier: Apache-2.0
//
// A proxy that lies in one way. It stands where people find the server (public_url is its address), passes
// everything on as it is, both ways, HTTP and WebSocket, and lets one defect change what it is about: an answer,
// an event, a time. With no defect it is invisible, which is tested, too.
//
// A defect is an object with some of
//
//     request(incoming, state)         before it is passed on: {headers} to change what is sent, {answer} to
//                                      answer at once
//     answer({incoming, status, headers, body}, state)   → what is changed of {status, headers, body}, awaited
//     event(event, state)              an event on its way to the client → the events sent instead
//     message(message, state)          a message on its way to the server → the messages sent instead
//     upgrade(incoming, state)         before the WebSocket's handshake: {headers} to change what is sent
//
// state is an empty object per proxy, with .admin, a bearer that the server takes.

import { once } from "node:events";
import http from "node:http";

import WebSocket, { WebSocketServer } from "ws";

const HOP_BY_HOP = new Set(["connection", "keep-alive", "transfer-encoding", "upgrade", "te", "trailer"]);

function withoutHops(headers) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.has(name)));
}

async function bytesOf(stream) {
  const pieces = [];
  for await (const piece of stream) pieces.push(piece);
  return Buffer.concat(pieces);
}

export class MutatingProxy {
  /** Listens; its address is known before there is a server behind it. */
  static async start(defect = {}) {
    const proxy = new MutatingProxy();
    proxy.defect = defect;
    proxy.state = {};
    proxy.sockets = new Set();
    proxy.agent = new http.Agent({ keepAlive: true });
    proxy.http = http.createServer((incoming, outgoing) => {
      proxy.pass(incoming, outgoing).catch((error) => outgoing.destroy(error));
    });
    proxy.http.on("upgrade", (incoming, socket, head) => proxy.upgrade(incoming, socket, head));
    proxy.door = new WebSocketServer({ noServer: true, maxPayload: 1 << 20, handleProtocols: ([first]) => first });
    proxy.http.listen(0, "127.0.0.1");
    await once(proxy.http, "listening");
    proxy.url = `http://127.0.0.1:${proxy.http.address().port}`;
    return proxy;
  }

  /** Where requests go from now on. */
  before(server, admin) {
    this.target = new URL(server.url);
    this.state.admin = admin;
  }

  async stop() {
    for (const socket of this.sockets) socket.terminate();
    this.agent.destroy();
    this.http.closeAllConnections?.();
    this.http.close();
    await once(this.http, "close");
  }

  async pass(incoming, outgoing) {
    const body = await bytesOf(incoming);
    const before = (await this.defect.request?.(incoming, this.state)) ?? {};
    const began = process.hrtime.bigint();
    let answer = before.answer;
    if (!answer) answer = await this.ask(incoming, body, before.headers);
    const changed = await this.defect.answer?.({ incoming, began, ...answer }, this.state);
    Object.assign(answer, changed);
    const headers = withoutHops(answer.headers);
    if (changed?.body !== undefined) delete headers.etag;
    if (headers["content-length"] !== undefined || answer.body.length) {
      headers["content-length"] = String(incoming.method === "HEAD" ? headers["content-length"] : answer.body.length);
    }
    outgoing.writeHead(answer.status, headers);
    outgoing.end(incoming.method === "HEAD" ? undefined : answer.body);
  }

  /** The server's answer, whole. What is compressed would have to be opened to be changed: it is not asked for. */
  async ask(incoming, body, more) {
    const headers = { ...withoutHops(incoming.headers), ...more };
    delete headers["accept-encoding"];
    for (const name of Object.keys(headers)) if (headers[name] === undefined) delete headers[name];
    const request = http.request(new URL(incoming.url, this.target), {
      method: incoming.method,
      headers,
      agent: this.agent,
    });
    request.end(body);
    const [answer] = await once(request, "response");
    return { status: answer.statusCode, headers: answer.headers, body: await bytesOf(answer) };
  }

  upgrade(incoming, socket, head) {
    const more = this.defect.upgrade?.(incoming, this.state)?.headers ?? {};
    const headers = { ...withoutHops(incoming.headers), ...more };
    const protocols = (incoming.headers["sec-websocket-protocol"] ?? "").split(/,\s*/).filter(Boolean);
    for (const name of Object.keys(headers)) {
      if (name.startsWith("sec-websocket-") || headers[name] === undefined) delete headers[name];
    }
    const url = new URL(incoming.url, this.target);
    url.protocol = "ws:";
    const inner = new WebSocket(url, protocols, { headers, perMessageDeflate: false });
    this.sockets.add(inner);
    inner.on("error", () => socket.destroy());
    inner.once("unexpected-response", async (_, answer) => {
      const body = await bytesOf(answer);
      const lines = Object.entries(withoutHops(answer.headers)).map(([name, value]) => `${name}: ${value}\r\n`);
      socket.end(Buffer.concat([
        Buffer.from(`HTTP/1.1 ${answer.statusCode} ${answer.statusMessage}\r\n${lines.join("")}connection: close\r\n\r\n`),
        body,
      ]));
    });
    inner.once("open", () => {
      this.door.handleUpgrade(incoming, socket, head, (outer) => this.join(outer, inner));
    });
  }

  join(outer, inner) {
    this.sockets.add(outer);
    const order = { down: Promise.resolve(), up: Promise.resolve() };
    const turn = (way, fn) => {
      order[way] = order[way].then(fn).catch(() => outer.terminate());
    };
    inner.on("message", (data) => turn("down", async () => {
      const event = JSON.parse(String(data));
      const events = (await this.defect.event?.(event, this.state)) ?? [event];
      for (const one of events) outer.send(JSON.stringify(one));
    }));
    outer.on("message", (data) => turn("up", async () => {
      let messages = [String(data)];
      if (this.defect.message) {
        messages = ((await this.defect.message(JSON.parse(messages[0]), this.state)) ?? []).map((one) => JSON.stringify(one));
      }
      for (const one of messages) inner.send(one);
    }));
    const ended = (to, way) => (code, reason) => turn(way, () => {
      const sayable = code >= 1000 && code !== 1005 && code !== 1006;
      if (sayable) to.close(code, reason);
      else to.terminate();
    });
    inner.on("close", ended(outer, "down"));
    outer.on("close", ended(inner, "up"));
    outer.on("error", () => inner.terminate());
  }
}

/** Answers that are JSON, changed. */
export function json(body, change) {
  const value = JSON.parse(String(body));
  return { body: Buffer.from(JSON.stringify(change(value) ?? value)) };
}

export const pathOf = (incoming) => new URL(incoming.url, "http://proxy").pathname;
