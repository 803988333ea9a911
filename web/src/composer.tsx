// SPDX-License-Identifier: Apache-2.0
//
// Where a question is written. Enter sends it, Shift+Enter begins a new line; the box grows with
// the text. The limit is the server's (bytes of UTF-8), shown when the text comes near it.

import { useLayoutEffect, useRef } from "preact/hooks";
import { asSentence } from "./form.tsx";
import { bytes, count } from "./format.ts";
import type { Dataset } from "./wire.ts";

const PROMPT_BYTES_MAX = 65_536;
const SHOW_LIMIT_FROM_BYTES = 49_152;
const encoder = new TextEncoder();

interface ComposerProps {
  text: string;
  errors: Record<string, string>; // what was wrong with it, by the member of the request
  datasets: Dataset[];
  chosen: string;
  isBusy: boolean;
  isRunning: boolean;
  onChoose: (id: string) => void;
  onText: (text: string) => void;
  onAsk: () => Promise<void>;
}

export function Composer(props: ComposerProps) {
  const { text, errors, datasets, chosen, isBusy, isRunning, onChoose, onText, onAsk } = props;
  const error = errors["/prompt"] ?? errors["/dataset"];
  const box = useRef<HTMLTextAreaElement>(null);
  const size = encoder.encode(text).length;
  const isTooLong = size > PROMPT_BYTES_MAX;
  const canSend = text.trim() !== "" && !isBusy && !isTooLong;

  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    element.style.height = "auto";
    element.style.height = `${element.scrollHeight}px`;
  }, [text]);

  const send = async (): Promise<void> => {
    if (!canSend) return;
    await onAsk();
    box.current?.focus();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void send();
  };
  const ready = datasets.filter((dataset) => dataset.status === "ready");
  return (
    <form class="composer" onSubmit={(event) => {
      event.preventDefault();
      void send();
    }}>
      <label class="hidden" for="prompt">
        Your question
      </label>
      <textarea id="prompt" ref={box} rows={1} value={text} autofocus enterkeyhint="send"
        placeholder={isRunning ? "Ask something else" : "Ask about cost, speed, caching, limits…"}
        aria-describedby={error ? "composer-error" : "composer-limits"}
        aria-invalid={isTooLong || errors["/prompt"] !== undefined}
        onInput={(event) => onText(event.currentTarget.value)} onKeyDown={onKeyDown} />
      {error && (
        <p class="bad small composer-error" id="composer-error" role="alert">
          {asSentence(error)}
        </p>
      )}
      <div class="composer-row">
        <label class="dataset-choice">
          <span class="soft">Data</span>
          <select value={chosen} aria-invalid={errors["/dataset"] !== undefined} onChange={(event) => onChoose(event.currentTarget.value)}>
            {ready.map((dataset) => (
              <option key={dataset.id} value={dataset.id}>
                {dataset.name} ({count(dataset.records)})
              </option>
            ))}
            <option value="">none</option>
          </select>
        </label>
        <p class="soft small limits" id="composer-limits">
          {size > SHOW_LIMIT_FROM_BYTES ? (
            <span class={isTooLong ? "bad" : ""} role="status">
              {bytes(size)} of {bytes(PROMPT_BYTES_MAX)}
              {isTooLong ? ": too long" : ""}
            </span>
          ) : (
            <span class="keys">Enter sends, Shift+Enter begins a line</span>
          )}
        </p>
        <button type="submit" class="primary" disabled={!canSend}>
          {isBusy ? "Asking…" : "Ask"}
        </button>
      </div>
    </form>
  );
}
