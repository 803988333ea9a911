// SPDX-License-Identifier: Apache-2.0
//
// A report that the page has read as text, for a frame of the page's own origin. Such a frame has the
// page's content security policy, which allows no inline styles; so the report's style sheets are
// taken out of the text and given to the frame's document as objects, which the policy allows:
// whatever else is in the text stays without effect.

export interface ReportText {
  html: string; // without styles
  styles: string[];
}

const STYLE_KEPT = "data-style"; // what a style attribute said

export function reportText(html: string): ReportText {
  const report = new DOMParser().parseFromString(html, "text/html");
  const styles: string[] = [];
  for (const element of report.querySelectorAll("style")) {
    styles.push(element.textContent ?? "");
    element.remove();
  }
  for (const element of report.querySelectorAll("[style]")) {
    element.setAttribute(STYLE_KEPT, element.getAttribute("style") ?? "");
    element.removeAttribute("style");
  }
  return { html: `<!doctype html>${report.documentElement.outerHTML}`, styles };
}

/** The frame's document gets what reportText took out. */
export function adoptStyles(report: Document, styles: string[]): void {
  const frame = report.defaultView;
  if (!frame) return;
  report.adoptedStyleSheets = styles.map((text) => {
    const sheet = new (frame as unknown as typeof globalThis).CSSStyleSheet();
    sheet.replaceSync(text);
    return sheet;
  });
  for (const element of report.querySelectorAll<HTMLElement>(`[${STYLE_KEPT}]`)) {
    element.style.cssText = element.getAttribute(STYLE_KEPT) ?? "";
  }
}
