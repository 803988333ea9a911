// SPDX-License-Identifier: Apache-2.0
//
// A `netra serve` whose models are scripted, and the answers that most tests begin with: nothing to refine, no
// more tools, a summary of facts that were offered.

import assert from "node:assert/strict";
import { after } from "node:test";

import { ScriptedProvider } from "./scripted_provider.mjs";
import { Server } from "./server.mjs";

export const CHAIN = "anthropic:claude-haiku-4-5";

/** Short time-outs, but longer than a busy machine makes a provider that answers. */
export const FAST = {
  NETRA_LLM_FIRST_TOKEN_TIMEOUT_MS: "2000",
  NETRA_LLM_IDLE_TIMEOUT_MS: "2000",
  NETRA_LLM_TOTAL_TIMEOUT_MS: "15000",
  NETRA_LLM_QUESTION_TIMEOUT_MS: "20000",
  NETRA_LLM_ATTEMPTS_MAX: "1",
  NETRA_LLM_BREAKER_FAILURES: "1000",
};

export const PROSE =
  "Your records cost {spend.total} in total.\n\nMost of it can be looked at feature by feature; the tables below say where it goes.";

/** A purpose → an answer, or a function of the question that makes one; the rest is as below. */
export function answers(more = {}) {
  const usual = {
    interpret: { text: "{}" },
    plan: { text: "Nothing more is needed." },
    write: (question) => {
      assert.ok(question.facts.includes("spend.total"), "the total is offered");
      return { text: PROSE };
    },
  };
  return (question, n) => {
    const answer = { ...usual, ...more }[question.purpose];
    return typeof answer === "function" ? answer(question, n) : answer;
  };
}

/** fn({server, provider, sample, ask}); both are stopped whatever happens. */
export async function withModels(answer, fn, { chain = CHAIN, env = {}, data } = {}) {
  const provider = await ScriptedProvider.start(typeof answer === "function" ? answer : answers(answer));
  try {
    return await Server.with(
      async (server) => {
        const sample = data ? await server.upload("usage.jsonl", data) : await server.json(201, "/api/datasets/sample", { seed: 1 });
        return await fn({ server, provider, sample });
      },
      { env: provider.env(chain, { ...FAST, ...env }) },
    );
  } finally {
    await provider.stop();
  }
}

const shared = new Map(); /* chain → a server that lasts as long as the file, and whose turn it is */
after(async () => {
  for (const one of shared.values()) {
    const { server, provider } = await one;
    await server.stop().finally(() => provider.stop());
    server.remove();
  }
});

async function startShared(chain) {
  const one = {};
  one.provider = await ScriptedProvider.start((question, n) => one.answer(question, n));
  one.server = await Server.start({ env: one.provider.env(chain, FAST) });
  one.sample = await one.server.json(201, "/api/datasets/sample", { seed: 1 });
  return one;
}

/** withModels on one server for all tests of a file that name this chain: for tests that need nothing but their own run. */
export async function withSharedModels(answer, fn, { chain = CHAIN, data } = {}) {
  if (!shared.has(chain)) shared.set(chain, startShared(chain));
  const one = await shared.get(chain);
  one.answer = typeof answer === "function" ? answer : answers(answer);
  one.provider.questions.length = 0;
  return fn({ ...one, sample: data ? await one.server.upload("usage.jsonl", data) : one.sample });
}

/** Asks over a WebSocket; {events, run, report, calls}. */
export async function askModel(server, sample, prompt) {
  const socket = await server.socket();
  const events = await socket.run(prompt, { dataset: sample.id });
  await socket.close();
  const last = events.at(-1);
  assert.equal(last.type, "RUN_FINISHED", JSON.stringify(last));
  assert.equal(last.outcome.type, "success");
  const runId = events[0].runId;
  const run = await server.json(200, `/api/runs/${runId}`);
  const report = await server.json(200, `/api/reports/${run.report_id}.json`);
  const calls = (await server.json(200, `/api/runs/${runId}/model-calls`)).items;
  return { events, run, report, calls };
}

/** The text of each message as a client puts it together: [{id, text, isWithdrawn}]. */
export function messagesOf(events) {
  const messages = new Map();
  for (const event of events) {
    if (event.type === "TEXT_MESSAGE_START") messages.set(event.messageId, { id: event.messageId, text: "", isWithdrawn: false, pieces: 0 });
    if (event.type === "TEXT_MESSAGE_CONTENT") {
      messages.get(event.messageId).text += event.delta;
      messages.get(event.messageId).pieces++;
    }
    if (event.name === "netra.text_withdrawn") messages.get(event.value.messageId).isWithdrawn = true;
  }
  return [...messages.values()];
}

export const custom = (events, name) => events.filter((e) => e.type === "CUSTOM" && e.name === name).map((e) => e.value);
