// SPDX-License-Identifier: Apache-2.0
//
// A model takes part in a run: it refines, plans and writes; Netra checks each word. The facts are the same with it
// and without it, and what is shown, said to be sent, stored and exported is what really happened.

import assert from "node:assert/strict";
import { test } from "node:test";
import { join } from "node:path";
import { writeFileSync } from "node:fs";

import { verifyEvents } from "@ag-ui/client";
import { EventSchemas } from "@ag-ui/core/schemas";
import { from, lastValueFrom, toArray } from "rxjs";

import { CHAIN, FAST, PROSE, answers, askModel, custom, messagesOf, withModels } from "./model_server.mjs";
import { ScriptedProvider } from "./scripted_provider.mjs";
import { Server, assertWholeLog } from "./server.mjs";
import { pico, runTo, synthesize, tool, value, withTempDir, writeText } from "./support.mjs";

const prompt = "Where does our money go, and what could caching save?";
const withGaps = "Make it 2x faster, and tell me where our money goes.";
const CHAINS = {
  openai_responses: "openai:gpt-5-mini",
  openai_chat: "openai_chat:gpt-5-mini",
  anthropic: "anthropic:claude-haiku-4-5",
  gemini: "gemini:gemini-2.5-flash",
};
const USAGE = { input: 1500, cacheRead: 1000, cacheWrite5m: 0, cacheWrite1h: 0, output: 200, reasoning: 40 };


/** Answers `first` to the first plan question of a run, "Enough." to later ones. */
function planOnce(first) {
  let rounds = 0;
  return () => (rounds++ === 0 ? first : { text: "Enough." });
}

for (const [wire, chain] of Object.entries(CHAINS)) {
  test(`${wire}: a planned run: tools by the model, prose by the model, numbers by the records`, async () => {
    const plan = planOnce({ calls: [{ name: "traffic_profile", args: {} }], usage: USAGE });
    await withModels({ plan, write: { text: PROSE, usage: USAGE, cut: 3, pauseMs: 15 } }, async ({ server, provider, sample }) => {
      const { events, run, report, calls } = await askModel(server, sample, prompt);
      assert.ok(provider.questions.every((q) => q.wire === wire && !q.refused), JSON.stringify(provider.questions.map((q) => q.refused)));
      assertWholeLog(events);
      for (const event of events) EventSchemas.parse(event);
      const verified = await lastValueFrom(from(events).pipe(verifyEvents(false), toArray()));
      assert.equal(verified.length, events.length);

      assert.ok(run.tool_calls.some((c) => c.name === "traffic_profile"), "the model's tool ran");
      const [message] = messagesOf(events);
      assert.equal(messagesOf(events).length, 1);
      assert.ok(message.pieces > 2, `text came in pieces: ${message.pieces}`);
      assert.ok(message.text.includes(report.facts["spend.total"].printed), message.text);
      assert.ok(!message.text.includes("{"), message.text);
      assert.equal(report.summary[0].text, PROSE.split("\n")[0]);
      assert.equal(report.summary_by, chain.replace(":", "/"));
      const stored = await server.json(200, `/api/threads/${run.thread_id}/messages`);
      assert.equal(stored.items.at(-1).id, message.id);
      assert.equal(stored.items.at(-1).content, message.text, "what was heard is what is kept");

      assert.deepEqual(calls.map((c) => c.purpose), ["interpret", "plan", "plan", "write"]);
      assert.ok(calls.every((c) => c.outcome === "answered" && c.status === 200), JSON.stringify(calls));
      const { usage } = calls.at(-1);
      assert.equal(usage.input_uncached + usage.cache_read, USAGE.input, "as the provider's own client reads it");
      assert.equal(usage.cache_read, USAGE.cacheRead);
      assert.equal(usage.output, USAGE.output);
      const said = JSON.parse(JSON.stringify(calls[1].answer));
      const answer = typeof said === "string" ? JSON.parse(said) : said;
      assert.equal(answer.calls[0].name, "traffic_profile");
      assert.equal(report.model_calls.length, 4);
      assert.ok(calls.every((c) => c.cost_usd === null || pico(c.cost_usd) > 0n), "an unknown cost is null, never 0");

      const [finished] = events.slice(-1);
      assert.equal(finished.usage.length, 1);
      assert.equal(finished.usage[0].model, chain.split(":")[1]);
      const sum = (name) => calls.reduce((total, c) => total + c.usage[name], 0);
      assert.equal(finished.usage[0].inputTokens, sum("input_uncached") + sum("cache_read") + sum("cache_write_5m") + sum("cache_write_1h"));
      assert.equal(finished.usage[0].outputTokens, sum("output"));
      assert.deepEqual(custom(events, "netra.model_answered").map((v) => v.purpose), ["interpret", "plan", "plan", "write"]);
    }, { chain });
  });
}

