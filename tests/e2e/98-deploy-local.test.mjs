// SPDX-License-Identifier: Apache-2.0
//
// netra deploy with the target `local`: real processes, real switches, under clients that ask all the time. A
// revision that breaks, in each of the ways in which it can, costs no request; a deployment that is killed, at
// each of its steps, is put right by the next one; nothing that was stored is lost.

import assert from "node:assert/strict";
import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";

import { Place, needsPlainProgram } from "./deploying.mjs";
import { Probes, get, titles } from "./probe.mjs";
import { authSecret, within } from "./server.mjs";
import { netra, runTo } from "./support.mjs";

const PROJECT = "netra-staging";
const FAST = ["--healthy-seconds", "1", "--ready-seconds", "3"];
const GOOD = ["--image", netra, ...FAST];

const makeThread = async (url, title) => {
  const made = await get(url, "/api/threads", undefined, "POST", JSON.stringify({ title }));
  assert.equal(made.status, 201, made.text);
};

const revisionOf = async (url) => JSON.parse((await get(url, "/health")).text).revision;

const onlyThreads = (all) => all.filter((title) => /^thread \d+$/.test(title));

test("a first deployment, and a second one under clients: no request fails, no thread is lost", needsPlainProgram, () =>
  Place.with(async (place) => {
    const first = await place.deploy(PROJECT, 0, [...GOOD, "--cost"]);
    assert.equal(first.outcome, "switched");
    assert.deepEqual(first.cost.before.usd_per_month, null, "no price of this machine is known");
    assert.equal(await revisionOf(first.public_url), first.revision);
    await makeThread(first.public_url, "before");

    const probes = new Probes(first.public_url);
    const second = await place.deploy(PROJECT, 0, ["--image", netra, "--healthy-seconds", "2", "--verify"]);
    const seen = await probes.stop();
    assert.equal(second.public_url, first.public_url);
    assert.notEqual(second.revision, first.revision);
    assert.deepEqual(seen.revisions, [first.revision, second.revision]);
    assert.ok(seen.asked > 1000, `only ${seen.asked} requests`);
    assert.ok(seen.closes >= 1, "the WebSocket was closed with 1012");
    const found = await titles(second.public_url);
    assert.ok(found.includes("before"));
    assert.equal(onlyThreads(found).length, seen.threads, "also those that were made during the probes");

    const names = second.steps.map((step) => step.name);
    assert.deepEqual(names, ["describe", "push", "release", "status", "probe", "switch", "check", "verify", "retire"]);
    assert.ok(second.steps.find((step) => step.name === "probe").duration_s >= 2);
    const process = place.process(PROJECT, first.revision);
    assert.equal(process.exit_status, 0, "the old one ended in order");
    assert.equal(process.memory_limit_bytes, 512_000_000);
    assert.match(process.memory_limit, /^(cgroup|RLIMIT_DATA)$/);
    const lines = readFileSync(join(place.state(PROJECT), "deploys", `${second.revision}.jsonl`), "utf8");
    const verbs = lines.trim().split("\n").map((line) => JSON.parse(line));
    assert.deepEqual(verbs.map((line) => line.step), names.slice(1), "the record has each step");
    assert.ok(!lines.includes("e2e-token"), "and no secret");
    assert.equal(existsSync(join(place.state(PROJECT), "deploys/unfinished.json")), false);

    const back = new Probes(second.public_url);
    const undone = await place.deploy(PROJECT, 0, ["--rollback"]);
    assert.deepEqual((await back.stop()).revisions, [second.revision, first.revision]);
    assert.equal(undone.revision, first.revision);
    await place.deploy(PROJECT, 1, ["--rollback"]);
    assert.equal(await revisionOf(first.public_url), first.revision, "nothing served before: nothing changed");
  }));

