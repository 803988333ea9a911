// SPDX-License-Identifier: Apache-2.0
//
// Models on the page, in a real Chromium over a scripted provider: text that appears while it is written and goes when it
// is withdrawn, who wrote it, what was asked and what came of it in plain words, and Settings: what is sent, word for word.
//
// A script holds an answer in the middle until the test has looked, so nothing here depends on how fast anything is. (The last word
// before that is not shown yet: whether it has ended is known with the blank behind it, which comes with the next.)
// UPDATE_SCREENSHOTS=1 writes docs/page-model.png and docs/page-settings.png anew.

import assert from "node:assert/strict";
import { test } from "node:test";

import { CHAIN, PROSE, answers, withModels } from "./model_server.mjs";
import { NARROW, TALL, WIDE, ask, finished, needsChromium, reportOf, screenshot, until, withPage } from "./page.mjs";
import { Server } from "./server.mjs";

const PROMPT = "Where does our money go, and what could caching save?";
const NAME = CHAIN.replace(":", "/");
const TWO = "anthropic:claude-haiku-4-5, openai:gpt-5-mini";

/** A held answer must not run into the short time-outs of the other tests. */
const PATIENT = {
  NETRA_LLM_FIRST_TOKEN_TIMEOUT_MS: "20000",
  NETRA_LLM_IDLE_TIMEOUT_MS: "20000",
  NETRA_LLM_TOTAL_TIMEOUT_MS: "60000",
  NETRA_LLM_QUESTION_TIMEOUT_MS: "60000",
};

/** A promise that the test keeps when it has seen enough. */
function gate() {
  let open;
  const opened = new Promise((resolve) => (open = resolve));
  return { opened, open };
}

/** fn({page, run, ...}) with PROMPT asked about sample records, on a page of a server with scripted models. */
const withAsked = (answer, fn, { page: options, ...more } = {}) =>
  withModels(answer, ({ server, provider }) =>
    withPage(server, async (page) => {
      await page.locator(".dataset.is-chosen").waitFor();
      await fn({ server, provider, page, run: await ask(page, PROMPT) });
    }, options), { env: PATIENT, ...more });

const told = async (run) => (await run.locator(".work").innerText()).replace(/\s+/g, " ");

async function openSettings(page) {
  await page.getByRole("button", { name: "Settings" }).click();
  const dialog = page.getByRole("dialog", { name: "Settings" });
  await dialog.locator("section").first().waitFor();
  return dialog;
}

const stripNonce = (text) => text.replace(/[0-9a-f]{12,}/g, "…");

