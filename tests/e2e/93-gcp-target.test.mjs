// SPDX-License-Identifier: Apache-2.0
//
// The target gcp against a recording stand-in for gcloud and skopeo: the whole conversation, every failure, a kill
// between any two calls; then `netra deploy` itself. With NETRA_TEST_GCLOUD=1 the gcloud that is installed has to parse every
// call that was recorded (it has no account, so it ends there). What only Google could show is not shown here: docs say so.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";

import { netra, root, runTo, withTempDir } from "./support.mjs";

const target = join(root, "deploy/targets/gcp");
const standin = join(root, "tests/e2e/gcloud_standin.py");
const flags = JSON.parse(readFileSync(join(root, "tests/data/gcloud/flags.json"), "utf8"));
const NUMBER = "123456789012";
const DIGEST = `sha256:${"a1".repeat(32)}`;
const STAGING = "netra-staging";
const PRODUCTION = "netra-production";
const SECRET_TOKEN = "standin-access-token";
const imageOf = (project, digest = DIGEST) => `us-central1-docker.pkg.dev/${project}/netra/netra@${digest}`;
const seeds = new Map();
const allCalls = new Map(); // every distinct call of gcloud, for the real one to parse

class Cloud {
  constructor(folder) {
    this.folder = folder;
    this.bin = join(folder, "bin");
    mkdirSync(this.bin);
    for (const name of ["gcloud", "skopeo"]) symlinkSync(standin, join(this.bin, name));
    this.state = { base: "https://standin.invalid", number: NUMBER, images: [imageOf(STAGING)], services: {}, faults: [] };
    this.write();
  }

  write() {
    writeFileSync(join(this.folder, "state.json"), JSON.stringify(this.state));
  }

  read() {
    return (this.state = JSON.parse(readFileSync(join(this.folder, "state.json"), "utf8")));
  }

  /** What goes wrong next: ("run deploy", "quota"). */
  fail(on, kind, times = 1) {
    this.read().faults.push({ on, kind, times });
    this.write();
  }

  calls() {
    let lines = "";
    try {
      lines = readFileSync(join(this.folder, "calls.jsonl"), "utf8");
    } catch {
      /* nobody called yet */
    }
    const calls = lines.split("\n").filter(Boolean).map((line) => JSON.parse(line));
    for (const { tool, argv } of calls) {
      // Calls that differ in values only are one.
      if (tool === "gcloud" && !argv.includes("--turbo")) allCalls.set(argv.map((word) => (word.startsWith("--") ? word.split("=")[0] : /^[a-z-]+$/.test(word) ? word : "…")).join(" "), argv);
    }
    return calls;
  }

  /** Forgets what was recorded, and returns it in short: "run deploy netra-auth". */
  told() {
    const told = this.calls().map(({ tool, argv }) => [tool, ...argv.filter((word) => !word.startsWith("--"))].slice(tool === "gcloud" ? 1 : 0).join(" "));
    rmSync(join(this.folder, "calls.jsonl"), { force: true });
    return told;
  }

  environment(more = {}) {
    return {
      ...process.env, PATH: `${this.bin}:${process.env.PATH}`, GCLOUD_STANDIN: this.folder, NETRA_DEPLOY_PROJECT: STAGING,
      NETRA_DEPLOY_SERVICE: "backend", NETRA_DEPLOY_REVISION: "r1", NETRA_DEPLOY_IMAGE: imageOf(STAGING),
      NETRA_DEPLOY_STATE: join(this.folder, "kept"), NETRA_DEPLOY_CONFIG: "", ...more,
    };
  }

  /** One verb: {code, answer, log}; a kill has no answer. */
  verb(name, more) {
    const done = spawnSync(target, [name], { encoding: "utf8", env: this.environment(more), timeout: 60_000 });
    const last = done.stdout.trim().split("\n").at(-1);
    assert.ok(!`${done.stdout}${done.stderr}`.includes(SECRET_TOKEN), "the registry's token is never printed");
    return { code: done.status, signal: done.signal, answer: last ? JSON.parse(last) : undefined, log: done.stderr };
  }

  ok(name, more) {
    const { code, answer, log } = this.verb(name, more);
    assert.equal(code, 0, `${name}: ${JSON.stringify(answer)}\n${log}`);
    return answer;
  }

  error(name, more) {
    const { code, answer } = this.verb(name, more);
    assert.equal(code, 1, `${name}: ${JSON.stringify(answer)}`);
    return answer.error;
  }

