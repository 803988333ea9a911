// SPDX-License-Identifier: Apache-2.0
//
// An upgrade from each version of the schema that there was keeps every record. What a server has made is put into
// tables of the older version (tests/data/schema has their definitions), so that the folder is what the older program
// would have left; then the real program starts on it, and everything that its API tells is compared.

import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, renameSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";

import { isWhole, needsSqlite, sql, tables } from "./databases.mjs";
import { Server } from "./server.mjs";
import { root, run } from "./support.mjs";

const definitions = join(root, "tests/data/schema");
const versions = readdirSync(definitions).flatMap((name) => /^netra-(\d+)\.sql$/.exec(name)?.[1] ?? []).map(Number).sort();
const today = Math.max(...versions);

const records = (marker, count) =>
  Array.from({ length: count }, (_, i) => JSON.stringify({
    timestamp: new Date(Date.UTC(2025, 0, 1 + (i % 28), i % 24)).toISOString(), model: i % 3 ? "gpt-4o" : "gpt-4o-mini",
    feature: `${marker}-${i % 7}`, prompt_tokens: 500 + i, completion_tokens: 30 + (i % 50), latency_ms: 100 + i,
  })).join("\n");

async function fill(server) {
  const first = await server.upload("first.jsonl", records("first", 2000));
  await server.upload("second.jsonl", records("second", 70));
  await server.upload("nothing.jsonl", "no record at all", { status: 422 });
  const thread = await server.json(201, "/api/threads", { title: "Größe — “quoted” \\ 日本" });
  for (const prompt of ["What do we spend on what?", "How can we reduce costs by 20 %?"]) {
    const { id } = await server.json(202, `/api/threads/${thread.id}/runs`, { prompt, dataset: first.id });
    assert.equal((await server.ended(id)).status, "finished");
  }
  const alone = await server.json(202, "/api/runs", { prompt: "Is our caching good?", dataset: first.id });
  await server.ended(alone.id);
}

async function all(server, path) {
  const items = [];
  for (let after = ""; after !== null; ) {
    const page = await server.json(200, `${path}?limit=2${after && `&after=${after}`}`);
    items.push(...page.items);
    after = page.next;
  }
  return items;
}

/** Everything that the API tells of what lasts. */
async function readAll(server) {
  const told = { threads: [], datasets: [] };
  for (const thread of await all(server, "/api/threads")) {
    const one = { thread, messages: await all(server, `/api/threads/${thread.id}/messages`), runs: [] };
    for (const listed of await all(server, `/api/threads/${thread.id}/runs`)) {
      const run = { listed, run: await server.json(200, `/api/runs/${listed.id}`), events: await server.events(listed.id) };
      assert.ok(run.events.length > 10);
      for (const format of ["json", "md", "html", "csv"]) {
        run[format] = await (await server.fetch(`/api/reports/${run.run.report_id}.${format}`)).text();
        assert.ok(run[format].length > 100);
      }
      one.runs.push(run);
    }
    told.threads.push(one);
  }
  for (const { id } of await all(server, "/api/datasets")) {
    const dataset = await server.json(200, `/api/datasets/${id}`);
    const profile = dataset.status === "ready" && (await server.json(200, "/api/tools/dataset_profile", { dataset: id, args: {} }));
    told.datasets.push({ dataset, profile });
  }
  return told;
}

/** The rows of a file in tables of an older version. */
function makeOlder(folder, version) {
  const definition = readFileSync(join(definitions, `netra-${version}.sql`), "utf8");
  const statements = definition.match(/^(?:PRAGMA|CREATE)[^;]*(?:BEGIN[\s\S]*?END)?;$/gm).join("\n");
  const [now, older] = [join(folder, "netra.db"), join(folder, "older.db")];
  sql(older, `PRAGMA journal_mode = WAL;\n${statements}\n`);
  const counts = {};
  for (const table of tables(older)) {
    const columns = sql(older, `SELECT name FROM pragma_table_info('${table}');`).flat().join(", ");
    sql(older, `ATTACH '${now}' AS now;\nINSERT INTO ${table} (${columns}) SELECT ${columns} FROM now.${table};\n`);
    counts[table] = sql(older, `SELECT count(*) FROM ${table};`)[0][0];
  }
  for (const name of readdirSync(folder)) if (name.startsWith("netra.db")) rmSync(join(folder, name));
  renameSync(older, now);
  return counts;
}

for (const version of versions) {
  test(`what version ${version} left is all there, and goes on`, needsSqlite, async () => {
    const folder = mkdtempSync(join(tmpdir(), "netra-upgrade-"));
    try {
      let server = await Server.start({ folder });
      await fill(server);
      const before = await readAll(server);
      await server.stop();
      const counts = makeOlder(folder, version);
      assert.ok(counts.run === 3 && counts.event > 30 && counts.report === 3 && counts.dataset === 3, JSON.stringify(counts));
      assert.equal(sql(join(folder, "netra.db"), "PRAGMA user_version;")[0][0], version);

      server = await Server.start({ folder });
      const after = await readAll(server);
      assert.deepEqual(after, before);
      for (const { runs } of after.threads) {
        for (const { run: { report_id } } of runs) {
          const recomputed = await server.json(200, `/api/reports/${report_id}/recompute`, {});
          assert.equal(recomputed.different, 0, JSON.stringify(recomputed).slice(0, 300));
        }
      }
      const more = await server.json(202, "/api/runs", { prompt: "What do we spend?", dataset: after.datasets.at(-1).dataset.id });
      await server.ended(more.id);
      await server.stop();
      assert.equal(sql(join(folder, "netra.db"), "PRAGMA user_version;")[0][0], today);
      assert.ok(isWhole(join(folder, "netra.db")) && isWhole(join(folder, "usage.db")));
      for (const [table, count] of Object.entries(counts)) {
        const now = sql(join(folder, "netra.db"), `SELECT count(*) FROM ${table};`)[0][0];
        assert.ok(now >= count, `${table}: ${now} of ${count}`);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
}

test("a newer version is refused with both named, and left as it was", needsSqlite, async () => {
  const folder = mkdtempSync(join(tmpdir(), "netra-upgrade-"));
  try {
    const server = await Server.start({ folder });
    await server.stop();
    sql(join(folder, "netra.db"), `PRAGMA user_version = ${today + 1};`);
    const refused = run(["serve", "--listen", "127.0.0.1:0", "--data-dir", folder]);
    assert.equal(refused.code, 1);
    assert.match(refused.err, new RegExp(`netra\\.db: it is of version ${today + 1}, and this program knows versions up to ${today}`));
    assert.equal(sql(join(folder, "netra.db"), "PRAGMA user_version;")[0][0], today + 1);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
