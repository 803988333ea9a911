// SPDX-License-Identifier: Apache-2.0
//
// The report in its place: the server's own HTML in a frame that runs no scripts and is as high as
// its content, so that it reads as part of the page. allow-same-origin lets this page measure it
// (and lets the frame carry the session); without allow-scripts nothing in it can act. What the page
// has said already (the question, the summary) is not shown again in the frame; the report that is
// opened or saved has it.

import { useEffect, useRef, useState } from "preact/hooks";
import { describe, post } from "./http.ts";
import type { Recomputation, ReportActivity } from "./wire.ts";

const FORMATS = [
  ["html", "HTML"],
  ["md", "Markdown"],
  ["csv", "CSV"],
  ["json", "JSON"],
] as const;

const FIRST_HEIGHT_PX = 480; // until the report has been measured

interface ReportViewProps {
  report: ReportActivity;
  isOpenAtFirst: boolean;
  isSummaryShown: boolean; // on the page, above the report
}

export function ReportView(props: ReportViewProps) {
  const [isOpen, setIsOpen] = useState(props.isOpenAtFirst);
  const { reportId } = props.report;
  const address = `/api/reports/${encodeURIComponent(reportId)}`;
  return (
    <section class="report" aria-label="Report" data-report={reportId}>
      <header>
        <button type="button" class="quiet" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
          {isOpen ? "Hide report" : "Show report"}
        </button>
        <p class="downloads">
          <a href={`${address}.html`} target="_blank" rel="noopener">
            Open
          </a>
          <span class="soft">Save as</span>
          {FORMATS.map(([suffix, name]) => (
            <a key={suffix} href={`${address}.${suffix}`} download={`netra-report.${suffix}`}>
              {name}
            </a>
          ))}
        </p>
      </header>
      <NumberCheck address={address} />
      {isOpen && <Frame address={`${address}.html`} isSummaryShown={props.isSummaryShown} />}
    </section>
  );
}

/** Has the server derive every number again from the records, and says what came out. */
function NumberCheck({ address }: { address: string }) {
  const [state, setState] = useState<"idle" | "working" | Recomputation | { failure: string }>("idle");
  const check = (): void => {
    setState("working");
    post<Recomputation>(`${address}/recompute`).then(setState, (error: unknown) =>
      setState({ failure: describe(error) }),
    );
  };
  return (
    <p class="number-check" aria-live="polite">
      <button type="button" class="quiet" disabled={state === "working"} onClick={check}>
        {state === "working" ? "Deriving…" : "Check the numbers"}
      </button>
      {typeof state === "object" && <span class="soft">{"failure" in state ? state.failure : verdict(state)}</span>}
    </p>
  );
}

function verdict({ facts, different, missing, differences }: Recomputation): string {
  if (!different && !missing) return `All ${facts} facts were derived again from the records: the same, to the last digit.`;
  const named = differences.map((d) => `${d.id}: ${d.in_report}, now ${d.again}`).join("; ");
  return `${different} of ${facts} facts differ, ${missing} are new. ${named}`;
}

/** Hides in the report what stands above it on the page. */
function leaveOut(report: Document, isSummaryShown: boolean): void {
  const hide = (selector: string, isHidden: boolean): void => {
    for (const element of report.querySelectorAll<HTMLElement>(selector)) element.hidden = isHidden;
  };
  hide("main > header > .brand, main > header > h1", true);
  hide("main > header > .meta > :nth-child(-n + 2), #summary > .tiles ~ ul", isSummaryShown);
  hide("#summary > ul ~ p.soft", isSummaryShown); // who wrote it
  const main = report.querySelector("main");
  if (main) main.style.padding = "1rem";
}

function Frame({ address, isSummaryShown }: { address: string; isSummaryShown: boolean }) {
  const frame = useRef<HTMLIFrameElement>(null);
  const [height, setHeight] = useState(FIRST_HEIGHT_PX);
  const watcher = useRef<ResizeObserver>();
  useEffect(() => () => watcher.current?.disconnect(), []);
  useEffect(() => {
    if (frame.current?.contentDocument) leaveOut(frame.current.contentDocument, isSummaryShown);
  }, [isSummaryShown]);

  const measure = (): void => {
    const body = frame.current?.contentDocument?.body;
    if (!body) return;
    leaveOut(body.ownerDocument, isSummaryShown);
    watcher.current?.disconnect();
    watcher.current = new ResizeObserver(() => setHeight(Math.ceil(body.getBoundingClientRect().height)));
    watcher.current.observe(body);
  };
  return (
    <iframe ref={frame} class="report-frame" title="Report" src={address} sandbox="allow-same-origin"
      style={{ height: `${height}px` }} onLoad={measure} />
  );
}