const PYTHON = "#!/usr/bin/env python3\n";
const BROKEN = [
  ["ends at once", "#!/bin/sh\necho no good >&2\nexit 3\n", /exit status 3; the log ends with: no good/],
  ["never listens", "#!/bin/sh\nexec sleep 600\n", /is not ready after 3 s/],
  ["is not there for this machine", "no program\n", /ended|cannot start/],
  ["crashes while it is probed", '#!/bin/sh\n(sleep 0.8; kill -SEGV $$) &\nexec "$NETRA" "$@"\n', /was not healthy/],
  [
    "needs more memory than there is",
    `${PYTHON}hold = bytearray(600_000_000)\n`,
    /MemoryError|signal 9/,
  ],
  [
    "is never healthy",
    `${PYTHON}import http.server, socket
class Red(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{"status":"unhealthy","checks":[{"reason":"the disk is full"}]}'
        self.send_response(503); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Red, bind_and_activate=False)
server.socket = socket.socket(fileno=3)
server.serve_forever()
`,
    /is not ready after 3 s: \/health says 503/,
  ],
  [
    "is another one than it should be",
    '#!/bin/sh\nexec "$NETRA" "$@" --set revision=somebody-else\n',
    /\/health is of the revision somebody-else/,
  ],
  [
    "fails on the real data only",
    '#!/bin/sh\ncase "$*" in *trial-data*) exec "$NETRA" "$@";; esac\necho not this folder >&2\nexit 7\n',
    /does not serve: the process ended with exit status 7; the log ends with: not this folder/,
  ],
];

test("broken revisions cost no request, and what served before serves", needsPlainProgram, async (t) => {
  await Place.with(async (place) => {
    const first = await place.deploy(PROJECT, 0, GOOD);
    for (const [what, text, why] of BROKEN) {
      await t.test(what, async () => {
        const probes = new Probes(first.public_url);
        const image = place.wrapper("broken", text);
        const result = await place.deploy(PROJECT, 1, ["--image", image, ...FAST]);
        const seen = await probes.stop();
        assert.equal(result.outcome, "rolled_back", result.err);
        assert.match(result.reason, why);
        assert.deepEqual(seen.revisions, [first.revision]);
        assert.equal(place.record(PROJECT).serving, first.revision);
        assert.ok(seen.asked > 100);
      });
    }
    const last = await place.deploy(PROJECT, 0, GOOD);
    assert.equal(await revisionOf(last.public_url), last.revision);
  });
});

test("a first deployment that fails leaves nothing that listens", needsPlainProgram, () =>
  Place.with(async (place) => {
    const image = place.wrapper("broken", '#!/bin/sh\ncase "$*" in *trial-data*) exec "$NETRA" "$@";; esac\nexit 7\n');
    const result = await place.deploy(PROJECT, 1, ["--image", image, ...FAST]);
    assert.equal(result.outcome, "rolled_back");
    const { all } = JSON.parse(readFileSync(join(place.state(PROJECT), "local/addresses.json"), "utf8"));
    await assert.rejects(get(`http://${all}`, "/health"), { code: "ECONNREFUSED" });
  }));

const KILLED_AT = ["push all", "release all", "status all", "probe all: healthy", "switch all", "check all", "retire all"];

test("killed at each step, the next deployment ends well", needsPlainProgram, () =>
  Place.with(async (place) => {
    const first = await place.deploy(PROJECT, 0, GOOD);
    await makeThread(first.public_url, "before");
    const probes = new Probes(first.public_url);
    for (const step of KILLED_AT) {
      const seen = place.start(PROJECT, GOOD);
      await seen.says(`${PROJECT}: ${step}`);
      seen.child.kill("SIGKILL");
      await within(seen.closed, "the killed deployment");
      const next = await place.deploy(PROJECT, 0, GOOD);
      assert.equal(next.outcome, "switched", `after a kill at ${step}`);
      assert.equal(await revisionOf(next.public_url), next.revision, step);
      assert.equal(place.record(PROJECT).switching, null);
    }
    const seen = await probes.stop();
    const found = await titles(first.public_url);
    assert.ok(found.includes("before"));
    assert.equal(onlyThreads(found).length, seen.threads);
    assert.equal(place.holders().length, 1);
  }));

test("a verb that comes late, for a revision that was rolled back, is refused", needsPlainProgram, () =>
  Place.with(async (place) => {
    const first = await place.deploy(PROJECT, 0, GOOD);
    const image = place.wrapper("broken", "#!/bin/sh\nexit 3\n");
    const { revision } = await place.deploy(PROJECT, 1, ["--image", image, ...FAST]);
    for (const verb of ["release", "switch"]) {
      const late = runTo(1, [verb], {
        binary: join(import.meta.url.slice("file://".length), "../../../deploy/targets/local"),
        env: {
          NETRA_DEPLOY_PROJECT: PROJECT,
          NETRA_DEPLOY_STATE: place.state(PROJECT),
          NETRA_DEPLOY_REVISION: revision,
          NETRA_DEPLOY_IMAGE: netra,
        },
      });
      assert.equal(JSON.parse(late.out).error.code, "invalid", late.out);
    }
    assert.equal(await revisionOf(first.public_url), first.revision);
  }));

