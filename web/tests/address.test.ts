// SPDX-License-Identifier: Apache-2.0
//
// What an address says, also one that somebody else has made up: codes, sentences, and where to go
// after signing in elsewhere.

import assert from "node:assert/strict";
import { test } from "node:test";
import { arrivalOf, placeOf, providerUrl, settingsPageOf, threadOf } from "../src/address.ts";

test("codes and sentences of the query", () => {
  assert.deepEqual(arrivalOf("?setup=aB3_-x"), { setup: "aB3_-x" });
  assert.deepEqual(arrivalOf("?invite=x&reset=y"), { invite: "x", reset: "y" });
  assert.deepEqual(arrivalOf("?invite=%3Cscript%3E&reset=a%20b&setup="), {}, "a code has its alphabet");
  assert.deepEqual(arrivalOf("?error=%3Cb%3Eno"), { error: "<b>no" }, "text, which is shown as text");
  assert.equal(arrivalOf(`?error=${"x".repeat(9000)}`).error?.length, 400);
  assert.deepEqual(arrivalOf(""), {});
});

test("threads and pages of the settings", () => {
  assert.equal(threadOf("/threads/0192-ab"), "0192-ab");
  assert.equal(threadOf("/threads/a/b"), undefined);
  assert.equal(settingsPageOf("#settings/keys"), "keys");
  assert.equal(settingsPageOf("#settings"), "models");
  assert.equal(settingsPageOf("#settings/nonsense"), "models");
  assert.equal(settingsPageOf("#facts"), undefined);
  assert.equal(settingsPageOf(""), undefined);
});

test("one comes back to a place of this page, and leaves by an address of this server", () => {
  assert.equal(placeOf("/threads/0192"), "/threads/0192");
  for (const path of ["/", "//evil.example", "/threads/../x", "/\\evil.example"]) assert.equal(placeOf(path), "/", path);
  assert.equal(providerUrl("/auth/oidc/google", "/threads/1"), "/auth/oidc/google?next=%2Fthreads%2F1");
  for (const url of ["https://evil.example", "//evil.example/auth/oidc/x", "/auth/oidc/a/b", "javascript:alert(1)"]) {
    assert.equal(providerUrl(url, "/"), undefined, url);
  }
});
