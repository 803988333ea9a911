// SPDX-License-Identifier: Apache-2.0
//
// /metrics, read by the strict OpenMetrics parser of Prometheus' own Python client (order, types, units, buckets,
// escapes, the end), and what its numbers say about a known piece of work.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { Server } from "./server.mjs";
import { root } from "./support.mjs";

const PARSER = `
import json, sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
print(json.dumps([[f.name, f.type, f.unit, f.documentation, [[s.name, s.labels, s.value] for s in f.samples]]
                  for f in text_string_to_metric_families(sys.stdin.read())]))
`;
// The package is of the system's Python; another one may come first on the PATH.
const python = ["python3", "/usr/bin/python3"].find((name) => spawnSync(name, ["-c", "import prometheus_client.openmetrics.parser"]).status === 0);
const needsParser = { skip: python ? false : "python3-prometheus-client is missing" };

function parse(text) {
  const done = spawnSync(python, ["-c", PARSER], { input: text, encoding: "utf8", maxBuffer: 1 << 26 });
  assert.equal(done.status, 0, done.stderr.slice(-2000));
  const families = JSON.parse(done.stdout).map(([name, type, unit, help, samples]) => [
    name,
    { type, unit, help, samples: samples.map(([of, labels, value]) => ({ of, labels, value })) },
  ]);
  return new Map(families);
}

async function read(server) {
  const answer = await server.fetch("/metrics");
  assert.equal(answer.status, 200);
  assert.equal(answer.headers.get("content-type"), "application/openmetrics-text; version=1.0.0; charset=utf-8");
  return parse(await answer.text());
}

function value(families, name, labels = {}) {
  const samples = [...families.values()].flatMap((f) => f.samples).filter((s) => s.of === name);
  const found = samples.find((s) => Object.entries(labels).every(([key, wanted]) => s.labels[key] === wanted));
  return found?.value;
}

/** Gauges are at most half a second old. */
async function until(server, holds, what) {
  for (const began = Date.now(); ; await pause(100)) {
    const families = await read(server);
    if (holds(families)) return families;
    assert.ok(Date.now() - began < 60_000, what);
  }
}

test("the parser is one that refuses", needsParser, () => {
  const good = "# TYPE a counter\n# HELP a text\na_total 1\n# EOF\n";
  assert.equal(parse(good).get("a").type, "counter");
  for (const bad of ["# TYPE a counter\na 1\n# EOF\n", good.replace("# EOF\n", ""), good.replace("1\n", "-1\n"), "# TYPE a_x gauge\n# UNIT a_x seconds\na_x 1\n# EOF\n"]) {
    assert.throws(() => parse(bad), bad);
  }
});

