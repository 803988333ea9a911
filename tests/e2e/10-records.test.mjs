// SPDX-License-Identifier: Apache-2.0
//
// Records in: formats, mapping, what is broken. What can be read is used, what cannot is told on
// standard error with row and reason, and the exit code says whether anything was left.

import { test } from "node:test";
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import {
  data, lines, money, needsData, netra, run, runTo, start, tool, value, withTempDir, writeText,
} from "./support.mjs";

const HEADER = "time,model,input_tokens,output_tokens\n";
const row = (i) => `2026-09-01T10:00:${String(i % 60).padStart(2, "0")}Z,gpt-4o,1000,100\n`;
const record = (more) =>
  ({ time: "2026-09-01T10:00:00Z", model: "gpt-4o", input_tokens: 1000, output_tokens: 100, ...more });
const PROFILE = ["tool", "dataset_profile", "--data"];

/** Nothing but a clear message: no result, no number, and no signal (run checks that). */
function assertRefused(path, message, more = []) {
  for (const args of [[...PROFILE, path], ["ask", "reduce costs", "--data", path]]) {
    const result = run([...args, ...more]);

    assert.equal(result.code, 1, result.err);
    assert.match(result.err, message);
    assert.equal(result.out, "");
    assert.ok(result.err.length < 2000, "a message, not a dump");
  }
}

test("the same records in six forms give the same facts", async () => {
  await withTempDir((folder) => {
    const records = Array.from({ length: 50 }, (_, i) => record({ input_tokens: 1000 + i }));
    const csv = (separator) => ["time", "model", "input_tokens", "output_tokens"].join(separator) + "\n" +
      records.map((r) => [r.time, r.model, r.input_tokens, r.output_tokens].join(separator) + "\n").join("");
    const forms = {
      "u.jsonl": lines(records), "u.json": JSON.stringify(records, null, 2), "u.csv": csv(","),
      "u-semicolon.csv": csv(";"), "u.tsv": csv("\t"), "bom.csv": "\ufeff" + csv(",").replaceAll("\n", "\r\n"),
    };
    const expected = tool("dataset_profile", { data: writeText(folder, "e.jsonl", lines(records)) }).facts;

    for (const [name, text] of Object.entries(forms)) {
      const path = writeText(folder, name, text);

      assert.deepEqual(tool("dataset_profile", { data: path }).facts, expected, name);
      assert.deepEqual(tool("dataset_profile", { data: "-", input: text }).facts, expected, `${name} on stdin`);
      writeFileSync(join(folder, "u.gz"), gzipSync(text));
      assert.deepEqual(tool("dataset_profile", { data: join(folder, "u.gz") }).facts, expected, `${name}.gz`);
    }
    assert.equal(expected["requests.total"].value, 50);
  });
});

test("several files are one dataset; the same request twice is once", async () => {
  await withTempDir((folder) => {
    const a = writeText(folder, "a.jsonl", lines([record({ request_id: "req_aaa1" }), record({ request_id: "req_aaa2" })]));
    const b = writeText(folder, "b.jsonl",
      lines([record({ request_id: "req_aaa2", output_tokens: 300 }), record({ request_id: "req_aaa3" })]));
    const profile = tool("dataset_profile", { data: [a, b] });

    assert.equal(value(profile, "requests.total"), 3);
    assert.equal(value(profile, "requests.merged"), 1);
    assert.equal(value(profile, "tokens.output.total"), 500, "the last one wins");
  });
});

test("columns with other names are mapped, and a constant is a constant", async () => {
  await withTempDir((folder) => {
    const csv = writeText(folder, "u.csv", "when,tok_in,tok_out\n2026-09-01T10:00:00Z,1000,100\n");
    const maps = (...list) => list.flatMap((map) => ["--map", map]);
    const good = maps("time=when", "input_tokens=tok_in", "output_tokens=tok_out", "model=gpt-4o");

    assert.equal(money(tool("dataset_profile", { data: csv, more: good }), "spend.total"), "0.0035");
    for (const [map, says] of [["no_such_field=when", /no_such_field/], ["input_tokens=7", /input_tokens/],
      ["=x", /FIELD=COLUMN/], ["nothing", /FIELD=COLUMN/]]) {
      const result = run([...PROFILE, csv, "--map", map]);

      assert.equal(result.code, 2, map);
      assert.match(result.err, says);
    }
  });
});

