// SPDX-License-Identifier: Apache-2.0
//
// How one gets in. In local mode the server prints a link that works once: there is no password to
// type. In accounts mode: e-mail and password, identity providers, the first account, an invitation,
// a password to be set anew. When a session ends while the page is open, the same stands over the
// page, which is kept.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { placeOf, providerUrl } from "./address.ts";
import type { Desk, DeskState } from "./desk.ts";
import { Failure, Field, PASSWORD_LENGTH_MIN, PasswordField, Submit, useAction } from "./form.tsx";
import { tryOnce } from "./http.ts";
import { EyeIcon } from "./icons.tsx";
import { services } from "./services.ts";
import type { AuthConfig, Me } from "./wire.ts";

interface SignInProps {
  desk: Desk;
  state: DeskState;
}

export function SignIn({ desk, state }: SignInProps) {
  return (
    <main class="door">
      <p class="door-brand">
        <EyeIcon /> Netra
      </p>
      <Ways desk={desk} state={state} />
    </main>
  );
}

/** Over the page: what is behind stays as it is, and cannot be used meanwhile. */
export function SignInAgain({ desk, state }: SignInProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} class="again" aria-labelledby="door-title" onCancel={(event) => event.preventDefault()}
      onClose={() => dialog.current?.showModal()}>
      <p class="soft small" role="status">
        You are signed out. What you were doing goes on when you are back.
      </p>
      <Ways desk={desk} state={state} />
    </dialog>
  );
}

function Ways({ desk, state }: SignInProps) {
  const { config, arrival } = state;
  const [wantsReset, setWantsReset] = useState(false);
  const [hasAccount, setHasAccount] = useState(false);
  if (!config || config.mode === "local") return <LocalWay desk={desk} isAgain={state.needsSignIn} />;
  if (arrival.reset) return <NewPassword code={arrival.reset} onDone={() => desk.forgetArrival()} />;
  if (arrival.setup) return <Register desk={desk} code={arrival.setup} isSetup />;
  if (arrival.invite && !hasAccount) {
    return (
      <Register desk={desk} code={arrival.invite} config={config} onHasAccount={() => setHasAccount(true)} />
    );
  }
  if (config.setup_needed && !state.me) return <SetupNeeded />;
  if (wantsReset) return <Forgot hasMail={config.mail === true} onBack={() => setWantsReset(false)} />;
  return <Login desk={desk} state={state} config={config} onForgot={() => setWantsReset(true)} />;
}

function Title({ children }: { children: ComponentChildren }) {
  return <h1 id="door-title">{children}</h1>;
}

function LocalWay({ desk, isAgain }: { desk: Desk; isAgain: boolean }) {
  return (
    <>
      <Title>Open the sign-in link</Title>
      <p>
        This server belongs to one person on this machine. When it starts it prints a link that signs
        this browser in, once:
      </p>
      <pre>{"$ netra serve\nlistening: http://127.0.0.1:…\nsign in:   http://127.0.0.1:…/auth/sign-in?code=…"}</pre>
      <p>
        A link that was used needs a successor: <code>make demo</code> prints a new one each time, and
        so does a server that is started again.
      </p>
      <p>
        <button type="button" class="primary"
          onClick={() => (isAgain ? void desk.lookAgain() : window.location.reload())}>
          I have opened it
        </button>
      </p>
    </>
  );
}

interface LoginProps extends SignInProps {
  config: AuthConfig;
  onForgot: () => void;
}

function Login({ desk, state, config, onForgot }: LoginProps) {
  const [email, setEmail] = useState(state.me?.user.email ?? "");
  const [password, setPassword] = useState("");
  const action = useAction(["/email", "/password"]);
  const send = (): Promise<boolean> =>
    action.run(async () => {
      const workspace = state.me && state.me.user.email === email ? { workspace: state.me.workspace.id } : {};
      const me = await tryOnce<Me>("POST", "/auth/login", { email: email.trim(), password, cookie: true, ...workspace });
      await desk.signedIn(me);
    });
  return (
    <>
      <Title>{state.needsSignIn ? "Sign in again" : "Sign in"}</Title>
      {state.arrival.error && <p class="outcome" role="alert">{state.arrival.error}</p>}
      {state.arrival.invite && <p class="soft">Then you join with your invitation.</p>}
      {config.passwords !== false && (
        <form onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}>
          <Field label="E-mail" type="email" name="email" value={email} autocomplete="username" required
            autofocus={email === ""} error={action.errors["/email"]} onText={setEmail} />
          <PasswordField label="Password" value={password} autofocus={state.needsSignIn && state.me?.user.email !== undefined}
            error={action.errors["/password"]} onText={setPassword} />
          <p class="door-row">
            <Submit action={action} isPrimary>
              {action.isBusy ? "Signing in…" : "Sign in"}
            </Submit>
            <button type="button" class="quiet" onClick={onForgot}>
              Forgot password?
            </button>
          </p>
        </form>
      )}
      <Providers config={config} isAlternative={config.passwords !== false} />
    </>
  );
}

function Providers({ config, isAlternative }: { config: AuthConfig; isAlternative: boolean }) {
  const links = (config.providers ?? []).flatMap(({ id, name, url }) => {
    const address = providerUrl(url, placeOf(window.location.pathname));
    return address ? [{ id, name, address: services.url(address) }] : [];
  });
  if (links.length === 0) return null;
  return (
    <div class="providers">
      {isAlternative && <p class="or soft small">or</p>}
      {links.map(({ id, name, address }) => (
        <a key={id} class="button" href={address}>
          Continue with {name}
        </a>
      ))}
    </div>
  );
}

