// SPDX-License-Identifier: Apache-2.0
//
// Numbers and times as people read them. Times of records are UTC, as in the reports; times of the
// conversation are the reader's own.

const THIN_SPACE = "\u202f";
const wholeNumbers = new Intl.NumberFormat("en-US");
const clock = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short" });
const dayOfYear = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const seconds = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });

export const count = (value: number): string => wholeNumbers.format(value);

export function counted(value: number, one: string): string {
  return `${count(value)} ${one}${value === 1 ? "" : "s"}`;
}

export function duration(ms: number): string {
  if (ms < 1) return `<${THIN_SPACE}1${THIN_SPACE}ms`;
  if (ms < 1000) return `${Math.round(ms)}${THIN_SPACE}ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)}${THIN_SPACE}s`;
  return `${Math.floor(ms / 60_000)}${THIN_SPACE}min ${Math.round((ms % 60_000) / 1000)}${THIN_SPACE}s`;
}

const SMALL_MONEY_DIGITS = 3;

/** A decimal amount as text, with the digits that tell something: $0.00213, $1.25. */
export function usd(amount: string): string {
  const value = Number(amount);
  if (!Number.isFinite(value)) return amount;
  if (value === 0 || value >= 1) return `$${value.toFixed(2)}`;
  return `$${value.toLocaleString("en-US", { maximumSignificantDigits: SMALL_MONEY_DIGITS })}`;
}

export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB"];
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value >= 100 || unit === 0 ? Math.round(value) : value.toFixed(1)}${THIN_SPACE}${units[unit]}`;
}

/** 14:05 today, 3 Nov this year, 3 Nov 2025. */
export function moment(ms: number, now: number): string {
  const at = new Date(ms);
  const today = new Date(now);
  if (at.toDateString() === today.toDateString()) return clock.format(at);
  return at.getFullYear() === today.getFullYear() ? day.format(at) : dayOfYear.format(at);
}

/** To the second, in the reader's own time. */
export const timestamp = (time: string): string => seconds.format(new Date(time));

const SYSTEMS: [RegExp, string][] = [
  [/Android/, "Android"],
  [/iPhone|iPad/, "iOS"],
  [/Windows/, "Windows"],
  [/Mac OS X|Macintosh/, "macOS"],
  [/CrOS/, "ChromeOS"],
  [/Linux/, "Linux"],
];
const BROWSERS: [RegExp, string][] = [
  [/Edg\//, "Edge"],
  [/OPR\//, "Opera"],
  [/Firefox\//, "Firefox"],
  [/Chrome\/|Chromium\//, "Chrome"],
  [/Safari\//, "Safari"],
  [/curl\//, "curl"],
];

/** "Firefox on Linux", of a User-Agent; its beginning when it says neither. */
export function device(userAgent: string): string {
  const find = (names: [RegExp, string][]): string | undefined => names.find(([mark]) => mark.test(userAgent))?.[1];
  const [browser, system] = [find(BROWSERS), find(SYSTEMS)];
  if (browser) return system ? `${browser} on ${system}` : browser;
  return userAgent.slice(0, 40) || "Unknown device";
}

/** The days that records span, in UTC. */
export function daySpan(from: string, to: string): string {
  const [first, last] = [from.slice(0, 10), to.slice(0, 10)];
  return first === last ? first : `${first} – ${last}`;
}
