// SPDX-License-Identifier: Apache-2.0
//
// What the pages of the settings share: a section; a list that is read when the page is opened and
// again after a change.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { describe } from "./http.ts";

export function Section({ title, children }: { title: string; children: ComponentChildren }) {
  return (
    <section>
      <h3>{title}</h3>
      {children}
    </section>
  );
}

export interface Loaded<T> {
  value?: T;
  failure?: string;
  reload: () => Promise<void>;
}

export function useLoaded<T>(load: () => Promise<T>): Loaded<T> {
  const [value, setValue] = useState<T>();
  const [failure, setFailure] = useState<string>();
  const reload = async (): Promise<void> => {
    try {
      setValue(await load());
      setFailure(undefined);
    } catch (error) {
      setFailure(describe(error));
    }
  };
  useEffect(() => void reload(), []);
  return { reload, ...(value === undefined ? {} : { value }), ...(failure === undefined ? {} : { failure }) };
}

/** What stands where something is not there yet, or could not be read. */
export function Reading({ of: { value, failure, reload } }: { of: Loaded<unknown> }) {
  if (failure !== undefined) {
    return (
      <p class="bad small" role="alert">
        {failure}{" "}
        <button type="button" class="quiet" onClick={() => void reload()}>
          Try again
        </button>
      </p>
    );
  }
  return value === undefined ? <p class="soft" aria-busy="true">Reading…</p> : null;
}
