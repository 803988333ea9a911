// SPDX-License-Identifier: Apache-2.0
//
// Settings, limits: how much may be asked at once, and what is left of it.

import { bytes, count, moment } from "./format.ts";
import { get } from "./http.ts";
import { Reading, Section, useLoaded } from "./settings_parts.tsx";
import type { Limits } from "./wire.ts";

const LIMIT_TEXTS: Record<string, string> = {
  address: "Requests of this address",
  user: "Your requests",
  key: "Requests of this key",
  costly: "Questions, tool calls and uploads",
  secret: "Tries at passwords and codes",
  runs: "Questions that wait or are at work",
  websockets: "Live connections",
};

const QUOTA_TEXTS: Record<string, string> = {
  storage: "Uploaded records",
  model_tokens: "Tokens of models in 24 hours",
};

export function LimitsPage() {
  const limits = useLoaded(() => get<Limits>("/api/limits"));
  return (
    <>
      <Reading of={limits} />
      {limits.value && (
        <>
          <Section title="What the workspace uses">
            <ul class="rows">
              {limits.value.quotas.map((quota) => (
                <Quota key={quota.name} quota={quota} />
              ))}
            </ul>
          </Section>
          <Section title="How much at once">
            {limits.value.limits.length === 0 ? (
              <p class="soft small">There are no such limits here.</p>
            ) : (
              <p class="soft small">Each refills while it is not used. What is too much waits, and is tried again by itself.</p>
            )}
            <ul class="rows">
              {limits.value.limits.map((limit) => (
                <li key={limit.name} data-limit={limit.name}>
                  <p class="row-what">
                    <strong>{LIMIT_TEXTS[limit.name] ?? limit.name}</strong>
                    <span class="soft small row-note">{refill(limit.per_s)}</span>
                  </p>
                  <Meter used={limit.limit - limit.remaining} limit={limit.limit}
                    text={`${count(Math.floor(limit.remaining))} of ${count(limit.limit)} left`} />
                </li>
              ))}
            </ul>
          </Section>
          <p class="section-end">
            <button type="button" onClick={() => void limits.reload()}>
              Read again
            </button>
          </p>
        </>
      )}
    </>
  );
}

function refill(perS: number): string {
  if (perS <= 0) return "as others end";
  return perS >= 1 ? `${count(perS)} more each second` : `${count(Math.round(perS * 60))} more each minute`;
}

function Quota({ quota }: { quota: Limits["quotas"][number] }) {
  const print = quota.name === "storage" ? bytes : count;
  const text = quota.limit === null ? `${print(quota.used)}, no limit` : `${print(quota.used)} of ${print(quota.limit)}`;
  return (
    <li data-quota={quota.name}>
      <p class="row-what">
        <strong>{QUOTA_TEXTS[quota.name] ?? quota.name}</strong>
        {quota.resets_at && quota.limit !== null && (
          <span class="soft small row-note">begins anew {moment(Date.parse(quota.resets_at), Date.now())}</span>
        )}
      </p>
      {quota.limit === null ? <span class="soft small">{text}</span> : <Meter used={quota.used} limit={quota.limit} text={text} />}
    </li>
  );
}

function Meter({ used, limit, text }: { used: number; limit: number; text: string }) {
  return (
    <span class="meter">
      <progress max={limit || 1} value={Math.max(0, used)} aria-label={text} />
      <span class="soft small">{text}</span>
    </span>
  );
}
