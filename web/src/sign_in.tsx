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
        <code>make demo</code> prints one, too. If the link was used already, ask for a new one in the
        terminal where you run the demo, or start the server again.
      </p>
      <p>
        <button type="button" class="primary" onClick={() => window.location.reload()}>
          I have opened it
        </button>
      </p>
    </main>
  );
}