test("a holder that is killed: the next deployment serves at the same address, from the same data", needsPlainProgram, () =>
  Place.with(async (place) => {
    const first = await place.deploy(PROJECT, 0, GOOD);
    await makeThread(first.public_url, "before");
    process.kill(place.holders()[0], "SIGKILL");
    const next = await place.deploy(PROJECT, 0, GOOD);
    assert.equal(next.public_url, first.public_url);
    assert.deepEqual(await titles(next.public_url), ["before"]);

    // In the middle of a switch: the one before serves again, as its holder finds it written.
    const seen = place.start(PROJECT, GOOD);
    await seen.says(`${PROJECT}: switch all`);
    while (!place.record(PROJECT).switching) await new Promise((resolve) => setTimeout(resolve, 5));
    process.kill(place.holders()[0], "SIGKILL");
    const [code] = await within(seen.closed, "netra deploy");
    assert.equal(code, 1, seen.err);
    assert.equal(JSON.parse(seen.out).outcome, "rolled_back", seen.out);
    assert.equal(await revisionOf(first.public_url), next.revision);
    assert.deepEqual(await titles(next.public_url), ["before"]);
  }));

test("a process that serves and crashes is started again; one that does so for ever is refused, not waited for", needsPlainProgram, () =>
  Place.with(async (place) => {
    const { revision, public_url: url } = await place.deploy(PROJECT, 0, GOOD);
    const ended = new Set();
    for (let i = 0; i < 4; i++) {
      let { pid, exit_status: code, signal } = place.process(PROJECT, revision);
      while (ended.has(pid) || code !== undefined || signal !== undefined) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        ({ pid, exit_status: code, signal } = place.process(PROJECT, revision));
      }
      if (i) assert.equal((await get(url, "/health")).status, 200, "started again");
      ended.add(pid);
      process.kill(pid, "SIGKILL");
    }
    while (place.process(PROJECT, revision).signal !== 9) await new Promise((resolve) => setTimeout(resolve, 20));
    const refused = async () => {
      for (;;) {
        try {
          await get(url, "/health");
        } catch (error) {
          if (error.code === "ECONNREFUSED") return;
        }
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    };
    await within(refused(), "a refused connection");
    const next = await place.deploy(PROJECT, 0, GOOD);
    assert.equal(next.public_url, url);
    assert.equal(await revisionOf(url), next.revision);
  }));

test("an older binary gets the data of its schema back, and the newer data is kept", needsPlainProgram, () =>
  Place.with(async (place) => {
    const first = await place.deploy(PROJECT, 0, GOOD);
    await makeThread(first.public_url, "before");
    // As a program with one more step of the schema: it takes the folder, and leaves it at the next number.
    const image = place.wrapper("newer", `${PYTHON}import os, sqlite3, sys, time, urllib.request
path = os.path.join(sys.argv[sys.argv.index("--data-dir") + 1], "netra.db")
me = os.getpid()
if os.path.exists(path):
    db = sqlite3.connect(path); number = db.execute("PRAGMA user_version").fetchone()[0]
    if number > 1000: db.execute("PRAGMA user_version = %d" % (number - 1000)); db.commit()
    db.close()
if os.fork() == 0:
    os.closerange(3, 100)
    while not os.path.exists(path): time.sleep(0.01)
    time.sleep(0.5)
    while True:
        try:
            db = sqlite3.connect(path); number = db.execute("PRAGMA user_version").fetchone()[0]
            if 0 < number < 1000: db.execute("PRAGMA user_version = %d" % (number + 1000)); db.commit(); open(path + ".newer", "w"); break
            db.close()
        except sqlite3.Error: pass
        time.sleep(0.05)
    os._exit(0)
time.sleep(0.02)
os.execv("$NETRA", ["netra"] + sys.argv[1:])
`);
    const newer = await place.deploy(PROJECT, 0, ["--image", image, ...FAST]);
    await makeThread(newer.public_url, "after");
    assert.equal(await revisionOf(newer.public_url), newer.revision);
    const mark = join(place.state(PROJECT), "local/all/data/netra.db.newer");
    while (!existsSync(mark)) await new Promise((resolve) => setTimeout(resolve, 20));
    const undone = await place.deploy(PROJECT, 0, ["--rollback"]);
    assert.match(undone.err, /what was written since 20\d\d-.* is not served any more; it is kept in /);
    assert.equal(await revisionOf(first.public_url), first.revision);
    assert.deepEqual(await titles(first.public_url), ["before"]);
    const aside = readdirSync(join(place.state(PROJECT), "local/all")).filter((name) => name.startsWith("data."));
    assert.equal(aside.length, 1, "nothing was deleted");
  }));

