// SPDX-License-Identifier: Apache-2.0
//
// A run as the page shows it, computed from its events and from nothing else: the same log gives
// the same state whether it came live, after a reconnection or from the store. Pure: no clock, no
// network, no DOM; every function returns a new state or the one that it was given.
//
// Events are numbered without gaps. What was seen already changes nothing; an event from beyond
// the next one is refused (isGap), and the caller asks for what lies between.

import { applyModels, endModels, NO_MODEL_PART, type ModelQuestion, type RunText } from "./run_models.ts";
import type { ReportActivity, Run, RunEvent, RunStatus } from "./wire.ts";

/** The six steps of every run, in order. */
export const STEP_NAMES = [
  "user_input_received",
  "message_validated",
  "agent_selected",
  "agent_executed",
  "response_generated",
  "response_delivered",
] as const;

export interface Step {
  name: string;
  progress: "pending" | "active" | "done";
  durationMs?: number;
}

export interface ToolCall {
  id: string;
  name: string;
  progress: "active" | "done" | "failed";
  startedMs: number;
  durationMs?: number;
  args: string;
  outcome?: string; // "12 facts, 2 tables", or why it failed
  first?: { label: string; printed: string }[];
}

export interface Agent {
  id: string;
  name: string;
  progress: "active" | "done" | "failed";
  startedMs: number;
  durationMs?: number;
  reason?: string;
  tools: ToolCall[];
}

export interface RunState {
  id: string;
  threadId: string;
  prompt: string;
  dataset?: string;
  createdMs: number;
  status: RunStatus;
  lastSeq: number; // of the last event that is in here
  ahead?: number; // runs that get a place before this one, while it waits
  startedMs?: number;
  finishedMs?: number;
  steps: Step[];
  agents: Agent[];
  understood?: string;
  understoodBy?: string; // "provider/model", when one refined it
  questions: ModelQuestion[]; // to models, in the order of asking
  texts: RunText[];
  text: string; // of all of them, as it is read
  report?: ReportActivity;
  reason?: string;
}

export function hasEnded(run: RunState): boolean {
  return run.status === "finished" || run.status === "failed" || run.status === "cancelled";
}

export function isGap(run: RunState, event: RunEvent): boolean {
  return event.seq > run.lastSeq + 1;
}

const ms = (time: string): number => Date.parse(time);

function between(from: string, to: string | null | undefined): { durationMs?: number } {
  return to ? { durationMs: ms(to) - ms(from) } : {};
}

/** All that is known without the log. Its events, applied from the first one, replace it. */
export function runFromRecord(record: Run): RunState {
  const ended = record.status !== "queued" && record.status !== "running";
  const tools = (record.tool_calls ?? []).map(
    (call): ToolCall => ({
      id: call.id,
      name: call.name,
      progress: call.finished_at || ended ? "done" : "active",
      startedMs: ms(call.started_at),
      ...between(call.started_at, call.finished_at),
      args: "",
    }),
  );
  const agents = (record.agents ?? []).map(
    (agent, index): Agent => ({
      id: String(index),
      name: agent.name,
      progress: agent.finished_at || ended ? "done" : "active",
      startedMs: ms(agent.started_at),
      ...between(agent.started_at, agent.finished_at),
      tools: [],
    }),
  );
  for (const tool of tools) {
    const owner = agents.filter((agent) => agent.startedMs <= tool.startedMs).pop();
    owner?.tools.push(tool);
  }
  return {
    id: record.id,
    threadId: record.thread_id,
    prompt: record.prompt,
    ...(record.dataset ? { dataset: record.dataset } : {}),
    createdMs: ms(record.created_at),
    status: record.status,
    lastSeq: 0,
    ...(record.queue ? { ahead: record.queue.ahead } : {}),
    ...(record.started_at ? { startedMs: ms(record.started_at) } : {}),
    ...(record.finished_at ? { finishedMs: ms(record.finished_at) } : {}),
    steps: STEP_NAMES.map((name): Step => {
      const step = (record.steps ?? []).find((candidate) => candidate.name === name);
      if (!step) return { name, progress: "pending" };
      const taken =
        step.duration_us !== undefined
          ? { durationMs: step.duration_us / 1000 }
          : between(step.started_at, step.finished_at);
      return { name, progress: step.finished_at ? "done" : "active", ...taken };
    }),
    agents,
    ...NO_MODEL_PART,
    ...(record.report_id
      ? { report: { reportId: record.report_id, url: `/api/reports/${record.report_id}` } }
      : {}),
    ...(record.reason ? { reason: record.reason } : {}),
  };
}

function withStep(run: RunState, name: string, change: Omit<Step, "name">): RunState {
  return {
    ...run,
    steps: run.steps.map((step) => (step.name === name ? { ...step, ...change } : step)),
  };
}

function withAgent(run: RunState, id: string, change: (agent: Agent) => Agent): RunState {
  return {
    ...run,
    agents: run.agents.map((agent) => (agent.id === id ? change(agent) : agent)),
  };
}

function withTool(run: RunState, id: string, change: (tool: ToolCall) => ToolCall): RunState {
  return {
    ...run,
    agents: run.agents.map((agent) =>
      agent.tools.some((tool) => tool.id === id)
        ? { ...agent, tools: agent.tools.map((tool) => (tool.id === id ? change(tool) : tool)) }
        : agent,
    ),
  };
}

const counted = (count: unknown, one: string): string | undefined =>
  typeof count === "number" && count > 0 ? `${count} ${one}${count === 1 ? "" : "s"}` : undefined;

