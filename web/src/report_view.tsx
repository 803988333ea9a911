// SPDX-License-Identifier: Apache-2.0
//
// The report in its place: the server's own HTML in a frame that runs no scripts and is as high as
// its content, so that it reads as part of the page. allow-same-origin lets this page measure it
// (and lets the frame carry the session); without allow-scripts nothing in it can act.

import { useEffect, useRef, useState } from "preact/hooks";
import type { ReportActivity } from "./wire.ts";

const FORMATS = [
  ["html", "HTML"],
  ["md", "Markdown"],
  ["csv", "CSV"],
  ["json", "JSON"],
] as const;

const FIRST_HEIGHT_PX = 480; // until the report has been measured

export function ReportView(props: { report: ReportActivity; isOpenAtFirst: boolean }) {
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
      {isOpen && <Frame address={`${address}.html`} />}
    </section>
  );
}

function Frame({ address }: { address: string }) {
  const frame = useRef<HTMLIFrameElement>(null);
  const [height, setHeight] = useState(FIRST_HEIGHT_PX);
  const watcher = useRef<ResizeObserver>();
  useEffect(() => () => watcher.current?.disconnect(), []);

  const measure = (): void => {
    const body = frame.current?.contentDocument?.body;
    if (!body) return;
    watcher.current?.disconnect();
    watcher.current = new ResizeObserver(() => setHeight(Math.ceil(body.getBoundingClientRect().height)));
    watcher.current.observe(body);
  };
  return (
    <iframe ref={frame} class="report-frame" title="Report" src={address} sandbox="allow-same-origin"
      style={{ height: `${height}px` }} onLoad={measure} />
  );
}
