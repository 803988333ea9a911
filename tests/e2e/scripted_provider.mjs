// SPDX-License-Identifier: Apache-2.0
//
// A model provider that says what a test wants, in the four wire formats that real ones speak: OpenAI's responses
// and chat completions, Anthropic's messages, Gemini's streamGenerateContent. It is as strict as they are (a body
// with an unknown member, a missing key or version is refused), cuts its stream at odd places, and can fail in
// every way that they do. 85-wires.test.mjs holds it against the providers' own clients.
//
//     const provider = await ScriptedProvider.start((question) => ({ text: "…" }));
//     provider.url("anthropic") → what a configuration names; provider.questions → everything that was received

import { createServer } from "node:http";
import { once } from "node:events";

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What a test wants an answer to be; every member may be left out.
 *  text, calls: [{name, args}], stop: "end" | "length" | "refused", usage: {input, cacheRead, cacheWrite5m,
 *  cacheWrite1h, output, reasoning} (input and output inclusive; null: none is sent), usageChunk: "empty" |
 *  "nonempty" (chat: whether the chunk with the usage has choices), cut: bytes of a piece (0: whole),
 *  pauseMs: between pieces, beginMs: before the first, words: a delta per word,
 *  hold: {before: text, until: a promise}: what comes before the event with that text is sent, the rest when it is kept,
 *  fault: "hang" | "hang after head" | "hang half-way" | "half" | "malformed" | "huge" | "error in stream" |
 *  "reset", status: an HTTP error, retryAfter: seconds (text), body: of that error, edit(events): other events,
 *  raw({response, socket, stream}): writes whatever it likes. */
const DEFAULTS = {
  text: "",
  calls: [],
  stop: "end",
  usage: { input: 120, cacheRead: 20, cacheWrite5m: 0, cacheWrite1h: 0, output: 30, reasoning: 5 },
  usageChunk: "nonempty",
  cut: 7,
  pauseMs: 0,
  beginMs: 0,
  words: true,
};

const KEY = {
  openai: ["authorization", (key) => `Bearer ${key}`],
  anthropic: ["x-api-key", (key) => key],
  gemini: ["x-goog-api-key", (key) => key],
};

