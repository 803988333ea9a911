// SPDX-License-Identifier: Apache-2.0
//
// People at the page, in a real Chromium over a server in accounts mode: the first account, an invitation used in
// another browser, what each role sees, keys, sessions, a wrong password too often, the end of an account. Each person
// has a browser context of their own.
//
// UPDATE_SCREENSHOTS=1 writes docs/page-sign-in.png, page-people.png, page-keys.png and page-account.png anew.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";

import { addSample, ask, finished, needsChromium, newPage, screenshot, until } from "./page.mjs";
import { Server } from "./server.mjs";

const QUESTION = "Where does the money go?";
const PASSWORD = "correct horse battery";
const ADA = { name: "Ada Lovelace", email: "ada@example.org" };
const GRACE = { name: "Grace Hopper", email: "grace@example.org" };
const PHONE = { width: 390, height: 844 };
const DESK = { width: 1280, height: 860 };

const ENV = {
  NETRA_AUTH_MODE: "accounts",
  NETRA_AUTH_SECRET: "e2e-secret-0123456789abcdef0123456789abcdef",
  NETRA_FAULTS_ALLOWED: "on",
  NETRA_LIMIT_SECRET_PER_MIN: "1000",
};

let server;
let ada;
let grace;
before(async () => {
  if (needsChromium.skip) return;
  server = await Server.start({ env: ENV });
  ada = await newPage({ viewport: DESK });
  grace = await newPage({ viewport: DESK });
});
after(async () => {
  await server?.stop();
  server?.remove();
});

/** A part of one story: once one has failed, those after it are not waited for. */
let hasFailed = false;
const part = (name, fn) => test(name, needsChromium, async () => {
  assert.ok(!hasFailed, "a part before this one failed");
  hasFailed = true;
  await fn();
  hasFailed = false;
});

const at = (path) => new URL(path, server.url).href;
const live = (page) => page.locator(".connection.is-open").waitFor();
const password = (page) => page.getByLabel("Password", { exact: true });

async function settings(page, name) {
  await page.locator(".account-button").click();
  await page.locator("#account-menu").getByRole("button", { name: "Account" }).click();
  const dialog = page.getByRole("dialog", { name: "Settings" });
  if (name !== "Account") await dialog.getByRole("link", { name }).click();
  await dialog.locator("section").first().waitFor();
  return dialog;
}
const closed = (dialog) => dialog.getByRole("button", { name: "Close" }).click();

async function signIn(page, { email }) {
  await page.getByLabel("E-mail").fill(email);
  await password(page).fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in", exact: true }).click();
}

/** Nothing is cut off at the side, on a desk and on a phone. */
async function fits(page) {
  for (const viewport of [PHONE, DESK]) {
    await page.setViewportSize(viewport);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth), `${viewport.width} px`);
  }
}

part("the printed link makes the first account, once", async () => {
  const { page } = ada;
  await page.goto(at("/"));
  await page.getByRole("heading", { name: "Nobody has an account yet" }).waitFor();
  await page.goto(server.signIn);
  await page.getByRole("heading", { name: "The first account" }).waitFor();
  assert.equal(new URL(page.url()).search, "", "the code does not stay in the address");
  await page.getByLabel("Name").fill(ADA.name);
  await page.getByLabel("E-mail").fill(ADA.email);
  await password(page).fill("short");
  await page.getByRole("button", { name: "Make the account" }).click();
  assert.ok(await password(page).evaluate((box) => !box.validity.valid), "too short is said before it is sent");
  assert.equal(await password(page).getAttribute("autocomplete"), "new-password");
  await fits(page);
  await password(page).fill(PASSWORD);
  await page.getByRole("button", { name: "Make the account" }).click();
  await live(page);
  await page.locator(".account-button").click();
  assert.match(await page.locator("#account-menu").innerText(), /Ada Lovelace\s+ada@example\.org[^]*admin/);
  await page.keyboard.press("Escape");
  await addSample(page);
  await finished(await ask(page, QUESTION));
});

