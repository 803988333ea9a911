// SPDX-License-Identifier: Apache-2.0
//
// The page of three processes in a real Chromium: it is served by the frontend, signs in at the auth service with a
// cookie, and asks the backend with a token that it keeps in memory and renews. Three origins; access tokens live 10 s,
// so that the story takes several of them.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import { addSample, ask, dropFile, finished, needsChromium, newPage, reportOf, screenshot, until } from "./page.mjs";
import { Roles } from "./server.mjs";

const QUESTION = "Where does the money go?";
const PASSWORD = "correct horse battery";
const TOKEN_S = 10;

let roles;
let tab; // {page, context, close}
const requests = []; // what the page asked for: {origin, path, method, authorization}
before(async () => {
  if (needsChromium.skip) return;
  roles = await Roles.start({ host: "localhost", auth: { "auth.access_token_s": TOKEN_S } });
  tab = await newPage({ acceptDownloads: true });
  tab.page.on("request", (request) => {
    const { origin, pathname } = new URL(request.url());
    requests.push({ origin, path: pathname, method: request.method(), headers: request.headers() });
  });
});
after(async () => {
  await roles?.stop();
});

/** A part of one story: once one has failed, those after it are not waited for. */
let hasFailed = false;
const part = (name, fn) => test(name, needsChromium, async () => {
  assert.ok(!hasFailed, "a part before this one failed");
  hasFailed = true;
  await fn();
  hasFailed = false;
});

const live = (page) => page.locator(".connection.is-open").waitFor();
const tokensMade = () => requests.filter(({ path, method }) => path === "/auth/service-token" && method === "POST").length;

async function settings(page, name) {
  await page.locator(".account-button").click();
  await page.locator("#account-menu").getByRole("button", { name: "Account" }).click();
  const dialog = page.getByRole("dialog", { name: "Settings" });
  if (name !== "Account") await dialog.getByRole("link", { name }).click();
  await dialog.locator("section").first().waitFor();
  return dialog;
}

part("the printed link leads to the page, and the first account is made at the auth service", async () => {
  const { page, context } = tab;
  assert.ok(roles.auth.signIn.startsWith(`${roles.urls.frontend}/?setup=`), roles.auth.signIn);
  await page.goto(roles.auth.signIn);
  await page.getByRole("heading", { name: "The first account" }).waitFor();
  await page.getByLabel("Name").fill("Ada Lovelace");
  await page.getByLabel("E-mail").fill("ada@example.org");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Make the account" }).click();
  await live(page);
  const cookies = await context.cookies(roles.urls.auth);
  assert.deepEqual(cookies.map(({ name, httpOnly, sameSite }) => ({ name, httpOnly, sameSite })), [
    { name: "netra_session", httpOnly: true, sameSite: "Lax" },
  ]);
});

part("a question over the backend's socket, and its report in the frame, as styled as ever", async () => {
  const { page } = tab;
  await addSample(page);
  const run = await ask(page, QUESTION);
  await finished(run);
  const report = await reportOf(run);
  assert.match(await report.text(), /USD/);
  const frame = run.locator("iframe.report-frame");
  const style = await frame.evaluate((element) => ({
    inline: element.contentDocument.querySelectorAll("style, [style]:not(main)").length,
    border: element.contentWindow.getComputedStyle(element.contentDocument.querySelector("table")).borderCollapse,
  }));
  assert.deepEqual(style, { inline: 0, border: "collapse" });
  await screenshot(page, "page-roles.png");
  if (process.env.ROLES_PICTURE) await page.screenshot({ path: process.env.ROLES_PICTURE });
});

part("no credential goes to who it is not for", () => {
  const to = (role) => requests.filter(({ origin }) => origin === roles.urls[role]);
  assert.ok(to("backend").some(({ path, headers }) => path === "/api/threads" && /^Bearer ey/.test(headers.authorization)));
  for (const { headers, path } of [...to("frontend"), ...to("auth")]) assert.equal(headers.authorization, undefined, path);
  for (const { headers, path } of to("backend")) assert.equal(headers.cookie, undefined, path);
  assert.ok(to("auth").every(({ path }) => path.startsWith("/auth/") || /^\/api\/(users|invites|keys|workspaces|audit)/.test(path)));
});

