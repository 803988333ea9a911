// SPDX-License-Identifier: Apache-2.0
//
// Which service a path is asked of, and what is taken out of a report's text.

import assert from "node:assert/strict";
import { test } from "node:test";

import { reportText } from "../src/report_text.ts";
import { addressesOf, isOfAccounts } from "../src/services.ts";

const rows = (backend: string, auth: string, frontend: string) => [
  { name: "backend", url: backend },
  { name: "auth", url: auth },
  { name: "frontend", url: frontend },
];

test("one process names one address three times: nothing but the page's own origin is asked", () => {
  const own = { backend: "", auth: "" };
  assert.deepEqual(addressesOf(rows("http://a:1", "http://a:1", "http://a:1")), own);
  assert.deepEqual(addressesOf([]), own);
  assert.deepEqual(addressesOf(rows("http://a:1", "", "http://a:3")), own);
});

test("three processes are asked at their own addresses", () => {
  assert.deepEqual(addressesOf(rows("https://api.example.org", "https://auth.example.org", "https://example.org")), {
    backend: "https://api.example.org",
    auth: "https://auth.example.org",
  });
});

test("accounts are the auth service's, all else the backend's", () => {
  for (const path of ["/auth/me", "/auth/login", "/api/users", "/api/users/1", "/api/invites?limit=2", "/api/keys", "/api/workspaces/1", "/api/audit/check"]) {
    assert.ok(isOfAccounts(path), path);
  }
  for (const path of ["/api/threads", "/api/usersx", "/health", "/api/runs/1/events?after=0", "/ws", "/api/ws-ticket", "/api/keysmith"]) {
    assert.ok(!isOfAccounts(path), path);
  }
});

test("style sheets are taken out of a report, wherever they are; the rest stays as it is", () => {
  const html = "<html><head><style>a{b:c}</style></head><body>1 &lt;style&gt; 2<svg><style media=\"print\">d{}</style></svg></body>";
  assert.deepEqual(reportText(html), {
    html: "<html><head></head><body>1 &lt;style&gt; 2<svg></svg></body>",
    styles: ["a{b:c}", "d{}"],
  });
});
