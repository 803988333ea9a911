// SPDX-License-Identifier: Apache-2.0
//
// The conversation: its runs, oldest first, and the composer below. A new
// question comes to the top of the view; after that scrolling is the reader's.

import { useEffect, useRef } from "preact/hooks";
import { Composer } from "./composer.tsx";
import type { Desk, DeskState } from "./desk.ts";
import { hasEnded } from "./run_state.ts";
import { RunView } from "./run_view.tsx";

const EXAMPLES = [
  "How can we reduce costs by 20 % without making anything worse?",
  "5-minute or 1-hour cache?",
  "Where does the money go?",
  "Audit our caching: what do we leave on the table?",
  "What could go to the batch API?",
];

const TOP_GAP_PX = 4;

interface ConversationProps {
  desk: Desk;
  state: DeskState;
  onShowData: () => void;
}

export function Conversation({ desk, state, onShowData }: ConversationProps) {
  const newest = state.runs.at(-1);
  const runs = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const last = runs.current?.lastElementChild;
    if (runs.current && last instanceof HTMLElement) runs.current.scrollTop = last.offsetTop - TOP_GAP_PX;
  }, [newest?.id]);

  const datasetName = (id: string | undefined): string | undefined =>
    id ? (state.datasets.find((dataset) => dataset.id === id)?.name ?? "data that was deleted") : undefined;
  return (
    <>
      <div class="runs" ref={runs}>
        {state.thread === "missing" && (
          <section class="welcome">
            <h1>There is no such conversation</h1>
            <p class="soft">It may have been deleted.</p>
          </section>
        )}
        {state.thread === "loading" && <p class="soft" aria-busy="true">Reading the conversation…</p>}
        {state.thread === "ready" && state.runs.length === 0 && (
          <Welcome desk={desk} state={state} onShowData={onShowData} />
        )}
        {state.runs.map((run) => (
          <RunView
            key={run.id}
            run={run}
            datasetName={datasetName(run.dataset)}
            isNewest={run === newest}
            onVisible={() => void desk.loadLog(run.id)}
            onStop={() => void desk.stopRun(run.id)}
            onAskAgain={() => void desk.ask(run.prompt)}
          />
        ))}
      </div>
      {state.thread !== "missing" && (
        <Composer
          datasets={state.datasets}
          chosen={state.chosen}
          isBusy={state.isAsking}
          isRunning={newest !== undefined && !hasEnded(newest)}
          onChoose={(id) => desk.choose(id)}
          onAsk={(prompt) => desk.ask(prompt)}
        />
      )}
    </>
  );
}

function Welcome({ desk, state, onShowData }: ConversationProps) {
  const hasData = state.datasets.some((dataset) => dataset.status === "ready");
  return (
    <section class="welcome">
      <h1>What should we change about our LLM calls, and what will it save?</h1>
      {!hasData && (
        <div class="first-step">
          <p>
            Answers are computed from usage records: a CSV, JSON or JSONL export of your calls. Drop a
            file anywhere on this page, or look around with the records of a made-up team.
          </p>
          <p class="buttons">
            <button type="button" class="primary" disabled={state.isSampling}
              onClick={() => void desk.addSample()}>
              {state.isSampling ? "Making sample data…" : "Try with sample data"}
            </button>
            <button type="button" onClick={() => {
              onShowData();
              document.getElementById("file-choice")?.click();
            }}>
              Choose a file
            </button>
          </p>
        </div>
      )}
      <h2>Ask, for example</h2>
      <ul class="examples">
        {EXAMPLES.map((example) => (
          <li key={example}>
            <button type="button" disabled={state.isAsking} onClick={() => void desk.ask(example)}>
              {example}
            </button>
          </li>
        ))}
      </ul>
    </section>
  );
}
