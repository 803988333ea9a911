// SPDX-License-Identifier: Apache-2.0
//
// Settings, account: name, password, where one is signed in, identity providers, one's data, and the
// end of the account.

import { useEffect, useRef, useState } from "preact/hooks";
import { Confirm } from "./confirm.tsx";
import type { Desk } from "./desk.ts";
import { Failure, Field, PasswordField, Submit, useAction } from "./form.tsx";
import { device, moment } from "./format.ts";
import { get, patch, remove, tryOnce } from "./http.ts";
import { save } from "./saving.ts";
import { services } from "./services.ts";
import { Reading, Section, useLoaded } from "./settings_parts.tsx";
import type { AuthConfig, List, Me, Session } from "./wire.ts";

interface AccountProps {
  desk: Desk;
  me: Me;
  config: AuthConfig | undefined;
}

export function AccountPage({ desk, me, config }: AccountProps) {
  return (
    <>
      <Name desk={desk} me={me} />
      {config?.passwords !== false && (me.has_password ? <Password me={me} /> : <NoPassword />)}
      <Sessions />
      <Identities desk={desk} me={me} config={config} />
      <YourData desk={desk} me={me} />
    </>
  );
}

function Name({ desk, me }: { desk: Desk; me: Me }) {
  const [name, setName] = useState(me.user.name);
  const action = useAction(["/name"]);
  return (
    <Section title="You">
      <form class="line-form" onSubmit={(event) => {
        event.preventDefault();
        void action.run(async () => {
          await patch("/auth/me", { name: name.trim() });
          await desk.reloadMe();
        });
      }}>
        <Field label="Name" name="name" value={name} autocomplete="name" required maxLength={100}
          error={action.errors["/name"]} onText={setName} />
        <Submit action={action} disabled={name.trim() === "" || name.trim() === me.user.name}>
          {action.isBusy ? "Saving…" : "Save"}
        </Submit>
      </form>
      <p class="soft small">
        {me.user.email && `${me.user.email} · `}
        {me.role} in {me.workspace.name}
        {me.is_operator && " · runs this deployment"}
      </p>
    </Section>
  );
}

function Password({ me }: { me: Me }) {
  const [current, setCurrent] = useState("");
  const [changed, setChanged] = useState("");
  const [isDone, setIsDone] = useState(false);
  const action = useAction(["/current", "/new", "needs:password"]);
  const send = async (): Promise<void> => {
    setIsDone(false);
    if (await action.run(() => tryOnce("POST", "/auth/password", { current, new: changed }))) {
      setIsDone(true);
      setCurrent("");
      setChanged("");
    }
  };
  return (
    <Section title="Password">
      <details>
        <summary>Change it</summary>
        <form class="stack" onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}>
          <input type="hidden" name="username" autocomplete="username" value={me.user.email ?? ""} />
          <PasswordField label="Present password" value={current} error={action.errors["needs:password"] ?? action.errors["/current"]}
            onText={setCurrent} />
          <PasswordField label="New password" isNew value={changed} error={action.errors["/new"]}
            onText={setChanged} />
          <p class="form-end">
            <Submit action={action} disabled={current === "" || changed === ""}>
              Change the password
            </Submit>
            <span class="soft small">Everywhere else you are signed out.</span>
          </p>
        </form>
      </details>
      {isDone && <p class="good small" role="status">The password is changed.</p>}
    </Section>
  );
}

function NoPassword() {
  return (
    <Section title="Password">
      <p class="soft small">You have none: you sign in with an identity provider. “Forgot password?” at the sign-in sets one.</p>
    </Section>
  );
}

function Sessions() {
  const sessions = useLoaded(async () => (await get<List<Session>>("/auth/sessions")).items);
  const action = useAction();
  const end = (path: string) => () =>
    void action.run(async () => {
      await remove(path);
      await sessions.reload();
    });
  const items = [...(sessions.value ?? [])].sort(
    (a, b) => Number(b.is_current) - Number(a.is_current) || b.used_at.localeCompare(a.used_at),
  );
  const now = Date.now();
  return (
    <Section title="Where you are signed in">
      <Reading of={sessions} />
      <ul class="rows">
        {items.map((session) => (
          <li key={session.id} data-session={session.id}>
            <p class="row-what">
              <strong>{device(session.device)}</strong>
              {session.is_current && <span class="tag is-good">this one</span>}
              <span class="soft small row-note" title={session.device}>
                {session.address} · since {moment(Date.parse(session.created_at), now)} · last used{" "}
                {moment(Date.parse(session.used_at), now)}
              </span>
            </p>
            {!session.is_current && (
              <button type="button" disabled={action.isBusy} onClick={end(`/auth/sessions/${session.id}`)}
                aria-label={`End: ${device(session.device)}, ${session.address}`}>
                End
              </button>
            )}
          </li>
        ))}
      </ul>
      <Failure action={action} />
      {items.length > 1 && (
        <p>
          <button type="button" disabled={action.isBusy} onClick={end("/auth/sessions")}>
            End all others
          </button>
        </p>
      )}
    </Section>
  );
}

