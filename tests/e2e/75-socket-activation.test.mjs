// SPDX-License-Identifier: Apache-2.0
//
// A listening socket that outlives the processes that serve it: generations of the server take it over one
// after the other (LISTEN_FDS), with the same data folder, while clients on new and on kept connections ask
// all the time. No request may fail, and what the first generation stored is there in the last one.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import WebSocket from "ws";

import { isLast, token, within } from "./server.mjs";
import { netra, withTempDir } from "./support.mjs";

// Opens a socket, and starts the program with it as descriptor 3 each time it reads a line. Python, because a
// process must be told its own id (LISTEN_PID) before it runs the program.
const HOLDER = `
import os, socket, sys, signal
binary, folder, count, kind = sys.argv[1], sys.argv[2], sys.argv[3], sys.argv[4]
if kind == "unix":
    listener = socket.socket(socket.AF_UNIX); listener.bind(folder + "/s"); listener.listen()
elif kind == "udp":
    listener = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); listener.bind(("127.0.0.1", 0))
elif kind == "deaf":
    listener = socket.socket(); listener.bind(("127.0.0.1", 0))
else:
    listener = socket.socket(); listener.bind(("0.0.0.0" if kind == "all" else "127.0.0.1", 0)); listener.listen(1024)
print("port", listener.getsockname()[1] if kind != "unix" else 0, flush=True)
for line in sys.stdin:
    pid = os.fork()
    if pid == 0:
        os.dup2(listener.fileno(), 3); os.set_inheritable(3, True)
        env = dict(os.environ, LISTEN_PID=str(os.getpid() + (1 if kind == "other" else 0)), LISTEN_FDS=count)
        os.dup2(2, 1)
        os.execve(binary, [binary, "serve", "--data-dir", folder + "/data", "--listen", "127.0.0.1:0",
                           "--set", "revision=" + line.strip()], env)
    print("pid", pid, flush=True)
    _, status = os.waitpid(pid, 0)
    print("end", os.waitstatus_to_exitcode(status), flush=True)
`;

class Holder {
  static async start(folder, { count = "1", kind = "tcp" } = {}) {
    const holder = new Holder();
    holder.process = spawn("python3", ["-c", HOLDER, netra, folder, count, kind], {
      env: { ...process.env, NETRA_TOKEN: token },
      stdio: ["pipe", "pipe", "pipe"],
    });
    holder.err = "";
    holder.process.stderr.setEncoding("utf8").on("data", (piece) => (holder.err += piece));
    holder.lines = [];
    holder.waiting = undefined;
    let rest = "";
    holder.process.stdout.setEncoding("utf8").on("data", (piece) => {
      const lines = (rest + piece).split("\n");
      rest = lines.pop();
      holder.lines.push(...lines);
      holder.waiting?.();
    });
    holder.port = await holder.line("port");
    holder.url = `http://127.0.0.1:${holder.port}`;
    return holder;
  }

  /** The number behind the next line's word. */
  async line(word) {
    const come = async () => {
      while (!this.lines.length) await new Promise((resolve) => (this.waiting = resolve));
      return this.lines.shift();
    };
    const line = await within(come(), `"${word}" of the holder\n${this.err}`);
    assert.match(line, new RegExp(`^${word} `), this.err);
    return Number(line.split(" ")[1]);
  }

  async begin(name) {
    this.process.stdin.write(`${name}\n`);
    this.pid = await this.line("pid");
  }

  /** SIGTERM; the exit code. */
  async end(signal = "SIGTERM") {
    process.kill(this.pid, signal);
    return this.line("end");
  }

  async close() {
    this.process.stdin.end();
    await within(once(this.process, "close"), "the holder");
  }
}

