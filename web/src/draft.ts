// SPDX-License-Identifier: Apache-2.0
//
// The question that is being written, kept for this tab until it is asked: it survives a reload and
// a sign-in elsewhere. It is given back to who wrote it only, and forgotten when they sign out.

const PLACE = "netra.draft";

export function keepDraft(userId: string | undefined, text: string): void {
  try {
    if (text === "") window.sessionStorage.removeItem(PLACE);
    else window.sessionStorage.setItem(PLACE, JSON.stringify({ userId, text }));
  } catch {
    // No storage, or it is full: the draft lives as long as the page.
  }
}

export function keptDraft(userId: string | undefined): string {
  try {
    const kept = JSON.parse(window.sessionStorage.getItem(PLACE) ?? "{}") as { userId?: string; text?: string };
    return kept.userId === userId && typeof kept.text === "string" ? kept.text : "";
  } catch {
    return "";
  }
}

export function forgetDraft(): void {
  keepDraft(undefined, "");
}
