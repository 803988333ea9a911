// SPDX-License-Identifier: Apache-2.0
//
// One question and what becomes of it: the six steps, the agents and their tools as they work, what
// was understood, the summary, the report.

import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { duration, moment } from "./format.ts";
import { CheckIcon, CrossIcon } from "./icons.tsx";
import { Byline, ModelLine } from "./model_view.tsx";
import { ReportView } from "./report_view.tsx";
import { writerOf, type ModelQuestion } from "./run_models.ts";
import { hasEnded, type Agent, type RunState, type Step, type ToolCall } from "./run_state.ts";

/** What people call the steps; the protocol's name is their tooltip. */
const STEP_TEXTS: Record<string, string> = {
  user_input_received: "Received",
  message_validated: "Understood",
  agent_selected: "Agents chosen",
  agent_executed: "Analysed",
  response_generated: "Written",
  response_delivered: "Delivered",
};

const stepText = (name: string): string => STEP_TEXTS[name] ?? name;
const spaced = (name: string): string => name.replaceAll("_", " ");

interface RunViewProps {
  run: RunState;
  datasetName: string | undefined;
  isNewest: boolean;
  onVisible: () => void;
  onStop: (() => void) | undefined; // undefined: one may not
  onAskAgain: (() => void) | undefined;
}

export function RunView({ run, datasetName, isNewest, onVisible, onStop, onAskAgain }: RunViewProps) {
  const element = useRef<HTMLElement>(null);
  const isOver = hasEnded(run);
  useEffect(() => {
    if (!element.current) return;
    const watcher = new IntersectionObserver((seen) => {
      if (seen.some((entry) => entry.isIntersecting)) onVisible();
    });
    watcher.observe(element.current);
    return () => watcher.disconnect();
  }, [run.id, isOver]);
  const took =
    run.finishedMs !== undefined && run.startedMs !== undefined ? run.finishedMs - run.startedMs : undefined;
  return (
    <article class={`run is-${run.status}`} ref={element} aria-label={`Question: ${run.prompt}`}
      aria-busy={!isOver} data-run={run.id} data-status={run.status} data-seq={run.lastSeq}>
      <header class="question">
        <p class="prompt">{run.prompt}</p>
        <p class="soft small">
          <time dateTime={new Date(run.createdMs).toISOString()}>{moment(run.createdMs, Date.now())}</time>
          {" · "}
          {datasetName ?? "no data"}
          {took !== undefined && ` · ${duration(took)}`}
        </p>
      </header>
      <div class="progress">
        <Steps steps={run.steps} isOver={isOver} />
        {!isOver && onStop && (
          <button type="button" class="stop" onClick={onStop}>
            Stop
          </button>
        )}
      </div>
      {run.ahead !== undefined && !isOver && <p class="queue soft" data-ahead={run.ahead}>{placeText(run.ahead)}</p>}
      <p class="hidden" role="status" aria-live="polite">
        {spoken(run)}
      </p>
      {run.understood && (
        <p class="understood">
          <span class="soft">Understood as</span> {run.understood}
          {run.understoodBy && <span class="soft"> (with {run.understoodBy})</span>}
        </p>
      )}
      {(run.agents.length > 0 || run.questions.length > 0) && (
        <Work agents={run.agents} questions={run.questions} isOver={isOver} />
      )}
      {run.text && <Summary text={run.text} isOpen={!isOver} />}
      {run.text && isOver && <Byline writer={writerOf(run)} />}
      {run.status === "failed" && (
        <Outcome title="This run failed" reason={run.reason} onAskAgain={onAskAgain} />
      )}
      {run.status === "cancelled" && (
        <Outcome title="Stopped" reason={run.reason} onAskAgain={onAskAgain} />
      )}
      {run.report && (
        <ReportView report={run.report} isOpenAtFirst={isNewest} isSummaryShown={run.text !== ""} />
      )}
    </article>
  );
}

function placeText(ahead: number): string {
  return ahead === 0 ? "Waiting for a free place: you are next." : `Waiting for a free place: ${ahead} ahead of you.`;
}

/** For those who listen: one short sentence per change. */
function spoken(run: RunState): string {
  if (run.ahead !== undefined && !hasEnded(run)) return placeText(run.ahead);
  if (run.status === "finished") return "The report is ready.";
  if (run.status === "failed") return `The run failed. ${run.reason ?? ""}`;
  if (run.status === "cancelled") return "The run was stopped.";
  const question = run.questions.at(-1);
  if (question?.progress === "active") return "A model is being asked.";
  if (question?.withdrawn && run.text === "") return "A text of the model was refused and withdrawn.";
  const step = run.steps.filter((candidate) => candidate.progress !== "pending").at(-1);
  return step ? `Step: ${stepText(step.name)}.` : "Waiting to begin.";
}