part("opened apart, and saved", async () => {
  const { page, context } = tab;
  const run = page.locator(".run").last();
  const [apart] = await Promise.all([context.waitForEvent("page"), run.getByRole("link", { name: "Open" }).click()]);
  await apart.getByRole("heading", { level: 1 }).waitFor();
  assert.equal(new URL(apart.url()).origin, roles.urls.backend);
  await apart.reload(); // its ticket was for once
  await until(async () => /AUTH_FAILED/.test(await apart.locator("body").innerText()), "the ticket opens nothing again");
  await apart.close();
  const [download] = await Promise.all([page.waitForEvent("download"), run.getByRole("link", { name: "CSV" }).click()]);
  assert.match(await readFile(await download.path(), "utf8"), /,/);
  assert.equal(download.suggestedFilename(), "netra-report.csv");
});

part("an upload with a token", async () => {
  const { page } = tab;
  const already = await page.locator(".dataset").count();
  const rows = Array.from({ length: 50 }, (_, i) => JSON.stringify({
    time: `2026-08-01T00:00:${String(i).padStart(2, "0")}Z`, provider: "openai", model: "gpt-5-mini", input_tokens: 100 + i, output_tokens: 10,
  }));
  await dropFile(page, "calls.jsonl", Buffer.from(`${rows.join("\n")}\n`));
  await page.locator(".dataset").nth(already).waitFor();
});

part("people and keys are the auth service's", async () => {
  const dialog = await settings(tab.page, "People");
  await dialog.getByText("Ada Lovelace").first().waitFor();
  await dialog.getByRole("link", { name: "Keys" }).click();
  await dialog.getByLabel("Name").first().fill("importer");
  await dialog.getByRole("button", { name: /Make/ }).click();
  const made = dialog.getByText(/netra_key_/).first();
  await made.waitFor();
  await dialog.getByRole("button", { name: "Close" }).click();
});

part("one's data is in two places, and can be had from both", async () => {
  const dialog = await settings(tab.page, "Account");
  const saved = async (role, name) => {
    const [download] = await Promise.all([tab.page.waitForEvent("download"), dialog.getByRole(role, { name }).click()]);
    return JSON.parse(await readFile(await download.path(), "utf8"));
  };
  assert.equal((await saved("link", "Export my data")).account.user.email, "ada@example.org");
  const { threads } = await saved("button", "Export my conversations");
  assert.deepEqual(threads[0].messages.map(({ role }) => role), ["user", "assistant"]);
  await dialog.getByRole("button", { name: "Close" }).click();
});

part("the socket outlives the token that it came with: a new one is shown in time", async () => {
  const { page } = tab;
  let drops = 0;
  page.on("websocket", () => drops++);
  const before = tokensMade();
  await until(() => tokensMade() >= before + 3, "three more tokens");
  assert.equal(drops, 0, "no other socket was opened");
  await live(page);
  await finished(await ask(page, "How many calls were there?"));
});

part("while the auth service is away the page works on; after a reload it waits and says so", async () => {
  const { page } = tab;
  const again = tokensMade();
  await until(() => tokensMade() > again, "a token that is fresh");
  await roles.auth.stop();
  await finished(await ask(page, "How many calls were there?"));
  await roles.startRole("auth");
  await page.reload();
  await live(page);
});

part("signing out ends it everywhere", async () => {
  const { page } = tab;
  const held = requests.filter(({ headers }) => headers.authorization).at(-1).headers.authorization;
  const asks = () => fetch(`${roles.urls.backend}/api/threads`, { headers: { authorization: held } });
  assert.equal((await asks()).status, 200);
  await page.locator(".account-button").click();
  await page.locator("#account-menu").getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("E-mail").waitFor();
  await until(async () => (await asks()).status === 401, "its token is refused at the backend");
  await page.getByLabel("E-mail").fill("ada@example.org");
  await page.getByLabel("Password", { exact: true }).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
  await live(page);
  await page.locator(".thread-list a, nav a[href^='/threads/']").first().waitFor();
  await tab.close();
});
