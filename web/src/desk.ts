// SPDX-License-Identifier: Apache-2.0
//
// The desk: everything that the page knows, in one value, and everything that can be done about it.
// Components read the value and call the methods; nothing else talks to the server. A method never
// throws: what went wrong is said in the value (notice, or the part that it concerns).

import { arrivalOf, threadOf, type Arrival } from "./address.ts";
import { forgetDraft, keptDraft, keepDraft } from "./draft.ts";
import { EventSocket, type Connection } from "./event_socket.ts";
import {
  describe,
  eventLog,
  findServices,
  get,
  getOnce,
  isForbidden,
  isNotFound,
  isSignedOut,
  list,
  post,
  recovery,
  remove,
  tryOnce,
} from "./http.ts";
import { newId } from "./ids.ts";
import { ApiError, fieldErrors, type Wait } from "./recovery.ts";
import { applyEvent, hasEnded, isGap, runFromRecord, withPlace, type RunState } from "./run_state.ts";
import { services } from "./services.ts";
import { upload } from "./upload.ts";
import type { AuthConfig, CustomEvent, Dataset, Health, Me, Run, RunEvent, Scope, Thread } from "./wire.ts";

export interface Upload {
  id: string; // of the dataset that it becomes
  file: File;
  phase: "waiting" | "sending" | "reading" | "failed";
  sentBytes: number;
  records: number;
  reason?: string;
}

export interface Notice {
  text: string;
  traceId?: string | undefined; // under which the server has logged it
}

export interface DeskState {
  session: "unknown" | "in" | "out" | "unreachable";
  config?: AuthConfig | undefined; // known unless the session is unknown or unreachable
  me?: Me | undefined; // known while somebody is signed in, and while they sign in again
  arrival: Arrival; // why somebody came
  needsSignIn: boolean; // the session has ended while the page was open
  wait?: Wait | undefined; // what is tried again, and when
  trouble?: string | undefined; // why the server cannot do what it was asked, as /health has it
  draft: string; // the question that is being written
  askErrors: Record<string, string>; // what was wrong with it, by the member that it is about
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
  notice?: Notice | undefined; // what could not be done
}

/** Tabs of one browser share a session: what changes it in one is said to the others. */
const TABS = "netra-session";

