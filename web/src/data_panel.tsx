// SPDX-License-Identifier: Apache-2.0
//
// The data: files on their way, and what is there. Choosing a dataset makes it the one of the next
// question.

import { useState } from "preact/hooks";
import { Confirm } from "./confirm.tsx";
import type { Desk, DeskState, Upload } from "./desk.ts";
import { bytes, count, counted, daySpan } from "./format.ts";
import { BinIcon } from "./icons.tsx";
import type { Dataset, ImportReport } from "./wire.ts";

export function DataPanel({ desk, state }: { desk: Desk; state: DeskState }) {
  const [doomed, setDoomed] = useState<Dataset>();
  const mayChange = desk.may("data");
  return (
    <>
      <h2>Data</h2>
      {!mayChange && (
        <p class="soft small empty-data">You look on here: analysts and admins upload and delete records.</p>
      )}
      {mayChange && <AddData desk={desk} isSampling={state.isSampling} />}
      <ul class="uploads" aria-live="polite">
        {state.uploads.map((item) => (
          <UploadItem key={item.id} item={item} desk={desk} />
        ))}
      </ul>
      <ul class="datasets">
        {state.datasets.map((dataset) => (
          <DatasetItem key={dataset.id} dataset={dataset} isChosen={dataset.id === state.chosen}
            desk={desk} onDelete={mayChange ? () => setDoomed(dataset) : undefined} />
        ))}
      </ul>
      {doomed && (
        <Confirm
          question="Delete this data?"
          detail={`${doomed.name} with ${counted(doomed.records, "record")}. Reports that were made from it stay.`}
          action="Delete"
          onConfirm={() => void desk.deleteDataset(doomed.id)}
          onClose={() => setDoomed(undefined)}
        />
      )}
    </>
  );
}

function AddData({ desk, isSampling }: { desk: Desk; isSampling: boolean }) {
  return (
    <>
      <label class="file-choice" for="file-choice">
        <strong>Drop a file anywhere</strong>
        <span class="soft">or choose one: CSV, JSON, JSONL, traces; gzip too</span>
        <input id="file-choice" class="hidden" type="file" multiple
          onChange={(event) => {
            desk.addFiles(Array.from(event.currentTarget.files ?? []));
            event.currentTarget.value = "";
          }} />
      </label>
      <button type="button" class="sample" disabled={isSampling} onClick={() => void desk.addSample()}>
        {isSampling ? "Making sample data…" : "Try with sample data"}
      </button>
    </>
  );
}

function UploadItem({ item, desk }: { item: Upload; desk: Desk }) {
  const { file, phase } = item;
  return (
    <li class={`upload is-${phase}`} data-phase={phase}>
      <p class="name" title={file.name}>
        {file.name}
      </p>
      {phase === "waiting" && <p class="soft small">waits for its turn, {bytes(file.size)}</p>}
      {(phase === "sending" || phase === "reading") && (
        <>
          <progress max={file.size || 1} value={phase === "reading" ? undefined : item.sentBytes}
            aria-label={`Reading ${file.name}`} />
          <p class="soft small">
            {phase === "sending" && `${bytes(item.sentBytes)} of ${bytes(file.size)}`}
            {phase === "reading" && "reading…"}
            {item.records > 0 && ` ${counted(item.records, "record")}`}
          </p>
        </>
      )}
      {phase === "failed" && <FailedUpload item={item} desk={desk} />}
    </li>
  );
}

/** Most files that cannot be read lack a column's name: it can be given here. */
function FailedUpload({ item, desk }: { item: Upload; desk: Desk }) {
  const [map, setMap] = useState("");
  return (
    <form onSubmit={(event) => {
      event.preventDefault();
      desk.retryUpload(item.id, map.split(/[\s,]+/).filter((part) => part.includes("=")));
    }}>
      <p class="bad small" role="alert">
        {item.reason}
      </p>
      <label class="small">
        <span class="soft">Say what is what, if you know: field=column or value</span>
        <input type="text" value={map} placeholder="model=gpt-4o time=created" spellcheck={false}
          onInput={(event) => setMap(event.currentTarget.value)} />
      </label>
      <p class="buttons">
        <button type="submit">Read again</button>
        <button type="button" class="quiet" onClick={() => desk.dismissUpload(item.id)}>
          Dismiss
        </button>
      </p>
    </form>
  );
}

interface DatasetItemProps {
  dataset: Dataset;
  isChosen: boolean;
  desk: Desk;
  onDelete: (() => void) | undefined; // undefined: one may not
}

function DatasetItem({ dataset, isChosen, desk, onDelete }: DatasetItemProps) {
  const isReady = dataset.status === "ready";
  return (
    <li class={`dataset is-${dataset.status}${isChosen ? " is-chosen" : ""}`} data-dataset={dataset.id}
      data-status={dataset.status}>
      <label>
        <input type="radio" name="dataset" checked={isChosen} disabled={!isReady}
          onChange={() => desk.choose(dataset.id)} />
        <span class="name" title={dataset.name}>
          {dataset.name}
        </span>
      </label>
      {onDelete && (
        <button type="button" class="icon bin" aria-label={`Delete data: ${dataset.name}`} onClick={onDelete}>
          <BinIcon />
        </button>
      )}
      <p class="soft small">
        {dataset.status === "importing" && "reading… "}
        {counted(dataset.records, "record")}
        {dataset.rejected > 0 && `, ${count(dataset.rejected)} rejected`}
        {dataset.from && dataset.to && <span class="span">{daySpan(dataset.from, dataset.to)}</span>}
      </p>
      {dataset.status === "failed" && <p class="bad small">{dataset.reason}</p>}
      {isReady && (
        <details onToggle={(event) => {
          if (event.currentTarget.open && !dataset.import) void desk.loadDataset(dataset.id);
        }}>
          <summary>How it was read</summary>
          <ImportAccount dataset={dataset} />
        </details>
      )}
    </li>
  );
}

function ImportAccount({ dataset }: { dataset: Dataset }) {
  if (!dataset.import) return <p class="soft small">…</p>;
  const account: ImportReport = dataset.import.import ?? dataset.import;
  const columns = account.columns ?? [];
  const rejects = account.rejects ?? [];
  return (
    <div class="account small">
      <p>
        {account.format ?? "Records"}
        {account.is_gzip && ", gzip"}
        {dataset.bytes > 0 && `, ${bytes(dataset.bytes)}`}
        {account.rows_read !== undefined && `, ${counted(account.rows_read, "row")}`}
        {(account.rows_merged ?? 0) > 0 && `, ${count(account.rows_merged ?? 0)} sent again`}
      </p>
      {rejects.length > 0 && (
        <>
          <h3>Rejected</h3>
          <ul class="rejects">
            {rejects.slice(0, 5).map((reject) => (
              <li key={reject.row}>
                row {count(reject.row)}: {reject.reason}
              </li>
            ))}
          </ul>
        </>
      )}
      {columns.length > 0 && (
        <>
          <h3>Columns</h3>
          <dl>
            {columns.map((column) => (
              <div key={column.field}>
                <dt>{column.field}</dt>
                <dd>{column.is_constant ? `always “${column.column}”` : column.column}</dd>
              </div>
            ))}
          </dl>
        </>
      )}
      {(account.unused ?? []).length > 0 && <p class="soft">Not used: {account.unused?.join(", ")}</p>}
      {(account.notes ?? []).map((note) => (
        <p key={note} class="soft">
          {note}
        </p>
      ))}
    </div>
  );
}
