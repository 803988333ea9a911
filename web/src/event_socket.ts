// SPDX-License-Identifier: Apache-2.0
//
// The WebSocket over which events of running runs come. It comes back by itself when it drops
// (exponential back-off with full jitter; at once when the browser is online again) and then
// resumes every run that is followed after the last event that was seen. What arrives twice or too
// early is the reducer's matter (run_state.ts).
//
//     connecting → open → (drop) → waiting → connecting …        stop(): closed for good

import type { CustomEvent, RunEvent } from "./wire.ts";

export type Connection = "connecting" | "open" | "waiting" | "closed";

const PROTOCOL = "ag-ui.v1+json";
const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15_000;
const PING_EVERY_MS = 20_000; // the server's own pings cannot be seen from here
const PONG_WITHIN_MS = 8_000;

export interface EventSocketHandlers {
  onEvent(event: RunEvent): void;
  onAnswer(answer: CustomEvent): void;
  onConnection(connection: Connection): void;
  /** A connection could not be made: perhaps nobody is signed in any more. */
  onRefused(): void;
}

export class EventSocket {
  private socket: WebSocket | undefined;
  private readonly followed = new Map<string, () => number>();
  private failures = 0;
  private retryTimer: number | undefined;
  private pingTimer: number | undefined;
  private pongTimer: number | undefined;
  private isStopped = false;

  constructor(private readonly handlers: EventSocketHandlers) {}

  start(): void {
    this.isStopped = false;
    window.addEventListener("online", this.retryNow);
    this.connect();
  }

  stop(): void {
    this.isStopped = true;
    window.removeEventListener("online", this.retryNow);
    window.clearTimeout(this.retryTimer);
    this.drop();
    this.handlers.onConnection("closed");
  }

  /** Events of the run from lastSeq() + 1, now and after every reconnection, until unfollow. */
  follow(runId: string, lastSeq: () => number): void {
    this.followed.set(runId, lastSeq);
    this.resume(runId);
  }

  unfollow(runId: string): void {
    this.followed.delete(runId);
  }

  unfollowAll(): void {
    this.followed.clear();
  }

  /** Asks again for what comes after the last event that was seen. */
  resume(runId: string): void {
    const lastSeq = this.followed.get(runId);
    if (lastSeq) this.send({ type: "resume", runId, lastSeq: lastSeq() });
  }

  readonly retryNow = (): void => {
    if (this.isStopped || this.socket) return;
    window.clearTimeout(this.retryTimer);
    this.connect();
  };

  private send(message: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  private connect(): void {
    this.handlers.onConnection("connecting");
    const address = new URL("/ws", window.location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address, PROTOCOL);
    let wasOpen = false;
    this.socket = socket;
    socket.onopen = () => {
      wasOpen = true;
      this.handlers.onConnection("open");
      this.pingTimer = window.setInterval(() => this.ping(), PING_EVERY_MS);
      for (const runId of this.followed.keys()) this.resume(runId);
    };
    socket.onmessage = (message) => {
      this.failures = 0;
      window.clearTimeout(this.pongTimer);
      this.receive(String(message.data));
    };
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.drop();
      this.retryLater();
      if (!wasOpen) this.handlers.onRefused();
    };
  }

  private receive(text: string): void {
    const message = JSON.parse(text) as RunEvent | CustomEvent;
    if (message.seq === undefined) this.handlers.onAnswer(message);
    else this.handlers.onEvent(message);
  }

  private ping(): void {
    this.send({ type: "ping" });
    window.clearTimeout(this.pongTimer);
    this.pongTimer = window.setTimeout(() => {
      this.drop();
      this.retryLater();
    }, PONG_WITHIN_MS);
  }

  private drop(): void {
    window.clearInterval(this.pingTimer);
    window.clearTimeout(this.pongTimer);
    const socket = this.socket;
    this.socket = undefined;
    socket?.close();
  }

  private retryLater(): void {
    if (this.isStopped) return;
    const longest = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** this.failures++);
    this.handlers.onConnection("waiting");
    window.clearTimeout(this.retryTimer);
    this.retryTimer = window.setTimeout(this.retryNow, Math.random() * longest);
  }
}
