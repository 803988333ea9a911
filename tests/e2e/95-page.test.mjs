// SPDX-License-Identifier: Apache-2.0
//
// The page in a real Chromium, over the real server: somebody signs in, brings records, asks, watches, reads the
// figures. Then what goes wrong: nobody signed in, a connection that drops in mid-run, a file that cannot be read.
//
// UPDATE_SCREENSHOTS=1 writes docs/page*.png anew; without it the tests leave the tree as it is.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { after, before, test } from "node:test";
import { gunzipSync } from "node:zlib";

import { NARROW, TALL, WIDE, addSample, ask, dropFile, finished, needsChromium, reportOf, screenshot, until, withPage as withPageOf } from "./page.mjs";
import { Server, within } from "./server.mjs";
import { data, lines, needsData } from "./support.mjs";

const PLAN = "How can we reduce costs by 20 % without making anything worse?";

const STEPS = ["user_input_received", "message_validated", "agent_selected", "agent_executed", "response_generated",
  "response_delivered"];

let server;
before(async () => {
  if (!needsChromium.skip) server = await Server.start();
});
after(async () => {
  await server?.stop();
  server?.remove();
});

const withPage = (fn, options) => withPageOf(server, fn, options);

/** Everything that the page shows of its uploads while fn runs. */
async function watchUploads(page, fn) {
  await page.evaluate(() => {
    window.seen = new Set();
    window.watcher = new MutationObserver(() => {
      for (const item of document.querySelectorAll(".upload")) window.seen.add(`${item.dataset.phase}: ${item.innerText}`);
    });
    window.watcher.observe(document.querySelector(".uploads"), { subtree: true, childList: true, characterData: true, attributes: true });
  });
  await fn();
  return page.evaluate(() => [...window.seen]);
}

/** Keeps each value that an attribute or text of a run takes on while it is made. */
async function watchRuns(page) {
  await page.evaluate(() => {
    window.texts = [];
    window.runWatcher = new MutationObserver(() => {
      for (const run of document.querySelectorAll(".run")) {
        window.texts.push({
          status: run.dataset.status,
          seq: Number(run.dataset.seq),
          done: [...run.querySelectorAll(".steps .is-done")].map((step) => step.dataset.step),
          agents: run.querySelectorAll("[data-agent]").length,
          tools: run.querySelectorAll("[data-tool]").length,
          summary: run.querySelector(".summary")?.textContent.length ?? 0,
          hasReport: run.querySelector(".report") !== null,
        });
      }
    });
    window.runWatcher.observe(document.querySelector(".runs"), { subtree: true, childList: true, characterData: true, attributes: true });
  });
}

test("who is not signed in is told how", needsChromium, () => withPage(async (page) => {
  await page.goto(server.url);
  await page.getByRole("heading", { name: "Open the sign-in link" }).waitFor();
  assert.match(await page.locator("main").innerText(), /netra serve/);
  assert.equal(await page.locator("#prompt").count(), 0);
}, { isSignedIn: false }));

