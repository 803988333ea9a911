// SPDX-License-Identifier: Apache-2.0
//
// What becomes of a request that failed: each way of recovery, how long is waited, what is done twice
// and what is not; waits that are cut short or cancelled; a sign-in as the same person and as another.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ApiError,
  backoffMs,
  decide,
  fieldErrors,
  Recovery,
  retryAfterS,
  socketStep,
  type Tried,
} from "../src/recovery.ts";
import type { Problem } from "../src/wire.ts";

const problem = (code: string, more: Partial<Problem> = {}): Problem => ({
  title: code,
  status: { RATE_LIMITED: 429, SERVICE_UNAVAILABLE: 503, AUTH_FAILED: 401, INTERNAL_ERROR: 500 }[code] ?? 422,
  code,
  detail: `${code} happened`,
  ...more,
});
const first: Tried = { attempts: 1, isSafe: true };

test("each code is recovered from in its own way", () => {
  const does = (code: string, tried = first): string => decide(problem(code), tried, 0.5).do;
  assert.equal(does("AUTH_FAILED"), "sign_in");
  assert.equal(does("AUTH_FAILED", { attempts: 1, isSafe: false }), "sign_in", "it was refused before anything was done");
  assert.equal(does("RATE_LIMITED"), "wait");
  assert.equal(does("SERVICE_UNAVAILABLE"), "wait");
  assert.equal(does("UNREACHABLE"), "wait");
  assert.equal(does("INTERNAL_ERROR"), "wait");
  for (const code of ["INVALID_REQUEST", "FORBIDDEN", "SOMETHING_NEW"]) assert.equal(does(code), "stop", code);
});

test("what may not be done twice is not tried again by itself", () => {
  for (const code of ["RATE_LIMITED", "SERVICE_UNAVAILABLE", "UNREACHABLE", "INTERNAL_ERROR"]) {
    assert.deepEqual(decide(problem(code), { attempts: 1, isSafe: false }, 0.5), { do: "stop" }, code);
  }
});

test("a defect is tried once more, the rest a bounded number of times", () => {
  assert.equal(decide(problem("INTERNAL_ERROR"), { attempts: 2, isSafe: true }, 0).do, "stop");
  for (const code of ["RATE_LIMITED", "SERVICE_UNAVAILABLE"]) {
    assert.equal(decide(problem(code), { attempts: 7, isSafe: true }, 0).do, "wait", code);
    assert.equal(decide(problem(code), { attempts: 8, isSafe: true }, 0).do, "stop", code);
  }
});

test("409 is waited for only when it may be the first attempt that is under way", () => {
  const conflict = problem("INVALID_REQUEST", { status: 409 });
  assert.equal(decide(conflict, { attempts: 2, isSafe: true }, 0).do, "stop");
  assert.equal(decide(conflict, { attempts: 2, isSafe: true, wasLost: true }, 0).do, "wait");
  assert.equal(decide(problem("INVALID_REQUEST"), { attempts: 2, isSafe: true, wasLost: true }, 0).do, "stop");
});

test("waits double up to a limit, with jitter, and never end before the server said", () => {
  const longest = Array.from({ length: 12 }, (_, index) => backoffMs(index + 1, undefined, 1));
  assert.deepEqual(longest.slice(0, 7), [500, 1000, 2000, 4000, 8000, 16000, 30000]);
  assert.equal(longest.at(-1), 30000);
  for (const attempts of [1, 4, 30]) {
    assert.equal(backoffMs(attempts, undefined, 0), backoffMs(attempts, undefined, 1) / 2, "at least half");
  }
  assert.equal(backoffMs(1, 3, 0), 3000);
  assert.ok(backoffMs(1, 3, 1) > 3000 && backoffMs(1, 3, 1) <= 4000, "pages do not come back together");
  assert.equal(backoffMs(7, 1, 0), 15000, "a server that asks for too little again and again");
  assert.ok(backoffMs(1, 1e9, 1) <= 301_000, "a Retry-After of years");
});

