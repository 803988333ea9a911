// SPDX-License-Identifier: Apache-2.0
//
// The events of one run over HTTP (server-sent events): what the page falls back to where WebSockets
// do not get through. A stream that breaks off is asked for again after the last event that was seen.

import { problemOf } from "./http.ts";
import { ApiError, backoffMs } from "./recovery.ts";
import { services } from "./services.ts";
import type { RunEvent } from "./wire.ts";

/** Bytes of an event stream, however they are cut, into the data of whole events. */
export class StreamReader {
  private rest = "";
  private data: string[] = [];

  push(piece: string): string[] {
    const found: string[] = [];
    const lines = (this.rest + piece).split("\n");
    this.rest = lines.pop() ?? "";
    for (const raw of lines) {
      const line = raw.endsWith("\r") ? raw.slice(0, -1) : raw;
      if (line.startsWith("data:")) this.data.push(line.slice(5).trimStart());
      else if (line === "" && this.data.length > 0) {
        found.push(this.data.join("\n"));
        this.data = [];
      }
    }
    return found;
  }
}

export interface EventStreamHandlers {
  lastSeq(): number;
  onEvent(event: RunEvent): void;
  onOpen(): void;
  /** It could not be opened, or broke off; it is tried again by itself. */
  onTrouble(problem: ApiError | undefined): void;
}

/** Reads until the run has ended or the function that is returned is called. */
export function openEventStream(runId: string, handlers: EventStreamHandlers): () => void {
  const control = new AbortController();
  void readAgain(runId, handlers, control.signal);
  return () => control.abort();
}

async function readAgain(runId: string, handlers: EventStreamHandlers, signal: AbortSignal): Promise<void> {
  for (let failures = 0; !signal.aborted; ) {
    const before = handlers.lastSeq();
    const problem = await readOnce(runId, handlers, signal);
    if (signal.aborted) return;
    failures = handlers.lastSeq() > before ? 1 : failures + 1;
    handlers.onTrouble(problem);
    const ms = backoffMs(failures, problem?.problem.retry_after_s, Math.random());
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
}

async function readOnce(
  runId: string,
  handlers: EventStreamHandlers,
  signal: AbortSignal,
): Promise<ApiError | undefined> {
  try {
    const address = `/api/runs/${encodeURIComponent(runId)}/events?after=${handlers.lastSeq()}`;
    const answer = await services.fetch(address, { signal });
    if (!answer.ok || !answer.body) {
      return problemOf(answer.status, await answer.text(), answer.headers.get("Retry-After"));
    }
    handlers.onOpen();
    const lines = new StreamReader();
    const bytes = answer.body.getReader();
    const decoder = new TextDecoder();
    for (;;) {
      const { done, value } = await bytes.read();
      if (done) return undefined;
      for (const data of lines.push(decoder.decode(value, { stream: true }))) {
        handlers.onEvent(JSON.parse(data) as RunEvent);
      }
    }
  } catch {
    return undefined; // broken off, or told to stop
  }
}
