// SPDX-License-Identifier: Apache-2.0
//
// The conversations, newest first: new, open, delete.

import { useState } from "preact/hooks";
import { Confirm } from "./confirm.tsx";
import { moment } from "./format.ts";
import { BinIcon, PlusIcon } from "./icons.tsx";
import { followHere } from "./page.tsx";
import type { Thread } from "./wire.ts";

interface ThreadListProps {
  threads: Thread[];
  openId: string | undefined;
  onOpen: (id: string | undefined) => void;
  onDelete: ((id: string) => void) | undefined; // undefined: one may not
}

export function ThreadList({ threads, openId, onOpen, onDelete }: ThreadListProps) {
  const [doomed, setDoomed] = useState<Thread>();
  const now = Date.now();
  return (
    <>
      <a class="new-thread" href="/" aria-current={openId ? undefined : "page"}
        onClick={(event) => followHere(event, () => onOpen(undefined))}>
        <PlusIcon /> New question
      </a>
      {threads.length === 0 && <p class="soft small empty">Conversations will be listed here.</p>}
      <ul class="thread-list">
        {threads.map((thread) => (
          <li key={thread.id} class={thread.id === openId ? "is-open" : ""}>
            <a href={`/threads/${thread.id}`} aria-current={thread.id === openId ? "page" : undefined}
              title={thread.title} onClick={(event) => followHere(event, () => onOpen(thread.id))}>
              <span class="thread-title">{thread.title || "Untitled"}</span>
              <time class="soft" dateTime={thread.updated_at}>
                {moment(Date.parse(thread.updated_at), now)}
              </time>
            </a>
            {onDelete && (
              <button type="button" class="icon bin" aria-label={`Delete conversation: ${thread.title}`}
                onClick={() => setDoomed(thread)}>
                <BinIcon />
              </button>
            )}
          </li>
        ))}
      </ul>
      {doomed && onDelete && (
        <Confirm
          question="Delete this conversation?"
          detail={`“${doomed.title}” with its questions and reports. This cannot be undone.`}
          action="Delete"
          onConfirm={() => onDelete(doomed.id)}
          onClose={() => setDoomed(undefined)}
        />
      )}
    </>
  );
}
