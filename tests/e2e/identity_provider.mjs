// SPDX-License-Identifier: Apache-2.0
//
// Identity providers for tests. RealProvider is the npm package oidc-provider, which we did not write, with its own pages
// for signing in. ScriptedIdentity says whatever a test wants: most of it is what no provider should say.

import { createHash, createPrivateKey, createHmac, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";

import Provider from "oidc-provider";

const b64 = (value) => Buffer.from(typeof value === "string" || Buffer.isBuffer(value) ? value : JSON.stringify(value)).toString("base64url");

/** A key pair as a private JWK. */
export function newKey(alg, kid = randomUUID()) {
  const made = alg === "ES256" ? generateKeyPairSync("ec", { namedCurve: "P-256" }) : generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...made.privateKey.export({ format: "jwk" }), kid, alg, use: "sig" };
}

export function publicPart(jwk) {
  const { kty, n, e, crv, x, y, kid, alg, use } = jwk;
  return JSON.parse(JSON.stringify({ kty, n, e, crv, x, y, kid, alg, use }));
}

/** A browser as far as signing in needs one: cookies by origin and path, redirects followed one by one. */
export class Browser {
  constructor() {
    this.jar = [];
  }

  keep(url, answer) {
    for (const line of answer.headers.getSetCookie?.() ?? setCookies(answer)) {
      const [pair, ...attributes] = line.split(";").map((part) => part.trim());
      const name = pair.slice(0, pair.indexOf("="));
      const attribute = (wanted) => attributes.find((a) => a.toLowerCase().startsWith(wanted))?.slice(wanted.length);
      const cookie = { origin: new URL(url).origin, name, value: pair.slice(name.length + 1), path: attribute("path=") ?? "/", line };
      this.jar = this.jar.filter((c) => c.origin !== cookie.origin || c.name !== name || c.path !== cookie.path);
      const isOver = attribute("max-age=") === "0" || Date.parse(attribute("expires=") ?? "") < Date.now();
      if (!isOver) this.jar.push(cookie);
    }
  }

  cookies(url) {
    const { origin, pathname } = new URL(url);
    return this.jar.filter((c) => c.origin === origin && pathname.startsWith(c.path)).map((c) => `${c.name}=${c.value}`).join("; ");
  }

  cookie(name) {
    return this.jar.find((c) => c.name === name);
  }

  async go(url, options = {}) {
    const headers = { ...options.headers };
    const cookies = this.cookies(url);
    if (cookies) headers.cookie = cookies;
    const answer = await fetch(url, { ...options, headers, redirect: "manual" });
    this.keep(url, answer);
    return answer;
  }

  post(url, form) {
    return this.go(url, { method: "POST", headers: { "content-type": "application/x-www-form-urlencoded" }, body: new URLSearchParams(form).toString() });
  }
}

/** Node 18's fetch joins them with commas. */
function setCookies(answer) {
  const joined = answer.headers.get("set-cookie");
  return joined ? joined.split(/,(?=\s*[\w.-]+=)/) : [];
}

/** http on a port that is known before what answers there is. */
class Place {
  async open() {
    this.handler = (_, response) => response.writeHead(503).end();
    this.http = createServer((request, response) => this.handler(request, response));
    this.http.listen(0, "127.0.0.1");
    await once(this.http, "listening");
    this.origin = `http://127.0.0.1:${this.http.address().port}`;
    return this;
  }

  async close() {
    this.http.closeAllConnections?.();
    this.http.close();
  }
}

export class RealProvider {
  /** people: login → claims. */
  static async open({ people, alg = "RS256", conformIdTokenClaims = false, secret = "a-secret-with:odd%+characters" }) {
    const real = new RealProvider();
    Object.assign(real, { people, alg, conformIdTokenClaims, secret, keyRequests: [] });
    real.place = await new Place().open();
    real.issuer = real.place.origin;
    return real;
  }