test("two at once: the second one is told; SIGINT goes back", needsPlainProgram, () =>
  Place.with(async (place) => {
    const first = await place.deploy(PROJECT, 0, GOOD);
    const seen = place.start(PROJECT, ["--image", netra, "--healthy-seconds", "60"]);
    await seen.says(`${PROJECT}: probe all: healthy`);
    const second = await place.deploy(PROJECT, 1, GOOD);
    assert.match(second.err, /another deployment of this project is under way/);
    seen.child.kill("SIGINT");
    const [code] = await within(seen.closed, "the deployment that was interrupted");
    assert.equal(code, 1);
    const result = JSON.parse(seen.out);
    assert.equal(result.outcome, "rolled_back");
    assert.match(result.reason, /cancelled while all was probed/);
    assert.equal(await revisionOf(first.public_url), first.revision);
  }));

test("a promotion takes what serves elsewhere, and is to be confirmed", needsPlainProgram, () =>
  Place.with(async (place) => {
    const nothing = await place.deploy("netra-production", 1, ["--promote-from", PROJECT, "--yes", ...FAST]);
    assert.match(nothing.reason, /nothing serves in netra-staging/);
    const staging = await place.deploy(PROJECT, 0, GOOD);
    const unsure = await place.deploy("netra-production", 2, ["--promote-from", PROJECT, ...FAST]);
    assert.match(unsure.err, /is to be confirmed/);
    const production = await place.deploy("netra-production", 0, ["--promote-from", PROJECT, "--yes", ...FAST]);
    assert.notEqual(production.public_url, staging.public_url);
    const images = [PROJECT, "netra-production"].map((project) => readdirSync(join(place.state(project), "images")));
    assert.deepEqual(images[0], images[1], "the same bytes");
    assert.ok(production.steps.some((step) => step.name === "promote"));
    assert.ok(!production.steps.some((step) => step.name === "build"));
  }));

test("three services, one after the other", needsPlainProgram, () =>
  Place.with(async (place) => {
    const services = ["auth", "backend", "frontend"];
    const config = join(place.folder, "netra.conf");
    writeFileSync(config, "auth.mode = accounts\n");
    const words = [...GOOD, "--config", config, ...services.flatMap((name) => ["--service", name])];
    const env = { NETRA_TOKEN: "", NETRA_AUTH_SECRET: authSecret };
    const first = await place.deploy(PROJECT, 0, words, { env });
    assert.deepEqual(first.services.map((each) => each.service), services);
    const second = await place.deploy(PROJECT, 0, words, { env });
    for (const [i, each] of second.services.entries()) {
      assert.equal(each.public_url, first.services[i].public_url);
      assert.equal(await revisionOf(each.public_url), second.revision);
    }
    // The last of the three breaks: the others go back, too.
    const image = place.wrapper("broken", '#!/bin/sh\ncase "$*" in *frontend*) exit 9;; esac\nexec "$NETRA" "$@"\n');
    const broken = await place.deploy(PROJECT, 1, ["--image", image, ...FAST, ...words.slice(GOOD.length)], { env });
    assert.equal(broken.outcome, "rolled_back");
    for (const each of second.services) assert.equal(await revisionOf(each.public_url), second.revision);
  }));

const REFUSED = [
  [[], /--target and --project are needed/],
  [["--target", "local", "--project", "A/b"], /is no project/],
  [["--target", "../x", "--project", "a"], /is no target/],
  [["--target", "local", "--project", "a", "--healthy-seconds", "0"], /--healthy-seconds takes 1 to 3600/],
  [["--target", "local", "--project", "a", "--image", "x", "--build-local"], /do not go together/],
  [["--target", "local", "--project", "a", "--promote-from", "a", "--yes"], /cannot promote from 'a'/],
  [["--target", "local", "--project", "a", "--config", "/nowhere"], /cannot read \/nowhere/],
];

test("wrong usage", () =>
  Place.with((place) => {
    for (const [words, message] of REFUSED) {
      assert.match(runTo(2, ["deploy", ...words, "--state", place.state("a")]).err, message);
    }
  }));
