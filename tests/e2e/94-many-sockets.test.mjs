// SPDX-License-Identifier: Apache-2.0
//
// 500 WebSockets on 100 runs at ten events a second for a minute, a tenth of them dropping and resuming at random
// moments. The load client (tests/soak, C) compares what each has seen with the logs of the runs; make soak does the
// same with 10,000.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { netra, root } from "./support.mjs";

const client = join(root, "build/release/tests/soak/soak");
const CLIENTS = 500;

async function soak(args) {
  const child = spawn(client, args, { env: { ...process.env, NETRA_BIN: netra }, stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (piece) => (out += piece));
  child.stderr.setEncoding("utf8").on("data", (piece) => (err += piece));
  const [code] = await once(child, "close");
  return { code, out, err };
}

const number = (out, pattern) => Number(pattern.exec(out)?.[1] ?? Number.NaN);

test("500 clients on 100 runs: no event is lost, repeated or out of order", { timeout: 300_000 }, async (t) => {
  assert.ok(existsSync(client), `${client} is not built: make e2e builds it`);
  const { code, out, err } = await soak(["--clients", String(CLIENTS), "--runs", "100", "--seconds", "60", "--seed", "7"]);
  for (const line of out.trim().split("\n")) t.diagnostic(line);
  assert.equal(code, 0, err);
  assert.match(out, /^500 clients connected and subscribed/m);
  assert.match(out, /every event came once and in order, to every client/);
  /* ten a second for each client, but for those that are away at the moment */
  assert.ok(number(out, /rate\s+(\d+) events/) > CLIENTS * 9, "ten events a second for each");
  assert.ok(number(out, /, (\d+) resumed/) >= CLIENTS / 10, "a tenth dropped");
  assert.ok(number(out, /memory\s+([\d.]+) KiB per connection idle/) < 64, "memory of a connection");
});

test("a client that cannot be tried here says why", async () => {
  const { code, err } = await soak(["--clients", "0"]);
  assert.equal(code, 2);
  assert.match(err, /usage: soak/);
});
