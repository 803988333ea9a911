// SPDX-License-Identifier: Apache-2.0
//
// What the address of the page says. Path: the conversation. Fragment: the page of the settings.
// Query: why somebody came (an invitation, a reset, an error of an identity provider); codes are
// secrets, so the query is taken out of the address once it has been read.

const THREAD_PATH = /^\/threads\/([A-Za-z0-9_-]{1,64})$/;
const CODE = /^[A-Za-z0-9_-]{1,200}$/;
const ERROR_CHARACTERS_MAX = 400;

export const SETTINGS_PAGES = ["account", "keys", "people", "audit", "limits", "models"] as const;
export type SettingsPage = (typeof SETTINGS_PAGES)[number];

export interface Arrival {
  setup?: string;
  invite?: string;
  reset?: string;
  error?: string; // a sentence for people, shown as text
}

export function threadOf(pathname: string): string | undefined {
  return THREAD_PATH.exec(pathname)?.[1];
}

export function arrivalOf(search: string): Arrival {
  const query = new URLSearchParams(search);
  const arrival: Arrival = {};
  for (const name of ["setup", "invite", "reset"] as const) {
    const code = query.get(name);
    if (code !== null && CODE.test(code)) arrival[name] = code;
  }
  const error = query.get("error");
  if (error) arrival.error = error.slice(0, ERROR_CHARACTERS_MAX);
  return arrival;
}

/** "#settings/keys" → "keys"; "#settings" → "models"; undefined for anything else. */
export function settingsPageOf(hash: string): SettingsPage | undefined {
  const [first, page] = hash.replace(/^#/, "").split("/");
  if (first !== "settings") return undefined;
  return SETTINGS_PAGES.find((candidate) => candidate === page) ?? "models";
}

/** Where to come back to after signing in elsewhere: a place of this page, never another site. */
export function placeOf(pathname: string): string {
  return threadOf(pathname) ? pathname : "/";
}

/** An address of ours that starts a sign-in with a provider. */
export function providerUrl(url: string, next: string): string | undefined {
  if (!/^\/auth\/oidc\/[A-Za-z0-9_-]{1,64}$/.test(url)) return undefined;
  return `${url}?next=${encodeURIComponent(next)}`;
}
