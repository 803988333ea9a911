// SPDX-License-Identifier: Apache-2.0
//
// Back-ups that are taken while clients write as fast as they can. Each client notes what was acknowledged; each
// back-up is restored, looked at with somebody else's SQLite, and served: all that was acknowledged before it began
// is there, what was deleted before it began is not, datasets have every record, and reports come out the same.
// Then back-ups that are cut off, damaged or in the way.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { isWhole, needsSqlite, sql } from "./databases.mjs";
import { Server } from "./server.mjs";
import { netra, run } from "./support.mjs";

const BACKUPS = 10;
const ROUNDS_MIN = 3000; // writes that were acknowledged while back-ups were taken
const LARGE_ROWS = 70_000; // more than one chunk of usage.db
let folder, server, data;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const at = (...names) => join(folder, ...names);

/** The program, without waiting for it: the server must answer meanwhile. */
async function start(args, onSpawn = () => {}) {
  const child = spawn(netra, args, { stdio: ["ignore", "pipe", "pipe"] });
  const out = { out: "", err: "" };
  child.stdout.on("data", (piece) => (out.out += piece));
  child.stderr.on("data", (piece) => (out.err += piece));
  onSpawn(child);
  const [code, signal] = await once(child, "close");
  return { ...out, code, signal };
}

function records(count, marker) {
  const lines = [];
  for (let i = 0; i < count; i++) {
    lines.push(`{"timestamp":"2025-01-${String(1 + (i % 28)).padStart(2, "0")}T00:00:00Z","model":"gpt-4o","feature":"${marker}","prompt_tokens":${i % 900},"completion_tokens":7}`);
  }
  return lines.join("\n");
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "netra-backup-"));
  data = at("data");
  const limits = ["address_per_s", "user_per_s", "key_per_s", "costly_per_min"].flatMap((name) => ["--set", `limit.${name}=1000000`]);
  server = await Server.start({ folder: data, args: limits });
});

