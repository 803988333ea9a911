// SPDX-License-Identifier: Apache-2.0
//
// Parts of forms: a field with its label, hint and error; an action with what became of it. A message
// about a member of the request (its JSON pointer) stands at its field, any other at the end of the
// form; after too many tries the seconds are counted down.

import type { ComponentChildren, InputHTMLAttributes } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { describe } from "./http.ts";
import { ApiError, fieldErrors } from "./recovery.ts";

export interface Action {
  isBusy: boolean;
  blockedS: number; // too many tries: seconds until the next one
  errors: Record<string, string>;
  message?: string | undefined; // what is about no field that is there
  traceId?: string | undefined;
  /** True when work came to its end. */
  run: (work: () => Promise<unknown>) => Promise<boolean>;
  clear: () => void;
}

interface Outcome {
  errors: Record<string, string>;
  message?: string;
  traceId?: string | undefined;
}

/** fields: pointers that have a place of their own in the form. */
export function useAction(fields: string[] = []): Action {
  const [isBusy, setIsBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome>({ errors: {} });
  const [blockedUntil, setBlockedUntil] = useState(0);
  const blockedS = useSecondsUntil(blockedUntil);
  const run = async (work: () => Promise<unknown>): Promise<boolean> => {
    setIsBusy(true);
    setOutcome({ errors: {} });
    try {
      await work();
      return true;
    } catch (error) {
      const errors = fieldErrors(error);
      const isPlaced = Object.keys(errors).some((pointer) => fields.includes(pointer));
      const problem = error instanceof ApiError ? error.problem : undefined;
      if (problem?.code === "RATE_LIMITED") setBlockedUntil(performance.now() + (problem.retry_after_s ?? 1) * 1000);
      setOutcome({ errors, traceId: problem?.trace_id, ...(isPlaced ? {} : { message: describe(error) }) });
      return false;
    } finally {
      setIsBusy(false);
    }
  };
  return { isBusy, blockedS, ...outcome, run, clear: () => setOutcome({ errors: {} }) };
}

/** Whole seconds until performance.now() is there, counted down; 0 afterwards. */
export function useSecondsUntil(untilMs: number): number {
  const [now, setNow] = useState(() => performance.now());
  useEffect(() => {
    setNow(performance.now());
    if (untilMs <= performance.now()) return;
    const timer = window.setInterval(() => {
      setNow(performance.now());
      if (performance.now() >= untilMs) window.clearInterval(timer);
    }, 250);
    return () => window.clearInterval(timer);
  }, [untilMs]);
  return Math.max(0, Math.ceil((untilMs - now) / 1000));
}

/** Messages of the server begin small, as parts of sentences do. */
export const asSentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

interface FieldProps extends Omit<InputHTMLAttributes<HTMLInputElement>, "label" | "onInput"> {
  label: string;
  hint?: string;
  error?: string | undefined;
  onText: (text: string) => void;
}

export function Field({ label, hint, error, onText, ...input }: FieldProps) {
  const id = useId();
  const note = error === undefined ? hint : asSentence(error);
  const element = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (error) element.current?.focus();
  }, [error]);
  return (
    <p class="field">
      <label for={id}>{label}</label>
      <input {...input} id={id} ref={element} aria-invalid={error !== undefined}
        aria-describedby={note ? `${id}-note` : undefined}
        onInput={(event) => onText(event.currentTarget.value)} />
      {note && (
        <span id={`${id}-note`} class={error ? "bad small" : "soft small"} role={error ? "alert" : undefined}>
          {note}
        </span>
      )}
    </p>
  );
}

export const PASSWORD_LENGTH_MIN = 10;

interface PasswordProps {
  label: string;
  value: string;
  isNew?: boolean;
  autofocus?: boolean;
  error?: string | undefined;
  onText: (text: string) => void;
}

/** A password, which can be looked at while it is typed. */
export function PasswordField({ label, value, isNew = false, autofocus = false, error, onText }: PasswordProps) {
  const [isShown, setIsShown] = useState(false);
  return (
    <div class="password">
      <Field label={label} type={isShown ? "text" : "password"} value={value} error={error} onText={onText} required
        name={isNew ? "new-password" : "password"} autocomplete={isNew ? "new-password" : "current-password"}
        autocapitalize="none" spellcheck={false} autofocus={autofocus}
        {...(isNew ? { minLength: PASSWORD_LENGTH_MIN, hint: `At least ${PASSWORD_LENGTH_MIN} characters; a few words are good.` } : {})} />
      <button type="button" class="quiet reveal" aria-pressed={isShown} aria-label={`Show: ${label}`}
        onClick={() => setIsShown(!isShown)}>
        {isShown ? "Hide" : "Show"}
      </button>
    </div>
  );
}

interface SubmitProps {
  action: Action;
  children: ComponentChildren;
  isPrimary?: boolean;
  isDanger?: boolean;
  disabled?: boolean;
}

/** The button of a form, and what is to be said about the whole of it. */
export function Submit({ action, children, isPrimary = false, isDanger = false, disabled = false }: SubmitProps) {
  const kind = isPrimary ? "primary" : isDanger ? "danger" : undefined;
  return (
    <>
      <Failure action={action} />
      <button type="submit" class={kind} disabled={disabled || action.isBusy || action.blockedS > 0}>
        {action.blockedS > 0 ? `Again in ${action.blockedS} s` : children}
      </button>
    </>
  );
}

export function Failure({ action }: { action: Action }) {
  return (
    <div class="failure" aria-live="assertive">
      {action.message && (
        <p class="bad small">
          {asSentence(action.message)}
          {action.traceId && <TraceId id={action.traceId} />}
        </p>
      )}
    </div>
  );
}

/** Under which the server has logged what went wrong. */
export function TraceId({ id }: { id: string }) {
  return (
    <span class="trace">
      {" "}
      <span>Trace</span> <code>{id}</code> <CopyButton text={id} what="the trace id" />
    </span>
  );
}

export function CopyButton({ text, what }: { text: string; what: string }) {
  const [isCopied, setIsCopied] = useState(false);
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      if (!copyBySelection(text)) return;
    }
    setIsCopied(true);
    window.setTimeout(() => setIsCopied(false), 2000);
  };
  return (
    <button type="button" class="copy" aria-label={isCopied ? "Copied" : `Copy ${what}`} onClick={() => void copy()}>
      {isCopied ? "Copied" : "Copy"}
    </button>
  );
}

/** Where there is no clipboard for pages: without TLS, beyond this machine. */
function copyBySelection(text: string): boolean {
  const place = document.createElement("textarea");
  place.value = text;
  place.className = "hidden";
  (document.querySelector("dialog[open]:last-of-type") ?? document.body).append(place);
  place.select();
  const isDone = document.execCommand("copy");
  place.remove();
  return isDone;
}

/** What is shown once: a key, a link. */
export function Secret({ text, what }: { text: string; what: string }) {
  return (
    <p class="secret">
      <code>{text}</code> <CopyButton text={text} what={what} />
    </p>
  );
}
