// SPDX-License-Identifier: Apache-2.0
//
// The five ways of recovery (docs/protocol.md, "Errors") as somebody at the page sees them, in a real Chromium. The
// server's own fault injection answers as it would in need; then it is looked at that what was asked for happened once,
// and that nothing which was written is lost. Then connections: a restart, WebSockets that do not get through.
//
// UPDATE_SCREENSHOTS=1 writes docs/page-waiting.png anew.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { addSample, ask, finished, needsChromium, screenshot, until, withPage as withPageOf } from "./page.mjs";
import { Server, within } from "./server.mjs";

const QUESTION = "Where does the money go?";
const PLAN = "How can we reduce costs by 20 % without making anything worse?";
const FAULTS = { NETRA_FAULTS_ALLOWED: "on" };

let server;
before(async () => {
  if (!needsChromium.skip) server = await Server.start({ env: FAULTS });
});
after(async () => {
  await server?.stop();
  server?.remove();
});

const arm = (name, more = {}) => server.json(201, "/api/faults", { name, ...more });
const hits = async (name) => (await server.json(200, "/api/faults")).faults.find((fault) => fault.name === name).hits;

/** fn(page, questions): a signed-in page with sample records; questions() is every question that the server was asked. */
const withPage = (fn, options) => withPageOf(server, async (page, context) => {
  await addSample(page);
  const before = new Set((await server.json(200, "/api/threads?limit=200")).items.map((thread) => thread.id));
  const questions = async () => {
    const threads = (await server.json(200, "/api/threads?limit=200")).items.filter((thread) => !before.has(thread.id));
    const runs = await Promise.all(threads.map((thread) => server.json(200, `/api/threads/${thread.id}/runs`)));
    return runs.flatMap(({ items }) => items.map((run) => run.prompt));
  };
  try {
    await fn(page, questions, context);
  } finally {
    assert.equal((await server.fetch("/api/faults", { method: "DELETE" })).status, 204);
  }
}, options);

async function write(page, text) {
  await page.locator("#prompt").fill(text);
  await page.locator("#prompt").press("Enter");
}
const draft = (page) => page.locator("#prompt").inputValue();

test("AUTH_FAILED: the sign-in stands over the page; then the question is asked, once", needsChromium, () =>
  withPage(async (page, questions) => {
    await arm("auth_expired", { times: 1 });
    await write(page, QUESTION);
    const door = page.getByRole("dialog", { name: "Open the sign-in link" });
    await door.waitFor();
    assert.equal(await draft(page), QUESTION, "what was written is kept");
    assert.equal(await page.locator(".dataset").count(), 1, "and so is the page behind");
    assert.deepEqual(await questions(), []);
    await page.keyboard.press("Escape");
    assert.ok(await door.isVisible(), "there is no way past it");
    await door.getByRole("button", { name: "I have opened it" }).click();
    await door.waitFor({ state: "detached" });
    await finished(page.locator(".run"));
    assert.deepEqual(await questions(), [QUESTION]);
    assert.equal(await draft(page), "");
    await page.locator(".connection.is-open").waitFor();
  }));

test("RATE_LIMITED: the page waits as long as it is told, says so, and asks once", needsChromium, () =>
  withPage(async (page, questions) => {
    await arm("rate_limited", { times: 2, argument: 2 });
    const began = Date.now();
    await write(page, QUESTION);
    const bar = page.locator(".bar[data-wait=limited]");
    await bar.filter({ hasText: /Waiting \d+ s/ }).waitFor();
    assert.match(await bar.innerText(), /too much at once/);
    assert.equal(await draft(page), QUESTION);
    await screenshot(page, "page-waiting.png");
    await finished(page.locator(".run"));
    assert.ok(Date.now() - began >= 4000, `twice two seconds: ${Date.now() - began} ms`);
    assert.equal(await bar.count(), 0);
    assert.deepEqual(await questions(), [QUESTION]);
    assert.equal(await draft(page), "");
  }));

test("a wait can be cancelled: nothing is asked, and what was written stays", needsChromium, () =>
  withPage(async (page, questions) => {
    await arm("rate_limited", { times: 1, argument: 60 });
    await write(page, QUESTION);
    await page.locator(".bar").getByRole("button", { name: "Cancel" }).click();
    await page.locator(".notice", { hasText: "The question was not taken" }).waitFor();
    assert.equal(await page.locator(".bar").count(), 0);
    assert.equal(await draft(page), QUESTION);
    assert.deepEqual(await questions(), []);

    await page.locator("#prompt").press("Enter");
    await finished(page.locator(".run"));
    assert.deepEqual(await questions(), [QUESTION]);
  }));

