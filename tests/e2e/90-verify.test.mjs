// SPDX-License-Identifier: Apache-2.0
//
// `netra verify` against real servers: all of it green in accounts mode with faults allowed, what local mode lacks
// named, nothing changed in a read-only run, what was made removed (also when it is interrupted), and the evidence as
// files that others can read. How long things took is not judged here: a busy machine is no defect. That the samples are
// what the targets were judged by is.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { Roles, Server, token, withAccounts, within } from "./server.mjs";
import { netra, withTempDir } from "./support.mjs";

const CHECKS = ["basic", "endpoints", "message_flow", "features", "performance", "error_handling", "authentication", "isolation"];
const LATENCIES = ["api", "websocket", "agent_startup", "message_processing", "whole_request"];
const LIMITS_MS = { floor: [100, 50, 500, 200, 1000], strict: [10, 2, 5, 20, 250] };
const STEPS = ["user_input_received", "message_validated", "agent_selected", "agent_executed", "response_generated", "response_delivered"];
const FAULTS = ["auth_failed", "rate_limited", "service_unavailable", "invalid_request", "internal_error"];
const faults = { "faults.allowed": "on" };
const local = { args: ["--set", "faults.allowed=on"] };

/** Runs it to its end; the server of the test goes on meanwhile. */
async function verify(server, bearer, more = [], { onStart } = {}) {
  const env = { ...process.env, NETRA_TOKEN: bearer };
  const child = spawn(netra, ["verify", "--url", server.url ?? server, "--samples", "50", ...more], { env });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (piece) => (out += piece));
  child.stderr.setEncoding("utf8").on("data", (piece) => (err += piece));
  onStart?.(child);
  const [code, signal] = await within(once(child, "close"), "netra verify", 300_000);
  assert.equal(signal, null, err);
  return { code, out, err };
}

/** The same with --out: its files, too. */
async function withEvidence(server, bearer, more, fn) {
  await withTempDir(async (folder) => {
    const path = join(folder, "evidence");
    const done = await verify(server, bearer, [...more, "--out", path]);
    const read = (name) => readFileSync(join(path, name), "utf8");
    assert.ok(existsSync(path), done.err + done.out);
    await fn({ ...done, evidence: JSON.parse(read("evidence.json")), read });
  });
}

const check = (evidence, id) => evidence.checks.find((one) => one.id === id);
const finding = (evidence, checkId, id) => check(evidence, checkId).findings.find((one) => one.id === id);
const outcomes = (list, outcome) => list.filter((one) => one.outcome === outcome).map((one) => one.id);

/** What is wrong but for the time that something took. */
function failed(evidence) {
  return evidence.checks.flatMap((one) => one.findings.filter((f) => f.outcome === "failed").map((f) => `${one.id}/${f.id}: ${f.observed}`));
}

/** Nearest rank, as evidence.h has it. */
function percentile(values, p) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.ceil(p * sorted.length) - 1];
}

/** Each target is what its samples say, computed anew from the file. */
function assertTargets(evidence, csv, profile) {
  const rows = csv.trim().split("\n").map((line) => line.split(","));
  assert.deepEqual(rows.shift(), ["set", "n", "at_us", "value_us"]);
  const targets = check(evidence, "performance").targets;
  assert.deepEqual(targets.map((target) => target.name), LATENCIES);
  for (const [i, target] of targets.entries()) {
    const values = rows.filter(([set]) => set === target.name).map((row) => Number(row[3]));
    assert.ok(values.length >= 50, `${target.name} has ${values.length} samples`);
    assert.equal(target.spread_us.n, values.length);
    assert.equal(target.spread_us.p50, percentile(values, 0.5), target.name);
    assert.equal(target.spread_us.p95, percentile(values, 0.95), target.name);
    assert.equal(target.spread_us.p99, percentile(values, 0.99), target.name);
    assert.equal(target.limit_ms, LIMITS_MS[profile][i]);
    assert.equal(target.statistic, profile === "strict" ? "p99" : "p95");
    const isMet = target.spread_us[target.statistic] <= target.limit_ms * 1000;
    assert.equal(target.outcome, isMet ? "passed" : "failed", target.name);
  }
}

/** What an operator can see of what a verification could leave behind. */
async function traces(admin) {
  const list = async (path) => (await admin.json(200, path)).items.map((item) => item.id).sort();
  return {
    workspaces: await list("/api/workspaces"),
    users: await list("/api/users"),
    keys: await list("/api/keys"),
    invites: await list("/api/invites"),
    threads: await list("/api/threads"),
    datasets: await list("/api/datasets"),
    faults: (await admin.json(200, "/api/faults")).faults.filter((fault) => fault.armed).map((fault) => fault.name),
  };
}

const operatorKey = (admin) => admin.key(["read", "run", "data", "admin"]);

