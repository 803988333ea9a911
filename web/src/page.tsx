// SPDX-License-Identifier: Apache-2.0
//
// The whole page: conversations on the left, the conversation in the middle, data on the right. On
// narrow screens the sides are drawers. A file may be dropped anywhere.

import { useEffect, useState } from "preact/hooks";
import { AccountMenu } from "./account_menu.tsx";
import { settingsPageOf, type SettingsPage } from "./address.ts";
import { Conversation } from "./conversation.tsx";
import { DataPanel } from "./data_panel.tsx";
import type { Desk, DeskState } from "./desk.ts";
import { DataIcon, EyeIcon, MenuIcon, SettingsIcon } from "./icons.tsx";
import { RecoveryBar } from "./recovery_bar.tsx";
import { Settings } from "./settings.tsx";
import { Join, SignIn, SignInAgain } from "./sign_in.tsx";
import { ThreadList } from "./thread_list.tsx";

const CONNECTION_TEXTS = {
  open: "Live",
  connecting: "Connecting…",
  waiting: "Connection lost, trying again",
  restarting: "Restarting…",
  streaming: "Live, over HTTP",
  closed: "Not connected",
} as const;

type Drawer = "threads" | "data" | undefined;

export function Page({ desk }: { desk: Desk }) {
  const [state, setState] = useState(desk.state);
  const [drawer, setDrawer] = useState<Drawer>();
  const [settingsPage, openSettings] = useSettingsPage();
  useEffect(() => {
    setState(desk.state);
    return desk.subscribe(() => setState(desk.state));
  }, [desk]);
  const mayUpload = state.session === "in" && !state.needsSignIn && desk.may("data");
  const isDropping = useFileDrop(mayUpload, (files) => {
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

  if (state.session === "out" || (state.session === "in" && state.arrival.reset)) return <SignIn desk={desk} state={state} />;
  if (state.session === "unknown" && !state.wait) return <p class="blank" aria-busy="true" />;
  if (state.session !== "in") return <Unreachable desk={desk} state={state} />;

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
          onClick={() => openSettings("models")}>
          <SettingsIcon /> <span>Settings</span>
        </button>
        {state.me?.mode === "accounts" && <AccountMenu desk={desk} me={state.me} onSettings={openSettings} />}
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
          onDelete={desk.may("data") ? (id) => void desk.deleteThread(id) : undefined}
        />
      </nav>
      <main class="middle">
        <RecoveryBar desk={desk} state={state} />
        <Conversation desk={desk} state={state} onShowData={() => setDrawer("data")} />
      </main>
      <aside class="side data" id="data" aria-label="Data">
        <DataPanel desk={desk} state={state} />
      </aside>
      {drawer && <div class="veil" onClick={() => setDrawer(undefined)} />}
      {settingsPage && (
        <Settings desk={desk} state={state} page={settingsPage} onClose={() => openSettings(undefined)} />
      )}
      {state.arrival.invite && !state.needsSignIn && <Join desk={desk} state={state} />}
      {state.needsSignIn && <SignInAgain desk={desk} state={state} />}
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

/** Before anything is known: it is tried again by itself for a while, then when somebody says so. */
function Unreachable({ desk, state }: { desk: Desk; state: DeskState }) {
  const isDown = !state.wait || state.wait.problem.code === "UNREACHABLE";
  return (
    <main class="door">
      <h1>{isDown ? "The server cannot be reached" : "The server cannot answer now"}</h1>
      {state.wait ? (
        <RecoveryBar desk={desk} state={state} />
      ) : (
        <>
          <p>Is it still running? In a terminal, start it again with:</p>
          <pre>netra serve</pre>
          <p>
            <button type="button" class="primary" onClick={() => window.location.reload()}>
              Try again
            </button>
          </p>
        </>
      )}
    </main>
  );
}

/** The page of the settings that the address names; opening one makes it the address. */
function useSettingsPage(): [SettingsPage | undefined, (page: SettingsPage | undefined) => void] {
  const [page, setPage] = useState(() => settingsPageOf(window.location.hash));
  useEffect(() => {
    const look = (): void => setPage(settingsPageOf(window.location.hash));
    window.addEventListener("hashchange", look);
    return () => window.removeEventListener("hashchange", look);
  }, []);
  const open = (wanted: SettingsPage | undefined): void => {
    if (wanted) window.location.hash = `settings/${wanted}`;
    else window.history.replaceState(null, "", window.location.pathname);
    setPage(wanted);
  };
  return [page, open];
}

/** True while files are held over the window. */
function useFileDrop(isAllowed: boolean, onFiles: (files: File[]) => void): boolean {
  const [isOver, setIsOver] = useState(false);
  useEffect(() => {
    if (!isAllowed) return;
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
  }, [isAllowed]);
  return isOver;
}