test("every metric of the table is there, described, named and typed as OpenMetrics wants it", needsParser, async () => {
  const table = readFileSync(join(root, "src/monitor/metrics.def"), "utf8");
  const rows = [...table.matchAll(/^METRIC\((\w+), (\w+), "([^"]+)", "([^"]*)", "([^"]+)"\)$/gm)];
  assert.equal(rows.length, table.split("\n").filter((line) => line.startsWith("METRIC(")).length);
  await Server.with(async (server) => {
    const families = await read(server);
    assert.equal(families.size, rows.length);
    for (const [, , kind, name, , help] of rows) {
      const family = families.get(name);
      assert.ok(family, name);
      assert.equal(family.type, { COUNTER: "counter", SECONDS: "counter", GAUGE: "gauge", HISTOGRAM: "histogram" }[kind], name);
      assert.equal(family.help, help, name);
      assert.match(name, /^netra_[a-z][a-z0-9_]*$/);
      assert.doesNotMatch(name, /_(total|count|sum|bucket|milliseconds|ms|us|kb|mb)$/, "base units, suffixes by the writer");
      if (/_(seconds|bytes)$/.test(name)) assert.equal(family.unit, /_(seconds|bytes)$/.exec(name)[1], name);
    }
  });
});

test("histograms have a bound at each target, and finer ones below a millisecond", needsParser, async () => {
  await Server.with(async (server) => {
    await server.fetch("/health/live");
    const families = await read(server);
    const buckets = families.get("netra_http_request_duration_seconds").samples.filter((s) => s.of.endsWith("_bucket") && s.labels.route === "/health/live");
    const bounds = buckets.map((s) => Number(s.labels.le.replace("+Inf", "Infinity")));
    for (const target of [0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1]) assert.ok(bounds.includes(target), `${target} s`);
    assert.ok(bounds.filter((b) => b < 0.001).length >= 4);
  });
});

test("the counts of a known piece of work are exact, and nobody's text is a label", needsParser, async () => {
  await Server.with(async (server) => {
    const sample = await server.json(201, "/api/datasets/sample", { seed: 1 });
    const before = await read(server);
    const marker = "label-marker-5f2";
    const run = await server.json(202, "/api/runs", { prompt: `What do I spend? ${marker}`, dataset: sample.id });
    await server.ended(run.id);
    for (let i = 0; i < 3; i++) await server.json(200, "/api/threads?limit=5");
    await server.fetch(`/api/threads/${marker}`);
    await server.fetch(`/${marker}`);
    const after = await until(server, (f) => value(f, "netra_store_commits_total") > value(before, "netra_store_commits_total"), "commits are counted");
    const grown = (name, labels) => (value(after, name, labels) ?? 0) - (value(before, name, labels) ?? 0);
    assert.equal(grown("netra_runs_total", { status: "finished" }), 1);
    assert.equal(grown("netra_http_requests_total", { method: "GET", route: "/api/threads", status: "200" }), 3);
    assert.equal(grown("netra_http_request_duration_seconds_count", { route: "/api/threads" }), 3);
    assert.equal(grown("netra_http_requests_total", { method: "POST", route: "/api/runs", status: "202" }), 1);
    for (const step of ["message_validated", "agent_executed", "response_delivered"]) {
      assert.equal(grown("netra_run_step_duration_seconds_count", { step }), 1, step);
    }
    assert.ok(grown("netra_store_commit_duration_seconds_count") > 0);
    assert.ok(grown("netra_worker_wait_seconds_count") > 0);
    assert.ok(!JSON.stringify([...after]).includes(marker));
    for (const [name, family] of after) {
      const labelled = new Set(family.samples.map((s) => JSON.stringify({ ...s.labels, le: undefined })));
      assert.ok(labelled.size <= 256, `${name}: ${labelled.size} sets of labels`);
      for (const s of family.samples.filter((one) => one.of.endsWith("_total"))) {
        assert.ok(s.value >= (value(before, s.of, s.labels) ?? 0), `${s.of} only grows`);
      }
    }
  });
});

test("the process says how it is: time, memory, files, the loop, the checks, the version", needsParser, async () => {
  await Server.with(async (server) => {
    await server.json(201, "/api/datasets/sample", { seed: 1 }); // some tenths of a second of work
    const families = await until(server, (f) => value(f, "netra_open_files") > 0 && value(f, "netra_loop_lag_seconds_count") > 5, "gauges are set");
    assert.ok(value(families, "netra_resident_memory_bytes") > 1e6);
    assert.ok(value(families, "netra_open_files") < value(families, "netra_open_files_max"));
    assert.ok(value(families, "netra_process_cpu_seconds_total", { mode: "user" }) > 0);
    assert.equal(value(families, "netra_faults_armed"), 0);
    assert.equal(value(families, "netra_build_info", { version: (await server.json(200, "/health")).version }), 1);
    assert.equal(value(families, "netra_check_state", { check: "store" }), 0);
    const checks = (await server.json(200, "/health")).checks.map((c) => c.name);
    assert.deepEqual(families.get("netra_check_state").samples.map((s) => s.labels.check).sort(), checks.sort());
    assert.ok(value(families, "netra_start_time_seconds") > 1e9);
    assert.equal(value(families, "netra_tls_certificate_expiry_seconds"), 0);
  });
});
