// SPDX-License-Identifier: Apache-2.0
//
// Signing in with identity providers: real exchanges with oidc-provider (two of them at once, one with RS256 and the e-mail
// in the token, one with ES256 and the e-mail in userinfo), accounts, links, new keys; then every way in which a provider or a
// browser can be wrong, each refused with the documented answer and a line of the audit log.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";

import { Browser, RealProvider, ScriptedIdentity, atHash, newKey, publicPart, token } from "./identity_provider.mjs";
import { Server } from "./server.mjs";

const KEYS_AGAIN_MS = 30_000;
const GENERIC = "signing in did not work; please try again";
const BUSY = /cannot be asked at the moment/;

const PEOPLE = {
  bob: { email: "Bob@Example.org", email_verified: true, name: "Bob" },
  carol: { email: "carol@example.org", email_verified: true, name: "Carol" },
  dan: { email: "dan@example.org", email_verified: true, name: "Dan" },
  eve: { email: "eve@example.org", email_verified: false, name: "Eve" },
  fay: { email: "fay@evil.example", email_verified: true, name: "Fay" },
  ada: { email: "ada@example.org", email_verified: true, name: "Ada?" },
};

let folder;
let corp; /* RS256, e-mail in the token */
let second; /* ES256, e-mail in userinfo */
let scripted;
let evil;
let server;
let ada;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "netra-oidc-"));
  corp = await RealProvider.open({ people: PEOPLE });
  second = await RealProvider.open({ people: PEOPLE, alg: "ES256", conformIdTokenClaims: true });
  scripted = await ScriptedIdentity.open();
  evil = scripted.provide("evil");
  scripted.provide("google");
  scripted.provide("lies").answers["/.well-known/openid-configuration"].issuer = evil.issuer;
  scripted.provide("moved", { "/.well-known/openid-configuration": (_, response) => response.writeHead(302, { location: `${evil.issuer}/.well-known/openid-configuration` }).end() });
  scripted.provide("endless", {
    "/.well-known/openid-configuration": async (_, response) => {
      response.writeHead(200, { "content-type": "application/json" });
      while (!response.destroyed) {
        response.write(" ".repeat(65536));
        await sleep(1);
      }
      return "nothing";
    },
  });
  scripted.provide("silent", { "/.well-known/openid-configuration": () => "nothing" });
  const rest = { client_id: "netra", allowed_domains: ["example.org"] };
  const secretFile = join(folder, "corp.secret");
  writeFileSync(secretFile, `${corp.secret}\n`, { mode: 0o600 });
  const providers = [
    { ...rest, id: "corp", name: "Example Corp", issuer: corp.issuer, client_secret_file: secretFile, role: "analyst" },
    { ...rest, id: "second", issuer: second.issuer },
    { ...rest, id: "google", preset: "google", issuer: scripted.issuer("google") },
    ...["evil", "lies", "moved", "endless", "silent"].map((id) => ({ ...rest, id, issuer: scripted.issuer(id) })),
  ];
  const file = join(folder, "providers.json");
  writeFileSync(file, JSON.stringify({ providers }));
  server = await Server.startAccounts({ keys: { "auth.oidc_file": file }, env: { NETRA_OIDC_SECOND_SECRET: second.secret } });
  for (const real of [corp, second]) real.serve(`${server.url}/auth/callback`);
  ada = await server.setUp({ email: "ada@example.org" });
});

after(async () => {
  await server?.stop();
  server?.remove();
  await Promise.all([corp, second, scripted].map((place) => place?.close()));
  rmSync(folder, { recursive: true, force: true });
});

// --- the ways of a browser ------------------------------------------------------------------------------------------

/** To the provider: {url, answer}. */
async function begin(browser, provider, next = "/threads?x=1") {
  const answer = await browser.go(`${server.url}/auth/oidc/${provider}?next=${encodeURIComponent(next)}`);
  return { answer, url: answer.headers.get("location") };
}

/** The whole of it with a real provider; the answer of the callback. */
async function signIn(browser, provider, login, next) {
  const { url } = await begin(browser, provider.issuer === corp.issuer ? "corp" : "second", next);
  const back = await provider.signIn(browser, url, login);
  return { back, answer: await browser.go(back) };
}

async function me(browser, status = 200) {
  const answer = await browser.go(`${server.url}/auth/me`);
  assert.equal(answer.status, status);
  return answer.json();
}

