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

import { Probes, get, titles } from "./probe.mjs";
import { token, within } from "./server.mjs";
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
    if (word === "end") this.runs = false;
    return Number(line.split(" ")[1]);
  }

  async begin(name) {
    this.process.stdin.write(`${name}\n`);
    this.pid = await this.line("pid");
    this.runs = true;
  }

  /** SIGTERM; the exit code. */
  async end(signal = "SIGTERM") {
    process.kill(this.pid, signal);
    return this.line("end");
  }

  async close() {
    try {
      if (this.runs) process.kill(this.pid, "SIGKILL"); // a test that failed in the middle
    } catch {
      // it has just ended
    }
    this.process.stdin.end();
    await within(once(this.process, "close"), "the holder");
  }
}

test("three generations on one socket: no request fails, nothing that was stored is lost", () =>
  withTempDir(async (folder) => {
    const holder = await Holder.start(folder);
    try {
      await holder.begin("g1");
      const made = await get(holder.url, "/api/threads", undefined, "POST", JSON.stringify({ title: "before" }));
      assert.equal(made.status, 201, made.text);

      const probes = new Probes(holder.url);
      await pause(500);
      for (const next of ["g2", "g3"]) {
        assert.equal(await holder.end(), 0, holder.err);
        await holder.begin(next);
        await pause(500);
      }
      const seen = await probes.stop();
      assert.ok(seen.asked > 300, `only ${seen.asked} requests were made`);
      assert.deepEqual(seen.revisions, ["g1", "g2", "g3"]);
      assert.ok(seen.closes >= 2, "WebSockets were closed and their runs resumed");
      const kept = await titles(holder.url);
      assert.equal(kept.filter((title) => /^thread \d+$/.test(title)).length, seen.threads, "all that were made");
      assert.ok(kept.includes("before"), "of the first generation");
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
