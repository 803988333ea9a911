// SPDX-License-Identifier: Apache-2.0
//
// Settings, audit log (admins): who did what, newest first. Each line carries a hash over itself and
// the one before; the server can compute the whole chain anew.

import { useState } from "preact/hooks";
import { Failure, useAction } from "./form.tsx";
import { count, counted, timestamp } from "./format.ts";
import { get } from "./http.ts";
import { Reading, Section, useLoaded } from "./settings_parts.tsx";
import type { AuditCheck, AuditLine } from "./wire.ts";

const PAGE = 50;

interface AuditPageOfLines {
  items: AuditLine[];
  next?: number | string | null;
}

const readPage = (before?: number | string): Promise<AuditPageOfLines> =>
  get(`/api/audit?limit=${PAGE}${before === undefined ? "" : `&before=${before}`}`);

export function AuditPage() {
  const first = useLoaded(() => readPage());
  const [older, setOlder] = useState<AuditPageOfLines[]>([]);
  const [wanted, setWanted] = useState("");
  const action = useAction();
  const pages = [...(first.value ? [first.value] : []), ...older];
  const lines = pages.flatMap((page) => page.items);
  const next = pages.at(-1)?.next ?? undefined;
  const actions = [...new Set(lines.map((line) => line.action))].sort();
  const shown = wanted === "" ? lines : lines.filter((line) => line.action === wanted);
  const more = (): void =>
    void action.run(async () => {
      const page = await readPage(next);
      setOlder((before) => [...before, page]);
    });
  return (
    <>
      <Chain />
      <Section title="What was done">
        <Reading of={first} />
        {lines.length > 0 && (
          <p class="preview-row">
            <label class="dataset-choice">
              <span class="soft small">Show</span>
              <select value={wanted} onChange={(event) => setWanted(event.currentTarget.value)}>
                <option value="">everything</option>
                {actions.map((name) => (
                  <option key={name} value={name}>
                    {name}
                  </option>
                ))}
              </select>
            </label>
            <span class="soft small" role="status">
              {counted(shown.length, "line")}
              {next !== undefined && " so far"}
            </span>
          </p>
        )}
        <ol class="audit">
          {shown.map((line) => (
            <Line key={line.n} line={line} />
          ))}
        </ol>
        <Failure action={action} />
        {next !== undefined && (
          <p>
            <button type="button" disabled={action.isBusy} onClick={more}>
              {action.isBusy ? "Reading…" : "Older lines"}
            </button>
          </p>
        )}
      </Section>
    </>
  );
}

function Line({ line }: { line: AuditLine }) {
  const detail = line.detail === null || line.detail === undefined ? "" : JSON.stringify(line.detail);
  return (
    <li data-action={line.action}>
      <span class="soft small audit-n">{count(line.n)}</span>
      <span class="audit-what">
        <strong>{line.action}</strong> {line.target && <span>{line.target}</span>}
        <span class="soft small row-note">
          {[timestamp(line.time), line.actor ?? "nobody", line.address].filter(Boolean).join(" · ")}
        </span>
        {detail !== "" && detail !== "{}" && <code class="soft row-note">{detail}</code>}
      </span>
    </li>
  );
}

function Chain() {
  const [result, setResult] = useState<AuditCheck>();
  const action = useAction();
  return (
    <Section title="Is it whole?">
      <p class="soft small">
        Each line carries a hash over itself and the line before it: one that was changed or taken out breaks the
        chain from there on. Keep the last hash elsewhere, and the end cannot be cut off either.
      </p>
      <p class="form-end">
        <button type="button" disabled={action.isBusy}
          onClick={() => void action.run(async () => setResult(await get<AuditCheck>("/api/audit/check")))}>
          {action.isBusy ? "Computing…" : "Check the chain"}
        </button>
        <Failure action={action} />
      </p>
      {result && (
        <p class={result.is_intact ? "good" : "bad"} role="status">
          {result.is_intact
            ? `All ${counted(result.lines, "line")} are as they were written.`
            : `The chain is broken at line ${count(result.first_broken ?? 0)} of ${count(result.lines)}.`}
          <code class="soft row-note">{result.last_hash}</code>
        </p>
      )}
    </Section>
  );
}