function Identities({ desk, me, config }: AccountProps) {
  const action = useAction();
  const providers = config?.providers ?? [];
  const linked = me.identities ?? [];
  if (providers.length === 0 && linked.length === 0) return null;
  const link = (id: string) => () =>
    void action.run(async () => {
      const { url } = await tryOnce<{ url: string }>("POST", `/auth/oidc/${encodeURIComponent(id)}/link`, {});
      const address = new URL(url);
      if (address.protocol === "https:" || address.protocol === "http:") window.location.assign(address);
    });
  const unlink = (id: string) => () =>
    void action.run(async () => {
      await remove(`/auth/oidc/${encodeURIComponent(id)}`);
      await desk.reloadMe();
    });
  const nameOf = (id: string): string => providers.find((provider) => provider.id === id)?.name ?? id;
  return (
    <Section title="Identity providers">
      <ul class="rows">
        {linked.map((identity) => (
          <li key={identity.provider}>
            <p class="row-what">
              <strong>{nameOf(identity.provider)}</strong>
              <span class="soft small row-note">{identity.email}</span>
            </p>
            <button type="button" disabled={action.isBusy} onClick={unlink(identity.provider)}>
              Unlink
            </button>
          </li>
        ))}
        {providers
          .filter((provider) => !linked.some((identity) => identity.provider === provider.id))
          .map((provider) => (
            <li key={provider.id}>
              <p class="row-what">
                <strong>{provider.name}</strong>
                <span class="soft small row-note">not linked</span>
              </p>
              <button type="button" disabled={action.isBusy} onClick={link(provider.id)}>
                Link
              </button>
            </li>
          ))}
      </ul>
      <Failure action={action} />
    </Section>
  );
}

function YourData({ desk, me }: { desk: Desk; me: Me }) {
  const [isErasing, setIsErasing] = useState(false);
  const [isLeaving, setIsLeaving] = useState(false);
  const action = useAction();
  // Of three processes the auth service knows no conversations, and the backend no account.
  const exportConversations = (): void => void action.run(() => save("/api/me/conversations", "netra-conversations.json"));
  return (
    <Section title="Your data">
      <p class="soft small">
        Everything that is kept of you as one JSON file: account, sessions, keys, memberships, what you did, and
        which conversations are yours.
      </p>
      <p class="buttons">
        <a class="button" href={services.url("/auth/me/export")} download="netra-account.json">
          Export my data
        </a>
        {services.isSplit && (
          <button type="button" disabled={action.isBusy} onClick={exportConversations}>
            Export my conversations
          </button>
        )}
        <button type="button" onClick={() => setIsLeaving(true)}>
          Sign out
        </button>
        <button type="button" class="danger" onClick={() => setIsErasing(true)}>
          Delete my account…
        </button>
      </p>
      {isLeaving && (
        <Confirm question="Sign out here?" detail="A question that you have begun to write is forgotten." action="Sign out"
          onConfirm={() => void desk.leave()} onClose={() => setIsLeaving(false)} />
      )}
      {isErasing && <Erase desk={desk} me={me} onClose={() => setIsErasing(false)} />}
      <Failure action={action} />
    </Section>
  );
}

/** Says what happens before it does. */
function Erase({ desk, me, onClose }: { desk: Desk; me: Me; onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [password, setPassword] = useState("");
  const [threads, setThreads] = useState<"keep" | "delete">("keep");
  const action = useAction(["/password", "needs:password"]);
  useEffect(() => dialog.current?.showModal(), []);
  const send = (): Promise<boolean> =>
    action.run(async () => {
      await tryOnce("DELETE", "/auth/me", { threads, ...(me.has_password ? { password } : {}) });
      desk.gone();
    });
  return (
    <dialog ref={dialog} class="confirm" aria-labelledby="erase-title" onClose={onClose}>
      <h2 id="erase-title">Delete your account?</h2>
      <p>This cannot be undone. At once and for good:</p>
      <ul class="never">
        <li>you are signed out everywhere, and your keys stop working;</li>
        <li>your name, e-mail, password and links to identity providers are erased;</li>
        <li>
          you leave {me.workspaces.length === 1 ? me.workspace.name : `all ${me.workspaces.length} workspaces`}; uploaded
          records stay there, without your name.
        </li>
      </ul>
      <form class="stack" onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}>
        <fieldset>
          <legend>Your conversations and their reports</legend>
          <label>
            <input type="radio" name="threads" checked={threads === "keep"} onChange={() => setThreads("keep")} /> stay
            in the workspace, without your name
          </label>
          <label>
            <input type="radio" name="threads" checked={threads === "delete"} onChange={() => setThreads("delete")} /> are
            deleted, too
          </label>
        </fieldset>
        {me.has_password && (
          <PasswordField label="Your password" value={password} error={action.errors["needs:password"] ?? action.errors["/password"]}
            onText={setPassword} />
        )}
        <p class="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            Keep
          </button>
          <Submit action={action} isDanger disabled={me.has_password === true && password === ""}>
            Delete my account
          </Submit>
        </p>
      </form>
    </dialog>
  );
}