  /** Begins to serve: now the client's redirect address is known. Again: the same with new keys. */
  serve(redirect) {
    this.redirect = redirect ?? this.redirect;
    const provider = new Provider(this.issuer, {
      clients: [{
        client_id: "netra",
        client_secret: this.secret,
        redirect_uris: [this.redirect],
        response_types: ["code"],
        grant_types: ["authorization_code"],
        id_token_signed_response_alg: this.alg,
      }],
      jwks: { keys: [newKey(this.alg)] },
      cookies: { keys: ["a key of a test"] },
      claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"] },
      conformIdTokenClaims: this.conformIdTokenClaims,
      pkce: { methods: ["S256"], required: () => true },
      enabledJWA: { idTokenSigningAlgValues: ["RS256", "ES256"] },
      findAccount: (_, login) => this.people[login] && { accountId: login, claims: async () => ({ sub: login, ...this.people[login] }) },
    });
    const callback = provider.callback();
    this.place.handler = (request, response) => {
      if (request.url.startsWith("/jwks")) this.keyRequests.push(Date.now());
      callback(request, response);
    };
  }

  /** From the provider's first page to where it sends the browser back; the address is not followed. */
  async signIn(browser, url, login) {
    let at = url;
    for (let steps = 0; steps < 12; steps++) {
      const answer = await browser.go(at);
      let to = answer.headers.get("location");
      if (!to) {
        const page = await answer.text();
        const prompt = /name="prompt" value="(\w+)"/.exec(page)?.[1];
        if (!prompt) throw new Error(`the provider answers ${answer.status}: ${page.slice(0, 500)}`);
        const sent = await browser.post(at, prompt === "login" ? { prompt, login, password: "anything" } : { prompt });
        to = sent.headers.get("location");
      }
      at = new URL(to, at).href;
      if (at.startsWith(this.redirect)) return at;
    }
    throw new Error("the provider does not send the browser back");
  }

  close() {
    return this.place.close();
  }
}

/** A token of any header and claims; key: a private JWK, or bytes for HMAC, or undefined for no signature. */
export function token(header, claims, key) {
  const text = `${b64(header)}.${b64(claims)}`;
  let signature = Buffer.alloc(0);
  if (typeof key === "string") signature = createHmac("sha256", key).update(text).digest();
  else if (key) signature = sign("sha256", Buffer.from(text), { key: createPrivateKey({ key, format: "jwk" }), dsaEncoding: "ieee-p1363" });
  return `${text}.${b64(signature)}`;
}

export const atHash = (accessToken) => createHash("sha256").update(accessToken).digest().subarray(0, 16).toString("base64url");

/** One server for several providers, told apart by the first segment of the path. */
export class ScriptedIdentity {
  static async open() {
    const identity = new ScriptedIdentity();
    identity.place = await new Place().open();
    identity.providers = new Map();
    identity.requests = [];
    identity.place.handler = (request, response) => identity.answer(request, response);
    return identity;
  }

  issuer(name) {
    return `${this.place.origin}/${name}`;
  }

  /** Answers by the rest of the path: functions (request, response, body), objects (JSON) or undefined: 404. */
  provide(name, answers = {}) {
    const issuer = this.issuer(name);
    const key = newKey("RS256", "r1");
    const provider = { name, issuer, key, keys: [publicPart(key)], tokenRequests: [] };
    provider.answers = {
      "/.well-known/openid-configuration": {
        issuer,
        authorization_endpoint: `${issuer}/authorize`,
        token_endpoint: `${issuer}/token`,
        jwks_uri: `${issuer}/jwks`,
        response_types_supported: ["code"],
        id_token_signing_alg_values_supported: ["RS256", "ES256", "HS256", "none"],
        code_challenge_methods_supported: ["S256"],
        authorization_response_iss_parameter_supported: true,
      },
      "/jwks": () => ({ keys: provider.keys }),
      "/token": (_, __, body) => {
        provider.tokenRequests.push(new URLSearchParams(body));
        return provider.next;
      },
      ...answers,
    };
    this.providers.set(name, provider);
    return provider;
  }

  async answer(request, response) {
    const [, name, path] = /^\/([^/]+)(\/[^?]*)/.exec(request.url) ?? [];
    const provider = this.providers.get(name);
    this.requests.push(request.url);
    let body = "";
    for await (const piece of request) body += piece;
    const answer = provider?.answers[path];
    const said = typeof answer === "function" ? await answer(request, response, body) : answer;
    if (response.headersSent || said === "nothing") return;
    if (said === undefined) {
      response.writeHead(404).end();
      return;
    }
    const { status = 200, json = said, type = "application/json" } = said.status ? said : {};
    response.writeHead(status, { "content-type": type }).end(typeof json === "string" ? json : JSON.stringify(json));
  }

  close() {
    return this.place.close();
  }
}
