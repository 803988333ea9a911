// SPDX-License-Identifier: Apache-2.0
//
// The whole page: conversations on the left, the conversation in the middle, data on the right. On
// narrow screens the sides are drawers. A file may be dropped anywhere.

import { useEffect, useState } from "preact/hooks";
import { Conversation } from "./conversation.tsx";
import { DataPanel } from "./data_panel.tsx";
import type { Desk } from "./desk.ts";
import { DataIcon, EyeIcon, MenuIcon, SettingsIcon } from "./icons.tsx";
import { Settings } from "./settings.tsx";
import { SignIn } from "./sign_in.tsx";
import { ThreadList } from "./thread_list.tsx";

const CONNECTION_TEXTS = {
  open: "Live",
  connecting: "Connecting…",
  waiting: "Connection lost, trying again",
  closed: "Not connected",
} as const;

type Drawer = "threads" | "data" | undefined;

export function Page({ desk }: { desk: Desk }) {
  const [state, setState] = useState(desk.state);
  const [drawer, setDrawer] = useState<Drawer>();
  const [showsSettings, setShowsSettings] = useState(false);
  useEffect(() => {
    setState(desk.state);
    return desk.subscribe(() => setState(desk.state));
  }, [desk]);
  const isDropping = useFileDrop((files) => {
    desk.addFiles(files);
    setDrawer("data");
  });
  useEffect(() => {
    const close = (event: KeyboardEvent): void => {
      if (event.key === "Escape") setDrawer(undefined);
    };
    window.addEventListener("keydown", close);
    return () => window.removeEventListener("keydown", close);
  }, []);
  const title = state.threads.find((thread) => thread.id === state.threadId)?.title;
  useEffect(() => {
    document.title = title ? `${title} · Netra` : "Netra";
  }, [title]);

  if (state.session === "out") return <SignIn />;
  if (state.session === "unknown") return <p class="blank" aria-busy="true" />;
  if (state.session === "unreachable") return <Unreachable />;

  const toggle = (which: Drawer) => () => setDrawer(drawer === which ? undefined : which);
  return (
    <div class={`page${drawer ? ` shows-${drawer}` : ""}`}>
      <header class="top">
        <button class="icon only-narrow" type="button" aria-expanded={drawer === "threads"}
          aria-controls="threads" onClick={toggle("threads")}>
          <MenuIcon /> <span class="hidden">Conversations</span>
        </button>
        <a class="brand" href="/" onClick={(event) => followHere(event, () => desk.openThread(undefined))}>
          <EyeIcon /> Netra
        </a>
        <Connection state={state.connection} onRetry={() => desk.retryConnection()} />
        <button class="icon settings-button" type="button" aria-haspopup="dialog"
          onClick={() => setShowsSettings(true)}>
          <SettingsIcon /> <span>Settings</span>
        </button>
        <button class="icon only-medium" type="button" aria-expanded={drawer === "data"}
          aria-controls="data" onClick={toggle("data")}>
          <DataIcon /> <span>Data</span>
        </button>
      </header>
      <nav class="side threads" id="threads" aria-label="Conversations">
        <ThreadList
          threads={state.threads}
          openId={state.threadId}
          onOpen={(id) => {
            desk.openThread(id);
            setDrawer(undefined);
          }}
          onDelete={(id) => void desk.deleteThread(id)}
        />
      </nav>
      <main class="middle">
        {state.notice && (
          <div class="notice" role="alert">
            <span>{state.notice}</span>
            <button type="button" class="quiet" onClick={() => desk.dismissNotice()}>
              Dismiss
            </button>
          </div>
        )}
        <Conversation desk={desk} state={state} onShowData={() => setDrawer("data")} />
      </main>
      <aside class="side data" id="data" aria-label="Data">
        <DataPanel desk={desk} state={state} />
      </aside>
      {drawer && <div class="veil" onClick={() => setDrawer(undefined)} />}
      {showsSettings && (
        <Settings datasets={state.datasets} chosen={state.chosen} question={state.runs.at(-1)?.prompt ?? ""}
          onClose={() => setShowsSettings(false)} />
      )}
      {isDropping && (
        <div class="drop" aria-hidden="true">
          <p>Drop to read the records</p>
        </div>
      )}
    </div>
  );
}

/** A plain click is followed on this page; one with a modifier as the browser does it. */
export function followHere(event: MouseEvent, follow: () => void): void {
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.button !== 0) return;
  event.preventDefault();
  follow();
}

function Connection({ state, onRetry }: { state: keyof typeof CONNECTION_TEXTS; onRetry: () => void }) {
  return (
    <p class={`connection is-${state}`} role="status">
      <span class="dot" aria-hidden="true" />
      <span class="connection-text">{CONNECTION_TEXTS[state]}</span>
      {state === "waiting" && (
        <button type="button" class="quiet" onClick={onRetry}>
          Now
        </button>
      )}
    </p>
  );
}

function Unreachable() {
  return (
    <main class="door">
      <h1>The server cannot be reached</h1>
      <p>Is it still running? In a terminal, start it again with:</p>
      <pre>netra serve</pre>
      <p>
        <button type="button" class="primary" onClick={() => window.location.reload()}>
          Try again
        </button>
      </p>
    </main>
  );
}

/** True while files are held over the window. */
function useFileDrop(onFiles: (files: File[]) => void): boolean {
  const [isOver, setIsOver] = useState(false);
  useEffect(() => {
    let depth = 0; // enter and leave come for every element on the way
    const hasFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes("Files") ?? false;
    const enter = (event: DragEvent): void => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      depth++;
      setIsOver(true);
    };
    const over = (event: DragEvent): void => {
      if (hasFiles(event)) event.preventDefault();
    };
    const leave = (event: DragEvent): void => {
      if (!hasFiles(event)) return;
      depth = Math.max(0, depth - 1);
      if (depth === 0) setIsOver(false);
    };
    const drop = (event: DragEvent): void => {
      if (!hasFiles(event)) return;
      event.preventDefault();
      depth = 0;
      setIsOver(false);
      onFiles(Array.from(event.dataTransfer?.files ?? []));
    };
    window.addEventListener("dragenter", enter);
    window.addEventListener("dragover", over);
    window.addEventListener("dragleave", leave);
    window.addEventListener("drop", drop);
    return () => {
      window.removeEventListener("dragenter", enter);
      window.removeEventListener("dragover", over);
      window.removeEventListener("dragleave", leave);
      window.removeEventListener("drop", drop);
    };
  }, []);
  return isOver;
}
