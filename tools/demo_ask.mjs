// SPDX-License-Identifier: Apache-2.0
//
// demo_ask.mjs URL TOKEN_FILE RECORDS PROMPT: asks a running server a question about a file of
// records, waits for the report and prints a link to it that signs in. The file is uploaded once: its
// dataset is called by its digest.
//
// demo_ask.mjs URL TOKEN_FILE: only a link to the page.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { basename } from "node:path";

const RUN_MS_MAX = 120_000;
const POLL_MS = 50;

const [url, tokenFile, records, prompt] = process.argv.slice(2);
const token = readFileSync(tokenFile, "utf8").trim();

function fail(message) {
  console.error(`demo: ${message}`);
  process.exit(1);
}

/** {status, body}; a status that is not in `wanted` ends the demo with what the server said. */
async function call(method, path, wanted, body, type = "application/json") {
  const answer = await fetch(url + path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body === undefined ? {} : { "content-type": type }) },
    body,
  });
  const text = await answer.text();
  if (!wanted.includes(answer.status)) fail(`${method} ${path}: ${answer.status} ${text.slice(0, 1000)}`);
  return { status: answer.status, body: text ? JSON.parse(text) : undefined };
}

async function upload(path) {
  const bytes = readFileSync(path);
  const id = `demo-${createHash("sha256").update(bytes).digest("hex").slice(0, 32)}`;
  const known = await call("GET", `/api/datasets/${id}`, [200, 404]);
  if (known.body.status === "ready") return { id, isNew: false };
  if (known.status === 200) await call("DELETE", `/api/datasets/${id}`, [204]);
  const query = new URLSearchParams({ name: basename(path), id });
  await call("POST", `/api/datasets?${query}`, [201], bytes, "application/octet-stream");
  return { id, isNew: true };
}

async function ask(dataset) {
  const began = Date.now();
  const started = await call("POST", "/api/runs", [202], JSON.stringify({ prompt, dataset, seed: 1 }));
  for (;;) {
    const run = (await call("GET", `/api/runs/${started.body.id}`, [200])).body;
    if (run.status === "finished") return run;
    if (run.status === "failed" || run.status === "cancelled") fail(`the run ${run.status}: ${run.reason}`);
    if (Date.now() - began > RUN_MS_MAX) fail(`the run has not ended after ${RUN_MS_MAX / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

async function signInLink(next) {
  const link = new URL((await call("POST", "/auth/sign-in-link", [201])).body.url);
  link.searchParams.set("next", next);
  return link.href.replaceAll("%2F", "/");
}

try {
  if (records) {
    const dataset = await upload(records);
    const run = await ask(dataset.id);
    if (!run.report_id) fail("the run has finished without a report");
    await call("GET", `/api/reports/${run.report_id}.json`, [200]);
    console.log(`   records ${dataset.isNew ? "uploaded" : "there already"}, run ${run.id} finished`);
    console.log(await signInLink(`/threads/${run.thread_id}`));
  } else {
    console.log(await signInLink("/"));
  }
} catch (error) {
  fail(`${url}: ${error.cause?.message ?? error.message}`);
}
