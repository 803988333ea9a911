// SPDX-License-Identifier: Apache-2.0
//
// `netra diagnose` finds what is wrong: each cause is produced for real (a process, a port, a file, a certificate, a full
// disk), and the diagnosis must name it and cite what carries it. Faults that one process cannot have by itself are put in
// by POST /api/faults or by a proxy, and the test says so.

import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, openSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { FaultyAuthority, Place, asNobody, assertCause, blocked, diagnose, freePort, needsRoot, only } from "./diagnosed.mjs";
import { Server, authSecret, token } from "./server.mjs";
import { netra, runTo } from "./support.mjs";

const CONCURRENCY = 6;
const WAIT_MS = 40_000;
const secret = { NETRA_AUTH_SECRET: authSecret };
const set = (keys) => Object.entries(keys).flatMap(([key, value]) => ["--set", `${key}=${value}`]);
const withToken = { env: { NETRA_TOKEN: token } };
const json = { "content-type": "application/json", authorization: `Bearer ${token}` };
const post = (url, path, body) => fetch(new URL(path, url), { method: "POST", headers: json, body: JSON.stringify(body) });

/** Diagnoses until cause is there: what /health tells is some seconds old. */
async function until(cause, options, more) {
  for (const began = Date.now(); ; ) {
    const found = await diagnose(options, more);
    if (found.diagnoses.some((d) => d.cause === cause) || Date.now() - began > WAIT_MS) return found;
    await pause(300);
  }
}

// A start that fails: the server ends, its log says why, and nobody listens.
const failedStart = async (place, options, cause, ...cites) => {
  const one = await place.serve({ ...options, isUp: false });
  const found = await diagnose({ url: one.url, "data-dir": one.data, ...one.all });
  const chain = only(found, cause, ["process", /exit status/], ["log", /line \d+ start: netra: /], ...cites);
  assert.match(chain.symptom, /GET \/health is not answered/);
  const byFiles = await diagnose(one.all);
  assert.equal(byFiles.diagnoses.length, 1);
  return { one, chain, byFiles };
};

/** A data folder that a server has used. */
async function used(place, options = {}) {
  const one = await place.serve(options);
  await one.stop();
  return one.data;
}

function poke(path, at, bytes) {
  const fd = openSync(path, "r+");
  writeSync(fd, Buffer.from(bytes), 0, bytes.length, at);
}