const place = (answer) => {
  assert.equal(answer.status, 303);
  return answer.headers.get("location");
};

/** The sentence that the page shows. */
function sentence(answer) {
  const to = new URL(place(answer), server.url);
  assert.equal(to.origin, server.url);
  assert.equal(to.pathname, "/");
  return to.searchParams.get("error");
}

/** fn is refused, with that sentence, and why is in the audit log. */
async function refused(why, sentenceWanted, fn) {
  const known = (await ada.audit()).length;
  const browser = new Browser();
  const answer = await fn(browser);
  const said = sentence(answer);
  if (sentenceWanted instanceof RegExp) assert.match(said, sentenceWanted);
  else assert.equal(said, sentenceWanted);
  assert.equal(browser.cookie("netra_session"), undefined, "nobody is signed in");
  /* the answer does not wait for the line */
  const isRefusal = (line) => line.action === "oidc.refused";
  let lines = [];
  for (const until = Date.now() + 30_000; !lines.length && Date.now() < until; await sleep(10)) {
    lines = (await ada.audit()).slice(known).filter(isRefusal);
  }
  assert.equal(lines.length, 1, `one line of the audit log about ${why}: ${JSON.stringify(lines)}`);
  assert.equal(lines[0].detail.why, why);
  return lines[0];
}

// --- real exchanges -------------------------------------------------------------------------------------------------

test("pages are told of the providers", async () => {
  const { providers } = await server.open(200, "/auth/config");
  assert.deepEqual(providers.slice(0, 3), [
    { id: "corp", name: "Example Corp", url: "/auth/oidc/corp" },
    { id: "second", name: "second", url: "/auth/oidc/second" },
    { id: "google", name: "Google", url: "/auth/oidc/google" },
  ]);
  await server.open(404, "/auth/oidc/nobody");
});

test("the way there: PKCE, state and nonce, bound to the browser", async () => {
  const browser = new Browser();
  const { answer, url } = await begin(browser, "corp");
  assert.equal(answer.status, 303);
  const asked = Object.fromEntries(new URL(url).searchParams);
  assert.equal(new URL(url).origin, corp.issuer);
  assert.match(asked.state, /^[\w-]{43}$/);
  assert.match(asked.nonce, /^[\w-]{43}$/);
  assert.match(asked.code_challenge, /^[\w-]{43}$/);
  const { state, nonce, code_challenge, ...rest } = asked;
  assert.deepEqual(rest, {
    response_type: "code",
    client_id: "netra",
    redirect_uri: `${server.url}/auth/callback`,
    scope: "openid email profile",
    code_challenge_method: "S256",
  });
  assert.equal(new Set([state, nonce, code_challenge]).size, 3);
  assert.match(browser.cookie("netra_oidc").line, /^netra_oidc=[\w-]{43}; Path=\/auth\/callback; HttpOnly; SameSite=Lax; Max-Age=600$/);
  assert.notEqual(browser.cookie("netra_oidc").value, state);
  assert.match(answer.headers.get("cache-control"), /no-store/);
  const previewed = await fetch(`${server.url}/auth/oidc/corp`, { method: "HEAD", redirect: "manual" });
  assert.equal(previewed.headers.get("location"), null, "HEAD begins nothing");
});

test("a first sign-in makes an account, a second one finds it", async () => {
  const browser = new Browser();
  const { answer } = await signIn(browser, corp, "bob");
  assert.equal(place(answer), "/threads?x=1");
  assert.match(browser.cookie("netra_session").line, /; Path=\/; HttpOnly; SameSite=Lax; Max-Age=\d+$/);
  assert.equal(browser.cookie("netra_oidc"), undefined, "the state's cookie is taken away");
  const bob = await me(browser);
  assert.equal(bob.user.email, "bob@example.org");
  assert.equal(bob.user.name, "Bob");
  assert.equal(bob.role, "analyst");
  assert.equal(bob.workspace.id, "default");
  assert.equal(bob.has_password, false);
  assert.deepEqual(bob.identities.map((i) => i.provider), ["corp"]);
  const again = new Browser();
  assert.equal(place((await signIn(again, corp, "bob", "/")).answer), "/");
  assert.equal((await me(again)).user.id, bob.user.id);
  const actions = (await ada.audit()).map((line) => line.action);
  assert.ok(actions.includes("user.created") && actions.includes("login.ok"), actions.join(" "));
});