function get(url, path, agent, method = "GET", body) {
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
function probe(url, { agent, path = "/health", every = 10, ...more }) {
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
async function resumedRun(url, prompt, opened) {
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
    opened?.(ws);
    if (runId) ws.send(JSON.stringify({ type: "subscribe", runId, after: events.at(-1)?.seq ?? 0 }));
    else ws.send(JSON.stringify({ type: "run", prompt }));
    const how = await within(over, "a run or its close");
    ws.close();
    if (how === "done") return { events, closes };
    assert.equal(how, 1012, "a drained server closes with 1012");
    closes++;
  }
}

test("three generations on one socket: no request fails, nothing that was stored is lost", () =>
  withTempDir(async (folder) => {
    const holder = await Holder.start(folder);
    try {
      await holder.begin("g1");
      const made = await get(holder.url, "/api/threads", undefined, "POST", JSON.stringify({ title: "before" }));
      assert.equal(made.status, 201, made.text);

      const probes = [
        probe(holder.url, { agent: new http.Agent({ keepAlive: false }), every: 0 }),
        probe(holder.url, { agent: new http.Agent({ keepAlive: false }) }),
        probe(holder.url, { agent: new http.Agent({ keepAlive: true, maxSockets: 1 }), every: 0 }),
        probe(holder.url, { agent: new http.Agent({ keepAlive: true }) }),
        probe(holder.url, { agent: new http.Agent({ keepAlive: true }), path: "/api/threads" }),
        probe(holder.url, {
          agent: new http.Agent({ keepAlive: true }),
          path: "/api/threads",
          method: "POST",
          every: 20,
          body: (n) => JSON.stringify({ title: `thread ${n}` }),
        }),
        probe(holder.url, {
          agent: new http.Agent({ keepAlive: true }),
          path: "/api/runs",
          method: "POST",
          every: 100,
          body: (n) => JSON.stringify({ prompt: "What do I spend?", run_id: `probe-${n}` }),
        }),
      ];
      await pause(500);
      for (const next of ["g2", "g3"]) {
        const run = resumedRun(holder.url, "How can I reduce costs by 20 %?");
        await pause(20);
        assert.equal(await holder.end(), 0, holder.err);
        await holder.begin(next);
        const { events } = await run;
        assert.equal(events.at(-1).type, "RUN_FINISHED");
        assert.deepEqual(events.map((event) => event.seq), events.map((_, i) => i + 1), "no event is missing");
        await pause(500);
      }
      const seen = await Promise.all(probes.map((each) => each.stop()));
      assert.deepEqual(seen.flatMap((each) => each.failures), []);
      const asked = seen.reduce((sum, each) => sum + each.asked, 0);
      assert.ok(asked > 1000, `only ${asked} requests were made`);
      assert.deepEqual([...seen[1].revisions], ["g1", "g2", "g3"]);

      const threads = await get(holder.url, "/api/threads?limit=200");
      const kept = JSON.parse(threads.text).items.length;
      assert.ok(kept >= Math.min(200, seen[5].asked), `${kept} threads of ${seen[5].asked} are there`);
      const thread = JSON.parse(made.text);
      assert.equal((await get(holder.url, `/api/threads/${thread.id}`)).status, 200, "of the first generation");
      for (let n = 1; n <= seen[6].asked; n++) {
        const run = await get(holder.url, `/api/runs/probe-${n}`);
        assert.equal(run.status, 200, `run ${n}: ${run.text}`);
      }
      assert.equal(await holder.end(), 0, holder.err);
    } finally {
      await holder.close();
    }
  }));

test("an idle kept connection is answered once more within the grace, then closed", () =>
  withTempDir(async (folder) => {
    const holder = await Holder.start(folder);
    try {
      await holder.begin("g1");
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      assert.equal((await get(holder.url, "/health", agent)).status, 200);
      process.kill(holder.pid, "SIGTERM");
      await pause(100);
      const request = http.get(new URL("/health", holder.url), { agent });
      const [answer] = await within(once(request, "response"), "an answer on the kept connection");
      assert.equal(request.reusedSocket, true, "it is the connection of before");
      assert.equal(answer.statusCode, 200, "others will serve: health says nothing of the end");
      assert.equal(answer.headers.connection, "close");
      answer.resume();
      assert.equal(await holder.line("end"), 0, holder.err);
      agent.destroy();
    } finally {
      await holder.close();
    }
  }));

const REFUSED = [
  ["more than one socket", { count: "2" }, /LISTEN_FDS=2: one socket is served/],
  ["no number", { count: "1x" }, /LISTEN_FDS=1x/],
  ["a UNIX socket", { kind: "unix" }, /not a TCP socket that listens/],
  ["a UDP socket", { kind: "udp" }, /not a TCP socket that listens/],
  ["a socket that does not listen", { kind: "deaf" }, /not a TCP socket that listens/],
  ["an address beyond loopback in local mode", { kind: "all" }, /will not listen on 0\.0\.0\.0:\d+/],
];

for (const [what, options, message] of REFUSED) {
  test(`refused: ${what}`, () =>
    withTempDir(async (folder) => {
      const holder = await Holder.start(folder, options);
      try {
        await holder.begin("g1");
        assert.equal(await holder.line("end"), 2, holder.err);
        assert.match(holder.err, message);
      } finally {
        await holder.close();
      }
    }));
}

test("variables that are meant for another process are not taken", () =>
  withTempDir(async (folder) => {
    const holder = await Holder.start(folder, { kind: "other" });
    try {
      await holder.begin("g1");
      while (!/listening: /.test(holder.err)) await pause(10);
      const url = /listening: (\S+)/.exec(holder.err)[1];
      assert.notEqual(new URL(url).port, String(holder.port));
      assert.equal((await get(url, "/health")).status, 200);
      assert.equal(await holder.end(), 0);
    } finally {
      await holder.close();
    }
  }));
