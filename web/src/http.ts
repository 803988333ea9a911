// SPDX-License-Identifier: Apache-2.0
//
// Requests to the server. Every failure is an ApiError that carries a problem (RFC 9457), also when
// the server could not be reached or an answer came from something else on the way. What can be
// recovered from is (recovery.ts), before the caller hears of it; the functions whose names end in
// Once make one attempt.

import { newId } from "./ids.ts";
import { ApiError, Recovery, retryAfterS } from "./recovery.ts";
import { services } from "./services.ts";
import type { List, Problem, RunEvent } from "./wire.ts";

export const recovery = new Recovery();

/** What people read of any failure. */
export function describe(error: unknown): string {
  if (!(error instanceof ApiError)) return error instanceof Error ? error.message : String(error);
  const { detail, title, hint, errors } = error.problem;
  const first = errors?.[0]?.detail;
  const text = detail || first || title;
  return hint ? `${text}. ${hint}` : text;
}

export function unreachable(): ApiError {
  return new ApiError({
    title: "Unreachable",
    status: 0,
    code: "UNREACHABLE",
    detail: "The server cannot be reached",
  });
}

const CODES: Record<number, string> = {
  401: "AUTH_FAILED",
  403: "FORBIDDEN",
  429: "RATE_LIMITED",
  502: "SERVICE_UNAVAILABLE",
  503: "SERVICE_UNAVAILABLE",
  504: "SERVICE_UNAVAILABLE",
};

/** The problem that a body of an unsuccessful answer states, or one made from its status. */
export function problemOf(status: number, body: string, retryAfter: string | null): ApiError {
  const seconds = retryAfterS(retryAfter, Date.now());
  const wait = seconds === undefined ? {} : { retry_after_s: seconds };
  try {
    const problem = JSON.parse(body) as Problem;
    if (typeof problem.code === "string") return new ApiError({ ...problem, ...wait });
  } catch {
    // Not ours: a proxy's page, or nothing.
  }
  return new ApiError({
    title: "Failed",
    status,
    code: CODES[status] ?? (status >= 500 ? "INTERNAL_ERROR" : "INVALID_REQUEST"),
    detail: `The server answered with status ${status}`,
    ...wait,
  });
}

async function sendOnce(method: string, path: string, body?: unknown, key?: string): Promise<Response> {
  const headers = {
    ...(body === undefined ? {} : { "Content-Type": "application/json" }),
    ...(key === undefined ? {} : { "Idempotency-Key": key }),
  };
  let answer: Response;
  try {
    answer = await services.fetch(path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  } catch {
    throw unreachable();
  }
  if (answer.ok) return answer;
  throw await problemIn(answer);
}

/** Each attempt carries the same key, so that the server does once what is asked for twice. */
function send(method: string, path: string, body?: unknown): Promise<Response> {
  const isRead = method === "GET";
  const key = !isRead && path.startsWith("/api/") ? newId() : undefined;
  return recovery.through(isRead || key !== undefined, () => sendOnce(method, path, body, key));
}

/** Where the services are: before anything else is asked. */
export async function findServices(): Promise<void> {
  await recovery.through(true, async () => {
    const refusal = await services.find().catch(() => {
      throw unreachable();
    });
    if (refusal) throw await problemIn(refusal);
  });
}

/** A problem instead of what was hoped for. */
export async function problemIn(answer: Response): Promise<ApiError> {
  return problemOf(answer.status, await answer.text().catch(() => ""), answer.headers.get("Retry-After"));
}

async function json<T>(answer: Response): Promise<T> {
  const text = await answer.text();
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

export async function get<T>(path: string): Promise<T> {
  return json(await send("GET", path));
}

export async function getBlob(path: string): Promise<Blob> {
  return (await send("GET", path)).blob();
}

export async function post<T>(path: string, body?: unknown): Promise<T> {
  return json(await send("POST", path, body));
}

/** For what answers with a secret: the server keeps no such answer, so that a repetition would make another. */
export async function postForSecret<T>(path: string, body: unknown): Promise<T> {
  return json(await recovery.through(false, () => sendOnce("POST", path, body)));
}

export async function patch<T>(path: string, body: unknown): Promise<T> {
  return json(await send("PATCH", path, body));
}

export async function remove(path: string, body?: unknown): Promise<void> {
  await send("DELETE", path, body);
}

export async function getOnce<T>(path: string): Promise<T> {
  return json(await sendOnce("GET", path));
}

/** For what tries a secret: a wrong password is not a session that has ended. */
export async function tryOnce<T>(method: string, path: string, body: unknown): Promise<T> {
  return json(await sendOnce(method, path, body));
}

/** Pages of a list, one after the other, up to a number of items. */
export async function list<T>(path: string, most = 1000): Promise<T[]> {
  const items: T[] = [];
  let after = "";
  while (items.length < most) {
    const page = await get<List<T>>(`${path}?limit=200${after && `&after=${encodeURIComponent(after)}`}`);
    items.push(...page.items);
    if (!page.next || page.items.length === 0) break;
    after = page.next;
  }
  return items;
}

/** The whole log of a run that has ended: its event stream closes by itself. */
export async function eventLog(runId: string): Promise<RunEvent[]> {
  const answer = await send("GET", `/api/runs/${encodeURIComponent(runId)}/events?after=0`);
  const events: RunEvent[] = [];
  for (const line of (await answer.text()).split("\n")) {
    if (line.startsWith("data:")) events.push(JSON.parse(line.slice(5)) as RunEvent);
  }
  return events;
}

const hasStatus = (error: unknown, status: number): boolean =>
  error instanceof ApiError && error.problem.status === status;
export const isSignedOut = (error: unknown): boolean => hasStatus(error, 401);
export const isForbidden = (error: unknown): boolean => hasStatus(error, 403);
export const isNotFound = (error: unknown): boolean => hasStatus(error, 404);