test("an invitation decides where a first sign-in leads", async () => {
  await ada.json(201, "/api/invites", { email: "carol@example.org", role: "admin" });
  const browser = new Browser();
  await signIn(browser, second, "carol");
  assert.equal((await me(browser)).role, "admin");
  assert.deepEqual((await ada.json(200, "/api/invites")).items, [], "it is used up");
});

test("userinfo is asked where the token names no e-mail, with ES256", async () => {
  const browser = new Browser();
  await signIn(browser, second, "dan");
  const dan = await me(browser);
  assert.equal(dan.user.email, "dan@example.org");
  assert.equal(dan.role, "viewer");
});

test("an e-mail that has an account is linked only by who is signed in to it", async () => {
  const stranger = new Browser();
  await refused("must_link", /sign in to it and link/, async (browser) => (await signIn(browser, corp, "ada")).answer);
  const { url } = await ada.json(200, "/auth/oidc/corp/link", {}, { method: "POST" });
  assert.equal(new URL(url).origin, corp.issuer);
  /* the link belongs to the browser that asked for it: the address alone links nobody */
  await refused("browser", GENERIC, async (browser) => browser.go(await corp.signIn(stranger, url, "ada")));

  const browser = new Browser();
  const login = await browser.go(`${server.url}/auth/login`, {
    method: "POST",
    headers: { "content-type": "application/json", origin: server.url },
    body: JSON.stringify({ email: ada.email, password: ada.password, cookie: true }),
  });
  assert.equal(login.status, 200);
  const asked = await browser.go(`${server.url}/auth/oidc/corp/link`, {
    method: "POST",
    headers: { "content-type": "application/json", origin: server.url },
    body: JSON.stringify({ next: "/account" }),
  });
  assert.equal(asked.status, 200);
  const back = await corp.signIn(browser, (await asked.json()).url, "ada");
  assert.equal(place(await browser.go(back)), "/account");
  const linked = new Browser();
  await signIn(linked, corp, "ada");
  const now = await me(linked);
  assert.equal(now.user.id, ada.id);
  assert.equal(now.user.name, "Ada", "the provider renames nobody");
  assert.deepEqual(now.identities.map((i) => i.provider), ["corp"]);
});

test("links are removed, but for the only way in", async () => {
  await ada.delete("/auth/oidc/corp");
  await ada.delete("/auth/oidc/corp", 404);
  assert.deepEqual((await ada.json(200, "/auth/me")).identities, []);
  const browser = new Browser();
  await signIn(browser, corp, "bob");
  const answer = await browser.go(`${server.url}/auth/oidc/corp`, { method: "DELETE", headers: { origin: server.url } });
  assert.equal(answer.status, 409);
  await signIn(new Browser(), corp, "bob");
  const key = await ada.key(["read"]);
  await key.json(403, "/auth/oidc/corp/link", {}, { method: "POST" });
});

test("next is a path of this server, whatever it was", async () => {
  for (const next of ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)", ""]) {
    const browser = new Browser();
    assert.equal(place((await signIn(browser, corp, "bob", next)).answer), "/", next);
  }
});

test("a code works once; an unverified e-mail and a foreign domain do not", async () => {
  const browser = new Browser();
  const { back } = await signIn(browser, corp, "bob");
  await refused("code", GENERIC, async (other) => {
    const { url } = await begin(other, "corp");
    const forged = new URL(back);
    forged.searchParams.set("state", new URL(url).searchParams.get("state"));
    return other.go(forged.href);
  });
  await refused("email_unverified", /has not verified your e-mail/, async (other) => (await signIn(other, corp, "eve")).answer);
  await refused("domain", /domain of your e-mail/, async (other) => (await signIn(other, corp, "fay")).answer);
});

test("who says no at the provider is told so", async () => {
  await refused("provider", GENERIC, async (browser) => {
    const { url } = await begin(browser, "corp");
    const back = new URL(`${server.url}/auth/callback`);
    back.search = new URLSearchParams({ error: "access_denied", state: new URL(url).searchParams.get("state"), iss: corp.issuer });
    return browser.go(back.href);
  });
});

// --- states ---------------------------------------------------------------------------------------------------------

