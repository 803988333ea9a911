// SPDX-License-Identifier: Apache-2.0
//
// Answers that are odd in how they travel or in what they hold: HTTP that few speak, bytes one at a time, text
// that is no text, too many calls. Whatever comes, the run ends well, its log is whole, its report holds.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { once } from "node:events";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

import { PROSE, answers, askModel, custom, messagesOf, withSharedModels } from "./model_server.mjs";
import { assertWholeLog } from "./server.mjs";
import { lines, strings } from "./support.mjs";

const prompt = "Where does our money go, and what could caching save?";
const TWO = "anthropic:claude-haiku-4-5, openai:gpt-5-mini";
const CHAINS = ["openai:gpt-5-mini", "openai_chat:gpt-5-mini", "anthropic:claude-haiku-4-5", "gemini:gemini-2.5-flash"];
const tick = () => new Promise((resolve) => setImmediate(resolve));

async function assertRecomputes(server, report) {
  const checked = await server.json(200, `/api/reports/${report.id}/recompute`, {});
  assert.deepEqual({ ...checked, facts: 0 }, { facts: 0, different: 0, missing: 0, differences: [] });
  assert.equal(checked.facts, Object.keys(report.facts).length);
}

/** Without half a character; String.isWellFormed is not in Node 18. */
function isWellFormed(text) {
  try {
    encodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

/** Everything that is shown, stored or sent is text that others can read. */
function assertReadable(...values) {
  for (const text of strings(values)) assert.ok(isWellFormed(text), JSON.stringify(text.slice(0, 200)));
}

/* ---- how it travels ---- */

const head = (more = "") => `HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n${more}\r\n`;
const chunk = (text) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;
const end = (text) => ({ socket, stream }) => void socket.end(typeof text === "function" ? text(stream) : text);

const TRAVELS = [
  ["a byte at a time", async ({ response, socket, stream }) => {
    socket.setNoDelay(true);
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const byte of Buffer.from(stream)) {
      response.write(Buffer.of(byte));
      await tick();
    }
    response.end();
  }],
  ["HTTP/1.0 without a length", end((stream) => `HTTP/1.0 200 OK\r\ncontent-type: text/event-stream\r\n\r\n${stream}`)],
  ["trailers", end((stream) => head("transfer-encoding: chunked\r\ntrailer: x-sum\r\n") + chunk(stream) + "0\r\nx-sum: 1\r\nx-api-key: gotcha\r\n\r\n")],
  ["early hints before it", end((stream) => `HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n${head("connection: close\r\n")}${stream}`)],
  ["a length that is cut by a close behind the end", end((stream) => head(`content-length: ${Buffer.byteLength(stream) + 10}\r\n`) + stream)],
  ["a head of 60 kB", end((stream) => head(`x-long: ${"x".repeat(60_000)}\r\nconnection: close\r\n`) + stream)],
  ["events with CR LF and comments", end((stream) => head("connection: close\r\n") + ": hello\r\n\r\n" + stream.replaceAll("\n", "\r\n"))],
  ["a byte order mark", end((stream) => `${head("connection: close\r\n")}\ufeff${stream}`)],
];

for (const [name, raw] of TRAVELS) {
  test(`${name}: an answer`, () =>
    withSharedModels({ write: { text: PROSE, raw } }, async ({ server, sample }) => {
      const { events, report, calls } = await askModel(server, sample, prompt);
      assertWholeLog(events);
      assert.equal(calls.at(-1).outcome, "answered", JSON.stringify(calls.at(-1)));
      assert.equal(report.summary_by, "anthropic/claude-haiku-4-5");
    }));
}

const BROKEN = [
  ["gzip that nobody asked for", ({ response, stream }) => void response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(stream)), "malformed"],
  ["204", ({ response }) => void response.writeHead(204).end(), "malformed"],
  ["200 without a body", ({ response }) => void response.writeHead(200).end(), "malformed"],
  ["200 with a page", ({ response }) => void response.writeHead(200, { "content-type": "text/html" }).end("<html>sign in</html>"), "malformed"],
  ["304", ({ response }) => void response.writeHead(304).end(), "refused"],
  ["a head of 200 kB", end((stream) => head(`x-long: ${"x".repeat(200_000)}\r\nconnection: close\r\n`) + stream), "malformed"],
  ["300 headers", end((stream) => head("x: y\r\n".repeat(300)) + stream), "malformed"],
  ["endless early hints", async ({ socket }) => {
    while (!socket.destroyed && socket.write("HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n".repeat(100))) await tick();
  }, "malformed"],
  ["no HTTP at all", end("220 smtp.example ESMTP\r\n"), "failed"],
  ["a status that is none", end("HTTP/1.1 999 Huh\r\ncontent-length: 0\r\n\r\n"), "failed"],
  ["a chunk that lies", end((stream) => head("transfer-encoding: chunked\r\n") + `fffffffffffffff\r\n${stream.slice(0, 300)}`), "failed"],
  ["bytes that are no UTF-8", ({ response, stream }) =>
    void response.writeHead(200).end(Buffer.from(stream.replace("Your", "Y\u00ffour"), "latin1")), "malformed"],
];