part("an invitation: the second person comes in with its role, and sees what it may", async () => {
  const dialog = await settings(ada.page, "People");
  await dialog.getByLabel("E-mail").fill("grace@nowhere@example.org");
  await dialog.getByLabel("E-mail").evaluate((box) => (box.form.noValidate = true)); // to see what the server says
  await dialog.getByRole("button", { name: "Invite" }).click();
  const wrong = dialog.locator(".field .bad").first();
  await wrong.waitFor();
  assert.equal(await dialog.getByLabel("E-mail").getAttribute("aria-invalid"), "true", "the message is at its field");
  await dialog.getByLabel("E-mail").fill(GRACE.email);
  await dialog.getByLabel("As").first().selectOption("viewer");
  await dialog.getByRole("button", { name: "Invite" }).click();
  const link = await dialog.locator(".secret code").innerText();
  assert.match(link, /\/\?invite=[A-Za-z0-9_-]{20,}$/);
  await dialog.locator(`[data-invite="${GRACE.email}"]`).waitFor();

  const { page } = grace;
  await page.goto(link);
  await page.getByRole("heading", { name: "You are invited" }).waitFor();
  await page.getByLabel("Name").fill(GRACE.name);
  await password(page).fill(PASSWORD);
  await page.getByRole("button", { name: "Make the account" }).click();
  await live(page);
  await page.locator(".looks-on", { hasText: "viewer" }).waitFor();
  assert.equal(await page.locator("#prompt, .sample, .file-choice, .bin").count(), 0, "nothing that a viewer may not do");
  await page.locator(".thread-list a", { hasText: QUESTION }).click();
  await page.locator(".run .summary").waitFor();
  assert.equal(await page.getByRole("button", { name: "Ask again" }).count(), 0);
  const own = await settings(page, "Account");
  assert.equal(await own.getByRole("link", { name: "People" }).count(), 0);
  assert.equal(await own.getByRole("link", { name: "Audit log" }).count(), 0);
  await closed(own);
  await closed(dialog);
});

part("a role that grows is there without signing in again; one that shrinks goes at once", async () => {
  const dialog = await settings(ada.page, "People");
  const role = dialog.locator(`[data-member="${GRACE.email}"] select`);
  await role.selectOption("analyst");
  await until(async () => (await role.inputValue()) === "analyst" && (await role.isEnabled()), "the role is set");
  await grace.page.reload();
  await live(grace.page);
  await grace.page.getByRole("link", { name: "New question" }).click();
  await finished(await ask(grace.page, "5-minute or 1-hour cache?"));

  await role.selectOption("viewer");
  await until(async () => (await role.inputValue()) === "viewer" && (await role.isEnabled()), "the role is taken back");
  if (await grace.page.locator("#prompt").count()) { // she is told at the latest when she asks
    await grace.page.locator("#prompt").fill(QUESTION);
    await grace.page.locator("#prompt").press("Enter");
    await grace.page.locator(".notice", { hasText: "The question was not taken" }).waitFor();
  }
  await grace.page.locator(".looks-on").waitFor();
  await role.selectOption("analyst");
  await until(async () => (await role.inputValue()) === "analyst" && (await role.isEnabled()), "the role is set again");

  await dialog.evaluate((element) => element.scrollTo(0, 0));
  await screenshot(ada.page, "page-people.png");

  const own = dialog.locator(`[data-member="${ADA.email}"] select`);
  await own.selectOption("viewer");
  await dialog.locator(".failure .bad").first().waitFor();
  assert.equal(await own.inputValue(), "admin", "the last admin stays one");
  await fits(ada.page);
  await closed(dialog);
});

part("a key is shown once, works, and is refused once it is revoked", async () => {
  const dialog = await settings(ada.page, "Keys");
  await dialog.getByLabel("Name").fill("nightly export");
  await dialog.getByRole("button", { name: "Make the key" }).click();
  const key = await dialog.locator(".secret code").innerText();
  assert.match(key, /^netra_key_/);
  const use = (path, init) => fetch(at(path), { ...init, headers: { authorization: `Bearer ${key}` } });
  assert.equal((await use("/api/threads")).status, 200);
  assert.equal((await use("/api/datasets/sample", { method: "POST" })).status, 403, "read only, as was chosen");
  await fits(ada.page);
  await screenshot(ada.page, "page-keys.png");
  await closed(dialog);
  const again = await settings(ada.page, "Keys");
  await again.getByText("nightly export").waitFor();
  assert.equal(await again.locator(".secret").count(), 0, "it is not shown again");
  await again.getByRole("button", { name: "Revoke key: nightly export" }).click();
  await ada.page.getByRole("dialog", { name: /^Revoke/ }).getByRole("button", { name: "Revoke" }).click();
  await again.getByText("nightly export").waitFor({ state: "detached" });
  assert.equal((await use("/api/threads")).status, 401);
  await closed(again);
});