  service(name = "netra-backend", project = STAGING) {
    return this.read().services[`${project}/us-central1/${name}`];
  }

  /** Who has the traffic, as the cloud has it. */
  serving(name, project) {
    const service = this.service(name, project);
    return service?.traffic.filter((part) => part.percent).map((part) => part.revisionName ?? `latest: ${service.latest}`).join();
  }

  tags(name) {
    return this.service(name).traffic.filter((part) => part.tag).map((part) => part.revisionName);
  }

  bring(revision, more) {
    for (const verb of ["release", "status", "switch"]) this.ok(verb, { NETRA_DEPLOY_REVISION: revision, ...more });
  }

  /** The same for several, by the calls themselves only the first time. */
  seed(...revisions) {
    const key = revisions.join();
    const kept = join(this.folder, "kept");
    const file = join(kept, `gcp-${STAGING}-us-central1-netra-backend.json`);
    if (!seeds.has(key)) {
      for (const revision of revisions) this.bring(revision);
      seeds.set(key, [JSON.stringify(this.read()), readFileSync(file, "utf8")]);
    }
    const [state, memory] = seeds.get(key);
    this.state = JSON.parse(state);
    this.write();
    mkdirSync(kept, { recursive: true });
    writeFileSync(file, memory);
  }
}

const withCloud = (fn) => withTempDir(async (folder) => {
  const cloud = new Cloud(folder);
  try {
    return await fn(cloud);
  } finally {
    cloud.calls();
  }
});

/** An image layout of which only the index counts here. */
function layout(folder, digest) {
  mkdirSync(join(folder, "oci"));
  writeFileSync(join(folder, "oci/index.json"), JSON.stringify({ manifests: [{ digest }] }));
  return `oci:${folder}/oci:latest`;
}

test("describe: three services in their order, and nothing is called", () =>
  withCloud((cloud) => {
    const about = cloud.ok("describe", { NETRA_DEPLOY_PROJECT: "" });
    assert.deepEqual(about.services, ["auth", "backend", "frontend"]);
    assert.equal(about.can_promote, true);
    assert.deepEqual(cloud.told(), []);
    assert.equal(spawnSync(target, ["dance"], { env: cloud.environment() }).status, 2);
    assert.equal(spawnSync(target, [], { env: cloud.environment() }).status, 2);
  }));

test("push: byte for byte, once, and the token on standard input only", () =>
  withCloud((cloud) => {
    const digest = `sha256:${"b2".repeat(32)}`;
    const image = layout(cloud.folder, digest);
    assert.deepEqual(cloud.ok("push", { NETRA_DEPLOY_IMAGE: image }), { image: imageOf(STAGING, digest) });
    const calls = cloud.calls();
    const [login] = calls.filter((call) => call.argv[0] === "login");
    assert.equal(login.stdin, SECRET_TOKEN);
    assert.ok(!calls.some((call) => call.argv.join(" ").includes(SECRET_TOKEN)));
    const [copy] = calls.filter((call) => call.argv[0] === "copy");
    assert.ok(copy.argv.includes("--preserve-digests"));
    cloud.told();
    cloud.ok("push", { NETRA_DEPLOY_IMAGE: image });
    cloud.ok("push", { NETRA_DEPLOY_IMAGE: imageOf(STAGING, digest) });
    assert.deepEqual(cloud.told().filter((call) => call.startsWith("skopeo")), [], "what is there is not pushed again");
    assert.equal(cloud.error("push", { NETRA_DEPLOY_IMAGE: `oci:${cloud.folder}/none:latest` }).code, "image_missing");
    assert.equal(cloud.error("push", { NETRA_DEPLOY_IMAGE: "registry.example.org/netra:latest" }).code, "invalid");
  }));