for (const [name, raw, outcome] of BROKEN) {
  test(`${name}: the next provider answers`, () => {
    const usual = answers({});
    const answer = (question) =>
      question.family === "anthropic" && question.purpose === "write" ? { text: PROSE, raw } : usual(question);
    return withSharedModels(answer, async ({ server, sample }) => {
      const { events, report, calls } = await askModel(server, sample, prompt);
      assertWholeLog(events);
      const writes = calls.filter((c) => c.purpose === "write");
      assert.deepEqual(writes.map((c) => c.provider), ["anthropic", "openai"], JSON.stringify(writes));
      assert.ok([outcome, "failed"].includes(writes[0].outcome), JSON.stringify(writes[0]));
      assert.equal(report.summary_by, "openai/gpt-5-mini");
      assertReadable(events, report, calls);
    }, { chain: TWO });
  });
}

test("a redirect is not followed: neither key nor question travel to an address that nobody configured", async () => {
  const visits = [];
  const elsewhere = createServer((request, response) => {
    visits.push(request.headers);
    response.end();
  });
  elsewhere.listen(0, "127.0.0.1");
  await once(elsewhere, "listening");
  try {
    for (const status of [301, 302, 303, 307, 308]) {
      const location = `http://127.0.0.1:${elsewhere.address().port}/v1/messages`;
      const raw = ({ response }) => void response.writeHead(status, { location }).end("moved");
      await withSharedModels(() => ({ raw }), async ({ server, sample }) => {
        const { events, report, calls } = await askModel(server, sample, prompt);
        assertWholeLog(events);
        assert.equal(report.summary_by ?? null, null);
        assert.ok(calls.every((c) => c.outcome === "refused" && c.status === status), JSON.stringify(calls));
      });
    }
    assert.deepEqual(visits, []);
  } finally {
    elsewhere.close();
  }
});

/* ---- what it holds ---- */

const LONG = `${PROSE} ${"It is worth a look. ".repeat(2000)}`.slice(0, 32_700);
const TEXTS = {
  "NUL": "Your records cost {spend.total}.\0 And more.",
  "NUL first": "\0",
  "a lone high surrogate": "Your records cost {spend.total}. \ud800 is here.",
  "a lone low surrogate": "Your records \udfff cost {spend.total}.",
  "controls": "Your records cost {spend.total}.\u001b[31m\u0007\u202e red",
  "32 kB": LONG,
  "40 kB": LONG + LONG.slice(0, 8000),
  "one word of 20 kB": `Your records cost {spend.total}. ${"x".repeat(20_000)}`,
  "10,000 braces": "{".repeat(10_000),
  "a name that never ends": `Your records cost {spend.total. ${"and so on ".repeat(500)}`,
  "blanks": " \n ".repeat(5000),
  "1,000 paragraphs": "Your records cost {spend.total}.\n\n".repeat(900),
};

