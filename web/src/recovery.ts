// SPDX-License-Identifier: Apache-2.0
//
// What is done about a request that failed, in one place. The server says by which of five ways a
// problem is recovered from (docs/protocol.md, "Errors"); decide() turns that into the next step, and
// Recovery takes it:
//
//     redirect_to_login     the sign-in is shown over the page; then the request is made again
//     exponential_backoff   waits (Retry-After, or doubled each time, with jitter), again if safe
//     failover              the same; meanwhile the page goes on with what it has and says why
//     return_error          the message goes to its field; never again by itself
//     log_and_retry         once more if safe, then the message with the id of its trace
//
// Safe is what may be sent twice without doing anything twice: a GET, or a request that carries an
// Idempotency-Key. A wait can be seen, cut short and cancelled. No DOM here.

import type { Problem } from "./wire.ts";

export class ApiError extends Error {
  constructor(readonly problem: Problem) {
    super(problem.detail || problem.title);
  }
}

export type Reason = "limited" | "away" | "failed";

export type Step = { do: "stop" } | { do: "sign_in" } | { do: "wait"; ms: number; reason: Reason };

export interface Tried {
  attempts: number; // that were made, 1 or more
  isSafe: boolean;
  wasLost?: boolean; // an attempt before the last got no answer: it may be at work still
}

const ATTEMPTS_MAX = 8;
const ATTEMPTS_AFTER_A_BUG_MAX = 2;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
const LONGEST_RETRY_AFTER_MS = 300_000;

const HANDLINGS: Record<string, string> = {
  AUTH_FAILED: "redirect_to_login",
  RATE_LIMITED: "exponential_backoff",
  SERVICE_UNAVAILABLE: "failover",
  UNREACHABLE: "failover", // the page's own: there was no answer
  INTERNAL_ERROR: "log_and_retry",
};

/**
 * Between half of a time that doubles and the whole of it, so that many pages do not come back
 * together; never before the server said. random: 0 to 1.
 */
export function backoffMs(attempts: number, retryAfterS: number | undefined, random: number): number {
  const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(attempts - 1, 16));
  const own = longest / 2 + (random * longest) / 2;
  if (retryAfterS === undefined) return own;
  const asked = Math.min(LONGEST_RETRY_AFTER_MS, retryAfterS * 1000);
  return Math.max(own, asked + random * Math.min(1000, asked / 4));
}

export function decide(problem: Problem, tried: Tried, random: number): Step {
  const wait = (reason: Reason, most: number): Step =>
    tried.isSafe && tried.attempts < most
      ? { do: "wait", ms: backoffMs(tried.attempts, problem.retry_after_s, random), reason }
      : { do: "stop" };
  switch (HANDLINGS[problem.code] ?? "return_error") {
    case "redirect_to_login":
      return { do: "sign_in" };
    case "exponential_backoff":
      return wait("limited", ATTEMPTS_MAX);
    case "failover":
      return wait("away", ATTEMPTS_MAX);
    case "log_and_retry":
      return wait("failed", ATTEMPTS_AFTER_A_BUG_MAX);
    default:
      // 409 to the repetition of a request whose answer was lost: the first is under way still.
      return problem.status === 409 && tried.wasLost ? wait("away", ATTEMPTS_MAX) : { do: "stop" };
  }
}

/** What a socket that closed asks for (docs/protocol.md, "WebSocket"). */
export type SocketStep = "check_session" | "at_once" | "back_off";

export function socketStep(code: number, wasOpen: boolean): SocketStep {
  if (code === 1008 || !wasOpen) return "check_session";
  return code === 1012 || code === 1001 ? "at_once" : "back_off";
}

/** Retry-After in seconds; it may also be a date. */
export function retryAfterS(header: string | null, nowMs: number): number | undefined {
  if (header === null || header.trim() === "") return undefined;
  const seconds = /^\d{1,9}$/.test(header.trim()) ? Number(header) : (Date.parse(header) - nowMs) / 1000;
  return Number.isFinite(seconds) ? Math.max(0, seconds) : undefined;
}

/**
 * Messages by the member that they are about: {"/prompt": "…"}; "" is the whole. What was refused for
 * want of the right password is about that: "needs:password".
 */
export function fieldErrors(error: unknown): Record<string, string> {
  if (!(error instanceof ApiError)) return {};
  const found: Record<string, string> = {};
  if (error.problem.needs === "password") found["needs:password"] = error.problem.detail;
  for (const { pointer, detail } of error.problem.errors ?? []) found[pointer ?? ""] ??= detail;
  return found;
}

export interface Wait {
  reason: Reason;
  problem: Problem;
  untilMs: number; // performance.now() of the next attempt
}

interface Waiting extends Wait {
  end: (isAgain: boolean) => void;
}

export class Recovery {
  private waiting: Waiting[] = [];
  private signIns: ((isSame: boolean) => void)[] = [];
  onWaits: () => void = () => {};
  onSignedOut: () => void = () => {};

  /** The wait that ends first. */
  get wait(): Wait | undefined {
    return this.waiting.reduce<Waiting | undefined>(
      (first, other) => (first && first.untilMs <= other.untilMs ? first : other),
      undefined,
    );
  }

  /** Makes attempts until one succeeds, or what went wrong is for the caller to say. */
  async through<T>(isSafe: boolean, attempt: () => Promise<T>): Promise<T> {
    let wasLost = false;
    for (let attempts = 1; ; attempts++) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof ApiError)) throw error;
        const step = decide(error.problem, { attempts, isSafe, wasLost }, Math.random());
        wasLost ||= error.problem.code === "UNREACHABLE";
        if (step.do === "stop") throw error;
        const isAgain =
          step.do === "sign_in" ? await this.untilSignedIn() : await this.waitFor(step.ms, step.reason, error.problem);
        if (!isAgain) throw error;
        if (step.do === "sign_in") attempts = 0;
      }
    }
  }

  private untilSignedIn(): Promise<boolean> {
    const signedIn = new Promise<boolean>((resolve) => this.signIns.push(resolve));
    this.onSignedOut();
    return signedIn;
  }

  private waitFor(ms: number, reason: Reason, problem: Problem): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => waiting.end(true), ms);
      const waiting: Waiting = {
        reason,
        problem,
        untilMs: performance.now() + ms,
        end: (isAgain) => {
          clearTimeout(timer);
          this.waiting = this.waiting.filter((other) => other !== waiting);
          this.onWaits();
          resolve(isAgain);
        },
      };
      this.waiting.push(waiting);
      this.onWaits();
    });
  }

  /** Everything that waits is tried at once. */
  readonly retryNow = (): void => {
    for (const waiting of this.waiting) waiting.end(true);
  };

  /** Nothing that waits is tried again: what asked for it hears of the problem. */
  readonly cancel = (): void => {
    for (const waiting of this.waiting) waiting.end(false);
  };

  /** isSame: the same person in the same workspace, so that what failed may be done again. */
  signedIn(isSame: boolean): void {
    const resolves = this.signIns;
    this.signIns = [];
    for (const resolve of resolves) resolve(isSame);
  }
}
