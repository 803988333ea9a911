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
  const mayAsk = desk.may("run");
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
            onStop={mayAsk ? () => void desk.stopRun(run.id) : undefined}
            onAskAgain={mayAsk ? () => void desk.ask(run.prompt) : undefined}
          />
        ))}
      </div>
      {state.thread !== "missing" && mayAsk && (
        <Composer
          text={state.draft}
          errors={state.askErrors}
          datasets={state.datasets}
          chosen={state.chosen}
          isBusy={state.isAsking}
          isRunning={newest !== undefined && !hasEnded(newest)}
          onText={(text) => desk.writeDraft(text)}
          onChoose={(id) => desk.choose(id)}
          onAsk={() => desk.askDraft()}
        />
      )}
      {state.thread !== "missing" && !mayAsk && (
        <p class="looks-on soft">
          You are a {state.me?.role ?? "viewer"} in {state.me?.workspace.name ?? "this workspace"}: questions are asked by analysts and admins.
        </p>
      )}
    </>
  );
}

function Welcome({ desk, state, onShowData }: ConversationProps) {
  const hasData = state.datasets.some((dataset) => dataset.status === "ready");
  const mayAsk = desk.may("run");
  return (
    <section class="welcome">
      <h1>What should we change about our LLM calls, and what will it save?</h1>
      {!hasData && desk.may("data") && (
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
      {mayAsk && <h2>Ask, for example</h2>}
      <ul class="examples" hidden={!mayAsk}>
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
