// SPDX-License-Identifier: Apache-2.0
//
// What the page is waiting for and when it tries again; what could not be done, with the id under
// which the server has logged it. The seconds are for the eyes only: those who listen hear each
// sentence once.

import type { Desk, DeskState } from "./desk.ts";
import { TraceId, useSecondsUntil } from "./form.tsx";
import { recovery } from "./http.ts";
import type { Wait } from "./recovery.ts";

export function RecoveryBar({ desk, state }: { desk: Desk; state: DeskState }) {
  const { wait, notice, connection } = state;
  return (
    <div class="bars">
      {wait && wait.reason !== "failed" && <WaitBar wait={wait} trouble={state.trouble} isFirst={state.session === "unknown"} />}
      {connection === "restarting" && (
        <p class="bar is-waiting" role="status">
          The server is being restarted. Questions that are at work go on when it is back.
        </p>
      )}
      {notice && (
        <div class="notice" role="alert">
          <span>
            {notice.text}
            {notice.traceId && <TraceId id={notice.traceId} />}
          </span>
          <button type="button" class="quiet" onClick={() => desk.dismissNotice()}>
            Dismiss
          </button>
        </div>
      )}
    </div>
  );
}

function sentence({ reason, problem }: Wait, trouble: string | undefined, isFirst: boolean): string {
  if (isFirst && problem.code === "UNREACHABLE") return "Perhaps it is being started.";
  if (reason === "limited") return "That was too much at once: the server asks to wait.";
  if (problem.code === "UNREACHABLE") return "The server cannot be reached. What is on the page can be read.";
  const why = trouble ?? problem.detail;
  const rest = isFirst ? "" : " What is on the page can be read.";
  return `The server cannot do this at the moment${why ? ` (${why})` : ""}.${rest}`;
}

interface WaitBarProps {
  wait: Wait;
  trouble: string | undefined;
  isFirst: boolean; // nothing is on the page yet
}

function WaitBar({ wait, trouble, isFirst }: WaitBarProps) {
  const seconds = useSecondsUntil(wait.untilMs);
  return (
    <div class="bar is-waiting" data-wait={wait.reason}>
      <span role="status">{sentence(wait, trouble, isFirst)}</span>
      <span class="bar-when">
        <span class="seconds" aria-hidden="true">
          {seconds > 0 ? `Waiting ${seconds} s` : "Trying again…"}
        </span>
        <button type="button" class="quiet" onClick={recovery.retryNow}>
          Now
        </button>
        <button type="button" class="quiet" onClick={recovery.cancel}>
          Cancel
        </button>
      </span>
    </div>
  );
}
