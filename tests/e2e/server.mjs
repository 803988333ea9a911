// SPDX-License-Identifier: Apache-2.0
//
// A real `netra serve` for a test: port 0, a data folder of its own, a token; stopped whatever happens. And the
// few ways in which tests talk to it: fetch with the token, WebSockets that collect events, event streams.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

import WebSocket from "ws";

import { netra } from "./support.mjs";

export const token = "e2e-token-0123456789abcdef";
/** What seals the signing keys of servers in accounts mode. */
export const authSecret = "e2e-secret-0123456789abcdef-0123456789abcdef";
const START_MS = 60_000;
const WAIT_MS = 60_000;

// What a sanitizer, a check() that fails or libuv's own asserts write: never part of a good day.
const REPORT = /ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:|check failed|Assertion .* failed/;

/** Fails a test that waits for ever, and says for what. */
export async function within(promise, what, ms = WAIT_MS) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing in ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Accounts mode, with limits that no test meets by its own speed. */
const wideOpen = {
  "auth.mode": "accounts",
  "limit.address_per_s": 100000,
  "limit.user_per_s": 100000,
  "limit.key_per_s": 100000,
  "limit.costly_per_min": 100000,
  "limit.secret_per_min": 100000,
};

/** Keys of the configuration as flags. */
const flags = (keys) => Object.entries(keys).flatMap(([key, value]) => ["--set", `${key}=${value}`]);

