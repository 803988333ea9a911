// SPDX-License-Identifier: Apache-2.0
//
// `netra doctor`: each thing that it can find, produced for real: damaged files, changed audit lines, records that
// are gone, loose rights, a port that is taken, limits, old prices, back-ups and certificates. It changes nothing, and
// finds nothing wrong beside a server that is being written to.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmodSync, chownSync, cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { needsSqlite, sql } from "./databases.mjs";
import { Server } from "./server.mjs";
import { netra, root, run } from "./support.mjs";

let folder, data;
const at = (...names) => join(folder, ...names);
const PORT_FREE = "127.0.0.1:0";

/** What it says: checks by name (the last of a name with another status than ok counts), and the exit code. */
function doctor(args = [], { env = {}, listen = PORT_FREE, shell } = {}) {
  const all = ["doctor", "--json", ...args];
  const environment = { NETRA_LISTEN: listen, NETRA_TOKEN: "", ...env };
  const done = shell
    ? spawnSync("bash", ["-c", `${shell}; exec "$0" "$@"`, netra, ...all], { env: { ...process.env, ...environment }, encoding: "utf8" })
    : run(all, { env: environment });
  assert.equal(done.err ?? done.stderr, "");
  const told = JSON.parse(done.out ?? done.stdout);
  const by = {};
  for (const check of told.checks) if (!by[check.check] || check.status !== "ok") by[check.check] = check;
  const counts = { ok: 0, warning: 0, problem: 0, unknown: 0 };
  for (const check of told.checks) counts[check.status]++;
  for (const [status, count] of Object.entries(counts)) assert.equal(told[status], count);
  const code = done.code ?? done.status;
  assert.equal(code, counts.problem ? 1 : counts.unknown ? 4 : 0);
  return { by, code, checks: told.checks };
}

/** The names and bytes of a folder. */
function fingerprint(place) {
  return readdirSync(place).sort().map((name) => `${name} ${createHash("sha256").update(readFileSync(join(place, name))).digest("hex")}`);
}

/** A copy of the data folder, changed; what is then said of a check. */
function expect(change, check, status, says, options = {}) {
  const place = at("copy");
  cpSync(data, place, { recursive: true });
  chmodSync(place, 0o700);
  change(place);
  const before = fingerprint(place);
  const { by } = doctor(["--data-dir", place, ...(options.args ?? [])], options);
  assert.equal(by[check]?.status, status, `${check}: ${JSON.stringify(by[check])}`);
  assert.match(by[check].text, says);
  if (status === "problem" || status === "warning") assert.ok(by[check].advice.length > 5);
  assert.deepEqual(fingerprint(place), before, "nothing is changed");
  rmSync(place, { recursive: true });
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "netra-doctor-"));
  data = at("data");
  const server = await Server.startAccounts({ folder: data });
  const ada = await server.setUp({});
  await ada.key(["read"]);
  const upload = await ada.fetch("/api/datasets?name=x.jsonl", {
    method: "POST", body: '{"timestamp":"2025-01-01T00:00:00Z","model":"gpt-4o","prompt_tokens":5,"completion_tokens":3}\n'.repeat(50),
  });
  assert.equal(upload.status, 201);
  await ada.json(201, "/api/threads", { title: "t" });
  await server.stop();
});

after(() => rmSync(folder, { recursive: true, force: true }));

test("a good installation: nothing is wrong, and nothing is changed", () => {
  const before = fingerprint(data);
  const { by, code } = doctor(["--data-dir", data]);
  assert.equal(code, 0);
  for (const name of ["netra", "libraries", "configuration", "secrets", "data folder", "lock", "disk", "netra.db", "usage.db", "audit log", "datasets", "prices", "clock", "authorities", "open files", "memory", "port"]) {
    assert.ok(["ok", "warning"].includes(by[name]?.status), `${name}: ${JSON.stringify(by[name])}`);
  }
  assert.match(by.datasets.text, /all 1 have/);
  assert.match(by["audit log"].text, /its [1-9]\d* lines/);
  assert.deepEqual(fingerprint(data), before);
  const text = run(["doctor", "--data-dir", data], { env: { NETRA_LISTEN: PORT_FREE } });
  assert.equal(text.code, 0);
  assert.match(text.out, /^ok +netra +\d/m);
  assert.match(text.out, /\d+ ok, \d+ warnings, 0 problems, 0 unknown\n$/);
  assert.equal(run(["doctor", "--nonsense"]).code, 2);
  assert.equal(run(["doctor", "more"]).code, 2);
});

