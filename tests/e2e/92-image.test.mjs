// SPDX-License-Identifier: Apache-2.0
//
// The container image, read without any code of deploy/image: every blob by its digest, the layers by their tar
// headers, the list of materials against the files. The program is the one that all tests run; no engine is needed.

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { chmodSync, chownSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { gunzipSync } from "node:zlib";

import { netra, root } from "./support.mjs";

const BYTES_MAX = 25e6;
const EPOCH = 1_700_000_000;
const builder = join(root, "deploy/image/build.py");
const runner = join(root, "deploy/image/run.sh");

const has = (...words) => spawnSync(words[0], words.slice(1), { stdio: "ignore" }).error === undefined;
const missing = ["python3", "objcopy", "strip", "dpkg-query", "ldd"].filter((name) => !has(name, "--version"));
const skip = missing.length ? `an image is made with ${missing.join(", ")}` : false;

let folder;
let image; // of the first build

const sha256 = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** A ustar archive → its entries. */
function tarEntries(tar) {
  const entries = [];
  const text = (from, length) => tar.toString("latin1", from, from + length).replace(/\0.*$/s, "");
  for (let at = 0; at < tar.length && tar[at] !== 0; ) {
    const octal = (from, length) => parseInt(text(at + from, length).trim() || "0", 8);
    assert.equal(text(at + 257, 6), "ustar", "every header is of ustar");
    const [prefix, name, size] = [text(at + 345, 155), text(at, 100), octal(124, 12)];
    entries.push({
      path: `/${prefix ? `${prefix}/` : ""}${name}`.replace(/\/$/, ""),
      kind: { 0: "file", 2: "link", 5: "dir" }[text(at + 156, 1)] ?? `type ${text(at + 156, 1)}`,
      mode: octal(100, 8), uid: octal(108, 8), gid: octal(116, 8), mtime: octal(136, 12),
      owner: text(at + 265, 32), target: text(at + 157, 100),
      data: tar.subarray(at + 512, at + 512 + size),
    });
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return entries;
}

function build(binary, out, { env = {}, ...more } = {}) {
  const done = spawnSync(builder, ["--binary", binary, "--out", out, "--reference", "test"],
    { encoding: "utf8", env: { ...process.env, SOURCE_DATE_EPOCH: String(EPOCH), ...env }, ...more });
  assert.equal(done.status, 0, done.stderr);
  return JSON.parse(done.stdout.trim().split("\n").at(-1));
}

/** Reads a layout by its digests; fails where a blob is not what it is called. */
function readLayout(layout) {
  const json = (name) => JSON.parse(readFileSync(join(layout, name), "utf8"));
  const blob = ({ digest, size }) => {
    const bytes = readFileSync(join(layout, "blobs", digest.replace(":", "/")));
    assert.equal(`sha256:${sha256(bytes)}`, digest);
    assert.equal(bytes.length, size);
    return bytes;
  };
  assert.deepEqual(json("oci-layout"), { imageLayoutVersion: "1.0.0" });
  const [described, ...others] = json("index.json").manifests;
  assert.deepEqual(others, []);
  const manifest = JSON.parse(blob(described));
  const config = JSON.parse(blob(manifest.config));
  const tars = manifest.layers.map((layer) => gunzipSync(blob(layer)));
  assert.deepEqual(config.rootfs.diff_ids, tars.map((tar) => `sha256:${sha256(tar)}`));
  const blobs = [described, manifest.config, ...manifest.layers];
  assert.equal(readdirSync(join(layout, "blobs/sha256")).length, blobs.length, "nothing lies there unused");
  return { described, manifest, config, layers: tars.map(tarEntries), bytes: blobs.reduce((sum, b) => sum + b.size, 0) };
}

/** The entries as files below a new folder; owners are left to who runs it. */
function unpack(entries, into) {
  mkdirSync(into);
  for (const { path, kind, mode, target, data } of entries) {
    const place = join(into, path);
    if (kind === "dir") mkdirSync(place, { recursive: true });
    else if (kind === "link") symlinkSync(target, place);
    else writeFileSync(place, data);
    if (kind !== "link") chmodSync(place, mode | 0o200);
  }
  return into;
}

before(() => {
  if (skip) return;
  folder = mkdtempSync(join(tmpdir(), "netra-image-"));
  const made = build(netra, join(folder, "first"));
  image = { made, ...readLayout(join(folder, "first/oci")) };
  image.files = [...new Map(image.layers.flat().map((entry) => [entry.path, entry])).values()];
});
after(() => folder && rmSync(folder, { recursive: true, force: true }));

test("the layout holds what its digests say, below 25 MB", { skip }, () => {
  assert.equal(image.described.digest, image.made.digest);
  assert.equal(image.bytes, image.made.bytes);
  assert.ok(image.bytes < BYTES_MAX, `${image.bytes} bytes`);
  assert.equal(image.described.mediaType, "application/vnd.oci.image.manifest.v1+json");
  assert.equal(image.described.annotations["org.opencontainers.image.ref.name"], "test");
  const { config } = image.config;
  assert.equal(config.User, "65532:65532");
  assert.deepEqual(config.Entrypoint, ["/usr/bin/netra"]);
  assert.deepEqual(config.Cmd, ["serve"]);
  assert.deepEqual(Object.keys(config.ExposedPorts), ["8421/tcp"]);
  assert.equal(config.StopSignal, "SIGTERM");
  for (const label of ["title", "version", "revision", "created", "licenses"]) {
    assert.ok(config.Labels[`org.opencontainers.image.${label}`], label);
  }
  assert.equal(image.config.created, new Date(EPOCH * 1000).toISOString().replace(".000", ""));
});

test("the same program gives the same bytes, whoever makes them, when and where", { skip }, () => {
  const copy = join(folder, "copy-of-netra");
  copyFileSync(netra, copy);
  utimesSync(copy, 1, 1);
  const before = process.umask(0o077);
  try {
    const made = build(copy, join(folder, "elsewhere/again"), { env: { TZ: "Asia/Kolkata", LC_ALL: "C" }, cwd: "/" });
    assert.equal(made.digest, image.made.digest);
  } finally {
    process.umask(before);
  }
  for (const name of ["netra.oci.tar", "sbom.spdx.json"]) {
    assert.ok(readFileSync(join(folder, "first", name)).equals(readFileSync(join(folder, "elsewhere/again", name))), name);
  }
  const later = build(netra, join(folder, "later"), { env: { SOURCE_DATE_EPOCH: String(EPOCH + 1) } });
  assert.notEqual(later.digest, image.made.digest, "another time is another image: the digest can differ");
});

test("nothing is there that need not be: no shell, nothing setuid, nobody else's names", { skip }, () => {
  const found = (matches) => image.files.filter(matches).map((entry) => entry.path);
  assert.deepEqual(found((e) => !["file", "dir", "link"].includes(e.kind)), []);
  assert.deepEqual(found((e) => e.kind !== "link" && e.mode & 0o6000), []);
  assert.deepEqual(found((e) => e.kind !== "link" && e.mode & 0o022), ["/tmp"]);
  assert.equal(image.files.find((e) => e.path === "/tmp").mode, 0o1777);
  assert.deepEqual(found((e) => e.mtime !== EPOCH || e.owner), []);
  assert.deepEqual(found((e) => e.uid || e.gid), ["/data"]);
  const program = (e) => e.kind === "file" && e.mode & 0o111 && !/\.so[.\d]*$/.test(e.path);
  assert.deepEqual(found(program), ["/usr/bin/netra"]);
  const known = /^\/(usr\/(bin\/netra|lib\/[^/]+\/[^/]+\.so[.\d]*|lib\/os-release|lib64\/[^/]+|share\/(doc\/[^/]+\/(copyright|LICENSE|sbom\.spdx\.json)|common-licenses\/[^/]+))|etc\/(passwd|group|nsswitch\.conf|os-release|ssl\/certs\/ca-certificates\.crt)|var\/lib\/dpkg\/status\.d\/[^/]+|(bin|lib|lib64))$/;
  assert.deepEqual(found((e) => e.kind !== "dir" && !known.test(e.path)), []);
  const certificates = image.files.find((e) => e.path === "/etc/ssl/certs/ca-certificates.crt").data.toString();
  assert.ok(certificates.split("-----BEGIN CERTIFICATE-----").length > 50);
});

/** What the loader of a root would load for its netra: paths, or "not found". */
function loads(unpacked) {
  const library = image.files.find((e) => e.kind === "file" && /\/ld-linux[^/]*$/.test(e.path)).path;
  const done = spawnSync(join(unpacked, library), ["--inhibit-cache", "--library-path", join(unpacked, dirname(library)),
    "--list", join(unpacked, "usr/bin/netra")], { encoding: "utf8" });
  return done.stdout.split("\n").filter((line) => line.includes("=>"))
    .map((line) => /=> (\/\S+)/.exec(line)?.[1] ?? "not found");
}

test("every library that the program loads is in the image", { skip }, () => {
  const unpacked = unpack(image.files, join(folder, "root"));
  const foreign = () => loads(unpacked).filter((path) => !path.startsWith(unpacked));
  assert.ok(loads(unpacked).length > 15);
  assert.deepEqual(foreign(), []);
  const one = image.files.find((e) => /libsqlite3\.so\.\d+$/.test(e.path)).path;
  rmSync(join(unpacked, one));
  assert.equal(foreign().length, 1, "a library that is missing is seen");
});

test("it serves from a read-only root, as nobody, and stops in order", {
  skip: skip || (process.getuid() !== 0 ? "only root can make the namespace" : false) ||
    (spawnSync("unshare", ["--mount", "true"]).status !== 0 ? "no mount namespace can be made here" : false),
}, async () => {
  const unpacked = unpack(image.files, join(folder, "served"));
  const data = join(folder, "data");
  mkdirSync(data);
  chmodSync(folder, 0o755);
  const environment = Object.fromEntries(image.config.config.Env.map((line) => line.split(/=(.*)/s)));
  const first = spawnSync(runner, [unpacked, data, "serve"], { encoding: "utf8", env: { ...environment, PATH: process.env.PATH } });
  assert.equal(first.status, 2, "without an address and a secret it says what it needs");
  assert.match(first.stderr, /public_url|secret/);

  // As systemd's credentials and mounted secrets are: root's, and lent to our group; more than that is refused.
  const secret = join(data, "secret");
  writeFileSync(secret, "image-secret-0123456789abcdef-0123456789\n");
  chownSync(secret, 0, 65532);
  const told = { ...environment, PATH: process.env.PATH, NETRA_LISTEN: "127.0.0.1:0", NETRA_PUBLIC_URL: "https://netra.example.org",
    NETRA_DATA_DIR: "/data/store", NETRA_AUTH_SECRET_FILE: "/data/secret" };
  for (const mode of [0o444, 0o460]) {
    chmodSync(secret, mode);
    const refused = spawnSync(runner, [unpacked, data, "serve"], { encoding: "utf8", env: told });
    assert.deepEqual([refused.status, /others may use/.test(refused.stderr)], [2, true], refused.stderr);
  }
  chmodSync(secret, 0o440);
  const child = spawn(runner, [unpacked, data, "serve"], {
    stdio: ["ignore", "pipe", "pipe"],
    env: told,
  });
  const exited = once(child, "exit");
  let log = "";
  child.stderr.on("data", (piece) => (log += piece));
  let url;
  for await (const line of createInterface({ input: child.stdout })) {
    url = /^listening: (\S+)$/.exec(line)?.[1];
    if (url) break;
  }
  assert.ok(url, log);
  const status = readFileSync(`/proc/${child.pid}/status`, "utf8");
  assert.match(status, /^Uid:\s+65532\s+65532/m);
  assert.match(status, /^CapEff:\s+0+$/m);
  assert.match(status, /^NoNewPrivs:\s+1/m);
  assert.match(readFileSync(`/proc/${child.pid}/mounts`, "utf8"), /^\S+ \/ \S+ ro,/m);
  const answer = await fetch(`${url}/health/live`);
  assert.equal(answer.status, 200, await answer.text());
  child.kill("SIGTERM");
  assert.deepEqual(await exited, [0, null], log);
  assert.ok(readdirSync(join(data, "store")).includes("netra.db"));
});

test("the list of materials names every file with its checksum, and whose it is", { skip }, () => {
  const sbom = JSON.parse(readFileSync(join(folder, "first/sbom.spdx.json"), "utf8"));
  assert.equal(sbom.spdxVersion, "SPDX-2.3");
  assert.equal(sbom.dataLicense, "CC0-1.0");
  assert.equal(sbom.SPDXID, "SPDXRef-DOCUMENT");
  assert.ok(new URL(sbom.documentNamespace) && sbom.name);
  assert.match(sbom.creationInfo.created, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  assert.match(sbom.creationInfo.creators[0], /^(Tool|Organization|Person): /);

  const elements = [sbom, ...sbom.packages, ...sbom.files];
  const ids = new Set(elements.map((e) => e.SPDXID));
  assert.equal(ids.size, elements.length, "each identifier is used once");
  for (const id of ids) assert.match(id, /^SPDXRef-[A-Za-z0-9.-]+$/);
  for (const p of sbom.packages) assert.ok(p.name && p.versionInfo && p.downloadLocation && p.licenseDeclared, p.SPDXID);
  const licences = new Set(sbom.hasExtractedLicensingInfos.map((l) => l.licenseId));
  for (const { licenseDeclared } of sbom.packages) {
    if (licenseDeclared.startsWith("LicenseRef-")) assert.ok(licences.has(licenseDeclared), licenseDeclared);
  }
  for (const r of sbom.relationships) assert.ok(ids.has(r.spdxElementId) && ids.has(r.relatedSpdxElement), JSON.stringify(r));

  const listed = new Map(sbom.files.map((file) => [file.fileName.slice(1), file]));
  const inImage = image.files.filter((e) => e.kind === "file" && !e.path.endsWith("/sbom.spdx.json"));
  assert.deepEqual([...listed.keys()].sort(), inImage.map((e) => e.path).sort());
  const holder = (id) => sbom.relationships.filter((r) => r.relationshipType === "CONTAINS" && r.relatedSpdxElement === id)
    .map((r) => sbom.packages.find((p) => p.SPDXID === r.spdxElementId));
  for (const entry of inImage) {
    const file = listed.get(entry.path);
    const sums = Object.fromEntries(file.checksums.map((c) => [c.algorithm, c.checksumValue]));
    assert.equal(sums.SHA256, sha256(entry.data), entry.path);
    const [owner, ...others] = holder(file.SPDXID);
    assert.deepEqual([Boolean(owner), others], [true, []], entry.path);
    if (/\.so[.\d]*$/.test(entry.path)) {
      assert.match(owner.externalRefs[0].referenceLocator, /^pkg:deb\//, entry.path);
      const inDpkg = spawnSync("dpkg-query", ["-W", "-f", "${Version}", `${owner.name}`], { encoding: "utf8" });
      assert.equal(owner.versionInfo, inDpkg.stdout, owner.name);
    }
  }
  const linked = sbom.relationships.filter((r) => r.relationshipType === "STATIC_LINK").map((r) => r.relatedSpdxElement);
  assert.deepEqual(linked.sort(), ["SPDXRef-Package-in-llhttp", "SPDXRef-Package-in-preact"]);
  const inside = image.files.find((e) => e.path === "/usr/share/doc/netra/sbom.spdx.json").data;
  assert.ok(inside.equals(readFileSync(join(folder, "first/sbom.spdx.json"))), "it is attached to the image as a file");
});

test("other people's tools take it as an image", { skip: skip || (has("skopeo", "--version") ? false : "skopeo is not installed") }, () => {
  for (const from of [`oci:${folder}/first/oci:test`, `oci-archive:${folder}/first/netra.oci.tar:test`]) {
    const copied = spawnSync("skopeo", ["copy", "--insecure-policy", "--preserve-digests", from, `dir:${folder}/copied`], { encoding: "utf8" });
    assert.equal(copied.status, 0, copied.stderr);
    assert.equal(`sha256:${sha256(readFileSync(join(folder, "copied/manifest.json")))}`, image.made.digest);
  }
});
