// SPDX-License-Identifier: Apache-2.0
//
// A collector of traces: OTLP over HTTP, JSON. What it is sent is read with the messages that OpenTelemetry
// generates from its own .proto files, and must come out of them as it went in: an unknown member, a wrong type, a
// number where text belongs is an error. It answers as a test says, to see what Netra does then.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { createRequire } from "node:module";

import { within } from "./server.mjs";

const require = createRequire(import.meta.url);
const { opentelemetry } = require("@opentelemetry/otlp-transformer/build/src/generated/root.js");
const Request = opentelemetry.proto.collector.trace.v1.ExportTraceServiceRequest;
const Response = opentelemetry.proto.collector.trace.v1.ExportTraceServiceResponse;

const IDS = { traceId: 32, spanId: 16, parentSpanId: 16 };

/** OTLP has ids in hex where proto3's JSON has base64. */
function withBase64Ids(span) {
  const copy = { ...span };
  for (const [name, digits] of Object.entries(IDS)) {
    if (span[name] === undefined && name === "parentSpanId") continue;
    assert.match(span[name], new RegExp(`^[0-9a-f]{${digits}}$`), name);
    assert.doesNotMatch(span[name], /^0+$/, name);
    copy[name] = Buffer.from(span[name], "hex").toString("base64");
  }
  return copy;
}

/** The spans of a body; fails for what is no ExportTraceServiceRequest to the letter. */
export function readSpans(body) {
  const sent = JSON.parse(body);
  const copy = structuredClone(sent);
  for (const resource of copy.resourceSpans) {
    for (const scope of resource.scopeSpans) scope.spans = scope.spans.map(withBase64Ids);
  }
  const message = Request.fromObject(copy);
  assert.equal(Request.verify(message), null);
  const again = Request.toObject(Request.decode(Request.encode(message).finish()), { longs: String, enums: Number, bytes: String });
  for (const resource of copy.resourceSpans) {
    for (const scope of resource.scopeSpans) {
      for (const span of scope.spans) if (!span.attributes.length) delete span.attributes;
    }
  }
  assert.deepEqual(again, copy, "what OpenTelemetry's messages make of it is what was sent");
  return sent.resourceSpans.flatMap((resource) => {
    const of = Object.fromEntries(resource.resource.attributes.map((a) => [a.key, a.value.stringValue]));
    return resource.scopeSpans.flatMap((scope) =>
      scope.spans.map((span) => ({
        ...span,
        resource: of,
        attribute: Object.fromEntries(span.attributes.map((a) => [a.key, a.value.stringValue ?? Number(a.value.intValue)])),
      })),
    );
  });
}

export class Collector {
  /** answer(n): {status, headers?, body?} of the nth request, or null: none ever; default: all is taken. */
  static async start(answer = () => ({ status: 200 })) {
    const collector = new Collector();
    Object.assign(collector, { answer, requests: [], spans: [], bodies: [], errors: [], looks: new Set() });
    collector.server = createServer((request, response) => void collector.take(request, response));
    collector.server.listen(0, "127.0.0.1");
    await once(collector.server, "listening");
    collector.url = `http://127.0.0.1:${collector.server.address().port}`;
    return collector;
  }

  async take(request, response) {
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const body = Buffer.concat(pieces).toString("utf8");
    const n = this.requests.length;
    this.requests.push({ method: request.method, url: request.url, headers: request.headers, at: Date.now() });
    this.bodies.push(body);
    const answer = this.answer(n);
    try {
      const spans = readSpans(body);
      this.requests[n].count = spans.length;
      if (answer?.status === 200) this.spans.push(...spans);
    } catch (error) {
      this.errors.push(error);
    }
    if (answer) {
      response.writeHead(answer.status, { "content-type": "application/json", ...answer.headers });
      response.end(answer.body ?? JSON.stringify(Response.toObject(Response.create({}))));
    }
    for (const look of this.looks) look();
  }

  /** When something holds of what has come; spans come every two seconds. */
  until(holds, what, ms = 60_000) {
    const found = new Promise((resolve, reject) => {
      const look = () => {
        if (this.errors.length) reject(this.errors[0]);
        else if (holds(this)) resolve(this);
        else return;
        this.looks.delete(look);
      };
      this.looks.add(look);
      look();
    });
    return within(found, what, ms);
  }

  async stop() {
    this.server.close();
    this.server.closeAllConnections();
    if (this.errors.length) throw this.errors[0];
  }
}