test("SERVICE_UNAVAILABLE: what the page has can be read, it says why, and goes on by itself", needsChromium, () =>
  withPage(async (page, questions) => {
    await finished(await ask(page, QUESTION));
    await page.getByRole("link", { name: "New question" }).click();
    await page.locator(".welcome").waitFor();
    await arm("unavailable", { argument: 1, seconds: 120 });
    await write(page, PLAN);
    const bar = page.locator(".bar[data-wait=away]");
    await bar.waitFor();
    assert.match(await bar.innerText(), /cannot do this at the moment \(.+\)\. What is on the page can be read/);
    await page.locator(".thread-list a").first().click();
    assert.match(await page.locator(".run .summary").innerText(), /\$\d/, "a conversation that was read before");
    await page.locator(".thread-list li.is-open").waitFor();
    await page.getByRole("link", { name: "New question" }).click();
    assert.equal(await draft(page), PLAN);
    assert.equal((await server.fetch("/api/faults/unavailable", { method: "DELETE" })).status, 204);
    await bar.waitFor({ state: "detached" });
    await until(async () => (await questions()).length === 2, "the question is asked when the server is back");
    await page.locator(".thread-list li", { hasText: PLAN.slice(0, 20) }).waitFor();
    assert.deepEqual((await questions()).sort(), [PLAN, QUESTION].sort());
  }));

test("INVALID_REQUEST: the message stands at its field, and nothing is tried again", needsChromium, () =>
  withPage(async (page, questions) => {
    const before = await hits("invalid_request");
    await arm("invalid_request", { times: 2 });
    await write(page, QUESTION);
    const error = page.locator("#composer-error");
    await error.waitFor();
    assert.ok((await error.innerText()).length > 5);
    const box = page.locator("#prompt");
    assert.equal(await box.getAttribute("aria-invalid"), "true");
    assert.equal(await box.getAttribute("aria-describedby"), "composer-error");
    assert.equal(await draft(page), QUESTION);
    assert.equal(await hits("invalid_request"), before + 1, "one attempt");
    assert.equal(await page.locator(".notice, .bar").count(), 0);
    await server.fetch("/api/faults/invalid_request", { method: "DELETE" });
    await box.press("End");
    await page.keyboard.type(" Please.");
    assert.equal(await error.count(), 0, "it is about what was written then");
    await box.press("Enter");
    await finished(page.locator(".run"));
    assert.deepEqual(await questions(), [`${QUESTION} Please.`]);
  }));

test("INTERNAL_ERROR: once more by itself; then the message has the id of its trace", needsChromium, () =>
  withPage(async (page, questions, context) => {
    const before = await hits("internal_error");
    await arm("internal_error", { times: 1 });
    await finished(await ask(page, QUESTION));
    assert.equal(await hits("internal_error"), before + 1);
    assert.deepEqual(await questions(), [QUESTION], "nobody noticed");
    assert.equal(await page.locator(".notice").count(), 0);

    await arm("internal_error", { times: 3 });
    await write(page, PLAN);
    const notice = page.locator(".notice");
    const trace = await notice.locator(".trace code").innerText();
    assert.match(trace, /^[0-9a-f]{32}$/);
    assert.equal(await hits("internal_error"), before + 3, "two attempts, no more");
    assert.equal(await draft(page), PLAN);
    await until(() => server.log.includes(trace), "the id is in the server's log");
    await context.grantPermissions(["clipboard-read", "clipboard-write"], { origin: new URL(server.url).origin });
    await notice.getByRole("button", { name: "Copy the trace id" }).click();
    await notice.getByRole("button", { name: "Copied" }).waitFor();
    assert.equal(await page.evaluate(() => navigator.clipboard.readText()), trace);
    assert.deepEqual(await questions(), [QUESTION]);
  }));

test("a page that is opened while the server cannot answer comes up by itself", needsChromium, () =>
  withPageOf(server, async (page) => {
    const { url } = await server.json(201, "/auth/sign-in-link", {});
    await page.goto(new URL(url, server.url).href);
    await page.locator(".connection.is-open").waitFor();
    await arm("rate_limited", { times: 2, argument: 2 });
    await page.reload();
    await page.getByRole("heading", { name: "The server cannot answer now" }).waitFor();
    await page.getByText(/Waiting \d s/).waitFor();
    await page.locator(".connection.is-open").waitFor();
  }, { isSignedIn: false }));