/** Members that each API knows, of those that matter here. A real one refuses others. */
const MEMBERS = {
  openai_responses: [
    "model", "input", "instructions", "tools", "tool_choice", "text", "max_output_tokens", "stream", "store",
    "parallel_tool_calls", "temperature", "reasoning", "metadata", "truncation", "include", "user",
  ],
  openai_chat: [
    "model", "messages", "tools", "tool_choice", "response_format", "max_completion_tokens", "max_tokens", "stream",
    "stream_options", "parallel_tool_calls", "temperature", "store", "reasoning_effort", "user", "n",
  ],
  anthropic: [
    "model", "messages", "system", "tools", "tool_choice", "max_tokens", "stream", "temperature", "metadata", "thinking",
    "output_config",
  ],
  gemini: ["contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "safetySettings", "cachedContent"],
};

function* deltas(text, words) {
  if (!words) {
    if (text) yield text;
    return;
  }
  for (const piece of text.match(/\s*\S+|\s+$/g) ?? []) yield piece;
}

const halves = (text) => [text.slice(0, text.length >> 1), text.slice(text.length >> 1)].filter(Boolean);

/* ---- answers in each format: lists of [event name or null, data] ---- */

function* asResponses(answer, model, id) {
  let n = 0;
  const event = (type, more) => [type, { type, sequence_number: n++, ...more }];
  const response = (status, more = {}) => ({
    id: `resp_${id}`, object: "response", created_at: 1_780_000_000, status, model, output: [], error: null,
    incomplete_details: null, instructions: null, metadata: {}, parallel_tool_calls: true, tools: [], tool_choice: "auto",
    ...more,
  });
  yield event("response.created", { response: response("in_progress") });
  yield event("response.in_progress", { response: response("in_progress") });
  const output = [];
  if (answer.usage?.reasoning) {
    const item = { id: `rs_${id}`, type: "reasoning", summary: [] };
    yield event("response.output_item.added", { output_index: output.length, item });
    yield event("response.output_item.done", { output_index: output.length, item });
    output.push(item);
  }
  if (answer.text || answer.stop === "refused") {
    const index = output.length;
    const item = { id: `msg_${id}`, type: "message", role: "assistant", status: "in_progress", content: [] };
    const place = { item_id: item.id, output_index: index, content_index: 0 };
    yield event("response.output_item.added", { output_index: index, item });
    if (answer.stop === "refused") {
      const refusal = answer.text || "I cannot help with that.";
      yield event("response.content_part.added", { ...place, part: { type: "refusal", refusal: "" } });
      yield event("response.refusal.delta", { ...place, delta: refusal });
      yield event("response.refusal.done", { ...place, refusal });
      const part = { type: "refusal", refusal };
      yield event("response.content_part.done", { ...place, part });
      output.push({ ...item, status: "completed", content: [part] });
    } else {
      yield event("response.content_part.added", { ...place, part: { type: "output_text", text: "", annotations: [], logprobs: [] } });
      for (const delta of deltas(answer.text, answer.words)) {
        yield event("response.output_text.delta", { ...place, delta, logprobs: [] });
      }
      yield event("response.output_text.done", { ...place, text: answer.text, logprobs: [] });
      const part = { type: "output_text", text: answer.text, annotations: [], logprobs: [] };
      yield event("response.content_part.done", { ...place, part });
      output.push({ ...item, status: "completed", content: [part] });
    }
    yield event("response.output_item.done", { output_index: index, item: output.at(-1) });
  }
  for (const [i, call] of answer.calls.entries()) {
    const args = JSON.stringify(call.args);
    const index = output.length;
    const item = { id: `fc_${id}_${i}`, type: "function_call", status: "in_progress", call_id: `call_${id}_${i}`, name: call.name, arguments: "" };
    yield event("response.output_item.added", { output_index: index, item });
    for (const delta of halves(args)) {
      yield event("response.function_call_arguments.delta", { item_id: item.id, output_index: index, delta });
    }
    yield event("response.function_call_arguments.done", { item_id: item.id, output_index: index, arguments: args, name: call.name });
    output.push({ ...item, status: "completed", arguments: args });
    yield event("response.output_item.done", { output_index: index, item: output.at(-1) });
  }
  const usage = answer.usage && {
    input_tokens: answer.usage.input,
    input_tokens_details: { cached_tokens: answer.usage.cacheRead },
    output_tokens: answer.usage.output,
    output_tokens_details: { reasoning_tokens: answer.usage.reasoning },
    total_tokens: answer.usage.input + answer.usage.output,
  };
  if (answer.stop === "length") {
    const incomplete_details = { reason: "max_output_tokens" };
    yield event("response.incomplete", { response: response("incomplete", { output, usage, incomplete_details }) });
  } else {
    yield event("response.completed", { response: response("completed", { output, usage }) });
  }
}

function* asChat(answer, model, id) {
  const chunk = (choices, more = {}) => [
    null,
    { id: `chatcmpl-${id}`, object: "chat.completion.chunk", created: 1_780_000_000, model, service_tier: "default", system_fingerprint: null, choices, usage: null, ...more },
  ];
  const choice = (delta, finish_reason = null) => [{ index: 0, delta, logprobs: null, finish_reason }];
  yield chunk(choice({ role: "assistant", content: answer.calls.length ? null : "", refusal: null }));
  if (answer.stop === "refused") yield chunk(choice({ refusal: answer.text || "I cannot help with that." }));
  else for (const delta of deltas(answer.text, answer.words)) yield chunk(choice({ content: delta }));
  for (const [index, call] of answer.calls.entries()) {
    yield chunk(choice({ tool_calls: [{ index, id: `call_${id}_${index}`, type: "function", function: { name: call.name, arguments: "" } }] }));
    for (const piece of halves(JSON.stringify(call.args))) {
      yield chunk(choice({ tool_calls: [{ index, function: { arguments: piece } }] }));
    }
  }
  const finish = answer.stop === "length" ? "length" : answer.calls.length ? "tool_calls" : "stop";
  const usage = answer.usage && {
    prompt_tokens: answer.usage.input,
    completion_tokens: answer.usage.output,
    total_tokens: answer.usage.input + answer.usage.output,
    prompt_tokens_details: { cached_tokens: answer.usage.cacheRead, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: answer.usage.reasoning, audio_tokens: 0 },
  };
  if (usage && answer.usageChunk === "nonempty") {
    yield chunk(choice({}, finish), { usage });
  } else {
    yield chunk(choice({}, finish));
    if (usage) yield chunk([], { usage });
  }
  yield [null, "[DONE]"];
}

function* asAnthropic(answer, model, id) {
  const event = (type, more) => [type, { type, ...more }];
  const u = answer.usage ?? { input: 0, cacheRead: 0, cacheWrite5m: 0, cacheWrite1h: 0, output: 0 };
  const usage = {
    input_tokens: u.input - u.cacheRead - u.cacheWrite5m - u.cacheWrite1h,
    cache_creation_input_tokens: u.cacheWrite5m + u.cacheWrite1h,
    cache_read_input_tokens: u.cacheRead,
    cache_creation: { ephemeral_5m_input_tokens: u.cacheWrite5m, ephemeral_1h_input_tokens: u.cacheWrite1h },
    output_tokens: 1,
    service_tier: "standard",
  };
  yield event("message_start", {
    message: { id: `msg_${id}`, type: "message", role: "assistant", model, content: [], stop_reason: null, stop_sequence: null, usage },
  });
  let index = 0;
  if (answer.text) {
    yield event("content_block_start", { index, content_block: { type: "text", text: "" } });
    yield event("ping", {});
    for (const delta of deltas(answer.text, answer.words)) {
      yield event("content_block_delta", { index, delta: { type: "text_delta", text: delta } });
    }
    yield event("content_block_stop", { index });
    index++;
  }
  for (const [i, call] of answer.calls.entries()) {
    yield event("content_block_start", { index, content_block: { type: "tool_use", id: `toolu_${id}_${i}`, name: call.name, input: {} } });
    yield event("content_block_delta", { index, delta: { type: "input_json_delta", partial_json: "" } });
    for (const piece of halves(JSON.stringify(call.args))) {
      yield event("content_block_delta", { index, delta: { type: "input_json_delta", partial_json: piece } });
    }
    yield event("content_block_stop", { index });
    index++;
  }
  const stop_reason =
    answer.stop === "length" ? "max_tokens" : answer.stop === "refused" ? "refusal" : answer.calls.length ? "tool_use" : "end_turn";
  yield event("message_delta", { delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: u.output } });
  yield event("message_stop", {});
}