test("text appears while a model writes it; who wrote it stands below", needsChromium, async () => {
  const held = gate();
  await withAsked({ write: { text: PROSE, hold: { before: "feature", until: held.opened } } }, async ({ server, page, run }) => {
    const summary = run.locator(".summary");
    await summary.filter({ hasText: "Most of it can be looked" }).waitFor();
    assert.equal(await run.getAttribute("aria-busy"), "true");
    assert.equal(await run.getAttribute("data-status"), "running");
    assert.match(await summary.getAttribute("class"), /is-writing/, "with a caret");
    assert.doesNotMatch(await summary.innerText(), /feature|\{/);
    assert.equal(await run.locator(".byline").count(), 0);
    assert.match(await told(run), /Asking a model to write the summary…/);

    held.open();
    await finished(run);
    assert.doesNotMatch(await summary.getAttribute("class"), /is-writing/);
    const id = await run.getAttribute("data-run");
    const { thread_id, report_id } = await server.json(200, `/api/runs/${id}`);
    const { items } = await server.json(200, `/api/threads/${thread_id}/messages`);
    assert.deepEqual(await summary.locator("p").allTextContents(), items.at(-1).content.split(/\n+/), "what is stored");
    const { facts } = await server.json(200, `/api/reports/${report_id}.json`);
    assert.ok((await summary.innerText()).includes(facts["spend.total"].printed));
    assert.ok((await run.locator(".byline").innerText()).startsWith(`Written by ${NAME} `), await run.locator(".byline").innerText());

    const calls = (await server.json(200, `/api/runs/${id}/model-calls`)).items;
    const questions = run.locator("[data-question]");
    assert.deepEqual(await questions.evaluateAll((list) => list.map((q) => q.dataset.question)), calls.map((c) => c.purpose));
    const text = await told(run);
    assert.match(text, new RegExp(`${calls.length} questions to a model`));
    for (const purpose of ["to check what was understood", "what else to look at", "to write the summary"]) {
      assert.ok(text.includes(`Asked ${NAME} ${purpose}`), `${purpose}: ${text}`);
    }
    assert.match(text, /120 tokens in, 30 out, \$0\.0/);
    assert.equal(await questions.last().locator("[title]").first().getAttribute("title"), calls.at(-1).prompt);
    assert.match(await (await reportOf(run)).text(), /\$\d/);
  });
});

test("a text that is refused goes, says why, and is replaced", needsChromium, async () => {
  const refused = gate();
  const repaired = gate();
  let writes = 0;
  const write = () => (writes++ === 0
    ? { text: "Your records cost {spend.total}. You will save forty-two percent next month.", hold: { before: "forty", until: refused.opened } }
    : { text: PROSE, hold: { before: "can", until: repaired.opened } });
  await withAsked({ write }, async ({ page, run }) => {
    const summary = run.locator(".summary");
    await summary.filter({ hasText: /You will/ }).waitFor();
    refused.open();
    await run.locator(".model-note", { hasText: "withdrawn: a number stands in words." }).waitFor();
    await summary.filter({ hasText: /in total/ }).waitFor();
    assert.doesNotMatch(await summary.innerText(), /You will|forty/);
    repaired.open();
    await finished(run);
    assert.doesNotMatch(await run.innerText(), /You will save|forty-two/);
    assert.match(await summary.innerText(), /in total[^]*tables below/);
    assert.equal(await run.locator("[data-question=write] .model-note").count(), 1);
    assert.match(await told(run), /to write the summary again/);
    assert.ok((await run.locator(".byline").innerText()).includes(NAME));

    await page.reload();
    await page.locator(".run .byline").waitFor();
    assert.doesNotMatch(await page.locator(".run").innerText(), /You will save/, "nor when the log is read again");
  });
});

test("a text that is refused twice is Netra's own in the end", needsChromium, async () => {
  await withAsked({ write: { text: "Your records cost {spend.total}, which is 42 too much." } }, async ({ run }) => {
    await finished(run);
    assert.match(await run.locator("[data-question=repair]").innerText(), /withdrawn: a digit stands in the text\. Netra wrote the summary itself\./);
    assert.doesNotMatch(await run.locator("[data-question=write]").innerText(), /itself/, "which is said once");
    assert.match(await run.locator(".summary").innerText(), /\$\d/);
    assert.doesNotMatch(await run.innerText(), /too much/);
    assert.equal(await run.locator(".byline").count(), 0);
  });
});

test("who failed and what came of it is said in plain words", needsChromium, async () => {
  const answer = (question) => {
    if (question.purpose === "plan") return { status: 503 };
    return question.family === "anthropic" ? { status: 500 } : answers({})(question);
  };
  await withAsked(answer, async ({ run }) => {
    await finished(run);
    const plan = run.locator("[data-question=plan]");
    assert.match(await plan.innerText(), /No model answered: .+\. The built-in analyst went on\./);
    const write = await run.locator("[data-question=write]").innerText();
    assert.match(write, /openai\/gpt-5-mini/);
    assert.match(write, /2 attempts/);
    assert.ok((await run.locator(".byline").innerText()).includes("openai/gpt-5-mini"));
  }, { chain: TWO });
});

test("all models down: a report with a note, and no error", needsChromium, async () => {
  await withAsked(() => ({ status: 503 }), async ({ page, run }) => {
    await finished(run);
    assert.equal(await page.locator(".outcome, .notice, .byline").count(), 0);
    assert.match(await run.locator(".summary").innerText(), /\$\d/);
    assert.match(await (await reportOf(run)).text(), /no model could be asked|no model|model .*(unavailable|down|answer)/i);
    assert.match(await told(run), /The built-in analyst went on\./);
    const dialog = await openSettings(page);
    assert.match(await dialog.innerText(), /Last failure: /);
  });
});

test("a reload in the middle of a text shows it once", needsChromium, async () => {
  const held = gate();
  await withAsked({ write: { text: PROSE, hold: { before: "feature", until: held.opened } } }, async ({ page, run }) => {
    const half = /^Your records cost \$[\d.,]+ in total\.\s+Most of it can be looked$/;
    await run.locator(".summary").filter({ hasText: "be looked" }).waitFor();
    for (let round = 0; round < 2; round++) {
      await page.reload();
      await page.locator(".run .summary").filter({ hasText: "be looked" }).waitFor();
      assert.match((await page.locator(".run .summary").innerText()).trim(), half, "once");
      assert.match(await page.locator(".run .summary").getAttribute("class"), /is-writing/);
    }
    held.open();
    await finished(page.locator(".run"));
    const text = await page.locator(".run .summary").innerText();
    assert.equal(text.split("in total").length, 2, text);
    assert.match(text, /where it goes\.$/);
  });
});

test("Settings shows the chain, what is never sent, the prompts, and the requests as they were sent", needsChromium, async () => {
  await withAsked({}, async ({ server, provider, page, run }) => {
    await finished(run);
    const dialog = await openSettings(page);
    const chain = dialog.locator(".chain li");
    assert.deepEqual(await chain.locator("strong").allTextContents(), TWO.split(", ").map((link) => link.replace(":", "/")));
    assert.match(await chain.first().innerText(), new RegExp(`is asked[^]*${provider.url("anthropic")} · with a key · 3 asked, 3 answered`));
    const settings = await server.json(200, "/api/settings");
    assert.deepEqual(await dialog.locator(".never li").allTextContents(), settings.never_sent);
    assert.ok(settings.never_sent.length >= 3);

    assert.equal(await dialog.locator("textarea").inputValue(), PROMPT, "the newest question");
    const texts = await dialog.locator(".word-for-word pre").evaluateAll((list) => list.map((pre) => pre.textContent));
    for (const prompt of settings.prompts) assert.ok(texts.includes(prompt.text), prompt.id);
    const bodies = texts.map((text) => stripNonce(text.split("\n\n").slice(1).join("\n\n").trimEnd()));
    assert.equal(provider.questions.length, 3);
    for (const sent of provider.questions) assert.ok(bodies.includes(stripNonce(sent.bytes)), `${sent.purpose}: as it was sent`);
    assert.ok(!(await page.content()).includes(provider.key), "but for the key");

    await dialog.locator("textarea").fill("Hello!");
    await dialog.getByRole("button", { name: "Show" }).click();
    await dialog.getByText("No model is asked for this question.").waitFor();
    await dialog.locator("textarea").fill(PROMPT);
    await dialog.getByLabel("Data").selectOption({ label: "none" });
    await dialog.getByRole("button", { name: "Show" }).click();
    await until(async () => !(await dialog.locator(".preview button").isDisabled()), "it was computed");
    assert.equal(provider.questions.length, 3, "looking sends nothing");
  }, { chain: TWO });
});

test("the keyboard is enough for Settings: Escape closes it and leads back", needsChromium, () =>
  withModels({}, ({ server }) => withPage(server, async (page) => {
    const button = page.getByRole("button", { name: "Settings" });
    await button.focus();
    await page.keyboard.press("Enter");
    const dialog = page.getByRole("dialog", { name: "Settings" });
    await dialog.locator(".word-for-word").first().waitFor();
    const focus = () => page.evaluate(() => document.activeElement.tagName + (document.activeElement.closest("dialog") ? " in the dialogue" : ""));
    assert.equal(await focus(), "BUTTON in the dialogue");
    for (let presses = 0; (await focus()) !== "SUMMARY in the dialogue" || (await page.evaluate(() => !document.activeElement.closest(".word-for-word"))); presses++) {
      assert.ok(presses < 20, "a text can be reached");
      await page.keyboard.press("Tab");
    }
    await page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
    assert.equal(await focus(), "PRE in the dialogue", "and scrolled");
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await until(() => button.evaluate((element) => element === document.activeElement), "the button has the focus again");
    await page.keyboard.press("Enter");
    await dialog.waitFor();
    await dialog.getByRole("button", { name: "Close" }).click();
    await dialog.waitFor({ state: "detached" });
  })));

test("without a chain Settings says how to name one, and sends nothing", needsChromium, () =>
  Server.with((server) => withPage(server, async (page) => {
    const dialog = await openSettings(page);
    const text = await dialog.innerText();
    assert.match(text, /No model takes part/);
    assert.match(text, /llm\.chain = /);
    assert.match(text, /_API_KEY=/);
    assert.equal(await dialog.locator(".chain").count(), 0);
    await dialog.getByText(/in the form that OpenAI reads/).waitFor();
  })));

test("what a provider says is text", needsChromium, async () => {
  const markup = "<img src=x onerror=\"window.broken=1\"><script>window.broken=1</script>\u001b[31m\u0000\u202e";
  let n = 0;
  const answer = (question) => {
    if (question.family === "openai" && n++ > 4) return { status: 400, body: `<html>${markup}` };
    if (question.purpose === "interpret") return { status: 400, body: JSON.stringify({ error: { message: `no ${markup}`, type: markup } }) };
    if (question.purpose === "plan") return { calls: [{ name: "ask_user", args: { question: `Which ${markup} is it?` } }, { name: markup, args: { [markup]: markup } }] };
    return { text: `Your records cost {spend.total}. ${markup} They do.` };
  };
  await withAsked(answer, async ({ page, run }) => {
    await finished(run);
    await reportOf(run);
    const dialog = await openSettings(page);
    for (const text of [await run.innerText(), await dialog.innerText()]) assert.doesNotMatch(text, /[\u001b\u0000\u202e]/);
    assert.equal(await page.locator(".run img, .run script, dialog img, dialog script").count(), 0);
    assert.equal(await page.evaluate(() => window.broken), undefined);
  }, { chain: TWO });
});

const usage = (input, output) => ({ input, cacheRead: 1024, cacheWrite5m: 0, cacheWrite1h: 0, output, reasoning: 0 });

/** What a good model would write. */
const SUMMARY = "Your records cost {spend.total}. The largest features are `nightly-reports` with {spend.by_feature.nightly-reports} and " +
  "`doc-summaries` with {spend.by_feature.doc-summaries}; most of the bill, {spend.input}, is input that no cache served.\n\n" +
  "The longer cache is the cheapest of those that were simulated: {cache.cost.ttl_3600}, against {cache.cost.now} as recorded and " +
  "{cache.cost.ttl_300} with the shorter cache. Begin with `support-chat`, which would cost " +
  "{cache.saving.by_feature.support-chat.ttl_3600} less.";

test("nothing sticks out: wide, narrow, dark", needsChromium, async () => {
  const plan = (() => {
    let rounds = 0;
    return () => (rounds++ === 0 ? { calls: [{ name: "traffic_profile", args: {} }], usage: usage(1840, 31) } : { text: "Nothing more.", usage: usage(2210, 6) });
  })();
  const fits = (page) => page.evaluate(() =>
    [document.documentElement, ...document.querySelectorAll("dialog, dialog pre, .runs, .work")]
      .filter((element) => element.scrollWidth > element.clientWidth + 1)
      .map((element) => `${element.tagName}.${element.className}: ${element.scrollWidth} > ${element.clientWidth}`));
  await withAsked({ plan, interpret: { text: "{}", usage: usage(1731, 9) }, write: { text: SUMMARY, usage: usage(9412, 187) } }, async ({ page, run }) => {
    await finished(run);
    await reportOf(run);
    await page.setViewportSize(TALL);
    await page.waitForTimeout(200);
    await screenshot(page, "page-model.png");
    await page.setViewportSize(WIDE);
    const dialog = await openSettings(page);
    await dialog.locator(".preview ~ .word-for-word summary").first().click();
    await page.setViewportSize(TALL);
    await screenshot(page, "page-settings.png");
    for (const colorScheme of ["light", "dark"]) {
      await page.emulateMedia({ colorScheme });
      const ink = await dialog.evaluate((element) => getComputedStyle(element).color);
      assert.equal(ink, colorScheme === "dark" ? "rgb(230, 235, 240)" : "rgb(29, 39, 51)");
      for (const size of [WIDE, NARROW]) {
        await page.setViewportSize(size);
        for (const details of await dialog.locator("details").all()) await details.evaluate((element) => (element.open = true));
        assert.deepEqual(await fits(page), [], `Settings, ${colorScheme}, ${size.width} px`);
      }
    }
    await page.keyboard.press("Escape");
    await dialog.waitFor({ state: "detached" });
    await page.waitForTimeout(200);
    assert.deepEqual(await fits(page), [], "the run at 360 px");
  });
});