for (const profile of ["floor", "strict"]) {
  test(`accounts mode with faults: ${profile} exercises everything, finds nothing wrong and leaves nothing`, async () => {
    await withAccounts(async (server) => {
      const admin = await server.setUp();
      const key = await operatorKey(admin);
      const before = await traces(admin);
      await withEvidence(server, key.bearer, ["--profile", profile], ({ code, evidence, read }) => {
        assert.deepEqual(failed(evidence), []);
        assert.deepEqual(evidence.checks.map((one) => one.id), [...CHECKS, "clean_up"]);
        assert.deepEqual(outcomes(evidence.checks, "not_exercised"), []);
        assert.deepEqual(evidence.meta.violations, []);
        assertTargets(evidence, read("samples.csv"), profile);
        const isGreen = evidence.checks.every((one) => one.outcome === "passed");
        assert.equal(evidence.summary.outcome, isGreen ? "green" : "failed");
        assert.equal(code, isGreen ? 0 : 1);

        for (const step of STEPS) assert.ok(finding(evidence, "message_flow", `steps.${step}`), step);
        for (const id of FAULTS) {
          for (const part of ["put_in", "recovery", "counted"]) assert.ok(finding(evidence, "error_handling", `${id}.${part}`), `${id}.${part}`);
        }
        const records = profile === "strict" ? 100_000 : 2000;
        assert.match(finding(evidence, "message_flow", "report.facts").observed, new RegExp(`${records} of ${records} records`));
        assert.ok(evidence.resources.server.peak_rss_bytes > 1e6 && evidence.resources.server.cpu_us > 0);
        assert.ok(evidence.exchanges.every((exchange) => !exchange.url.includes("?")), "no query is kept: a ticket is in one");
        for (const name of ["evidence.json", "samples.csv", "report.md", "junit.xml"]) {
          assert.ok(!read(name).includes(key.bearer), `the key is not in ${name}`);
          assert.ok(!/eyJ[\w-]+\.eyJ|netra_key_/.test(read(name)), `no token at all is in ${name}`);
        }
        assertJunit(read("junit.xml"), evidence);
      });
      assert.deepEqual(await traces(admin), before, "what was made is gone");
    }, { keys: faults });
  });
}

/** As CI reads it: one testcase a finding or target, and as many failures as it says. */
function assertJunit(xml, evidence) {
  const { tests, failures } = /<testsuites [^>]*tests="(?<tests>\d+)" failures="(?<failures>\d+)"/.exec(xml).groups;
  const count = (pattern) => xml.match(pattern)?.length ?? 0;
  assert.equal(count(/<testcase /g), Number(tests));
  assert.equal(count(/<failure[ >]/g), Number(failures));
  for (const one of evidence.checks) assert.ok(xml.includes(`<testsuite name="${one.id}"`), one.id);
  const open = [];
  for (const [, end, name, self] of xml.matchAll(/<(\/?)([a-z]+)(?:\s[^<>]*?)?(\/?)>/g)) {
    if (end) assert.equal(open.pop(), name);
    else if (!self) open.push(name);
  }
  assert.deepEqual(open, [], "every element ends");
}

test("the prompts that must be answered well: each is a run, a report and a recomputation; what is open is named", async () => {
  await withAccounts(async (server) => {
    const admin = await server.setUp();
    const key = await operatorKey(admin);
    await withEvidence(server, key.bearer, ["--profile", "acceptance"], ({ evidence }) => {
      assert.deepEqual(failed(evidence), []);
      const { findings, outcome } = check(evidence, "acceptance");
      assert.equal(outcome, "passed");
      for (const part of ["run", "report", "recompute"]) {
        assert.equal(findings.filter((f) => f.id.endsWith(`.${part}`)).length, 12, part);
      }
      const unknown = findings.filter((f) => /\.unknown_\d+$/.test(f.id));
      const counted = findings
        .filter((f) => f.id.endsWith(".report"))
        .reduce((sum, f) => sum + Number(/(\d+) unknown/.exec(f.observed)[1]), 0);
      assert.ok(counted > 0, "this version cannot answer every part");
      assert.equal(unknown.length, counted, "each that is unknown is said");
      for (const one of unknown) assert.match(one.observed, /: unknown, needs \S/);
    });
  }, { keys: faults });
});

for (const role of ["frontend", "backend", "auth"]) {
  test(`three processes, found from the ${role}: everything is exercised and nothing is wrong`, async () => {
    await Roles.with(async (roles) => {
      const admin = (await roles.setUp()).auth;
      const key = await operatorKey(admin);
      await withEvidence(roles.urls[role], key.bearer, [], ({ evidence }) => {
        assert.deepEqual(failed(evidence), []);
        assert.deepEqual(outcomes(evidence.checks, "not_exercised"), []);
        const asked = new Set(evidence.exchanges.map((exchange) => new URL(exchange.url).origin));
        assert.deepEqual([...asked].sort(), Object.values(roles.urls).sort());
      });
      assert.deepEqual((await admin.json(200, "/api/workspaces")).items.map((item) => item.id), ["default"]);
      assert.equal((await admin.json(200, "/api/users")).items.length, 1);
    }, { keys: faults });
  });
}

