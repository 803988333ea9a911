// SPDX-License-Identifier: Apache-2.0
//
// Traces: what a client of OpenTelemetry began goes on in Netra, what comes to the collector is OTLP as its own
// schema has it, nothing secret is in it, and a collector that is away, slow or broken costs spans and nothing else.

import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { ROOT_CONTEXT, SpanKind, propagation, trace } from "@opentelemetry/api";
import { InMemorySpanExporter, NodeTracerProvider, SimpleSpanProcessor } from "@opentelemetry/sdk-trace-node";

import { Collector, readSpans } from "./collector.mjs";
import { CHAIN, FAST, answers } from "./model_server.mjs";
import { ScriptedProvider } from "./scripted_provider.mjs";
import { Server, token } from "./server.mjs";

const SERVER = 2; // kinds, as OTLP numbers them
const CLIENT = 3;
const hex = /^[0-9a-f]+$/;

/** fn({server, collector}); what the collector could not read fails the test. */
async function withCollector(fn, { answer, env = {}, args = [] } = {}) {
  const collector = await Collector.start(answer);
  try {
    await Server.with((server) => fn({ server, collector }), {
      env: { NETRA_OTEL_ENDPOINT: collector.url, ...env },
      args,
    });
  } finally {
    await collector.stop();
  }
}

/** The sum of a counter over its labels, by /metrics. */
async function counter(server, name, label = "") {
  const text = await (await server.fetch("/metrics")).text();
  const lines = text.split("\n").filter((line) => line.startsWith(`${name}_total`) && line.includes(label));
  return lines.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

async function counted(server, label, holds, what) {
  for (const began = Date.now(); ; await pause(100)) {
    const count = await counter(server, "netra_trace_spans", `result="${label}"`);
    if (holds(count)) return count;
    assert.ok(Date.now() - began < 60_000, `${what}: ${count}`);
  }
}

/** What a client of OpenTelemetry sends with a request, within a span of its own. */
class Tracing {
  constructor() {
    this.exporter = new InMemorySpanExporter();
    this.provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(this.exporter)] });
    this.provider.register();
    this.tracer = this.provider.getTracer("test");
  }

  async ask(fn) {
    const span = this.tracer.startSpan("ask", { kind: SpanKind.CLIENT });
    const headers = {};
    propagation.inject(trace.setSpan(ROOT_CONTEXT, span), headers);
    assert.match(headers.traceparent, /^00-/);
    try {
      return { ...span.spanContext(), headers, result: await fn(headers) };
    } finally {
      span.end();
    }
  }
}

const tracing = new Tracing();