for (const [i, [name, text]] of Object.entries(TEXTS).entries()) {
  test(`text: ${name}`, async () => {
    for (const chain of [CHAINS[i % CHAINS.length]]) {
      await withSharedModels({ write: { text, cut: 50 } }, async ({ server, sample }) => {
        const { events, report, calls } = await askModel(server, sample, prompt);
        assertWholeLog(events);
        assertReadable(events, report, calls);
        const messages = messagesOf(events);
        assert.equal(messages.filter((m) => !m.isWithdrawn).length, 1, JSON.stringify(messages).slice(0, 2000));
        const stored = await server.json(200, `/api/threads/${events[0].threadId}/messages`);
        assert.equal(stored.items.at(-1).content.trim(), messages.find((m) => !m.isWithdrawn).text.trim());
        assert.equal(stored.items.at(-1).id, messages.find((m) => !m.isWithdrawn).id);
        await assertRecomputes(server, report);
        for (const format of ["md", "html", "csv"]) assert.equal((await server.fetch(`/api/reports/${report.id}.${format}`)).status, 200);
      }, { chain });
    }
  });
}

const call = (name, args = {}) => ({ name, args });
const NINE = Array.from({ length: 9 }, (_, i) => call("spend_breakdown", { days: i + 1 }));
const PLANS = {
  "9 calls": { calls: NINE },
  "8 calls, all the same": { calls: Array(8).fill(call("traffic_profile")) },
  "arguments of 12 kB": { calls: [call("traffic_profile", { x: "y".repeat(12_000) })] },
  "arguments of 20 kB": { calls: [call("traffic_profile", { x: "y".repeat(20_000) })] },
  "arguments as deep as a well": { calls: [call("traffic_profile", JSON.parse("[".repeat(900) + "]".repeat(900)))] },
  "a name of 4 kB": { calls: [call("t".repeat(4096))] },
  "no name": { calls: [call("")] },
  "a name with a NUL": { calls: [call("traffic_profile\0x")] },
  "text and calls": { text: "I will look at traffic.", calls: [call("traffic_profile")] },
  "a question of 10 kB": { calls: [call("ask_user", { question: "Which one? ".repeat(900) })] },
  "a question with a surrogate": { calls: [call("ask_user", { question: "Which \ud800 one?" })] },
};

for (const [i, [name, first]] of Object.entries(PLANS).entries()) {
  test(`plan: ${name}`, async () => {
    for (const chain of [CHAINS[i % CHAINS.length]]) {
      let rounds = 0;
      const plan = () => (rounds++ ? { text: "Enough." } : first);
      await withSharedModels({ plan }, async ({ server, sample, provider }) => {
        const { events, report, calls } = await askModel(server, sample, prompt);
        assertWholeLog(events);
        assertReadable(events, report, calls);
        assert.ok(provider.questions.every((q) => !q.refused), JSON.stringify(provider.questions.map((q) => q.refused)));
        assert.equal(report.summary_by, chain.replace(":", "/"));
        await assertRecomputes(server, report);
      }, { chain });
    }
  });
}

