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

/** "2,310 tokens in, 412 out, $0.00213, 2 attempts"; what is unknown is not made up. */
function price(question: ModelQuestion): string {
  const { inputTokens, outputTokens, costUsd, attempts } = question;
  const parts = [
    inputTokens === undefined ? undefined : `${count(inputTokens)} tokens in`,
    outputTokens === undefined ? undefined : `${count(outputTokens)} out`,
    costUsd !== undefined ? usd(costUsd) : attempts ? "cost unknown" : undefined,
    attempts !== undefined && attempts > 1 ? `${attempts} attempts` : undefined,
  ];
  return parts.filter((part) => part !== undefined).join(", ");
}

/** A failure is told as a sentence of somebody else: it needs none of our full stops twice. */
const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`);

export function ModelLine({ question }: { question: ModelQuestion }) {
  const { progress, failure, withdrawn, durationMs } = question;
  const isAsking = progress === "active";
  return (
    <div class="model-text">
      <span title={question.prompt}>
        {isAsking ? "Asking" : "Asked"} <strong>{modelName(question)}</strong>{" "}
        {PURPOSES[question.purpose] ?? question.purpose}
        {isAsking && "…"}
      </span>{" "}
      {durationMs !== undefined && <span class="took">{duration(durationMs)}</span>}{" "}
      {!isAsking && <span class="soft">{price(question)}</span>}
      {withdrawn !== undefined && (
        <p class="model-note">A text of the model was refused: {sentence(withdrawn)}</p>
      )}
      {failure !== undefined && withdrawn === undefined && (
        <p class="model-note">Nothing came of it: {sentence(failure)} The built-in analyst went on.</p>
      )}
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