test("a first revision, a second one beside it, the switch, and the way back", () =>
  withCloud((cloud) => {
    const first = cloud.ok("release");
    assert.deepEqual(cloud.told(), [
      "run services describe netra-backend", "run revisions describe netra-backend-r1", `projects describe ${STAGING}`,
      "run deploy netra-backend", "run services describe netra-backend",
    ]);
    assert.match(first.url, /^https:\/\/standin\.invalid\/t\/r[0-9a-f]{9}\.netra-backend\.netra-staging$/);
    cloud.ok("status");
    cloud.ok("switch");
    assert.equal(cloud.serving(), "netra-backend-r1", "pinned: what is released next gets no traffic");

    const second = { NETRA_DEPLOY_REVISION: "r2" };
    const beside = cloud.ok("release", second);
    assert.notEqual(beside.url, first.url);
    assert.equal(cloud.serving(), "netra-backend-r1");
    const looked = cloud.ok("status", second);
    assert.deepEqual({ ...looked, url: undefined }, { revision: "r2", ready: true, serving: "r1", url: undefined, public_url: "https://standin.invalid/s/netra-backend.netra-staging" });
    assert.equal(looked.url, beside.url);
    assert.deepEqual(cloud.ok("switch", second), { serving: "r2", previous: "r1", public_url: "https://standin.invalid/s/netra-backend.netra-staging" });
    assert.deepEqual(cloud.ok("switch", second).previous, "r1", "a second time nothing is forgotten");
    assert.equal(cloud.serving(), "netra-backend-r2");
    assert.deepEqual(cloud.ok("rollback", second), { serving: "r1", public_url: "https://standin.invalid/s/netra-backend.netra-staging" });
    assert.equal(cloud.serving(), "netra-backend-r1");
    assert.deepEqual(cloud.tags(), ["netra-backend-r1"], "what is not served has no address and no instance");
    assert.deepEqual(cloud.ok("rollback", second).serving, "r1", "and a second time");
  }));

test("what Cloud Run is told: limits, who may ask, secrets, one writer; nothing passes a shell", () =>
  withCloud((cloud) => {
    const config = join(cloud.folder, "netra.conf");
    const hostile = `$(touch ${cloud.folder}/pwned); \`id\`, "quoted" 'and' --flag=1`;
    writeFileSync(config, `# ours\nmail.from = ${hostile}\nlimit.user_per_s = 7\nlisten = 127.0.0.1:1\n`);
    for (const role of ["auth", "backend", "frontend"]) cloud.ok("release", { NETRA_DEPLOY_SERVICE: role, NETRA_DEPLOY_CONFIG: config });
    assert.throws(() => readFileSync(join(cloud.folder, "pwned")));
    const told = (role) => Object.values(cloud.service(`netra-${role}`).revisions)[0];
    for (const role of ["auth", "backend", "frontend"]) {
      const { flags: given, environment, labels } = told(role);
      assert.equal(given["--memory"], "512Mi");
      assert.equal(given["--args"], `serve,--role,${role}`);
      assert.equal(given["--port"], "8421");
      assert.equal(given["--allow-unauthenticated"], true);
      assert.deepEqual(labels, { "netra-revision": "r1" });
      assert.equal(environment.NETRA_MAIL_FROM, hostile);
      assert.equal(environment.NETRA_LIMIT_USER_PER_S, "7");
      assert.equal(environment.NETRA_LISTEN, undefined, "the address is the target's");
      assert.equal(environment.NETRA_REVISION, "r1");
      assert.equal(environment[`NETRA_SERVICE_${role.toUpperCase()}_URL`], `https://netra-${role}-${NUMBER}.us-central1.run.app`);
      const tag = `r${createHash("sha256").update("r1").digest("hex").slice(0, 9)}`;
      assert.ok(environment.NETRA_ALLOWED_HOSTS.split(", ").includes(`${tag}---netra-${role}-${NUMBER}.us-central1.run.app`));
      for (const host of environment.NETRA_ALLOWED_HOSTS.split(", ")) assert.ok(host.split(".")[0].length <= 63, host);
      assert.equal(environment.NETRA_SERVICE_AUTH_URL, `https://netra-auth-${NUMBER}.us-central1.run.app`);
      assert.equal(given["--max-instances"], role === "frontend" ? "4" : "1");
      assert.equal(given["--set-secrets"], role === "auth" ? "NETRA_AUTH_SECRET=netra-auth-secret:latest" : undefined);
      const known = new Set([...runTo(0, ["serve", "--print-config-docs"]).out.matchAll(/`(NETRA_[A-Z0-9_]+)`/g)].map((m) => m[1]));
      assert.deepEqual(Object.keys(environment).filter((name) => !known.has(name)), [], "every variable is one of the program's");
    }
    const closed = { NETRA_DEPLOY_REVISION: "r2", NETRA_GCP_ACCESS: "iam", NETRA_GCP_SECRETS: "NETRA_AUTH_SECRET=s:3", NETRA_GCP_SERVICE_ACCOUNT: "a@b.example" };
    cloud.ok("release", closed);
    const { flags: given } = cloud.service().revisions["netra-backend-r2"];
    assert.equal(given["--no-allow-unauthenticated"], true);
    assert.equal(given["--set-secrets"], "NETRA_AUTH_SECRET=s:3");
    assert.equal(given["--service-account"], "a@b.example");
    assert.equal(given["--no-traffic"], true);
    writeFileSync(config, "auth.secret_file = /etc/netra/secret\n");
    assert.equal(cloud.error("release", { NETRA_DEPLOY_REVISION: "r3", NETRA_DEPLOY_CONFIG: config }).code, "invalid");
    for (const bad of [{ NETRA_DEPLOY_SERVICE: "../x" }, { NETRA_DEPLOY_PROJECT: "--flag" + "=1" }, { NETRA_DEPLOY_REVISION: "R_1" }, { NETRA_GCP_ACCESS: "all" },
      { NETRA_DEPLOY_IMAGE: "netra:latest" }, { NETRA_DEPLOY_STATE: "kept" }]) {
      assert.equal(cloud.error("release", { NETRA_DEPLOY_REVISION: "r3", ...bad }).code, "invalid", JSON.stringify(bad));
    }
  }));

