// SPDX-License-Identifier: Apache-2.0
//
// Runs, uploads, sign-ins with passwords, keys and sockets that come and go in accounts mode, for as long as is asked, against the real program: memory and file
// descriptors must stay flat. Whether they do is judged by a rule, not by eye: see trend().
//
//     node tests/soak/hour.mjs --minutes 60 [--out build/soak]
//
// Writes series.csv and summary.md. Exit: 0, 1 (something rose, or went wrong). Everything stays on loopback; what is made
// is deleted again, so that the data folder does not grow either.

import assert from "node:assert/strict";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { Server } from "../e2e/server.mjs";
import { root } from "../e2e/support.mjs";

const SAMPLE_MS = 5_000;
const MEBIBYTE = 1 << 20;
const RISE_BYTES = 8 * MEBIBYTE; // what a line may rise in an hour …
const RISE_SHARE = 0.05; // … or this share of the median, whichever is more
const RISE_FILES = 8;
const RUN_LOOPS = 3;
const SOCKETS = 20;
const ADA = { email: "ada@example.org", name: "Ada", password: "correct horse battery" };
const PROMPTS = ["Why is it so expensive?", "Which model costs most?", "What would caching save?", "Where does the money go?"];

function argument(name, usual) {
  const at = process.argv.indexOf(`--${name}`);
  return at > 0 ? process.argv[at + 1] : usual;
}

const minutes = Number(argument("minutes", "60"));
const out = argument("out", join(root, "build/soak"));
assert.ok(minutes > 0 && minutes <= 24 * 60, "--minutes: up to a day");

const counts = { runs: 0, uploads: 0, logins: 0, sockets: 0, cut: 0 };
let isOver = false;

/** A function again and again, with a pause, until the end. */
async function keep(pauseMs, fn) {
  while (!isOver) {
    await fn();
    await sleep(pauseMs);
  }
}

// --- what is done -----------------------------------------------------------------------------------------------------

async function oneRun(server, dataset) {
  const run = await server.json(202, "/api/runs", { prompt: PROMPTS[counts.runs % PROMPTS.length], dataset: dataset.id, seed: 1 });
  const done = await server.ended(run.id);
  assert.equal(done.status, "finished", JSON.stringify(done));
  for (const format of ["json", "html", "md", "csv"]) {
    const answer = await server.fetch(`/api/reports/${done.report_id}.${format}`);
    assert.equal(answer.status, 200);
    await answer.arrayBuffer();
  }
  await server.json(204, `/api/threads/${done.thread_id}`, undefined, { method: "DELETE" });
  counts.runs++;
}

function records(n) {
  const lines = [];
  for (let i = 0; i < 1000; i++) {
    lines.push(JSON.stringify({ timestamp: `2026-08-${String((i % 28) + 1).padStart(2, "0")}T10:00:00Z`, provider: "openai", model: "gpt-4o", input_tokens: 500 + i, output_tokens: 50 + n % 50 }));
  }
  return lines.join("\n") + "\n";
}

async function oneUpload(server) {
  const dataset = await server.upload(`usage-${counts.uploads}.jsonl`, records(counts.uploads));
  assert.equal(dataset.status, "ready");
  await server.json(200, "/api/tools/spend_breakdown", { dataset: dataset.id, args: {} });
  await server.json(204, `/api/datasets/${dataset.id}`, undefined, { method: "DELETE" });
  counts.uploads++;
}

/** A password, a refresh token and what comes of it, a browser's session, a key: made, used and ended again. */
async function oneLogin(server) {
  const ask = (status, path, body, headers = {}) => server.json(status, path, body, { headers: { authorization: "", ...headers } });
  const grant = await ask(200, "/auth/login", ADA);
  const next = await ask(200, "/auth/refresh", { refresh_token: grant.refresh_token });
  const bearer = { authorization: `Bearer ${next.access_token}` };
  assert.equal((await ask(200, "/auth/me", undefined, bearer)).user.email, ADA.email);
  const made = await ask(201, "/api/keys", { name: "soak", scopes: ["read"] }, bearer);
  await ask(200, "/api/threads", undefined, { authorization: `Bearer ${made.key}` });
  const gone = await server.fetch(`/api/keys/${made.id}`, { method: "DELETE", headers: bearer });
  assert.equal(gone.status, 204);
  await ask(204, "/auth/logout", {}, bearer);
  await ask(401, "/auth/me", undefined, bearer);
  counts.logins++;
}

/** Half of them leave politely, the others are cut. */
async function socketsComeAndGo(server, runId) {
  const sockets = await Promise.all(Array.from({ length: SOCKETS }, () => server.socket({ headers: server.bearer })));
  for (const socket of sockets) socket.send({ type: "resume", runId, lastSeq: 0 });
  await Promise.all(sockets.map((socket) => socket.next((event) => event.type === "RUN_FINISHED")));
  for (const [index, socket] of sockets.entries()) {
    if (index % 2) {
      socket.cut();
      counts.cut++;
    } else {
      await socket.close();
    }
    counts.sockets++;
  }
}

// --- what is measured -------------------------------------------------------------------------------------------------

function sample(pid, startedAt) {
  /* counted page by page; the numbers of /proc/PID/status may lag behind */
  const status = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const kib = (name) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? Number.NaN);
  const files = readdirSync(`/proc/${pid}/fd`).length;
  return { at: (Date.now() - startedAt) / 1000, resident: kib("Rss") * 1024, anonymous: kib("Anonymous") * 1024, files, ...counts };
}