test("a page of the settings has an address; one step back closes them", needsChromium, () =>
  withPage(async (page) => {
    await page.getByRole("button", { name: "Settings" }).click();
    const settings = page.getByRole("dialog", { name: "Settings" });
    await settings.getByRole("link", { name: "Limits" }).click();
    await settings.locator("[data-quota=storage]").waitFor();
    assert.match(page.url(), /#settings\/limits$/);
    await page.goBack();
    await settings.waitFor({ state: "detached" });
  }));

test("an answer that is lost on the way: the question is asked again and taken once", needsChromium, () =>
  withPage(async (page, questions) => {
    let lost = 0;
    const keys = new Set();
    const statuses = [];
    await page.route("**/api/runs", async (route) => {
      keys.add(await route.request().headerValue("idempotency-key"));
      const answer = await route.fetch();
      statuses.push(answer.status());
      if (lost++ === 0) await route.abort("connectionreset");
      else await route.fulfill({ response: answer });
    });
    await write(page, QUESTION);
    await finished(page.locator(".run"));
    assert.deepEqual(statuses, [202, 202], "the second is the first answer again");
    assert.equal(keys.size, 1, "both attempts carried the same key");
    assert.match([...keys][0], /^[0-9a-f-]{36}$/);
    assert.deepEqual(await questions(), [QUESTION]);
    assert.equal(await page.locator(".run").count(), 1);
  }));

test("a run that waits says how many are ahead", needsChromium, async () => {
  const busy = await Server.start({ env: { ...FAULTS, NETRA_RUNS_CONCURRENT_MAX: "1" } });
  try {
    await withPageOf(busy, async (page) => {
      await addSample(page);
      const dataset = await page.locator(".dataset.is-chosen").getAttribute("data-dataset");
      await busy.json(201, "/api/faults", { name: "store_slow", argument: 400, seconds: 60 });
      const crowd = await Promise.all(Array.from({ length: 6 }, () => busy.json(202, "/api/runs", { prompt: PLAN, dataset })));
      const run = await ask(page, QUESTION);
      const place = run.locator(".queue");
      await place.filter({ hasText: /\d ahead of you/ }).waitFor();
      const ahead = Number(await place.getAttribute("data-ahead"));
      assert.ok(ahead >= 1 && ahead <= crowd.length, `${ahead}`);
      assert.equal((await busy.fetch("/api/faults", { method: "DELETE" })).status, 204);
      await finished(run);
      assert.equal(await place.count(), 0);
      await within(Promise.all(crowd.map(({ id }) => busy.ended(id))), "the other runs");
    });
  } finally {
    await busy.stop();
    busy.remove();
  }
});

test("a restart in mid-question: the page says so, comes back by itself, and has it whole", needsChromium, async () => {
  const folder = mkdtempSync(join(tmpdir(), "netra-restart-"));
  let first = await Server.start({ folder, env: FAULTS });
  try {
    await withPageOf(first, async (page) => {
      await page.evaluate(() => {
        window.said = new Set();
        new MutationObserver(() => {
          for (const bar of document.querySelectorAll(".bar")) window.said.add(bar.textContent);
        }).observe(document.body, { subtree: true, childList: true });
      });
      await addSample(page);
      await first.json(201, "/api/faults", { name: "store_slow", argument: 100, seconds: 60 });
      const run = await ask(page, PLAN);
      await until(async () => Number(await run.getAttribute("data-seq")) >= 2, "the run is at work");
      await page.locator("#prompt").fill("A question that is not asked yet");
      const { port } = first;
      await first.stop();
      await page.locator(".connection:not(.is-open)").waitFor();
      first = await Server.start({ folder, args: ["--listen", `127.0.0.1:${port}`], env: FAULTS });
      await page.locator(".connection.is-open").waitFor();
      await finished(run);
      const record = await first.json(200, `/api/runs/${await run.getAttribute("data-run")}`);
      assert.equal(Number(await run.getAttribute("data-seq")), record.last_seq, "every event of both processes");
      assert.equal(await draft(page), "A question that is not asked yet");
      assert.ok((await page.evaluate(() => [...window.said])).some((text) => /being restarted/.test(text)), "it was said (1012)");
      assert.equal(await page.locator(".bar, .notice").count(), 0, "and is over");
      assert.equal((await first.json(200, "/api/threads")).items.length, 1);
    });
  } finally {
    await first.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

test("where no WebSocket gets through, events come over HTTP", needsChromium, async () => {
  let isBlocked = true;
  let blocked = 0;
  const prepare = (page) => page.routeWebSocket(/\/ws$/, (socket) => {
    if (!isBlocked) return void socket.connectToServer();
    blocked++;
    socket.close({ code: 1013 });
  });
  await withPageOf(server, async (page) => {
    const { url } = await server.json(201, "/auth/sign-in-link", {});
    await page.goto(new URL(url, server.url).href);
    await page.locator(".sample").click();
    await page.locator(".dataset.is-chosen").waitFor();
    const run = await ask(page, PLAN);
    await finished(run);
    const record = await server.json(200, `/api/runs/${await run.getAttribute("data-run")}`);
    assert.equal(Number(await run.getAttribute("data-seq")), record.last_seq);
    assert.equal(await run.locator("[data-tool]").count(), record.tool_calls.length);
    assert.ok(blocked >= 3, `${blocked} sockets were tried`);
    isBlocked = false;
    await page.locator(".connection.is-open").waitFor();
  }, { prepare, isSignedIn: false });
});
