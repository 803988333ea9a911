// SPDX-License-Identifier: Apache-2.0
//
// The live events of running runs. They come over a WebSocket, which comes back by itself when it
// drops (as its close code asks for: recovery.ts; at once when the browser is online again) and then
// resumes every run that is followed after the last event that was seen. Where no WebSocket gets
// through several times in a row, each run's event stream over HTTP takes its place until one does.
// What arrives twice or too early is the reducer's matter (run_state.ts).
//
//     connecting → open → (drop) → waiting → connecting …        stop(): closed for good
//                              └── restarting: the server said that it comes back
//                  streaming: HTTP instead, while sockets are tried in the background

import { openEventStream } from "./event_stream.ts";
import { isSignedOut } from "./http.ts";
import { backoffMs, socketStep } from "./recovery.ts";
import { services } from "./services.ts";
import type { CustomEvent, RunEvent } from "./wire.ts";

export type Connection = "connecting" | "open" | "waiting" | "restarting" | "streaming" | "closed";

const PROTOCOL = "ag-ui.v1+json";
const RESTART_JITTER_MS = 400;
const STREAM_AFTER_FAILURES = 4; // the drop, and three attempts
const PING_EVERY_MS = 20_000; // the server's own pings cannot be seen from here
const PONG_WITHIN_MS = 8_000;

export interface EventSocketHandlers {
  onEvent(event: RunEvent): void;
  onAnswer(answer: CustomEvent): void;
  onConnection(connection: Connection): void;
  /** A connection was refused or ended by the server: perhaps nobody is signed in any more. */
  onRefused(): void;
}

export class EventSocket {
  private socket: WebSocket | undefined;
  private readonly followed = new Map<string, () => number>();
  private readonly streams = new Map<string, () => void>(); // to stop them
  private isStreaming = false;
  private failures = 0; // in a row, of sockets
  private attempts = 0; // that wait for a ticket: the last one counts
  private retryTimer: number | undefined;
  private pingTimer: number | undefined;
  private pongTimer: number | undefined;
  private isStopped = true;

  constructor(private readonly handlers: EventSocketHandlers) {}

  start(): void {
    if (!this.isStopped) return;
    this.isStopped = false;
    window.addEventListener("online", this.retryNow);
    this.connect();
  }

  stop(): void {
    this.isStopped = true;
    window.removeEventListener("online", this.retryNow);
    window.clearTimeout(this.retryTimer);
    this.stopStreams();
    this.drop();
    this.handlers.onConnection("closed");
  }

  /** Events of the run from lastSeq() + 1, now and after every reconnection, until unfollow. */
  follow(runId: string, lastSeq: () => number): void {
    this.followed.set(runId, lastSeq);
    this.resume(runId);
    if (this.isStreaming) this.stream(runId);
  }

  unfollow(runId: string): void {
    this.followed.delete(runId);
    this.streams.get(runId)?.();
    this.streams.delete(runId);
  }

  unfollowAll(): void {
    for (const runId of [...this.followed.keys()]) this.unfollow(runId);
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

  private tell(connection: Connection): void {
    this.handlers.onConnection(this.isStreaming ? "streaming" : connection);
  }

  private send(message: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  private connect(): void {
    this.tell("connecting");
    if (!services.isSplit) return this.open(new URL("/ws", window.location.href));
    const attempt = ++this.attempts;
    const isStale = (): boolean => this.isStopped || this.socket !== undefined || attempt !== this.attempts;
    services.openAddress("/ws").then(
      (found) => {
        if (isStale()) return;
        if (found instanceof URL) return this.open(found);
        this.retryLater(false);
        if (found.status === 401) this.handlers.onRefused();
      },
      () => {
        if (!isStale()) this.retryLater(false);
      },
    );
  }

  private open(address: URL): void {
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address, PROTOCOL);
    let wasOpen = false;
    this.socket = socket;
    socket.onopen = () => {
      wasOpen = true;
      this.pingTimer = window.setInterval(() => this.ping(), PING_EVERY_MS);
      if (this.isStreaming) this.ping(); // only what answers takes the place of streams that work
      else this.handlers.onConnection("open");
      for (const runId of this.followed.keys()) this.resume(runId);
    };
    socket.onmessage = (message) => {
      this.failures = 0;
      if (this.isStreaming) {
        this.stopStreams();
        this.handlers.onConnection("open");
      }
      window.clearTimeout(this.pongTimer);
      this.receive(String(message.data));
    };
    socket.onclose = (event) => {
      if (this.socket !== socket) return;
      this.drop();
      const step = socketStep(event.code, wasOpen);
      this.retryLater(step === "at_once");
      if (step === "check_session") this.handlers.onRefused();
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
      this.retryLater(false);
    }, PONG_WITHIN_MS);
  }

  private drop(): void {
    window.clearInterval(this.pingTimer);
    window.clearTimeout(this.pongTimer);
    const socket = this.socket;
    this.socket = undefined;
    socket?.close();
  }

  private retryLater(isRestart: boolean): void {
    if (this.isStopped) return;
    this.failures++;
    if (this.failures >= STREAM_AFTER_FAILURES) {
      for (const runId of this.followed.keys()) this.stream(runId);
    }
    const isFirst = isRestart && this.failures === 1;
    this.tell(isRestart ? "restarting" : "waiting");
    window.clearTimeout(this.retryTimer);
    this.retryTimer = window.setTimeout(
      this.retryNow,
      isFirst ? Math.random() * RESTART_JITTER_MS : backoffMs(this.failures, undefined, Math.random()),
    );
  }

  private stream(runId: string): void {
    const lastSeq = this.followed.get(runId);
    if (!lastSeq || this.streams.has(runId)) return;
    const stop = openEventStream(runId, {
      lastSeq,
      onEvent: this.handlers.onEvent,
      onOpen: () => {
        this.isStreaming = true;
        this.tell("streaming");
      },
      onTrouble: (problem) => {
        if (isSignedOut(problem)) this.handlers.onRefused();
      },
    });
    this.streams.set(runId, stop);
  }

  private stopStreams(): void {
    for (const stop of this.streams.values()) stop();
    this.streams.clear();
    this.isStreaming = false;
  }
}