test("local mode: what needs accounts is named, and the exit status is 4", async () => {
  await Server.with(async (server) => {
    await withEvidence(server, token, [], ({ code, out, evidence }) => {
      assert.deepEqual(failed(evidence), []);
      assert.deepEqual(outcomes(evidence.checks, "not_exercised"), ["authentication", "isolation"]);
      const needs = evidence.checks.flatMap((one) => one.findings.filter((f) => f.outcome === "not_exercised"));
      assert.deepEqual([...new Set(needs.map((one) => one.needs))], ["accounts mode"]);
      assert.match(out, /isolation\/workspaces: needs accounts mode/);
      if (check(evidence, "performance").outcome === "passed") {
        assert.equal(code, 4);
        assert.equal(evidence.summary.outcome, "incomplete");
      }
    });
    for (const path of ["/api/threads", "/api/datasets"]) {
      assert.deepEqual((await server.json(200, path)).items, [], path);
    }
  }, local);
});

test("without faults.allowed and for who is no operator: named, never passed", async () => {
  await withAccounts(async (server) => {
    const admin = await server.setUp();
    const analyst = await admin.bring({ email: "bo@example.org", role: "analyst" });
    await withEvidence(server, analyst.bearer, [], ({ evidence }) => {
      assert.deepEqual(failed(evidence), []);
      assert.equal(finding(evidence, "error_handling", "internal_error.put_in").needs, "faults.allowed and an operator's token");
      assert.equal(finding(evidence, "features", "recovery.failed_step").outcome, "not_exercised");
      assert.equal(finding(evidence, "isolation", "workspaces").needs, "an operator's credential");
      assert.equal(finding(evidence, "authentication", "token.own_key").outcome, "passed", "its own token is forged");
      assert.equal(evidence.summary.outcome === "failed", check(evidence, "performance").outcome === "failed");
    });
    assert.deepEqual((await admin.json(200, "/api/threads")).items, []);
    assert.deepEqual((await admin.json(200, "/api/datasets")).items, []);
  });
});

test("a read-only run asks and changes nothing", async () => {
  await withAccounts(async (server) => {
    const admin = await server.setUp();
    const key = await operatorKey(admin);
    await admin.json(201, "/api/threads", { title: "mine" });
    const before = await traces(admin);
    const lines = async () => (await admin.audit()).length;
    const audited = await lines();
    await withEvidence(server, key.bearer, ["--read-only"], ({ evidence }) => {
      assert.deepEqual(failed(evidence), []);
      assert.deepEqual(outcomes(evidence.checks, "passed"), ["basic", "endpoints"]);
      assert.deepEqual([...new Set(evidence.exchanges.map((e) => e.method))].sort(), ["GET", "WEBSOCKET"]);
      assert.equal(finding(evidence, "message_flow", "six_steps").needs, "a writing run");
      assert.ok(!check(evidence, "clean_up"), "nothing was made");
    });
    assert.deepEqual(await traces(admin), before);
    const extra = (await admin.audit()).slice(audited).map((line) => line.action);
    assert.deepEqual(extra.filter((action) => !["origin", "forbidden", "token.refused"].includes(action)), [], "refusals only");
  }, { keys: faults });
});

test("a token that is not taken fails; without one it is named", async () => {
  await Server.with(async (server) => {
    const wrong = await verify(server, "not-the-token-0123456789", ["--json"]);
    assert.equal(wrong.code, 1);
    assert.equal(finding(JSON.parse(wrong.out), "authentication", "given_token").outcome, "failed");
    const none = await verify(server, "", ["--json"]);
    assert.equal(none.code, 4);
    assert.equal(finding(JSON.parse(none.out), "message_flow", "six_steps").needs, "a token that the deployment takes");
  }, local);
});

test("nobody answers: exit status 1, and evidence that says so", async () => {
  await withEvidence("http://127.0.0.1:9", token, [], ({ code, out, evidence }) => {
    assert.equal(code, 1);
    assert.match(out, /unreachable/);
    assert.equal(evidence.summary.outcome, "unreachable");
    const probe = evidence.observations.find((one) => one.kind === "probe");
    assert.equal(probe.subject, "GET /health");
  });
});

test("interrupted: it stops, and what it made is removed", async () => {
  await withAccounts(async (server) => {
    const admin = await server.setUp();
    const key = await operatorKey(admin);
    const before = await traces(admin);
    const done = await verify(server, key.bearer, ["--samples", "5000"], {
      onStart: async (child) => {
        for (;;) {
          const runs = await (await fetch(new URL("/metrics", server.url))).text();
          if (/netra_runs_total\{status="finished"\} \d\d/.test(runs)) break;
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
        child.kill("SIGINT");
      },
    });
    assert.equal(done.code, 1);
    assert.match(done.err, /cancelled/);
    assert.deepEqual(await traces(admin), before);
  }, { keys: faults });
});

test("wrong usage: exit status 2", async () => {
  for (const args of [["--profile", "fast"], ["--samples", "49"], ["--samples", "many"], ["more"], ["--auth-url", "http://example.org"]]) {
    const done = await verify("http://127.0.0.1:9", token, args);
    assert.equal(done.code, 2, `${args}: ${done.err}`);
  }
  assert.equal((await verify("http://example.org", token)).code, 2, "the token would be seen");
});
