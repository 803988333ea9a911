// SPDX-License-Identifier: Apache-2.0
//
// What models have to do with a run, computed from its events: what they were asked and what came
// of it, and the texts, which may come while a model writes them and may be withdrawn. Pure, a part
// of run_state.ts.

import type { RunState } from "./run_state.ts";
import type { RunEvent } from "./wire.ts";

export interface ModelQuestion {
  index: number; // of the run, from 0
  purpose: string; // interpret, plan, write, repair
  prompt: string; // "write@1"
  progress: "active" | "done" | "failed";
  askedMs: number;
  durationMs?: number;
  provider?: string;
  model?: string;
  attempts?: number;
  inputTokens?: number;
  outputTokens?: number;
  costUsd?: string; // absent: unknown
  failure?: string; // why nothing came of it
  withdrawn?: string; // why the text that it wrote is gone
  agentId?: string; // who was at work when it was asked
  place: number; // tool calls of that agent before it; without an agent: agents before it
}

export interface RunText {
  id: string; // of the message
  text: string;
  isOpen: boolean; // more of it may come
  question?: number; // whose answer it is; absent: Netra's own words
}

type ModelPart = Pick<RunState, "questions" | "texts" | "text">;

export const NO_MODEL_PART: ModelPart = { questions: [], texts: [], text: "" };

const writes = (question: ModelQuestion): boolean =>
  question.purpose === "write" || question.purpose === "repair";

/** Who wrote the text that is shown; undefined while nobody is known to, and for Netra's own words. */
export function writerOf(run: RunState): ModelQuestion | undefined {
  const index = run.texts.at(-1)?.question;
  const question = run.questions.find((candidate) => candidate.index === index);
  return question?.progress === "done" && question.provider ? question : undefined;
}

function withTexts(run: RunState, texts: RunText[]): RunState {
  const text = texts.map((message) => message.text).filter((part) => part !== "").join("\n\n");
  return { ...run, texts, text };
}

function withQuestion(run: RunState, index: number, change: Partial<ModelQuestion>): RunState {
  return {
    ...run,
    questions: run.questions.map((question) =>
      question.index === index ? { ...question, ...change } : question,
    ),
  };
}

/** A text that begins while a question about it is open, or after its good answer, is the model's. */
function questionOfText(run: RunState): { question?: number } {
  const last = run.questions.filter(writes).at(-1);
  const isGood = last && last.progress !== "failed" && last.withdrawn === undefined;
  return isGood ? { question: last.index } : {};
}

function asked(run: RunState, event: RunEvent, value: Record<string, unknown>): RunState {
  const owner = run.agents.filter((agent) => agent.progress === "active").at(-1);
  const question: ModelQuestion = {
    index: Number(value["question"]),
    purpose: String(value["purpose"] ?? ""),
    prompt: String(value["prompt"] ?? ""),
    progress: "active",
    askedMs: event.timestamp,
    ...(owner ? { agentId: owner.id } : {}),
    place: owner ? owner.tools.length : run.agents.length,
  };
  const others = run.questions.filter((other) => other.index !== question.index);
  return { ...run, questions: [...others, question] };
}

const text = (value: unknown): string | undefined =>
  typeof value === "string" && value !== "" ? value : undefined;
const number = (value: unknown): number | undefined => (typeof value === "number" ? value : undefined);

function defined<T extends object>(members: { [K in keyof T]: T[K] | undefined }): Partial<T> {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as Partial<T>;
}

function answered(run: RunState, event: RunEvent, value: Record<string, unknown>): RunState {
  const question = run.questions.find((candidate) => candidate.index === value["question"]);
  if (!question) return run;
  const failure = text(value["failure"]);
  const cost = value["costUsd"];
  return withQuestion(run, question.index, {
    progress: failure === undefined ? "done" : "failed",
    durationMs: event.timestamp - question.askedMs,
    ...defined<Partial<ModelQuestion>>({
      provider: text(value["provider"]),
      model: text(value["model"]),
      attempts: number(value["attempts"]),
      inputTokens: number(value["inputTokens"]),
      outputTokens: number(value["outputTokens"]),
      costUsd: typeof cost === "number" ? String(cost) : text(cost),
      failure,
    }),
  });
}

function withdrawn(run: RunState, value: Record<string, unknown>): RunState {
  const gone = run.texts.find((message) => message.id === value["messageId"]);
  if (!gone) return run;
  const rest = withTexts(run, run.texts.filter((message) => message !== gone));
  const writer = gone.question ?? run.questions.filter(writes).at(-1)?.index;
  return writer === undefined
    ? rest
    : withQuestion(rest, writer, { withdrawn: text(value["reason"]) ?? "it was not allowed" });
}

/** After a restart a text that had not ended comes whole, in a new message. */
function resumed(run: RunState): RunState {
  return withTexts(run, run.texts.filter((message) => !message.isOpen));
}

function applyCustom(run: RunState, event: RunEvent & { type: "CUSTOM" }): RunState {
  const value = (event.value ?? {}) as Record<string, unknown>;
  switch (event.name) {
    case "netra.model_asked":
      return asked(run, event, value);
    case "netra.model_answered":
      return answered(run, event, value);
    case "netra.text_withdrawn":
      return withdrawn(run, value);
    case "netra.resumed":
      return resumed(run);
    default:
      return run; // netra.skipped: a number and nothing else
  }
}

/** Questions and texts. */
export function applyModels(run: RunState, event: RunEvent): RunState {
  switch (event.type) {
    case "CUSTOM":
      return applyCustom(run, event);
    case "TEXT_MESSAGE_START":
      return withTexts(run, [
        ...run.texts,
        { id: event.messageId, text: "", isOpen: true, ...questionOfText(run) },
      ]);
    case "TEXT_MESSAGE_CONTENT":
      return withTexts(
        run,
        run.texts.map((message) =>
          message.id === event.messageId ? { ...message, text: message.text + event.delta } : message,
        ),
      );
    case "TEXT_MESSAGE_END":
      return withTexts(
        run,
        run.texts.map((message) => (message.id === event.messageId ? { ...message, isOpen: false } : message)),
      );
    default:
      return run;
  }
}

/** Nothing more comes. */
export function endModels(run: RunState): RunState {
  return {
    ...run,
    questions: run.questions.map((question) =>
      question.progress === "active" ? { ...question, progress: "failed" } : question,
    ),
    texts: run.texts.map((message) => (message.isOpen ? { ...message, isOpen: false } : message)),
  };
}
