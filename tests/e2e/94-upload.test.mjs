// SPDX-License-Identifier: Apache-2.0
//
// Uploads: files of every kind the command line reads, told how they were read; bad ones refused with what to
// do; progress while it runs; and figures that are those of the file itself.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { request } from "node:http";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";

import { Server, token, withAccounts, within } from "./server.mjs";
import { data, needsData, tool } from "./support.mjs";

let server;
before(async () => (server = await Server.start()));
after(async () => {
  await server.stop();
  server.remove();
});

const csv =
  "time,model,input_tokens,output_tokens\n" +
  Array.from({ length: 50 }, (_, i) => `2026-08-03T10:00:${String(i).padStart(2, "0")}Z,gpt-4o,${1000 + i},${i}\n`).join("");

test("a file says what it was read as, is listed, and can be deleted", async () => {
  const metric = async (line) =>
    Number(new RegExp(`^${line} (\\d+)$`, "m").exec(await (await server.fetch("/metrics")).text())?.[1] ?? 0);
  const lines = ["netra_upload_bytes_total", 'netra_upload_records_total\\{result="accepted"\\}', 'netra_upload_records_total\\{result="rejected"\\}'];
  const before = await Promise.all(lines.map(metric));
  const dataset = await server.upload("usage.csv", csv + "not,a,row,at all\n");
  const after = await Promise.all(lines.map(metric));
  assert.deepEqual(after.map((n, i) => n - before[i]), [csv.length + "not,a,row,at all\n".length, 50, 1]);
  assert.equal(dataset.status, "ready");
  assert.equal(dataset.records, 50);
  assert.equal(dataset.rejected, 1);
  assert.equal(dataset.import.format, "csv");
  assert.ok(dataset.import.rejects[0].reason);
  assert.equal(dataset.from, "2026-08-03T10:00:00.000000Z");
  const { items } = await server.json(200, "/api/datasets");
  assert.ok(items.some((d) => d.id === dataset.id));
  assert.deepEqual((await server.json(200, `/api/datasets/${dataset.id}`)).import, dataset.import);
  assert.equal((await server.fetch(`/api/datasets/${dataset.id}`, { method: "DELETE" })).status, 204);
  await server.json(404, `/api/datasets/${dataset.id}`);
  const problem = await server.json(404, "/api/tools/dataset_profile", { dataset: dataset.id, args: {} });
  assert.equal(problem.code, "INVALID_REQUEST");
});

test("gzip, chunked bodies and maps are taken as on the command line", async () => {
  const zipped = await server.upload("usage.csv.gz", gzipSync(csv));
  assert.equal(zipped.records, 50);
  const mapped = await server.upload("plain.csv", csv.replace("model", "engine").replaceAll("gpt-4o", "x1"), {
    query: `&map=${encodeURIComponent("model=gpt-4o-mini")}`,
  });
  const facts = (await server.json(200, "/api/tools/spend_breakdown", { dataset: mapped.id, args: {} })).facts;
  assert.ok("spend.by_model.gpt-4o-mini" in facts, Object.keys(facts).join(" "));
});

test("what cannot be used is refused with what to do, and keeps nothing", async () => {
  for (const [name, bytes] of [["empty.csv", ""], ["three.bin", "\x01\x02\x03"], ["head.csv", "time,model,input_tokens\n"],
    ["random.bin", Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) % 256))]]) {
    const problem = await server.upload(name, bytes, { status: 422 });
    assert.equal(problem.code, "INVALID_REQUEST", name);
    assert.ok(problem.detail.length > 20, name);
  }
  const form = new FormData();
  form.set("file", new Blob([csv]), "usage.csv");
  assert.equal((await server.fetch("/api/datasets?name=x", { method: "POST", body: form })).status, 415);
  const { items } = await server.json(200, "/api/datasets?limit=200");
  for (const item of items) if (item.status === "failed") assert.ok(item.reason);
});

test("names from outside are text", async () => {
  for (const name of ["../../etc/passwd", "<b>x</b>.csv", "a\u0000b.csv", "x".repeat(300)]) {
    const answer = await server.fetch(`/api/datasets?name=${encodeURIComponent(name)}`, {
      method: "POST", headers: { "content-type": "application/octet-stream" }, body: csv,
    });
    assert.ok([201, 422].includes(answer.status), `${name}: ${answer.status}`);
  }
});