test("long ids are names that Cloud Run takes, and stay apart", () =>
  withCloud((cloud) => {
    const ids = ["a".repeat(63), `${"a".repeat(62)}b`, "ends-", "-begins"];
    for (const id of ids) assert.equal(cloud.ok("release", { NETRA_DEPLOY_REVISION: id }).revision, id);
    assert.equal(Object.keys(cloud.service().revisions).length, ids.length);
    for (const id of ids) assert.equal(cloud.ok("status", { NETRA_DEPLOY_REVISION: id }).revision, id);
  }));

test("every failure of gcloud has its code, and what serves goes on", async (t) => {
  const cases = [
    ["quota", "quota"], ["denied", "denied"], ["not_logged_in", "denied"], ["api_disabled", "denied"], ["network", "unreachable"],
  ];
  for (const [kind, code] of cases) {
    await t.test(kind, () =>
      withCloud((cloud) => {
        cloud.seed("r1");
        cloud.fail("run deploy", kind);
        const error = cloud.error("release", { NETRA_DEPLOY_REVISION: "r2" });
        assert.equal(error.code, code, error.message);
        assert.ok(error.hint.length > 10);
        assert.equal(cloud.serving(), "netra-backend-r1");
        cloud.ok("rollback", { NETRA_DEPLOY_REVISION: "r2" });
        cloud.ok("release", { NETRA_DEPLOY_REVISION: "r2" });
        for (const [verb, command] of [["status", "run revisions describe"], ["switch", "run services update-traffic"], ["promote", "run services describe"]]) {
          cloud.fail(command, kind);
          assert.equal(cloud.error(verb, { NETRA_DEPLOY_REVISION: "r2", NETRA_DEPLOY_FROM: PRODUCTION }).code, code, verb);
        }
        assert.equal(cloud.serving(), "netra-backend-r1");
      }));
  }
  await t.test("a tool that is not installed", () =>
    withCloud((cloud) => {
      rmSync(join(cloud.bin, "gcloud"));
      const python = spawnSync("python3", ["-c", "import sys; print(sys.executable)"], { encoding: "utf8" }).stdout.trim();
      const done = spawnSync(python, [target, "release"], { encoding: "utf8", env: { ...cloud.environment(), PATH: cloud.bin } });
      assert.match(JSON.parse(done.stdout).error.message, /gcloud is not installed/);
    }));
  await t.test("the image is missing", () =>
    withCloud((cloud) => {
      assert.equal(cloud.error("release", { NETRA_DEPLOY_IMAGE: imageOf(STAGING, `sha256:${"0".repeat(64)}`) }).code, "image_missing");
    }));
  await t.test("a registry that refuses", () =>
    withCloud((cloud) => {
      cloud.fail("copy", "push_denied");
      assert.equal(cloud.error("push", { NETRA_DEPLOY_IMAGE: layout(cloud.folder, `sha256:${"c3".repeat(32)}`) }).code, "denied");
    }));
  await t.test("a command line that gcloud does not take", () => {
    const done = withCloud((cloud) => spawnSync(join(cloud.bin, "gcloud"), ["run", "deploy", "x", "--turbo"], { encoding: "utf8", env: cloud.environment() }));
    return done.then((result) => assert.deepEqual([result.status, /unrecognized arguments: --turbo/.test(result.stderr)], [2, true]));
  });
});

