// SPDX-License-Identifier: Apache-2.0
//
// What tests of `netra diagnose` need: a process that is started as a target of `netra deploy` starts it (its log in a
// file, its life and end in a process file), certificates with a fault, proxies with a fault, and the diagnosis itself,
// checked for what every diagnosis must be: at most five whys, each of them citing observations that are there.

import assert from "node:assert/strict";
import { execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { token, within } from "./server.mjs";
import { netra } from "./support.mjs";

export const isRoot = process.getuid() === 0;
export const needsRoot = { skip: isRoot ? false : "needs root: mounts, another user, another root folder" };
const NOBODY = 65534;
const START_MS = 60_000;

/** A port that nobody has, for servers that must have the same one as another. */
export async function freePort() {
  const server = net.createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

/** Runs `netra diagnose`; the object that it prints. */
export async function diagnose(options, { env = {}, wrap = [] } = {}) {
  const words = Object.entries(options).flatMap(([key, value]) => [`--${key}`, String(value)]);
  const [program, ...args] = [...wrap, netra, "diagnose", ...words, "--json"];
  const all = { ...process.env, NETRA_TOKEN: "", ...env };
  const { code, out, err } = await new Promise((resolve, reject) => {
    execFile(program, args, { env: all, maxBuffer: 16 << 20, timeout: 60_000 }, (error, stdout, stderr) => {
      if (error && typeof error.code !== "number") reject(error);
      else resolve({ code: error?.code ?? 0, out: stdout, err: stderr });
    });
  });
  assert.ok([0, 4].includes(code), `netra diagnose ${words.join(" ")}: exit ${code}\n${err}`);
  const found = JSON.parse(out);
  assertWellFormed(found, code);
  return found;
}

function assertWellFormed(found, code) {
  const ids = new Set(found.observations.map((o) => o.id));
  assert.equal(ids.size, found.observations.length, "every observation has an id of its own");
  for (const { symptom, symptom_cite: cite, whys, cause, fix, needs } of found.diagnoses) {
    assert.ok(symptom && ids.has(cite), symptom);
    assert.ok(whys.length <= 5, symptom);
    for (const why of whys) {
      assert.ok(why.because && !/[{}]/.test(why.because), `a sentence that is filled: ${why.because}`);
      assert.ok(why.cites.length >= 1 && why.cites.every((id) => ids.has(id)), why.because);
    }
    if (cause === null) assert.ok(needs && !fix, `${symptom}: unknown says what it needs`);
    else assert.ok(whys.length > 0 && fix && needs === undefined, `${symptom}: a cause has whys and a fix`);
  }
  assert.equal(code, found.diagnoses.some((d) => d.cause === null) ? 4 : 0, "the exit code says whether something is unknown");
  assert.ok(!JSON.stringify(found).includes(token), "no token in it");
}

const told = (found) => JSON.stringify(found.diagnoses, null, 1) + JSON.stringify(found.observations);

/** The chain that ends at cause; its last why cites an observation of each [kind, pattern of "subject: value"]. */
export function assertCause(found, cause, ...cites) {
  const chain = found.diagnoses.find((d) => d.cause === cause);
  assert.ok(chain, `${cause} is not among ${told(found)}`);
  const cited = chain.whys.flatMap((why) => why.cites).map((id) => found.observations.find((o) => o.id === id));
  for (const [kind, pattern] of cites) {
    assert.ok(cited.some((o) => o.kind === kind && pattern.test(`${o.subject}: ${o.value}`)), `${cause} cites no ${kind} ${pattern}: ${told(found)}`);
  }
  return chain;
}

export const only = (found, cause, ...cites) => {
  const chain = assertCause(found, cause, ...cites);
  assert.equal(found.diagnoses.length, 1, `nothing but ${cause}: ${told(found)}`);
  return chain;
};

/** A folder of its own for one test, with what it started; everything ends with it. */
export class Place {
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "netra-diag-"));
    this.endings = [];
  }

  static async with(fn) {
    const place = new Place();
    try {
      return await fn(place);
    } finally {
      for (const end of place.endings.reverse()) await end();
      rmSync(place.folder, { recursive: true, force: true });
    }
  }

  path(name) {
    return join(this.folder, name);
  }

  write(name, text, mode) {
    writeFileSync(this.path(name), text, { mode });
    return this.path(name);
  }

  onEnd(fn) {
    this.endings.push(fn);
  }

  /** A file system of its own, of so many bytes; root only. */
  mount(name, options) {
    mkdirSync(this.path(name), { recursive: true });
    execFileSync("mount", ["-t", "tmpfs", "-o", options, "tmpfs", this.path(name)]);
    this.onEnd(() => execFileSync("umount", ["-l", this.path(name)]));
    return this.path(name);
  }

  /**
   * Starts `netra serve`, or `program` with args, as a target does. more: args, env, port, config, data, uid, limit
   * (options of prlimit), facts (more members of the process file).
   */
  async serve({ args = [], env = {}, port, data, uid, limit, facts = {}, program, isUp = true, prefix = [] } = {}) {
    const n = (this.count = (this.count ?? 0) + 1);
    const one = { data: data ?? this.path(`data${n}`), log: this.path(`log${n}`), file: this.path(`process${n}.json`) };
    one.port = port ?? (await freePort());
    one.url = `http://127.0.0.1:${one.port}`;
    const words = program ?? [netra, "serve", "--listen", `127.0.0.1:${one.port}`, "--data-dir", one.data, ...args];
    const all = [...prefix, ...(limit ? ["prlimit", ...limit] : []), ...words];
    const log = openSync(one.log, "a", 0o600);
    const child = spawn(all[0], all.slice(1), {
      env: { ...process.env, HOME: this.folder, XDG_CONFIG_HOME: "", NETRA_TOKEN: token, ...env },
      stdio: ["ignore", log, log],
      ...(uid === undefined ? {} : { uid, gid: uid }),
    });
    closeSync(log);
    one.process = child;
    one.facts = { pid: child.pid, started_at: new Date().toISOString(), ...facts };
    const write = () => writeFileSync(one.file, JSON.stringify(one.facts));
    write();
    one.exited = once(child, "exit").then(([code, signal]) => {
      const numbers = { SIGKILL: 9, SIGSEGV: 11, SIGTERM: 15, SIGABRT: 6 };
      Object.assign(one.facts, { ended_at: new Date().toISOString() }, signal ? { signal: numbers[signal] } : { exit_status: code });
      write();
    });
    one.write = write;
    one.text = () => readFileSync(one.log, "utf8");
    one.stop = async (signal = "SIGTERM") => {
      if (child.exitCode === null && child.signalCode === null) child.kill(signal);
      await within(one.exited, `the end after ${signal}`);
    };
    this.onEnd(async () => {
      await one.stop("SIGKILL");
      if (![6, 11].includes(one.facts.signal)) assert.doesNotMatch(one.text(), /Sanitizer|runtime error:|check failed/);
    });
    if (isUp) await within(this.#listening(one), "the start", START_MS);
    else await within(one.exited, "the failed start", START_MS);
    one.all = { "process-file": one.file, "log-file": one.log };
    return one;
  }

  async #listening(one) {
    while (!/^listening: /m.test(one.text())) {
      assert.equal(one.process.exitCode, null, `it ended:\n${one.text()}`);
      await pause(20);
    }
  }

  /** A plain server of this test's; ends with it. */
  async listen(server, port = 0) {
    server.listen(port, "127.0.0.1");
    await once(server, "listening");
    const sockets = new Set();
    server.on("connection", (socket) => sockets.add(socket) && socket.on("error", () => {}));
    this.onEnd(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return server.address().port;
  }

  /** A proxy in front of a server: forward(request) says what is passed on, or nothing. */
  proxy(target, { headers = (h) => h, answer = (h) => h, delayMs = 0, status } = {}) {
    return this.listen(
      http.createServer(async (request, response) => {
        if (status) return void response.writeHead(status).end("bad gateway");
        await pause(delayMs);
        const host = `127.0.0.1:${target}`;
        const passed = http.request({ host: "127.0.0.1", port: target, path: request.url, method: request.method, headers: { ...headers({ ...request.headers }), host } });
        passed.on("response", (got) => {
          response.writeHead(got.statusCode, answer(got.headers));
          got.pipe(response);
        });
        passed.on("error", () => response.destroy());
        request.pipe(passed);
      }),
    );
  }

  /** Opens count connections that stay. */
  async hold(port, count) {
    const sockets = Array.from({ length: count }, () => net.connect(port, "127.0.0.1").on("error", () => {}));
    this.onEnd(() => sockets.forEach((s) => s.destroy()));
    await Promise.all(sockets.map((s) => within(once(s, "connect"), "a connection")));
    return sockets;
  }
}