/** The content of a tool's result: counts and the first facts, or an error. */
function outcomeOf(content: string): Pick<ToolCall, "progress" | "outcome" | "first"> {
  let found: Record<string, unknown>;
  try {
    found = JSON.parse(content) as Record<string, unknown>;
  } catch {
    return { progress: "done" };
  }
  if (typeof found["error"] === "string") return { progress: "failed", outcome: found["error"] };
  const counts = [
    counted(found["facts"], "fact"),
    counted(found["tables"], "table"),
    counted(found["figures"], "figure"),
  ].filter((text) => text !== undefined);
  return {
    progress: "done",
    ...(counts.length ? { outcome: counts.join(", ") } : {}),
    ...(Array.isArray(found["first"]) ? { first: found["first"] as NonNullable<ToolCall["first"]> } : {}),
  };
}

/** What has not come to its end when the run does will not do so any more. */
function ended(run: RunState, status: RunStatus, finishedMs: number): RunState {
  const stop = <T extends Agent | ToolCall>(part: T): T =>
    part.progress === "active" ? { ...part, progress: status === "finished" ? "done" : "failed" } : part;
  return {
    ...endModels(run),
    status,
    finishedMs,
    agents: run.agents.map((agent) => ({ ...stop(agent), tools: agent.tools.map(stop) })),
  };
}

function started(run: RunState, event: RunEvent): RunState {
  const {
    reason: _reason,
    report: _report,
    understood: _understood,
    understoodBy: _by,
    finishedMs: _end,
    ...kept
  } = run;
  return {
    ...kept,
    status: "running",
    startedMs: event.timestamp,
    steps: STEP_NAMES.map((name) => ({ name, progress: "pending" })),
    agents: [],
    ...NO_MODEL_PART,
  };
}

/** Agents and their tools. */
function applyWork(run: RunState, event: RunEvent): RunState {
  const at = event.timestamp;
  switch (event.type) {
    case "SUBAGENT_STARTED": {
      const agent: Agent = {
        id: event.subagentRunId,
        name: event.name,
        progress: "active",
        startedMs: at,
        tools: [],
      };
      return { ...run, agents: [...run.agents, agent] };
    }
    case "SUBAGENT_FINISHED":
    case "SUBAGENT_ERROR": {
      const failure = event.type === "SUBAGENT_ERROR";
      return withAgent(run, event.subagentRunId, (agent) => ({
        ...agent,
        progress: failure ? "failed" : "done",
        durationMs: at - agent.startedMs,
        ...(failure && event.message ? { reason: event.message } : {}),
      }));
    }
    case "TOOL_CALL_START": {
      const tool: ToolCall = {
        id: event.toolCallId,
        name: event.toolCallName,
        progress: "active",
        startedMs: at,
        args: "",
      };
      const owner = event.subagentRunId ?? run.agents.at(-1)?.id ?? "";
      return withAgent(run, owner, (agent) => ({ ...agent, tools: [...agent.tools, tool] }));
    }
    case "TOOL_CALL_ARGS":
      return withTool(run, event.toolCallId, (tool) => ({ ...tool, args: tool.args + event.delta }));
    case "TOOL_CALL_RESULT":
      return withTool(run, event.toolCallId, (tool) => ({
        ...tool,
        ...outcomeOf(event.content),
        durationMs: at - tool.startedMs,
      }));
    default:
      return run;
  }
}

function understood(run: RunState, event: RunEvent & { type: "STATE_SNAPSHOT" }): RunState {
  const by = event.snapshot.by;
  if (!event.snapshot.text) return run;
  return { ...run, understood: event.snapshot.text, ...(by ? { understoodBy: by } : {}) };
}

function applyKnown(run: RunState, event: RunEvent): RunState {
  switch (event.type) {
    case "RUN_STARTED":
      return started(run, event);
    case "STEP_STARTED":
      return withStep(run, event.stepName, { progress: "active" });
    case "STEP_FINISHED":
      return withStep(run, event.stepName, {
        progress: "done",
        ...(event.durationUs !== undefined ? { durationMs: event.durationUs / 1000 } : {}),
      });
    case "STATE_SNAPSHOT":
      return understood(run, event);
    case "ACTIVITY_SNAPSHOT":
      return event.activityType === "netra.report" ? { ...run, report: event.content } : run;
    case "RUN_FINISHED": {
      const isCancelled = event.outcome?.type === "cancelled";
      return ended(run, isCancelled ? "cancelled" : "finished", event.timestamp);
    }
    case "RUN_ERROR":
      return { ...ended(run, "failed", event.timestamp), reason: event.message };
    default:
      return applyModels(applyWork(run, event), event);
  }
}

/** How many are before a run that waits. */
export function withPlace(run: RunState, ahead: number): RunState {
  return hasEnded(run) ? run : { ...run, ahead };
}

/** A run waits behind its acceptance: whatever else happens to it ends that. */
function begun(run: RunState, event: RunEvent): RunState {
  if (run.ahead === undefined || event.type === "RUN_STARTED") return run;
  const { ahead: _ahead, ...rest } = run;
  return rest;
}

/** The state after one more event. The same state when the event is in it, or comes too early. */
export function applyEvent(run: RunState, event: RunEvent): RunState {
  if (event.runId !== run.id || event.seq <= run.lastSeq || isGap(run, event)) return run;
  return { ...applyKnown(begun(run, event), event), lastSeq: event.seq };
}
