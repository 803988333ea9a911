// SPDX-License-Identifier: Apache-2.0
//
// What service managers read of us: Kubernetes' manifests against the schemas of kubernetes-models and against rules of
// our own, systemd's units by systemd-analyze. Neither is run by its manager here. Every variable that they set must be
// one that the program knows.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, readdirSync } from "node:fs";
import http from "node:http";
import { join } from "node:path";
import { test } from "node:test";

import { PodDisruptionBudget } from "kubernetes-models/policy/v1";
import { Deployment, StatefulSet } from "kubernetes-models/apps/v1";
import { Ingress, NetworkPolicy } from "kubernetes-models/networking.k8s.io/v1";
import { ConfigMap, Namespace, Service } from "kubernetes-models/v1";
import { parse, parseAllDocuments } from "yaml";

import { Server } from "./server.mjs";
import { netra, root, runTo, withTempDir, writeText } from "./support.mjs";

const kubernetes = join(root, "deploy/kubernetes");
const systemd = join(root, "deploy/systemd");
const KINDS = { ConfigMap, Deployment, Ingress, Namespace, NetworkPolicy, PodDisruptionBudget, Service, StatefulSet };
const EXPOSURE_MAX = 1.5; // systemd's own measure: 0 is shut off, 10 is open
const NAME = "app.kubernetes.io/name";

const kustomization = parse(readFileSync(join(kubernetes, "kustomization.yaml"), "utf8"));
const read = () => kustomization.resources.flatMap((file) =>
  parseAllDocuments(readFileSync(join(kubernetes, file), "utf8")).map((document) => {
    assert.deepEqual(document.errors, [], file);
    return document.toJS();
  }));
const ofKind = (all, ...kinds) => all.filter((object) => kinds.includes(object.kind));
const workloads = (all) => ofKind(all, "Deployment", "StatefulSet");

/** The variables that netra knows: those of its configuration, and keys of models. */
function variablesOf() {
  const table = runTo(0, ["serve", "--print-config-docs"]).out;
  return new Set([...table.matchAll(/`([A-Z][A-Z0-9_]+)`/g)].map((found) => found[1]).concat(table.match(/[A-Z]+_API_KEY/g)));
}

/** What is wrong with the pods of a workload, as a list of words. */
function flawsOf(object, all) {
  const flaws = [];
  const must = (is, what) => is || flaws.push(what);
  const { template, selector } = object.spec;
  const pod = template.spec;
  const [container, ...others] = pod.containers;
  const settings = ofKind(all, "ConfigMap")[0];
  const environment = { ...settings.data, ...Object.fromEntries((container.env ?? []).map((e) => [e.name, e.value])) };

  must(others.length === 0, "one container");
  must(template.metadata.labels[NAME] === selector.matchLabels[NAME], "selector");
  must(container.resources.limits.memory === "512Mi", "memory limit");
  must(pod.securityContext.runAsNonRoot && pod.securityContext.runAsUser === 65532, "user");
  must(pod.securityContext.seccompProfile.type === "RuntimeDefault", "seccomp");
  must(pod.automountServiceAccountToken === false, "token of the cluster");
  must(container.securityContext.readOnlyRootFilesystem === true, "read-only root");
  must(container.securityContext.allowPrivilegeEscalation === false, "privileges");
  must(container.securityContext.capabilities.drop.includes("ALL") && !container.securityContext.capabilities.add, "capabilities");
  must(container.envFrom[0].configMapRef.name === settings.metadata.name, "settings");
  for (const [probe, path] of [["startupProbe", "/health/ready"], ["readinessProbe", "/health/ready"], ["livenessProbe", "/health/live"]]) {
    const asked = container[probe]?.httpGet;
    must(asked?.path === path, probe);
    must(asked?.port === container.ports[0].name, `${probe}: port`);
    must(environment.NETRA_ALLOWED_HOSTS?.split(", ").includes(asked?.httpHeaders[0].value), `${probe}: host`);
  }
  must(environment.NETRA_LISTEN.endsWith(`:${container.ports[0].containerPort}`), "port");
  const volumes = [...(pod.volumes ?? []), ...(object.spec.volumeClaimTemplates ?? []).map((claim) => claim.metadata)].map((v) => v.name);
  must(container.volumeMounts.every((mount) => volumes.includes(mount.name)), "volumes");
  must(container.volumeMounts.some((mount) => mount.mountPath === environment.NETRA_DATA_DIR), "data folder");
  const isSecret = /SECRET$|TOKEN$|KEY$|PASSWORD$/;
  must((container.env ?? []).every((e) => !isSecret.test(e.name) || e.valueFrom?.secretKeyRef), "a secret in clear");
  must(!Object.keys(settings.data).some((name) => isSecret.test(name)), "a secret in the settings");
  return flaws;
}