test("half of the rows are broken: the other half is used, the first broken row is told", async () => {
  await withTempDir((folder) => {
    const broken = ["not,a,row,at all\n", "2026-09-01T10:00:00Z,gpt-4o,-5,100\n", "x\n",
      "2026-09-01T10:00:00Z,gpt-4o,1e999,100\n", "2026-09-01T10:00:00Z,gpt-4o,,\n",
      "99999-99-99,gpt-4o,1000,100\n", '"unclosed,gpt-4o,5\n'];
    let text = HEADER;
    for (let i = 0; i < 600; i++) text += i % 2 ? row(i) : broken[(i / 2) % 6];
    const path = writeText(folder, "half.csv", text);
    const result = runTo(0, [...PROFILE, path]);
    const profile = JSON.parse(result.out);

    assert.equal(value(profile, "requests.total"), 300);
    assert.equal(value(profile, "requests.rejected"), 300);
    assert.equal(money(profile, "spend.total"), "1.05");
    assert.match(result.err, /300 of 600 rows left out; row 2: /);
    const asked = runTo(0, ["ask", "Where does the money go?", "--data", path]);
    assert.match(asked.out, /could not be read and are left\s+out \(300 in all\)/, "the report says it, too");
  });
});

test("a JSONL file with half its lines broken", async () => {
  await withTempDir((folder) => {
    const broken = ["{", "nonsense", '{"time":1}', "[1,2]", "null", '{"time":"2026-09-01T10:00:00Z","model":"gpt-4o","input_tokens":-1,"output_tokens":1}'];
    const text = Array.from({ length: 120 }, (_, i) =>
      (i % 2 ? broken[((i - 1) / 2) % broken.length] : JSON.stringify(record())) + "\n").join("");
    const result = runTo(0, [...PROFILE, writeText(folder, "half.jsonl", text)]);
    const profile = JSON.parse(result.out);

    assert.equal(value(profile, "requests.total"), 60);
    assert.equal(value(profile, "requests.rejected"), 60);
    assert.match(result.err, /60 of 120 rows left out; row 2: /);
  });
});

test("a header and no row, an empty file: no record, and guidance instead of a report", async () => {
  await withTempDir((folder) => {
    for (const [name, text, says] of [["header.csv", HEADER, /no rows/], ["empty", "", /empty/]]) {
      const path = writeText(folder, name, text);
      const asked = runTo(3, ["ask", "reduce costs", "--data", path]);

      assert.equal(run([...PROFILE, path]).code, 3, name);
      assert.match(asked.err, says);
      assert.match(asked.out, /guidance/);
      assert.doesNotMatch(asked.out, /\$\d/);
    }
  });
});

test("three bytes, random bytes, a program, a folder, a file that is not there", async () => {
  await withTempDir((folder) => {
    const noise = Buffer.from(Array.from({ length: 65536 }, (_, i) => (i * 2654435761 >>> 13) & 255));

    assertRefused(writeText(folder, "three", "abc"), /header/);
    const braces = writeText(folder, "braces", "{}\n"); // readable, but no record
    assert.equal(run([...PROFILE, braces]).code, 3);
    assert.match(runTo(3, ["ask", "reduce costs", "--data", braces]).err, /no token count/);
    assertRefused(writeText(folder, "noise", noise), /netra: .*(text|UTF-8|NUL|binary)/);
    assertRefused(netra, /NUL bytes|not a text/);
    assertRefused(folder, /folder/);
    assertRefused(join(folder, "absent.csv"), /absent\.csv: .*No such file/);
    assertRefused(writeText(folder, "utf16.csv", Buffer.from("\ufeff" + HEADER + row(1), "utf16le")), /netra: /);
    mkdirSync(join(folder, "sub"));
    assertRefused(join(folder, "sub"), /folder/);
  });
});