interface RegisterProps {
  desk: Desk;
  code: string;
  isSetup?: boolean;
  config?: AuthConfig;
  onHasAccount?: () => void;
}

/** The first account of a deployment, or somebody who was invited. */
function Register({ desk, code, isSetup = false, config, onHasAccount }: RegisterProps) {
  const [email, setEmail] = useState("");
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const action = useAction(["/email", "/name", "/password"]);
  const send = (): Promise<boolean> =>
    action.run(async () => {
      const who = { code, name: name.trim(), password, cookie: true, ...(isSetup ? { email: email.trim() } : {}) };
      const me = await tryOnce<Me>("POST", "/auth/register", who);
      const entered = desk.signedIn(me);
      desk.forgetArrival();
      await entered;
    });
  return (
    <>
      <Title>{isSetup ? "The first account" : "You are invited"}</Title>
      <p class="soft">
        {isSetup
          ? "Whoever makes it runs this deployment: invites people, and says what they may do."
          : "Choose how you are called here, and a password."}
      </p>
      {config?.passwords !== false && (
        <form onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}>
          <Field label="Name" name="name" value={name} autocomplete="name" required maxLength={100} autofocus
            error={action.errors["/name"]} onText={setName} />
          {isSetup && (
            <Field label="E-mail" type="email" name="email" value={email} autocomplete="username" required
              error={action.errors["/email"]} onText={setEmail} />
          )}
          <PasswordField label="Password" isNew value={password} error={action.errors["/password"]}
            onText={setPassword} />
          <p class="door-row">
            <Submit action={action} isPrimary>
              {action.isBusy ? "Making the account…" : "Make the account"}
            </Submit>
            {onHasAccount && (
              <button type="button" class="quiet" onClick={onHasAccount}>
                I have an account
              </button>
            )}
          </p>
        </form>
      )}
      {config && <Providers config={config} isAlternative={config.passwords !== false} />}
    </>
  );
}

function SetupNeeded() {
  return (
    <>
      <Title>Nobody has an account yet</Title>
      <p>The server printed a link for the first one when it started. It works once; a server that is started again prints a new one:</p>
      <pre>{"$ netra serve\nlistening: https://netra.example.org\nsign in:   https://netra.example.org/?setup=…"}</pre>
    </>
  );
}

function Forgot({ hasMail, onBack }: { hasMail: boolean; onBack: () => void }) {
  const [email, setEmail] = useState("");
  const [isSent, setIsSent] = useState(false);
  const action = useAction(["/email"]);
  const send = async (): Promise<void> => {
    if (await action.run(() => tryOnce("POST", "/auth/password/forgot", { email: email.trim() }))) setIsSent(true);
  };
  const back = (
    <button type="button" class="quiet" onClick={onBack}>
      Back
    </button>
  );
  if (!hasMail) {
    return (
      <>
        <Title>A new password</Title>
        <p>This server sends no mail. An admin of your workspace can make a link for you, under Settings, People.</p>
        <p>{back}</p>
      </>
    );
  }
  return (
    <>
      <Title>A new password</Title>
      {isSent ? (
        <>
          <p role="status">If {email.trim()} has an account here, a link is on its way to it. It works once, for half an hour.</p>
          <p>{back}</p>
        </>
      ) : (
        <form onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}>
          <Field label="E-mail" type="email" name="email" value={email} autocomplete="username" required autofocus
            error={action.errors["/email"]} onText={setEmail} />
          <p class="door-row">
            <Submit action={action} isPrimary>
              Send a link
            </Submit>
            {back}
          </p>
        </form>
      )}
    </>
  );
}

function NewPassword({ code, onDone }: { code: string; onDone: () => void }) {
  const [password, setPassword] = useState("");
  const [isDone, setIsDone] = useState(false);
  const action = useAction(["/password"]);
  const send = async (): Promise<void> => {
    const set = () => tryOnce("POST", "/auth/password/reset", { code, password });
    if (await action.run(set)) setIsDone(true);
  };
  if (isDone) {
    return (
      <>
        <Title>The password is set</Title>
        <p role="status">Everywhere else you are signed out.</p>
        <p>
          <button type="button" class="primary" onClick={onDone}>
            Sign in
          </button>
        </p>
      </>
    );
  }
  return (
    <>
      <Title>A new password</Title>
      <form onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}>
        <PasswordField label="New password" isNew value={password} error={action.errors["/password"]}
          onText={setPassword} />
        <p class="door-row">
          <Submit action={action} isPrimary disabled={password.length < PASSWORD_LENGTH_MIN}>
            Set the password
          </Submit>
        </p>
      </form>
    </>
  );
}

/** Somebody who is signed in has opened an invitation. */
export function Join({ desk, state }: SignInProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const action = useAction();
  useEffect(() => dialog.current?.showModal(), []);
  const { invite } = state.arrival;
  const me = state.me?.user;
  return (
    <dialog ref={dialog} class="confirm" aria-labelledby="join-title" onClose={() => desk.forgetArrival()}>
      <h2 id="join-title">Use the invitation?</h2>
      <p>
        You are signed in as {me?.name}
        {me?.email && ` (${me.email})`}. You join a workspace beside those that you are in.
      </p>
      <Failure action={action} />
      <form method="dialog" class="buttons">
        <button type="submit">Not now</button>
        <button type="button" class="primary" disabled={action.isBusy}
          onClick={() => void action.run(() => desk.join(invite ?? ""))}>
          Join
        </button>
      </form>
    </dialog>
  );
}
