// SPDX-License-Identifier: Apache-2.0
//
// Settings, people (admins): who is in the workspace and as what, invitations, service accounts, and
// the workspace itself.

import { useState } from "preact/hooks";
import { Confirm } from "./confirm.tsx";
import type { Desk } from "./desk.ts";
import { Failure, Field, Secret, Submit, useAction } from "./form.tsx";
import { moment } from "./format.ts";
import { list, patch, post, postForSecret, remove } from "./http.ts";
import { Reading, Section, useLoaded, type Loaded } from "./settings_parts.tsx";
import type { Invite, Me, Member, Role } from "./wire.ts";

const ROLES: [Role, string][] = [
  ["viewer", "viewer: looks"],
  ["analyst", "analyst: asks, uploads, deletes"],
  ["admin", "admin: people and audit log, too"],
];

export function PeoplePage({ desk, me }: { desk: Desk; me: Me }) {
  const members = useLoaded(() => list<Member>("/api/users"));
  const invites = useLoaded(() => list<Invite>("/api/invites"));
  return (
    <>
      <NewInvite onMade={() => void invites.reload()} />
      <OpenInvites invites={invites} />
      <Members desk={desk} me={me} members={members} />
      <NewService onMade={() => void members.reload()} />
      <Workspaces desk={desk} me={me} />
    </>
  );
}

function RoleChoice({ value, label, disabled = false, onRole }: {
  value: Role;
  label: string;
  disabled?: boolean;
  onRole: (role: Role) => void;
}) {
  return (
    <select value={value} aria-label={label} disabled={disabled}
      onChange={(event) => onRole(event.currentTarget.value as Role)}>
      {ROLES.map(([role]) => (
        <option key={role} value={role}>
          {role}
        </option>
      ))}
    </select>
  );
}

function NewInvite({ onMade }: { onMade: () => void }) {
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("analyst");
  const [made, setMade] = useState<Invite>();
  const action = useAction(["/email", "/role"]);
  const send = (): Promise<boolean> =>
    action.run(async () => {
      setMade(undefined);
      setMade(await postForSecret<Invite>("/api/invites", { email: email.trim(), role }));
      setEmail("");
      onMade();
    });
  return (
    <Section title="Invite somebody">
      <form class="line-form" onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}>
        <Field label="E-mail" type="email" value={email} autocomplete="off" required placeholder="grace@example.org"
          error={action.errors["/email"]} onText={setEmail} />
        <p class="field is-short">
          <label for="invite-role">As</label>
          <select id="invite-role" value={role} onChange={(event) => setRole(event.currentTarget.value as Role)}>
            {ROLES.map(([value, text]) => (
              <option key={value} value={value}>
                {text}
              </option>
            ))}
          </select>
        </p>
        <Submit action={action} isPrimary disabled={email.trim() === ""}>
          Invite
        </Submit>
      </form>
      {made && (
        <div class="made" role="status">
          <p>
            {made.is_mailed
              ? `A mail is on its way to ${made.email}. The link in it works once; this is the same one:`
              : `Give this link to ${made.email}. It works once, until ${moment(Date.parse(made.expires_at), Date.now())}, and is not shown again:`}
          </p>
          {made.url && <Secret text={made.url} what="the link" />}
        </div>
      )}
    </Section>
  );
}

function OpenInvites({ invites }: { invites: Loaded<Invite[]> }) {
  const action = useAction();
  const now = Date.now();
  if (invites.failure === undefined && (invites.value ?? []).length === 0) return null;
  return (
    <Section title="Invitations that are open">
      <Reading of={invites} />
      <ul class="rows">
        {(invites.value ?? []).map((invite) => (
          <li key={invite.id} data-invite={invite.email}>
            <p class="row-what">
              <strong>{invite.email}</strong>
              <span class="tag">{invite.role}</span>
              <span class="soft small row-note">until {moment(Date.parse(invite.expires_at), now)}</span>
            </p>
            <button type="button" disabled={action.isBusy} aria-label={`Withdraw invitation: ${invite.email}`}
              onClick={() => void action.run(async () => {
                await remove(`/api/invites/${invite.id}`);
                await invites.reload();
              })}>
              Withdraw
            </button>
          </li>
        ))}
      </ul>
      <Failure action={action} />
    </Section>
  );
}

interface MemberRowProps {
  member: Member;
  isSelf: boolean;
  isBusy: boolean;
  onRole: (role: Role) => void;
  onLink: () => void;
  onRemove: () => void;
}

function MemberRow({ member, isSelf, isBusy, onRole, onLink, onRemove }: MemberRowProps) {
  const now = Date.now();
  return (
    <li data-member={member.email ?? member.name}>
      <p class="row-what">
        <strong>{member.name}</strong>
        {isSelf && <span class="tag is-good">you</span>}
        {member.kind === "service" && <span class="tag">service</span>}
        <span class="soft small row-note">
          {member.email ? `${member.email} · ` : ""}since {moment(Date.parse(member.since), now)}
          {member.used_at ? ` · last seen ${moment(Date.parse(member.used_at), now)}` : ""}
        </span>
      </p>
      <span class="row-actions">
        <RoleChoice value={member.role} label={`Role of ${member.name}`} disabled={isBusy} onRole={onRole} />
        {member.kind === "person" && !isSelf && (
          <button type="button" class="quiet" disabled={isBusy} onClick={onLink} aria-label={`Reset link for ${member.name}`}>
            Reset link
          </button>
        )}
        {!isSelf && (
          <button type="button" class="quiet" disabled={isBusy} onClick={onRemove} aria-label={`Remove ${member.name}`}>
            Remove
          </button>
        )}
      </span>
    </li>
  );
}