test("sample data, a question, steps and agents and tools as they happen, figures in the report", needsChromium, () =>
  withPage(async (page) => {
    await screenshot(page, "page-empty.png");
    await addSample(page);
    await watchRuns(page);
    const run = await ask(page, PLAN);
    await finished(run);

    const seen = await page.evaluate(() => window.texts);
    assert.ok(seen.some((s) => s.status === "running"), "the run was shown while it ran");
    for (let i = 1; i < seen.length; i++) {
      assert.ok(seen[i].seq >= seen[i - 1].seq, "what was shown never went back");
      assert.deepEqual(seen[i].done, STEPS.slice(0, seen[i].done.length), "steps are done in their order");
    }
    assert.ok(new Set(seen.map((s) => s.done.length)).size >= 3, "steps were shown as they were done");
    assert.ok(seen.some((s) => s.status === "running" && s.tools > 0), "tools were shown while the run was at work");
    assert.deepEqual(seen.at(-1).done, STEPS);

    const record = await server.json(200, `/api/runs/${await run.getAttribute("data-run")}`);
    assert.equal(Number(await run.getAttribute("data-seq")), record.last_seq);
    assert.equal(await run.locator("[data-agent]").count(), record.agents.length);
    assert.equal(await run.locator("[data-tool]").count(), record.tool_calls.length);
    assert.ok(record.tool_calls.length > 0);
    assert.equal(await run.locator(".steps .step-time").count(), STEPS.length, "every step has its time");
    assert.match(await run.locator(".understood").innerText(), /cost/);
    assert.match(await run.locator(".summary").innerText(), /\$\d/);

    const report = await reportOf(run);
    assert.ok((await report.count("figure svg")) >= 3, "the report has figures");
    const figure = await report.size("figure svg");
    assert.ok(figure.width > 300 && figure.height > 50, "and they can be seen");
    assert.ok((await report.count("table")) >= 1);
    assert.doesNotMatch(await report.text(), new RegExp(PLAN.slice(0, 40)), "the question is not said twice");
    assert.match(await (await page.request.get(new URL(`/api/reports/${record.report_id}.html`, server.url).href)).text(),
      new RegExp(PLAN.slice(0, 40)), "but the report has it");
    assert.equal(await page.evaluate(() => document.querySelector("iframe").getAttribute("sandbox")), "allow-same-origin");

    for (const suffix of ["html", "md", "csv", "json"]) {
      const link = run.locator(`.downloads a[download$=".${suffix}"]`);
      const answer = await page.request.get(new URL(await link.getAttribute("href"), server.url).href);
      assert.equal(answer.status(), 200, suffix);
      assert.ok((await answer.body()).length > 100, suffix);
    }
    await run.getByRole("button", { name: "Check the numbers" }).click();
    await run.locator(".number-check", { hasText: /All \d+ facts were derived again/ }).waitFor();

    await page.setViewportSize(TALL);
    await page.waitForTimeout(200);
    await screenshot(page, "page.png");
    await page.setViewportSize(WIDE);
    await page.emulateMedia({ colorScheme: "dark" });
    await page.locator(".runs").evaluate((runs) => {
      const frame = runs.querySelector("iframe");
      const figure = frame.contentDocument.querySelector("figure").getBoundingClientRect();
      runs.scrollTop += frame.getBoundingClientRect().top + figure.top - runs.getBoundingClientRect().top - 120;
    });
    await screenshot(page, "page-dark.png");
    await page.emulateMedia({ colorScheme: "light" });

    // A link inside of the report leads there, though the frame itself does not scroll.
    const place = await run.locator("iframe").evaluate((frame) => {
      const link = frame.contentDocument.querySelector("nav a[href='#facts']");
      link.scrollIntoView({ block: "center" });
      const [outer, inner] = [frame.getBoundingClientRect(), link.getBoundingClientRect()];
      return { x: outer.left + inner.left + 20, y: outer.top + inner.top + 8 };
    });
    await page.mouse.click(place.x, place.y);
    await until(() => run.locator("iframe").evaluate((frame) => {
      const top = frame.getBoundingClientRect().top + frame.contentDocument.getElementById("facts").getBoundingClientRect().top;
      return top > 0 && top < 500;
    }), "the link to every number scrolls there");

    await page.setViewportSize(NARROW);
    await page.waitForTimeout(200);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), "nothing sticks out at 360 px");
    await page.locator(".runs").evaluate((element) => (element.scrollTop = 0));
    await screenshot(page, "page-narrow.png");
  }));

test("a reload shows what is stored; conversations are listed, opened and deleted", needsChromium, () =>
  withPage(async (page) => {
    await addSample(page);
    const run = await ask(page, "Where does the money go?");
    await finished(run);
    const text = async () => page.locator(".run").evaluate((element) => [
      element.dataset.seq, element.querySelector(".summary").textContent, element.querySelector(".understood").textContent,
      element.querySelector(".steps").textContent, element.querySelectorAll("[data-tool]").length]);
    const before = await text();
    const address = page.url();
    assert.match(address, /\/threads\/[\w-]+$/);
    await page.reload();
    await page.locator(".run .summary").waitFor();
    assert.deepEqual(await text(), before, "the log of the store says what the socket said");
    await reportOf(page.locator(".run"));

    await page.getByRole("link", { name: "New question" }).click();
    await page.locator(".welcome").waitFor();
    await page.goBack();
    await page.locator(".run .summary").waitFor();
    assert.equal(page.url(), address);
    const threads = await page.locator(".thread-list li").count();
    await page.locator(".thread-list li.is-open").hover();
    await page.locator(".thread-list li.is-open .bin").click();
    await page.getByRole("dialog").getByRole("button", { name: "Keep" }).click();
    assert.equal(await page.locator(".thread-list li").count(), threads);
    await page.locator(".thread-list li.is-open").hover();
    await page.locator(".thread-list li.is-open .bin").click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.locator(".welcome").waitFor();
    await until(async () => (await page.locator(".thread-list li").count()) === threads - 1, "the conversation is gone");
    await page.goto(address);
    await page.getByRole("heading", { name: "There is no such conversation" }).waitFor();
  }));

