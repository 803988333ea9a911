// SPDX-License-Identifier: Apache-2.0
//
// Settings, keys: for programs that ask in one's name, or in that of a service account. A key is
// shown once.

import { useState } from "preact/hooks";
import { Confirm } from "./confirm.tsx";
import { Failure, Field, Secret, Submit, useAction } from "./form.tsx";
import { moment } from "./format.ts";
import { get, list, postForSecret, remove } from "./http.ts";
import { Reading, Section, useLoaded } from "./settings_parts.tsx";
import type { Key, List, Me, Member, Scope } from "./wire.ts";

const SCOPE_TEXTS: [Scope, string][] = [
  ["read", "look at conversations, reports, records and prices"],
  ["run", "ask, cancel, call tools"],
  ["data", "upload and delete"],
  ["admin", "people, keys of others, audit log"],
];

const LIFETIMES: [days: number, text: string][] = [
  [30, "30 days"],
  [90, "90 days"],
  [365, "a year"],
  [0, "no end"],
];
const DAY_MS = 86_400_000;

export function KeysPage({ me }: { me: Me }) {
  const isAdmin = me.scopes.includes("admin");
  const keys = useLoaded(() => list<Key>("/api/keys"));
  const members = useLoaded(async () => (isAdmin ? (await get<List<Member>>("/api/users?limit=200")).items : []));
  const [doomed, setDoomed] = useState<Key>();
  const action = useAction();
  const now = Date.now();
  const ownerOf = (key: Key): string =>
    key.user_id === me.user.id ? "" : (members.value?.find((member) => member.id === key.user_id)?.name ?? "somebody else");
  return (
    <>
      <NewKey me={me} services={(members.value ?? []).filter((member) => member.kind === "service")}
        onMade={() => void keys.reload()} />
      <Section title={isAdmin ? "Keys of this workspace" : "Your keys"}>
        <Reading of={keys} />
        {keys.value?.length === 0 && <p class="soft small">There are none.</p>}
        <ul class="rows">
          {(keys.value ?? []).map((key) => {
            const isOver = key.expires_at != null && Date.parse(key.expires_at) < now;
            return (
              <li key={key.id} data-key={key.id}>
                <p class="row-what">
                  <strong>{key.name}</strong>
                  {ownerOf(key) && <span class="tag">{ownerOf(key)}</span>}
                  {isOver && <span class="tag is-warn">expired</span>}
                  <span class="soft small row-note">
                    {key.scopes.join(", ")} · {key.used_at ? `last used ${moment(Date.parse(key.used_at), now)}` : "never used"}
                    {" · "}
                    {key.expires_at ? `${isOver ? "ended" : "ends"} ${moment(Date.parse(key.expires_at), now)}` : "no end"}
                  </span>
                </p>
                <button type="button" aria-label={`Revoke key: ${key.name}`} onClick={() => setDoomed(key)}>
                  Revoke
                </button>
              </li>
            );
          })}
        </ul>
        <Failure action={action} />
      </Section>
      {doomed && (
        <Confirm question={`Revoke “${doomed.name}”?`} detail="Whatever uses this key is refused from now on, and its connections are closed. This cannot be undone."
          action="Revoke"
          onConfirm={() => void action.run(async () => {
            await remove(`/api/keys/${doomed.id}`);
            await keys.reload();
          })}
          onClose={() => setDoomed(undefined)} />
      )}
    </>
  );
}

function NewKey({ me, services, onMade }: { me: Me; services: Member[]; onMade: () => void }) {
  const [name, setName] = useState("");
  const [scopes, setScopes] = useState<Scope[]>(["read"]);
  const [days, setDays] = useState(90);
  const [owner, setOwner] = useState("");
  const [made, setMade] = useState<Key>();
  const action = useAction(["/name", "/scopes", "/expires_at", "/user_id"]);
  const toggle = (scope: Scope) => () =>
    setScopes(scopes.includes(scope) ? scopes.filter((other) => other !== scope) : [...scopes, scope]);
  const send = (): Promise<boolean> =>
    action.run(async () => {
      const request = {
        name: name.trim(),
        scopes,
        ...(days > 0 ? { expires_at: new Date(Date.now() + days * DAY_MS).toISOString() } : {}),
        ...(owner ? { user_id: owner } : {}),
      };
      setMade(await postForSecret<Key>("/api/keys", request));
      setName("");
      onMade();
    });
  const placed = action.errors["/scopes"] ?? action.errors["/expires_at"] ?? action.errors["/user_id"];
  return (
    <Section title="A new key">
      <form class="stack" onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}>
        <Field label="Name" value={name} required maxLength={100} placeholder="nightly export" autocomplete="off"
          error={action.errors["/name"]} onText={setName} />
        <fieldset>
          <legend>It may</legend>
          {SCOPE_TEXTS.filter(([scope]) => me.scopes.includes(scope)).map(([scope, text]) => (
            <label key={scope}>
              <input type="checkbox" checked={scopes.includes(scope)} onChange={toggle(scope)} />{" "}
              <strong>{scope}</strong> <span class="soft">{text}</span>
            </label>
          ))}
        </fieldset>
        <div class="choices">
          <label>
            <span>Valid for</span>
            <select value={String(days)} onChange={(event) => setDays(Number(event.currentTarget.value))}>
              {LIFETIMES.map(([value, text]) => (
                <option key={value} value={String(value)}>
                  {text}
                </option>
              ))}
            </select>
          </label>
          {services.length > 0 && (
            <label>
              <span>In the name of</span>
              <select value={owner} onChange={(event) => setOwner(event.currentTarget.value)}>
                <option value="">{me.user.name} (you)</option>
                {services.map((service) => (
                  <option key={service.id} value={service.id}>
                    {service.name}
                  </option>
                ))}
              </select>
            </label>
          )}
        </div>
        {placed && <p class="bad small" role="alert">{placed}</p>}
        <p class="form-end">
          <Submit action={action} isPrimary disabled={name.trim() === "" || scopes.length === 0}>
            Make the key
          </Submit>
        </p>
      </form>
      {made?.key && (
        <div class="made" role="status">
          <p>
            <strong>{made.name}</strong>: copy it now, it is not shown again.
          </p>
          <Secret text={made.key} what="the key" />
        </div>
      )}
    </Section>
  );
}
