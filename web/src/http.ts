// SPDX-License-Identifier: Apache-2.0
//
// Requests to the server. Every failure is an ApiError that carries a problem (RFC 9457), also when
// the server could not be reached or an answer came from something else on the way.

import type { List, Problem, RunEvent } from "./wire.ts";

export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail || problem.title);
  }
}

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

/** The problem that a body of an unsuccessful answer states, or one made from its status. */
export function problemOf(status: number, body: string): ApiError {
  try {
    const problem = JSON.parse(body) as Problem;
    if (typeof problem.code === "string") return new ApiError(problem);
  } catch {
    // Not ours: a proxy's page, or nothing.
  }
  return new ApiError({
    title: "Failed",
    status,
    code: "INTERNAL_ERROR",
    detail: `The server answered with status ${status}`,
  });
}

async function send(method: string, path: string, body?: unknown): Promise<Response> {
  let answer: Response;
  try {
    answer = await fetch(path, {
      method,
      credentials: "same-origin",
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { "Content-Type": "application/json" } }),
    });
  } catch {
    throw unreachable();
  }
  if (!answer.ok) throw problemOf(answer.status, await answer.text().catch(() => ""));
  return answer;
}

export async function get<T>(path: string): Promise<T> {
  return (await (await send("GET", path)).json()) as T;
}

export async function post<T>(path: string, body?: unknown): Promise<T> {
  return (await (await send("POST", path, body)).json()) as T;
}

export async function remove(path: string): Promise<void> {
  await send("DELETE", path);
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

export const isSignedOut = (error: unknown): boolean =>
  error instanceof ApiError && error.problem.status === 401;
export const isNotFound = (error: unknown): boolean =>
  error instanceof ApiError && error.problem.status === 404;
