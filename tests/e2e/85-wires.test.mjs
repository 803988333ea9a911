// SPDX-License-Identifier: Apache-2.0
//
// The scripted provider against the providers' own clients: whatever it says, they understand as it was meant. So
// what Netra's tests rely on is the real formats, not our idea of them. Then Netra's own bodies: they are values
// of the clients' own types, and what the clients make of them is what Netra sent, headers included. (That Netra
// reads these streams as the clients do is 86-models.test.mjs.)

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";

import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";

import { FAST, answers } from "./model_server.mjs";
import { ScriptedProvider } from "./scripted_provider.mjs";
import { netra, synthesize, withTempDir } from "./support.mjs";

const here = dirname(fileURLToPath(import.meta.url));

const SAID = "Spend is {spend.total}; caching “naïve” prompts — 日本語 — pays.\nNext: ask again.";
const CALLS = [
  { name: "cache_audit", args: { ttl_s: [300, 3600], note: 'a "quoted" \\ word' } },
  { name: "spend_breakdown", args: {} },
];
const USAGE = { input: 1200, cacheRead: 1024, cacheWrite5m: 0, cacheWrite1h: 0, output: 321, reasoning: 64 };

let provider;
let next = {};
before(async () => {
  provider = await ScriptedProvider.start(() => next);
});
after(() => provider.stop());

/** Each client's view of a stream, in one form. */
const CLIENTS = {
  openai_responses: async (p) => {
    const client = new OpenAI({ apiKey: p.key, baseURL: p.url("openai"), maxRetries: 0 });
    const stream = await client.responses.create({ model: "gpt-5-mini", input: "hello", stream: true, store: false });
    const seen = { text: "", calls: [] };
    for await (const event of stream) {
      if (event.type === "response.output_text.delta") seen.text += event.delta;
      if (event.type === "response.output_item.done" && event.item.type === "function_call") {
        seen.calls.push({ name: event.item.name, args: JSON.parse(event.item.arguments) });
      }
      if (event.type === "response.completed" || event.type === "response.incomplete") {
        const { usage } = event.response;
        seen.usage = [usage.input_tokens, usage.input_tokens_details.cached_tokens, usage.output_tokens, usage.output_tokens_details.reasoning_tokens];
      }
    }
    return seen;
  },
  openai_chat: async (p) => {
    const client = new OpenAI({ apiKey: p.key, baseURL: p.url("openai"), maxRetries: 0 });
    const runner = client.chat.completions.stream({
      model: "gpt-5-mini", messages: [{ role: "user", content: "hello" }], stream_options: { include_usage: true },
    });
    const done = await runner.finalChatCompletion();
    const { message } = done.choices[0];
    const usage = done.usage;
    return {
      text: message.content ?? "",
      calls: (message.tool_calls ?? []).map((c) => ({ name: c.function.name, args: JSON.parse(c.function.arguments) })),
      usage: [usage.prompt_tokens, usage.prompt_tokens_details.cached_tokens, usage.completion_tokens, usage.completion_tokens_details.reasoning_tokens],
    };
  },
  anthropic: async (p) => {
    const client = new Anthropic({ apiKey: p.key, baseURL: p.url("anthropic"), maxRetries: 0 });
    const done = await client.messages.stream({ model: "claude-haiku-4-5", max_tokens: 100, messages: [{ role: "user", content: "hello" }] }).finalMessage();
    const { usage } = done;
    return {
      text: done.content.filter((b) => b.type === "text").map((b) => b.text).join(""),
      calls: done.content.filter((b) => b.type === "tool_use").map((b) => ({ name: b.name, args: b.input })),
      usage: [usage.input_tokens + usage.cache_read_input_tokens + usage.cache_creation_input_tokens, usage.cache_read_input_tokens, usage.output_tokens, 0],
    };
  },
  gemini: async (p) => {
    const client = new GoogleGenAI({ apiKey: p.key, httpOptions: { baseUrl: p.url("gemini") } });
    const seen = { text: "", calls: [] };
    for await (const chunk of await client.models.generateContentStream({ model: "gemini-2.5-flash", contents: "hello" })) {
      for (const part of chunk.candidates?.[0]?.content?.parts ?? []) {
        if (part.text && !part.thought) seen.text += part.text;
        if (part.functionCall) seen.calls.push({ name: part.functionCall.name, args: part.functionCall.args });
      }
      const usage = chunk.usageMetadata;
      if (usage) seen.usage = [usage.promptTokenCount, usage.cachedContentTokenCount, usage.candidatesTokenCount + usage.thoughtsTokenCount, usage.thoughtsTokenCount];
    }
    return seen;
  },
};

const WIRES = Object.keys(CLIENTS);
/* Anthropic bills reasoning inside output without saying how much */
const usageOf = (wire) => [USAGE.input, USAGE.cacheRead, USAGE.output, wire === "anthropic" ? 0 : USAGE.reasoning];

for (const wire of WIRES) {
  for (const cut of [0, 1, 13]) {
    test(`${wire}: its own client reads text, calls and usage, cut at ${cut || "nothing"}`, async () => {
      next = { text: SAID, calls: CALLS, usage: USAGE, cut };
      const seen = await CLIENTS[wire](provider);
      assert.equal(seen.text, SAID);
      assert.deepEqual(seen.calls, CALLS);
      assert.deepEqual(seen.usage, usageOf(wire));
    });
  }

  test(`${wire}: its own client reports 429 and broken streams as failures`, async () => {
    next = { status: 429, retryAfter: 0 };
    await assert.rejects(CLIENTS[wire](provider));
    next = { text: SAID, fault: "reset" };
    await assert.rejects(CLIENTS[wire](provider));
  });
}