function* asGemini(answer, model, id) {
  const u = answer.usage;
  const usageMetadata = u && {
    promptTokenCount: u.input,
    cachedContentTokenCount: u.cacheRead,
    candidatesTokenCount: u.output - u.reasoning,
    thoughtsTokenCount: u.reasoning,
    totalTokenCount: u.input + u.output,
  };
  const chunk = (parts, more = {}, beside = {}) => [
    null,
    { candidates: [{ content: { parts, role: "model" }, index: 0, ...more }], modelVersion: model, responseId: `g${id}`, ...beside },
  ];
  if (answer.stop === "refused") {
    yield [null, { promptFeedback: { blockReason: "SAFETY" }, usageMetadata, modelVersion: model, responseId: `g${id}` }];
    return;
  }
  if (u?.reasoning) yield chunk([{ text: "thinking about it", thought: true }]);
  for (const delta of deltas(answer.text, answer.words)) yield chunk([{ text: delta }]);
  for (const call of answer.calls) yield chunk([{ functionCall: { name: call.name, args: call.args } }]);
  const finishReason = answer.stop === "length" ? "MAX_TOKENS" : "STOP";
  yield chunk([{ text: "" }], { finishReason }, usageMetadata ? { usageMetadata } : {});
}

const WRITERS = { openai_responses: asResponses, openai_chat: asChat, anthropic: asAnthropic, gemini: asGemini };

/** Which format a request is in, and its model: by its path, as at the providers. */
function routeOf(path) {
  if (path === "/openai/responses") return { wire: "openai_responses", family: "openai" };
  if (path === "/openai/chat/completions") return { wire: "openai_chat", family: "openai" };
  if (path === "/anthropic/v1/messages") return { wire: "anthropic", family: "anthropic" };
  const found = /^\/gemini(?:\/v1beta)?\/models\/([^/:]+):streamGenerateContent$/.exec(path);
  return found ? { wire: "gemini", family: "gemini", model: decodeURIComponent(found[1]) } : undefined;
}

function errorBody(family, status, message) {
  if (family === "anthropic") return { type: "error", error: { type: status === 429 ? "rate_limit_error" : "api_error", message }, request_id: "req_1" };
  if (family === "gemini") return { error: { code: status, message, status: status === 429 ? "RESOURCE_EXHAUSTED" : "INTERNAL" } };
  return { error: { message, type: status === 429 ? "rate_limit_exceeded" : "server_error", param: null, code: null } };
}