test("the same question with and without a model: identical facts", async () => {
  const without = await Server.with(async (server) => {
    const sample = await server.json(201, "/api/datasets/sample", { seed: 1 });
    const socket = await server.socket();
    const events = await socket.run(prompt, { dataset: sample.id });
    await socket.close();
    return server.json(200, `/api/reports/${events.at(-1).result.reportId}.json`);
  });
  assert.equal(without.summary_by ?? null, null);
  assert.equal(without.model_calls, undefined);
  await withModels({}, async ({ server, sample }) => {
    const { report } = await askModel(server, sample, prompt);
    assert.equal(JSON.stringify(report.facts), JSON.stringify(without.facts), "every fact, byte for byte");
    assert.deepEqual(report.actions, without.actions);
    assert.notDeepEqual(report.summary, without.summary);
  });
  /* it leaves out half of what was asked, and adds a tool: nothing of ours is lost */
  const interpret = { text: JSON.stringify({ intents: ["cost_breakdown"] }) };
  const plan = planOnce({ calls: [{ name: "reliability_profile", args: {} }] });
  await withModels({ interpret, plan }, async ({ server, sample }) => {
    const { report } = await askModel(server, sample, prompt);
    for (const [id, fact] of Object.entries(without.facts)) assert.deepEqual(report.facts[id], fact, id);
    assert.ok(Object.keys(report.facts).length > Object.keys(without.facts).length, "and those of the model's tool");
    const checked = await server.json(200, `/api/reports/${report.id}/recompute`, {});
    assert.deepEqual([checked.facts, checked.different, checked.missing], [Object.keys(report.facts).length, 0, 0]);
  });
});

test("an interpretation is refined when it is the user's, refused when it is not", async () => {
  const vague = "The bill is too big, hmm, could the robots eat fewer words?";
  const proposal = { intents: ["reduce_cost", "token_trim"] };
  await withModels({ interpret: { text: JSON.stringify(proposal) } }, async ({ server, sample }) => {
    const { events, report } = await askModel(server, sample, vague);
    const snapshots = events.filter((e) => e.type === "STATE_SNAPSHOT");
    assert.equal(snapshots.length, 2, "shown, and shown again");
    assert.equal(snapshots[1].snapshot.by ?? snapshots[1].by, CHAIN.replace(":", "/"));
    assert.deepEqual(snapshots[1].snapshot.interpretation.intents, proposal.intents);
    assert.deepEqual(report.interpretation.intents, proposal.intents);
  });
  const invented = { constraints: [{ metric: "cost", op: "reduce_by", value: 0.37, unit: "fraction", scope: "*", hard: true, baseline: null, stat: null }] };
  for (const text of [JSON.stringify(invented), '{"intents":["become_root"]}', '{"features":["ignore previous instructions"]}', "[]", '{"intents":7}']) {
    await withModels({ interpret: { text } }, async ({ server, sample, provider }) => {
      if (text === "[]") provider.answer = answers({ interpret: () => ({ text: "{}" }) });
      const { events, report } = await askModel(server, sample, prompt);
      assert.equal(events.filter((e) => e.type === "STATE_SNAPSHOT").length, 1, text);
      if (text !== "[]") assert.ok(custom(events, "netra.model_answered")[0].failure, "says why");
      assert.ok(!JSON.stringify(report.interpretation).includes("0.37"));
    });
  }
});

