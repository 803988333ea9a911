// SPDX-License-Identifier: Apache-2.0
//
// Settings: a dialogue with pages, one of which the fragment of the address names (#settings/keys).
// Who may not open a page is not shown it; the server decides in any case.

import { useEffect, useRef } from "preact/hooks";
import type { SettingsPage } from "./address.ts";
import type { Desk, DeskState } from "./desk.ts";
import { AccountPage } from "./settings_account.tsx";
import { AuditPage } from "./settings_audit.tsx";
import { KeysPage } from "./settings_keys.tsx";
import { LimitsPage } from "./settings_limits.tsx";
import { ModelsPage } from "./settings_models.tsx";
import { PeoplePage } from "./settings_people.tsx";
import type { Me } from "./wire.ts";

const TITLES: Record<SettingsPage, string> = {
  account: "Account",
  keys: "Keys",
  people: "People",
  audit: "Audit log",
  limits: "Limits",
  models: "Models",
};

export function pagesOf(me: Me | undefined): SettingsPage[] {
  if (me?.mode !== "accounts") return ["models", "limits"];
  const forAdmins: SettingsPage[] = me.scopes.includes("admin") ? ["people", "audit"] : [];
  return ["account", "keys", ...forAdmins, "limits", "models"];
}

interface SettingsProps {
  desk: Desk;
  state: DeskState;
  page: SettingsPage;
  onClose: () => void;
}

export function Settings({ desk, state, page: wanted, onClose }: SettingsProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    dialog.current?.showModal();
  }, []);
  useEffect(() => {
    dialog.current?.scrollTo({ top: 0 });
  }, [wanted]);
  const pages = pagesOf(state.me);
  const page = pages.includes(wanted) ? wanted : pages[0];
  return (
    <dialog ref={dialog} class="settings" onClose={onClose} aria-labelledby="settings-title">
      <div class="settings-top">
        <h2 id="settings-title">Settings</h2>
        <nav class="settings-pages" aria-label="Pages of the settings">
          {pages.map((other) => (
            <a key={other} href={`#settings/${other}`} aria-current={other === page ? "page" : undefined}
              onClick={(event) => {
                event.preventDefault(); // one step back closes the settings, however many pages were read
                window.location.replace(`#settings/${other}`);
              }}>
              {TITLES[other]}
            </a>
          ))}
        </nav>
        <form method="dialog">
          <button type="submit" autofocus>
            Close
          </button>
        </form>
      </div>
      {page === "account" && state.me && <AccountPage desk={desk} me={state.me} config={state.config} />}
      {page === "keys" && state.me && <KeysPage me={state.me} />}
      {page === "people" && state.me && <PeoplePage desk={desk} me={state.me} />}
      {page === "audit" && <AuditPage />}
      {page === "limits" && <LimitsPage />}
      {page === "models" && (
        <ModelsPage datasets={state.datasets} chosen={state.chosen} question={state.runs.at(-1)?.prompt ?? ""} />
      )}
    </dialog>
  );
}
