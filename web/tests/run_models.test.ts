// SPDX-License-Identifier: Apache-2.0
//
// Models in a run: questions and what came of them, text that comes as it is written, text that is
// withdrawn, numbers without an event; who wrote what is shown.

import assert from "node:assert/strict";
import { test } from "node:test";
import { usd } from "../src/format.ts";
import { writerOf } from "../src/run_models.ts";
import { applyEvent, runFromRecord, type RunState } from "../src/run_state.ts";
import type { Run, RunEvent } from "../src/wire.ts";

const RECORD: Run = {
  id: "run-1",
  thread_id: "thread-1",
  status: "queued",
  prompt: "Where does the money go?",
  created_at: "2026-11-23T10:00:00.000000Z",
  last_seq: 0,
};

type Unnumbered<T> = T extends unknown ? Omit<T, "runId" | "seq" | "timestamp"> : never;
type Event = Unnumbered<RunEvent>;

const custom = (name: string, value: object): Event => ({ type: "CUSTOM", name: `netra.${name}`, value });
const asked = (question: number, purpose: string): Event =>
  custom("model_asked", { question, purpose, prompt: `${purpose}@1` });
const answered = (question: number, purpose: string, more: object = {}): Event =>
  custom("model_answered", {
    question, purpose, prompt: `${purpose}@1`, provider: "anthropic", model: "claude-haiku-4-5",
    attempts: 1, inputTokens: 2310, outputTokens: 412, costUsd: "0.00437", ...more,
  });
const begin = (messageId: string): Event => ({ type: "TEXT_MESSAGE_START", messageId });
const piece = (messageId: string, delta: string): Event => ({ type: "TEXT_MESSAGE_CONTENT", messageId, delta });
const end = (messageId: string): Event => ({ type: "TEXT_MESSAGE_END", messageId });
const START: Event = { type: "RUN_STARTED", threadId: "thread-1" };
const FINISH: Event = { type: "RUN_FINISHED", outcome: { type: "success" } };

function replay(events: Event[]): RunState {
  const log = events.map(
    (event, index) => ({ ...event, runId: "run-1", seq: index + 1, timestamp: 1000 + 10 * index }) as RunEvent,
  );
  const run = log.reduce(applyEvent, runFromRecord(RECORD));
  assert.equal(run.lastSeq, events.length, "every event has been taken");
  return run;
}

test("a text comes as it is written and is the model's", () => {
  const beginning: Event[] = [START, asked(0, "write"), begin("m"), piece("m", "Most of it "), piece("m", "goes")];
  const half = replay(beginning);
  assert.equal(half.text, "Most of it goes");
  assert.equal(half.texts[0]?.isOpen, true);
  assert.equal(writerOf(half), undefined, "nobody has answered yet");
  const whole = replay([...beginning, piece("m", " to chat."), answered(0, "write"), end("m"), FINISH]);
  assert.equal(whole.text, "Most of it goes to chat.");
  assert.equal(writerOf(whole)?.model, "claude-haiku-4-5");
  assert.deepEqual(
    whole.questions.map((q) => [q.progress, q.durationMs, q.inputTokens, q.outputTokens, q.costUsd]),
    [["done", 50, 2310, 412, "0.00437"]],
  );
});

test("a text that is withdrawn disappears, and the repaired one takes its place", () => {
  const events: Event[] = [
    START, asked(0, "write"), begin("m1"), piece("m1", "It will be"),
    custom("text_withdrawn", { messageId: "m1", reason: "a number that no fact carries: 42" }),
    answered(0, "write", { failure: "the text was refused" }),
  ];
  const gone = replay(events);
  assert.equal(gone.text, "");
  assert.equal(gone.questions[0]?.withdrawn, "a number that no fact carries: 42");
  const repaired = replay([
    ...events, asked(1, "repair"), begin("m2"), piece("m2", "It is less."), answered(1, "repair"), end("m2"), FINISH,
  ]);
  assert.equal(repaired.text, "It is less.");
  assert.equal(writerOf(repaired)?.purpose, "repair");
});