function Members({ desk, me, members }: { desk: Desk; me: Me; members: Loaded<Member[]> }) {
  const [doomed, setDoomed] = useState<Member>();
  const [reset, setReset] = useState<{ name: string; url: string; expires_at: string }>();
  const action = useAction();
  const now = Date.now();
  const setRole = (member: Member, role: Role): Promise<boolean> =>
    action.run(async () => {
      try {
        await patch(`/api/users/${member.id}`, { role });
        if (member.id === me.user.id) await desk.reloadMe();
      } finally {
        await members.reload();
      }
    });
  const makeLink = (member: Member): Promise<boolean> =>
    action.run(async () => {
      setReset(undefined);
      const link = await postForSecret<{ url: string; expires_at: string }>(`/api/users/${member.id}/reset-link`, {});
      setReset({ name: member.name, ...link });
    });
  return (
    <Section title={`People in ${me.workspace.name}`}>
      <Reading of={members} />
      <ul class="rows">
        {(members.value ?? []).map((member) => (
          <MemberRow key={member.id} member={member} isSelf={member.id === me.user.id} isBusy={action.isBusy}
            onRole={(role) => void setRole(member, role)} onLink={() => void makeLink(member)}
            onRemove={() => setDoomed(member)} />
        ))}
      </ul>
      <Failure action={action} />
      {reset && (
        <div class="made" role="status">
          <p>
            Give this link to {reset.name}. It sets a new password, once, until{" "}
            {moment(Date.parse(reset.expires_at), now)}; then they are signed out everywhere:
          </p>
          <Secret text={reset.url} what="the link" />
        </div>
      )}
      {doomed && (
        <Confirm question={`Remove ${doomed.name}?`}
          detail={`They leave ${me.workspace.name} at once: their sessions and keys of it end. What they asked and uploaded stays.`}
          action="Remove"
          onConfirm={() => void action.run(async () => {
            await remove(`/api/users/${doomed.id}`);
            await members.reload();
          })}
          onClose={() => setDoomed(undefined)} />
      )}
    </Section>
  );
}

function NewService({ onMade }: { onMade: () => void }) {
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("analyst");
  const action = useAction(["/name", "/role"]);
  return (
    <Section title="A service account">
      <p class="soft small">For a program that is nobody’s: it cannot sign in, and works with keys that admins make for it.</p>
      <form class="line-form" onSubmit={(event) => {
        event.preventDefault();
        void action.run(async () => {
          await post("/api/users", { name: name.trim(), role });
          setName("");
          onMade();
        });
      }}>
        <Field label="Name" value={name} autocomplete="off" required maxLength={100} placeholder="billing export"
          error={action.errors["/name"]} onText={setName} />
        <p class="field is-short">
          <label for="service-role">As</label>
          <select id="service-role" value={role} onChange={(event) => setRole(event.currentTarget.value as Role)}>
            {ROLES.map(([value]) => (
              <option key={value} value={value}>
                {value}
              </option>
            ))}
          </select>
        </p>
        <Submit action={action} disabled={name.trim() === ""}>
          Add
        </Submit>
      </form>
    </Section>
  );
}

function Workspaces({ desk, me }: { desk: Desk; me: Me }) {
  const [name, setName] = useState(me.workspace.name);
  const [added, setAdded] = useState("");
  const renaming = useAction(["/name"]);
  const adding = useAction(["/name"]);
  return (
    <Section title="Workspace">
      <form class="line-form" onSubmit={(event) => {
        event.preventDefault();
        void renaming.run(async () => {
          await patch(`/api/workspaces/${me.workspace.id}`, { name: name.trim() });
          await desk.reloadMe();
        });
      }}>
        <Field label="Name of this one" value={name} autocomplete="off" required maxLength={100}
          error={renaming.errors["/name"]} onText={setName} />
        <Submit action={renaming} disabled={name.trim() === "" || name.trim() === me.workspace.name}>
          Rename
        </Submit>
      </form>
      {me.is_operator && (
        <form class="line-form" onSubmit={(event) => {
          event.preventDefault();
          void adding.run(async () => {
            await post("/api/workspaces", { name: added.trim() });
            setAdded("");
            await desk.reloadMe();
          });
        }}>
          <Field label="Another one, whose first admin you are" value={added} autocomplete="off" required
            maxLength={100} error={adding.errors["/name"]} onText={setAdded} />
          <Submit action={adding} disabled={added.trim() === ""}>
            Add
          </Submit>
        </form>
      )}
    </Section>
  );
}