test("a state is one that was given out, once, to this browser", async () => {
  const callback = (parameters) => `${server.url}/auth/callback?${new URLSearchParams(parameters)}`;
  await refused("state", GENERIC, (browser) => browser.go(callback({ code: "c", state: "x".repeat(43) })));
  await refused("answer", GENERIC, (browser) => browser.go(callback({ code: "c" })));
  await refused("answer", GENERIC, (browser) => browser.go(`${callback({ code: "c", state: "s" })}&state=t`));
  await refused("browser", GENERIC, async (browser) => {
    const { url } = await begin(new Browser(), "corp");
    return browser.go(await corp.signIn(new Browser(), url, "bob"));
  });
  await refused("browser", GENERIC, async (browser) => {
    const victim = new Browser();
    const { url } = await begin(victim, "corp");
    await begin(browser, "corp"); /* a cookie, but of another sign-in */
    return browser.go(await corp.signIn(victim, url, "bob"));
  });
  await refused("state", GENERIC, async (browser) => {
    const { url } = await begin(browser, "corp");
    const cookie = browser.cookie("netra_oidc");
    const back = await corp.signIn(browser, url, "bob");
    await browser.go(back);
    browser.jar = [cookie];
    return browser.go(back);
  });
});

// --- a provider that is not to be trusted ---------------------------------------------------------------------------

/** What its next token says: good claims for this sign-in, changed by `change`. */
async function exchange(browser, provider, { claims = {}, header = {}, key, answer, iss } = {}) {
  const { url } = await begin(browser, provider.name);
  const { nonce, state } = Object.fromEntries(new URL(url).searchParams);
  const now = Math.floor(Date.now() / 1000);
  const good = { iss: provider.issuer, aud: "netra", sub: "s-1", exp: now + 60, iat: now, nonce, email: "zoe@example.org", email_verified: true, name: "Zoe" };
  const said = typeof claims === "function" ? claims(good) : { ...good, ...claims };
  const made = token({ alg: "RS256", kid: "r1", ...header }, said, key === undefined ? provider.key : key);
  provider.next = answer ?? { access_token: "an-access-token", token_type: "Bearer", id_token: made };
  const back = { code: "a-code", state };
  if (iss !== null) back.iss = iss ?? provider.issuer;
  return browser.go(`${server.url}/auth/callback?${new URLSearchParams(back)}`);
}

test("the scripted provider's good token is taken, so that the bad ones are refused for what is bad", async () => {
  const browser = new Browser();
  const answer = await exchange(browser, evil, { claims: (good) => ({ ...good, at_hash: atHash("an-access-token") }) });
  assert.equal(place(answer), "/threads?x=1");
  assert.equal((await me(browser)).user.email, "zoe@example.org");
  const sent = evil.tokenRequests.at(-1);
  assert.equal(sent.get("grant_type"), "authorization_code");
  assert.equal(sent.get("redirect_uri"), `${server.url}/auth/callback`);
  assert.equal(sent.get("client_id"), "netra", "a client without a secret names itself");
  assert.match(sent.get("code_verifier"), /^[\w-]{43}$/);
});

const now = () => Math.floor(Date.now() / 1000);
const BAD = {
  "a wrong nonce": ["nonce", GENERIC, { claims: { nonce: "x".repeat(43) } }],
  "no nonce": ["nonce", GENERIC, { claims: { nonce: undefined } }],
  "another audience": ["audience", GENERIC, { claims: { aud: "another" } }],
  "several audiences without azp": ["audience", GENERIC, { claims: { aud: ["netra", "another"] } }],
  "another issuer in the token": ["issuer", GENERIC, { claims: { iss: "https://accounts.google.com" } }],
  "an expired token": ["expired", GENERIC, { claims: () => undefined }],
  "alg none": ["algorithm", GENERIC, { header: { alg: "none" }, key: null }],
  "HS256 with the public key": ["algorithm", GENERIC, { header: { alg: "HS256" }, key: "public" }],
  "a key that is not the provider's": ["signature", GENERIC, { key: newKey("RS256") }],
  "no signature at all": ["signature", GENERIC, { key: null }],
  "a wrong at_hash": ["at_hash", GENERIC, { claims: { at_hash: atHash("another") } }],
  "an e-mail that is not verified": ["email_unverified", /has not verified/, { claims: { email_verified: false } }],
  'email_verified "true" as text': ["email_unverified", /has not verified/, { claims: { email_verified: "true" } }],
  "no e-mail": ["email", /does not say an e-mail/, { claims: { email: undefined } }],
  "example.org.evil.com": ["domain", /domain of your e-mail/, { claims: { email: "a@example.org.evil.com" } }],
  "evilexample.org": ["domain", /domain of your e-mail/, { claims: { email: "a@evilexample.org" } }],
  "exämple.org": ["email", /does not say an e-mail/, { claims: { email: "a@exämple.org" } }],
  "a quoted local part": ["email", /does not say an e-mail/, { claims: { email: '"a@example.org"@evil.com' } }],
  "a dot behind the domain": ["email", /does not say an e-mail/, { claims: { email: "a@example.org." } }],
  "another iss in the answer": ["iss", GENERIC, { iss: "https://accounts.google.com" }],
  "no iss, though the provider says it": ["iss", GENERIC, { iss: null }],
  "a token endpoint that fails": ["code", BUSY, { answer: { status: 500, json: {} } }],
  "a token endpoint that redirects": ["code", BUSY, { answer: { status: 307, json: {} } }],
  "a token endpoint that speaks HTML": ["code", BUSY, { answer: { status: 200, type: "text/html", json: "<p>" } }],
  "an answer without a token": ["malformed", GENERIC, { answer: { access_token: "x" } }],
};