/** Sends a body slowly enough to look at it on the way. */
function slowUpload(path, bytes, pieces, onPiece) {
  return within(
    new Promise((resolve, reject) => {
      const asked = request(
        new URL(path, server.url),
        { method: "POST", headers: { authorization: `Bearer ${token}`, "content-type": "application/octet-stream", "content-length": bytes.length } },
        (answer) => {
          let text = "";
          answer.on("data", (piece) => (text += piece));
          answer.on("end", () => resolve({ status: answer.statusCode, body: JSON.parse(text) }));
        },
      );
      asked.on("error", reject);
      (async () => {
        for (let i = 0; i < pieces; i++) {
          const size = Math.ceil(bytes.length / pieces);
          await new Promise((sent) => asked.write(bytes.subarray(i * size, (i + 1) * size), sent));
          await onPiece(i, asked);
        }
        asked.end();
      })().catch(reject);
    }),
    "the upload",
  );
}

test("the 12 MB agentic trace gives the known figures within seconds, with progress on the way", needsData, async () => {
  const bytes = readFileSync(join(data, "agentic/agentic_coding_rle.jsonl.gz"));
  const id = randomUUID();
  const progress = [];
  const began = Date.now();
  const { status, body } = await slowUpload(`/api/datasets?name=agentic.jsonl.gz&id=${id}`, bytes, 8, async () => {
    const answer = await server.fetch(`/api/datasets/${id}`);
    if (answer.ok) progress.push(await answer.json());
  });
  assert.equal(status, 201, JSON.stringify(body));
  assert.ok(Date.now() - began < 10_000, `took ${Date.now() - began} ms`);
  assert.equal(body.records, 49334);
  assert.ok(progress.length >= 4);
  assert.ok(progress.every((p) => p.status === "importing"));
  assert.ok(progress.at(-1).bytes > progress[0].bytes, JSON.stringify(progress.map((p) => p.bytes)));
  const local = tool("cache_audit", { data: join(data, "agentic/agentic_coding_rle.jsonl.gz") });
  const remote = await server.json(200, "/api/tools/cache_audit", { dataset: id, args: {} });
  assert.deepEqual(remote.facts, local.facts);
  const socket = await server.socket();
  const asked = Date.now();
  const events = await socket.run("5-minute or 1-hour cache?", { dataset: id });
  assert.ok(Date.now() - asked < 5000);
  await socket.close();
  const { url } = events.find((e) => e.type === "ACTIVITY_SNAPSHOT").content;
  const text = await (await server.fetch(`${url}.md`)).text();
  for (const figure of ["5,891.79", "31,155.11", "6,488.91"]) assert.ok(text.includes(figure), figure);
});

test("a client that leaves in the middle leaves nothing behind but a reason", async () => {
  const id = randomUUID();
  const bytes = Buffer.from(csv.repeat(200));
  await assert.rejects(
    slowUpload(`/api/datasets?name=left.csv&id=${id}`, bytes, 10, async (i, asked) => {
      if (i === 4) asked.destroy();
    }),
  );
  await within(
    (async () => {
      for (;;) {
        const answer = await server.fetch(`/api/datasets/${id}`);
        if (answer.status === 404) return;
        const dataset = await answer.json();
        if (dataset.status === "failed") return assert.ok(dataset.reason);
        await new Promise((r) => setTimeout(r, 20));
      }
    })(),
    "the upload to be given up",
  );
});

test("the sample is labelled as what it is", async () => {
  const sample = await server.json(201, "/api/datasets/sample", { seed: 3 });
  assert.match(sample.name, /synthetic/);
  assert.ok(sample.records > 10_000);
});

/** Writes as a client without a library does; the statuses of what comes back, and the last body. */
function talk(server, write, ms = 30_000) {
  const answered = new Promise((resolve, reject) => {
    const socket = connect({ port: server.port, host: "127.0.0.1", allowHalfOpen: true });
    let heard = "";
    socket.on("data", (piece) => (heard += piece));
    socket.on("error", reject);
    socket.on("end", () => {
      socket.destroy();
      const statuses = [...heard.matchAll(/HTTP\/1\.1 (\d+)/g)].map((found) => Number(found[1]));
      resolve({ statuses, body: heard.slice(heard.lastIndexOf("\r\n\r\n") + 4) });
    });
    write(socket);
  });
  return within(answered, "the answer of an upload by hand", ms);
}

const headOf = (server, framing) =>
  `POST /api/datasets?name=hand.jsonl HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\n` +
  `Authorization: Bearer ${token}\r\n${framing}\r\n\r\n`;
const handRow = '{"timestamp":"2025-01-01T00:00:00Z","model":"gpt-4o","prompt_tokens":5,"completion_tokens":3}\n';

