// SPDX-License-Identifier: Apache-2.0
//
// The reducer: a whole run, event by event; each event once whatever is sent twice, late or early;
// runs that end otherwise; what a stored record says without its log.

import assert from "node:assert/strict";
import { test } from "node:test";
import {
  applyEvent,
  hasEnded,
  isGap,
  runFromRecord,
  STEP_NAMES,
  withPlace,
  type RunState,
} from "../src/run_state.ts";
import type { Run, RunEvent } from "../src/wire.ts";

const RECORD: Run = {
  id: "run-1",
  thread_id: "thread-1",
  status: "queued",
  prompt: "5-minute or 1-hour cache?",
  dataset: "data-1",
  created_at: "2026-11-23T10:00:00.000000Z",
  last_seq: 0,
};

type Unnumbered<T> = T extends unknown ? Omit<T, "runId" | "seq" | "timestamp"> : never;

/** Numbers events as the server does; each is 10 ms after the one before. */
function logOf(events: Unnumbered<RunEvent>[]): RunEvent[] {
  return events.map(
    (event, index) => ({ ...event, runId: "run-1", seq: index + 1, timestamp: 1000 + 10 * index }) as RunEvent,
  );
}

const step = (name: string): Unnumbered<RunEvent>[] => [
  { type: "STEP_STARTED", stepName: name },
  { type: "STEP_FINISHED", stepName: name, durationUs: 2500 },
];

const WHOLE_RUN = logOf([
  { type: "RUN_STARTED", threadId: "thread-1" },
  ...step("user_input_received"),
  ...step("message_validated"),
  { type: "STATE_SNAPSHOT", snapshot: { text: "cache_audit" } },
  ...step("agent_selected"),
  { type: "STEP_STARTED", stepName: "agent_executed" },
  { type: "SUBAGENT_STARTED", subagentRunId: "a1", name: "data" },
  { type: "TOOL_CALL_START", toolCallId: "t1", toolCallName: "dataset_profile", subagentRunId: "a1" },
  { type: "TOOL_CALL_ARGS", toolCallId: "t1", delta: '{"a"' },
  { type: "TOOL_CALL_ARGS", toolCallId: "t1", delta: ":1}" },
  { type: "TOOL_CALL_END", toolCallId: "t1" },
  {
    type: "TOOL_CALL_RESULT",
    toolCallId: "t1",
    content: '{"facts":12,"tables":1,"figures":0,"first":[{"label":"spend","printed":"$1.00"}]}',
  },
  { type: "SUBAGENT_FINISHED", subagentRunId: "a1" },
  { type: "SUBAGENT_STARTED", subagentRunId: "a2", name: "optimisation" },
  { type: "TOOL_CALL_START", toolCallId: "t2", toolCallName: "cache_audit", subagentRunId: "a2" },
  { type: "TOOL_CALL_RESULT", toolCallId: "t2", content: '{"error":"there are no prefix hashes"}' },
  { type: "SUBAGENT_ERROR", subagentRunId: "a2", message: "no tool was left" },
  { type: "STEP_FINISHED", stepName: "agent_executed", durationUs: 90_000 },
  { type: "STEP_STARTED", stepName: "response_generated" },
  { type: "TEXT_MESSAGE_START", messageId: "m" },
  { type: "TEXT_MESSAGE_CONTENT", messageId: "m", delta: "Two requests. " },
  { type: "TEXT_MESSAGE_CONTENT", messageId: "m", delta: "They cost $1.00." },
  { type: "TEXT_MESSAGE_END", messageId: "m" },
  { type: "STEP_FINISHED", stepName: "response_generated", durationUs: 4000 },
  {
    type: "ACTIVITY_SNAPSHOT",
    activityType: "netra.report",
    content: { reportId: "report-1", url: "/api/reports/report-1" },
  },
  ...step("response_delivered"),
  { type: "RUN_FINISHED", outcome: { type: "success" }, result: { reportId: "report-1" } },
]);

const replay = (events: RunEvent[], from: RunState = runFromRecord(RECORD)): RunState =>
  events.reduce(applyEvent, from);

test("a whole run becomes its steps, agents, tools, words and report", () => {
  const run = replay(WHOLE_RUN);
  assert.equal(run.status, "finished");
  assert.equal(run.lastSeq, WHOLE_RUN.length);
  assert.deepEqual(run.steps.map((s) => s.name), [...STEP_NAMES]);
  assert.ok(run.steps.every((s) => s.progress === "done" && s.durationMs !== undefined));
  assert.equal(run.steps[3]?.durationMs, 90);
  assert.equal(run.understood, "cache_audit");
  assert.equal(run.text, "Two requests. They cost $1.00.");
  assert.equal(run.report?.reportId, "report-1");
  assert.deepEqual(run.agents.map((a) => [a.name, a.progress]), [["data", "done"], ["optimisation", "failed"]]);
  assert.equal(run.agents[1]?.reason, "no tool was left");
  const [profile] = run.agents[0]!.tools;
  assert.equal(profile?.args, '{"a":1}');
  assert.equal(profile?.outcome, "12 facts, 1 table");
  assert.equal(profile?.durationMs, 40);
  assert.deepEqual(profile?.first, [{ label: "spend", printed: "$1.00" }]);
  const [audit] = run.agents[1]!.tools;
  assert.equal(audit?.progress, "failed");
  assert.equal(audit?.outcome, "there are no prefix hashes");
});

test("the state never changes in place, so every event can be drawn", () => {
  let run = runFromRecord(RECORD);
  for (const event of WHOLE_RUN) {
    const before = structuredClone(run);
    const after = applyEvent(run, event);
    assert.deepEqual(run, before);
    assert.notEqual(after, run);
    run = after;
  }
});

