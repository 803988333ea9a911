// SPDX-License-Identifier: Apache-2.0
//
// What somebody sees who is not signed in. There is no password to type: in local mode the server
// prints a link that works once.

export function SignIn() {
  return (
    <main class="door">
      <p class="door-brand">Netra</p>
      <h1>Open the sign-in link</h1>
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
        <button type="button" class="primary" onClick={() => window.location.reload()}>
          I have opened it
        </button>
      </p>
    </main>
  );
}