/** Least squares: by how much a value rises in an hour. */
function slopePerHour(samples, name) {
  const n = samples.length;
  const meanX = samples.reduce((sum, s) => sum + s.at, 0) / n;
  const meanY = samples.reduce((sum, s) => sum + s[name], 0) / n;
  let over = 0;
  let under = 0;
  for (const s of samples) {
    over += (s.at - meanX) * (s[name] - meanY);
    under += (s.at - meanX) ** 2;
  }
  return (over / under) * 3600;
}

function median(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 1];
}

/**
 * Of the second half of the samples (the first warms up: caches, pools, the allocator): the slope by the hour. In a trial
 * that is shorter than an hour the noise of minutes would count as hours, so there what may rise is meant for its length.
 */
function trend(samples, name, allowedOf) {
  const half = samples.slice(samples.length >> 1);
  const hours = Math.min(1, (half.at(-1).at - half[0].at) / 3600);
  const rise = slopePerHour(half, name) * hours;
  const middle = median(half.map((s) => s[name]));
  const allowed = allowedOf(middle);
  return { name, first: half[0][name], last: half.at(-1)[name], middle, rise, allowed, isFlat: rise <= allowed };
}

/** The rule proves first that it can fail: a leak of 40 MiB an hour is seen, noise of 3 MiB is not. */
function proveRule() {
  const made = (valueOf) => Array.from({ length: 720 }, (_, i) => ({ at: i * 5, resident: valueOf(i) }));
  const judge = (samples) => trend(samples, "resident", () => RISE_BYTES).isFlat;
  assert.ok(!judge(made((i) => 64 * MEBIBYTE + (i / 360) * 20 * MEBIBYTE)), "a leak is taken for flat");
  assert.ok(judge(made((i) => 64 * MEBIBYTE + (i % 3) * MEBIBYTE)), "noise is taken for a leak");
}

const COLUMNS = ["at", "resident", "anonymous", "files", "runs", "uploads", "logins", "sockets", "cut"];

function write(samples, trends) {
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, "series.csv"), [COLUMNS, ...samples.map((s) => COLUMNS.map((c) => s[c]))].map((r) => r.join(",")).join("\n") + "\n");
  const mib = (bytes) => (bytes / MEBIBYTE).toFixed(1);
  const shown = (t, value) => (t.name === "files" ? value.toFixed(1) : `${mib(value)} MiB`);
  const rows = trends.map((t) => `| ${t.name} | ${shown(t, t.first)} | ${shown(t, t.last)} | ${shown(t, t.middle)} | ${shown(t, t.rise)} | ${shown(t, t.allowed)} | ${t.isFlat ? "flat" : "RISES"} |`);
  const text = [
    `${minutes} minutes: ${counts.runs} runs, ${counts.uploads} uploads, ${counts.logins} logins, ${counts.sockets} sockets (${counts.cut} of them cut).`,
    "",
    "| of the second half | at its begin | at its end | median | rise (least squares) | allowed | |",
    "|---|---|---|---|---|---|---|",
    ...rows,
    "",
  ].join("\n");
  writeFileSync(join(out, "summary.md"), text);
  console.log(text);
}

// --- the whole --------------------------------------------------------------------------------------------------------

/** The server as somebody with a key sees it. */
async function withKey(server) {
  const ada = await server.setUp(ADA);
  const key = await ada.key(["read", "run", "data"]);
  const bearer = key.headers;
  const fetch = (path, options = {}) => server.fetch(path, { ...options, headers: { ...bearer, ...options.headers } });
  return Object.assign(Object.create(server), { bearer, fetch });
}

async function soak(started) {
  const server = await withKey(started);
  const startedAt = Date.now();
  const samples = [];
  const dataset = await server.json(201, "/api/datasets/sample", { seed: 1 });
  const kept = await server.json(202, "/api/runs", { prompt: PROMPTS[0], dataset: dataset.id });
  await server.ended(kept.id);
  const loops = [
    ...Array.from({ length: RUN_LOOPS }, () => keep(100, () => oneRun(server, dataset))),
    keep(250, () => oneUpload(server)),
    keep(400, () => oneLogin(server)),
    keep(500, () => socketsComeAndGo(server, kept.id)),
    keep(SAMPLE_MS, async () => samples.push(sample(server.process.pid, startedAt))),
  ];
  const failed = Promise.all(loops); // rejects with the first that fails
  await Promise.race([failed, sleep(minutes * 60_000)]);
  isOver = true;
  await failed;
  samples.push(sample(server.process.pid, startedAt));
  const allowedBytes = (middle) => Math.max(RISE_BYTES, RISE_SHARE * middle);
  const trends = [trend(samples, "resident", allowedBytes), trend(samples, "anonymous", allowedBytes), trend(samples, "files", () => RISE_FILES)];
  write(samples, trends);
  const health = await server.json(200, "/health");
  assert.equal(health.status, "healthy", JSON.stringify(health));
  assert.ok(trends.every((t) => t.isFlat), "memory or file descriptors rise: see summary.md");
}

proveRule();
await Server.with(soak, { env: { NETRA_LOG_LEVEL: "warning" } }, Server.startAccounts);