test("beside a server at work: who it is, and no false alarm", async () => {
  await Server.with(async (server) => {
    let goesOn = true;
    const write = async () => {
      while (goesOn) {
        const { id } = await server.upload("w.jsonl", '{"timestamp":"2025-01-01T00:00:00Z","model":"gpt-4o","prompt_tokens":5,"completion_tokens":3}\n'.repeat(20));
        await server.json(204, `/api/datasets/${id}`, undefined, { method: "DELETE" });
        await server.json(201, "/api/threads", { title: "t" });
      }
    };
    const writers = Promise.all([write(), write(), write()]);
    for (let i = 0; i < 12; i++) {
      await new Promise((resolve) => setTimeout(resolve, 30));
      const { by, code } = doctor(["--data-dir", server.folder], { listen: new URL(server.url).host });
      assert.equal(code, 0, JSON.stringify(by));
      assert.match(by.lock.text, new RegExp(`process ${server.process.pid} uses`));
      assert.match(by.port.text, /is taken, and the data folder is in use/);
    }
    goesOn = false;
    await writers;
  }, { args: ["--set", "limit.costly_per_min=1000000"] });
});

test("the folder: missing, no folder, open to others, of somebody else, half restored", () => {
  const missing = doctor(["--data-dir", at("nowhere")]);
  assert.equal(missing.code, 4);
  assert.match(missing.by["data folder"].text, /needs a folder/);
  writeFileSync(at("file"), "");
  assert.match(doctor(["--data-dir", at("file")]).by["data folder"].text, /is no folder/);
  mkdirSync(at("empty"), { mode: 0o700 });
  assert.equal(doctor(["--data-dir", at("empty")]).by["netra.db"].status, "unknown");
  expect((place) => chmodSync(place, 0o755), "data folder", "warning", /open to others \(mode 755\)/);
  expect((place) => chmodSync(join(place, "netra.db"), 0o644), "data files", "warning", /netra\.db is open to others/);
  if (process.getuid() === 0) {
    expect((place) => chownSync(join(place, "usage.db"), 65534, 65534), "data files", "problem", /usage\.db belongs to user 65534/);
  }
  expect((place) => writeFileSync(join(place, "restore-unfinished"), "", { mode: 0o600 }), "restore", "problem", /was cut off/);
});