export class Desk {
  state: DeskState = {
    session: "unknown",
    arrival: {},
    needsSignIn: false,
    draft: "",
    askErrors: {},
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
  private readonly seenRuns = new Map<string, RunState[]>(); // by thread, for when the server is away
  private readonly tabs = new BroadcastChannel(TABS);
  private isUploading = false;
  private isAskingHealth = false;

  constructor() {
    this.socket = new EventSocket({
      onEvent: (event) => this.receive(event),
      onAnswer: (answer) => this.receiveAnswer(answer),
      onConnection: (connection) => this.set({ connection }),
      onRefused: () => void this.checkSession(),
    });
    recovery.onWaits = () => this.showWait();
    recovery.onSignedOut = () => this.signOut();
    this.tabs.onmessage = () => void this.compareSession();
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
    if (isSignedOut(error)) return this.signOut();
    if (isForbidden(error)) void this.checkSession(); // a role may have changed
    const traceId = error instanceof ApiError ? error.problem.trace_id : undefined;
    this.set({ notice: { text: `${what}: ${describe(error)}`, traceId } });
  }

  dismissNotice(): void {
    this.set({ notice: undefined });
  }

  // --- recovery (recovery.ts) --------------------------------------------------------------------

  private showWait(): void {
    const { wait } = recovery;
    this.set({ wait, ...(wait?.reason === "away" ? {} : { trouble: undefined }) });
    if (wait?.reason === "away") void this.askHealth();
  }

  /** Why the server cannot do it: its own account, where it can give one. */
  private async askHealth(): Promise<void> {
    if (this.isAskingHealth) return;
    this.isAskingHealth = true;
    const health = await readHealth().catch(() => undefined);
    this.isAskingHealth = false;
    const bad = health?.checks?.filter((check) => check.reason && !/^(up|healthy)$/.test(check.status)) ?? [];
    const reasons = [health?.reason, ...bad.map((check) => `${check.name}: ${check.reason}`)];
    const trouble = reasons.filter((reason) => reason).join("; ");
    if (this.state.wait?.reason === "away") this.set({ trouble: trouble || undefined });
  }

  // --- session ---------------------------------------------------------------------------------

  async open(): Promise<void> {
    const arrival = arrivalOf(window.location.search);
    const { pathname, hash, search } = window.location;
    if (search) window.history.replaceState(null, "", pathname + hash);
    window.addEventListener("popstate", () => void this.showAddress());
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden && this.state.session === "in" && !this.state.needsSignIn) void this.checkSession();
    }); // a role may have changed meanwhile
    this.set({ arrival });
    try {
      await findServices();
      this.set({ config: await get<AuthConfig>("/auth/config") });
      const me = await recovery.through(true, readMe);
      this.set(me ? { me, session: "in" } : { session: "out" });
    } catch {
      return this.set({ session: "unreachable" });
    }
    if (this.state.me) await this.begin();
  }

  /** Somebody is signed in: everything is read. */
  private async begin(): Promise<void> {
    const { error } = this.state.arrival;
    this.set({ draft: keptDraft(this.state.me?.user.id), ...(error ? { notice: { text: error } } : {}) });
    this.socket.start();
    await Promise.all([this.loadThreads(), this.loadDatasets()]);
    await this.showAddress();
  }

  /** True when somebody is signed in. */
  private async checkSession(): Promise<boolean> {
    try {
      const me = await getOnce<Me>("/auth/me");
      this.set({ me, session: "in" });
      return true;
    } catch (error) {
      if (isSignedOut(error)) this.signOut();
      return false;
    }
  }

  /** The session has ended: the sign-in is shown, over the page where there is one. */
  private signOut(): void {
    services.forgetToken();
    this.socket.stop();
    if (this.state.session === "in") this.set({ needsSignIn: true });
    else if (!this.state.needsSignIn) this.set({ session: "out" });
  }

  /** In local mode the way in is a link that is opened elsewhere: this looks whether it was. */
  async lookAgain(): Promise<void> {
    try {
      await this.signedIn(await getOnce<Me>("/auth/me"));
    } catch (error) {
      if (!isSignedOut(error)) this.fail("Nobody can be signed in", error);
    }
  }

  async signedIn(me: Me): Promise<void> {
    this.tabs.postMessage("changed");
    await this.enter(me);
  }

  /** The same person in the same workspace goes on where they were; anybody else begins anew. */
  private async enter(me: Me): Promise<void> {
    const before = this.state.me;
    services.forgetToken();
    if (!before) {
      this.set({ me, session: "in" });
      return this.begin();
    }
    const isSame = before.user.id === me.user.id && before.workspace.id === me.workspace.id;
    recovery.signedIn(isSame);
    if (!isSame) return this.beginAnew("/");
    this.set({ me, needsSignIn: false });
    this.socket.start();
    for (const run of this.state.runs) if (!hasEnded(run)) this.followRun(run.id);
  }

  /** Nothing of what the page knows is left. */
  private beginAnew(address: string): void {
    services.forgetToken();
    this.socket.stop();
    window.location.assign(address);
  }

  /** Another tab has signed in, out or changed the workspace. */
  private async compareSession(): Promise<void> {
    const me = await getOnce<Me>("/auth/me").catch(() => undefined);
    if (me) await this.enter(me);
    else await this.checkSession();
  }

  async leave(): Promise<void> {
    try {
      await post("/auth/logout");
    } catch (error) {
      if (!isSignedOut(error)) return this.fail("You could not be signed out", error);
    }
    this.gone();
  }

  /** Nobody is signed in any more, because they wanted it so. */
  gone(): void {
    forgetDraft();
    this.tabs.postMessage("changed");
    this.beginAnew("/");
  }

  async switchWorkspace(id: string): Promise<void> {
    try {
      await tryOnce("POST", "/auth/workspace", { workspace: id, cookie: true });
      this.tabs.postMessage("changed");
      this.beginAnew("/");
    } catch (error) {
      this.fail("The workspace could not be changed", error);
    }
  }

  /** An invitation, for who is signed in. */
  async join(code: string): Promise<void> {
    try {
      await tryOnce("POST", "/auth/join", { code, cookie: true });
      this.tabs.postMessage("changed");
      this.beginAnew("/");
    } catch (error) {
      this.set({ arrival: {} });
      this.fail("The invitation could not be used", error);
    }
  }

  forgetArrival(): void {
    this.set({ arrival: {} });
    if (this.state.session === "in") void this.checkSession();
  }

  /** What was changed of oneself is read again. */
  reloadMe(): Promise<boolean> {
    return this.checkSession();
  }

  may(scope: Scope): boolean {
    return this.state.me?.scopes.includes(scope) ?? false;
  }

  writeDraft(draft: string): void {
    keepDraft(this.state.me?.user.id, draft);
    this.set({ draft, askErrors: {} });
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
    const id = threadOf(window.location.pathname);
    if (id === this.state.threadId && this.state.thread === "ready" && id) return;
    this.socket.unfollowAll();
    this.logsAskedFor.clear();
    const seen = id ? this.seenRuns.get(id) : undefined;
    this.set({ threadId: id, runs: seen ?? [], thread: id && !seen ? "loading" : "ready" });
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
      const runs = records.map((record) => {
        const seen = this.findRun(record.id);
        return seen && hasEnded(seen) ? seen : runFromRecord(record);
      });
      this.setRuns(runs);
      this.set({ thread: "ready" });
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

  private setRuns(runs: RunState[]): void {
    if (this.state.threadId) this.seenRuns.set(this.state.threadId, runs);
    this.set({ runs });
  }

  private putRun(run: RunState): void {
    this.setRuns(this.state.runs.map((other) => (other.id === run.id ? run : other)));
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
    const { problem, runId, ahead } = answer.value ?? {};
    if (answer.name === "error" && problem) this.set({ notice: { text: problem.detail || problem.title } });
    const run = answer.name === "netra.queue" && runId ? this.findRun(runId) : undefined;
    if (run && typeof ahead === "number") this.putRun(withPlace(run, ahead));
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
    this.set({ isAsking: true, notice: undefined, askErrors: {} });
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
      this.set({ threadId: record.thread_id, thread: "ready" });
      this.setRuns([...this.state.runs, run]);
      this.followRun(run.id);
      void this.loadThreads();
      return true;
    } catch (error) {
      const errors = fieldErrors(error);
      if (errors["/prompt"] || errors["/dataset"]) this.set({ askErrors: errors });
      else this.fail("The question was not taken", error);
      return false;
    } finally {
      this.set({ isAsking: false });
    }
  }

  /** Asks what was written, which is kept until the question has been taken. */
  async askDraft(): Promise<void> {
    const { draft } = this.state;
    if ((await this.ask(draft.trim())) && this.state.draft === draft) this.writeDraft("");
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
      this.changeUpload(id, { phase: "failed", reason: describe(error) });
    }
  }
}

/** Undefined when nobody is signed in. */
async function readMe(): Promise<Me | undefined> {
  try {
    return await getOnce<Me>("/auth/me");
  } catch (error) {
    if (isSignedOut(error)) return undefined;
    throw error;
  }
}

/** 503 has a body, too: it says what is wrong. */
async function readHealth(): Promise<Health> {
  return (await (await services.fetchOpen("/health")).json()) as Health;
}