/** Everything that is text in a body, decoded: what the model reads. */
export function* textsOf(any) {
  if (typeof any === "string") yield any;
  else if (any && typeof any === "object") for (const item of Object.values(any)) yield* textsOf(item);
}

/** One request as a test sees it. */
class Question {
  constructor(route, request, bytes, body) {
    this.wire = route.wire;
    this.family = route.family;
    this.headers = request.headers;
    this.url = request.url;
    this.bytes = bytes;
    this.body = body;
    this.receivedAt = Date.now();
    this.model = route.model ?? body.model;
    this.text = [...textsOf(body)].join("\n");
    this.tools = toolNames(body);
    this.wantsJson = Boolean(
      body.text?.format?.type === "json_schema" || body.response_format || body.generationConfig?.responseMimeType === "application/json" ||
        body.tool_choice?.type === "tool",
    );
    /* what Netra asks for: see src/agent/prompts */
    this.purpose = this.wantsJson ? "interpret" : this.tools.length ? "plan" : "write";
  }

  /** Ids of the facts that the model was given. */
  get facts() {
    return [...this.text.matchAll(/"id":\s?"((?:[^"\\]|\\.)+)"/g)].map((found) => JSON.parse(`"${found[1]}"`));
  }
}

function toolNames(body) {
  const list = body.tools ?? [];
  return list.flatMap((tool) => tool.functionDeclarations?.map((f) => f.name) ?? [tool.function?.name ?? tool.name]);
}

/** The provider's own refusals: what a real one would answer 400 or 401. */
function objection(route, request, body, key) {
  const [header, value] = KEY[route.family];
  if (request.headers[header] !== value(key)) return [401, "invalid key"];
  if (!/^application\/json/.test(request.headers["content-type"] ?? "")) return [400, "content-type"];
  if (route.wire === "anthropic" && request.headers["anthropic-version"] !== "2023-06-01") return [400, "anthropic-version is required"];
  if (route.wire === "gemini" && !/[?&]alt=sse(&|$)/.test(request.url)) return [400, "not sse"];
  if (route.wire !== "gemini" && body.stream !== true) return [400, "not streamed"];
  if (route.wire === "anthropic" && !Number.isInteger(body.max_tokens)) return [400, "max_tokens: field required"];
  const unknown = Object.keys(body).find((name) => !MEMBERS[route.wire].includes(name));
  return unknown ? [400, `Unrecognized request argument supplied: ${unknown}`] : undefined;
}

export class ScriptedProvider {
  /** answer(question, n) → what to say; may be async. key: the one that clients must send. */
  static async start(answer, { key = "sk-test-0123456789-secret" } = {}) {
    const provider = new ScriptedProvider();
    Object.assign(provider, { answer, key, questions: [], open: new Set(), failures: [] });
    provider.http = createServer((request, response) => {
      provider.serve(request, response).catch((error) => {
        provider.failures.push(error);
        response.destroy();
      });
    });
    provider.http.keepAliveTimeout = 1000;
    provider.http.listen(0, "127.0.0.1");
    await once(provider.http, "listening");
    provider.port = provider.http.address().port;
    return provider;
  }

  url(family) {
    return `http://127.0.0.1:${this.port}/${family}`;
  }

  /** What a server or a command line needs in its environment to use this provider for everything. */
  env(chain, more = {}) {
    return {
      NETRA_LLM_CHAIN: chain,
      NETRA_LLM_OPENAI_URL: this.url("openai"),
      NETRA_LLM_ANTHROPIC_URL: this.url("anthropic"),
      NETRA_LLM_GEMINI_URL: this.url("gemini"),
      NETRA_LLM_COMPATIBLE_URL: this.url("openai"),
      OPENAI_API_KEY: this.key,
      ANTHROPIC_API_KEY: this.key,
      GEMINI_API_KEY: this.key,
      COMPATIBLE_API_KEY: this.key,
      ...more,
    };
  }

  async stop() {
    this.stopping = true;
    for (const response of this.open) response.destroy();
    this.http.closeAllConnections?.();
    this.http.close();
    if (this.failures.length) throw this.failures[0];
  }