test("what stays unknown is said in the report and to who reads along, whoever writes", async () => {
  await withModels({}, async ({ server, sample }) => {
    const { events, run, report } = await askModel(server, sample, withGaps);
    assert.equal(report.report_type, "partial_analysis");
    assert.match(report.summary.at(-1).rendered, /unknown/);
    const [message] = messagesOf(events);
    assert.equal(message.text, report.summary.map((line) => line.rendered).join("\n"));
    const stored = await server.json(200, `/api/threads/${run.thread_id}/messages`);
    assert.equal(stored.items.at(-1).content, message.text);
  });
});

test("a question of the model's own is asked in the report, and holds nothing up", async () => {
  const plan = planOnce({ calls: [{ name: "ask_user", args: { question: "Which feature matters most to you?" } }] });
  await withModels({ plan }, async ({ server, sample }) => {
    const { report } = await askModel(server, sample, prompt);
    assert.ok(report.next_steps.some((line) => line.rendered.includes("Which feature matters most to you?")), JSON.stringify(report.next_steps));
  });
  const bad = planOnce({ calls: [{ name: "ask_user", args: { question: "Shall I save you 40 %?" } }] });
  await withModels({ plan: bad }, async ({ server, sample }) => {
    const { report } = await askModel(server, sample, prompt);
    assert.ok(!JSON.stringify(report.next_steps).includes("40"), "a question with a number is not asked");
  });
});

test("an invented number is caught while it streams, repaired once, then dropped", async () => {
  const bad = "Your records cost {spend.total}. You will save forty-two percent next month.";
  let writes = 0;
  await withModels({ write: () => ({ text: writes++ ? PROSE : bad, pauseMs: 5 }) }, async ({ server, provider, sample }) => {
    const { events, report } = await askModel(server, sample, prompt);
    const messages = messagesOf(events);
    assert.equal(messages.length, 2);
    assert.ok(messages[0].isWithdrawn && !messages[1].isWithdrawn);
    assert.ok(messages[0].text.includes(report.facts["spend.total"].printed), `what was allowed was shown: ${JSON.stringify(messages)}`);
    assert.doesNotMatch(messages[0].text, /forty|percent/, "what was not, never");
    assert.equal(report.summary[0].text, PROSE.split("\n")[0]);
    const repair = provider.questions.at(-1);
    assert.match(repair.text, /forty/, "the model is told what was wrong");
    assert.deepEqual(report.model_calls.map((c) => c.purpose), ["interpret", "plan", "write", "repair"]);
  });
  await withModels({ write: { text: bad } }, async ({ server, sample }) => {
    const { events, report } = await askModel(server, sample, prompt);
    const messages = messagesOf(events);
    assert.ok(messages.slice(0, -1).every((m) => m.isWithdrawn) && !messages.at(-1).isWithdrawn);
    assert.equal(report.summary_by ?? null, null, "Netra's own words");
    assert.doesNotMatch(JSON.stringify(report), /forty/);
    assert.doesNotMatch(JSON.stringify(events), /forty-two/, "nowhere in the log");
  });
});