function Steps({ steps, isOver }: { steps: Step[]; isOver: boolean }) {
  const now = isOver ? -1 : steps.findIndex((step) => step.progress !== "done");
  return (
    <ol class="steps" aria-label="Steps">
      {steps.map((step, index) => (
        <li key={step.name} data-step={step.name} title={step.name}
          class={`is-${step.progress}${index === now ? " is-now" : ""}`}
          aria-current={index === now ? "step" : undefined}>
          <span class="step-name">{stepText(step.name)}</span>
          {step.durationMs !== undefined && <span class="step-time">{duration(step.durationMs)}</span>}
        </li>
      ))}
    </ol>
  );
}

const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? "" : "s"}`;

interface WorkProps {
  agents: Agent[];
  questions: ModelQuestion[];
  isOver: boolean;
}

/** Agents with their tools; questions to models stand where they were asked. */
function Work({ agents, questions, isOver }: WorkProps) {
  const [isOpen, setIsOpen] = useState(!isOver);
  const calls = agents.reduce((sum, agent) => sum + agent.tools.length, 0);
  const ofAgent = (id: string | undefined): ModelQuestion[] =>
    questions.filter((question) => question.agentId === id);
  const last = questions.at(-1);
  const parts = [
    counted(agents.length, "agent"),
    ...(calls > 0 ? [counted(calls, "tool call")] : []),
    ...(questions.length > 0 ? [counted(questions.length, "question") + " to a model"] : []),
  ];
  return (
    <details class="work" open={isOpen} onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary>{parts.join(", ")}</summary>
      <ul class="agents">
        {between(agents, ofAgent(undefined), last, (agent) => (
          <li key={agent.id} data-agent={agent.name}>
            <p class="agent">
              <Mark progress={agent.progress} />
              <span class="agent-name">{spaced(agent.name)}</span>
              <Took ms={agent.durationMs} />
              {agent.reason && <span class="bad">{agent.reason}</span>}
            </p>
            <Calls tools={agent.tools} questions={ofAgent(agent.id)} last={last} />
          </li>
        ))}
      </ul>
    </details>
  );
}

/** Rows with the questions that were asked before, between and behind them. */
function between<T>(
  rows: T[],
  questions: ModelQuestion[],
  last: ModelQuestion | undefined,
  draw: (row: T) => VNode,
): VNode[] {
  const at = (place: number): VNode[] =>
    questions
      .filter((question) => question.place === place)
      .map((question) => (
        <li key={`q${question.index}`} data-question={question.purpose} class={`model is-${question.progress}`}>
          <Mark progress={question.progress} />
          <ModelLine question={question} isLast={question === last} />
        </li>
      ));
  return [...rows.flatMap((row, index) => [...at(index), draw(row)]), ...at(rows.length)];
}

interface CallsProps {
  tools: ToolCall[];
  questions: ModelQuestion[];
  last: ModelQuestion | undefined; // of the run
}

function Calls({ tools, questions, last }: CallsProps) {
  if (tools.length === 0 && questions.length === 0) return null;
  return <ul class="tools">{between(tools, questions, last, (tool) => <Tool key={tool.id} tool={tool} />)}</ul>;
}

function Tool({ tool }: { tool: ToolCall }) {
  const facts = (tool.first ?? []).slice(0, 3);
  return (
    <li data-tool={tool.name} class={`is-${tool.progress}`}>
      <Mark progress={tool.progress} />
      <code title={tool.args && tool.args !== "{}" ? tool.args : undefined}>{tool.name}</code>
      <Took ms={tool.durationMs} />
      {facts.length > 0 ? (
        <span class="found" title={tool.outcome}>
          {facts.map((fact) => `${fact.label} ${fact.printed}`).join(" · ")}
        </span>
      ) : (
        tool.outcome && <span class={tool.progress === "failed" ? "bad" : "soft"}>{tool.outcome}</span>
      )}
    </li>
  );
}

function Mark({ progress }: { progress: "active" | "done" | "failed" }) {
  const words = { active: "at work", done: "done", failed: "failed" }[progress];
  return (
    <span class={`mark is-${progress}`}>
      {progress === "done" && <CheckIcon />}
      {progress === "failed" && <CrossIcon />}
      <span class="hidden">{words}: </span>
    </span>
  );
}

function Took({ ms }: { ms: number | undefined }) {
  return ms === undefined ? null : <span class="took">{duration(ms)}</span>;
}

function Summary({ text, isOpen }: { text: string; isOpen: boolean }) {
  return (
    <div class={`summary${isOpen ? " is-writing" : ""}`}>
      {text
        .split(/\n+/)
        .filter((line) => line.trim() !== "")
        .map((line, index) => (
          <p key={index}>{line}</p>
        ))}
    </div>
  );
}

interface OutcomeProps {
  title: string;
  reason: string | undefined;
  onAskAgain: (() => void) | undefined;
}

function Outcome(props: OutcomeProps) {
  return (
    <div class="outcome">
      <p>
        <strong>{props.title}</strong>
        {props.reason && <span>{props.reason}</span>}
      </p>
      {props.onAskAgain && (
        <button type="button" onClick={props.onAskAgain}>
          Ask again
        </button>
      )}
    </div>
  );
}
