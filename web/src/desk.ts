// SPDX-License-Identifier: Apache-2.0
//
// The desk: everything that the page knows, in one value, and everything that can be done about it.
// Components read the value and call the methods; nothing else talks to the server. A method never
// throws: what went wrong is said in the value (notice, or the part that it concerns).

import { EventSocket, type Connection } from "./event_socket.ts";
import { describe, eventLog, get, isNotFound, isSignedOut, list, post, remove } from "./http.ts";
import { newId } from "./ids.ts";
import { applyEvent, hasEnded, isGap, runFromRecord, type RunState } from "./run_state.ts";
import { upload } from "./upload.ts";
import type { CustomEvent, Dataset, Run, RunEvent, Thread } from "./wire.ts";

export interface Upload {
  id: string; // of the dataset that it becomes
  file: File;
  phase: "waiting" | "sending" | "reading" | "failed";
  sentBytes: number;
  records: number;
  reason?: string;
}

export interface DeskState {
  session: "unknown" | "in" | "out" | "unreachable";
  connection: Connection;
  threads: Thread[];
  threadId?: string | undefined; // undefined: a new conversation
  thread: "ready" | "loading" | "missing";
  runs: RunState[]; // of the thread, oldest first
  datasets: Dataset[]; // newest first
  chosen: string; // dataset of the next question; "" for none
  uploads: Upload[];
  isSampling: boolean;
  isAsking: boolean;
  notice?: string | undefined; // what could not be done
}

const THREAD_PATH = /^\/threads\/([A-Za-z0-9_-]{1,64})$/;

export class Desk {
  state: DeskState = {
    session: "unknown",
    connection: "closed",
    threads: [],
    thread: "ready",
    runs: [],
    datasets: [],
    chosen: "",
    uploads: [],
    isSampling: false,
    isAsking: false,
  };
  private readonly listeners = new Set<() => void>();
  private readonly socket: EventSocket;
  private readonly logsAskedFor = new Set<string>();
  private isUploading = false;