after(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

// ---- writers ----

/** What was acknowledged: id → the moment; deletions: id → when it was asked for, and when it was answered. */
const acked = { threads: new Map(), datasets: new Map(), runs: new Map(), asked: new Map(), deleted: new Map() };
let goesOn = true;
let writes = 0;
const noted = (map, id, value) => (map.set(id, value ?? { at: performance.now() }), writes++, id);

async function writeThreads() {
  while (goesOn) {
    const { id } = await server.json(201, "/api/threads", { title: `t ${writes}` });
    noted(acked.threads, id);
    if (writes % 5 === 0) await remove(`/api/threads/${id}`, id);
  }
}

async function remove(path, id) {
  acked.asked.set(id, { at: performance.now() });
  await server.json(204, path, undefined, { method: "DELETE" });
  noted(acked.deleted, id);
}

async function writeDatasets(rows, keep) {
  const body = records(rows, `of-${rows}`);
  const mine = [];
  while (goesOn) {
    const { id } = await server.upload(`${rows}.jsonl`, body);
    noted(acked.datasets, id, { at: performance.now(), rows });
    mine.push(id);
    if (mine.length > keep) {
      const gone = mine.shift();
      await remove(`/api/datasets/${gone}`, gone);
    }
  }
}

async function writeRuns(dataset) {
  while (goesOn) {
    const { id } = await server.json(202, "/api/runs", { prompt: "How can we reduce costs by 20 %?", dataset });
    noted(acked.runs, id);
    await server.ended(id);
    noted(acked.runs, id, { at: acked.runs.get(id).at, ended: performance.now() });
  }
}

// ---- looking at a back-up ----

/** Every dataset that is ready has all of its rows: by the heads of its chunks. */
function assertDatasetsComplete(place) {
  const ready = sql(join(place, "netra.db"), "SELECT id, records FROM dataset WHERE status = 1;");
  const rows = sql(join(place, "usage.db"), `
    SELECT d.id, d.chunks, count(c.n), coalesce(group_concat(hex(substr(c.bytes, 17, 4))), '') FROM dataset d
      LEFT JOIN chunk c ON c.dataset = d.n GROUP BY d.n;`);
  const found = new Map(rows.map(([id, chunks, count, heads]) => {
    assert.equal(count, chunks, id);
    return [id, heads.split(",").filter(Boolean).reduce((sum, hex) => sum + Buffer.from(hex, "hex").readUInt32LE(0), 0)];
  }));
  for (const [id, count] of ready) assert.equal(found.get(id), count, `${place}: dataset ${id}`);
  return ready.length;
}

/** A run that has ended has its whole log and its report in every format. */
function assertRunsComplete(place) {
  const ended = sql(join(place, "netra.db"), `
    SELECT r.id, r.report_id, (SELECT count(*) FROM event e WHERE e.run = r.n), (SELECT max(seq) FROM event e WHERE e.run = r.n),
           (SELECT json FROM event e WHERE e.run = r.n ORDER BY seq DESC LIMIT 1),
           (SELECT count(*) FROM report p JOIN report_body b ON b.report = p.n WHERE p.id = r.report_id)
      FROM run r WHERE r.status = 2;`);
  for (const [id, report, count, last, event, bodies] of ended) {
    assert.equal(count, last, id);
    assert.match(event, /"RUN_FINISHED"/, id);
    assert.ok(report && bodies >= 4, `${id}: ${bodies} bodies of its report`);
  }
  return ended.length;
}

const idsOf = (place, table) => new Set(sql(join(place, "netra.db"), `SELECT id FROM ${table};`).flat());

/** What the clients knew when the back-up began. */
function assertAcknowledged(place, { began, ended }) {
  const tables = { threads: idsOf(place, "thread"), runs: idsOf(place, "run") };
  tables.datasets = new Set(sql(join(place, "netra.db"), "SELECT id FROM dataset WHERE status = 1;").flat());
  const counts = { there: 0, gone: 0 };
  for (const [kind, ids] of Object.entries(tables)) {
    for (const [id, { at: when }] of acked[kind]) {
      const asked = acked.asked.get(id)?.at ?? Infinity;
      if (when < began && asked > ended) {
        assert.ok(ids.has(id), `${place}: ${kind} ${id} was acknowledged ${began - when} ms before the back-up began`);
        counts.there++;
      }
      if ((acked.deleted.get(id)?.at ?? Infinity) < began) {
        assert.ok(!ids.has(id), `${place}: ${kind} ${id} was deleted before the back-up began`);
        counts.gone++;
      }
    }
  }
  const finished = new Set(sql(join(place, "netra.db"), "SELECT id FROM run WHERE status = 2;").flat());
  for (const [id, { ended: when }] of acked.runs) if (when < began) assert.ok(finished.has(id), `run ${id} had ended`);
  return counts;
}

async function assertServed(place) {
  const restored = await Server.start({ folder: place });
  try {
    const { items } = await restored.json(200, "/api/datasets?limit=50");
    for (const { id, records: count } of items.filter((one) => one.status === "ready").slice(0, 3)) {
      const told = await restored.json(200, "/api/tools/dataset_profile", { dataset: id, args: {} });
      assert.ok(JSON.stringify(told).includes(String(count)) && count > 0);
    }
    const runs = sql(join(place, "netra.db"), "SELECT id, report_id FROM run WHERE status = 2 ORDER BY n DESC LIMIT 2;");
    for (const [id, report] of runs) {
      const recomputed = await restored.json(200, `/api/reports/${report}/recompute`, {});
      assert.equal(recomputed.different, 0, JSON.stringify(recomputed).slice(0, 300));
      assert.ok((await restored.events(id)).length > 10);
    }
    for (const id of idsOf(place, "run")) assert.equal((await restored.ended(id)).status, "finished", "also those that were at work");
    return runs.length;
  } finally {
    await restored.stop();
  }
}

test("back-ups under load: all that was acknowledged is in them, and nothing is half", needsSqlite, async (t) => {
  const kept = await server.upload("kept.jsonl", records(500, "kept"));
  const writers = [
    ...Array.from({ length: 6 }, writeThreads), writeDatasets(200, 2), writeDatasets(3000, 1), writeDatasets(LARGE_ROWS, 1),
    writeDatasets(50, 0), writeRuns(kept.id), writeRuns(kept.id),
  ];
  const failed = Promise.all(writers).then(() => null, (error) => error);
  const taken = [];
  while (taken.length < BACKUPS) {
    while (goesOn && writes < (ROUNDS_MIN * (taken.length + 1)) / BACKUPS) await Promise.race([pause(20), failed.then(() => (goesOn = false))]);
    const place = at(taken.length % 2 ? `backup-${taken.length}.tar` : `backup-${taken.length}`);
    const began = performance.now();
    const writesBefore = writes;
    const made = await start(["backup", "--data-dir", data, "--out", place, "--json"]);
    assert.equal(made.code, 0, made.err);
    assert.equal(made.err, "");
    taken.push({ place, began, ended: performance.now(), manifest: JSON.parse(made.out), writes: writes - writesBefore });
  }
  goesOn = false;
  const error = await failed;
  if (error) throw error;

  let reports = 0;
  const sums = { there: 0, gone: 0, ready: 0, runs: 0 };
  for (const backup of taken) {
    const place = `${backup.place}.restored`;
    const done = run(["restore", backup.place, "--data-dir", place]);
    assert.equal(done.code, 0, done.err);
    for (const name of ["netra.db", "usage.db"]) assert.ok(isWhole(join(place, name)), `${place}: ${name}`);
    assert.equal(backup.manifest.datasets_without_records, 0);
    sums.ready += assertDatasetsComplete(place);
    sums.runs += assertRunsComplete(place);
    const counts = assertAcknowledged(place, backup);
    sums.there += counts.there;
    sums.gone += counts.gone;
    reports += await assertServed(place);
    rmSync(place, { recursive: true });
  }
  const during = taken.map((one) => one.writes);
  t.diagnostic(`${taken.length} back-ups, ${writes} acknowledged writes, ${during.join(" ")} while one was taken; ${JSON.stringify(sums)}, ${reports} reports computed again`);
  assert.ok(writes >= ROUNDS_MIN && sums.there > 1000 && sums.gone > 100 && sums.ready > BACKUPS && sums.runs > 0 && reports > 0);
  assert.ok(during.filter((count) => count > 0).length > BACKUPS / 2, "clients wrote while back-ups were taken");
});

// ---- what does not go well ----

test("a back-up that is killed leaves nothing that looks whole", needsSqlite, async (t) => {
  await server.upload("large.jsonl", records(LARGE_ROWS, "large"));
  const args = (place) => ["backup", "--data-dir", data, "--out", place];
  const began = performance.now();
  assert.equal((await start(args(at("whole")))).code, 0);
  const takes = performance.now() - began;
  let killed = 0;
  let refused = 0;
  for (let i = 0; i < 24; i++) {
    const place = at(i % 2 ? `cut-${i}.tar` : `cut-${i}`);
    const { signal } = await start(args(place), (child) => setTimeout(() => child.kill("SIGKILL"), (takes * (i + 1)) / 25));
    if (signal !== "SIGKILL") continue;
    killed++;
    for (const name of readdirSync(folder).filter((one) => one.startsWith(`cut-${i}`))) {
      const target = at("from-cut");
      const { code, err } = run(["restore", at(name), "--data-dir", target]);
      if (code === 0) {
        // killed after the manifest: all of it was there
        assert.ok(isWhole(join(target, "netra.db")) && isWhole(join(target, "usage.db")));
        assertDatasetsComplete(target);
      } else {
        refused++;
        assert.match(err, /no back-up, or not a whole one/);
        assert.deepEqual(readdirSync(target), ["lock"], "nothing is restored of it");
      }
      rmSync(target, { recursive: true, force: true });
      rmSync(at(name), { recursive: true });
    }
  }
  t.diagnostic(`${takes.toFixed(0)} ms each; ${killed} killed, ${refused} left a part that was refused`);
  assert.ok(killed >= 8 && refused >= 5);
});

test("one that is told to stop ends in order, and takes its parts along", async () => {
  const { code, err } = await start(["backup", "--data-dir", data, "--out", at("stopped")], (child) => setTimeout(() => child.kill("SIGINT"), 30));
  if (code !== 0) {
    assert.equal(code, 1);
    assert.match(err, /cancelled/);
    assert.ok(!existsSync(at("stopped")));
  }
  assert.deepEqual(readdirSync(folder).filter((name) => name.includes("partial")), []);
});

test("modes, and what is refused", needsSqlite, async () => {
  const place = at("fine");
  const archive = at("fine.tar");
  for (const out of [place, archive]) assert.equal((await start(["backup", "--data-dir", data, "--out", out])).code, 0);
  assert.equal(statSync(place).mode & 0o777, 0o700);
  for (const name of readdirSync(place)) assert.equal(statSync(join(place, name)).mode & 0o777, 0o600, name);
  assert.equal(statSync(archive).mode & 0o777, 0o600);
  const fails = async (args, says, code = 1) => {
    const done = await start(args);
    assert.equal(done.code, code, `${args.join(" ")}: ${done.err}`);
    assert.match(done.err, says);
    assert.equal(done.out, "");
  };
  await fails(["backup", "--data-dir", data, "--out", place], /is there already/);
  await fails(["backup", "--data-dir", data, "--out", archive], /is there already/);
  await fails(["backup", "--data-dir", at("nowhere"), "--out", at("x")], /nowhere\/netra\.db: No such file/);
  await fails(["backup", "--data-dir", data, "--out", at("no", "such", "place")], /cannot make a folder/);
  await fails(["backup", "--data-dir", data], /--out is missing/, 2);
  await fails(["restore"], /name one back-up/, 2);
  await fails(["restore", at("nothing"), "--data-dir", at("y")], /No such file/);
  await fails(["restore", place, "--data-dir", data], /process \d+ is using it/);
  await fails(["restore", place, "--data-dir", data, "--force"], /process \d+ is using it/);
  assert.ok(existsSync(join(data, "netra.db")));
  assert.equal(existsSync(at("x")), false);

  // damaged in each of its files, and in its words
  const damage = async (says, change) => {
    const copy = at("damaged");
    cpSync(place, copy, { recursive: true });
    change(copy);
    await fails(["restore", copy, "--data-dir", at("z")], says);
    rmSync(copy, { recursive: true });
    assert.deepEqual(readdirSync(at("z")), ["lock"]);
  };
  const flip = (name, where) => (copy) => {
    const bytes = readFileSync(join(copy, name));
    bytes[where < 0 ? bytes.length + where : where] ^= 1;
    writeFileSync(join(copy, name), bytes);
  };
  const edit = (from, to) => (copy) => {
    const text = readFileSync(join(copy, "manifest.json"), "utf8");
    assert.match(text, from);
    writeFileSync(join(copy, "manifest.json"), text.replace(from, to));
  };
  await damage(/netra\.db is not the file that was backed up/, flip("netra.db", 5000));
  await damage(/usage\.db is not the file that was backed up/, flip("usage.db", -3));
  await damage(/usage\.db is not the file/, (copy) => truncateSync(join(copy, "usage.db"), 16384));
  await damage(/it has no manifest\.json/, (copy) => rmSync(join(copy, "manifest.json")));
  await damage(/it has no usage\.db/, (copy) => rmSync(join(copy, "usage.db")));
  await damage(/format "netra-backup-9"/, edit(/netra-backup-1/, "netra-backup-9"));
  await damage(/manifest\.json is no manifest/, edit(/"sha256": "[0-9a-f]/, '"sha256": "X'));
  await damage(/rows in thread/, edit(/"thread": \d+/, '"thread": 1'));
  await damage(/another schema/, edit(/"schema": \d+/, '"schema": 1'));
  const text = readFileSync(join(place, "manifest.json"), "utf8");
  const sha = /"sha256": "([0-9a-f]+)"/.exec(text)[1];
  assert.equal((await start(["restore", place, "--data-dir", at("z"), "--json"])).out, text, "and whole again, the manifest is printed");
  assert.ok(sha.length === 64);

  // archives that were cut, or have more in them
  const bytes = readFileSync(archive);
  for (const [cut, says] of [[1000, /ends after/], [bytes.length - 3000, /it has no manifest\.json|ends after/], [0, /it has no netra\.db/]]) {
    writeFileSync(at("cut.tar"), bytes.subarray(0, cut));
    await fails(["restore", at("cut.tar"), "--data-dir", at("w")], says);
  }
  const header = Buffer.from(bytes.subarray(0, 512));
  header.write("../evil\0", 0);
  header.fill(" ", 148, 156);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  writeFileSync(at("evil.tar"), Buffer.concat([header, bytes.subarray(512)]));
  await fails(["restore", at("evil.tar"), "--data-dir", at("w")], /something else than the plain files/);
  assert.ok(!existsSync(at("evil")));
});

test("tar unpacks an archive, and packs one that is restored", needsSqlite, async () => {
  const unpacked = at("unpacked");
  mkdirSync(unpacked);
  const tar = async (...args) => {
    const child = spawn("tar", args, { stdio: "ignore" });
    assert.equal((await once(child, "close"))[0], 0, args.join(" "));
  };
  await tar("-xf", at("fine.tar"), "-C", unpacked);
  assert.equal(run(["restore", unpacked, "--data-dir", at("of-tar")]).code, 0);
  await tar("-cf", at("packed.tar"), "--format=ustar", "-C", unpacked, "manifest.json", "./netra.db", "usage.db");
  const done = run(["restore", at("packed.tar"), "--data-dir", at("of-tar"), "--force"]);
  assert.equal(done.code, 0, done.err);
});

test("--force moves what is there aside; a restore that was cut off says so", needsSqlite, async () => {
  const place = at("target");
  assert.equal(run(["restore", at("fine"), "--data-dir", place]).code, 0);
  let other = await Server.start({ folder: place });
  const { id } = await other.json(201, "/api/threads", { title: "made after the back-up" });
  await other.stop("SIGKILL", { code: null });
  const again = run(["restore", at("fine"), "--data-dir", place]);
  assert.equal(again.code, 1);
  assert.match(again.err, /has data already\n.*--force/);
  const forced = run(["restore", at("fine"), "--data-dir", place, "--force"]);
  assert.equal(forced.code, 0, forced.err);
  const [, aside] = /is in (\S+)/.exec(forced.err);
  assert.ok(!idsOf(place, "thread").has(id));
  assert.ok(idsOf(aside, "thread").has(id), "with its WAL: the server was killed");

  writeFileSync(join(place, "restore-unfinished"), "");
  const refused = run(["serve", "--listen", "127.0.0.1:0", "--data-dir", place]);
  assert.equal(refused.code, 1);
  assert.match(refused.err, /a restore of it was cut off\n.*--force/);
  assert.equal(run(["restore", at("fine"), "--data-dir", place, "--force"]).code, 0);
  assert.ok(!existsSync(join(place, "restore-unfinished")));
  other = await Server.start({ folder: place });
  await other.stop();
});
