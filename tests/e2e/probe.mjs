// SPDX-License-Identifier: Apache-2.0
//
// Clients that ask without a pause while something is done to a server, and count what went wrong: requests on
// new and on kept connections, and a run over a WebSocket that is resumed when it is closed with 1012.

import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import { setTimeout as pause } from "node:timers/promises";

import WebSocket from "ws";

import { isLast, token, within } from "./server.mjs";

export function get(url, path, agent, method = "GET", body) {
  return new Promise((resolve, reject) => {
    const headers = { authorization: `Bearer ${token}`, ...(body && { "content-type": "application/json" }) };
    const request = http.request(new URL(path, url), { agent, method, headers, timeout: 30_000 }, (answer) => {
      let text = "";
      answer.setEncoding("utf8").on("data", (piece) => (text += piece));
      answer.on("end", () => resolve({ status: answer.statusCode, text }));
      answer.on("error", reject);
    });
    request.on("timeout", () => request.destroy(new Error("30 s without an answer")));
    request.on("error", reject);
    request.end(body);
  });
}

/** Asks until stop() is called, which gives the counts. */
export function probe(url, { agent, path = "/health", every = 10, ...more }) {
  const seen = { asked: 0, failures: [], revisions: new Set() };
  let goes = true;
  const work = (async () => {
    while (goes) {
      seen.asked++;
      try {
        const { status, text } = await get(url, path, agent, more.method, more.body?.(seen.asked));
        if (status >= 400) seen.failures.push(`${status} ${text.slice(0, 200)}`);
        else if (path === "/health") seen.revisions.add(JSON.parse(text).revision);
      } catch (error) {
        seen.failures.push(`${error.code} ${error.message}`);
      }
      if (every) await pause(every);
    }
  })();
  seen.stop = async () => {
    goes = false;
    await work;
    agent?.destroy();
    return seen;
  };
  return seen;
}

/** A run over a WebSocket that is opened again, and resumed, whenever it is closed with 1012. */
export async function resumedRun(url, prompt) {
  const events = [];
  let closes = 0;
  for (let runId; ; ) {
    const ws = new WebSocket(url.replace("http", "ws") + "/ws", ["ag-ui.v1+json"], {
      headers: { authorization: `Bearer ${token}` },
    });
    const over = new Promise((resolve, reject) => {
      ws.on("message", (data) => {
        const event = JSON.parse(String(data));
        runId ??= event.runId;
        if (event.seq !== undefined && event.runId === runId) events.push(event);
        if (events.length && isLast(events.at(-1))) resolve("done");
      });
      ws.on("close", (code) => resolve(code));
      ws.on("error", reject);
    });
    await once(ws, "open");
    if (runId) ws.send(JSON.stringify({ type: "resume", runId, lastSeq: events.at(-1)?.seq ?? 0 }));
    else ws.send(JSON.stringify({ type: "run", prompt }));
    const how = await within(over, "a run or its close");
    ws.close();
    if (how === "done") return { events, closes };
    assert.equal(how, 1012, "a drained server closes with 1012");
    closes++;
  }
}

/** Run after run over WebSockets, each resumed where it was closed with 1012. */
function probeRuns(url) {
  const seen = { asked: 0, closes: 0, failures: [] };
  let goes = true;
  const work = (async () => {
    while (goes) {
      seen.asked++;
      try {
        const { events, closes } = await resumedRun(url, "How can I reduce costs by 20 %?");
        seen.closes += closes;
        assert.equal(events.at(-1).type, "RUN_FINISHED");
        assert.deepEqual(events.map((event) => event.seq), events.map((_, i) => i + 1), "no event is missing");
      } catch (error) {
        seen.failures.push(`a run: ${error.message}`);
      }
    }
  })();
  seen.stop = async () => {
    goes = false;
    await work;
    return seen;
  };
  return seen;
}

/** A WebSocket that nobody closes but the server, with 1012; then it is opened again. */
function holdSocket(url) {
  const seen = { asked: 0, closes: 0, failures: [] };
  let ws;
  let goes = true;
  const work = (async () => {
    while (goes) {
      seen.asked++;
      ws = new WebSocket(url.replace("http", "ws") + "/ws", ["ag-ui.v1+json"], {
        headers: { authorization: `Bearer ${token}` },
      });
      ws.on("error", (error) => seen.failures.push(`a WebSocket: ${error.message}`));
      const [code] = await once(ws, "close");
      if (!goes) return;
      if (code === 1012) seen.closes++;
      else seen.failures.push(`a WebSocket was closed with ${code}`);
    }
  })();
  seen.stop = async () => {
    goes = false;
    ws.close();
    await work;
    return seen;
  };
  return seen;
}

const kept = (more) => ({ agent: new http.Agent({ keepAlive: true }), ...more });
const fresh = (more) => ({ agent: new http.Agent({ keepAlive: false }), ...more });

/**
 * All kinds of clients at once. stop() asserts that no request failed and gives {asked, revisions, threads: how
 * many were made, closes: of WebSockets}.
 */
export class Probes {
  constructor(url) {
    this.health = probe(url, fresh());
    this.threads = probe(url, kept({
      path: "/api/threads",
      method: "POST",
      every: 50,
      body: (n) => JSON.stringify({ title: `thread ${n}` }),
    }));
    this.all = [
      this.health,
      this.threads,
      probe(url, fresh({ every: 0 })),
      probe(url, kept({ every: 0 })),
      probe(url, kept()),
      probe(url, kept({ path: "/api/threads" })),
      probe(url, kept({ every: 300 })),
      probe(url, kept({
        path: "/api/runs",
        method: "POST",
        every: 100,
        body: (n) => JSON.stringify({ prompt: "What do I spend?", run_id: `probe-${n}` }),
      })),
      probeRuns(url),
      holdSocket(url),
    ];
  }

  async stop() {
    const seen = await Promise.all(this.all.map((each) => each.stop()));
    assert.deepEqual(seen.flatMap((each) => each.failures), [], "a request failed");
    return {
      asked: seen.reduce((sum, each) => sum + each.asked, 0),
      revisions: [...this.health.revisions],
      threads: this.threads.asked,
      closes: seen.at(-1).closes,
    };
  }
}

/** Titles of all threads. */
export async function titles(url) {
  const found = [];
  for (let after = ""; after !== null; ) {
    const { status, text } = await get(url, `/api/threads?limit=200${after && `&after=${after}`}`);
    assert.equal(status, 200, text);
    const page = JSON.parse(text);
    found.push(...page.items.map((thread) => thread.title));
    after = page.next;
  }
  return found;
}