test("a revision that comes up late is waited for, one that never does is told", () =>
  withCloud((cloud) => {
    cloud.bring("r1");
    cloud.fail("run deploy", "slow");
    const slow = { NETRA_DEPLOY_REVISION: "r2" };
    cloud.ok("release", slow);
    const waits = [cloud.verb("status", slow), cloud.verb("status", slow)];
    for (const { code, answer } of waits) assert.deepEqual([code, answer.ready, answer.reason], [75, false, "Deploying revision."]);
    let last;
    for (let i = 0; i < 3 && last?.code !== 0; i++) last = cloud.verb("status", slow);
    assert.equal(last.code, 0);
    for (const [kind, code] of [["never_ready", "not_ready"], ["image_gone", "image_missing"], ["cpu_gone", "quota"]]) {
      cloud.fail("run deploy", kind);
      const broken = { NETRA_DEPLOY_REVISION: `r-${code.replace("_", "")}` };
      cloud.ok("release", broken);
      assert.equal(cloud.error("status", broken).code, code, kind);
      cloud.ok("rollback", broken);
    }
    assert.equal(cloud.serving(), "netra-backend-r1");
    assert.equal(cloud.error("status", { NETRA_DEPLOY_REVISION: "nobody" }).code, "not_found");
  }));

test("a first revision that fails leaves nothing behind", () =>
  withCloud((cloud) => {
    cloud.fail("run deploy", "never_ready");
    cloud.ok("release");
    assert.equal(cloud.error("status").code, "not_ready");
    assert.deepEqual(cloud.ok("rollback"), { serving: null });
    assert.equal(cloud.service(), undefined);
    assert.deepEqual(cloud.ok("rollback"), { serving: null });
    cloud.bring("r2");
    cloud.ok("retire", { NETRA_DEPLOY_REVISION: "r2" });
    assert.equal(cloud.error("rollback", { NETRA_DEPLOY_REVISION: "r2" }).code, "not_found", "what serves is not deleted");
    assert.equal(cloud.serving(), "netra-backend-r2");
  }));

test("killed before or after any call, and called again: the same end, nothing twice", async (t) => {
  const points = [
    ["release", "run deploy"], ["release", "run services describe"], ["switch", "run services update-traffic"],
    ["rollback", "run services update-traffic"], ["retire", "run revisions delete"],
  ];
  for (const [verb, command] of points) {
    for (const kind of ["killed_before", "killed_after"]) {
      await t.test(`${verb}: ${kind} ${command}`, () =>
        withCloud((cloud) => {
          const r3 = { NETRA_DEPLOY_REVISION: "r3" };
          cloud.seed("r0", "r1", "r2");
          for (const earlier of ["release", "switch", "rollback"].slice(0, { release: 0, switch: 1, rollback: 2, retire: 2 }[verb])) cloud.ok(earlier, r3);
          cloud.fail(command, kind);
          assert.equal(cloud.verb(verb, r3).signal, "SIGKILL");
          const answer = cloud.ok(verb, r3);
          const service = cloud.service();
          if (verb === "release") {
            assert.ok(service.revisions["netra-backend-r3"]);
            assert.equal(cloud.serving(), "netra-backend-r2");
          } else if (verb === "switch") {
            assert.deepEqual([answer.serving, answer.previous, cloud.serving()], ["r3", "r2", "netra-backend-r3"]);
          } else if (verb === "rollback") {
            assert.deepEqual([answer.serving, cloud.serving()], ["r2", "netra-backend-r2"]);
            assert.ok(!cloud.tags().includes("netra-backend-r3"));
          } else {
            assert.deepEqual(Object.keys(service.revisions), ["netra-backend-r2", "netra-backend-r3"]);
          }
        }));
    }
  }
});

test("retire: what serves, what served before and what is not ours stay", () =>
  withCloud((cloud) => {
    for (const id of ["r1", "r2", "r3", "r4"]) cloud.bring(id);
    cloud.read().services[`${STAGING}/us-central1/netra-backend`].revisions["netra-backend-r1"].labels = { somebody: "else" };
    cloud.write();
    assert.deepEqual(cloud.ok("retire", { NETRA_DEPLOY_REVISION: "r4" }), { retired: ["r2"] });
    assert.deepEqual(Object.keys(cloud.service().revisions), ["netra-backend-r1", "netra-backend-r3", "netra-backend-r4"]);
    assert.deepEqual(cloud.tags(), ["netra-backend-r4"]);
    assert.equal(cloud.ok("rollback", { NETRA_DEPLOY_REVISION: "" }).serving, "r3", "without a revision: of what serves");
  }));