test("the collector of these tests takes OTLP and nothing like it", () => {
  const span = {
    traceId: "0af7651916cd43dd8448eb211c80319c",
    spanId: "b7ad6b7169203331",
    name: "x",
    kind: 2,
    startTimeUnixNano: "1795428000000042000",
    endTimeUnixNano: "1795428000000043000",
    attributes: [{ key: "a", value: { intValue: "5" } }],
  };
  const body = (more) => JSON.stringify({ resourceSpans: [{ resource: { attributes: [] }, scopeSpans: [{ scope: { name: "n" }, spans: [{ ...span, ...more }] }] }] });
  assert.throws(() => readSpans(body({})), /what OpenTelemetry's messages make of it/, "an empty list of attributes is left out there");
  const whole = (more) => body(more).replace('"attributes":[]', '"attributes":[{"key":"service.name","value":{"stringValue":"x"}}]');
  assert.equal(readSpans(whole({})).length, 1);
  const wrong = [
    { startTimeUnixNano: 1795428000000042000 },
    { kind: "SPAN_KIND_SERVER" },
    { traceId: "CvdlGRbNQ92ESOshHIAxnA==" },
    { spanId: "B7AD6B7169203331" },
    { start_time_unix_nano: "1" },
    { attributes: [{ key: "a", value: { intValue: 5 } }] },
    { attributes: [{ key: "a", value: "text" }] },
    { status: { code: "STATUS_CODE_ERROR" } },
    { unknown: 1 },
  ];
  for (const more of wrong) assert.throws(() => readSpans(whole(more)), JSON.stringify(more));
});

test("a request goes on with the trace of its client", async () => {
  await withCollector(async ({ server, collector }) => {
    const asked = await tracing.ask((headers) => server.fetch("/api/threads", { headers }));
    assert.equal(asked.result.status, 200);
    const [, traceId, spanId] = asked.result.headers.get("traceresponse").split("-");
    assert.equal(traceId, asked.traceId);

    await collector.until(({ spans }) => spans.some((s) => s.spanId === spanId), "the span of the request");
    const span = collector.spans.find((s) => s.spanId === spanId);
    assert.equal(span.traceId, asked.traceId);
    assert.equal(span.parentSpanId, asked.spanId);
    assert.equal(span.kind, SERVER);
    assert.equal(span.name, "GET /api/threads");
    assert.equal(span.attribute["http.request.method"], "GET");
    assert.equal(span.attribute["http.route"], "/api/threads");
    assert.equal(span.attribute["http.response.status_code"], 200);
    assert.equal(span.resource["service.name"], "netra");
    assert.match(span.resource["service.version"], /^\d+\.\d+/);
    assert.equal(span.resource["host.name"], undefined);
    const [start, end] = [BigInt(span.startTimeUnixNano), BigInt(span.endTimeUnixNano)];
    assert.ok(end >= start && end - start < 10_000_000_000n, `${start} to ${end}`);
    assert.ok(Math.abs(Number(start / 1_000_000n) - Date.now()) < 60_000, "now");

    const [request] = collector.requests;
    assert.equal(`${request.method} ${request.url}`, "POST /v1/traces");
    assert.equal(request.headers["content-type"], "application/json");
  });
});

test("a request without a trace, or with one that is none, begins one", async () => {
  await withCollector(async ({ server, collector }) => {
    const wrong = ["", "00-0-0-0", `00-${"0".repeat(32)}-${"1".repeat(16)}-01`, `ff-${"1".repeat(32)}-${"1".repeat(16)}-01`, "x".repeat(4000)];
    const ids = new Set();
    for (const traceparent of wrong) {
      const answer = await server.fetch("/api/threads", traceparent ? { headers: { traceparent } } : {});
      const [version, traceId, spanId, flags] = answer.headers.get("traceresponse").split("-");
      assert.deepEqual([version, traceId.length, spanId.length, flags], ["00", 32, 16, "01"]);
      assert.match(traceId, hex);
      ids.add(traceId);
    }
    assert.equal(ids.size, wrong.length);
    await collector.until(({ spans }) => [...ids].every((id) => spans.some((s) => s.traceId === id && s.parentSpanId === undefined)), "roots");
  });
});

test("who says that it is not sampled is not, and the share of the others is configured", async () => {
  await withCollector(
    async ({ server, collector }) => {
      const sampled = (n) => `00-${n.toString(16).padStart(32, "a")}-${"b".repeat(16)}-01`;
      for (let i = 0; i < 5; i++) {
        await server.fetch("/api/threads", { headers: { traceparent: sampled(i).replace(/1$/, "0") } });
        await server.fetch("/api/threads");
      }
      await server.fetch("/api/threads", { headers: { traceparent: sampled(9) } });
      await collector.until(({ spans }) => spans.length > 0, "the one that is sampled");
      await pause(300);
      assert.deepEqual(collector.spans.map((s) => s.traceId), [sampled(9).split("-")[1]]);
    },
    { env: { NETRA_OTEL_SAMPLE_PERCENT: "0" } },
  );
});

test("an error has the trace id that its client sent, in its body and in the log", async () => {
  await withCollector(async ({ server }) => {
    const asked = await tracing.ask((headers) => server.fetch("/api/threads/none", { headers }));
    assert.equal(asked.result.status, 404);
    // info lines are written twice a second
    for (const began = Date.now(); !server.log.split("\n").some((line) => line.includes("404") && line.includes(`trace=${asked.traceId}`)); await pause(100)) {
      assert.ok(Date.now() - began < 60_000, server.log);
    }
  });
});

test("a run is on the trace of who asked: request, run, agents, tools, model; and the model is told", async () => {
  const provider = await ScriptedProvider.start(answers());
  const secrets = ["PROMPT-SECRET-7c1", token, "EMAIL-SECRET@example.org"];
  const prompt = `Where does our money go? ${secrets[0]} ${secrets[2]}`;
  try {
    await withCollector(
      async ({ server, collector }) => {
        const sample = await server.json(201, "/api/datasets/sample", { seed: 1 });
        const asked = await tracing.ask((headers) => server.json(202, "/api/runs", { prompt, dataset: sample.id }, { headers }));
        const run = await server.ended(asked.result.id);
        assert.equal(run.status, "finished", JSON.stringify(run));
        const ours = ({ spans }) => spans.filter((s) => s.traceId === asked.traceId);
        await collector.until((c) => ours(c).some((s) => s.name === "run"), "the run's span");
        const spans = ours(collector);
        const byId = new Map(spans.map((s) => [s.spanId, s]));
        assert.equal(byId.size, spans.length, "ids are of one span each");
        const rootsOf = (span) => (byId.has(span.parentSpanId) ? rootsOf(byId.get(span.parentSpanId)) : span.parentSpanId);
        for (const span of spans) assert.equal(rootsOf(span), asked.spanId, `${span.name} hangs below the client's span`);

        const request = spans.find((s) => s.kind === SERVER);
        assert.equal(request.name, "POST /api/runs");
        const whole = spans.find((s) => s.name === "run");
        assert.equal(whole.parentSpanId, request.spanId);
        const names = spans.map((s) => s.name);
        for (const step of ["message_validated", "agent_selected", "agent_executed", "response_generated"]) {
          assert.ok(names.some((n) => n.includes(step)), `${step} of ${names.join(", ")}`);
        }
        for (const kind of ["invoke_agent ", "execute_tool "]) assert.ok(names.some((n) => n.startsWith(kind)), `${kind} of ${names.join(", ")}`);
        const chats = spans.filter((s) => s.kind === CLIENT);
        assert.equal(chats.length, provider.questions.length);
        for (const chat of chats) {
          assert.equal(chat.attribute["gen_ai.operation.name"], "chat");
          assert.equal(chat.attribute["gen_ai.provider.name"], "anthropic");
        }
        const told = provider.questions.map((q) => q.headers.traceparent);
        assert.deepEqual(told.slice().sort(), chats.map((s) => `00-${s.traceId}-${s.spanId}-01`).sort());

        const all = collector.bodies.join("\n");
        for (const secret of [...secrets, "netra_session", "Bearer", provider.key ?? "sk-"]) {
          assert.ok(!all.includes(secret), `${secret} is in a span`);
        }
      },
      { env: provider.env(CHAIN, FAST) },
    );
  } finally {
    await provider.stop();
  }
});

test("headers for the collector are sent to it, and are seen nowhere else", async () => {
  const secret = "COLLECTOR-SECRET-91f";
  await withCollector(
    async ({ server, collector }) => {
      await server.fetch("/api/threads");
      await collector.until(({ requests }) => requests.length > 0, "a request");
      assert.equal(collector.requests[0].headers["x-api-key"], `${secret} x`);
      assert.equal(collector.requests[0].headers["authorization"], "Basic abc=");
      for (const path of ["/health", "/metrics", "/api/settings", "/openapi.json"]) {
        assert.ok(!(await (await server.fetch(path)).text()).includes(secret), path);
      }
      assert.ok(!server.log.includes(secret));
    },
    { env: { OTEL_EXPORTER_OTLP_HEADERS: `x-api-key=${secret}%20x,authorization=Basic abc=` } },
  );
});

test("what cannot be is told before anything is opened, without the secret in it", async () => {
  const cases = [
    [{ NETRA_OTEL_ENDPOINT: "ftp://x" }, /otel\.endpoint/],
    [{ NETRA_OTEL_ENDPOINT: "http://user:SECRET@127.0.0.1:1" }, /otel\.endpoint holds a user name or a password/],
    [{ NETRA_OTEL_ENDPOINT: "http://127.0.0.1:1", OTEL_EXPORTER_OTLP_HEADERS: "SECRET" }, /OTEL_EXPORTER_OTLP_HEADERS/],
    [{ NETRA_OTEL_ENDPOINT: "http://collector.example:4318", OTEL_EXPORTER_OTLP_HEADERS: "a=SECRET" }, /would be seen/],
  ];
  for (const [env, expected] of cases) {
    await assert.rejects(Server.start({ env }), (error) => {
      assert.match(error.message, expected);
      assert.ok(!error.message.includes("SECRET"), error.message);
      return true;
    });
  }
});

test("a collector that refuses for now is asked again, with the same spans", async () => {
  const statuses = [503, 429, 200];
  const answer = (n) => ({ status: statuses[n] ?? 200, headers: n === 1 ? { "retry-after": "1" } : {} });
  await withCollector(
    async ({ server, collector }) => {
      await server.fetch("/api/threads");
      await collector.until(({ spans }) => spans.length > 0, "the third try");
      assert.ok(collector.requests.length >= 3);
      assert.equal(collector.bodies[0], collector.bodies[1]);
      assert.equal(collector.bodies[1], collector.bodies[2]);
      const waited = collector.requests[2].at - collector.requests[1].at;
      assert.ok(waited >= 950, `Retry-After: 1 was waited ${waited} ms for`);
      await counted(server, "exported", (n) => n > 0, "exported");
      assert.equal(await counter(server, "netra_trace_spans", 'result="lost"'), 0);
    },
    { answer },
  );
});

test("a collector that does not want it is not asked again; partial success is counted", async () => {
  const answer = (n) =>
    n === 0 ? { status: 400 } : n === 1 ? { status: 200, body: '{"partialSuccess":{"rejectedSpans":"1","errorMessage":"no"}}' } : { status: 200 };
  await withCollector(
    async ({ server, collector }) => {
      await server.fetch("/api/threads");
      await collector.until(({ requests }) => requests.length >= 1, "a request");
      const lost = await counted(server, "refused", (n) => n > 0, "refused");
      assert.equal(lost, collector.requests[0].count);
      const degraded = await server.json(200, "/health");
      assert.match(degraded.checks.find((c) => c.name === "traces").reason, /it answers 400/);
      assert.equal(degraded.status, "degraded");
      await server.fetch("/api/threads");
      await collector.until(({ requests }) => requests.length >= 2, "another request");
      assert.notEqual(collector.bodies[0], collector.bodies[1]);
      await counted(server, "refused", (n) => n === lost + 1, "partial success");
      const check = (await server.json(200, "/health")).checks.find((c) => c.name === "traces");
      assert.equal(check.status, "healthy");
    },
    { answer },
  );
});

for (const [what, options] of [
  ["away", { env: { NETRA_OTEL_ENDPOINT: "http://127.0.0.1:1" } }],
  ["silent", { answer: () => null }],
]) {
  test(`a collector that is ${what}: answers are as fast as ever, spans are dropped and counted, the end comes in time`, async () => {
    await withCollector(async ({ server }) => {
      let asked = 0;
      let slowest = 0;
      const ask = async (n) => {
        for (let i = 0; i < n; i++) {
          const began = performance.now();
          assert.equal((await server.fetch("/api/threads")).status, 200);
          asked++;
          slowest = Math.max(slowest, performance.now() - began);
        }
      };
      // Where a machine is slow, some are given up meanwhile, and more have to be asked until the queue is full.
      let dropped = 0;
      for (let round = 0; round < 10 && !dropped; round++) {
        await Promise.all(Array.from({ length: 10 }, () => ask(500)));
        await pause(1000); // metrics are half a second old
        dropped = await counter(server, "netra_trace_spans", 'result="dropped"');
      }
      const lost = await counter(server, "netra_trace_spans", 'result="lost"');
      assert.ok(dropped > 0 && dropped < asked, `${dropped} of ${asked} were dropped`);
      assert.ok(dropped + lost >= asked - 4096 - 2 * 512 && dropped + lost <= asked, `${dropped} of ${asked} were dropped, ${lost} lost`);
      assert.ok(slowest < 2000, `the slowest answer took ${slowest} ms`);
      const began = Date.now();
      assert.equal(await server.stop(), 0);
      assert.ok(Date.now() - began < 8000, "the end waits two seconds for a collector, no more");
      const warnings = server.log.split("\n").filter((line) => line.includes("collector"));
      assert.ok(warnings.length <= 2, warnings.join("\n"));
    }, options);
  });
}

test("what waits is sent before the end", async () => {
  await withCollector(async ({ server, collector }) => {
    const answer = await server.fetch("/api/threads");
    const [, traceId] = answer.headers.get("traceresponse").split("-");
    assert.equal(await server.stop(), 0);
    assert.ok(collector.spans.some((s) => s.traceId === traceId), "the last span has come");
  });
});

test("what machines ask every few seconds begins no trace, but goes on with one", async () => {
  await Server.with(async (server) => {
    assert.equal((await server.fetch("/health/live")).headers.get("traceresponse"), null);
    const asked = await tracing.ask((headers) => server.fetch("/health/live", { headers }));
    assert.ok(asked.result.headers.get("traceresponse").startsWith(`00-${asked.traceId}-`));
  });
});

test("without an endpoint nothing is gathered, and every answer still has its trace", async () => {
  await Server.with(async (server) => {
    const answer = await server.fetch("/api/threads");
    assert.match(answer.headers.get("traceresponse"), /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
    assert.equal(await counter(server, "netra_trace_spans"), 0);
  });
});
