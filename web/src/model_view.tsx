// SPDX-License-Identifier: Apache-2.0
//
// What a model was asked in a run and what came of it, as a line among the tool calls; and who wrote
// the summary.

import { count, duration, usd } from "./format.ts";
import type { ModelQuestion } from "./run_models.ts";

/** What people read of a question's purpose; the prompt's version is the tooltip. */
const PURPOSES: Record<string, string> = {
  interpret: "to check what was understood",
  plan: "what else to look at",
  write: "to write the summary",
  repair: "to write the summary again",
};

export const modelName = (question: ModelQuestion): string =>
  question.provider ? `${question.provider}/${question.model ?? ""}` : "a model";

/**
 * "9 ms, 2,310 tokens in, 412 out, $0.00213, 2 attempts"; what is unknown is not made up, and of an attempt that came to
 * nothing there is nothing to count.
 */
function price(question: ModelQuestion): string {
  const { durationMs, inputTokens, outputTokens, costUsd, attempts } = question;
  const isCounted = Boolean(inputTokens || outputTokens);
  const parts = [
    durationMs === undefined ? undefined : duration(durationMs),
    isCounted ? `${count(inputTokens ?? 0)} tokens in` : undefined,
    isCounted ? `${count(outputTokens ?? 0)} out` : undefined,
    costUsd === undefined ? (attempts ? "cost unknown" : undefined) : isCounted ? usd(costUsd) : undefined,
    attempts !== undefined && attempts > 1 ? `${attempts} attempts` : undefined,
  ];
  return parts.filter((part) => part !== undefined).join(", ");
}

/** A failure is told as a sentence of somebody else: it needs none of our full stops twice. */
const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

/** Why a text was refused, without the words that are not repeated and without the advice to the model. */
const plainly = (reason: string): string => sentence(reason.replace(/;.*$/s, "").replace(/:? \(?"…"\)?$/, ""));

/** What went wrong, and what was done about it. */
function noteOf(question: ModelQuestion, isLast: boolean): string | undefined {
  const { progress, purpose, failure, withdrawn, outputTokens } = question;
  const isText = purpose === "write" || purpose === "repair";
  const refusal = withdrawn ?? (isText && outputTokens ? failure : undefined);
  const goneOn = progress === "failed" && isLast ? " Netra wrote the summary itself." : "";
  if (refusal !== undefined) {
    const gone = withdrawn === undefined ? "Its text was refused" : "Its text was withdrawn";
    return `${gone}: ${plainly(refusal)}${goneOn}`;
  }
  if (failure === undefined) return undefined;
  const what = failure.startsWith("No model") ? "" : "Nothing came of it: ";
  return `${what}${sentence(failure)} The built-in analyst went on.`;
}

/** isLast: no model was asked anything after it. */
export function ModelLine({ question, isLast }: { question: ModelQuestion; isLast: boolean }) {
  const isAsking = question.progress === "active";
  const note = noteOf(question, isLast);
  return (
    <div class="model-text">
      <span title={question.prompt}>
        {isAsking ? "Asking" : "Asked"} <strong>{modelName(question)}</strong>{" "}
        {PURPOSES[question.purpose] ?? question.purpose}
        {isAsking && "…"}
      </span>{" "}
      {!isAsking && <span class="took">{price(question)}</span>}
      {note !== undefined && <p class="model-note">{note}</p>}
    </div>
  );
}

export function Byline({ writer }: { writer: ModelQuestion | undefined }) {
  return writer === undefined ? null : (
    <p class="byline soft small">
      Written by <strong>{modelName(writer)}</strong> from the facts of this report; every number in it is one of
      them.
    </p>
  );
}
