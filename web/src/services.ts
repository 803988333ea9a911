// SPDX-License-Identifier: Apache-2.0
//
// Where requests go. One process serves everything, or three do (docs/operations.md, "Three
// processes"): then the page's own origin says where the others are, and the page asks
//
//     the auth service    with the session's cookie: signing in, people, keys, the audit log
//     the backend         with an access token that is kept in memory only: all else
//
// The token is the session's, is renewed before it ends, and the backend is shown the new one at
// once: an open socket lives as long as a token of its session does.

import type { Grant, ServiceRow } from "./wire.ts";

export interface Addresses {
  backend: string; // "": the page's own origin
  auth: string;
}

const OWN: Addresses = { backend: "", auth: "" };
const ACCOUNTS = /^\/(auth\/|api\/(users|invites|keys|workspaces|audit)([/?]|$))/;
const RENEW_AT = 0.75; // of a token's life
const RETRY_MS = 5_000; // while the auth service does not answer
const DISCOVERY = "/api/discovery/services";

/** One process names one address three times; three name theirs. */
export function addressesOf(rows: ServiceRow[]): Addresses {
  const of = (name: string): string | undefined => rows.find((row) => row.name === name)?.url;
  const [backend, auth, frontend] = [of("backend"), of("auth"), of("frontend")];
  if (!backend || !auth || backend === frontend) return OWN;
  return { backend: new URL(backend).origin, auth: new URL(auth).origin };
}

/** Paths that the auth service has. */
export const isOfAccounts = (path: string): boolean => ACCOUNTS.test(path);

class Services {
  private addresses = OWN;
  private token: { text: string; untilMs: number } | undefined;
  private renewal: Promise<string | Response> | undefined;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private generation = 0; // counts forgetToken: what was asked for before it is not kept

  get isSplit(): boolean {
    return this.addresses.backend !== "";
  }

  /** Asks the page's own origin; an answer that says why it does not tell. */
  async find(): Promise<Response | undefined> {
    const answer = await fetch(DISCOVERY, { credentials: "omit" });
    if (!answer.ok) return answer;
    this.addresses = addressesOf(((await answer.json()) as { services: ServiceRow[] }).services);
    return undefined;
  }

  /** The address of a path, for links and forms. */
  url(path: string): string {
    return (isOfAccounts(path) ? this.addresses.auth : this.addresses.backend) + path;
  }

  /** fetch, from the service that has the path, as who is signed in. */
  async fetch(path: string, init: RequestInit = {}): Promise<Response> {
    if (!this.isSplit) return fetch(path, { ...init, credentials: "same-origin" });
    if (isOfAccounts(path)) return fetch(this.url(path), { ...init, credentials: "include" });
    const answer = await this.fetchWithToken(path, init);
    if (answer.status !== 401) return answer;
    this.token = undefined; // of a session that went on elsewhere, say: a new one tells
    return this.fetchWithToken(path, init);
  }

  private async fetchWithToken(path: string, init: RequestInit): Promise<Response> {
    const bearer = await this.bearer();
    if (typeof bearer !== "string") return bearer;
    const headers = { ...init.headers, Authorization: `Bearer ${bearer}` };
    return fetch(this.url(path), { ...init, headers, credentials: "omit" });
  }

  /** What asks for no credential: whether the server is well. */
  fetchOpen(path: string): Promise<Response> {
    return fetch(this.url(path), { credentials: "omit" });
  }

  /** The headers of a request that is not made with fetch; an answer that says why there are none. */
  async headers(): Promise<Record<string, string> | Response> {
    if (!this.isSplit) return {};
    const bearer = await this.bearer();
    return typeof bearer === "string" ? { Authorization: `Bearer ${bearer}` } : bearer;
  }

  /** Where a browser opens something by its address alone: three processes have a ticket in it. */
  async openAddress(path: string): Promise<URL | Response> {
    const address = new URL(this.url(path), window.location.href);
    if (!this.isSplit) return address;
    const answer = await this.fetch("/api/ws-ticket", { method: "POST" });
    if (!answer.ok) return answer;
    address.searchParams.set("ticket", ((await answer.json()) as { ticket: string }).ticket);
    return address;
  }

  /** Somebody else is signed in, or nobody, or elsewhere. */
  forgetToken(): void {
    clearTimeout(this.timer);
    this.token = undefined;
    this.renewal = undefined;
    this.generation++;
  }

  private async bearer(): Promise<string | Response> {
    if (this.token && performance.now() < this.token.untilMs) return this.token.text;
    return this.renew();
  }

  /** One at a time. What the auth service answers instead of a token is for the caller to show. */
  private renew(): Promise<string | Response> {
    const renewal = (this.renewal ??= this.askForToken(this.generation).finally(() => {
      if (this.renewal === renewal) this.renewal = undefined;
    }));
    return renewal.then((found) => (typeof found === "string" ? found : found.clone()));
  }

  private async askForToken(generation: number): Promise<string | Response> {
    const askedMs = performance.now();
    const answer = await fetch(this.url("/auth/service-token"), { method: "POST", credentials: "include" });
    if (!answer.ok) return answer;
    const grant = (await answer.json()) as Grant;
    if (generation === this.generation) this.keep(grant, askedMs);
    return grant.access_token;
  }

  private keep(grant: Grant, askedMs: number): void {
    const lifeMs = grant.expires_in * 1000;
    this.token = { text: grant.access_token, untilMs: askedMs + lifeMs * 0.95 };
    this.renewLater(lifeMs * RENEW_AT);
  }

  private renewLater(ms: number): void {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => void this.renewNow(), ms);
  }

  private async renewNow(): Promise<void> {
    const generation = this.generation;
    const found = await this.renew().catch(() => undefined);
    if (generation !== this.generation) return;
    if (typeof found === "string") await this.fetch("/api/limits").catch(() => undefined);
    else if (found?.status !== 401) this.renewLater(RETRY_MS);
  }
}

export const services = new Services();