describe("a start that failed", { concurrency: CONCURRENCY }, () => {
  test("config_invalid: the line is named", () =>
    Place.with(async (place) => {
      const config = place.write("netra.conf", "# mine\nlog.level = loud\n");
      const { chain, byFiles } = await failedStart(place, { args: ["--config", config] }, "config_invalid", ["log", /netra\.conf:2: log\.level/]);
      assert.match(chain.whys.at(-1).because, /netra\.conf:2/);
      assertCause(byFiles, "config_invalid");
    }));

  test("listen_address_refused", () =>
    Place.with((place) => failedStart(place, { args: ["--listen", "0.0.0.0:8421"] }, "listen_address_refused")));

  test("listen_address_not_here", () =>
    Place.with((place) =>
      failedStart(place, { env: secret, args: ["--listen", "192.0.2.1:8421", ...set({ "auth.mode": "accounts", public_url: "https://netra.example.org" })] }, "listen_address_not_here"),
    ));

  const privileged = Number(readFileSync("/proc/sys/net/ipv4/ip_unprivileged_port_start", "utf8"));
  test("port_privileged", { skip: privileged > 81 ? blocked : "this machine gives every user every port" }, () =>
    Place.with((place) => {
      chmodSync(place.folder, 0o777);
      return failedStart(place, { port: 81, uid: asNobody }, "port_privileged");
    }));

  test("secret_missing", () => Place.with((place) => failedStart(place, { args: set({ "auth.mode": "accounts" }) }, "secret_missing")));

  test("secret_wrong", () =>
    Place.with(async (place) => {
      const args = set({ "auth.mode": "accounts" });
      const data = await used(place, { args, env: secret });
      await failedStart(place, { args, data, env: { NETRA_AUTH_SECRET: authSecret.toUpperCase() } }, "secret_wrong");
    }));

  test("secret_file_open", () =>
    Place.with((place) =>
      failedStart(place, { args: set({ "auth.mode": "accounts", "auth.secret_file": place.write("secret", authSecret, 0o644) }) }, "secret_file_open"),
    ));

  test("certificate_unusable", () =>
    Place.with((place) => {
      const files = { "tls.cert_file": place.path("none.pem"), "tls.key_file": place.path("none.key") };
      return failedStart(place, { args: set(files) }, "certificate_unusable");
    }));

  test("certificate_key_mismatch", () =>
    Place.with((place) => {
      const authority = new FaultyAuthority(place.path("ca"));
      const files = { "tls.cert_file": authority.issue("a").cert, "tls.key_file": authority.issue("b").key };
      return failedStart(place, { args: set(files) }, "certificate_key_mismatch");
    }));

  test("model_key_missing", () =>
    Place.with((place) => failedStart(place, { args: set({ "llm.chain": "openai:gpt-5-mini" }), env: { OPENAI_API_KEY: "" } }, "model_key_missing")));

  test("database_corrupt", () =>
    Place.with(async (place) => {
      const data = await used(place);
      poke(join(data, "netra.db"), 0, Buffer.alloc(4096, "not a database "));
      await failedStart(place, { data }, "database_corrupt", ["disk", /netra\.db: no SQLite database/]);
    }));

  test("database_newer", () =>
    Place.with(async (place) => {
      const data = await used(place);
      poke(join(data, "netra.db"), 60, [0, 0, 39, 15]); // user_version 9999, as a later Netra would write it
      await failedStart(place, { data }, "database_newer", ["disk", /of version 9999/]);
    }));

  test("database_foreign", () =>
    Place.with(async (place) => {
      const data = await used(place);
      poke(join(data, "netra.db"), 68, [0x47, 0x50, 0x4b, 0x47]); // the application id of GeoPackage
      await failedStart(place, { data }, "database_foreign");
    }));

  test("data_dir_locked: by whom", () =>
    Place.with(async (place) => {
      const first = await place.serve();
      const { chain } = await failedStart(place, { data: first.data }, "data_dir_locked", ["disk", new RegExp(`held by process ${first.process.pid}$`)]);
      assert.equal(chain.whys.length, 5);
    }));

  test("data_dir_not_writable", { skip: blocked }, () =>
    Place.with((place) => {
      mkdirSync(place.path("closed"), { mode: 0o555 });
      chmodSync(place.folder, 0o755);
      return failedStart(place, { data: place.path("closed"), uid: asNobody }, "data_dir_not_writable", ["disk", /mode 0555/]);
    }));

  test("file_system_read_only", needsRoot, () =>
    Place.with(async (place) => {
      const data = place.mount("disk", "size=8m,mode=0700");
      await used(place, { data });
      execFileSync("mount", ["-o", "remount,ro", data]);
      await failedStart(place, { data }, "file_system_read_only", ["disk", /mount of .*: read-only/]);
    }));

  test("disk_full", needsRoot, () =>
    Place.with((place) => {
      const data = place.mount("disk", "size=64k,mode=0700");
      writeFileSync(join(data, "filler"), Buffer.alloc(60 << 10));
      return failedStart(place, { data }, "disk_full", ["disk", /free bytes/]);
    }));

  const ownMemory = { skip: /asan|tsan/.test(process.env.NETRA_BIN ?? "") ? "a sanitizer takes more than the limit before anything begins" : false };
  test("memory_limit_too_small: RLIMIT_DATA", ownMemory, () =>
    Place.with((place) => {
      const bytes = 30 << 20;
      return failedStart(place, { limit: [`--data=${bytes}`], facts: { memory_limit_bytes: bytes, memory_limit: "RLIMIT_DATA" } }, "memory_limit_too_small", ["process", /memory limit of/]);
    }));

  test("start_failed: what no rule knows is told as the log has it", () =>
    Place.with((place) => failedStart(place, { args: set({ prices: place.write("prices.json", "{}") }) }, "start_failed")));

  test("port_taken: by whom", () =>
    Place.with(async (place) => {
      const port = await place.listen(http.createServer((_, response) => response.end("hello")));
      const one = await place.serve({ port, isUp: false });
      const found = await diagnose({ url: one.url, ...one.all });
      const chain = only(found, "port_taken", ["log", /address already in use/], ["port", new RegExp(`process ${process.pid} `)]);
      assert.match(chain.symptom, /is not Netra/);
    }));

  test("program_missing", () =>
    Place.with(async (place) => {
      const one = await place.serve({ program: ["sh", "-c", `exec ${place.path("nowhere")}/netra serve`], isUp: false });
      only(await diagnose({ url: one.url, ...one.all }), "program_missing", ["process", /exit status .*: 127/]);
    }));

  test("library_missing: a root folder with the program and nothing else", needsRoot, () =>
    Place.with(async (place) => {
      const root = place.path("root");
      const loader = readFileSync(netra).subarray(0, 4096).toString("latin1").match(/\/lib[\w/.-]*ld-[\w.-]+/)[0];
      mkdirSync(join(root, loader, ".."), { recursive: true });
      copyFileSync(loader, join(root, loader));
      copyFileSync(netra, join(root, "netra"));
      const one = await place.serve({ program: ["chroot", root, "/netra", "serve"], isUp: false });
      only(await diagnose({ url: one.url, ...one.all }), "library_missing", ["log", /shared libraries/]);
    }));
});

