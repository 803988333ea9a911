// SPDX-License-Identifier: Apache-2.0
//
// Who one is, in which workspace and as what; other workspaces; the way out. A popover of the
// browser's own: it closes with Escape and by a click elsewhere.

import { useRef } from "preact/hooks";
import type { SettingsPage } from "./address.ts";
import type { Desk } from "./desk.ts";
import { CheckIcon } from "./icons.tsx";
import type { Me, Role } from "./wire.ts";

export const ROLE_TEXTS: Record<Role, string> = {
  viewer: "viewer: looks",
  analyst: "analyst: asks and uploads",
  admin: "admin: people, too",
};

/** "Ada Lovelace" → "AL". */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/);
  const letters = [words[0], words.length > 1 ? words.at(-1) : undefined].map((word) => [...(word ?? "")][0] ?? "");
  return letters.join("").toLocaleUpperCase();
}

interface AccountMenuProps {
  desk: Desk;
  me: Me;
  onSettings: (page: SettingsPage) => void;
}

export function AccountMenu({ desk, me, onSettings }: AccountMenuProps) {
  const menu = useRef<HTMLDivElement>(null);
  const go = (page: SettingsPage) => () => {
    menu.current?.hidePopover();
    onSettings(page);
  };
  return (
    <>
      <button type="button" class="icon account-button" popovertarget="account-menu" aria-label={`Account: ${me.user.name}`}>
        <span class="initials" aria-hidden="true">
          {initials(me.user.name)}
        </span>
        <span class="account-name">{me.workspace.name}</span>
      </button>
      <div ref={menu} id="account-menu" class="menu" popover="auto">
        <p class="menu-who">
          <strong>{me.user.name}</strong>
          {me.user.email && <span class="soft small">{me.user.email}</span>}
        </p>
        <ul class="menu-workspaces" aria-label="Workspaces">
          {me.workspaces.map((workspace) => (
            <li key={workspace.id}>
              <button type="button" aria-current={workspace.id === me.workspace.id}
                disabled={workspace.id === me.workspace.id}
                onClick={() => void desk.switchWorkspace(workspace.id)}>
                <span class="menu-mark">{workspace.id === me.workspace.id && <CheckIcon />}</span>
                <span class="menu-name">{workspace.name}</span>
                <span class="soft small">{workspace.role}</span>
              </button>
            </li>
          ))}
        </ul>
        <div class="menu-actions">
          <button type="button" onClick={go("account")}>Account</button>
          <button type="button" onClick={go("keys")}>Keys</button>
          {me.scopes.includes("admin") && <button type="button" onClick={go("people")}>People</button>}
          <button type="button" onClick={() => void desk.leave()}>Sign out</button>
        </div>
      </div>
    </>
  );
}