part("a session that is ended elsewhere: the sign-in stands over the page, and the draft is kept", async () => {
  const other = await newPage({ viewport: DESK });
  try {
    await other.page.goto(at("/"));
    await other.page.getByRole("heading", { name: "Sign in" }).waitFor();
    await fits(other.page);
    await screenshot(other.page, "page-sign-in.png");
    await signIn(other.page, ADA);
    await live(other.page);
    await other.page.locator("#prompt").fill("A question that is not asked yet");

    const dialog = await settings(ada.page, "Account");
    await until(async () => (await dialog.locator("[data-session]").count()) === 2, "both sessions are listed");
    await fits(ada.page);
    await screenshot(ada.page, "page-account.png");
    await dialog.getByRole("button", { name: "End all others" }).click();
    await until(async () => (await dialog.locator("[data-session]").count()) === 1, "one is left");
    await closed(dialog);

    const again = other.page.getByRole("dialog", { name: "Sign in again" });
    await again.waitFor(); // by itself: the socket was closed (1008)
    assert.equal(await again.getByLabel("E-mail").inputValue(), ADA.email);
    await password(other.page).fill("not this one at all");
    await again.getByRole("button", { name: "Sign in", exact: true }).click();
    await again.getByText("wrong").waitFor();
    await password(other.page).fill(PASSWORD);
    await again.getByRole("button", { name: "Sign in", exact: true }).click();
    await again.waitFor({ state: "detached" });
    await live(other.page);
    assert.equal(await other.page.locator("#prompt").inputValue(), "A question that is not asked yet");
    await other.page.reload();
    await live(other.page);
    assert.equal(await other.page.locator("#prompt").inputValue(), "A question that is not asked yet", "after a reload, too");
    await other.page.locator(".account-button").click();
    await other.page.locator("#account-menu").getByRole("button", { name: "Sign out" }).click();
    await other.page.getByRole("heading", { name: "Sign in" }).waitFor();
    assert.equal(await other.page.evaluate(() => sessionStorage.length), 0, "nothing is left of them");
  } finally {
    await other.close();
  }
});

part("a credential that has expired in mid-question: signing in again asks it, once", async () => {
  const { page } = ada;
  const arm = await page.evaluate(async () => (await fetch("/api/faults", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ name: "auth_expired", times: 1 }),
  })).status);
  assert.equal(arm, 201);
  await page.getByRole("link", { name: "New question" }).click();
  await page.locator("#prompt").fill("Audit our caching");
  await page.locator("#prompt").press("Enter");
  const again = page.getByRole("dialog", { name: "Sign in again" });
  await again.waitFor();
  await password(page).fill(PASSWORD);
  await again.getByRole("button", { name: "Sign in", exact: true }).click();
  await again.waitFor({ state: "detached" });
  await finished(page.locator(".run"));
  assert.equal(await page.locator(".thread-list li", { hasText: "Audit our caching" }).count(), 1);
  assert.equal(await page.locator("#prompt").inputValue(), "");
});

part("the audit log has it all, and its chain holds", async () => {
  const dialog = await settings(ada.page, "Audit log");
  await dialog.locator(".audit li").first().waitFor();
  const actions = await dialog.locator(".audit li").evaluateAll((list) => list.map((line) => line.dataset.action));
  assert.ok(new Set(actions).size >= 4, `${actions}`);
  await dialog.getByLabel("Show").selectOption(actions[0]);
  const shown = await dialog.locator(".audit li").evaluateAll((list) => list.map((line) => line.dataset.action));
  assert.deepEqual([...new Set(shown)], [actions[0]]);
  await dialog.getByRole("button", { name: "Check the chain" }).click();
  await dialog.locator(".good", { hasText: /All \d+ lines are as they were written/ }).waitFor();
  await fits(ada.page);
  await dialog.getByRole("link", { name: "Limits" }).click();
  await dialog.locator("[data-limit]").first().waitFor();
  await dialog.locator("[data-quota=storage]").waitFor();
  await fits(ada.page);
  await closed(dialog);
});