export const asNobody = isRoot ? NOBODY : undefined;
/** A checkout below /root cannot be entered by anybody else. */
export const blocked =
  isRoot && spawnSync(netra, ["version"], { uid: NOBODY, gid: NOBODY }).status !== 0 ? "another user cannot reach the program" : false;

const CA_CONFIG = (folder) => `
[ca]
default_ca = here
[here]
dir = ${folder}
new_certs_dir = ${folder}
database = ${folder}/index.txt
serial = ${folder}/serial
default_md = sha256
policy = any
unique_subject = no
copy_extensions = copy
[any]
commonName = supplied
`;

/** An authority whose certificates may have any validity and name. */
export class FaultyAuthority {
  constructor(folder) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    this.file = join(folder, "ca.pem");
    this.#run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=a test's authority", "-keyout", join(folder, "ca.key"), "-out", this.file);
    writeFileSync(join(folder, "ca.cnf"), CA_CONFIG(folder));
    writeFileSync(join(folder, "index.txt"), "");
    writeFileSync(join(folder, "serial"), "1000\n");
  }

  #run(...args) {
    execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
  }

  /** {cert, key}: valid from and to are days from now. */
  issue(name, { from = -1, to = 30, names = "DNS:localhost,IP:127.0.0.1" } = {}) {
    const at = (end) => join(this.folder, `${name}.${end}`);
    const day = (n) => new Date(Date.now() + n * 86_400_000).toISOString().replace(/[-:T]/g, "").slice(0, 14) + "Z";
    this.#run("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=test", "-addext", `subjectAltName=${names}`, "-keyout", at("key"), "-out", at("csr"));
    this.#run("ca", "-batch", "-config", join(this.folder, "ca.cnf"), "-cert", this.file, "-keyfile", join(this.folder, "ca.key"), "-startdate", day(from), "-enddate", day(to), "-in", at("csr"), "-out", at("pem"), "-notext");
    assert.ok(existsSync(at("pem")));
    return { cert: at("pem"), key: at("key") };
  }
}
