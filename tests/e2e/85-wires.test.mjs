// SPDX-License-Identifier: Apache-2.0
//
// The scripted provider against the providers' own clients: whatever it says, they understand as it was meant. So
// what Netra's tests rely on is the real formats, not our idea of them. Then Netra against both: the same
// stream gives the same text, calls and tokens, and its bodies are those that the clients would send.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import Anthropic from "@anthropic-ai/sdk";
import { GoogleGenAI } from "@google/genai";
import OpenAI from "openai";

import { ScriptedProvider } from "./scripted_provider.mjs";

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