test("the databases: damage, versions, references, the audit log, records", needsSqlite, () => {
  const netraDb = (place) => join(place, "netra.db");
  const usageDb = (place) => join(place, "usage.db");
  const scratch = (name) => (place) => {
    const bytes = readFileSync(join(place, name));
    bytes.fill(0x5a, 4096, bytes.length);
    writeFileSync(join(place, name), bytes);
  };
  expect(scratch("netra.db"), "netra.db", "problem", /damaged|malformed/);
  expect(scratch("usage.db"), "usage.db", "problem", /damaged|malformed/);
  expect((place) => truncateSync(netraDb(place), 8192), "netra.db", "problem", /damaged|malformed/);
  expect((place) => writeFileSync(netraDb(place), "no database at all".repeat(99)), "netra.db", "problem", /not a database/);
  expect((place) => writeFileSync(netraDb(place), ""), "netra.db", "problem", /is empty/);
  expect((place) => rmSync(usageDb(place)), "usage.db", "unknown", /there is none/);
  expect((place) => sql(netraDb(place), "PRAGMA user_version = 99;"), "netra.db", "problem", /version 99/);
  expect((place) => sql(netraDb(place), "PRAGMA application_id = 5;"), "netra.db", "problem", /another program's/);
  expect((place) => {
    rmSync(netraDb(place));
    sql(netraDb(place), readFileSync(join(root, "tests/data/schema/netra-2.sql"), "utf8"));
    chmodSync(netraDb(place), 0o600);
  }, "netra.db", "warning", /older schema 2/);
  expect((place) => sql(netraDb(place), "PRAGMA foreign_keys = OFF;\nINSERT INTO message VALUES (99, 'm-9', 77, '', '', '', 1);\n"),
    "netra.db", "problem", /a row of message refers/);
  const audit = (...statements) => (place) => sql(netraDb(place), statements.map((one) => `${one};\n`).join(""));
  expect(audit("DROP TRIGGER audit_stays", "UPDATE audit SET action = 'nothing' WHERE n = 2"), "audit log", "problem", /line 2 is not/);
  expect(audit("DROP TRIGGER audit_remains", "DELETE FROM audit WHERE n = 1"), "audit log", "problem", /line [12] is not/);
  expect(audit("DROP TRIGGER audit_remains", "DELETE FROM audit WHERE n = (SELECT max(n) FROM audit)"), "audit log", "problem", /or is missing/);
  expect((place) => sql(usageDb(place), "DELETE FROM chunk;\n"), "datasets", "problem", /1 of 1 that are ready have not all/);
  expect((place) => sql(usageDb(place), "DELETE FROM chunk;\nDELETE FROM dataset;\n"), "datasets", "problem", /1 of 1/);
  expect((place) => sql(netraDb(place), "UPDATE dataset SET records = 51;"), "datasets", "problem", /1 of 1/);
  expect((place) => sql(netraDb(place), "DELETE FROM dataset;"), "datasets", "warning", /of 1 more there are records and no dataset/);
});

test("the configuration: what a start refuses, and secrets that are open to others", () => {
  const conf = (text, check, status, says, env = {}) => {
    const path = at("netra.conf");
    writeFileSync(path, text);
    const { by } = doctor(["--data-dir", data, "--config", path], { env });
    assert.equal(by[check]?.status, status, JSON.stringify(by[check]));
    assert.match(by[check].text, says);
  };
  conf("no_such_key = 1\n", "configuration", "problem", /netra\.conf.*no_such_key/);
  conf("workers = many\n", "configuration", "problem", /many/);
  conf("auth.mode = accounts\n", "configuration", "problem", /secret/);
  conf("auth.mode = accounts\n", "configuration", "problem", /shorter/, { NETRA_AUTH_SECRET: "short" });
  conf("llm.chain = openai:gpt-4o\n", "configuration", "problem", /key/, { OPENAI_API_KEY: "" });
  conf("", "configuration", "problem", /loopback/, { NETRA_LISTEN: "0.0.0.0:1" });
  writeFileSync(at("secret"), "0123456789abcdef0123456789abcdef", { mode: 0o644 });
  conf(`auth.mode = accounts\nauth.secret_file = ${at("secret")}\n`, "configuration", "problem", /others/);
  conf(`token_file = ${at("secret")}\n`, "secrets", "warning", /token_file: others may read .*644/);
  conf(`token_file = ${at("no-file")}\n`, "secrets", "problem", /token_file: .* cannot be read/);
});

test("the machine: clock, prices, authorities, certificate, files, memory, port", needsSqlite, async () => {
  const with_ = (text, env) => {
    writeFileSync(at("netra.conf"), text);
    return doctor(["--data-dir", data, "--config", at("netra.conf")], { env }).by;
  };
  const book = JSON.parse(readFileSync(join(root, "src/price/book.json"), "utf8"));
  const dated = (date) => {
    writeFileSync(at("book.json"), JSON.stringify(book).replace(/"20\d\d-\d\d-\d\d"/g, `"${date}"`));
    return with_(`prices = ${at("book.json")}\n`);
  };
  const old = dated("2025-01-02").prices;
  assert.equal(old.status, "warning", JSON.stringify(old));
  assert.match(old.text, /2025-01-02, \d+ days ago/);
  assert.match(dated("2090-01-02").clock.text, /before the date of the price book/);
  writeFileSync(at("book.json"), "{");
  assert.equal(with_(`prices = ${at("book.json")}\n`).prices.status, "problem");
  const future = (Date.now() + 3_600_000) * 1000;
  expect((place) => sql(join(place, "netra.db"), `UPDATE thread SET updated_us = ${future};`), "clock", "problem", /what is stored is (59|60) minutes newer/);

  assert.equal(with_("", { SSL_CERT_FILE: at("none.pem") }).authorities.status, "warning");
  const needed = with_("llm.chain = openai:gpt-4o\n", { SSL_CERT_FILE: at("none.pem"), OPENAI_API_KEY: "k".repeat(20) }).authorities;
  assert.equal(needed.status, "problem");
  assert.match(needed.text, /no certificates in .*none\.pem/);

  const certificate = (days) => {
    const made = spawnSync("openssl", ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=x",
      "-days", String(days), "-keyout", at("key.pem"), "-out", at("cert.pem")], { encoding: "utf8" });
    assert.equal(made.status, 0, made.stderr);
    chmodSync(at("key.pem"), 0o600);
    return with_(`tls.cert_file = ${at("cert.pem")}\ntls.key_file = ${at("key.pem")}\n`).certificate;
  };
  assert.equal(certificate(90).status, "ok");
  assert.equal(certificate(5).status, "warning");
  writeFileSync(at("cert.pem"), "");
  assert.equal(with_(`tls.cert_file = ${at("cert.pem")}\ntls.key_file = ${at("key.pem")}\n`).certificate.status, "problem");

  const few = doctor(["--data-dir", data], { shell: "ulimit -n 256" }).by["open files"];
  assert.equal(few.status, "warning");
  assert.match(few.text, /at most 256; 4224 are wanted/);
  const tight = with_("dataset_cache_bytes_max = 1000GiB\n").memory;
  assert.equal(tight.status, "warning");
  assert.match(tight.advice, /dataset_cache_bytes_max/);

  const other = createServer();
  other.listen(0, "127.0.0.1");
  await once(other, "listening");
  const taken = doctor(["--data-dir", data], { listen: `127.0.0.1:${other.address().port}` });
  assert.equal(taken.by.port.status, "problem");
  assert.match(taken.by.port.text, /in use/);
  other.close();
});