test("promotion: the image that serves in staging, copied and not built", () =>
  withCloud((cloud) => {
    cloud.bring("r1");
    cloud.told();
    const promoted = cloud.ok("promote", { NETRA_DEPLOY_PROJECT: PRODUCTION, NETRA_DEPLOY_FROM: STAGING, NETRA_DEPLOY_REVISION: "p1", NETRA_DEPLOY_IMAGE: "" });
    assert.deepEqual(promoted, { image: imageOf(PRODUCTION), digest: DIGEST, revision: "r1" });
    const told = cloud.told();
    assert.ok(!told.some((call) => /deploy|update-traffic|submit/.test(call)), told.join("\n"));
    assert.ok(told.some((call) => call.startsWith(`skopeo copy docker://${imageOf(STAGING)}`)));
    assert.equal(cloud.error("promote", { NETRA_DEPLOY_PROJECT: STAGING, NETRA_DEPLOY_FROM: PRODUCTION }).code, "not_found");
  }));

test("build: on this machine only, and only a checkout", () =>
  withCloud((cloud) => {
    assert.match(cloud.error("build").hint, /--build-local/);
    assert.equal(cloud.error("build", { NETRA_DEPLOY_BUILD_LOCAL: "1", NETRA_DEPLOY_SOURCE: cloud.folder }).code, "invalid");
    mkdirSync(join(cloud.folder, "tools"));
    writeFileSync(join(cloud.folder, "tools/image.sh"), "");
    const answer = { image: "oci:/x/oci:latest", digest: DIGEST, bytes: 1 };
    writeFileSync(join(cloud.folder, "Makefile"), `image:\n\t@echo building\n\t@echo '${JSON.stringify(answer)}'\n`);
    assert.deepEqual(cloud.ok("build", { NETRA_DEPLOY_BUILD_LOCAL: "1", NETRA_DEPLOY_SOURCE: cloud.folder }), answer);
    writeFileSync(join(cloud.folder, "Makefile"), "image:\n\t@exit 3\n");
    assert.equal(cloud.error("build", { NETRA_DEPLOY_BUILD_LOCAL: "1", NETRA_DEPLOY_SOURCE: cloud.folder }).code, "failed");
  }));

test("cost: each price with its source and date; one that is not known makes the sum unknown", () =>
  withCloud((cloud) => {
    const known = cloud.ok("cost");
    const sum = known.lines.reduce((total, line) => total + line.quantity * line.usd_per_unit, 0);
    assert.ok(Math.abs(known.usd_per_month - sum) < 0.01 && sum > 1, `${known.usd_per_month}`);
    for (const line of known.lines) assert.ok(line.source.startsWith("https://") && line.source_date && line.unit, line.what);
    const elsewhere = cloud.ok("cost", { NETRA_GCP_REGION: "me-central2" });
    assert.deepEqual([elsewhere.usd_per_month, elsewhere.lines[0].usd_per_unit], [null, null]);
    const own = join(cloud.folder, "prices.json");
    writeFileSync(own, JSON.stringify({ requests: { usd: null } }));
    const partly = cloud.ok("cost", { NETRA_GCP_PRICES: own });
    assert.equal(partly.usd_per_month, null);
    writeFileSync(own, JSON.stringify({ cpu_instance: { usd: 0, date: "2026-11-01" } }));
    assert.ok(cloud.ok("cost", { NETRA_GCP_PRICES: own }).usd_per_month < known.usd_per_month);
    writeFileSync(own, JSON.stringify({ cpus: { usd: 1 } }));
    assert.equal(cloud.error("cost", { NETRA_GCP_PRICES: own }).code, "invalid");
    assert.deepEqual(cloud.told(), []);
  }));

test("logs: of the revision, oldest first", () =>
  withCloud((cloud) => {
    cloud.bring("r1");
    assert.deepEqual(cloud.ok("logs"), { lines: ['{"message": "first"}', "second"] });
    const [call] = cloud.calls().filter(({ argv }) => argv[0] === "logging");
    assert.match(call.argv[2], /revision_name="netra-backend-r1"$/);
  }));

// --- netra deploy over the target ------------------------------------------------------------------------------------