test("broken off anywhere and resumed from the start or the last event: the same state", () => {
  const expected = replay(WHOLE_RUN);
  for (let cut = 0; cut <= WHOLE_RUN.length; cut++) {
    const half = replay(WHOLE_RUN.slice(0, cut));
    assert.deepEqual(replay(WHOLE_RUN.slice(half.lastSeq), half), expected, `resumed after ${cut}`);
    assert.deepEqual(replay(WHOLE_RUN, half), expected, `repeated after ${cut}`);
  }
});

test("an event from beyond the next one is a gap and changes nothing", () => {
  const half = replay(WHOLE_RUN.slice(0, 5));
  assert.ok(isGap(half, WHOLE_RUN[6]!));
  assert.equal(applyEvent(half, WHOLE_RUN[6]!), half);
  assert.ok(!isGap(half, WHOLE_RUN[5]!));
  assert.ok(!isGap(half, WHOLE_RUN[2]!));
});

test("events of another run and of types unknown here do no harm", () => {
  const run = replay(WHOLE_RUN.slice(0, 3));
  assert.equal(applyEvent(run, { ...WHOLE_RUN[3]!, runId: "run-2" }), run);
  const strange = { type: "STATE_DELTA", delta: [], runId: "run-1", seq: 4, timestamp: 5 };
  const after = applyEvent(run, strange as unknown as RunEvent);
  assert.deepEqual({ ...after, lastSeq: 3 }, run);
});

test("cancelled: what was at work has stopped, and no step is called done that was not", () => {
  const events = logOf([
    { type: "RUN_STARTED", threadId: "thread-1" },
    { type: "STEP_STARTED", stepName: "agent_executed" },
    { type: "SUBAGENT_STARTED", subagentRunId: "a1", name: "data" },
    { type: "TOOL_CALL_START", toolCallId: "t1", toolCallName: "dataset_profile" },
    { type: "RUN_FINISHED", outcome: { type: "cancelled" } },
  ]);
  const run = replay(events);
  assert.equal(run.status, "cancelled");
  assert.ok(hasEnded(run));
  assert.equal(run.steps[3]?.progress, "active");
  assert.equal(run.steps[4]?.progress, "pending");
  assert.equal(run.agents[0]?.progress, "failed");
  assert.equal(run.agents[0]?.tools[0]?.progress, "failed");
});

test("failed: the reason is shown", () => {
  const run = replay(
    logOf([
      { type: "RUN_STARTED", threadId: "thread-1" },
      { type: "RUN_ERROR", message: "the disk is full", code: "INTERNAL_ERROR" },
    ]),
  );
  assert.equal(run.status, "failed");
  assert.equal(run.reason, "the disk is full");
});

test("a result that is no JSON is a result all the same", () => {
  const events = logOf([
    { type: "RUN_STARTED", threadId: "thread-1" },
    { type: "SUBAGENT_STARTED", subagentRunId: "a1", name: "data" },
    { type: "TOOL_CALL_START", toolCallId: "t1", toolCallName: "dataset_profile" },
    { type: "TOOL_CALL_RESULT", toolCallId: "t1", content: "half a senten" },
  ]);
  assert.equal(replay(events).agents[0]?.tools[0]?.progress, "done");
});

test("a stored record alone shows steps, agents and tools; its log replaces them", () => {
  const record: Run = {
    ...RECORD,
    status: "finished",
    started_at: "2026-11-23T10:00:00.000000Z",
    finished_at: "2026-11-23T10:00:01.500000Z",
    report_id: "report-1",
    last_seq: WHOLE_RUN.length,
    steps: STEP_NAMES.map((name) => ({
      name,
      started_at: "2026-11-23T10:00:00.000000Z",
      finished_at: "2026-11-23T10:00:00.100000Z",
      duration_us: 100_000,
    })),
    agents: [
      { name: "data", started_at: "2026-11-23T10:00:00.010000Z", finished_at: "2026-11-23T10:00:00.050000Z" },
      { name: "reporting", started_at: "2026-11-23T10:00:00.060000Z", finished_at: null },
    ],
    tool_calls: [{ id: "t1", name: "dataset_profile", started_at: "2026-11-23T10:00:00.020000Z" }],
  };
  const run = runFromRecord(record);
  assert.ok(hasEnded(run));
  assert.equal(run.lastSeq, 0);
  assert.equal(run.finishedMs! - run.startedMs!, 1500);
  assert.ok(run.steps.every((s) => s.progress === "done" && s.durationMs === 100));
  assert.deepEqual(run.agents.map((a) => [a.name, a.progress, a.tools.length]), [
    ["data", "done", 1],
    ["reporting", "done", 0],
  ]);
  assert.equal(run.report?.reportId, "report-1");
  const replayed = replay(WHOLE_RUN, run);
  assert.equal(replayed.text, "Two requests. They cost $1.00.");
  assert.deepEqual(replayed.agents, replay(WHOLE_RUN).agents);
});

test("a run that waits says how many are ahead, until anything else happens to it", () => {
  const waiting = runFromRecord({ ...RECORD, queue: { ahead: 3 } });
  assert.equal(waiting.ahead, 3);
  const accepted = applyEvent(waiting, WHOLE_RUN[0]!);
  assert.equal(accepted.ahead, 3, "it is accepted before it has a place");
  assert.equal(withPlace(accepted, 1).ahead, 1);
  assert.equal("ahead" in applyEvent(withPlace(accepted, 1), WHOLE_RUN[1]!), false);
  const over = WHOLE_RUN.reduce(applyEvent, waiting);
  assert.equal(withPlace(over, 2), over, "what has ended waits for nothing");
});