  async serve(request, response) {
    this.open.add(response);
    response.on("close", () => this.open.delete(response));
    response.on("error", () => {});
    const pieces = [];
    for await (const piece of request) pieces.push(piece);
    const bytes = Buffer.concat(pieces).toString("utf8");
    const route = routeOf(new URL(request.url, "http://x").pathname);
    if (request.method !== "POST" || !route) {
      response.writeHead(404).end();
      return;
    }
    const body = JSON.parse(bytes);
    const question = new Question(route, request, bytes, body);
    const n = this.questions.push(question) - 1;
    const refusal = objection(route, request, body, this.key);
    if (refusal) {
      question.refused = refusal[1];
      this.refuse(response, route, { status: refusal[0], message: refusal[1] });
      return;
    }
    const answer = { ...DEFAULTS, ...(await this.answer(question, n)) };
    question.answer = answer;
    await this.say(response, route, answer, question, n);
  }

  refuse(response, route, { status, message = "scripted failure", retryAfter, body }) {
    const headers = { "content-type": "application/json" };
    if (retryAfter !== undefined) headers["retry-after"] = String(retryAfter);
    response.writeHead(status, headers);
    response.end(body ?? JSON.stringify(errorBody(route.family, status, message)));
  }

  async say(response, route, answer, question, n) {
    if (answer.fault === "hang") return;
    if (answer.fault === "reset") {
      response.destroy();
      return;
    }
    if (answer.beginMs) await sleep(answer.beginMs);
    if (answer.status) {
      this.refuse(response, route, answer);
      return;
    }
    let stream = "";
    const script = this.asWire(route, answer, question, n);
    for (const [name, data] of script) {
      stream += `${name ? `event: ${name}\n` : ""}data: ${typeof data === "string" ? data : JSON.stringify(data)}\n\n`;
    }
    if (answer.raw) {
      await answer.raw({ response, socket: response.socket, stream });
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" });
    response.flushHeaders();
    response.socket?.setNoDelay(true);
    if (answer.fault === "hang after head") return;
    if (answer.fault === "half" || answer.fault === "hang half-way") stream = stream.slice(0, Math.floor(stream.length * 0.6));
    await this.write(response, stream, answer);
    if (answer.fault === "hang half-way") return;
    response.end();
  }

  asWire(route, answer, question, n) {
    const id = `s${n}`;
    /* a structured answer by Anthropic is a forced tool call */
    const isForced = route.wire === "anthropic" && question.wantsJson && answer.text && !answer.calls.length;
    const said = isForced ? { ...answer, text: "", calls: [{ name: question.body.tool_choice.name, args: JSON.parse(answer.text) }] } : answer;
    const text = answer.fault === "huge" ? "word ".repeat((10 << 20) / 5) : said.text;
    const events = [...WRITERS[route.wire]({ ...said, text, words: answer.fault === "huge" ? false : said.words }, question.model, id)];
    if (answer.edit) return answer.edit(events);
    if (answer.fault === "malformed") events.splice(events.length >> 1, 1, [null, '{"broken": tru']);
    if (answer.fault === "error in stream") {
      const error = { type: "overloaded_error", message: "Overloaded" };
      events.splice(events.length >> 1, events.length, [route.wire === "openai_chat" || route.wire === "gemini" ? null : "error",
        route.wire === "anthropic" ? { type: "error", error }
        : route.wire === "openai_responses" ? { type: "error", sequence_number: 9, code: "server_error", message: "Overloaded", param: null }
        : { error: { message: "Overloaded", type: "server_error", code: 503, status: "UNAVAILABLE" } }]);
    }
    return events;
  }

  async write(response, stream, answer) {
    if (answer.hold) {
      const at = stream.lastIndexOf("\n\n", stream.indexOf(answer.hold.before)) + 2;
      response.write(stream.slice(0, at));
      await answer.hold.until;
      response.write(stream.slice(at));
      return;
    }
    const bytes = Buffer.from(stream, "utf8");
    if (!answer.cut || answer.fault === "huge") {
      if (!response.write(bytes)) await Promise.race([once(response, "drain"), once(response, "close")]);
      return;
    }
    if (answer.pauseMs) {
      /* an event at a time, each cut once in an odd place */
      for (const event of stream.split(/(?<=\n\n)/)) {
        if (response.destroyed) return;
        const at = Math.min(answer.cut, event.length);
        response.write(Buffer.from(event).subarray(0, at));
        await sleep(answer.pauseMs);
        response.write(Buffer.from(event).subarray(at));
      }
      return;
    }
    /* pieces of growing odd sizes: inside words, escapes, characters and line ends */
    let size = answer.cut;
    for (let at = 0; at < bytes.length && !response.destroyed; at += size, size = (size * 5 + 3) % 251 + 1) {
      response.write(bytes.subarray(at, at + size));
      if (at % 3 === 0) await sleep(0);
    }
  }
}