  constructor() {
    this.socket = new EventSocket({
      onEvent: (event) => this.receive(event),
      onAnswer: (answer) => this.receiveAnswer(answer),
      onConnection: (connection) => this.set({ connection }),
      onRefused: () => void this.checkSession(),
    });
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private set(change: Partial<DeskState>): void {
    this.state = { ...this.state, ...change };
    for (const listener of this.listeners) listener();
  }

  private fail(what: string, error: unknown): void {
    if (isSignedOut(error)) this.signOut();
    else this.set({ notice: `${what}: ${describe(error)}` });
  }

  dismissNotice(): void {
    this.set({ notice: undefined });
  }

  // --- session ---------------------------------------------------------------------------------

  async open(): Promise<void> {
    window.addEventListener("popstate", () => void this.showAddress());
    if (!(await this.checkSession())) return;
    this.socket.start();
    await Promise.all([this.loadThreads(), this.loadDatasets()]);
    await this.showAddress();
  }

  /** True when somebody is signed in. */
  private async checkSession(): Promise<boolean> {
    try {
      await get("/auth/me");
      if (this.state.session !== "in") this.set({ session: "in" });
      return true;
    } catch (error) {
      if (isSignedOut(error)) this.signOut();
      else if (this.state.session === "unknown") this.set({ session: "unreachable" });
      return false;
    }
  }

  private signOut(): void {
    this.socket.stop();
    this.set({ session: "out" });
  }

  retryConnection(): void {
    this.socket.retryNow();
  }

  // --- threads ---------------------------------------------------------------------------------

  async loadThreads(): Promise<void> {
    try {
      this.set({ threads: await list<Thread>("/api/threads") });
    } catch (error) {
      this.fail("The conversations could not be listed", error);
    }
  }

  /** Shows the thread that the address bar names. */
  private async showAddress(): Promise<void> {
    const id = THREAD_PATH.exec(window.location.pathname)?.[1];
    if (id === this.state.threadId && this.state.thread === "ready" && id) return;
    this.socket.unfollowAll();
    this.logsAskedFor.clear();
    this.set({ threadId: id, runs: [], thread: id ? "loading" : "ready" });
    if (id) await this.loadRuns(id);
  }

  openThread(id: string | undefined): void {
    const path = id ? `/threads/${id}` : "/";
    if (path !== window.location.pathname) window.history.pushState(null, "", path);
    void this.showAddress();
  }

  async deleteThread(id: string): Promise<void> {
    try {
      await remove(`/api/threads/${id}`);
      this.set({ threads: this.state.threads.filter((thread) => thread.id !== id) });
      if (this.state.threadId === id) this.openThread(undefined);
    } catch (error) {
      this.fail("The conversation could not be deleted", error);
    }
  }

  // --- runs ------------------------------------------------------------------------------------

  private async loadRuns(threadId: string): Promise<void> {
    try {
      const records = (await list<Run>(`/api/threads/${threadId}/runs`)).reverse();
      if (this.state.threadId !== threadId) return;
      const runs = records.map(runFromRecord);
      this.set({ runs, thread: "ready" });
      const last = this.state.datasets.find((dataset) => dataset.id === records.at(-1)?.dataset);
      if (last?.status === "ready") this.choose(last.id);
      for (const run of runs) if (!hasEnded(run)) this.followRun(run.id);
    } catch (error) {
      if (isNotFound(error)) this.set({ thread: "missing" });
      else {
        this.set({ thread: "ready" });
        this.fail("The conversation could not be read", error);
      }
    }
  }

  private findRun(id: string): RunState | undefined {
    return this.state.runs.find((run) => run.id === id);
  }

  private putRun(run: RunState): void {
    this.set({ runs: this.state.runs.map((other) => (other.id === run.id ? run : other)) });
  }

  private followRun(id: string): void {
    this.socket.follow(id, () => this.findRun(id)?.lastSeq ?? 0);
  }

  private receive(event: RunEvent): void {
    const run = this.findRun(event.runId);
    if (!run) return;
    if (isGap(run, event)) {
      this.socket.resume(run.id);
      return;
    }
    const next = applyEvent(run, event);
    if (next === run) return;
    this.putRun(next);
    if (hasEnded(next)) {
      this.socket.unfollow(next.id);
      void this.loadThreads();
    }
  }

  private receiveAnswer(answer: CustomEvent): void {
    const problem = answer.value?.problem;
    if (answer.name === "error" && problem) this.set({ notice: problem.detail || problem.title });
  }

  /** The log of a run that ended before this page was opened: asked for when the run is looked at. */
  async loadLog(id: string): Promise<void> {
    const run = this.findRun(id);
    if (!run || !hasEnded(run) || run.lastSeq > 0 || this.logsAskedFor.has(id)) return;
    this.logsAskedFor.add(id);
    try {
      const replayed = (await eventLog(id)).reduce(applyEvent, run);
      if (this.findRun(id) && hasEnded(replayed)) this.putRun(replayed);
    } catch (error) {
      if (isSignedOut(error)) this.signOut();
      // Otherwise the record alone is shown; it has all but the words.
    }
  }

  /** True when the question has been taken. */
  async ask(prompt: string): Promise<boolean> {
    const { threadId, chosen } = this.state;
    this.set({ isAsking: true, notice: undefined });
    try {
      const record = await post<Run>("/api/runs", {
        prompt,
        run_id: newId(),
        ...(threadId ? { thread_id: threadId } : {}),
        ...(chosen ? { dataset: chosen } : {}),
      });
      if (this.state.threadId !== threadId) return true; // looking at another one by now
      if (!threadId) window.history.pushState(null, "", `/threads/${record.thread_id}`);
      const run = runFromRecord({ ...record, prompt });
      this.set({ threadId: record.thread_id, thread: "ready", runs: [...this.state.runs, run] });
      this.followRun(run.id);
      void this.loadThreads();
      return true;
    } catch (error) {
      this.fail("The question was not taken", error);
      return false;
    } finally {
      this.set({ isAsking: false });
    }
  }

  async stopRun(id: string): Promise<void> {
    try {
      await post(`/api/runs/${id}/cancel`);
    } catch (error) {
      const run = this.findRun(id);
      if (run && !hasEnded(run)) this.fail("The run could not be stopped", error);
    }
  }

  // --- datasets --------------------------------------------------------------------------------

  async loadDatasets(): Promise<void> {
    try {
      const datasets = await list<Dataset>("/api/datasets");
      this.set({ datasets });
      const isThere = datasets.some((dataset) => dataset.id === this.state.chosen);
      const newest = datasets.find((dataset) => dataset.status === "ready");
      if (!isThere && newest) this.choose(newest.id);
    } catch (error) {
      this.fail("The data could not be listed", error);
    }
  }

  choose(id: string): void {
    this.set({ chosen: id });
  }

  /** The dataset with the account of how it was read. */
  async loadDataset(id: string): Promise<void> {
    try {
      this.putDataset(await get<Dataset>(`/api/datasets/${id}`));
    } catch (error) {
      this.fail("The dataset could not be read", error);
    }
  }

  private putDataset(dataset: Dataset): void {
    const others = this.state.datasets;
    const isThere = others.some((other) => other.id === dataset.id);
    this.set({
      datasets: isThere
        ? others.map((other) => (other.id === dataset.id ? dataset : other))
        : [dataset, ...others],
    });
  }

  async deleteDataset(id: string): Promise<void> {
    try {
      await remove(`/api/datasets/${id}`);
      const datasets = this.state.datasets.filter((dataset) => dataset.id !== id);
      const next = datasets.find((dataset) => dataset.status === "ready")?.id ?? "";
      this.set({ datasets, ...(this.state.chosen === id ? { chosen: next } : {}) });
    } catch (error) {
      this.fail("The dataset could not be deleted", error);
    }
  }

  async addSample(): Promise<void> {
    this.set({ isSampling: true, notice: undefined });
    try {
      const dataset = await post<Dataset>("/api/datasets/sample", {});
      this.putDataset(dataset);
      this.choose(dataset.id);
    } catch (error) {
      this.fail("The sample could not be made", error);
    } finally {
      this.set({ isSampling: false });
    }
  }

  addFiles(files: Iterable<File>): void {
    const added = Array.from(
      files,
      (file): Upload => ({ id: newId(), file, phase: "waiting", sentBytes: 0, records: 0 }),
    );
    this.set({ uploads: [...this.state.uploads, ...added] });
    void this.uploadInTurn();
  }

  dismissUpload(id: string): void {
    this.set({ uploads: this.state.uploads.filter((item) => item.id !== id) });
  }

  /** A file that could not be read, once more, with the columns named. */
  retryUpload(id: string, maps: string[]): void {
    const failed = this.state.uploads.find((item) => item.id === id);
    if (!failed) return;
    void this.uploadOne({ ...failed, id: newId() }, maps, id);
  }

  private changeUpload(id: string, change: Partial<Upload>): void {
    this.set({
      uploads: this.state.uploads.map((item) => (item.id === id ? { ...item, ...change } : item)),
    });
  }

  private async uploadInTurn(): Promise<void> {
    if (this.isUploading) return;
    this.isUploading = true;
    for (;;) {
      const next = this.state.uploads.find((item) => item.phase === "waiting");
      if (!next) break;
      await this.uploadOne(next, [], next.id);
    }
    this.isUploading = false;
  }

  private async uploadOne(item: Upload, maps: string[], replaced: string): Promise<void> {
    const { id, file } = item;
    this.changeUpload(replaced, { id, phase: "sending", sentBytes: 0, records: 0 });
    try {
      const dataset = await upload(file, id, maps, ({ sentBytes, isSent, records }) =>
        this.changeUpload(id, { sentBytes, records, phase: isSent ? "reading" : "sending" }),
      );
      this.putDataset(dataset);
      this.dismissUpload(id);
      if (dataset.status === "ready") this.choose(dataset.id);
    } catch (error) {
      if (isSignedOut(error)) this.signOut();
      this.changeUpload(id, { phase: "failed", reason: describe(error) });
    }
  }
}
