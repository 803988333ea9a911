// SPDX-License-Identifier: Apache-2.0
//
// `netra loop` with the real program, the target `local` and nothing in between: a deployment that is not there, is
// down, or is wrongly configured becomes green, in steps that are recorded; it is killed and goes on; what it cannot
// mend it says.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import http from "node:http";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";

import { Server, authSecret, token } from "./server.mjs";
import { netra, readText, withTempDir, writeText } from "./support.mjs";

const STEPS = ["check", "document", "diagnose", "fix", "commit", "deploy", "validate", "confirm"];
const WAIT_MS = 60_000;

/** A project of the target `local` in a folder of its own; its processes end with it. */
class Project {
  constructor(folder, config) {
    this.folder = folder;
    this.state = join(folder, "state");
    this.out = join(folder, "loop");
    this.data = join(this.state, "local", "all", "data");
    this.config = writeText(folder, "netra.conf", config);
    this.env = { NETRA_AUTH_SECRET: authSecret };
  }

  /** fn(project); what still runs afterwards is ended. */
  static with(config, fn) {
    return withTempDir(async (folder) => {
      const project = new Project(folder, config);
      try {
        return await fn(project);
      } finally {
        await project.end();
      }
    });
  }

  revisions() {
    const folder = join(this.state, "local", "all", "revisions");
    return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : [];
  }

  /** The one process that keeps the public socket and starts the others. */
  holder() {
    for (const revision of this.revisions()) {
      const file = join(revision, "process.json");
      const pid = existsSync(file) && JSON.parse(readText(file)).holder_pid;
      if (pid && existsSync(`/proc/${pid}`) && readText(`/proc/${pid}/cmdline`).includes(this.state)) return pid;
    }
    return undefined;
  }

  /** Staging goes down: its holder and its server end. */
  async end() {
    const pid = this.holder();
    if (!pid) return;
    process.kill(pid, "SIGTERM");
    const until = Date.now() + WAIT_MS;
    while (existsSync(`/proc/${pid}`) && !readText(`/proc/${pid}/stat`).includes(") Z ")) {
      assert.ok(Date.now() < until, "the holder does not end");
      await pause(20);
    }
  }

  words(more = []) {
    const image = more.includes("--image") ? [] : ["--image", netra];
    return [
      ..."--target local --project demo --healthy-seconds 2 --samples 50".split(" "),
      ...["--config", this.config, "--state", this.state, ...image, ...more],
    ];
  }

  loop(more) {
    return start(this, ["loop", ...this.words(more), "--out", this.out]);
  }

  resume() {
    return start(this, ["loop", "--resume", "--out", this.out]);
  }

  deploy(more = []) {
    const words = this.words(more).filter((word, i, all) => word !== "--samples" && all[i - 1] !== "--samples");
    return start(this, ["deploy", ...words, "--json"]);
  }

  story() {
    return JSON.parse(readText(join(this.out, "loop.json")));
  }

  lines() {
    return readText(join(this.out, "journal.jsonl"))
      .split("\n")
      .filter((line) => line.endsWith("}"))
      .map((line) => JSON.parse(line));
  }

  outcomes() {
    return this.story()
      .steps.filter((step) => step.outcome)
      .map((step) => `${step.step} ${step.outcome}`);
  }
}