test("after two refusals the words are Netra's own", () => {
  const run = replay([
    START,
    asked(0, "write"), begin("m1"), piece("m1", "x"), custom("text_withdrawn", { messageId: "m1", reason: "r" }),
    answered(0, "write", { failure: "refused" }),
    asked(1, "repair"), answered(1, "repair", { failure: "refused" }),
    begin("m2"), piece("m2", "Own words."), end("m2"), FINISH,
  ]);
  assert.equal(run.text, "Own words.");
  assert.equal(writerOf(run), undefined);
});

test("nobody answers: the failure is kept, nothing is made up", () => {
  const run = replay([
    START, asked(0, "interpret"),
    custom("model_answered", { question: 0, purpose: "interpret", prompt: "interpret@1", attempts: 0, failure: "all are down" }),
    begin("m"), piece("m", "Own words."), end("m"), FINISH,
  ]);
  const [question] = run.questions;
  assert.equal(question?.progress, "failed");
  assert.equal(question?.failure, "all are down");
  assert.equal(question?.provider, undefined);
  assert.equal(question?.costUsd, undefined);
  assert.equal(writerOf(run), undefined);
});

test("a question stands where it was asked", () => {
  const run = replay([
    START, asked(0, "interpret"), answered(0, "interpret"),
    { type: "SUBAGENT_STARTED", subagentRunId: "a1", name: "data" },
    { type: "SUBAGENT_FINISHED", subagentRunId: "a1" },
    { type: "SUBAGENT_STARTED", subagentRunId: "a2", name: "optimisation" },
    { type: "TOOL_CALL_START", toolCallId: "t1", toolCallName: "cache_audit", subagentRunId: "a2" },
    asked(1, "plan"), answered(1, "plan"),
    { type: "SUBAGENT_FINISHED", subagentRunId: "a2" },
    asked(2, "write"),
  ]);
  assert.deepEqual(run.questions.map((q) => [q.agentId, q.place]), [[undefined, 0], ["a2", 1], [undefined, 2]]);
});

test("numbers without an event change nothing but the number", () => {
  const run = replay([START, begin("m"), piece("m", "a"), custom("skipped", {}), custom("skipped", {}), piece("m", "b")]);
  assert.equal(run.text, "ab");
  assert.equal(run.questions.length, 0);
});

test("after a restart the text comes whole, once", () => {
  const run = replay([
    START, asked(0, "write"), begin("m1"), piece("m1", "Most of"), custom("skipped", {}), custom("resumed", { attempt: 1 }),
    begin("m2"), piece("m2", "Most of it goes to chat."), end("m2"), answered(0, "write"), FINISH,
  ]);
  assert.equal(run.text, "Most of it goes to chat.");
});

test("a question that is open when the run ends has failed", () => {
  const run = replay([START, asked(0, "write"), begin("m"), { type: "RUN_FINISHED", outcome: { type: "cancelled" } }]);
  assert.equal(run.questions[0]?.progress, "failed");
  assert.equal(run.texts[0]?.isOpen, false);
});

test("who refined what was understood is named", () => {
  const run = replay([
    START,
    { type: "STATE_SNAPSHOT", snapshot: { text: "cost" } },
    { type: "STATE_SNAPSHOT", snapshot: { text: "cost −20 %", by: "openai/gpt-5-mini" } },
  ]);
  assert.equal(run.understood, "cost −20 %");
  assert.equal(run.understoodBy, "openai/gpt-5-mini");
});

test("money is shown with the digits that tell something", () => {
  assert.equal(usd("0"), "$0.00");
  assert.equal(usd("0.002134500000"), "$0.00213");
  assert.equal(usd("0.0000071"), "$0.0000071");
  assert.equal(usd("12.3456"), "$12.35");
  assert.equal(usd("unknown"), "unknown");
});