export class Server {
  /** options.folder: a data folder that outlives the server; options.args: more flags; options.listen: else port 0. */
  static async start(options = {}) {
    const server = new Server();
    server.folder = options.folder ?? mkdtempSync(join(tmpdir(), "netra-serve-"));
    server.ownsFolder = !options.folder;
    server.log = "";
    server.report = "";
    const args = ["serve", "--listen", options.listen ?? "127.0.0.1:0", "--data-dir", server.folder, ...(options.args ?? [])];
    server.process = spawn(netra, args, {
      env: { ...process.env, NETRA_TOKEN: token, ...options.env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    server.exited = once(server.process, "exit");
    server.process.stderr.setEncoding("utf8").on("data", (piece) => server.hear(piece));
    server.logged = once(server.process.stderr, "close");
    const lines = createInterface({ input: server.process.stdout });
    const ready = (async () => {
      for await (const line of lines) {
        const found = /^(listening|sign in): (\S+)$/.exec(line);
        if (found?.[1] === "listening") server.url = found[2];
        if (found?.[1] === "sign in") {
          server.signIn = found[2];
          return;
        }
      }
      throw new Error(`netra serve ended before it listened:\n${server.log}`);
    })();
    try {
      await within(ready, "netra serve", START_MS);
    } catch (error) {
      await server.stop("SIGKILL");
      throw error;
    }
    server.port = Number(new URL(server.url).port);
    return server;
  }

  /**
   * The same with accounts. Limits that a test could meet by its own speed are wide open; options.keys sets
   * keys of the configuration over that: {"auth.access_token_s": 10}.
   */
  static startAccounts({ keys = {}, ...options } = {}) {
    const args = flags({ ...wideOpen, ...keys });
    const env = { NETRA_AUTH_SECRET: authSecret, ...options.env };
    return Server.start({ ...options, env, args: [...args, ...(options.args ?? [])] });
  }

  /** The first admin, through the link that the server printed. */
  async setUp({ email = "ada@example.org", name = "Ada", password = "correct horse battery" } = {}) {
    const code = new URL(this.signIn).searchParams.get("setup");
    assert.ok(code, `the server prints a link for the first admin, not ${this.signIn}`);
    const grant = await this.open(201, "/auth/register", { code, email, name, password });
    return new Person(this, grant, { email, name, password });
  }

  /** fetch without a credential, JSON in and out; the status must be the one named. */
  open(status, path, body, options = {}) {
    return this.json(status, path, body, { ...options, headers: { authorization: "", ...options.headers } });
  }

  /** A person who signs in with a password. */
  async signInAs({ email, password, ...more }) {
    const grant = await this.open(200, "/auth/login", { email, password, ...more });
    return new Person(this, grant, { email, password, name: grant.user.name });
  }

  /** fn(server); the server is stopped and its folder removed whatever happens. */
  static async with(fn, options, start = Server.start) {
    const server = await start(options);
    try {
      return await fn(server);
    } finally {
      await server.stop();
      server.remove();
    }
  }

  /**
   * Ends the process; the exit code, or the signal. One that was asked to stop must end with `code`, and no
   * process may have reported a bug of its own.
   */
  async stop(signal = "SIGTERM", { code: expected = 0 } = {}) {
    const wasAsked = this.process.exitCode === null && this.process.signalCode === null;
    if (wasAsked) this.process.kill(signal);
    const [code, by] = await within(this.exited, `netra serve after ${signal}`, 60_000);
    await within(this.logged, "the end of the log", 30_000);
    assert.equal(this.report, "", "the server reported a bug");
    assert.ok(!["SIGSEGV", "SIGBUS", "SIGABRT", "SIGFPE", "SIGILL"].includes(by), `the server crashed: ${by}\n${this.log.slice(-4000)}`);
    if (wasAsked && signal !== "SIGKILL") assert.equal(code ?? by, expected, `exit code:\n${this.log.slice(-4000)}`);
    return code ?? by;
  }

  /** Keeps the end of the log, and the beginning of the first report in it. */
  hear(piece) {
    this.log += piece;
    if (this.report) {
      this.report = (this.report + piece).slice(0, 16384);
    } else {
      const found = this.log.search(REPORT);
      if (found >= 0) this.report = this.log.slice(found);
    }
    this.log = this.log.slice(-65536);
  }

  remove() {
    if (this.ownsFolder) rmSync(this.folder, { recursive: true, force: true });
  }

  /** fetch with the token; an empty authorization sends none. */
  fetch(path, options = {}) {
    const headers = { authorization: `Bearer ${token}`, ...options.headers };
    if (!headers.authorization) delete headers.authorization;
    return fetch(new URL(path, this.url), { ...options, headers, redirect: options.redirect ?? "manual" });
  }

  /** JSON in, JSON out; the status must be the one named. */
  async json(status, path, body, options = {}) {
    const init = { ...options };
    if (body !== undefined) {
      init.method ??= "POST";
      init.body = JSON.stringify(body);
      init.headers = { "content-type": "application/json", ...options.headers };
    }
    const answer = await this.fetch(path, init);
    const text = await answer.text();
    assert.equal(answer.status, status, `${init.method ?? "GET"} ${path}: ${text.slice(0, 1000)}`);
    return text ? JSON.parse(text) : undefined;
  }

  /** Uploads bytes (or a file) as a dataset. */
  async upload(name, bytes, { status = 201, query = "" } = {}) {
    const answer = await this.fetch(`/api/datasets?name=${encodeURIComponent(name)}${query}`, {
      method: "POST",
      headers: { "content-type": "application/octet-stream" },
      body: bytes,
    });
    const text = await answer.text();
    assert.equal(answer.status, status, `upload of ${name}: ${text.slice(0, 1000)}`);
    return JSON.parse(text);
  }

  uploadFile(path, options) {
    return this.upload(path.split("/").at(-1), readFileSync(path), options);
  }

  /** A WebSocket that is open and collects what it hears. */
  async socket(options = {}) {
    const socket = new Socket(this, options);
    await within(socket.opened, "the WebSocket's handshake");
    return socket;
  }

  /** The run, when it has ended. */
  async ended(runId) {
    const began = Date.now();
    for (;;) {
      const run = await this.json(200, `/api/runs/${runId}`);
      if (["finished", "failed", "cancelled"].includes(run.status)) return run;
      if (Date.now() - began > WAIT_MS) assert.fail(`run ${runId} is still ${run.status}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Every event of a run by SSE, from after; ends with the stream. */
  async events(runId, after = 0, headers = {}) {
    const answer = await this.fetch(`/api/runs/${runId}/events?after=${after}`, { headers });
    assert.equal(answer.status, 200);
    assert.match(answer.headers.get("content-type"), /^text\/event-stream/);
    return sseEvents(await within(answer.text(), "the end of the event stream"));
  }
}

const roles = ["backend", "auth", "frontend"];

/** Ports that were free a moment ago: each of the three must know the others' before any of them listens. */
async function freePorts(count) {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, "127.0.0.1");
      await once(server, "listening");
      return server;
    }),
  );
  const ports = servers.map((server) => server.address().port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** One deployment of three processes: roles.backend, roles.auth, roles.frontend are Servers. */
export class Roles {
  /**
   * keys: of the configuration of all three; options.backend, .auth, .frontend: keys of one; options.host: the
   * name in their addresses; options.from: a data folder that auth and backend begin with a copy of.
   */
  static async start({ keys = {}, host = "127.0.0.1", env, from, ...own } = {}) {
    const ports = await freePorts(roles.length);
    const self = new Roles();
    self.ports = Object.fromEntries(roles.map((role, i) => [role, ports[i]]));
    self.urls = Object.fromEntries(roles.map((role, i) => [role, `http://${host}:${ports[i]}`]));
    self.keys = { ...wideOpen, ...keys };
    self.own = own;
    self.env = env;
    self.folders = Object.fromEntries(roles.map((role) => [role, mkdtempSync(join(tmpdir(), `netra-${role}-`))]));
    if (from) for (const role of ["auth", "backend"]) cpSync(from, self.folders[role], { recursive: true });
    try {
      for (const role of ["auth", "backend", "frontend"]) await self.startRole(role);
    } catch (error) {
      await self.stop("SIGKILL");
      throw error;
    }
    return self;
  }

  /** Starts one of the three (again), with its address and its folder. */
  async startRole(role, more = {}) {
    const addresses = Object.fromEntries(roles.map((each) => [`service.${each}_url`, this.urls[each]]));
    this[role] = await Server.start({
      folder: this.folders[role],
      listen: `127.0.0.1:${this.ports[role]}`,
      env: { ...(role === "auth" ? { NETRA_AUTH_SECRET: authSecret } : {}), ...this.env },
      args: ["--role", role, ...flags({ ...this.keys, ...addresses, ...this.own[role], ...more })],
    });
    return this[role];
  }

  /** The first admin, who asks the backend; their .auth asks the auth service. */
  async setUp(who) {
    return this.atBackend(await this.auth.setUp(who));
  }

  /** The same person (or key), asking the backend. */
  atBackend(person) {
    const twin = Object.assign(new Person(this.backend, person.grant, person), { keyId: person.keyId });
    twin.auth = person;
    return twin;
  }

  async stop(signal = "SIGTERM") {
    for (const role of roles) {
      if (this[role]) await this[role].stop(signal);
      rmSync(this.folders[role], { recursive: true, force: true });
    }
  }

  /** fn(roles); all three are stopped whatever happens. */
  static async with(fn, options) {
    const self = await Roles.start(options);
    try {
      return await fn(self);
    } finally {
      await self.stop();
    }
  }
}

/** Server.with, in accounts mode: fn(server), options as for Server.startAccounts. */
export const withAccounts = (fn, options) => Server.with(fn, options, Server.startAccounts);

/** Somebody (or a key) who asks a server in accounts mode. */
export class Person {
  constructor(server, grant, { email, name, password } = {}) {
    Object.assign(this, { server, grant, email, name, password });
    this.id = grant.user?.id;
    this.bearer = grant.access_token;
  }

  get headers() {
    return { authorization: `Bearer ${this.bearer}` };
  }

  fetch(path, options = {}) {
    return this.server.fetch(path, { ...options, headers: { ...this.headers, ...options.headers } });
  }

  json(status, path, body, options = {}) {
    return this.server.json(status, path, body, { ...options, headers: { ...this.headers, ...options.headers } });
  }

  delete(path, status = 204, body) {
    return this.json(status, path, body, { method: "DELETE" });
  }

  patch(path, body, status = 200) {
    return this.json(status, path, body, { method: "PATCH" });
  }

  socket(options = {}) {
    return this.server.socket({ ...options, headers: { ...this.headers, ...options.headers } });
  }

  /** Somebody new in this one's workspace. */
  async bring({ email, name = email.split("@")[0], role = "analyst", password = "correct horse battery" }) {
    const { url } = await this.json(201, "/api/invites", { email, role });
    const code = new URL(url).searchParams.get("invite");
    const grant = await this.server.open(201, "/auth/register", { code, name, password });
    return new Person(this.server, grant, { email, name, password });
  }

  /** An API key, as somebody who asks with it. */
  async key(scopes, more = {}) {
    const made = await this.json(201, "/api/keys", { name: "test", scopes, ...more });
    const key = new Person(this.server, { user: { id: made.user_id }, access_token: made.key });
    key.keyId = made.id;
    return key;
  }

  /** All lines of the audit log that this one may see, oldest first. */
  async audit() {
    const lines = [];
    for (let before = ""; before !== null; ) {
      const page = await this.json(200, `/api/audit?limit=200${before && `&before=${before}`}`);
      lines.push(...page.items);
      before = page.next;
    }
    return lines.reverse();
  }
}

/** The events of an SSE body; the id of each must be its seq. */
export function sseEvents(text) {
  const events = [];
  for (const block of text.split("\n\n")) {
    const lines = block.split("\n").filter((line) => line && !line.startsWith(":"));
    if (!lines.length) continue;
    const field = (name) => lines.filter((l) => l.startsWith(`${name}: `)).map((l) => l.slice(name.length + 2));
    const event = JSON.parse(field("data").join("\n"));
    if (event.seq !== undefined) assert.equal(field("id")[0], String(event.seq));
    events.push(event);
  }
  return events;
}

export const isLast = (event) => event.type === "RUN_FINISHED" || event.type === "RUN_ERROR";

export class Socket {
  constructor(server, { protocol = "ag-ui.v1+json", headers = {}, path = "/ws" } = {}) {
    const url = new URL(path, server.url);
    url.protocol = "ws:";
    this.ws = new WebSocket(url, protocol ? [protocol] : [], {
      headers: { authorization: `Bearer ${token}`, ...headers },
    });
    this.events = [];
    this.waiting = new Set();
    this.opened = new Promise((resolve, reject) => {
      this.ws.once("open", resolve);
      this.ws.once("error", reject);
      this.ws.once("unexpected-response", (_, answer) => reject(new Error(`HTTP ${answer.statusCode}`)));
    });
    this.closed = new Promise((resolve) =>
      this.ws.once("close", (code, reason) => resolve({ code, reason: String(reason) })),
    );
    this.ws.on("error", () => {});
    this.ws.on("message", (data) => {
      this.events.push(JSON.parse(String(data)));
      for (const look of this.waiting) look();
    });
  }

  send(message) {
    this.ws.send(typeof message === "string" ? message : JSON.stringify(message));
  }

  /** The first event that matches, when it is there. */
  next(matches, what = String(matches), ms) {
    const found = new Promise((resolve) => {
      const look = () => {
        const event = this.events.find(matches);
        if (!event) return;
        this.waiting.delete(look);
        resolve(event);
      };
      this.waiting.add(look);
      look();
    });
    return within(found, what, ms);
  }

  /** Asks, and waits for the end of the run. */
  async run(prompt, more = {}) {
    this.send({ type: "run", prompt, ...more });
    const started = await this.next((e) => e.type === "RUN_STARTED" && (!more.runId || e.runId === more.runId));
    await this.next((e) => isLast(e) && e.runId === started.runId, "the end of the run");
    return this.of(started.runId);
  }

  of(runId) {
    return this.events.filter((event) => event.runId === runId && event.seq !== undefined);
  }

  async close() {
    this.ws.close();
    return within(this.closed, "the close of a WebSocket");
  }

  /** As when a cable is pulled. */
  cut() {
    this.ws.terminate();
  }
}

export const steps = [
  "user_input_received",
  "message_validated",
  "agent_selected",
  "agent_executed",
  "response_generated",
  "response_delivered",
];

/** seq is 1, 2, 3 … without a gap. */
export function assertContiguous(events, from = 1) {
  assert.deepEqual(
    events.map((event) => event.seq),
    events.map((_, i) => from + i),
  );
}

/** What must hold for the whole log of a run that succeeded. */
export function assertWholeLog(events) {
  assertContiguous(events);
  assert.equal(events[0].type, "RUN_STARTED");
  assert.equal(events.at(-1).type, "RUN_FINISHED");
  const named = (type) => events.filter((e) => e.type === type).map((e) => e.stepName);
  assert.deepEqual(named("STEP_STARTED"), steps);
  assert.deepEqual(named("STEP_FINISHED"), steps);
}
