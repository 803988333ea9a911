// SPDX-License-Identifier: Apache-2.0
//
// Settings, models: which take part, what they are told, and exactly what would be sent for a
// question. Nothing is sent by looking. What is set, is set in the server's configuration: this page
// only shows it.

import { useEffect, useState } from "preact/hooks";
import { count } from "./format.ts";
import { describe, get } from "./http.ts";
import { Section } from "./settings_parts.tsx";
import type { Dataset, Settings as SettingsShape } from "./wire.ts";

const PROMPT_CHARACTERS_MAX = 2000; // it travels in the address

const BREAKERS = {
  closed: "is asked",
  open: "failed too often, is not asked for a while",
  half_open: "is tried again with the next question",
} as const;

const LIMITS: Record<string, string> = {
  attempts_max: "attempts per provider",
  retry_wait_max_ms: "longest wait before another attempt",
  connect_timeout_ms: "to connect",
  first_token_timeout_ms: "until an answer begins",
  idle_timeout_ms: "between two pieces of an answer",
  total_timeout_ms: "for one attempt",
  question_timeout_ms: "for all attempts of a question",
  breaker_failures: "failures in a row until a provider is left alone",
  breaker_open_ms: "for which it is left alone",
};

const PURPOSES: Record<string, string> = {
  interpret: "To check what was understood",
  plan: "What else to look at",
  write: "To write the summary",
  repair: "To write the summary again",
};

interface ModelsProps {
  datasets: Dataset[];
  chosen: string; // dataset of the next question
  question: string; // the newest one; "" where there is none
}

export function ModelsPage({ datasets, chosen, question }: ModelsProps) {
  const [settings, setSettings] = useState<SettingsShape>();
  const [failure, setFailure] = useState<string>();
  const [isLoading, setIsLoading] = useState(true);
  const load = (prompt: string, dataset: string): void => {
    const query = new URLSearchParams({ ...(prompt ? { prompt } : {}), ...(dataset ? { dataset } : {}) });
    setIsLoading(true);
    get<SettingsShape>(`/api/settings?${query}`).then(
      (found) => {
        setSettings(found);
        setFailure(undefined);
        setIsLoading(false);
      },
      (error: unknown) => {
        setFailure(describe(error));
        setIsLoading(false);
      },
    );
  };
  useEffect(() => {
    load(question.slice(0, PROMPT_CHARACTERS_MAX), chosen);
  }, []);
  return (
    <>
      {!settings && <p class="soft" aria-busy={isLoading}>{failure ?? "Reading…"}</p>}
      {settings && (
        <>
          <Chain settings={settings} />
          <NeverSent sentences={settings.never_sent} hasChain={settings.models.chain.length > 0} />
          <WhatIsSent settings={settings} datasets={datasets} chosen={chosen} question={question}
            isLoading={isLoading} failure={failure} onShow={load} />
          <Section title="What models are told">
            <p class="soft small">The same words for everybody; a change of them raises the number.</p>
            {settings.prompts.map((prompt) => (
              <Text key={prompt.id} title={PURPOSES[prompt.name] ?? prompt.name} note={prompt.id} text={prompt.text} />
            ))}
          </Section>
        </>
      )}
    </>
  );
}

/** A text word for word, which can be scrolled with the keyboard. */
function Text({ title, note, text }: { title: string; note: string; text: string }) {
  return (
    <details class="word-for-word">
      <summary>
        {title} <span class="soft">{note}</span>
      </summary>
      <pre tabIndex={0}>{text}</pre>
    </details>
  );
}

function Chain({ settings }: { settings: SettingsShape }) {
  const { chain, limits, tokens_per_run_max } = settings.models;
  if (chain.length === 0) return <NoChain />;
  return (
    <Section title="Models that take part">
      <p class="soft small">
        The first that answers is taken. They help to understand, to plan and to write; every number is computed
        here. When none answers, the report comes all the same.
      </p>
      <ol class="chain">
        {chain.map((link, index) => (
          <li key={index} class={`is-${link.breaker}`}>
            <p>
              <strong>
                {link.provider}/{link.model}
              </strong>{" "}
              <span class={link.breaker === "open" ? "warn" : "soft"}>{BREAKERS[link.breaker]}</span>
            </p>
            <p class="soft small">
              {link.url} · {link.has_key ? "with a key" : "without a key"} · {count(link.attempts)} asked,{" "}
              {count(link.answered)} answered since the start
            </p>
            {link.last_failure && <p class="small warn">Last failure: {link.last_failure}</p>}
          </li>
        ))}
      </ol>
      <details>
        <summary>Limits</summary>
        <dl class="limits-list">
          <Limit name="tokens for one run" value={count(tokens_per_run_max)} />
          {Object.entries(limits).map(([key, value]) => (
            <Limit key={key} name={LIMITS[key] ?? key}
              value={key.endsWith("_ms") ? `${value / 1000} s` : count(value)} />
          ))}
        </dl>
      </details>
    </Section>
  );
}