describe("a process that is not there", { concurrency: CONCURRENCY }, () => {
  for (const [signal, cause, pattern] of [["SIGTERM", "stopped_in_order", /exit status .*: 0/], ["SIGKILL", "process_killed", /signal .*: 9 \(SIGKILL\)/], ["SIGSEGV", "process_crashed", /signal .*: (11 \(SIGSEGV\)|6 \(SIGABRT\))/]]) {
    test(`${cause}: ${signal}`, () =>
      Place.with(async (place) => {
        const one = await place.serve();
        await one.stop(signal);
        const chain = only(await diagnose({ url: one.url, ...one.all }), cause, ["port", /nobody/], ["process", pattern]);
        assert.match(chain.symptom, /GET \/health is not answered: no connection/);
        only(await diagnose(one.all), cause, ["process", pattern]);
        if (signal === "SIGTERM") assertCause(await diagnose({ url: one.url, ...one.all }), cause, ["log", /SIGTERM: no new work/]);
      }));
  }

  // The part of the kernel's limit is played by the test, which kills at the limit as a group's memory.max does: making a
  // control group is not everywhere allowed.
  test("memory_killed", () =>
    Place.with(async (place) => {
      const one = await place.serve();
      const peak = 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${one.process.pid}/status`, "utf8"))[1]);
      Object.assign(one.facts, { memory_limit_bytes: peak, memory_limit: "cgroup", peak_rss_bytes: peak });
      await one.stop("SIGKILL");
      only(await diagnose({ url: one.url, ...one.all }), "memory_killed", ["process", /memory limit/], ["process", /peak memory/]);
    }));

  test("port_not_listening: nothing was started", async () => {
    const url = `http://127.0.0.1:${await freePort()}`;
    only(await diagnose({ url }), "port_not_listening", ["probe", /connect .*: refused/], ["port", /nobody/]);
  });

  test("listens_elsewhere", () =>
    Place.with(async (place) => {
      const one = await place.serve();
      const url = `http://127.0.0.1:${await freePort()}`;
      only(await diagnose({ url, ...one.all }), "listens_elsewhere", ["process", new RegExp(`port ${one.port}$`)]);
    }));

  test("asked_elsewhere: by the configuration", () =>
    Place.with(async (place) => {
      const config = place.write("netra.conf", `listen = 127.0.0.1:${await freePort()}\n`);
      only(await diagnose({ url: `http://127.0.0.1:${await freePort()}`, config }), "asked_elsewhere", ["config", /key listen/]);
    }));

  test("unknown: its end was not recorded", () =>
    Place.with(async (place) => {
      const one = await place.serve();
      await one.stop("SIGKILL");
      const { pid, started_at } = one.facts;
      place.write("bare.json", JSON.stringify({ pid, started_at }));
      const found = await diagnose({ url: one.url, "process-file": place.path("bare.json") });
      assert.equal(found.diagnoses.length, 1);
      assert.equal(found.diagnoses[0].cause, null);
      assert.match(found.diagnoses[0].needs, /exit_status or signal/);
      assert.match(found.diagnoses[0].whys.at(-1).because, /gone: no process has its number/);
    }));
});

describe("an address that does not answer", { concurrency: CONCURRENCY }, () => {
  test("name_unresolved", async () => only(await diagnose({ url: "http://no-such-host.invalid:8421" }), "name_unresolved", ["probe", /does not resolve/]));

  // A network of its own without a way out, and one whose only way ends nowhere.
  const hasNetwork = spawnSync("unshare", ["-Urn", "ip", "link"]).status === 0;
  const needsNetwork = { skip: hasNetwork ? false : "needs unshare and ip: a network of its own" };
  test("address_unreachable", needsNetwork, async () =>
    only(await diagnose({ url: "http://10.9.9.2:8421" }, { wrap: ["unshare", "-Urn"] }), "address_unreachable", ["probe", /unreachable/]),
  );
  test("address_silent", needsNetwork, async () => {
    const script = 'ip link set lo up && ip route add 10.9.9.2/32 dev lo && exec "$@"';
    only(await diagnose({ url: "http://10.9.9.2:8421" }, { wrap: ["unshare", "-Urn", "sh", "-c", script, "sh"] }), "address_silent", ["probe", /no answer in/]);
  });

  test("process_stopped", () =>
    Place.with(async (place) => {
      const one = await place.serve();
      one.process.kill("SIGSTOP");
      only(await diagnose({ url: one.url }), "process_stopped", ["port", /state of process \d+: stopped/]);
      one.process.kill("SIGCONT");
    }));

  test("other_program: something else answers, something else is silent", () =>
    Place.with(async (place) => {
      const talks = await place.listen(http.createServer((_, response) => response.setHeader("content-type", "text/html").end("<h1>hello</h1>")));
      const silent = await place.listen(net.createServer(() => {}));
      only(await diagnose({ url: `http://127.0.0.1:${talks}` }), "other_program", ["probe", /GET \/health: answered 200/], ["port", /program of/]);
      only(await diagnose({ url: `http://127.0.0.1:${silent}` }), "other_program", ["port", /program of/]);
    }));

  test("proxy_upstream_down", () =>
    Place.with(async (place) => {
      const port = await place.proxy(0, { status: 502 });
      only(await diagnose({ url: `http://127.0.0.1:${port}` }), "proxy_upstream_down", ["probe", /answered 502/]);
    }));
});

describe("certificates", { concurrency: CONCURRENCY }, () => {
  const tls = async (place, options, fn) => {
    const authority = new FaultyAuthority(place.path("ca"));
    const { cert, key } = authority.issue("server", options);
    const one = await place.serve({ args: set({ "tls.cert_file": cert, "tls.key_file": key }) });
    return fn({ url: `https://127.0.0.1:${one.port}`, "ca-file": authority.file }, one, authority);
  };

  test("certificate_expired", () =>
    Place.with((place) => tls(place, { from: -9, to: -2 }, async (asked) => only(await diagnose(asked), "certificate_expired", ["certificate", /validity: ended/]))));
  test("certificate_not_yet_valid", () =>
    Place.with((place) => tls(place, { from: 2, to: 30 }, async (asked) => only(await diagnose(asked), "certificate_not_yet_valid", ["certificate", /validity: begins/]))));
  test("certificate_wrong_name", () =>
    Place.with((place) =>
      tls(place, { names: "DNS:netra.example.org" }, async (asked) => only(await diagnose(asked), "certificate_wrong_name", ["certificate", /netra\.example\.org/])),
    ));
  test("certificate_untrusted, tls_port", () =>
    Place.with((place) =>
      tls(place, {}, async ({ url }, one) => {
        only(await diagnose({ url }), "certificate_untrusted", ["certificate", /authority: not trusted/]);
        only(await diagnose({ url: one.url }), "tls_port", ["probe", /400: .*speaks TLS/]);
      }),
    ));
  test("two faults of one certificate are two chains", () =>
    Place.with((place) =>
      tls(place, { from: -9, to: -2, names: "DNS:netra.example.org" }, async (asked) => {
        const found = await diagnose(asked);
        assertCause(found, "certificate_expired");
        assertCause(found, "certificate_wrong_name");
        assert.equal(found.diagnoses.length, 2);
      }),
    ));
  test("certificate_ends_soon", () =>
    Place.with((place) => tls(place, { to: 3 }, async (asked) => only(await diagnose(asked), "certificate_ends_soon", ["health", /check certificate: degraded/]))));
  test("plain_port", () =>
    Place.with(async (place) => {
      const one = await place.serve();
      only(await diagnose({ url: `https://127.0.0.1:${one.port}` }), "plain_port", ["certificate", /handshake: failed/], ["probe", /plain HTTP: answered/]);
    }));
});

describe("an answer that refuses", { concurrency: CONCURRENCY }, () => {
  test("nothing is wrong; host_refused; token_refused; wrong_revision", () =>
    Place.with(async (place) => {
      const one = await place.serve({ args: set({ revision: "r1" }), facts: { revision: "r1" } });
      const well = await diagnose({ url: one.url, "data-dir": one.data, ...one.all }, withToken);
      assert.deepEqual(well.diagnoses, [], JSON.stringify(well));
      assert.match(runTo(0, ["diagnose", "--url", one.url]).out, /^Nothing is wrong, as far as was looked: \d+ observations\.\n$/);

      only(await diagnose({ url: `http://0.0.0.0:${one.port}` }), "host_refused", ["probe", /403: .*name/]);
      only(await diagnose({ url: one.url }, { env: { NETRA_TOKEN: "not-the-token-0123456789" } }), "token_refused", ["probe", /answered 401/]);
      place.write("other.json", JSON.stringify({ ...one.facts, revision: "r2" }));
      only(await diagnose({ url: one.url, "process-file": place.path("other.json") }), "wrong_revision", ["revision", /of the server: r1/], ["revision", /of the process file: r2/]);
    }));

  test("permission_lacking, rate_limited", () =>
    Server.with(
      async (server) => {
        const ada = await server.setUp();
        const key = async (scopes) => (await ada.json(201, "/api/keys", { name: scopes.join(), scopes })).key;
        only(await diagnose({ url: server.url }, { env: { NETRA_TOKEN: await key(["data"]) } }), "permission_lacking", ["probe", /answered 403.*needs/]);
        const bearer = await key(["read"]);
        const burst = () => fetch(new URL("/api/threads", server.url), { headers: { authorization: `Bearer ${bearer}` } });
        while ((await burst()).status !== 429);
        const limited = await diagnose({ url: server.url }, { env: { NETRA_TOKEN: bearer } });
        only(limited, "rate_limited", ["probe", /answered 429/]);
      },
      { keys: { "limit.key_per_s": 1 } },
      Server.startAccounts,
    ));

  test("connections_used_up", () =>
    Place.with(async (place) => {
      const one = await place.serve({ args: set({ "http.connections_max": 8 }) });
      await place.hold(one.port, 8);
      only(await diagnose({ url: one.url }), "connections_used_up", ["probe", /503: too many connections/], ["port", /connections of port/]);
    }));

  test("files_used_up", () =>
    Place.with(async (place) => {
      const one = await place.serve({ limit: ["--nofile=40:40"] });
      await place.hold(one.port, 40);
      const found = await until("files_used_up", { url: one.url, ...one.all });
      assertCause(found, "files_used_up", ["process", /files of process \d+: \d+ of 40/]);
    }));

  test("upgrade_stripped, way_slow, clock_differs: proxies with these faults", () =>
    Place.with(async (place) => {
      const one = await place.serve();
      const at = (port) => ({ url: `http://127.0.0.1:${port}` });
      const strips = await place.proxy(one.port, {
        headers: ({ upgrade, connection, ...rest }) => rest,
      });
      only(await diagnose(at(strips), withToken), "upgrade_stripped", ["probe", /WebSocket \/ws: answered 4/]);
      const slow = await place.proxy(one.port, { delayMs: 150 });
      only(await diagnose(at(slow)), "way_slow", ["probe", /median/], ["metric", /own time/]);
      const date = new Date(Date.now() - 3_600_000).toUTCString();
      const late = await place.proxy(one.port, { answer: (headers) => ({ ...headers, date }) });
      only(await diagnose(at(late)), "clock_differs", ["probe", /date of GET/]);
    }));
});

describe("what /health tells", { concurrency: CONCURRENCY }, () => {
  test("disk_full", needsRoot, () =>
    Place.with(async (place) => {
      const data = place.mount("disk", "size=8m,mode=0700");
      const one = await place.serve({ data });
      for (let i = 0, room = true; room; i++) {
        try {
          writeFileSync(join(data, `filler${i}`), Buffer.alloc(64 << 10));
        } catch {
          room = false;
        }
      }
      const found = await until("disk_full", { url: one.url, "data-dir": data });
      const chain = assertCause(found, "disk_full", ["disk", /free bytes/]);
      assert.match(chain.symptom, /\/health says/);
    }));

  test("file_size_limited", () =>
    Place.with(async (place) => {
      const one = await place.serve();
      execFileSync("prlimit", ["--pid", String(one.process.pid), "--fsize=4096:unlimited"]);
      const found = await until("file_size_limited", { url: one.url, ...one.all });
      only(found, "file_size_limited", ["health", /check (store|records): unhealthy/], ["process", /file size limit of .*: 4096/]);
    }));

  test("fault_armed explains a store that refuses; two faults are two chains", () =>
    Place.with(async (place) => {
      const one = await place.serve({ args: set({ "faults.allowed": "on", "otel.endpoint": `http://127.0.0.1:${await freePort()}` }) });
      assert.equal((await post(one.url, "/api/faults", { name: "store_full", seconds: 120 })).status, 201);
      assert.notEqual((await post(one.url, "/api/threads", { title: "t" })).status, 201);
      let found;
      for (const began = Date.now(); Date.now() - began < WAIT_MS; await pause(300)) {
        found = await diagnose({ url: one.url });
        if (found.diagnoses.some((d) => /store is/.test(d.symptom)) && found.diagnoses.some((d) => d.cause === "collector_unreachable")) break;
      }
      assert.match(assertCause(found, "fault_armed", ["health", /faults armed: store_full/]).symptom, /store is unhealthy/);
      assertCause(found, "collector_unreachable", ["health", /check traces: degraded/]);
    }));

  test("clock_jumped, when no fault is armed any more; internal_error from the log alone", () =>
    Place.with(async (place) => {
      const one = await place.serve({ args: set({ "faults.allowed": "on" }) });
      await post(one.url, "/api/faults", { name: "clock_jump", argument: 3_600_000, seconds: 60 });
      const armed = await until("fault_armed", { url: one.url });
      assertCause(armed, "fault_armed", ["health", /faults armed: clock_jump/]);
      await pause(300); // three looks of the server's watch
      await fetch(new URL("/api/faults", one.url), { method: "DELETE", headers: json });
      only(await diagnose({ url: one.url }), "clock_jumped", ["health", /check clock: degraded/]);

      await post(one.url, "/api/faults", { name: "internal_error", seconds: 60, times: 5 });
      await fetch(new URL("/api/threads", one.url), { headers: json });
      only(await until("internal_error", { "log-file": one.log }), "internal_error", ["log", /internal error/]);
    }));

  test("service_down: a backend whose auth service and page are not there", () =>
    Place.with(async (place) => {
      const port = await freePort();
      const urls = { "service.backend_url": port, "service.auth_url": await freePort(), "service.frontend_url": await freePort() };
      const keys = Object.fromEntries(Object.entries(urls).map(([key, at]) => [key, `http://127.0.0.1:${at}`]));
      const one = await place.serve({ port, args: ["--role", "backend", ...set({ "auth.mode": "accounts", ...keys })] });
      const found = await until("service_down", { url: one.url });
      assertCause(found, "service_down", ["probe", new RegExp(`service auth: not answered at ${keys["service.auth_url"]}`)]);
      const chains = found.diagnoses.filter((d) => d.cause === "service_down");
      assert.equal(chains.length, 2, "one for each service");
      assert.match(chains[1].whys[0].because, new RegExp(keys["service.frontend_url"]));
    }));

  test("loop_late: a process that stands still at times", () =>
    Place.with(async (place) => {
      const one = await place.serve();
      one.process.kill("SIGSTOP");
      await pause(2000); // what is late is measured by time that passes
      one.process.kill("SIGCONT");
      only(await until("loop_late", { url: one.url }), "loop_late", ["health", /check loop: degraded/]);
    }));

  test("model_unreachable", () =>
    Place.with(async (place) => {
      const one = await place.serve({
        args: set({ "llm.chain": "compatible:llama", "llm.compatible_url": `http://127.0.0.1:${await freePort()}/v1`, "llm.breaker_failures": 1, "llm.attempts_max": 1 }),
      });
      const sample = await (await post(one.url, "/api/datasets/sample", { seed: 1 })).json();
      await post(one.url, "/api/runs", { prompt: "Make it 2x faster, and tell me where our money goes.", dataset: sample.id });
      const found = await until("model_unreachable", { url: one.url });
      only(found, "model_unreachable", ["health", /check models: degraded/], ["metric", /netra_llm_attempts_total/]);
    }));
});

describe("evidence", () => {
  test("of a verification that reached nothing, with what the target wrote", () =>
    Place.with(async (place) => {
      const one = await place.serve({ args: set({ "log.level": "loud" }), isUp: false });
      const out = place.path("evidence");
      spawnSync(netra, ["verify", "--url", one.url, "--out", out], { env: { ...process.env, NETRA_TOKEN: token } });
      const found = await diagnose({ evidence: out, ...one.all });
      const chain = only(found, "config_invalid", ["probe", /connect .*: refused/], ["port", /nobody/], ["log", /log\.level/]);
      assert.match(chain.symptom, /^GET \/health is not answered/);

      const alone = await diagnose({ evidence: out });
      assert.equal(alone.diagnoses.length, 1);
      assert.equal(alone.diagnoses[0].cause, null, "evidence may be of another machine: what listens there is not known");
      assert.match(alone.diagnoses[0].needs, /--process-file/);
    }));
});

describe("the command", () => {
  test("draws a tree that is read from the symptom down", () =>
    Place.with(async (place) => {
      const one = await place.serve({ args: set({ prices: place.path("none.json") }), isUp: false });
      const { out } = runTo(0, ["diagnose", "--url", one.url, "--process-file", one.file, "--log-file", one.log]);
      assert.match(out, /^✗ GET \/health is not answered: .* {2}\[o\d+\]\n {3}why\? because /);
      assert.match(out, /\n +cause: start_failed\. .*\n +fix: /);
      assert.match(out, /\n +o\d+ {2}\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ {2}log, line \d+ start: netra: /);
    }));

  test("wrong use is told", () => {
    runTo(2, ["diagnose"]);
    runTo(2, ["diagnose", "--url", "ftp://127.0.0.1/"]);
    runTo(1, ["diagnose", "--evidence", "/no/such/folder"]);
  });
});
