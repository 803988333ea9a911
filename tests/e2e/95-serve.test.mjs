// SPDX-License-Identifier: Apache-2.0
//
// `netra serve` as an operator meets it: its two lines, what it refuses and how it says so, signals, the
// data folder's lock, the table of keys.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import test from "node:test";

import { Server, token } from "./server.mjs";
import { netra, runTo, withTempDir } from "./support.mjs";

const clean = { NETRA_TOKEN: "", NETRA_CONFIG: "/dev/null" };

test("a mistake in the configuration stops the start with its place", () =>
  withTempDir((folder) => {
    const file = join(folder, "netra.conf");
    const cases = [
      ["lisen = 1\n", /netra\.conf:1: there is no key 'lisen'/],
      ["# c\n\nworkers = many\n", /netra\.conf:3: workers takes a number from 0 to 64, not 'many'/],
      ["workers = 1\nworkers = 1\n", /netra\.conf:2: workers is set twice, first in line 1/],
      ["listen = 0.0.0.0:0\n", /will not listen on 0\.0\.0\.0:0.*loopback/],
      ["role = auth\n", /role auth needs auth\.mode = accounts/],
    ];
    for (const [text, message] of cases) {
      writeFileSync(file, text);
      const done = runTo(2, ["serve", "--config", file, "--data-dir", folder], { env: clean });
      assert.match(done.err, message);
      assert.equal(done.out, "");
    }
    runTo(2, ["serve", "--config", join(folder, "none")]);
    runTo(2, ["serve", "--nonsense"]);
    runTo(2, ["serve", "word"]);
    runTo(2, ["serve", "--data-dir", folder], { env: { ...clean, NETRA_TOKEN: "short" } });
  }));

test("flags override the environment, which overrides the file", () =>
  withTempDir((folder) => {
    const file = join(folder, "netra.conf");
    writeFileSync(file, "workers = 3\nlog.level = error\nlog.format = json\n");
    const env = { ...clean, NETRA_WORKERS: "4", NETRA_LOG_LEVEL: "debug" };
    const args = ["serve", "--config", file, "--set", "workers=5", "--data-dir", folder, "--print-config"];
    const { out } = runTo(0, args, { env });
    assert.match(out, /^# flag\nworkers = 5$/m);
    assert.match(out, /^# NETRA_LOG_LEVEL\nlog\.level = debug$/m);
    assert.match(out, /^# line 3 of the file\nlog\.format = json$/m);
    assert.match(out, /^# default\ndrain_timeout_s = 10$/m);
  }));

test("the sample file is one that can be used", () =>
  withTempDir((folder) => {
    const file = join(folder, "netra.conf");
    const { out } = runTo(0, ["serve", "--print-sample-config"]);
    assert.doesNotMatch(out, /NETRA_TOKEN=/);
    writeFileSync(file, out.replaceAll(/^#(?! )/gm, ""));
    runTo(0, ["serve", "--config", file, "--print-config"], { env: clean });
  }));

test("the data folder and its files are for their owner only, and for one server", () =>
  withTempDir(async (folder) => {
    const data = join(folder, "data");
    const server = await Server.start({ folder: data });
    try {
      assert.equal(statSync(data).mode & 0o777, 0o700);
      assert.equal(statSync(join(data, "netra.db")).mode & 0o777, 0o600);
      const second = runTo(1, ["serve", "--listen", "127.0.0.1:0", "--data-dir", data], { env: clean });
      assert.match(second.err, /is using it/);
      const other = join(folder, "other");
      const third = runTo(1, ["serve", "--listen", new URL(server.url).host, "--data-dir", other], { env: clean });
      assert.match(third.err, /in use/);
    } finally {
      assert.equal(await server.stop(), 0);
    }
  }));

test("SIGTERM and SIGINT end it in order; a token is never printed", async () => {
  for (const signal of ["SIGTERM", "SIGINT"]) {
    const server = await Server.start({ args: ["--set", "log.level=debug"] });
    await server.json(200, "/api/threads");
    assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+$/);
    assert.ok(server.signIn.startsWith(`${server.url}/auth/sign-in?code=`));
    assert.equal(await server.stop(signal), 0);
    assert.match(server.log, new RegExp(`${signal}: no new work`));
    assert.match(server.log, /server: stopped/);
    assert.ok(!server.log.includes(token) && !server.log.includes(new URL(server.signIn).searchParams.get("code")));
    server.remove();
  }
});

test("the token of a file, and a folder that cannot be made", () =>
  withTempDir(async (folder) => {
    const file = join(folder, "token");
    writeFileSync(file, "token-of-a-file-0123456789\n", { mode: 0o600 });
    await Server.with(
      async (server) => {
        const as = (bearer) =>
          fetch(`${server.url}/api/threads`, { headers: { authorization: `Bearer ${bearer}` } });
        assert.equal((await as("token-of-a-file-0123456789")).status, 200);
        assert.equal((await as(token)).status, 401);
      },
      { args: ["--token-file", file] },
    );
    mkdirSync(join(folder, "x"));
    writeFileSync(join(folder, "x", "file"), "");
    const done = spawnSync(netra, ["serve", "--data-dir", join(folder, "x", "file")], {
      env: { ...process.env, ...clean, NETRA_TOKEN: token },
      encoding: "utf8",
    });
    assert.equal(done.status, 1);
    assert.match(done.stderr, /not a directory/);
  }));