/** What Google's front end would be: addresses of tags and services, by the state of the cloud; sick revisions are red. */
class Front {
  static async with(cloud, fn) {
    const front = new Front();
    front.asked = [];
    front.sick = () => false;
    const server = createServer((request, response) => {
      const [, kind, name] = request.url.split("/");
      front.asked.push(request.url);
      const [at, project] = name.split(".").slice(-2);
      const service = cloud.service(at, project);
      const part = service?.traffic.find((p) => (kind === "t" ? p.tag === name.split(".")[0] : p.percent === 100));
      const revision = service?.revisions[part?.revisionName ?? (part?.latestRevision ? service.latest : "")];
      if (!revision) return response.writeHead(404).end("{}");
      const isSick = front.sick(name, revision.labels["netra-revision"], kind);
      const body = { status: isSick ? "unhealthy" : "healthy", revision: revision.environment.NETRA_REVISION, checks: isSick ? [{ name: "store", status: "unhealthy", needed: true, reason: "put in by the test" }] : [] };
      response.writeHead(isSick ? 503 : 200, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    cloud.read().base = front.base = `http://127.0.0.1:${server.address().port}`;
    cloud.write();
    try {
      return await fn(front);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }
}

/** netra deploy --target gcp, beside which the front end can answer. */
async function deploy(cloud, more = [], { project = STAGING, input = "" } = {}) {
  const env = Object.fromEntries(Object.entries(cloud.environment()).filter(([name]) => !name.startsWith("NETRA_DEPLOY_")));
  const child = spawn(netra, ["deploy", "--target", "gcp", "--project", project, "--targets", join(root, "deploy/targets"), "--state", join(cloud.folder, `state-${project}`),
    "--healthy-seconds", "1", "--json", ...more], { env, stdio: ["pipe", "pipe", "pipe"] });
  const text = { out: "", err: "" };
  child.stdout.on("data", (piece) => (text.out += piece));
  child.stderr.on("data", (piece) => (text.err += piece));
  child.stdin.on("error", () => {}).end(input);
  const [code] = await once(child, "close");
  return { code, err: text.err, result: text.out ? JSON.parse(text.out) : undefined };
}

let deployed; // a folder with one deployment, made once
/** A cloud in which one deployment serves; its revision. */
async function deployOnce(cloud, front) {
  if (!deployed) {
    const { code, result, err } = await deploy(cloud, given);
    assert.equal(code, 0, err);
    deployed = { revision: result.revision, folder: mkdtempSync(join(tmpdir(), "netra-gcp-")) };
    for (const name of ["state.json", `state-${STAGING}`]) cpSync(join(cloud.folder, name), join(deployed.folder, name), { recursive: true });
  } else {
    for (const name of ["state.json", `state-${STAGING}`]) cpSync(join(deployed.folder, name), join(cloud.folder, name), { recursive: true });
    cloud.read().base = front.base;
    cloud.write();
  }
  return deployed.revision;
}
after(() => deployed && rmSync(deployed.folder, { recursive: true, force: true }));

const roles = ["netra-auth", "netra-backend", "netra-frontend"];
const servingAll = (cloud, project) => roles.map((name) => cloud.serving(name, project));
const withFront = (fn) => withCloud((cloud) => Front.with(cloud, (front) => fn(cloud, front)));
const given = ["--image", imageOf(STAGING)];

test("netra deploy: auth, backend and frontend, one after the other, each probed before it is switched", () =>
  withFront(async (cloud, front) => {
    const revision = await deployOnce(cloud, front);
    assert.deepEqual(servingAll(cloud), roles.map((name) => `${name}-${revision}`));
    const calls = cloud.told().filter((call) => call.startsWith("run deploy"));
    assert.deepEqual(calls, roles.map((name) => `run deploy ${name}`));
    const probes = front.asked.filter((url) => url.startsWith("/t/"));
    for (const name of roles) assert.ok(probes.some((url) => url.endsWith(`.${name}.${STAGING}/health`)), name);
    const second = await deploy(cloud, [...given, "--cost"]);
    assert.equal(second.code, 0, second.err);
    assert.deepEqual(servingAll(cloud), roles.map((name) => `${name}-${second.result.revision}`));
    const back = await deploy(cloud, ["--rollback"]);
    assert.equal(back.code, 0, back.err);
    assert.deepEqual(servingAll(cloud), roles.map((name) => `${name}-${revision}`));
  }));

// Beside each other: those that are red are watched for a minute before they are given up.
test("netra deploy: whatever fails, what served serves, and the reason is the cloud's", { concurrency: 6 }, async (t) => {
  const cases = {
    "quota": [(cloud) => cloud.fail("run deploy", "quota"), /quota/],
    "image missing": [(cloud) => cloud.fail("run deploy", "image_gone"), /image_missing/],
    "revision never ready": [(cloud) => cloud.fail("run deploy", "never_ready"), /not_ready/],
    "denied": [(cloud) => cloud.fail("run services update-traffic", "denied"), /denied/],
    "health red": [(_, front) => (front.sick = (name) => name.includes("netra-backend")), /store|unhealthy/],
    "red only where everybody asks": [(_, front, first) => (front.sick = (name, revision, kind) => kind === "s" && revision !== first && name.startsWith("netra-frontend.")), /netra-frontend|frontend/],
  };
  await Promise.all(Object.entries(cases).map(([name, [spoil, reason]]) =>
    t.test(name, () =>
      withFront(async (cloud, front) => {
        const first = await deployOnce(cloud, front);
        spoil(cloud, front, first);
        const failed = await deploy(cloud, given);
        assert.equal(failed.code, 1, failed.err);
        assert.match(failed.result.reason, reason);
        assert.equal(failed.result.outcome, "rolled_back", JSON.stringify(failed.result));
        assert.deepEqual(servingAll(cloud), roles.map((one) => `${one}-${first}`));
      }))));
});

test("netra deploy: production gets what serves in staging; nothing is built, and it asks", () =>
  withFront(async (cloud, front) => {
    await deployOnce(cloud, front);
    const refused = await deploy(cloud, ["--promote-from", STAGING], { project: PRODUCTION, input: "no\n" });
    assert.notEqual(refused.code, 0);
    assert.equal(cloud.service("netra-auth", PRODUCTION), undefined);
    cloud.told();
    const promoted = await deploy(cloud, ["--promote-from", STAGING, "--yes"], { project: PRODUCTION });
    assert.equal(promoted.code, 0, promoted.err);
    assert.deepEqual(servingAll(cloud, PRODUCTION), roles.map((name) => `${name}-${promoted.result.revision}`));
    for (const name of roles) {
      for (const { image } of Object.values(cloud.service(name, PRODUCTION).revisions)) assert.equal(image, imageOf(PRODUCTION));
    }
    assert.ok(!promoted.result.steps.some((step) => step.name === "build"));
  }));

// --- the real gcloud ---------------------------------------------------------------------------------------------------

// Minutes of Google's own Python, and only where it is installed: asked for with NETRA_TEST_GCLOUD=1.
const withoutGcloud = () => {
  if (process.env.NETRA_TEST_GCLOUD !== "1") return "NETRA_TEST_GCLOUD=1 asks the gcloud that is installed";
  return spawnSync("gcloud", ["version"]).status === 0 ? false : "gcloud is not installed";
};
const skip = withoutGcloud();

test("the real gcloud parses every call that was recorded", { skip }, () =>
  withTempDir((folder) => {
    const env = { ...process.env, CLOUDSDK_CONFIG: folder, CLOUDSDK_CORE_DISABLE_PROMPTS: "1", GOOGLE_APPLICATION_CREDENTIALS: "" };
    const real = (argv) => spawnSync("gcloud", argv, { encoding: "utf8", env, timeout: 60_000 });
    assert.ok(allCalls.size >= 12, `${allCalls.size}`);
    for (const [short, argv] of allCalls) {
      const words = argv.map((word) => word.replace(/^--env-vars-file=.*/, `--env-vars-file=${folder}/told.yaml`));
      writeFileSync(join(folder, "told.yaml"), '{"A": "b"}');
      const done = real(words);
      assert.notEqual(done.status, 0, "it has no account");
      assert.match(done.stderr, /do not currently have an active account/, `${short}: ${done.stderr.slice(0, 500)}`);
    }
    assert.equal(real(["run", "deploy", "x", "--turbo"]).status, 2);
  }));

test("the flags that the stand-in knows are those of the real gcloud", { skip }, (t) => {
  const version = spawnSync("gcloud", ["version"], { encoding: "utf8" }).stdout.split("\n")[0];
  if (version !== flags.version) t.diagnostic(`the list is of ${flags.version}, here is ${version}`);
  const plain = (command) => spawnSync("gcloud", [...command.split(" "), "--help"], { encoding: "utf8" }).stdout.replace(/\x1b\[[0-9;]*m/g, "");
  for (const [command, known] of Object.entries(flags.commands)) {
    const help = plain(command);
    for (const flag of Object.keys(known)) {
      const name = flag.replace(/^--(no-)?/, "");
      assert.ok(help.includes(`--${name}`) || help.includes(`--[no-]${name}`) || help.includes(flag), `${command} ${flag}`);
    }
  }
});
