// SPDX-License-Identifier: Apache-2.0
//
// `netra user|key|workspace|audit` against a running server: what an admin does without a browser. And what
// `netra serve` refuses before it starts: addresses, secrets, certificates that do not fit together.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { chmodSync, mkdirSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { Server, authSecret } from "./server.mjs";
import { netra, run, withTempDir, writeText } from "./support.mjs";

let server;
let ada;
let key; /* of Ada, with everything */

before(async () => {
  server = await Server.startAccounts();
  ada = await server.setUp();
  key = await ada.key(["read", "run", "data", "admin"]);
});
after(async () => {
  await server.stop();
  server.remove();
});

/** The program, while this process goes on to serve whatever it must. */
function cli(args, { env = {}, token } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(netra, args, {
      env: { ...process.env, NETRA_URL: server.url, NETRA_TOKEN: token ?? key.bearer, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const result = { out: "", err: "" };
    child.stdout.setEncoding("utf8").on("data", (piece) => (result.out += piece));
    child.stderr.setEncoding("utf8").on("data", (piece) => (result.err += piece));
    child.on("error", reject);
    child.on("close", (code, signal) => resolve({ ...result, code: code ?? signal }));
  });
}

async function cliTo(code, args, options) {
  const result = await cli(args, options);
  assert.equal(result.code, code, `netra ${args.join(" ")}\n${result.out}\n${result.err}`);
  return result;
}

const json = async (args) => JSON.parse((await cliTo(0, [...args, "--json"])).out);

test("each command has help, and refuses what it does not know", async () => {
  const overview = run(["help"]).out;
  for (const name of ["user", "key", "workspace", "audit"]) {
    assert.match(overview, new RegExp(`^  ${name} `, "m"));
    const help = run(["help", name]);
    assert.equal(help.code, 0);
    assert.match(help.out, new RegExp(`^usage: netra ${name}`));
    assert.match(help.out, /NETRA_URL/);
    for (const line of help.out.split("\n")) assert.ok(line.length <= 100, line);
    for (const args of [[name, "burn"], [name, "list", "too", "much"], [name, "--nonsense"], [name, "--url", "ftp://x"]]) {
      const wrong = run(args, { env: { NETRA_TOKEN: "t", NETRA_URL: server.url } });
      assert.equal(wrong.code, 2, args.join(" "));
      assert.equal(wrong.out, "");
    }
  }
  for (const args of [
    ["user", "invite", "x@example.org"], ["user", "invite", "x@example.org", "--role", "king"], ["user", "role", "a/b", "viewer"],
    ["user", "invite"], ["key", "create", "n"], ["key", "create", "n", "--scopes", "read,fly"], ["key", "revoke", "../x"],
    ["key", "create", "n", "--scopes", "read", "--days", "0"], ["audit", "--limit", "0"], ["workspace", "create"],
  ]) {
    assert.equal((await cli(args)).code, 2, args.join(" "));
  }
});

test("a token never travels in clear to another machine", async () => {
  const refused = await cliTo(2, ["user", "--url", "http://netra.example.org"]);
  assert.match(refused.err, /would be seen/);
});

test("people: listed, invited, given roles, helped with passwords, removed", async () => {
  const invited = await json(["user", "invite", "ben@example.org", "--role", "analyst"]);
  assert.match(invited.url, /\?invite=/);
  const printed = await cliTo(0, ["user", "invite", "eve@example.org", "--role", "viewer"]);
  assert.match(printed.out, /^an invitation, valid until \S+:\nhttp\S+\?invite=[\w-]{43}\n$/);
  const grant = await server.open(201, "/auth/register", {
    code: new URL(invited.url).searchParams.get("invite"), name: "Ben", password: "correct horse battery",
  });
  const listed = await cliTo(0, ["user", "list"]);
  assert.match(listed.out, new RegExp(`^${grant.user.id} +analyst +person +Ben.* +ben@example.org$`, "m"));
  assert.equal((await json(["user"])).items.length, 2);
  await cliTo(0, ["user", "role", grant.user.id, "viewer"]);
  assert.equal((await json(["user"])).items.find((user) => user.id === grant.user.id).role, "viewer");
  const link = await cliTo(0, ["user", "reset-link", grant.user.id]);
  assert.match(link.out, /\?reset=[\w-]{43}\n$/);
  const last = await cliTo(1, ["user", "role", ada.id, "viewer"]);
  assert.match(last.err, /^netra: .*admin.*409/);
  await cliTo(0, ["user", "remove", grant.user.id]);
  await cliTo(1, ["user", "remove", grant.user.id]);
  const service = await json(["user", "add-service", "importer", "--role", "analyst"]);
  assert.equal(service.kind, "service");
});

test("keys: made, used by the command itself, listed, revoked", async () => {
  const made = await cliTo(0, ["key", "create", "laptop", "--scopes", "read,run", "--days", "30"]);
  assert.match(made.out, /^netra_key_\S+\n$/, "the key alone is on standard output");
  const token = made.out.trim();
  const own = await cliTo(0, ["workspace", "list"], { token });
  assert.match(own.out, /admin/);
  const refused = await cliTo(1, ["user", "list"], { token });
  assert.match(refused.err, /403/);
  const listed = (await json(["key"])).items.find((one) => one.name === "laptop");
  assert.deepEqual(listed.scopes, ["read", "run"]);
  const days = (Date.parse(listed.expires_at) - Date.now()) / 86_400_000;
  assert.ok(days > 29.9 && days < 30.1);
  assert.ok((await cliTo(0, ["key", "list"])).out.includes(listed.id));
  await cliTo(0, ["key", "revoke", listed.id]);
  const dead = await cliTo(1, ["workspace"], { token });
  assert.match(dead.err, /401/);
  assert.match(dead.err, /NETRA_TOKEN/);
  await withTempDir(async (folder) => {
    const file = writeText(folder, "token", `${key.bearer}\n`);
    await cliTo(0, ["workspace", "--token-file", file], { token: "wrong" });
    await cliTo(1, ["workspace", "--token-file", join(folder, "none")], { token: "wrong" });
  });
  const service = await json(["user", "add-service", "robot", "--role", "viewer"]);
  const robot = await cliTo(0, ["key", "create", "robot", "--scopes", "read", "--user", service.id]);
  await cliTo(0, ["workspace"], { token: robot.out.trim() });
});

test("workspaces: made and renamed", async () => {
  await cliTo(0, ["workspace", "create", "Research"]);
  assert.deepEqual((await json(["workspace"])).items.map((w) => w.name).includes("Research"), true);
  await cliTo(0, ["workspace", "rename", "Head office"]);
  assert.ok((await json(["workspace"])).items.some((w) => w.name === "Head office"));
  assert.equal((await ada.json(200, "/auth/me")).workspace.name, "Head office");
});

test("workspaces: deleted by operators, but for the first one", async () => {
  const { id } = await json(["workspace", "create", "Pilot"]);
  const gone = await cliTo(0, ["workspace", "delete", id]);
  assert.match(gone.out, /deleted/);
  assert.ok(!(await json(["workspace"])).items.some((w) => w.id === id));
  assert.match((await cliTo(1, ["workspace", "delete", id])).err, /no such workspace.*404/);
  assert.match((await cliTo(1, ["workspace", "delete", "default"])).err, /first workspace.*409/);
  await cliTo(2, ["workspace", "delete", "../x"]);
});

test("the audit log: listed, and its chain checked", async () => {
  const listed = await cliTo(0, ["audit", "--limit", "200"]);
  assert.match(listed.out, /key\.created/);
  const page = await json(["audit", "--limit", "5"]);
  assert.equal(page.items.length, 5);
  const check = await cliTo(0, ["audit", "check"]);
  assert.match(check.out, /^intact, lines: \d+\nlast hash: [0-9a-f]{64}\n$/);
  assert.equal((await json(["audit", "check"])).is_intact, true);
});

test("what others wrote cannot make the terminal obey", async () => {
  const items = [{ id: "x", role: "viewer", kind: "person", name: "B\u001b[31mn\u009b2J\r", email: "é@example.org" }];
  let refusal;
  const strange = createServer((_, answer) => {
    answer.writeHead(refusal ? 403 : 200, { "content-type": "application/json" });
    answer.end(JSON.stringify(refusal ?? { items, next: null }));
  });
  await new Promise((resolve) => strange.listen(0, "127.0.0.1", resolve));
  try {
    const { out } = await cliTo(0, ["user", "--url", `http://127.0.0.1:${strange.address().port}`]);
    assert.match(out, /B\?\[31mn\?2J\? +é@example\.org\n$/);
    refusal = { detail: "no\u001b]0;owned\u0007 \u009b2J\r way" };
    const { err } = await cliTo(1, ["user", "--url", `http://127.0.0.1:${strange.address().port}`]);
    assert.match(err, /no.* way \(HTTP 403\)\n/);
    assert.doesNotMatch(err, /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
  } finally {
    strange.close();
    strange.closeAllConnections?.();
  }
});

test("what cannot be reached, and what is no netra, is a failure that says so", async () => {
  const nobody = await cliTo(1, ["user", "--url", "http://127.0.0.1:9"]);
  assert.match(nobody.err, /cannot ask http:\/\/127\.0\.0\.1:9/);
  const local = await Server.start();
  try {
    const none = await cliTo(1, ["user", "--url", local.url]);
    assert.match(none.err, /401|404/);
  } finally {
    await local.stop();
    local.remove();
  }
});

test("serve refuses what does not fit together, with exit code 2 and what to do", () =>
  withTempDir(async (folder) => {
    const data = join(folder, "data");
    mkdirSync(data);
    const loose = writeText(folder, "loose", authSecret);
    chmodSync(loose, 0o644);
    const tight = writeText(folder, "tight", authSecret);
    chmodSync(tight, 0o600);
    const inside = writeText(data, "secret", authSecret);
    chmodSync(inside, 0o600);
    const accounts = ["auth.mode=accounts"];
    const beyond = ["listen=0.0.0.0:0"];
    const env = { NETRA_AUTH_SECRET: authSecret };
    for (const [keys, more, says] of [
      [beyond, {}, /loopback only/],
      [[...beyond, ...accounts], env, /without TLS/],
      [[...beyond, ...accounts, "public_url=http://netra.example.org"], env, /without TLS/],
      [accounts, {}, /needs a secret/],
      [accounts, { NETRA_AUTH_SECRET: "too short" }, /32/],
      [[...accounts, `auth.secret_file=${join(folder, "none")}`], {}, /no such file/],
      [[...accounts, `auth.secret_file=${loose}`], {}, /others may use/],
      [[...accounts, `auth.secret_file=${inside}`], {}, /data folder/],
      [[...accounts, "public_url=https://netra.example.org/path"], env, /public_url/],
      [[...accounts, "public_url=netra.example.org"], env, /public_url/],
      [["tls.cert_file=/tmp/x"], {}, /belong together/],
      [[...beyond, ...accounts, "public_url=https://n.example", "faults.allowed=on"], env, /faults/],
      [[...beyond, ...accounts, "public_url=https://n.example", "faults.allowed=on", "deployment=production"], env, /faults/],
      [[...accounts, "mail.url=smtp://127.0.0.1:25"], env, /mail\.from/],
    ]) {
      const args = ["serve", "--data-dir", data, "--listen", "127.0.0.1:0", ...keys.flatMap((k) => ["--set", k])];
      const refused = run(args, { env: more });
      assert.equal(refused.code, 2, `${keys.join(" ")}\n${refused.err}`);
      assert.match(refused.err, says, keys.join(" "));
      assert.ok(!refused.err.includes(authSecret), "no message repeats the secret");
    }
    await Server.with(async (secret) => assert.match(secret.signIn, /setup=/), {
      folder: data,
      args: ["--set", "auth.mode=accounts", "--set", `auth.secret_file=${tight}`],
    });
    await Server.with(async (staging) => assert.ok(staging.signIn.startsWith("https://n.example/?setup=")), {
      env,
      args: ["--listen", "0.0.0.0:0", ...["auth.mode=accounts", "public_url=https://n.example", "faults.allowed=on", "deployment=staging"]
        .flatMap((word) => ["--set", word])],
    });
  }));

test("health says how the deployment is called and whether it takes faults", async () => {
  const health = await server.open(200, "/health");
  assert.equal(health.faults_allowed, false);
  assert.ok(!("deployment" in health));
  await Server.with(
    async (staging) => {
      const said = await staging.json(200, "/health");
      assert.deepEqual([said.deployment, said.faults_allowed], ["staging", true]);
    },
    { args: ["--set", "deployment=staging", "--set", "faults.allowed=on"] },
  );
});