function Limit({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function NoChain() {
  return (
    <Section title="No model takes part">
      <p>
        Netra understands, plans, computes and writes by itself, and sends nothing anywhere. A model can help to
        understand questions, to choose analyses and to write the summary; name one in <code>~/.config/netra/netra.conf</code> and start
        the server again with its key:
      </p>
      <pre tabIndex={0}>{"llm.chain = anthropic:claude-haiku-4-5\n\nANTHROPIC_API_KEY=… netra serve"}</pre>
      <p class="soft small">
        Also openai, gemini, and any server that speaks OpenAI’s chat completions, on this machine too
        (compatible). <code>netra serve --print-sample-config</code> explains every key.
      </p>
    </Section>
  );
}

function NeverSent({ sentences, hasChain }: { sentences: string[]; hasChain: boolean }) {
  return (
    <Section title="What is never sent">
      <p class="soft small">
        {hasChain ? "A model gets the question and facts that were computed here" : "A model would get the question and facts that were computed here"}
        : sums, shares and times, with the names of models, features and agents. Never:
      </p>
      <ul class="never">
        {sentences.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
    </Section>
  );
}

interface WhatIsSentProps {
  settings: SettingsShape;
  datasets: Dataset[];
  chosen: string;
  question: string;
  isLoading: boolean;
  failure: string | undefined;
  onShow: (prompt: string, dataset: string) => void;
}

function WhatIsSent(props: WhatIsSentProps) {
  const { settings, datasets, isLoading, failure, onShow } = props;
  const [prompt, setPrompt] = useState(props.question.slice(0, PROMPT_CHARACTERS_MAX));
  const [dataset, setDataset] = useState(props.chosen);
  const first = settings.models.chain[0];
  return (
    <Section title={first ? "What is sent" : "What would be sent"}>
      <form class="preview" onSubmit={(event) => {
        event.preventDefault();
        onShow(prompt.trim(), dataset);
      }}>
        <label>
          <span class="soft small">For the question</span>
          <textarea rows={2} value={prompt} maxLength={PROMPT_CHARACTERS_MAX}
            placeholder="How can we reduce costs by 20 % without making anything worse?"
            onInput={(event) => setPrompt(event.currentTarget.value)} />
        </label>
        <p class="preview-row">
          <label class="dataset-choice">
            <span class="soft small">Data</span>
            <select value={dataset} onChange={(event) => setDataset(event.currentTarget.value)}>
              {datasets.filter((candidate) => candidate.status === "ready").map((candidate) => (
                <option key={candidate.id} value={candidate.id}>
                  {candidate.name}
                </option>
              ))}
              <option value="">none</option>
            </select>
          </label>
          <button type="submit" disabled={isLoading}>
            {isLoading ? "Computing…" : "Show"}
          </button>
          <span class="soft small">Looking sends nothing.</span>
        </p>
      </form>
      {failure && <p class="bad small" role="alert">{failure}</p>}
      <p class="soft small" role="status">
        {sentText(settings)}
      </p>
      {settings.requests.map((request, index) => (
        <Text key={index} title={`${index + 1}. ${PURPOSES[request.purpose] ?? request.purpose}`}
          note={request.prompt} text={request.text} />
      ))}
    </Section>
  );
}

function sentText({ models, requests }: SettingsShape): string {
  const first = models.chain[0];
  if (requests.length === 0) return "No model is asked for this question.";
  const times = requests.length === 1 ? "One request" : `${requests.length} requests`;
  return first
    ? `${times} to ${first.provider}/${first.model}, and more when it asks for further analyses; the key is replaced by “…”.`
    : `${times}, in the form that OpenAI reads.`;
}