test("every manifest has its kind's schema, and none is left out", () => {
  const files = readdirSync(kubernetes).filter((name) => name.endsWith(".yaml") && name !== "kustomization.yaml");
  assert.deepEqual([...kustomization.resources].sort(), files.sort());
  for (const object of read()) {
    const Kind = KINDS[object.kind];
    assert.ok(Kind, object.kind);
    const model = new Kind(object);
    assert.equal(model.apiVersion, object.apiVersion, object.kind);
    model.validate();
  }
  const wrong = structuredClone(ofKind(read(), "StatefulSet")[0]);
  wrong.spec.template.spec.containers[0].ports[0].containerPort = "many";
  assert.throws(() => new StatefulSet(wrong).validate(), /containerPort/);
});

test("pods are small, shut off, probed by a name that they know, and hold no secret", () => {
  const all = read();
  assert.deepEqual(workloads(all).map((object) => [object.metadata.name, flawsOf(object, all)]),
    [["netra-auth", []], ["netra-backend", []], ["netra-frontend", []]]);
  const breaks = {
    "memory limit": (o) => (o.spec.template.spec.containers[0].resources.limits.memory = "2Gi"),
    "read-only root": (o) => delete o.spec.template.spec.containers[0].securityContext.readOnlyRootFilesystem,
    "livenessProbe: host": (o) => (o.spec.template.spec.containers[0].livenessProbe.httpGet.httpHeaders[0].value = "localhost"),
    selector: (o) => (o.spec.selector.matchLabels[NAME] = "other"),
    "a secret in clear": (o) => o.spec.template.spec.containers[0].env.push({ name: "NETRA_AUTH_SECRET", value: "x" }),
  };
  for (const [flaw, spoil] of Object.entries(breaks)) {
    const object = structuredClone(workloads(all)[0]);
    spoil(object);
    assert.deepEqual(flawsOf(object, all), [flaw]);
  }
});

test("one process writes a folder; the page always has two that answer", () => {
  const all = read();
  for (const object of ofKind(all, "StatefulSet")) {
    assert.equal(object.spec.replicas, 1);
    assert.deepEqual(object.spec.volumeClaimTemplates[0].spec.accessModes, ["ReadWriteOncePod"]);
  }
  const [page] = ofKind(all, "Deployment");
  assert.equal(page.spec.replicas, 2);
  assert.deepEqual(page.spec.strategy.rollingUpdate, { maxUnavailable: 0, maxSurge: 1 });
  const [budget] = ofKind(all, "PodDisruptionBudget");
  assert.deepEqual(budget.spec, { minAvailable: 1, selector: page.spec.selector });
  const roles = workloads(all).map((object) => object.spec.template.spec.containers[0].args);
  assert.deepEqual(roles, ["auth", "backend", "frontend"].map((role) => ["serve", "--role", role]));
});

test("services and the ingress lead to pods that exist", () => {
  const all = read();
  const names = workloads(all).map((object) => object.spec.template.metadata.labels[NAME]);
  const services = ofKind(all, "Service");
  assert.deepEqual(services.map((service) => service.spec.selector[NAME]), names);
  for (const service of services) assert.equal(service.spec.ports[0].targetPort, "http");
  const [ingress] = ofKind(all, "Ingress");
  const [settings] = ofKind(all, "ConfigMap");
  const expected = { "netra-frontend": "FRONTEND", "netra-backend": "BACKEND", "netra-auth": "AUTH" };
  for (const { host, http } of ingress.spec.rules) {
    const name = http.paths[0].backend.service.name;
    assert.ok(services.some((service) => service.metadata.name === name), name);
    assert.equal(settings.data[`NETRA_SERVICE_${expected[name]}_URL`], `https://${host}`);
    assert.ok(ingress.spec.tls[0].hosts.includes(host));
  }
});

test("every variable that manifests and units set is one of the program's", () => {
  const known = variablesOf();
  const [settings] = ofKind(read(), "ConfigMap");
  const set = workloads(read()).flatMap((object) => object.spec.template.spec.containers[0].env.map((e) => e.name));
  const unit = readFileSync(join(systemd, "netra.service"), "utf8").match(/\b[A-Z][A-Z_]+(?==)/g).filter((name) => name.startsWith("NETRA_"));
  assert.ok(unit.length >= 3);
  assert.deepEqual([...Object.keys(settings.data), ...set, ...unit].filter((name) => !known.has(name)), []);
});