test("Retry-After is seconds or a date", () => {
  assert.equal(retryAfterS("7", 0), 7);
  assert.equal(retryAfterS("Thu, 01 Jan 1970 00:00:10 GMT", 4000), 6);
  assert.equal(retryAfterS("Thu, 01 Jan 1970 00:00:01 GMT", 4000), 0);
  for (const text of [null, "", "soon", "1e3"]) assert.equal(retryAfterS(text, 0), undefined, String(text));
});

test("a socket that closed says whether to come back, and when", () => {
  assert.equal(socketStep(1008, true), "check_session");
  assert.equal(socketStep(1006, false), "check_session", "a handshake that was refused");
  assert.equal(socketStep(1012, true), "at_once");
  assert.equal(socketStep(1013, true), "back_off");
  assert.equal(socketStep(1006, true), "back_off");
});

test("messages go to the members that they are about", () => {
  const errors = [
    { pointer: "/prompt", detail: "too long" },
    { pointer: "/prompt", detail: "another" },
    { detail: "all of it" },
  ];
  assert.deepEqual(fieldErrors(new ApiError(problem("INVALID_REQUEST", { errors }))), {
    "/prompt": "too long",
    "": "all of it",
  });
  assert.deepEqual(fieldErrors(new Error("no problem")), {});
});

/** Fails with these codes in turn, then succeeds; counts. */
function failing(...codes: string[]): { attempt: () => Promise<string>; count: () => number } {
  let attempts = 0;
  return {
    attempt: async () => {
      const code = codes[attempts++];
      if (code) throw new ApiError(problem(code));
      return "done";
    },
    count: () => attempts,
  };
}

test("a wait can be seen, and cut short", async () => {
  const recovery = new Recovery();
  const { attempt, count } = failing("RATE_LIMITED", "SERVICE_UNAVAILABLE");
  const seen: (string | undefined)[] = [];
  recovery.onWaits = () => {
    seen.push(recovery.wait?.reason);
    if (recovery.wait) queueMicrotask(recovery.retryNow);
  };
  assert.equal(await recovery.through(true, attempt), "done");
  assert.equal(count(), 3);
  assert.deepEqual(seen, ["limited", undefined, "away", undefined]);
});

test("a wait that is cancelled ends in the problem, and nothing is tried again", async () => {
  const recovery = new Recovery();
  const { attempt, count } = failing("SERVICE_UNAVAILABLE");
  recovery.onWaits = () => {
    if (recovery.wait) queueMicrotask(recovery.cancel);
  };
  await assert.rejects(recovery.through(true, attempt), /SERVICE_UNAVAILABLE happened/);
  assert.equal(count(), 1);
});

test("of several waits the one that ends first is told of", async () => {
  const recovery = new Recovery();
  const late = recovery.through(true, failing("RATE_LIMITED").attempt);
  const failures = ["SERVICE_UNAVAILABLE"];
  const slow = recovery.through(true, async () => {
    const code = failures.pop();
    if (code) throw new ApiError(problem(code, { retry_after_s: 200 }));
    return "done";
  });
  await new Promise((resolve) => setImmediate(resolve));
  assert.equal(recovery.wait?.reason, "limited");
  recovery.retryNow();
  assert.deepEqual(await Promise.all([late, slow]), ["done", "done"]);
  assert.equal(recovery.wait, undefined);
});

test("after a sign-in the request is made again for the same person only", async () => {
  for (const isSame of [true, false]) {
    const recovery = new Recovery();
    const { attempt, count } = failing("AUTH_FAILED");
    let asked = 0;
    recovery.onSignedOut = () => {
      asked++;
      queueMicrotask(() => recovery.signedIn(isSame));
    };
    const result = recovery.through(false, attempt);
    if (isSame) assert.equal(await result, "done");
    else await assert.rejects(result, /AUTH_FAILED/);
    assert.equal(count(), isSame ? 2 : 1);
    assert.equal(asked, 1);
  }
});

test("what is no problem of the server is nobody's to recover from", async () => {
  const recovery = new Recovery();
  let attempts = 0;
  await assert.rejects(
    recovery.through(true, async () => {
      attempts++;
      throw new TypeError("a defect of the page");
    }),
    TypeError,
  );
  assert.equal(attempts, 1);
});