test("back-ups: none, old, fresh", () => {
  const place = at("backups");
  mkdirSync(place);
  const look = () => doctor(["--data-dir", data, "--backups", place]).by["back-ups"];
  assert.equal(doctor(["--data-dir", data, "--backups", at("no-folder")]).by["back-ups"].status, "problem");
  assert.match(look().text, /there is none/);
  assert.equal(look().status, "problem");
  assert.equal(run(["backup", "--data-dir", data, "--out", join(place, "a")]).code, 0);
  const manifest = readFileSync(join(place, "a", "manifest.json"), "utf8");
  writeFileSync(join(place, "a", "manifest.json"), manifest.replace(/"created_at": "[^"]+"/, '"created_at": "2025-05-05T00:00:00Z"'));
  mkdirSync(join(place, "b.partial-xyz123"));
  writeFileSync(join(place, "b.partial-xyz123", "manifest.json"), manifest);
  writeFileSync(join(place, "c.tar"), "no archive");
  assert.equal(look().status, "warning");
  assert.match(look().text, /^1, the newest \(a\) is \d{4,} hours old/);
  assert.equal(run(["backup", "--data-dir", data, "--out", join(place, "d.tar")]).code, 0);
  assert.equal(look().status, "ok");
  assert.match(look().text, /^2, the newest \(d\.tar\) is 0 hours old/);
});