for (const [name, [why, said, change]] of Object.entries(BAD)) {
  test(`refused: ${name}`, async () => {
    const options = { ...change };
    if (name === "an expired token") options.claims = { exp: now() - 31, iat: now() - 90 };
    if (options.key === "public") options.key = JSON.stringify(publicPart(evil.key));
    const line = await refused(why, said, (browser) => exchange(browser, evil, options));
    assert.equal(line.detail.provider, "evil");
  });
}

test("an unknown key makes the keys be fetched again, but not again and again", async () => {
  const count = () => scripted.requests.filter((url) => url === "/evil/jwks").length;
  const stranger = newKey("RS256", "r2");
  await refused("key", GENERIC, (browser) => exchange(browser, evil, { header: { kid: "r2" }, key: stranger }));
  const asked = count();
  for (let i = 0; i < 3; i++) await refused("key", GENERIC, (browser) => exchange(browser, evil, { header: { kid: "r2" }, key: stranger }));
  assert.ok(count() <= asked + 1, `keys were fetched ${count() - asked} times within half a minute`);
});

test("a discovery that lies, leads away, never ends or never comes is refused", async () => {
  const before = scripted.requests.length;
  await refused("discovery", BUSY, async (browser) => (await begin(browser, "lies")).answer);
  await refused("discovery", BUSY, async (browser) => (await begin(browser, "moved")).answer);
  await refused("unreachable", BUSY, async (browser) => (await begin(browser, "endless")).answer);
  await refused("unreachable", BUSY, async (browser) => (await begin(browser, "silent")).answer);
  assert.ok(!scripted.requests.slice(before).some((url) => url.startsWith("/evil/")), "redirects are not followed");
});

test("Google is asked for the domain, and must confirm it", async () => {
  const google = scripted.providers.get("google");
  const { url } = await begin(new Browser(), "google");
  assert.equal(new URL(url).searchParams.get("hd"), "example.org");
  await refused("hosted_domain", /domain of your e-mail/, (browser) => exchange(browser, google, { claims: { email: "gil@example.org" } }));
  await refused("hosted_domain", /domain of your e-mail/, (browser) => exchange(browser, google, { claims: { email: "gil@example.org", hd: "evil.example" } }));
  const browser = new Browser();
  assert.equal(place(await exchange(browser, google, { claims: { email: "gil@example.org", hd: "example.org" } })), "/threads?x=1");
});

// --- new keys, and what must not be seen ----------------------------------------------------------------------------

test("a provider that has new keys is believed half a minute later at the latest", { timeout: 90_000 }, async () => {
  corp.serve(); /* new keys, the old ones are gone */
  await sleep(Math.max(0, corp.keyRequests.at(-1) + KEYS_AGAIN_MS + 500 - Date.now()));
  const browser = new Browser();
  await signIn(browser, corp, "bob");
  assert.equal((await me(browser)).user.email, "bob@example.org");
});

test("nothing secret is in the log", () => {
  for (const secret of [corp.secret, encodeURIComponent(corp.secret), "a-code", "an-access-token", "netra_oidc="]) {
    assert.ok(!server.log.includes(secret), secret);
  }
});