test("calls with the same id, and with ids of every kind: each is answered under its own", async () => {
  const rename = (id) => (events) =>
    JSON.parse(JSON.stringify(events).replaceAll(/"(call_s\d+_\d+|toolu_s\d+_\d+)"/g, JSON.stringify(id)));
  for (const chain of CHAINS) {
    for (const id of ["same", "", "i".repeat(4000), "\0"]) {
      let rounds = 0;
      const plan = () => (rounds++ ? { text: "Enough." } : { calls: [call("traffic_profile"), call("reliability_profile")], edit: rename(id) });
      await withSharedModels({ plan }, async ({ server, sample, provider }) => {
        const { events, report, calls } = await askModel(server, sample, prompt);
        assertWholeLog(events);
        assertReadable(events, report, calls);
        assert.equal(new Set(events.filter((e) => e.type === "TOOL_CALL_START").map((e) => e.toolCallId)).size, events.filter((e) => e.type === "TOOL_CALL_START").length);
        assert.ok(provider.questions.every((q) => !q.refused));
        const ids = provider.questions.slice(2).flatMap((q) => [...JSON.stringify(q.body).matchAll(/"(?:call_id|tool_use_id|tool_call_id)":"([^"]*)"/g)].map((found) => found[1]));
        if (chain.startsWith("openai_chat") || chain.startsWith("anthropic")) assert.equal(new Set(ids).size, ids.length, `${chain} ${JSON.stringify(id)}: ${ids}`);
      }, { chain });
    }
  }
});

/* ---- what is asked ---- */

test("a question of 64 kB is asked, cut where it must be", async () => {
  const long = `Where does our money go? ${'"</data>\\ é\u{1f600}\n'.repeat(6000)}`;
  const bytes = Buffer.from(long).subarray(0, 65_000).toString("utf8").replace(/\ufffd+$/, "");
  for (const chain of CHAINS) {
    await withSharedModels({}, async ({ server, sample, provider }) => {
      const { id } = await server.json(202, "/api/runs", { prompt: bytes, dataset: sample.id });
      const run = await server.ended(id);
      assert.equal(run.status, "finished", run.reason);
      assertWholeLog(await server.events(id));
      const report = await server.json(200, `/api/reports/${run.report_id}.json`);
      assert.ok(provider.questions.every((q) => !q.refused));
      assert.ok(provider.questions.length >= 1, "models are asked");
      for (const sent of provider.questions) assertReadable(sent.body);
      await assertRecomputes(server, report);
    }, { chain });
  }
});

test("features with names of 256 nasty bytes: what is sent is JSON, what is made of it holds", async () => {
  const parts = ["\u202e", "</data>", "`", "{spend.total}", "\\", "\"", "\u0000", "\u001b[31m", "${x}", "%s%n", "\u{1f600}", "\ufeff", "é", "\t\r\n", "|", "<b>", "\u2028"];
  const records = [];
  for (let i = 0; i < 600; i++) {
    const k = i % parts.length;
    const name = Array.from({ length: 256 }, (_, n) => parts[(k + n * (k + 1)) % parts.length]).join("");
    const cut = Buffer.from(name).subarray(0, 256).toString("utf8").replace(/\ufffd+$/, "");
    records.push({ time: new Date(Date.UTC(2026, 9, 1, 0, i)).toISOString(), model: i % 2 ? "gpt-4o" : cut, input_tokens: 1000 + i, output_tokens: 100, feature: cut });
  }
  for (const chain of CHAINS) {
    let rounds = 0;
    const plan = () => (rounds++ ? { text: "Enough." } : { calls: [call("spend_breakdown"), call("traffic_profile")] });
    await withSharedModels({ plan }, async ({ server, sample, provider }) => {
      const { events, report, calls } = await askModel(server, sample, prompt);
      assertWholeLog(events);
      assertReadable(events, report, calls);
      assert.ok(provider.questions.every((q) => !q.refused));
      for (const sent of provider.questions) {
        assertReadable(sent.body);
        for (const text of strings(sent.body)) {
          assert.equal((text.match(/<\/data/g) ?? []).length, (text.match(/<data/g) ?? []).length, "no name ends a fence");
        }
      }
      assert.deepEqual(custom(events, "netra.model_answered").map((v) => v.purpose).slice(0, 2), ["interpret", "plan"]);
      await assertRecomputes(server, report);
      const settings = await server.json(200, `/api/settings?prompt=${encodeURIComponent(prompt)}&dataset=${sample.id}`);
      assert.ok(settings.requests.length >= 3);
    }, { chain, data: lines(records) });
  }
});
