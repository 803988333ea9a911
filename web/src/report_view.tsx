// SPDX-License-Identifier: Apache-2.0
//
// The report in its place: the server's own HTML in a frame that runs no scripts and is as high as
// its content, so that it reads as part of the page. allow-same-origin lets this page measure it
// (and lets the frame carry the session); without allow-scripts nothing in it can act. What the page
// has said already (the question, the summary) is not shown again in the frame; the report that is
// opened or saved has it.
//
// Where the backend is another origin (services.ts), a frame of it could not be measured, and brings
// no token: the page reads the report and gives it to the frame as text (report_text.ts).

import { useEffect, useRef, useState } from "preact/hooks";
import { describe, getBlob, post, problemIn } from "./http.ts";
import { adoptStyles, reportText, type ReportText } from "./report_text.ts";
import { save } from "./saving.ts";
import { services } from "./services.ts";
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
  const [failure, setFailure] = useState<string>();
  const { reportId } = props.report;
  const address = `/api/reports/${encodeURIComponent(reportId)}`;
  return (
    <section class="report" aria-label="Report" data-report={reportId}>
      <header>
        <button type="button" class="quiet" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)}>
          {isOpen ? "Hide report" : "Show report"}
        </button>
        <p class="downloads">
          <a href={`${address}.html`} target="_blank" rel="noopener" onClick={instead(() => openApart(address), setFailure)}>
            Open
          </a>
          <span class="soft">Save as</span>
          {FORMATS.map(([suffix, name]) => (
            <a key={suffix} href={`${address}.${suffix}`} download={`netra-report.${suffix}`}
              onClick={instead(() => save(`${address}.${suffix}`, `netra-report.${suffix}`), setFailure)}>
              {name}
            </a>
          ))}
        </p>
      </header>
      {failure !== undefined && (
        <p class="bad small" role="alert">
          {failure}
        </p>
      )}
      <NumberCheck address={address} />
      {isOpen && <Frame address={`${address}.html`} isSummaryShown={props.isSummaryShown} />}
    </section>
  );
}

/** What a link does where its address alone gets nothing: a browser sends no token with it. */
function instead(act: () => Promise<void>, tell: (failure: string | undefined) => void) {
  return (event: Event): void => {
    if (!services.isSplit) return;
    event.preventDefault();
    tell(undefined);
    act().catch((error: unknown) => tell(describe(error)));
  };
}

/** The tab is opened within the click, or the browser would take it for a pop-up. */
async function openApart(address: string): Promise<void> {
  const tab = window.open("", "_blank");
  try {
    const found = await services.openAddress(`${address}.html`);
    if (!(found instanceof URL)) throw await problemIn(found);
    if (!tab) throw new Error("The browser opened no tab");
    tab.opener = null;
    tab.location.replace(found);
  } catch (error) {
    tab?.close();
    throw error;
  }
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
  const read = useReportText(address);
  const watcher = useRef<ResizeObserver>();
  useEffect(() => () => watcher.current?.disconnect(), []);
  useEffect(() => {
    if (frame.current?.contentDocument) leaveOut(frame.current.contentDocument, isSummaryShown);
  }, [isSummaryShown]);

  const measure = (): void => {
    const body = frame.current?.contentDocument?.body;
    if (!body) return;
    if (read.text) adoptStyles(body.ownerDocument, read.text.styles);
    leaveOut(body.ownerDocument, isSummaryShown);
    watcher.current?.disconnect();
    watcher.current = new ResizeObserver(() => setHeight(Math.ceil(body.getBoundingClientRect().height)));
    watcher.current.observe(body);
  };
  if (read.failure !== undefined) {
    return (
      <p class="bad small" role="alert">
        {read.failure}
      </p>
    );
  }
  if (services.isSplit && !read.text) return null;
  return (
    <iframe ref={frame} class="report-frame" title="Report" sandbox="allow-same-origin"
      {...(read.text ? { srcdoc: read.text.html } : { src: address })}
      style={{ height: `${height}px` }} onLoad={measure} />
  );
}

interface Read {
  text?: ReportText;
  failure?: string;
}

/** The report as text, where the frame cannot read it itself. */
function useReportText(address: string): Read {
  const [read, setRead] = useState<Read>({});
  useEffect(() => {
    if (!services.isSplit) return;
    let isWanted = true;
    getBlob(address)
      .then((blob) => blob.text())
      .then(
        (html) => isWanted && setRead({ text: reportText(html) }),
        (error: unknown) => isWanted && setRead({ failure: describe(error) }),
      );
    return () => {
      isWanted = false;
    };
  }, [address]);
  return read;
}