test("openai_chat: usage on a chunk with and without choices", async () => {
  for (const usageChunk of ["empty", "nonempty"]) {
    next = { text: SAID, usage: USAGE, usageChunk };
    assert.deepEqual((await CLIENTS.openai_chat(provider)).usage, usageOf("openai_chat"));
  }
});

/* ---- what Netra sends ---- */

const CHAINS = {
  openai_responses: "openai:gpt-5-mini",
  openai_chat: "openai_chat:gpt-5-mini",
  anthropic: "anthropic:claude-haiku-4-5",
  gemini: "gemini:gemini-2.5-flash",
};

/** The clients' types of a body. */
const TYPES = {
  openai_responses: ['import type OpenAI from "openai";', "OpenAI.Responses.ResponseCreateParamsStreaming"],
  openai_chat: ['import type OpenAI from "openai";', "OpenAI.Chat.ChatCompletionCreateParamsStreaming"],
  anthropic: ['import type Anthropic from "@anthropic-ai/sdk";', "Anthropic.Messages.MessageCreateParamsStreaming"],
};

/** Sends a body of Netra's through the client; Gemini's takes it apart and builds its own. */
const SENDERS = {
  openai_responses: (p, body) => new OpenAI({ apiKey: p.key, baseURL: p.url("openai"), maxRetries: 0 }).responses.create(body),
  openai_chat: (p, body) => new OpenAI({ apiKey: p.key, baseURL: p.url("openai"), maxRetries: 0 }).chat.completions.create(body),
  anthropic: (p, body) => new Anthropic({ apiKey: p.key, baseURL: p.url("anthropic"), maxRetries: 0 }).messages.create(body),
  gemini: (p, body, model) => {
    const { contents, systemInstruction, tools, toolConfig, generationConfig } = body;
    return new GoogleGenAI({ apiKey: p.key, httpOptions: { baseUrl: p.url("gemini") } }).models.generateContentStream({
      model, contents, config: { systemInstruction, tools, toolConfig, ...generationConfig },
    });
  },
};

/** Every question of a run of `netra ask` that plans in two rounds and has its text repaired. */
async function questionsOf(chain) {
  let plans = 0;
  let writes = 0;
  const answer = answers({
    plan: () => (plans++ ? { text: "Enough." } : { text: "Let me see.", calls: [{ name: "traffic_profile", args: {} }, { name: "no_such_tool", args: {} }] }),
    write: () => ({ text: writes++ ? "It cost {spend.total}." : "It cost forty-two." }),
  });
  const asked = await ScriptedProvider.start(answer);
  try {
    await withTempDir(async (folder) => {
      const { usage } = synthesize(folder, { seed: 5 });
      const env = { ...process.env, ...asked.env(chain, FAST) };
      const child = spawn(netra, ["ask", "Where does our money go?", "--data", usage, "--json"], { env, stdio: ["ignore", "ignore", "inherit"] });
      assert.equal(await new Promise((resolve) => child.on("close", resolve)), 0);
    });
    return asked.questions;
  } finally {
    await asked.stop();
  }
}

const sent = {};
before(async () => {
  for (const [wire, chain] of Object.entries(CHAINS)) sent[wire] = await questionsOf(chain);
});

/* what a client of the provider says about itself is its own */
const told = (headers) => Object.fromEntries(["authorization", "x-api-key", "x-goog-api-key", "anthropic-version"].map((name) => [name, headers[name]]));

for (const wire of WIRES) {
  test(`${wire}: Netra's bodies, sent by its own client, arrive as Netra sent them`, async () => {
    assert.equal(sent[wire].length, 5, "interpret, plan, plan with results, write, repair");
    next = { text: "{}" };
    for (const question of sent[wire]) {
      assert.equal(question.refused, undefined);
      await SENDERS[wire](provider, structuredClone(question.body), question.model);
      const echo = provider.questions.at(-1);
      assert.deepEqual(echo.body, question.body, question.purpose);
      assert.deepEqual(told(echo.headers), told(question.headers));
      assert.equal(new URL(echo.url, "http://x").pathname.replace("/v1beta", ""), new URL(question.url, "http://x").pathname.replace("/v1beta", ""));
    }
  });
}

test("Netra's bodies are values of the clients' own types", () => {
  const folder = mkdtempSync(join(here, "types-"));
  try {
    const judge = (name, text) => {
      const path = join(folder, name);
      writeFileSync(path, text);
      const flags = ["--noEmit", "--strict", "--skipLibCheck", "--module", "nodenext", "--target", "es2022"];
      return spawnSync(process.execPath, [join(here, "node_modules/typescript/bin/tsc"), ...flags, path], { encoding: "utf8", cwd: here });
    };
    const lines = [...new Set(Object.values(TYPES).map(([line]) => line))];
    const values = Object.entries(TYPES).flatMap(([wire, [, type]]) =>
      sent[wire].map((question, i) => `export const ${wire}_${i}: ${type} = ${question.bytes};`),
    );
    const done = judge("bodies.mts", [...lines, ...values].join("\n"));
    assert.equal(done.status, 0, done.stdout.slice(0, 4000));
    const wrong = values[0].replace('"model":', '"modle":"x","model":');
    assert.notEqual(judge("wrong.mts", [...lines, wrong].join("\n")).status, 0, "the check can fail");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
