// SPDX-License-Identifier: Apache-2.0
//
// A project of the target `local` in a folder of its own: `netra deploy` run to its end or killed in the middle,
// wrappers around the program that break in one way each, and the end of all processes that were left.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";

import { token, within } from "./server.mjs";
import { netra, root } from "./support.mjs";

const DEPLOY_MS = 90_000;

/** The shadow memory of a sanitizer does not fit into the limit under which revisions run. */
export const needsPlainProgram = {
  skip: readFileSync(netra).includes("__asan_init") || readFileSync(netra).includes("__tsan_init")
    ? "the program is built with a sanitizer"
    : false,
};

export class Place {
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "netra-deploy-"));
  }

  /** fn(place); every process of every project in it is ended whatever happens. */
  static async with(fn) {
    const place = new Place();
    try {
      return await fn(place);
    } finally {
      await place.end();
      rmSync(place.folder, { recursive: true, force: true });
    }
  }

  state(project) {
    return join(this.folder, project);
  }

  start(project, words, { env } = {}) {
    const args = ["deploy", "--target", "local", "--targets", join(root, "deploy/targets"), "--project", project];
    const child = spawn(netra, [...args, "--state", this.state(project), "--json", ...words], {
      env: { ...process.env, NETRA_TOKEN: token, NETRA_DRAIN_TIMEOUT_S: "5", ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const seen = { child, out: "", err: "", waiting: new Set() };
    child.stdout.setEncoding("utf8").on("data", (piece) => (seen.out += piece));
    child.stderr.setEncoding("utf8").on("data", (piece) => {
      seen.err += piece;
      for (const look of seen.waiting) look();
    });
    seen.closed = once(child, "close");
    /** Its standard error has the text. */
    seen.says = (text) =>
      within(
        new Promise((resolve) => {
          const look = () => seen.err.includes(text) && (seen.waiting.delete(look), resolve());
          seen.waiting.add(look);
          look();
        }),
        `"${text}" of netra deploy`,
        DEPLOY_MS,
      );
    return seen;
  }

  /** The result of a whole deployment; its exit code must be the one named. */
  async deploy(project, code, words, options) {
    const seen = this.start(project, words, options);
    const [exit, signal] = await within(seen.closed, "netra deploy", DEPLOY_MS);
    assert.equal(exit ?? signal, code, `${seen.err}\n${seen.out}`);
    return { ...(seen.out ? JSON.parse(seen.out) : {}), err: seen.err };
  }

  record(project) {
    return JSON.parse(readFileSync(join(this.state(project), "local/all/service.json"), "utf8"));
  }

  process(project, revision) {
    const path = join(this.state(project), "local/all/revisions", revision, "process.json");
    return JSON.parse(readFileSync(path, "utf8"));
  }

  /** A program that does something before, beside or instead of netra. `netra` stands for it in the text. */
  wrapper(name, text) {
    const path = join(this.folder, name);
    writeFileSync(path, text.replaceAll("$NETRA", netra));
    chmodSync(path, 0o755);
    return path;
  }

  /** The ids of all holders that run. */
  holders() {
    const pids = new Set();
    for (const project of readdirSync(this.folder)) {
      const services = join(this.folder, project, "local");
      for (const service of existsSync(services) ? readdirSync(services) : []) {
        const revisions = join(services, service, "revisions");
        for (const revision of existsSync(revisions) ? readdirSync(revisions) : []) {
          const file = join(revisions, revision, "process.json");
          if (existsSync(file)) pids.add(JSON.parse(readFileSync(file, "utf8")).holder_pid);
        }
      }
    }
    return [...pids].filter((pid) => isHolder(pid, this.folder));
  }

  async end() {
    for (const pid of this.holders()) process.kill(pid, "SIGTERM");
    for (let i = 0; i < 600 && this.holders().length; i++) await pause(50);
    for (const pid of this.holders()) process.kill(pid, "SIGKILL");
  }
}

/** An id may be somebody else's by now. */
function isHolder(pid, folder) {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8");
    return words.includes("local_holder.py") && words.includes(folder);
  } catch {
    return false;
  }
}