test("one readable file beside an unreadable one is used", async () => {
  await withTempDir((folder) => {
    const good = writeText(folder, "good.csv", HEADER + row(1));
    const result = runTo(0, [...PROFILE, good, "--data", join(folder, "absent")]);

    assert.equal(value(JSON.parse(result.out), "requests.total"), 1);
    assert.match(result.err, /absent/);
  });
});

test("half a gzip file: the records before the cut, and a note", async () => {
  await withTempDir((folder) => {
    let text = HEADER;
    for (let i = 0; i < 50_000; i++) text += `2026-09-01T10:00:00Z,gpt-4o,${(i * 7919) % 100_003},${i % 97}\n`;
    const whole = gzipSync(text);
    const flipped = Buffer.from(whole).fill(0x55, whole.length / 2, whole.length / 2 + 64);
    for (const [name, bytes] of [["half.gz", whole.subarray(0, whole.length / 2)],
      ["no-trailer.gz", whole.subarray(0, whole.length - 6)],
      ["flipped.gz", flipped]]) {
      const path = join(folder, name);
      writeFileSync(path, bytes);
      const result = runTo(0, [...PROFILE, path]);
      const count = value(JSON.parse(result.out), "requests.total");

      assert.ok(count > 10_000 && count <= 50_000, `${name}: ${count} records`);
      assert.match(result.err, /gzip|cut|damaged|end/i, name);
    }
    for (const [name, bytes] of [["head.gz", whole.subarray(0, 10)], ["two.gz", whole.subarray(0, 2)],
      ["junk.gz", Buffer.concat([whole.subarray(0, 10), Buffer.alloc(500, 0xff)])]]) {
      writeFileSync(join(folder, name), bytes);
      const result = run([...PROFILE, join(folder, name)]);

      assert.ok([1, 3].includes(result.code), `${name}: ${result.code}`);
      assert.match(result.err, /netra: /, name);
    }
  });
});

test("half of the agentic trace: whole conversations are used", needsData, async () => {
  await withTempDir((folder) => {
    const whole = readFileSync(join(data, "agentic/agentic_coding_rle.jsonl.gz"));
    const half = join(folder, "half.jsonl.gz");
    writeFileSync(half, whole.subarray(0, whole.length / 2));
    const result = runTo(0, ["tool", "cache_audit", "--data", half, "--args", '{"honour_minimum":false}']);
    const found = JSON.parse(result.out);

    // the oracle: the same bytes through node's own inflate, cut at the last whole line
    const text = gunzipSync(whole).toString();
    assert.match(result.err, /gzip|cut|end/i);
    const requests = value(found, "cache.requests");
    let sum = 0;
    const counts = text.trimEnd().split("\n").map((line) => {
      const count = (list) => list.reduce((n, r) => n + (r.type === "subagent" ? count(r.requests) : 1), 0);
      return (sum += count(JSON.parse(line).requests));
    });
    assert.ok(counts.includes(requests), `${requests} is a number of whole conversations`);
    assert.ok(requests > 10_000 && requests < 49_334);
    assert.equal(money(found, "cache.cost.none").length > 0, true);
  });
});