/** Runs the program while this process goes on: {code, out, err}. */
async function start(project, words) {
  const child = spawn(netra, words, {
    env: { ...process.env, ...project.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const done = { out: "", err: "" };
  child.stdout.setEncoding("utf8").on("data", (piece) => (done.out += piece));
  child.stderr.setEncoding("utf8").on("data", (piece) => (done.err += piece));
  [done.code] = await once(child, "close");
  return done;
}

/** An executable for a hook. */
function program(folder, name, text) {
  // A program that runs cannot be written over; another one can take its name.
  const path = writeText(folder, `${name}.new`, `#!/bin/sh\n${text}\n`);
  chmodSync(path, 0o755);
  renameSync(path, join(folder, name));
  return join(folder, name);
}

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** Recomputed from the bytes alone: the chain, the files, and the order of the times. */
function checkJournal(project) {
  const text = readText(join(project.out, "journal.jsonl"));
  let before = "0".repeat(64);
  let time = "";
  for (const line of text.trimEnd().split("\n")) {
    const [, body, hash] = /^(.*),"hash":"([0-9a-f]{64})"}$/.exec(line);
    assert.equal(hash, sha256(before + body), "the chain of hashes");
    before = hash;
    const entry = JSON.parse(line);
    assert.ok(entry.time >= time, "times go forwards");
    time = entry.time;
    for (const file of entry.files ?? []) {
      assert.equal(sha256(readFileSync(join(project.out, file.name))), file.sha256, file.name);
    }
  }
}

/** What the verification behind the first deployment found wrong, for the message of a test that fails. */
function failures(project) {
  const { checks, meta } = JSON.parse(readText(join(project.out, "cycle-1/success/evidence.json")));
  const failed = checks.flatMap((check) => check.findings.filter((finding) => finding.outcome === "failed"));
  return JSON.stringify([...failed, ...meta.violations]);
}

/** The data of a deployment with its first operator, whose key is in the file that is returned. */
async function operatorKey(project) {
  mkdirSync(dirname(project.data), { recursive: true, mode: 0o700 });
  const server = await Server.startAccounts({ folder: project.data });
  try {
    const admin = await server.setUp();
    const key = await admin.key(["read", "run", "data", "admin"]);
    return writeText(project.folder, "token", `${key.bearer}\n`);
  } finally {
    await server.stop();
  }
}

const accounts = "auth.mode = accounts\nfaults.allowed = on\nauth.access_token_s = 3600\n";

/** Starts a loop (or resumes it), kills it with -9 as soon as a step began, and cuts what came behind. */
async function killAt(project, words, step) {
  const child = spawn(netra, ["loop", ...words, "--out", project.out], {
    env: { ...process.env, ...project.env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let told = "";
  child.stderr.setEncoding("utf8").on("data", (piece) => (told += piece));
  const exited = once(child, "exit");
  const path = join(project.out, "journal.jsonl");
  const began = (line) => line.includes('"event":"began"') && line.includes(`"step":"${step}"`);
  const until = Date.now() + WAIT_MS;
  const seen = () => existsSync(path) && readText(path).split("\n").some(began);
  while (!seen()) {
    assert.ok(child.exitCode === null && Date.now() < until, `the loop did not come to ${step}:\n${told}`);
    await pause(2);
  }
  child.kill("SIGKILL");
  await exited;
  const lines = readText(path).split("\n");
  const at = lines.findIndex(began);
  const wasHit = lines.slice(at + 1).every((line) => !line.endsWith("}"));
  // A step of a few milliseconds was over before the signal came: what was written behind its beginning is taken
  // away, and half a line put in its place, as a kill in its middle would have left it.
  if (!wasHit) writeFileSync(path, lines.slice(0, at + 1).join("\n") + '\n{"n":4,"time":"20');
  return wasHit;
}

/** Asks /health without a pause until it is stopped; what was not a healthy answer is counted. */
function watch(url) {
  const seen = { asked: 0, failures: [] };
  let goes = true;
  const ask = () =>
    new Promise((resolve) => {
      const request = http.get(new URL("/health", url), { timeout: 30_000 }, (answer) => {
        if (answer.statusCode !== 200) seen.failures.push(answer.statusCode);
        answer.resume().on("end", resolve);
      });
      request.on("timeout", () => request.destroy(new Error("no answer in 30 s")));
      request.on("error", (error) => resolve(seen.failures.push(String(error))));
    });
  const work = (async () => {
    while (goes) {
      seen.asked++;
      await ask();
      await pause(5);
    }
  })();
  seen.stop = async () => {
    goes = false;
    await work;
    return seen;
  };
  return seen;
}

/** Something else than Netra has the address that people were told. */
async function withStranger(fn) {
  const stranger = http.createServer((request, answer) => answer.writeHead(404).end("not here"));
  stranger.listen(0, "127.0.0.1");
  await once(stranger, "listening");
  try {
    return await fn(`http://127.0.0.1:${stranger.address().port}`);
  } finally {
    stranger.closeAllConnections?.();
    stranger.close();
  }
}

// Most of their time is waiting: two at a time.
describe("netra loop", { concurrency: 2 }, () => {
  it("from nothing to green in one cycle, with evidence of every step", async () => {
    await Project.with(accounts, async (project) => {
      const key = await operatorKey(project);
      const done = await project.loop(["--token-file", key, "--max-cycles", "2"]);
      assert.equal(done.code, 0, `${done.err}\n${done.out}`);
      const outcomes = project.outcomes();
      const confirm = outcomes.slice(7);
      assert.deepEqual(outcomes.slice(0, 7), [
        "check red",
        "document red",
        "diagnose done",
        "fix skipped",
        "commit skipped",
        "deploy done",
        "validate done",
      ]);
      const story = project.story();
      assert.equal(story.verdict, "success");
      // The times of a busy machine are no defect of the deployment: then the next cycle's check is green.
      const late = /failed: (performance\/\w+(, )?)+$/.test(story.steps[7].reason);
      assert.deepEqual(confirm, late ? ["confirm red", "check green", "document green"] : ["confirm green"], failures(project));
      assert.deepEqual(story.times.contradictions, []);
      assert.ok(story.times.compared > 20, `${story.times.compared} times were compared`);
      checkJournal(project);

      const diagnosis = JSON.parse(readText(join(project.out, "cycle-1/diagnosis.json")));
      assert.deepEqual(diagnosis.diagnoses.map((one) => one.cause), ["not_deployed"]);
      const deployed = JSON.parse(readText(join(project.out, "cycle-1/deploy.json")));
      assert.equal(deployed.outcome, "switched");
      const folder = join(project.out, late ? "cycle-2/evidence" : "cycle-1/success");
      const evidence = JSON.parse(readText(join(folder, "evidence.json")));
      assert.equal(evidence.url, deployed.public_url);
      assert.equal(evidence.summary.outcome, "green");
      const critical = ["message_flow", "features", "endpoints", "performance", "error_handling", "basic"];
      for (const id of [...critical, "authentication", "isolation"]) {
        assert.equal(evidence.checks.find((check) => check.id === id)?.outcome, "passed", id);
      }
      const answers = JSON.parse(readText(join(project.out, "cycle-1/availability.json"))).answers;
      assert.ok(answers.length >= 3 && answers.slice(-3).every((answer) => answer.healthy && answer.total_us > 0));
      assert.match(readText(join(project.out, "loop.md")), /\*\*success\*\*.*8 checks passed|\*\*success\*\*/);

      // The token is nowhere in what was written.
      const secret = readText(key).trim();
      for (const name of ["journal.jsonl", "loop.json", "loop.md", "cycle-1/success/evidence.json", "cycle-1/deploy.json"]) {
        assert.ok(!readText(join(project.out, name)).includes(secret), name);
      }

      // A second loop in the folder is refused, and says how to go on; resuming a finished one repeats its verdict.
      const again = await project.loop([]);
      assert.equal(again.code, 2, again.err);
      assert.match(again.err, /netra loop --resume --out/);
      const resumed = await project.resume();
      assert.equal(resumed.code, 0, resumed.err);
    });
  });

  it("killed at each of the eight steps, it goes on and ends the same", async () => {
    await Project.with("faults.allowed = on\n", async (project) => {
      const up = await project.deploy();
      assert.equal(up.code, 0, up.err);
      await project.end();
      const wait = program(project.folder, "hook", 'echo "$NETRA_LOOP_CAUSE"; [ -e "$0.go" ] || sleep 60');
      const key = writeText(project.folder, "token", token);
      project.env.NETRA_TOKEN = token;
      const first = project.words(["--accept-incomplete", "--token-file", key, "--fix", wait, "--commit", wait]);
      const hits = [];
      for (const [i, step] of STEPS.entries()) {
        if (await killAt(project, i ? ["--resume"] : first, step)) hits.push(step);
        if (step === "commit") writeText(project.folder, "hook.go", "");
        if (step === "fix") {
          // The first hook may go on now, and the second one is to wait again.
          program(project.folder, "hook", 'echo "$NETRA_LOOP_CAUSE"; case $(tail -1 "$NETRA_LOOP_DIR/journal.jsonl") in *\'"step":"commit"\'*) [ -e "$0.go" ] || sleep 60;; esac');
        }
      }
      for (const step of ["fix", "commit", "deploy", "validate", "confirm"]) {
        assert.ok(hits.includes(step), `${step} was killed while it went on (${hits})`);
      }
      const done = await project.resume();
      assert.equal(done.code, 0, done.err);
      const story = project.story();
      assert.equal(story.verdict, "success");
      assert.equal(story.resumed, STEPS.length);
      assert.deepEqual(story.times.contradictions, []);
      assert.deepEqual(
        project.outcomes().map((outcome) => outcome.split(" ")[0]),
        STEPS,
        "each step ended once, in order",
      );
      assert.equal(story.steps.filter((step) => !step.outcome).length, STEPS.length, "and each was broken off once");
      checkJournal(project);
      const unfinished = join(project.state, "deploys", "unfinished.json");
      assert.ok(!existsSync(unfinished), "no deployment is left half done");
      assert.match(readText(join(project.out, "cycle-1/fix.out")), /^(port_not_listening|stopped_in_order)\n$/);
    });
  });

  it("a revision that does not work is rolled back without a failed request, and nothing new ends it", async () => {
    await Project.with("", async (project) => {
      const up = await project.deploy();
      assert.equal(up.code, 0, up.err);
      const broken = program(project.folder, "broken", 'echo "netra: it does not start" >&2; exit 1');
      const fix = program(project.folder, "fix", "echo the same as before");
      const watched = watch(JSON.parse(up.out).public_url);
      const stopped = withStranger(async (url) => {
        const words = project.words(["--image", broken, "--fix", fix, "--url", url]);
        const done = await start(project, ["loop", ...words, "--out", project.out]);
        assert.equal(done.code, 1, done.err);
        assert.match(done.out, /^nothing_new: /);
        // The second cycle has the log of the revision that failed, which is new; the third has nothing.
        assert.equal(project.story().cycles, 3);
        const deployed = project.outcomes().filter((outcome) => outcome.startsWith("deploy"));
        assert.deepEqual(deployed, ["deploy red", "deploy red", "deploy red"]);
        checkJournal(project);

        project.out = join(project.folder, "second");
        const short = await start(project, ["loop", ...words, "--max-cycles", "1", "--out", project.out]);
        assert.equal(short.code, 1, short.err);
        assert.match(short.out, /^maximum: /);
      }).finally(() => watched.stop());
      await stopped;
      const seen = await watched.stop();
      assert.deepEqual(seen.failures, []);
      assert.ok(seen.asked > 50, `${seen.asked} requests`);
    });
  });

  it("a fix hook that mends what the diagnosis names makes the next deployment work", async () => {
    await Project.with("faults.allowed = on\ncolour = red\n", async (project) => {
      const fix = program(
        project.folder,
        "fix",
        `echo "$NETRA_LOOP_CAUSES"; case "$NETRA_LOOP_CAUSES" in *config_invalid*) sed -i /colour/d ${project.config};; esac`,
      );
      const key = writeText(project.folder, "token", token);
      project.env.NETRA_TOKEN = token;
      const words = project.words(["--accept-incomplete", "--token-file", key, "--fix", fix]);
      const done = await start(project, ["loop", ...words, "--out", project.out]);
      assert.equal(done.code, 0, done.err);
      const deployed = project.outcomes().filter((outcome) => outcome.startsWith("deploy"));
      assert.deepEqual(deployed, ["deploy red", "deploy done"]);
      assert.doesNotMatch(readText(join(project.out, "cycle-1/fix.out")), /config_invalid/);
      assert.match(readText(join(project.out, "cycle-2/fix.out")), /config_invalid/);
      checkJournal(project);
    });
  });
});
