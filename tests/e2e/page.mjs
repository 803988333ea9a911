// SPDX-License-Identifier: Apache-2.0
//
// What the tests of the page share: one real Chromium per test file, a page that is signed in, and what people do on it.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after } from "node:test";

import { chromium } from "playwright-core";

import { root } from "./support.mjs";

const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].find((path) => existsSync(path));
export const needsChromium = { skip: CHROMIUM ? false : "there is no chromium: tools/install_deps.sh test" };
export const WAIT_MS = 60_000;
export const WIDE = { width: 1600, height: 1000 };
export const TALL = { width: 1400, height: 1500 }; // with room for the whole course of a run
export const NARROW = { width: 360, height: 740 };

let browser;
const chromiumOnce = () => (browser ??= chromium.launch({
  executablePath: CHROMIUM,
  timeout: 120_000,
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking",
    "--disable-component-update", "--disable-dev-shm-usage", "--no-first-run"],
}));
after(async () => (await browser)?.close());

/** A page in a browser of its own, which may not complain: close() asserts it. */
export async function newPage(options = {}) {
  const context = await (await chromiumOnce()).newContext({ viewport: WIDE, locale: "en-GB", reducedMotion: "reduce", ...options });
  context.setDefaultTimeout(WAIT_MS);
  const page = await context.newPage();
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(`exception: ${error.message}`));
  page.on("console", (message) => {
    if (/Content Security Policy|TypeError|ReferenceError/.test(message.text())) complaints.push(message.text());
  });
  const close = async () => {
    await context.close();
    assert.deepEqual(complaints, [], "the page complained");
  };
  return { page, context, close };
}

/** A page of somebody who has opened a sign-in link. What the page complains about fails the test. */
export async function withPage(server, fn, { isSignedIn = true, prepare, ...options } = {}) {
  const { page, context, close } = await newPage(options);
  try {
    if (prepare) await prepare(page);
    if (isSignedIn) {
      const { url } = await server.json(201, "/auth/sign-in-link", {});
      await page.goto(new URL(url, server.url).href);
      await page.locator(".connection.is-open").waitFor();
    }
    await fn(page, context);
  } catch (error) {
    await context.close();
    throw error;
  }
  await close();
}

export async function addSample(page) {
  const already = await page.locator(".dataset").count();
  await page.locator(".sample").click();
  await page.locator(".dataset").nth(already).waitFor();
  await page.locator(".dataset.is-chosen").waitFor();
}

export async function ask(page, prompt) {
  const already = await page.locator(".run").count();
  await page.locator("#prompt").fill(prompt);
  await page.locator("#prompt").press("Enter");
  const run = page.locator(".run").nth(already);
  await run.waitFor();
  return run;
}

export async function finished(run) {
  await run.page().locator(`.run[data-run="${await run.getAttribute("data-run")}"]:not([aria-busy=true])`).waitFor();
  assert.equal(await run.getAttribute("data-status"), "finished", await run.innerText());
}

/**
 * The report in its frame, once it is there and as high as its content. The frame runs no scripts, not even those of
 * Playwright, so it is read from the page around it.
 */
export async function reportOf(run) {
  const frame = run.locator("iframe.report-frame");
  await frame.waitFor();
  await until(() => frame.evaluate((element) => element.contentDocument?.querySelector("main h1") != null), "a report in the frame");
  await until(async () => {
    const [has, needs] = await frame.evaluate((element) => [
      element.clientHeight, element.contentDocument.body.getBoundingClientRect().height]);
    return has >= Math.floor(needs) && has < needs + 40;
  }, "the frame grows to the height of the report");
  return {
    count: (selector) => frame.evaluate((element, s) => element.contentDocument.querySelectorAll(s).length, selector),
    text: () => frame.evaluate((element) => element.contentDocument.body.innerText),
    size: (selector) => frame.evaluate((element, s) => {
      const { width, height } = element.contentDocument.querySelector(s).getBoundingClientRect();
      return { width, height };
    }, selector),
  };
}

export async function until(holds, what) {
  const began = Date.now();
  while (!(await holds())) {
    if (Date.now() - began > WAIT_MS) assert.fail(`never: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Lets a file fall on the page, as the desktop would. */
export async function dropFile(page, name, bytes) {
  const transfer = await page.evaluateHandle(async ({ name, base64 }) => {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name));
    return transfer;
  }, { name, base64: Buffer.from(bytes).toString("base64") });
  await page.dispatchEvent("body", "dragenter", { dataTransfer: transfer });
  await page.locator(".drop").waitFor();
  await page.dispatchEvent("body", "drop", { dataTransfer: transfer });
}

export async function screenshot(page, name) {
  if (process.env.UPDATE_SCREENSHOTS === "1") await page.screenshot({ path: join(root, "docs", name) });
}