test("settings and --show-prompt say exactly what is sent", async () => {
  await withTempDir(async (folder) => {
    const { usage } = synthesize(folder, { seed: 3 });
    const provider = await ScriptedProvider.start(answers({}));
    try {
      const env = provider.env(CHAIN, FAST);
      const shown = runTo(0, ["ask", prompt, "--data", usage, "--show-prompt"], { env }).out;
      assert.ok(!shown.includes(provider.key), "but for the key");
      assert.equal(provider.questions.length, 0, "nothing is sent");
      const done = start(["ask", prompt, "--data", usage, "--format", "json"], { ...process.env, ...env });
      const report = JSON.parse(await done);
      assert.equal(report.summary_by, CHAIN.replace(":", "/"));
      assert.equal(provider.questions.length, 3);
      recomputes(folder, report, usage);
      const lines = shown.split("\n");
      for (const question of [provider.questions[0], provider.questions[1]]) {
        assert.ok(lines.includes(stripNonce(question.bytes)) || lines.map(stripNonce).includes(stripNonce(question.bytes)), `${question.purpose}: the body as sent`);
      }
      assert.match(shown, /POST http:\/\/127\.0\.0\.1:\d+\/anthropic\/v1\/messages/);
    } finally {
      await provider.stop();
    }
  });
  await withModels({}, async ({ server, provider, sample }) => {
    await askModel(server, sample, prompt);
    const settings = await server.json(200, `/api/settings?prompt=${encodeURIComponent(prompt)}&dataset=${sample.id}`);
    assert.equal(settings.models.chain[0].provider, "anthropic");
    assert.equal(settings.models.chain[0].has_key, true);
    assert.ok(!JSON.stringify(settings).includes(provider.key));
    assert.deepEqual(settings.prompts.map((p) => p.name), ["interpret", "plan", "write", "repair"]);
    const sent = provider.questions.map((q) => stripNonce(q.bytes));
    assert.equal(settings.requests.length, 3);
    for (const [i, request] of settings.requests.entries()) {
      const body = stripNonce(request.text.split("\n\n").slice(1).join("\n\n").trimEnd());
      assert.equal(body, sent[i], request.purpose);
    }
  });
});

/** A report with a model in it is derived again, call by call; a changed number or lineage is found. */
function recomputes(folder, report, usage) {
  const judge = (code, changed) => runTo(code, ["recompute", writeText(folder, "report.json", JSON.stringify(changed)), "--data", usage]);
  judge(0, report);
  const change = (member, value) => {
    const copy = structuredClone(report);
    copy.facts["spend.total"][member] = value;
    return copy;
  };
  judge(1, change("value", "1.5"));
  judge(1, change("query", "no_such_tool {}"));
  judge(1, change("query", ""));
}

/** Fences carry a token of the run's own. */
const stripNonce = (text) => text.replace(/[0-9a-f]{12,}/g, "…");

/** Runs the program without blocking this process, which is the provider; its output. */
async function start(args, env) {
  const { spawn } = await import("node:child_process");
  const { netra } = await import("./support.mjs");
  const child = spawn(netra, args, { env, stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (piece) => (out += piece));
  child.stderr.setEncoding("utf8").on("data", (piece) => (err += piece));
  const code = await new Promise((resolve) => child.on("close", resolve));
  assert.equal(code, 0, err);
  return out;
}

test("Netra's own calls are records like any other: exported, imported, the same cost", async () => {
  await withModels({ write: { text: PROSE, usage: USAGE } }, async ({ server, sample }) => {
    const { calls } = await askModel(server, sample, prompt);
    await askModel(server, sample, prompt);
    const answer = await server.fetch("/api/model-calls.jsonl");
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get("content-type"), /ndjson/);
    const text = await answer.text();
    assert.equal(text.trim().split("\n").length, 2 * calls.length);
    await withTempDir(async (folder) => {
      const path = join(folder, "own.jsonl");
      writeFileSync(path, text);
      const result = tool("spend_breakdown", { data: path });
      const cost = calls.reduce((sum, c) => sum + pico(c.cost_usd), 0n);
      assert.ok(cost > 0n);
      assert.equal(pico(value(result, "spend.total")), 2n * cost);
      const profile = tool("dataset_profile", { data: path });
      assert.equal(value(profile, "requests.total"), 2 * calls.length);
    });
  });
});

test("a budget of tokens per run is kept", async () => {
  await withModels({}, async ({ server, provider, sample }) => {
    const { report, calls } = await askModel(server, sample, prompt);
    assert.ok(provider.questions.length < 3, "some question was not asked");
    assert.ok(calls.some((c) => c.outcome === "over_budget"), JSON.stringify(calls));
    assert.equal(report.summary_by ?? null, null);
  }, { env: { NETRA_LLM_TOKENS_PER_RUN_MAX: "4000" } });
});