test("the keyboard is enough: Shift+Enter begins a line, Enter sends", needsChromium, () =>
  withPage(async (page) => {
    await page.locator("#prompt").focus();
    await page.keyboard.type("Where does");
    await page.keyboard.press("Shift+Enter");
    await page.keyboard.type("the money go?");
    assert.equal(await page.locator(".run").count(), 0);
    await page.keyboard.press("Enter");
    const run = page.locator(".run");
    await finished(run);
    assert.equal(await run.locator(".prompt").textContent(), "Where does\nthe money go?");
    assert.equal(await page.locator("#prompt").inputValue(), "");
  }));

test("text from outside stays text", needsChromium, () =>
  withPage(async (page) => {
    const hostile = "<img src=x onerror=\"window.broken=1\"><script>window.broken=1</script>";
    const records = Array.from({ length: 30 }, (_, i) => ({
      time: `2026-08-03T10:00:${String(i).padStart(2, "0")}Z`, model: "gpt-4o", feature: hostile, input_tokens: 1000, output_tokens: 100 }));
    await dropFile(page, "<b>records.jsonl", lines(records));
    await page.locator(".dataset.is-chosen").filter({ hasText: "<b>records.jsonl" }).waitFor();
    const run = await ask(page, `Where does the money go? ${hostile}`);
    await finished(run);
    await reportOf(run);
    assert.equal(await page.evaluate(() => window.broken), undefined);
    assert.equal(await page.locator(".run .prompt img, .run .summary img, .dataset b").count(), 0);
  }));

test("a file that is dropped is read, told about, and can be deleted", needsChromium, () =>
  withPage(async (page) => {
    const rows = Array.from({ length: 200 }, (_, i) =>
      `2026-08-03T10:${String(Math.floor(i / 60)).padStart(2, "0")}:${String(i % 60).padStart(2, "0")}Z,gpt-4o,1000,100`);
    await dropFile(page, "small.csv", `time,model,input_tokens,output_tokens\n${rows.join("\n")}\nyesterday,gpt-4o,x,1\n`);
    const dataset = page.locator(".dataset").filter({ hasText: "small.csv" });
    await dataset.waitFor();
    assert.match(await dataset.innerText(), /200 records, 1 rejected/);
    await dataset.locator("summary").click();
    await dataset.locator(".account").waitFor();
    assert.match(await dataset.locator(".account").innerText(), /csv/);
    assert.match(await dataset.locator(".rejects").innerText(), /row 202: /);
    await dataset.hover();
    await dataset.locator(".bin").click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await dataset.waitFor({ state: "detached" });
  }));

test("a file that cannot be read says why, and can be read again with a column named", needsChromium, () =>
  withPage(async (page) => {
    await dropFile(page, "noise.bin", Uint8Array.from({ length: 3000 }, (_, i) => (i * 7919) % 251));
    const failed = page.locator(".upload.is-failed");
    await failed.waitFor();
    assert.ok((await failed.locator(".bad").innerText()).length > 20);
    await failed.getByRole("button", { name: "Dismiss" }).click();
    await failed.waitFor({ state: "detached" });

    await dropFile(page, "odd.csv", Buffer.from("a,b,c\n2026-08-03T10:00:00Z,1000,100\n2026-08-03T10:01:00Z,1000,100\n"));
    await failed.waitFor();
    assert.match(await failed.locator(".bad").innerText(), /a, b, c/);
    await failed.getByRole("textbox").fill("time=a input_tokens=b output_tokens=c model=gpt-4o");
    await failed.getByRole("button", { name: "Read again" }).click();
    const dataset = page.locator(".dataset.is-chosen").filter({ hasText: "odd.csv" });
    await dataset.waitFor();
    assert.match(await dataset.innerText(), /2 records/);
    assert.equal(await failed.count(), 0);
  }));

test("12 MB of agentic trace dropped on the page give the known figures, with progress", { ...needsChromium, ...(needsChromium.skip ? {} : needsData) }, () =>
  withPage(async (page) => {
    const path = join(data, "agentic/agentic_coding_rle.jsonl.gz");
    const bytes = gunzipSync(await readFile(path));
    assert.ok(bytes.length > 12e6);
    let began;
    const seen = await watchUploads(page, async () => {
      began = Date.now();
      await dropFile(page, basename(path, ".gz"), bytes);
      await page.locator(".dataset.is-chosen").filter({ hasText: "agentic_coding" }).waitFor();
    });
    assert.ok(seen.some((text) => text.startsWith("sending: ")), `progress was shown: ${seen}`);
    const run = await ask(page, "5-minute or 1-hour cache?");
    await finished(run);
    const report = await reportOf(run);
    const text = await report.text();
    assert.match(text, /\$6,488\.91/);
    assert.match(text, /\$5,891\.79/);
    assert.ok((await report.count("figure svg")) >= 1);
    assert.ok(Date.now() - began < 15_000, `within seconds: ${Date.now() - began} ms`);
  }));