test("the program starts with what each pod is told, and answers its probes by their name", async () => {
  const all = read();
  const [settings] = ofKind(all, "ConfigMap");
  for (const object of workloads(all)) {
    const [container] = object.spec.template.spec.containers;
    const told = { ...settings.data, ...Object.fromEntries(container.env.filter((e) => e.value).map((e) => [e.name, e.value])) };
    await withTempDir((folder) => {
      if (told.NETRA_AUTH_SECRET_FILE) {
        told.NETRA_AUTH_SECRET_FILE = writeText(folder, "secret", "manifest-secret-0123456789abcdef-0123456789\n");
        chmodSync(told.NETRA_AUTH_SECRET_FILE, 0o600);
      }
      const isAlone = object.metadata.name !== "netra-backend"; // it is ready when it has seen the auth service's keys
      return Server.with(async (server) => {
        const ask = (probe, headers) => new Promise((resolve, reject) => {
          http.get({ port: server.port, host: "127.0.0.1", path: container[probe].httpGet.path, headers }, (answer) => resolve(answer.resume().statusCode)).on("error", reject);
        });
        const host = Object.fromEntries(container.livenessProbe.httpGet.httpHeaders.map((header) => [header.name, header.value]));
        assert.equal(await ask("livenessProbe", host), 200, object.metadata.name);
        assert.equal(await ask("livenessProbe", { Host: "10.1.2.3:8421" }), 403, "another name is not known");
        if (isAlone) assert.equal(await ask("readinessProbe", host), 200, object.metadata.name);
      }, { args: container.args.slice(1), env: { ...told, NETRA_LISTEN: undefined, NETRA_DATA_DIR: undefined, NETRA_TOKEN: undefined } });
    });
  }
});

test("kubectl's kustomize puts them together", {
  skip: spawnSync("kubectl", ["version", "--client"]).status === 0 ? false : "kubectl is not installed",
}, () => {
  const done = spawnSync("kubectl", ["kustomize", kubernetes], { encoding: "utf8" });
  assert.equal(done.status, 0, done.stderr);
  const objects = parseAllDocuments(done.stdout).map((document) => document.toJS());
  assert.equal(objects.length, read().length);
  for (const object of workloads(objects)) {
    assert.match(object.spec.template.spec.containers[0].image, /^registry\.example\.org\/netra:/);
    assert.equal(object.metadata.namespace, "netra");
  }
});

const hasSystemd = spawnSync("systemd-analyze", ["--version"]).status === 0;

test("systemd takes the units", { skip: hasSystemd ? false : "systemd-analyze is not installed" }, () =>
  withTempDir((folder) => {
    const units = readdirSync(systemd).filter((name) => /\.(service|socket)$/.test(name));
    assert.deepEqual(units.sort(), ["netra.service", "netra.socket"]);
    const verify = (change) => {
      const paths = units.map((name) =>
        writeText(folder, name, change(readFileSync(join(systemd, name), "utf8").replaceAll("/usr/local/bin/netra", netra))));
      const done = spawnSync("systemd-analyze", ["verify", "--man=no", ...paths], { encoding: "utf8" });
      return { code: done.status, said: done.stderr.split("\n").filter((line) => line.includes("netra.")).join("\n") };
    };
    assert.deepEqual(verify((text) => text), { code: 0, said: "" });
    assert.match(verify((text) => text.replace("ProtectHome=", "ProtectHomes=")).said, /Unknown key/);
  }));

test("systemd finds little that the service could still reach", { skip: hasSystemd ? false : "systemd-analyze is not installed" }, () => {
  const path = join(systemd, "netra.service");
  const done = spawnSync("systemd-analyze", ["security", "--offline=true", "--no-pager", path], { encoding: "utf8" });
  const level = /Overall exposure level for \S+: ([\d.]+)/.exec(done.stdout);
  assert.ok(level, done.stderr);
  assert.ok(Number(level[1]) <= EXPOSURE_MAX, level[0]);
});

test("units have what no tool checks: the limit, the secret, the socket", () => {
  const service = readFileSync(join(systemd, "netra.service"), "utf8");
  for (const line of ["MemoryMax=512M", "LoadCredential=secret:/etc/netra/secret", "Requires=netra.socket", "StateDirectory=netra"]) {
    assert.ok(service.split("\n").includes(line), line);
  }
  assert.ok(!existsSync(join(systemd, "secret")));
});