/** Feeds standard input with pieces, watching the program's resident memory; {code, err, rss}. */
function feed(args, pieces) {
  return new Promise((resolve, reject) => {
    const child = start(args);
    const result = { out: "", err: "", rss: 0 };
    let wake = () => {};
    const watch = setInterval(() => {
      try {
        const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
        result.rss = Math.max(result.rss, Number(status.match(/VmHWM:\s+(\d+) kB/)?.[1] ?? 0) * 1024);
      } catch { /* it has ended */ }
    }, 5);
    child.stdout.on("data", (piece) => { result.out += piece; });
    child.stderr.on("data", (piece) => { result.err += piece; });
    child.stdin.on("error", () => {}); // it need not read to the end
    child.on("error", reject);
    child.on("close", (code, signal) => {
      clearInterval(watch);
      wake();
      resolve({ ...result, code, signal });
    });
    (async () => {
      for (const piece of pieces) {
        if (child.exitCode !== null || child.stdin.destroyed) break;
        if (!child.stdin.write(piece)) {
          await new Promise((next) => { wake = next; child.stdin.once("drain", next); });
        }
      }
      child.stdin.end();
    })().catch(reject);
  });
}

test("a line of one gigabyte: bounded memory, and the rows around it are read", async (t) => {
  const GIGABYTE = 1 << 30;
  const PIECE = Buffer.alloc(1 << 22, "a");
  function* input(head, tail) {
    yield head;
    for (let sent = 0; sent < GIGABYTE; sent += PIECE.length) yield PIECE;
    yield tail;
  }
  for (const [name, head, tail, rows] of [
    ["csv", HEADER + row(1), "\n" + row(2), 2],
    ["jsonl", lines([record()]) + '{"x":"', '"}\n' + lines([record()]), 2],
    ["nothing else", "", "", 0],
  ]) {
    const result = await feed([...PROFILE, "-"], input(head, tail));

    t.diagnostic(`${name}: at most ${(result.rss / 1e6).toFixed(0)} MB resident`);
    assert.equal(result.signal, null, name);
    assert.ok(result.rss > 0 && result.rss < 400e6, `${name}: ${result.rss} bytes`);
    assert.match(result.err, /too long|longer|limit|64 MiB|no line/i, name);
    if (rows) {
      assert.equal(result.code, 0, result.err);
      assert.equal(value(JSON.parse(result.out), "requests.total"), rows, name);
      assert.equal(value(JSON.parse(result.out), "requests.rejected"), 1, name);
    } else {
      assert.equal(result.code, 1, result.err);
    }
  }
});

test("odd numbers: strings are read, nonsense is rejected, nothing wraps around", async () => {
  await withTempDir((folder) => {
    const count = (records) => {
      const result = run([...PROFILE, writeText(folder, "u.jsonl", lines(records))]);
      return result.code === 0 ? JSON.parse(result.out) : undefined;
    };
    const good = record();

    assert.equal(value(count([record({ input_tokens: "1000", output_tokens: "100" })]), "tokens.input.total"), 1000);
    for (const bad of [-1, "-1", 1.5, "1.5.2", "abc", 1e30, "99999999999999999999", true]) {
      const profile = count([good, record({ input_tokens: bad })]);

      assert.equal(value(profile, "requests.total"), 1, JSON.stringify(bad));
      assert.equal(value(profile, "requests.rejected"), 1, JSON.stringify(bad));
      assert.equal(value(profile, "tokens.input.total"), 1000, JSON.stringify(bad));
    }
  });
});

test("rows out of time order are the same records", async () => {
  await withTempDir((folder) => {
    const block = (i) => record({ request_id: `r${i}`, time: new Date(Date.UTC(2026, 8, 1, 10, i)).toISOString(),
      model: "claude-sonnet-4-5-20250929", prompt_hash: `p${i % 7}`, hash_ids: [[0, 20 + i]], block_size: 64,
      input_tokens: 64 * (20 + i) + 5, cache_scope: "s", feature: `f${i % 3}` });
    const records = Array.from({ length: 40 }, (_, i) => block(i));
    const shuffled = records.map((r, i) => records[(i * 17) % 40]);
    const facts = (list, name) => {
      const path = writeText(folder, "u.jsonl", lines(list));
      return tool(name, { data: path }).facts;
    };

    for (const name of ["dataset_profile", "cache_audit", "duplicate_calls", "traffic_profile"]) {
      assert.deepEqual(facts(shuffled, name), facts(records, name), name);
    }
  });
});