test("odd chunks, and a client that closes its half right after the body, lose nothing", async () => {
  const rows = 60_000;
  const body = Buffer.from(handRow.repeat(rows));
  const sizes = [65_537, 1, 4093, 262_147, 3, 1, 1, 13];
  const whole = await talk(server, (socket) => {
    socket.write(headOf(server, `Content-Length: ${body.length}`));
    socket.end(body);
  });
  assert.deepEqual(whole.statuses, [201]);
  assert.equal(JSON.parse(whole.body).records, rows);
  const chunked = await talk(server, async (socket) => {
    socket.write(headOf(server, "Transfer-Encoding: chunked"));
    for (let at = 0, i = 0; at < body.length; i++) {
      const piece = body.subarray(at, at + sizes[i % sizes.length]);
      socket.write(`${piece.length.toString(16)};odd=yes\r\n`);
      socket.write(piece);
      socket.write("\r\n");
      at += piece.length;
      if (i % 40 === 39) await new Promise((resolve) => setTimeout(resolve, 60));
    }
    socket.end("0\r\nTrailer: none\r\n\r\n");
  });
  assert.deepEqual(chunked.statuses, [201]);
  assert.equal(JSON.parse(chunked.body).records, rows);
});

test("a body of exactly the limit is taken, one byte more is 413, in whatever framing", () =>
  Server.with(
    async (small) => {
      for (const [bytes, status] of [[8191, 201], [8192, 201], [8193, 413]]) {
        const body = `${handRow.repeat(100).slice(0, bytes - 1)}\n`;
        const end = "Connection: close\r\n";
        const plain = await talk(small, (socket) => socket.write(headOf(small, `${end}Content-Length: ${bytes}`) + body));
        assert.deepEqual(plain.statuses, [status], `Content-Length: ${bytes}`);
        const chunks = [body.slice(0, 4096), body.slice(4096)].map((c) => `${c.length.toString(16)}\r\n${c}\r\n`).join("");
        const chunked = await talk(small, (socket) =>
          socket.write(`${headOf(small, `${end}Transfer-Encoding: chunked`)}${chunks}0\r\n\r\n`),
        );
        assert.deepEqual(chunked.statuses, [status], `${bytes} bytes in chunks`);
      }
    },
    { env: { NETRA_UPLOAD_BYTES_MAX: "8192" } },
  ));

test("an id that another workspace has is refused, and what it names is not touched", async () => {
  await withAccounts(async (server) => {
    const ada = await server.setUp();
    const { id } = await ada.json(201, "/api/workspaces", { name: "other" });
    const other = await server.signInAs({ email: ada.email, password: ada.password, workspace: id });
    const line = (n) => JSON.stringify({ timestamp: "2025-01-01T00:00:00Z", model: "gpt-4o", prompt_tokens: n, completion_tokens: 1 });
    const upload = async (who, query, body) => {
      const answer = await who.fetch(`/api/datasets?name=a.jsonl&id=${query}`, { method: "POST", headers: { "content-type": "application/octet-stream" }, body });
      return { status: answer.status, body: await answer.json() };
    };
    assert.equal((await upload(ada, "ready", `${line(1)}\n${line(2)}`)).status, 201);
    assert.notEqual((await upload(ada, "failed", "")).status, 201);
    for (const name of ["ready", "failed"]) {
      const before = await ada.json(200, `/api/datasets/${name}`);
      assert.equal(before.status, name);
      const refused = await upload(other, name, line(7));
      assert.equal(refused.status, 409, JSON.stringify(refused.body));
      assert.equal(refused.body.code, "INVALID_REQUEST");
      assert.deepEqual(await ada.json(200, `/api/datasets/${name}`), before);
      await other.json(404, `/api/datasets/${name}`);
    }
    const many = Array.from({ length: 3000 }, (_, i) => line(i)).join("\n");
    for (let i = 0; i < 5; i++) {
      const both = await Promise.all([upload(ada, `both-${i}`, many), upload(other, `both-${i}`, many)]);
      assert.deepEqual(both.map((answer) => answer.status).sort(), [201, 409], JSON.stringify(both.map((answer) => answer.body.detail)));
      const [owner, stranger] = both[0].status === 201 ? [ada, other] : [other, ada];
      assert.equal((await owner.json(200, `/api/datasets/both-${i}`)).records, 3000);
      await stranger.json(404, `/api/datasets/both-${i}`);
    }
    // No records of a refused upload are left under the id: it is free as soon as its dataset is deleted.
    await ada.delete("/api/datasets/failed");
    assert.equal((await upload(other, "failed", line(7))).status, 201);
  });
});