test("a connection that drops in mid-run comes back; no event is lost or shown twice", needsChromium, async () => {
  let cutAfter = 3;
  let refused = 0;
  const sockets = [];
  const prepare = (page) => page.routeWebSocket(/\/ws$/, (socket) => {
    sockets.push(socket);
    if (sockets.length > 1 && refused < 2) {
      refused++;
      socket.close({ code: 1012 });
      return;
    }
    const upstream = socket.connectToServer();
    let events = 0;
    upstream.onMessage((message) => {
      const isEvent = String(message).includes('"seq":');
      if (isEvent && ++events > cutAfter) {
        if (events === cutAfter + 1) {
          cutAfter += 5;
          upstream.close();
          socket.close({ code: 1012 });
        }
        return;
      }
      socket.send(message);
      if (/SUBAGENT_STARTED|TOOL_CALL_START|TEXT_MESSAGE_CONTENT/.test(String(message))) socket.send(message); // once too often
    });
  });
  await withPage(async (page) => {
    await addSample(page);
    const run = await ask(page, PLAN);
    await finished(run);
    const record = await server.json(200, `/api/runs/${await run.getAttribute("data-run")}`);
    assert.equal(Number(await run.getAttribute("data-seq")), record.last_seq);
    assert.equal(await run.locator("[data-agent]").count(), record.agents.length);
    assert.equal(await run.locator("[data-tool]").count(), record.tool_calls.length);
    const { items } = await server.json(200, `/api/threads/${record.thread_id}/messages`);
    assert.deepEqual(await run.locator(".summary p").allTextContents(), items.at(-1).content.split("\n"));
    assert.ok(sockets.length >= 4, `${sockets.length} connections`);
    assert.equal(refused, 2);
  }, { prepare });
});

test("while the connection is away the page says so", needsChromium, async () => {
  let isAway = false;
  let live;
  const prepare = (page) => page.routeWebSocket(/\/ws$/, (socket) => {
    if (isAway) return void socket.close({ code: 1012 });
    live = socket;
    socket.connectToServer();
  });
  await withPage(async (page) => {
    isAway = true;
    await live.close({ code: 1012 });
    await page.locator(".connection.is-waiting, .connection.is-connecting").waitFor();
    await page.getByText("Connection lost").waitFor();
    isAway = false;
    await page.locator(".connection.is-open").waitFor();
  }, { prepare });
});

test("stop ends a run, and it can be asked again", needsChromium, () =>
  withPage(async (page) => {
    await addSample(page);
    const dataset = await page.locator(".dataset.is-chosen").getAttribute("data-dataset");
    // Enough runs before it that it is still waiting or at work when Stop is pressed.
    const crowd = await Promise.all(Array.from({ length: 60 }, () =>
      server.json(202, "/api/runs", { prompt: PLAN, dataset })));
    const run = await ask(page, PLAN);
    await run.getByRole("button", { name: "Stop" }).click();
    await run.locator(".outcome").waitFor();
    assert.equal(await run.getAttribute("data-status"), "cancelled");
    assert.match(await run.locator(".outcome").innerText(), /Stopped/);
    const record = await server.json(200, `/api/runs/${await run.getAttribute("data-run")}`);
    assert.equal(record.status, "cancelled");
    await within(Promise.all(crowd.map(({ id }) => server.ended(id))), "the other runs");
    await run.getByRole("button", { name: "Ask again" }).click();
    const again = page.locator(".run").nth(1);
    await again.waitFor();
    await finished(again);
  }));

test("a sign-in that has ended leads to the door", needsChromium, () =>
  withPage(async (page) => {
    const origin = new URL(server.url).origin;
    assert.equal((await page.request.post(`${origin}/auth/logout`, { headers: { origin } })).status(), 204);
    await page.locator("#prompt").fill(PLAN);
    await page.locator("#prompt").press("Enter");
    await page.getByRole("heading", { name: "Open the sign-in link" }).waitFor();
  }));
