// SPDX-License-Identifier: Apache-2.0
//
// What the server sends, as docs/protocol.md has it. Only members that the page uses; others may
// be added by the server at any time.

/** A row of GET /api/discovery/services. */
export interface ServiceRow {
  name: string;
  url: string;
}

/** What POST /auth/service-token gives. */
export interface Grant {
  access_token: string;
  expires_in: number; // seconds
}

export interface Problem {
  title: string;
  status: number;
  detail: string;
  code: string;
  recovery?: string;
  hint?: string;
  login_url?: string;
  needs?: string;
  trace_id?: string;
  retry_after_s?: number; // of the header
  errors?: { pointer?: string; detail: string }[];
}

export type Scope = "read" | "run" | "data" | "admin";
export type Role = "viewer" | "analyst" | "admin";

/** How one signs in here. */
export interface AuthConfig {
  mode: "local" | "accounts";
  passwords?: boolean;
  mail?: boolean;
  setup_needed?: boolean;
  providers?: { id: string; name: string; url: string }[];
}

/** Who one is. */
export interface Me {
  user: { id: string; email?: string; name: string; kind: "local" | "person" | "service" };
  mode: "local" | "accounts";
  workspace: { id: string; name: string };
  role: Role;
  scopes: Scope[];
  is_operator: boolean;
  workspaces: { id: string; name: string; role: Role }[];
  identities?: { provider: string; email: string; linked_at: string }[];
  has_password?: boolean;
}

export interface Session {
  id: string;
  kind: string;
  device: string;
  address: string;
  created_at: string;
  used_at: string;
  expires_at: string;
  is_current: boolean;
}

export interface Member {
  id: string;
  email?: string | null;
  name: string;
  kind: "local" | "person" | "service";
  role: Role;
  since: string;
  has_password?: boolean;
  used_at?: string | null;
}

export interface Invite {
  id: string;
  email: string;
  role: Role;
  url?: string; // only in the answer that made it
  expires_at: string;
  is_mailed?: boolean;
}

export interface Key {
  id: string;
  name: string;
  user_id: string;
  scopes: Scope[];
  created_at: string;
  used_at?: string | null;
  expires_at?: string | null;
  key?: string; // only in the answer that made it
}

export interface AuditLine {
  n: number;
  time: string;
  actor?: string | null;
  credential?: string | null;
  action: string;
  target?: string | null;
  address: string;
  detail?: unknown;
  hash: string;
}

/** The chain of hashes, computed anew. */
export interface AuditCheck {
  lines: number;
  last_hash: string;
  is_intact: boolean;
  first_broken?: number | null;
}

export interface Limits {
  limits: { name: string; limit: number; per_s: number; remaining: number }[];
  quotas: { name: string; used: number; limit: number | null; resets_at?: string | null }[];
}

export interface Health {
  status: string;
  reason?: string;
  checks?: { name: string; status: string; reason?: string }[];
}

export interface List<T> {
  items: T[];
  next: string | null;
}

export interface Thread {
  id: string;
  title: string;
  created_at: string;
  updated_at: string;
}

export type RunStatus = "queued" | "running" | "finished" | "failed" | "cancelled";

export interface Run {
  id: string;
  thread_id: string;
  status: RunStatus;
  prompt: string;
  dataset?: string | null;
  created_at: string;
  started_at?: string | null;
  finished_at?: string | null;
  reason?: string | null;
  report_id?: string | null;
  last_seq: number;
  queue?: { ahead: number } | null; // while it waits
  steps?: { name: string; started_at: string; finished_at?: string | null; duration_us?: number }[];
  agents?: { name: string; started_at: string; finished_at?: string | null }[];
  tool_calls?: { id: string; name: string; started_at: string; finished_at?: string | null }[];
}

/** Every fact of a report derived again. */
export interface Recomputation {
  facts: number;
  different: number;
  missing: number;
  differences: { id: string; in_report: string; again: string }[];
}

export interface ImportReport {
  format?: string;
  convention?: string;
  is_gzip?: boolean;
  rows_read?: number;
  rows_accepted?: number;
  rows_merged?: number;
  rows_rejected?: number;
  columns?: { field: string; column: string; is_constant?: boolean; is_mapped?: boolean }[];
  unused?: string[];
  rejects?: { row: number; reason: string }[];
  notes?: string[];
}

export interface Dataset {
  id: string;
  name: string;
  status: "importing" | "ready" | "failed";
  bytes: number;
  records: number;
  rejected: number;
  from?: string | null;
  to?: string | null;
  reason?: string | null;
  created_at: string;
  import?: (ImportReport & { import?: ImportReport }) | null;
}

/** Which models take part, what they are told, and what would be sent. */
export interface Settings {
  models: {
    chain: {
      provider: string;
      model: string;
      wire: string;
      url: string;
      has_key: boolean;
      breaker: "closed" | "open" | "half_open";
      attempts: number;
      answered: number;
      last_failure?: string;
    }[];
    limits: Record<string, number>;
    tokens_per_run_max: number;
  };
  prompts: { name: string; id: string; text: string }[];
  never_sent: string[];
  requests: { purpose: string; prompt: string; text: string }[];
}

export interface ReportActivity {
  reportId: string;
  url: string;
  type?: string;
  summary?: string[];
  formats?: string[];
}

interface EventBase {
  runId: string;
  seq: number;
  timestamp: number; // ms
}

/** An event of a run's log (AG-UI 1.0). */
export type RunEvent = EventBase &
  (
    | { type: "RUN_STARTED"; threadId: string }
    | { type: "STEP_STARTED"; stepName: string }
    | { type: "STEP_FINISHED"; stepName: string; durationUs?: number; deliveredTo?: number }
    | { type: "STATE_SNAPSHOT"; snapshot: { text?: string; interpretation?: unknown; by?: string } }
    | { type: "CUSTOM"; name: string; value?: unknown }
    | { type: "SUBAGENT_STARTED"; subagentRunId: string; name: string }
    | { type: "SUBAGENT_FINISHED"; subagentRunId: string }
    | { type: "SUBAGENT_ERROR"; subagentRunId: string; message?: string }
    | {
        type: "TOOL_CALL_START";
        toolCallId: string;
        toolCallName: string;
        subagentRunId?: string;
      }
    | { type: "TOOL_CALL_ARGS"; toolCallId: string; delta: string }
    | { type: "TOOL_CALL_END"; toolCallId: string }
    | { type: "TOOL_CALL_RESULT"; toolCallId: string; content: string }
    | { type: "TEXT_MESSAGE_START"; messageId: string }
    | { type: "TEXT_MESSAGE_CONTENT"; messageId: string; delta: string }
    | { type: "TEXT_MESSAGE_END"; messageId: string }
    | { type: "ACTIVITY_SNAPSHOT"; activityType: string; content: ReportActivity }
    | {
        type: "RUN_FINISHED";
        outcome?: { type: string };
        result?: { reportId?: string };
      }
    | { type: "RUN_ERROR"; message: string; code?: string }
  );

/** What comes over the WebSocket without a number: answers to what the client sent. */
export interface CustomEvent {
  type: "CUSTOM";
  seq?: undefined;
  name: string;
  value?: { problem?: Problem; inReplyTo?: string; runId?: string; ahead?: number };
}
