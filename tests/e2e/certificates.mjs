// SPDX-License-Identifier: Apache-2.0
//
// A certificate authority of a test's own, made with the openssl program, and certificates for localhost.

import { execFileSync } from "node:child_process";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";

function openssl(...args) {
  execFileSync("openssl", args, { stdio: ["ignore", "ignore", "pipe"] });
}

export class Authority {
  constructor(folder) {
    this.folder = folder;
    this.key = join(folder, "ca.key");
    this.file = join(folder, "ca.pem");
    const name = ["-subj", "/CN=a test's authority"];
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
      ...name, "-keyout", this.key, "-out", this.file);
    this.pem = readFileSync(this.file, "utf8");
    this.serial = 1000;
  }

  /** Replaces cert and key as renewal programs do: new files that take the old names. */
  issue(cert, key, { type = "ec" } = {}) {
    const at = (end) => join(this.folder, `new.${end}`);
    const kind = type === "ec" ? ["ec", "-pkeyopt", "ec_paramgen_curve:P-256"] : ["rsa:2048"];
    openssl("req", "-new", "-newkey", ...kind, "-nodes", "-subj", "/CN=localhost", "-keyout", at("key"), "-out", at("csr"));
    writeFileSync(at("ext"), "subjectAltName=DNS:localhost,IP:127.0.0.1\n");
    this.serial += 1;
    openssl("x509", "-req", "-in", at("csr"), "-CA", this.file, "-CAkey", this.key, "-set_serial", String(this.serial),
      "-days", "1", "-extfile", at("ext"), "-out", at("crt"));
    renameSync(at("key"), key);
    renameSync(at("crt"), cert);
    return this.serial.toString(16).toUpperCase().padStart(4, "0");
  }
}