part("text of other people stays text", async () => {
  const hostile = `<img src=x onerror="window.broken=1">`;
  const own = await settings(grace.page, "Account");
  await own.getByLabel("Name").fill(hostile);
  await own.getByRole("button", { name: "Save" }).click();
  await until(async () => (await grace.page.locator(".menu-who strong").textContent()) === hostile, "the name is changed");
  await closed(own);
  const dialog = await settings(ada.page, "People");
  await dialog.getByText(hostile).waitFor();
  assert.equal(await dialog.locator("img").count(), 0);
  await closed(dialog);
  await ada.page.goto(at(`/?error=${encodeURIComponent(hostile)}`));
  await ada.page.locator(".notice").filter({ hasText: hostile }).waitFor();
  const stranger = await newPage({});
  try {
    await stranger.page.goto(at(`/?error=${encodeURIComponent(hostile)}`));
    await stranger.page.getByRole("alert").filter({ hasText: hostile }).waitFor();
    assert.equal(await stranger.page.locator("img").count(), 0);
  } finally {
    await stranger.close();
  }
  for (const { page } of [ada, grace]) assert.equal(await page.evaluate(() => window.broken), undefined);
});

part("a reset link from an admin sets a new password", async () => {
  const dialog = await settings(ada.page, "People");
  await dialog.locator(`[data-member="${GRACE.email}"]`).getByRole("button", { name: /Reset link/ }).click();
  const link = await dialog.locator(".secret code").innerText();
  await closed(dialog);
  const { page } = grace;
  const reader = await newPage({});
  try {
    await reader.page.goto(link);
    await reader.page.getByLabel("New password", { exact: true }).fill(`${PASSWORD} staple`);
    await reader.page.getByRole("button", { name: "Set the password" }).click();
    await reader.page.getByRole("heading", { name: "The password is set" }).waitFor();
    await page.getByRole("dialog", { name: "Sign in again" }).waitFor(); // everywhere else one is signed out
    await password(page).fill(`${PASSWORD} staple`);
    await page.getByRole("dialog").getByRole("button", { name: "Sign in", exact: true }).click();
    await live(page);
  } finally {
    await reader.close();
  }
});

part("one's data can be taken along; then the account is deleted, and says before what goes", async () => {
  const { page } = grace;
  const dialog = await settings(page, "Account");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    dialog.getByRole("link", { name: "Export my data" }).click(),
  ]);
  const kept = JSON.parse(await readFile(await download.path(), "utf8"));
  assert.ok(JSON.stringify(kept).includes(GRACE.email));

  await dialog.getByRole("button", { name: "Delete my account…" }).click();
  const erase = page.getByRole("dialog", { name: "Delete your account?" });
  assert.match(await erase.innerText(), /signed out everywhere[^]*keys stop working[^]*erased/);
  await erase.getByLabel("Your password", { exact: true }).fill("not this one at all");
  await erase.getByRole("button", { name: "Delete my account" }).click();
  await erase.locator(".field .bad").waitFor();
  await erase.getByLabel("Your password", { exact: true }).fill(`${PASSWORD} staple`);
  await erase.getByRole("button", { name: "Delete my account" }).click();
  await page.getByRole("heading", { name: "Sign in" }).waitFor();
  await signIn(page, GRACE);
  await page.locator(".failure .bad").waitFor();

  const people = await settings(ada.page, "People");
  await people.locator(`[data-member="${ADA.email}"]`).waitFor();
  assert.equal(await people.locator(`[data-member="${GRACE.email}"]`).count(), 0);
  await closed(people);
});

part("too many wrong passwords: the seconds are counted down", async () => {
  const stranger = await newPage({});
  try {
    const { page } = stranger;
    await page.goto(at("/"));
    await page.getByLabel("E-mail").fill(ADA.email);
    const button = page.locator("form .primary");
    for (let tries = 0; tries < 10 && !/Again in/.test(await button.innerText()); tries++) {
      await password(page).fill(`wrong password ${tries}`);
      const answered = page.waitForResponse(/\/auth\/login$/);
      await button.click();
      await answered;
      await until(async () => (await button.innerText()) !== "Signing in…", "it is answered");
    }
    const seconds = async () => Number(/Again in (\d+) s/.exec(await button.innerText())?.[1]);
    const first = await seconds();
    assert.ok(first > 5 && first <= 60, `${first} s`);
    assert.ok(await button.isDisabled());
    await until(async () => (await seconds()) < first, "the seconds go down");
    assert.ok((await page.locator(".failure").getAttribute("aria-live")) !== null);
  } finally {
    await stranger.close();
  }
});

part("neither page had anything to complain about", async () => {
  await ada.close();
  await grace.close();
});
